//! Orders: the right one, places, or pairs.

use std::collections::BTreeMap;

use serde_json::Value;

use super::answer::{self, Read};
use super::units::Part;
use super::{Order, OrderingRule};

/// The part that an order of all things is worth; of other things it is none.
pub(super) fn ordering(rule: &OrderingRule, answer: Option<&Value>) -> Read<Part> {
    answer::names(answer).and_then(|given| {
        let places: BTreeMap<&str, usize> =
            rule.order.iter().enumerate().map(|(place, name)| (name.as_str(), place)).collect();
        let order: Option<Vec<usize>> =
            given.iter().map(|name| places.get(name).copied()).collect();
        // They are different (`names`), so as many are all.
        Read::of(
            order
                .filter(|order| order.len() == rule.order.len())
                .map(|order| worth(&order, rule.scoring)),
        )
    })
}

/// What a permutation of 0, 1, 2 ... is worth.
fn worth(order: &[usize], scoring: Order) -> Part {
    let at_place = order.iter().enumerate().filter(|(place, thing)| place == *thing).count();
    match scoring {
        Order::Exact if at_place == order.len() => Part::WHOLE,
        Order::Exact => Part::NONE,
        Order::Positional => Part::count(at_place, order.len()),
        Order::Pairwise => {
            let pairs = order.len() * order.len().saturating_sub(1) / 2;
            if pairs == 0 {
                return Part::WHOLE;
            }
            let concordant = |(place, first): (usize, &usize)| {
                order[place + 1..].iter().filter(|second| first < *second).count()
            };
            Part::count(order.iter().enumerate().map(concordant).sum(), pairs)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn part(scoring: Order, given: &[&str]) -> Read<Part> {
        let order = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
        ordering(&OrderingRule { order, scoring }, Some(&json!(given)))
    }

    #[test]
    fn orders_are_worth_what_their_scoring_says() {
        let given = ["a", "c", "b", "d"];
        assert_eq!(part(Order::Exact, &given), Read::Given(Part::NONE));
        assert_eq!(part(Order::Exact, &["a", "b", "c", "d"]), Read::Given(Part::WHOLE));
        assert_eq!(part(Order::Positional, &given), Read::Given(Part { of: 2, all: 4 }));
        assert_eq!(part(Order::Pairwise, &given), Read::Given(Part { of: 5, all: 6 }));
        assert_eq!(
            part(Order::Pairwise, &["d", "c", "b", "a"]),
            Read::Given(Part { of: 0, all: 6 })
        );
        assert_eq!(
            part(Order::Positional, &["b", "c", "d", "a"]),
            Read::Given(Part { of: 0, all: 4 })
        );
        assert_eq!(
            part(Order::Pairwise, &["b", "c", "d", "a"]),
            Read::Given(Part { of: 3, all: 6 })
        );
    }

    #[test]
    fn what_is_no_order_of_all_things_is_malformed() {
        for given in [
            &["a", "b", "c"][..],
            &["a", "b", "c", "c"],
            &["a", "b", "c", "x"],
            &["a", "b", "c", "d", "e"],
        ] {
            assert_eq!(part(Order::Pairwise, given), Read::Malformed, "{given:?}");
        }
        assert_eq!(part(Order::Pairwise, &[]), Read::Blank);
    }
}
