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

/// A running platform.
pub struct Platform {
    data: PathBuf,
    processes: Vec<Value>,
    key: SigningKey,
    control: (String, String),
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
    /// The one that the tests share: `LXP_TEST_DATA_DIR` names it; `make test` starts it.
    pub fn shared() -> Self {
        #[expect(clippy::disallowed_methods, reason = "tests are told here where the platform is")]
        let data = std::env::var("LXP_TEST_DATA_DIR")
            .expect("LXP_TEST_DATA_DIR names a running platform; `make test` sets it");
        Self::at(PathBuf::from(data))
    }

    /// The one that keeps its data there.
    pub(crate) fn at(data: PathBuf) -> Self {
        let pem = std::fs::read_to_string(data.join("keys/signing.pem")).expect("the signing key");
        service_kit::tls::install_provider();
        let environment = said(&["local", "env", "--data-dir"], &data);
        let control = |name: &str| {
            let line =
                environment.lines().find(|line| line.contains(&format!("{name}="))).expect(name);
            line.split_once('=').expect("a value").1.trim_matches(['\'', '"']).to_owned()
        };
        let control = (control("LXP_CONTROL_URL"), control("LXP_CONTROL_TOKEN"));
        let key = SigningKey::from_pem(&pem).expect("a key");
        Self { processes: processes(&data), data, key, control }
    }

    /// Where it keeps its data.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The router's URL.
    pub fn router(&self) -> &str {
        self.process("router")["url"].as_str().expect("a URL")
    }

    /// One process by its name, as it was when this platform was first looked at.
    pub fn process(&self, name: &str) -> &Value {
        let found = self.processes.iter().find(|process| process["name"] == name);
        found.unwrap_or_else(|| panic!("no process is called {name}"))
    }

    /// All processes as they are now.
    pub fn processes_now(&self) -> Vec<Value> {
        processes(&self.data)
    }

    /// A DSN of a shard's primary: `appUrl` (as `lxp_app`) or `adminUrl` (as its owner).
    pub fn dsn(&self, shard: &str, which: &str) -> &str {
        self.process(&format!("postgres-{shard}-primary"))[which].as_str().expect("a DSN")
    }

    /// The control plane's URL, and the token of the people who run it.
    pub fn operator(&self) -> (&str, &str) {
        (&self.control.0, &self.control.1)
    }

    /// A client of the control plane, as the people who run it.
    pub fn control(&self) -> Client {
        Client::new(&self.control.0, &self.control.1)
    }

    /// A client of the control plane in a role of its, such as `health_checker`.
    pub fn control_as(&self, role: &str) -> Client {
        Client::new(&self.control.0, &self.secret(role))
    }

    fn secret(&self, name: &str) -> String {
        let secrets = std::fs::read_to_string(self.data.join("secrets/secrets.json"));
        let secrets: Value = serde_json::from_str(&secrets.expect("secrets")).expect("JSON");
        secrets[name].as_str().unwrap_or_else(|| panic!("no secret {name}")).to_owned()
    }

    /// What `lxp ...` prints for this platform.
    pub async fn lxp(&self, arguments: &[&str]) -> String {
        let command = lxp(arguments, &self.data);
        let output = tokio::process::Command::from(command).output().await.expect("lxp runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// A DSN of any Postgres of it as its superuser.
    pub fn superuser(&self, name: &str) -> String {
        let password = self.secret("postgres");
        let url = self.process(name)["url"].as_str().expect("a URL");
        let address = url.trim_start_matches("postgres://");
        format!("postgres://postgres:{password}@{address}/postgres")
    }

    /// The sum of a metric of a part over all samples whose labels `counts` takes.
    pub async fn metric(&self, part: &str, name: &str, counts: impl Fn(&str) -> bool) -> f64 {
        let admin = self.process(part)["adminUrl"].as_str().expect("a URL");
        Client::new(admin, "").metric(name, counts).await
    }

    /// Makes an institution through the control plane: on a shard, or where the ring says.
    pub async fn institution(&self, shard: Option<&str>) -> Institution {
        let slug = format!("t-{}", Uuid::new_v4().simple());
        let mut body = json!({"slug": slug, "name": "A test's own", "timezone": "Europe/London"});
        if let Some(shard) = shard {
            body["shard"] = json!(shard);
        }
        let made = self.control().post("/v1/institutions", body).await.expect(201);
        let id = made.body["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
        Institution { id, shard: made.body["shard"].as_str().expect("a shard").to_owned() }
    }

    /// A client of the router with an admin's token.
    pub fn admin(&self, institution: InstitutionId) -> Client {
        Client::new(self.router(), &self.token(institution, Role::Admin))
    }

    /// The key that the platform's tokens are signed with.
    pub fn signing_key(&self) -> &SigningKey {
        &self.key
    }

    /// A token of an institution.
    pub fn token(&self, institution: InstitutionId, role: Role) -> String {
        self.token_of(institution, role, subject_for(institution, role))
    }

    /// A token of one user.
    pub fn token_of(&self, institution: InstitutionId, role: Role, subject: Uuid) -> String {
        self.key.mint(&Mint {
            issuer: "lxp-local",
            audience: "lxp",
            subject,
            institution,
            roles: Roles::from(role),
            issued_at: clock::now(),
            ttl: TimeDelta::hours(1),
            token_id: Uuid::now_v7(),
        })
    }
}

fn processes(data: &Path) -> Vec<Value> {
    // It ends with 5 where a part is down, and says so all the same.
    let output = lxp(&["local", "status", "-o", "json"], data).output().expect("lxp runs");
    let status: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    status["processes"].as_array().expect("processes").clone()
}

/// The command that was built with the tests, on a platform.
pub(crate) fn lxp(arguments: &[&str], data: &Path) -> Command {
    let mut command = program("lxp");
    command.args(arguments);
    if !arguments.contains(&"--data-dir") {
        command.arg("--data-dir");
    }
    command.arg(data);
    command
}

/// A program that was built with the tests.
pub fn program(name: &str) -> Command {
    let test = std::env::current_exe().expect("the test's path");
    Command::new(test.ancestors().nth(2).expect("target/<profile>/deps/<test>").join(name))
}

/// Runs the command and gives what it prints.
pub(crate) fn said(arguments: &[&str], data: &Path) -> String {
    let output = lxp(arguments, data).output().expect("lxp runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}
