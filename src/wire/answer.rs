//! The ledger's answers as JSON: outcomes, charges with their explanation, alerts.

use serde_json::{Map, Value, json};

use super::time;
use super::webhook::without_secrets;
use crate::ledger::alerts::{Crossing, Threshold};
use crate::ledger::catalog::{CardIndex, Catalog, PlanIndex};
use crate::ledger::charge::{Basis, Charge, Line, Source};
use crate::ledger::effect::{LowBalance, Outcome};
use crate::ledger::movement::Movement;
use crate::ledger::price::{CreditType, Direction};
use crate::ledger::rejection::Rejection;
use crate::ledger::units::{Position, Timestamp};

/// What became of an item, for the one who sent it.
#[must_use]
pub fn outcome_json(position: Position, outcome: &Outcome) -> Value {
    let position = position.to_string();
    match outcome {
        Outcome::Charged(charge) => {
            let mut told = json!({ "status": "accepted", "position": position, "credits": amounts(charge) });
            if let (Some(object), false) = (told.as_object_mut(), charge.past_limits().is_empty()) {
                object.insert("past_limits".to_owned(), json!(charge.past_limits()));
            }
            told
        }
        Outcome::Voided(voided) => {
            let target = voided.target.map(|target| target.to_string());
            json!({ "status": "accepted", "position": position, "voids": target })
        }
        Outcome::Done => json!({ "status": "accepted", "position": position }),
        Outcome::Duplicate { of } => {
            json!({ "status": "duplicate", "position": position, "duplicate_of": of.to_string() })
        }
        Outcome::Rejected(rejection) => rejection_json(position, rejection),
        Outcome::Noted | Outcome::Contained | Outcome::Needs(_) => {
            json!({ "status": "accepted", "position": position })
        }
    }
}

fn rejection_json(position: String, rejection: &Rejection) -> Value {
    json!({
        "status": "rejected",
        "position": position,
        "reason": rejection.reason,
        "field": rejection.field,
        "detail": rejection.detail,
    })
}

/// The credits of each kind that a charge took.
fn amounts(charge: &Charge) -> Map<String, Value> {
    let mut kinds: Vec<CreditType> = charge.lines.iter().map(|line| line.credit_type).collect();
    kinds.dedup();
    kinds.into_iter().map(|kind| (kind.to_string(), json!(charge.amount(kind)))).collect()
}

/// A charge with everything that explains it: plan, rate card, each line in words, and what paid.
///
/// `grant` names a grant by its kind of credits and number.
#[must_use]
pub fn charge_json(
    charge: &Charge,
    catalog: &Catalog,
    grant: impl Fn(CreditType, u32) -> Option<String>,
) -> Value {
    let plan = catalog.plan(charge.plan.0).map(|plan| &*plan.id);
    let card = catalog.card(charge.card.0).map(|card| &*card.id);
    let lines: Vec<Value> = charge.lines.iter().map(line_json).collect();
    let draws: Vec<Value> = charge
        .draws
        .iter()
        .map(|draw| match draw.from {
            Source::Grant(number) => {
                let name = grant(draw.credit_type, number);
                json!({ "credit_type": draw.credit_type, "amount": draw.amount, "grant": name })
            }
            Source::Overage => {
                json!({ "credit_type": draw.credit_type, "amount": draw.amount, "overage": true })
            }
        })
        .collect();
    json!({
        "rated_at": time::format(charge.rated_at),
        "plan": version_json::<PlanIndex>(plan, charge.plan),
        "rate_card": version_json::<CardIndex>(card, charge.card),
        "credits": amounts(charge),
        "lines": lines,
        "paid_by": draws,
        "past_limits": charge.past_limits(),
    })
}

fn version_json<T>(id: Option<&str>, (_, version): (T, u32)) -> Value {
    json!({ "id": id, "version": version })
}

fn line_json(line: &Line) -> Value {
    json!({
        "credit_type": line.credit_type,
        "amount": line.amount,
        "because": because(&line.basis),
        "rounding": rounding(&line.basis),
        "figures": figures(&line.basis),
        "own_price": line.own_price,
    })
}

/// Where an amount was rounded, in words.
fn rounding(basis: &Basis) -> &'static str {
    match basis {
        Basis::Unmetered { .. } | Basis::PerAction { .. } => "none",
        Basis::PerUnits { started: false, .. } => "half up to a micro-credit, once",
        Basis::PerUnits { started: true, .. } => "what was used up to whole units",
        Basis::PerMinute { .. } => {
            "the seconds up to whole increments, the price half up to a micro-credit, once"
        }
    }
}

/// What an amount was reckoned from.
fn figures(basis: &Basis) -> Value {
    match basis {
        Basis::Unmetered { quantity, duration, direction } => {
            json!({ "quantity": quantity, "duration_ms": duration.0, "direction": direction })
        }
        Basis::PerAction { each, quantity } => json!({ "each": each, "quantity": quantity }),
        Basis::PerUnits { price, units, started, quantity } => {
            json!({ "price": price, "units": units, "started": started, "quantity": quantity })
        }
        Basis::PerMinute { rate, prefix, direction, increment, duration, billed_seconds, minimum } => json!({
            "direction": direction,
            "destination_digits": prefix,
            "increment": increment.to_string(),
            "duration_ms": duration.0,
            "billed_seconds": billed_seconds,
            "per_minute": rate.per_minute,
            "connect_fee": rate.connect_fee,
            "minimum": minimum,
        }),
    }
}

/// Why an amount is what it is, in words.
fn because(basis: &Basis) -> String {
    match basis {
        Basis::Unmetered { .. } => "the plan is not metered".to_owned(),
        Basis::PerAction { each, quantity } => format!("{quantity} × {each}"),
        Basis::PerUnits { price, units, started: false, quantity } => {
            format!("{price} per {units}, {quantity} used, rounded half up to a micro-credit")
        }
        Basis::PerUnits { price, units, started: true, quantity } => {
            format!("{price} for every {units} begun, {quantity} used")
        }
        Basis::PerMinute { billed_seconds: 0, .. } => "not answered, or no time at all: free".to_owned(),
        Basis::PerMinute { rate, prefix, direction, increment, duration, billed_seconds, minimum } => {
            let direction = match direction {
                Direction::Inbound => "inbound",
                Direction::Outbound => "outbound",
            };
            let by = if *prefix == 0 {
                String::new()
            } else {
                format!(" (destination prefix of {prefix} digits)")
            };
            format!(
                "{direction}{by}: {} ms billed as {billed_seconds} s at {increment}, {} a minute, connect fee {}, at least {minimum}",
                duration.0, rate.per_minute, rate.connect_fee
            )
        }
    }
}

/// The stable id of a threshold crossed: a replay crosses it under the same one. The alert has that of the worst.
#[must_use]
pub fn alert_id(org: &str, credit_type: CreditType, crossing: Crossing) -> String {
    format!("{org}.{credit_type}.{}.{}", crossing.threshold, crossing.nth)
}

/// A low-balance alert as a CloudEvent: the worst threshold that was crossed, and all of them.
#[must_use]
pub fn alert_json(org: &str, alert: &LowBalance) -> Value {
    let id = |crossing| alert_id(org, alert.credit_type, crossing);
    let crossed = alert.crossings().map(|crossing| {
        let threshold = threshold_json(crossing.threshold);
        json!({ "id": id(crossing), "threshold": threshold, "nth": crossing.nth })
    });
    let crossed: Vec<Value> = crossed.collect();
    json!({
        "specversion": "1.0",
        "type": "creditd.alert.balance_low.v1",
        "source": "creditd",
        "subject": org,
        "id": id(alert.crossing),
        "time": time::format(alert.at),
        "datacontenttype": "application/json",
        "data": {
            "org": org,
            "credit_type": alert.credit_type,
            "threshold": threshold_json(alert.crossing.threshold),
            "nth": alert.crossing.nth,
            "crossed": crossed,
            "available": alert.level,
            "total": alert.total,
            "position": alert.position.to_string(),
        },
    })
}

fn threshold_json(threshold: Threshold) -> Value {
    match threshold {
        Threshold::Percent(percent) => json!({ "below_percent": percent }),
        Threshold::Amount(amount) => json!({ "below": amount }),
    }
}

/// The most of a refused item that is shown, in bytes.
const MOST_SHOWN: usize = 16_384;

/// A refused item as a CloudEvent: what was wrong, where it stood, and what it said. Without a subject that of the
/// CloudEvent is null, which means that there is none; an empty one is not allowed.
#[must_use]
pub fn rejected_json(
    id: &str,
    subject: Option<&str>,
    position: Option<Position>,
    item: &str,
    at: Timestamp,
    rejection: &Rejection,
) -> Value {
    // The text of a secret that was refused for its form cannot be told from the rest.
    let mut item = if rejection.field == "secret" { String::new() } else { without_secrets(item) };
    let whole = item.len() <= MOST_SHOWN;
    if !whole {
        let end = (0..=MOST_SHOWN).rev().find(|end| item.is_char_boundary(*end)).unwrap_or(0);
        item.truncate(end);
    }
    json!({
        "specversion": "1.0",
        "type": "creditd.rejected.v1",
        "source": "creditd",
        "subject": subject,
        "id": id,
        "time": time::format(at),
        "datacontenttype": "application/json",
        "data": {
            "reason": rejection.reason,
            "field": rejection.field,
            "detail": rejection.detail,
            "position": position.map(|position| position.to_string()),
            "item": item,
            "item_is_whole": whole,
        },
    })
}

/// Credits that came or went other than by an event.
#[must_use]
pub fn movement_json(org: &str, movement: &Movement) -> Value {
    let Movement { at, due: _, credit_type, kind, grant, amount, note, adjustment: _ } = movement;
    json!({
        "org": org,
        "at": time::format(*at),
        "credit_type": credit_type,
        "kind": kind,
        "grant": grant.as_ref().map(|(_, name)| name),
        "amount": amount,
        "reason": note.as_ref().and_then(|note| note.reason.as_deref()),
        "by": note.as_ref().and_then(|note| note.by.as_deref()),
    })
}
