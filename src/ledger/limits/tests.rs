//! Limits of an organization, entry by entry.
#![expect(clippy::arithmetic_side_effects, reason = "small numbers, written out")]

mod counting;
mod terms;
mod windows;

use super::*;
use crate::ledger::calendar::{Every, Zone};
use crate::ledger::catalog::{Catalog, RateCard};
use crate::ledger::charge::Charge;
use crate::ledger::effect::{Effect, Need, Outcome, Recall};
use crate::ledger::entry::{
    Call, CatalogCommand, Command, Dimensions, Entry, Event, GrantOrder, Kind, OrgTerms, Versioned, Void,
    What,
};
use crate::ledger::org::Org;
use crate::ledger::price::{CreditType, Direction, Increment, PerMinute, Price, Rate, Tariff};
use crate::ledger::rejection::Reason;
use crate::ledger::units::{Credits, EventId, Millis, Position};

fn at(text: &str) -> Timestamp {
    Timestamp::from_micros(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
}

fn credits(n: i64) -> Credits {
    Credits::from_micros(n * 1_000_000)
}

/// An e-mail costs 1 credit, a minute of a call 10, of its translation 3.
fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    let minutes = |n| {
        Tariff::PerMinute(Box::new(PerMinute {
            base: Rate { per_minute: credits(n), connect_fee: Credits::ZERO },
            minimum: Credits::ZERO,
            increment: Increment::MINUTE,
            inbound: None,
            outbound: None,
            destinations: [].into(),
        }))
    };
    let prices = [
        ("email", Tariff::PerAction(credits(1))),
        ("free", Tariff::PerAction(Credits::ZERO)),
        ("phone_call", minutes(10)),
        ("translation", minutes(3)),
    ];
    let price = |tariff| Price { credit_type: CreditType::default(), tariff };
    let content = RateCard { prices: prices.map(|(name, tariff)| (name.into(), price(tariff))).into() };
    let card = Versioned { id: "card".into(), version: 1, effective_from: None, content };
    catalog.apply(CatalogCommand::PutRateCard(card), Timestamp::MIN).unwrap();
    catalog
}

fn publish(catalog: &mut Catalog, id: &str, version: u32, from: Option<&str>, content: Plan) {
    let plan = Versioned { id: id.into(), version, effective_from: from.map(at), content };
    catalog.apply(CatalogCommand::PutPlan(plan, "card".into()), Timestamp::MIN).unwrap();
}

/// A plan with limits.
fn plan(limits: &[Limit]) -> Plan {
    Plan { limits: limits.iter().cloned().map(Arc::new).collect(), ..Plan::default() }
}

fn rejecting() -> Plan {
    Plan { past_limit: PastLimit::Reject, ..Plan::default() }
}

fn each_user(max: u64, window: Window) -> Limit {
    let on = On::new(vec![Part { field: Field::User, value: None }]).unwrap();
    Limit { id: "each-user".into(), on, ..total(max, window) }
}

/// So many credits of the whole organization.
fn total(max: u64, window: Window) -> Limit {
    let unit = Unit::Credits(CreditType::default());
    let max = Measure::of_quantity(max * 1_000_000);
    Limit { id: "total".into(), on: On::default(), unit, max, window, hard: true }
}

fn own(limit: Limit) -> Own {
    Own { id: limit.id.clone(), limit: Some(Arc::new(limit)), note: None }
}

/// An organization, with its charges for voids.
struct Acme {
    org: Org,
    catalog: Catalog,
    seq: u64,
    charges: Vec<(Position, Charge)>,
    alerts: Vec<String>,
}

impl Acme {
    /// On a plan, from an instant on.
    fn on(content: Plan, when: &str) -> Acme {
        let mut catalog = catalog();
        publish(&mut catalog, "plan", 1, None, content);
        let (org, charges, alerts) = (Org::default(), Vec::new(), Vec::new());
        let mut acme = Acme { org, catalog, seq: 0, charges, alerts };
        assert_eq!(acme.terms(when, "plan", None), Outcome::Done);
        acme
    }

    fn apply(&mut self, when: &str, what: What<'_>) -> Outcome {
        self.seq += 1;
        let position = Position { seq: self.seq, item: 0 };
        let entry = Entry { position, at: at(when), what };
        let (mut recall, mut effects) = (Recall::default(), Vec::new());
        let outcome = loop {
            match self.org.apply(&entry, &self.catalog, &recall, &mut effects) {
                Outcome::Needs(Need::Charge(of)) => {
                    recall.charge = self.charges.iter().find(|(known, _)| *known == of).cloned();
                }
                outcome => break outcome,
            }
        };
        if let Outcome::Charged(charge) = &outcome {
            self.charges.push((position, charge.clone()));
        }
        let names = effects.iter().filter_map(|effect| match effect {
            Effect::Limit(alert) => {
                let value = alert.value.as_deref().unwrap_or("-");
                Some(format!("{} {value} {}", alert.limit.id, alert.level.slug()))
            }
            _ => None,
        });
        self.alerts.extend(names);
        outcome
    }

    fn terms(&mut self, when: &str, plan: &str, zone: Option<&str>) -> Outcome {
        let time_zone = zone.map(|name| Zone::named(name).unwrap());
        let terms = OrgTerms { plan: plan.into(), time_zone, ..OrgTerms::default() };
        self.apply(when, What::Command(Command::PutOrg(terms)))
    }

    fn put(&mut self, when: &str, limit: Limit) -> Outcome {
        self.apply(when, What::Command(Command::PutLimit(own(limit))))
    }

    fn off(&mut self, when: &str, id: &str) -> Outcome {
        let off = Own { id: id.into(), limit: None, note: None };
        self.apply(when, What::Command(Command::PutLimit(off)))
    }

    fn remove(&mut self, when: &str, id: &str) -> Outcome {
        self.apply(when, What::Command(Command::RemoveLimit(id.into())))
    }

    fn event(&mut self, when: &str, of: Dimensions<'_>, kind: Kind<'_>) -> Outcome {
        let id = EventId::of("test", &self.seq.to_string());
        self.apply(when, What::Event(Event { id, time: at(when), dimensions: of, kind }))
    }

    /// So many e-mails of a user, at 1 credit each.
    fn emails(&mut self, when: &str, user: &str, quantity: u64) -> Outcome {
        let of = Dimensions { user: Some(user).filter(|user| !user.is_empty()), ..Dimensions::default() };
        self.event(when, of, Kind::Action { action: "email", quantity })
    }

    /// A call of a user and so many minutes, with its translation.
    fn call(&mut self, when: &str, user: &str, minutes: u64) -> Outcome {
        let call = Call {
            name: None,
            action: "phone_call",
            direction: Direction::Outbound,
            destination: None,
            duration: Millis(minutes * 60_000),
            answered: true,
            answered_at: None,
            add_ons: &["translation"],
        };
        self.event(when, Dimensions { user: Some(user), ..Dimensions::default() }, Kind::Call(call))
    }

    /// Takes back the event that was charged last.
    fn void_last(&mut self, when: &str, time: &str) -> Outcome {
        let seq = self.charges.last().unwrap().0.seq;
        let target = EventId::of("test", &(seq - 1).to_string());
        let void = Kind::Void(Void { target, target_time: Some(at(time)) });
        self.event(when, Dimensions::default(), void)
    }

    /// Everything that is counted at an instant: `name value used/max`.
    fn used(&self, when: &str) -> Vec<String> {
        let mut ahead = self.org.with_limits_from(("", ""), usize::MAX);
        ahead.advance(at(when), &self.catalog, &mut Vec::new());
        let limits = ahead.limits_in_force(&self.catalog);
        let counted = limits.counts().iter().flat_map(|count| {
            let limit = &count.limit;
            let show = |measure| limit.unit.show(measure);
            count.used().iter().map(move |(value, used)| {
                let value = if value.is_empty() { "-" } else { value };
                format!("{} {value} {}/{}", limit.id, show(used.amount), show(limit.max))
            })
        });
        counted.collect()
    }
}

fn reason(outcome: &Outcome) -> Option<Reason> {
    if let Outcome::Rejected(rejection) = outcome { Some(rejection.reason) } else { None }
}

/// The limits that a charge went past.
fn past(outcome: &Outcome) -> Vec<&str> {
    let Outcome::Charged(charge) = outcome else { panic!("{outcome:?}") };
    charge.past_limits().iter().map(|id| &**id).collect()
}
