//! What an organization is told and what happens to it, in words.
//!
//! ```text
//! acme joins base, zone Europe/Berlin, anchor 2026-01-31 09:00, prorated
//! acme moves to pro, at the next cycle
//! acme buys 100 as a, until 2026-02-01, from 2026-01-15 12:00, priority 10
//! acme is given 50 email as b, for action lookup, for entity campaign c7, for feature AI Copilot    (a bonus)
//! acme is allotted 20 as c, each month from 2026-01-31, rollover min 5 max 50                       (of kind plan)
//! acme forfeits a
//! acme is adjusted by -12.5 as ticket-1, because goodwill
//! acme: 30 email_sent as e1, at 2026-01-05 10:00, feature AI Copilot, entity campaign c7, user ana, source crm
//! acme: call of 61 s as c1, inbound, to +4930123456, with translation recording, unanswered, answered 2026-01-05
//! acme: void e1, of 2026-01-05 10:00
//! ```
//!
//! Limits, recharges, names and live calls are told in files of their own. `buys` gives a purchased grant. An event without a name is named after its line.

use serde_json::{Map, Value, json};

use super::words::{Words, unknown};
use super::{calls, limits, names, recharges};

/// An item for an organization.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) org: String,
    pub(crate) is_event: bool,
    pub(crate) item: Map<String, Value>,
}

/// Reads a line that concerns an organization.
pub(crate) fn statement(text: &str, line: usize) -> Result<Statement, String> {
    let mut clauses = Words::clauses(text);
    let mut head = clauses.next().unwrap_or_else(|| Words::of(""));
    let first = head.next("a statement")?;
    let (org, is_event) = first.strip_suffix(':').map_or((first, false), |org| (org, true));
    let mut item = if is_event { event(&mut head, line)? } else { command(&mut head)? };
    head.end()?;
    for mut clause in clauses {
        let kind = item["type"].as_str().unwrap_or_default().to_owned();
        let word = clause.next("a clause")?;
        match kind.as_str() {
            "org.put" => terms(word, &mut clause, &mut item)?,
            "grant" => grant(word, &mut clause, &mut item)?,
            "adjust" | "grant.void" | "limit.put" | "limit.remove" | "recharge.put" | "recharge.remove"
            | "recharge.failed"
                if matches!(word, "because" | "by") =>
            {
                let field = if word == "by" { "by" } else { "reason" };
                item[field] = json!(clause.all("a text")?);
            }
            "recharge.put" => recharges::clause(word, &mut clause, &mut item)?,
            "account.put" | "team.put" | "user.put" | "entity.put" => {
                names::clause(word, &mut clause, &mut item)?;
            }
            "source.restarted" if word == "at" => item["time"] = clause.instant_json()?,
            "action" | "void" | "call.started" | "call.answered" | "call.progress" | "call.failed"
            | "call.ended" => about_event(word, &mut clause, &mut item)?,
            _ => return Err(unknown(word)),
        }
        clause.end()?;
    }
    let item = item.as_object().cloned().unwrap_or_default();
    Ok(Statement { org: org.to_owned(), is_event, item })
}

fn command(head: &mut Words<'_>) -> Result<Value, String> {
    let verb = head.next("a verb")?;
    if let Some(item) = limits::command(verb, head)? {
        return Ok(item);
    }
    if let Some(item) = recharges::command(verb, head)? {
        return Ok(item);
    }
    match verb {
        "names" => names::command(head),
        "joins" => Ok(json!({ "type": "org.put", "plan": head.next("a plan")? })),
        "moves" if head.take("to") => Ok(json!({ "type": "org.put", "plan": head.next("a plan")? })),
        "buys" => given(head, None),
        "is" if head.take("given") => given(head, Some("bonus")),
        "is" if head.take("allotted") => given(head, Some("plan")),
        "forfeits" => Ok(json!({ "type": "grant.void", "id": head.next("a grant")? })),
        "is" if head.take("adjusted by") => {
            let mut item = json!({ "type": "adjust", "reason": "by hand" });
            amount_and_name(head, &mut item)?;
            Ok(item)
        }
        word => Err(unknown(word)),
    }
}

fn given(head: &mut Words<'_>, kind: Option<&str>) -> Result<Value, String> {
    let mut item = json!({ "type": "grant" });
    if let Some(kind) = kind {
        item["kind"] = json!(kind);
    }
    amount_and_name(head, &mut item)?;
    Ok(item)
}

/// `100 email as a`
fn amount_and_name(head: &mut Words<'_>, item: &mut Value) -> Result<(), String> {
    item["amount"] = json!(head.amount()?);
    if let Some(kind) = head.peek().filter(|word| *word != "as") {
        head.take(kind);
        item["credit_type"] = json!(kind);
    }
    if head.take("as") {
        item["id"] = json!(head.next("a name")?);
    }
    Ok(())
}

fn terms(word: &str, clause: &mut Words<'_>, item: &mut Value) -> Result<(), String> {
    match word {
        "zone" => item["time_zone"] = json!(clause.next("a time zone")?),
        "anchor" => item["cycle_anchor"] = clause.instant_json()?,
        "called" => item["name"] = json!(clause.all("a name")?),
        "prorated" => item["prorate"] = json!(true),
        "at" if clause.take("the next cycle") => item["change"] = json!("next_cycle"),
        word => return Err(unknown(word)),
    }
    Ok(())
}

fn grant(word: &str, clause: &mut Words<'_>, item: &mut Value) -> Result<(), String> {
    match word {
        "from" => item["effective"] = clause.instant_json()?,
        "until" => item["expires"] = clause.instant_json()?,
        "priority" => item["priority"] = json!(clause.number("a priority")?),
        "rollover" => item["rollover"] = clause.bounds()?,
        "each" => {
            item["recurrence"] = json!({ "every": clause.period()? });
            if clause.take("from") {
                item["recurrence"]["anchor"] = clause.instant_json()?;
            }
        }
        "for" => {
            let (list, entry) = match clause.next("action, feature or entity")? {
                "action" => ("actions", json!(clause.next("an action")?)),
                "feature" => ("features", json!(clause.all("a feature")?)),
                "entity" => {
                    let mut entity = json!({ "type": clause.next("a type")? });
                    if !clause.is_empty() {
                        entity["id"] = json!(clause.next("an id")?);
                    }
                    ("entities", entity)
                }
                word => return Err(unknown(word)),
            };
            let scope = &mut item["scope"][list];
            match scope.as_array_mut() {
                Some(entries) => entries.push(entry),
                None => *scope = json!([entry]),
            }
        }
        word => return Err(unknown(word)),
    }
    Ok(())
}

fn event(head: &mut Words<'_>, line: usize) -> Result<Value, String> {
    let mut item = match head.next("an event")? {
        "void" => json!({ "type": "void", "voids": { "id": head.next("an event")? } }),
        "call" if head.take("of") => {
            let length = calls::duration_ms(head)?;
            json!({ "type": "call.ended", "duration_ms": length, "direction": "outbound" })
        }
        "call" => calls::told(head)?,
        "switch" => calls::restarted(head)?,
        quantity => {
            let quantity: u64 = quantity.parse().map_err(|_| unknown(quantity))?;
            json!({ "type": "action", "action": head.next("an action")?, "quantity": quantity })
        }
    };
    if head.take("as") {
        item["id"] = json!(head.next("a name")?);
    } else if matches!(item["type"].as_str(), Some("action" | "call.ended" | "void")) {
        item["id"] = json!(format!("line-{line}"));
    }
    Ok(item)
}

fn about_event(word: &str, clause: &mut Words<'_>, item: &mut Value) -> Result<(), String> {
    match word {
        "at" => item["time"] = clause.instant_json()?,
        "of" => item["voids"]["time"] = clause.instant_json()?,
        "answered" if clause.is_empty() => item["answered"] = json!(true),
        "answered" => item["answered_at"] = clause.instant_json()?,
        "inbound" | "outbound" => item["direction"] = json!(word),
        "for" => item["action"] = json!(clause.next("an action")?),
        "unanswered" => item["answered"] = json!(false),
        "to" => item["destination"] = json!(clause.next("a number")?),
        "with" if clause.take("nothing") => item["add_ons"] = json!([]),
        "with" => {
            let add_ons = clause.all("an add-on")?;
            item["add_ons"] = json!(add_ons.split(' ').collect::<Vec<_>>());
        }
        "feature" | "user" | "team" | "account" | "source" => item[word] = json!(clause.all("a name")?),
        "entity" => {
            item["entity"] = json!({ "type": clause.next("a type")?, "id": clause.next("an id")? });
            if !clause.is_empty() {
                item["entity"]["name"] = json!(clause.all("a name")?);
            }
        }
        word => return Err(unknown(word)),
    }
    Ok(())
}
