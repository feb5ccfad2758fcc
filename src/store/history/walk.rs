//! Reading history: an organization's blocks from its newest back, and what is asked of them.

use std::iter::FusedIterator;
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::block::{self, Index, RowKey, Slice};
use super::runs::RunFile;
use super::{BlockRef, Runs, run};
use crate::ledger::units::{EventId, Hour, Position};
use crate::store::{OrgKey, StoreError, frame};

/// An event may reach the log this many hours before the hour in which it says it happens: clocks differ.
const EARLY_HOURS: i32 = 1;

/// An event that history knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownId {
    /// Its identity.
    pub id: EventId,
    /// Where it stands in the log.
    pub position: Position,
    /// The hour in which it happened.
    pub hour: Hour,
}

/// A row as history keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The event it is about.
    pub event: KnownId,
    /// What was kept.
    pub bytes: Vec<u8>,
}

impl Runs {
    /// The organization's blocks, newest first, from `head` back to where history begins.
    ///
    /// A block that cannot be read is an error ([`StoreError::BlockLost`], [`StoreError::RunMissing`],
    /// [`StoreError::Io`]), and the last item: [`Runs::salvage`] finds where the chain goes on.
    pub fn blocks(&self, key: OrgKey, head: Option<BlockRef>) -> Blocks<'_> {
        Blocks { runs: self, key, next: head, after: None }
    }

    /// The ids of the organization's events that happened in `hours` and stand in the log at or before
    /// `not_after`, newest first; rows are not read.
    ///
    /// An event is written to the log at any time after its hour, but at most one hour before it begins: the walk
    /// ends at the first block that the log took before that.
    ///
    /// # Errors
    /// As [`Runs::blocks`].
    pub fn ids_of_hours(
        &self,
        key: OrgKey,
        head: Option<BlockRef>,
        hours: RangeInclusive<Hour>,
        not_after: Position,
    ) -> Result<Vec<KnownId>, StoreError> {
        let mut known = Vec::new();
        for block in self.blocks(key, head) {
            let block = block?;
            if block.logged() < hours.start().back(EARLY_HOURS) {
                break;
            }
            let wanted = |id: &KnownId| hours.contains(&id.hour) && id.position <= not_after;
            known.extend(block.ids().filter(wanted));
        }
        Ok(known)
    }

    /// The organization's row at that position, if there is one.
    ///
    /// # Errors
    /// As [`Runs::blocks`] and [`Block::rows`].
    pub fn row_at(
        &self,
        key: OrgKey,
        head: Option<BlockRef>,
        position: Position,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        for block in self.blocks(key, head) {
            let block = block?;
            if position > block.last() {
                break;
            }
            if let Some(row) = block.find(position) {
                return Ok(Some(block.rows()?.bytes(row).to_vec()));
            }
        }
        Ok(None)
    }

    /// The organization's rows of events at these positions, in one walk back.
    ///
    /// # Errors
    /// As [`Runs::row_at`].
    pub fn rows_at(
        &self,
        key: OrgKey,
        head: Option<BlockRef>,
        mut positions: Vec<Position>,
    ) -> Result<Vec<(Position, Vec<u8>)>, StoreError> {
        positions.sort_unstable();
        let mut found = Vec::new();
        for block in self.blocks(key, head) {
            if positions.is_empty() {
                break;
            }
            let block = block?;
            let here = positions.split_off(positions.partition_point(|position| *position < block.first()));
            let rows: Vec<(Position, &RowKey)> =
                here.iter().filter_map(|position| Some((*position, block.find(*position)?))).collect();
            if !rows.is_empty() {
                let bytes = block.rows()?;
                found.extend(rows.iter().map(|(position, row)| (*position, bytes.bytes(row).to_vec())));
            }
            // The row of an event may stand behind others of its position, in the block before.
            positions.extend(here.iter().filter(|position| **position == block.first()));
            positions.retain(|position| !rows.iter().any(|(known, _)| known == position));
        }
        Ok(found)
    }

    /// The organization's newest `count` rows, newest first; with `before`, those that stand in the log before
    /// it.
    ///
    /// # Errors
    /// As [`Runs::blocks`] and [`Block::rows`].
    pub fn newest(
        &self,
        key: OrgKey,
        head: Option<BlockRef>,
        before: Option<Position>,
        count: usize,
    ) -> Result<Vec<Found>, StoreError> {
        let mut found = Vec::new();
        let wanted = |position: Position| before.is_none_or(|before| position < before);
        for block in self.blocks(key, head) {
            if found.len() == count {
                break;
            }
            let block = block?;
            if !wanted(block.first()) {
                continue;
            }
            let rows = block.rows()?;
            let newest = rows.newest_first().filter(|(event, _)| wanted(event.position));
            let missing = count - found.len();
            found.extend(newest.take(missing).map(|(event, bytes)| Found { event, bytes: bytes.to_vec() }));
        }
        Ok(found)
    }

    /// Reads the block; `None` when it was deleted for its age.
    fn block(&self, key: OrgKey, at: BlockRef) -> Result<Option<Block>, StoreError> {
        let Some(run) = self.of_chain(at.run, key)? else {
            return Ok(None);
        };
        let mut payload = Vec::new();
        let kind = frame::read_at(&run.file, &run.path, at.offset, &mut payload)?;
        let rows_at = at.offset + (frame::HEADER_BYTES + payload.len()) as u64;
        let index = (kind == run::INDEX).then(|| Index::decode(&payload)).flatten();
        let slice = index.as_ref().and_then(|index| index.slice(key)).cloned();
        let sound = |slice: &Slice| slice.prev.is_none_or(|prev| prev < at);
        match (index, slice.filter(sound)) {
            (Some(index), Some(slice)) => Ok(Some(Block { run, at, rows_at, index, slice })),
            _ => {
                let what = "it is not the index of a block with rows of that organization".to_owned();
                Err(StoreError::Damaged { path: run.path.clone(), offset: at.offset, what })
            }
        }
    }

    /// Says what an organization loses with an unsound block.
    fn lost(&self, key: OrgKey, at: BlockRef, after: Option<Position>, source: StoreError) -> StoreError {
        if !matches!(source, StoreError::Frame(_) | StoreError::Damaged { .. }) {
            return source;
        }
        let summary = self.summary(at.run).ok();
        let first = summary.map_or(Position::START, |summary| summary.first);
        let last = summary.map(|summary| summary.last).into_iter().chain(after).min().unwrap_or(first);
        StoreError::BlockLost { key, run: at.run, first, last, source: Box::new(source) }
    }
}

/// An organization's blocks, newest first.
#[derive(Debug)]
pub struct Blocks<'a> {
    runs: &'a Runs,
    key: OrgKey,
    next: Option<BlockRef>,
    /// The first row of the block handed out last.
    after: Option<Position>,
}

impl Iterator for Blocks<'_> {
    type Item = Result<Block, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let at = self.next.take()?;
        match self.runs.block(self.key, at) {
            Ok(block) => {
                let block = block?;
                self.next = block.prev();
                self.after = Some(block.first());
                Some(Ok(block))
            }
            Err(error) => Some(Err(self.runs.lost(self.key, at, self.after, error))),
        }
    }
}

impl FusedIterator for Blocks<'_> {}

/// The rows of an organization in one block: the index is read, the rows are not yet.
#[derive(Debug)]
pub struct Block {
    run: Arc<RunFile>,
    at: BlockRef,
    rows_at: u64,
    index: Index,
    slice: Slice,
}

impl Block {
    /// Where it stands.
    #[must_use]
    pub fn at(&self) -> BlockRef {
        self.at
    }

    /// The organization's block before it.
    #[must_use]
    pub fn prev(&self) -> Option<BlockRef> {
        self.slice.prev
    }

    /// The hour in which the log took the newest of its rows.
    #[must_use]
    pub fn logged(&self) -> Hour {
        self.slice.logged
    }

    /// The position of its first row.
    #[must_use]
    pub fn first(&self) -> Position {
        self.keys().first().map_or(Position::START, |row| row.position)
    }

    /// The position of its last row.
    #[must_use]
    pub fn last(&self) -> Position {
        self.keys().last().map_or(Position::START, |row| row.position)
    }

    /// The events in it, newest first.
    pub fn ids(&self) -> impl Iterator<Item = KnownId> {
        let rows = self.slice.rows.clone().rev();
        rows.map(|at| {
            let RowKey { position, hour, .. } = self.index.rows[at];
            KnownId { id: self.index.ids[at], position, hour }
        })
    }

    /// Reads the rows.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::Frame`] and [`StoreError::Damaged`]; the ids and the way to older blocks
    /// are then still good.
    pub fn rows(&self) -> Result<Rows<'_>, StoreError> {
        let mut payload = Vec::new();
        let kind = frame::read_at(&self.run.file, &self.run.path, self.rows_at, &mut payload)?;
        let rows = (kind == run::ROWS).then(|| block::decode_rows(&payload, self.index.rows_len())).flatten();
        let bytes = rows.ok_or_else(|| {
            let (path, offset) = (self.run.path.clone(), self.rows_at);
            let (first, last) = (self.first(), self.last());
            let what = format!(
                "the rows {first} to {last} of organization {} do not match their index: restore the file from a \
                 backup, or replay the log from {first}",
                self.slice.key
            );
            StoreError::Damaged { path, offset, what }
        })?;
        Ok(Rows { block: self, bytes })
    }

    fn keys(&self) -> &[RowKey] {
        &self.index.rows[self.slice.rows.clone()]
    }

    /// The row of the event that stands there.
    fn find(&self, position: Position) -> Option<&RowKey> {
        let first = self.keys().partition_point(|row| row.position < position);
        let ids = self.index.ids.get(self.slice.rows.clone())?.get(first..)?;
        let mut there =
            self.keys().get(first..)?.iter().zip(ids).take_while(|(row, _)| row.position == position);
        there.find(|(_, id)| **id != EventId::default()).map(|(row, _)| row)
    }
}

/// The rows of a [`Block`].
#[derive(Debug)]
pub struct Rows<'a> {
    block: &'a Block,
    bytes: Vec<u8>,
}

impl Rows<'_> {
    /// The rows, newest first, each with the event it is about.
    pub fn newest_first(&self) -> impl Iterator<Item = (KnownId, &[u8])> {
        self.block.ids().zip(self.block.keys().iter().rev().map(|row| self.bytes(row)))
    }

    fn bytes(&self, row: &RowKey) -> &[u8] {
        &self.bytes[row.start..][..row.len]
    }
}
