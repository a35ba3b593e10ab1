//! Marks in bulk: who may be marked and on which day, what a repeated mark does, and that remarks are in no event.

use chrono::Days;
use serde_json::json;
use uuid::Uuid;

use super::{Taught, today};
use crate::support::api::Answer;

fn statuses(answer: &Answer) -> Vec<i64> {
    let rows = answer.body["items"].as_array().expect("rows").iter();
    rows.map(|row| row["status"].as_i64().expect("a status")).collect()
}

fn codes(answer: &Answer) -> Vec<&str> {
    let rows = answer.body["items"].as_array().expect("rows").iter();
    rows.map(|row| row["error"]["code"].as_str().unwrap_or_default()).collect()
}

#[tokio::test]
async fn what_is_remarked_of_a_student_is_in_no_event() {
    let taught = Taught::open(2).await;
    let remark = "cried in the corridor";
    for note in [remark, "cried in the corridor again"] {
        let items = json!([{"studentId": taught.students[0], "code": "PRESENT", "note": note}]);
        taught
            .school
            .admin
            .post(&taught.path("/records:bulk"), json!({"items": items}))
            .await
            .expect(200);
    }
    let listed = taught.school.admin.get(&taught.path("/records")).await.expect(200);
    assert_eq!(listed.body["items"][0]["note"], "cried in the corridor again");
    let events = "SELECT count(*) FROM outbox_events WHERE type LIKE 'ATTENDANCE_RECORD_%'";
    assert_eq!(taught.school.count(events).await, 2);
    let told = "SELECT count(*) FROM outbox_events WHERE payload::text LIKE '%cried%'";
    assert_eq!(taught.school.count(told).await, 0);
    taught.school.close().await;
}

#[tokio::test]
async fn marks_stand_for_themselves_and_repeat_without_doubling() {
    let taught = Taught::open(4).await;
    let s = &taught.students;
    let marks = [
        (s[0], "PRESENT"),
        (s[1], "ABSENT"),
        (s[2], "NOPE"),
        (s[3], "PRESENT"),
        (Uuid::now_v7(), "PRESENT"),
        (s[0], "ABSENT"),
    ];
    let first = taught.mark(&marks).await.expect(200);
    assert_eq!(statuses(&first), [201, 201, 422, 422, 404, 409]);
    let expected = ["", "", "code-unknown", "not-enrolled", "not-found", "student-repeated"];
    assert_eq!(codes(&first), expected);
    let pointer = &first.body["items"][2]["error"]["errors"][0]["pointer"];
    assert_eq!(pointer, "/items/2/code");
    let again = taught.mark(&[(s[0], "PRESENT"), (s[1], "LATE")]).await.expect(200);
    assert_eq!(statuses(&again), [200, 200]);
    assert_eq!(again.body["items"][0]["id"], first.body["items"][0]["id"]);

    let listed = taught.school.admin.get(&taught.path("/records?sort=createdAt")).await.expect(200);
    let versions: Vec<_> = listed.body["items"]
        .as_array()
        .expect("records")
        .iter()
        .map(|record| (record["code"].clone(), record["rowVersion"].clone()))
        .collect();
    assert_eq!(versions, [(json!("PRESENT"), json!(1)), (json!("LATE"), json!(2))]);
    let events = "SELECT count(*) FROM outbox_events WHERE type LIKE 'ATTENDANCE_RECORD_%'";
    assert_eq!(taught.school.count(events).await, 3, "one for each that changed");

    let items =
        json!([{"studentId": s[0], "code": "ABSENT"}, {"studentId": s[3], "code": "ABSENT"}]);
    let atomic = json!({"atomic": true, "items": items});
    let refused = taught.school.admin.post(&taught.path("/records:bulk"), atomic).await.expect(422);
    assert_eq!(refused.code(), "bulk-refused");
    let kept = taught.school.admin.get(&taught.path(&format!("/records?studentId={}", s[0]))).await;
    assert_eq!(kept.expect(200).body["items"][0]["code"], "PRESENT");
    taught.school.close().await;
}

#[tokio::test]
async fn only_who_was_in_the_class_on_the_day_is_marked() {
    let mut taught = Taught::open(2).await;
    let student = taught.students[0];
    let path = format!("/v1/enrollments?studentId={student}");
    let enrollment =
        taught.school.admin.get(&path).await.expect(200).body["items"][0]["id"].clone();
    let path = format!("/v1/enrollments/{}:drop", enrollment.as_str().expect("an id"));
    let left = json!({"effectiveDate": today() - Days::new(10)});
    taught.school.admin.post(&path, left).await.expect(200);
    for (back, status) in [(31, 422), (30, 201), (11, 201), (10, 422), (0, 422)] {
        if back > 0 {
            taught.session = taught.session_on(today() - Days::new(back)).await;
        } else {
            let path = format!("/v1/classes/{}/attendance-sessions?date={}", taught.class, today());
            let there =
                taught.school.admin.get(&path).await.expect(200).body["items"][0]["id"].clone();
            taught.session = there.as_str().and_then(|id| id.parse().ok()).expect("an id");
        }
        let marked = taught.mark(&[(student, "PRESENT")]).await.expect(200);
        assert_eq!(statuses(&marked), [status], "{back} days ago");
    }
    taught.school.close().await;
}
