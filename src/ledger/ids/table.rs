//! The table of ids. A slot fills half a cache line and a search ends where an insertion goes, so that looking for a new
//! id and remembering it cost one miss of the cache: in a partition of many organizations that is most of their cost.

use prefetch_index::prefetch_index;

use super::{Position, Seen};
use crate::ledger::units::{EventId, Hour};

/// Slots in a row, a power of two of them, searched from where the id's own bits point to.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    slots: Box<[Slot]>,
    len: usize,
}

#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
struct Slot {
    id: EventId,
    seq: u64,
    item: u32,
    /// [`VACANT`] where nothing is remembered.
    hour: Hour,
}

/// No event is of this hour.
const VACANT: Hour = Hour::MIN;
const EMPTY: Slot = Slot { id: EventId::from_u128(0), seq: 0, item: 0, hour: VACANT };

/// The fewest slots of a table that holds something.
const FEWEST: usize = 4;

impl Slot {
    fn of(id: EventId, seen: Seen) -> Slot {
        Slot { id, seq: seen.position.seq, item: seen.position.item, hour: seen.hour }
    }

    fn is_vacant(&self) -> bool {
        self.hour == VACANT
    }

    fn seen(&self) -> Option<Seen> {
        let position = Position { seq: self.seq, item: self.item };
        (!self.is_vacant()).then_some(Seen { position, hour: self.hour })
    }
}

impl Table {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn get(&self, id: EventId) -> Option<Seen> {
        self.slots.get(self.place(id)?)?.seen()
    }

    /// Has the processor fetch the slot where the search for an id begins.
    pub(super) fn approach(&self, id: EventId) {
        if let Some(mask) = self.mask() {
            prefetch_index(&self.slots, Self::begin(id) & mask);
        }
    }

    /// Remembers an id that is new, or answers what is remembered of it.
    pub(super) fn insert(&mut self, id: EventId, seen: Seen) -> Option<Seen> {
        if self.is_crowded() {
            self.grow();
        }
        let place = self.place(id)?;
        let slot = self.slots.get_mut(place)?;
        let known = slot.seen();
        if known.is_none() {
            *slot = Slot::of(id, seen);
            self.len = self.len.saturating_add(1);
        }
        known
    }

    pub(super) fn values(&self) -> impl Iterator<Item = Seen> {
        self.slots.iter().filter_map(Slot::seen)
    }

    /// Forgets all ids but those; the room is kept.
    pub(super) fn retain(&mut self, stays: impl Fn(&Seen) -> bool) {
        let goes = |slot: &Slot| slot.seen().is_some_and(|seen| !stays(&seen));
        if self.slots.iter().any(goes) {
            let kept = self.slots.iter().copied().filter(|slot| !goes(slot)).collect();
            self.slots.fill(EMPTY);
            self.refill(kept);
        }
    }

    /// What keeps a place within the slots; none where there are no slots.
    fn mask(&self) -> Option<usize> {
        self.slots.len().checked_sub(1)
    }

    /// Where the search for an id begins, to be cut by the mask.
    fn begin(id: EventId) -> usize {
        usize::try_from(id.mixed()).unwrap_or_default()
    }

    /// The slot that holds the id, or else the vacant one where it would go; none in a table without slots.
    fn place(&self, id: EventId) -> Option<usize> {
        let mask = self.mask()?;
        let mut at = Self::begin(id) & mask;
        // There is always a vacant slot.
        loop {
            let slot = self.slots.get(at)?;
            if slot.id == id || slot.is_vacant() {
                return Some(at);
            }
            at = at.wrapping_add(1) & mask;
        }
    }

    /// Whether the next id would fill more than three of four slots.
    fn is_crowded(&self) -> bool {
        self.len.saturating_add(1).saturating_mul(4) > self.slots.len().saturating_mul(3)
    }

    fn grow(&mut self) {
        let slots = self.slots.len().saturating_mul(2).max(FEWEST);
        let kept = std::mem::replace(&mut self.slots, vec![EMPTY; slots].into_boxed_slice());
        self.refill(kept.into_vec());
    }

    fn refill(&mut self, kept: Vec<Slot>) {
        self.len = 0;
        for slot in kept.into_iter().filter(|slot| !slot.is_vacant()) {
            if let Some(place) = self.place(slot.id).and_then(|place| self.slots.get_mut(place)) {
                *place = slot;
                self.len = self.len.saturating_add(1);
            }
        }
    }
}
