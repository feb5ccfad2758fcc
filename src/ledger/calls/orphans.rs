//! Orphans: calls that were closed because their end did not come, kept for as long as it may still come.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Calls, LiveCall};
use crate::ledger::charge::Charge;
use crate::ledger::entry::OLDEST_EVENT;
use crate::ledger::units::{EventId, Millis, Timestamp};

/// So long the end of an orphan corrects what its closing took.
pub const CORRECTABLE: Millis = Millis(2_678_400_000);

/// The most orphans of an organization that their ends may still correct.
pub const MOST_ORPHANS: usize = 10_000;

/// The most bytes of all that is kept of them: an organization is written whole, and not too much at a time.
pub const MOST_ORPHAN_BYTES: usize = 12 << 20;

/// About what one of them takes beside its texts and draws.
const ORPHAN_BYTES: usize = 128;

/// The most orphans of an organization of which it is known only that they are settled.
pub const MOST_SETTLED: usize = 50_000;

/// Why a live call was closed without its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Why {
    /// It only rang.
    NeverAnswered,
    /// It went on for as long as its plan lets a call go on.
    Longest,
    /// Nothing was told of it for as long as its plan waits.
    Silence,
    /// The switch that told of it was started anew.
    SourceRestarted,
}

impl Why {
    /// All of them.
    pub const ALL: [Why; 4] = [Why::NeverAnswered, Why::Longest, Why::Silence, Why::SourceRestarted];

    /// The name in alerts and as a metric label.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Why::NeverAnswered => "never_answered",
            Why::Longest => "longest",
            Why::Silence => "silence",
            Why::SourceRestarted => "source_restarted",
        }
    }
}

/// What the closing of a call took: all that it needs to be given back, and to be told of then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::ledger) struct Taken {
    pub(in crate::ledger) closed: Timestamp,
    pub(in crate::ledger) charge: Box<Charge>,
}

/// A call that was closed without its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::ledger) struct Orphan {
    /// As it stood when it was closed, without its price.
    pub(in crate::ledger) call: LiveCall,
    /// None where it was not charged.
    pub(in crate::ledger) taken: Option<Taken>,
}

impl Orphan {
    fn bytes(&self) -> usize {
        let taken = self.taken.as_ref().map_or(0, |taken| taken.charge.bytes());
        ORPHAN_BYTES.saturating_add(self.call.bytes()).saturating_add(taken)
    }
}

/// The orphans of an organization.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Orphans {
    /// When each was closed, and what of it may be corrected; none of what is settled.
    known: BTreeMap<EventId, (Timestamp, Option<Box<Orphan>>)>,
    /// Those that may be corrected, in the order in which they were closed.
    open: BTreeSet<(Timestamp, EventId)>,
    /// Those that are settled, likewise.
    settled: BTreeSet<(Timestamp, EventId)>,
    /// The bytes of all that is kept of the open ones.
    bytes: usize,
}

impl Orphans {
    /// Keeps a call that is closed.
    fn keep(&mut self, key: EventId, orphan: Orphan, at: Timestamp) {
        drop(self.take(key));
        self.bytes = self.bytes.saturating_add(orphan.bytes());
        self.open.insert((at, key));
        self.known.insert(key, (at, Some(Box::new(orphan))));
    }

    /// Takes one out that may still be corrected, or is not to be known any more.
    fn take(&mut self, key: EventId) -> Option<Box<Orphan>> {
        let (closed, orphan) = self.known.remove(&key)?;
        self.open.remove(&(closed, key));
        self.settled.remove(&(closed, key));
        let bytes = orphan.as_ref().map_or(0, |orphan| orphan.bytes());
        self.bytes = self.bytes.saturating_sub(bytes);
        orphan
    }

    /// Settles those that are closed too long, or are too many, and forgets of whom no event can come any more.
    fn forget(&mut self, at: Timestamp) {
        while let Some((closed, key)) = self.open.first().copied()
            && (closed.plus(CORRECTABLE) < at
                || self.open.len() > MOST_ORPHANS
                || self.bytes > MOST_ORPHAN_BYTES)
        {
            // What took nothing is forgotten: its end is that of any call.
            if self.take(key).is_some_and(|orphan| orphan.taken.is_some()) {
                self.settled.insert((closed, key));
                self.known.insert(key, (closed, None));
            }
        }
        while let Some((closed, key)) = self.settled.first().copied()
            && (closed.plus(OLDEST_EVENT) < at || self.settled.len() > MOST_SETTLED)
        {
            drop(self.take(key));
        }
    }
}

impl Calls {
    /// The next instant at which a call is closed if its end does not come.
    pub(in crate::ledger) fn next_closing(&self) -> Timestamp {
        self.closings.first().map_or(Timestamp::MAX, |(instant, _)| *instant)
    }

    /// The calls whose end should have come by an instant, and why each is closed: by the names of their sources and their own.
    pub(in crate::ledger) fn overdue(&self, by: Timestamp) -> Vec<(EventId, Why)> {
        let due = self.closings.iter().take_while(|(instant, _)| *instant <= by);
        let due = due.filter_map(|(_, key)| Some((*key, self.get(*key)?)));
        in_order(due).map(|(key, call)| (key, call.closes().1)).collect()
    }

    /// The live calls of a source that began before an instant, by their names.
    #[must_use]
    pub fn of_source(&self, source: &str, before: Timestamp) -> Vec<EventId> {
        let is_of = |call: &LiveCall| call.name().source == source && call.began() < before;
        in_order(self.live_from(EventId::default()).filter(|(_, call)| is_of(call)))
            .map(|(key, _)| key)
            .collect()
    }

    /// Keeps a call that was taken out because its end did not come.
    pub(in crate::ledger) fn orphan(
        &mut self,
        key: EventId,
        call: LiveCall,
        taken: Option<Taken>,
        at: Timestamp,
    ) {
        self.release(key);
        self.watch.forget(key);
        self.orphans.keep(key, Orphan { call: call.without_price(), taken }, at);
        self.forget(at);
    }

    /// When a call was closed whose end did not come, if it is still known.
    pub(in crate::ledger) fn closed(&self, key: EventId, at: Timestamp) -> Option<Timestamp> {
        let (closed, orphan) = self.orphans.known.get(&key)?;
        let took_nothing = orphan.as_ref().is_some_and(|orphan| orphan.taken.is_none());
        let known = if took_nothing { CORRECTABLE } else { OLDEST_EVENT };
        Some(*closed).filter(|closed| closed.plus(known) >= at)
    }

    /// An orphan, as long as its end corrects it.
    pub(in crate::ledger) fn correctable(&self, key: EventId, at: Timestamp) -> Option<&Orphan> {
        let (closed, orphan) = self.orphans.known.get(&key)?;
        orphan.as_deref().filter(|_| closed.plus(CORRECTABLE) >= at)
    }

    /// Takes out an orphan whose end came.
    pub(in crate::ledger) fn correct(&mut self, key: EventId) -> Option<Box<Orphan>> {
        self.orphans.take(key)
    }

    /// Forgets what orphans are closed too long.
    pub(super) fn forget_orphans(&mut self, at: Timestamp) {
        self.orphans.forget(at);
    }
}

/// Calls by the names of their sources and their own: an order that can be told.
fn in_order<'c>(
    calls: impl Iterator<Item = (EventId, &'c LiveCall)>,
) -> impl Iterator<Item = (EventId, &'c LiveCall)> {
    let mut calls: Vec<_> = calls.collect();
    calls.sort_by_key(|(_, call)| (call.name().source, call.name().id));
    calls.into_iter()
}

#[cfg(test)]
mod tests;
