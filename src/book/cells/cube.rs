//! What is kept of organizations that were asked about: their tuples, the cells of each file, and those of rows that no file covers.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::roll::{Roll, slots_of};
use super::split::Splits;
use super::tail::Tail;
use crate::ledger::calendar::Zone;
use crate::store::cells::{Block, CellsFile, Day, Dictionary, Slot, Tier};
use crate::store::{OrgKey, StoreError};

/// The most bytes that are kept of all organizations together, about.
pub(super) const MOST_BYTES: usize = 256 << 20;
/// The most organizations of which something is kept.
const MOST_CUBES: usize = 10_000;
/// The most zones in which a block is kept rolled up.
const MOST_ZONES: usize = 3;

/// The organizations of which something is kept.
#[derive(Debug, Default)]
pub(super) struct Cubes {
    all: HashMap<OrgKey, Kept>,
    bytes: usize,
    asked: u64,
}

#[derive(Debug, Default)]
struct Kept {
    cube: Arc<Mutex<Cube>>,
    bytes: usize,
    /// The how-many-th question was the last about it.
    asked: u64,
}

impl Cubes {
    pub(super) fn of(&mut self, key: OrgKey) -> Arc<Mutex<Cube>> {
        self.asked = self.asked.saturating_add(1);
        let kept = self.all.entry(key).or_default();
        kept.asked = self.asked;
        Arc::clone(&kept.cube)
    }

    pub(super) fn weigh(&mut self, key: OrgKey, bytes: usize) {
        if let Some(kept) = self.all.get_mut(&key) {
            self.bytes = self.bytes.saturating_sub(kept.bytes).saturating_add(bytes);
            kept.bytes = bytes;
        }
        if self.bytes > MOST_BYTES || self.all.len() > MOST_CUBES {
            self.let_go();
        }
    }

    /// Lets go of those that were not asked about for longest, until a quarter of the room is free.
    fn let_go(&mut self) {
        let mut oldest: Vec<(u64, OrgKey)> = self.all.iter().map(|(key, kept)| (kept.asked, *key)).collect();
        oldest.sort_unstable();
        for (_, key) in oldest {
            if self.bytes <= MOST_BYTES / 4 * 3 && self.all.len() <= MOST_CUBES / 4 * 3 {
                return;
            }
            let bytes = self.all.remove(&key).map_or(0, |kept| kept.bytes);
            self.bytes = self.bytes.saturating_sub(bytes);
        }
    }
}

/// What is kept of one organization.
#[derive(Debug, Default)]
pub(super) struct Cube {
    /// All its tuples, by numbers that every part of it uses.
    pub(super) dictionary: Dictionary,
    /// By the ids of files.
    pub(super) parts: HashMap<u64, Part>,
    pub(super) tail: Tail,
    pub(super) splits: Splits,
}

/// The cells of one file.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) tier: Tier,
    block: Option<Block>,
    rolls: Vec<(String, Option<Roll>)>,
    bytes: usize,
}

impl Cube {
    /// Reads what a file has of the organization, unless that is here. Answers whether it had to.
    pub(super) fn load(&mut self, key: OrgKey, tier: Tier, file: &CellsFile) -> Result<bool, StoreError> {
        if self.parts.contains_key(&file.id()) {
            return Ok(false);
        }
        let mut block = file.block(key)?;
        if let Some(block) = &mut block {
            block.renumber(|texts| self.dictionary.number(texts))?;
        }
        let bytes = block.as_ref().map_or(0, Block::bytes);
        self.parts.insert(file.id(), Part { tier, block, rolls: Vec::new(), bytes });
        Ok(true)
    }

    /// About what it takes in memory.
    pub(super) fn bytes(&self) -> usize {
        let parts: usize = self.parts.values().map(Part::bytes).sum();
        size_of::<Cube>() + self.dictionary.bytes() + self.tail.bytes() + self.splits.bytes() + parts
    }
}

impl Part {
    /// The first slot that it may have cells of, and the last.
    pub(super) fn extent(&self) -> Option<(Slot, Slot)> {
        let mut days = self.block.iter().flat_map(Block::days);
        let first = days.next()?;
        Some((slots_of(first).0, slots_of(days.last().unwrap_or(first)).1))
    }

    /// The days of UTC with cells, from one to another.
    pub(super) fn days_within(&self, first: i32, last: i32) -> impl Iterator<Item = i32> {
        self.block.iter().flat_map(move |block| block.days_within(first, last))
    }

    pub(super) fn day(&self, day: i32) -> Result<Option<Cow<'_, Day>>, StoreError> {
        self.block.as_ref().map_or(Ok(None), |block| block.day(day))
    }

    /// Whether its cells are so many that they are worth being rolled up.
    fn is_large(&self) -> bool {
        self.block.as_ref().is_some_and(Block::is_large)
    }

    /// Rolls it up by the days of a zone, if it is large.
    pub(super) fn roll(&mut self, tuples: usize, zone: &Zone) -> Result<(), StoreError> {
        if !self.is_large() || self.rolled(zone).is_some() {
            return Ok(());
        }
        let roll = Roll::of(self, tuples, zone)?;
        if self.rolls.len() >= MOST_ZONES {
            self.rolls.remove(0);
        }
        self.rolls.push((zone.to_string(), roll));
        Ok(())
    }

    fn rolled(&self, zone: &Zone) -> Option<&Option<Roll>> {
        let name = zone.to_string();
        self.rolls.iter().find(|(known, _)| *known == name).map(|(_, roll)| roll)
    }

    /// The days of a zone, where it is rolled up by them.
    pub(super) fn by_days(&self, zone: &Zone) -> Option<&Roll> {
        self.rolled(zone)?.as_ref()
    }

    fn bytes(&self) -> usize {
        let rolls: usize = self.rolls.iter().filter_map(|(_, roll)| Some(roll.as_ref()?.bytes())).sum();
        size_of::<Part>() + self.bytes + rolls
    }
}
