//! (k) A deadline: attempts that are swept, graded and entered in the gradebook, beside the same rows written by plain SQL.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::json;
use shard_map::InstitutionId;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use uuid::Uuid;

use crate::api::{Api, id_of};
use crate::noise;
use crate::platform::Platform;
use crate::report::{Bar, Section};
use crate::settings::Settings;
use crate::statements::Usage;
use crate::table::{Table, median, short, us_each};

/// Attempts of a round.
const ATTEMPTS: u32 = 1_000;
const ITEMS: u32 = 20;
const ROUNDS: usize = 3;
/// DOMAIN's bar: all of them are graded within this.
const GRADED_WITHIN_S: f64 = 60.0;
const GIVEN_UP_AFTER: Duration = Duration::from_mins(3);

/// What was measured, by round.
#[derive(Default)]
struct Measured {
    /// From the first job that was due to the last grade, in seconds.
    took_s: Vec<f64>,
    /// Microseconds of Postgres an attempt, by the node and by plain SQL.
    cost: Vec<(f64, f64)>,
}

/// Runs (k).
pub(crate) async fn run(settings: &Settings) -> anyhow::Result<Section> {
    let noise = noise::Watch::begin()?;
    let platform = Platform::start_in(settings, 1, &[("LXP_NODE__JOBS__MODE", "both")]).await?;
    let institution = platform.institution("bench-sweep").await?;
    let api = Api::new(&platform, institution)?;
    let class = class(&api).await?;
    let mut sql = PgConnection::connect(&platform.superuser).await?;
    let at_rest = Usage::at_rest(&platform, settings.seconds).await?;
    let mut measured = Measured::default();
    for round in 0..=ROUNDS {
        eprintln!("  {ATTEMPTS} attempts, round {round} ...");
        let exam = exam(&api, class, round).await?;
        until_idle(&mut sql, institution).await?;
        let sample = sample(&platform, institution, &mut sql, exam).await?;
        write_attempts(&mut sql, institution, exam, sample).await?;
        let used = Usage::begin(&platform)?;
        let began = Instant::now();
        due(&mut sql, exam).await?;
        let took_s = until_graded(&mut sql, exam, began).await?;
        until_idle(&mut sql, institution).await?;
        let node = us_each(used.end(&platform)?.beyond(at_rest), ATTEMPTS);
        let plain = plain(&platform, &mut sql, exam, at_rest).await?;
        // The first round is to get warm.
        if round > 0 {
            measured.took_s.push(took_s);
            measured.cost.push((node, plain));
        }
    }
    Ok(section(&measured, &noise.end()?))
}

/// A class with a student each.
async fn class(api: &Api) -> anyhow::Result<Uuid> {
    let term = json!({"code": "T", "name": "T", "startsOn": "2026-09-01", "endsOn": "2026-12-14"});
    let term = api.make("/v1/terms", &term).await?;
    let course = api.make("/v1/courses", &json!({"code": "C", "title": "C"})).await?;
    let class = json!({"courseId": course, "termId": term, "code": "A", "capacity": ATTEMPTS});
    let class = api.make("/v1/classes", &class).await?;
    let student = |number: u32| json!({"studentNo": format!("S{number}"), "givenName": "G", "familyName": "F"});
    let items: Vec<_> = (0..ATTEMPTS).map(student).collect();
    let made = api.post("/v1/students:bulk", &json!({"atomic": true, "items": items})).await?;
    let rows = made["items"].as_array().context("rows")?;
    let seats: Vec<_> = rows.iter().map(|row| json!({"studentId": row["id"]})).collect();
    let path = format!("/v1/classes/{class}/enrollments:bulk");
    api.post(&path, &json!({"atomic": true, "items": seats})).await?;
    Ok(class)
}

/// A published exam of as many questions.
async fn exam(api: &Api, class: Uuid, round: usize) -> anyhow::Result<Uuid> {
    let bank = api.make("/v1/question-banks", &json!({"name": format!("Bank {round}")})).await?;
    let mut items = Vec::new();
    for number in 0..ITEMS {
        let body = json!({"type": "NUMERIC", "accepted": [{"value": "a + b", "tolerance": "0.5"}]});
        let question = json!({"bankId": bank, "title": number.to_string(), "statement": "{{a}} + {{b}}", "body": body,
            "parameters": [{"kind": "RANGE", "name": "a", "min": "1", "max": "50"},
                           {"kind": "RANGE", "name": "b", "min": "1", "max": "50"}]});
        let question = api.make("/v1/questions", &question).await?;
        items.push(json!({"questionId": question, "points": "1"}));
    }
    let blueprint = json!({"sections": [{"kind": {"type": "FIXED", "items": items}}]});
    let exam = json!({"classId": class, "title": "Exam", "gradingType": "AUTOMATED", "blueprint": blueprint,
        "timeLimitSeconds": 36_000});
    let exam = id_of(&api.post("/v1/assessments", &exam).await?)?;
    let began = Instant::now();
    loop {
        match api.post(&format!("/v1/assessments/{exam}:publish"), &json!({})).await {
            Ok(_) => return Ok(exam),
            Err(error) if began.elapsed() > GIVEN_UP_AFTER => return Err(error),
            Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
}

/// An attempt that the first student has begun.
async fn sample(
    platform: &Platform,
    institution: InstitutionId,
    sql: &mut PgConnection,
    exam: Uuid,
) -> anyhow::Result<Uuid> {
    let user: Uuid = sqlx::query_scalar(
        "SELECT user_id FROM students WHERE institution_id = $1 AND student_no = 'S0'",
    )
    .bind(institution.as_uuid())
    .fetch_one(sql)
    .await?;
    let student = Api::student(platform, institution, user)?;
    student.make(&format!("/v1/assessments/{exam}/attempts"), &json!({})).await
}

/// Everybody else's attempt is like it, with half of the answers; all end at once, and nobody's job is due yet.
async fn write_attempts(
    sql: &mut PgConnection,
    institution: InstitutionId,
    exam: Uuid,
    sample: Uuid,
) -> anyhow::Result<()> {
    let id = institution.as_uuid();
    let write = format!(
        "WITH others AS (
             INSERT INTO assessment_submissions (institution_id, id, assessment_id, class_id, enrollment_id, student_id,
                 attempt, revision, items, started_at, deadline_at)
             SELECT s.institution_id, gen_random_uuid(), s.assessment_id, s.class_id, e.id, e.student_id, 1, s.revision,
                    s.items, s.started_at, s.deadline_at
             FROM assessment_submissions s
             JOIN enrollments e ON e.institution_id = s.institution_id AND e.class_id = s.class_id
                 AND e.student_id <> s.student_id
             WHERE s.institution_id = '{id}' AND s.id = '{sample}' RETURNING institution_id, id)
         INSERT INTO assessment_variants (institution_id, id, submission_id, paper, key)
         SELECT o.institution_id, gen_random_uuid(), o.id, v.paper, v.key FROM others o
         JOIN assessment_variants v ON v.institution_id = '{id}' AND v.submission_id = '{sample}';
         UPDATE assessment_submissions SET deadline_at = now() - interval '1 minute',
             answers = (SELECT jsonb_object_agg('i' || n, n) FROM generate_series(1, {ITEMS}, 2) n)
         WHERE institution_id = '{id}' AND assessment_id = '{exam}';
         INSERT INTO jobs (institution_id, id, type, payload, priority, run_at, unique_key)
         SELECT institution_id, gen_random_uuid(), 'ATTEMPT_ENDED', jsonb_build_object('attemptId', id), 20,
                now() + interval '1 hour', id::text
         FROM assessment_submissions WHERE institution_id = '{id}' AND assessment_id = '{exam}' AND id <> '{sample}';
         ANALYZE;"
    );
    sqlx::raw_sql(AssertSqlSafe(write)).execute(sql).await?;
    Ok(())
}

/// The jobs of all of them are due.
async fn due(sql: &mut PgConnection, exam: Uuid) -> anyhow::Result<()> {
    sqlx::query(
        "UPDATE jobs j SET run_at = now() FROM assessment_submissions s
         WHERE s.assessment_id = $1 AND j.institution_id = s.institution_id AND j.type = 'ATTEMPT_ENDED'
           AND j.unique_key = s.id::text",
    )
    .bind(exam)
    .execute(sql)
    .await?;
    Ok(())
}

async fn until_graded(sql: &mut PgConnection, exam: Uuid, began: Instant) -> anyhow::Result<f64> {
    loop {
        let graded: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM assessment_submissions WHERE assessment_id = $1 AND status = 'GRADED'",
        )
        .bind(exam)
        .fetch_one(&mut *sql)
        .await?;
        if graded == i64::from(ATTEMPTS) {
            return Ok(began.elapsed().as_secs_f64());
        }
        anyhow::ensure!(began.elapsed() < GIVEN_UP_AFTER, "only {graded} are graded");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn until_idle(sql: &mut PgConnection, institution: InstitutionId) -> anyhow::Result<()> {
    let began = Instant::now();
    let due = "SELECT EXISTS (SELECT FROM jobs WHERE institution_id = $1
        AND (state = 'RUNNING' OR state = 'QUEUED' AND run_at <= now()))
        OR EXISTS (SELECT FROM outbox_events WHERE institution_id = $1 AND (seq IS NULL OR relayed_at IS NULL))";
    while sqlx::query_scalar::<_, bool>(due)
        .bind(institution.as_uuid())
        .fetch_one(&mut *sql)
        .await?
    {
        anyhow::ensure!(began.elapsed() < GIVEN_UP_AFTER, "the institution's jobs are not done");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// The same rows, an attempt a transaction, by one connection of a superuser: no guard, no policy, no queue.
async fn plain(
    platform: &Platform,
    sql: &mut PgConnection,
    exam: Uuid,
    at_rest: Usage,
) -> anyhow::Result<f64> {
    for table in [
        "assessment_submissions",
        "submission_item_scores",
        "grades",
        "grade_events",
        "outbox_events",
    ] {
        let like = format!(
            "DROP TABLE IF EXISTS bench_{table}; CREATE TABLE bench_{table} (LIKE {table} INCLUDING ALL);"
        );
        sqlx::raw_sql(AssertSqlSafe(like)).execute(&mut *sql).await?;
    }
    let copy = format!(
        "INSERT INTO bench_assessment_submissions SELECT * FROM assessment_submissions WHERE assessment_id = '{exam}';
         ANALYZE bench_assessment_submissions;"
    );
    sqlx::raw_sql(AssertSqlSafe(copy)).execute(&mut *sql).await?;
    let ids: Vec<Uuid> = sqlx::query_scalar("SELECT id FROM bench_assessment_submissions")
        .fetch_all(&mut *sql)
        .await?;
    let used = Usage::begin(platform)?;
    for id in ids {
        let mut tx = sql.begin().await?;
        for statement in PLAIN {
            sqlx::query(statement).bind(id).execute(&mut *tx).await?;
        }
        tx.commit().await?;
    }
    Ok(us_each(used.end(platform)?.beyond(at_rest), ATTEMPTS))
}

/// What one attempt leaves: handed in, its items, its score, its grade with history, and two events.
const PLAIN: [&str; 6] = [
    "UPDATE bench_assessment_submissions SET submitted_by = 'DEADLINE', saved_at = now() WHERE id = $1",
    "INSERT INTO bench_submission_item_scores SELECT i.* FROM submission_item_scores i WHERE i.submission_id = $1",
    "UPDATE bench_assessment_submissions SET graded_at = now() WHERE id = $1",
    "INSERT INTO bench_grades SELECT g.* FROM grades g WHERE g.submission_id = $1",
    "INSERT INTO bench_grade_events SELECT e.* FROM grade_events e
     JOIN grades g ON g.institution_id = e.institution_id AND g.id = e.grade_id WHERE g.submission_id = $1",
    "INSERT INTO bench_outbox_events SELECT e.* FROM outbox_events e WHERE e.aggregate_id = $1",
];

fn section(measured: &Measured, noise: &str) -> Section {
    let mut table = Table::new(&["what", "by the node", "by plain SQL", "ratio"]);
    let middle = |which: fn(&(f64, f64)) -> f64| median(measured.cost.iter().map(which));
    let (node, plain) = (middle(|cost| cost.0), middle(|cost| cost.1));
    let ratio = median(measured.cost.iter().map(|(node, plain)| node / plain));
    let took_s = median(measured.took_s.iter().copied());
    table.row(["Postgres' CPU us an attempt".to_owned(), short(node), short(plain), short(ratio)]);
    table.row([
        format!("{ATTEMPTS} attempts graded, s"),
        short(took_s),
        "-".to_owned(),
        "-".to_owned(),
    ]);
    table.row([
        "attempts a second".to_owned(),
        short(f64::from(ATTEMPTS) / took_s),
        "-".to_owned(),
        "-".to_owned(),
    ]);
    let bars = vec![Bar::at_most("Seconds until 1,000 are graded", took_s, 20.0, GRADED_WITHIN_S)];
    let text = format!(
        "{ATTEMPTS} attempts of one institution end at once, {ITEMS} items each, half of them answered: swept, hashed, signed, \
         graded, entered in the gradebook with history, notifications and events, by one node's workers (half of its 8 places \
         at most are one institution's). CPU of the shard's primary, all its processes, beyond what it uses at rest; medians of \
         {ROUNDS} rounds. Beside it one connection of a superuser that writes the same rows of attempts, items, grades and \
         events an attempt a transaction, into tables with the same indexes: no guard, policy, trigger, queue or grader."
    );
    Section::new("k. A deadline", &text, &table, bars, noise)
}
