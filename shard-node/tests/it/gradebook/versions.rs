//! Of two who change one grade one is refused, and nothing is lost.

use serde_json::json;

use super::{Book, patch};

#[tokio::test]
async fn of_two_instructors_who_edit_one_grade_one_gets_412_and_loses_nothing() {
    let book = Book::open(1).await;
    let essay = book.assessment("Essay", 100).await;
    let grade = book.score(essay, book.students[0], "50").await;
    let (first, second) = (book.instructor(true).await, book.instructor(true).await);
    let (one, other) = futures::future::join(
        patch(&first, grade, 1, json!({"score": "61", "reason": "second marking"})),
        patch(&second, grade, 1, json!({"score": "72"})),
    )
    .await;
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
    let (won, lost, again) =
        if one.status == 200 { (one, other, "72") } else { (other, one, "61") };
    assert_eq!(lost.code(), "version-mismatch");
    let after = book.grade(grade).await;
    assert_eq!((&after["score"], &after["rowVersion"]), (&won.body["score"], &json!(2)));
    // Who was refused reads it, and then changes what is there now.
    let third = patch(&second, grade, 2, json!({"score": again})).await.expect(200);
    assert_eq!(third.headers["etag"], "\"3\"");
    let history = book.school.admin.get(&format!("/v1/grades/{grade}/history")).await.expect(200);
    let items = history.body["items"].as_array().expect("items");
    let told = |at: usize| {
        let event = &items[at];
        let scores = (event["before"]["score"].clone(), event["after"]["score"].clone());
        (event["kind"].clone(), scores, event["gradeVersion"].clone())
    };
    assert_eq!(items.len(), 3);
    assert_eq!(told(0), (json!("GIVEN"), (json!(null), json!("50")), json!(1)));
    assert_eq!(told(1), (json!("CHANGED"), (json!("50"), won.body["score"].clone()), json!(2)));
    assert_eq!(told(2), (json!("CHANGED"), (won.body["score"].clone(), json!(again)), json!(3)));
    assert_ne!(items[0]["actorId"], items[1]["actorId"]);
    book.school.close().await;
}

#[tokio::test]
async fn a_change_without_a_version_is_refused_alone_and_in_bulk() {
    let book = Book::open(1).await;
    let essay = book.assessment("Essay", 100).await;
    let grade = book.score(essay, book.students[0], "50").await;
    let path = format!("/v1/grades/{grade}");
    let refused = book.school.patch(&path, json!({"score": "60"})).await.expect(428);
    assert_eq!(refused.code(), "if-match-required");
    let row = json!({"studentId": book.students[0], "assessmentId": essay, "score": "60"});
    let answer = book.give(json!([row])).await.expect(200);
    assert_eq!(
        (super::statuses(&answer), super::codes(&answer)),
        (vec![428], vec!["if-match-required"])
    );
    let pointer = &answer.body["items"][0]["error"]["errors"][0]["pointer"];
    assert_eq!(pointer, "/items/0/rowVersion");
    assert_eq!(book.grade(grade).await["score"], "50");
    book.school.close().await;
}

#[tokio::test]
async fn a_grade_is_exempted_cleared_and_given_a_remark() {
    let book = Book::open(1).await;
    let essay = book.assessment("Essay", 100).await;
    let admin = &book.school.admin;
    let grade = book.score(essay, book.students[0], "50").await;
    let exempt =
        patch(admin, grade, 1, json!({"state": "EXEMPT", "reason": "ill"})).await.expect(200);
    assert_eq!((&exempt.body["state"], &exempt.body["score"]), (&json!("EXEMPT"), &json!(null)));
    let noted = patch(admin, grade, 2, json!({"note": "letter of 3 May"})).await.expect(200);
    assert_eq!(
        (&noted.body["state"], &noted.body["note"]),
        (&json!("EXEMPT"), &json!("letter of 3 May"))
    );
    let scored = patch(admin, grade, 3, json!({"score": "70.25"})).await.expect(200);
    assert_eq!((&scored.body["state"], &scored.body["score"]), (&json!("GRADED"), &json!("70.25")));
    assert_eq!(scored.body["note"], "letter of 3 May");
    let cleared = patch(admin, grade, 4, json!({"score": null, "note": null})).await.expect(200);
    assert_eq!(
        (&cleared.body["state"], &cleared.body["gradedAt"]),
        (&json!("UNGRADED"), &json!(null))
    );
    let same = patch(admin, grade, 5, json!({"state": "UNGRADED"})).await.expect(200);
    assert_eq!(same.body["rowVersion"], 5);
    for (body, pointer) in [
        (json!({"score": "100.5"}), "/score"),
        (json!({"score": "1", "state": "EXEMPT"}), "/score"),
        (json!({"score": "10", "lateDeduction": "11"}), "/lateDeduction"),
    ] {
        let refused = patch(admin, grade, 5, body).await.expect(400);
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{}", refused.body);
    }
    book.school.close().await;
}
