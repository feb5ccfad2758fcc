//! The organizations in memory, the ordered pipeline that keeps them, and how they survive.
//!
//! The [`Book`] is a sharded map. One pipeline writes to it, entry by entry, under the guard of the entry's
//! organization; readers take a guard, copy a small view and let go. Nothing slow ever happens under a guard.
//!
//! A *keeper* thread writes what the pipeline leaves behind: charges as history runs, organizations as
//! checkpoints. A checkpoint is fuzzy: the organizations that changed are encoded one at a time while the pipeline goes
//! on, each with the position of its own last entry; the checkpoint's position is where the pipeline stood when it began.
//! Replay starts there, and each organization skips what it contains.

pub mod cells;
mod changes;
pub mod commons;
pub mod desk;
mod due;
pub mod itemise;
pub mod keeper;
pub mod lookahead;
pub mod outbox;
pub mod partition;
pub mod pipeline;
pub mod progress;
pub mod promises;
pub mod recount;
pub mod recovery;
pub mod row;
pub mod shelf;
pub mod stretch;
pub mod ticker;
pub mod waiters;

use std::sync::Arc;

use dashmap::DashMap;
use parking_lot::RwLock;
use promises::Promises;

use crate::ledger::catalog::Catalog;
use crate::ledger::effect::Tally;
use crate::ledger::org::Org;
use crate::ledger::units::Timestamp;
use crate::store::OrgKey;

/// The name of an organization: copied cheaply, and kept in place while it is short.
pub type OrgName = smol_str::SmolStr;

/// An organization with what the book notes beside it.
#[derive(Debug)]
pub struct Slot {
    /// Its number, in the order of creation.
    pub key: OrgKey,
    /// Whether it changed since it was last encoded.
    pub dirty: bool,
    /// The instant it is to be looked at by itself, as far as the pipeline has noted.
    pub due: Timestamp,
    /// The organization.
    pub org: Org,
}

/// All organizations of a partition.
#[derive(Debug)]
pub struct Book {
    slots: DashMap<OrgName, Box<Slot>, foldhash::fast::RandomState>,
    catalog: RwLock<Arc<Catalog>>,
    promises: Promises,
}

/// The shards of the map: so many that a shard is small, and growing one holds nobody up.
const SHARDS: usize = 1_024;

impl Default for Book {
    fn default() -> Self {
        let slots = DashMap::with_capacity_and_hasher_and_shard_amount(0, Default::default(), SHARDS);
        Book { slots, catalog: RwLock::default(), promises: Promises::default() }
    }
}

impl Book {
    /// Looks at an organization under its guard: copy what you need and let go.
    pub fn read<T>(&self, org: &str, look: impl FnOnce(&Slot) -> T) -> Option<T> {
        self.slots.get(org).map(|slot| look(&slot))
    }

    /// The rate cards and plans as they are now.
    #[must_use]
    pub fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog.read())
    }

    /// How many organizations there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// How many events came to which end, over all organizations.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.slots.iter().fold(Tally::default(), |sum, slot| sum.plus(slot.org.tally()))
    }

    /// Looks at the name of every organization, in no order.
    pub fn each_name(&self, mut look: impl FnMut(&OrgName)) {
        self.slots.iter().for_each(|entry| look(entry.key()));
    }

    /// Looks at every organization under its guard, in no order.
    pub fn each(&self, mut look: impl FnMut(&OrgName, &Slot)) {
        self.slots.iter().for_each(|entry| look(entry.key(), entry.value()));
    }

    /// The names of all organizations, in order.
    #[must_use]
    pub fn names(&self) -> Vec<OrgName> {
        let mut names: Vec<OrgName> = self.slots.iter().map(|entry| entry.key().clone()).collect();
        names.sort_unstable();
        names
    }
}
