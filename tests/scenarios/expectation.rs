//! What must be seen of an organization.
//!
//! ```text
//! expect available 70, owed 0, expired 30, consumed 5 email
//! expect settled 100, pending 30, available 70          (what live calls have cost so far)
//! expect grant a 30 of 100 until 2026-02-01, grant b ended, grant c ahead, no grant d
//! expect cycle 2 from 2026-02-28 09:00 until 2026-03-31 09:00
//! expect alerts p10.1 p30.1 email.p60.1 at 2026-02-01, no alerts
//! ```
//!
//! Alerts are those since the `expect` before: of thresholds each crossed one, in the order in which they left; `one alert` where
//! they are told together. Figures are of `credits` where they name no type. Limits and their alerts are told in `limits.rs`,
//! recharges and names in files of their own; `told` lists alerts of all other kinds in any order, and `burn` what the last whole
//! hours and the running one burnt:
//!
//! ```text
//! expect one alert p10.1 p30.1, told expires7.a cycle.2 recharge.credits.1.requested at 2026-02-01, told nothing
//! expect burn 30 in 3 running 5 email
//! ```

use creditd::ledger::units::{Credits, Timestamp};
use creditd::wire::time;
use serde_json::Value;

use super::limits::{self, Seen};
use super::words::{Words, unknown};
use super::{names, recharges};

/// The figures that an answer has for each credit type.
const FIGURES: &[&str] = &[
    "available",
    "settled",
    "pending",
    "total",
    "owed",
    "granted",
    "remaining",
    "consumed",
    "expired",
    "voided",
    "charged",
    "overage",
    "covered",
    "dropped",
];

/// One thing that must be seen.
#[derive(Clone, Debug)]
pub(crate) enum Fact {
    Figure {
        name: String,
        amount: Credits,
        credit_type: String,
    },
    Grant {
        id: String,
        of_it: Vec<Detail>,
    },
    NoGrant(String),
    Cycle {
        number: u64,
        of_it: Vec<Detail>,
    },
    NoCycle,
    Alerts {
        ids: Vec<String>,
        at: Option<Timestamp>,
    },
    Limit(Seen),
    /// The limit, and the value of it.
    NoLimit(String, String),
    LimitAlerts(Vec<String>),
    /// One alert tells all of these thresholds.
    OneAlert(Vec<String>),
    /// Alerts of all other kinds, in order of their ids.
    Told {
        ids: Vec<String>,
        at: Option<Timestamp>,
    },
    /// Amounts that were asked for.
    Asks(Vec<Credits>),
    Recharge(recharges::Seen),
    /// Of a credit type.
    NoRecharge(String),
    Knows(names::Seen),
    Burn {
        sum: Credits,
        hours: u64,
        running: Credits,
        credit_type: String,
    },
}

/// What is looked at of a grant or a cycle: a field of the answer, and what must be in it.
#[derive(Clone, Debug)]
pub(crate) enum Detail {
    Amount(&'static str, Credits),
    Instant(&'static str, Timestamp),
    Text(&'static str, String),
    None(&'static str),
}

/// What an organization answers.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    pub(crate) balance: &'a Value,
    pub(crate) state: &'a Value,
    /// The alerts since the last look.
    pub(crate) alerts: &'a [Value],
}

/// Reads what is expected.
pub(crate) fn facts(text: &str) -> Result<Vec<Fact>, String> {
    Words::clauses(text).map(fact).collect()
}

fn fact(mut words: Words<'_>) -> Result<Fact, String> {
    let fact = match words.next("what is expected")? {
        "grant" => Fact::Grant { id: words.next("a grant")?.to_owned(), of_it: of_grant(&mut words)? },
        "cycle" => {
            Fact::Cycle { number: words.number("the cycle")?, of_it: bounds(&mut words, ["start", "end"])? }
        }
        "no" if words.take("grant") => Fact::NoGrant(words.next("a grant")?.to_owned()),
        "no" if words.take("cycle") => Fact::NoCycle,
        "limit" if words.take("alerts") => Fact::LimitAlerts(limits::alerts(&mut words)?),
        "limit" => Fact::Limit(limits::seen(&mut words)?),
        "no" if words.take("limit alerts") => Fact::LimitAlerts(Vec::new()),
        "no" if words.take("limit") => {
            let (id, value) = limits::unseen(&mut words)?;
            Fact::NoLimit(id, value)
        }
        "no" if words.take("alerts") => Fact::Alerts { ids: Vec::new(), at: None },
        "no" if words.take("recharge") => {
            let named = words.take("of");
            Fact::NoRecharge(if named { words.next("a credit type")? } else { "credits" }.to_owned())
        }
        "alert" | "alerts" => {
            let (ids, at) = alerts(&mut words)?;
            Fact::Alerts { ids, at }
        }
        "one" if words.take("alert") => Fact::OneAlert(alerts(&mut words)?.0),
        "told" if words.take("nothing") => Fact::Told { ids: Vec::new(), at: None },
        "told" => {
            let (mut ids, at) = alerts(&mut words)?;
            ids.sort();
            Fact::Told { ids, at }
        }
        "asks" => Fact::Asks(asked(&mut words)?),
        "recharge" => Fact::Recharge(recharges::seen(&mut words)?),
        "knows" => Fact::Knows(names::seen(&mut words)?),
        "burn" => burn(&mut words)?,
        name if FIGURES.contains(&name) => {
            let (name, amount) = (name.to_owned(), words.amount()?);
            let credit_type = words.next("").unwrap_or("credits").to_owned();
            Fact::Figure { name, amount, credit_type }
        }
        word => return Err(unknown(word)),
    };
    words.end()?;
    Ok(fact)
}

/// Ids, and the instant of all of them.
fn alerts(words: &mut Words<'_>) -> Result<(Vec<String>, Option<Timestamp>), String> {
    let mut ids = Vec::new();
    while let Some(id) = words.peek().filter(|word| *word != "at") {
        words.take(id);
        ids.push(id.to_owned());
    }
    let at = if words.take("at") { Some(words.instant()?) } else { None };
    Ok((ids, at))
}

fn asked(words: &mut Words<'_>) -> Result<Vec<Credits>, String> {
    let mut amounts = Vec::new();
    while !words.is_empty() && !words.take("nothing") {
        amounts.push(words.amount()?);
    }
    Ok(amounts)
}

/// `30 in 3 running 5 email`
fn burn(words: &mut Words<'_>) -> Result<Fact, String> {
    let sum = words.amount()?;
    let hours =
        if words.take("in") { words.number("hours")? } else { return Err("write in how many".to_owned()) };
    let running = if words.take("running") { words.amount()? } else { Credits::ZERO };
    let credit_type = words.next("").unwrap_or("credits").to_owned();
    Ok(Fact::Burn { sum, hours, running, credit_type })
}

fn of_grant(words: &mut Words<'_>) -> Result<Vec<Detail>, String> {
    let mut details = Vec::new();
    while let Some(word) = words.peek() {
        match word {
            "from" | "until" => details.extend(bounds(words, ["effective", "expires"])?),
            _ if words.take("for ever") => details.push(Detail::None("expires")),
            _ if words.take("of") => details.push(Detail::Amount("amount", words.amount()?)),
            "ahead" | "usable" | "ended" => {
                words.take(word);
                details.push(Detail::Text("state", word.to_owned()));
            }
            "plan" | "bonus" | "purchased" => {
                words.take(word);
                details.push(Detail::Text("kind", word.to_owned()));
            }
            _ => details.push(Detail::Amount("remaining", words.amount()?)),
        }
    }
    Ok(details)
}

fn bounds(words: &mut Words<'_>, [begin, end]: [&'static str; 2]) -> Result<Vec<Detail>, String> {
    let mut details = Vec::new();
    loop {
        if words.take("from") {
            details.push(Detail::Instant(begin, words.instant()?));
        } else if words.take("until") {
            details.push(Detail::Instant(end, words.instant()?));
        } else {
            return Ok(details);
        }
    }
}

impl Fact {
    /// Whether the accountant is asked for it, too: figures, recharges, names, the burn and alerts.
    pub(crate) fn is_further(&self) -> bool {
        match self {
            // It keeps no total.
            Fact::Figure { name, .. } => name != "total",
            Fact::Alerts { .. }
            | Fact::OneAlert(_)
            | Fact::Told { .. }
            | Fact::Asks(_)
            | Fact::Recharge(_)
            | Fact::NoRecharge(_)
            | Fact::Knows(_)
            | Fact::Burn { .. } => true,
            Fact::Grant { .. }
            | Fact::NoGrant(_)
            | Fact::Cycle { .. }
            | Fact::NoCycle
            | Fact::Limit(_)
            | Fact::NoLimit(..)
            | Fact::LimitAlerts(_) => false,
        }
    }

    /// What came instead, if something else did.
    pub(crate) fn differs(&self, org: &str, answer: &Answer<'_>) -> Option<String> {
        match self {
            Fact::Figure { name, amount, credit_type } => {
                let found = answer.figure(name, credit_type);
                let agrees = found.as_ref().is_some_and(|found| is_amount(found, *amount));
                let found = found.map_or("missing".to_owned(), |found| found.to_string());
                (!agrees).then(|| format!("{name} {amount} {credit_type} was expected; it is {found}"))
            }
            Fact::Grant { id, of_it } => match answer.grant(id) {
                Some(grant) => different(&format!("grant {id}"), grant, of_it),
                None => Some(format!("grant {id} was expected; there are {}", answer.grants().join(", "))),
            },
            Fact::NoGrant(id) => {
                answer.grant(id).map(|grant| format!("no grant {id} was expected; it is {grant}"))
            }
            Fact::Cycle { number, of_it } => {
                let cycle = &answer.balance["cycle"];
                if cycle["number"] == *number {
                    different("the cycle", cycle, of_it)
                } else {
                    Some(format!("cycle {number} was expected; it is {cycle}"))
                }
            }
            Fact::NoCycle => {
                let cycle = &answer.balance["cycle"];
                (!cycle.is_null()).then(|| format!("no cycle was expected; it is {cycle}"))
            }
            Fact::Alerts { ids, at } => other_alerts(org, ids, *at, answer.alerts),
            Fact::Limit(seen) => seen.differs(answer.state),
            Fact::NoLimit(id, value) => {
                let limit = limits::find(answer.state, id, value)
                    .filter(|limit| limits::is_used(limit) || value == "-");
                limit.map(|limit| format!("no limit {id} for {value} was expected; it is {limit}"))
            }
            Fact::LimitAlerts(wanted) => limits::other_alerts(wanted, answer.alerts),
            Fact::OneAlert(ids) => not_one_alert(org, ids, answer.alerts),
            Fact::Told { ids, at } => told_otherwise(org, ids, *at, answer.alerts),
            Fact::Asks(amounts) => recharges::other_requests(amounts, answer.alerts),
            Fact::Recharge(seen) => seen.differs(answer.state),
            Fact::NoRecharge(kind) => recharges::find(answer.state, kind)
                .map(|recharge| format!("no recharge of {kind} was expected; it is {recharge}")),
            Fact::Knows(seen) => seen.differs(answer.state),
            Fact::Burn { sum, hours, running, credit_type } => {
                let found = answer.figure("burn", credit_type).unwrap_or_default();
                let agrees = is_amount(&found["sum"], *sum)
                    && found["hours"] == *hours
                    && is_amount(&found["running"], *running);
                (!agrees)
                    .then(|| format!("burn {sum} in {hours} running {running} was expected; it is {found}"))
            }
        }
    }
}

/// An id without the organization, and without the type of plain credits.
fn short(org: &str, id: &Value) -> String {
    let id = id.as_str().unwrap_or_default();
    let id = id.strip_prefix(&format!("{org}.")).unwrap_or(id);
    id.strip_prefix("credits.").unwrap_or(id).to_owned()
}

/// Whether an alert is of thresholds.
fn is_of_balance(alert: &&Value) -> bool {
    alert["type"] == "creditd.alert.balance_low.v1"
}

/// The ids of the thresholds that an alert tells.
fn crossed(org: &str, alert: &Value) -> Vec<String> {
    match alert["data"]["crossed"].as_array() {
        Some(crossed) => crossed.iter().map(|crossing| short(org, &crossing["id"])).collect(),
        None => vec![short(org, &alert["id"])],
    }
}

fn other_alerts(org: &str, ids: &[String], at: Option<Timestamp>, alerts: &[Value]) -> Option<String> {
    let of_balance = || alerts.iter().filter(is_of_balance);
    let raised: Vec<String> = of_balance().flat_map(|alert| crossed(org, alert)).collect();
    if raised != *ids {
        return Some(format!("alerts {ids:?} were expected; they are {raised:?}"));
    }
    let moment = Detail::Instant("time", at?);
    of_balance().find_map(|alert| different("the alert", alert, std::slice::from_ref(&moment)))
}

fn not_one_alert(org: &str, ids: &[String], alerts: &[Value]) -> Option<String> {
    let raised: Vec<&Value> = alerts.iter().filter(is_of_balance).collect();
    let agrees = match raised[..] {
        [alert] => crossed(org, alert) == *ids && short(org, &alert["id"]) == ids[0],
        _ => false,
    };
    (!agrees).then(|| format!("one alert of {ids:?} was expected; there are {raised:?}"))
}

fn told_otherwise(org: &str, ids: &[String], at: Option<Timestamp>, alerts: &[Value]) -> Option<String> {
    let others = || alerts.iter().filter(|alert| !is_of_balance(alert) && !limits::is_of_limit(alert));
    let mut raised: Vec<String> = others().map(|alert| short(org, &alert["id"])).collect();
    raised.sort();
    if raised != *ids {
        return Some(format!("{ids:?} was expected to be told; it is {raised:?}"));
    }
    let moment = Detail::Instant("time", at?);
    others().find_map(|alert| different("the alert", alert, std::slice::from_ref(&moment)))
}

fn different(what: &str, found: &Value, details: &[Detail]) -> Option<String> {
    details.iter().find_map(|detail| {
        let (field, wanted, agrees) = match detail {
            Detail::Amount(field, amount) => (*field, amount.to_string(), is_amount(&found[*field], *amount)),
            Detail::Instant(field, at) => {
                let wanted = time::format(*at);
                (*field, wanted.clone(), found[*field] == wanted.as_str())
            }
            Detail::Text(field, text) => (*field, text.clone(), found[*field] == text.as_str()),
            Detail::None(field) => (*field, "none".to_owned(), found[*field].is_null()),
        };
        (!agrees).then(|| format!("{what}: {field} {wanted} was expected; it is {found}"))
    })
}

fn is_amount(found: &Value, amount: Credits) -> bool {
    found.as_str().is_some_and(|text| text.parse() == Ok(amount))
}

impl Answer<'_> {
    fn of_type<'v>(books: &'v Value, credit_type: &str) -> Option<&'v Value> {
        books["balances"].as_array()?.iter().find(|of_type| of_type["credit_type"] == credit_type)
    }

    /// A figure; of credits that the organization never had, it is 0.
    fn figure(&self, name: &str, credit_type: &str) -> Option<Value> {
        let state = Answer::of_type(self.state, credit_type);
        let Some(state) = state else { return Some(Value::from("0")) };
        let balance = Answer::of_type(self.balance, credit_type);
        balance.and_then(|balance| balance.get(name)).or_else(|| state.get(name)).cloned()
    }

    fn all_grants(&self) -> impl Iterator<Item = &Value> {
        let types = self.state["balances"].as_array().into_iter().flatten();
        types.flat_map(|of_type| of_type["grants"].as_array().into_iter().flatten())
    }

    fn grant(&self, id: &str) -> Option<&Value> {
        self.all_grants().find(|grant| grant["id"] == id)
    }

    fn grants(&self) -> Vec<String> {
        self.all_grants().map(ToString::to_string).collect()
    }
}
