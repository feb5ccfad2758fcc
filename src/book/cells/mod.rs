//! The cells of the organizations: what their histories add up to, kept so that nobody who asks what was used reads a year of rows.
//!
//! A thread of its own (`tender`) cuts every run that the keeper has written into cells (`make`), makes those that are missing, and
//! merges the files of committed runs. Rows that no file covers yet are added up when somebody asks, and what they came to is kept
//! (`cube`), so that the next who asks reads only what is new. What a row adds and takes off, it tells by itself (`cut`).
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

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::Mutex;

use self::cube::{Cube, Cubes};
use crate::store::cells::{Cover, Tier, Tiers};
use crate::store::history::{Buffer, Runs, Summary};
use crate::store::{OrgKey, StoreError};

pub use self::cut::{Charged, Counted};
pub use self::spent::{Field, PaidBy, Spent};
pub use self::tail::Ask;
pub use self::tender::Tender;
pub use self::view::{Edges, Odd, Standing, Total, View};

/// The cells of a partition.
#[derive(Debug)]
pub struct Cells {
    tiers: Tiers,
    cubes: Mutex<Cubes>,
    /// The newest run that is to have cells.
    expected: AtomicU32,
    /// The newest run that a checkpoint knows.
    committed: AtomicU32,
    /// The oldest run: what was before it, the cells alone know.
    oldest: AtomicU32,
    /// What tending has failed at.
    aside: Mutex<Aside>,
}

/// Files that could not be made. The rest is done first, so that one of them holds up nothing else.
#[derive(Debug, Default)]
struct Aside {
    /// They are tried once more when nothing else is left to do.
    for_later: BTreeSet<Tier>,
    /// They have more of one day than a file can hold, and will again.
    for_good: BTreeSet<Tier>,
}

impl Aside {
    fn put(&mut self, file: Tier, error: &StoreError) {
        let is_too_much = matches!(error, StoreError::TooLarge { .. } | StoreError::Oversized { .. });
        let list = if is_too_much { &mut self.for_good } else { &mut self.for_later };
        list.insert(file);
    }

    fn all(&self) -> BTreeSet<Tier> {
        self.for_later.union(&self.for_good).copied().collect()
    }
}

impl Cells {
    /// Opens the folder of cells, beside the runs that they are made of.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn open(folder: &Path, runs: &Runs) -> Result<Cells, StoreError> {
        Ok(Cells {
            tiers: Tiers::open(folder, runs)?,
            cubes: Mutex::default(),
            expected: AtomicU32::new(0),
            committed: AtomicU32::new(0),
            oldest: AtomicU32::new(runs.oldest()),
            aside: Mutex::default(),
        })
    }

    /// Deletes what is of runs that no checkpoint knows.
    pub(super) fn discard_after(&self, committed: Option<u32>) {
        self.tiers.discard_after(committed);
        self.expect(committed.unwrap_or(0));
        self.commit(committed.unwrap_or(0));
    }

    /// Notes the newest run that a checkpoint knows: up to there files may be merged.
    pub fn commit(&self, run: u32) {
        self.committed.store(run, Ordering::Release);
    }

    /// Notes a run that was written: it is to have cells.
    pub(super) fn expect(&self, run: u32) {
        self.expected.store(run, Ordering::Release);
    }

    /// Cuts the rows of a run that was written.
    ///
    /// # Errors
    /// [`StoreError`] where the disk refuses. They are then made of the run.
    pub(super) fn cut(&self, run: Summary, buffer: &Buffer) -> Result<(), StoreError> {
        if !self.tiers.has(run.run) {
            self.tiers.write(run, |writer| make::of_buffer(buffer, writer))?;
        }
        Ok(())
    }

    /// Merges files, or makes the cells of a run that lacks them, if there is anything to do. Answers whether there was.
    ///
    /// # Errors
    /// [`StoreError`] where the disk refuses, or something is damaged. The next call goes on with something else.
    pub fn tend(&self, runs: &Runs, go_on: &dyn Fn() -> bool) -> Result<bool, StoreError> {
        let mut aside = self.aside.lock();
        let left_out = aside.all();
        // Merging first: files stay few, however many runs lack theirs.
        let (file, done) =
            if let Some(into) = self.tiers.mergeable(self.committed.load(Ordering::Acquire), &left_out) {
                (into, self.tiers.merge(into, go_on))
            } else if let Some(run) = self.gap(&left_out) {
                (Tier::of_run(run), self.make(runs, run).map(|()| true))
            } else {
                aside.for_later.clear();
                return Ok(false);
            };
        done.inspect_err(|error| aside.put(file, error))
    }

    /// The first run whose cells are missing and can be made.
    fn gap(&self, left_out: &BTreeSet<Tier>) -> Option<u32> {
        let oldest = self.oldest.load(Ordering::Acquire);
        self.tiers.gap(oldest.saturating_sub(1), self.expected.load(Ordering::Acquire), left_out)
    }

    fn make(&self, runs: &Runs, run: u32) -> Result<(), StoreError> {
        let summary = runs.summary(run)?;
        self.tiers.write(summary, |writer| make::of_run(runs, run, writer))?;
        Ok(())
    }

    /// How many files there are, and how many bytes they have.
    #[must_use]
    pub fn size(&self) -> (usize, u64) {
        self.tiers.size()
    }

    /// What files cover, from the first run on. None where some of it is lost that rows do not tell any more: then they alone say what is left.
    fn cover(&self) -> Option<Cover> {
        let cover = self.tiers.cover();
        (cover.upto >= self.oldest.load(Ordering::Acquire).saturating_sub(1)).then_some(cover)
    }

    /// Up to this run everything is in files.
    pub(super) fn summed_up(&self) -> u32 {
        self.cover().map_or(0, |cover| cover.upto)
    }

    /// Older runs than this one were deleted for their age.
    pub(super) fn begin_rows_at(&self, oldest: u32) {
        self.oldest.store(oldest, Ordering::Release);
    }

    fn lose_harmed(&self, file: Tier, error: &StoreError) {
        self.tiers.lose_harmed(file, error);
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
