//! With what each operation is asked. Ids of a path are those of the world's things; a body has what the input demands.
//! Where that does not do, an operation has a case of its own here.

use serde_json::{Map, Value, json};
use shard_node::operation::Operation;

use super::world::World;

/// One request.
pub(super) struct Case {
    pub(super) path: String,
    pub(super) body: Option<Value>,
}

/// What an operation is asked with.
pub(super) fn of(operation: &Operation, world: &World) -> Case {
    let mut path = filled(operation, world);
    if let Some(query) = query(operation.name, world) {
        path = format!("{path}?{query}");
    }
    let body = (!operation.is_read()).then(|| {
        body(operation.name, world).unwrap_or_else(|| Value::Object(demanded(operation, world)))
    });
    Case { path, body }
}

/// The path with ids. A name in braces is what stands before it, or what it says itself.
fn filled(operation: &Operation, world: &World) -> String {
    let mut parts = operation.path.split('{');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |path, part| {
        let (name, rest) = part.split_once('}').expect("a name in braces");
        let before = path.trim_start_matches("/v1/").trim_end_matches('/').to_owned();
        let thing = match thing(operation.name, name) {
            Some(thing) => thing.to_owned(),
            None if before.contains('/') => named(name).unwrap_or(name).to_owned(),
            None => before,
        };
        format!("{path}{}{rest}", world.id(&thing))
    })
}

/// Of what a name in a path or body is the id.
fn named(name: &str) -> Option<&'static str> {
    Some(match name {
        "classId" => "classes",
        "courseId" => "courses",
        "termId" => "terms",
        "studentId" => "students",
        "userId" => "users",
        "programId" => "programs",
        "sessionId" => "attendance-sessions",
        "prerequisiteId" => "needed-course",
        "guardianId" => "guardian",
        "enrollmentId" => "enrollments",
        "assessmentId" => "assessments",
        "bankId" => "question-banks",
        "questionId" => "questions",
        "regradeId" => "regrades",
        _ => return None,
    })
}

/// What an operation is about, where it is not what its path says: something in another state, or that nothing refers to.
fn thing(operation: &str, name: &str) -> Option<&'static str> {
    Some(match (operation, name) {
        ("academic.deleteStudent", _) => "idle-student",
        ("academic.deleteClass", _) => "idle-class",
        ("academic.deleteTerm", _) => "idle-term",
        ("academic.deleteProgram", _) => "idle-program",
        ("academic.removeClassStaff", "userId") => "instructor",
        ("assessment.deleteAssessment" | "assessment.publishAssessment", _) => "draft-assessment",
        ("assessment.generateMaterials", _) => "drawn-draft",
        ("assessment.deleteQuestionBank", _) => "idle-bank",
        ("admin.getUser", _) => "student",
        ("admin.retryJob", _) => "failed-job",
        ("attendance.deleteSession", _) => "idle-session",
        ("attendance.checkIn", _) => "open-session",
        ("enrollment.cancel", _) => "waitlisted",
        ("enrollment.acceptOffer" | "enrollment.decline", _) => "offered",
        ("enrollment.resume", _) => "suspended",
        _ => return None,
    })
}

/// What is demanded beside the path.
fn query(operation: &str, world: &World) -> Option<String> {
    let class = world.id("classes");
    match operation {
        "report.listWeekly" | "attendance.listRecordsOfStudents" => {
            Some(format!("classId={class}"))
        }
        _ => None,
    }
}

/// The bodies that are not made of what is demanded.
fn body(operation: &str, world: &World) -> Option<Value> {
    let student = world.id("students");
    Some(match operation {
        "assessment.createAssessment" => {
            json!({"classId": world.id("classes"), "title": "N", "gradingType": "MANUAL"})
        }
        "assessment.createQuestion" => json!({"bankId": world.id("question-banks"), "title": "N",
            "statement": "N", "body": {"type": "ESSAY"}}),
        "assessment.saveAnswers" => json!({"answers": {"i1": "x"}}),
        "assessment.scoreItems" => json!({"items": [{"item": "i1", "points": "1"}]}),
        "assessment.regradeAssessment" => json!({"dryRun": true}),
        "assessment.verifyReceipt" => json!({"receipt": {"submissionId": world.id("submissions"),
            "assessmentId": world.id("assessments"), "studentId": student, "attempt": 1,
            "submittedAt": "2026-09-01T00:00:00Z", "answersSha256": "", "signature": ""}}),
        "attendance.checkIn" => json!({"code": world.code}),
        "attendance.createSession" => json!({"date": "2026-09-04"}),
        "attendance.markRecords" => json!({"items": [{"studentId": student, "code": "ABSENT"}]}),
        "academic.bulkCreateStudents" => {
            json!({"items": [{"studentNo": "B", "givenName": "B", "familyName": "B"}]})
        }
        "academic.createCurriculumTemplate" => json!({"code": "N", "version": 1, "years": 1,
            "items": [{"course": "NEEDED", "year": 1, "term": 1}]}),
        "academic.previewCurriculumTemplate" => {
            json!({"curriculumTemplate": {"code": "T", "version": 1}})
        }
        "academic.createTermSystem" => {
            json!({"type": "TRIMESTER", "termsPerYear": 3, "weeksPerTerm": 10, "anchor": "09-01"})
        }
        "academic.generateTerms" => json!({"year": 2026}),
        "academic.createTerm" => {
            json!({"code": "N", "name": "N", "startsOn": "2031-01-01", "endsOn": "2031-02-01"})
        }
        "admin.createGuardianLink" => json!({"guardianId": world.id("guardian"),
            "studentId": world.id("other-students"), "relationship": "OTHER"}),
        "enrollment.bulkEnroll" => json!({"items": [{"studentId": student}]}),
        "enrollment.override" => json!({"to": "WITHDRAWN", "reason": "why"}),
        "gradebook.bulkGrades" => json!({"items": [{"studentId": student,
            "assessmentId": world.id("counted-assessment"), "score": "7"}]}),
        "gradebook.bulkResults" => {
            json!({"items": [{"studentId": student, "outcome": "FAIL", "rowVersion": 1}]})
        }
        "gradebook.createCategory" => json!({"name": "N", "weight": "1"}),
        "gradebook.createLatePolicy" => json!({"classId": world.id("classes"), "name": "N",
            "ratePercent": "1", "interval": "HOUR"}),
        "gradebook.createScale" => json!({"classId": world.id("idle-class"), "name": "N",
            "passMark": "40", "bands": [{"label": "F", "fromPercent": "0"}]}),
        "notification.setPreferences" => {
            json!({"items": [{"type": "*", "channel": "EMAIL", "enabled": false}]})
        }
        "webhook.create" => json!({"url": "https://example.com/", "eventTypes": []}),
        _ => return None,
    })
}

/// What the input demands, by its schema; the path's names are in the path.
fn demanded(operation: &Operation, world: &World) -> Map<String, Value> {
    let of_path = |name: &String| operation.path.contains(&format!("{{{name}}}"));
    let names = operation.schemas.required();
    names
        .into_iter()
        .filter(|name| !of_path(name))
        .map(|name| {
            let value = match named(&name) {
                Some(thing) => json!(world.id(thing)),
                None => sample(&operation.schemas.properties[&name]),
            };
            (name, value)
        })
        .collect()
}

fn sample(schema: &Value) -> Value {
    if schema["example"].is_string() {
        return schema["example"].clone();
    }
    if let Some(choices) = schema["enum"].as_array() {
        return choices[0].clone();
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds[0].as_str(),
        kind => kind.as_str(),
    };
    match (kind, schema["format"].as_str()) {
        (Some("string"), Some("date")) => json!("2026-09-01"),
        (Some("string"), _) => json!("x"),
        (Some("integer" | "number"), _) => json!(7),
        (Some("boolean"), _) => json!(false),
        _ => json!({}),
    }
}
