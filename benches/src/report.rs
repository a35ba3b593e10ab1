//! What a part of the benchmark found: a section of the page, and its bars.

use crate::table::{Table, short};

/// A figure with a goal and a bar. A missed bar fails the run; a goal is what we aim at.
#[derive(Debug, Clone)]
pub(crate) struct Bar {
    what: String,
    found: f64,
    goal: f64,
    limit: f64,
    /// Whether more is better.
    at_least: bool,
}

impl Bar {
    /// A figure that may be `limit` at most.
    pub(crate) fn at_most(what: &str, found: f64, goal: f64, limit: f64) -> Self {
        Self { what: what.to_owned(), found, goal, limit, at_least: false }
    }

    /// A figure that must be `limit` at least.
    pub(crate) fn at_least(what: &str, found: f64, limit: f64) -> Self {
        Self { what: what.to_owned(), found, goal: limit, limit, at_least: true }
    }

    /// Whether it is missed.
    pub(crate) fn is_missed(&self) -> bool {
        if self.at_least { self.found < self.limit } else { self.found > self.limit }
    }

    /// The figure in words.
    pub(crate) fn sentence(&self) -> String {
        let verdict = if self.is_missed() {
            "**bar missed**"
        } else if !self.at_least && self.found > self.goal {
            "within the bar, goal not reached"
        } else {
            "goal reached"
        };
        let Self { what, found, goal, limit, .. } = self;
        let (found, goal, limit) = (short(*found), short(*goal), short(*limit));
        format!("{what}: {found} (goal {goal}, bar {limit}): {verdict}")
    }
}

/// A section.
#[derive(Debug, Clone)]
pub(crate) struct Section {
    pub(crate) markdown: String,
    pub(crate) bars: Vec<Bar>,
}

impl Section {
    /// Puts a section together.
    pub(crate) fn new(title: &str, text: &str, table: &Table, bars: Vec<Bar>, noise: &str) -> Self {
        let now = service_kit::clock::now().format("%Y-%m-%d %H:%M UTC");
        let lines: Vec<String> = bars.iter().map(|bar| format!("- {}\n", bar.sentence())).collect();
        let verdict =
            if lines.is_empty() { String::new() } else { format!("{}\n", lines.concat()) };
        let markdown = format!(
            "### {title}\n\n{text}\n\n{}\n{verdict}Measured {now}: {noise}.\n",
            table.to_markdown()
        );
        Self { markdown, bars }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_missed_above_it_only() {
        let bar = |found| Bar::at_most("x", found, 1.15, 1.35);
        assert!(!bar(1.35).is_missed() && bar(1.36).is_missed());
        assert!(
            Bar::at_least("x", 0.69, 0.7).is_missed() && !Bar::at_least("x", 0.7, 0.7).is_missed()
        );
        assert!(bar(1.1).sentence().ends_with("goal reached"));
        assert!(bar(1.2).sentence().contains("goal not reached"));
        assert!(bar(1.4).sentence().contains("bar missed"));
    }
}
