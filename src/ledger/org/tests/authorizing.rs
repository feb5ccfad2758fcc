//! Whether something may start, beside what runs, is held, and was promised: by what pays for it.

use super::*;
use crate::ledger::authorization::{Answer, Promised, Request, Wanted};
use crate::ledger::calls::{Amounts, Hold, News};
use crate::ledger::entry::{CallName, Live, Stage, Told};
use crate::ledger::grants::Scope;
use crate::ledger::limits::{Field, Limit, Measure, On, Own, Part, PastLimit, Unit, Window};
use crate::ledger::price::Direction;

const VIP: Dimensions<'static> = Dimensions { feature: Some("vip"), ..NOBODY };
const NOBODY: Dimensions<'static> = Dimensions {
    account: None,
    entity_type: None,
    entity_id: None,
    entity_name: None,
    user: None,
    team: None,
    feature: None,
};

fn name(id: &str) -> CallName<'_> {
    CallName { source: "sbc", id }
}

fn hold(id: &str, micros: i64, until: Timestamp) -> Hold {
    let amount = |micros| std::iter::once((CreditType::default(), Credits::from_micros(micros))).collect();
    Hold {
        source: "sbc".into(),
        id: id.into(),
        action: "phone_call".into(),
        quantity: 1,
        who: NOBODY.into(),
        amounts: amount(micros),
        increment: amount(1),
        until,
    }
}

impl Acme {
    fn hold(&mut self, hold: &Hold) {
        assert_eq!(self.apply(0, What::Command(Command::Hold(Box::new(hold.clone())))), Outcome::Done);
    }

    fn grant_for(&mut self, amount: i64, scope: Scope) {
        let order = GrantOrder { scope, ..GrantOrder::of(CreditType::default(), credits(amount)) };
        assert_eq!(self.apply(0, What::Command(Command::Grant(order))), Outcome::Done);
    }

    fn answers(&mut self, minute: u64, id: &'static str, dimensions: Dimensions<'_>) {
        self.hears(minute, (id, Stage::Answered), dimensions);
    }

    fn hears(&mut self, minute: u64, (id, stage): (&'static str, Stage), dimensions: Dimensions<'_>) {
        let told = Told { direction: Some(Direction::Outbound), ..Told::default() };
        let kind = Kind::Live(Live { name: name(id), stage, told });
        let event = Event { id: EventId::of("sbc", id), time: minutes(minute), dimensions, kind };
        assert_eq!(self.apply(minute, What::Event(event)), Outcome::Noted);
    }

    /// A hard limit on an action, on a plan that rejects what is past it.
    fn limit_a_day(&mut self, action: &str, most: u64) {
        let content =
            Plan { when_exhausted: WhenExhausted::Reject, past_limit: PastLimit::Reject, ..Plan::default() };
        let plan = Versioned { id: "plan".into(), version: 2, effective_from: None, content };
        self.catalog.apply(CatalogCommand::PutPlan(plan, "card".into()), TEN).unwrap();
        let on = On::new(vec![Part { field: Field::Action, value: Some(action.into()) }]).unwrap();
        let (unit, max) = (Unit::Quantity, Measure::of_quantity(most));
        let limit = Limit { id: "most".into(), on, unit, max, window: Window::Day, hard: true };
        let own = Own { id: "most".into(), limit: Some(limit.into()), note: None };
        assert_eq!(self.apply(0, What::Command(Command::PutLimit(own))), Outcome::Done);
    }

    fn asks(&self, wanted: Wanted<'_>, who: Dimensions<'_>, promised: &[&Hold], at: Timestamp) -> Answer {
        let request = Request { name: name("new"), dimensions: who, wanted, most: None };
        let promised = Promised { holds: promised.to_vec(), unchecked: false };
        self.org.authorize(&request, self.org.calls(), &promised, (at, &self.catalog))
    }

    fn asks_for_a_call(&self, who: Dimensions<'_>, promised: &[&Hold], at: Timestamp) -> Answer {
        let direction = Direction::Outbound;
        let wanted = Wanted::Call { action: "phone_call", direction, destination: None, add_ons: &[] };
        self.asks(wanted, who, promised, at)
    }

    /// The micro-credits that a call may spend.
    fn available(&self, who: Dimensions<'_>, promised: &[&Hold], at: Timestamp) -> i64 {
        micros(&self.asks_for_a_call(who, promised, at).available)
    }

    /// Who is told that it is over until then, and when.
    fn cut_off(&mut self, to: Timestamp) -> Vec<(String, Timestamp)> {
        let mut effects = Vec::new();
        self.org.advance(to, &self.catalog, &mut effects);
        let cut = effects.into_iter().filter_map(|effect| match effect {
            Effect::Calls(news) if news.news == News::Cutoff => Some((news.calls, news.at)),
            _ => None,
        });
        cut.flat_map(|(calls, at)| calls.into_iter().map(move |(_, id)| (id.into(), at))).collect()
    }
}

fn micros(amounts: &Amounts) -> i64 {
    amounts.iter().map(|(_, amount)| amount.micros()).sum()
}

fn for_action(action: &str) -> Scope {
    Scope { actions: vec![action.into()], ..Scope::default() }
}

fn for_vips() -> Scope {
    Scope { features: vec!["vip".into()], ..Scope::default() }
}

/// Ten credits for anything.
fn acme() -> Acme {
    let mut acme = Acme::new(WhenExhausted::Reject);
    acme.grant(0, credits(10));
    acme
}

#[test]
fn a_promise_counts_once_whether_or_not_the_books_know_of_it() {
    let until = minutes(9);
    let (a, b) = (hold("a", 10, until), hold("b", 5, until));
    let mut acme = acme();
    let left = |acme: &Acme| acme.available(NOBODY, &[&a, &b], TEN);
    assert_eq!(left(&acme), 9_999_985);
    acme.hold(&a);
    assert_eq!(left(&acme), 9_999_985);
    acme.hold(&b);
    assert_eq!(left(&acme), 9_999_985);
    assert_eq!(acme.available(NOBODY, &[], TEN), 9_999_985);
}

#[test]
fn a_promise_takes_the_place_of_the_hold_it_renews() {
    let (before, now) = (hold("a", 10, minutes(9)), hold("a", 4, minutes(19)));
    let mut acme = acme();
    acme.hold(&before);
    assert_eq!(acme.available(NOBODY, &[], TEN), 9_999_990);
    assert_eq!(acme.available(NOBODY, &[&now], TEN), 9_999_996);
    // Once the former is over by itself, nothing is taken off for it.
    assert_eq!(acme.available(NOBODY, &[&now], minutes(9)), 9_999_996);
    // Each is one of those that share.
    let granted = acme.asks_for_a_call(NOBODY, &[&now], TEN).verdict.unwrap();
    assert_eq!(granted.quantity, 120, "half of ten, in whole minutes of two");
}

#[test]
fn a_call_may_not_spend_what_is_there_for_something_else() {
    let mut acme = acme();
    acme.grant_for(1_000, for_action("one"));
    assert_eq!(acme.available(NOBODY, &[], TEN), 10_000_000);
    assert_eq!(micros(&acme.asks(Wanted::Action("one"), NOBODY, &[], TEN).available), 1_010_000_000);
    acme.answers(0, "a", NOBODY);
    assert_eq!(acme.available(NOBODY, &[], TEN), 8_000_000);
    assert_eq!(micros(&acme.asks(Wanted::Action("one"), NOBODY, &[], TEN).available), 1_008_000_000);
    // Five minutes at two credits; the sixth is not covered.
    assert_eq!(acme.cut_off(minutes(8)), [("a".to_owned(), minutes(5))]);
}

#[test]
fn calls_that_a_grant_pays_for_are_no_burden_to_others() {
    let mut acme = acme();
    acme.grant_for(100, for_vips());
    acme.answers(0, "vip", VIP);
    // 22 of them are pending, and come out of the grant that pays for nobody else.
    assert_eq!(acme.cut_off(minutes(10)), []);
    let at = minutes(10);
    assert_eq!((acme.available(VIP, &[], at), acme.available(NOBODY, &[], at)), (88_000_000, 10_000_000));
    acme.answers(10, "a", NOBODY);
    assert_eq!(acme.cut_off(minutes(14)), []);
    assert_eq!(acme.cut_off(minutes(15)), [("a".to_owned(), minutes(15))]);
    // Told are those that may take least; the vip goes on, with less what is owed for the other.
    assert_eq!(acme.org.call_burns(minutes(15), &acme.catalog)[0].headroom, Some(credits(-2)));
    assert_eq!(acme.available(VIP, &[], minutes(15)), 66_000_000);
    assert_eq!(acme.cut_off(minutes(31)), []);
}

#[test]
fn what_is_held_for_something_else_is_no_burden_where_a_grant_pays_for_it() {
    let mut acme = acme();
    acme.grant_for(5, for_action("one"));
    let texts = Hold { action: "one".into(), ..hold("texts", 5_000_000, minutes(9)) };
    assert_eq!(acme.available(NOBODY, &[&texts], TEN), 10_000_000, "promised");
    acme.hold(&texts);
    assert_eq!(acme.available(NOBODY, &[], TEN), 10_000_000, "held");
    assert_eq!(acme.available(NOBODY, &[], minutes(9)), 10_000_000, "and gone");
    let more = Hold { action: "one".into(), ..hold("more", 1_000_000, minutes(9)) };
    assert_eq!(acme.available(NOBODY, &[&more], TEN), 9_000_000, "the grant has no more than five");
}

#[test]
fn a_hold_that_its_event_has_overtaken_holds_nothing() {
    let mut acme = acme();
    acme.spend(3, "texts", 3, 2);
    let texts = Hold { action: "one".into(), source: "test".into(), ..hold("texts", 2_000_000, minutes(63)) };
    // As after a restart: the ids are not here.
    acme.org.ids_are_elsewhere();
    let what = || What::Command(Command::Hold(Box::new(texts.clone())));
    assert!(matches!(acme.apply(59, what()), Outcome::Needs(Need::Hour(_))));
    let seen = Seen { position: Position { seq: 3, item: 0 }, hour: TEN.hour() };
    for hour in [TEN.hour().back(1), TEN.hour(), TEN.hour().next()] {
        acme.org.reopen(hour, (hour == seen.hour).then_some((texts.key(), seen)));
    }
    assert_eq!(acme.apply(59, what()), Outcome::Done);
    assert_eq!(acme.org.calls().map_or(0, Calls::holds), 0);
    let other = Hold { id: "other".into(), ..texts.clone() };
    acme.hold(&other);
    assert_eq!(acme.org.calls().map_or(0, Calls::holds), 1);
}

#[test]
fn hard_limits_see_what_was_promised() {
    let mut acme = acme();
    acme.limit_a_day("phone_call", 2);
    let (a, b) = (hold("a", 10, minutes(9)), hold("b", 5, minutes(9)));
    assert!(acme.asks_for_a_call(NOBODY, &[&a], TEN).verdict.is_ok());
    let refused = acme.asks_for_a_call(NOBODY, &[&a, &b], TEN).verdict.unwrap_err();
    assert_eq!(refused.reason, Reason::LimitReached);
    acme.hold(&a);
    assert!(acme.asks_for_a_call(NOBODY, &[&a], TEN).verdict.is_ok(), "one and the same");
}

#[test]
fn a_call_that_rings_and_what_is_held_for_it_are_one_call_to_a_hard_limit() {
    let mut acme = acme();
    acme.limit_a_day("phone_call", 2);
    acme.hold(&hold("a", 10, minutes(9)));
    acme.hears(0, ("a", Stage::Started), NOBODY);
    assert!(acme.asks_for_a_call(NOBODY, &[], TEN).verdict.is_ok(), "one of two");
    acme.answers(0, "a", NOBODY);
    assert!(acme.asks_for_a_call(NOBODY, &[], TEN).verdict.is_ok(), "it is still one");
    acme.hears(0, ("b", Stage::Started), NOBODY);
    let refused = acme.asks_for_a_call(NOBODY, &[], TEN).verdict.unwrap_err();
    assert_eq!(refused.reason, Reason::LimitReached, "one that nothing is held for counts too");
}

#[test]
fn a_call_that_rings_is_no_burden_to_itself() {
    let mut acme = acme();
    acme.limit_a_day("phone_call", 1);
    acme.hears(0, ("new", Stage::Started), NOBODY);
    assert!(acme.asks_for_a_call(NOBODY, &[], TEN).verdict.is_ok(), "it asks after it rang");
    acme.hold(&hold("new", 10, minutes(9)));
    assert!(acme.asks_for_a_call(NOBODY, &[], TEN).verdict.is_ok(), "it asks again");
    let promise = hold("a", 5, minutes(9));
    acme.hears(0, ("a", Stage::Started), NOBODY);
    let refused = acme.asks_for_a_call(NOBODY, &[&promise], TEN).verdict.unwrap_err();
    assert_eq!(refused.reason, Reason::LimitReached, "the other one counts");
}

#[test]
fn what_was_used_of_a_window_that_is_over_counts_no_more() {
    let mut acme = acme();
    acme.limit_a_day("one", 1);
    acme.spend(0, "first", 0, 1);
    let asks = |hours: u64| acme.asks(Wanted::Action("one"), NOBODY, &[], minutes(hours * 60)).verdict;
    assert_eq!(asks(13).unwrap_err().reason, Reason::LimitReached);
    assert!(asks(14).is_ok(), "it is midnight");
}

#[test]
fn what_is_claimed_of_the_hard_limits_in_force_is_kept_where_the_plan_rejects() {
    let mut acme = acme();
    acme.hold(&hold("a", 10, minutes(9)));
    acme.limit_a_day("phone_call", 2);
    let hard = acme.org.limits().counts()[0].limit.clone();
    let keeps = |acme: &Acme| acme.org.calls().unwrap().keeps(&hard);
    assert!(keeps(&acme));
    let put = |acme: &mut Acme, limit: Limit| {
        let own = Own { id: "most".into(), limit: Some(limit.into()), note: None };
        assert_eq!(acme.apply(0, What::Command(Command::PutLimit(own))), Outcome::Done);
    };
    put(&mut acme, Limit { hard: false, ..(*hard).clone() });
    assert!(!keeps(&acme), "it only warns");
    put(&mut acme, (*hard).clone());
    assert!(keeps(&acme));
    let content = Plan { when_exhausted: WhenExhausted::Reject, ..Plan::default() };
    let plan = Versioned { id: "plan".into(), version: 3, effective_from: None, content };
    acme.catalog.apply(CatalogCommand::PutPlan(plan, "card".into()), TEN).unwrap();
    acme.hold(&hold("b", 10, minutes(9)));
    assert!(!keeps(&acme), "the plan charges what is past it");
}
