//! Calls told one by one: what their end owes, and what is told of them too late or twice.

use super::*;
use crate::ledger::entry::{CallName, End, Live, Stage, Told};
use crate::ledger::price::Direction;

fn name(id: &str) -> CallName<'_> {
    CallName { source: "sbc", id }
}

fn outbound() -> Told<'static> {
    Told { direction: Some(Direction::Outbound), ..Told::default() }
}

impl Acme {
    pub(super) fn call(&mut self, minute: u64, id: &str, stage: Stage, happened: u64) -> Outcome {
        let live = Live { name: name(id), stage, told: outbound() };
        self.event(minute, id, minutes(happened), Kind::Live(live))
    }

    /// An end that leaves out what it can.
    pub(super) fn hang_up(
        &mut self,
        minute: u64,
        id: &str,
        event: &str,
        duration: Option<Millis>,
    ) -> Outcome {
        let (told, answered, answered_at) = (Told::default(), None, None);
        let end = End { name: name(id), told, duration, answered, answered_at };
        self.event(minute, event, minutes(minute), Kind::End(end))
    }

    pub(super) fn pending(&self, minute: u64) -> Credits {
        self.org.pending(CreditType::default(), minutes(minute))
    }
}

#[test]
fn an_end_that_says_nothing_is_as_long_as_the_call_was_live() {
    let mut acme = Acme::new(WhenExhausted::Overage);
    acme.grant(0, credits(100));
    assert_eq!(acme.call(1, "a", Stage::Started, 1), Outcome::Noted);
    assert_eq!(acme.call(2, "a", Stage::Answered, 2), Outcome::Noted);
    assert_eq!((acme.pending(2), acme.pending(5)), (credits(2), credits(8)));
    assert!(matches!(acme.hang_up(5, "a", "end", None), Outcome::Charged(_)));
    assert_eq!(
        (acme.level(), acme.pending(5)),
        (credits(94), Credits::ZERO),
        "three minutes, to the end of the third"
    );
    let call = acme.charges[0].1.call.clone().unwrap();
    assert_eq!((&*call.id, call.started, call.answered), ("a", Some(minutes(1)), Some(minutes(2))));
}

#[test]
fn a_call_that_was_live_is_charged_though_nothing_is_left() {
    let mut acme = Acme::new(WhenExhausted::Reject);
    acme.grant(0, credits(3));
    acme.call(0, "a", Stage::Answered, 0);
    assert!(matches!(acme.hang_up(2, "a", "end", None), Outcome::Charged(_)));
    assert_eq!(acme.level(), credits(-1));
    // What was never live is refused as ever.
    let told = outbound();
    let end = End { name: name("b"), told, duration: Some(Millis(1)), answered: None, answered_at: None };
    let outcome = acme.event(3, "b", minutes(3), Kind::End(end));
    assert_eq!(reason(&outcome), Some(Reason::InsufficientCredits));
}

#[test]
fn an_end_that_is_refused_ends_nothing() {
    let mut acme = Acme::new(WhenExhausted::Overage);
    acme.call(0, "a", Stage::Answered, 0);
    let told = Told { action: Some("nothing"), ..Told::default() };
    let end = End { name: name("a"), told, duration: None, answered: None, answered_at: None };
    assert_eq!(reason(&acme.event(1, "end", minutes(1), Kind::End(end))), Some(Reason::UnknownAction));
    assert_eq!(acme.pending(1), credits(4));
    assert_eq!(reason(&acme.hang_up(1, "b", "end", None)), Some(Reason::MissingField), "no such call");
}

#[test]
fn the_first_end_counts_until_it_is_voided() {
    let mut acme = Acme::new(WhenExhausted::Overage);
    acme.call(0, "a", Stage::Answered, 0);
    acme.hang_up(1, "a", "first", Some(Millis(60_000)));
    assert!(matches!(acme.hang_up(1, "a", "second", Some(Millis(60_000))), Outcome::Duplicate { .. }));
    assert!(matches!(acme.hang_up(1, "a", "second", None), Outcome::Duplicate { .. }));
    let other = acme.hang_up(1, "a", "second", Some(Millis(60_001)));
    assert_eq!(reason(&other), Some(Reason::CallEnded));
    assert!(matches!(acme.void(2, "first", Some(1)), Outcome::Voided(_)));
    assert_eq!(acme.call(2, "a", Stage::Answered, 0), Outcome::Noted);
    assert_eq!(acme.pending(2), Credits::ZERO, "it is over all the same");
    let told = outbound();
    let end =
        End { name: name("a"), told, duration: Some(Millis(60_001)), answered: None, answered_at: None };
    assert!(matches!(acme.event(2, "second", minutes(2), Kind::End(end)), Outcome::Charged(_)));
    assert_eq!(acme.level(), credits(-4));
}

#[test]
fn an_end_that_was_voided_before_it_came_ends_the_call() {
    let mut acme = Acme::new(WhenExhausted::Overage);
    acme.call(0, "a", Stage::Answered, 0);
    assert!(matches!(acme.void(1, "end", Some(2)), Outcome::Voided(_)));
    assert!(matches!(acme.hang_up(2, "a", "end", None), Outcome::Duplicate { .. }));
    assert_eq!((acme.pending(2), acme.level()), (Credits::ZERO, Credits::ZERO));
}

#[test]
fn what_was_answered_did_not_fail_and_what_failed_is_not_answered() {
    let mut acme = Acme::new(WhenExhausted::Overage);
    acme.call(0, "a", Stage::Answered, 0);
    assert_eq!(reason(&acme.call(1, "a", Stage::Failed, 1)), Some(Reason::CallAnswered));
    assert_eq!(acme.call(1, "b", Stage::Failed, 1), Outcome::Noted);
    assert_eq!(acme.call(1, "b", Stage::Answered, 1), Outcome::Noted);
    assert_eq!(acme.pending(1), credits(4), "of the first one alone");
    assert_eq!(reason(&acme.hang_up(2, "b", "end", Some(Millis(5)))), Some(Reason::CallEnded));
    assert!(matches!(acme.hang_up(2, "b", "end", Some(Millis(0))), Outcome::Duplicate { .. }));
}

#[test]
fn what_comes_two_hours_late_makes_no_call_live() {
    let mut acme = Acme::new(WhenExhausted::Overage);
    assert_eq!(acme.call(121, "a", Stage::Answered, 0), Outcome::Noted);
    assert_eq!(acme.pending(121), Credits::ZERO);
    acme.call(121, "a", Stage::Answered, 1);
    assert_eq!(acme.pending(121), credits(242), "two hours, and the minute that begins");
    assert_eq!(acme.org.tally(), Tally { noted: 2, ..Tally::default() });
}
