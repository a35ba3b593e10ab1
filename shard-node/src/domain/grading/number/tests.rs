//! What numbers are.

use proptest::prelude::*;

use super::*;

fn of(text: &str) -> Number {
    Number::parse(text).unwrap_or_else(|| panic!("{text} is no number"))
}

#[test]
fn numbers_are_read_and_written() {
    for (text, written) in [
        ("0", "0"),
        ("-0.00", "0"),
        ("007", "7"),
        ("+1.50", "1.5"),
        (".5", "0.5"),
        ("5.", "5"),
        ("-11.72", "-11.72"),
        ("6.02e3", "6020"),
        ("1E-3", "0.001"),
        ("-1.25e+0002", "-125"),
        ("12300", "12300"),
    ] {
        assert_eq!(of(text).to_string(), written, "{text}");
    }
    let planck = format!("0.{}662607015", "0".repeat(33));
    assert_eq!(of("6.62607015e-34").to_string(), planck);
}

#[test]
fn what_is_no_number_or_past_the_bounds_is_refused() {
    let long = "1".repeat(61);
    for text in [
        "",
        "-",
        ".",
        "e5",
        "1e",
        "1e+",
        "1.2.3",
        "1,5",
        " 1",
        "1 ",
        "0x10",
        "1_000",
        "inf",
        "NaN",
        "--1",
        "+-1",
        "1e400",
        "1e-400",
        "1e99999999999999999999",
        "1e101",
        "1e-101",
        "１",
        "½",
        &long,
    ] {
        assert_eq!(Number::parse(text), None, "{text}");
    }
    assert!(Number::parse(&"0".repeat(1_000_000)).is_none());
    assert!(Number::parse(&format!("1{}", "0".repeat(99))).is_some());
}

#[test]
fn quotients_and_roots_keep_thirty_digits_or_all() {
    let over = |a: &str, b: &str| of(a).over(&of(b)).expect("a quotient").to_string();
    assert_eq!(over("1", "8"), "0.125");
    assert_eq!(over("-1", "3"), format!("-0.{}", "3".repeat(30)));
    assert_eq!(over("2", "3"), format!("0.{}7", "6".repeat(29)));
    assert_eq!(over("0", "3"), "0");
    assert_eq!(over("1e49", "1e-50"), of("1e99").to_string());
    assert_eq!(of("1").over(&Number::zero()), None);
    let root = |text: &str| of(text).root().expect("a root").to_string();
    assert_eq!(root("0.25"), "0.5");
    assert_eq!(root("1e50"), of("1e25").to_string());
    assert_eq!(root("2"), "1.41421356237309504880168872421");
    assert_eq!(root("0"), "0");
    assert_eq!(of("-1").root(), None);
}

#[test]
fn rounding_is_half_away_from_zero() {
    for (text, decimals, rounded) in [
        ("2.5", 0, "3"),
        ("-2.5", 0, "-3"),
        ("2.45", 1, "2.5"),
        ("1249", -2, "1200"),
        ("1250", -2, "1300"),
        ("0.04", 1, "0"),
    ] {
        assert_eq!(of(text).rounded(decimals), of(rounded), "{text}");
    }
    for (text, floor) in [("2.9", "2"), ("-2.1", "-3"), ("-2", "-2"), ("0.5", "0"), ("-0.5", "-1")]
    {
        assert_eq!(of(text).floor(), of(floor), "{text}");
    }
}

prop_compose! {
    fn number()(digits in -1_000_000_000_i64..1_000_000_000, scale in -20_i32..20) -> Number {
        Number { digits: digits.into(), scale }.normal()
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,80}") {
        let _ = Number::parse(&text);
    }

    #[test]
    fn a_text_that_looks_like_a_number_reads_back(text in "[-+]?[0-9]{0,70}(\\.[0-9]{0,70})?([eE][-+]?[0-9]{1,5})?") {
        if let Some(number) = Number::parse(&text) {
            prop_assert_eq!(Number::parse(&number.to_string()), Some(number.clone()));
            let json = serde_json::to_string(&number).expect("it encodes");
            prop_assert_eq!(serde_json::from_str::<Number>(&json).expect("it decodes"), number);
        }
    }

    #[test]
    fn arithmetic_is_exact(a in number(), b in number(), c in number()) {
        prop_assert_eq!(a.plus(&b).minus(&b), a.clone());
        prop_assert_eq!(a.plus(&b).times(&c), a.times(&c).plus(&b.times(&c)));
        prop_assert_eq!(a < b, b.minus(&a) > Number::zero());
        if let Some(quotient) = a.over(&b) {
            // Off by half of the last of 30 digits at most.
            let off = quotient.times(&b).minus(&a).size();
            prop_assert!(off <= a.size().times(&of("1e-29")));
        }
    }

    #[test]
    fn a_root_is_the_root_of_its_square(a in number()) {
        prop_assert_eq!(a.times(&a).root(), Some(a.size()));
    }
}
