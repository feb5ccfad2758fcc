//! Recharges within an organization: what its entries and its instants make of them.
#![expect(clippy::arithmetic_side_effects, reason = "small numbers, written out")]

use super::*;
use crate::ledger::calendar::{Every, Zone};
use crate::ledger::catalog::{Allotment, Plan, RateCard};
use crate::ledger::effect::{Outcome, Recall, RechargeNews};
use crate::ledger::entry::{
    CatalogCommand, Command, Dimensions, Entry, Event, Kind, OrgTerms, Versioned, What,
};
use crate::ledger::grants::MOST_GRANTS;
use crate::ledger::limits::Window;
use crate::ledger::movement::Note;
use crate::ledger::price::{Price, Tariff};
use crate::ledger::recharge::{Cap, Recharge, Refill, State};
use crate::ledger::rejection::Reason;
use crate::ledger::units::{EventId, Millis, Position};

/// 2026-01-05T10:00:00Z, a Monday.
const TEN: Timestamp = Timestamp::from_micros(1_767_607_200_000_000);
const DAY: u64 = 24 * 60;

fn credits(n: i64) -> Credits {
    Credits::from_micros(n * 1_000_000)
}

fn minutes(n: u64) -> Timestamp {
    TEN.plus(Millis(n * 60_000))
}

fn email() -> CreditType {
    CreditType::new("email").unwrap()
}

/// A plan that allots nothing, and one that allots 50 every two days.
fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    let price = |credit_type| Price { credit_type, tariff: Tariff::PerAction(credits(1)) };
    let prices = [("one".into(), price(CreditType::default())), ("mail".into(), price(email()))].into();
    let card =
        Versioned { id: "card".into(), version: 1, effective_from: None, content: RateCard { prices } };
    catalog.apply(CatalogCommand::PutRateCard(card), TEN).unwrap();
    let credit_type = CreditType::default();
    let allotment = Allotment { credit_type, amount: credits(50), priority: 100, rollover: None };
    let cycle = Some(Every::Days(2));
    let with_cycle = Plan { cycle, allotments: vec![allotment], ..Plan::default() };
    for (id, content) in [("plain", Plan::default()), ("cycle", with_cycle)] {
        let plan = Versioned { id: id.into(), version: 1, effective_from: None, content };
        catalog.apply(CatalogCommand::PutPlan(plan, "card".into()), TEN).unwrap();
    }
    catalog
}

/// 100 at a time at 20 or less, ten minutes of cooling down.
fn recharge() -> Recharge {
    Recharge {
        below: credits(20),
        refill: Refill::Steps(credits(100)),
        min: None,
        max: None,
        caps: vec![],
        cooldown: Millis(600_000),
        answer_within: Millis(3_600_000),
        enabled: true,
    }
}

struct Acme {
    org: Org,
    catalog: Catalog,
    seq: u64,
    effects: Vec<Effect>,
}

impl Acme {
    fn on(plan: &str) -> Acme {
        let mut acme = Acme { org: Org::default(), catalog: catalog(), seq: 0, effects: Vec::new() };
        let terms = OrgTerms { plan: plan.into(), ..OrgTerms::default() };
        assert_eq!(acme.command(0, Command::PutOrg(terms)), Outcome::Done);
        acme
    }

    fn apply(&mut self, minute: u64, what: What<'_>) -> Outcome {
        self.seq += 1;
        let position = Position { seq: self.seq, item: 0 };
        let entry = Entry { position, at: minutes(minute), what };
        self.org.apply(&entry, &self.catalog, &Recall::default(), &mut self.effects)
    }

    fn command(&mut self, minute: u64, command: Command) -> Outcome {
        self.apply(minute, What::Command(command))
    }

    fn put(&mut self, minute: u64, credit_type: CreditType, recharge: Recharge) -> Outcome {
        let order = RechargeOrder { credit_type, recharge, note: Note::default() };
        self.command(minute, Command::PutRecharge(Box::new(order)))
    }

    fn grant(&mut self, minute: u64, id: &str, credit_type: CreditType, amount: i64) -> Outcome {
        let order = order(id, credit_type, amount);
        self.command(minute, Command::Grant(order))
    }

    fn fail(&mut self, minute: u64, id: &str) -> Outcome {
        let note = Note { reason: Some("declined".into()), by: Some("payments".into()) };
        self.command(minute, Command::FailRecharge(RechargeFailure { id: id.into(), note }))
    }

    fn spend(&mut self, minute: u64, quantity: u64) -> Outcome {
        let id = EventId::of("test", &self.seq.to_string());
        let kind = Kind::Action { action: "one", quantity };
        let event = Event { id, time: minutes(minute), dimensions: Dimensions::default(), kind };
        self.apply(minute, What::Event(event))
    }

    fn pass(&mut self, minute: u64) {
        self.org.advance(minutes(minute), &self.catalog, &mut self.effects);
    }

    fn state(&self) -> State {
        self.org.recharges().ordered().next().unwrap().0.state()
    }

    /// The news since it was asked last, in short: of which request, what, and in which minute.
    fn news(&mut self) -> Vec<String> {
        let news = self.effects.drain(..).filter_map(|effect| {
            let Effect::Recharge(alert) = effect else { return None };
            let minute = (alert.at.micros() - TEN.micros()) / 60_000_000;
            Some(format!("{}.{} {} at {minute}", alert.credit_type, alert.number, alert.news.slug()))
        });
        news.collect()
    }
}

fn order(id: &str, credit_type: CreditType, amount: i64) -> GrantOrder {
    GrantOrder { id: Some(id.into()), ..GrantOrder::of(credit_type, credits(amount)) }
}

fn refused(outcome: &Outcome) -> Option<(Reason, &str)> {
    if let Outcome::Rejected(rejection) = outcome {
        Some((rejection.reason, &*rejection.field))
    } else {
        None
    }
}

const USUAL: fn() -> CreditType = CreditType::default;

#[test]
fn the_event_that_crosses_asks_and_the_grant_answers() {
    let mut acme = Acme::on("plain");
    acme.grant(0, "first", USUAL(), 30);
    acme.put(1, USUAL(), recharge());
    acme.spend(2, 9);
    assert_eq!(acme.news(), Vec::<String>::new());
    acme.spend(3, 1);
    acme.spend(4, 200);
    assert_eq!(acme.news(), ["credits.1 requested at 3"]);
    assert_eq!(acme.grant(5, "recharge.credits.1", USUAL(), 100), Outcome::Done);
    let Some(Effect::Recharge(alert)) = acme.effects.last() else { panic!("{:?}", acme.effects) };
    assert_eq!(
        (&alert.news, alert.available),
        (&RechargeNews::Succeeded { granted: credits(100) }, credits(-80))
    );
    assert_eq!(alert.position, Position { seq: 7, item: 0 });
    acme.pass(15);
    assert_eq!(acme.news(), ["credits.1 succeeded at 5", "credits.2 requested at 15"]);
}

#[test]
fn an_answer_is_taken_once() {
    let mut acme = Acme::on("plain");
    acme.put(0, USUAL(), recharge());
    assert_eq!(acme.grant(1, "recharge.credits.1", USUAL(), 100), Outcome::Done);
    acme.news();
    let before = acme.org.recharges();
    assert_eq!(acme.grant(2, "recharge.credits.1", USUAL(), 100), Outcome::Done, "known");
    assert_eq!(refused(&acme.grant(2, "recharge.credits.1", USUAL(), 99)), Some((Reason::Conflict, "id")));
    assert_eq!(refused(&acme.fail(2, "recharge.credits.1")), Some((Reason::Conflict, "id")));
    assert_eq!((acme.org.recharges(), acme.news()), (before, vec![]));
}

#[test]
fn what_answers_no_request_is_refused_and_changes_nothing() {
    let mut acme = Acme::on("plain");
    let unknown = Some((Reason::UnknownRecharge, "id"));
    assert_eq!(refused(&acme.grant(0, "recharge.credits.1", USUAL(), 100)), unknown);
    assert_eq!(refused(&acme.fail(0, "recharge.credits.1")), unknown);
    let removal = acme.command(0, Command::RemoveRecharge(USUAL()));
    assert_eq!(refused(&removal), Some((Reason::UnknownRecharge, "credit_type")));
    let put = acme.put(0, CreditType::new("phone").unwrap(), recharge());
    assert_eq!(refused(&put), Some((Reason::InvalidField, "credit_type")));
    acme.put(0, USUAL(), recharge());
    for name in ["recharge.credits.2", "recharge.credits.0", "recharge.email.1", "recharge.credits.01"] {
        assert_eq!(refused(&acme.grant(1, name, USUAL(), 100)), unknown, "{name}");
        assert_eq!(refused(&acme.fail(1, name)), unknown, "{name}");
    }
    let other = acme.grant(1, "recharge.credits.1", email(), 100);
    assert_eq!(refused(&other), Some((Reason::InvalidField, "credit_type")));
    let past = GrantOrder { expires: Some(TEN), ..order("recharge.credits.1", USUAL(), 100) };
    let past = acme.command(1, Command::Grant(past));
    assert_eq!(refused(&past), Some((Reason::InvalidField, "expires")));
    let later = GrantOrder { effective: Some(minutes(3)), ..order("recharge.credits.1", USUAL(), 100) };
    let later = acme.command(2, Command::Grant(later));
    assert_eq!(refused(&later), Some((Reason::InvalidField, "effective")));
    assert!(matches!(acme.state(), State::InFlight(request) if request.number == 1));
    assert_eq!(acme.news(), ["credits.1 requested at 0"]);
}

#[test]
fn credits_that_come_after_the_failure_are_accepted_and_answer() {
    let mut acme = Acme::on("plain");
    acme.put(0, USUAL(), recharge());
    assert_eq!(acme.fail(1, "recharge.credits.1"), Outcome::Done);
    assert_eq!(acme.fail(2, "recharge.credits.1"), Outcome::Done, "said again");
    assert_eq!(acme.grant(3, "recharge.credits.1", USUAL(), 100), Outcome::Done);
    assert_eq!(acme.state(), State::CoolingDown(minutes(13)));
    assert_eq!(refused(&acme.fail(4, "recharge.credits.1")), Some((Reason::Conflict, "id")));
    let news = ["credits.1 requested at 0", "credits.1 failed at 1", "credits.1 succeeded at 3"];
    assert_eq!(acme.news(), news);
}

#[test]
fn each_kind_of_credits_has_its_own() {
    let mut acme = Acme::on("plain");
    acme.put(0, email(), recharge());
    acme.put(1, USUAL(), recharge());
    assert_eq!(acme.org.pools().count(), 0, "also where no grant ever came");
    acme.grant(2, "recharge.email.1", email(), 100);
    assert_eq!(acme.news(), ["email.1 requested at 0", "credits.1 requested at 1", "email.1 succeeded at 2"]);
}

#[test]
fn the_end_of_a_grant_asks_at_its_instant() {
    let mut acme = Acme::on("plain");
    let ends = GrantOrder { expires: Some(minutes(30)), ..order("first", USUAL(), 90) };
    acme.command(0, Command::Grant(ends));
    acme.put(1, USUAL(), recharge());
    acme.pass(500);
    let news = ["credits.1 requested at 30", "credits.1 failed at 90", "credits.2 requested at 95"];
    assert_eq!(acme.news()[..3], news);
}

#[test]
fn what_a_reset_brings_is_there_before_it_looks() {
    let mut acme = Acme::on("cycle");
    // Cooling down ends with the cycle, and the allotment is enough.
    acme.put(0, USUAL(), recharge());
    acme.spend(2 * DAY - 10, 40);
    acme.grant(2 * DAY - 10, "recharge.credits.1", USUAL(), 1);
    assert_eq!(acme.state(), State::CoolingDown(minutes(2 * DAY)));
    acme.pass(2 * DAY);
    assert_eq!((acme.state(), acme.org.pools().next().unwrap().level()), (State::Armed, credits(51)));
    // The plan without allotments leaves what the cycle gave until its end, and then too little.
    acme.command(2 * DAY, Command::PutOrg(OrgTerms { plan: "plain".into(), ..OrgTerms::default() }));
    acme.pass(4 * DAY);
    let news = acme.news();
    assert_eq!(news.last().map(String::as_str), Some("credits.2 requested at 5760"), "{news:?}");
}

#[test]
fn a_cap_of_the_cycle_opens_with_the_reset_and_one_of_the_day_by_the_zone() {
    let once = |window| Recharge {
        caps: vec![Cap { window, credits: None, times: Some(1) }],
        cooldown: Millis(0),
        below: credits(1_000),
        ..recharge()
    };
    let mut acme = Acme::on("cycle");
    acme.put(0, USUAL(), once(Window::Cycle));
    acme.grant(1, "recharge.credits.1", USUAL(), 1);
    assert_eq!(acme.state(), State::Capped(minutes(2 * DAY)));
    acme.pass(2 * DAY);
    assert!(matches!(acme.state(), State::InFlight(request) if request.since == minutes(2 * DAY)));
    acme.grant(2 * DAY, "recharge.credits.2", USUAL(), 1);
    acme.put(2 * DAY, USUAL(), once(Window::Day));
    assert_eq!(acme.state(), State::Capped(minutes(2 * DAY + 14 * 60)), "midnight in UTC");
    let time_zone = Zone::named("Asia/Tokyo");
    acme.command(
        2 * DAY,
        Command::PutOrg(OrgTerms { plan: "cycle".into(), time_zone, ..OrgTerms::default() }),
    );
    assert_eq!(acme.state(), State::Capped(minutes(2 * DAY + 5 * 60)), "midnight in Tokyo");
}

#[test]
fn a_refused_entry_leaves_the_recharges_as_they_are() {
    let mut acme = Acme::on("plain");
    acme.grant(0, "first", USUAL(), 30);
    acme.put(1, USUAL(), recharge());
    let before = acme.org.recharges();
    let refused = Command::Grant(order("first", USUAL(), 31));
    assert!(matches!(acme.command(2, refused), Outcome::Rejected(_)));
    assert_eq!(acme.org.recharges(), before);
    assert_eq!(acme.command(3, Command::RemoveRecharge(USUAL())), Outcome::Done);
    assert!(acme.org.recharges.is_none(), "nothing is left of one that never asked");
}

#[test]
fn where_no_further_grant_fits_nothing_is_asked_for() {
    let mut acme = Acme::on("plain");
    for n in 0..MOST_GRANTS {
        let ended = (n == 0).then(|| minutes(5));
        let small = GrantOrder { expires: ended, ..order(&format!("g-{n}"), USUAL(), 1) };
        assert_eq!(acme.command(0, Command::Grant(small)), Outcome::Done);
    }
    acme.put(1, USUAL(), Recharge { below: credits(20_000), ..recharge() });
    assert_eq!(refused(&acme.grant(1, "one-more", USUAL(), 1)), Some((Reason::TooMany, "credit_type")));
    assert_eq!((acme.state(), acme.news()), (State::Armed, vec![]));
    // Once nothing refers any more to one that has ended, there is room.
    let after = 400 * 1_440 + 6;
    acme.spend(after, 1);
    assert_eq!(acme.news(), [format!("credits.1 requested at {after}")]);
}
