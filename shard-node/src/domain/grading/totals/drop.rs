//! Which grades stay when the lowest, or the highest, are dropped.
//!
//! What must stay true: those that stay have the best quotient of points (of the highest: the worst) that so many can
//! have. The lowest percentage is not always what costs most: of 80/100, 20/100 and 1/20, dropping 1/20 leaves 50%, and
//! dropping 20/100 leaves 67.5%.
//!
//! By Dinkelbach's method, in whole numbers: of all sets of `n` grades take the one with the greatest
//! `sum(score * P - possible * S)` for the quotient S/P at hand, which is the `n` greatest terms; its own quotient is
//! better, or S/P is the best there is. A handful of rounds, each a sort.

use std::cmp::Reverse;

/// A grade, in units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    /// Its place among all grades.
    pub(super) place: usize,
    pub(super) score: i128,
    /// Not negative; of 0 it is extra, and stays.
    pub(super) possible: i128,
}

/// The places of those that stay, in order. Of those that are worth something at least one does.
pub(super) fn kept(scores: &[Mark], drop_lowest: usize, drop_highest: usize) -> Vec<usize> {
    let (extra, mut rest): (Vec<Mark>, Vec<Mark>) =
        scores.iter().partition(|score| score.possible == 0);
    let bonus = extra.iter().map(|score| score.score).sum();
    for (number, is_best) in [(drop_lowest, true), (drop_highest, false)] {
        let stay = rest.len().saturating_sub(number).max(1);
        if number > 0 && stay < rest.len() {
            rest = extreme(&rest, stay, bonus, is_best);
        }
    }
    let mut places: Vec<usize> = extra.iter().chain(&rest).map(|score| score.place).collect();
    places.sort_unstable();
    places
}

/// The `number` of them with the best quotient, or the worst; among equals those that come first.
fn extreme(scores: &[Mark], number: usize, bonus: i128, is_best: bool) -> Vec<Mark> {
    let mut chosen = scores[..number].to_vec();
    let mut at = quotient(&chosen, bonus);
    loop {
        let (score, possible) = at;
        let term = |one: &Mark| one.score * possible - one.possible * score;
        let mut sorted = scores.to_vec();
        if is_best {
            sorted.sort_by_key(|one| (Reverse(term(one)), one.place));
        } else {
            sorted.sort_by_key(|one| (term(one), one.place));
        }
        sorted.truncate(number);
        let next = quotient(&sorted, bonus);
        let (gain, loss) = (next.0 * possible, score * next.1);
        let is_better = if is_best { gain > loss } else { gain < loss };
        if !is_better {
            return chosen;
        }
        (chosen, at) = (sorted, next);
    }
}

/// What they come to: points, and possible points, which are more than 0.
fn quotient(scores: &[Mark], bonus: i128) -> (i128, i128) {
    let sum = |part: fn(&Mark) -> i128| scores.iter().map(part).sum::<i128>();
    (bonus + sum(|one| one.score), sum(|one| one.possible))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::*;

    fn scores(pairs: &[(i128, i128)]) -> Vec<Mark> {
        let score = |(place, (score, possible)): (usize, &(i128, i128))| Mark {
            place,
            score: *score,
            possible: *possible,
        };
        pairs.iter().enumerate().map(score).collect()
    }

    /// The quotients of all sets of so many.
    fn all_quotients(scores: &[Mark], number: usize, bonus: i128) -> Vec<(i128, i128)> {
        (0_u32..1 << scores.len())
            .filter(|set| set.count_ones() as usize == number)
            .map(|set| {
                let chosen = scores.iter().enumerate().filter(|(bit, _)| set & (1 << bit) != 0);
                quotient(&chosen.map(|(_, score)| *score).collect::<Vec<_>>(), bonus)
            })
            .collect()
    }

    proptest! {
        #[test]
        fn what_stays_is_the_best_and_the_worst_that_there_is(
            pairs in prop::collection::vec((0_i128..2_000_000, 1_i128..2_000_000), 1..12), drop in 0_usize..12, bonus in 0_i128..100_000) {
            let scores = scores(&pairs);
            let number = scores.len().saturating_sub(drop).max(1);
            let all = all_quotients(&scores, number, bonus);
            let best = quotient(&extreme(&scores, number, bonus, true), bonus);
            let worst = quotient(&extreme(&scores, number, bonus, false), bonus);
            for other in all {
                prop_assert!(best.0 * other.1 >= other.0 * best.1);
                prop_assert!(worst.0 * other.1 <= other.0 * worst.1);
            }
        }

        #[test]
        fn the_percentage_does_not_depend_on_the_order_of_grades(
            pairs in prop::collection::vec((0_i128..100, 0_i128..100), 1..12), low in 0_usize..4) {
            let forwards = scores(&pairs);
            let backwards: Vec<Mark> = forwards.iter().rev().copied().collect();
            let of = |all: &[Mark]| {
                let kept = kept(all, low, 0);
                quotient(&forwards.iter().filter(|one| kept.contains(&one.place)).copied().collect::<Vec<_>>(), 0)
            };
            let (one, other) = (of(&forwards), of(&backwards));
            prop_assert_eq!(one.0 * other.1, other.0 * one.1);
        }
    }

    #[test]
    fn some_hundred_grades_take_no_time() {
        let pairs: Vec<(i128, i128)> = (1..=1_000_i128)
            .map(|number| {
                (number * 7_919 % 1_009 * 9_000_000, number * 104_729 % 997 * 10_000_000 + 1)
            })
            .collect();
        let scores = scores(&pairs);
        let began = Instant::now();
        assert_eq!(kept(&scores, 300, 200).len(), 500);
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    }
}
