//! Live calls: what is told of them while they run, and what they have cost so far.
//!
//! Nothing here is charged: a call is charged once, at its end, by its own facts. Until then it is *pending*. A call that
//! ended is remembered for a while, so that what is told of it late makes it live no more.

mod live;

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::charge::Line;
use super::entry::{CLOCK_SKEW, Dimensions, Live, Stage};
use super::price::CreditType;
use super::units::{Credits, EventId, Millis, Position, Timestamp};
pub(super) use live::or_before;
pub use live::{LiveCall, PHONE_CALL, Who};

/// The most live calls of one organization.
pub const MOST_LIVE: usize = 50_000;

/// The most bytes of all that is said of them: an organization is written whole, and not too much at a time.
pub const MOST_BYTES: usize = 8 << 20;

/// The most calls that ended and are remembered, of one organization.
pub const MOST_ENDED: usize = 100_000;

/// What is told of a call so long after it happened makes no call live any more.
pub const STALE: Millis = Millis(7_200_000);

/// So long a call that ended is remembered: whatever comes later is stale.
const REMEMBERED: Millis = Millis(STALE.0.saturating_add(CLOCK_SKEW.0));

/// The calls of an organization that are live, or ended a while ago. Few have any.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Calls {
    live: BTreeMap<EventId, Box<LiveCall>>,
    /// The bytes of all texts of the live ones.
    bytes: usize,
    ended: BTreeMap<EventId, Ended>,
    /// Until when those that ended are remembered, in that order.
    until: VecDeque<(Timestamp, EventId)>,
}

/// A call that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Ended {
    until: Timestamp,
    /// What its end said; none where it was voided since.
    by: Option<End>,
}

/// What the end of a call said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct End {
    /// Which entry said so.
    pub(super) position: Position,
    /// How long it was talked; 0 where it was not answered.
    pub(super) duration: Millis,
}

impl Calls {
    /// The live ones, in no order that means anything.
    pub fn live(&self) -> impl Iterator<Item = &LiveCall> {
        self.live.values().map(|call| &**call)
    }

    /// The live ones from an identity on, by their identities.
    pub fn live_from(&self, from: EventId) -> impl Iterator<Item = (EventId, &LiveCall)> {
        self.live.range(from..).map(|(key, call)| (*key, &**call))
    }

    /// A live one.
    pub(super) fn get(&self, key: EventId) -> Option<&LiveCall> {
        self.live.get(&key).map(|call| &**call)
    }

    /// Whether there is room for what is said of a call.
    pub(super) fn has_room(&self, live: &Live<'_>, of: &Dimensions<'_>) -> bool {
        let fits = self.live.len() < MOST_LIVE || self.live.contains_key(&live.name.key());
        fits && self.bytes.saturating_add(live::bytes_said(live, of)) <= MOST_BYTES
    }

    /// Whether the call has ended, or failed, a while ago at most.
    pub(super) fn has_ended(&self, key: EventId, at: Timestamp) -> bool {
        self.ended.get(&key).is_some_and(|ended| ended.until >= at)
    }

    /// What its end said, where it counts.
    pub(super) fn end_of(&self, key: EventId, at: Timestamp) -> Option<End> {
        self.ended.get(&key).filter(|ended| ended.until >= at)?.by
    }

    /// What all live calls have cost so far, of one kind of credits.
    #[must_use]
    pub fn pending(&self, credit_type: CreditType, at: Timestamp) -> Credits {
        self.live().fold(Credits::ZERO, |sum, call| sum.plus(call.cost(credit_type, at)))
    }

    /// Takes in what is told of a call, which becomes live by it. It comes with the price of its first instant where it tells of an
    /// answer.
    pub(super) fn tell(
        &mut self,
        live: &Live<'_>,
        of: &Dimensions<'_>,
        time: Timestamp,
        price: SmallVec<[Line; 1]>,
    ) {
        let call = self.live.entry(live.name.key()).or_insert_with(|| {
            let new = Box::new(LiveCall::new(live.name));
            self.bytes = self.bytes.saturating_add(new.bytes());
            new
        });
        let before = call.bytes();
        call.hear(&live.told, of);
        self.bytes = self.bytes.saturating_add(call.bytes()).saturating_sub(before);
        match live.stage {
            Stage::Started => call.start(time),
            Stage::Answered => call.answer(time, price),
            Stage::Progress(duration) => {
                call.answer(time.minus(duration), price);
                call.prove(duration);
            }
            Stage::Failed => {}
        }
    }

    /// Takes a live call out, to be ended.
    pub(super) fn take(&mut self, key: EventId) -> Option<Box<LiveCall>> {
        let call = self.live.remove(&key)?;
        self.bytes = self.bytes.saturating_sub(call.bytes());
        Some(call)
    }

    /// Puts a call back that was taken out and did not end.
    pub(super) fn put_back(&mut self, key: EventId, call: Box<LiveCall>) {
        self.bytes = self.bytes.saturating_add(call.bytes());
        self.live.insert(key, call);
    }

    /// Remembers that a call has ended, for a while.
    pub(super) fn end(&mut self, key: EventId, by: Option<End>, at: Timestamp) {
        drop(self.take(key));
        let until = at.plus(REMEMBERED);
        if self.ended.insert(key, Ended { until, by }).is_none_or(|before| before.until != until) {
            self.until.push_back((until, key));
        }
    }

    /// The end of a call was taken back: another one counts.
    pub(super) fn reopen_end(&mut self, key: EventId, position: Position) {
        if let Some(ended) = self.ended.get_mut(&key)
            && ended.by.is_some_and(|by| by.position == position)
        {
            ended.by = None;
        }
    }

    /// Forgets the calls that ended long enough ago.
    pub(super) fn forget(&mut self, at: Timestamp) {
        while let Some((until, key)) = self.until.front().copied()
            && (until < at || self.ended.len() > MOST_ENDED)
        {
            self.until.pop_front();
            // It may have ended once more since.
            if self.ended.get(&key).is_some_and(|ended| ended.until == until) {
                self.ended.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests;
