//! Which job comes first, and which not yet.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use shard_node::jobs::{Handler, JobSettings};
use uuid::Uuid;

use super::{Desk, eventually};

type Notes = Arc<Mutex<Vec<Uuid>>>;

fn notes(kind: &'static str, notes: &Notes) -> Handler {
    let notes = notes.clone();
    Handler::effect(kind, move |_, job| {
        notes.lock().expect("no panic").push(job.id);
        Box::pin(async { Ok(()) })
    })
}

/// A node that does one job of a type in an institution after the other.
fn one_by_one() -> JobSettings {
    JobSettings { at_once: 4, batch: 1, ..JobSettings::default() }
}

#[tokio::test]
async fn the_higher_priority_first_then_the_first_due() {
    let seen = Notes::default();
    let into = seen.clone();
    let desk = Desk::open_with(one_by_one(), move || vec![notes("ORDERED", &into)]).await;
    // Nothing is taken while they are put there: they become visible at once.
    let lots = "WITH low AS (
            INSERT INTO jobs (institution_id, id, type, payload, priority, run_at)
            SELECT $1, gen_random_uuid(), 'ORDERED', '{}', n / 10, now() - n * interval '1 minute'
            FROM generate_series(1, 29) n RETURNING id, priority, run_at)
        SELECT id FROM low ORDER BY priority DESC, run_at";
    let expected: Vec<Uuid> = sqlx::query_scalar(lots)
        .bind(desk.institution.as_uuid())
        .fetch_all(&desk.sql)
        .await
        .expect("queued");
    desk.until_all("ORDERED", "DONE", 29).await;
    assert_eq!(*seen.lock().expect("no panic"), expected);
    desk.close().await;
}

#[tokio::test]
async fn none_begins_before_its_time() {
    let seen = Notes::default();
    let into = seen.clone();
    let desk = Desk::open(move || vec![notes("LATER", &into), notes("NOW", &into)]).await;
    let later = "now() + interval '2 seconds'";
    let later = desk.insert_with(desk.institution, "LATER", 1, "run_at", later).await;
    let now = desk.insert("NOW", 1).await;
    eventually("both were done", async || seen.lock().expect("no panic").len() == 2).await;
    assert_eq!(*seen.lock().expect("no panic"), [now[0], later[0]]);
    desk.until_all("LATER", "DONE", 1).await;
    let early: bool =
        sqlx::query_scalar("SELECT bool_or(finished_at < run_at) FROM jobs WHERE type = 'LATER'")
            .fetch_one(&desk.sql)
            .await
            .expect("an answer");
    assert!(!early);
    desk.close().await;
}

/// No more at once than its handler says, in two institutions, whatever waits.
#[tokio::test]
async fn of_a_type_no_more_run_at_once_than_its_handler_says() {
    let running = Arc::new(Mutex::new((0_usize, 0_usize)));
    let seen = running.clone();
    let settings = JobSettings { batch: 2, ..JobSettings::default() };
    let desk = Desk::open_with(settings, move || {
        let running = seen.clone();
        let narrow = Handler::effect("NARROW", move |_, _| {
            let running = running.clone();
            Box::pin(async move {
                {
                    let mut running = running.lock().expect("no panic");
                    running.0 += 1;
                    running.1 = running.1.max(running.0);
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
                running.lock().expect("no panic").0 -= 1;
                Ok(())
            })
        });
        vec![narrow.at_once(2)]
    })
    .await;
    let other = desk.shard.admit().await;
    for institution in [desk.institution, other] {
        desk.insert_with(institution, "NARROW", 30, "priority", "0").await;
    }
    desk.until_all("NARROW", "DONE", 60).await;
    assert_eq!(running.lock().expect("no panic").1, 2);
    desk.close().await;
}

/// Nor along with others of its type that are due.
#[tokio::test]
async fn none_is_taken_along_before_its_time() {
    let seen = Notes::default();
    let into = seen.clone();
    let desk = Desk::open(move || vec![notes("STEP", &into)]).await;
    // Known to be quick then: they are taken by the batch.
    desk.insert("STEP", 10).await;
    desk.until_all("STEP", "DONE", 10).await;
    let later = "now() + interval '1 hour'";
    let later = desk.insert_with(desk.institution, "STEP", 5, "run_at", later).await;
    desk.insert("STEP", 3).await;
    eventually("the others were done", async || {
        desk.states("STEP").await.get("DONE").is_some_and(|done| *done >= 13)
    })
    .await;
    assert_eq!(desk.states("STEP").await.get("QUEUED"), Some(&5));
    assert!(!seen.lock().expect("no panic").iter().any(|id| later.contains(id)));
    desk.close().await;
}
