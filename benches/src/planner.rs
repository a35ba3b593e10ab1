//! (g) What a plan costs with 1,000,000 institutions on 1,000 shards: after one was added, while one is drained, and
//! when there is nothing to do. Beside it what cannot be saved: the ring is made and everybody looked up in it once.

use std::hint::black_box;

use anyhow::Context as _;
use control_plane::plan::{Aim, Resident, Shard, World, solve};
use shard_map::{InstitutionId, Ring, ShardId, ShardState};
use uuid::Uuid;

use crate::report::{Bar, Section};
use crate::table::{Table, median, short};
use crate::{cpu, noise};

const INSTITUTIONS: u32 = 1_000_000;
const SHARDS: u32 = 1_000;
const ROUNDS: usize = 5;
const S_BAR: f64 = 2.0;
/// Longer plans are not made.
const MOST: usize = 1_000;

/// Measures it in this process: nothing else of the benchmark runs meanwhile.
pub(crate) fn run() -> anyhow::Result<Section> {
    let noise = noise::Watch::begin()?;
    let settled = world()?;
    let mut grown = settled.clone();
    grown.shards.push(shard(SHARDS)?);
    let drained = settled.shards.first().context("a shard")?.id.clone();
    let asked = [
        ("a shard was added", &grown, Aim::Rebalance),
        ("a shard is drained", &settled, Aim::Drain(drained)),
        ("nothing is to do", &settled, Aim::Rebalance),
    ];
    let mut table = Table::new(&["what", "CPU s", "of the ring alone", "would move"]);
    let mut ring_s = Vec::new();
    let mut found = vec![(Vec::new(), 0); asked.len()];
    for _ in 0..ROUNDS {
        ring_s.push(seconds(|| route_all(&settled))?.0);
        for ((_, world, aim), (times, moves)) in asked.iter().zip(&mut found) {
            let (took, solution) = seconds(|| solve(world, aim, MOST))?;
            times.push(took);
            *moves = solution.steps.len() + solution.more;
        }
    }
    let ring = median(ring_s);
    table.row(["ring, everybody once".to_owned(), short(ring), short(1.0), String::new()]);
    let mut bars = Vec::new();
    for ((what, ..), (times, moves)) in asked.iter().zip(found) {
        let took = median(times);
        table.row([(*what).to_owned(), short(took), short(took / ring), moves.to_string()]);
        bars.push(Bar::at_most(&format!("a plan when {what}, s"), took, S_BAR, S_BAR));
    }
    let text = format!(
        "{INSTITUTIONS} institutions on {SHARDS} shards, all where the ring wants them; medians of {ROUNDS} rounds in \
         turns. Beside it: the same ring is made, and each institution looked up in it once."
    );
    Ok(Section::new("g. The planner", &text, &table, bars, &noise.end()?))
}

fn world() -> anyhow::Result<World> {
    let shards = (0..SHARDS).map(shard).collect::<anyhow::Result<Vec<_>>>()?;
    let ring = Ring::new(shards.iter().map(|shard| (shard.id.clone(), shard.weight)));
    let residents = (0..INSTITUTIONS).map(|number| {
        let spread = u128::from(number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        let id = InstitutionId::new(Uuid::from_u128(spread));
        let shard = ring.owner(id).context("an owner")?.clone();
        Ok(Resident { id, shard, pin: None, going: None, is_fixed: false })
    });
    let residents = residents.collect::<anyhow::Result<Vec<_>>>()?;
    Ok(World { shards, residents })
}

fn shard(number: u32) -> anyhow::Result<Shard> {
    let id: ShardId = format!("shard-{number}").parse()?;
    Ok(Shard { id, state: ShardState::Active, weight: 1, capacity: None, load: 0.5 })
}

fn route_all(world: &World) -> usize {
    let ring = Ring::new(world.shards.iter().map(|shard| (shard.id.clone(), shard.weight)));
    world.residents.iter().filter(|one| ring.owner(one.id) == Some(&one.shard)).count()
}

/// CPU seconds of it.
fn seconds<T>(work: impl FnOnce() -> T) -> anyhow::Result<(f64, T)> {
    let before = cpu::of_this_thread()?;
    let result = black_box(work());
    Ok((cpu::of_this_thread()?.saturating_sub(before).as_secs_f64(), result))
}
