//! The node's side of a move's end: requests of a fenced institution wait, then are served or sent on. The test sets
//! the ownership row as a mover would: fenced at epoch 2, moved at 3, active again at 4.

use std::time::{Duration, Instant};

use axum::http::Method;
use futures::FutureExt as _;
use serde_json::{Value, json};
use shard_map::Epoch;
use shard_node::limits::LimitSettings;
use shard_node::tenancy::{Parked, Verdict};
use sqlx::{AssertSqlSafe, Executor as _, PgConnection};
use tokio::task::JoinHandle;

use crate::support::Shard;
use crate::support::api::{Answer, Client, NO_REDIS, Served, generous};
use crate::support::school::School;

const SOON: Duration = Duration::from_secs(30);
const COURSES: &str = "/v1/courses";
const COUNT: &str = "SELECT count(*) FROM courses";

/// A school on its move.
struct Moving {
    school: School,
    mover: PgConnection,
}

impl Moving {
    async fn start() -> Self {
        Self::start_with(generous()).await
    }

    async fn start_with(limits: LimitSettings) -> Self {
        let shard = Shard::create().await;
        let institution = shard.admit().await;
        let served = Served::start_with(&shard, 6, NO_REDIS, limits).await;
        let admin = served.admin(institution);
        let mover = shard.connect("postgres").await;
        let moving = Self { school: School { shard, served, institution, admin }, mover };
        moving.until("it is served", |moving| moving.serves(1)).await;
        moving
    }

    async fn close(self) {
        drop(self.mover);
        self.school.close().await;
    }

    fn row(&self, state: &str, epoch: i64, owner: &str) -> String {
        format!(
            "UPDATE ownership SET state = '{state}', epoch = {epoch}, owner = '{owner}', map_version = 9
             WHERE institution_id = '{}'",
            self.school.institution
        )
    }

    async fn set(&mut self, state: &str, epoch: i64, owner: &str) {
        let sql = self.row(state, epoch, owner);
        self.mover.execute(AssertSqlSafe(sql)).await.expect("set");
    }

    /// Sets it without a word to anybody: a node learns of it by its next poll, 500 ms later at the latest.
    async fn set_unheard(&mut self, state: &str, epoch: i64, owner: &str) {
        let row = self.row(state, epoch, owner);
        let row = row.replace(" WHERE", ", version = nextval('ownership_version') WHERE");
        let sql = format!("BEGIN; SET LOCAL session_replication_role = replica; {row}; COMMIT");
        self.mover.execute(AssertSqlSafe(sql)).await.expect("set");
    }

    async fn fence(&mut self) {
        self.set("fenced", 2, "shard-t").await;
        let is_fenced = |moving: &Self| {
            let institution = moving.school.institution;
            moving.school.served.node.ownership.verdict(institution) == Verdict::Fenced
        };
        self.until("it is fenced", is_fenced).await;
    }

    async fn give_up(&mut self) {
        self.set("active", 4, "shard-t").await;
    }

    async fn move_away(&mut self) {
        self.set("moved", 3, "shard-x").await;
    }

    fn serves(&self, epoch: i64) -> bool {
        self.school.served.node.ownership.serves(self.school.institution, Epoch(epoch))
    }

    async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !holds(self) {
            assert!(began.elapsed() < SOON, "waited in vain until {what}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn until_parked(&self, count: i64) {
        self.until("so many are parked", |moving| moving.parked() == count).await;
    }

    fn parked(&self) -> i64 {
        let metrics = self.school.served.node.metrics.render();
        metric(&metrics, "lxp_parked_requests")
    }

    /// How many waits have ended that way.
    fn ended(&self, outcome: &str) -> i64 {
        let metrics = self.school.served.node.metrics.render();
        metric(&metrics, &format!("lxp_park_seconds_count{{outcome=\"{outcome}\"}}"))
    }

    /// Fills the park but for so many requests.
    fn fill(&self, but: usize) -> Vec<Parked> {
        let enter = |_| self.school.served.node.park.enter(self.school.institution, 0);
        (but..1_000).map(|number| enter(number).expect("room")).collect()
    }

    async fn count(&self, sql: &'static str) -> i64 {
        self.school.count(sql).await
    }
}

fn metric(metrics: &str, name: &str) -> i64 {
    let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.map_or(0, |value| value.parse().expect("a number"))
}

fn course(number: usize) -> Value {
    json!({"code": format!("C{number}"), "title": "T"})
}

fn write(client: &Client, number: usize) -> JoinHandle<Answer> {
    send(client, Method::POST, COURSES, Some(course(number)), &[])
}

fn read(client: &Client) -> JoinHandle<Answer> {
    send(client, Method::GET, COURSES, None, &[])
}

fn send(
    client: &Client,
    method: Method,
    path: &str,
    body: Option<Value>,
    headers: &[(&'static str, &'static str)],
) -> JoinHandle<Answer> {
    let (client, path, headers) = (client.clone(), path.to_owned(), headers.to_vec());
    tokio::spawn(async move { client.send_once(method, &path, body, &headers).await })
}

async fn answered(asked: JoinHandle<Answer>) -> Answer {
    tokio::time::timeout(SOON, asked).await.expect("an answer in time").expect("an answer")
}

#[track_caller]
fn expect_come_again(answer: &Answer, code: &str) {
    assert_eq!((answer.status.as_u16(), answer.code()), (503, code), "{}", answer.body);
    assert_eq!(answer.headers["retry-after"], "1");
}

#[tokio::test]
async fn what_waits_is_served_where_the_move_is_given_up() {
    let mut moving = Moving::start().await;
    moving.fence().await;
    let admin = moving.school.admin.clone();
    let writes: Vec<_> = (0..10).map(|number| write(&admin, number)).collect();
    let reads: Vec<_> = (0..10).map(|_| read(&admin)).collect();
    moving.until_parked(20).await;
    moving.give_up().await;
    for asked in writes {
        answered(asked).await.expect(201);
    }
    for asked in reads {
        answered(asked).await.expect(200);
    }
    assert_eq!(moving.count(COUNT).await, 10);
    assert_eq!((moving.parked(), moving.ended("served")), (0, 20));
    moving.close().await;
}

#[tokio::test]
async fn what_waits_is_told_the_owner_where_it_has_moved() {
    let mut moving = Moving::start().await;
    moving.fence().await;
    let asked = [write(&moving.school.admin, 1), read(&moving.school.admin)];
    moving.until_parked(2).await;
    moving.move_away().await;
    for asked in asked {
        let answer = answered(asked).await.expect(421);
        let said = ["code", "owner", "epoch", "mapVersion"].map(|name| answer.body[name].clone());
        assert_eq!(said, [json!("not-owner"), json!("shard-x"), json!(3), json!(9)]);
    }
    assert_eq!((moving.count(COUNT).await, moving.ended("moved")), (0, 2));
    moving.close().await;
}

/// An answer to HEAD has no body.
#[tokio::test]
async fn the_head_of_a_421_names_the_owner_too() {
    let mut moving = Moving::start().await;
    moving.move_away().await;
    moving.until("it is not served", |moving| !moving.serves(1)).await;
    let asked = send(&moving.school.admin, Method::HEAD, COURSES, None, &[]);
    let answer = answered(asked).await.expect(421);
    let said: Value =
        serde_json::from_slice(answer.headers["lxp-not-owner"].as_bytes()).expect("JSON");
    assert_eq!(said, json!({"owner": "shard-x", "epoch": 3, "mapVersion": 9}));
    moving.close().await;
}

#[tokio::test]
async fn after_five_seconds_or_at_its_own_deadline_it_is_told_to_come_again() {
    let mut moving = Moving::start().await;
    moving.fence().await;
    let began = Instant::now();
    let patient = write(&moving.school.admin, 1);
    let deadline = [("lxp-deadline-ms", "700")];
    let hurried = send(&moving.school.admin, Method::GET, COURSES, None, &deadline);
    moving.until_parked(2).await;
    expect_come_again(&answered(hurried).await, "cutover-timeout");
    assert!(began.elapsed() >= Duration::from_millis(700));
    assert_eq!(moving.parked(), 1, "the other one waits on");
    expect_come_again(&answered(patient).await, "cutover-timeout");
    let took = began.elapsed();
    // Its own deadline would have ended it after 10 s.
    assert!(took >= Duration::from_secs(5) && took < Duration::from_millis(9_500), "{took:?}");
    moving.give_up().await;
    moving.until("it is served", |moving| moving.serves(4)).await;
    assert_eq!((moving.count(COUNT).await, moving.ended("timed-out")), (0, 2));
    moving.close().await;
}

#[tokio::test]
async fn a_thousand_requests_wait_and_the_next_is_refused_at_once() {
    let mut moving = Moving::start().await;
    moving.fence().await;
    let others = moving.fill(1);
    let last = write(&moving.school.admin, 1);
    moving.until_parked(1_000).await;
    expect_come_again(&answered(write(&moving.school.admin, 2)).await, "overloaded");
    assert_eq!((moving.parked(), moving.ended("full")), (1_000, 1));
    drop(others);
    moving.give_up().await;
    answered(last).await.expect(201);
    assert_eq!(moving.count(COUNT).await, 1);
    moving.close().await;
}

#[tokio::test]
async fn sixteen_mib_of_bodies_wait_and_more_is_refused_at_once() {
    let mut moving = Moving::start().await;
    moving.fence().await;
    let body_bytes = course(1).to_string().len();
    let node = moving.school.served.node.clone();
    let enter = |bytes| node.park.enter(moving.school.institution, bytes).expect("room");
    let others = enter((16 << 20) - body_bytes);
    let last = write(&moving.school.admin, 1);
    moving.until_parked(2).await;
    expect_come_again(&answered(write(&moving.school.admin, 2)).await, "overloaded");
    let without_a_body = read(&moving.school.admin);
    moving.until_parked(3).await;
    drop(others);
    moving.give_up().await;
    answered(last).await.expect(201);
    answered(without_a_body).await.expect(200);
    moving.close().await;
}

/// From its try `first` to its try `last` the guard says that the institution is fenced, whatever its row says. Counts
/// its tries, and how often the table was read; each of these reads takes so long.
async fn the_guard_says_fenced(shard: &Shard, first: i64, last: i64, poll_s: f64) {
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

const TRIES: &str = "SELECT last_value FROM tries";

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

#[tokio::test]
async fn a_lease_that_runs_out_meanwhile_is_waited_for() {
    let mut moving = Moving::start().await;
    moving.fence().await;
    let deadline = [("lxp-deadline-ms", "3000")];
    let hurried = send(&moving.school.admin, Method::GET, COURSES, None, &deadline);
    let patient = write(&moving.school.admin, 1);
    moving.until_parked(2).await;
    // Polls wait for the table, and fail.
    let row = moving.row("active", 4, "shard-t");
    let sql = format!("BEGIN; LOCK TABLE ownership IN ACCESS EXCLUSIVE MODE; {row}");
    moving.mover.execute(AssertSqlSafe(sql)).await.expect("locked");
    moving
        .until("the lease has run out", |it| !it.school.served.node.ownership.lease.holds())
        .await;
    assert_eq!(moving.parked(), 2);
    expect_come_again(&answered(hurried).await, "shard-unavailable");
    moving.mover.execute("COMMIT").await.expect("unlocked");
    answered(patient).await.expect(201);
    assert_eq!(moving.count(COUNT).await, 1);
    moving.close().await;
}

#[tokio::test]
async fn a_client_that_leaves_makes_room() {
    let mut moving = Moving::start().await;
    moving.fence().await;
    let leaving = write(&moving.school.admin, 1);
    moving.until_parked(1).await;
    leaving.abort();
    moving.until_parked(0).await;
    moving.give_up().await;
    moving.until("it is served", |moving| moving.serves(4)).await;
    assert_eq!((moving.count(COUNT).await, moving.ended("left")), (0, 1));
    moving.close().await;
}

#[tokio::test]
async fn a_parked_crowd_takes_no_place_from_others_and_is_served_in_turn() {
    let limits = LimitSettings { in_flight: 3, institution_in_flight: 2, ..generous() };
    let mut moving = Moving::start_with(limits).await;
    let neighbour = moving.school.shard.admit().await;
    let neighbour = moving.school.served.admin(neighbour);
    neighbour.get(COURSES).await;
    moving.fence().await;
    let mut crowd = Vec::new();
    for number in 0..30 {
        crowd.push(write(&moving.school.admin, number));
        // One after the other: arriving all at once they would be more than the node takes.
        moving.until_parked(i64::try_from(number).expect("small") + 1).await;
    }
    for _ in 0..3 {
        answered(read(&neighbour)).await.expect(200);
    }
    moving.give_up().await;
    for asked in crowd {
        answered(asked).await.expect(201);
    }
    assert_eq!(moving.count(COUNT).await, 30);
    moving.close().await;
}

#[tokio::test]
async fn what_waits_gives_up_its_turn_at_a_class() {
    let mut moving = Moving::start().await;
    let (class, students) = (moving.school.class(10, 0).await, moving.school.students(6).await);
    let path = format!("/v1/classes/{class}/enrollments");
    let mut locker = moving.school.shard.connect("postgres").await;
    locker.execute("BEGIN; SELECT FROM classes FOR UPDATE").await.expect("locked");
    let enroll = |student| {
        send(&moving.school.admin, Method::POST, &path, Some(json!({"studentId": student})), &[])
    };
    let asked: Vec<_> = students.iter().map(enroll).collect();
    // Two are in the middle of their transactions; the others wait for their turns.
    let blocked = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let began = Instant::now();
    while moving.count(blocked).await < 2 {
        assert!(began.elapsed() < SOON, "nobody waits for the class");
    }
    moving.fence().await;
    locker.execute("COMMIT").await.expect("unlocked");
    moving.until("those who had no turn are parked", |moving| moving.parked() >= 4).await;
    let queues = &moving.school.served.node.queues;
    let input = json!({"classId": class.to_string()});
    let turn = || queues.turn(moving.school.institution, &input, Some("classId")).now_or_never();
    let turns = [turn(), turn()];
    assert!(turns.iter().all(Option::is_some), "a turn is held by who waits");
    drop(turns);
    moving.give_up().await;
    for asked in asked {
        answered(asked).await.expect(201);
    }
    moving.close().await;
}

#[tokio::test]
async fn a_node_that_stops_answers_those_who_wait_first() {
    let mut moving = Moving::start().await;
    moving.fence().await;
    let asked: Vec<_> = (0..3).map(|number| write(&moving.school.admin, number)).collect();
    moving.until_parked(3).await;
    moving.school.served.leave.cancel();
    let address = moving.school.served.url.trim_start_matches("http://").to_owned();
    let began = Instant::now();
    while tokio::net::TcpStream::connect(&address).await.is_ok() {
        assert!(began.elapsed() < SOON, "it takes connections");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    moving.give_up().await;
    for asked in asked {
        answered(asked).await.expect(201);
    }
    moving.close().await;
}

const TWO_LISTS: &str = "/trpc/academic.listCourses,academic.listPrograms?batch=1";
const TWO_WRITES: &str = "/trpc/academic.createCourse,academic.createCourse?batch=1";

/// One call of a batch is served, the other meets the fence; then the institution has moved.
///
/// On a machine so busy that the lease runs out meanwhile, the node may not send what it read or wrote before: such a
/// run says nothing.
async fn moved_in_the_middle(method: Method, path: &str, body: Option<Value>) -> (Moving, Answer) {
    for _ in 0..10 {
        let mut moving = Moving::start().await;
        the_guard_says_fenced(&moving.school.shard, 2, i64::MAX, 0.0).await;
        let ownership = moving.school.served.node.ownership.clone();
        let term = ownership.lease.term();
        let asked = send(&moving.school.admin, method.clone(), path, body.clone(), &[]);
        let began = Instant::now();
        while moving.count(TRIES).await < 3 {
            assert!(began.elapsed() < SOON, "nothing meets the fence");
        }
        moving.move_away().await;
        let answer = answered(asked).await;
        if ownership.lease.holds_since(term) {
            return (moving, answer);
        }
        moving.close().await;
    }
    panic!("the lease ran out each time");
}

#[tokio::test]
async fn a_batch_of_reads_that_moved_in_the_middle_is_sent_on_as_a_whole() {
    let (moving, answer) = moved_in_the_middle(Method::GET, TWO_LISTS, None).await;
    assert_eq!(answer.expect(421).body["owner"], "shard-x");
    moving.close().await;
}

#[tokio::test]
async fn a_batch_of_writes_that_moved_in_the_middle_says_which_were_not_applied() {
    let body = json!({"0": course(1), "1": course(2)});
    let (moving, answer) = moved_in_the_middle(Method::POST, TWO_WRITES, Some(body)).await;
    let answer = answer.expect(207);
    assert_eq!(answer.headers["retry-after"], "1");
    let calls = answer.body.as_array().expect("calls");
    let made = calls.iter().filter(|call| call["result"]["data"]["id"].is_string()).count();
    let refused =
        |call: &&Value| call["error"]["data"]["problem"]["code"] == json!("cutover-timeout");
    assert_eq!((made, calls.iter().filter(refused).count()), (1, 1), "{}", answer.body);
    assert_eq!(moving.count(COUNT).await, 1);
    moving.close().await;
}

#[tokio::test]
async fn the_calls_of_a_batch_that_met_the_fence_are_served_with_the_others_in_the_end() {
    let moving = Moving::start().await;
    the_guard_says_fenced(&moving.school.shard, 2, 2, 0.0).await;
    let body = json!({"0": course(1), "1": course(2)});
    let asked = send(&moving.school.admin, Method::POST, TWO_WRITES, Some(body), &[]);
    let answer = answered(asked).await.expect(200);
    for (position, code) in ["C1", "C2"].into_iter().enumerate() {
        assert_eq!(answer.body[position]["result"]["data"]["code"], code);
    }
    assert_eq!((moving.count(COUNT).await, moving.ended("served")), (2, 1));
    moving.close().await;
}
