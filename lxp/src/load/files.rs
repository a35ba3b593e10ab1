//! Comma-separated files, plain or gzipped, read so that every complaint names the file and its line.
//!
//! What must stay true: a file is read to its end or refused; it has a bound in bytes and in rows.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use csv::StringRecord;
use flate2::read::MultiGzDecoder;

/// The longest file that is read, unpacked, in bytes.
const FILE_MAX_BYTES: u64 = 256 << 20;

/// The most rows of one file.
const ROWS_MAX: u64 = 2_000_000;

/// Why input cannot be used: what, where, what is expected.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum InputError {
    /// Neither the gzipped file nor the plain one is there.
    #[error("{0}.gz is not there, nor is it without .gz")]
    Missing(PathBuf),
    /// It is there and cannot be read.
    #[error("{file} cannot be read: {reason}")]
    Unreadable { file: String, reason: String },
    /// Its header lacks columns.
    #[error("{file}, line 1: the columns {expected} are expected, found: {found}")]
    Header { file: String, expected: String, found: String },
    /// A row is wrong.
    #[error("{place}: {what}")]
    Row { place: Place, what: String },
}

/// A line of a file, from 1, the header included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: &'static str,
    pub(super) line: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}", self.file, self.line)
    }
}

impl Place {
    pub(super) fn wrong(&self, what: impl Into<String>) -> InputError {
        InputError::Row { place: self.clone(), what: what.into() }
    }
}

/// One row: its values in the order of the columns that were asked for.
pub(super) struct Row<'r, const N: usize> {
    pub(super) place: Place,
    names: &'r [&'static str; N],
    values: [&'r str; N],
}

impl<const N: usize> Row<'_, N> {
    /// A text that is not empty and has at most `max` characters.
    pub(super) fn text(&self, column: usize, max: usize) -> Result<&str, InputError> {
        let value = self.values[column].trim();
        if !value.is_empty() && value.chars().count() <= max {
            return Ok(value);
        }
        let name = self.names[column];
        Err(self.place.wrong(format!("{name} is a text of 1 to {max} characters, not `{value}`")))
    }

    /// A whole number within bounds.
    pub(super) fn number<T>(&self, column: usize, least: T, most: T) -> Result<T, InputError>
    where
        T: FromStr + PartialOrd + fmt::Display + Copy,
    {
        let value = self.values[column].trim();
        let number = value.parse().ok().filter(|number| (least..=most).contains(number));
        number.ok_or_else(|| {
            let name = self.names[column];
            self.place
                .wrong(format!("{name} is a whole number from {least} to {most}, not `{value}`"))
        })
    }

    /// The same, where `?` or nothing says that it is not known.
    pub(super) fn known_number<T>(
        &self,
        column: usize,
        least: T,
        most: T,
    ) -> Result<Option<T>, InputError>
    where
        T: FromStr + PartialOrd + fmt::Display + Copy,
    {
        match self.values[column].trim() {
            "" | "?" => Ok(None),
            _ => self.number(column, least, most).map(Some),
        }
    }
}

/// Opens `name` (such as `courses.csv`) of a directory, gzipped or plain.
pub(super) fn open(directory: &Path, name: &str) -> Result<Box<dyn Read>, InputError> {
    let plain = directory.join(name);
    let packed = directory.join(format!("{name}.gz"));
    let unreadable = |path: &Path, error: std::io::Error| InputError::Unreadable {
        file: path.display().to_string(),
        reason: error.to_string(),
    };
    match File::open(&packed) {
        Ok(file) => return Ok(Box::new(MultiGzDecoder::new(file))),
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(unreadable(&packed, error));
        }
        Err(_) => {}
    }
    match File::open(&plain) {
        Ok(file) => Ok(Box::new(file)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(InputError::Missing(plain))
        }
        Err(error) => Err(unreadable(&plain, error)),
    }
}

/// Gives each row's values of `columns` to `take`; other columns are left alone.
pub(super) fn rows<const N: usize>(
    file: &'static str,
    input: impl Read,
    columns: [&'static str; N],
    mut take: impl FnMut(&Row<'_, N>) -> Result<(), InputError>,
) -> Result<(), InputError> {
    // One byte more than is allowed tells a file that is too long from one that just fits.
    let mut bounded = input.take(FILE_MAX_BYTES + 1);
    let mut reader = csv::Reader::from_reader(&mut bounded);
    let unreadable = |error: &csv::Error| InputError::Unreadable {
        file: file.to_owned(),
        reason: error.to_string(),
    };
    let header = reader.headers().map_err(|error| unreadable(&error))?;
    let positions = positions(file, header, &columns)?;
    let mut record = StringRecord::new();
    let mut count = 0;
    while reader.read_record(&mut record).map_err(|error| unreadable(&error))? {
        let line = record.position().map_or(0, csv::Position::line);
        let place = Place { file, line };
        count += 1;
        if count > ROWS_MAX {
            return Err(place.wrong(format!("more than {ROWS_MAX} rows are not read")));
        }
        let values = positions.map(|position| record.get(position).unwrap_or_default());
        take(&Row { place, names: &columns, values })?;
    }
    drop(reader);
    if bounded.limit() == 0 {
        let reason = format!("it is longer than {FILE_MAX_BYTES} bytes");
        return Err(InputError::Unreadable { file: file.to_owned(), reason });
    }
    Ok(())
}

fn positions<const N: usize>(
    file: &str,
    header: &StringRecord,
    columns: &[&'static str; N],
) -> Result<[usize; N], InputError> {
    let mut positions = [0; N];
    for (position, column) in positions.iter_mut().zip(columns) {
        let found = header.iter().position(|name| name.trim() == *column);
        *position = found.ok_or_else(|| InputError::Header {
            file: file.to_owned(),
            expected: columns.join(", "),
            found: header.iter().collect::<Vec<_>>().join(", "),
        })?;
    }
    Ok(positions)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(i32, Option<i32>)>, InputError> {
        let mut found = Vec::new();
        rows("x.csv", text.as_bytes(), ["a", "b"], |row| {
            found.push((row.number(0, 0, 9)?, row.known_number(1, -9, 9)?));
            Ok(())
        })?;
        Ok(found)
    }

    #[test]
    fn columns_are_found_by_name_and_a_question_mark_is_unknown() {
        assert_eq!(
            read("z,b,a\n7,-1,2\n7,?,3\n7,,4\n"),
            Ok(vec![(2, Some(-1)), (3, None), (4, None)])
        );
    }

    #[test]
    fn a_bad_number_names_file_line_column_and_bounds() {
        let error = read("a,b\n1,2\nx,2\n").expect_err("a letter").to_string();
        assert_eq!(error, "x.csv, line 3: a is a whole number from 0 to 9, not `x`");
        assert!(read("a,b\n1,10\n").is_err());
        assert!(read("a,b\n?,1\n").is_err());
    }

    #[test]
    fn a_wrong_header_says_what_is_expected() {
        let error = read("a,c\n1,2\n").expect_err("no b").to_string();
        assert_eq!(error, "x.csv, line 1: the columns a, b are expected, found: a, c");
    }

    #[test]
    fn a_row_that_lacks_values_is_refused() {
        let error = read("a,b\n1,2\n3\n").expect_err("one value").to_string();
        assert!(error.starts_with("x.csv cannot be read") && error.contains("line: 3"), "{error}");
    }

    #[test]
    fn a_missing_file_is_named() {
        let directory = tempfile::tempdir().expect("a directory");
        let error = open(directory.path(), "courses.csv").err().expect("nothing is there");
        assert!(error.to_string().contains("courses.csv.gz is not there"), "{error}");
    }

    #[test]
    fn a_damaged_gzip_file_is_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("courses.csv.gz"), "a,b\n1,2\n").expect("a file");
        let file = open(directory.path(), "courses.csv").expect("it is there");
        assert!(rows("courses.csv.gz", file, ["a"], |_| Ok(())).is_err());
    }
}
