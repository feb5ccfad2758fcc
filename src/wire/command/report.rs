//! Reports, as commands ask for them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::org::zone;
use super::{invalid, read};
use crate::ledger::entry::Command;
use crate::ledger::quiet::Minute;
use crate::ledger::rejection::Rejection;
use crate::ledger::reports::schedule::{Schedule, Weekday};
use crate::ledger::reports::{
    Content, DIMENSIONS, MOST_GROUPED, MOST_RECIPIENTS, OTHER_CONTENT, ReportOrder, Unsubscription,
};
use crate::wire::mail::mail_address;
use crate::wire::text::LONGEST_TEXT;
use crate::wire::webhook::is_name;

/// The most values by which one dimension is chosen.
const MOST_VALUES: usize = 100;
/// The longest title, in bytes.
const LONGEST_TITLE: usize = 200;

/// What is said of a report.
#[derive(Clone, Copy)]
pub(super) enum AboutReport {
    Put,
    Remove,
    Unsubscribe,
}

impl AboutReport {
    pub(super) fn of(kind: &str) -> Option<AboutReport> {
        match kind {
            "creditd.report.put.v1" | "report.put" => Some(AboutReport::Put),
            "creditd.report.remove.v1" | "report.remove" => Some(AboutReport::Remove),
            "creditd.report.unsubscribe.v1" | "report.unsubscribe" => Some(AboutReport::Unsubscribe),
            _ => None,
        }
    }

    /// Reads what the command says.
    pub(super) fn read(self, data: Map<String, Value>) -> Result<Command, Rejection> {
        match self {
            AboutReport::Put => read::<WrittenReport>(data)?.check().map(Box::new).map(Command::PutReport),
            AboutReport::Remove => read::<WrittenReportRemoval>(data)?.check().map(Command::RemoveReport),
            AboutReport::Unsubscribe => {
                read::<WrittenUnsubscription>(data)?.check().map(Command::Unsubscribe)
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenReport {
    id: Box<str>,
    to: Vec<Box<str>>,
    #[serde(default)]
    resubscribe: Option<Vec<Box<str>>>,
    schedule: WrittenSchedule,
    #[serde(default)]
    zone: Option<String>,
    #[serde(default)]
    content: Option<Map<String, Value>>,
    #[serde(default)]
    title: Option<Box<str>>,
    #[serde(default)]
    enabled: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSchedule {
    every: String,
    #[serde(default)]
    on: Option<Value>,
    #[serde(default)]
    at: Option<String>,
}

impl WrittenReport {
    fn check(self) -> Result<ReportOrder, Rejection> {
        let WrittenReport { id, to, resubscribe, schedule, zone: named, content, title, enabled } = self;
        if !(1..=MOST_RECIPIENTS).contains(&to.len()) {
            let why = format!("{} addresses; write 1 to {MOST_RECIPIENTS}", to.len());
            return Err(invalid("to", why));
        }
        Ok(ReportOrder {
            id: checked(id)?,
            to: addresses("to", to)?,
            resubscribe: addresses("resubscribe", resubscribe.unwrap_or_default())?,
            schedule: schedule.check()?,
            zone: named.map(|name| zone("zone", &name)).transpose()?,
            content: content.map_or_else(|| Ok(Content::default()), check_content)?,
            title: title.map(check_title).transpose()?,
            enabled: enabled.unwrap_or(true),
        })
    }
}

impl WrittenSchedule {
    fn check(self) -> Result<Schedule, Rejection> {
        let at = self.at.map(|text| minute(&text)).transpose()?;
        let due =
            || at.ok_or_else(|| invalid("schedule.at", "it is missing; write a time such as \"08:00\""));
        match (self.every.as_str(), self.on) {
            ("week", on) => Ok(Schedule::Week { on: weekday(on)?, at: due()? }),
            ("month", on) => Ok(Schedule::Month { on: day(on)?, at: due()? }),
            ("cycle", None | Some(Value::Null)) => Ok(Schedule::Cycle { at }),
            ("cycle", Some(on)) => Err(invalid(
                "schedule.on",
                format!("it is {on}, and a cycle ends on a day of its own; leave it out"),
            )),
            (other, _) => {
                let shown: String = other.chars().take(40).collect();
                Err(invalid(
                    "schedule.every",
                    format!("{shown:?} is none; write \"week\", \"month\" or \"cycle\""),
                ))
            }
        }
    }
}

fn minute(text: &str) -> Result<Minute, Rejection> {
    Minute::parse(text).ok_or_else(|| {
        let shown: String = text.chars().take(40).collect();
        let why = format!("{shown:?} is not a time of day; write one from \"00:00\" to \"23:59\"");
        invalid("schedule.at", why)
    })
}

fn weekday(on: Option<Value>) -> Result<Weekday, Rejection> {
    let on = on.unwrap_or_default();
    on.as_str().and_then(Weekday::named).ok_or_else(|| {
        let shown: String = on.to_string().chars().take(40).collect();
        let why = format!("{shown} is no day of the week; write one of {}", Weekday::NAMES.join(", "));
        invalid("schedule.on", why)
    })
}

fn day(on: Option<Value>) -> Result<u8, Rejection> {
    let on = on.unwrap_or_default();
    let day = on.as_u64().filter(|day| (1..=31).contains(day)).and_then(|day| u8::try_from(day).ok());
    day.ok_or_else(|| {
        let shown: String = on.to_string().chars().take(40).collect();
        let why =
            format!("{shown} is no day of the month; write 1 to 31, which is the last day of shorter months");
        invalid("schedule.on", why)
    })
}

fn addresses(field: &'static str, given: Vec<Box<str>>) -> Result<Vec<Box<str>>, Rejection> {
    let mut all: Vec<Box<str>> = Vec::new();
    for address in given {
        mail_address(&address).map_err(|error| invalid(field, error.to_string()))?;
        if !all.iter().any(|known| known.eq_ignore_ascii_case(&address)) {
            all.push(address);
        }
    }
    Ok(all)
}

fn check_title(title: Box<str>) -> Result<Box<str>, Rejection> {
    if title.trim().is_empty() || title.len() > LONGEST_TITLE || title.chars().any(char::is_control) {
        let why =
            format!("it has {} bytes; write 1 to {LONGEST_TITLE} in one line, or leave it out", title.len());
        return Err(invalid("title", why));
    }
    Ok(title)
}

fn check_content(content: Map<String, Value>) -> Result<Content, Rejection> {
    let mut checked = BTreeMap::new();
    for (name, value) in content {
        let values = texts(&name, &value)?;
        let values = match OTHER_CONTENT.iter().find(|(known, _)| **known == *name) {
            Some((_, possible)) => one_of(&name, values, possible)?,
            None if name == "group_by" => grouping(values)?,
            None if DIMENSIONS.contains(&&*name) => values,
            None => {
                let shown: String = name.chars().take(40).collect();
                let others = OTHER_CONTENT.map(|(name, _)| name).join(", ");
                let why = format!(
                    "{shown:?} is not part of it; there are group_by, {others}, and to choose by: {}",
                    DIMENSIONS.join(", ")
                );
                return Err(invalid("content", why));
            }
        };
        if !values.is_empty() {
            checked.insert(name.into_boxed_str(), values);
        }
    }
    Ok(Content(checked))
}

/// A text, or several.
fn texts(name: &str, value: &Value) -> Result<Vec<Box<str>>, Rejection> {
    let read = match value {
        Value::Null => Some(Vec::new()),
        Value::String(text) => Some(vec![text.as_str().into()]),
        Value::Array(values) => values.iter().map(|value| value.as_str().map(Box::from)).collect(),
        _ => None,
    };
    let sound = |values: &Vec<Box<str>>| {
        values.len() <= MOST_VALUES && values.iter().all(|value| value.len() <= LONGEST_TEXT)
    };
    read.filter(sound).ok_or_else(|| {
        let shown: String = value.to_string().chars().take(80).collect();
        let why = format!(
            "{name} is {shown}; write a text of at most {LONGEST_TEXT} bytes, or an array of at most {MOST_VALUES}"
        );
        invalid("content", why)
    })
}

fn one_of(name: &str, values: Vec<Box<str>>, possible: &[&str]) -> Result<Vec<Box<str>>, Rejection> {
    let bad = values.iter().find(|value| !possible.is_empty() && !possible.contains(&&***value));
    match bad {
        None if values.len() <= 1 => Ok(values),
        None => Err(invalid("content", format!("{name} is there more than once; write it once"))),
        Some(bad) => {
            let shown: String = bad.chars().take(40).collect();
            let why = format!("{name} is {shown:?}; write one of {}, or leave it out", possible.join(", "));
            Err(invalid("content", why))
        }
    }
}

fn grouping(values: Vec<Box<str>>) -> Result<Vec<Box<str>>, Rejection> {
    let names = values.iter().flat_map(|names| names.split(',')).filter(|name| !name.is_empty());
    let names: Vec<Box<str>> = names.map(Box::from).collect();
    if let Some(bad) = names.iter().find(|name| !DIMENSIONS.contains(&&***name)) {
        let shown: String = bad.chars().take(40).collect();
        let why = format!("group_by is {shown:?}; write up to {MOST_GROUPED} of {}", DIMENSIONS.join(", "));
        return Err(invalid("content", why));
    }
    let twice =
        names.iter().enumerate().any(|(place, name)| names.iter().take(place).any(|known| known == name));
    if twice || names.len() > MOST_GROUPED {
        let why = format!("group_by is {}; write up to {MOST_GROUPED}, each once", names.join(", "));
        return Err(invalid("content", why));
    }
    Ok(names)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenReportRemoval {
    id: Box<str>,
}

impl WrittenReportRemoval {
    fn check(self) -> Result<Box<str>, Rejection> {
        checked(self.id)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenUnsubscription {
    id: Box<str>,
    address: Box<str>,
}

impl WrittenUnsubscription {
    fn check(self) -> Result<Unsubscription, Rejection> {
        let WrittenUnsubscription { id, address } = self;
        mail_address(&address).map_err(|error| invalid("address", error.to_string()))?;
        Ok(Unsubscription { id: checked(id)?, address })
    }
}

fn checked(id: Box<str>) -> Result<Box<str>, Rejection> {
    if is_name(&id) {
        return Ok(id);
    }
    let shown: String = id.chars().take(80).collect();
    let why = format!("{shown:?} is not the name of a report: write 1 to 64 of A-Z, a-z, 0-9, - and _");
    Err(invalid("id", why))
}

#[cfg(test)]
mod tests;
