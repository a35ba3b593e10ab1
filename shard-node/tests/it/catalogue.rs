//! Courses with their subjects, against a real Postgres; and what deleting by cascade means for caches.

use std::collections::BTreeMap;

use futures::future::join_all;
use serde_json::json;
use shard_node::domain::{
    classes::Class, courses::Course, enrollments::Enrollment, programs::ProgramDetail,
    students::Student, subjects::Subject, term_systems::TermSystem, terms::Term,
};
use shard_node::resource::Resource;
use uuid::Uuid;

use crate::support::school::School;

type Cached = (&'static str, (&'static [&'static str], bool));

fn cached<R: Resource>() -> Cached {
    (R::ENTITY, (R::TOUCHES, R::CACHE_TTL.is_some()))
}

#[tokio::test]
async fn what_is_deleted_by_cascade_leaves_the_caches_too() {
    let school = School::open().await;
    let entities: BTreeMap<_, _> = [
        cached::<Class>(),
        cached::<Course>(),
        cached::<Enrollment>(),
        cached::<ProgramDetail>(),
        cached::<Student>(),
        cached::<Subject>(),
        cached::<TermSystem>(),
        cached::<Term>(),
    ]
    .into();
    let cascades: Vec<(String, String)> = sqlx::query_as(
        "SELECT confrelid::regclass::text, conrelid::regclass::text FROM pg_constraint
         WHERE contype = 'f' AND confdeltype = 'c'",
    )
    .fetch_all(&school.shard.pool("postgres", 1))
    .await
    .expect("foreign keys");
    let mut seen = 0;
    for (parent, child) in &cascades {
        let Some((_, true)) = entities.get(child.as_str()) else { continue };
        let (touches, _) = entities.get(parent.as_str()).expect(parent);
        assert!(touches.contains(&child.as_str()), "deleting of {parent} deletes of {child}");
        seen += 1;
    }
    assert!(seen > 0, "only {cascades:?}");
    school.close().await;
}

#[tokio::test]
async fn a_course_keeps_a_subject_whoever_deletes_at_once() {
    let school = School::open().await;
    let course = json!({"code": "C", "title": "C"});
    let course = school.admin.post("/v1/courses", course).await.expect(201).id();
    let listed = format!("/v1/subjects?courseId={course}");
    let only = school.admin.get(&listed).await.expect(200).body["items"][0]["id"].clone();
    let only: Uuid = only.as_str().and_then(|id| id.parse().ok()).expect("an id");
    let refused = school.delete(&format!("/v1/subjects/{only}")).await.expect(409);
    assert_eq!(refused.code(), "last-subject");
    for turn in 0..5 {
        let lab = json!({"courseId": course, "code": format!("LAB{turn}"), "name": "Lab"});
        school.admin.post("/v1/subjects", lab).await.expect(201);
        let both = school.admin.get(&listed).await.expect(200).body["items"].clone();
        let both = both.as_array().expect("subjects").clone();
        assert_eq!(both.len(), 2);
        let deleted = join_all(both.iter().map(|subject| {
            let path = format!("/v1/subjects/{}", subject["id"].as_str().expect("an id"));
            let school = &school;
            async move { school.delete(&path).await.status.as_u16() }
        }))
        .await;
        assert!(matches!(deleted[..], [204, 409] | [409, 204]), "{deleted:?}");
    }
    school.delete(&format!("/v1/courses/{course}")).await.expect(204);
    school.close().await;
}
