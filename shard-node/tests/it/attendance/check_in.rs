//! Students who mark themselves by a code: how long it holds, that it is not guessed, and where it is not kept.

use axum::http::Method;
use serde_json::json;

use super::{Taught, today};

#[tokio::test]
async fn a_student_checks_in_by_the_code_and_is_counted() {
    let taught = Taught::open(3).await;
    let (student, other) =
        (taught.client_of(taught.students[0]).await, taught.client_of(taught.students[2]).await);
    let path = taught.path(":check-in");
    let none = student.post(&path, json!({"code": "123456"})).await.expect(410);
    assert_eq!(none.code(), "code-expired", "no code was made");
    let opened =
        taught.school.admin.post(&taught.path(":openCheckIn"), json!({})).await.expect(200);
    let code = opened.body["code"].as_str().expect("a code").to_owned();
    assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
    other.post(&path, json!({"code": code})).await.expect(403);
    let made = student.post(&path, json!({"code": code})).await.expect(201);
    assert_eq!((&made.body["code"], &made.body["method"]), (&json!("PRESENT"), &json!("CHECK_IN")));
    let again = student.post(&path, json!({"code": "000000"})).await.expect(200);
    assert_eq!(again.id(), made.id(), "who has checked in is told so");
    taught.until_stats(today(), |stats| stats["marked"] == 1).await;
    // The instructor's word counts; checking in does not change it.
    taught.mark(&[(taught.students[1], "ABSENT")]).await.expect(200);
    let late = taught.client_of(taught.students[1]).await;
    assert_eq!(late.post(&path, json!({"code": code})).await.expect(409).code(), "already-marked");
    taught.school.admin.post(&path, json!({"code": code})).await.expect(403);
    taught.school.close().await;
}

#[tokio::test]
async fn a_code_is_over_at_its_end_and_where_another_was_made() {
    let taught = Taught::open(2).await;
    let student = taught.client_of(taught.students[0]).await;
    let open = async || {
        let path = taught.path(":openCheckIn");
        let opened = taught.school.admin.post(&path, json!({"validForS": 30}));
        opened.await.expect(200).body["code"].as_str().expect("a code").to_owned()
    };
    let path = taught.path(":check-in");
    let mut codes = [open().await, open().await];
    while codes[0] == codes[1] {
        codes[1] = open().await;
    }
    assert_eq!(
        student.post(&path, json!({"code": codes[0]})).await.expect(422).code(),
        "code-wrong"
    );
    let pool = taught.school.shard.pool("postgres", 1);
    let age = "UPDATE attendance_sessions SET check_in_until = now() - interval '1 s'";
    sqlx::query(age).execute(&pool).await.expect("aged");
    assert_eq!(
        student.post(&path, json!({"code": codes[1]})).await.expect(410).code(),
        "code-expired"
    );
    let code = open().await;
    student.post(&path, json!({"code": code})).await.expect(201);
    let kept = "SELECT count(*) FROM attendance_sessions WHERE octet_length(check_in_hash) <> 32";
    assert_eq!(taught.school.count(kept).await, 0);
    taught.school.close().await;
}

/// Five tries, at once or one after the other, with a key or without: then even the right code is refused.
#[tokio::test]
async fn a_code_is_not_guessed() {
    let taught = Taught::open(3).await;
    let opened =
        taught.school.admin.post(&taught.path(":openCheckIn"), json!({})).await.expect(200);
    let right = opened.body["code"].as_str().expect("a code").to_owned();
    let number: u32 = right.parse().expect("a number");
    let wrong = |offset: u32| format!("{:06}", (number + offset) % 1_000_000);
    let path = taught.path(":check-in");
    let student = taught.client_of(taught.students[0]).await;
    let guesses = (1..=20).map(|offset| {
        let (student, path, body) = (&student, &path, json!({"code": wrong(offset)}));
        let key = format!("guess-{offset}");
        async move {
            let headers = [("idempotency-key", key.as_str())];
            student.send(Method::POST, path, Some(body), &headers).await.status.as_u16()
        }
    });
    let mut answers = futures::future::join_all(guesses).await;
    answers.sort_unstable();
    let (told, over): (Vec<u16>, Vec<u16>) = answers.into_iter().partition(|status| *status == 422);
    assert_eq!(told.len(), 4, "and the fifth is told that it was the last");
    assert_eq!(over, [429; 16]);
    let refused = student.post(&path, json!({"code": right})).await.expect(429);
    assert_eq!(refused.code(), "too-many-tries");
    // Nobody else is locked out, and a new code is a new beginning.
    let neighbour = taught.client_of(taught.students[1]).await;
    neighbour.post(&path, json!({"code": right})).await.expect(201);
    let opened =
        taught.school.admin.post(&taught.path(":openCheckIn"), json!({})).await.expect(200);
    student.post(&path, json!({"code": opened.body["code"]})).await.expect(201);
    let keys = "SELECT count(*) FROM idempotency_keys WHERE answer IS NULL OR answer::text LIKE '%expiresAt%'";
    assert_eq!(taught.school.count(keys).await, 0, "a key waits for ever, or keeps a code");
    taught.school.close().await;
}

#[tokio::test]
async fn a_code_is_kept_under_no_key() {
    let taught = Taught::open(2).await;
    let key = [("idempotency-key", "open-once")];
    let path = taught.path(":openCheckIn");
    let open = || taught.school.admin.send(Method::POST, &path, Some(json!({})), &key);
    let first = open().await.expect(200);
    let second = open().await.expect(200);
    assert_ne!(first.body["expiresAt"], second.body["expiresAt"]);
    assert_eq!(taught.school.count("SELECT count(*) FROM idempotency_keys").await, 0);
    taught.school.close().await;
}
