//! Forecasts: how long credits last at the rate of now, and what grants will have left at their end.

use serde::Serialize;

use super::balance::{instant, text};
use crate::book::Book;
use crate::ledger::burn::Rate;
use crate::ledger::forecast::{Forecast, Loss, Outcome};
use crate::ledger::price::CreditType;
use crate::ledger::units::{Credits, Position, Timestamp};
use crate::wire::time;

/// What will become of an organization's credits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OrgForecast {
    /// The organization.
    pub org: String,
    /// The record and item of its last entry.
    #[serde(serialize_with = "text")]
    pub seq: Position,
    /// The instant from which on it is reckoned.
    #[serde(serialize_with = "instant")]
    pub as_of: Timestamp,
    /// One for each kind of credits.
    pub forecasts: Vec<ForecastState>,
}

/// What will become of one kind of credits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ForecastState {
    /// The kind.
    pub credit_type: CreditType,
    /// What is available now.
    pub available: Credits,
    /// Whether there were enough whole hours for a rate.
    pub enough_history: bool,
    /// At which rate credits are burnt; none without enough history.
    pub rate: Option<RateState>,
    /// In words.
    pub outcome: String,
    /// When nothing is available any more, if it is known to come.
    pub runs_out_at: Option<String>,
    /// What is left of grants at their end, until then.
    pub losses: Vec<LossState>,
}

/// At which rate credits are burnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RateState {
    /// What was burnt in the last whole hours.
    pub sum: Credits,
    /// How many hours that is: 3 to 24.
    pub hours: u32,
    /// That is so much an hour, rounded half up.
    pub per_hour: Credits,
    /// That is so much in 24 hours, rounded half up.
    pub per_day: Credits,
}

/// What a grant will have left at its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LossState {
    /// The grant's name.
    pub grant: Box<str>,
    /// Its end.
    #[serde(serialize_with = "instant")]
    pub at: Timestamp,
    /// How much.
    pub amount: Credits,
}

/// What will become of the credits of an organization from `now` on, or from its last entry on where that is later. None for an
/// organization that is not known. With very many grants it takes a while: not for the threads of a runtime.
#[must_use]
pub fn forecast(book: &Book, name: &str, now: Timestamp) -> Option<OrgForecast> {
    let (mut org, at) = book.read(name, |slot| (slot.org.without_ids(), now.max(slot.org.at())))?;
    let catalog = book.catalog();
    org.advance(at, &catalog, &mut Vec::new());
    let forecasts = org.forecasts(&catalog).into_iter().map(|(pool, rate, forecast)| {
        let Forecast { outcome, losses } = forecast;
        ForecastState {
            credit_type: pool.credit_type,
            available: pool.level(),
            enough_history: rate.is_some(),
            rate: rate.map(RateState::from),
            outcome: in_words(outcome, rate),
            runs_out_at: if let Outcome::RunsOut(at) = outcome { Some(time::format(at)) } else { None },
            losses: losses.into_iter().map(LossState::from).collect(),
        }
    });
    let forecasts = forecasts.collect();
    Some(OrgForecast { org: name.to_owned(), seq: org.position(), as_of: at, forecasts })
}

fn in_words(outcome: Outcome, rate: Option<Rate>) -> String {
    let idle = rate.is_none_or(|rate| rate.sum == Credits::ZERO);
    match outcome {
        Outcome::HasRunOut => "has run out".to_owned(),
        Outcome::NotEnoughHistory => "not enough history".to_owned(),
        Outcome::RunsOut(at) => format!("runs out at {}", time::format(at)),
        _ if idle => "nothing burnt".to_owned(),
        Outcome::UntilReset(_) => "lasts until the reset".to_owned(),
        Outcome::Beyond(_) => "lasts longer than 400 days".to_owned(),
        Outcome::AtLeast(at) => format!("lasts at least until {}", time::format(at)),
    }
}

impl From<Rate> for RateState {
    fn from(rate: Rate) -> RateState {
        RateState { sum: rate.sum, hours: rate.hours, per_hour: rate.per_hour(), per_day: rate.per_day() }
    }
}

impl From<Loss> for LossState {
    fn from(Loss { grant, at, amount }: Loss) -> LossState {
        LossState { grant, at, amount }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;
    use crate::book::commons::Commons;
    use crate::book::partition::{Item, Listener, Partition};
    use crate::book::shelf::{History, Shelf};
    use crate::ledger::effect::{Effect, Outcome as Fate};
    use crate::log::{Draft, Record};
    use crate::store::history::Limits;
    use crate::wire::Subject;

    /// The alerts by their subjects.
    #[derive(Default)]
    struct Heard(Vec<String>);

    impl Listener for Heard {
        fn outcome(&mut self, record: &Record, _: Item<'_>, outcome: &Fate) {
            assert!(matches!(outcome, Fate::Done | Fate::Charged(_)), "{outcome:?}: {record:?}");
        }

        fn effect(&mut self, org: &str, effect: &Effect) {
            if let Effect::Notice(notice) = effect {
                let message = crate::book::outbox::notice(org, notice);
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
        for (id, amount, expires) in [("a", "100", json!("2026-01-06T16:00:00Z")), ("b", "200", json!(null))]
        {
            let grant = json!({ "id": id, "amount": amount, "expires": expires });
            tell(BEGIN, commands, json!({ "type": "grant", "data": grant }));
        }
        for (hour, quantity) in [("10", 6), ("11", 1), ("12", 3), ("13", 20)] {
            let time = format!("2026-01-05T{hour}:00:00Z");
            tell(
                &time,
                events,
                json!({ "type": "action", "id": hour, "action": "one", "quantity": quantity }),
            );
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
                "org": "acme", "seq": "9.0", "as_of": "2026-01-05T13:00:00Z",
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
        assert_eq!(
            (&of_credits["rate"]["sum"], &of_credits["outcome"]),
            (&json!("0"), &json!("nothing burnt"))
        );
        assert_eq!(
            of_credits["losses"],
            json!([{ "grant": "a", "at": "2026-01-06T16:00:00Z", "amount": "70" }])
        );
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
}
