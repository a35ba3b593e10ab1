//! Seats that are offered to those who wait: taken, let go, or passed on when their time is up.

use axum::http::Method;
use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use serde_json::{Value, json};
use service_kit::clock;
use service_kit::token::Role;
use uuid::Uuid;

use crate::support::school::{HELD, School, TAKEN};

const PROGRESS: &str = "SELECT count(*) FROM progress_tracking";

/// Every offer ends now, and the jobs that end them are due.
const TIME_IS_UP: &str = "WITH offers AS (
        UPDATE enrollments SET offer_expires_at = now() - interval '1 second' WHERE status = 'OFFERED' RETURNING id)
    UPDATE jobs SET run_at = now() FROM offers WHERE type = 'OFFER_EXPIRED' AND unique_key = offers.id::text
        AND state = 'QUEUED'";

impl School {
    /// A class that offers its free seats for a day.
    async fn offering_class(&self, capacity: u32, waitlist: u32) -> Uuid {
        let (course, term) = self.course_and_term().await;
        let class = json!({"courseId": course, "termId": term, "code": "CS101-A", "capacity": capacity,
            "waitlistCapacity": waitlist, "offerHours": 24});
        self.admin.post("/v1/classes", class).await.expect(201).id()
    }

    async fn until_status(&self, enrollment: Uuid, wanted: &str) {
        let began = std::time::Instant::now();
        loop {
            let status = self.status(enrollment).await;
            if status == wanted {
                return;
            }
            assert!(began.elapsed().as_secs() < 60, "{enrollment} is {status}, not {wanted}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// Seats are counted as they are held.
    async fn expect_true_seats(&self, held: i64) {
        assert_eq!((self.count(TAKEN).await, self.count(HELD).await), (held, held));
    }
}

/// One in, so many who wait; their enrolments.
async fn full(school: &School, waiting: u32) -> (Uuid, Vec<Uuid>, Vec<Uuid>) {
    let class = school.offering_class(1, 10).await;
    let students = school.students(waiting + 1).await;
    let mut enrolled = Vec::new();
    for student in &students {
        enrolled.push(school.enroll(class, *student, "waitlist").await.id());
    }
    (class, students, enrolled)
}

async fn user_of(school: &School, student: Uuid) -> Uuid {
    let student = school.admin.get(&format!("/v1/students/{student}")).await.expect(200);
    student.body["userId"].as_str().and_then(|id| id.parse().ok()).expect("a user")
}

#[tokio::test]
async fn a_free_seat_is_offered_held_and_taken_by_who_it_is_for() {
    let school = School::open_working(None).await;
    let (class, students, enrolled) = full(&school, 2).await;
    school.act(enrolled[0], "drop", json!({})).await.expect(200);
    let offer = school.admin.get(&format!("/v1/enrollments/{}", enrolled[1])).await.expect(200);
    assert_eq!(offer.body["status"], "OFFERED");
    let until: DateTime<Utc> =
        offer.body["offerExpiresAt"].as_str().and_then(|at| at.parse().ok()).expect("an end");
    let left = until - clock::now();
    assert!(left > TimeDelta::hours(23) && left <= TimeDelta::hours(24), "{left}");
    school.expect_true_seats(1).await;
    assert_eq!(school.count(PROGRESS).await, 1, "progress begins with the seat's being taken");
    assert_eq!(school.status(enrolled[2]).await, "WAITLISTED");
    let again = school.enroll(class, students[1], "reject").await.expect(200);
    assert_eq!(again.id(), enrolled[1]);

    let accept = format!("/v1/enrollments/{}:acceptOffer", enrolled[1]);
    let other = school.as_user(Role::Student, user_of(&school, students[2]).await);
    other.post(&accept, json!({})).await.expect(403);
    school.as_user(Role::Instructor, Uuid::now_v7()).post(&accept, json!({})).await.expect(403);
    let waits = school.act(enrolled[2], "acceptOffer", json!({})).await.expect(409);
    assert_eq!(waits.code(), "illegal-transition");
    let own = school.as_user(Role::Student, user_of(&school, students[1]).await);
    let taken = own.post(&accept, json!({})).await.expect(200);
    assert_eq!(
        (&taken.body["status"], &taken.body["offerExpiresAt"]),
        (&json!("ACTIVE"), &Value::Null)
    );
    school.expect_true_seats(1).await;
    assert_eq!(school.count(PROGRESS).await, 2);

    // Its job comes to an end without an effect.
    school.run("UPDATE jobs SET run_at = now() WHERE type = 'OFFER_EXPIRED'").await;
    school
        .until("SELECT count(*) FROM jobs WHERE type = 'OFFER_EXPIRED' AND state = 'DONE'", 1)
        .await;
    assert_eq!(school.status(enrolled[1]).await, "ACTIVE");
    school.until_idle().await;
    let told: Vec<String> = sqlx::query_scalar(
        "SELECT type FROM notifications n JOIN students s
            ON s.user_id = n.user_id WHERE s.id = $1 ORDER BY type",
    )
    .bind(students[1])
    .fetch_all(&school.shard.pool("postgres", 1))
    .await
    .expect("notifications");
    assert!(told.contains(&"STUDENT_ENROLLED".to_owned()), "{told:?}");
    school.close().await;
}

#[tokio::test]
async fn an_offer_that_nobody_takes_ends_and_is_passed_on() {
    let school = School::open_working(None).await;
    let (_, students, enrolled) = full(&school, 3).await;
    school.act(enrolled[0], "drop", json!({})).await.expect(200);
    school.until("SELECT count(*) FROM notifications WHERE type = 'SEAT_OFFERED'", 1).await;
    for at in [1, 2] {
        assert_eq!(school.status(enrolled[at]).await, "OFFERED");
        school.run(TIME_IS_UP).await;
        school.until_status(enrolled[at], "EXPIRED").await;
        school.expect_true_seats(1).await;
        let late = school.act(enrolled[at], "acceptOffer", json!({})).await.expect(409);
        assert_eq!(late.code(), "illegal-transition");
    }
    assert_eq!(school.status(enrolled[3]).await, "OFFERED");
    school.run(TIME_IS_UP).await;
    school.until_status(enrolled[3], "EXPIRED").await;
    school.expect_true_seats(0).await;
    // Of each offer: its events, who was told of it, and nobody as who ended it.
    let rows: Vec<(String, Option<Uuid>)> = sqlx::query_as(
        "SELECT to_status, actor_id FROM enrollment_events WHERE enrollment_id = $1 ORDER BY id",
    )
    .bind(enrolled[1])
    .fetch_all(&school.shard.pool("postgres", 1))
    .await
    .expect("events");
    let states: Vec<_> = rows.iter().map(|(state, _)| state.as_str()).collect();
    assert_eq!(states, ["WAITLISTED", "OFFERED", "EXPIRED"]);
    assert_eq!((rows[1].1.is_some(), rows[2].1), (true, None));
    school.until("SELECT count(*) FROM notifications WHERE type = 'OFFER_EXPIRED'", 3).await;
    let events = "SELECT count(*) FROM outbox_events WHERE type IN ('ENROLLMENT_OFFERED', 'ENROLLMENT_EXPIRED')";
    assert_eq!(school.count(events).await, 6);
    // Who let an offer go may try again.
    let class =
        school.admin.get(&format!("/v1/enrollments/{}", enrolled[1])).await.body["classId"].clone();
    let class = class.as_str().and_then(|id| id.parse().ok()).expect("a class");
    school.enroll(class, students[1], "reject").await.expect(201);
    school.close().await;
}

#[tokio::test]
async fn an_offer_is_let_go_and_passed_on_at_once() {
    let school = School::open_working(None).await;
    let (_, _, enrolled) = full(&school, 2).await;
    school.act(enrolled[0], "drop", json!({})).await.expect(200);
    let gone = school.act(enrolled[1], "decline", json!({})).await.expect(200);
    assert_eq!(gone.body["status"], "EXPIRED");
    assert_eq!(school.status(enrolled[2]).await, "OFFERED");
    school.expect_true_seats(1).await;
    let declined = "SELECT count(*) FROM enrollment_events WHERE to_status = 'EXPIRED' AND reason = 'declined'";
    assert_eq!(school.count(declined).await, 1);
    school.close().await;
}

#[tokio::test]
async fn an_offer_whose_time_is_up_is_not_taken_nor_one_of_a_class_that_is_over() {
    let school = School::open_working(None).await;
    let (class, _, enrolled) = full(&school, 1).await;
    school.act(enrolled[0], "drop", json!({})).await.expect(200);
    let change = async |body: Value| {
        let path = format!("/v1/classes/{class}");
        school.admin.send(Method::PATCH, &path, Some(body), &[("if-match", "*")]).await.expect(200)
    };
    change(json!({"status": "CANCELLED"})).await;
    let closed = school.act(enrolled[1], "acceptOffer", json!({})).await.expect(409);
    assert_eq!(closed.code(), "class-not-open");
    change(json!({"status": "ACTIVE", "offerHours": null})).await;
    assert_eq!(school.status(enrolled[1]).await, "OFFERED", "what is offered stays so");
    // The job that ends it has not come yet.
    school.run("UPDATE enrollments SET offer_expires_at = now() WHERE status = 'OFFERED'").await;
    let late = school.act(enrolled[1], "acceptOffer", json!({})).await.expect(409);
    assert_eq!(late.code(), "offer-expired");
    school.expect_true_seats(1).await;
    school.close().await;
}

/// As where a node's clock is behind the database's.
#[tokio::test]
async fn a_job_that_comes_before_the_offer_ends_waits_for_its_end() {
    let school = School::open_working(None).await;
    let (_, _, enrolled) = full(&school, 1).await;
    school.act(enrolled[0], "drop", json!({})).await.expect(200);
    school.run("UPDATE jobs SET run_at = now() WHERE type = 'OFFER_EXPIRED'").await;
    let waits = "SELECT count(*) FROM jobs j JOIN enrollments e ON e.id::text = j.unique_key
        WHERE j.type = 'OFFER_EXPIRED' AND j.state = 'QUEUED' AND j.attempts = 1
          AND abs(extract(epoch FROM j.run_at - e.offer_expires_at)) < 60";
    school.until(waits, 1).await;
    assert_eq!(school.status(enrolled[1]).await, "OFFERED");
    school.expect_true_seats(1).await;
    school.close().await;
}

/// Both come at the same moment: the class's row says who was first, and the other finds what became of it.
#[tokio::test]
async fn of_acceptance_and_expiry_exactly_one_wins() {
    let school = School::open_working(None).await;
    let class = school.offering_class(12, 20).await;
    let students = school.students(24).await;
    let mut enrolled = Vec::new();
    for student in &students {
        enrolled.push(school.enroll(class, *student, "waitlist").await.id());
    }
    join_all(enrolled[..12].iter().map(|id| school.act(*id, "drop", json!({})))).await;
    school.until("SELECT count(*) FROM enrollments WHERE status = 'OFFERED'", 12).await;
    // Nothing else is due, and they end one after another over the next second.
    school.until_idle().await;
    school
        .run(
            "WITH offers AS (
                 UPDATE enrollments e SET offer_expires_at = now() + n.nth * interval '100 milliseconds'
                 FROM (SELECT id, row_number() OVER (ORDER BY id) AS nth FROM enrollments WHERE status = 'OFFERED') n
                 WHERE e.id = n.id RETURNING e.id, e.offer_expires_at)
             UPDATE jobs SET run_at = offer_expires_at FROM offers
             WHERE type = 'OFFER_EXPIRED' AND unique_key = offers.id::text",
        )
        .await;
    let accepted = join_all(enrolled[12..].iter().enumerate().map(|(nth, id)| {
        let school = &school;
        async move {
            let at = std::time::Duration::from_millis(100 * (nth as u64 + 1));
            tokio::time::sleep(at).await;
            school.act(*id, "acceptOffer", json!({})).await
        }
    }))
    .await;
    school.until("SELECT count(*) FROM enrollments WHERE status = 'OFFERED'", 0).await;
    for (id, answer) in enrolled[12..].iter().zip(&accepted) {
        let status = school.status(*id).await;
        match answer.status.as_u16() {
            200 => assert_eq!(status, "ACTIVE"),
            409 => {
                assert!(
                    matches!(answer.code(), "illegal-transition" | "offer-expired"),
                    "{answer:?}"
                );
                assert_eq!(status, "EXPIRED");
            }
            _ => panic!("{answer:?}"),
        }
    }
    let ends = "SELECT count(*) FROM enrollment_events WHERE from_status = 'OFFERED'";
    assert_eq!(school.count(ends).await, 12, "one end each");
    let active = school.count("SELECT count(*) FROM enrollments WHERE status = 'ACTIVE'").await;
    school.expect_true_seats(active).await;
    school.close().await;
}

/// Enrol, drop, accept, decline and expire at once, on one class: the counter equals the seats at the end.
#[tokio::test]
async fn seats_stay_true_under_offers_that_are_taken_let_go_and_passed_on() {
    let school = School::open_working(None).await;
    let (class, students) = (school.offering_class(8, 100).await, school.students(40).await);
    let enrolled = join_all(students.iter().map(|student| async {
        let made = school.enroll(class, *student, "waitlist").await;
        assert!(matches!(made.status.as_u16(), 201 | 202), "{made:?}");
        made.id()
    }))
    .await;
    for round in 0..3_u128 {
        join_all(enrolled.iter().enumerate().map(|(nth, id)| {
            let school = &school;
            async move {
                // What does not fit where it stands is refused.
                let verb = match (nth as u128 + round) % 4 {
                    0 => "drop",
                    1 => "acceptOffer",
                    2 => "decline",
                    _ => "suspend",
                };
                let answer = school.act(*id, verb, json!({})).await;
                assert!(matches!(answer.status.as_u16(), 200 | 409), "{answer:?}");
            }
        }))
        .await;
        school.run(TIME_IS_UP).await;
        school.until_idle().await;
        let held = school.count(HELD).await;
        school.expect_true_seats(held).await;
        assert!(held <= 8);
    }
    let idle_seat = "SELECT count(*) FROM classes c WHERE seats_taken < capacity AND EXISTS (SELECT FROM enrollments e
         WHERE e.class_id = c.id AND e.status = 'WAITLISTED')";
    assert_eq!(school.count(idle_seat).await, 0, "somebody waits while a seat is free");
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    assert_eq!(school.count(deadlocks).await, 0);
    school.close().await;
}
