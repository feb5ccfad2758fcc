//! Holds: credits set aside for calls that are about to start, and for actions that are about to happen.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::accrual::{amount, micros};
use super::live::Who;
use super::sums::{Sum, Sums};
use crate::ledger::authorization::{add_up, of_kind};
use crate::ledger::grants::Purpose;
use crate::ledger::price::CreditType;
use crate::ledger::units::{Credits, EventId, Timestamp};

/// The most holds of one organization.
pub const MOST_HOLDS: usize = 100_000;

/// The most bytes of all that is said of them: an organization is written whole, and not too much at a time.
pub const MOST_HELD_BYTES: usize = 8 << 20;

/// Amounts, each of another kind of credits.
pub type Amounts = SmallVec<[(CreditType, Credits); 1]>;

/// Credits set aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Who will tell of the call or the action.
    pub source: Box<str>,
    /// The id of the call, or of the action's event, there.
    pub id: Box<str>,
    /// The action that it is for.
    pub action: Box<str>,
    /// How many of it; 1 for a call.
    pub quantity: u64,
    /// Who is going to spend.
    pub who: Who,
    /// How much, of each kind of credits.
    pub amounts: Amounts,
    /// What one more increment of the call costs, of each kind of credits: so much it may overspend.
    pub increment: Amounts,
    /// It is gone from here on.
    pub until: Timestamp,
}

impl Hold {
    /// What it is known by: the call, or the event.
    #[must_use]
    pub fn key(&self) -> EventId {
        EventId::of(&self.source, &self.id)
    }

    /// How much of one kind of credits.
    #[must_use]
    pub fn amount(&self, credit_type: CreditType) -> Credits {
        let of_kind = self.amounts.iter().filter(|(kind, _)| *kind == credit_type);
        of_kind.fold(Credits::ZERO, |sum, (_, amount)| sum.plus(*amount))
    }

    /// What it is for.
    pub(in crate::ledger) fn purpose(&self) -> Purpose<'_> {
        Purpose::of(&self.who.dimensions(), &self.action)
    }

    /// Its part in what is set aside of each kind of credits.
    fn parts(&self) -> impl Iterator<Item = Sum> {
        let more = self.increment.iter().map(|(kind, _)| (*kind, Credits::ZERO));
        let kinds = add_up(self.amounts.iter().copied().chain(more));
        kinds.into_iter().map(|(kind, amount)| Sum {
            calls: 1,
            cost: micros(amount),
            an_increment: micros(of_kind(&self.increment, kind)),
            ..Sum::nothing(kind)
        })
    }

    fn bytes(&self) -> usize {
        let of_whom = self.who.bytes();
        [&self.source, &self.id, &self.action]
            .iter()
            .fold(of_whom, |sum, text| sum.saturating_add(text.len()))
    }
}

/// The holds of an organization.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Holds {
    held: BTreeMap<EventId, Box<Hold>>,
    /// When each is gone.
    until: BTreeSet<(Timestamp, EventId)>,
    /// What all set aside.
    sums: Sums,
    bytes: usize,
}

impl Holds {
    pub(super) fn get(&self, key: EventId) -> Option<&Hold> {
        self.held.get(&key).map(|hold| &**hold)
    }

    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    /// The ones from an identity on.
    pub(super) fn from(&self, from: EventId) -> impl Iterator<Item = (EventId, &Hold)> {
        self.held.range(from..).map(|(key, hold)| (*key, &**hold))
    }

    /// What all set aside of one kind of credits that are not gone at an instant.
    pub(super) fn sum_at(&self, credit_type: CreditType, at: Timestamp) -> i128 {
        let gone = self.gone(at).map(|hold| micros(hold.amount(credit_type)));
        self.sums.kind(credit_type).map_or(0, |known| gone.fold(known.cost, i128::saturating_sub))
    }

    /// Those that are gone at an instant, and were not let go of yet.
    pub(super) fn gone(&self, at: Timestamp) -> impl Iterator<Item = &Hold> {
        let gone = self.until.iter().take_while(move |(until, _)| *until <= at);
        gone.filter_map(|(_, key)| self.get(*key))
    }

    /// What all set aside.
    pub(super) fn sums(&self) -> &Sums {
        &self.sums
    }

    /// When the next one is gone.
    pub(super) fn next(&self) -> Timestamp {
        self.until.first().map_or(Timestamp::MAX, |(until, _)| *until)
    }

    /// Whether there is room for one more.
    pub(super) fn has_room(&self, hold: &Hold) -> bool {
        let fits = self.held.len() < MOST_HOLDS || self.held.contains_key(&hold.key());
        fits && self.bytes.saturating_add(hold.bytes()) <= MOST_HELD_BYTES
    }

    /// Sets credits aside, in place of what was set aside for the same.
    pub(super) fn put(&mut self, hold: Hold) {
        let key = hold.key();
        drop(self.release(key));
        self.until.insert((hold.until, key));
        self.bytes = self.bytes.saturating_add(hold.bytes());
        hold.parts().for_each(|part| self.sums.add(hold.purpose(), &part));
        self.held.insert(key, Box::new(hold));
    }

    /// Sets nothing aside for it any more.
    pub(super) fn release(&mut self, key: EventId) -> Option<Box<Hold>> {
        let hold = self.held.remove(&key)?;
        self.until.remove(&(hold.until, key));
        self.bytes = self.bytes.saturating_sub(hold.bytes());
        hold.parts().for_each(|part| self.sums.take_off(hold.purpose(), &part));
        Some(hold)
    }

    /// Lets go of those that are gone: each is told.
    pub(super) fn expire(&mut self, at: Timestamp, mut gone: impl FnMut(&Hold)) {
        while let Some((until, key)) = self.until.first().copied()
            && until <= at
        {
            self.release(key).iter().for_each(|hold| gone(hold));
        }
    }

    /// What one more increment of all that is held for costs.
    pub(super) fn increments(&self) -> impl Iterator<Item = (CreditType, Credits)> {
        let calls = self.sums.kinds().iter().filter(|sum| sum.an_increment != 0);
        calls.map(|sum| (sum.credit_type, amount(sum.an_increment)))
    }
}
