//! OULAD (`shared/data/oulad`) on a platform: real learners in real classes.

use std::path::{Path, PathBuf};

use serde_json::Value;
use uuid::Uuid;

use crate::{Institution, Platform, Size};

/// A copy of the part in which each region has a name that nobody else loads.
fn part(directory: &Path) {
    let of_all = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/oulad");
    let own = Uuid::new_v4().simple().to_string();
    for file in ["courses.csv", "studentInfo.csv", "studentRegistration.csv"] {
        let text = std::fs::read_to_string(of_all.join(file)).expect("a part of OULAD");
        let text = ["Wales", "Ireland"].iter().fold(text, |text, region| {
            text.replace(&format!(",{region},"), &format!(",{region} {own},"))
        });
        std::fs::write(directory.join(file), text).expect("written");
    }
}

/// Its directory, in a soak that names it (`LXP_OULAD_DIR`).
fn all_of_it() -> Option<PathBuf> {
    let named = std::env::var_os("LXP_OULAD_DIR").map(PathBuf::from);
    named.filter(|_| Size::of_this_run() == Size::Soak)
}

/// Loads all of it in a soak that names it, else a part of it (`tests/data/oulad`: 300 registrations; all 32,593 take
/// minutes).
pub async fn all_or_part(platform: &Platform) -> Vec<Institution> {
    if let Some(all) = all_of_it() {
        return load(platform, &all).await;
    }
    let own = tempfile::tempdir().expect("a directory");
    part(own.path());
    load(platform, own.path()).await
}

async fn load(platform: &Platform, directory: &Path) -> Vec<Institution> {
    let directory = directory.to_str().expect("UTF-8");
    let url = platform.router();
    let report = platform
        .lxp(&["load", "oulad", directory, "--without-scores", "--url", url, "-o", "json"])
        .await;
    let report: Value = serde_json::from_str(&report).expect("JSON alone on stdout");
    let institutions = report["institutions"].as_array().expect("institutions");
    let institution = |loaded: &Value| Institution {
        id: loaded["id"].as_str().and_then(|id| id.parse().ok()).expect("an id"),
        shard: loaded["shard"].as_str().expect("a shard").to_owned(),
    };
    institutions.iter().map(institution).collect()
}
