//! What the marks of a day come to: counted anew after each change, and by the day's job.

use chrono::Days;
use serde_json::{Value, json};

use super::{Taught, today};

#[tokio::test]
async fn each_change_has_the_day_counted_anew() {
    let taught = Taught::open(5).await;
    let s = &taught.students;
    let marks = [(s[0], "PRESENT"), (s[1], "LATE"), (s[2], "ABSENT"), (s[3], "EXCUSED")];
    taught.mark(&marks).await.expect(200);
    let stats = taught.until_stats(today(), |stats| stats["marked"] == 4).await;
    for (member, value) in [
        ("sessions", json!(1)),
        ("enrolled", json!(4)),
        ("counted", json!(3)),
        ("present", json!(2.0)),
        ("rate", json!(0.6667)),
        ("byCode", json!({"PRESENT": 1, "LATE": 1, "ABSENT": 1, "EXCUSED": 1})),
    ] {
        assert_eq!(stats[member], value, "{member}");
    }
    taught.mark(&[(s[2], "PRESENT")]).await.expect(200);
    taught.until_stats(today(), |stats| stats["rate"] == 1.0).await;
    let cancel = json!({"status": "CANCELLED"});
    taught.school.patch(&taught.path(""), cancel).await.expect(200);
    taught.until_stats(today(), Value::is_null).await;
    let refused = taught.mark(&[(s[0], "ABSENT")]).await.expect(409);
    assert_eq!(refused.code(), "session-closed");
    taught.school.patch(&taught.path(""), json!({"status": "OPEN"})).await.expect(200);
    taught.until_stats(today(), |stats| stats["marked"] == 4).await;
    taught.school.close().await;
}

/// However many marks come at once: the last one is counted, too.
#[tokio::test]
async fn marks_at_once_are_all_counted() {
    let taught = Taught::open(13).await;
    let work = taught.students.iter().take(12).map(|student| async {
        taught.mark(&[(*student, "PRESENT")]).await.expect(200);
    });
    futures::future::join_all(work).await;
    let stats = taught.until_stats(today(), |stats| stats["marked"] == 12).await;
    assert_eq!(stats["rate"], 1.0);
    taught.school.close().await;
}

#[tokio::test]
async fn the_days_job_counts_the_day_that_ended_and_the_one_that_began() {
    let taught = Taught::open(2).await;
    let yesterday = today() - Days::new(1);
    let before = today() - Days::new(2);
    for date in [yesterday, before] {
        taught.session_on(date).await;
        taught.until_stats(date, |stats| stats["sessions"] == 1).await;
    }
    taught.until_stats(today(), |stats| stats["sessions"] == 1).await;
    let pool = taught.school.shard.pool("postgres", 1);
    let forget = "UPDATE class_attendance_stats SET enrolled = 99";
    sqlx::query(forget).execute(&pool).await.expect("updated");
    let listed =
        taught.school.admin.get("/v1/job-schedules?kind=DAILY_ATTENDANCE").await.expect(200);
    let id = listed.body["items"][0]["id"].as_str().expect("an id").to_owned();
    taught.school.admin.post(&format!("/v1/job-schedules/{id}:run"), json!({})).await.expect(202);
    for date in [today(), yesterday] {
        taught.until_stats(date, |stats| stats["enrolled"] == 1).await;
    }
    taught.until_stats(before, |stats| stats["enrolled"] == 99).await;
    taught.school.close().await;
}
