//! Question banks, questions and their versions, and the institution's key, against a real Postgres.

use axum::http::Method;
use serde_json::{Value, json};
use service_kit::token::Role;
use shard_node::domain::keys::institution_key;
use shard_node::domain::questions::{Blueprint, Pool, pool_of};
use shard_node::store::TenantTx;
use uuid::Uuid;

use crate::support::Shard;
use crate::support::api::{Answer, Client, Served};
use crate::support::school::School;

const EVENTS: &str = "SELECT count(*) FROM outbox_events WHERE payload::text LIKE '%MARKER%'";
const VERSIONS: &str = "SELECT count(*) FROM question_versions";

async fn bank(client: &Client, name: &str) -> Uuid {
    client.post("/v1/question-banks", json!({"name": name})).await.expect(201).id()
}

/// A question whose key has a marker in it.
fn question(bank: Uuid, title: &str, tags: Value) -> Value {
    let mut question = json!({"bankId": bank, "title": title, "statement": "What is {{a}} + 1? MARKER", "difficulty": "EASY",
        "parameters": [{"kind": "RANGE", "name": "a", "min": 1, "max": 9}],
        "body": {"type": "SINGLE", "choices": [{"text": "MARKER {{a}}"}, {"text": "right", "fraction": 1}]}});
    question["tags"] = tags;
    question
}

async fn edit(client: &Client, question: Uuid, version: &str, change: Value) -> Answer {
    let path = format!("/v1/questions/{question}");
    client.send(Method::PATCH, &path, Some(change), &[("if-match", version)]).await
}

#[tokio::test]
async fn an_edit_makes_a_version_and_leaves_those_before_it() {
    let school = School::open().await;
    let bank = bank(&school.admin, "Sums").await;
    let made = school.admin.post("/v1/questions", question(bank, "Sum", json!(["sums"]))).await;
    let made = made.expect(201);
    assert_eq!((&made.body["version"], &made.body["type"]), (&json!(1), &json!("SINGLE")));
    let id = made.id();

    let without = school.patch(&format!("/v1/questions/{id}"), json!({"title": "x"})).await;
    assert_eq!(without.expect(428).code(), "if-match-required");
    let edited =
        edit(&school.admin, id, "\"1\"", json!({"statement": "{{a}} and 1?"})).await.expect(200);
    assert_eq!((&edited.body["version"], &edited.body["rowVersion"]), (&json!(2), &json!(2)));
    assert_eq!(
        edit(&school.admin, id, "\"1\"", json!({"title": "x"})).await.code(),
        "version-mismatch"
    );
    // Neither where it is nor whether it is drawn is part of what it says.
    let retired = edit(&school.admin, id, "\"2\"", json!({"status": "RETIRED"})).await.expect(200);
    assert_eq!((&retired.body["version"], &retired.body["rowVersion"]), (&json!(2), &json!(3)));

    let versions =
        school.admin.get(&format!("/v1/questions/{id}/versions?sort=version")).await.expect(200);
    let items = versions.body["items"].as_array().expect("versions");
    let statements: Vec<&Value> = items.iter().map(|item| &item["statement"]).collect();
    assert_eq!(statements, [&json!("What is {{a}} + 1? MARKER"), &json!("{{a}} and 1?")]);
    school.close().await;
}

#[tokio::test]
async fn the_database_itself_refuses_to_change_a_version() {
    let school = School::open().await;
    let bank = bank(&school.admin, "Sums").await;
    let id =
        school.admin.post("/v1/questions", question(bank, "Sum", json!([]))).await.expect(201).id();
    for sql in [
        "UPDATE question_versions SET title = 'other'",
        "DELETE FROM question_versions",
        "UPDATE institution_keys SET secret = decode(repeat('00', 32), 'hex')",
    ] {
        let mut tx = TenantTx::begin(&school.served.node.pool, school.institution)
            .await
            .expect("a transaction");
        let refused = sqlx::query(sql).execute(tx.connection()).await.expect_err(sql);
        let code = refused.as_database_error().and_then(|error| Some(error.code()?.into_owned()));
        assert_eq!(code.as_deref(), Some("42501"), "{sql}");
    }
    // With its question it goes.
    school.delete(&format!("/v1/questions/{id}")).await.expect(204);
    assert_eq!(school.count(VERSIONS).await, 0);
    school.close().await;
}

#[tokio::test]
async fn a_key_is_for_authors_and_in_no_event() {
    let school = School::open().await;
    let bank = bank(&school.admin, "Sums").await;
    let id =
        school.admin.post("/v1/questions", question(bank, "Sum", json!([]))).await.expect(201).id();
    let user = school.user("ada", json!([])).await;
    let paths = [
        "/v1/questions".to_owned(),
        format!("/v1/questions/{id}"),
        format!("/v1/questions/{id}/versions"),
        format!("/v1/questions/{id}:preview"),
        "/v1/question-banks".to_owned(),
        format!("/v1/question-banks/{bank}"),
    ];
    for role in [Role::Staff, Role::Student, Role::Guardian, Role::ApiClient] {
        let client = school.as_user(role, user);
        for path in &paths {
            let refused = client.get(path).await.expect(403);
            assert!(!refused.body.to_string().contains("MARKER"), "{}", refused.body);
        }
        client.post("/v1/questions", question(bank, "Sum", json!([]))).await.expect(403);
        edit(&client, id, "\"1\"", json!({"title": "x"})).await.expect(403);
    }
    let instructor = school.as_user(Role::Instructor, user);
    for path in &paths {
        instructor.get(path).await.expect(200);
    }
    edit(&instructor, id, "\"1\"", json!({"statement": "{{a}}? MARKER"})).await.expect(200);
    let written_by = "SELECT count(DISTINCT edited_by) FROM question_versions";
    assert_eq!(school.count(written_by).await, 2);
    assert_eq!(school.count(EVENTS).await, 0);
    let told =
        "SELECT count(*) FROM outbox_events WHERE type IN ('QUESTION_CREATED', 'QUESTION_UPDATED')";
    assert_eq!(school.count(told).await, 2);
    school.close().await;
}

#[tokio::test]
async fn lists_are_filtered_by_bank_tag_type_and_difficulty() {
    let school = School::open().await;
    let (one, other) = (bank(&school.admin, "One").await, bank(&school.admin, "Other").await);
    let make = |bank, title, tags| school.admin.post("/v1/questions", question(bank, title, tags));
    let first = make(one, "a", json!(["x", "y"])).await.expect(201).id();
    make(one, "b", json!(["x"])).await.expect(201);
    make(other, "c", json!(["y", "it's, \"odd\" {}"])).await.expect(201);
    let essay = json!({"bankId": one, "title": "d", "statement": "Why?", "difficulty": "HARD", "body": {"type": "ESSAY"}});
    school.admin.post("/v1/questions", essay).await.expect(201);
    for (query, titles) in [
        (format!("bankId={one}"), &["a", "b", "d"][..]),
        (format!("bankId={one}&tag=y"), &["a"]),
        ("tag=it%27s%2C%20%22odd%22%20%7B%7D".to_owned(), &["c"]),
        ("tag=z".to_owned(), &[]),
        ("type=ESSAY".to_owned(), &["d"]),
        ("difficulty=EASY".to_owned(), &["a", "b", "c"]),
        ("status=RETIRED".to_owned(), &[]),
    ] {
        let page = school.admin.get(&format!("/v1/questions?sort=title&{query}")).await.expect(200);
        let items = page.body["items"].as_array().expect("items").iter();
        let found: Vec<&str> = items.filter_map(|item| item["title"].as_str()).collect();
        assert_eq!(found, titles, "{query}");
    }
    let nobodys = school.admin.get(&format!("/v1/questions?bankId={}", Uuid::from_u128(1))).await;
    assert_eq!(nobodys.expect(404).body["errors"][0]["pointer"], "/bankId");
    school.admin.get("/v1/questions?type=RIDDLE").await.expect(400);
    let chosen = school.admin.get("/v1/questions?select=id&tag=y&sort=title").await.expect(200);
    assert_eq!(chosen.body["items"][0], json!({"id": first}));
    let counted = school.admin.get(&format!("/v1/question-banks/{one}")).await.expect(200);
    assert_eq!(counted.body["activeQuestions"], 3);
    assert_eq!(
        school.delete(&format!("/v1/question-banks/{one}")).await.expect(409).code(),
        "in-use"
    );
    school.close().await;
}

#[tokio::test]
async fn an_unsound_question_is_refused_with_the_places_of_its_faults() {
    let school = School::open().await;
    let bank = bank(&school.admin, "Sums").await;
    let with = |pointer: &str, value: Value| {
        let mut question = question(bank, "Sum", json!([]));
        *question.pointer_mut(pointer).expect("a member") = value;
        question
    };
    let refused = school
        .admin
        .post("/v1/questions", with("/body/choices/1/fraction", json!("0.5")))
        .await
        .expect(422);
    assert_eq!(
        (refused.code(), &refused.body["errors"][0]["pointer"]),
        ("question-unsound", &json!("/body/choices"))
    );
    let refused =
        school.admin.post("/v1/questions", with("/parameters/0/max", json!(0))).await.expect(422);
    assert_eq!(refused.body["errors"][0]["pointer"], "/parameters/0/max");
    let refused =
        school.admin.post("/v1/questions", with("/body/type", json!("RIDDLE"))).await.expect(400);
    assert_eq!(refused.body["errors"][0]["pointer"], "/body/type");
    let refused =
        school.admin.post("/v1/questions", with("/tags", json!(["x", "x"]))).await.expect(400);
    assert_eq!(refused.body["errors"][0]["pointer"], "/tags");
    let refused = school
        .admin
        .post("/v1/questions", with("/bankId", json!(Uuid::from_u128(1))))
        .await
        .expect(404);
    assert_eq!(refused.body["errors"][0]["pointer"], "/bankId");
    assert_eq!(school.count("SELECT count(*) FROM questions").await, 0);

    let id =
        school.admin.post("/v1/questions", question(bank, "Sum", json!([]))).await.expect(201).id();
    let refused = edit(&school.admin, id, "\"1\"", json!({"parameters": []})).await.expect(422);
    assert_eq!(refused.body["errors"][0]["pointer"], "/statement");
    assert_eq!(school.count(VERSIONS).await, 1);
    school.close().await;
}

#[tokio::test]
async fn a_preview_shows_what_a_student_would_see_and_what_is_right() {
    let school = School::open().await;
    let bank = bank(&school.admin, "Sums").await;
    let id =
        school.admin.post("/v1/questions", question(bank, "Sum", json!([]))).await.expect(201).id();
    let preview = |sample: u32| {
        let path = format!("/v1/questions/{id}:preview?sample={sample}");
        let client = school.admin.clone();
        async move { client.get(&path).await.expect(200).body }
    };
    let (first, again, other) = (preview(1).await, preview(1).await, preview(4).await);
    assert_eq!(first, again);
    assert_ne!(first["item"]["statement"], other["item"]["statement"]);
    let choices = first["item"]["choices"].as_array().expect("choices").iter();
    let right = choices.clone().find(|choice| choice["text"] == "right").expect("the right one");
    assert_eq!(first["answers"]["i1"], right["id"]);
    assert!(!first["item"].to_string().contains("{{"), "{first}");
    school.close().await;
}

#[tokio::test]
async fn another_institutions_questions_are_not_there() {
    let shard = Shard::create().await;
    let (institution, theirs) = (shard.admit().await, shard.admit().await);
    let served = Served::start(&shard, 6).await;
    let (admin, other) = (served.admin(institution), served.admin(theirs));
    let school = School { shard, served, institution, admin };
    let bank = bank(&school.admin, "Sums").await;
    let id =
        school.admin.post("/v1/questions", question(bank, "Sum", json!([]))).await.expect(201).id();
    for path in [
        format!("/v1/questions/{id}"),
        format!("/v1/questions/{id}/versions"),
        format!("/v1/questions/{id}:preview"),
        format!("/v1/question-banks/{bank}"),
    ] {
        other.get(&path).await.expect(404);
    }
    edit(&other, id, "*", json!({"title": "x"})).await.expect(404);
    other.post("/v1/questions", question(bank, "Sum", json!([]))).await.expect(404);
    assert_eq!(other.get("/v1/questions").await.expect(200).body["total"], 0);
    school.close().await;
}

async fn pool(school: &School, sections: Value) -> Result<Pool, Value> {
    let blueprint: Blueprint =
        serde_json::from_value(json!({"sections": sections})).expect("a blueprint");
    let mut tx =
        TenantTx::begin(&school.served.node.pool, school.institution).await.expect("a transaction");
    pool_of(&mut tx, &blueprint)
        .await
        .map_err(|error| serde_json::to_value(error.into_problem()).expect("JSON"))
}

#[tokio::test]
async fn a_pool_has_the_newest_versions_that_a_blueprint_may_draw() {
    let school = School::open().await;
    let (one, other) = (bank(&school.admin, "One").await, bank(&school.admin, "Other").await);
    let make = |bank, title, tags| school.admin.post("/v1/questions", question(bank, title, tags));
    let a = make(one, "a", json!(["x", "y"])).await.expect(201).id();
    let b = make(one, "b", json!(["x"])).await.expect(201).id();
    let c = make(other, "c", json!(["x"])).await.expect(201).id();
    edit(&school.admin, a, "*", json!({"statement": "{{a}}?"})).await.expect(200);
    let retired = make(one, "d", json!(["x"])).await.expect(201).id();
    edit(&school.admin, retired, "*", json!({"status": "RETIRED"})).await.expect(200);

    let drawn = |bank: Uuid, tags: Value, difficulty: Value| json!({"kind": {"type": "DRAW", "bankId": bank, "tags": tags, "difficulty": difficulty, "count": 1, "points": "1"}});
    let fixed =
        |id: Uuid| json!({"kind": {"type": "FIXED", "items": [{"questionId": id, "points": 2}]}});
    let found = |pool: Pool| -> Vec<(Uuid, i32)> {
        pool.questions.iter().map(|q| (q.id, q.version)).collect()
    };
    let all = pool(
        &school,
        json!([
            drawn(one, json!(["x"]), json!("EASY")),
            fixed(c),
            drawn(one, json!([]), json!(null))
        ]),
    )
    .await;
    assert_eq!(found(all.expect("a pool")), [(a, 2), (b, 1), (c, 1)]);
    let tagged = pool(&school, json!([drawn(one, json!(["x", "y"]), json!(null))])).await;
    assert_eq!(found(tagged.expect("a pool")), [(a, 2)]);
    let hard = pool(&school, json!([drawn(one, json!([]), json!("HARD"))])).await;
    assert_eq!(found(hard.expect("a pool")), []);

    let refused = |pool: Result<Pool, Value>| {
        let problem = pool.expect_err("refused");
        (
            problem["status"].clone(),
            problem["code"].clone(),
            problem["errors"][0]["pointer"].clone(),
        )
    };
    let wanted =
        |status: u16, code: &str, pointer: &str| (json!(status), json!(code), json!(pointer));
    let nobodys = Uuid::from_u128(1);
    assert_eq!(
        refused(pool(&school, json!([fixed(a), drawn(nobodys, json!([]), json!(null))])).await),
        wanted(404, "not-found", "/blueprint/sections/1/kind/bankId")
    );
    assert_eq!(
        refused(pool(&school, json!([fixed(nobodys)])).await),
        wanted(404, "not-found", "/blueprint/sections/0/kind/items/0/questionId")
    );
    assert_eq!(
        refused(pool(&school, json!([fixed(retired)])).await),
        wanted(422, "question-retired", "/blueprint/sections/0/kind/items/0/questionId")
    );
    school.close().await;
}

#[tokio::test]
async fn an_institution_has_one_key_of_its_own_however_many_need_it_first() {
    let school = School::open().await;
    let theirs = school.shard.admit().await;
    let key = async |institution| {
        let mut tx =
            TenantTx::begin(&school.served.node.pool, institution).await.expect("a transaction");
        let key = institution_key(&mut tx).await.expect("a key");
        tx.commit().await.expect("committed");
        key
    };
    let mine = school.institution;
    let (one, two, three) = tokio::join!(key(mine), key(mine), key(mine));
    assert_eq!((one, one), (two, three));
    assert_eq!(key(mine).await, one);
    assert_ne!(key(theirs).await, one);
    assert_eq!(school.count("SELECT count(*) FROM institution_keys").await, 2);
    school.close().await;
}
