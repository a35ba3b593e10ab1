//! A client's secret: shown once, kept nowhere, and rotated with an overlap.

use axum::http::Method;
use serde_json::json;

use super::Made;
use crate::support::school::School;

#[tokio::test]
async fn the_secret_is_shown_once_and_kept_nowhere() {
    let school = School::open().await;
    let key = [("idempotency-key", "k")];
    let body = Some(json!({"name": "SIS", "description": "d"}));
    let made = school.admin.send(Method::POST, "/v1/api-clients", body, &key).await.expect(201);
    let made = Made::of(&made);
    let path = format!("/v1/api-clients/{}", made.id);
    let rotated = school.admin.post(&format!("{path}:rotateSecret"), json!({})).await.expect(200);
    let secrets = [made.secret, Made::of(&rotated).secret];
    school.until("SELECT count(*) FROM outbox_events WHERE seq IS NULL", 0).await;
    for read in [path.as_str(), "/v1/api-clients", "/v1/events", "/v1/audit"] {
        let text = school.admin.get(read).await.expect(200).body.to_string();
        assert!(text.contains(&made.id.to_string()), "{read}: {text}");
        assert!(!text.contains("lxpcs_") && !text.contains("clientSecret"), "{read}: {text}");
    }
    let mut watcher = school.shard.connect("postgres").await;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT quote_ident(relname) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace",
    )
    .fetch_all(&mut watcher)
    .await
    .expect("tables");
    for table in tables {
        let sql = format!("SELECT count(*) FROM {table} t WHERE t::text LIKE ANY($1)");
        let found: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .bind(secrets.iter().map(|secret| format!("%{secret}%")).collect::<Vec<_>>())
            .fetch_one(&mut watcher)
            .await
            .expect("a count");
        assert_eq!(found, 0, "{table}");
    }
    school.close().await;
}

#[tokio::test]
async fn two_secrets_are_taken_while_they_overlap() {
    let school = School::open().await;
    let first = Made::by(&school.admin, json!({"name": "A"})).await;
    let path = format!("/v1/api-clients/{}:rotateSecret", first.id);
    let second = Made::of(&school.admin.post(&path, json!({})).await.expect(200));
    first.ask(&school.served).await.expect(200);
    second.ask(&school.served).await.expect(200);
    school.run("UPDATE api_clients SET previous_until = now()").await;
    first.ask(&school.served).await.expect(401);
    second.ask(&school.served).await.expect(200);
    school.close().await;
}

#[tokio::test]
async fn a_secret_that_was_rotated_is_kept_under_no_key() {
    let school = School::open().await;
    let made = Made::by(&school.admin, json!({"name": "A"})).await;
    let path = format!("/v1/api-clients/{}:rotateSecret", made.id);
    let key = [("idempotency-key", "k")];
    let mut secrets = vec![made.secret];
    for _ in 0..2 {
        let rotated = school.admin.send(Method::POST, &path, Some(json!({})), &key).await;
        secrets.push(Made::of(&rotated.expect(200)).secret);
    }
    secrets.sort_unstable();
    secrets.dedup();
    assert_eq!(secrets.len(), 3, "each call makes another one");
    assert_eq!(school.count("SELECT count(*) FROM idempotency_keys").await, 0);
    school.close().await;
}
