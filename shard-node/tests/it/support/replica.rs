//! The replica of the Postgres that tests use: it holds every test's database, too.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use sqlx::postgres::PgConnectOptions;

/// How to connect to the replica, given how to connect to its primary.
pub(crate) fn replica_of(primary: &PgConnectOptions) -> PgConnectOptions {
    #[expect(clippy::disallowed_methods, reason = "tests are told here where the platform is")]
    let data = std::env::var("LXP_TEST_DATA_DIR").expect("`make test` sets LXP_TEST_DATA_DIR");
    let status = status(Path::new(&data));
    let processes = status["processes"].as_array().expect("processes");
    let port = |process: &Value| {
        let url = process["url"].as_str().expect("a URL");
        url.rsplit(':').next().and_then(|port| port.parse::<u16>().ok()).expect("a port")
    };
    let shard = |process: &Value| process["shard"].as_str().map(str::to_owned);
    let own = processes
        .iter()
        .find(|process| {
            process["kind"] == "postgres-primary" && port(process) == primary.get_port()
        })
        .and_then(shard)
        .expect("the primary is a shard's");
    let replica = processes.iter().find(|process| {
        process["kind"] == "postgres-replica" && shard(process).as_ref() == Some(&own)
    });
    primary.clone().port(port(replica.expect("the shard has a replica")))
}

fn status(data: &Path) -> Value {
    let test = std::env::current_exe().expect("the test's path");
    let command = test.ancestors().nth(2).expect("target/<profile>/deps/<test>").join("lxp");
    let output = Command::new(&command)
        .args(["local", "status", "-o", "json", "--data-dir"])
        .arg(data)
        .output()
        .unwrap_or_else(|error| panic!("{} does not run: {error}", command.display()));
    serde_json::from_slice(&output.stdout).expect("JSON")
}
