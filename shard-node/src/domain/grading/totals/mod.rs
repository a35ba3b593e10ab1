//! Totals: what a student's grades come to in a class, now and in the end.
//!
//! What must stay true:
//! - `current` leaves out what is not graded yet, `end` counts it as 0; what is exempt is in neither.
//! - What is dropped is what leaves the best percentage (`drop`), chosen for `current` and `end` each by itself.
//! - Weights are those of the categories in which something can be reached, rescaled to 100.
//! - A percentage is rounded once, from the exact quotient: half up, to 4 decimals.
//!
//! Left to others: which assessments count, and what a percentage is called (`scale`).

mod drop;
mod quotient;
mod scale;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use scale::{Band, check_bands, label};

use self::drop::{Mark, kept};
use self::quotient::Quotient;
use super::units::{decimal, units};

/// One grade of a student.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The score; none where it is not graded.
    pub score: Option<Decimal>,
    /// What could be reached. What is worth 0 points is extra: its score counts, and it is never dropped.
    pub possible: Decimal,
    /// Whether it does not count for this student.
    pub is_exempt: bool,
}

/// A category of a class with a student's grades in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Category {
    /// Its weight, where categories are weighted; whatever they add up to.
    pub weight: Decimal,
    /// How many of the lowest are dropped; at least one grade always stays.
    pub drop_lowest: usize,
    /// How many of the highest are dropped, of those that stay then.
    pub drop_highest: usize,
    /// The grades.
    pub entries: Vec<Entry>,
}

/// What a total is made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Weighting {
    /// All points of all categories.
    #[default]
    Points,
    /// The percentages of the categories, by their weights.
    Weights,
}

/// What grades come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totals {
    /// In percent, of what is graded; none of nothing.
    pub current: Option<Decimal>,
    /// In percent, of everything; none of nothing.
    pub end: Option<Decimal>,
    /// The categories, in their order.
    pub categories: Vec<CategoryTotals>,
}

/// What the grades of a category come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CategoryTotals {
    /// Of what is graded.
    pub current: Share,
    /// Of everything.
    pub end: Share,
}

/// What some grades come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// What was reached.
    pub score: Decimal,
    /// What could be reached.
    pub possible: Decimal,
    /// In percent; none where nothing could be reached.
    pub percent: Option<Decimal>,
    /// The places of the grades that were dropped.
    pub dropped: Vec<usize>,
}

/// What the grades of all categories come to.
pub fn total(categories: &[Category], weighting: Weighting) -> Totals {
    let current: Vec<Sum> = categories.iter().map(|category| sum(category, false)).collect();
    let end: Vec<Sum> = categories.iter().map(|category| sum(category, true)).collect();
    Totals {
        current: percent(categories, &current, weighting),
        end: percent(categories, &end, weighting),
        categories: current
            .into_iter()
            .zip(end)
            .map(|(current, end)| CategoryTotals { current: current.share(), end: end.share() })
            .collect(),
    }
}

/// Units of what was and could be reached in a category.
struct Sum {
    score: i128,
    possible: i128,
    dropped: Vec<usize>,
}

impl Sum {
    fn share(self) -> Share {
        Share {
            score: decimal(self.score),
            possible: decimal(self.possible),
            percent: Quotient::of(self.score, self.possible).map(Quotient::percent),
            dropped: self.dropped,
        }
    }
}

fn sum(category: &Category, with_ungraded: bool) -> Sum {
    let counted = category
        .entries
        .iter()
        .enumerate()
        .filter(|(_, entry)| !entry.is_exempt && (with_ungraded || entry.score.is_some()));
    let scores: Vec<Mark> = counted
        .map(|(place, entry)| Mark {
            place,
            score: units(entry.score.unwrap_or_default()).max(0),
            possible: units(entry.possible).max(0),
        })
        .collect();
    let kept = kept(&scores, category.drop_lowest, category.drop_highest);
    let is_kept = |score: &&Mark| kept.binary_search(&score.place).is_ok();
    Sum {
        score: scores.iter().filter(is_kept).map(|score| score.score).sum(),
        possible: scores.iter().filter(is_kept).map(|score| score.possible).sum(),
        dropped: scores.iter().filter(|score| !is_kept(score)).map(|score| score.place).collect(),
    }
}

fn percent(categories: &[Category], sums: &[Sum], weighting: Weighting) -> Option<Decimal> {
    match weighting {
        Weighting::Points => {
            let score = sums.iter().map(|sum| sum.score).sum();
            Quotient::of(score, sums.iter().map(|sum| sum.possible).sum()).map(Quotient::percent)
        }
        Weighting::Weights => {
            let weighted = categories.iter().zip(sums).filter(|(_, sum)| sum.possible > 0);
            let (mut whole, mut total) = (0, Quotient::zero());
            for (category, sum) in weighted {
                let weight = units(category.weight).max(0);
                whole += weight;
                total = total.plus(&Quotient::of(sum.score, sum.possible)?.times(weight));
            }
            total.over(whole).map(Quotient::percent)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Decimal {
        text.parse().expect("a decimal")
    }

    /// Grades such as `80/100`, `-/20` (not graded), `x/20` (exempt).
    fn category(weight: &str, drop_lowest: usize, grades: &[&str]) -> Category {
        let entry = |grade: &&str| {
            let (score, possible) = grade.split_once('/').expect("score/possible");
            let is_exempt = score == "x";
            Entry { score: score.parse().ok(), possible: of(possible), is_exempt }
        };
        Category {
            weight: of(weight),
            drop_lowest,
            drop_highest: 0,
            entries: grades.iter().map(entry).collect(),
        }
    }

    fn percents(categories: &[Category], weighting: Weighting) -> (Option<String>, Option<String>) {
        let totals = total(categories, weighting);
        let text =
            |percent: Option<Decimal>| percent.map(|percent| percent.normalize().to_string());
        (text(totals.current), text(totals.end))
    }

    fn both(current: &str, end: &str) -> (Option<String>, Option<String>) {
        (Some(current.to_owned()), Some(end.to_owned()))
    }

    #[test]
    fn the_lowest_that_is_dropped_is_the_one_that_costs_most() {
        let grades = [category("1", 1, &["80/100", "20/100", "1/20"])];
        assert_eq!(percents(&grades, Weighting::Points), both("67.5", "67.5"));
        let share = &total(&grades, Weighting::Points).categories[0].current;
        assert_eq!(share.dropped, [1]);
        assert_eq!((share.score, share.possible), (of("81"), of("120")));
    }

    #[test]
    fn current_leaves_out_what_is_not_graded_and_last_counts_it_as_nothing() {
        let grades = category("1", 0, &["8/10", "-/10", "x/10"]);
        assert_eq!(percents(&[grades], Weighting::Points), both("80", "40"));
        let none = category("1", 1, &["x/10"]);
        assert_eq!(percents(&[none], Weighting::Points), (None, None));
        let open = category("1", 0, &["-/10"]);
        assert_eq!(percents(&[open], Weighting::Points), (None, Some("0".to_owned())));
    }

    #[test]
    fn weights_are_rescaled_to_those_categories_in_which_something_counts() {
        let weighted = |weights: [&str; 3]| {
            [
                category(weights[0], 0, &["90/100"]),
                category(weights[1], 0, &["1/2", "x/7"]),
                category(weights[2], 0, &["-/50"]),
            ]
        };
        // 20 and 30 of 50 now; of 100 in the end.
        assert_eq!(percents(&weighted(["20", "30", "50"]), Weighting::Weights), both("66", "33"));
        assert_eq!(percents(&weighted(["2", "3", "5"]), Weighting::Weights), both("66", "33"));
        assert_eq!(percents(&weighted(["0", "0", "0"]), Weighting::Weights), (None, None));
        assert_eq!(percents(&[], Weighting::Weights), (None, None));
    }

    #[test]
    fn a_percentage_is_rounded_once() {
        // 1/3 and 1/6 in equal parts are exactly a quarter; 2/3 is not.
        let quarter = [category("1", 0, &["1/3"]), category("1", 0, &["1/6"])];
        assert_eq!(percents(&quarter, Weighting::Weights), both("25", "25"));
        assert_eq!(
            percents(&[category("1", 0, &["2/3"])], Weighting::Weights),
            both("66.6667", "66.6667")
        );
    }

    #[test]
    fn what_is_worth_nothing_is_extra() {
        let grades = category("1", 1, &["5/0", "8/10", "2/10"]);
        assert_eq!(percents(&[grades], Weighting::Points), both("130", "130"));
        assert_eq!(percents(&[category("1", 1, &["5/0"])], Weighting::Weights), (None, None));
    }

    #[test]
    fn the_highest_are_dropped_of_those_that_stay_and_one_always_stays() {
        let mut grades = category("1", 1, &["1/10", "5/10", "9/10"]);
        grades.drop_highest = 1;
        let mut grades = [grades];
        assert_eq!(percents(&grades, Weighting::Points), both("50", "50"));
        grades[0].drop_lowest = 9;
        assert_eq!(percents(&grades, Weighting::Points), both("90", "90"));
    }

    #[test]
    fn no_number_is_too_large() {
        let huge = Entry { score: Some(Decimal::MAX), possible: Decimal::MAX, is_exempt: false };
        let category = Category {
            weight: Decimal::MAX,
            drop_lowest: 500,
            drop_highest: 100,
            entries: vec![huge; 1_000],
        };
        assert_eq!(total(&vec![category; 50], Weighting::Weights).end, Some(of("100")));
    }
}
