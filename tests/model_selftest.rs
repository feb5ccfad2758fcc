//! The accountant is checked by hand before anything is checked against it.
#![expect(clippy::unwrap_used, reason = "what cannot be read fails the test")]

pub mod model;

#[path = "model_selftest/alerts.rs"]
mod alerts;
#[path = "model_selftest/calendar.rs"]
mod calendar;
#[path = "model_selftest/calls.rs"]
mod calls;
#[path = "model_selftest/cycles.rs"]
mod cycles;
#[path = "model_selftest/documents.rs"]
mod documents;
#[path = "model_selftest/forms.rs"]
mod forms;
#[path = "model_selftest/grants.rs"]
mod grants;
#[path = "model_selftest/limits.rs"]
mod limits;
#[path = "model_selftest/logs.rs"]
mod logs;
#[path = "model_selftest/names.rs"]
mod names;
#[path = "model_selftest/notices.rs"]
mod notices;
#[path = "model_selftest/plans.rs"]
mod plans;
#[path = "model_selftest/prices.rs"]
mod prices;
#[path = "model_selftest/purposes.rs"]
mod purposes;
#[path = "model_selftest/recharge.rs"]
mod recharge;
#[path = "model_selftest/running.rs"]
mod running;
#[path = "model_selftest/windows.rs"]
mod windows;

use model::fields::{rfc3339, show};
use model::report::{Balance, LimitAlert, LimitReport, Movement, OrgReport};
use model::{Instant, Micros, Model, Outcome, Record};
use serde_json::{Value, json};

/// 2026-01-05T10:00:00Z.
const TEN: Instant = 1_767_607_200 * SECOND;
const SECOND: Instant = 1_000_000;
const CREDIT: Micros = 1_000_000;

/// A model of which one organization, `acme`, is looked at.
struct Book {
    model: Model,
    seq: u64,
}

impl Book {
    /// `acme` on a plan with these prices and nothing else.
    fn priced(prices: &Value) -> Book {
        Book::planned(prices, &json!({}))
    }

    /// `acme` on a plan with these prices and terms.
    fn planned(prices: &Value, terms: &Value) -> Book {
        let mut book = Book::carded(prices);
        book.plan(0, "base", 1, terms);
        book.put(0, "base", json!({}));
        book
    }

    /// Prices, and nobody there yet.
    fn carded(prices: &Value) -> Book {
        let mut book = Book { model: Model::new(), seq: 0 };
        let card =
            json!({ "type": "creditd.rate_card.put.v1", "id": "card", "version": 1, "prices": prices });
        assert_eq!(book.command(0, &card), Outcome::Accepted);
        book
    }

    /// A version of a plan.
    fn plan(&mut self, second: Instant, id: &str, version: i64, terms: &Value) {
        let plan =
            json!({ "type": "creditd.plan.put.v1", "id": id, "version": version, "rate_card": "card" });
        assert_eq!(self.command(second, &with(plan, terms)), Outcome::Accepted);
    }

    /// `acme` on this plan.
    fn put(&mut self, second: Instant, plan: &str, terms: Value) {
        let put = json!({ "type": "creditd.org.put.v1", "plan": plan });
        assert_eq!(self.command(second, &with(put, &terms)), Outcome::Accepted);
    }

    /// One record, so many seconds after ten o'clock.
    fn send(&mut self, second: Instant, subject: &str, payload: &Value) -> Vec<Outcome> {
        self.raw(second, subject, &[], payload.to_string().as_bytes())
    }

    fn raw(
        &mut self,
        second: Instant,
        subject: &str,
        headers: &[(&str, &str)],
        payload: &[u8],
    ) -> Vec<Outcome> {
        self.seq += 1;
        let headers = headers.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let subject = subject.to_string();
        let record =
            Record { seq: self.seq, at: TEN + second * SECOND, subject, headers, payload: payload.to_vec() };
        self.model.apply(&record)
    }

    /// One event of `acme`; its id is its number.
    fn event(&mut self, second: Instant, mut item: Value) -> Outcome {
        if item.get("id").is_none() {
            item["id"] = json!(format!("e{}", self.seq + 1));
        }
        self.send(second, "credits.events.acme", &item)[0]
    }

    fn command(&mut self, second: Instant, item: &Value) -> Outcome {
        let catalog = item.get("version").is_some();
        let subject = if catalog { "credits.commands._catalog" } else { "credits.commands.acme" };
        self.send(second, subject, item)[0]
    }

    fn grant(&mut self, second: Instant, id: &str, mut data: Value) {
        data["type"] = json!("creditd.grant.v1");
        data["id"] = json!(id);
        assert_eq!(self.command(second, &data), Outcome::Accepted);
    }

    /// Charges so many credits, at a price of one each.
    fn spend(&mut self, second: Instant, credits: i64) -> Outcome {
        self.event(second, json!({ "type": "action", "action": "one", "quantity": credits }))
    }

    fn acme(&mut self, second: Instant) -> OrgReport {
        let report = self.model.report(TEN + second * SECOND);
        assert_eq!(report.breaches(), Vec::<String>::new());
        assert_eq!(self.model.breaches(), Vec::<String>::new());
        report.orgs["acme"].clone()
    }

    fn credits(&mut self, second: Instant) -> Balance {
        self.acme(second).credits.get("credits").copied().unwrap_or_default()
    }

    /// What is left in each grant, in whole credits.
    fn left(&mut self, second: Instant) -> Vec<(String, Micros)> {
        self.acme(second).grants.iter().map(|(id, grant)| (id.clone(), grant.remaining / CREDIT)).collect()
    }

    /// What a grant amounts to and holds, in credits.
    fn holds(&mut self, second: Instant, id: &str) -> (String, String) {
        let grant = &self.acme(second).grants[id];
        (show(grant.amount), show(grant.remaining))
    }

    /// The movements after the first so many, as `granted plan.1.credits 100`.
    fn moves(&mut self, second: Instant, skipped: usize) -> Vec<String> {
        let movements = self.acme(second).movements;
        let line = |moved: &Movement| {
            let from = moved.grant.as_ref().unwrap_or(&moved.credit_type);
            format!("{:?} {from} {}", moved.kind, show(moved.amount)).to_lowercase()
        };
        movements.iter().skip(skipped).map(line).collect()
    }

    /// The running cycle: its number, begin and end.
    fn cycle(&mut self, second: Instant) -> Option<(u64, String, String)> {
        let spelt = |at| jiff::Timestamp::from_microsecond(at).map(|at| at.to_string()).unwrap_or_default();
        self.acme(second).cycle.map(|cycle| (cycle.number, spelt(cycle.start), spelt(cycle.end)))
    }

    /// The ids of the thresholds crossed so far, without the leading `acme.`.
    fn alerts(&mut self, second: Instant) -> Vec<String> {
        let alerts = self.acme(second).alerts;
        alerts.iter().flat_map(|alert| &alert.crossed).map(|id| id.replacen("acme.", "", 1)).collect()
    }
}

// Limits.
impl Book {
    /// States a limit of `acme`.
    fn limit(&mut self, second: Instant, id: &str, terms: &Value) {
        assert_eq!(self.try_limit(second, id, terms), Outcome::Accepted);
    }

    fn try_limit(&mut self, second: Instant, id: &str, terms: &Value) -> Outcome {
        let put = json!({ "type": "creditd.limit.put.v1", "id": id });
        self.command(second, &with(put, terms))
    }

    /// So many actions at a price of one each, with these fields more.
    fn act(&mut self, second: Instant, quantity: i64, fields: &Value) -> Outcome {
        let action = json!({ "type": "action", "action": "one", "quantity": quantity });
        self.event(second, with(action, fields))
    }

    /// What was used of the limits in force, as `each-user ana 3 of 5`, in things or credits.
    fn limits(&mut self, second: Instant) -> Vec<String> {
        let line = |((id, value), limit): (&(String, String), &LimitReport)| {
            // Amounts of credits here are whole, numbers of things small.
            let unit = if limit.max >= CREDIT || limit.used >= CREDIT { CREDIT } else { 1 };
            format!("{id} {value} {} of {}", limit.used / unit, limit.max / unit)
        };
        self.acme(second).limits.iter().map(line).collect()
    }

    /// The running window of a limit.
    fn window(&mut self, second: Instant, id: &str) -> Option<(String, String)> {
        let spelt = |at| jiff::Timestamp::from_microsecond(at).map(|at| at.to_string()).unwrap_or_default();
        let limit = self.acme(second).limits[&(id.to_string(), "-".to_string())];
        limit.start.map(spelt).zip(limit.end.map(spelt))
    }

    /// The alerts of limits raised so far, as `near each-user ana`.
    fn warnings(&mut self, second: Instant) -> Vec<String> {
        let line =
            |alert: &LimitAlert| format!("{:?} {} {}", alert.level, alert.limit, alert.value).to_lowercase();
        self.acme(second).limit_alerts.iter().map(line).collect()
    }
}

/// An instant in whole seconds after ten o'clock.
fn at(text: &str) -> Instant {
    (rfc3339(text).unwrap() - TEN) / SECOND
}

/// An object with these fields, too.
fn with(mut object: Value, fields: &Value) -> Value {
    for (name, value) in fields.as_object().into_iter().flatten() {
        object[name] = value.clone();
    }
    object
}

/// One credit each.
fn ones() -> Value {
    json!({ "one": { "per_action": "1" }, "other": { "per_action": "1", "credit_type": "other" } })
}
