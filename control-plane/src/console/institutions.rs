//! Institutions by their slugs, and one of them: its home, each shard's own word on it, its history, its moves, quotas.

use askama::Template;
use control_api::{Institution, InstitutionDetail};
use service_kit::clock;
use shard_map::InstitutionId;

use super::moves::{Ended, line};
use super::words::{count, time};
use super::{Inner, rendered};
use crate::error::Error;

const PAGE: i64 = 50;
const MOVES_MAX: i64 = 20;

#[derive(Template)]
#[template(path = "console/institutions.html")]
struct Institutions {
    slug: String,
    items: Vec<Institution>,
    total: String,
    number: i64,
    pages: i64,
}

pub(super) async fn list(inner: &Inner, slug: Option<&str>, number: i64) -> Result<String, Error> {
    let mut page = inner.platform.institutions(slug, None, number, PAGE).await?;
    let last = number.min(page.total_pages.max(1));
    if last < number {
        page = inner.platform.institutions(slug, None, last, PAGE).await?;
    }
    Ok(rendered(&Institutions {
        slug: slug.unwrap_or_default().to_owned(),
        items: page.items,
        total: count(page.total),
        number: last,
        pages: page.total_pages,
    }))
}

#[derive(Template)]
#[template(path = "console/institution.html")]
struct One {
    it: Institution,
    pending: Option<String>,
    shards: Vec<Word>,
    history: Vec<Home>,
    moves: Vec<Ended>,
}

/// A shard's own word.
struct Word {
    shard: String,
    says: String,
    epoch: String,
    is_well: bool,
}

struct Home {
    at: String,
    shard: String,
    epoch: i64,
    version: i64,
    reason: String,
}

pub(super) async fn one(inner: &Inner, id: InstitutionId) -> Result<String, Error> {
    let platform = &inner.platform;
    let detail = platform.institution(id).await?;
    let moves = platform.moves(Some(id), false, MOVES_MAX).await?;
    let now = clock::now();
    let shards = words(&detail);
    let InstitutionDetail { institution: it, pending, last_error, history, .. } = detail;
    let pending = pending
        .then(|| last_error.unwrap_or_else(|| "its shard is being told of its status".to_owned()));
    let home = history.into_iter().rev().map(|home| Home {
        at: time(home.at),
        shard: home.shard.to_string(),
        epoch: home.epoch.0,
        version: home.map_version.0,
        reason: home.reason,
    });
    let history = home.collect();
    let moves = moves.iter().map(|of| line(of, it.slug.clone(), now)).collect();
    Ok(rendered(&One { it, pending, shards, history, moves }))
}

fn words(detail: &InstitutionDetail) -> Vec<Word> {
    let home = &detail.institution.shard;
    let said = detail.ownership.iter().map(|row| Word {
        shard: row.shard.to_string(),
        says: format!("{}, owner {}", row.state, row.owner),
        epoch: row.epoch.0.to_string(),
        is_well: row.owner == *home || row.move_id.is_some(),
    });
    let silent = detail.unreachable.iter().map(|it| Word {
        shard: it.shard.to_string(),
        says: it.detail.clone(),
        epoch: "–".to_owned(),
        is_well: false,
    });
    said.chain(silent).collect()
}
