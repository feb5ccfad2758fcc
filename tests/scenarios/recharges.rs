//! Auto-recharge in words: as it is stated, answered and seen.
//!
//! ```text
//! acme recharges below 100 by 500, at least 200, at most 2000, no more than 3 times a day, no more than 5000 a month
//! acme recharges email below 10 up to 50, cooldown 600 s, answer within 3600 s, off
//! acme recharges below 0 by 50, no more than 2 times and 80 for life
//! acme stops recharging email
//! acme buys 500 as recharge.credits.1
//! acme declines recharge.credits.2, because the card has expired
//! expect recharge armed, recharge of email cooling down until 2026-01-05 10:10, no recharge of phone
//! expect recharge in flight since 2026-01-05 10:00, recharge failures 2, recharge cap month 500 in 1 resets 2026-02-01
//! expect asks 500
//! ```
//!
//! `asks` lists what was asked for since the `expect` before, `asks nothing` is that nothing was.

use creditd::ledger::units::{Credits, Timestamp};
use creditd::wire::time;
use serde_json::{Value, json};

use super::words::{Words, unknown};

/// What must be seen of a recharge.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    credit_type: String,
    of_it: Detail,
}

#[derive(Clone, Debug)]
enum Detail {
    State(String),
    Failures(u64),
    Cap { window: String, credits: Credits, times: u64, resets: Option<Timestamp> },
}

/// Reads what an organization does about its recharges, from the verb on; answers none for another verb.
pub(crate) fn command(verb: &str, words: &mut Words<'_>) -> Result<Option<Value>, String> {
    match verb {
        "recharges" => {
            let mut item = json!({ "type": "recharge.put" });
            of_type(words, &mut item, "below");
            if !words.take("below") {
                return Err("write below what".to_owned());
            }
            item["below"] = json!(words.amount()?);
            let field = if words.take("by") {
                "amount"
            } else if words.take("up to") {
                "up_to"
            } else {
                return Err("write by how much, or up to what".to_owned());
            };
            item[field] = json!(words.amount()?);
            Ok(Some(item))
        }
        "stops" if words.take("recharging") => {
            let mut item = json!({ "type": "recharge.remove" });
            of_type(words, &mut item, "");
            Ok(Some(item))
        }
        "declines" => Ok(Some(json!({ "type": "recharge.failed", "id": words.next("a request")?,
                                      "reason": "the card was declined" }))),
        _ => Ok(None),
    }
}

fn of_type(words: &mut Words<'_>, item: &mut Value, end: &str) {
    if let Some(kind) = words.peek().filter(|word| *word != end) {
        words.take(kind);
        item["credit_type"] = json!(kind);
    }
}

/// Reads a clause of what is stated.
pub(crate) fn clause(word: &str, clause: &mut Words<'_>, item: &mut Value) -> Result<(), String> {
    match word {
        "at" if clause.take("least") => item["min"] = json!(clause.amount()?),
        "at" if clause.take("most") => item["max"] = json!(clause.amount()?),
        "cooldown" => item["cooldown_s"] = seconds(clause)?,
        "answer" if clause.take("within") => item["answer_within_s"] = seconds(clause)?,
        "off" => item["enabled"] = json!(false),
        "no" if clause.take("more than") => {
            let cap = cap(clause)?;
            match item["caps"].as_array_mut() {
                Some(caps) => caps.push(cap),
                None => item["caps"] = json!([cap]),
            }
        }
        word => return Err(unknown(word)),
    }
    Ok(())
}

fn seconds(clause: &mut Words<'_>) -> Result<Value, String> {
    let seconds = clause.number("how many seconds")?;
    if clause.take("s") { Ok(json!(seconds)) } else { Err(format!("write {seconds} s")) }
}

/// `3 times a day`, `5000 a month`, `3 times and 500 for life`
fn cap(clause: &mut Words<'_>) -> Result<Value, String> {
    let mut cap = json!({});
    loop {
        let much = clause.next("how much")?;
        if clause.take("times") {
            cap["times"] = json!(much.parse::<u64>().map_err(|_| unknown(much))?);
        } else {
            cap["credits"] = json!(much);
        }
        if !clause.take("and") {
            break;
        }
    }
    if !clause.take("a") && !clause.take("for") {
        return Err("write a day, a month or for life".to_owned());
    }
    cap["window"] = json!(clause.next("a window")?);
    Ok(cap)
}

/// Reads `of email cooling down until 2026-01-05 10:10`.
pub(crate) fn seen(words: &mut Words<'_>) -> Result<Seen, String> {
    let credit_type = if words.take("of") { words.next("a credit type")? } else { "credits" }.to_owned();
    let of_it = if words.take("failures") {
        Detail::Failures(words.number("failures")?)
    } else if words.take("cap") {
        let (window, credits) = (words.next("a window")?.to_owned(), words.amount()?);
        let times = if words.take("in") {
            words.number("requests")?
        } else {
            return Err("write in how many".to_owned());
        };
        let resets = if words.take("resets") { Some(words.instant()?) } else { None };
        Detail::Cap { window, credits, times, resets }
    } else {
        let mut state = Vec::new();
        while let Some(word) = words.peek() {
            words.take(word);
            state.push(word.to_owned());
            if matches!(word, "since" | "until") {
                state.push(time::format(words.instant()?));
            }
        }
        Detail::State(state.join(" "))
    };
    Ok(Seen { credit_type, of_it })
}

/// A recharge of those that an organization has.
pub(crate) fn find<'v>(state: &'v Value, credit_type: &str) -> Option<&'v Value> {
    state["recharges"].as_array()?.iter().find(|recharge| recharge["credit_type"] == credit_type)
}

/// Why something else was asked for, if it was.
pub(crate) fn other_requests(wanted: &[Credits], alerts: &[Value]) -> Option<String> {
    let asks = |alert: &&Value| alert["id"].as_str().is_some_and(|id| id.ends_with(".requested"));
    let amount = |alert: &Value| alert["data"]["amount"].as_str().and_then(|amount| amount.parse().ok());
    let asked: Vec<Option<Credits>> = alerts.iter().filter(asks).map(amount).collect();
    let agrees = asked.iter().copied().eq(wanted.iter().copied().map(Some));
    (!agrees).then(|| format!("requests of {wanted:?} were expected; they are {asked:?}"))
}

impl Seen {
    /// What is seen instead, if it is something else.
    pub(crate) fn differs(&self, state: &Value) -> Option<String> {
        let Some(recharge) = find(state, &self.credit_type) else {
            return Some(format!(
                "a recharge of {} was expected; there are {}",
                self.credit_type, state["recharges"]
            ));
        };
        let agrees = match &self.of_it {
            Detail::State(state) => recharge["state"] == state.as_str(),
            Detail::Failures(failures) => recharge["failures"] == *failures,
            Detail::Cap { window, credits, times, resets } => {
                let caps = recharge["caps"].as_array().into_iter().flatten();
                let cap = caps.into_iter().find(|cap| cap["window"] == window.as_str());
                cap.is_some_and(|cap| {
                    let used = cap["used_credits"].as_str().and_then(|used| used.parse().ok());
                    let on_time = resets.is_none_or(|at| cap["resets_at"] == time::format(at).as_str());
                    used == Some(*credits) && cap["used_times"] == *times && on_time
                })
            }
        };
        (!agrees).then(|| format!("{:?} was expected; it is {recharge}", self.of_it))
    }
}
