//! What live calls have cost so far, added up as time goes: an increment counts from the instant it starts.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::live::LiveCall;
use crate::ledger::price::CreditType;
use crate::ledger::units::{Credits, EventId, Timestamp};

/// The calls that are talked, as they stand at an instant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Accruals {
    at: Timestamp,
    /// In no order that means anything; of each kind of credits that some running call costs.
    kinds: SmallVec<[Accrual; 1]>,
    /// When the next increment of each starts.
    next: BTreeSet<(Timestamp, EventId)>,
}

/// What the running calls cost, of one kind of credits. The sums of micro-credits have room for any number of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::ledger) struct Accrual {
    pub(in crate::ledger) credit_type: CreditType,
    /// How many calls there are.
    pub(in crate::ledger) calls: u64,
    /// What they have cost so far.
    pub(in crate::ledger) cost: i128,
    /// What a minute of all of them costs.
    pub(in crate::ledger) a_minute: i128,
    /// What one more increment of each costs, at most.
    pub(in crate::ledger) an_increment: i128,
}

impl Accrual {
    /// How many seconds an amount lasts at the rate of now; none where it has no end.
    pub(in crate::ledger) fn lasts(&self, left: i128) -> Option<u64> {
        let seconds = left.max(0).saturating_mul(60).checked_div(self.a_minute)?;
        Some(u64::try_from(seconds).unwrap_or(u64::MAX))
    }

    fn add(&mut self, call: &LiveCall, at: Timestamp) {
        let kind = self.credit_type;
        self.calls = self.calls.saturating_add(1);
        self.cost = self.cost.saturating_add(micros(call.cost(kind, at)));
        self.a_minute = self.a_minute.saturating_add(micros(call.a_minute(kind)));
        self.an_increment = self.an_increment.saturating_add(micros(call.an_increment(kind)));
    }

    fn take_off(&mut self, call: &LiveCall, at: Timestamp) {
        let kind = self.credit_type;
        self.calls = self.calls.saturating_sub(1);
        self.cost = self.cost.saturating_sub(micros(call.cost(kind, at)));
        self.a_minute = self.a_minute.saturating_sub(micros(call.a_minute(kind)));
        self.an_increment = self.an_increment.saturating_sub(micros(call.an_increment(kind)));
    }
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

    /// The kinds of credits that running calls cost.
    pub(super) fn kinds(&self) -> &[Accrual] {
        &self.kinds
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
        for credit_type in call.credit_types() {
            let place = self.kinds.iter().position(|known| known.credit_type == credit_type);
            let place = place.unwrap_or_else(|| {
                self.kinds.push(Accrual { credit_type, calls: 0, cost: 0, a_minute: 0, an_increment: 0 });
                self.kinds.len().saturating_sub(1)
            });
            if let Some(accrual) = self.kinds.get_mut(place) {
                accrual.add(call, self.at);
            }
        }
        if let Some(next) = call.next_increment(self.at) {
            self.next.insert((next, key));
        }
    }

    /// A call is not talked any more, or is going to stand otherwise.
    pub(super) fn leave(&mut self, key: EventId, call: &LiveCall) {
        for credit_type in call.credit_types() {
            if let Some(accrual) = self.kinds.iter_mut().find(|known| known.credit_type == credit_type) {
                accrual.take_off(call, self.at);
            }
        }
        self.kinds.retain(|accrual| accrual.calls > 0);
        if let Some(next) = call.next_increment(self.at) {
            self.next.remove(&(next, key));
        }
    }

    /// Lets time pass: an increment of each of these calls has started since. `look` sees the sums after each call that costs more.
    pub(super) fn pass(
        &mut self,
        to: Timestamp,
        live: &BTreeMap<EventId, Box<LiveCall>>,
        mut look: impl FnMut(EventId, &LiveCall, &[Accrual]),
    ) {
        while let Some((instant, key)) = self.next.first().copied()
            && instant <= to
        {
            self.next.pop_first();
            let Some(call) = live.get(&key) else { continue };
            for accrual in &mut self.kinds {
                let kind = accrual.credit_type;
                let more = micros(call.cost(kind, to)).saturating_sub(micros(call.cost(kind, self.at)));
                accrual.cost = accrual.cost.saturating_add(more);
            }
            if let Some(next) = call.next_increment(to) {
                self.next.insert((next, key));
            }
            look(key, call, &self.kinds);
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
        let known = self.kinds.iter().find(|known| known.credit_type == credit_type);
        let started = self.next.iter().take_while(|(instant, _)| *instant <= at);
        let more = started.filter_map(|(_, key)| live.get(key)).map(|call| {
            micros(call.cost(credit_type, at)).saturating_sub(micros(call.cost(credit_type, self.at)))
        });
        known.map_or(0, |known| more.fold(known.cost, i128::saturating_add))
    }
}
