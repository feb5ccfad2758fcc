//! Any bytes as a record of commands, applied to a catalog and an organization: refused or carried out, never a panic, and
//! never books that do not add up.
#![no_main]

use creditd::ledger::catalog::Catalog;
use creditd::ledger::effect::{Outcome, Recall};
use creditd::ledger::entry::{Entry, What};
use creditd::ledger::org::Org;
use creditd::ledger::rejection::Reason;
use creditd::ledger::units::{Credits, Position, Timestamp};
use creditd::wire::{AnyCommand, Decoder, Subject, decode_command};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

/// 2026-01-05T10:00:00Z.
const AT: i64 = 1_767_607_200_000_000;

/// A catalog and an organization that most commands and events mean something to.
struct Books {
    catalog: Catalog,
    org: Org,
    seq: u64,
}

impl Books {
    fn new() -> Books {
        let mut books = Books { catalog: Catalog::default(), org: Org::default(), seq: 0 };
        books.apply(br#"{"type":"rate_card.put","id":"c","version":1,"prices":{"a":{"per_action":"1.5"},"phone_call":{"per_minute":"2","minimum":"1"},"t":{"per_units":"0.7","units":3}}}"#);
        books.apply(br#"{"type":"plan.put","id":"p","version":1,"rate_card":"c"}"#);
        books.apply(br#"{"type":"org.put","plan":"p"}"#);
        books.apply(br#"{"type":"grant","id":"g","amount":"100"}"#);
        books
    }

    /// A line is a command to the catalog, to the organization, or an event: whoever takes it.
    fn apply(&mut self, line: &[u8]) {
        self.seq += 1;
        let at = Timestamp::from_micros(AT + self.seq as i64 * 60_000_000);
        let position = Position { seq: self.seq, item: 0 };
        for subject in [Subject::Catalog, Subject::Commands("acme")] {
            decode_command(subject, line, &mut |_, command| match command {
                Ok(AnyCommand::Catalog(command)) => {
                    let (before, mut after) = (self.catalog.clone(), self.catalog.clone());
                    match after.apply(command, at) {
                        Ok(()) => self.catalog = after,
                        Err(rejection) => assert!(!rejection.detail.is_empty()),
                    }
                    assert!(before.cards().len() <= self.catalog.cards().len());
                }
                Ok(AnyCommand::Org(command)) => {
                    let entry = Entry { position, at, what: What::Command(command) };
                    self.org.apply(&entry, &self.catalog, &Recall::default(), &mut Vec::new());
                }
                Err(rejection) => {
                    let object = serde_json::from_slice::<Value>(line).is_ok_and(|value| value.is_object());
                    assert!(!object || rejection.reason != Reason::NotJson, "{rejection}");
                }
            });
        }
        Decoder { org: "acme", headers: &[], at }.decode(line, &mut |item, event| {
            let Ok(event) = event else { return };
            let position = Position { seq: self.seq, item: item.saturating_add(1) };
            let entry = Entry { position, at, what: What::Event(event.clone()) };
            let outcome = self.org.apply(&entry, &self.catalog, &Recall::default(), &mut Vec::new());
            assert!(self.org.plan().is_some() || !matches!(outcome, Outcome::Charged(_)));
        });
        self.check();
    }

    fn check(&self) {
        for pool in self.org.pools() {
            let totals = pool.totals();
            let remaining = pool.grants().iter().fold(Credits::ZERO, |sum, grant| sum.plus(grant.remaining));
            let spread = remaining.plus(totals.consumed).plus(totals.expired).plus(totals.voided);
            assert_eq!(totals.granted, spread);
            assert_eq!(totals.consumed.minus(totals.covered), totals.charged.minus(totals.overage));
            assert!(totals.charged <= Credits::LARGEST_TOTAL && totals.granted <= Credits::LARGEST_TOTAL);
            assert!(pool.usable() == Credits::ZERO || totals.owed() == Credits::ZERO);
        }
    }
}

fuzz_target!(|input: &[u8]| {
    let mut books = Books::new();
    input.split(|b| *b == b'\n').take(16).for_each(|line| books.apply(line));
});
