//! What was written, and what must therefore be there.

use std::collections::BTreeMap;
use std::time::Instant;

use shard_map::InstitutionId;
use uuid::Uuid;

use crate::{Client, Institution};

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// A 2xx: it is there.
    Acknowledged,
    /// Refused: it is not there.
    Refused,
    /// Nobody knows: it is there once, or not.
    Unknown,
}

/// A course that one worker made; its title counts the changes.
#[derive(Debug, Clone)]
pub(super) struct Course {
    pub(super) institution: InstitutionId,
    pub(super) code: String,
    pub(super) id: Option<Uuid>,
    pub(super) fate: Fate,
    /// Changes that were acknowledged, and when.
    pub(super) changes: Vec<(Instant, u64)>,
    /// The newest change that may have been applied.
    pub(super) newest: u64,
    /// The row's version, where it is known.
    pub(super) tag: Option<String>,
    /// Whether a change of it ever ended without being known.
    pub(super) was_unknown: bool,
}

impl Course {
    /// The change that was acknowledged last.
    pub(super) fn acknowledged(&self) -> u64 {
        self.changes.last().map_or(0, |(_, change)| *change)
    }

    /// It was read: after a change whose outcome was unknown this tells it.
    pub(super) fn found(&mut self, change: u64, tag: Option<String>) {
        if self.tag.is_none() && change >= self.acknowledged() {
            self.tag = tag;
            self.changes.push((Instant::now(), change));
        }
    }

    /// The change that was acknowledged last before a moment.
    pub(super) fn acknowledged_by(&self, moment: Instant) -> u64 {
        let before = self.changes.iter().rev().find(|(at, _)| *at <= moment);
        before.map_or(0, |(_, change)| *change)
    }
}

/// Everything that was written.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    courses: Vec<Course>,
}

impl Ledger {
    pub(super) fn extend(&mut self, courses: Vec<Course>) {
        self.courses.extend(courses);
    }

    pub(super) fn acknowledged(&self) -> usize {
        let made = self.courses.iter().filter(|course| course.fate == Fate::Acknowledged);
        made.map(|course| course.changes.len()).sum()
    }

    /// Everything that is not as it must be in one institution.
    pub(super) async fn compare(&self, institution: &Institution, reader: &Client) -> Vec<String> {
        let mut there = read_all(reader).await;
        let mut wrong = Vec::new();
        for course in self.courses.iter().filter(|course| course.institution == institution.id) {
            let rows = there.remove(&course.code).unwrap_or_default();
            wrong.extend(judge(course, &rows).map(|what| format!("{}: {what}", course.code)));
        }
        wrong.extend(there.into_keys().map(|code| format!("{code}: nobody wrote it")));
        wrong
    }
}

/// What is wrong with the rows of one course.
fn judge(course: &Course, rows: &[(String, u64)]) -> Option<String> {
    let (low, high) = (course.acknowledged(), course.newest);
    match (course.fate, rows) {
        (Fate::Refused | Fate::Unknown, []) => None,
        (Fate::Refused, _) => Some("refused, and there".to_owned()),
        (Fate::Acknowledged, []) => Some("acknowledged, and lost".to_owned()),
        (_, [(id, title)]) => {
            let other = course.id.is_some_and(|known| known.to_string() != *id);
            if other {
                return Some(format!("{:?} was acknowledged, {id} is there", course.id));
            }
            let stale = !(low..=high).contains(title);
            stale.then(|| format!("change {title} is there, not {low}..={high}"))
        }
        (_, rows) => Some(format!("there {} times", rows.len())),
    }
}

/// Id and change of all courses of an institution, by code.
async fn read_all(reader: &Client) -> BTreeMap<String, Vec<(String, u64)>> {
    let mut all: BTreeMap<String, Vec<(String, u64)>> = BTreeMap::new();
    let mut cursor = None;
    loop {
        let from = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let path = format!("/v1/courses?limit=200&count=none&sort=id&select=id,code,title{from}");
        let page = reader.get_patiently(&path).await.expect(200).body;
        for row in page["items"].as_array().expect("items") {
            let text = |name: &str| row[name].as_str().expect("a text").to_owned();
            let change = text("title").parse().expect("a change");
            all.entry(text("code")).or_default().push((text("id"), change));
        }
        cursor = page["nextCursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            return all;
        }
    }
}
