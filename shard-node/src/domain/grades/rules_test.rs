//! What may become of a grade.

use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;
use crate::domain::grading::late::Interval;

fn of(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

fn at(hours: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::hours(hours)
}

fn sheet() -> Sheet {
    Sheet {
        id: Uuid::from_u128(1),
        title: "Essay".to_owned(),
        is_draft: false,
        is_automated: false,
        possible: of("100"),
        due_at: Some(at(0)),
        late: Some(LatePolicy {
            rate_percent: of("10"),
            interval: Interval::Day,
            floor_percent: of("40"),
        }),
        shows: false,
    }
}

fn said(score: &str) -> Said {
    Said { score: Some(of(score)), ..Said::default() }
}

fn marked(said: &Said) -> Result<Mark, Problem> {
    mark(said, &sheet(), sheet().due_at, Tz::UTC)
}

fn given(score: &str, origin: Origin) -> Mark {
    Mark { origin, ..marked(&said(score)).expect("a mark") }
}

fn standing(mark: Mark) -> Standing {
    Standing { id: Uuid::from_u128(9), row_version: 3, released_at: None, mark }
}

fn code(refused: Result<Verdict, Problem>) -> String {
    refused.expect_err("refused").code.into_owned()
}

#[test]
fn what_is_late_costs_by_the_policy_unless_somebody_says_what_it_costs() {
    let late = Said { submitted_at: Some(at(25)), ..said("85") };
    let mark = marked(&late).expect("a mark");
    assert_eq!((mark.score, mark.late_deduction), (Some(of("65")), of("20")));
    let by_hand = Said { late_deduction: Some(of("5")), ..late.clone() };
    assert_eq!(marked(&by_hand).expect("a mark").score, Some(of("80")));
    let in_time = Said { submitted_at: Some(at(0)), ..said("85") };
    assert_eq!(marked(&in_time).expect("a mark").late_deduction, Decimal::ZERO);
    let unknown = marked(&said("85")).expect("a mark");
    assert_eq!(unknown.score, Some(of("85")));
}

#[test]
fn a_score_is_within_what_is_possible_and_goes_with_its_state() {
    for (wrong, pointer) in [
        (said("100.0001"), "/score"),
        (said("-1"), "/score"),
        (said("1.00001"), "/score"),
        (Said { state: Some(State::Exempt), ..said("1") }, "/score"),
        (Said { state: Some(State::Graded), ..Said::default() }, "/score"),
        (Said { late_deduction: Some(of("86")), ..said("85") }, "/lateDeduction"),
        (Said { late_deduction: Some(of("1")), ..Said::default() }, "/lateDeduction"),
    ] {
        let refused = marked(&wrong).expect_err("refused");
        assert_eq!((refused.status, &*refused.errors[0].pointer), (400, pointer), "{wrong:?}");
    }
    assert_eq!(marked(&Said::default()).expect("cleared").state, State::Ungraded);
    let extra = Sheet { possible: Decimal::ZERO, late: None, ..sheet() };
    assert!(mark(&said("5"), &extra, None, Tz::UTC).is_ok());
}

#[test]
fn what_another_system_sends_is_given_by_whoever_grades_the_assessment() {
    let sent = Said { external: Some(("sis".to_owned(), "1".to_owned())), ..said("5") };
    let automated = Sheet { is_automated: true, ..sheet() };
    let origin =
        |said: &Said, sheet: &Sheet| mark(said, sheet, None, Tz::UTC).expect("a mark").origin;
    assert_eq!(origin(&sent, &automated), Origin::Automated);
    assert_eq!(origin(&sent, &sheet()), Origin::Manual);
    assert_eq!(origin(&said("5"), &automated), Origin::Manual);
}

#[test]
fn a_stale_version_is_refused_and_a_missing_one_too() {
    let stands = standing(given("50", Origin::Manual));
    let wanted = given("60", Origin::Manual);
    assert_eq!(judge(&wanted, Some(3), Some(&stands), false), Ok(Verdict::Write));
    assert_eq!(code(judge(&wanted, Some(2), Some(&stands), false)), "version-mismatch");
    assert_eq!(code(judge(&wanted, Some(1), None, false)), "version-mismatch");
    assert_eq!(code(judge(&wanted, None, Some(&stands), false)), "if-match-required");
    assert_eq!(judge(&stands.mark, None, Some(&stands), false), Ok(Verdict::Same));
    assert_eq!(judge(&wanted, None, None, false), Ok(Verdict::Write));
    assert_eq!(code(judge(&wanted, Some(3), Some(&stands), true)), "result-final");
    assert_eq!(judge(&stands.mark, Some(3), Some(&stands), true), Ok(Verdict::Same));
}

#[test]
fn a_system_overwrites_its_own_grade_until_somebody_has_changed_it_here() {
    let external = Some(("sis".to_owned(), "1".to_owned()));
    let sent = |score: &str| Mark { external: external.clone(), ..given(score, Origin::Automated) };
    let theirs = standing(sent("50"));
    assert_eq!(judge(&sent("60"), None, Some(&theirs), false), Ok(Verdict::Write));
    let changed = standing(given("55", Origin::Manual));
    assert_eq!(code(judge(&sent("60"), None, Some(&changed), false)), "grade-manual");
    let other = Mark { external: Some(("sis".to_owned(), "2".to_owned())), ..sent("60") };
    assert_eq!(code(judge(&other, None, Some(&theirs), false)), "if-match-required");
}

#[test]
fn an_automatic_grade_never_takes_the_place_of_one_given_by_hand() {
    let automatic = given("60", Origin::Automated);
    let manual = standing(given("50", Origin::Manual));
    let judged = |standing: Option<&Standing>, shows, is_final| {
        judge_automatic(&automatic, standing, shows, is_final)
    };
    assert_eq!(judged(None, false, false), Automatic::Write);
    assert_eq!(judged(Some(&manual), true, false), Automatic::KeptManual);
    let exempt = marked(&Said { state: Some(State::Exempt), ..Said::default() }).expect("a mark");
    let exempt = standing(exempt);
    assert_eq!(judged(Some(&exempt), false, false), Automatic::KeptManual);
    let cleared = standing(marked(&Said::default()).expect("a mark"));
    assert_eq!(judged(Some(&cleared), false, false), Automatic::Write);
    let before = standing(given("40", Origin::Automated));
    assert_eq!(judged(Some(&before), false, false), Automatic::Write);
    assert_eq!(judged(Some(&before), false, true), Automatic::KeptFinal);
    let same = standing(automatic.clone());
    assert_eq!(judged(Some(&same), false, false), Automatic::Unchanged);
    assert_eq!(judged(Some(&same), true, false), Automatic::Write);
    let shown = Standing { released_at: Some(at(1)), ..same };
    assert_eq!(judged(Some(&shown), true, false), Automatic::Unchanged);
    assert_eq!(judged(Some(&shown), false, false), Automatic::Write, "it is not shown any more");
}

#[test]
fn what_was_shown_stays_shown_and_a_cleared_grade_is_not() {
    let mark = given("50", Origin::Manual);
    let now = at(9);
    assert_eq!(released_at(&mark, None, None, true, now), Some(now));
    assert_eq!(released_at(&mark, None, None, false, now), None);
    let shown = Standing { released_at: Some(at(1)), ..standing(mark.clone()) };
    assert_eq!(released_at(&mark, Some(&shown), None, false, now), Some(at(1)));
    let cleared = marked(&Said::default()).expect("a mark");
    assert_eq!(released_at(&cleared, Some(&shown), None, true, now), None);
}

#[test]
fn an_automatic_grade_is_shown_by_what_it_was_made_of_alone() {
    let mark = given("50", Origin::Automated);
    let now = at(9);
    let shown = Standing { released_at: Some(at(1)), ..standing(mark.clone()) };
    for (standing, may, since) in [
        (None, true, Some(now)),
        (None, false, None),
        (Some(&shown), true, Some(at(1))),
        (Some(&shown), false, None),
    ] {
        assert_eq!(released_at(&mark, standing, Some(may), true, now), since, "{may}");
    }
}

proptest! {
    #[test]
    fn a_mark_is_never_above_what_was_said_nor_below_nothing(
        units in 0_i64..=1_000_000, hours in -100_i64..1_000) {
        let raw = Decimal::new(units, 4);
        let late = Said { score: Some(raw), submitted_at: Some(at(hours)), ..Said::default() };
        let mark = marked(&late).expect("a mark");
        let score = mark.score.expect("a score");
        prop_assert!((Decimal::ZERO..=raw).contains(&score));
        prop_assert_eq!(score + mark.late_deduction, raw);
        prop_assert!(hours > 0 || mark.late_deduction.is_zero());
    }
}
