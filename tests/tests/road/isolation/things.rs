//! What an institution has: one thing of each kind that an operation's path, query or body may name.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use lxp_tests::{Client, Platform};
use serde_json::{Value, json};
use service_kit::token::Role;
use shard_map::InstitutionId;
use uuid::Uuid;

/// Things of the other institution, by the first segment of the path that they live under.
pub(super) async fn things(
    platform: &Platform,
    institution: InstitutionId,
) -> BTreeMap<&'static str, Uuid> {
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
    let (attempt, regrade) = begun(platform, institution, class, user).await;
    things.extend([("attempts", attempt), ("submissions", attempt), ("regrades", regrade)]);
    things
}

/// An attempt that a student of the class has begun, and a regrade of its assessment.
async fn begun(
    platform: &Platform,
    institution: InstitutionId,
    class: Uuid,
    user: Uuid,
) -> (Uuid, Uuid) {
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
    let attempts = format!("/v1/assessments/{exam}/attempts");
    let attempt = own.post(&attempts, json!({})).await.expect(201).id();
    let regrade = format!("/v1/assessments/{exam}:regrade");
    let regrade = other.post(&regrade, json!({"dryRun": false})).await.expect(202).body;
    let regrade = regrade["regradeId"].as_str().and_then(|id| id.parse().ok()).expect("an id");
    (attempt, regrade)
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
