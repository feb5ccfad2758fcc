//! Rate cards and plans in words.
//!
//! ```text
//! card: email_sent costs 1; lookup costs 2 email; tokens costs 0.7 per 1000 started
//! card, from 2026-02-01: call costs 10 a minute, increment 60/60, connect fee 0.5, minimum 2, inbound at 4 fee 0, to 4917 outbound at 12
//! plan base: 100 credits and 5 email each month, priority 10, rejects, alerts 30% 10% 50
//! plan roll: 100 credits each 30 days, rollover min 10 max 200, drops overage
//! plan payg: no cycle, unmetered
//! plan short: no cycle, calls last 10 min, calls are silent for 60 s
//! plan strict: no cycle, limit each-user 5 things a day on each user hard, rejects past limits
//! ```
//!
//! How a limit is written is told in `limits.rs`.
//! All prices are of one rate card, `card`. A card or plan that is put again is its next version.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::words::{Words, unknown};
use super::{calls, limits};

/// How many versions of each name there are.
pub(crate) type Versions = BTreeMap<String, u64>;

/// Reads the line of a rate card or plan; answers none for another line.
pub(crate) fn statement(text: &str, versions: &mut Versions) -> Result<Option<Map<String, Value>>, String> {
    let (head, content) = text.split_once(": ").unwrap_or((text, ""));
    let mut clauses = Words::clauses(head);
    let mut named = clauses.next().unwrap_or_else(|| Words::of(""));
    let (kind, id) = match named.next("a statement")? {
        "card" => ("rate_card.put", "card"),
        "plan" if head.len() < text.len() => ("plan.put", named.next("the plan's name")?),
        _ => return Ok(None),
    };
    named.end()?;
    let known = versions.entry(format!("{kind} {id}")).or_default();
    let mut version = *known + 1;
    let mut from = None;
    for mut clause in clauses {
        match clause.next("a clause")? {
            "version" => version = clause.number("a version")?,
            "from" => from = Some(clause.instant_json()?),
            word => return Err(unknown(word)),
        }
        clause.end()?;
    }
    *known = version.max(*known);
    let mut item = if kind == "plan.put" { plan(content)? } else { card(content)? };
    item["type"] = json!(format!("creditd.{kind}.v1"));
    item["id"] = json!(id);
    item["version"] = json!(version);
    if let Some(from) = from {
        item["effective_from"] = from;
    }
    Ok(item.as_object().cloned())
}

fn card(content: &str) -> Result<Value, String> {
    let mut prices = json!({});
    for written in content.split(';') {
        let mut clauses = Words::clauses(written);
        let mut words = clauses.next().unwrap_or_else(|| Words::of(""));
        let action = words.next("an action")?;
        let mut price = json!({});
        if !words.take("costs") {
            return Err(format!("write \"{action} costs …\""));
        }
        let amount = json!(words.amount()?);
        if let Some(kind) = words.peek().filter(|word| !matches!(*word, "a" | "per")) {
            words.take(kind);
            price["credit_type"] = json!(kind);
        }
        if words.take("a minute") {
            price["per_minute"] = amount;
        } else if words.take("per") {
            price["per_units"] = amount;
            price["units"] = json!(words.number("how many units")?);
            if words.take("started") {
                price["started"] = json!(true);
            }
        } else {
            price["per_action"] = amount;
        }
        words.end()?;
        for mut clause in clauses {
            of_minutes(&mut clause, &mut price)?;
            clause.end()?;
        }
        prices[action] = price;
    }
    Ok(json!({ "prices": prices }))
}

/// What a price by the minute may say beside its amount.
fn of_minutes(clause: &mut Words<'_>, price: &mut Value) -> Result<(), String> {
    match clause.next("a clause")? {
        "increment" => price["increment"] = json!(clause.next("an increment")?),
        "connect" if clause.take("fee") => price["connect_fee"] = json!(clause.amount()?),
        "minimum" => price["minimum"] = json!(clause.amount()?),
        direction @ ("inbound" | "outbound") => price[direction] = rate(clause)?,
        "to" => {
            let prefix = clause.next("a prefix")?;
            let direction = clause.peek().filter(|word| matches!(*word, "inbound" | "outbound"));
            direction.map(|word| clause.take(word));
            let mut destination = rate(clause)?;
            destination["prefix"] = json!(prefix);
            if let Some(direction) = direction {
                destination["direction"] = json!(direction);
            }
            list(price, "destinations")?.push(destination);
        }
        word => return Err(unknown(word)),
    }
    Ok(())
}

/// A list inside, empty at first.
fn list<'v>(outer: &'v mut Value, name: &str) -> Result<&'v mut Vec<Value>, String> {
    let listed = outer.as_object_mut().ok_or("an object")?.entry(name);
    listed.or_insert_with(|| json!([])).as_array_mut().ok_or_else(|| "a list".to_owned())
}

/// `at 4 fee 0.1`
fn rate(clause: &mut Words<'_>) -> Result<Value, String> {
    let mut rate = json!({});
    if clause.take("at") {
        rate["per_minute"] = json!(clause.amount()?);
    }
    if clause.take("fee") {
        rate["connect_fee"] = json!(clause.amount()?);
    }
    Ok(rate)
}

fn plan(content: &str) -> Result<Value, String> {
    let mut plan = json!({ "rate_card": "card" });
    for mut clause in Words::clauses(content) {
        match clause.next("a clause")? {
            "no" if clause.take("cycle") => {}
            "no" if clause.take("alerts") => plan["alerts"] = json!([]),
            "nothing" if clause.take("each") => plan["cycle"] = clause.period()?,
            "rejects" if clause.take("past limits") => plan["past_limit"] = json!("reject"),
            "charges" if clause.take("past limits") => plan["past_limit"] = json!("charge"),
            "limit" => {
                let limit = limits::limit(&mut clause)?;
                list(&mut plan, "limits")?.push(limit);
            }
            "rejects" => plan["when_exhausted"] = json!("reject"),
            "drops" if clause.take("overage") => plan["overage_at_reset"] = json!("drop"),
            "keeps" if clause.take("overage") => plan["overage_at_reset"] = json!("keep"),
            "unmetered" => plan["unmetered"] = json!(true),
            "calls" if clause.take("last") => plan["calls"]["longest_s"] = seconds(&mut clause)?,
            "calls" if clause.take("are silent for") => plan["calls"]["silence_s"] = seconds(&mut clause)?,
            "increment" => plan["increment"] = json!(clause.next("an increment")?),
            "alerts" => plan["alerts"] = rules(&mut clause)?,
            "rollover" => only_allotment(&mut plan)?["rollover"] = clause.bounds()?,
            "priority" => only_allotment(&mut plan)?["priority"] = json!(clause.number("a priority")?),
            amount => {
                let amount = amount.parse().map_err(|_| unknown(amount))?;
                allotments(&mut plan, amount, &mut clause)?;
            }
        }
        clause.end()?;
    }
    Ok(plan)
}

fn seconds(clause: &mut Words<'_>) -> Result<Value, String> {
    calls::duration_ms(clause).map(|length| json!(length / 1_000))
}

/// `100 credits and 5 email each month`, the first amount being read.
fn allotments(
    plan: &mut Value,
    first: creditd::ledger::units::Credits,
    clause: &mut Words<'_>,
) -> Result<(), String> {
    let mut all = vec![json!({ "amount": first, "credit_type": clause.next("a credit type")? })];
    while clause.take("and") {
        let amount = clause.amount()?;
        all.push(json!({ "amount": amount, "credit_type": clause.next("a credit type")? }));
    }
    if !clause.take("each") {
        return Err("write how often: each month, each 30 days".to_owned());
    }
    plan["allotments"] = Value::Array(all);
    plan["cycle"] = clause.period()?;
    Ok(())
}

fn only_allotment(plan: &mut Value) -> Result<&mut Value, String> {
    match plan["allotments"].as_array_mut().map(Vec::as_mut_slice) {
        Some([allotment]) => Ok(allotment),
        _ => Err("say it in braces: it is not clear which allotment is meant".to_owned()),
    }
}

/// Alert rules: `30%`, `50`, `5 of email`, `ends-within-7-days`, `out-within-48-hours of email`, `spike-300%`,
/// `spike-300%-from-5`, `each-reset`.
fn rules(clause: &mut Words<'_>) -> Result<Value, String> {
    let mut rules = Vec::new();
    while !clause.is_empty() {
        let mut rule = rule(clause.next("a rule")?)?;
        if clause.take("of") {
            rule["credit_type"] = json!(clause.next("a credit type")?);
        }
        rules.push(rule);
    }
    Ok(Value::Array(rules))
}

fn rule(word: &str) -> Result<Value, String> {
    let whole = |text: &str| text.parse::<u64>().map_err(|_| unknown(word));
    let inside = |begin: &str, end: &str| word.strip_prefix(begin).and_then(|rest| rest.strip_suffix(end));
    if let Some(days) = inside("ends-within-", "-days") {
        return Ok(json!({ "expires_within_days": whole(days)? }));
    }
    if let Some(hours) = inside("out-within-", "-hours") {
        return Ok(json!({ "runs_out_within_hours": whole(hours)? }));
    }
    if let Some(spike) = word.strip_prefix("spike-") {
        return match spike.split_once("%-from-") {
            Some((percent, least)) => Ok(json!({ "spike_percent": whole(percent)?, "at_least": least })),
            None => Ok(json!({ "spike_percent": whole(spike.trim_end_matches('%'))? })),
        };
    }
    match (word, word.strip_suffix('%')) {
        ("each-reset", _) => Ok(json!({ "cycle_reset": true })),
        (_, Some(percent)) => Ok(json!({ "below_percent": whole(percent)? })),
        _ => Ok(json!({ "below": word })),
    }
}
