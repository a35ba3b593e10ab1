//! (a) What routing costs: CPU a request of the router, of bare Pingora from the same build and of nginx, one thread
//! each, before the same upstream, with the same requests, in turns.

mod bare;
mod control;
mod nginx;
mod router;

use std::net::SocketAddr;

use service_kit::token::{Mint, Role, Roles, SigningKey};
use shard_map::InstitutionId;
use uuid::Uuid;

pub(crate) use bare::{BareProxy, serve as serve_bare};

use crate::load::{self, Load, Pace, Requests};
use crate::report::{Bar, Section};
use crate::running::Running;
use crate::settings::Settings;
use crate::table::{Table, median, short, us_each};
use crate::{cpu, noise};

const CONNECTIONS: u32 = 32;
/// Rounds of a second each, for each second of a measurement: short turns, so that what else the machine's host does
/// meets all alike.
const ROUNDS: u32 = 7;
const INSTITUTIONS: u128 = 500;
const TOKENS_EACH: u128 = 4;
const GOAL: f64 = 1.15;
const BAR: f64 = 1.35;

/// One of those who are compared.
struct Contender {
    name: &'static str,
    process: Running,
    address: SocketAddr,
    /// A round's CPU a request, in microseconds, and its requests a second.
    rounds: Vec<(f64, f64)>,
}

/// Runs the comparison.
pub(crate) async fn run(settings: &Settings) -> anyhow::Result<Section> {
    let directory = tempfile::tempdir()?;
    let upstream = nginx::upstream(directory.path()).await?;
    let key = SigningKey::generate()?;
    let control = control::Control::start(&upstream.addresses).await?;
    let mut contenders = [
        bare::contender(&settings.own_program, &upstream.addresses).await?,
        router::contender(settings, directory.path(), &key, &control.url()).await?,
        nginx::contender(directory.path(), &upstream.addresses).await?,
    ];
    let requests = requests(&key);
    let noise = noise::Watch::begin()?;
    let rounds = usize::try_from(ROUNDS * settings.seconds)?;
    for round in 0..=rounds {
        for turn in 0..contenders.len() {
            let at = (round + turn) % contenders.len();
            let contender = &mut contenders[at];
            // The first round is to get warm: connections, verified tokens.
            let measured = measure(contender, &requests).await?;
            if round > 0 {
                contender.rounds.push(measured);
            }
        }
    }
    let router_bytes = cpu::resident_bytes(contenders[1].process.pid())?;
    Ok(section(&contenders, router_bytes, &noise.end()?))
}

async fn measure(contender: &mut Contender, requests: &Requests) -> anyhow::Result<(f64, f64)> {
    let pid = contender.process.pid();
    let url = format!("http://{}", contender.address);
    let before = cpu::of_tree(pid)?;
    let pace = Pace { connections: CONNECTIONS, seconds: 1, repeat: true };
    let Load { requests, took, failed, .. } = load::send(&url, requests, pace).await?;
    let used = cpu::of_tree(pid)?.saturating_sub(before);
    anyhow::ensure!(failed == 0, "{}: {failed} of {requests} requests failed", contender.name);
    Ok((us_each(used, requests), f64::from(requests) / took.as_secs_f64()))
}

fn requests(key: &SigningKey) -> Requests {
    let mut requests = Requests::default();
    for number in 0..INSTITUTIONS * TOKENS_EACH {
        let institution = control::institution(number % INSTITUTIONS);
        let token = token(key, institution, Uuid::from_u128(number));
        let path = format!("/v1/programs/{}", Uuid::from_u128(number));
        requests.push(&path, &load::caller(&token, institution), None);
    }
    requests
}

fn token(key: &SigningKey, institution: InstitutionId, subject: Uuid) -> String {
    key.mint(&Mint {
        issuer: router::ISSUER,
        audience: router::AUDIENCE,
        subject,
        institution,
        roles: Roles::from(Role::Staff),
        issued_at: service_kit::clock::now(),
        ttl: chrono::TimeDelta::hours(12),
        token_id: subject,
    })
}

fn section(contenders: &[Contender], router_bytes: u64, noise: &str) -> Section {
    let mut table = Table::new(&[
        "contender",
        "CPU us/request",
        "of bare Pingora",
        "lowest and highest round",
        "requests/s",
    ]);
    let ratios = |one: &Contender| -> Vec<f64> {
        let pairs = one.rounds.iter().zip(&contenders[0].rounds);
        pairs.map(|((used, _), (bare, _))| used / bare).collect()
    };
    for contender in contenders {
        let ratios = ratios(contender);
        let ends = [f64::min, f64::max].map(|end| ratios.iter().copied().reduce(end));
        table.row([
            contender.name.to_owned(),
            short(median(contender.rounds.iter().map(|round| round.0))),
            short(median(ratios)),
            format!("{} to {}", short(ends[0].unwrap_or(0.0)), short(ends[1].unwrap_or(0.0))),
            short(median(contender.rounds.iter().map(|round| round.1))),
        ]);
    }
    let bar =
        Bar::at_most("router CPU of bare Pingora's", median(ratios(&contenders[1])), GOAL, BAR);
    let text = format!(
        "One thread each, {CONNECTIONS} connections, {} verified tokens of {INSTITUTIONS} institutions, a map with \
         {} exceptions; medians of {} rounds in turns. The router's memory at the end: {} MB.",
        INSTITUTIONS * TOKENS_EACH,
        control::EXCEPTIONS,
        contenders[0].rounds.len(),
        router_bytes >> 20,
    );
    Section::new("a. Router, beside bare Pingora and nginx", &text, &table, vec![bar], noise)
}
