//! An organization, entry by entry: repeats, voids, refusals that leave nothing, rules that begin.
#![expect(clippy::arithmetic_side_effects, reason = "small numbers, written out")]

mod authorizing;
mod calls;
mod notices;
mod orphans;
mod running;

use super::*;
use crate::ledger::alerts::{Rule, Threshold};
use crate::ledger::catalog::{Plan, RateCard, WhenExhausted};
use crate::ledger::charge::Charge;
use crate::ledger::effect::Need;
use crate::ledger::entry::{
    CatalogCommand, Command, Dimensions, GrantOrder, OrgTerms, Overrides, Versioned, Void,
};
use crate::ledger::notice::About;
use crate::ledger::price::{Increment, PerMinute, Price, Rate, Tariff};
use crate::ledger::rejection::Reason;
use crate::ledger::units::{Credits, Millis};

/// 2026-01-05T10:00:00Z: an hour begins.
const TEN: Timestamp = Timestamp::from_micros(1_767_607_200_000_000);

fn credits(n: i64) -> Credits {
    Credits::from_micros(n * 1_000_000)
}

fn minutes(n: u64) -> Timestamp {
    TEN.plus(Millis(n * 60_000))
}

fn catalog(when_exhausted: WhenExhausted) -> Catalog {
    let mut catalog = Catalog::default();
    let price = Price { credit_type: CreditType::default(), tariff: Tariff::PerAction(credits(1)) };
    let minutes = PerMinute {
        base: Rate { per_minute: credits(2), connect_fee: Credits::ZERO },
        minimum: Credits::ZERO,
        increment: Increment::MINUTE,
        inbound: None,
        outbound: None,
        destinations: [].into(),
    };
    let call = Price { tariff: Tariff::PerMinute(Box::new(minutes)), ..price.clone() };
    let content = RateCard { prices: [("one".into(), price), ("phone_call".into(), call)].into() };
    let card = Versioned { id: "card".into(), version: 1, effective_from: None, content };
    catalog.apply(CatalogCommand::PutRateCard(card), TEN).unwrap();
    let content = Plan { when_exhausted, ..Plan::default() };
    let plan = Versioned { id: "plan".into(), version: 1, effective_from: None, content };
    catalog.apply(CatalogCommand::PutPlan(plan, "card".into()), TEN).unwrap();
    catalog
}

/// An organization on the plan, with its charges for voids.
struct Acme {
    org: Org,
    catalog: Catalog,
    seq: u64,
    charges: Vec<(Position, Charge)>,
    alerts: Vec<String>,
}

impl Acme {
    fn new(when_exhausted: WhenExhausted) -> Acme {
        let catalog = catalog(when_exhausted);
        let mut acme = Acme { org: Org::default(), catalog, seq: 0, charges: Vec::new(), alerts: Vec::new() };
        assert_eq!(acme.rules(0, None), Outcome::Done);
        acme
    }

    fn apply(&mut self, minute: u64, what: What<'_>) -> Outcome {
        self.seq += 1;
        let position = Position { seq: self.seq, item: 0 };
        let entry = Entry { position, at: minutes(minute), what };
        let (mut recall, mut effects) = (Recall::default(), Vec::new());
        let outcome = loop {
            match self.org.apply(&entry, &self.catalog, &recall, &mut effects) {
                Outcome::Needs(Need::Charge(of)) => {
                    recall.charge = self.charges.iter().find(|(known, _)| *known == of).cloned();
                }
                Outcome::Needs(Need::Whereabouts(_)) => recall.whereabouts = Some(None),
                outcome => break outcome,
            }
        };
        if let Outcome::Charged(charge) = &outcome {
            self.charges.push((position, charge.clone()));
        }
        self.alerts.extend(effects.iter().filter_map(told));
        outcome
    }

    fn rules(&mut self, minute: u64, own: Option<Threshold>) -> Outcome {
        self.all_rules(minute, own.map(|threshold| vec![Rule::below(threshold, None)]))
    }

    fn all_rules(&mut self, minute: u64, alerts: Option<Vec<Rule>>) -> Outcome {
        let overrides =
            alerts.map(|alerts| Box::new(Overrides { alerts: Some(alerts), ..Overrides::default() }));
        self.apply(
            minute,
            What::Command(Command::PutOrg(OrgTerms {
                plan: "plan".into(),
                overrides,
                ..OrgTerms::default()
            })),
        )
    }

    fn grant(&mut self, minute: u64, amount: Credits) -> Outcome {
        self.grant_until(minute, amount, None, None)
    }

    fn grant_until(
        &mut self,
        minute: u64,
        amount: Credits,
        id: Option<&str>,
        expires: Option<Timestamp>,
    ) -> Outcome {
        let order =
            GrantOrder { id: id.map(Box::from), expires, ..GrantOrder::of(CreditType::default(), amount) };
        self.apply(minute, What::Command(Command::Grant(order)))
    }

    fn event(&mut self, minute: u64, id: &str, time: Timestamp, kind: Kind<'_>) -> Outcome {
        let event = Event { id: EventId::of("test", id), time, dimensions: Dimensions::default(), kind };
        self.apply(minute, What::Event(event))
    }

    fn spend(&mut self, minute: u64, id: &str, happened: u64, quantity: u64) -> Outcome {
        self.event(minute, id, minutes(happened), Kind::Action { action: "one", quantity })
    }

    fn void(&mut self, minute: u64, target: &str, time: Option<u64>) -> Outcome {
        let void = Void { target: EventId::of("test", target), target_time: time.map(minutes) };
        self.event(minute, &format!("void {minute}"), minutes(minute), Kind::Void(void))
    }

    fn level(&self) -> Credits {
        self.org.pools().next().map_or(Credits::ZERO, Pool::level)
    }
}

/// An alert in words, with the minute in which it was raised where it is of another kind than a low balance.
fn told(effect: &Effect) -> Option<String> {
    let notice = match effect {
        Effect::LowBalance(low) => {
            let crossed = low.crossings().map(|crossing| format!("{}.{}", crossing.threshold, crossing.nth));
            return Some(crossed.collect::<Vec<_>>().join(" "));
        }
        Effect::Notice(notice) => notice,
        _ => return None,
    };
    let what = match &notice.about {
        About::GrantExpiring(expiring) => format!("expires{}.{}", expiring.days.0, expiring.grant),
        About::RunOut(run_out) => format!("runs_out{}.{}", run_out.hours.0, run_out.nth),
        About::Spike(spike) => format!("spike{}.{}", spike.percent, spike.hour.0 - TEN.hour().0),
        About::CycleReset(cycle) => format!("cycle.{}", cycle.number),
    };
    Some(format!("{what} at {}", (notice.at.micros() - TEN.micros()) / 60_000_000))
}

fn reason(outcome: &Outcome) -> Option<Reason> {
    if let Outcome::Rejected(rejection) = outcome { Some(rejection.reason) } else { None }
}

#[test]
fn a_repeat_is_known_over_the_border_of_its_hour() {
    let mut acme = Acme::new(WhenExhausted::Overage);
    assert!(matches!(acme.spend(59, "a", 59, 1), Outcome::Charged(_)));
    // Stamped again by the log, a little later: the next hour.
    assert_eq!(acme.spend(61, "a", 61, 1), Outcome::Duplicate { of: Position { seq: 2, item: 0 } });
    assert!(matches!(acme.spend(119, "a", 119, 1), Outcome::Duplicate { .. }));
    // Two hours on it is another event.
    assert!(matches!(acme.spend(121, "a", 121, 1), Outcome::Charged(_)));
    // And each is known at its own time, however late the repeat comes.
    assert!(matches!(acme.spend(500, "a", 59, 1), Outcome::Duplicate { .. }));
    assert!(matches!(acme.spend(500, "a", 121, 1), Outcome::Duplicate { .. }));
    assert_eq!(acme.org.tally(), Tally { charged: 2, duplicate: 4, ..Tally::default() });
}

#[test]
fn an_entry_that_is_contained_changes_nothing() {
    let mut acme = Acme::new(WhenExhausted::Overage);
    acme.spend(1, "a", 1, 1);
    acme.seq -= 1;
    let before = format!("{:?}", acme.org);
    assert_eq!(acme.spend(9, "b", 9, 1), Outcome::Contained);
    assert_eq!(format!("{:?}", acme.org), before);
}

#[test]
fn a_void_counts_once() {
    let mut acme = Acme::new(WhenExhausted::Overage);
    acme.grant(0, credits(10));
    acme.spend(1, "a", 1, 4);
    assert!(matches!(acme.void(2, "a", Some(1)), Outcome::Voided(_)));
    assert_eq!(acme.level(), credits(10));
    assert!(matches!(acme.void(3, "a", Some(1)), Outcome::Duplicate { .. }));
    assert!(matches!(acme.void(4, "a", None), Outcome::Duplicate { .. }));
    assert!(matches!(acme.spend(5, "a", 1, 4), Outcome::Duplicate { .. }), "it does not come back");
    assert_eq!(acme.level(), credits(10));
}

#[test]
fn a_void_ahead_of_its_event_swallows_it() {
    let mut acme = Acme::new(WhenExhausted::Overage);
    assert_eq!(reason(&acme.void(1, "a", None)), Some(Reason::UnknownEvent));
    assert!(matches!(acme.void(2, "a", Some(1)), Outcome::Voided(voided) if voided.target.is_none()));
    assert!(matches!(acme.spend(3, "a", 1, 4), Outcome::Duplicate { .. }));
    assert_eq!((acme.level(), acme.org.tally().charged), (Credits::ZERO, 0));
}

#[test]
fn a_plan_that_rejects_takes_all_or_nothing_and_remembers_nothing() {
    let mut acme = Acme::new(WhenExhausted::Reject);
    acme.grant(0, credits(3));
    assert_eq!(reason(&acme.spend(1, "a", 1, 4)), Some(Reason::InsufficientCredits));
    assert_eq!(acme.level(), credits(3));
    acme.grant(2, credits(1));
    assert!(matches!(acme.spend(3, "a", 1, 4), Outcome::Charged(_)), "sent again, it is judged anew");
}

#[test]
fn a_refused_grant_leaves_no_balance_behind() {
    let mut acme = Acme::new(WhenExhausted::Overage);
    let outcome = acme.grant(0, Credits::LARGEST_TOTAL.plus(Credits::from_micros(1)));
    assert_eq!((reason(&outcome), acme.org.pools().count()), (Some(Reason::AmountTooLarge), 0));
    assert_eq!(acme.grant(0, Credits::LARGEST_TOTAL), Outcome::Done);
    assert_eq!(reason(&acme.grant(0, Credits::from_micros(1))), Some(Reason::AmountTooLarge));
}

#[test]
fn a_new_rule_looks_at_the_level_before_the_next_change() {
    let mut acme = Acme::new(WhenExhausted::Overage);
    acme.grant(0, credits(100));
    acme.rules(1, Some(Threshold::Amount(credits(50))));
    acme.spend(2, "a", 2, 60);
    assert_eq!(acme.alerts, ["a50.1"], "it saw 100 before it saw 40");
    // A rule that finds the level below waits until it was above.
    acme.rules(3, Some(Threshold::Amount(credits(45))));
    acme.spend(4, "b", 4, 10);
    assert_eq!(acme.alerts, ["a50.1"]);
    acme.rules(5, Some(Threshold::Amount(credits(50))));
    acme.grant(6, credits(100));
    acme.spend(7, "c", 7, 100);
    assert_eq!(acme.alerts, ["a50.1", "a50.2"], "the count goes on");
}

#[test]
fn terms_that_change_nothing_are_not_counted_and_too_many_changes_are_refused() {
    let mut acme = Acme::new(WhenExhausted::Overage);
    for minute in 0..200 {
        assert_eq!(acme.rules(minute, None), Outcome::Done);
    }
    let changed = |acme: &mut Acme, n: u64| {
        acme.rules(n, Some(Threshold::Amount(Credits::from_micros(n.cast_signed()))))
    };
    for minute in 201..264 {
        assert_eq!(changed(&mut acme, minute), Outcome::Done, "{minute}");
    }
    assert_eq!(reason(&changed(&mut acme, 300)), Some(Reason::TooMany));
    // Terms that nothing can be rated by any more make room.
    assert_eq!(changed(&mut acme, 401 * 24 * 60), Outcome::Done);
}
