//! What is told of running calls, and of those that were closed without their end, as JSON.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::time;
use crate::ledger::calls::CallNews;
use crate::ledger::charge::{Basis, Charge};
use crate::ledger::effect::Orphaned;
use crate::ledger::price::CreditType;
use crate::ledger::units::Credits;

/// The stable id of a message to calls: a replay tells it under the same one.
#[must_use]
pub fn call_message_id(org: &str, number: u64) -> String {
    format!("{org}.calls.{number}")
}

/// What calls are told, as a CloudEvent.
#[must_use]
pub fn call_news_json(org: &str, news: &CallNews) -> Value {
    let calls = news.calls.iter().map(|(source, id)| json!({ "source": source, "call_id": id }));
    let data = json!({
        "org": org,
        "credit_type": news.credit_type,
        "headroom": news.headroom,
        "seconds_left": news.seconds_left,
        "running": news.running,
        "calls": calls.collect::<Value>(),
        "position": news.position.to_string(),
    });
    message(org, news.number, news.news.slug(), (time::format(news.at), data))
}

/// That a call was closed without its end, as a CloudEvent.
#[must_use]
pub fn orphaned_json(org: &str, number: u64, orphaned: &Orphaned) -> Value {
    let data = json!({
        "org": org,
        "source": orphaned.source,
        "call_id": orphaned.id,
        "reason": orphaned.why.slug(),
        "answered_at": orphaned.answered.map(time::format),
        "duration_ms": orphaned.proven.0,
        "charged_seconds": orphaned.charge.as_ref().map_or(0, billed_seconds),
        "credits": orphaned.charge.as_ref().map(amounts).unwrap_or_default(),
        "position": orphaned.position.to_string(),
    });
    message(org, number, "orphaned", (time::format(orphaned.at), data))
}

fn message(org: &str, number: u64, kind: &str, (time, data): (String, Value)) -> Value {
    json!({
        "specversion": "1.0",
        "type": format!("creditd.call.{kind}.v1"),
        "source": "creditd",
        "subject": org,
        "id": call_message_id(org, number),
        "time": time,
        "datacontenttype": "application/json",
        "data": data,
    })
}

/// The seconds that were billed of a call; none where it is not priced by the minute.
fn billed_seconds(charge: &Charge) -> u64 {
    let billed = charge.lines.iter().filter_map(|line| match line.basis {
        Basis::PerMinute { billed_seconds, .. } => Some(billed_seconds),
        Basis::PerAction { .. } | Basis::PerUnits { .. } | Basis::Unmetered { .. } => None,
    });
    billed.max().unwrap_or(0)
}

/// What was charged, by kind of credits.
fn amounts(charge: &Charge) -> BTreeMap<CreditType, Credits> {
    charge.lines.iter().map(|line| (line.credit_type, charge.amount(line.credit_type))).collect()
}
