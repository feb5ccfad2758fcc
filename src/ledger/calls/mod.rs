//! Live calls: what is told of them while they run, and what they have cost so far.
//!
//! Nothing here is charged: a call is charged once, at its end, by its own facts. Until then it is *pending*. A call that
//! ended is remembered for a while, so that what is told of it late makes it live no more. One whose end does not come is closed, and
//! kept for its end to correct (`orphans`).
//!
//! What is pending is added up as time goes (`accrual`), what is about to start is held (`holds`), both by what it is spent on (`sums`).
//! What that leaves of the grants that pay for it is the headroom (`cover`), and who talks on credits that end is warned and cut off (`watch`).
//! What both are going to use of limits is added up beside it (`claims`).

mod accrual;
mod claims;
mod cover;
mod holds;
mod live;
mod orphans;
mod sums;
mod terms;
mod watch;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::authorization::add_up;
use super::entry::{CLOCK_SKEW, Dimensions, Live, Stage};
use super::price::CreditType;
use super::units::{Credits, EventId, Millis, Position, Timestamp};
use accrual::Accruals;
pub(super) use accrual::{amount, micros};
use claims::Claims;
pub(super) use cover::{Cover, Spent};
use holds::Holds;
pub use holds::{Amounts, Hold, MOST_HELD_BYTES, MOST_HOLDS};
pub(super) use live::{Agreed, or_before};
pub use live::{LiveCall, PHONE_CALL, Who};
use orphans::Orphans;
pub use orphans::{CORRECTABLE, MOST_ORPHAN_BYTES, MOST_ORPHANS, MOST_SETTLED, Why};
pub(super) use orphans::{Orphan, Taken};
pub(super) use sums::Sum;
pub use terms::{CallTerms, OnFailure};
pub(super) use watch::Telling;
use watch::Watch;
pub use watch::{CallNews, MOST_NAMED, News};

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
    /// When each of the live ones is closed if nothing more comes.
    closings: BTreeSet<(Timestamp, EventId)>,
    orphans: Orphans,
    ended: BTreeMap<EventId, Ended>,
    /// Until when those that ended are remembered, in that order.
    until: VecDeque<(Timestamp, EventId)>,
    accruals: Accruals,
    holds: Holds,
    watch: Watch,
    #[serde(skip)]
    claims: Claims,
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
    /// None yet, at an instant.
    pub(super) fn new(at: Timestamp) -> Calls {
        Calls { accruals: Accruals::new(at), ..Calls::default() }
    }

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

    /// Whether a call was answered, and goes on.
    #[must_use]
    pub fn is_talked(&self, key: EventId) -> bool {
        self.get(key).is_some_and(|call| call.answered().is_some())
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

    /// Whether it has ended, failed, or was closed without its end: nothing makes it live again.
    pub(super) fn is_over(&self, key: EventId, at: Timestamp) -> bool {
        self.has_ended(key, at) || self.closed(key, at).is_some()
    }

    /// What its end said, where it counts.
    pub(super) fn end_of(&self, key: EventId, at: Timestamp) -> Option<End> {
        self.ended.get(&key).filter(|ended| ended.until >= at)?.by
    }

    /// How many are live, be they talked or ringing.
    #[must_use]
    pub fn count(&self) -> usize {
        self.live.len()
    }

    /// What all live calls have cost by an instant, of one kind of credits.
    #[must_use]
    pub fn pending(&self, credit_type: CreditType, at: Timestamp) -> Credits {
        amount(self.accruals.cost_at(credit_type, at, &self.live))
    }

    /// What all live calls have cost at the instant the sums are for, of one kind of credits.
    pub(super) fn accrued(&self, credit_type: CreditType) -> Credits {
        self.accruals.sums().kind(credit_type).map_or(Credits::ZERO, |sum| amount(sum.cost))
    }

    /// What the running ones cost of each kind of credits.
    pub(super) fn sums(&self) -> &[Sum] {
        self.accruals.sums().kinds()
    }

    /// The instant that the sums are for.
    pub(super) fn at(&self) -> Timestamp {
        self.accruals.at()
    }

    /// Whether nothing can happen to them by itself.
    pub(super) fn are_idle(&self) -> bool {
        self.closings.is_empty() && self.holds.len() == 0
    }

    /// Takes in what is told of a call, which becomes live by it. It comes with what is agreed where it tells of an
    /// answer. Answers whether the call has cost more since.
    pub(super) fn tell(
        &mut self,
        live: &Live<'_>,
        of: &Dimensions<'_>,
        time: Timestamp,
        agreed: Agreed,
    ) -> bool {
        let key = live.name.key();
        let mut call = self.take(key).unwrap_or_else(|| Box::new(LiveCall::new(live.name)));
        let before = call.lasted(self.at());
        let rang = call.answered().is_none();
        call.hear(&live.told, of);
        match live.stage {
            Stage::Started => call.start(time),
            Stage::Answered => call.answer(time, agreed),
            Stage::Progress(duration) => {
                call.answer(time.minus(duration), agreed);
                call.prove(duration);
            }
            Stage::Failed => {}
        }
        call.goes_on(self.at());
        if call.answered().is_some() {
            // What was set aside for it is pending now.
            self.release(key);
        }
        let costs_more = call.answered().is_some() && (rang || call.lasted(self.at()) > before);
        self.put_back(key, call);
        costs_more
    }

    /// Takes a live call out, to be ended.
    pub(super) fn take(&mut self, key: EventId) -> Option<Box<LiveCall>> {
        let call = self.live.remove(&key)?;
        self.bytes = self.bytes.saturating_sub(call.bytes());
        self.closings.remove(&(call.closes().0, key));
        self.accruals.leave(key, &call);
        self.unclaim(key, &call);
        Some(call)
    }

    /// Puts a call back that was taken out and did not end.
    pub(super) fn put_back(&mut self, key: EventId, call: Box<LiveCall>) {
        self.bytes = self.bytes.saturating_add(call.bytes());
        self.closings.insert((call.closes().0, key));
        self.accruals.enter(key, &call);
        self.claim(key, &call);
        self.live.insert(key, call);
    }

    /// Remembers that a call has ended, for a while.
    pub(super) fn end(&mut self, key: EventId, by: Option<End>, at: Timestamp) {
        drop(self.take(key));
        self.release(key);
        self.watch.forget(key);
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

    /// Forgets the calls that ended, or were closed, long enough ago.
    pub(super) fn forget(&mut self, at: Timestamp) {
        self.forget_orphans(at);
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

impl Calls {
    /// Credits that are set aside under an identity.
    #[must_use]
    pub fn hold(&self, key: EventId) -> Option<&Hold> {
        self.holds.get(key)
    }

    /// What is set aside, from an identity on.
    pub fn holds_from(&self, from: EventId) -> impl Iterator<Item = (EventId, &Hold)> {
        self.holds.from(from)
    }

    /// How many calls are live, or held for, beside one.
    pub(super) fn others(&self, key: EventId) -> usize {
        let own = usize::from(self.live.contains_key(&key))
            .saturating_add(usize::from(self.holds.get(key).is_some()));
        self.live.len().saturating_add(self.holds.len()).saturating_sub(own)
    }

    /// What one more increment costs of every call that is talked, or held for under none of some identities.
    pub(super) fn increments(&self, but: &[EventId]) -> Amounts {
        let running = self.sums().iter().map(|sum| (sum.credit_type, amount(sum.an_increment)));
        let left_out = but.iter().filter_map(|key| self.holds.get(*key)).flat_map(|hold| &hold.increment);
        let left_out = left_out.map(|(kind, amount)| (*kind, Credits::ZERO.minus(*amount)));
        add_up(running.chain(self.holds.increments()).chain(left_out))
    }

    /// How many holds there are.
    #[must_use]
    pub fn holds(&self) -> usize {
        self.holds.len()
    }

    /// What is set aside at an instant, of one kind of credits.
    #[must_use]
    pub fn held(&self, credit_type: CreditType, at: Timestamp) -> Credits {
        amount(self.holds.sum_at(credit_type, at))
    }

    /// Whether there is room for a hold.
    pub(super) fn has_room_for(&self, hold: &Hold) -> bool {
        self.holds.has_room(hold)
    }

    /// Sets credits aside, unless the call is talked or over already. Answers whether there was room.
    pub(super) fn set_aside(&mut self, hold: Hold, at: Timestamp) -> bool {
        let key = hold.key();
        let is_late = self.is_over(key, at) || self.is_talked(key);
        if is_late || hold.until <= at {
            return true;
        }
        let fits = self.holds.has_room(&hold);
        if fits {
            self.release(key);
            self.claim_held(&hold);
            self.holds.put(hold);
        }
        fits
    }

    /// Sets nothing aside under an identity any more. Answers whether something was.
    pub(super) fn release(&mut self, key: EventId) -> bool {
        let hold = self.holds.release(key);
        hold.iter().for_each(|hold| self.unclaim_held(hold));
        hold.is_some()
    }
}

#[cfg(test)]
mod tests;
