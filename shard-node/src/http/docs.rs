//! `/openapi.json`, and `/docs`: a browsable page that downloads nothing from outside.

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::http::header;
use axum::routing::get;
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::openapi;
use crate::node::Node;
use crate::operations::OPERATIONS;

static DOCUMENT: LazyLock<String> = LazyLock::new(|| openapi::document(&OPERATIONS).to_string());

pub(super) fn pages() -> Router<Arc<Node>> {
    let document = || async { ([(header::CONTENT_TYPE, "application/json")], DOCUMENT.as_str()) };
    // Its badge would send the document to a validator on the Internet.
    let config = Config::from("/openapi.json").validator_url("none");
    let page = SwaggerUi::new("/docs").config(config);
    Router::new().route("/openapi.json", get(document)).merge(page)
}
