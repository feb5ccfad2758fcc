//! Tables as CSV (RFC 4180), for spreadsheets: amounts are numbers, and no text is run as a formula.

use std::borrow::Cow;

use csv::{Terminator, Writer, WriterBuilder};

use crate::ledger::units::Credits;

/// A cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cell<'a> {
    /// Nothing.
    Empty,
    /// What others said: whatever it holds, it stays a text.
    Text(Cow<'a, str>),
    /// A number, an instant or a word of ours, written as it is.
    Plain(Cow<'a, str>),
    /// An amount of credits, a number.
    Amount(Credits),
    /// A count, a number.
    Count(u64),
}

impl<'a> Cell<'a> {
    /// A text, if there is one.
    pub(crate) fn text(text: Option<&'a str>) -> Cell<'a> {
        text.map_or(Cell::Empty, |text| Cell::Text(Cow::Borrowed(text)))
    }

    /// Texts, one after the other.
    pub(crate) fn list<T: AsRef<str>>(texts: &[T]) -> Cell<'a> {
        let texts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
        if texts.is_empty() { Cell::Empty } else { Cell::Text(Cow::Owned(texts.join(", "))) }
    }
}

/// What a spreadsheet takes for the begin of a formula.
const RUN: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\n'];

/// A text that no spreadsheet runs: an apostrophe before it says that it is one.
fn neutral(text: &str) -> Cow<'_, str> {
    if text.starts_with(RUN) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// A table in the making.
pub(crate) struct Table(Writer<Vec<u8>>);

impl Table {
    pub(crate) fn new() -> Table {
        let mut builder = WriterBuilder::new();
        Table(builder.terminator(Terminator::CRLF).flexible(true).from_writer(Vec::new()))
    }

    /// The names of the columns.
    pub(crate) fn head<T: AsRef<str>>(&mut self, names: &[T]) {
        self.line(names.iter().map(|name| Cow::Borrowed(name.as_ref())));
    }

    /// A row.
    pub(crate) fn row(&mut self, cells: &[Cell<'_>]) {
        self.line(cells.iter().map(|cell| match cell {
            Cell::Empty => Cow::Borrowed(""),
            Cell::Text(text) => neutral(text),
            Cell::Plain(text) => Cow::Borrowed(&**text),
            Cell::Amount(amount) => Cow::Owned(amount.to_string()),
            Cell::Count(count) => Cow::Owned(count.to_string()),
        }));
    }

    fn line<'a>(&mut self, cells: impl Iterator<Item = Cow<'a, str>>) {
        // Rows may differ in length, and memory takes all that is written: nothing can go wrong.
        let _written = self.0.write_record(cells.map(|cell| cell.into_owned().into_bytes()));
    }

    /// The bytes so far.
    pub(crate) fn finish(self) -> Vec<u8> {
        self.0.into_inner().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_stay_texts_and_numbers_stay_numbers() {
        let mut table = Table::new();
        table.head(&["a", "b"]);
        for text in ["=1+1", "+49", "-2", "@SUM(A1)", "\tx", "\rx", "\nx", "plain", "a \"b\", c", "x=1"] {
            table.row(&[Cell::text(Some(text)), Cell::Amount(Credits::from_micros(-1_500_000))]);
        }
        table.row(&[Cell::Empty, Cell::Count(7)]);
        let text = String::from_utf8(table.finish()).unwrap();
        let wanted = "a,b\r\n'=1+1,-1.5\r\n'+49,-1.5\r\n'-2,-1.5\r\n'@SUM(A1),-1.5\r\n'\tx,-1.5\r\n\"'\rx\",-1.5\r\n\"'\nx\",-1.5\r\n\
                      plain,-1.5\r\n\"a \"\"b\"\", c\",-1.5\r\nx=1,-1.5\r\n,7\r\n";
        assert_eq!(text, wanted);
    }
}
