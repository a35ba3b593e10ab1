//! (i) What a job costs Postgres, beside pgbench that takes and deletes the rows of a table like that of jobs; and what
//! queuing one adds to `createProgram`.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::json;
use shard_map::InstitutionId;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use uuid::Uuid;

use crate::api::Api;
use crate::load::{self, Requests, caller};
use crate::noise;
use crate::platform::Platform;
use crate::postgres::{self, Logged, Pace, Script, Until};
use crate::report::{Bar, Section};
use crate::settings::Settings;
use crate::statements::{self, Usage};
use crate::table::{Table, median, short, us_each};

const CLIENTS: u32 = 4;
const ROUNDS: usize = 5;
/// Jobs of a round.
const JOBS: u32 = 8_000;
/// Programs that are made in a round at most.
const PROGRAMS: u32 = 4_000;
const GOAL: f64 = 1.3;
const BAR: f64 = 1.6;
const ENQUEUE_BAR: f64 = 0.15;
/// The node's jobs are due when it has been a while since they were queued.
const DUE_AFTER: Duration = Duration::from_secs(3);
/// All jobs of a round are done, and gone, within this.
const GONE_WITHIN: Duration = Duration::from_mins(5);

/// Workers that keep nothing of what is done: what has ended is deleted while it is measured, too.
const WORKING: [(&str, &str); 2] =
    [("LXP_NODE__JOBS__MODE", "both"), ("LXP_NODE__JOBS__KEEP_DONE_H", "0")];
/// Nobody works: what a request costs is that of the request alone.
const RESTING: [(&str, &str); 1] = [("LXP_NODE__JOBS__MODE", "serve")];

/// What was measured.
#[derive(Default)]
struct Measured {
    /// Microseconds of Postgres a job, by the node and by pgbench, by round.
    jobs: Vec<(f64, f64)>,
    /// Microseconds of Postgres a program, and of queuing its job, by round.
    programs: Vec<(f64, f64)>,
}

/// Runs (i).
pub(crate) async fn run(settings: &Settings) -> anyhow::Result<Section> {
    let noise = noise::Watch::begin()?;
    let mut measured = Measured::default();
    {
        let platform = Platform::start_in(settings, 1, &WORKING).await?;
        measure_jobs(&platform, settings.seconds, &mut measured).await?;
    }
    {
        let platform = Platform::start_in(settings, 1, &RESTING).await?;
        measure_programs(&platform, settings.seconds, &mut measured).await?;
    }
    Ok(section(&measured, &noise.end()?))
}

async fn measure_jobs(
    platform: &Platform,
    seconds: u32,
    measured: &mut Measured,
) -> anyhow::Result<()> {
    let institution = platform.institution("bench-jobs").await?;
    let mut sql = PgConnection::connect(&platform.superuser).await?;
    let like = "CREATE TABLE bench_jobs (LIKE jobs INCLUDING ALL)";
    sqlx::query(like).execute(&mut sql).await?;
    let at_rest = Usage::at_rest(platform, seconds).await?;
    for round in 0..=ROUNDS {
        eprintln!("  {JOBS} jobs, round {round} ...");
        let due = Instant::now() + DUE_AFTER;
        let after = format!("now() + interval '{} seconds'", DUE_AFTER.as_secs());
        insert(&mut sql, "jobs", institution, &after).await?;
        let used = Usage::begin(platform)?;
        until_gone(&mut sql, institution).await?;
        let node = us_each(used.end(platform)?.beyond(at_rest), JOBS);
        let rate = f64::from(JOBS) / due.elapsed().as_secs_f64();
        insert(&mut sql, "bench_jobs", institution, "now()").await?;
        let bare = take_and_delete(platform, institution, at_rest, rate).await?;
        // The first round is to get warm.
        if round > 0 {
            measured.jobs.push((node, bare));
        }
    }
    Ok(())
}

/// Jobs that do nothing.
async fn insert(
    sql: &mut PgConnection,
    table: &str,
    institution: InstitutionId,
    run_at: &str,
) -> anyhow::Result<()> {
    let insert = format!(
        "INSERT INTO {table} (institution_id, id, type, payload, run_at)
         SELECT '{institution}', gen_random_uuid(), 'PROBE', json_build_object('n', n), {run_at}
         FROM generate_series(1, {JOBS}) n"
    );
    sqlx::query(AssertSqlSafe(insert)).execute(&mut *sql).await?;
    sqlx::query("VACUUM ANALYZE").execute(sql).await?;
    Ok(())
}

async fn until_gone(sql: &mut PgConnection, institution: InstitutionId) -> anyhow::Result<()> {
    let began = Instant::now();
    let left = "SELECT EXISTS (SELECT FROM jobs WHERE institution_id = $1 AND state <> 'FAILED')";
    while sqlx::query_scalar::<_, bool>(left)
        .bind(institution.as_uuid())
        .fetch_one(&mut *sql)
        .await?
    {
        anyhow::ensure!(began.elapsed() < GONE_WITHIN, "the jobs are not done");
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    Ok(())
}

/// The same by pgbench, so many a second: a job a transaction, taken past those that others have, and deleted.
async fn take_and_delete(
    platform: &Platform,
    institution: InstitutionId,
    at_rest: Usage,
    rate: f64,
) -> anyhow::Result<f64> {
    let text = format!(
        "BEGIN;\n\
         SELECT id, payload FROM bench_jobs WHERE institution_id = '{institution}' AND state = 'QUEUED' AND type = 'PROBE' \
         AND priority = 0 AND run_at <= now() ORDER BY run_at LIMIT 1 FOR UPDATE SKIP LOCKED \\gset\n\
         DELETE FROM bench_jobs WHERE institution_id = '{institution}' AND id = :id;\n\
         COMMIT;\n"
    );
    let script = Script { text, ..Script::default() };
    let pace = |transactions| {
        let until = Until::Transactions(transactions);
        Pace { clients: CLIENTS, until, rate: Some(rate) }
    };
    let used = Usage::begin(platform)?;
    let few = postgres::bench(&platform.superuser, &script, pace(2)).await?;
    let connecting = used.end(platform)?.beyond(at_rest);
    let used = Usage::begin(platform)?;
    let each = JOBS / CLIENTS - 2;
    let many = postgres::bench(&platform.superuser, &script, pace(each)).await?;
    let used = used.end(platform)?.beyond(at_rest);
    Ok(us_each(used.saturating_sub(connecting), many.transactions - few.transactions))
}

async fn measure_programs(
    platform: &Platform,
    seconds: u32,
    measured: &mut Measured,
) -> anyhow::Result<()> {
    let institution = platform.institution("bench-programs").await?;
    let api = Api::new(platform, institution)?;
    api.post("/v1/programs", &program("FIRST", true)).await?;
    let logged =
        statements::capture(platform, &programs(platform, institution, "LOGGED", 2)).await?;
    let (with, without) = scripts(&logged)?;
    let at_rest = Usage::at_rest(platform, seconds).await?;
    for round in 0..=ROUNDS {
        eprintln!("  programs, round {round} ...");
        let requests = programs(platform, institution, &format!("R{round}"), PROGRAMS);
        let used = Usage::begin(platform)?;
        let pace = load::Pace { connections: CLIENTS, seconds, repeat: false };
        let load = load::send(platform.router()?, &requests, pace).await?;
        anyhow::ensure!(load.failed == 0, "{} of {} requests failed", load.failed, load.requests);
        let whole = us_each(used.end(platform)?.beyond(at_rest), load.requests);
        let mut cost = [0.0; 2];
        for (script, cost) in [&with, &without].into_iter().zip(&mut cost) {
            let dsn = platform.app_dsn()?;
            (_, *cost) =
                statements::by_pgbench(platform, dsn, script, (seconds, None), at_rest).await?;
        }
        if round > 0 {
            measured.programs.push((whole, cost[0] - cost[1]));
        }
    }
    Ok(())
}

/// Programs of one curriculum, a code each.
fn programs(platform: &Platform, institution: InstitutionId, prefix: &str, count: u32) -> Requests {
    let mut requests = Requests::default();
    let users: Vec<String> = (0..64)
        .map(|_| caller(&platform.token(institution, Uuid::new_v4()), institution))
        .collect();
    for (number, headers) in (0..count).zip(users.iter().cycle()) {
        let body = program(&format!("{prefix}-{number}"), false).to_string();
        requests.push("/v1/programs", headers, Some((&Uuid::now_v7().to_string(), &body)));
    }
    requests
}

/// Two years of three courses a term. The first one brings template and courses, the others name the template.
fn program(code: &str, brings: bool) -> serde_json::Value {
    let item = |number: i32| {
        let course = json!({"code": format!("CS-{number}"), "title": "A course", "credits": "10"});
        json!({"newCourse": course, "year": 1 + number / 6, "term": 1 + number / 3 % 2, "kind": "CORE"})
    };
    let template = if brings {
        let items: Vec<_> = (0..12).map(item).collect();
        json!({"code": "CS", "version": 1, "years": 2, "creditsRequired": "120", "items": items})
    } else {
        json!({"code": "CS", "version": 1})
    };
    json!({"code": code, "name": "Computing", "curriculumTemplate": template, "termSystem": "SEMESTER",
        "termsPerYear": 2, "weeksPerTerm": 15})
}

/// A guarded transaction that queues the logged job, and one that does nothing.
fn scripts(logged: &[Logged]) -> anyhow::Result<(Script, Script)> {
    let insert = logged.iter().find(|one| one.text.starts_with("INSERT INTO jobs"));
    let insert = insert.context("createProgram queues no job")?;
    let guard = logged.iter().filter(|one| one.text.contains("tenant_enter"));
    let guard = &guard.into_iter().next().context("no guard")?.text;
    let mut with = Script::default();
    let mut text = insert.text.replace('\n', " ");
    for (at, value) in insert.parameters.iter().enumerate().rev() {
        let (place, name) = (format!("${}", at + 1), format!("p{}", at + 1));
        let value = value.clone().unwrap_or_default();
        let sent = match at {
            // The institution stands in a SELECT, where nothing else says its type.
            0 => format!(":{name}::uuid"),
            // A new id each time.
            1 => "array[gen_random_uuid()]".to_owned(),
            _ => format!(":{name}"),
        };
        text = text.replace(&place, &sent);
        with.variables.insert(name, value);
    }
    let frame = |inner: &str| format!("BEGIN;\n{guard};\n{inner}COMMIT;\n");
    with.text = frame(&format!("{text};\n"));
    Ok((with, Script { text: frame(""), ..Script::default() }))
}

fn section(measured: &Measured, noise: &str) -> Section {
    let mut table = Table::new(&["what", "CPU us", "beside", "CPU us", "ratio"]);
    let of = |rounds: &[(f64, f64)]| {
        let middle = |which: fn(&(f64, f64)) -> f64| median(rounds.iter().map(which));
        (middle(|round| round.0), middle(|round| round.1))
    };
    let (node, pgbench) = of(&measured.jobs);
    let ratio = median(measured.jobs.iter().map(|(node, bare)| node / bare));
    table.row([
        "a job: leased, done, deleted".to_owned(),
        short(node),
        "pgbench takes and deletes a row".to_owned(),
        short(pgbench),
        short(ratio),
    ]);
    let (whole, queuing) = of(&measured.programs);
    let share = median(measured.programs.iter().map(|(whole, cost)| cost / (whole - cost)));
    table.row([
        "queuing PROGRAM_CREATED".to_owned(),
        short(queuing),
        "createProgram without it".to_owned(),
        short(whole - queuing),
        short(share),
    ]);
    let bars = vec![
        Bar::at_most("Postgres' CPU for a job, of pgbench's", ratio, GOAL, BAR),
        Bar::at_most("What queuing adds to createProgram", share, ENQUEUE_BAR, ENQUEUE_BAR),
    ];
    let text = format!(
        "CPU of the shard's primary, all its processes, beyond what it uses at rest; medians of {ROUNDS} rounds. {JOBS} jobs \
         that do nothing are leased under the guard and row-level security, each ended in a transaction of its own, and \
         deleted; pgbench (`-M prepared`, {CLIENTS} connections, a superuser: no guard, no policy, no trigger) takes one a \
         transaction, as many a second, with `FOR UPDATE SKIP LOCKED` and deletes it, from a table with the same indexes. \
         createProgram is that of a curriculum of 12 courses, through the router, with nobody at work; queuing is the logged INSERT in a guarded \
         transaction, beyond one that is empty."
    );
    Section::new("i. Jobs", &text, &table, bars, noise)
}
