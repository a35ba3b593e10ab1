//! (e) What a lookup in the map costs, and what the map weighs, with 1,000,000 institutions of which 200,000 live
//! off the ring. In a process of its own: its memory is then the map's.

use std::collections::HashMap;
use std::hint::black_box;
use std::process::Stdio;

use anyhow::Context as _;
use shard_map::{InstitutionId, MapShard, MapVersion, ShardId, ShardMap, ShardState};
use tokio::process::Command;
use uuid::Uuid;

use crate::report::{Bar, Section};
use crate::settings::Settings;
use crate::table::{Table, median, short};
use crate::{cpu, noise};

const INSTITUTIONS: u32 = 1_000_000;
const EXCEPTIONS: u32 = 200_000;
const SHARDS: u32 = 8;
const ROUNDS: usize = 9;
const NS_BAR: f64 = 100.0;
const MB_BAR: f64 = 64.0;

/// Runs the probe in a process of its own and reads what it found.
pub(crate) async fn run(settings: &Settings) -> anyhow::Result<Section> {
    let noise = noise::Watch::begin()?;
    let output = Command::new(&settings.own_program)
        .arg("map-probe")
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await?;
    let said = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<f64> = said.split_ascii_whitespace().flat_map(str::parse).collect();
    let [map_ns, naive_ns, map_mb, naive_mb] = numbers[..] else {
        anyhow::bail!("the probe of the map said: {said}");
    };
    let mut table = Table::new(&["what", "CPU ns/lookup", "memory, MB"]);
    table.row(["ring and exceptions".to_owned(), short(map_ns), short(map_mb)]);
    table.row(["HashMap of all institutions".to_owned(), short(naive_ns), short(naive_mb)]);
    table.row(["ratio".to_owned(), short(map_ns / naive_ns), short(map_mb / naive_mb)]);
    let bars = vec![
        Bar::at_most("a lookup, ns", map_ns, NS_BAR, NS_BAR),
        Bar::at_most("a router's map, MB", map_mb, MB_BAR, MB_BAR),
    ];
    let text = format!(
        "{INSTITUTIONS} institutions looked up in no order, {EXCEPTIONS} of them exceptions, {SHARDS} shards; \
         medians of {ROUNDS} rounds in turns. Beside it `std`'s HashMap<Uuid, u32> with all institutions, which \
         a map by directory would need. Memory is what the process grew by."
    );
    Ok(Section::new("e. The map", &text, &table, bars, &noise.end()?))
}

/// The hidden subcommand: prints ns and ns, MB and MB.
pub(crate) fn probe() -> anyhow::Result<()> {
    let ids: Vec<InstitutionId> = (0..INSTITUTIONS).map(institution).collect();
    let (map, map_mb) = weighed(|| map(&ids))?;
    let map = map?;
    let (naive, naive_mb) = weighed(|| {
        let pairs = ids.iter().zip(0_u32..).map(|(id, at)| (id.as_uuid(), at % SHARDS));
        pairs.collect::<HashMap<Uuid, u32>>()
    })?;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let by_map = ns_each(&ids, |id| u32::from(map.route(id).is_some()))?;
        let by_naive = ns_each(&ids, |id| naive.get(&id.as_uuid()).copied().unwrap_or(0))?;
        rounds.push((by_map, by_naive));
    }
    let map_ns = median(rounds.iter().map(|round| round.0));
    let naive_ns = median(rounds.iter().map(|round| round.1));
    println!("{map_ns:.1} {naive_ns:.1} {map_mb:.1} {naive_mb:.1}");
    Ok(())
}

/// Random to the eye, the same in every run.
fn institution(number: u32) -> InstitutionId {
    let spread = u128::from(number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    InstitutionId::new(Uuid::from_u128(spread))
}

fn map(ids: &[InstitutionId]) -> anyhow::Result<ShardMap> {
    let shards = (0..SHARDS).map(|at| format!("shard-{at}").parse());
    let shards: Vec<ShardId> = shards.collect::<Result<_, _>>()?;
    let every = usize::try_from(INSTITUTIONS / EXCEPTIONS).context("a step")?;
    let off_ring = ids.iter().step_by(every).zip(shards.iter().cycle());
    let exceptions = off_ring.map(|(id, shard)| (*id, shard.clone()));
    let on_ring =
        shards.iter().map(|id| MapShard { id: id.clone(), state: ShardState::Active, weight: 1 });
    Ok(ShardMap::new(MapVersion(1), MapVersion(1), on_ring, [], exceptions)?)
}

/// What `make` gives, and by how many MB the process has grown.
fn weighed<T>(make: impl FnOnce() -> T) -> anyhow::Result<(T, f64)> {
    let pid = std::process::id();
    let before = cpu::resident_bytes(pid)?;
    let result = make();
    let grown = cpu::resident_bytes(pid)?.saturating_sub(before);
    let kib = u32::try_from(grown >> 10).unwrap_or(u32::MAX);
    Ok((result, f64::from(kib) / 1024.0))
}

fn ns_each(ids: &[InstitutionId], look_up: impl Fn(InstitutionId) -> u32) -> anyhow::Result<f64> {
    let before = cpu::of_this_thread()?;
    let sum = ids.iter().fold(0_u32, |sum, id| sum.wrapping_add(look_up(*id)));
    black_box(sum);
    let used = cpu::of_this_thread()?.saturating_sub(before);
    Ok(used.as_secs_f64() * 1e9 / f64::from(INSTITUTIONS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifth_lives_off_the_ring() {
        let ids: Vec<_> = (0..INSTITUTIONS / 100).map(institution).collect();
        let map = map(&ids).expect("a map");
        assert_eq!(map.exception_count(), ids.len() / 5);
        assert!(ids.iter().all(|id| map.route(*id).is_some()));
    }
}
