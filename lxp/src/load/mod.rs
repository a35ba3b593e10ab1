//! `lxp load oulad`: real learners, classes, enrolments, assessments, scores and results, through the platform's public
//! API alone.
//!
//! The road: `files` and `dataset` read what is in the directory, `plan` says what it becomes, `institution`
//! makes the institutions (control plane), `tenant` and `grades` fill each through the router (`api`), `verify` reads
//! back what is there, every student's totals among it, `report` says it.
//!
//! What must stay true: a run that was killed is gone on with by the next, and one too many changes nothing.

pub(crate) mod api;
mod dataset;
mod expected;
mod files;
mod gradebook;
mod grades;
mod institution;
mod marks;
mod plan;
mod progress;
mod report;
mod tenant;
mod verify;

use std::path::PathBuf;
use std::time::Instant;

use chrono::TimeDelta;
use clap::{Args, Subcommand};
use control_api::Institution;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use service_kit::token::Role;

use self::api::{Router, Session};
use self::dataset::Dataset;
use self::plan::{Counts, Tenant};
use self::progress::Progress;
use self::report::{Loaded, Report};
use crate::connection::Connection;
use crate::failure::Failure;
use crate::local::state::State;
use crate::output::{Format, print};
use crate::token::{local_key, mint_for_role};

/// How long the tokens of a load live: longer than any load.
const TOKEN_TTL: TimeDelta = TimeDelta::hours(12);

/// Differences that stand in the failure; all of them are in the report.
const DIFFERENCES_SAID: usize = 20;

/// `lxp load`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The Open University Learning Analytics Dataset: 13 regions become institutions with 28,785 students.
    Oulad(Oulad),
}

/// What to load, and through whom.
#[derive(Debug, Args)]
pub(crate) struct Oulad {
    /// Where courses.csv, studentInfo.csv, studentRegistration.csv, assessments.csv and studentAssessment.csv are, gzipped
    /// (.gz) or plain.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// The router's URL [default: that of the local platform in .lxp, here or above]
    #[arg(long, env = "LXP_URL", value_name = "URL")]
    url: Option<String>,
    /// Only these institutions, such as wales,scotland.
    #[arg(long, value_name = "SLUG", value_delimiter = ',')]
    only: Vec<String>,
    /// Neither assessments nor scores nor results; their two files need not be there.
    #[arg(long)]
    without_scores: bool,
    /// Calls in flight at once.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    concurrency: u16,
    /// The private key that signs the tokens [default: .lxp/keys/signing.pem, here or above]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// How to print the report.
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    output: Format,
    #[command(flatten)]
    connection: Connection,
}

/// Runs the command.
pub(crate) async fn run(command: &Command) -> anyhow::Result<()> {
    match command {
        Command::Oulad(oulad) => load(oulad).await,
    }
}

async fn load(oulad: &Oulad) -> anyhow::Result<()> {
    let tenants = tenants(oulad)?;
    let router = Router::new(&router_url(oulad)?, usize::from(oulad.concurrency))?;
    let key = match &oulad.key {
        Some(key) => key.clone(),
        None => local_key(&oulad.connection.layout()?)?,
    };
    let expected: Counts = tenants.iter().map(Tenant::counts).sum();
    let progress = Progress::new(expected.rows());
    progress.say(&format!(
        "{} institutions, {} students, {} enrolments, {} scores",
        tenants.len(),
        expected.students,
        expected.enrollments,
        expected.graded + expected.ungraded
    ));
    let began = Instant::now();
    let control = oulad.connection.client()?;
    let mut made = 0;
    let mut loads = Vec::with_capacity(tenants.len());
    for tenant in &tenants {
        let (institution, new) = institution::ensure(&control, &tenant.slug, &tenant.name).await?;
        made += u64::from(new);
        let token = mint_for_role(&key, institution.id, Role::Admin, None, TOKEN_TTL)?;
        loads.push((tenant, institution, router.session(&tenant.slug, &token)?));
    }
    let count = loads.len();
    let loaded: Vec<(Loaded, Vec<String>)> = stream::iter(loads)
        .map(|(tenant, institution, session)| one(tenant, institution, session, &progress))
        .buffered(count.max(1))
        .try_collect()
        .await?;
    progress.finish();
    let (loaded, differences): (Vec<_>, Vec<_>) = loaded.into_iter().unzip();
    let differences = differences.into_iter().flatten().collect();
    let report = Report::new(loaded, made, expected.rows(), began.elapsed(), differences);
    print(&report.text(oulad.output)?)?;
    judge(&report)
}

/// One institution, from its files to what is read back.
async fn one(
    tenant: &Tenant,
    institution: Institution,
    session: Session,
    progress: &Progress,
) -> Result<(Loaded, Vec<String>), Failure> {
    let made = tenant::load(&session, tenant, progress).await?;
    let (mut found, seats) = verify::read_back(&session).await?;
    let unlike = if tenant.has_marks() {
        gradebook::read_back(&session, tenant, &mut found).await?
    } else {
        Vec::new()
    };
    progress.say(&format!(
        "{}: {} students, {} enrolments, {} scores on {}",
        tenant.slug, found.students, found.enrollments, found.graded, institution.shard
    ));
    let mut differences = verify::differences(tenant, &found, &seats);
    differences.extend(unlike);
    Ok((Loaded::new(&institution, tenant, found, made), differences))
}

/// What the files ask for, as far as it was asked for.
fn tenants(oulad: &Oulad) -> Result<Vec<Tenant>, Failure> {
    let wrong = |error: files::InputError| Failure::usage(error.to_string());
    let mut tenants =
        plan::plan(&Dataset::read(&oulad.directory, !oulad.without_scores).map_err(wrong)?)
            .map_err(wrong)?;
    let slugs: Vec<&str> = tenants.iter().map(|tenant| tenant.slug.as_str()).collect();
    if let Some(unknown) = oulad.only.iter().find(|only| !slugs.contains(&only.as_str())) {
        let what = format!("--only {unknown}: the files have {}", slugs.join(", "));
        return Err(Failure::usage(what));
    }
    tenants.retain(|tenant| oulad.only.is_empty() || oulad.only.contains(&tenant.slug));
    Ok(tenants)
}

fn router_url(oulad: &Oulad) -> anyhow::Result<String> {
    if let Some(url) = &oulad.url {
        return Ok(url.clone());
    }
    let state = State::read(&oulad.connection.layout()?);
    let url = state.url("router").ok_or_else(|| {
        Failure::usage("no router is named, and there is no local platform here or above")
            .next("give --url or LXP_URL, or `lxp local up`")
    })?;
    Ok(url.to_owned())
}

fn judge(report: &Report) -> anyhow::Result<()> {
    let differences = report.differences();
    if differences.is_empty() {
        return Ok(());
    }
    let said = differences.iter().take(DIFFERENCES_SAID).map(|line| format!("\n  {line}"));
    let what = format!("what is there is not what the files say:{}", said.collect::<String>());
    Err(Failure::refused(what)
        .next("the same command again, and if that changes nothing: who else writes to them?")
        .into())
}
