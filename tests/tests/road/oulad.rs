//! OULAD's scores through the router, against what a script of its own computes from the files: how many there are and
//! what mean a class has, and of every student the totals to 4 decimals and the result.
//!
//! One region (Ireland: 1,184 students); with `LXP_SOAK=1` all 13. The files are at `LXP_OULAD_DIR`, else beside the
//! project. The first load is killed in the middle, and the next one goes on.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use lxp_tests::{Client, Platform, Size, program};
use serde_json::{Value, json};
use shard_map::InstitutionId;

/// How long a load may take until its first scores are there, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(5);
/// Whose enrolments a gradebook shows.
const STATUSES: [&str; 5] = ["ACTIVE", "SUSPENDED", "COMPLETED", "DROPPED", "WITHDRAWN"];

fn directory() -> PathBuf {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/oulad");
    std::env::var_os("LXP_OULAD_DIR").map_or(beside, PathBuf::from)
}

/// The regions to load.
fn regions() -> &'static [&'static str] {
    Size::of_this_run().pick(&["ireland"], &[])
}

fn arguments(platform: &Platform) -> Vec<String> {
    let directory = directory().to_str().expect("UTF-8").to_owned();
    let mut arguments = ["load", "oulad", &directory, "--url", platform.router(), "-o", "json"]
        .map(str::to_owned)
        .to_vec();
    for region in regions() {
        arguments.extend(["--only".to_owned(), (*region).to_owned()]);
    }
    arguments
}

/// Begins a load, and kills it once scores are there.
async fn killed(platform: &Platform) {
    let mut command = program("lxp");
    command.args(arguments(platform)).arg("--data-dir").arg(platform.data());
    let mut load = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("lxp runs");
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until && load.try_wait().expect("its state").is_none() {
        if has_scores(platform).await {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // On a platform that has it all a load has ended before that.
    let _ = load.kill();
    load.wait().expect("it has ended");
    assert!(has_scores(platform).await, "no scores within {PATIENCE:?}");
}

async fn has_scores(platform: &Platform) -> bool {
    let listed = platform.control().get("/v1/institutions?slug=ireland").await;
    let Some(institution) = listed.body["items"][0]["id"].as_str().and_then(|id| id.parse().ok())
    else {
        return false;
    };
    let admin = platform.admin(institution);
    let classes =
        admin.get_patiently("/v1/classes?limit=200&select=id").await.body["items"].clone();
    for class in classes.as_array().into_iter().flatten() {
        let path = format!("/v1/classes/{}/grades?limit=1", class["id"].as_str().expect("an id"));
        if admin.get_patiently(&path).await.body["total"].as_i64().is_some_and(|total| total > 0) {
            return true;
        }
    }
    false
}

/// Loads to the end, and answers the report.
async fn load(platform: &Platform) -> Value {
    let arguments = arguments(platform);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    serde_json::from_str(&platform.lxp(&arguments).await).expect("JSON alone on stdout")
}

/// What the script computes from the files.
fn expected() -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/oulad-expected");
    let output = Command::new("python3")
        .arg(script)
        .arg(directory())
        .args(regions())
        .output()
        .expect("python3");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// A number with 4 decimals as the script writes it.
fn text(value: &Value) -> Value {
    let Some(text) = value.as_str() else { return value.clone() };
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    json!(format!("{whole}.{part:0<4}"))
}

/// A class as the router shows it, in the script's form.
async fn class_as_read(admin: &Client, id: &str) -> Value {
    let stats =
        admin.get_patiently(&format!("/v1/classes/{id}/grade-stats")).await.expect(200).body;
    let mut students = serde_json::Map::new();
    for status in STATUSES {
        for page in 1.. {
            let path = format!("/v1/classes/{id}/gradebook?status={status}&limit=200&page={page}");
            let book = admin.get_patiently(&path).await.expect(200).body;
            for row in book["items"].as_array().expect("rows") {
                let totals = &row["totals"];
                let told = json!({"current": text(&totals["current"]), "final": text(&totals["final"]),
                    "result": row["result"]["outcome"]});
                students.insert(row["studentNo"].as_str().expect("a number").to_owned(), told);
            }
            if page >= book["totalPages"].as_i64().expect("pages") {
                break;
            }
        }
    }
    json!({"graded": stats["graded"], "ungraded": stats["ungraded"], "mean": text(&stats["meanScore"]),
        "students": students})
}

/// Compares an institution class by class; answers how many students were compared.
async fn compare(platform: &Platform, institution: InstitutionId, expected: &Value) -> usize {
    let admin = platform.admin(institution);
    let path = "/v1/classes?source=oulad&limit=200&select=id,externalId";
    let classes = admin.get_patiently(path).await.expect(200).body["items"].clone();
    let mut compared = 0;
    for class in classes.as_array().expect("classes") {
        let code = class["externalId"].as_str().expect("a code");
        let found = class_as_read(&admin, class["id"].as_str().expect("an id")).await;
        let nobody = json!({"graded": 0, "ungraded": 0, "mean": null, "students": {}});
        let wanted = expected.get(code).unwrap_or(&nobody);
        for (student, told) in wanted["students"].as_object().expect("students") {
            assert_eq!(&found["students"][student], told, "{code}: student {student}");
            compared += 1;
        }
        assert_eq!(&found, wanted, "{code}");
    }
    compared
}

/// Progress, and the state of enrolments, say what the gradebook says.
async fn agrees(platform: &Platform, institution: InstitutionId, results: &Value) {
    let admin = platform.admin(institution);
    let total =
        async |path: &str| admin.get_patiently(path).await.expect(200).body["total"].clone();
    let through = results
        .as_object()
        .expect("classes")
        .values()
        .flat_map(|class| class["students"].as_object().expect("students").values())
        .filter(|student| student["result"] != "WITHDRAWN")
        .count();
    let withdrawn = total("/v1/enrollments?status=WITHDRAWN&limit=1").await;
    let completed = total("/v1/enrollments?status=COMPLETED&limit=1").await;
    let completed = completed.as_u64().expect("a total");
    // Nine students of the source have failed and left.
    let through = u64::try_from(through).expect("few");
    assert!(
        (through - 9..=through).contains(&completed),
        "{completed} of {through}, {withdrawn} left"
    );
    let path = "/v1/enrollments?status=COMPLETED&limit=20";
    let some = admin.get_patiently(path).await.expect(200).body["items"].clone();
    for enrollment in some.as_array().expect("enrolments") {
        let text = |name: &str| enrollment[name].as_str().expect("an id").to_owned();
        let (class, student) = (text("classId"), text("studentId"));
        let path = format!("/v1/classes/{class}/gradebook?studentId={student}");
        let row = admin.get_patiently(&path).await.expect(200).body["items"][0].clone();
        let path = format!("/v1/enrollments/{}/progress", text("id"));
        let progress = admin.get_patiently(&path).await.expect(200).body["items"][0].clone();
        assert_eq!(progress["percent"], row["totals"]["current"], "{student} in {class}");
        assert_eq!(progress["status"], "COMPLETED");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn totals_of_every_student_are_those_that_a_script_computes_from_the_files() {
    let platform = Platform::shared();
    killed(&platform).await;
    let report = load(&platform).await;
    println!(
        "{} rows in {} s: {} rows/s",
        report["rows"], report["seconds"], report["rowsPerSecond"]
    );
    assert_eq!(report["differences"], json!([]));
    let expected = expected();
    let mut compared = 0;
    for loaded in report["institutions"].as_array().expect("institutions") {
        let id = loaded["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
        let slug = loaded["slug"].as_str().expect("a slug");
        compared += compare(&platform, id, &expected[slug]).await;
        agrees(&platform, id, &expected[slug]).await;
    }
    assert_eq!(
        compared,
        report["total"]["enrollments"].as_u64().map_or(0, |all| usize::try_from(all).unwrap_or(0))
    );
    println!("{compared} students of classes compared");

    let again = load(&platform).await;
    let made = again["made"].as_object().expect("numbers");
    assert!(made.values().all(|count| *count == 0), "{made:?}");
    assert_eq!(again["total"], report["total"]);
}
