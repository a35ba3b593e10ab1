//! What the triggers of capture cost while no move is under way: CPU of Postgres with them and without, in turns.

use std::time::Duration;

use anyhow::Context as _;

use crate::platform::{PARTS, Platform};
use crate::postgres;
use crate::table::{median, us_each};

const ROUNDS: usize = 5;

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
            "BEGIN; SET LOCAL ROLE lxp_app; SET LOCAL statement_timeout = 0;
             SELECT tenant_enter('{institution}'); {write}; ROLLBACK"
        );
        let mut rounds = Vec::new();
        for round in 0..=ROUNDS {
            let mut us = [0.0; 2];
            for (at, how) in ["ENABLE", "DISABLE"].into_iter().enumerate() {
                let set = format!("ALTER TABLE courses {how} TRIGGER change_captured");
                postgres::sql(&superuser, &set).await?;
                postgres::sql(&superuser, "VACUUM courses").await?;
                let before = cpu(platform)?;
                postgres::sql(&superuser, &all).await?;
                us[at] = us_each(cpu(platform)?.saturating_sub(before), rows);
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

fn cpu(platform: &Platform) -> anyhow::Result<Duration> {
    let at = PARTS.iter().position(|(name, _)| *name == "Postgres").context("no such part")?;
    Ok(platform.cpu()?[at])
}
