//! `If-Match` through HTTP: which versions a change is meant for.

use axum::http::Method;
use serde_json::json;
use uuid::Uuid;

use crate::support::api::Answer;
use crate::support::school::School;

async fn change(school: &School, method: Method, class: Uuid, if_match: Option<&str>) -> Answer {
    let path = format!("/v1/classes/{class}");
    let body = (method == Method::PATCH).then(|| json!({"title": "Changed"}));
    let headers: Vec<_> = if_match.map(|tags| ("if-match", tags)).into_iter().collect();
    school.admin.send(method, &path, body, &headers).await
}

#[tokio::test]
async fn a_class_is_changed_and_deleted_only_at_a_version_that_is_named() {
    let school = School::open().await;
    let class = school.class(1, 0).await;
    for method in [Method::PATCH, Method::DELETE] {
        let none = change(&school, method.clone(), class, None).await.expect(428);
        assert_eq!(none.code(), "if-match-required");
        for other in ["\"abc\"", "\"8\"", "\"8\", \"9\""] {
            let moved = change(&school, method.clone(), class, Some(other)).await.expect(412);
            assert_eq!(moved.code(), "version-mismatch", "{other}");
        }
        let bad = change(&school, method, class, Some("abc")).await.expect(400);
        assert_eq!(bad.code(), "if-match-malformed");
    }
    change(&school, Method::PATCH, class, Some("\"7\", \"1\"")).await.expect(200);
    let changed = change(&school, Method::PATCH, class, Some("*")).await.expect(200);
    assert_eq!(changed.headers["etag"], "\"3\"");
    change(&school, Method::DELETE, class, Some("\"3\"")).await.expect(204);
    change(&school, Method::DELETE, class, Some("*")).await.expect(404);
    school.close().await;
}
