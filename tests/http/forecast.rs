//! The forecast in figures: what the face answers, of hours that need not pass.

use std::sync::Arc;

use creditd::book::Book;
use creditd::book::commons::Commons;
use creditd::book::partition::{Item, Listener, Partition};
use creditd::book::shelf::{History, Shelf};
use creditd::ledger::effect::{Effect, Outcome};
use creditd::ledger::units::Timestamp;
use creditd::log::{Draft, Record};
use creditd::query::forecast;
use creditd::store::history::Limits;
use creditd::wire::{Subject, time};
use serde_json::{Value, json};

/// The alerts by their subjects.
#[derive(Default)]
struct Heard(Vec<String>);

impl Listener for Heard {
    fn outcome(&mut self, record: &Record, _: Item<'_>, outcome: &Outcome) {
        assert!(matches!(outcome, Outcome::Done | Outcome::Charged(_)), "{outcome:?}: {record:?}");
    }

    fn effect(&mut self, org: &str, effect: &Effect) {
        if let Effect::Notice(notice) = effect {
            let message = creditd::book::outbox::notice(org, notice);
            self.0.push(format!("{} {}", message.subject, message.id));
        }
    }
}

const BEGIN: &str = "2026-01-05T10:00:00Z";

fn at(text: &str) -> Timestamp {
    time::parse(text).unwrap()
}

/// An organization with two grants, which burnt 6, 1 and 3 in three hours, and 20 in the fourth.
fn burnt(heard: &mut Heard) -> Partition {
    let history = History::new(Arc::new(Shelf::in_memory()), Limits::default(), 0);
    let mut partition = Partition::new(Arc::new(Book::default()), Commons::default(), history);
    let mut tell = |time: &str, subject: &str, item: Value| {
        let draft =
            Draft { subject: subject.to_owned(), payload: item.to_string().into(), ..Draft::default() };
        let record = Record { seq: partition.commons().seq + 1, at: at(time), draft };
        partition.apply(&record, heard).unwrap();
    };
    let (catalog, commands, events) =
        ("credits.commands._catalog", "credits.commands.acme", "credits.events.acme");
    let card = json!({ "type": "rate_card.put", "id": "c", "version": 1, "prices": { "one": { "per_action": "1" } } });
    tell(BEGIN, catalog, card);
    let rules = json!([{ "runs_out_within_hours": 48 }, { "expires_within_days": 1 }]);
    tell(
        BEGIN,
        catalog,
        json!({ "type": "plan.put", "id": "p", "version": 1, "rate_card": "c", "alerts": rules }),
    );
    tell(BEGIN, commands, json!({ "type": "org.put", "data": { "plan": "p" } }));
    for (id, amount, expires) in [("a", "100", json!("2026-01-06T16:00:00Z")), ("b", "200", json!(null))] {
        let grant = json!({ "id": id, "amount": amount, "expires": expires });
        tell(BEGIN, commands, json!({ "type": "grant", "data": grant }));
    }
    for (hour, quantity) in [("10", 6), ("11", 1), ("12", 3), ("13", 20)] {
        let time = format!("2026-01-05T{hour}:00:00Z");
        tell(&time, events, json!({ "type": "action", "id": hour, "action": "one", "quantity": quantity }));
    }
    partition
}

#[test]
fn a_forecast_in_figures() {
    let partition = burnt(&mut Heard::default());
    // 10 in 3 hours; 70 and 200 are left, and the grant a ends 27 hours later, when 90 are burnt.
    let found = forecast(partition.book(), "acme", at("2026-01-05T13:00:00Z")).unwrap();
    assert_eq!(
        serde_json::to_value(&found).unwrap(),
        json!({
            "org": "acme", "seq": "9.0", "as_of": "2026-01-05T13:00:00Z", "zone": "UTC",
            "forecasts": [{
                "credit_type": "credits", "available": "270", "enough_history": true,
                "rate": { "sum": "10", "hours": 3, "per_hour": "3.333333", "per_day": "80" },
                "outcome": "runs out at 2026-01-08T22:00:00Z", "runs_out_at": "2026-01-08T22:00:00Z", "losses": [],
            }],
        })
    );
    // The rate is that of the whole hours before; without any burn the grant loses what it holds.
    let found = forecast(partition.book(), "acme", at("2026-01-06T14:00:00Z")).unwrap();
    let of_credits = serde_json::to_value(&found.forecasts[0]).unwrap();
    assert_eq!((&of_credits["rate"]["sum"], &of_credits["outcome"]), (&json!("0"), &json!("nothing burnt")));
    assert_eq!(of_credits["losses"], json!([{ "grant": "a", "at": "2026-01-06T16:00:00Z", "amount": "70" }]));
    assert!(forecast(partition.book(), "nobody", at(BEGIN)).is_none());
}

#[test]
fn an_instant_before_the_end_of_a_grant_is_due() {
    let mut heard = Heard::default();
    let mut partition = burnt(&mut heard);
    // A tick lets the instant come at which a day is left.
    let tick = Draft { subject: Subject::Tick.to_string(), ..Draft::default() };
    let due = partition.next_due().unwrap();
    assert_eq!(due, at("2026-01-05T16:00:00Z"));
    let record = Record { seq: 10, at: at("2026-01-05T16:30:00Z"), draft: tick };
    partition.apply(&record, &mut heard).unwrap();
    assert_eq!(heard.0, ["credits.alerts.acme.grant_expiring acme.credits.expires1.a"]);
}
