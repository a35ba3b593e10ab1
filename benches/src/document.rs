//! The generated sections of docs/PERFORMANCE.md: each between two marks, replaced whole; the text around them is
//! people's.

/// Puts `section` between the marks of `part`; an absent pair is added at the end.
pub(crate) fn with_section(document: &str, part: &str, section: &str) -> String {
    let (begin, end) = (format!("<!-- bench:{part} -->"), format!("<!-- /bench:{part} -->"));
    let made = format!("{begin}\n{}\n{end}", section.trim_end());
    let place = document
        .find(&begin)
        .and_then(|from| Some((from, from + document[from..].find(&end)? + end.len())));
    match place {
        Some((from, to)) => format!("{}{made}{}", &document[..from], &document[to..]),
        None => format!("{}\n\n{made}\n", document.trim_end()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_replaced_and_its_surroundings_stay() {
        let document = "# P\n\n<!-- bench:a -->\nold\n<!-- /bench:a -->\n\nwords\n";
        let expected = "# P\n\n<!-- bench:a -->\nnew\n<!-- /bench:a -->\n\nwords\n";
        assert_eq!(with_section(document, "a", "new\n"), expected);
        assert_eq!(with_section(expected, "a", "new\n"), expected);
    }

    #[test]
    fn a_section_that_is_not_there_is_added() {
        let expected = "# P\n\n<!-- bench:b -->\nnew\n<!-- /bench:b -->\n";
        assert_eq!(with_section("# P\n", "b", "new"), expected);
    }
}
