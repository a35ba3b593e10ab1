//! A primary is replaced by an older copy of itself, as a restore from a backup does. What the directory has given
//! to another shard since is not served; all else is.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use lxp_tests::{Client, Institution, Own};
use serde_json::json;
use service_kit::token::Role;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use uuid::Uuid;

const PRIMARY: &str = "postgres-shard-a-primary";
const NODES: [&str; 2] = ["node-shard-a-1", "node-shard-a-2"];

fn nodes_of(platform: &Own, institution: &Institution) -> [Client; 2] {
    let token = platform.token_of(institution.id, Role::Admin, Uuid::now_v7());
    NODES.map(|node| Client::new(platform.process(node)["url"].as_str().expect("a URL"), &token))
}

/// The primary's data directory, wherever the platform keeps it.
fn data_of(platform: &Own) -> PathBuf {
    let home = std::fs::canonicalize(platform.data().join("postgres")).expect("its data");
    home.join(PRIMARY).join("data")
}

/// Copies a directory with owners, modes and times.
fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status().expect("cp");
    assert!(copied.success());
}

/// Gives the institution to shard-b, as the end of a move does: directory, then both shards.
async fn move_away(platform: &Own, institution: &Institution) {
    let id = institution.id;
    let directory = format!(
        "UPDATE institutions SET shard_id = 'shard-b', epoch = 2 WHERE id = '{id}';
         INSERT INTO placements (institution_id, epoch, shard_id, map_version, reason)
         SELECT '{id}', 2, 'shard-b', version, 'moved' FROM map_head"
    );
    let away = format!(
        "UPDATE ownership SET state = 'moved', owner = 'shard-b', epoch = 2 WHERE institution_id = '{id}'"
    );
    let here = format!("SELECT institution_admit('{id}', 2, 'shard-b', '{id}', 'Moved', 'UTC')");
    let control = platform.process("control-postgres")["adminUrl"].as_str().expect("a DSN");
    let (a, b) = (platform.dsn("shard-a", "adminUrl"), platform.dsn("shard-b", "adminUrl"));
    for (dsn, statement) in [(control, directory), (a, away), (b, here)] {
        let mut owner = PgConnection::connect(dsn).await.expect("a connection");
        owner.execute(AssertSqlSafe(statement)).await.expect("moved");
    }
}

async fn course(node: &Client) -> String {
    let body = json!({"code": "C", "title": "t"});
    format!("/v1/courses/{}", node.post("/v1/courses", body).await.expect(201).id())
}

async fn get(node: &Client, path: &str) -> u16 {
    node.try_send(reqwest::Method::GET, path, None, &[]).await.status
}

#[tokio::test]
async fn an_older_copy_of_a_primary_does_not_serve_what_the_directory_gives_to_others() {
    let platform = Own::start(2, 2).await;
    let (stays, goes) =
        (platform.institution(Some("shard-a")).await, platform.institution(Some("shard-a")).await);
    let (staying, going) = (nodes_of(&platform, &stays), nodes_of(&platform, &goes));
    let (kept, gone) = (course(&staying[0]).await, course(&going[0]).await);

    let (data, older) = (data_of(&platform), data_of(&platform).with_extension("older"));
    platform.stop(&[PRIMARY]).await;
    copy(&data, &older);
    platform.begin(&[PRIMARY]).await;
    move_away(&platform, &goes).await;
    for node in &going {
        let begun = Instant::now();
        while get(node, &gone).await != 421 {
            assert!(begun.elapsed() < Duration::from_secs(30), "it is still served");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    // One node lives through it, the other one is started on the older copy.
    platform.stop(&[NODES[1], PRIMARY]).await;
    std::fs::rename(&data, data.with_extension("newer")).expect("put aside");
    std::fs::rename(&older, &data).expect("put in its place");
    platform.begin(&[PRIMARY]).await;
    platform.begin(&[NODES[1]]).await;
    let (begun, mut back) = (Instant::now(), [false; 2]);
    let mut answers = 0;
    // A while beyond the moment from which the others are served again.
    let mut until = Duration::from_secs(40);
    while begun.elapsed() < until {
        for number in 0..2 {
            let status = get(&going[number], &gone).await;
            assert!(status == 421 || status == 503 || status == 0, "{}: {status}", NODES[number]);
            let was_back = back == [true; 2];
            back[number] |= get(&staying[number], &kept).await == 200;
            answers += 1;
            if back == [true; 2] && !was_back {
                until = begun.elapsed() + Duration::from_secs(4);
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    eprintln!("older copy: {answers} answers, none of them served what had moved away");
    assert_eq!(back, [true; 2], "what stayed is not served again");
}
