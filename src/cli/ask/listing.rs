//! Lists of what a daemon answers: tables for people, JSON as it came, CSV for spreadsheets.

use std::io::{self, Write};

use serde_json::Value;

use crate::cli::Failure;
use crate::cli::terminal::{Format, Paint};
use crate::query::csv::{Cell, Table};

/// A column of a list.
pub(super) struct Column {
    title: String,
    /// Numbers stand at the right, and are no texts in CSV.
    number: bool,
    of: Box<dyn Fn(&Value) -> String>,
}

impl Column {
    /// A column of texts.
    pub(super) fn text(title: impl Into<String>, of: impl Fn(&Value) -> String + 'static) -> Column {
        Column { title: title.into(), number: false, of: Box::new(of) }
    }

    /// A column of numbers.
    pub(super) fn number(title: impl Into<String>, of: impl Fn(&Value) -> String + 'static) -> Column {
        Column { title: title.into(), number: true, of: Box::new(of) }
    }

    /// Whether that is its title.
    pub(super) fn is(&self, title: &str) -> bool {
        self.title == title
    }

    /// A column of texts that stand at a place (RFC 6901) in each row.
    pub(super) fn at(title: &str, place: &'static str) -> Column {
        Column::text(title, move |row| at(row, place))
    }

    /// The same of numbers.
    pub(super) fn number_at(title: &str, place: &'static str) -> Column {
        Column::number(title, move |row| at(row, place))
    }
}

/// What stands at a place; nothing where there is nothing.
pub(super) fn at(row: &Value, place: &str) -> String {
    row.pointer(place).map_or_else(String::new, shown)
}

/// A value for people.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(shown).collect::<Vec<_>>().join(", "),
        Value::Object(values) => {
            let pair = |(name, value): (&String, &Value)| format!("{} {name}", shown(value));
            values.iter().map(pair).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

/// The rows of an answer.
pub(super) fn rows(answer: &Value) -> &[Value] {
    answer.get("data").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Writes rows, and where the list goes on.
pub(super) fn write(
    answer: &Value,
    rows: &[Value],
    columns: &[Column],
    format: Format,
) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match format {
        Format::Json => writeln!(out, "{answer}")?,
        Format::Csv => out.write_all(&csv(rows, columns))?,
        Format::Table => {
            table(&mut out, rows, columns)?;
            say_next(answer)?;
        }
    }
    Ok(())
}

fn say_next(answer: &Value) -> Result<(), Failure> {
    if let Some(next) = answer.pointer("/meta/next").and_then(Value::as_str) {
        let more = format!("there is more: --cursor {next}");
        writeln!(io::stderr().lock(), "{}", Paint::stderr().faint(&more))?;
    }
    Ok(())
}

fn csv(rows: &[Value], columns: &[Column]) -> Vec<u8> {
    let mut table = Table::new();
    table.head(&columns.iter().map(|column| &*column.title).collect::<Vec<_>>());
    for row in rows {
        let cell = |column: &Column| {
            let text = (column.of)(row);
            if column.number { Cell::Plain(text.into()) } else { Cell::Text(text.into()) }
        };
        table.row(&columns.iter().map(cell).collect::<Vec<_>>());
    }
    table.finish()
}

/// A table for people. Nothing in it moves the cursor of a terminal.
pub(super) fn table(out: &mut impl Write, rows: &[Value], columns: &[Column]) -> io::Result<()> {
    let paint = Paint::stdout();
    if rows.is_empty() {
        return writeln!(out, "{}", paint.faint("nothing"));
    }
    let clean = |text: String| text.replace(char::is_control, "\u{fffd}");
    let cells: Vec<Vec<String>> =
        rows.iter().map(|row| columns.iter().map(|column| clean((column.of)(row))).collect()).collect();
    // What is empty in every row is left out.
    let is_used = |place: usize| cells.iter().any(|row| row.get(place).is_some_and(|cell| !cell.is_empty()));
    let used: Vec<(usize, &Column)> =
        columns.iter().enumerate().filter(|(place, _)| is_used(*place)).collect();
    let wide = |text: &str| text.chars().count();
    let width = |place: usize, column: &Column| {
        let cells = cells.iter().filter_map(|row| row.get(place)).map(|cell| wide(cell));
        cells.max().unwrap_or(0).max(wide(&column.title))
    };
    let widths: Vec<usize> = used.iter().map(|(place, column)| width(*place, column)).collect();
    let line = |texts: Vec<&str>| {
        let padded = texts.iter().zip(&used).zip(&widths).map(|((text, (_, column)), width)| {
            if column.number { format!("{text:>width$}") } else { format!("{text:<width$}") }
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    writeln!(out, "{}", paint.faint(&line(used.iter().map(|(_, column)| &*column.title).collect())))?;
    for row in &cells {
        writeln!(
            out,
            "{}",
            line(used.iter().filter_map(|(place, _)| row.get(*place)).map(|cell| &**cell).collect())
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_stand_at_the_right_and_empty_columns_are_left_out() {
        let rows = [json!({"a": "x\u{1b}[2J", "n": "5"}), json!({"a": "longer", "n": "1250.5", "b": null})];
        let columns = [Column::at("a", "/a"), Column::at("b", "/b"), Column::number_at("number", "/n")];
        let mut out = Vec::new();
        table(&mut out, &rows, &columns).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "a       number\nx\u{fffd}[2J        5\nlonger  1250.5\n");
        assert_eq!(String::from_utf8(csv(&rows[1..], &columns)).unwrap(), "a,b,number\r\nlonger,,1250.5\r\n");
    }

    #[test]
    fn lists_and_amounts_are_told_in_words() {
        assert_eq!(shown(&json!({"credits": "5", "email": "2"})), "5 credits, 2 email");
        assert_eq!(shown(&json!(["a", "b"])), "a, b");
    }
}
