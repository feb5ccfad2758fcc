//! Calls whose end does not come: when each is closed, and for how long its end may still correct that.

use super::told::Facts;
use super::{Calls, Live, Name, STALE};
use crate::model::Instant;
use crate::model::grants::Draw;
use crate::model::limits::Use;
use crate::model::read::Call;

const DAY: Instant = 86_400_000_000;
/// How long an end corrects what the closing took.
const CORRECTABLE: Instant = 31 * DAY;
/// How long it is known that a call was closed.
const KNOWN: Instant = 400 * DAY;

/// A call that was closed without its end.
#[derive(Debug)]
pub struct Orphan {
    live: Live,
    at: Instant,
    /// What was taken; nothing of a call that was not charged.
    taken: Option<(Vec<Draw>, Vec<Use>)>,
}

impl Live {
    /// When it is closed if nothing more is told of it.
    fn closes(&self) -> Instant {
        let Some(answer) = &self.answer else { return self.heard + STALE };
        let longest = answer.at + answer.closes.longest;
        let silence = answer.closes.silence.map_or(longest, |silence| self.heard + silence);
        longest.min(silence).max(self.heard)
    }

    /// The call as far as it is proven: how long it was talked, and at least an increment. Nothing where nobody answered.
    pub fn proven(&self) -> Option<(Call, &Facts)> {
        let answer = self.answer.as_ref()?;
        let proven = self.ran(answer.at).max(1);
        Some((self.facts.call(self.facts.direction?, proven, true, answer.at), &self.facts))
    }

    /// When it began, as far as is known.
    fn began(&self) -> Option<Instant> {
        self.start.into_iter().chain(self.answer.as_ref().map(|answer| answer.at)).min()
    }
}

impl Calls {
    /// Something is told of a live call.
    pub fn heard(&mut self, name: &Name, now: Instant) {
        if let Some(live) = self.live.get_mut(name) {
            live.heard = now;
        }
    }

    /// When the next call is closed.
    pub fn next_closing(&self) -> Option<Instant> {
        self.live.values().map(Live::closes).min()
    }

    /// Takes the first call out whose time it is.
    pub fn overdue(&mut self, now: Instant) -> Option<(Name, Live)> {
        let (name, _) = self.live.iter().find(|(_, live)| live.closes() <= now)?;
        self.live.remove_entry(&name.clone())
    }

    /// Takes the first call of a source out that began before an instant.
    pub fn of_source(&mut self, source: &str, before: Instant) -> Option<(Name, Live)> {
        let is_of = |(name, live): &(&Name, &Live)| {
            name.0 == source && live.began().is_some_and(|began| began < before)
        };
        let (name, _) = self.live.iter().find(is_of)?;
        self.live.remove_entry(&name.clone())
    }

    /// Keeps a call that was closed, and what that took.
    pub fn keep(&mut self, name: Name, live: Live, taken: Option<(Vec<Draw>, Vec<Use>)>, at: Instant) {
        self.orphans.insert(name, Orphan { live, at, taken });
    }

    /// Whether it was closed without its end.
    pub fn is_closed(&self, name: &Name) -> bool {
        self.orphans.contains_key(name)
    }

    /// The call as it stood when it was closed, as long as its end corrects it.
    pub fn orphan(&self, name: &Name, now: Instant) -> Option<&Live> {
        let correctable = |orphan: &&Orphan| now <= orphan.at + CORRECTABLE;
        self.orphans.get(name).filter(correctable).map(|orphan| &orphan.live)
    }

    /// Takes out what was closed and is corrected now; what it took, if it did.
    pub fn correct(&mut self, name: &Name) -> Option<(Vec<Draw>, Vec<Use>)> {
        self.orphans.remove(name)?.taken
    }

    /// Forgets what was closed so long ago that nothing of it can come; where it took nothing, what cannot be corrected.
    pub(super) fn forget_orphans(&mut self, now: Instant) {
        let until = |orphan: &Orphan| orphan.at + if orphan.taken.is_some() { KNOWN } else { CORRECTABLE };
        self.orphans.retain(|_, orphan| now <= until(orphan));
    }
}
