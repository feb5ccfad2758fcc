//! The state is a pure fold, exactly once, conserving, and indifferent to when it is looked at.

use std::collections::BTreeSet;

use creditd::ledger::effect::{Effect, Outcome};
use creditd::ledger::entry::What;
use creditd::ledger::units::{Millis, Position};
use creditd::wire::notice_id;
use proptest::prelude::*;

use super::books::Books;
use super::history::{catalog, entries, histories};

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn credits_are_conserved_after_every_entry(history in histories(60)) {
        let mut books = Books::new(catalog());
        for entry in entries(&history) {
            books.apply(&entry);
            prop_assert_eq!(books.breaches(), Vec::<String>::new(), "after {:?}", entry);
        }
    }

    #[test]
    fn forgetting_restarting_and_replaying_leave_the_same_bytes(
        history in histories(60),
        turns in proptest::collection::vec((any::<bool>(), any::<bool>(), 0_usize..8), 60),
    ) {
        let entries = entries(&history);
        let plain = Books::fold(catalog(), &entries);
        let mut books = Books::new(catalog());
        for (place, entry) in entries.iter().enumerate() {
            books.apply(entry);
            let (forgets, restarts, back) = turns[place.min(turns.len() - 1)];
            if restarts {
                books.restart();
            } else if forgets {
                books.forget(entry.at.hour().back(1));
            }
            for known in &entries[place.saturating_sub(back)..=place] {
                prop_assert_eq!(books.apply(known), Outcome::Contained);
            }
        }
        prop_assert_eq!(books.bytes(), plain.bytes());
        prop_assert_eq!(books.effects, plain.effects);
    }

    #[test]
    fn a_repeat_changes_nothing_but_its_count(history in histories(40), place in any::<prop::sample::Index>()) {
        let entries = entries(&history);
        let mut books = Books::fold(catalog(), &entries);
        let ids = books.org.ids();
        let charged = entries.iter().filter(
            |entry| matches!(&entry.what, What::Event(event) if ids.find(event.id, event.time.hour()).is_some()),
        );
        let charged: Vec<_> = charged.cloned().collect();
        if charged.is_empty() {
            return Ok(());
        }
        let mut repeat = place.get(&charged).clone();
        repeat.position = Position { seq: 1_000, item: 0 };
        repeat.at = books.org.at();
        let before: Vec<_> = books.org.pools().cloned().collect();
        let of = matches!(books.apply(&repeat), Outcome::Duplicate { .. });
        prop_assert!(of);
        prop_assert_eq!(before, books.org.pools().cloned().collect::<Vec<_>>());
    }

    #[test]
    fn a_record_of_many_items_is_many_records_of_one(history in histories(50)) {
        let single = entries(&history);
        let mut batched = single.clone();
        for (number, entry) in batched.iter_mut().enumerate() {
            entry.position = Position { seq: number as u64 / 7 + 1, item: u32::try_from(number % 7).unwrap() };
        }
        let (one, many) = (Books::fold(catalog(), &single), Books::fold(catalog(), &batched));
        let books = |books: &Books| books.org.pools().map(|pool| (*pool.totals(), pool.level())).collect::<Vec<_>>();
        prop_assert_eq!(books(&one), books(&many));
        prop_assert_eq!(one.org.tally(), many.org.tally());
        prop_assert_eq!(one.effects.len(), many.effects.len());
    }

    #[test]
    fn looking_in_between_changes_nothing(
        history in histories(50),
        looks in proptest::collection::vec(0_u64..90, 1..8),
    ) {
        let entries = entries(&history);
        let mut plain = Books::new(catalog());
        let mut looked = Books::new(catalog());
        for (place, entry) in entries.iter().enumerate() {
            plain.apply(entry);
            looked.apply(entry);
            let next = entries.get(place + 1).map(|next| next.at);
            for minutes in &looks {
                let instant = entry.at.plus(Millis(minutes * 60_000));
                if next.is_some_and(|next| instant <= next) {
                    looked.advance(instant);
                }
            }
        }
        // Far enough for every grant to have ended.
        let end = plain.org.at().plus(Millis::days(30));
        looked.advance(end.minus(Millis::days(29)));
        looked.advance(end);
        plain.advance(end);
        prop_assert_eq!(plain.bytes(), looked.bytes());
        prop_assert_eq!(plain.effects, looked.effects);
    }

    #[test]
    fn no_alert_has_the_id_of_another(history in histories(60)) {
        let books = Books::fold(catalog(), &entries(&history));
        let (mut seen, mut told) = (BTreeSet::new(), BTreeSet::new());
        for effect in &books.effects {
            if let Effect::Notice(notice) = effect {
                prop_assert!(told.insert(notice_id("acme", notice)), "{:?}", notice);
            }
            let Effect::LowBalance(low) = effect else { continue };
            for crossing in low.crossings() {
                prop_assert!(seen.insert((low.credit_type, crossing.threshold, crossing.nth)), "{:?}", low);
            }
            let thresholds: Vec<_> = low.crossings().map(|crossing| crossing.threshold).collect();
            prop_assert!(thresholds.is_sorted(), "the worst first: {:?}", low);
        }
    }

    #[test]
    fn everything_taken_back_leaves_nothing_charged(history in histories(40)) {
        let entries = entries(&history);
        let mut books = Books::fold(catalog(), &entries);
        let at = books.org.at();
        for (number, entry) in entries.iter().enumerate() {
            let What::Event(event) = &entry.what else { continue };
            let mut undo = super::history::void_of(number, event, at);
            undo.position = Position { seq: 1_000 + number as u64, item: 0 };
            books.apply(&undo);
        }
        for pool in books.org.pools() {
            let totals = pool.totals();
            prop_assert_eq!((totals.charged, totals.overage, totals.covered, totals.consumed), Default::default());
        }
        prop_assert_eq!(books.breaches(), Vec::<String>::new());
    }
}
