//! Jobs as people see them: shown, tried again, cancelled, gone after a while.

use std::sync::Arc;

use serde_json::json;
use service_kit::token::Role;
use shard_node::jobs::{Handler, JobSettings};
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::{Desk, eventually, mark, marks, pass};

#[tokio::test]
async fn jobs_are_listed_shown_and_for_admins_alone() {
    let desk = Desk::open(|| vec![marks("A"), marks("B")]).await;
    let columns = "state, finished_at, last_error, payload";
    let secret = "'FAILED', now(), 'why', '{\"mail\": \"somebody\"}'";
    let insert = format!(
        "INSERT INTO jobs (institution_id, id, type, {columns})
         SELECT '{}', gen_random_uuid(), 'A', {secret} FROM generate_series(1, 3)",
        desk.institution
    );
    desk.run(&insert).await;
    desk.insert("B", 2).await;
    desk.until_all("B", "DONE", 2).await;
    let failed = desk.admin.get("/v1/jobs?state=FAILED&sort=-createdAt").await.expect(200).body;
    assert_eq!((&failed["total"], &failed["items"][0]["type"]), (&json!(3), &json!("A")));
    assert_eq!(desk.admin.get("/v1/jobs?type=B").await.expect(200).body["total"], 2);
    desk.admin.get("/v1/jobs?state=LOST").await.expect(400);
    let id = failed["items"][0]["id"].as_str().expect("an id");
    let shown = desk.admin.get(&format!("/v1/jobs/{id}")).await.expect(200).body;
    assert_eq!((&shown["state"], &shown["lastError"]), (&json!("FAILED"), &json!("why")));
    assert!(!shown.to_string().contains("somebody"), "{shown}");
    desk.admin.get(&format!("/v1/jobs/{}", Uuid::now_v7())).await.expect(404);
    for role in [Role::Staff, Role::Instructor, Role::Student, Role::ApiClient] {
        let other = desk.served.client(desk.institution, role, None);
        other.get("/v1/jobs").await.expect(403);
        other.get(&format!("/v1/jobs/{id}")).await.expect(403);
        other.post(&format!("/v1/jobs/{id}:retry"), json!({})).await.expect(403);
        other.post("/v1/jobs:retryFailed", json!({})).await.expect(403);
    }
    desk.close().await;
}

#[tokio::test]
async fn a_job_goes_only_where_its_state_allows() {
    let desk = Desk::open(|| vec![marks("A")]).await;
    let later = "now() + interval '1 hour'";
    let queued = desk.insert_with(desk.institution, "A", 1, "run_at", later).await[0];
    let path = |verb: &str| format!("/v1/jobs/{queued}:{verb}");
    let refused = desk.admin.post(&path("retry"), json!({})).await.expect(409);
    assert_eq!(refused.code(), "illegal-transition");
    assert_eq!(
        (&refused.body["from"], &refused.body["allowed"]),
        (&json!("QUEUED"), &json!(["CANCELLED"]))
    );
    let cancelled = desk.admin.post(&path("cancel"), json!({})).await.expect(200).body;
    assert_eq!(cancelled["state"], "CANCELLED");
    let refused = desk.admin.post(&path("cancel"), json!({})).await.expect(409);
    assert_eq!(refused.body["allowed"], json!(["QUEUED"]));
    let queued = desk.admin.post(&path("retry"), json!({})).await.expect(200).body;
    assert_eq!((&queued["state"], &queued["attempts"]), (&json!("QUEUED"), &json!(0)));
    desk.until_all("A", "DONE", 1).await;
    let refused = desk.admin.post(&path("cancel"), json!({})).await.expect(409);
    assert_eq!(refused.body["allowed"], json!([]));
    desk.close().await;
}

/// With a key it is held, and who cancels it does not wait; its effect is undone all the same.
#[tokio::test]
async fn of_a_job_that_is_cancelled_while_it_runs_nothing_stays() {
    let gate = Arc::new(Semaphore::new(0));
    let at_gate = gate.clone();
    let desk = Desk::open(move || {
        let gate = at_gate.clone();
        vec![Handler::effect("GATED", move |work, job| {
            let gate = gate.clone();
            Box::pin(async move {
                mark(work, job).await?;
                pass(Some(&gate)).await;
                Ok(())
            })
        })]
    })
    .await;
    let job = desk.insert_with(desk.institution, "GATED", 1, "unique_key", "'k'").await[0];
    desk.until_all("GATED", "RUNNING", 1).await;
    desk.admin.post(&format!("/v1/jobs/{job}:cancel"), json!({})).await.expect(200);
    gate.add_permits(1);
    let ended = r#"lxp_jobs_ended_total{outcome="lost",type="GATED"} 1"#;
    eventually("its worker has found out", async || {
        desk.served.node.metrics.render().contains(ended)
    })
    .await;
    desk.until_all("GATED", "CANCELLED", 1).await;
    desk.expect_once(&[]).await;
    desk.close().await;
}

#[tokio::test]
async fn what_is_done_is_gone_after_a_while_and_what_failed_stays() {
    let settings = JobSettings { keep_done_h: 0, ..JobSettings::default() };
    let desk = Desk::open_with(settings, || {
        let fails = Handler::effect("FAILS", |_, _| {
            Box::pin(async { Err(shard_node::jobs::Failure::fail("no")) })
        });
        vec![marks("DONE"), fails]
    })
    .await;
    let done = desk.insert("DONE", 30).await;
    let failed = desk.insert("FAILS", 1).await;
    let old = "state, keep_until";
    desk.insert_with(desk.institution, "OLD", 2_500, old, "'CANCELLED', now() - interval '1 hour'")
        .await;
    eventually("they are gone", async || {
        desk.states("DONE").await.is_empty() && desk.states("OLD").await.is_empty()
    })
    .await;
    desk.expect_once(&done).await;
    assert_eq!(desk.job(failed[0]).await["state"], "FAILED");
    desk.close().await;
}
