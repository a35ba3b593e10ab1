//! What the triggers of capture cost while no move is under way: CPU of the backend that writes, with them and without,
//! in turns. What Postgres does beside it (checkpoints, the replica) is as much with them as without, and more than the
//! difference.

use std::time::Duration;

use anyhow::Context as _;

use crate::platform::Platform;
use crate::postgres;
use crate::table::{median, us_each};

const ROUNDS: usize = 5;
/// The backend's own CPU so far, in nanoseconds, and two more figures.
const OWN_CPU: &str = "SELECT pg_read_file('/proc/self/schedstat')";

/// What is written, by its name.
const WRITES: [(&str, &str); 2] = [
    (
        "bulk insert",
        "INSERT INTO courses (institution_id, id, code, title)
         SELECT '{institution}', gen_random_uuid(), 'bulk-' || n, 'bulk' FROM generate_series(1, {rows}) n",
    ),
    (
        "single inserts",
        "DO $$ BEGIN FOR n IN 1..{rows} LOOP
             INSERT INTO courses (institution_id, id, code, title)
             VALUES ('{institution}', gen_random_uuid(), 'single-' || n, 'single');
         END LOOP; END $$",
    ),
];

/// For each kind of write: what a row costs more, in microseconds, and the ratio.
#[derive(Debug)]
pub(super) struct Capture {
    pub(super) rows: Vec<(&'static str, f64, f64)>,
}

impl Capture {
    pub(super) fn worst_us(&self) -> f64 {
        self.rows.iter().map(|row| row.1).fold(0.0, f64::max)
    }
}

/// Writes through the guard, as the application does, and rolls back.
pub(super) async fn run(platform: &Platform, rows: u32) -> anyhow::Result<Capture> {
    let institution = platform.institution_on("captured", "shard-a").await?;
    let superuser = platform.superuser_of("shard-a")?;
    let mut found = Vec::new();
    for (name, write) in WRITES {
        let write = write
            .replace("{institution}", &institution.to_string())
            .replace("{rows}", &rows.to_string());
        let all = format!(
            "{OWN_CPU}; BEGIN; SET LOCAL ROLE lxp_app; SET LOCAL statement_timeout = 0;
             SELECT tenant_enter('{institution}'); {write}; ROLLBACK; {OWN_CPU}"
        );
        let mut rounds = Vec::new();
        for round in 0..=ROUNDS {
            let mut us = [0.0; 2];
            for (at, how) in ["ENABLE", "DISABLE"].into_iter().enumerate() {
                let set = format!("ALTER TABLE courses {how} TRIGGER change_captured");
                postgres::sql(&superuser, &set).await?;
                postgres::sql(&superuser, "VACUUM courses").await?;
                us[at] = us_each(used(&postgres::sql(&superuser, &all).await?)?, rows);
            }
            // The first round is to get warm.
            if round > 0 {
                rounds.push(us);
            }
        }
        postgres::sql(&superuser, "ALTER TABLE courses ENABLE TRIGGER change_captured").await?;
        let more = median(rounds.iter().map(|[with, without]| with - without));
        let ratio = median(rounds.iter().map(|[with, without]| with / without));
        found.push((name, more, ratio));
    }
    Ok(Capture { rows: found })
}

/// The time between the first reading and the last.
fn used(said: &str) -> anyhow::Result<Duration> {
    let readings: Vec<u64> =
        said.lines().filter_map(|line| line.split_once(' ')?.0.parse().ok()).collect();
    let (first, last) = readings.first().zip(readings.last()).context("no CPU time is said")?;
    Ok(Duration::from_nanos(last - first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_between_the_readings_is_none_of_them() {
        let said = "1000 5 1\n\n019a-id\n4500 6 2\n";
        assert_eq!(used(said).expect("a time"), Duration::from_nanos(3_500));
        assert!(used("nothing").is_err());
    }
}
