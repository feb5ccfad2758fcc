//! What live calls have cost so far, added up as time goes: an increment counts from the instant it starts.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::live::LiveCall;
use super::sums::Sums;
use crate::ledger::grants::Purpose;
use crate::ledger::price::CreditType;
use crate::ledger::units::{Credits, EventId, Timestamp};

/// The calls that are talked, as they stand at an instant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Accruals {
    at: Timestamp,
    sums: Sums,
    /// When the next increment of each starts.
    next: BTreeSet<(Timestamp, EventId)>,
}

/// An amount as a part of a sum.
pub(in crate::ledger) fn micros(credits: Credits) -> i128 {
    i128::from(credits.micros())
}

/// A sum as an amount, as far as there is room.
pub(in crate::ledger) fn amount(sum: i128) -> Credits {
    let least = i64::MIN.saturating_add(1);
    Credits::from_micros(i64::try_from(sum).unwrap_or(if sum < 0 { least } else { i64::MAX }))
}

impl Accruals {
    /// No call, at an instant.
    pub(super) fn new(at: Timestamp) -> Accruals {
        Accruals { at, ..Accruals::default() }
    }

    /// What the running calls have cost.
    pub(super) fn sums(&self) -> &Sums {
        &self.sums
    }

    /// The instant the sums are for.
    pub(super) fn at(&self) -> Timestamp {
        self.at
    }

    /// The instant at which the next increment of some call starts.
    pub(super) fn next(&self) -> Timestamp {
        self.next.first().map_or(Timestamp::MAX, |(instant, _)| *instant)
    }

    /// A call is talked from now on, or stands otherwise now.
    pub(super) fn enter(&mut self, key: EventId, call: &LiveCall) {
        for (purpose, part) in call.parts(self.at) {
            self.sums.add(purpose, &part);
        }
        if let Some(next) = call.next_increment(self.at) {
            self.next.insert((next, key));
        }
    }

    /// A call is not talked any more, or is going to stand otherwise.
    pub(super) fn leave(&mut self, key: EventId, call: &LiveCall) {
        for (purpose, part) in call.parts(self.at) {
            self.sums.take_off(purpose, &part);
        }
        if let Some(next) = call.next_increment(self.at) {
            self.next.remove(&(next, key));
        }
    }

    /// Lets time pass: an increment of each of these calls has started since. `look` sees the sums after each call that costs more.
    pub(super) fn pass(
        &mut self,
        to: Timestamp,
        live: &BTreeMap<EventId, Box<LiveCall>>,
        mut look: impl FnMut(EventId, &LiveCall, &Sums),
    ) {
        while let Some((instant, key)) = self.next.first().copied()
            && instant <= to
        {
            self.next.pop_first();
            let Some(call) = live.get(&key) else { continue };
            for (purpose, credit_type, more) in call.costs_more((self.at, to)) {
                self.sums.grow(credit_type, purpose, more);
            }
            if let Some(next) = call.next_increment(to) {
                self.next.insert((next, key));
            }
            look(key, call, &self.sums);
        }
        self.at = self.at.max(to);
    }

    /// What all have cost at an instant that is not before the sums'.
    pub(super) fn cost_at(
        &self,
        credit_type: CreditType,
        at: Timestamp,
        live: &BTreeMap<EventId, Box<LiveCall>>,
    ) -> i128 {
        let more = self.since(at, live).filter(|(_, kind, _)| *kind == credit_type).map(|(_, _, more)| more);
        self.sums.kind(credit_type).map_or(0, |known| more.fold(known.cost, i128::saturating_add))
    }

    /// What they have cost more by an instant that is not before the sums': what for, of which kind of credits, and how much.
    pub(super) fn since<'c>(
        &'c self,
        at: Timestamp,
        live: &'c BTreeMap<EventId, Box<LiveCall>>,
    ) -> impl Iterator<Item = (Purpose<'c>, CreditType, i128)> {
        self.started(at, live).flat_map(move |call| call.costs_more((self.at, at)))
    }

    /// The calls of which an increment starts after the sums' instant, and by another one.
    pub(super) fn started<'c>(
        &'c self,
        at: Timestamp,
        live: &'c BTreeMap<EventId, Box<LiveCall>>,
    ) -> impl Iterator<Item = &'c LiveCall> {
        let started = self.next.iter().take_while(move |(instant, _)| *instant <= at);
        started.filter_map(|(_, key)| live.get(key)).map(|call| &**call)
    }
}
