//! The running platform, as `lxp local status -o json` and `lxp local env` describe it.

use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::TimeDelta;
use serde_json::{Value, json};
use service_kit::clock;
use service_kit::token::{Mint, Role, Roles, SigningKey, subject_for};
use shard_map::InstitutionId;
use uuid::Uuid;

use crate::Client;

/// The platform that the tests share.
pub struct Platform {
    data: PathBuf,
    processes: Vec<Value>,
    key: SigningKey,
}

/// An institution of one test.
#[derive(Debug, Clone)]
pub struct Institution {
    /// Its id.
    pub id: InstitutionId,
    /// Where it lives.
    pub shard: String,
}

impl Platform {
    /// The one that `LXP_TEST_DATA_DIR` names; `make test` starts it.
    pub fn shared() -> Self {
        #[expect(clippy::disallowed_methods, reason = "tests are told here where the platform is")]
        let data = std::env::var("LXP_TEST_DATA_DIR")
            .expect("LXP_TEST_DATA_DIR names a running platform; `make test` sets it");
        let data = PathBuf::from(data);
        let status = lxp(&["local", "status", "-o", "json", "--data-dir"], &data);
        let status: Value = serde_json::from_str(&status).expect("JSON");
        let processes = status["processes"].as_array().expect("processes").clone();
        let pem = std::fs::read_to_string(data.join("keys/signing.pem")).expect("the signing key");
        service_kit::tls::install_provider();
        Self { data, processes, key: SigningKey::from_pem(&pem).expect("a key") }
    }

    /// The router's URL.
    pub fn router(&self) -> &str {
        self.process("router")["url"].as_str().expect("a URL")
    }

    /// One process by its name.
    pub fn process(&self, name: &str) -> &Value {
        let found = self.processes.iter().find(|process| process["name"] == name);
        found.unwrap_or_else(|| panic!("no process is called {name}"))
    }

    /// A DSN of a shard's primary: `appUrl` (as `lxp_app`) or `adminUrl` (as its owner).
    pub fn dsn(&self, shard: &str, which: &str) -> &str {
        self.process(&format!("postgres-{shard}-primary"))[which].as_str().expect("a DSN")
    }

    /// Makes an institution through the control plane: on a shard, or where the ring says.
    pub async fn institution(&self, shard: Option<&str>) -> Institution {
        let environment = lxp(&["local", "env", "--data-dir"], &self.data);
        let control = |name: &str| {
            let line =
                environment.lines().find(|line| line.contains(&format!("{name}="))).expect(name);
            line.split_once('=').expect("a value").1.trim_matches(['\'', '"']).to_owned()
        };
        let client = Client::new(&control("LXP_CONTROL_URL"), &control("LXP_CONTROL_TOKEN"));
        let slug = format!("t-{}", Uuid::new_v4().simple());
        let mut body = json!({"slug": slug, "name": "A test's own", "timezone": "Europe/London"});
        if let Some(shard) = shard {
            body["shard"] = json!(shard);
        }
        let made = client.post("/v1/institutions", body).await.expect(201);
        let id = made.body["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
        Institution { id, shard: made.body["shard"].as_str().expect("a shard").to_owned() }
    }

    /// A client of the router with an admin's token.
    pub fn admin(&self, institution: InstitutionId) -> Client {
        Client::new(self.router(), &self.token(institution, Role::Admin))
    }

    /// A token of an institution.
    pub fn token(&self, institution: InstitutionId, role: Role) -> String {
        self.key.mint(&Mint {
            issuer: "lxp-local",
            audience: "lxp",
            subject: subject_for(institution, role),
            institution,
            roles: Roles::from(role),
            issued_at: clock::now(),
            ttl: TimeDelta::hours(1),
            token_id: Uuid::now_v7(),
        })
    }
}

/// Runs the command that was built with the tests, and gives what it prints.
fn lxp(arguments: &[&str], data: &Path) -> String {
    let test = std::env::current_exe().expect("the test's path");
    let command = test.ancestors().nth(2).expect("target/<profile>/deps/<test>").join("lxp");
    let output = Command::new(&command).args(arguments).arg(data).output();
    let output =
        output.unwrap_or_else(|error| panic!("{} does not run: {error}", command.display()));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}
