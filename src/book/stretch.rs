//! A stretch of an organization's history: its rows from a place back, newest first, read as they are asked for.
//!
//! What waits in the open buffer is copied between two records, and no more of it than a few thousand rows, so that the pipeline is
//! not held up: where there is more, the stretch ends there, and another is asked for from where it ended. Sealed buffers and runs are
//! read away from the pipeline, a block at a time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::vec;

use super::row::Row;
use super::shelf::{History, Shelf};
use crate::ledger::units::{EventId, Hour, Position};
use crate::store::history::{Block, BlockRef, Buffer, KnownId, Link};
use crate::store::{OrgKey, StoreError, codec};

/// The most rows of the open buffer that are copied at once.
pub const MOST_COPIED: usize = 4_096;

/// A place in a history: up to there its rows were handed out, newest first. It stays right while rows arrive, as they are newer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The position of the row handed out last.
    pub position: Position,
    /// How many rows of that position were handed out: an entry may move credits more than once.
    pub rows: u32,
    /// A block with a row that is newer than that position, to begin at: all that was not handed out is in it, or behind it.
    pub block: Option<BlockRef>,
}

/// Where a stretch begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// Behind that place; at the newest row where there is none.
    pub place: Option<Place>,
    /// With a row that the log took in that hour, or before.
    pub logged: Hour,
    /// Up to the rows of this position, which are not part of it.
    pub after: Option<Position>,
}

impl Default for Start {
    fn default() -> Self {
        Start { place: None, logged: Hour(i32::MAX), after: None }
    }
}

impl Start {
    fn upto(&self) -> Position {
        self.place.map_or(Position { seq: u64::MAX, item: u32::MAX }, |place| place.position)
    }

    fn block(&self) -> Option<BlockRef> {
        self.place.and_then(|place| place.block)
    }

    fn is_before(&self, position: Position) -> bool {
        self.after.is_some_and(|after| position <= after)
    }
}

/// A row as it is kept.
type Stored = (KnownId, Vec<u8>);

/// An organization's rows from a place back.
#[derive(Debug)]
pub struct Stretch {
    key: OrgKey,
    shelf: Arc<Shelf>,
    start: Start,
    /// So many rows at the start's position are still to be passed over.
    skip: u32,
    open: vec::IntoIter<Stored>,
    /// Whether the open buffer has more than was copied.
    more: bool,
    /// Sealed buffers with the runs that they become, the newest first.
    sealed: vec::IntoIter<(u32, Arc<Buffer>)>,
    /// The run that holds the row fetched last, or will.
    home: u32,
    /// It ends before the rows of this run, where it is told to.
    floor: Option<u32>,
    link: Option<(Arc<Buffer>, Link)>,
    /// The rows of the block read last, and where it stands.
    rows: vec::IntoIter<Stored>,
    here: Option<BlockRef>,
    /// The block before it, and that block where its index is read already.
    next: Option<BlockRef>,
    ahead: Option<Block>,
    /// The row looked at last, and its block.
    passed: Option<(Position, Option<BlockRef>)>,
    place: Option<Place>,
    /// How many blocks of runs had their index read, and how many their rows.
    read: (usize, usize),
}

impl History {
    /// An organization's rows from a place back, as they stand now.
    #[must_use]
    pub fn stretch(&self, key: OrgKey, start: Start) -> Stretch {
        let (mut open, mut more) = (Vec::new(), false);
        let mut skip = start.place.map_or(0, |place| place.rows);
        // What is behind a block of a run is in none of the buffers.
        let in_runs = start.block().is_some();
        let mut link = if in_runs { None } else { self.open.link(key, start.upto(), start.logged) };
        while let Some((known, bytes, before)) = link.and_then(|link| self.open.follow(link)) {
            link = before;
            if start.is_before(known.position) {
                break;
            } else if skip > 0 && known.position == start.upto() {
                skip = skip.saturating_sub(1);
            } else if open.len() < MOST_COPIED {
                open.push((known, bytes.to_vec()));
            } else {
                more = true;
                break;
            }
        }
        let sealed = self.shelf.sealed.lock();
        // Under one lock: a row is on the shelf or in the runs, and not in both.
        let first = self.shelf.written().saturating_add(1);
        let mut newest: Vec<(u32, Arc<Buffer>)> = (first..).zip(sealed.iter().cloned()).collect();
        let home = first.saturating_add(u32::try_from(newest.len()).unwrap_or(u32::MAX));
        newest.reverse();
        if in_runs {
            newest.clear();
        }
        let next = start.block().or_else(|| self.shelf.head(key));
        Stretch {
            key,
            shelf: Arc::clone(&self.shelf),
            start,
            skip,
            open: open.into_iter(),
            more,
            sealed: newest.into_iter(),
            home,
            floor: None,
            link: None,
            rows: Vec::new().into_iter(),
            here: None,
            next,
            ahead: None,
            passed: None,
            place: start.place,
            read: (0, 0),
        }
    }

    /// Where the rows of events are that stand at these positions.
    #[must_use]
    pub fn finding(&self, key: OrgKey, positions: Vec<Position>) -> Finding {
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for position in positions {
            match self.open.find(key, position) {
                Some(bytes) => found.push((position, bytes.to_vec())),
                None => missing.push(position),
            }
        }
        let sealed = self.shelf.sealed.lock();
        let (newest, head) = (sealed.iter().rev().cloned().collect(), self.shelf.head(key));
        Finding { key, found, missing, sealed: newest, head, shelf: Arc::clone(&self.shelf) }
    }
}

impl Stretch {
    /// The next row, if there is one.
    ///
    /// # Errors
    /// [`StoreError`] where the history cannot be read.
    pub fn next_row(&mut self) -> Result<Option<(Position, EventId, Row)>, StoreError> {
        let Some((KnownId { id, position, .. }, bytes)) = self.next_stored()? else { return Ok(None) };
        decode(self.key, position, &bytes).map(|row| Some((position, id, row)))
    }

    /// The same as it is kept, for those who look at few of them.
    ///
    /// # Errors
    /// As [`Stretch::next_row`].
    pub fn next_stored(&mut self) -> Result<Option<Stored>, StoreError> {
        while let Some((stored, block)) = self.fetch()? {
            let position = stored.0.position;
            let newer = match self.passed {
                Some((passed, block)) if position < passed => block,
                _ => self.place.and_then(|place| place.block),
            };
            self.passed = Some((position, block));
            if position > self.start.upto() {
                continue;
            }
            if self.start.is_before(position) {
                return Ok(None);
            }
            if position == self.start.upto() && self.skip > 0 {
                self.skip = self.skip.saturating_sub(1);
                continue;
            }
            self.place = Some(match self.place {
                Some(place) if place.position == position => {
                    Place { rows: place.rows.saturating_add(1), ..place }
                }
                _ => Place { position, rows: 1, block: newer },
            });
            return Ok(Some(stored));
        }
        Ok(None)
    }

    /// The number of the run that holds the row handed out last, or will once it is written.
    #[must_use]
    pub fn home(&self) -> u32 {
        self.home
    }

    /// Lets it end before the rows of that run.
    pub fn end_after(&mut self, run: u32) {
        self.next = self.next.filter(|block| block.run > run);
        self.floor = Some(run);
    }

    /// Up to where rows were handed out; none where none was.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        self.place
    }

    /// Whether the history goes on where the stretch has ended.
    #[must_use]
    pub fn goes_on(&self) -> bool {
        self.more
    }

    /// How many blocks of runs had their index read, and how many of them their rows.
    #[must_use]
    pub fn blocks_read(&self) -> (usize, usize) {
        self.read
    }

    /// Whether the block that it is to begin at is what its place says; a crash may have had it written anew.
    pub(super) fn begins_well(&mut self) -> bool {
        let (Some(block), Some(place)) = (self.start.block(), self.start.place) else { return true };
        let Some(runs) = &self.shelf.runs else { return false };
        self.read.0 = self.read.0.saturating_add(1);
        match runs.blocks(self.key, Some(block)).next() {
            Some(Ok(block)) if block.last() > place.position => {
                self.ahead = Some(block);
                true
            }
            _ => false,
        }
    }

    fn fetch(&mut self) -> Result<Option<(Stored, Option<BlockRef>)>, StoreError> {
        if let Some(stored) = self.open.next() {
            return Ok(Some((stored, None)));
        }
        if self.more {
            return Ok(None);
        }
        loop {
            if let Some((buffer, link)) = self.link.take()
                && let Some((known, bytes, before)) = buffer.follow(link)
            {
                let stored = (known, bytes.to_vec());
                self.link = before.map(|before| (buffer, before));
                return Ok(Some((stored, None)));
            }
            let Some((home, buffer)) = self.sealed.next() else { break };
            self.home = home;
            let link = buffer.link(self.key, self.start.upto(), self.start.logged);
            self.link = link.map(|link| (buffer, link));
        }
        loop {
            if let Some(stored) = self.rows.next() {
                return Ok(Some((stored, self.here)));
            }
            let Some(block) = self.next_block()? else { return Ok(None) };
            self.read.1 = self.read.1.saturating_add(1);
            let rows: Vec<Stored> =
                block.rows()?.newest_first().map(|(known, bytes)| (known, bytes.to_vec())).collect();
            (self.rows, self.here) = (rows.into_iter(), Some(block.at()));
            self.home = block.at().run;
        }
    }

    /// The next block that has rows of the stretch, as far as its index tells.
    fn next_block(&mut self) -> Result<Option<Block>, StoreError> {
        while let Some(block) = self.index()? {
            self.next = block.prev().filter(|block| self.floor.is_none_or(|floor| block.run > floor));
            if self.start.place.is_some_and(|place| block.first() > place.position) {
                continue;
            }
            if block.logged() <= self.start.logged {
                return Ok(Some(block));
            }
            // The rows are no older than the newest one before them.
            self.ahead = self.index()?;
            if self.ahead.as_ref().is_none_or(|before| before.logged() <= self.start.logged) {
                return Ok(Some(block));
            }
        }
        Ok(None)
    }

    fn index(&mut self) -> Result<Option<Block>, StoreError> {
        if let Some(block) = self.ahead.take() {
            return Ok(Some(block));
        }
        match (&self.shelf.runs, self.next) {
            (Some(runs), Some(next)) => {
                self.read.0 = self.read.0.saturating_add(1);
                runs.blocks(self.key, Some(next)).next().transpose()
            }
            _ => Ok(None),
        }
    }
}

/// The rows of some events of an organization, to be read later and elsewhere.
#[derive(Debug)]
pub struct Finding {
    key: OrgKey,
    found: Vec<(Position, Vec<u8>)>,
    missing: Vec<Position>,
    sealed: Vec<Arc<Buffer>>,
    head: Option<BlockRef>,
    shelf: Arc<Shelf>,
}

impl Finding {
    /// The rows; those are left out of which the history has none.
    ///
    /// # Errors
    /// [`StoreError`] where the history cannot be read.
    pub fn rows(self) -> Result<BTreeMap<Position, Row>, StoreError> {
        let Finding { key, mut found, mut missing, sealed, head, shelf } = self;
        missing.retain(|position| {
            let bytes = sealed.iter().find_map(|buffer| buffer.find(key, *position));
            found.extend(bytes.map(|bytes| (*position, bytes.to_vec())));
            bytes.is_none()
        });
        if let Some(runs) = shelf.runs.as_ref().filter(|_| !missing.is_empty()) {
            found.extend(runs.rows_at(key, head, missing)?);
        }
        found.into_iter().map(|(position, bytes)| Ok((position, decode(key, position, &bytes)?))).collect()
    }
}

/// Reads a row as it is kept.
fn decode(key: OrgKey, position: Position, bytes: &[u8]) -> Result<Row, StoreError> {
    codec::decode(bytes).map_err(|source| StoreError::Row { key, position, source })
}

#[cfg(test)]
mod tests;
