//! `lxp move start`: plan, show, confirm, apply.

use chrono::TimeDelta;
use clap::Args;
use control_api::{ControlClient, NewPlan, Plan, PlannedMove};
use indicatif::{DecimalBytes, HumanCount};
use shard_map::ShardId;

use super::{find, status, watch};
use crate::connection::{self, Connection, explain};
use crate::failure::Failure;
use crate::output::confirm::Confirm;
use crate::output::{Format, View, print, say};

const HEADER: [&str; 6] = ["INSTITUTION", "FROM", "TO", "ROWS", "SIZE", "WHY"];

/// `lxp move start`.
#[derive(Debug, Args)]
pub(crate) struct Start {
    /// Its id or slug.
    institution: String,
    /// Where it is to live.
    #[arg(long, value_name = "SHARD")]
    to: ShardId,
    /// Print the plan; nothing moves.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    confirm: Confirm,
    /// Stay until it has ended.
    #[arg(short, long)]
    watch: bool,
    /// With --watch: stop watching after this long, such as 10m; the move goes on.
    #[arg(long, value_parser = crate::token::parse_ttl, requires = "watch")]
    timeout: Option<TimeDelta>,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    output: Format,
    #[command(flatten)]
    connection: Connection,
}

/// Runs the command.
pub(super) async fn run(start: &Start) -> anyhow::Result<()> {
    let client = start.connection.client()?;
    let institution = connection::institution(&client, &start.institution).await?;
    let new = NewPlan::Move { institution, to: start.to.clone() };
    let plan = client.propose(&new).await.map_err(explain)?;
    if start.dry_run {
        let rows = plan.moves.iter().map(|planned| row(&start.institution, planned));
        print(&View::list(&plan, &HEADER, rows, "")?.text(start.output))?;
        return forget(&client, &plan).await;
    }
    if let Err(refused) = start.confirm.ask(&text(&start.institution, &plan)) {
        forget(&client, &plan).await?;
        return Err(refused);
    }
    let plan = client.apply_plan(plan.id).await.map_err(explain)?;
    let begun = plan.moves.iter().find_map(|planned| planned.move_id);
    let id = begun.ok_or_else(|| Failure::unhealthy("the control plane began no move"))?;
    if start.watch {
        return watch::until_ended(&client, Some(id), start.output, start.timeout).await;
    }
    let it = client.one_move(id).await.map_err(explain)?;
    let slugs = find::slugs(&client, std::slice::from_ref(&it)).await?;
    print(&status::text(&it, &slugs, start.output)?)?;
    say(&format!("It has begun: `lxp move status {} -w` shows how it goes on", start.institution));
    Ok(())
}

/// A plan that nobody wants is not left open.
async fn forget(client: &ControlClient, plan: &Plan) -> anyhow::Result<()> {
    client.cancel_plan(plan.id).await.map_err(explain)?;
    Ok(())
}

fn text(named: &str, plan: &Plan) -> String {
    let head = format!("plan {}", plan.id);
    let moves = plan.moves.iter().map(|planned| {
        let PlannedMove { from, to, reason, .. } = planned;
        format!("  {named}: {from} -> {to}, {}; {reason}", size(planned))
    });
    let foot = "  it is served all the time; at the end its requests wait for a moment".to_owned();
    std::iter::once(head).chain(moves).chain([foot]).collect::<Vec<_>>().join("\n")
}

fn size(planned: &PlannedMove) -> String {
    match (planned.rows, planned.bytes) {
        (Some(rows), Some(bytes)) => format!("{} rows, {}", count(rows), amount(bytes)),
        _ => format!("{} does not say how many rows", planned.from),
    }
}

fn row(named: &str, planned: &PlannedMove) -> Vec<String> {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    vec![
        named.to_owned(),
        planned.from.to_string(),
        planned.to.to_string(),
        or_dash(planned.rows.map(count)),
        or_dash(planned.bytes.map(amount)),
        planned.reason.clone(),
    ]
}

fn count(rows: i64) -> String {
    HumanCount(rows.unsigned_abs()).to_string()
}

fn amount(bytes: i64) -> String {
    DecimalBytes(bytes.unsigned_abs()).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn plan(rows: Option<i64>) -> Plan {
        let json = json!({
            "id": "01990000-0000-7000-8000-00008f2c91ab", "kind": "move", "placementVersion": 7, "state": "proposed",
            "moves": [{
                "institution": "01990000-0000-7000-8000-000000000001", "from": "shard-a", "to": "shard-c",
                "reason": "asked for", "rows": rows, "bytes": rows.map(|rows| rows * 360), "move": null,
            }],
            "createdBy": "ann", "createdAt": "2026-11-23T10:00:00Z", "appliedAt": null,
        });
        serde_json::from_value(json).expect("a plan")
    }

    #[test]
    fn a_plan_says_what_moves_where_how_much_and_why() {
        let golden = "\
plan 01990000-0000-7000-8000-00008f2c91ab
  inst-017: shard-a -> shard-c, 12,345 rows, 4.44 MB; asked for
  it is served all the time; at the end its requests wait for a moment";
        assert_eq!(text("inst-017", &plan(Some(12_345))), golden);
        let unknown = text("inst-017", &plan(None));
        assert!(unknown.contains("shard-a does not say how many rows"), "{unknown}");
    }

    #[test]
    fn a_dry_run_is_a_table_or_the_plan_itself() {
        let plan = plan(Some(12_345));
        let rows = plan.moves.iter().map(|planned| row("inst-017", planned));
        let view = View::list(&plan, &HEADER, rows, "").expect("a view");
        let golden = " INSTITUTION  FROM     TO       ROWS    SIZE     WHY\n inst-017     shard-a  shard-c  12,345  4.44 MB  asked for\n";
        assert_eq!(view.text(Format::Table), golden);
        let json: Plan = serde_json::from_str(&view.text(Format::Json)).expect("JSON");
        assert_eq!(json, plan);
    }
}
