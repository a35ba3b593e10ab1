//! (d) Guard and row-level security: a query of the node's with them, as `lxp_app`, beside the same query without, as a
//! superuser, whom no policy concerns.

use std::collections::BTreeMap;

use anyhow::Context as _;

use super::stage::Stage;
use super::{CONNECTIONS, Usage, by_pgbench, script};
use crate::noise;
use crate::platform::Platform;
use crate::postgres::{Logged, Script};
use crate::report::Section;
use crate::table::{Table, median, short};

const ROUNDS: usize = 3;

/// One way to ask.
struct Way {
    name: String,
    dsn: String,
    script: Script,
    /// Microseconds of latency and of CPU, by round.
    measured: Vec<(f64, f64)>,
}

/// Measures a point read and a scan, each bare, in a bare transaction, and guarded.
pub(super) async fn run(
    platform: &Platform,
    stage: &Stage,
    read: &[Logged],
    seconds: u32,
) -> anyhow::Result<Section> {
    let at_rest = Usage::at_rest(platform, seconds).await?;
    let noise = noise::Watch::begin()?;
    let mut table = Table::new(&["query", "latency us", "of bare", "CPU us", "of bare"]);
    let point = script::read(read, stage);
    for (name, script) in [("one student", point), ("count of 60,000 students", count(stage))] {
        eprintln!("  {name}, guarded and bare ...");
        let mut ways = ways(name, platform, &script)?;
        for round in 0..=ROUNDS {
            for way in &mut ways {
                let seconds = if round == 0 { 1 } else { seconds };
                let pace = (seconds, None);
                let measured = by_pgbench(platform, &way.dsn, &way.script, pace, at_rest).await;
                let measured = measured.with_context(|| way.name.clone())?;
                if round > 0 {
                    way.measured.push(measured);
                }
            }
        }
        for way in &ways {
            table.row(row(way, &ways[0]));
        }
    }
    let text = format!(
        "pgbench, `-M prepared`, {CONNECTIONS} connections; medians of {ROUNDS} rounds in turns. Guarded is BEGIN, \
         tenant_enter, the query under row-level security, COMMIT, each in a message of its own."
    );
    Ok(Section::new("d. Guard and row-level security", &text, &table, Vec::new(), &noise.end()?))
}

fn ways(name: &str, platform: &Platform, guarded: &Script) -> anyhow::Result<Vec<Way>> {
    let is_query = |line: &str| !line.contains("tenant_enter") && !line.starts_with("SET LOCAL");
    // A statement may stand on several lines; those that are told apart here stand on one.
    let lines = |keep: &dyn Fn(&str) -> bool| {
        let kept: Vec<&str> = guarded.text.lines().filter(|line| keep(line)).collect();
        format!("{}\n", kept.join("\n"))
    };
    let without = |text: String| Script { text, variables: guarded.variables.clone() };
    let transaction = lines(&|line| is_query(line));
    let alone = lines(&|line| is_query(line) && line != "BEGIN;" && line != "COMMIT;");
    anyhow::ensure!(guarded.text.contains("tenant_enter"), "the transaction has no guard");
    let way = |what: &str, dsn: &str, script: Script| Way {
        name: format!("{name}, {what}"),
        dsn: dsn.to_owned(),
        script,
        measured: Vec::new(),
    };
    Ok(vec![
        way("bare", &platform.superuser, without(alone)),
        way("bare in a transaction", &platform.superuser, without(transaction)),
        way("guarded", platform.app_dsn()?, guarded.clone()),
    ])
}

/// A scan of the institution's students.
fn count(stage: &Stage) -> Script {
    let institution = stage.institution();
    let text = format!(
        "BEGIN;\nSELECT tenant_enter('{institution}');\n\
         SELECT count(*) FROM students t WHERE t.institution_id = '{institution}' AND t.standing = 'ACTIVE';\n\
         COMMIT;\n"
    );
    Script { text, variables: BTreeMap::new() }
}

fn row(way: &Way, bare: &Way) -> Vec<String> {
    let latency = |way: &Way| median(way.measured.iter().map(|round| round.0));
    let cpu = |way: &Way| median(way.measured.iter().map(|round| round.1));
    vec![
        way.name.clone(),
        short(latency(way)),
        short(latency(way) / latency(bare)),
        short(cpu(way)),
        short(cpu(way) / cpu(bare)),
    ]
}
