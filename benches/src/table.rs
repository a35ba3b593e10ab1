//! Tables in Markdown, and the few numbers that go into them.

use std::fmt::Write as _;
use std::time::Duration;

/// A table: a header and rows of as many cells.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub(crate) fn new(header: &[&str]) -> Self {
        Self { header: header.iter().map(|cell| (*cell).to_owned()).collect(), rows: Vec::new() }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The table in Markdown; numbers stand at the right.
    pub(crate) fn to_markdown(&self) -> String {
        let widths: Vec<usize> = (0..self.header.len())
            .map(|at| {
                let cells =
                    self.rows.iter().filter_map(|row| row.get(at)).chain(&self.header[at..=at]);
                cells.map(|cell| cell.chars().count()).max().unwrap_or(0).max(3)
            })
            .collect();
        let line = |cells: &[String]| {
            let padded = cells.iter().zip(&widths).enumerate().map(|(at, (cell, width))| {
                if at == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
            });
            format!("| {} |\n", padded.collect::<Vec<_>>().join(" | "))
        };
        let rule = widths.iter().enumerate().map(|(at, width)| {
            if at == 0 { "-".repeat(*width) } else { format!("{}:", "-".repeat(width - 1)) }
        });
        let mut text = line(&self.header);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "| {} |", rule.collect::<Vec<_>>().join(" | "));
        text.extend(self.rows.iter().map(|row| line(row)));
        text
    }
}

/// The middle one; of two middle ones their mean. Zero of none.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        count if count % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

/// Microseconds of `time` for each of `count`.
pub(crate) fn us_each(time: Duration, count: u32) -> f64 {
    time.as_secs_f64() * 1e6 / f64::from(count.max(1))
}

/// A number with as many decimals as tell something: 0.123, 1.23, 12.3, 1234.
pub(crate) fn short(value: f64) -> String {
    match value.abs() {
        small if small < 1.0 => format!("{value:.3}"),
        small if small < 10.0 => format!("{value:.2}"),
        small if small < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let mut table = Table::new(&["what", "us"]);
        table.row(["bare".to_owned(), "22.1".to_owned()]);
        table.row(["a router".to_owned(), "1234".to_owned()]);
        let expected = "| what     |   us |\n\
                        | -------- | ---: |\n\
                        | bare     | 22.1 |\n\
                        | a router | 1234 |\n";
        assert_eq!(table.to_markdown(), expected);
    }

    #[test]
    fn the_median_is_the_middle_one() {
        assert!((median([3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median([4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
        assert!(median([]).abs() < 1e-9);
    }

    #[test]
    fn numbers_are_short() {
        let shown = [0.1234, 1.234, 12.34, 1234.5].map(short);
        assert_eq!(shown, ["0.123", "1.23", "12.3", "1234"]);
    }
}
