//! The cells of the organizations: what their histories add up to, kept so that nobody who asks what was used reads a year of rows.
//!
//! The keeper cuts every run that it has written into cells ([`make`]); a thread of its own makes those that are missing, and merges the
//! files of committed runs. Rows that no file covers yet are added up when somebody asks, and what they came to is kept
//! ([`cube`]), so that the next who asks reads only what is new. What a row adds and takes off, it tells by itself ([`cut`]).
//!
//! Cells are made of the history and can always be made again: nothing of them stops the daemon, and where anything is odd the rows are
//! read instead.

mod civil;
mod cube;
mod cut;
mod lean;
mod make;
mod roll;
mod spent;
mod split;
mod tail;
mod tender;
mod view;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::Mutex;

use self::cube::{Cube, Cubes};
use crate::store::cells::{Cover, Tier, Tiers};
use crate::store::history::{Buffer, Runs, Summary};
use crate::store::{OrgKey, StoreError};

pub use self::cut::{Charged, Counted};
pub use self::spent::{PaidBy, Spent};
pub use self::tail::Ask;
pub use self::tender::Tender;
pub use self::view::{Edges, Odd, Standing, Total, View};

/// The cells of a partition.
#[derive(Debug)]
pub struct Cells {
    tiers: Tiers,
    cubes: Mutex<Cubes>,
    /// The newest run whose cells the keeper has tried to write. Those that lack them then, lack them for good.
    tried: AtomicU32,
    /// The newest run that a checkpoint knows.
    committed: AtomicU32,
    /// The oldest run; where the first ones were deleted for their age, the rows alone know what is left.
    begins_at_first: bool,
}

impl Cells {
    /// Opens the folder of cells, beside the runs that they are made of.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn open(folder: &Path, runs: &Runs) -> Result<Cells, StoreError> {
        let begins_at_first = runs.list().first().is_none_or(|oldest| *oldest <= 1);
        Ok(Cells {
            tiers: Tiers::open(folder, runs)?,
            cubes: Mutex::default(),
            tried: AtomicU32::new(0),
            committed: AtomicU32::new(0),
            begins_at_first,
        })
    }

    /// Deletes what is of runs that no checkpoint knows.
    pub(super) fn discard_after(&self, committed: Option<u32>) {
        self.tiers.discard_after(committed);
        self.tried.store(committed.unwrap_or(0), Ordering::Release);
        self.commit(committed.unwrap_or(0));
    }

    /// Notes the newest run that a checkpoint knows: up to there files may be merged.
    pub fn commit(&self, run: u32) {
        self.committed.store(run, Ordering::Release);
    }

    /// Cuts the rows of a run that was written. What fails here is made later.
    pub(super) fn cut(&self, run: Summary, buffer: &Buffer) {
        if let Err(error) = self.tiers.write(run, |writer| make::of_buffer(buffer, writer)) {
            tracing::warn!(%error, run = run.run, "the cells of a run were not written; they are made again");
        }
        self.tried.store(run.run, Ordering::Release);
    }

    /// Makes the cells of a run that lacks them, or merges files, if there is anything to do. Answers whether there was.
    ///
    /// # Errors
    /// [`StoreError`] where the disk refuses, or something is damaged.
    pub fn tend(&self, runs: &Runs, go_on: &dyn Fn() -> bool) -> Result<bool, StoreError> {
        let tried = self.tried.load(Ordering::Acquire);
        let lacks = |run: &u32| *run <= tried && !self.tiers.has(*run);
        if let Some(run) = runs.list().into_iter().find(lacks) {
            let summary = runs.summary(run)?;
            self.tiers.write(summary, |writer| make::of_run(runs, run, writer))?;
            return Ok(true);
        }
        self.tiers.merge_one(self.committed.load(Ordering::Acquire), go_on)
    }

    /// How many files there are, and how many bytes they have.
    #[must_use]
    pub fn size(&self) -> (usize, u64) {
        self.tiers.size()
    }

    fn cover(&self) -> Cover {
        if self.begins_at_first { self.tiers.cover() } else { Cover::default() }
    }

    fn lose(&self, file: Tier) {
        self.tiers.lose(file);
    }

    /// What is kept of an organization.
    fn cube(&self, key: OrgKey) -> Arc<Mutex<Cube>> {
        self.cubes.lock().of(key)
    }

    /// Notes how much it takes now, and lets go of what was not asked about for longest.
    fn weigh(&self, key: OrgKey, bytes: usize) {
        self.cubes.lock().weigh(key, bytes);
    }
}
