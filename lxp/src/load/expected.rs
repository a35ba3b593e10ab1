//! What scores come to, by the files alone. Pure, in whole numbers.
//!
//! What must stay true: this is not how the platform computes it. A total is the mean of scores by their weights; `now`
//! is over those that there are, `end` over all, with 0 for the others.

use super::marks::{Assessment, Marked};

/// Ten-thousandths of one.
pub(super) const ONE: u64 = 10_000;

/// What a student's scores come to, in ten-thousandths of a percent; none where no weight counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Total {
    pub(super) now: Option<u64>,
    pub(super) end: Option<u64>,
}

/// The total of a student's scores in a class.
pub(super) fn total<'s>(
    assessments: &[Assessment],
    scores: impl Iterator<Item = &'s Marked>,
) -> Total {
    let weight_of = |score: &Marked| {
        let found = assessments.iter().find(|one| one.no == score.assessment);
        found.map_or(0, |assessment| assessment.weight.0)
    };
    let (mut points, mut weights) = (0, 0);
    for row in scores {
        let Some(score) = row.score else { continue };
        points += weight_of(row) * u64::from(score);
        weights += weight_of(row);
    }
    let all = assessments.iter().map(|assessment| assessment.weight.0).sum();
    Total { now: quotient(points, weights), end: quotient(points, all) }
}

/// The mean of a class's scores, in ten-thousandths; none of none.
pub(super) fn mean(scores: &[Marked]) -> Option<u64> {
    let known = || scores.iter().filter_map(|row| row.score).map(u64::from);
    quotient(known().sum(), known().map(|_| 1).sum())
}

/// In ten-thousandths, half up.
fn quotient(above: u64, below: u64) -> Option<u64> {
    (2 * above * ONE + below).checked_div(2 * below)
}

/// A decimal number with at most 4 decimals, in ten-thousandths.
pub(super) fn units(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() > 4 || !digits(whole) || !digits(part) {
        return None;
    }
    let part: u64 = format!("{part:0<4}").parse().ok()?;
    whole.parse::<u64>().ok()?.checked_mul(ONE)?.checked_add(part)
}

/// Ten-thousandths, as text.
pub(super) fn text(units: Option<u64>) -> String {
    units.map_or_else(|| "none".to_owned(), |units| format!("{}.{:04}", units / ONE, units % ONE))
}

#[cfg(test)]
mod tests {
    use super::super::dataset::{ClassCode, Half, Presentation, StudentNo};
    use super::super::files::Place;
    use super::super::marks::{AssessmentNo, Kind, Weight};
    use super::*;

    fn assessment(no: u64, weight: u64) -> Assessment {
        let presentation = Presentation { year: 2013, half: Half::October };
        let class = ClassCode { module: "AAA".to_owned(), presentation };
        let (no, weight) = (AssessmentNo(no), Weight(weight * ONE));
        Assessment { no, class, kind: Kind::Tma, day: None, weight }
    }

    fn score(no: u64, score: Option<u32>) -> Marked {
        let (assessment, place) = (AssessmentNo(no), Place { file: "x.csv", line: 2 });
        let student = StudentNo(7);
        Marked { assessment, student, submitted: 0, is_banked: false, score, place }
    }

    #[test]
    fn a_total_is_the_mean_by_weights_now_and_in_the_end() {
        let assessments = [assessment(1, 10), assessment(2, 20), assessment(3, 100)];
        let scores = [score(1, Some(70)), score(2, Some(85)), score(3, None)];
        let total = total(&assessments, scores.iter());
        // 2400 of 30, and of 130.
        assert_eq!(
            (text(total.now), text(total.end)),
            ("80.0000".to_owned(), "18.4615".to_owned())
        );
    }

    #[test]
    fn what_weighs_nothing_comes_to_nothing() {
        let assessments = [assessment(1, 0), assessment(2, 100)];
        let total = total(&assessments, [score(1, Some(70))].iter());
        assert_eq!(total, Total { now: None, end: Some(0) });
    }

    #[test]
    fn a_mean_is_rounded_half_up_and_text_reads_back() {
        assert_eq!(mean(&[score(1, Some(1)), score(2, Some(0)), score(3, Some(0))]), Some(3_333));
        assert_eq!(mean(&[score(1, Some(2)), score(2, Some(0)), score(3, Some(0))]), Some(6_667));
        assert_eq!(mean(&[score(1, None)]), None);
        for (text, wanted) in [("67.5", Some(675_000)), ("0", Some(0)), ("-1", None), ("x", None)] {
            assert_eq!(units(text), wanted, "{text}");
        }
    }
}
