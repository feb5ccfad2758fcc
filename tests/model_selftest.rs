//! The accountant is checked by hand before anything is checked against it.

pub mod model;

#[path = "model_selftest/alerts.rs"]
mod alerts;
#[path = "model_selftest/documents.rs"]
mod documents;
#[path = "model_selftest/forms.rs"]
mod forms;
#[path = "model_selftest/grants.rs"]
mod grants;
#[path = "model_selftest/logs.rs"]
mod logs;
#[path = "model_selftest/prices.rs"]
mod prices;

use model::report::{Balance, OrgReport};
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
        let mut book = Book { model: Model::new(), seq: 0 };
        let mut plan =
            json!({ "type": "creditd.plan.put.v1", "id": "base", "version": 1, "rate_card": "card" });
        for (name, value) in terms.as_object().into_iter().flatten() {
            plan[name] = value.clone();
        }
        let card =
            json!({ "type": "creditd.rate_card.put.v1", "id": "card", "version": 1, "prices": prices });
        let org = json!({ "type": "creditd.org.put.v1", "plan": "base" });
        assert_eq!(book.send(0, "credits.commands._catalog", &card), [Outcome::Accepted]);
        assert_eq!(book.send(0, "credits.commands._catalog", &plan), [Outcome::Accepted]);
        assert_eq!(book.send(0, "credits.commands.acme", &org), [Outcome::Accepted]);
        book
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
        report.orgs["acme"].clone()
    }

    fn credits(&mut self, second: Instant) -> Balance {
        self.acme(second).credits.get("credits").copied().unwrap_or_default()
    }

    /// What is left in each grant, in whole credits.
    fn left(&mut self, second: Instant) -> Vec<(String, Micros)> {
        self.acme(second).grants.iter().map(|(id, grant)| (id.clone(), grant.remaining / CREDIT)).collect()
    }

    /// The ids of the alerts raised so far, without the leading `acme.`.
    fn alerts(&mut self, second: Instant) -> Vec<String> {
        self.acme(second).alerts.iter().map(|alert| alert.id.replacen("acme.", "", 1)).collect()
    }
}

/// One credit each.
fn ones() -> Value {
    json!({ "one": { "per_action": "1" }, "other": { "per_action": "1", "credit_type": "other" } })
}
