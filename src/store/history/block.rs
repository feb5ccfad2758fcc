//! The two payloads of a block, index and rows, as bytes.
//!
//! The index is kept by columns of small differences, so that what is alike compresses away: positions count
//! from the row before, hours from the least hour of the block, keys from the key before.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::BlockRef;
use super::buffer::Held;
use crate::ledger::units::{EventId, Hour, Position};
use crate::store::OrgKey;
use crate::store::codec::{self, CodecError};
use crate::store::pack::{Packer, take_u32, unpack};

/// A block is closed once its rows have this many bytes, before compression.
const BLOCK_BYTES: usize = 32 << 10;
/// A block is closed once it has this many rows, however small.
const BLOCK_ROWS: usize = 1_024;
/// The bytes of an [`EventId`].
const ID: usize = 16;

/// The rows of one organization in a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slice {
    pub(super) key: OrgKey,
    /// The block with the organization's rows before these.
    pub(super) prev: Option<BlockRef>,
    /// The hour in which the log took the newest of these rows.
    pub(super) logged: Hour,
    /// Which of the block's rows these are; at least one.
    pub(super) rows: Range<usize>,
}

/// What the index says of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RowKey {
    pub(super) position: Position,
    pub(super) hour: Hour,
    /// Where its bytes start in the rows of the block.
    pub(super) start: usize,
    /// How many they are.
    pub(super) len: usize,
}

/// The index of a block: what is in it, by ascending key, and within a key by ascending position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Index {
    pub(super) slices: Vec<Slice>,
    pub(super) rows: Vec<RowKey>,
    pub(super) ids: Vec<EventId>,
}

/// The index as it is written, but for the ids.
#[derive(Default, Serialize, Deserialize)]
struct Columns {
    /// The least hour of events and the least of the log, from which hours count.
    hour: i32,
    logged: i32,
    /// By slice.
    keys: Vec<u32>,
    counts: Vec<u32>,
    prevs: Vec<Option<(u32, u64)>>,
    loggeds: Vec<u32>,
    /// By row.
    seqs: Vec<i64>,
    items: Vec<u32>,
    hours: Vec<u32>,
    lens: Vec<u32>,
}

/// A block in the making.
#[derive(Default)]
pub(super) struct Draft {
    index: Index,
    bytes: Vec<u8>,
}

impl Draft {
    /// Begins the rows of an organization; keys ascend.
    pub(super) fn begin(&mut self, key: OrgKey, prev: Option<BlockRef>) {
        let here = self.index.rows.len();
        self.index.slices.push(Slice { key, prev, logged: Hour::MIN, rows: here..here });
    }

    /// Adds the next row of the organization begun last.
    pub(super) fn push(&mut self, held: &Held, bytes: &[u8]) {
        let (start, len) = (self.bytes.len(), bytes.len());
        self.index.rows.push(RowKey { position: held.position, hour: held.hour, start, len });
        self.index.ids.push(held.id);
        self.bytes.extend_from_slice(bytes);
        if let Some(slice) = self.index.slices.last_mut() {
            slice.logged = slice.logged.max(held.logged);
            slice.rows.end = self.index.rows.len();
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() >= BLOCK_BYTES || self.index.rows.len() >= BLOCK_ROWS
    }

    pub(super) fn is_empty(&self) -> bool {
        self.index.rows.is_empty()
    }

    /// Appends the payload of the index frame.
    pub(super) fn index(&self, packer: &mut Packer, out: &mut Vec<u8>) -> Result<(), CodecError> {
        let mut columns = Vec::with_capacity(self.index.rows.len() * 8);
        codec::encode_into(&Columns::of(&self.index), &mut columns)?;
        packer.pack(&columns, out);
        self.index.ids.iter().for_each(|id| out.extend_from_slice(&id.to_u128().to_le_bytes()));
        Ok(())
    }

    /// Appends the payload of the rows frame.
    pub(super) fn rows(&self, packer: &mut Packer, out: &mut Vec<u8>) {
        packer.pack(&self.bytes, out);
    }

    pub(super) fn clear(&mut self) {
        self.index.slices.clear();
        self.index.rows.clear();
        self.index.ids.clear();
        self.bytes.clear();
    }
}

impl Index {
    /// Reads the payload of an index frame; `None` when it does not add up.
    pub(super) fn decode(payload: &[u8]) -> Option<Index> {
        let mut scratch = Vec::new();
        let (columns, ids) = unpack(payload, &mut scratch)?;
        let columns: Columns = codec::decode(columns).ok()?;
        let (ids, rest) = ids.as_chunks::<ID>();
        let ids: Vec<EventId> = ids.iter().map(|id| EventId::from_u128(u128::from_le_bytes(*id))).collect();
        if !rest.is_empty() || ids.len() != columns.seqs.len() {
            return None;
        }
        let slices = columns.slices()?;
        let rows = columns.rows(&slices)?;
        Some(Index { slices, rows, ids })
    }

    /// The rows of an organization, if it has any here.
    pub(super) fn slice(&self, key: OrgKey) -> Option<&Slice> {
        let at = self.slices.binary_search_by_key(&key, |slice| slice.key).ok()?;
        self.slices.get(at)
    }

    /// The bytes of all rows together.
    pub(super) fn rows_len(&self) -> usize {
        self.rows.last().map_or(0, |row| row.start + row.len)
    }
}

/// Reads the payload of a rows frame of `len` bytes; `None` when it is not that.
pub(super) fn decode_rows(payload: &[u8], len: usize) -> Option<Vec<u8>> {
    // Refused before anything of its size is allocated.
    if usize::try_from(take_u32(payload)?.0).ok()? != len {
        return None;
    }
    let mut scratch = Vec::new();
    let (rows, rest) = unpack(payload, &mut scratch)?;
    if !rest.is_empty() || rows.len() != len {
        return None;
    }
    let compressed = !scratch.is_empty();
    Some(if compressed { scratch } else { payload[payload.len() - len..].to_vec() })
}

impl Columns {
    fn of(index: &Index) -> Columns {
        let hour = index.rows.iter().map(|row| row.hour.0).min().unwrap_or(0);
        let logged = index.slices.iter().map(|slice| slice.logged.0).min().unwrap_or(0);
        let mut columns = Columns { hour, logged, ..Columns::default() };
        let (mut key, mut seq) = (0, 0_u64);
        for slice in &index.slices {
            columns.keys.push(slice.key.0.wrapping_sub(key));
            columns.counts.push(narrow(slice.rows.len()));
            columns.prevs.push(slice.prev.map(|prev| (prev.run, prev.offset)));
            columns.loggeds.push(slice.logged.0.wrapping_sub(logged).cast_unsigned());
            key = slice.key.0;
        }
        for row in &index.rows {
            columns.seqs.push(row.position.seq.wrapping_sub(seq).cast_signed());
            columns.items.push(row.position.item);
            columns.hours.push(row.hour.0.wrapping_sub(hour).cast_unsigned());
            columns.lens.push(narrow(row.len));
            seq = row.position.seq;
        }
        columns
    }

    fn slices(&self) -> Option<Vec<Slice>> {
        let count = self.keys.len();
        if [self.counts.len(), self.prevs.len(), self.loggeds.len()] != [count; 3] {
            return None;
        }
        let mut slices = Vec::with_capacity(count);
        let (mut key, mut end) = (0_u32, 0_usize);
        for at in 0..count {
            key = key.checked_add(self.keys[at])?;
            let start = end;
            end = start.checked_add(usize::try_from(self.counts[at]).ok()?)?;
            if end == start || at > 0 && self.keys[at] == 0 {
                return None;
            }
            let prev = self.prevs[at].map(|(run, offset)| BlockRef { run, offset });
            let logged = Hour(self.logged.wrapping_add_unsigned(self.loggeds[at]));
            slices.push(Slice { key: OrgKey(key), prev, logged, rows: start..end });
        }
        (end == self.seqs.len()).then_some(slices)
    }

    fn rows(&self, slices: &[Slice]) -> Option<Vec<RowKey>> {
        let count = self.seqs.len();
        if [self.items.len(), self.hours.len(), self.lens.len()] != [count; 3] {
            return None;
        }
        let mut rows: Vec<RowKey> = Vec::with_capacity(count);
        let (mut seq, mut start) = (0_u64, 0_usize);
        for at in 0..count {
            seq = seq.wrapping_add_signed(self.seqs[at]);
            let position = Position { seq, item: self.items[at] };
            let hour = Hour(self.hour.wrapping_add_unsigned(self.hours[at]));
            let len = usize::try_from(self.lens[at]).ok()?;
            rows.push(RowKey { position, hour, start, len });
            start = start.checked_add(len)?;
        }
        let sorted = |slice: &Slice| rows[slice.rows.clone()].is_sorted_by_key(|row| row.position);
        slices.iter().all(sorted).then_some(rows)
    }
}

/// A count or a length, which the buffer keeps within 32 bits.
fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
