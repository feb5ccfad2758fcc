//! The reports of an organization as they are defined, and the questions about usage that they ask.

use std::collections::BTreeMap;

use jiff::civil;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::usage::Parameters;
use crate::book::Book;
use crate::ledger::calendar::Zone;
use crate::ledger::reports::schedule::{Period, Schedule};
use crate::ledger::reports::{Content, Report};

/// A report as it is defined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ReportState {
    /// Its name.
    pub id: String,
    /// To whom it goes.
    pub to: Vec<String>,
    /// Who does not want it any more.
    pub unsubscribed: Vec<String>,
    /// When.
    pub schedule: Value,
    /// Whose clocks count: its own zone, or the organization's.
    pub zone: String,
    /// What it holds.
    pub content: ContentState,
    /// What stands above it; null for something that tells the period.
    pub title: Option<String>,
    /// Whether it is sent by itself.
    pub enabled: bool,
}

/// What a report holds: a parameter with one value as a text, with more as an array.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ContentState(BTreeMap<String, Value>);

/// The reports of an organization by name; `None` for one that was never created.
#[must_use]
pub fn reports(book: &Book, org: &str) -> Option<Vec<ReportState>> {
    book.read(org, |slot| {
        slot.org
            .reports()
            .map(|(id, report)| state(id, report, &report.zone_in(slot.org.zone()).to_string()))
            .collect()
    })
}

fn state(id: &str, report: &Report, zone: &str) -> ReportState {
    let texts = |texts: &[Box<str>]| texts.iter().map(ToString::to_string).collect();
    ReportState {
        id: id.to_owned(),
        to: texts(&report.to),
        unsubscribed: texts(&report.unsubscribed),
        schedule: schedule(&report.schedule),
        zone: zone.to_owned(),
        content: ContentState::of(&report.content),
        title: report.title.as_deref().map(str::to_owned),
        enabled: report.enabled,
    }
}

fn schedule(schedule: &Schedule) -> Value {
    match schedule {
        Schedule::Week { on, at } => json!({ "every": "week", "on": on.to_string(), "at": at.to_string() }),
        Schedule::Month { on, at } => json!({ "every": "month", "on": on, "at": at.to_string() }),
        Schedule::Cycle { at } => json!({ "every": "cycle", "at": at.map(|at| at.to_string()) }),
    }
}

impl ContentState {
    fn of(content: &Content) -> ContentState {
        let shown = |name: &str, values: &[Box<str>]| match values {
            [one] if name != "group_by" => json!(one),
            all => json!(all),
        };
        let all = content.0.iter().map(|(name, values)| (name.to_string(), shown(name, values)));
        ContentState(all.collect())
    }
}

/// The parameters that choose a period; none where a report says itself which range it is about.
#[must_use]
pub fn within(report: &Report, period: Option<Period>) -> Vec<(String, String)> {
    if report.content.values("range").next().is_some() {
        return Vec::new();
    }
    let pair = |name: &str, value: String| (name.to_owned(), value);
    match period {
        Some(Period::Week(monday)) => {
            let next = monday.checked_add(jiff::Span::new().days(7)).unwrap_or(civil::Date::MAX);
            vec![pair("from", monday.to_string()), pair("to", next.to_string())]
        }
        Some(Period::Month(first)) => vec![pair("month", first.strftime("%Y-%m").to_string())],
        Some(Period::Cycle(number)) => vec![pair("cycle", number.to_string())],
        // No billing period has ended yet: the one that runs.
        None if matches!(report.schedule, Schedule::Cycle { .. }) => vec![pair("range", "cycle".to_owned())],
        None => Vec::new(),
    }
}

/// The question that a report asks about a range: its own where none is given.
#[must_use]
pub fn report_question(content: &Content, zone: Option<&Zone>, range: &[(String, String)]) -> Parameters {
    let own = content
        .0
        .iter()
        .flat_map(|(name, values)| values.iter().map(|value| (name.to_string(), value.to_string())));
    let own = own.filter(|(name, _)| range.is_empty() || name != "range");
    let zone = zone.into_iter().map(|zone| ("zone".to_owned(), zone.to_string()));
    Parameters::of_pairs(own.chain(zone).chain(range.iter().cloned()))
}
