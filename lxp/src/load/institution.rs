//! The institutions of a load: found by slug, or made; waited for until they are served.

use std::time::{Duration, Instant};

use control_api::{ControlClient, Institution, InstitutionQuery, NewInstitution};
use shard_map::InstitutionStatus;

use crate::connection::explain;
use crate::failure::{Exit, Failure};

/// All of the Open University's regions lie in it.
const TIMEZONE: &str = "Europe/London";

/// How long an institution may be in the making.
const ACTIVE_DEADLINE: Duration = Duration::from_mins(1);
const ASK_EVERY: Duration = Duration::from_millis(250);

/// The institution with this slug, and whether it is new.
pub(super) async fn ensure(
    control: &ControlClient,
    slug: &str,
    name: &str,
) -> anyhow::Result<(Institution, bool)> {
    let (mut institution, new) = match find(control, slug).await? {
        Some(found) => (found, false),
        None => (create(control, slug, name).await?, true),
    };
    let until = Instant::now() + ACTIVE_DEADLINE;
    loop {
        match institution.status {
            InstitutionStatus::Active => return Ok((institution, new)),
            InstitutionStatus::Suspended => {
                return Err(Failure::refused(format!("institution {slug} is suspended"))
                    .next(format!("lxp institution resume {slug}"))
                    .into());
            }
            InstitutionStatus::Creating if Instant::now() < until => {
                tokio::time::sleep(ASK_EVERY).await;
                institution = find(control, slug).await?.unwrap_or(institution);
            }
            InstitutionStatus::Creating => {
                let waited = ACTIVE_DEADLINE.as_secs();
                let what = format!("institution {slug} is still in the making after {waited} s");
                return Err(Failure::new(Exit::TimedOut, what)
                    .next(format!("lxp shard list, lxp institution show {slug}"))
                    .into());
            }
        }
    }
}

async fn find(control: &ControlClient, slug: &str) -> anyhow::Result<Option<Institution>> {
    let query = InstitutionQuery { slug: Some(slug.to_owned()), ..InstitutionQuery::default() };
    let page = control.institutions(&query).await.map_err(explain)?;
    Ok(page.items.into_iter().next())
}

async fn create(control: &ControlClient, slug: &str, name: &str) -> anyhow::Result<Institution> {
    let new = NewInstitution {
        id: None,
        slug: slug.to_owned(),
        name: name.to_owned(),
        timezone: TIMEZONE.to_owned(),
        shard: None,
    };
    control.create_institution(&new).await.map_err(explain)
}
