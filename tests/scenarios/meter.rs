//! The product's own fold, fed with records as `creditd replay` feeds it.

use std::collections::BTreeMap;
use std::sync::Arc;

use creditd::book::commons::Commons;
use creditd::book::partition::{Item, Listener, Partition};
use creditd::book::shelf::{History, Shelf};
use creditd::book::{Book, OrgName};
use creditd::ledger::effect::{Effect, Outcome};
use creditd::ledger::units::{Credits, Timestamp};
use creditd::log::{Draft, Record};
use creditd::store::codec;
use creditd::store::history::Limits;
use creditd::{query, wire};
use serde_json::{Value, json};

/// What a fold told: what became of items, and the alerts it raised, as they leave.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Told {
    pub(crate) outcomes: Vec<Value>,
    /// The organization and the alert.
    pub(crate) alerts: Vec<(String, Value)>,
}

impl Listener for Told {
    fn outcome(&mut self, _: &Record, item: Item<'_>, outcome: &Outcome) {
        self.outcomes.push(wire::outcome_json(item.position, outcome));
    }

    fn effect(&mut self, org: &str, effect: &Effect) {
        match effect {
            Effect::LowBalance(alert) => self.alerts.push((org.to_owned(), wire::alert_json(org, alert))),
            Effect::Limit(alert) => self.alerts.push((org.to_owned(), wire::limit_alert_json(org, alert))),
            Effect::Recharge(alert) => {
                self.alerts.push((org.to_owned(), wire::recharge_alert_json(org, alert)));
            }
            Effect::Notice(notice) => self.alerts.push((org.to_owned(), wire::notice_json(org, notice))),
            Effect::Calls(news) => self.alerts.push((org.to_owned(), wire::call_news_json(org, news))),
            Effect::Orphaned(orphaned) => {
                let told = orphaned.number.map(|number| wire::orphaned_json(org, number, orphaned));
                self.alerts.extend(told.map(|told| (org.to_owned(), told)));
            }
            Effect::Moved(_)
            | Effect::OrphanReturned(_)
            | Effect::WebhooksChanged
            | Effect::ReportsChanged => {}
        }
    }
}

/// A fold.
#[derive(Debug)]
pub(crate) struct Meter {
    pub(crate) partition: Partition,
    pub(crate) told: Told,
}

impl Meter {
    pub(crate) fn new() -> Meter {
        let history = History::new(Arc::new(Shelf::in_memory()), Limits::default(), 0);
        Meter::over(Partition::new(Arc::new(Book::default()), Commons::default(), history))
    }

    pub(crate) fn over(partition: Partition) -> Meter {
        Meter { partition, told: Told::default() }
    }

    pub(crate) fn apply(&mut self, record: &Record) -> Result<(), String> {
        self.partition.apply(record, &mut self.told).map_err(|error| error.to_string())
    }

    pub(crate) fn names(&self) -> Vec<OrgName> {
        self.partition.book().names()
    }

    /// The balance as anybody may ask for it.
    pub(crate) fn balance(&self, org: &str, at: Timestamp) -> Result<Value, String> {
        let balance = query::balance(self.partition.book(), org, at);
        let balance = balance.ok_or_else(|| format!("there is no organization {org:?}"))?;
        serde_json::to_value(balance).map_err(|error| error.to_string())
    }

    /// The whole state as `replay` shows it.
    pub(crate) fn state(&self, org: &str) -> Result<Value, String> {
        let state = query::org_state(self.partition.book(), org, self.partition.commons().at);
        let state = state.ok_or_else(|| format!("there is no organization {org:?}"))?;
        serde_json::to_value(state).map_err(|error| error.to_string())
    }

    /// Every organization as a checkpoint holds it.
    pub(crate) fn bytes(&self) -> Result<BTreeMap<OrgName, Vec<u8>>, String> {
        let encoded = self.names().into_iter().map(|name| {
            let mut bytes = Vec::new();
            let encode = self.partition.book().read(&name, |slot| codec::encode_into(&slot.org, &mut bytes));
            encode.transpose().map_err(|error| error.to_string())?;
            Ok((name, bytes))
        });
        encoded.collect()
    }

    /// Where the books of an organization do not add up.
    pub(crate) fn breaches(&self) -> Result<Vec<String>, String> {
        let mut breaches = Vec::new();
        for name in self.names() {
            for books in self.state(&name)?["balances"].as_array().into_iter().flatten() {
                let of = |figure: &str| micros(&books[figure]);
                let kind = &books["credit_type"];
                let laws = [
                    ("granted", "remaining + consumed + expired + voided"),
                    ("consumed - covered", "charged - overage"),
                    ("owed", "overage - covered - dropped"),
                ];
                for (left, right) in laws {
                    if sum(left, &of) != sum(right, &of) {
                        breaches.push(format!("{name}, {kind}: {left} is not {right} in {books}"));
                    }
                }
            }
        }
        Ok(breaches)
    }
}

/// The value of `a + b - c`.
fn sum(terms: &str, of: &impl Fn(&str) -> i64) -> i64 {
    let mut sign = 1;
    let mut total = 0;
    for word in terms.split(' ') {
        match word {
            "+" => sign = 1,
            "-" => sign = -1,
            figure => total += sign * of(figure),
        }
    }
    total
}

/// A decimal string in micro-credits; a figure that is not there is 0.
fn micros(figure: &Value) -> i64 {
    figure.as_str().and_then(|text| text.parse().ok()).map_or(0, Credits::micros)
}

/// A record of the log.
pub(crate) fn record(seq: u64, at: Timestamp, subject: &str, item: &Value) -> Record {
    let payload = if *item == json!(null) { String::new() } else { item.to_string() };
    let draft = Draft { subject: subject.to_owned(), payload: payload.into(), ..Draft::default() };
    Record { seq, at, draft }
}
