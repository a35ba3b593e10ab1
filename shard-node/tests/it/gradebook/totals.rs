//! What grades come to: categories, weights, drop rules, scales, pages, progress and reports.

use axum::http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Book, id};

async fn category(book: &Book, name: &str, weight: &str, drop_lowest: i32) -> Uuid {
    let body = json!({"name": name, "weight": weight, "dropLowest": drop_lowest});
    book.school.admin.post(&book.path("/grading-categories"), body).await.expect(201).id()
}

async fn put_in(book: &Book, assessment: Uuid, category: Uuid) {
    let mut watcher = book.school.shard.connect("postgres").await;
    sqlx::query("UPDATE assessments SET category_id = $1 WHERE id = $2")
        .bind(category)
        .bind(assessment)
        .execute(&mut watcher)
        .await
        .expect("put in");
}

fn totals(row: &Value) -> (String, String) {
    let text = |name: &str| row["totals"][name].as_str().unwrap_or("none").to_owned();
    (text("current"), text("final"))
}

#[tokio::test]
async fn the_lowest_that_is_dropped_is_the_one_that_costs_most() {
    let book = Book::open(1).await;
    let student = book.students[0];
    let homework = category(&book, "Homework", "100", 0).await;
    for (title, points, score) in [("A", 100, "80"), ("B", 100, "20"), ("C", 20, "1")] {
        let assessment = book.assessment(title, points).await;
        put_in(&book, assessment, homework).await;
        book.score(assessment, student, score).await;
    }
    assert_eq!(totals(&book.row(student).await), ("45.9091".to_owned(), "45.9091".to_owned()));
    let path = format!("/v1/grading-categories/{homework}");
    book.school.patch(&path, json!({"dropLowest": 1})).await.expect(200);
    assert_eq!(totals(&book.row(student).await), ("67.5".to_owned(), "67.5".to_owned()));
    // How far the student is follows, in the background.
    book.school.until("SELECT count(*) FROM progress_tracking WHERE percent = 67.5", 1).await;
    book.school.close().await;
}

#[tokio::test]
async fn weights_rescale_to_what_counts_now_and_in_the_end() {
    let book = Book::open(1).await;
    let student = book.students[0];
    let (work, exam) =
        (category(&book, "Work", "40", 0).await, category(&book, "Exam", "60", 0).await);
    let (essay, talk, last) = (
        book.assessment("Essay", 50).await,
        book.assessment("Talk", 50).await,
        book.assessment("Last", 10).await,
    );
    for (assessment, category) in [(essay, work), (talk, work), (last, exam)] {
        put_in(&book, assessment, category).await;
    }
    let empty = book.row(student).await;
    assert_eq!(totals(&empty), ("none".to_owned(), "0".to_owned()));
    book.score(essay, student, "40").await;
    assert_eq!(totals(&book.row(student).await), ("80".to_owned(), "16".to_owned()));
    let exempt = json!([{"studentId": student, "assessmentId": talk, "state": "EXEMPT"}]);
    book.give(exempt).await.expect(200);
    assert_eq!(totals(&book.row(student).await), ("80".to_owned(), "32".to_owned()));
    book.score(last, student, "5").await;
    assert_eq!(totals(&book.row(student).await), ("62".to_owned(), "62".to_owned()));
    let in_use = book.school.delete(&format!("/v1/grading-categories/{work}")).await.expect(409);
    assert_eq!(in_use.code(), "in-use");
    let taken = json!({"name": "Work", "weight": "1"});
    let taken = book.school.admin.post(&book.path("/grading-categories"), taken).await.expect(409);
    assert_eq!(taken.code(), "name-taken");
    book.school.close().await;
}

#[tokio::test]
async fn a_class_goes_by_its_own_scale_before_the_institutions() {
    let book = Book::open(1).await;
    let student = book.students[0];
    let essay = book.assessment("Essay", 100).await;
    book.score(essay, student, "65").await;
    let letter = async || book.row(student).await["totals"]["currentLetter"].clone();
    assert_eq!(letter().await, Value::Null);
    let scale = |name: &str, label: &str| {
        json!({"name": name, "passMark": "40",
        "bands": [{"label": "low", "fromPercent": "0"}, {"label": label, "fromPercent": "60"}]})
    };
    let mut default = scale("All", "good");
    default["isDefault"] = json!(true);
    let first = book.school.admin.post("/v1/grade-scales", default.clone()).await.expect(201).id();
    assert_eq!(letter().await, "good");
    default["name"] = json!("All anew");
    book.school.admin.post("/v1/grade-scales", default).await.expect(201);
    let before = book.school.admin.get(&format!("/v1/grade-scales/{first}")).await.expect(200);
    assert_eq!(before.body["isDefault"], false);
    let mut own = scale("Own", "fine");
    own["classId"] = json!(book.class);
    book.school.admin.post("/v1/grade-scales", own.clone()).await.expect(201);
    assert_eq!(letter().await, "fine");
    let second = book.school.admin.post("/v1/grade-scales", own).await.expect(409);
    assert_eq!(second.code(), "scale-taken");
    for (wrong, pointer) in [
        (json!({"name": "X", "passMark": "40", "bands": []}), "/bands"),
        (
            json!({"name": "X", "passMark": "40", "bands": [{"label": "A", "fromPercent": "10"}]}),
            "/bands",
        ),
        (
            json!({"name": "X", "passMark": "101", "bands": [{"label": "A", "fromPercent": "0"}]}),
            "/passMark",
        ),
        (
            json!({"name": "X", "passMark": "40", "distinctionMark": "39", "bands": [{"label": "A", "fromPercent": "0"}]}),
            "/distinctionMark",
        ),
    ] {
        let refused = book.school.admin.post("/v1/grade-scales", wrong).await.expect(400);
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{}", refused.body);
    }
    book.school.close().await;
}

#[tokio::test]
async fn a_gradebook_has_pages_of_students_and_columns_of_what_is_published() {
    let book = Book::open(3).await;
    let essay = book.assessment("Essay", 10).await;
    let draft = book.assessment("Draft", 10).await;
    book.alter("UPDATE assessments SET status = 'DRAFT', published_at = NULL WHERE id = $1", draft)
        .await;
    book.score(essay, book.students[1], "7").await;
    let first = book.school.admin.get(&book.path("/gradebook?limit=2")).await.expect(200).body;
    assert_eq!((&first["total"], &first["totalPages"]), (&json!(3), &json!(2)));
    let columns = first["assessments"].as_array().expect("columns");
    assert_eq!((columns.len(), id(&columns[0]["assessmentId"])), (1, essay));
    let second =
        book.school.admin.get(&book.path("/gradebook?limit=2&page=2")).await.expect(200).body;
    let rows: Vec<Value> = [&first, &second]
        .into_iter()
        .flat_map(|page| page["items"].as_array().expect("rows").clone())
        .collect();
    let students: Vec<Uuid> = rows.iter().map(|row| id(&row["studentId"])).collect();
    assert_eq!(students, book.students);
    assert_eq!(rows[1]["grades"][0]["score"], "7");
    let enrollment = id(&rows[2]["enrollmentId"]);
    book.school.act(enrollment, "withdraw", json!({})).await.expect(200);
    let still = book.school.admin.get(&book.path("/gradebook")).await.expect(200).body;
    assert_eq!(still["total"], 2);
    let left =
        book.school.admin.get(&book.path("/gradebook?status=WITHDRAWN")).await.expect(200).body;
    assert_eq!(id(&left["items"][0]["studentId"]), book.students[2]);
    for wrong in ["limit=201", "page=0", "status=GONE", "page=10000&limit=2", "more=1"] {
        book.school.admin.get(&book.path(&format!("/gradebook?{wrong}"))).await.expect(400);
    }
    let stats = book.school.admin.get(&book.path("/grade-stats")).await.expect(200).body;
    assert_eq!((&stats["graded"], &stats["meanScore"]), (&json!(1), &json!("7")));
    book.school.close().await;
}

#[tokio::test]
async fn progress_is_what_is_done_of_what_counts_and_the_released_mark() {
    let book = Book::open(1).await;
    let student = book.students[0];
    let (first, second) = (book.assessment("A", 10).await, book.assessment("B", 10).await);
    let enrollment = id(&book.row(student).await["enrollmentId"]);
    let progress = async || {
        let path = format!("/v1/enrollments/{enrollment}/progress");
        let row = book.school.admin.get(&path).await.expect(200).body["items"][0].clone();
        (row["status"].clone(), row["completed"].clone(), row["percent"].clone())
    };
    assert_eq!(progress().await, (json!("NOT_STARTED"), json!("0"), Value::Null));
    book.score(first, student, "9").await;
    assert_eq!(progress().await, (json!("IN_PROGRESS"), json!("0.5"), json!("90")));
    book.score(second, student, "4").await;
    assert_eq!(progress().await, (json!("COMPLETED"), json!("1"), json!("65")));
    book.school.close().await;
}

#[tokio::test]
async fn a_week_counts_what_was_handed_in_and_graded_in_it() {
    let book = Book::open(2).await;
    let essay = book.assessment("Essay", 50).await;
    let week = book.school.admin.get("/v1/job-schedules?kind=WEEKLY_REPORTS").await.expect(200);
    let run = format!("/v1/job-schedules/{}:run", id(&week.body["items"][0]["id"]));
    let due = book.school.admin.post(&run, json!({})).await.expect(202).body["date"].clone();
    let due: chrono::NaiveDate = due.as_str().and_then(|date| date.parse().ok()).expect("a date");
    let monday = due
        - chrono::Days::new(
            u64::from(chrono::Datelike::weekday(&due).days_since(chrono::Weekday::Mon)) + 7,
        );
    let row = |student: usize, score: &str, day: u64| {
        json!({"studentId": book.students[student],
        "assessmentId": essay, "score": score, "submittedAt": format!("{monday}T10:00:00Z"),
        "gradedAt": format!("{}T10:00:00Z", monday + chrono::Days::new(day)),
        "source": "sis", "externalId": student.to_string()})
    };
    // The second was graded in the week after.
    book.give(json!([row(0, "40", 2), row(1, "10", 7)])).await.expect(200);
    book.school.admin.post(&run, json!({})).await.expect(202);
    book.school.until("SELECT count(*) FROM weekly_reports WHERE graded = 1 AND mean_percent = 80 AND submitted = 2", 2).await;
    let path = format!("/v1/reports/weekly?classId={}&weekStart={monday}", book.class);
    let report = book.school.admin.get(&path).await.expect(200).body["items"][0].clone();
    assert_eq!((&report["percentSum"], &report["meanPercent"]), (&json!(80.0), &json!(80.0)));
    book.school.close().await;
}

#[tokio::test]
async fn a_category_is_of_its_class_alone() {
    let book = Book::open(1).await;
    let essay = book.assessment("Essay", 10).await;
    let course = book.school.admin.get("/v1/classes").await.expect(200).body["items"][0].clone();
    let class = json!({"courseId": course["courseId"], "termId": course["termId"], "code": "B", "capacity": 1});
    let other = book.school.admin.post("/v1/classes", class).await.expect(201).id();
    let path = format!("/v1/classes/{other}/grading-categories");
    let theirs =
        book.school.admin.post(&path, json!({"name": "T", "weight": "1"})).await.expect(201).id();
    let mut watcher = book.school.shard.connect("postgres").await;
    let refused = sqlx::query("UPDATE assessments SET category_id = $1 WHERE id = $2")
        .bind(theirs)
        .bind(essay)
        .execute(&mut watcher)
        .await
        .expect_err("refused");
    let constraint = refused.as_database_error().and_then(|error| error.constraint());
    assert_eq!(constraint, Some("assessments_category_of_class"));
    let path = format!("/v1/grading-categories/{theirs}");
    book.school.admin.send(Method::DELETE, &path, None, &[]).await.expect(204);
    book.school.close().await;
}
