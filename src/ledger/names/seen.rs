//! Which events are no news: a cache of what they name, by a digest of it.
//!
//! What was learnt once need not be learnt again, until an event tells something else: then all that was told of the same one
//! before is news again, when it comes. So every digest notes the *shelves* of those of which its event tells something, and
//! how often these had turned; a shelf turns when something told of one on it is replaced. Several share a shelf: then
//! one that turns makes news of more than it must, and learning it again changes nothing.

use std::num::NonZeroU64;

use prefetch_index::prefetch_index;

use crate::ledger::entry::Dimensions;
use crate::ledger::names::Key;

/// The most slots of the table: past three quarters of them it begins anew.
const MOST_SLOTS: usize = 32_768;

/// The fewest slots of a table that holds something.
const FEWEST: usize = 8;

/// As many shelves as [`Shelf`] can name.
const SHELVES: usize = 256;

/// How often a shelf turns before the table begins anew: two counts still fit together.
const MOST_TURNS: u32 = u32::MAX / 2;

/// Where somebody stands of whom events tell something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shelf(u8);

impl Shelf {
    /// Nothing is told; it never turns.
    pub(super) const NONE: Shelf = Shelf(0);

    /// The shelf of a key, the same for all time.
    pub(super) fn of(key: Key<'_>) -> Shelf {
        let seed = xxhash_rust::xxh3::xxh3_64(key.entity_type.as_bytes());
        let [first, ..] = xxhash_rust::xxh3::xxh3_64_with_seed(key.id.as_bytes(), seed).to_le_bytes();
        Shelf(first.max(1))
    }
}

/// A digest of all that an event names: one of 2⁶⁴.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::ledger) struct Digest(NonZeroU64);

impl Digest {
    pub(in crate::ledger) fn of(event: &Dimensions<'_>) -> Digest {
        let Dimensions { account, entity_type, entity_id, entity_name, user, team, feature: _ } = *event;
        let texts = [account, user, team, entity_type, entity_id, entity_name];
        let chained = texts.into_iter().fold(1, |seed: u64, text| match text {
            Some(text) => xxhash_rust::xxh3::xxh3_64_with_seed(text.as_bytes(), seed),
            None => seed.rotate_left(7).wrapping_add(1),
        });
        Digest(NonZeroU64::new(chained).unwrap_or(NonZeroU64::MIN))
    }

    /// Where the search for it begins, to be cut by the mask.
    fn begin(self) -> usize {
        let [a, b, c, d, ..] = self.0.get().to_le_bytes();
        usize::try_from(u32::from_le_bytes([a, b, c, d])).unwrap_or_default()
    }
}

/// Digests in slots, a power of two of them, searched from where their own bits point to.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    slots: Box<[Slot]>,
    len: usize,
    /// How often each shelf turned; empty where none ever did.
    turns: Box<[u32]>,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    /// None in a vacant slot.
    digest: Option<Digest>,
    /// How often its shelves had turned, together.
    turns: u32,
    on: [Shelf; 2],
}

const EMPTY: Slot = Slot { digest: None, turns: 0, on: [Shelf::NONE; 2] };

impl Seen {
    /// Whether learning it again would change nothing.
    pub(super) fn knows(&self, digest: Digest) -> bool {
        let slot = self.place(digest).and_then(|place| self.slots.get(place));
        slot.is_some_and(|slot| slot.digest == Some(digest) && slot.turns == self.turns(slot.on))
    }

    /// Has the processor fetch the slot where the search for a digest begins.
    pub(super) fn approach(&self, digest: Digest) {
        if let Some(mask) = self.slots.len().checked_sub(1) {
            prefetch_index(&self.slots, digest.begin() & mask);
        }
    }

    /// Notes what was learnt, and whose shelves it is no news by.
    pub(super) fn insert(&mut self, digest: Digest, on: [Shelf; 2]) {
        if self.len.saturating_add(1).saturating_mul(4) > self.slots.len().saturating_mul(3) {
            self.grow();
        }
        let turns = self.turns(on);
        let Some(slot) = self.place(digest).and_then(|place| self.slots.get_mut(place)) else { return };
        if slot.digest.is_none() {
            self.len = self.len.saturating_add(1);
        }
        *slot = Slot { digest: Some(digest), turns, on };
    }

    /// Makes news of all that was told of those on a shelf.
    pub(super) fn turn(&mut self, shelf: Shelf) {
        if self.turns.is_empty() {
            self.turns = vec![0; SHELVES].into_boxed_slice();
        }
        let Some(turns) = self.turns.get_mut(usize::from(shelf.0)) else { return };
        *turns = turns.saturating_add(1);
        if *turns > MOST_TURNS {
            *self = Seen::default();
        }
    }

    fn turns(&self, on: [Shelf; 2]) -> u32 {
        let of = |shelf: Shelf| self.turns.get(usize::from(shelf.0)).copied().unwrap_or(0);
        on.into_iter().fold(0, |sum: u32, shelf| sum.saturating_add(of(shelf)))
    }

    /// The slot that holds the digest, or else the vacant one where it would go; none in a table without slots.
    fn place(&self, digest: Digest) -> Option<usize> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut at = digest.begin() & mask;
        // There is always a vacant slot.
        loop {
            let slot = self.slots.get(at)?;
            if slot.digest.is_none_or(|known| known == digest) {
                return Some(at);
            }
            at = at.wrapping_add(1) & mask;
        }
    }

    /// Makes room: twice as many slots, or all of them empty again where there are as many as there may be.
    fn grow(&mut self) {
        self.len = 0;
        if self.slots.len() >= MOST_SLOTS {
            return self.slots.fill(EMPTY);
        }
        let slots = self.slots.len().saturating_mul(2).max(FEWEST);
        let known = std::mem::replace(&mut self.slots, vec![EMPTY; slots].into_boxed_slice());
        for slot in known {
            let place = slot.digest.and_then(|digest| self.place(digest));
            if let Some(place) = place.and_then(|place| self.slots.get_mut(place)) {
                *place = slot;
                self.len = self.len.saturating_add(1);
            }
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.len
    }
}
