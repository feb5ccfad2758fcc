//! When a live call is closed, and how long that may be corrected.

use super::*;
use crate::ledger::calls::{Agreed, CallTerms, STALE};
use crate::ledger::charge::{Draw, Source};
use crate::ledger::entry::{CallName, Dimensions, GrantKind, Live, Stage, Told};
use crate::ledger::price::{CreditType, Direction};
use crate::ledger::units::Credits;

fn at(s: u64) -> Timestamp {
    Timestamp::from_micros(1_767_607_200_000_000).plus(Millis(s.saturating_mul(1_000)))
}

fn after(time: Timestamp) -> Timestamp {
    Timestamp::from_micros(time.micros().saturating_add(1))
}

fn name(id: &str) -> CallName<'_> {
    CallName { source: "sbc", id }
}

/// Told at an instant of the log that something happened then.
fn tell(calls: &mut Calls, seconds: u64, id: &str, stage: Stage, silence_s: Option<u32>) {
    let told = Told { direction: Some(Direction::Inbound), ..Told::default() };
    let terms = CallTerms { longest_s: 600, silence_s, ..CallTerms::default() };
    calls.accruals.pass(at(seconds), &calls.live, |_, _, _| {});
    let live = Live { name: name(id), stage, told };
    calls.tell(&live, &Dimensions::default(), at(seconds), Agreed { terms, ..Agreed::default() });
}

fn orphan(taken: bool) -> Orphan {
    let (credit_type, amount) = (CreditType::default(), Credits::from_micros(1));
    let draw = Draw { credit_type, from: Source::Grant(0), kind: Some(GrantKind::Plan), amount };
    let taken = taken.then(|| {
        let charge = Charge {
            rated_at: Timestamp::default(),
            plan: Default::default(),
            card: Default::default(),
            lines: Default::default(),
            draws: smallvec::smallvec![draw],
            counted: None,
            call: None,
        };
        Taken { closed: Timestamp::default(), charge: Box::new(charge) }
    });
    Orphan { call: LiveCall::new(name("a")), taken }
}

#[test]
fn a_call_is_closed_when_it_rang_or_went_on_too_long_or_nothing_is_told_of_it() {
    let mut calls = Calls::default();
    let key = name("a").key();
    assert_eq!(calls.next_closing(), Timestamp::MAX);
    tell(&mut calls, 0, "a", Stage::Started, None);
    assert_eq!(calls.next_closing(), at(0).plus(STALE));
    tell(&mut calls, 10, "a", Stage::Answered, Some(60));
    assert_eq!(calls.overdue(at(69)), []);
    assert_eq!(calls.overdue(at(70)), [(key, Why::Silence)]);
    tell(&mut calls, 60, "a", Stage::Progress(Millis(50_000)), None);
    assert_eq!((calls.next_closing(), calls.overdue(at(120))), (at(120), vec![(key, Why::Silence)]));
    tell(&mut calls, 580, "a", Stage::Progress(Millis(1)), None);
    assert_eq!(calls.overdue(at(610)), [(key, Why::Longest)], "ten minutes after its answer");
    assert_eq!(calls.get(key).map(LiveCall::proven), Some(Millis(50_000)));
    drop(calls.take(key));
    assert_eq!(calls.next_closing(), Timestamp::MAX);
}

#[test]
fn what_is_told_late_closes_a_call_no_earlier_than_it_is_told() {
    let mut calls = Calls::default();
    tell(&mut calls, 10_000, "a", Stage::Progress(Millis(9_000_000)), None);
    assert_eq!(calls.next_closing(), at(10_000), "it was answered 1000 s after the begin");
}

#[test]
fn what_is_proven_is_the_ringing_of_an_inbound_call_or_the_longest_progress_or_an_increment() {
    let mut calls = Calls::default();
    tell(&mut calls, 0, "a", Stage::Started, None);
    tell(&mut calls, 7, "a", Stage::Answered, None);
    tell(&mut calls, 7, "b", Stage::Answered, None);
    let proven = |calls: &Calls, id: &str| calls.get(name(id).key()).map(LiveCall::proven);
    assert_eq!((proven(&calls, "a"), proven(&calls, "b")), (Some(Millis(7_000)), Some(Millis(1))));
    tell(&mut calls, 20, "a", Stage::Progress(Millis(19_500)), None);
    assert_eq!(proven(&calls, "a"), Some(Millis(19_500)));
}

#[test]
fn an_orphan_is_corrected_for_31_days_and_known_for_as_long_as_an_event_may_come() {
    let (mut calls, key) = (Calls::default(), name("a").key());
    let closed = at(0);
    calls.orphan(key, orphan(true).call, orphan(true).taken, closed);
    let (last, end) = (closed.plus(CORRECTABLE), closed.plus(OLDEST_EVENT));
    assert!(calls.correctable(key, last).is_some() && calls.correctable(key, after(last)).is_none());
    calls.forget(after(last));
    assert!(calls.correctable(key, closed).is_none(), "what it took is forgotten");
    assert_eq!((calls.closed(key, end), calls.closed(key, after(end))), (Some(closed), None));
    calls.forget(after(end));
    assert_eq!((calls.closed(key, closed), &calls.orphans), (None, &Orphans::default()));
}

#[test]
fn an_orphan_that_took_nothing_is_forgotten_once_it_cannot_be_corrected() {
    let (mut calls, key) = (Calls::default(), name("a").key());
    calls.orphan(key, orphan(false).call, None, at(0));
    let last = at(0).plus(CORRECTABLE);
    assert_eq!((calls.closed(key, last), calls.closed(key, after(last))), (Some(at(0)), None));
    calls.forget(after(at(0).plus(CORRECTABLE)));
    assert_eq!(calls.orphans, Orphans::default());
}

#[test]
fn orphans_are_bounded_and_the_oldest_are_settled_first() {
    let mut calls = Calls::default();
    let key = |number: usize| name(&number.to_string()).key();
    for (number, second) in (0..=MOST_ORPHANS).zip(0..) {
        calls.orphan(key(number), orphan(true).call, orphan(true).taken, at(second));
    }
    assert_eq!(calls.orphans.open.len(), MOST_ORPHANS);
    let now = at(20_000);
    assert!(calls.correctable(key(0), now).is_none() && calls.correctable(key(1), now).is_some());
    assert_eq!(calls.closed(key(0), now), Some(at(0)));
    let each = orphan(true).bytes();
    assert_eq!(calls.orphans.bytes, MOST_ORPHANS.saturating_mul(each));
    assert!(calls.correct(key(1)).is_some());
    assert_eq!(calls.closed(key(1), now), None);
    // What is settled is bounded too.
    for (number, second) in (0..=MOST_SETTLED.saturating_add(MOST_ORPHANS)).zip(20_000..) {
        calls.orphan(key(number), orphan(true).call, orphan(true).taken, at(second));
    }
    assert_eq!((calls.orphans.open.len(), calls.orphans.settled.len()), (MOST_ORPHANS, MOST_SETTLED));
    let all = MOST_ORPHANS.saturating_add(MOST_SETTLED);
    assert_eq!((calls.orphans.known.len(), calls.closed(key(0), now)), (all, None));
}
