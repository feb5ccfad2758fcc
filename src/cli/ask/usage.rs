//! `creditd usage`: what was used, by whom and for what.

use std::path::Path;

use serde_json::Value;

use super::listing::{self, Column};
use super::range::Range;
use super::{Asking, Page, Pair, Where};
use crate::cli::Failure;

/// Add up what an organization used, in any range of time, by whom and for what.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// The organization.
    org: String,
    #[command(flatten)]
    of: Of,
    #[command(flatten)]
    page: Page,
    #[command(flatten)]
    asking: Asking,
}

/// By what usage can be chosen.
pub(super) const DIMENSIONS: [&str; 9] =
    ["account", "entity_type", "entity", "user", "team", "feature", "action", "credit_type", "grant_kind"];

/// What is asked of usage.
#[derive(Debug, clap::Args)]
pub(super) struct Of {
    /// A line for each: up to three of account, entity_type, entity, user, team, feature, action, credit_type and grant_kind.
    #[arg(short = 'b', long = "by", value_name = "DIMENSION", value_delimiter = ',')]
    group_by: Vec<String>,
    #[command(flatten)]
    range: Range,
    /// A line for each hour, day, week or month.
    #[arg(short, long)]
    interval: Option<String>,
    /// Compare with the previous_period or the previous_year.
    #[arg(long)]
    compare: Option<String>,
    /// By what the lines are put in order, such as -credits or name.
    #[arg(long, allow_hyphen_values = true)]
    sort: Option<String>,
    /// Only lines with that in an id or a name.
    #[arg(long)]
    search: Option<String>,
    #[command(flatten)]
    only: Where,
}

impl Of {
    pub(super) fn pairs(&self) -> Result<Vec<Pair>, Failure> {
        let mut pairs = super::named(&self.only, &DIMENSIONS)?;
        let by = (!self.group_by.is_empty()).then(|| self.group_by.join(","));
        let texts = [
            ("group_by", &by),
            ("interval", &self.interval),
            ("compare", &self.compare),
            ("sort", &self.sort),
            ("search", &self.search),
        ];
        pairs.extend(self.range.pairs());
        pairs.extend(texts.into_iter().filter_map(|(name, text)| Some((name, text.clone()?))));
        Ok(pairs)
    }
}

pub(in crate::cli) fn run(file: Option<&Path>, arguments: &Arguments) -> Result<(), Failure> {
    let mut pairs = arguments.of.pairs()?;
    pairs.extend(arguments.page.pairs());
    let path = ["v1", "orgs", &arguments.org, "usage"];
    arguments.asking.tell_all(file, &path, &pairs, |answer| (rows(answer), columns(answer)))
}

/// A row for each group, or each point of each, and the totals last where there are several.
pub(super) fn rows(answer: &Value) -> Vec<Value> {
    let mut groups = listing::rows(answer).to_vec();
    if groups.len() != 1 {
        groups.push(answer["totals"].clone());
    }
    groups.iter().flat_map(points).collect()
}

fn points(line: &Value) -> Vec<Value> {
    let Some(points) = line.get("series").and_then(Value::as_array) else { return vec![line.clone()] };
    let with_group = |point: &Value| {
        let mut point = point.clone();
        point["group"] = line["group"].clone();
        point
    };
    points.iter().map(with_group).collect()
}

/// The columns of an answer: its dimensions, then figures.
pub(super) fn columns(answer: &Value) -> Vec<Column> {
    let mut columns = Vec::new();
    for (place, dimension) in
        answer["group_by"].as_array().into_iter().flatten().filter_map(Value::as_str).enumerate()
    {
        let (title, name) = (dimension.to_owned(), dimension.to_owned());
        let of_totals = if place == 0 { "total" } else { "" };
        columns
            .push(Column::text(title, move |row| group(row, &name).unwrap_or_else(|| of_totals.to_owned())));
    }
    columns.push(Column::at("from", "/from"));
    let kinds = answer.pointer("/totals/credits").and_then(Value::as_object);
    for kind in kinds.into_iter().flatten().map(|(kind, _)| kind.clone()) {
        let place = format!("/credits/{kind}");
        columns.push(Column::number(kind, move |row| listing::at(row, &place)));
    }
    if !answer["compared_with"].is_null() {
        columns.push(Column::number_at("before", "/compared/before/credits"));
        columns.push(Column::number_at("difference", "/compared/difference/credits"));
        columns.push(Column::number_at("percent", "/compared/percent/credits"));
    }
    columns.extend([
        Column::number_at("quantity", "/quantity"),
        Column::number("made", |row| none_for_zero(row, "/calls_made")),
        Column::number("received", |row| none_for_zero(row, "/calls_received")),
        Column::number("billed s", |row| none_for_zero(row, "/billed_seconds")),
        Column::number_at("charges", "/charges"),
    ]);
    columns
}

fn none_for_zero(row: &Value, place: &str) -> String {
    Some(listing::at(row, place)).filter(|text| text != "0").unwrap_or_default()
}

/// A group's value in one dimension: by its name where that is known. The totals have none.
pub(super) fn group(row: &Value, dimension: &str) -> Option<String> {
    let group = row.get("group").filter(|group| !group.is_null())?;
    Some(match &group[dimension] {
        Value::Null => "–".to_owned(),
        Value::Object(named) => {
            let part = |name: &str| named.get(name).and_then(Value::as_str);
            let id = [part("type"), part("id")].into_iter().flatten().collect::<Vec<_>>().join("/");
            part("name").map_or(id.clone(), |name| format!("{name} ({id})"))
        }
        other => listing::shown(other),
    })
}
