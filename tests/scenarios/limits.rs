//! Limits in words: as plans and organizations state them, and as they are seen.
//!
//! ```text
//! plan base: no cycle, limit each-user 5 things a day on each user hard, rejects past limits
//! acme sets limit mails 100 email a month on account emea and each action
//! acme sets limit spring 500 credits a cycle on campaign c7
//! acme sets limit ever 9 things for life on each campaign
//! acme switches off limit each-user
//! acme removes limit mails
//! acme: 3 lookup => rejected limit_reached each-user
//! expect limit each-user for ana: used 3 of 5 near, limit mails: used 0 of 100 resets 2026-02-01
//! expect limit pair for ana c7: used 1 of 2 remaining 1, limit ever: never resets, no limit each-user for bob
//! expect limit alerts near each-user for ana and reached mails, no limit alerts
//! ```
//!
//! Of credits the type is named, of anything else `things`. A kind of whose use that is not known is a type of entities. What
//! nobody used is not seen by the value of its own. Alerts of limits are, as others, those since the `expect` before.

use creditd::ledger::units::{Credits, Timestamp};
use creditd::wire::time;
use serde_json::{Value, json};

use super::words::{Words, unknown};

/// What must be seen of a limit.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    id: String,
    value: String,
    of_it: Vec<Detail>,
}

/// One thing that is looked at.
#[derive(Clone, Debug)]
enum Detail {
    Figure(&'static str, Credits),
    Resets(Timestamp),
    NeverResets,
    State(String),
}

/// Reads `each-user 5 things a day on each user hard`.
pub(crate) fn limit(words: &mut Words<'_>) -> Result<Value, String> {
    let mut limit = json!({ "id": words.next("a limit's name")? });
    let much = words.next("how much")?;
    match words.next("a credit type, or things")? {
        "things" => limit["quantity"] = json!(much.parse::<u64>().map_err(|_| unknown(much))?),
        credit_type => {
            limit["credits"] = json!(much);
            limit["credit_type"] = json!(credit_type);
        }
    }
    let window = match words.next("a window")? {
        "a" => words.next("a window")?,
        "for" => words.next("life")?,
        word => return Err(unknown(word)),
    };
    limit["window"] = json!(window);
    if words.take("on") {
        whose(words, &mut limit)?;
        while words.take("and") {
            whose(words, &mut limit)?;
        }
    }
    if words.take("hard") {
        limit["hard"] = json!(true);
    }
    Ok(limit)
}

/// `user ana`, `each user`, `campaign c7`, `each campaign`
fn whose(words: &mut Words<'_>, limit: &mut Value) -> Result<(), String> {
    let each = words.take("each");
    let kind = words.next("whose use")?;
    let value = if each { "*" } else { words.next("a name")? };
    match kind {
        "account" | "user" | "team" | "feature" | "action" => limit["on"][kind] = json!(value),
        _ => limit["on"]["entity"] = json!({ "type": kind, "id": value }),
    }
    Ok(())
}

/// Reads what an organization does about its limits, from the verb on; answers none for another verb.
pub(crate) fn command(verb: &str, words: &mut Words<'_>) -> Result<Option<Value>, String> {
    let (kind, mut item) = match verb {
        "sets" if words.take("limit") => ("limit.put", limit(words)?),
        "switches" if words.take("off limit") => {
            ("limit.put", json!({ "id": words.next("a limit's name")?, "off": true }))
        }
        "removes" if words.take("limit") => ("limit.remove", json!({ "id": words.next("a limit's name")? })),
        _ => return Ok(None),
    };
    item["type"] = json!(kind);
    Ok(Some(item))
}

/// Reads the name of a limit and, after `for`, the values it counts each by itself; a colon ends it where more follows.
fn name(words: &mut Words<'_>, mut goes_on: impl FnMut(&str) -> bool) -> Result<(String, String), String> {
    let mut all = Vec::new();
    while let Some(word) = words.peek().filter(|word| goes_on(word)) {
        words.take(word);
        all.push(word.trim_end_matches(':'));
        if word.ends_with(':') {
            break;
        }
    }
    match all[..] {
        [id] => Ok((id.to_owned(), "-".to_owned())),
        [id, "for", ref value @ ..] if !value.is_empty() => Ok((id.to_owned(), value.join("/"))),
        _ => Err(format!("write the limit's name, and \"for\" a value of it, not {:?}", all.join(" "))),
    }
}

/// Reads `each-user for ana: used 3 of 5`.
pub(crate) fn seen(words: &mut Words<'_>) -> Result<Seen, String> {
    let (id, value) = name(words, |_| true)?;
    let mut of_it = Vec::new();
    while let Some(word) = words.peek() {
        words.take(word);
        of_it.push(match word {
            "used" => Detail::Figure("used", words.amount()?),
            "of" => Detail::Figure("max", words.amount()?),
            "remaining" => Detail::Figure("remaining", words.amount()?),
            "resets" => Detail::Resets(words.instant()?),
            "never" if words.take("resets") => Detail::NeverResets,
            "near" | "reached" => Detail::State(word.to_owned()),
            word => return Err(unknown(word)),
        });
    }
    if of_it.is_empty() {
        Err("say what is seen of the limit".to_owned())
    } else {
        Ok(Seen { id, value, of_it })
    }
}

/// Reads `each-user for bob`, of which nothing must be seen.
pub(crate) fn unseen(words: &mut Words<'_>) -> Result<(String, String), String> {
    name(words, |_| true)
}

/// Reads `near each-user for ana and reached all`; answers the alerts in some order of their own.
pub(crate) fn alerts(words: &mut Words<'_>) -> Result<Vec<String>, String> {
    let mut alerts = Vec::new();
    loop {
        let level = match words.next("near or reached")? {
            level @ ("near" | "reached") => level,
            word => return Err(unknown(word)),
        };
        let (id, value) = name(words, |word| word != "and")?;
        alerts.push(format!("{level} {id} for {value}"));
        if !words.take("and") {
            alerts.sort();
            return Ok(alerts);
        }
    }
}

/// Whether an alert is one of a limit.
pub(crate) fn is_of_limit(alert: &Value) -> bool {
    !alert["data"]["limit"].is_null()
}

/// Why other alerts of limits were raised, if they were.
pub(crate) fn other_alerts(wanted: &[String], alerts: &[Value]) -> Option<String> {
    let line = |alert: &Value| {
        let text = |field: &str| alert["data"][field].as_str().unwrap_or("-").to_owned();
        format!("{} {} for {}", text("level"), text("limit"), text("value"))
    };
    let mut raised: Vec<String> = alerts.iter().filter(|alert| is_of_limit(alert)).map(line).collect();
    raised.sort();
    (raised != wanted).then(|| format!("alerts of limits {wanted:?} were expected; they are {raised:?}"))
}

/// A limit of those that an organization has.
pub(crate) fn find<'v>(state: &'v Value, id: &str, value: &str) -> Option<&'v Value> {
    let of_it = |limit: &&Value| limit["id"] == id && limit["value"].as_str().unwrap_or("-") == value;
    state["limits"].as_array()?.iter().find(of_it)
}

/// Whether anything was used of it.
pub(crate) fn is_used(limit: &Value) -> bool {
    !is_figure(&limit["used"], Credits::ZERO)
}

/// Credits are written as text, things as numbers.
fn is_figure(found: &Value, wanted: Credits) -> bool {
    let found = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
    found.parse() == Ok(wanted)
}

impl Seen {
    /// What is seen instead, if it is something else.
    pub(crate) fn differs(&self, state: &Value) -> Option<String> {
        let Some(limit) = find(state, &self.id, &self.value) else {
            return Some(format!(
                "limit {} for {} was expected; there are {}",
                self.id, self.value, state["limits"]
            ));
        };
        let wrong = self.of_it.iter().find(|detail| !detail.is_in(limit))?;
        Some(format!("limit {} for {}: {wrong:?} was expected; it is {limit}", self.id, self.value))
    }
}

impl Detail {
    fn is_in(&self, limit: &Value) -> bool {
        match self {
            Detail::Figure(field, amount) => is_figure(&limit[*field], *amount),
            Detail::Resets(at) => limit["resets_at"] == time::format(*at).as_str(),
            Detail::NeverResets => limit["resets_at"].is_null(),
            Detail::State(state) => limit["state"] == state.as_str(),
        }
    }
}
