//! `creditd calls`: those that are live, or those that are over.

use std::path::Path;

use serde_json::Value;

use super::history::Of;
use super::listing::{self, Column};
use super::{Asking, Page};
use crate::cli::Failure;

/// List an organization's live calls, or those that are over.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// The organization.
    org: String,
    /// Those that are over, newest first.
    #[arg(long)]
    finished: bool,
    #[command(flatten)]
    of: Of,
    #[command(flatten)]
    page: Page,
    #[command(flatten)]
    asking: Asking,
}

pub(in crate::cli) fn run(file: Option<&Path>, arguments: &Arguments) -> Result<(), Failure> {
    let mut pairs = arguments.of.pairs()?;
    if !arguments.finished && !pairs.is_empty() {
        return Err(Failure::Usage("live calls are listed whole; conditions are for --finished".to_owned()));
    }
    pairs.extend(arguments.page.pairs());
    if arguments.finished {
        pairs.push(("state", "finished".to_owned()));
    }
    let path = ["v1", "orgs", &arguments.org, "calls"];
    if arguments.finished {
        arguments.asking.tell_all(file, &path, &pairs, |answer| (listing::rows(answer).to_vec(), finished()))
    } else {
        arguments.asking.tell(file, &path, &pairs, |answer| (listing::rows(answer).to_vec(), live()))
    }
}

/// A length of time as people read it: `1:02:03`.
fn length(row: &Value) -> String {
    let seconds = row.get("duration_ms").and_then(Value::as_u64).map_or(0, |ms| ms / 1000);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

pub(super) fn live() -> Vec<Column> {
    vec![
        Column::at("call", "/call_id"),
        Column::at("source", "/source"),
        Column::at("state", "/state"),
        Column::number("length", length),
        Column::number_at("credits", "/credits"),
        Column::at("direction", "/direction"),
        Column::at("destination", "/destination"),
        Column::at("user", "/user"),
        Column::text("cut off", |row| if row["cut_off"] == true { "yes".to_owned() } else { String::new() }),
    ]
}

fn finished() -> Vec<Column> {
    vec![
        Column::at("time", "/time"),
        Column::at("call", "/call_id"),
        Column::at("source", "/source"),
        Column::at("state", "/state"),
        Column::number("length", length),
        Column::number_at("billed s", "/billed_seconds"),
        Column::number_at("credits", "/credits"),
        Column::number_at("back", "/credits_back"),
        Column::at("direction", "/direction"),
        Column::at("destination", "/destination"),
        Column::at("user", "/user"),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lengths_are_told_as_clocks_do() {
        for (ms, told) in [(0, "0:00"), (61_999, "1:01"), (3_723_000, "1:02:03")] {
            assert_eq!(length(&json!({ "duration_ms": ms })), told);
        }
    }
}
