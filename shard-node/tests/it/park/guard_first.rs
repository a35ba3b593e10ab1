//! The guard meets the fence before the node's table knows of it.

use axum::http::Method;
use serde_json::json;
use shard_node::limits::LimitSettings;
use sqlx::{AssertSqlSafe, Executor as _};

use super::{COUNT, COURSES, Moving, answered, course, read, send, write};
use crate::support::Shard;
use crate::support::api::generous;

/// From its try `first` to its try `last` the guard says that the institution is fenced, whatever its row says. Counts
/// its tries, and how often the table was read; each of these reads takes so long.
pub(super) async fn the_guard_says_fenced(shard: &Shard, first: i64, last: i64, poll_s: f64) {
    let mut definer = shard.connect("lxp_definer").await;
    let sql = format!(
        r#"CREATE SEQUENCE tries; CREATE SEQUENCE polls;
        ALTER FUNCTION tenant_enter RENAME TO tenant_enter_really;
        CREATE FUNCTION tenant_enter(institution uuid) RETURNS void LANGUAGE plpgsql VOLATILE
            SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        DECLARE
            try bigint := nextval('public.tries');
        BEGIN
            IF try BETWEEN {first} AND {last} THEN
                RAISE EXCEPTION 'fenced' USING ERRCODE = 'LX001',
                    DETAIL = '{{"state":"fenced","owner":"shard-t","epoch":2,"mapVersion":0}}';
            END IF;
            PERFORM public.tenant_enter_really(institution);
        END $$;
        ALTER FUNCTION ownership_changes RENAME TO ownership_changes_really;
        CREATE FUNCTION ownership_changes(after bigint)
            RETURNS TABLE (institution_id uuid, state text, epoch bigint, owner text, map_version bigint,
                           version bigint, suspended boolean)
            LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        BEGIN
            PERFORM nextval('public.polls'), pg_sleep({poll_s});
            RETURN QUERY SELECT * FROM public.ownership_changes_really(after);
        END $$;
        GRANT EXECUTE ON FUNCTION tenant_enter, ownership_changes TO lxp_app"#
    );
    definer.execute(AssertSqlSafe(sql)).await.expect("replaced");
}

pub(super) const TRIES: &str = "SELECT last_value FROM tries";

#[tokio::test]
async fn where_the_guard_finds_out_first_it_is_judged_anew_and_charged_once() {
    let limits = LimitSettings { user_per_minute: 5, ..generous() };
    let moving = Moving::start_with(limits).await;
    the_guard_says_fenced(&moving.school.shard, 1, 2, 0.0).await;
    let made = answered(write(&moving.school.admin, 1)).await.expect(201);
    let limit = made.headers["ratelimit"].to_str().expect("text");
    assert!(limit.starts_with("\"user\";r=4;"), "{limit}");
    assert_eq!((moving.count(TRIES).await, moving.count(COUNT).await), (3, 1));
    let events = "SELECT count(*) FROM outbox_events WHERE aggregate = 'courses'";
    assert_eq!((moving.count(events).await, moving.ended("served")), (1, 2));
    moving.close().await;
}

#[tokio::test]
async fn a_read_that_meets_the_fence_behind_its_cache_waits_too() {
    let moving = Moving::start().await;
    let made = moving.school.admin.post(COURSES, course(1)).await.expect(201);
    the_guard_says_fenced(&moving.school.shard, 1, 1, 0.0).await;
    let path = format!("{COURSES}/{}", made.id());
    let asked = send(&moving.school.admin, Method::GET, &path, None, &[]);
    assert_eq!(answered(asked).await.expect(200).id(), made.id());
    assert_eq!((moving.count(TRIES).await, moving.ended("served")), (2, 1));
    moving.close().await;
}

#[tokio::test]
async fn a_guard_that_stays_ahead_of_the_table_is_tried_once_a_poll() {
    let moving = Moving::start().await;
    the_guard_says_fenced(&moving.school.shard, 1, i64::MAX, 0.2).await;
    let deadline = [("lxp-deadline-ms", "1500")];
    let asked = send(&moving.school.admin, Method::GET, COURSES, None, &deadline);
    // Its deadline may find it in the park, or in one more try.
    let answer = answered(asked).await.expect(503);
    assert!(matches!(answer.code(), "cutover-timeout" | "overloaded"), "{}", answer.body);
    let (tries, polls) =
        (moving.count(TRIES).await, moving.count("SELECT last_value FROM polls").await);
    assert!(tries > 1 && tries <= polls + 1, "{tries} tries in {polls} polls");
    moving.close().await;
}

#[tokio::test]
async fn a_fence_of_which_no_node_was_told_parks_all_the_same() {
    let mut moving = Moving::start().await;
    moving.set_unheard("fenced", 2, "shard-t").await;
    let asked = [write(&moving.school.admin, 1), read(&moving.school.admin)];
    moving.until_parked(2).await;
    moving.give_up().await;
    for (asked, status) in asked.into_iter().zip([201, 200]) {
        answered(asked).await.expect(status);
    }
    assert_eq!(moving.count(COUNT).await, 1);
    moving.close().await;
}

#[tokio::test]
async fn what_arrives_is_sent_to_its_source() {
    let mut moving = Moving::start().await;
    moving.set("importing", 1, "shard-x").await;
    moving.until("it is not served", |moving| !moving.serves(1)).await;
    let answer = answered(read(&moving.school.admin)).await.expect(421);
    assert_eq!((answer.code(), &answer.body["owner"]), ("not-owner", &json!("shard-x")));
    assert_eq!(moving.ended("moved"), 0, "it did not wait");
    moving.close().await;
}

/// Else the router, sent here by the source, would be sent back to it, and have no follow-up left.
#[tokio::test]
async fn nobody_is_sent_away_by_a_table_that_is_older_than_the_request() {
    let mut moving = Moving::start().await;
    for epoch in [2, 4, 6, 8, 10] {
        moving.set("importing", epoch, "shard-x").await;
        moving.until("it is not served", |moving| !moving.serves(epoch - 1)).await;
        moving.set_unheard("active", epoch + 1, "shard-t").await;
        answered(read(&moving.school.admin)).await.expect(200);
    }
    moving.close().await;
}
