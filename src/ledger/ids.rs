//! The memory of event ids: what makes a repeat a repeat.
//!
//! An id belongs to the hour its event happened in. A repeat carries the same time as its original, or was stamped
//! again a little later; so an event is a repeat when its id is known in its own hour or the hour before.
//!
//! Ids are written to the history with their charges, so this is a cache of it that must be *complete* for every hour it
//! is asked about: the newest hours always are, an older one is when it was loaded again. Forgetting and loading
//! change nothing but speed.

mod table;

use super::units::{EventId, Hour, Position};
use table::Table;

/// Where and when an event was first seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The entry that was charged.
    pub position: Position,
    /// The hour it happened in.
    pub hour: Hour,
}

/// The ids an organization remembers.
#[derive(Clone, Debug)]
pub struct Ids {
    known: Table,
    /// From this hour on, every id is here.
    complete_from: Hour,
    rare: Option<Box<Rare>>,
}

/// What almost no organization has at any time.
#[derive(Clone, Debug, Default)]
struct Rare {
    /// Ids seen in a second hour far from the first, which the table has no room for.
    again: Vec<(EventId, Seen)>,
    /// Earlier hours that were loaded again.
    reopened: Vec<Hour>,
}

impl Default for Ids {
    fn default() -> Self {
        Ids { known: Table::default(), complete_from: Hour::MIN, rare: None }
    }
}

impl Ids {
    /// Nothing is here, and only hours after `latest` are known to be empty.
    #[must_use]
    pub fn forgotten(latest: Hour) -> Self {
        Ids { complete_from: latest.next(), ..Ids::default() }
    }

    /// How many ids are here.
    #[must_use]
    pub fn len(&self) -> usize {
        self.known.len().saturating_add(self.again().len())
    }

    /// Whether no id is here.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn again(&self) -> &[(EventId, Seen)] {
        self.rare.as_ref().map_or(&[], |rare| &rare.again)
    }

    /// Whether every id of this hour is here.
    #[must_use]
    pub fn is_complete(&self, hour: Hour) -> bool {
        hour >= self.complete_from || self.rare.as_ref().is_some_and(|rare| rare.reopened.contains(&hour))
    }

    /// Where the event was seen, in its hour or the one before.
    #[must_use]
    pub fn find(&self, id: EventId, hour: Hour) -> Option<Seen> {
        let near = |seen: &Seen| seen.hour == hour || seen.hour == hour.back(1);
        let first = self.known.get(id)?;
        if near(&first) {
            return Some(first);
        }
        self.again().iter().find(|(other, seen)| *other == id && near(seen)).map(|(_, seen)| *seen)
    }

    /// Where the event was seen, whichever hour of those that are here.
    #[must_use]
    pub fn find_anywhere(&self, id: EventId) -> Option<Seen> {
        self.known.get(id)
    }

    /// Has the processor fetch what [`find`](Self::find) will look at. Changes nothing.
    pub(super) fn approach(&self, id: EventId) {
        self.known.approach(id);
    }

    /// Remembers an event.
    pub fn insert(&mut self, id: EventId, seen: Seen) {
        let known = self.known.insert(id, seen);
        if known.is_some_and(|known| known != seen) {
            let again = &mut self.rare.get_or_insert_default().again;
            if !again.contains(&(id, seen)) {
                again.push((id, seen));
            }
        }
    }

    /// Takes an hour back in, with all its ids.
    pub fn reopen(&mut self, hour: Hour, ids: impl IntoIterator<Item = (EventId, Seen)>) {
        for (id, seen) in ids {
            self.insert(id, seen);
        }
        if !self.is_complete(hour) {
            self.rare.get_or_insert_default().reopened.push(hour);
        }
    }

    /// Gives back the room of a table that is empty.
    pub fn release(&mut self) {
        if self.known.len() == 0 {
            self.known = Table::default();
        }
    }

    /// Forgets the hours before `hour`, provided that the history holds all of them: every id up to `written`.
    /// Answers whether it did. The room is kept for the next hours.
    pub fn forget(&mut self, hour: Hour, written: Position) -> bool {
        let goes = |seen: &Seen| seen.hour < hour;
        let safe = |seen: &Seen| !goes(seen) || seen.position <= written;
        if !self.known.values().all(|seen| safe(&seen)) || !self.again().iter().all(|(_, seen)| safe(seen)) {
            return false;
        }
        self.known.retain(|seen| !goes(seen));
        if let Some(rare) = self.rare.take() {
            for (id, seen) in rare.again.into_iter().filter(|(_, seen)| !goes(seen)) {
                self.insert(id, seen);
            }
        }
        self.complete_from = self.complete_from.max(hour);
        true
    }
}

#[cfg(test)]
mod tests;
