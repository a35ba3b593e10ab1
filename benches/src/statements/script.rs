//! A logged transaction as a script for pgbench: the same statements, with values of its own where a repeated one
//! would clash.
//!
//! Values that stay the same are variables of the script, which pgbench sends as parameters. Those that must differ are
//! made of the transaction's number `n`; making a uuid of a number costs the server well under a microsecond.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use uuid::Uuid;

use super::stage::Stage;
use crate::postgres::{Logged, Script};

/// The statements of the longest whole transaction: from BEGIN to COMMIT, one each. wrk may send a request twice; what
/// is replayed then is shorter than what it was the first time.
pub(super) fn longest_transaction(all: &[Logged]) -> Option<Vec<Logged>> {
    let single: Vec<Logged> = all.iter().flat_map(split).collect();
    let is = |logged: &Logged, word: &str| logged.text.eq_ignore_ascii_case(word);
    let from = |at: usize| {
        let length = single[at + 1..]
            .iter()
            .position(|one| is(one, "COMMIT") || is(one, "ROLLBACK") || is(one, "BEGIN"))?;
        is(&single[at + 1 + length], "COMMIT").then(|| &single[at..=at + 1 + length])
    };
    let begins = (0..single.len()).filter(|at| is(&single[*at], "BEGIN"));
    begins.filter_map(from).max_by_key(|found| found.len()).map(<[Logged]>::to_vec)
}

/// Several statements in one message have no parameters, and no `;` in their values.
fn split(logged: &Logged) -> Vec<Logged> {
    if !logged.parameters.is_empty() {
        return vec![logged.clone()];
    }
    let parts = logged.text.split(';').map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| Logged { text: part.to_owned(), parameters: Vec::new() }).collect()
}

/// The script of a read of one student.
pub(super) fn read(statements: &[Logged], stage: &Stage) -> Script {
    let varying = BTreeMap::from([(Stage::student(0).to_string(), uuid_of(":student"))]);
    let head = format!("\\set student random(1, {})\n", Stage::students());
    script(&head, statements, stage, varying)
}

/// The script of an enrolment: student and class by the transaction's number, as the requests have them.
pub(super) fn enrol(statements: &[Logged], stage: &Stage) -> anyhow::Result<Script> {
    let varying = BTreeMap::from([
        (Stage::enrolled_once().to_string(), uuid_of(":student")),
        (Stage::class(0).to_string(), uuid_of(":class")),
        (Stage::KEY.to_owned(), "('k' || :n::text)".to_owned()),
    ]);
    anyhow::ensure!(statements.len() > 3, "an enrolment has more statements");
    Ok(script(&Stage::numbering(), statements, stage, varying))
}

fn script(
    head: &str,
    statements: &[Logged],
    stage: &Stage,
    mut varying: BTreeMap<String, String>,
) -> Script {
    let mut script = Script { text: head.to_owned(), variables: BTreeMap::new() };
    // pgbench keeps `at` from one transaction of a client to its next.
    script.variables.extend(["round", "at"].map(|name| (name.to_owned(), "0".to_owned())));
    for logged in statements {
        let mut values = Vec::new();
        for parameter in &logged.parameters {
            values.push(value(parameter.as_deref(), stage, &mut varying, &mut script.variables));
        }
        // Writing to a String cannot fail.
        let _ = writeln!(script.text, "{};", with_values(&logged.text, &values));
    }
    script
}

/// What stands in the script for a parameter.
fn value(
    parameter: Option<&str>,
    stage: &Stage,
    varying: &mut BTreeMap<String, String>,
    variables: &mut BTreeMap<String, String>,
) -> String {
    let Some(parameter) = parameter else { return "NULL".to_owned() };
    let inner = parameter.strip_prefix('{').and_then(|inner| inner.strip_suffix('}'));
    let element = inner.unwrap_or(parameter);
    // A uuid that the node made for this request alone: one of the transaction's own.
    if let Ok(id) = element.parse::<Uuid>()
        && !stage.is_constant(id)
    {
        let mark = varying.len() + 1;
        let made = format!("('{mark:x}' || lpad(:n::text, 31, '0'))::uuid");
        varying.entry(element.to_owned()).or_insert(made);
    }
    match varying.get(element) {
        // As long as Postgres can see, as is the array that the node sends.
        Some(made) if inner.is_some() => format!("ARRAY[{made}]"),
        Some(made) => made.clone(),
        None => {
            let mut known = variables.iter().filter(|(name, _)| name.starts_with('v'));
            let known = known.find(|(_, value)| *value == parameter);
            let name =
                known.map_or_else(|| format!("v{}", variables.len() - 1), |(name, _)| name.clone());
            variables.insert(name.clone(), parameter.to_owned());
            format!(":{name}")
        }
    }
}

/// `$1` and so on replaced; the highest first, so that `$1` is not found in `$12`.
fn with_values(text: &str, values: &[String]) -> String {
    values
        .iter()
        .enumerate()
        .rev()
        .fold(text.to_owned(), |text, (at, value)| text.replace(&format!("${}", at + 1), value))
}

/// A number as a uuid, in SQL.
fn uuid_of(number: &str) -> String {
    format!("lpad({number}::text, 32, '0')::uuid")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logged(text: &str, parameters: &[&str]) -> Logged {
        let parameters = parameters.iter().map(|value| Some((*value).to_owned())).collect();
        Logged { text: text.to_owned(), parameters }
    }

    #[test]
    fn the_longest_whole_transaction_is_taken() {
        let all = [
            logged("BEGIN; ROLLBACK; RESET ALL", &[]),
            logged("BEGIN; SELECT tenant_enter('1')", &[]),
            logged("SELECT $1", &["a; b"]),
            logged("COMMIT; SELECT 1", &[]),
            logged("BEGIN; SELECT tenant_enter('1'); COMMIT", &[]),
            logged("BEGIN; SELECT 1; SELECT 2; SELECT 3; ROLLBACK", &[]),
        ];
        let texts: Vec<String> =
            longest_transaction(&all).expect("one").into_iter().map(|one| one.text).collect();
        assert_eq!(texts, ["BEGIN", "SELECT tenant_enter('1')", "SELECT $1", "COMMIT"]);
        assert_eq!(longest_transaction(&all[..3]), None);
        assert_eq!(longest_transaction(&all[5..]), None);
    }

    #[test]
    fn what_would_clash_is_made_of_the_number() {
        let stage = Stage::test();
        let (fresh, student) = (Uuid::from_u128(99), Stage::enrolled_once());
        let statements = [
            logged("BEGIN", &[]),
            logged("SELECT $1, $2", &[&student.to_string(), "constant"]),
            logged("INSERT $1::uuid[], $2", &[&format!("{{{fresh}}}"), "constant"]),
            logged("SELECT $1", &[&fresh.to_string()]),
        ];
        let script = enrol(&statements, &stage).expect("a script");
        let made = "('4' || lpad(:n::text, 31, '0'))::uuid";
        let expected = format!(
            "BEGIN;\nSELECT lpad(:student::text, 32, '0')::uuid, :v1;\n\
             INSERT ARRAY[{made}]::uuid[], :v1;\nSELECT {made};\n"
        );
        assert!(script.text.ends_with(&expected), "{}", script.text);
        assert_eq!(script.variables["v1"], "constant");
    }

    #[test]
    fn a_parameter_is_not_found_in_a_longer_one() {
        let values: Vec<String> = (1..=10).map(|at| format!("<{at}>")).collect();
        assert_eq!(with_values("$1 $10", &values), "<1> <10>");
    }
}
