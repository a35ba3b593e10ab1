//! docs/SETTINGS.md is made from the programs' own settings.

use lxp_tests::program;

use crate::repository;

const HEAD: &str = "# Settings\n\n\
    Each service reads one TOML file (`--config FILE`); a variable of its environment overrides a key of the file. In \
    a variable the members of a list stand between commas. An unknown key is refused by its name. `--check` reads the \
    settings and ends; `--settings` prints the table below. Passwords of Postgres may be left out of URLs: they are \
    then read from the file that `PGPASSFILE` names, whose mode must be 0600 or less.\n\n\
    <!-- Made by the programs; do not edit. After a change:\n     \
    LXP_REGENERATE=1 cargo nextest run --workspace -E 'binary(deploy) and test(reference)' -->\n";

#[test]
fn the_reference_is_that_of_the_programs() {
    let mut page = HEAD.to_owned();
    for name in ["lxp-router", "lxp-shard-node", "lxp-control-plane"] {
        let output = program(name).arg("--settings").output().expect(name);
        let printed = String::from_utf8(output.stdout).expect("UTF-8");
        expect_described(&printed);
        page.push('\n');
        page.push_str(&printed);
    }
    let file = repository("docs/SETTINGS.md");
    #[expect(clippy::disallowed_methods, reason = "a switch of this test alone")]
    let regenerate = std::env::var("LXP_REGENERATE").is_ok();
    if regenerate {
        std::fs::write(&file, &page).expect("written");
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    let differs = committed.lines().zip(page.lines()).find(|(old, new)| old != new);
    assert!(
        committed == page,
        "docs/SETTINGS.md is out of date, first at {differs:?}: see its head"
    );
}

/// Every setting has a text, and every number a unit.
fn expect_described(page: &str) {
    let rows: Vec<_> = page.lines().skip(4).collect();
    assert!(rows.len() > 5, "{page}");
    for row in rows {
        let cells: Vec<_> = row.split(" | ").map(|cell| cell.trim_matches([' ', '|'])).collect();
        let [_, _, kind, _, unit, text] = cells[..] else { panic!("not six cells: {row}") };
        assert!(!kind.is_empty() && !text.is_empty(), "{row}");
        assert_eq!(kind == "integer", !unit.is_empty(), "{row}");
    }
}
