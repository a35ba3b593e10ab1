//! Weekly reports and monthly metrics, by their jobs, against a real Postgres.

use std::time::{Duration, Instant};

use chrono::{Datelike as _, Days, NaiveDate};
use serde_json::{Value, json};
use service_kit::token::Role;
use uuid::Uuid;

use crate::support::school::School;

/// Runs a schedule now, and answers the date that it is for.
async fn run(school: &School, kind: &str) -> NaiveDate {
    let listed = school.admin.get(&format!("/v1/job-schedules?kind={kind}")).await.expect(200);
    let id = listed.body["items"][0]["id"].as_str().expect("an id").to_owned();
    let started =
        school.admin.post(&format!("/v1/job-schedules/{id}:run"), json!({})).await.expect(202);
    started.body["date"].as_str().and_then(|date| date.parse().ok()).expect("a date")
}

/// The first of a list, once it is so.
async fn until(school: &School, path: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let found = school.admin.get(path).await.expect(200).body["items"][0].clone();
        if holds(&found) {
            return found;
        }
        assert!(Instant::now() < deadline, "{path} stays {found}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A class of a term around a day, in which students are enrolled from a day on.
async fn class_around(
    school: &School,
    day: NaiveDate,
    students: &[Uuid],
    since: NaiveDate,
) -> Uuid {
    let course = json!({"code": format!("C-{day}"), "title": "C"});
    let course = school.admin.post("/v1/courses", course).await.expect(201).id();
    let (starts_on, ends_on) = (day - Days::new(100), day + Days::new(20));
    let term =
        json!({"code": format!("T-{day}"), "name": "T", "startsOn": starts_on, "endsOn": ends_on});
    let term = school.admin.post("/v1/terms", term).await.expect(201).id();
    let class = json!({"courseId": course, "termId": term, "code": "A", "capacity": 50});
    let class = school.admin.post("/v1/classes", class).await.expect(201).id();
    let items: Vec<Value> = students
        .iter()
        .map(|student| json!({"studentId": student, "effectiveDate": since}))
        .collect();
    let path = format!("/v1/classes/{class}/enrollments:bulk");
    school.admin.post(&path, json!({"atomic": true, "items": items})).await.expect(200);
    class
}

/// Changes the enrolment of a student as of a day.
async fn act(school: &School, student: Uuid, verb: &str, day: NaiveDate) {
    let path = format!("/v1/enrollments?studentId={student}");
    let id = school.admin.get(&path).await.expect(200).body["items"][0]["id"].clone();
    let path = format!("/v1/enrollments/{}:{verb}", id.as_str().expect("an id"));
    school.admin.post(&path, json!({"effectiveDate": day})).await.expect(200);
}

/// Marks students in a new session of a class, and waits until that is counted.
async fn meet(school: &School, class: Uuid, day: NaiveDate, marks: &[(Uuid, &str)]) {
    let path = format!("/v1/classes/{class}/attendance-sessions");
    let session = school.admin.post(&path, json!({"date": day})).await.expect(201).id();
    let items: Vec<Value> =
        marks.iter().map(|(student, code)| json!({"studentId": student, "code": code})).collect();
    let path = format!("/v1/attendance-sessions/{session}/records:bulk");
    school.admin.post(&path, json!({"atomic": true, "items": items})).await.expect(200);
    let path = format!("/v1/classes/{class}/attendance-stats?date={day}");
    until(school, &path, |stats| stats["marked"] == marks.len()).await;
}

fn expect_members(row: &Value, members: &Value) {
    for (name, value) in members.as_object().expect("members") {
        assert_eq!(&row[name], value, "{name} of {row}");
    }
}

#[tokio::test]
async fn a_week_is_reported_for_classes_and_the_institution_and_again_where_it_was_different() {
    let school = School::open_working(None).await;
    let monday = run(&school, "WEEKLY_REPORTS").await;
    assert_eq!(monday.weekday(), chrono::Weekday::Mon);
    let week = monday - Days::new(7);
    let of_institution = format!("/v1/reports/weekly?weekStart={week}&scope=INSTITUTION");
    let empty = until(&school, &of_institution, |row| !row.is_null()).await;
    expect_members(
        &empty,
        &json!({"enrolled": 0, "joined": 0, "sessions": 0, "attendanceRate": null, "classId": null, "rowVersion": 1}),
    );

    let students = school.students(4).await;
    let class = class_around(&school, week, &students[..3], week - Days::new(20)).await;
    let second =
        class_around(&school, week + Days::new(1), &students[2..], week + Days::new(2)).await;
    act(&school, students[0], "drop", week + Days::new(6)).await;
    meet(
        &school,
        class,
        week + Days::new(3),
        &[(students[0], "PRESENT"), (students[1], "ABSENT"), (students[2], "PRESENT")],
    )
    .await;
    meet(&school, second, week + Days::new(4), &[(students[3], "LATE")]).await;
    // Not of this week.
    meet(&school, class, week - Days::new(1), &[(students[1], "ABSENT")]).await;
    run(&school, "WEEKLY_REPORTS").await;
    let report = until(&school, &of_institution, |row| row["sessions"] == 2).await;
    assert_eq!((&report["id"], &report["rowVersion"]), (&empty["id"], &json!(2)));
    // Three students are left, of whom one is in both classes.
    expect_members(
        &report,
        &json!({"enrolled": 3, "joined": 2, "dropped": 1, "counted": 4, "present": 3.0, "attendanceRate": 0.75}),
    );
    let of_class =
        until(&school, &format!("/v1/reports/weekly?classId={class}"), |row| !row.is_null()).await;
    expect_members(
        &of_class,
        &json!({"scope": "CLASS", "weekStart": week.to_string(), "enrolled": 2, "joined": 0, "dropped": 1,
               "sessions": 1, "attendanceRate": 0.6667}),
    );
    // Run once more, nothing is different: no row is written.
    run(&school, "WEEKLY_REPORTS").await;
    let done = "SELECT count(*) FROM jobs WHERE type = 'WEEKLY_REPORTS' AND state = 'DONE'";
    let deadline = Instant::now() + Duration::from_secs(30);
    while school.count(done).await < 3 {
        assert!(Instant::now() < deadline, "the third run has not ended");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let all =
        school.admin.get(&format!("/v1/reports/weekly?from={week}&to={week}")).await.expect(200);
    assert_eq!(all.body["total"], 3);
    let highest = "SELECT max(row_version) FROM weekly_reports";
    assert_eq!(school.count(highest).await, 2);
    let recorded = "SELECT count(*) FROM outbox_events WHERE type = 'WEEKLY_REPORT_UPDATED'";
    assert_eq!(school.count(recorded).await, 2);
    school.close().await;
}

/// Nobody ended the enrolments of a class whose term is over: nobody is in it all the same. Where something happens in
/// it after all, it is looked at.
#[tokio::test]
async fn terms_that_are_over_count_no_more() {
    let school = School::open_working(None).await;
    let monday = run(&school, "WEEKLY_REPORTS").await;
    let first = run(&school, "MONTHLY_METRICS").await;
    let (week, month) = (monday - Days::new(7), first - Days::new(1));
    let month = month.with_day(1).expect("a day");
    let students = school.students(4).await;
    let long_ago = month - Days::new(60);
    let over = class_around(&school, long_ago, &students[..3], long_ago).await;
    class_around(&school, week, &students[3..], long_ago).await;
    act(&school, students[0], "drop", week + Days::new(1)).await;
    act(&school, students[1], "complete", month + Days::new(2)).await;
    run(&school, "WEEKLY_REPORTS").await;
    run(&school, "MONTHLY_METRICS").await;
    let path = format!("/v1/reports/weekly?weekStart={week}&scope=INSTITUTION");
    let report = until(&school, &path, |row| row["dropped"] == 1).await;
    assert_eq!(report["enrolled"], 1, "{report}");
    let of_class =
        until(&school, &format!("/v1/reports/weekly?classId={over}"), |row| !row.is_null()).await;
    assert_eq!(of_class["dropped"], 1, "{of_class}");
    let metrics = until(&school, &format!("/v1/metrics/monthly?month={month}"), |row| {
        row["enrollmentsCompleted"] == 1
    })
    .await;
    // Who completed after the term's end did so, and who dropped was there until then.
    assert!(
        metrics["activeStudents"].as_i64().is_some_and(|active| (2..=3).contains(&active)),
        "{metrics}"
    );
    assert_eq!(school.count("SELECT count(*) FROM enrollments WHERE status = 'ACTIVE'").await, 2);
    school.close().await;
}

#[tokio::test]
async fn a_month_has_its_metrics() {
    let school = School::open_working(None).await;
    let first = run(&school, "MONTHLY_METRICS").await;
    assert_eq!(first.day(), 1);
    let month = (first - Days::new(1)).with_day(1).expect("a day");
    let path = format!("/v1/metrics/monthly?month={month}");
    let empty = until(&school, &path, |row| !row.is_null()).await;
    expect_members(
        &empty,
        &json!({"activeStudents": 0, "completionRate": null, "attendanceRate": null}),
    );

    let students = school.students(5).await;
    let before = month - Days::new(40);
    let class = class_around(&school, month, &students[..4], before).await;
    let later =
        class_around(&school, month + Days::new(1), &students[4..], month + Days::new(3)).await;
    act(&school, students[0], "drop", month - Days::new(1)).await;
    act(&school, students[1], "withdraw", month + Days::new(10)).await;
    act(&school, students[2], "complete", month + Days::new(20)).await;
    meet(
        &school,
        class,
        month + Days::new(5),
        &[(students[1], "ABSENT"), (students[3], "PRESENT")],
    )
    .await;
    meet(&school, later, first - Days::new(1), &[(students[4], "PRESENT")]).await;
    meet(&school, later, first, &[(students[4], "ABSENT")]).await;
    run(&school, "MONTHLY_METRICS").await;
    let metrics = until(&school, &path, |row| row["sessions"] == 2).await;
    assert_eq!((&metrics["id"], &metrics["rowVersion"]), (&empty["id"], &json!(2)));
    expect_members(
        &metrics,
        &json!({"activeStudents": 4, "activeClasses": 2, "enrollmentsMade": 1, "enrollmentsDropped": 1,
               "enrollmentsCompleted": 1, "completionRate": 0.25, "counted": 3, "present": 2.0,
               "attendanceRate": 0.6667}),
    );
    school.close().await;
}

#[tokio::test]
async fn an_instructor_reads_reports_of_own_classes() {
    let school = School::open().await;
    let class = school.class(5, 0).await;
    let user = Uuid::now_v7();
    let instructor = school.served.client(school.institution, Role::Instructor, Some(user));
    let unnamed = instructor.get("/v1/reports/weekly").await.expect(400);
    assert_eq!(unnamed.body["errors"][0]["pointer"], "/classId");
    let path = format!("/v1/reports/weekly?classId={class}");
    instructor.get(&path).await.expect(403);
    let pool = school.shard.pool("postgres", 1);
    sqlx::query(
        "WITH made AS (INSERT INTO users (institution_id, id, given_name, family_name)
                       VALUES ($1, $2, 'I', 'I') RETURNING id)
         INSERT INTO class_staff (institution_id, id, class_id, user_id)
         SELECT $1, gen_random_uuid(), $3, id FROM made",
    )
    .bind(school.institution.as_uuid())
    .bind(user)
    .bind(class)
    .execute(&pool)
    .await
    .expect("an instructor");
    instructor.get(&path).await.expect(200);
    instructor.get("/v1/metrics/monthly").await.expect(403);
    school.close().await;
}
