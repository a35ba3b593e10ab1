//! An institution's attendance codes: what of them may change once marks have them.

use serde_json::json;

use super::{Taught, today};

#[tokio::test]
async fn a_code_that_is_used_counts_as_it_did() {
    let taught = Taught::open(2).await;
    let admin = &taught.school.admin;
    let half = json!({"code": "HALF", "name": "Half", "countsAs": 0.5});
    let half_id = admin.post("/v1/attendance-codes", half.clone()).await.expect(201).id();
    assert_eq!(admin.post("/v1/attendance-codes", half).await.expect(409).code(), "code-taken");
    let path = format!("/v1/attendance-codes/{half_id}");
    let changed =
        taught.school.patch(&path, json!({"countsAs": 0.25, "name": "Quarter"})).await.expect(200);
    assert_eq!(changed.body["countsAs"], 0.25);
    taught.school.patch(&path, json!({"countsAs": 1.5})).await.expect(400);
    taught.mark(&[(taught.students[0], "HALF")]).await.expect(200);
    taught.until_stats(today(), |stats| stats["rate"] == 0.25).await;
    let refused = taught.school.patch(&path, json!({"countsAs": null})).await.expect(409);
    assert_eq!(refused.code(), "code-in-use");
    taught.school.patch(&path, json!({"name": "Renamed"})).await.expect(200);
    assert_eq!(taught.school.delete(&path).await.expect(409).code(), "in-use");
    let listed = admin.get("/v1/attendance-codes?code=PRESENT").await.expect(200);
    let present = listed.body["items"][0]["id"].as_str().expect("an id").to_owned();
    let refused =
        taught.school.delete(&format!("/v1/attendance-codes/{present}")).await.expect(409);
    assert_eq!(refused.code(), "code-needed");
    taught.school.close().await;
}
