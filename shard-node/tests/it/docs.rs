//! `/openapi.json` and `/docs` as a browser gets them.

use axum::http::StatusCode;
use serde_json::Value;

use crate::support::Shard;
use crate::support::api::Served;

/// What a page of the docs is, as text.
async fn page(url: &str) -> (StatusCode, String, String) {
    let response = reqwest::get(url).await.expect("an answer");
    let status = response.status();
    let kind = response.headers()["content-type"].to_str().expect("text").to_owned();
    (status, kind, response.text().await.expect("a body"))
}

/// The places that a page makes a browser load.
fn loaded(html: &str) -> Vec<&str> {
    ["src=\"", "href=\""]
        .into_iter()
        .flat_map(|attribute| html.split(attribute).skip(1))
        .filter_map(|rest| rest.split('"').next())
        .collect()
}

#[tokio::test]
async fn the_docs_are_open_and_load_nothing_from_outside() {
    let shard = Shard::create().await;
    let served = Served::start(&shard, 2).await;
    let docs = format!("{}/docs/", served.url);
    let (status, _, html) = page(&docs).await;
    assert_eq!(status, StatusCode::OK);
    let places = loaded(&html);
    assert!(places.iter().any(|place| place.ends_with("swagger-ui-bundle.js")), "{html}");
    for place in places {
        assert!(!place.contains("//"), "{place} is loaded from outside");
        let (status, _, _) = page(&format!("{docs}{}", place.trim_start_matches("./"))).await;
        assert_eq!(status, StatusCode::OK, "{place}");
    }
    let (_, _, script) = page(&format!("{docs}swagger-initializer.js")).await;
    assert!(script.contains("/openapi.json"), "{script}");
    assert!(!script.contains("http"), "{script}");
    assert!(script.contains("\"validatorUrl\": \"none\""), "{script}");
    let (status, kind, document) = page(&format!("{}/openapi.json", served.url)).await;
    assert_eq!((status, kind.as_str()), (StatusCode::OK, "application/json"));
    let document: Value = serde_json::from_str(&document).expect("JSON");
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
    drop(served);
    shard.drop_database().await;
}
