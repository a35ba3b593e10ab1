//! S1 and S10: one institution's token on another's ids, in path, query, body, bulk and batch of every operation
//! that the document has; and SQL without a tenant, on every table that has an institution.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use lxp_tests::{Client, Platform};
use reqwest::Method;
use serde_json::{Map, Value, json};
use service_kit::clock;
use service_kit::token::{Mint, Role, Roles};
use shard_map::InstitutionId;
use sqlx::error::DatabaseError;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use uuid::Uuid;

/// Things of the other institution, by the first segment of the path that they live under.
async fn things(platform: &Platform, institution: InstitutionId) -> BTreeMap<&'static str, Uuid> {
    let other = platform.admin(institution);
    let program = json!({"code": "P", "name": "P", "curriculumTemplate": template_of("P")});
    let program = other.post("/v1/programs", program).await.expect(201).id();
    let system =
        json!({"type": "QUARTER", "termsPerYear": 4, "weeksPerTerm": 10, "anchor": "09-01"});
    let system = other.post("/v1/term-systems", system).await.expect(201).id();
    let term = json!({"code": "T", "name": "T", "startsOn": "2026-09-01", "endsOn": "2026-12-14"});
    let term = other.post("/v1/terms", term).await.expect(201).id();
    let course =
        other.post("/v1/courses", json!({"code": "C", "title": "C"})).await.expect(201).id();
    let subject = json!({"courseId": course, "code": "LAB", "name": "Lab"});
    let subject = other.post("/v1/subjects", subject).await.expect(201).id();
    let class = json!({"courseId": course, "termId": term, "code": "A", "capacity": 5});
    let class = other.post("/v1/classes", class).await.expect(201).id();
    let student = json!({"studentNo": "1", "givenName": "Marker", "familyName": "Marker"});
    let student = other.post("/v1/students", student).await.expect(201);
    let user = student.body["userId"].as_str().and_then(|id| id.parse().ok()).expect("a user");
    let student = student.id();
    let enrollment = json!({"studentId": student});
    let path = format!("/v1/classes/{class}/enrollments");
    let enrollment = other.post(&path, enrollment).await.expect(201).id();
    let session = json!({"date": "2026-09-01"});
    let path = format!("/v1/classes/{class}/attendance-sessions");
    let session = other.post(&path, session).await.expect(201).id();
    let related = related(&other, program, class, (user, student)).await;
    let code = first(&other, "/v1/attendance-codes").await;
    let schedule = first(&other, "/v1/job-schedules").await;
    let staff = format!("/v1/classes/{class}/staff");
    let _member = other.post(&staff, json!({"userId": user})).await.expect(201);
    let bank = other.post("/v1/question-banks", json!({"name": "B"})).await.expect(201).id();
    let question = json!({"bankId": bank, "title": "Marker", "statement": "Marker", "body": {"type": "ESSAY"}});
    let question = other.post("/v1/questions", question).await.expect(201).id();
    let job = first(&other, "/v1/jobs?limit=1&count=none").await;
    let (webhook, delivery, event) = delivered(&other).await;
    let client = other.post("/v1/api-clients", json!({"name": "C"})).await.expect(201).id();
    let mut things = BTreeMap::from([
        ("api-clients", client),
        ("events", event),
        ("webhooks", webhook),
        ("webhook-deliveries", delivery),
        ("deliveries", delivery),
        ("question-banks", bank),
        ("questions", question),
        ("programs", program),
        ("term-systems", system),
        ("terms", term),
        ("courses", course),
        ("subjects", subject),
        ("classes", class),
        ("students", student),
        ("users", user),
        ("enrollments", enrollment),
        ("attendance-sessions", session),
        ("attendance-codes", code),
        ("job-schedules", schedule),
        ("notifications", told(platform, institution).await),
        ("jobs", job),
    ]);
    things.extend(related);
    things.extend(counted(&other, class, student).await);
    let attempt = begun(platform, institution, class, user).await;
    things.extend([("attempts", attempt), ("submissions", attempt)]);
    things
}

/// An attempt that a student of the class has begun.
async fn begun(platform: &Platform, institution: InstitutionId, class: Uuid, user: Uuid) -> Uuid {
    let other = platform.admin(institution);
    let bank = other.post("/v1/question-banks", json!({"name": "D"})).await.expect(201).id();
    let body = json!({"type": "TRUE_FALSE", "answer": true});
    let question = json!({"bankId": bank, "title": "Marker", "statement": "Marker", "body": body});
    let question = other.post("/v1/questions", question).await.expect(201).id();
    let items = json!([{"questionId": question, "points": "1"}]);
    let blueprint = json!({"sections": [{"kind": {"type": "FIXED", "items": items}}]});
    let exam =
        json!({"classId": class, "title": "E", "gradingType": "AUTOMATED", "blueprint": blueprint});
    let exam = other.post("/v1/assessments", exam).await.expect(201).id();
    let (publish, began) = (format!("/v1/assessments/{exam}:publish"), Instant::now());
    loop {
        let published = other.post(&publish, json!({})).await;
        if published.status == 200 {
            break;
        }
        assert_eq!(published.code(), "materials-not-ready", "{}", published.body);
        assert!(began.elapsed() < Duration::from_mins(1), "the materials are not made");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let own = other.with_token(&platform.token_of(institution, Role::Student, user));
    own.post(&format!("/v1/assessments/{exam}/attempts"), json!({})).await.expect(201).id()
}

/// How the class counts, an assessment of it, the student's grade and result.
async fn counted(other: &Client, class: Uuid, student: Uuid) -> [(&'static str, Uuid); 7] {
    let made = async |path: &str, body: Value| other.post(path, body).await.expect(201).id();
    let categories = format!("/v1/classes/{class}/grading-categories");
    let category = made(&categories, json!({"name": "C", "weight": "1"})).await;
    let bands = json!([{"label": "F", "fromPercent": "0"}]);
    let scale = json!({"name": "S", "passMark": "40", "bands": bands});
    let scale = made("/v1/grade-scales", scale).await;
    let policy = json!({"name": "L", "ratePercent": "10", "interval": "DAY"});
    let policy = made("/v1/late-policies", policy).await;
    let assessment =
        json!({"classId": class, "title": "A", "gradingType": "MANUAL", "pointsPossible": "10"});
    let assessment = made("/v1/assessments", assessment).await;
    let draft = json!({"classId": class, "title": "D", "gradingType": "MANUAL"});
    let draft = made("/v1/assessments", draft).await;
    let publish = format!("/v1/assessments/{assessment}:publish");
    let _published = other.post(&publish, json!({})).await.expect(200);
    let sent = async |verb: &str, mut row: Value| {
        row["studentId"] = json!(student);
        let path = format!("/v1/classes/{class}/{verb}:bulk");
        let answer = other.post(&path, json!({"atomic": true, "items": [row]})).await.expect(200);
        answer.body["items"][0]["id"].as_str().and_then(|id| id.parse().ok()).expect("an id")
    };
    let grade = sent("grades", json!({"assessmentId": assessment, "score": "7"})).await;
    let result = sent("results", json!({"outcome": "INCOMPLETE"})).await;
    [
        ("grading-categories", category),
        ("grade-scales", scale),
        ("late-policies", policy),
        ("assessments", assessment),
        ("draft-assessments", draft),
        ("grades", grade),
        ("results", result),
    ]
}

/// A template that brings its only course.
fn template_of(code: &str) -> Value {
    let course = json!({"code": format!("{code}1"), "title": "T"});
    json!({"code": code, "version": 1, "years": 1, "items": [{"newCourse": course, "year": 1, "term": 1}]})
}

/// What relates these: when the class meets, an org unit, who answers for the student, a template, a curriculum.
async fn related(
    other: &Client,
    program: Uuid,
    class: Uuid,
    (user, student): (Uuid, Uuid),
) -> [(&'static str, Uuid); 5] {
    let meeting = json!({"weekday": "MON", "starts": "09:00", "ends": "10:00"});
    let meeting =
        other.post(&format!("/v1/classes/{class}/meetings"), meeting).await.expect(201).id();
    let unit = json!({"code": "U", "name": "U"});
    let unit = other.post("/v1/org-units", unit).await.expect(201).id();
    let link = json!({"guardianId": user, "studentId": student, "relationship": "OTHER"});
    let link = other.post("/v1/guardian-links", link).await.expect(201).id();
    let template = other.post("/v1/curriculum-templates", template_of("T2")).await.expect(201).id();
    let curriculum = first(other, &format!("/v1/programs/{program}/curricula")).await;
    [
        ("class-meetings", meeting),
        ("org-units", unit),
        ("guardian-links", link),
        ("curriculum-templates", template),
        ("curricula", curriculum),
    ]
}

/// The first of a list.
async fn first(client: &Client, path: &str) -> Uuid {
    let listed = client.get(path).await.expect(200).body;
    listed["items"][0]["id"].as_str().and_then(|id| id.parse().ok()).expect("an id")
}

/// A notification of the institution's own: of a program that somebody else has made.
async fn told(platform: &Platform, institution: InstitutionId) -> Uuid {
    let other = platform.admin(institution);
    let coordinator =
        json!({"givenName": "Marker", "familyName": "Marker", "roles": [{"role": "STAFF"}]});
    let coordinator = other.post("/v1/users", coordinator).await.expect(201).id();
    let _program =
        other.post("/v1/programs", json!({"code": "P2", "name": "P2"})).await.expect(201);
    let own = other.with_token(&platform.token_of(institution, Role::Staff, coordinator));
    let began = Instant::now();
    loop {
        let inbox = own.get("/v1/notifications").await.expect(200);
        if let Some(id) = inbox.body["items"][0]["id"].as_str() {
            return id.parse().expect("an id");
        }
        assert!(began.elapsed() < Duration::from_mins(1), "nobody was told: {}", inbox.body);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A webhook that nobody listens at, what is to be delivered to it, and the event of that.
async fn delivered(other: &Client) -> (Uuid, Uuid, Uuid) {
    let webhook = json!({"url": "http://127.0.0.1:9/", "eventTypes": ["WEBHOOK_TEST"]});
    let webhook = other.post("/v1/webhooks", webhook).await.expect(201).id();
    let tested = other.post(&format!("/v1/webhooks/{webhook}:test"), json!({})).await;
    assert_eq!(tested.status, 202, "{}", tested.body);
    let id = |value: &Value| value.as_str().and_then(|id| id.parse().ok());
    let began = Instant::now();
    loop {
        let page = other.get(&format!("/v1/webhooks/{webhook}/deliveries")).await.expect(200);
        let delivery = &page.body["items"][0];
        if let (Some(delivery), Some(event)) = (id(&delivery["id"]), id(&delivery["eventId"])) {
            return (webhook, delivery, event);
        }
        assert!(began.elapsed() < Duration::from_secs(20), "nothing is to be delivered");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A value that the schema of a member takes.
fn sample(document: &Value, name: &str, schema: &Value) -> Value {
    if schema["$ref"] == "#/components/schemas/QuestionBody" {
        return json!({"type": "TRUE_FALSE", "answer": true});
    }
    if let Some(name) = schema["$ref"].as_str().and_then(component) {
        return sample(document, name, &document["components"]["schemas"][name]);
    }
    if schema["example"].is_string() {
        return schema["example"].clone();
    }
    if let Some(choices) = schema["enum"].as_array() {
        return choices[0].clone();
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds[0].clone(),
        kind => kind.clone(),
    };
    match (kind.as_str(), schema["format"].as_str()) {
        (Some("string"), Some("uuid")) => json!(Uuid::now_v7()),
        (Some("string"), Some("date")) => json!("2026-09-01"),
        (Some("string"), Some("date-time")) => json!("2026-09-01T09:00:00Z"),
        // Decimals are text.
        (Some("string"), _) if DECIMALS.contains(&name) => json!("0"),
        (Some("string"), _) => json!("x"),
        (Some("integer" | "number"), _) => json!(2026),
        (Some("boolean"), _) => json!(false),
        (Some("array"), _) => json!([sample(document, name, &schema["items"])]),
        _ => {
            let required = schema["required"].as_array().into_iter().flatten();
            let names = required.filter_map(Value::as_str);
            let member =
                |name: &str| (name.to_owned(), sample(document, name, &schema["properties"][name]));
            names.map(member).collect::<Map<_, _>>().into()
        }
    }
}

/// Members that are decimal numbers.
const DECIMALS: [&str; 5] = ["weight", "ratePercent", "passMark", "fromPercent", "points"];

fn component(reference: &str) -> Option<&str> {
    reference.strip_prefix("#/components/schemas/")
}

/// The schema of what an operation takes in its body; of its rows where it is a bulk.
fn schema<'d>(document: &'d Value, operation: &'d Value) -> (&'d Value, bool) {
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    let named = schema["properties"]["items"]["items"]["$ref"].as_str();
    let name = named.and_then(component);
    name.map_or((schema, false), |name| (&document["components"]["schemas"][name], true))
}

/// An object with everything that a schema demands; what it refers to is among `things`.
fn demanded(document: &Value, schema: &Value, things: &BTreeMap<&str, Uuid>) -> Map<String, Value> {
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let member = |name: &str| {
        let property = &schema["properties"][name];
        let id = entity(name, "").filter(|_| property["format"] == "uuid");
        let value =
            id.map_or_else(|| sample(document, name, property), |entity| json!(things[entity]));
        (name.to_owned(), value)
    };
    required.map(member).collect()
}

/// A body with everything that the operation demands.
fn body(document: &Value, operation: &Value, things: &BTreeMap<&str, Uuid>) -> Option<Value> {
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    schema.is_object().then(|| Value::Object(demanded(document, schema, things)))
}

/// What the id of this name is the id of; `id` of what the path ends with.
fn entity<'p>(name: &str, path: &'p str) -> Option<&'p str> {
    let names = [
        ("programId", "programs"),
        ("termSystemId", "term-systems"),
        ("termId", "terms"),
        ("courseId", "courses"),
        ("classId", "classes"),
        ("sessionId", "attendance-sessions"),
        ("studentId", "students"),
        ("userId", "users"),
        ("guardianId", "users"),
        ("prerequisiteId", "courses"),
        ("parentId", "org-units"),
        ("orgUnitId", "org-units"),
        ("meetingId", "class-meetings"),
        ("enrollmentId", "enrollments"),
        ("endpointId", "webhooks"),
        ("eventId", "events"),
        ("bankId", "question-banks"),
        ("gradeId", "grades"),
        ("assessmentId", "assessments"),
        ("subjectId", "subjects"),
        ("categoryId", "grading-categories"),
        ("latePolicyId", "late-policies"),
        ("questionId", "questions"),
        ("id", path.rsplit('/').next().unwrap_or_default()),
    ];
    names.into_iter().find(|(known, _)| *known == name).map(|(_, entity)| entity)
}

/// What the name in braces is the id of: what the path names before it, or what its own name says.
fn named<'p>(front: &'p str, name: &str) -> &'p str {
    let collection = front.trim_start_matches("/v1/").trim_end_matches('/');
    if collection.contains('/') { entity(name, "").unwrap_or(collection) } else { collection }
}

/// The names in braces of a path, and what each is the id of.
fn ids(path: &str) -> Vec<(&str, &str)> {
    let braces = path.match_indices('{').map(|(at, _)| at);
    braces
        .map(|at| {
            let name = path[at + 1..].split_once('}').expect("a brace").0;
            (name, named(&path[..at], name))
        })
        .collect()
}

/// A path with the things of an institution in it.
fn filled(path: &str, things: &BTreeMap<&str, Uuid>) -> String {
    ids(path).into_iter().fold(path.to_owned(), |filled, (name, entity)| {
        let id = things.get(entity).unwrap_or_else(|| panic!("{path}: the test makes no {entity}"));
        filled.replace(&format!("{{{name}}}"), &id.to_string())
    })
}

/// Every operation of the document, with its method and path.
fn operations(document: &Value) -> Vec<(Method, &str, &Value)> {
    let paths = document["paths"].as_object().expect("paths").iter();
    paths
        .flat_map(|(path, item)| {
            let item = item.as_object().expect("operations").iter();
            item.map(move |(method, operation)| {
                let method = method.to_uppercase().parse().expect("a method");
                (method, path.as_str(), operation)
            })
        })
        .collect()
}

/// Who has every role of people: no operation refuses it as such.
fn everybody(platform: &Platform, institution: InstitutionId) -> Client {
    let roles = [Role::Admin, Role::Staff, Role::Instructor, Role::Student, Role::Guardian];
    let token = platform.signing_key().mint(&Mint {
        issuer: "lxp-local",
        audience: "lxp",
        subject: Uuid::now_v7(),
        institution,
        roles: roles.into_iter().fold(Roles::empty(), Roles::with),
        issued_at: clock::now(),
        ttl: TimeDelta::hours(1),
        token_id: Uuid::now_v7(),
    });
    platform.admin(institution).with_token(&token)
}

#[tokio::test]
async fn every_operation_on_anothers_id_is_not_found() {
    let platform = Platform::shared();
    let mine = everybody(&platform, platform.institution(None).await.id);
    let others = platform.institution(None).await.id;
    let other = platform.admin(others);
    let things = things(&platform, others).await;
    let document = mine.get("/openapi.json").await.expect(200).body;
    let (mut asked, mut wrong) = (0, Vec::new());
    for (method, path, operation) in operations(&document) {
        if !path.contains('{') {
            continue;
        }
        let path = filled(path, &things);
        let answer = mine
            .send(
                method.clone(),
                &path,
                body(&document, operation, &things),
                &[("if-match", "\"1\"")],
            )
            .await;
        asked += 1;
        if (answer.status, answer.code()) != (404, "not-found") {
            wrong.push(format!("{method} {path}: {} {}", answer.status, answer.body));
        }
    }
    assert!(asked >= 25, "only {asked} operations have an id in their path");
    assert!(wrong.is_empty(), "{wrong:#?}");
    let kept = other.get(&format!("/v1/enrollments/{}", things["enrollments"])).await.expect(200);
    assert_eq!(kept.body["status"], "ACTIVE", "somebody else changed it");
}

/// Everything else is the caller's own and sound: only the id that is another's is wrong.
#[tokio::test]
async fn anothers_id_in_a_body_or_a_bulk_is_not_found() {
    let platform = Platform::shared();
    let mine = platform.institution(None).await.id;
    let others = platform.institution(None).await.id;
    let (theirs, own) = (things(&platform, others).await, things(&platform, mine).await);
    let mine = platform.admin(mine);
    let document = mine.get("/openapi.json").await.expect(200).body;
    let (mut asked, mut wrong) = (BTreeSet::new(), Vec::new());
    for (method, path, operation) in operations(&document) {
        let (schema, bulk) = schema(&document, operation);
        let properties = schema["properties"].as_object().into_iter().flatten();
        for (name, _) in properties.filter(|(_, schema)| schema["format"] == "uuid") {
            let entity =
                entity(name, "").unwrap_or_else(|| panic!("{path}: {name} is the id of what?"));
            let mut members = demanded(&document, schema, &own);
            members.insert(name.clone(), json!(theirs[entity]));
            let body = if bulk { json!({"items": [members]}) } else { json!(members) };
            let path = filled(path, &own);
            // A draft may change in more.
            let (published, draft) = (own["assessments"], own["draft-assessments"]);
            let path = match method {
                Method::PATCH => path.replace(&published.to_string(), &draft.to_string()),
                _ => path,
            };
            let answer = mine.send(method.clone(), &path, Some(body), &[("if-match", "*")]).await;
            asked.insert(format!("{method} {path} {name}"));
            let problem = if bulk { &answer.body["items"][0]["error"] } else { &answer.body };
            let prefix = if bulk { "/items/0" } else { "" };
            let seen = (&problem["status"], &problem["code"], &problem["errors"][0]["pointer"]);
            if seen != (&json!(404), &json!("not-found"), &json!(format!("{prefix}/{name}"))) {
                wrong.push(format!("{method} {path} {name}: {} {}", answer.status, answer.body));
            }
        }
    }
    assert!(asked.len() >= 9, "only {asked:#?}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn anothers_id_in_a_query_is_not_found() {
    let platform = Platform::shared();
    let mine = platform.institution(None).await.id;
    let others = platform.institution(None).await.id;
    let (theirs, own) = (things(&platform, others).await, things(&platform, mine).await);
    let mine = everybody(&platform, mine);
    let document = mine.get("/openapi.json").await.expect(200).body;
    let (mut asked, mut wrong) = (0, Vec::new());
    for (_, path, operation) in operations(&document) {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let names = parameters.filter(|at| at["in"] == "query").map(|at| &at["name"]);
        for name in names.filter_map(Value::as_str) {
            if name == "externalId" || !(name == "id" || name.ends_with("Id")) {
                continue;
            }
            let entity =
                entity(name, path).unwrap_or_else(|| panic!("{path}: {name} is the id of what?"));
            let path = format!("{}?{name}={}", filled(path, &own), theirs[entity]);
            let answer = mine.get(&path).await;
            asked += 1;
            if (answer.status, answer.code()) != (404, "not-found") {
                wrong.push(format!("{path}: {} {}", answer.status, answer.body));
            }
        }
    }
    assert!(asked >= 15, "only {asked} ids in queries");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn anothers_id_in_a_batch_is_not_found() {
    let platform = Platform::shared();
    let mine = everybody(&platform, platform.institution(None).await.id);
    let theirs = things(&platform, platform.institution(None).await.id).await;
    let document = mine.get("/openapi.json").await.expect(200).body;
    let (mut reads, mut writes) = (Vec::new(), Vec::new());
    for (method, path, operation) in operations(&document) {
        if !path.contains('{') {
            continue;
        }
        let mut input = body(&document, operation, &theirs).unwrap_or_else(|| json!({}));
        for (name, entity) in ids(path) {
            input[name] = json!(theirs[entity]);
        }
        let call = (operation["operationId"].as_str().expect("a name"), input);
        if method == Method::GET { reads.push(call) } else { writes.push(call) }
    }
    assert!(reads.len() >= 10 && writes.len() >= 15, "{reads:?} {writes:?}");
    for (method, calls) in [(Method::GET, &reads), (Method::POST, &writes)] {
        for calls in calls.chunks(5) {
            let names: Vec<_> = calls.iter().map(|(name, _)| *name).collect();
            let inputs = calls.iter().enumerate().map(|(at, (_, input))| (at.to_string(), input));
            let inputs = json!(inputs.collect::<BTreeMap<_, _>>());
            let mut url = reqwest::Url::parse("http://localhost/trpc/").expect("a URL");
            url.set_path(&format!("/trpc/{}", names.join(",")));
            url.query_pairs_mut().append_pair("batch", "1");
            if method == Method::GET {
                url.query_pairs_mut().append_pair("input", &inputs.to_string());
            }
            let path = format!("{}?{}", url.path(), url.query().unwrap_or_default());
            let sent = (method == Method::POST).then_some(inputs);
            let answer = mine.send(method.clone(), &path, sent, &[("if-match", "*")]).await;
            for (at, name) in names.iter().enumerate() {
                let data = &answer.body[at]["error"]["data"];
                let seen = (&data["httpStatus"], &data["problem"]["code"]);
                assert_eq!(seen, (&json!(404), &json!("not-found")), "{name}: {}", answer.body);
            }
        }
    }
}

#[tokio::test]
async fn a_mismatched_institution_header_is_refused() {
    let platform = Platform::shared();
    let mine = platform.admin(platform.institution(None).await.id);
    let other = platform.institution(None).await.id.to_string();
    let answer =
        mine.send(Method::GET, "/v1/programs", None, &[("x-institution-id", &other)]).await;
    assert_eq!((answer.status, answer.code()), (403, "institution-mismatch"));
}

#[tokio::test]
async fn without_a_tenant_the_application_sees_no_row() {
    let platform = Platform::shared();
    things(&platform, platform.institution(Some("shard-a")).await.id).await;
    let mut owner =
        PgConnection::connect(platform.dsn("shard-a", "adminUrl")).await.expect("a connection");
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT DISTINCT table_name::text FROM information_schema.columns
         WHERE column_name = 'institution_id' AND table_schema = 'public'",
    )
    .fetch_all(&mut owner)
    .await
    .expect("tables");
    assert!(tables.len() > 15, "only {tables:?}");
    let mut app =
        PgConnection::connect(platform.dsn("shard-a", "appUrl")).await.expect("a connection");
    for table in tables {
        let select = format!("SELECT * FROM {table}");
        let error = app.fetch_all(AssertSqlSafe(select)).await.err();
        let code = error.as_ref().and_then(|e| e.as_database_error()).and_then(DatabaseError::code);
        assert!(matches!(code.as_deref(), Some("42704" | "42501")), "{table}: {error:?}");
    }
}
