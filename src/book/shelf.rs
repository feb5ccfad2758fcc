//! The shelf: charges on their way into the history, and back when the ledger must recall one.
//!
//! Rows gather in the pipeline's open buffer; a full buffer is sealed and put on the shelf, where the keeper takes
//! it and writes a run. Until the run can be read, its rows are found on the shelf: a row is never out of reach.

mod keeping;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::{Mutex, RwLock};

use crate::ledger::ids::Seen;
use crate::ledger::units::{EventId, Hour, Position};
use crate::store::history::{BlockRef, Buffer, KnownId, Limits, Row as StoredRow, Runs, Summary};
use crate::store::{OrgKey, StoreError, codec};

use super::cells::Cells;
use super::row::{Row, TakenBack};

/// The most sealed buffers that wait for the keeper. Past it the pipeline waits too.
pub const MOST_SEALED: usize = 4;

/// Sealed buffers, the runs on disk, and each organization's newest block.
#[derive(Debug, Default)]
pub struct Shelf {
    pub(super) sealed: Mutex<VecDeque<Arc<Buffer>>>,
    /// Buffers that were written, to be filled again: their memory is warm.
    spare: Mutex<Vec<Buffer>>,
    heads: RwLock<Vec<Option<BlockRef>>>,
    /// The newest run: the buffers that wait become those after it.
    written: AtomicU32,
    pub(super) runs: Option<Runs>,
    cells: Option<Arc<Cells>>,
    /// A run that was written, with its buffer, until its cells are cut.
    uncut: Mutex<Option<(Summary, Arc<Buffer>)>>,
    kept: Mutex<keeping::Kept>,
}

impl Shelf {
    /// A shelf over runs on disk, and the cells that are made of them where that is wanted.
    #[must_use]
    pub fn over(runs: Runs, cells: Option<Cells>) -> Self {
        Shelf { runs: Some(runs), cells: cells.map(Arc::new), ..Shelf::default() }
    }

    /// A shelf in memory alone, for a fold that nobody goes on from.
    #[must_use]
    pub fn in_memory() -> Self {
        Shelf::default()
    }

    /// The cells, where there are any.
    #[must_use]
    pub fn cells(&self) -> Option<&Arc<Cells>> {
        self.cells.as_ref()
    }

    /// Cuts the run written last into cells, merges some, or makes those that are missing, if there is anything to do. Answers whether
    /// there was.
    ///
    /// # Errors
    /// [`StoreError`] where the disk refuses, or something is damaged.
    pub fn tend_cells(&self, go_on: &dyn Fn() -> bool) -> Result<bool, StoreError> {
        let (Some(cells), Some(runs)) = (&self.cells, &self.runs) else { return Ok(false) };
        let uncut = self.uncut.lock().take();
        let Some((run, buffer)) = uncut else { return cells.tend(runs, go_on) };
        let cut = cells.cut(run, &buffer);
        self.reuse(buffer);
        cut.map(|()| true)
    }

    /// Leaves a run and its buffer to whoever cuts cells. Where the one before waits still, the keeper does not: the cells of this one
    /// are made of its file, later.
    fn leave(&self, run: Summary, buffer: Arc<Buffer>) {
        let mut uncut = self.uncut.lock();
        let left = if uncut.is_none() {
            uncut.replace((run, buffer)).map(|(_, buffer)| buffer)
        } else {
            Some(buffer)
        };
        drop(uncut);
        self.cells.iter().for_each(|cells| cells.expect(run.run));
        left.into_iter().for_each(|buffer| self.reuse(buffer));
    }

    fn reuse(&self, buffer: Arc<Buffer>) {
        // A reader that still holds it keeps it; then the next buffer is a new one.
        if let Some(mut written) = Arc::into_inner(buffer) {
            written.clear();
            self.spare.lock().push(written);
        }
    }

    /// The newest run.
    pub(super) fn written(&self) -> u32 {
        self.written.load(Ordering::Acquire)
    }

    /// The number of buffers that wait to be written.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.sealed.lock().len()
    }

    /// Whether the pipeline should wait for the keeper.
    #[must_use]
    pub fn is_clogged(&self) -> bool {
        self.runs.is_some() && self.waiting() >= MOST_SEALED
    }

    /// Notes an organization's newest block, from a checkpoint.
    pub fn set_head(&self, key: OrgKey, block: BlockRef) {
        set_head(&mut self.heads.write(), key, block);
    }

    /// An organization's newest block.
    #[must_use]
    pub fn head(&self, key: OrgKey) -> Option<BlockRef> {
        self.heads.read().get(key.0 as usize).copied().flatten()
    }

    /// The newest block of every organization that has one.
    #[must_use]
    pub fn heads(&self) -> Vec<(OrgKey, BlockRef)> {
        let heads = self.heads.read();
        (0..).zip(heads.iter()).filter_map(|(key, head)| Some((OrgKey(key), (*head)?))).collect()
    }

    /// Writes the oldest sealed buffer as run number `run`. Answers the organizations it touched, or `None` when no
    /// buffer waits.
    ///
    /// # Errors
    /// As [`Runs::write`]; the buffer then still waits.
    pub fn write_next(&self, run: u32) -> Result<Option<Vec<(OrgKey, BlockRef)>>, StoreError> {
        let Some(buffer) = self.sealed.lock().front().cloned() else { return Ok(None) };
        let Some(runs) = &self.runs else { return Ok(None) };
        let written = runs.write(run, &buffer, |key| self.head(key))?;
        let (summary, touched) = written.map(|written| (written.summary, written.heads)).unzip();
        let touched = touched.unwrap_or_default();
        // At once: whoever looks for a row finds it on the shelf or in the runs, and not in both.
        let mut sealed = self.sealed.lock();
        let mut heads = self.heads.write();
        for (key, block) in &touched {
            set_head(&mut heads, *key, *block);
        }
        drop(heads);
        sealed.pop_front();
        self.written.store(run, Ordering::Release);
        drop(sealed);
        match summary.filter(|_| self.cells.is_some()) {
            Some(run) => self.leave(run, buffer),
            None => self.reuse(buffer),
        }
        Ok(Some(touched))
    }

    /// Deletes the runs that no checkpoint knows, and what was made of them.
    ///
    /// # Errors
    /// As [`Runs::discard_after`].
    pub fn discard_after(&self, committed: Option<u32>) -> Result<(), StoreError> {
        let cells = self.cells.iter();
        cells.for_each(|cells| cells.discard_after(committed));
        if let Some(runs) = &self.runs {
            runs.discard_after(committed)?;
        }
        self.written.store(committed.unwrap_or(0), Ordering::Release);
        Ok(())
    }

    fn sealed(&self) -> Vec<Arc<Buffer>> {
        self.sealed.lock().iter().rev().cloned().collect()
    }
}

fn set_head(heads: &mut Vec<Option<BlockRef>>, key: OrgKey, block: BlockRef) {
    let at = key.0 as usize;
    if heads.len() <= at {
        heads.resize(at.saturating_add(1), None);
    }
    if let Some(head) = heads.get_mut(at) {
        *head = Some(block);
    }
}

/// An organization's rows as they stood at a moment. What is written since does not change them.
#[derive(Debug)]
pub struct Past {
    key: OrgKey,
    open: Vec<((Position, EventId), Vec<u8>)>,
    sealed: Vec<Arc<Buffer>>,
    head: Option<BlockRef>,
    shelf: Arc<Shelf>,
}

impl Past {
    /// All of them, newest first.
    ///
    /// # Errors
    /// As [`Past::each`].
    pub fn rows(&self) -> Result<Vec<(Position, Row)>, StoreError> {
        let mut rows = Vec::new();
        self.each(&mut |position, row| rows.push((position, row)))?;
        Ok(rows)
    }

    /// Hands over all of them, newest first, a block of a run at a time.
    ///
    /// # Errors
    /// As [`Runs::blocks`]; [`StoreError::Row`] for one that cannot be read.
    pub fn each(&self, visit: &mut dyn FnMut(Position, Row)) -> Result<(), StoreError> {
        self.until(&mut |position, _, row| {
            visit(position, row);
            true
        })
    }

    /// Hands over all of them with their ids, newest first, as long as `visit` wants more.
    ///
    /// # Errors
    /// As [`Past::each`].
    pub fn until(&self, visit: &mut dyn FnMut(Position, EventId, Row) -> bool) -> Result<(), StoreError> {
        let key = self.key;
        let mut take = |known: (Position, EventId), bytes: &[u8]| -> Result<bool, StoreError> {
            let (position, id) = known;
            let row =
                codec::decode::<Row>(bytes).map_err(|source| StoreError::Row { key, position, source })?;
            Ok(visit(position, id, row))
        };
        for (known, bytes) in &self.open {
            if !take(*known, bytes)? {
                return Ok(());
            }
        }
        for buffer in &self.sealed {
            for (known, bytes) in buffer.newest(key) {
                if !take((known.position, known.id), bytes)? {
                    return Ok(());
                }
            }
        }
        if let Some(runs) = &self.shelf.runs {
            for block in runs.blocks(key, self.head) {
                for (known, bytes) in block?.rows()?.newest_first() {
                    if !take((known.position, known.id), bytes)? {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }
}

/// The pipeline's end of the history: the open buffer, and recall.
#[derive(Debug)]
pub struct History {
    pub(super) shelf: Arc<Shelf>,
    pub(super) open: Buffer,
    limits: Limits,
    /// Rows of records up to this one are in runs already.
    written: u64,
}

impl History {
    /// A history whose runs hold the rows of all records up to `written`.
    #[must_use]
    pub fn new(shelf: Arc<Shelf>, limits: Limits, written: u64) -> Self {
        History { shelf, open: Buffer::new(limits), limits, written }
    }

    /// The shelf.
    #[must_use]
    pub fn shelf(&self) -> &Arc<Shelf> {
        &self.shelf
    }

    /// Keeps a row, unless a run holds it already.
    ///
    /// # Errors
    /// As [`Buffer::push`].
    pub fn push(&mut self, row: StoredRow<'_>) -> Result<(), StoreError> {
        if row.position.seq <= self.written {
            return Ok(());
        }
        if self.open.is_full() {
            self.seal();
        }
        self.open.push(row)
    }

    /// Whether the open buffer should be sealed.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.open.is_full()
    }

    /// Puts the open buffer on the shelf and opens another.
    pub fn seal(&mut self) {
        if !self.open.is_empty() {
            let spare = self.shelf.spare.lock().pop();
            let next = spare.unwrap_or_else(|| Buffer::new(self.limits));
            let sealed = std::mem::replace(&mut self.open, next);
            self.shelf.sealed.lock().push_back(Arc::new(sealed));
        }
    }

    /// All ids of an organization in one hour, up to a position.
    ///
    /// # Errors
    /// As [`Runs::ids_of_hours`].
    pub fn ids(&self, key: OrgKey, hour: Hour, upto: Position) -> Result<Vec<(EventId, Seen)>, StoreError> {
        let seen = |known: KnownId| (known.id, Seen { position: known.position, hour: known.hour });
        let mut ids: Vec<_> = self.open.ids_of_hours(key, hour..=hour, upto).map(seen).collect();
        for buffer in self.shelf.sealed() {
            ids.extend(buffer.ids_of_hours(key, hour..=hour, upto).map(seen));
        }
        if let Some(runs) = &self.shelf.runs {
            let stored = runs.ids_of_hours(key, self.shelf.head(key), hour..=hour, upto)?;
            ids.extend(stored.into_iter().map(seen));
        }
        // Rows of no event have none.
        ids.retain(|(id, _)| *id != EventId::default());
        Ok(ids)
    }

    /// What an organization's entry was charged.
    ///
    /// # Errors
    /// As [`Runs::row_at`].
    pub fn charged(&self, key: OrgKey, position: Position) -> Result<Option<TakenBack>, StoreError> {
        let mut found = self.open.find(key, position).map(<[u8]>::to_vec);
        if found.is_none() {
            let sealed = self.shelf.sealed();
            found = sealed.iter().find_map(|buffer| buffer.find(key, position)).map(<[u8]>::to_vec);
        }
        if let (None, Some(runs)) = (&found, &self.shelf.runs) {
            found = runs.row_at(key, self.shelf.head(key), position)?;
        }
        let row = found.and_then(|bytes| codec::decode::<Row>(&bytes).ok());
        Ok(row.and_then(Row::charged))
    }

    /// An organization's rows as they stand now, to be read later and elsewhere.
    #[must_use]
    pub fn past(&self, key: OrgKey) -> Past {
        let open = self
            .open
            .newest(key)
            .map(|(known, bytes)| ((known.position, known.id), bytes.to_vec()))
            .collect();
        let sealed = self.shelf.sealed.lock();
        // Under one lock: a row is on the shelf or in the runs, and not in both.
        let (sealed, head) = (sealed.iter().rev().cloned().collect(), self.shelf.head(key));
        Past { key, open, sealed, head, shelf: Arc::clone(&self.shelf) }
    }

    /// All rows of an organization, newest first.
    ///
    /// # Errors
    /// As [`Past::rows`].
    pub fn rows(&self, key: OrgKey) -> Result<Vec<(Position, Row)>, StoreError> {
        self.past(key).rows()
    }

    /// The hour in which an organization's event was seen, up to a position.
    ///
    /// # Errors
    /// As [`Runs::blocks`].
    pub fn whereabouts(&self, key: OrgKey, id: EventId, upto: Position) -> Result<Option<Hour>, StoreError> {
        let wanted = |known: &KnownId| known.id == id && known.position <= upto;
        let mut found = self.open.newest(key).map(|(known, _)| known).find(wanted);
        for buffer in self.shelf.sealed() {
            found = found.or_else(|| buffer.newest(key).map(|(known, _)| known).find(wanted));
        }
        if let (None, Some(runs)) = (found, &self.shelf.runs) {
            for block in runs.blocks(key, self.shelf.head(key)) {
                found = block?.ids().find(wanted);
                if found.is_some() {
                    break;
                }
            }
        }
        Ok(found.map(|known| known.hour))
    }
}
