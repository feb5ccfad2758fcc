//! Tables as CSV (RFC 4180), safe to open in a spreadsheet.

use std::borrow::Cow;

/// What a spreadsheet takes for the begin of something to be run.
const RUN: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// A cell of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// What somebody wrote: shown, and never run.
    Text(String),
    /// A number, an instant or a word of ours: written as it is.
    Plain(String),
    /// Nothing.
    Empty,
}

impl Field {
    /// A text, or nothing.
    pub(super) fn text(text: Option<&str>) -> Field {
        text.map_or(Field::Empty, |text| Field::Text(text.to_owned()))
    }
}

/// A text as a cell that no spreadsheet runs: after an apostrophe where it would.
fn neutral(text: &str) -> Cow<'_, str> {
    if text.starts_with(RUN) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// A table with its header.
pub(super) fn table(header: &[String], rows: impl IntoIterator<Item = Vec<Field>>) -> Vec<u8> {
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).flexible(true).from_writer(Vec::new());
    let cell = |field: Field| match field {
        Field::Text(text) => neutral(&text).into_owned(),
        Field::Plain(text) => text,
        Field::Empty => String::new(),
    };
    let rows = rows.into_iter().map(|row| row.into_iter().map(cell).collect::<Vec<String>>());
    for record in std::iter::once(header.to_vec()).chain(rows) {
        // Memory takes everything.
        if writer.write_record(&record).is_err() {
            break;
        }
    }
    writer.into_inner().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spreadsheet_would_run_is_text_and_numbers_are_numbers() {
        let header = ["name".to_owned(), "credits".to_owned()];
        for (given, written) in [
            ("=1+1", "'=1+1"),
            ("+49", "'+49"),
            ("-5", "'-5"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "\"'\r=1\""),
            ("a=1", "a=1"),
            ("", ""),
            ("a, \"b\"\nc", "\"a, \"\"b\"\"\nc\""),
        ] {
            let row = vec![Field::text(Some(given)), Field::Plain("-5.5".to_owned())];
            let table = String::from_utf8(table(&header, [row])).unwrap();
            assert_eq!(table, format!("name,credits\r\n{written},-5.5\r\n"), "{given:?}");
        }
    }
}
