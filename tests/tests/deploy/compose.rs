//! The compose file, read as YAML: there may be no docker where tests run. What the programs can say of it they say
//! themselves: they read the settings, with the environment, that each container would have.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use lxp_tests::program;
use serde_yaml::Value;
use tempfile::TempDir;

use crate::{read, repository};

/// Where the compose file's relative paths begin.
const HERE: &str = "deploy/compose";

struct Compose(Value);

impl Compose {
    fn read() -> Self {
        let mut file: Value =
            serde_yaml::from_str(&read("deploy/compose/compose.yml")).expect("YAML");
        // What is merged merges another in turn: two deep here.
        for _ in 0..2 {
            file.apply_merge().expect("merged");
        }
        Self(file)
    }

    fn services(&self) -> BTreeMap<&str, &Value> {
        let services = self.0["services"].as_mapping().expect("services");
        services.iter().map(|(name, of)| (name.as_str().expect("a name"), of)).collect()
    }

    /// Those that run a program of ours.
    fn ours(&self) -> BTreeMap<&str, &Value> {
        self.services().into_iter().filter(|(_, of)| of["image"] == "lxp").collect()
    }
}

fn words<'a>(of: &'a Value, key: &str) -> Vec<&'a str> {
    let items = of[key].as_sequence().into_iter().flatten();
    items.map(|item| item.as_str().expect("a string")).collect()
}

/// The settings and secrets of a container, as its volumes say, below a directory.
fn mounted(of: &Value, secrets: &Path, root: &Path) {
    for volume in words(of, "volumes") {
        let mut parts = volume.split(':');
        let (from, to) = (parts.next().expect("from"), parts.next().expect("to"));
        let Some(relative) = from.strip_prefix("./").or(from.strip_prefix("../").map(|_| from))
        else {
            continue;
        };
        let from = match relative.strip_prefix("secrets/") {
            Some(secret) => secrets.join(secret),
            None => repository(HERE).join(relative),
        };
        assert!(from.exists(), "{volume}: there is no {}", from.display());
        let to = root.join(to.trim_start_matches('/'));
        std::fs::create_dir_all(to.parent().expect("a directory")).expect("a directory");
        std::os::unix::fs::symlink(&from, &to).expect("a link");
    }
}

fn made_secrets(root: &TempDir) -> std::path::PathBuf {
    let secrets = root.path().join("secrets");
    let made = Command::new(repository("deploy/make-secrets")).arg(&secrets).status();
    assert!(made.expect("deploy/make-secrets runs").success());
    secrets
}

#[test]
fn each_program_takes_its_command_line_and_the_settings_of_its_container() {
    let (compose, root) = (Compose::read(), tempfile::tempdir().expect("a directory"));
    let secrets = made_secrets(&root);
    let mut seen = 0;
    for (name, of) in compose.ours() {
        let root = root.path().join(name);
        mounted(of, &secrets, &root);
        let line = words(of, "command");
        let mut command = program(line[0]);
        command.env_clear();
        for word in &line[1..] {
            command.arg(word.replace("/etc/lxp", &format!("{}/etc/lxp", root.display())));
        }
        for (key, value) in of["environment"].as_mapping().into_iter().flatten() {
            command.env(key.as_str().expect("a name"), value.as_str().expect("a string"));
        }
        // An unknown option is found before the last one is reached.
        command.arg(if line[0] == "lxp" { "--help" } else { "--check" });
        let output = command.output().expect("it runs");
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        seen += 1;
    }
    assert_eq!(
        seen,
        1 + 1 + 2 * (2 + 1),
        "control plane, router; of two shards the nodes and what adds it"
    );
}

#[test]
fn what_files_and_services_are_named_are_there() {
    let (compose, root) = (Compose::read(), tempfile::tempdir().expect("a directory"));
    let secrets = made_secrets(&root);
    let services = compose.services();
    for (name, of) in &services {
        mounted(of, &secrets, &root.path().join(name));
        for needed in words(of, "depends_on") {
            assert!(services.contains_key(needed), "{name} depends on {needed}");
        }
        if let Some(file) = of["env_file"].as_str() {
            let file = file.strip_prefix("secrets/").expect("a secret");
            assert!(secrets.join(file).exists(), "{name}: {file}");
        }
        for volume in words(of, "volumes") {
            let from = volume.split(':').next().expect("from");
            let is_named = !from.starts_with('.');
            assert!(!is_named || compose.0["volumes"].get(from).is_some(), "{name}: {from}");
        }
    }
}

#[test]
fn every_address_that_is_spoken_to_is_a_services_own() {
    let compose = Compose::read();
    let own = |of: &Value| of["networks"]["lxp"]["ipv4_address"].as_str().map(str::to_owned);
    let mut addresses: Vec<_> = compose.services().values().copied().filter_map(own).collect();
    let count = addresses.len();
    addresses.sort();
    addresses.dedup();
    assert_eq!(addresses.len(), count, "an address is given twice");
    let settings = ["control-plane", "node", "router"]
        .map(|name| read(&format!("{HERE}/settings/{name}.toml")));
    let said = settings.concat() + &read(&format!("{HERE}/compose.yml"));
    let mut spoken_to = 0;
    for rest in said.split("172.30.").skip(1) {
        let rest: String = rest.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
        let address = format!("172.30.{rest}");
        spoken_to += 1;
        assert!(address == "172.30.0.0" || addresses.contains(&address), "{address} is nobody's");
    }
    assert!(spoken_to > count, "addresses were looked for and found");
}

#[test]
fn scripts_are_scripts() {
    for script in ["init.sh", "replica.sh"] {
        let status = Command::new("bash").arg("-n").arg(repository(HERE).join(script)).status();
        assert!(status.expect("bash").success(), "{script}");
    }
}
