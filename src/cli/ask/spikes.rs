//! `creditd spikes`: when far more was used than before, and what caused it.

use std::path::Path;

use serde_json::{Map, Value};

use super::listing::{self, Column};
use super::range::Range;
use super::{Asking, Where, usage};
use crate::cli::Failure;

/// List the hours or days in which an organization used far more than before, newest first, with what caused them.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// The organization.
    org: String,
    #[command(flatten)]
    range: Range,
    /// Look at each hour or day; day if not given.
    #[arg(short, long)]
    interval: Option<String>,
    /// More than so many percent of the usual are a spike, 101 to 10000; 200 if not given.
    #[arg(long)]
    percent: Option<u32>,
    /// If they are so many credits at least.
    #[arg(long, value_name = "CREDITS")]
    at_least: Option<String>,
    #[command(flatten)]
    only: Where,
    /// The most spikes that are shown, 1 to 50.
    #[arg(short = 'n', long, default_value_t = 10)]
    limit: u16,
    #[command(flatten)]
    asking: Asking,
}

pub(in crate::cli) fn run(file: Option<&Path>, arguments: &Arguments) -> Result<(), Failure> {
    let mut pairs = super::named(&arguments.only, &usage::DIMENSIONS)?;
    pairs.extend(arguments.range.pairs());
    let said = [
        ("interval", arguments.interval.clone()),
        ("percent", arguments.percent.map(|percent| percent.to_string())),
        ("at_least", arguments.at_least.clone()),
        ("limit", Some(arguments.limit.to_string())),
    ];
    pairs.extend(said.into_iter().filter_map(|(name, text)| Some((name, text?))));
    let path = ["v1", "orgs", &arguments.org, "spikes"];
    arguments.asking.tell_all(file, &path, &pairs, |answer| (rows(answer), columns()))
}

/// A row for each cause; what is said of the spike stands in the first of them.
fn rows(answer: &Value) -> Vec<Value> {
    let mut rows = Vec::new();
    for spike in listing::rows(answer) {
        let mut head = spike.as_object().cloned().unwrap_or_default();
        let causes = head.remove("causes");
        let causes = causes.as_ref().and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let (first, others) = causes.split_first().unzip();
        head.extend(first.map(|cause| ("cause".to_owned(), cause.clone())));
        rows.push(Value::Object(head));
        rows.extend(
            others
                .into_iter()
                .flatten()
                .map(|cause| Value::Object(Map::from_iter([("cause".to_owned(), cause.clone())]))),
        );
    }
    rows
}

fn columns() -> Vec<Column> {
    vec![
        Column::at("from", "/from"),
        Column::at("credit_type", "/credit_type"),
        Column::number_at("credits", "/credits"),
        Column::number_at("usual", "/usual"),
        Column::number_at("percent", "/percent"),
        Column::text("caused by", |row| row.get("cause").map(cause).unwrap_or_default()),
        Column::number_at("more", "/cause/more"),
        Column::number_at("share", "/cause/share"),
    ]
}

/// `user Ana Gray (ana)`.
fn cause(cause: &Value) -> String {
    let dimension = cause["group"].as_object().and_then(|group| group.keys().next());
    let shown = |dimension: &String| Some(format!("{dimension} {}", usage::group(cause, dimension)?));
    dimension.and_then(shown).unwrap_or_default()
}
