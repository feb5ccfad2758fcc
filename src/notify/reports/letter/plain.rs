//! The letter as plain text, for those who read no HTML.

use super::Told;
use crate::query::Sheet;

/// The widest column.
const WIDEST: usize = 40;

/// The letter.
pub(super) fn write(subject: &str, told: &Told, leave: Option<&str>) -> String {
    let mut lines = vec![subject.to_owned(), String::new(), told.org.clone(), told.period.clone()];
    lines.extend(told.compared_with.iter().map(|with| format!("beside {with}")));
    lines.extend(told.filters.iter().map(|filter| format!("only {filter}")));
    lines.push(String::new());
    lines.extend(table(&told.sheet));
    let shown = told.sheet.rows.len();
    if told.groups > shown {
        lines.push(format!("The first {shown} of {}; the attached table has all of them.", told.groups));
    }
    if let Some(series) = told.series.as_ref().filter(|series| !series.is_empty()) {
        lines.push(String::new());
        lines.extend(table(series));
    }
    lines.push(String::new());
    if !told.missed.is_empty() {
        lines.push(format!(
            "This report was also due on {}, and could not be sent then.",
            told.missed.join("; ")
        ));
    }
    lines.push(format!("As of {}. Times are those of {}.", told.as_of, told.zone));
    lines.extend(leave.iter().flat_map(|leave| {
        [String::new(), "Do not send me this report any more:".to_owned(), (*leave).to_owned()]
    }));
    lines.join("\n")
}

/// A table in columns: what rows are about to the left, figures to the right.
fn table(sheet: &Sheet) -> Vec<String> {
    if sheet.is_empty() {
        return vec!["Nothing was used.".to_owned()];
    }
    let mut totals: Vec<String> = vec![String::new(); sheet.keys];
    if let Some(first) = totals.first_mut() {
        "All".clone_into(first);
    }
    totals.extend(sheet.totals.iter().cloned());
    let all: Vec<&Vec<String>> = std::iter::once(&sheet.head).chain(&sheet.rows).chain([&totals]).collect();
    let width = |column: usize| {
        let lengths = all.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        lengths.max().unwrap_or(0).min(WIDEST)
    };
    let widths: Vec<usize> = (0..sheet.head.len()).map(width).collect();
    let line = |row: &&Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            let cell: String = cell.chars().take(WIDEST).collect();
            if column < sheet.keys { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    all.iter().map(line).collect()
}
