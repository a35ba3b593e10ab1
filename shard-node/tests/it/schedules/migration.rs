//! The migration that brought schedules: it gives them to whoever was there before it.

use crate::support::Shard;

/// Those that were there before there were schedules, by the migration itself and its owner's rights.
#[tokio::test]
async fn institutions_that_are_there_already_get_theirs_by_the_migration() {
    let shard = Shard::create_before(20_261_129_000_030).await;
    let there = [shard.admit().await, shard.admit().await];
    shard.migrate().await;
    let new = shard.admit().await;
    let mut watcher = shard.connect("postgres").await;
    for institution in there.into_iter().chain([new]) {
        let kinds: Vec<String> = sqlx::query_scalar(
            "SELECT kind FROM job_schedules WHERE institution_id = $1 ORDER BY kind",
        )
        .bind(institution.as_uuid())
        .fetch_all(&mut watcher)
        .await
        .expect("schedules");
        assert_eq!(kinds, ["DAILY_ATTENDANCE", "MONTHLY_METRICS", "WEEKLY_REPORTS"]);
        let codes: i64 =
            sqlx::query_scalar("SELECT count(*) FROM attendance_codes WHERE institution_id = $1")
                .bind(institution.as_uuid())
                .fetch_one(&mut watcher)
                .await
                .expect("codes");
        assert_eq!(codes, 4);
    }
    drop(watcher);
    shard.drop_database().await;
}
