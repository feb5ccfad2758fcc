//! Rows that wait to become a run.

use std::ops::RangeInclusive;

use super::{MAX_ROW, Row};
use crate::ledger::units::{EventId, Hour, Position};
use crate::store::history::walk::KnownId;
use crate::store::{OrgKey, StoreError};

/// How much a [`Buffer`] holds before it is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Rows.
    pub rows: usize,
    /// Bytes of rows. The row that reaches the limit is still taken whole.
    pub bytes: usize,
}

impl Default for Limits {
    /// About 100 MB of memory; a run of some 40 MB.
    fn default() -> Self {
        Limits { rows: 500_000, bytes: 64 << 20 }
    }
}

/// The most bytes of rows, whatever the limits say: offsets in the arena are 32 bits.
const ARENA: usize = 1 << 30;
/// So many rows before a place are looked through for one of an organization, before its own chain is followed: of one that has many
/// the next is near, and the chain of one that has few is short.
const NEAR: usize = 64;

/// A row of an organization in a buffer that is not filled any more, or not meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link(u32);

/// No row: the end of an organization's chain.
const NONE: u32 = u32::MAX;

/// Rows in the order of the log, in one arena; each row names the one before it of the same organization.
#[derive(Debug, Default)]
pub struct Buffer {
    limits: Limits,
    arena: Vec<u8>,
    rows: Vec<Held>,
    /// Each organization's newest row, by key.
    newest: Vec<u32>,
    /// The organizations that have a row, in the order of their first.
    keys: Vec<OrgKey>,
}

/// A row in the buffer, without its bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub(super) key: OrgKey,
    before: u32,
    start: u32,
    len: u32,
    pub(super) hour: Hour,
    /// The hour in which the log took it.
    pub(super) logged: Hour,
    pub(super) position: Position,
    pub(super) id: EventId,
}

impl Buffer {
    /// An empty buffer.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let rows = limits.rows.clamp(1, 1 << 30);
        Buffer { limits: Limits { rows, bytes: limits.bytes.clamp(1, ARENA) }, ..Buffer::default() }
    }

    /// Takes a row, which stands in the log at or behind the one taken before it.
    ///
    /// # Errors
    /// [`StoreError::OutOfOrder`], [`StoreError::TooLarge`], or [`StoreError::BufferFull`] when the buffer
    /// [is full](Buffer::is_full). The buffer is then as it was before.
    pub fn push(&mut self, row: Row<'_>) -> Result<(), StoreError> {
        if self.is_full() {
            return Err(StoreError::BufferFull { rows: self.rows.len() });
        }
        if row.bytes.len() > MAX_ROW {
            let (key, bytes) = (row.key, row.bytes.len());
            return Err(StoreError::TooLarge { what: "a history row", key, bytes, limit: MAX_ROW });
        }
        if let Some(last) = self.rows.last().map(|held| held.position).filter(|last| row.position < *last) {
            return Err(StoreError::OutOfOrder { position: row.position, last });
        }
        let at = row.key.0 as usize;
        if at >= self.newest.len() {
            self.newest.resize(at + 1, NONE);
        }
        let before = std::mem::replace(&mut self.newest[at], narrow(self.rows.len()));
        if before == NONE {
            self.keys.push(row.key);
        }
        self.rows.push(Held {
            key: row.key,
            before,
            start: narrow(self.arena.len()),
            len: narrow(row.bytes.len()),
            hour: row.hour,
            logged: row.at.hour(),
            position: row.position,
            id: row.id,
        });
        self.arena.extend_from_slice(row.bytes);
        Ok(())
    }

    /// Whether it is time to write the buffer as a run.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.rows.len() >= self.limits.rows || self.arena.len() >= self.limits.bytes
    }

    /// The number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The positions of the first and the last row.
    #[must_use]
    pub fn positions(&self) -> Option<RangeInclusive<Position>> {
        Some(self.rows.first()?.position..=self.rows.last()?.position)
    }

    /// Forgets the rows and keeps the memory.
    pub fn clear(&mut self) {
        for key in self.keys.drain(..) {
            self.newest[key.0 as usize] = NONE;
        }
        self.rows.clear();
        self.arena.clear();
    }

    /// The bytes of the organization's row at that position, of those with an identity.
    #[must_use]
    pub fn find(&self, key: OrgKey, position: Position) -> Option<&[u8]> {
        let first = self.rows.partition_point(|held| held.position < position);
        let mut there = self.rows[first..].iter().take_while(|held| held.position == position);
        there.find(|held| held.key == key && held.id != EventId::default()).map(|held| self.bytes(held))
    }

    /// The organization's rows, newest first, each with its bytes.
    pub fn newest(&self, key: OrgKey) -> impl Iterator<Item = (KnownId, &[u8])> {
        self.chain(key).map(|held| (held.known(), self.bytes(held)))
    }

    /// The organization's newest row that stands at or before a position, and that the log took in or before an hour.
    #[must_use]
    pub fn link(&self, key: OrgKey, upto: Position, logged: Hour) -> Option<Link> {
        let by_position = self.rows.partition_point(|held| held.position <= upto);
        let end = by_position.min(self.rows.partition_point(|held| held.logged <= logged));
        let near = (end.saturating_sub(NEAR)..end).rev().find(|at| self.rows[*at].key == key);
        let chain = || self.links(key).find(|at| (*at as usize) < end);
        near.map(narrow).or_else(chain).map(Link)
    }

    /// The row that a link names, with the link of the organization's row before it.
    #[must_use]
    pub fn follow(&self, link: Link) -> Option<(KnownId, &[u8], Option<Link>)> {
        let held = self.rows.get(link.0 as usize)?;
        Some((held.known(), self.bytes(held), (held.before != NONE).then_some(Link(held.before))))
    }

    /// The ids of the organization's events that happened in `hours` and stand in the log at or before
    /// `not_after`, newest first.
    pub fn ids_of_hours(
        &self,
        key: OrgKey,
        hours: RangeInclusive<Hour>,
        not_after: Position,
    ) -> impl Iterator<Item = KnownId> {
        self.chain(key)
            .map(Held::known)
            .filter(move |known| hours.contains(&known.hour) && known.position <= not_after)
    }

    /// The organizations that have a row, by ascending key.
    #[must_use]
    pub fn orgs(&self) -> Vec<OrgKey> {
        let mut keys = self.keys.clone();
        keys.sort_unstable();
        keys
    }

    /// The organizations that have a row.
    pub(super) fn keys(&self) -> &[OrgKey] {
        &self.keys
    }

    /// The organization's rows, newest first.
    pub(super) fn chain(&self, key: OrgKey) -> impl Iterator<Item = &Held> {
        self.links(key).filter_map(|at| self.rows.get(at as usize))
    }

    /// Where the organization's rows are, newest first.
    fn links(&self, key: OrgKey) -> impl Iterator<Item = u32> {
        let newest = self.newest.get(key.0 as usize).copied().filter(|at| *at != NONE);
        let before = move |at: &u32| self.rows.get(*at as usize).map(|held| held.before);
        std::iter::successors(newest, move |at| before(at).filter(|at| *at != NONE))
    }

    /// All rows, in the order of the log.
    pub(super) fn rows(&self) -> &[Held] {
        &self.rows
    }

    /// The bytes of a row.
    pub(super) fn bytes(&self, held: &Held) -> &[u8] {
        &self.arena[held.start as usize..][..held.len as usize]
    }
}

impl Held {
    fn known(&self) -> KnownId {
        KnownId { id: self.id, position: self.position, hour: self.hour }
    }
}

/// A count or an offset, which the limits keep within 32 bits.
fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(NONE)
}
