//! Recharges, names, burn and alerts as the daemon tells them, in the words of the accountant.

use std::collections::BTreeMap;

use creditd::ledger::effect::Effect;
use creditd::wire;
use serde_json::Value;

use crate::books::limit_alert;
use crate::model::fields::{Object, rfc3339, signed_amount};
use crate::model::names::{Row, Who};
use crate::model::report::further::{BurnReport, CapReport, Further, RechargeReport};
use crate::model::watch::Alert;
use crate::model::{Instant, Micros};

/// An alert as it leaves; none of an effect that is no alert.
pub fn alert_json(org: &str, effect: &Effect) -> Option<Value> {
    match effect {
        Effect::LowBalance(alert) => Some(wire::alert_json(org, alert)),
        Effect::Limit(alert) => Some(wire::limit_alert_json(org, alert)),
        Effect::Recharge(alert) => Some(wire::recharge_alert_json(org, alert)),
        Effect::Notice(notice) => Some(wire::notice_json(org, notice)),
        // These are in the history, or said to switches.
        Effect::Moved(_)
        | Effect::Calls(_)
        | Effect::Orphaned(_)
        | Effect::OrphanReturned(_)
        | Effect::WebhooksChanged
        | Effect::ReportsChanged => None,
    }
}

/// The ids of what an alert tells: each threshold has its own. Of a limit, what is in the alert.
pub fn ids(effect: &Effect, alert: &Value) -> Vec<String> {
    if let Effect::Limit(alert) = effect {
        return vec![limit_alert(alert).short()];
    }
    let id = |of: &Value| of["id"].as_str().unwrap_or_default().to_string();
    match alert["data"]["crossed"].as_array() {
        Some(crossed) => crossed.iter().map(id).collect(),
        None => vec![id(alert)],
    }
}

/// An alert of thresholds.
pub fn low_balance(org: &str, effect: &Effect, alert: &Value) -> Alert {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    let (id, credit_type) = (text(&alert["id"]), text(&alert["data"]["credit_type"]));
    let rule = id.strip_prefix(&format!("{org}.{credit_type}.")).and_then(|rest| rest.rsplit_once('.'));
    let position = text(&alert["data"]["position"]);
    let (seq, item) = position.split_once('.').unwrap();
    Alert {
        rule: rule.unwrap().0.to_string(),
        crossed: ids(effect, alert),
        at: rfc3339(&text(&alert["time"])).unwrap(),
        position: Some((seq.parse().unwrap(), item.parse().unwrap())),
        id,
        credit_type,
    }
}

/// What the state of an organization says.
pub fn further(state: &Value) -> Further {
    Further {
        recharges: rows(&state["recharges"]).map(recharge).collect(),
        name: state["names"]["name"].as_str().map(str::to_string),
        names: names(&state["names"]),
        burn: rows(&state["balances"]).map(burn).collect(),
    }
}

/// What says nothing is not there; what was taken away the daemon may still show.
pub fn alike(mut found: Further, expected: &mut Further) -> Further {
    for of in [&mut found, expected] {
        of.burn.retain(|_, burn| *burn != BurnReport::default());
    }
    found.recharges.retain(|credit_type, _| expected.recharges.contains_key(credit_type));
    found
}

fn rows(list: &Value) -> impl Iterator<Item = &Object> {
    list.as_array().into_iter().flatten().filter_map(Value::as_object)
}

fn named(row: &Object, field: &str) -> String {
    row[field].as_str().unwrap_or_default().to_string()
}

fn micros(row: &Object, field: &str) -> Micros {
    signed_amount(row, field).unwrap().unwrap_or_default()
}

fn recharge(row: &Object) -> (String, RechargeReport) {
    let words = named(row, "state");
    let (state, instant) = match words.rsplit_once(' ').map(|(state, last)| (state, rfc3339(last))) {
        Some((state, Ok(instant))) => (state.to_string(), Some(instant)),
        // A window for life never ends.
        _ if words.starts_with("capped") => ("capped until".to_string(), None),
        _ => (words.clone(), None),
    };
    let cap = |cap: &Object| {
        let resets = cap.get("resets_at").and_then(Value::as_str).map(|at| rfc3339(at).unwrap());
        let times = cap["used_times"].as_i64().unwrap_or_default().into();
        (named(cap, "window"), CapReport { credits: micros(cap, "used_credits"), times, resets })
    };
    let failures = row["failures"].as_u64().unwrap_or_default();
    let failures = u32::try_from(failures).unwrap();
    let caps = rows(&row["caps"]).map(cap).collect();
    (named(row, "credit_type"), RechargeReport { state, instant, failures, caps })
}

fn burn(row: &Object) -> (String, BurnReport) {
    let nothing = Object::new();
    let burn = row.get("burn").and_then(Value::as_object).unwrap_or(&nothing);
    let hours = burn.get("hours").and_then(Value::as_i64).unwrap_or_default();
    let report = BurnReport { sum: micros(burn, "sum").max(0), hours, running: micros(burn, "running") };
    (named(row, "credit_type"), report)
}

fn names(names: &Value) -> BTreeMap<Who, Row> {
    let mut all = BTreeMap::new();
    all.extend(rows(&names["accounts"]).map(|row| (Who::Account(named(row, "id")), facts(row))));
    all.extend(rows(&names["teams"]).map(|row| (Who::Team(named(row, "id")), facts(row))));
    all.extend(rows(&names["users"]).map(|row| (Who::User(named(row, "id")), facts(row))));
    let entity = |row: &Object| Who::Entity(named(row, "type"), named(row, "id"));
    all.extend(rows(&names["entities"]).map(|row| (entity(row), facts(row))));
    all
}

fn facts(row: &Object) -> Row {
    let mut facts = Row::new();
    for field in ["name", "team", "account", "status", "planned_action", "link", "planned_quantity"] {
        let fact = row.get(field).filter(|fact| !fact.is_null());
        facts.extend(fact.map(|fact| (field, fact.as_str().map_or(fact.to_string(), str::to_string))));
    }
    for field in ["start", "end"] {
        let at: Option<Instant> = row.get(field).and_then(Value::as_str).map(|at| rfc3339(at).unwrap());
        facts.extend(at.map(|at| (field, at.to_string())));
    }
    facts
}
