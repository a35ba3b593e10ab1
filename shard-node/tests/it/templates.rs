//! Curriculum templates beside those that came before, against a real Postgres.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::support::school::School;

/// A program of one course that needs another; both are there.
fn needs(course: &str, needed: &str) -> Value {
    let code = format!("{course}-{needed}");
    json!({"code": code, "name": code, "curriculumTemplate": {
        "code": code, "years": 1, "creditsRequired": "0",
        "items": [{"course": course, "year": 1, "term": 2, "prerequisites": [needed]}],
    }})
}

async fn with_courses(codes: &[&str]) -> School {
    let school = School::open().await;
    for code in codes {
        let course = json!({"code": code, "title": code, "credits": "30"});
        school.admin.post("/v1/courses", course).await.expect(201);
    }
    school
}

#[tokio::test]
async fn no_two_templates_close_a_cycle() {
    let school = with_courses(&["A", "B", "C"]).await;
    school.admin.post("/v1/programs", needs("A", "B")).await.expect(201);
    school.admin.post("/v1/programs", needs("B", "C")).await.expect(201);
    let back = school.admin.post("/v1/programs", needs("C", "A")).await.expect(422);
    assert_eq!(back.body["errors"][0]["code"], "prerequisite-cycle");
    assert_eq!(back.body["errors"][0]["pointer"], "/curriculumTemplate/items/0/prerequisites");
    school.admin.post("/v1/programs", needs("A", "C")).await.expect(201);
    school.close().await;
}

/// None of the two names a course of the other: what ties them is stored.
#[tokio::test]
async fn no_two_templates_close_a_cycle_at_once() {
    for _ in 0..4 {
        let school = with_courses(&["A", "B", "C", "D"]).await;
        school.admin.post("/v1/programs", needs("B", "C")).await.expect(201);
        school.admin.post("/v1/programs", needs("D", "A")).await.expect(201);
        let posts = [needs("A", "B"), needs("C", "D")]
            .map(|program| school.admin.post("/v1/programs", program));
        let mut statuses: Vec<_> =
            join_all(posts).await.iter().map(|answer| answer.status.as_u16()).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 422]);
        school.close().await;
    }
}

#[tokio::test]
async fn a_template_is_the_same_however_its_numbers_are_written() {
    let school = with_courses(&["A"]).await;
    let program = |code: &str, required: &str, of_group: Value| {
        json!({"code": code, "name": code, "curriculumTemplate": {
            "code": "T", "version": 1, "years": 1, "creditsRequired": required,
            "groups": [{"code": "G", "credits": of_group}],
            "items": [{"course": "A", "year": 1, "term": 1}],
        }})
    };
    school.admin.post("/v1/programs", program("P1", "30", json!("0"))).await.expect(201);
    school.admin.post("/v1/programs", program("P2", "30.0", json!("0.00"))).await.expect(201);
    let other =
        school.admin.post("/v1/programs", program("P3", "29", json!("0"))).await.expect(422);
    assert_eq!(other.body["errors"][0]["code"], "version-taken");
    school.close().await;
}

#[tokio::test]
async fn a_group_that_stands_twice_is_refused() {
    let school = with_courses(&["A"]).await;
    let group = json!({"code": "E", "credits": "30"});
    let program = json!({"code": "P", "name": "P", "curriculumTemplate": {
        "code": "T", "years": 1, "creditsRequired": "60", "groups": [group, group],
        "items": [{"course": "A", "year": 1, "term": 1, "kind": "ELECTIVE", "group": "E"}],
    }});
    let refused = school.admin.post("/v1/programs", program).await.expect(422);
    assert_eq!(refused.code(), "template");
    assert_eq!(refused.body["errors"][0]["pointer"], "/curriculumTemplate/groups/1/code");
    school.close().await;
}

#[tokio::test]
async fn a_template_that_brought_courses_is_used_again_by_its_name() {
    let school = School::open().await;
    let brings = json!({"code": "CS", "version": 1, "years": 1, "creditsRequired": "30", "items": [
        {"newCourse": {"code": "CS-1", "title": "Programming", "credits": "30"}, "year": 1, "term": 1}]});
    let named = json!({"code": "CS", "version": 1});
    let is_new = async |template: &Value| {
        let path = "/v1/curriculum-templates:preview";
        let tried = school.admin.post(path, json!({"curriculumTemplate": template})).await;
        tried.expect(200).body["items"][0]["isNew"].clone()
    };
    assert_eq!(is_new(&brings).await, true);
    for (code, template) in [("FIRST", &brings), ("SECOND", &named), ("THIRD", &brings)] {
        let program = json!({"code": code, "name": code, "curriculumTemplate": template});
        let made = school.admin.post("/v1/programs", program).await.expect(201);
        assert_eq!(made.body["curriculum"]["items"][0]["courseCode"], "CS-1", "{code}");
    }
    assert_eq!(school.count("SELECT count(*) FROM courses").await, 1);
    for template in [&named, &brings] {
        assert_eq!(is_new(template).await, false);
    }
    // Another template does not bring a course that is there.
    let other = json!({"code": "DS", "version": 1, "years": 1, "creditsRequired": "30", "items": brings["items"]});
    let program = json!({"code": "FOURTH", "name": "F", "curriculumTemplate": other});
    let refused = school.admin.post("/v1/programs", program).await.expect(422);
    assert_eq!(refused.body["errors"][0]["code"], "code-taken");
    school.close().await;
}
