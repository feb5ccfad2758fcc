//! The independent accountant reads the scenarios too: what becomes of each item, and what they say of
//! figures, recharges, names, the burn and alerts, it must find.

use std::collections::BTreeMap;

use creditd::ledger::units::Timestamp;
use creditd::wire::{Subject, time};
use serde_json::{Value, json};

use super::expectation::Answer;
use super::model::fields::show;
use super::model::names::Who;
use super::model::report::Balance;
use super::model::report::further::{Further, RechargeReport};
use super::model::{Instant, Model, Outcome, Record};
use super::script::{Act, Ends, Script};

/// Where the accountant finds something else than a scenario says.
pub(crate) fn differs(script: &Script) -> Vec<String> {
    let (mut model, mut seen, mut wrong) = (Model::new(), BTreeMap::new(), Vec::new());
    for (seq, step) in (1..).zip(&script.steps) {
        let (subject, payload) = match &step.act {
            Act::Send { subject, item, .. } => (subject.clone(), item.to_string().into_bytes()),
            Act::Look { .. } | Act::Pass => (Subject::Tick.to_string(), Vec::new()),
        };
        let record = Record { seq, at: step.at.micros(), subject, headers: Vec::new(), payload };
        let outcomes = model.apply(&record);
        if let Act::Send { ends, .. } = &step.act
            && !ended(ends, &outcomes)
        {
            wrong.push(format!("line {}: {ends:?} was expected; it came to {outcomes:?}", step.line));
        }
        model.report(step.at.micros());
        if let Act::Look { org, facts } = &step.act {
            let alerts = alerts(&mut model, org, &mut seen);
            let state = state(&mut model, org);
            let answer = Answer { balance: &Value::Null, state: &state, alerts: &alerts };
            let further = facts.iter().filter(|fact| fact.is_further());
            let differ = further.filter_map(|fact| fact.differs(org, &answer));
            wrong.extend(differ.map(|why| format!("line {}: {why}", step.line)));
        }
    }
    wrong
}

fn ended(ends: &Ends, outcomes: &[Outcome]) -> bool {
    match (ends, outcomes) {
        (Ends::Accepted, [Outcome::Charged | Outcome::Voided | Outcome::Accepted])
        | (Ends::Costs(_), [Outcome::Charged | Outcome::Voided])
        | (Ends::Noted, [Outcome::Noted])
        | (Ends::Duplicate, [Outcome::Duplicate]) => true,
        (Ends::Rejected { reason, .. }, [Outcome::Rejected(found)]) => reason == found,
        _ => false,
    }
}

fn at(instant: Instant) -> String {
    time::format(Timestamp::from_micros(instant))
}

/// The alerts of an organization since this was asked about anybody.
fn alerts(model: &mut Model, org: &str, seen: &mut BTreeMap<String, (usize, usize)>) -> Vec<Value> {
    let mut alerts = Vec::new();
    for (name, books) in model.report(0).orgs {
        let (low, others) = (books.alerts, model.notices_of(&name));
        let known = seen.insert(name.clone(), (low.len(), others.len())).unwrap_or_default();
        if name != org {
            continue;
        }
        for alert in &low[known.0..] {
            let crossed: Vec<Value> = alert.crossed.iter().map(|id| json!({ "id": id })).collect();
            alerts
                .push(json!({ "id": alert.id, "type": "creditd.alert.balance_low.v1", "time": at(alert.at),
                                "data": { "crossed": crossed } }));
        }
        for notice in &others[known.1..] {
            let amount = model.amount_of(&name, &notice.id).map(show);
            alerts.push(json!({ "id": notice.id, "time": at(notice.at), "data": { "amount": amount } }));
        }
    }
    alerts
}

fn state(model: &mut Model, org: &str) -> Value {
    let further = model.further_of(org, 0).unwrap_or_default();
    let recharges: Vec<Value> = further.recharges.iter().map(|(kind, of)| recharge(kind, of)).collect();
    let mut types = BTreeMap::new();
    for (credit_type, balance) in model.sums_of(org, 0).unwrap_or_default().credits {
        types.insert(credit_type.clone(), figures(&credit_type, &balance));
    }
    for (credit_type, burn) in &further.burn {
        let of_type = types.entry(credit_type.clone()).or_insert(json!({ "credit_type": credit_type }));
        of_type["burn"] =
            json!({ "sum": show(burn.sum), "hours": burn.hours, "running": show(burn.running) });
    }
    let types: Vec<Value> = types.into_values().collect();
    json!({ "recharges": recharges, "balances": types, "names": names(&further) })
}

fn figures(credit_type: &str, balance: &Balance) -> Value {
    let mut figures = json!({ "credit_type": credit_type });
    for (name, amount) in balance.rows() {
        figures[if name == "outstanding" { "owed" } else { name }] = json!(show(amount));
    }
    figures["settled"] = json!(show(balance.available + balance.pending));
    figures
}

fn recharge(credit_type: &str, of: &RechargeReport) -> Value {
    let words = of.instant.map_or(of.state.clone(), |instant| format!("{} {}", of.state, at(instant)));
    let caps = of.caps.iter().map(|(window, cap)| {
        json!({ "window": window, "used_credits": show(cap.credits), "used_times": i64::try_from(cap.times).unwrap_or(i64::MAX),
                "resets_at": cap.resets.map(at) })
    });
    let caps: Vec<Value> = caps.collect();
    json!({ "credit_type": credit_type, "state": words, "failures": of.failures, "caps": caps })
}

fn names(further: &Further) -> Value {
    let mut names = json!({ "name": further.name, "accounts": [], "teams": [], "users": [], "entities": [] });
    for (who, row) in &further.names {
        let mut row = json!(row);
        for field in ["start", "end"] {
            let instant = row[field].as_str().and_then(|micros| micros.parse().ok());
            row[field] = json!(instant.map(at));
        }
        let list = match who {
            Who::Account(_) => "accounts",
            Who::Team(_) => "teams",
            Who::User(_) => "users",
            Who::Entity(..) => "entities",
        };
        if let Who::Entity(kind, _) = who {
            row["type"] = json!(kind);
        }
        let (Who::Account(id) | Who::Team(id) | Who::User(id) | Who::Entity(_, id)) = who;
        row["id"] = json!(id);
        names[list].as_array_mut().into_iter().for_each(|list| list.push(row.clone()));
    }
    names
}
