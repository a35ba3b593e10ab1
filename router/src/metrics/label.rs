//! A path's label: its route's template, as far as the router knows the API's words. Never an id, and
//! bounded: what holds another word is `other`.

use std::collections::HashSet;
use std::sync::{LazyLock, PoisonError, RwLock};

/// The words of paths, sorted.
const WORDS: [&str; 69] = [
    "answers",
    "api-clients",
    "assessments",
    "attempts",
    "attendance-codes",
    "attendance-records",
    "attendance-sessions",
    "attendance-stats",
    "audit",
    "class-meetings",
    "classes",
    "courses",
    "curricula",
    "curriculum-templates",
    "deliveries",
    "endpoint-metrics",
    "enrollments",
    "events",
    "grade-scales",
    "grade-stats",
    "gradebook",
    "grades",
    "grading-categories",
    "guardian-links",
    "guardians",
    "history",
    "imports",
    "institution",
    "items",
    "job-schedules",
    "jobs",
    "late-policies",
    "materials",
    "meetings",
    "metrics",
    "mine",
    "monthly",
    "notifications",
    "org-units",
    "overrides",
    "preferences",
    "prerequisites",
    "programs",
    "progress",
    "question-banks",
    "questions",
    "receipt",
    "records",
    "regrades",
    "reports",
    "results",
    "rooms",
    "schedules",
    "sessions",
    "staff",
    "stats",
    "students",
    "subjects",
    "submissions",
    "subscriptions",
    "term-systems",
    "terms",
    "users",
    "versions",
    "waitlist",
    "webhook-deliveries",
    "webhooks",
    "weekly",
    "widgets",
];

/// The verbs behind a colon, sorted.
const VERBS: [&str; 43] = [
    "acceptOffer",
    "apply",
    "approve",
    "archive",
    "bulk",
    "cancel",
    "check-in",
    "close",
    "complete",
    "copy",
    "decline",
    "disable",
    "drop",
    "enable",
    "finalize",
    "generate",
    "grade",
    "markAllRead",
    "markRead",
    "open",
    "openCheckIn",
    "override",
    "pause",
    "preview",
    "publish",
    "regrade",
    "release",
    "reopen",
    "replay",
    "resume",
    "retry",
    "retryFailed",
    "return",
    "revoke",
    "rotateSecret",
    "run",
    "start",
    "submit",
    "suspend",
    "test",
    "transfer",
    "verify",
    "withdraw",
];

/// Most parts of a path behind `/v1`.
const PARTS_MAX: usize = 5;

/// Most labels; there are far fewer paths.
const LABELS_MAX: usize = 300;

/// The labels that were needed so far.
static LABELS: LazyLock<RwLock<HashSet<&'static str>>> = LazyLock::new(RwLock::default);

/// A bounded label for a path; never an id.
pub(crate) fn path_label(path: &str) -> &'static str {
    if let Some(rest) = path.strip_prefix("/v1/") {
        return template(rest).map_or("other", interned);
    }
    match path.split('/').nth(1).unwrap_or_default() {
        "trpc" => "/trpc",
        "docs" => "/docs",
        "openapi.json" => "/openapi.json",
        "oauth" => "/oauth/token",
        _ => "other",
    }
}

fn template(rest: &str) -> Option<String> {
    let mut template = String::with_capacity(64);
    template.push_str("/v1");
    for (number, part) in rest.split('/').enumerate() {
        let (word, verb) = part.split_once(':').map_or((part, None), |(w, v)| (w, Some(v)));
        let word = if WORDS.binary_search(&word).is_ok() {
            word
        } else if number > 0 && is_id(word) {
            "{id}"
        } else {
            return None;
        };
        if number >= PARTS_MAX {
            return None;
        }
        template.push('/');
        template.push_str(word);
        if let Some(verb) = verb {
            VERBS.binary_search(&verb).ok()?;
            template.push(':');
            template.push_str(verb);
        }
    }
    Some(template)
}

/// Words have no digits, ids do.
fn is_id(word: &str) -> bool {
    let of_ids = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    word.len() <= 64 && word.bytes().all(of_ids) && word.bytes().any(|byte| byte.is_ascii_digit())
}

fn interned(template: String) -> &'static str {
    if let Some(known) =
        LABELS.read().unwrap_or_else(PoisonError::into_inner).get(template.as_str())
    {
        return known;
    }
    let mut labels = LABELS.write().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = labels.get(template.as_str()) {
        return known;
    }
    if labels.len() >= LABELS_MAX {
        return "other";
    }
    let label: &'static str = Box::leak(template.into_boxed_str());
    labels.insert(label);
    label
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_sorted() {
        assert!(WORDS.is_sorted() && VERBS.is_sorted());
    }

    #[test]
    fn a_label_is_the_routes_template_and_holds_no_id() {
        for (path, label) in [
            ("/v1/programs", "/v1/programs"),
            ("/v1/programs/0190a1b2-0000-7000-8000-000000000001", "/v1/programs/{id}"),
            ("/v1/programs/0190a1b2/stats", "/v1/programs/{id}/stats"),
            ("/v1/students:bulk", "/v1/students:bulk"),
            ("/v1/enrollments/0190a1b2:drop", "/v1/enrollments/{id}:drop"),
            ("/v1/classes/0190a1b2/enrollments:bulk", "/v1/classes/{id}/enrollments:bulk"),
            ("/v1/students:anything", "other"),
            ("/v1/0190a1b2", "other"),
            ("/v1/programs/anything", "other"),
            ("/v1/programs/", "other"),
            ("/v1/", "other"),
            ("/v1", "other"),
            ("/trpc/academic.createProgram,academic.enrollStudent", "/trpc"),
            ("/docs", "/docs"),
            ("/", "other"),
            ("*", "other"),
            ("", "other"),
        ] {
            assert_eq!(path_label(path), label, "{path}");
        }
        let deep = format!("/v1/{}", "programs/1/".repeat(9));
        assert_eq!(path_label(deep.trim_end_matches('/')), "other");
    }

    #[test]
    fn every_path_of_the_api_has_its_own_label() {
        let document = include_str!("../../../shard-node/openapi.json");
        let document: serde_json::Value = serde_json::from_str(document).expect("json");
        for path in document["paths"].as_object().expect("paths").keys() {
            let parts: Vec<&str> = path.split('{').collect();
            let mut template = parts[0].to_owned();
            for part in &parts[1..] {
                template.push_str("{id}");
                template.push_str(part.split_once('}').expect("a parameter").1);
            }
            assert_eq!(path_label(&template.replace("{id}", "0190a1b2")), template);
        }
    }
}
