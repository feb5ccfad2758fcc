//! A promise counts once, whether or not the books know of it already.

use super::*;
use crate::ledger::effect::{Outcome, Recall};
use crate::ledger::entry::{Command, Entry, What};
use crate::ledger::price::CreditType;
use crate::ledger::units::Millis;

const TEN: Timestamp = Timestamp::from_micros(1_767_607_200_000_000);

fn amounts(micros: i64) -> Amounts {
    std::iter::once((CreditType::default(), Credits::from_micros(micros))).collect()
}

fn hold(id: &str, micros: i64, until: Timestamp) -> Hold {
    Hold {
        source: "sbc".into(),
        id: id.into(),
        action: "phone_call".into(),
        quantity: 1,
        who: Dimensions::default().into(),
        amounts: amounts(micros),
        increment: amounts(1),
        until,
    }
}

fn promise(hold: &Hold) -> (EventId, Promise) {
    let (amounts, increment) = (hold.amounts.clone(), hold.increment.clone());
    (hold.key(), Promise { amounts, increment, until: hold.until })
}

/// An organization whose books know of holds.
fn knows(holds: &[&Hold]) -> Org {
    let mut org = Org::default();
    for (seq, hold) in (1..).zip(holds) {
        let what = What::Command(Command::Hold(Box::new((*hold).clone())));
        let entry = Entry { position: Position { seq, item: 0 }, at: TEN, what };
        let outcome = org.apply(&entry, &Catalog::default(), &Recall::default(), &mut Vec::new());
        assert_eq!(outcome, Outcome::Done);
    }
    org
}

/// How many holds and how many micro-credits are promised beside what the books know.
fn beside(org: &Org, holds: &[&Hold], now: Timestamp) -> (usize, i64) {
    let of_org = holds.iter().map(|hold| promise(hold)).collect();
    let Promised { holds, amounts, .. } = promised(&of_org, org.calls(), now);
    (holds, amounts.iter().map(|(_, amount)| amount.micros()).sum())
}

#[test]
fn what_the_books_know_already_is_not_promised_beside_them() {
    let (a, b) = (hold("a", 10, TEN.plus(Millis(9))), hold("b", 5, TEN.plus(Millis(9))));
    assert_eq!(beside(&knows(&[]), &[&a, &b], TEN), (2, 15));
    assert_eq!(beside(&knows(&[&a]), &[&a, &b], TEN), (1, 5));
    assert_eq!(beside(&knows(&[&a, &b]), &[&a, &b], TEN), (0, 0));
}

#[test]
fn a_promise_takes_the_place_of_the_hold_it_renews() {
    let (before, now) = (hold("a", 10, TEN.plus(Millis(9))), hold("a", 4, TEN.plus(Millis(19))));
    assert_eq!(beside(&knows(&[&before]), &[&now], TEN), (0, -6));
    // Once the former is over by itself, nothing is taken off for it.
    assert_eq!(beside(&knows(&[&before]), &[&now], TEN.plus(Millis(9))), (1, 4));
    assert_eq!(beside(&knows(&[&before]), &[&now], TEN.plus(Millis(19))), (0, 0));
}

#[test]
fn a_former_hold_that_arrives_leaves_the_promise_that_renews_it() {
    let (before, now) = (hold("a", 10, TEN.plus(Millis(9))), hold("a", 4, TEN.plus(Millis(19))));
    let promises = Promises::default();
    promises.0.insert("acme".into(), [promise(&now)].into());
    promises.forget("acme", &Held::from(&before));
    assert_eq!(promises.0.get("acme").map(|of_org| of_org.len()), Some(1));
    promises.forget("acme", &Held::from(&now));
    assert!(promises.0.is_empty());
}
