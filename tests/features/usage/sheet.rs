//! A table as CSV beside the same answer as JSON, cell by cell.

use std::collections::BTreeMap;

use serde_json::Value;

/// The rows of a table, each by the names of its columns.
pub(crate) fn rows(text: &str) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let head = reader.headers().unwrap().clone();
    let row =
        |row: csv::StringRecord| head.iter().map(str::to_owned).zip(row.iter().map(str::to_owned)).collect();
    reader.records().map(|record| row(record.unwrap())).collect()
}

/// What a cell shows of a value: nothing for what there is not.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Every cell of a table about usage is the figure of the answer, and no row is missing. Tells how many there were.
pub(crate) fn check_table(text: &str, answer: &Value) -> usize {
    let rows = rows(text);
    let mut expected = Vec::new();
    for line in answer["data"].as_array().unwrap() {
        match line["series"].as_array() {
            None => expected.push((line, line)),
            Some(series) => expected.extend(series.iter().map(|point| (line, point))),
        }
    }
    assert_eq!(rows.len(), expected.len());
    for (row, (line, point)) in rows.iter().zip(&expected) {
        for (column, shown) in row {
            assert_eq!(*shown, expected_cell(column, line, point), "{column} of {}", line["group"]);
        }
    }
    rows.iter().map(BTreeMap::len).sum()
}

fn expected_cell(column: &str, line: &Value, point: &Value) -> String {
    let group = &line["group"];
    if column == "from" || column == "to" {
        return cell(&point[column]);
    }
    if let Some(value) = group.get(column) {
        return cell(value);
    }
    if let Some((dimension, part)) = column.split_once('.')
        && let Some(value) = group.get(dimension)
    {
        return cell(&value[part]);
    }
    let (of, figure) = match column.split_once('.') {
        Some((beside @ ("before" | "difference" | "percent"), figure)) => {
            (&point["compared"][beside], figure)
        }
        _ => (point, column),
    };
    if of.is_null() {
        return String::new();
    }
    match figure.strip_prefix("credits.") {
        Some(kind) => {
            let nothing = if column.starts_with("percent.") { "" } else { "0" };
            of["credits"].get(kind).map_or(nothing.to_owned(), cell)
        }
        None => cell(&of[figure]),
    }
}
