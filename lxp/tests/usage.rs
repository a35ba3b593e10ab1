//! Wrong uses: each says what is wrong and what to do, on stderr, with the right exit code.

use std::process::{Command, Output};

struct Ran {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

/// Runs `lxp` in an empty directory, with nothing in the environment that names a platform.
fn lxp(args: &[&str]) -> Ran {
    let directory = tempfile::tempdir().expect("a directory");
    let mut command = Command::new(env!("CARGO_BIN_EXE_lxp"));
    for inherited in
        ["LXP_URL", "LXP_TOKEN", "LXP_CONTROL_URL", "LXP_CONTROL_TOKEN", "LXP_DATA_DIR"]
    {
        command.env_remove(inherited);
    }
    let Output { status, stdout, stderr } =
        command.args(args).current_dir(directory.path()).output().expect("lxp");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Ran { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
}

fn refused(args: &[&str], code: i32, says: &[&str]) {
    let Ran { code: found, stdout, stderr } = lxp(args);
    assert_eq!(found, Some(code), "{args:?}: {stderr}");
    assert_eq!(stdout, "", "{args:?}");
    for part in says {
        assert!(stderr.contains(part), "{args:?} does not say {part:?}: {stderr}");
    }
}

#[test]
fn an_unknown_command_is_a_usage_error() {
    refused(&["locla"], 2, &["unrecognized subcommand 'locla'", "local"]);
}

#[test]
fn too_many_shards_are_refused_with_what_is_allowed() {
    refused(&["local", "up", "--shards", "27"], 2, &["27 is not in 1..=26"]);
}

#[test]
fn status_without_a_platform_says_how_to_start_one() {
    let ran = lxp(&["local", "status"]);
    assert_eq!(ran.code, Some(5));
    assert!(ran.stderr.contains("next  lxp local up"), "{}", ran.stderr);
}

#[test]
fn status_as_json_is_json_without_a_platform_too() {
    assert_eq!(lxp(&["local", "status", "-o", "json"]).stdout, "{\"processes\":[]}\n");
}

#[test]
fn env_without_a_platform_prints_nothing_to_evaluate() {
    refused(&["local", "env"], 5, &["lxp local up"]);
}

#[test]
fn logs_without_a_platform_say_where_they_were_looked_for() {
    refused(&["local", "logs"], 2, &["no logs in ", "--data-dir"]);
}

#[test]
fn a_data_directory_that_is_somebody_elses_is_refused() {
    refused(
        &["local", "up", "--data-dir", "/etc"],
        3,
        &["/etc is not empty and is no data directory"],
    );
}

#[test]
fn a_list_without_a_control_plane_says_how_to_name_one() {
    refused(&["shard", "list"], 2, &["no control plane is named", "--control-url", "lxp local up"]);
}

#[test]
fn a_control_url_without_a_token_does_not_get_the_local_one() {
    let url = ["institution", "list", "--control-url", "http://127.0.0.1:9"];
    refused(&url, 2, &["no token", "LXP_CONTROL_TOKEN"]);
}

#[test]
fn an_unreachable_control_plane_is_named() {
    let at = ["node", "list", "--control-url", "http://127.0.0.1:9", "--control-token", "x"];
    refused(&at, 5, &["control plane, GET http://127.0.0.1:9/v1/nodes", "next  "]);
}

#[test]
fn a_control_url_that_is_none_is_a_usage_error() {
    let at = ["map", "show", "--control-url", "localhost", "--control-token", "x"];
    refused(&at, 2, &["control plane localhost", "client cannot be made"]);
}

#[test]
fn a_token_for_no_institution_is_refused_with_what_is_expected() {
    let mint = ["token", "mint", "--institution", "demo", "--role", "admin"];
    refused(&mint, 2, &["`demo` is not an institution id", "UUID"]);
}

#[test]
fn a_token_for_an_unknown_role_names_the_roles() {
    let id = "0190a1b2-0000-7000-8000-000000000000";
    let mint = ["token", "mint", "--institution", id, "--role", "root"];
    refused(&mint, 2, &["`root` is no role", "admin staff instructor student guardian"]);
}

#[test]
fn a_token_without_a_key_says_where_keys_come_from() {
    let id = "0190a1b2-0000-7000-8000-000000000000";
    let mint = ["token", "mint", "--institution", id, "--role", "admin"];
    refused(&mint, 2, &["no signing key", "--key"]);
}

#[test]
fn what_is_no_token_is_not_inspected() {
    refused(&["token", "inspect", "abc"], 2, &["three parts"]);
}

#[test]
fn completion_is_a_script_on_stdout() {
    for (shell, defines) in
        [("bash", "_lxp()"), ("zsh", "#compdef lxp"), ("fish", "complete -c lxp")]
    {
        let ran = lxp(&["completion", shell]);
        assert_eq!(ran.code, Some(0));
        assert!(ran.stdout.contains(defines) && ran.stdout.contains("doctor"), "{}", ran.stdout);
    }
}

#[test]
fn wrong_files_and_addresses_are_usage_errors_with_a_way_out() {
    let id = "0190a1b2-0000-7000-8000-000000000001";
    let mint = ["token", "mint", "--institution", id, "--role", "admin", "--key"];
    let with = |file: &'static str| [&mint[..], &[file]].concat();
    refused(&with("/nope"), 2, &["signing key /nope", "next  "]);
    refused(&with("/etc/passwd"), 2, &["signing key /etc/passwd", "next  "]);
    refused(&["local", "status", "--data-dir", "/etc/passwd"], 2, &["is no directory", "next  "]);
    refused(
        &["node", "list", "--control-url", "junk", "--control-token", "x"],
        2,
        &["junk", "next  "],
    );
    refused(
        &[
            "migrate",
            "status",
            "--database-url",
            "junk",
            "--control-url",
            "http://127.0.0.1:9",
            "--control-token",
            "x",
        ],
        2,
        &["--database-url", "next  "],
    );
}

#[test]
fn a_move_needs_its_target_and_a_timeout_something_to_wait_for() {
    refused(&["move", "start", "demo"], 2, &["--to <SHARD>"]);
    refused(&["move", "status", "demo", "--timeout", "10m"], 2, &["--watch"]);
    refused(&["move", "status", "-w", "--timeout", "soon"], 2, &["such as 90m"]);
}

#[test]
fn inspect_takes_the_option_of_every_read() {
    refused(&["token", "inspect", "-o", "json", "no-token"], 2, &["token"]);
}

#[test]
fn jobs_without_a_platform_say_how_to_name_a_router_and_an_institution() {
    refused(&["jobs", "list"], 2, &["no router is named", "--url or LXP_URL", "lxp local up"]);
    let url = ["--url", "http://127.0.0.1:1"];
    let says = ["neither an institution nor a token", "--institution ID", "LXP_TOKEN"];
    refused(&[&["schedule", "list"], &url[..]].concat(), 2, &says);
    refused(&["jobs", "retry"], 2, &["<ID>"]);
    refused(&["jobs", "retry", "--type", "X"], 2, &["--failed"]);
}
