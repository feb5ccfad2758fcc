//! One run on its way to disk.

use serde::{Deserialize, Serialize};

use super::BlockRef;
use super::block::Draft;
use super::buffer::Buffer;
use crate::ledger::units::{Hour, Position};
use crate::store::codec::{self, CodecError};
use crate::store::folder::{Folder, NewFile};
use crate::store::pack::Packer;
use crate::store::{OrgKey, StoreError, frame};

/// The kinds of a run's frames.
pub(super) const HEADER: u8 = 0x21;
pub(super) const INDEX: u8 = 0x22;
pub(super) const ROWS: u8 = 0x23;
pub(super) const END: u8 = 0x24;

/// Frames are gathered to about this many bytes before they are written.
const WRITE_BYTES: usize = 1 << 20;

/// What a run holds, as its first frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The number of the run.
    pub run: u32,
    /// The rows in it.
    pub rows: u64,
    /// The organizations that have a row in it.
    pub orgs: u32,
    /// Where the first of its rows stands in the log.
    pub first: Position,
    /// Where the last of its rows stands in the log.
    pub last: Position,
    /// The hour in which the log took the newest of its rows: what retention goes by.
    pub logged: Hour,
    /// The least and the greatest hour in which an event in it happened.
    pub hours: (Hour, Hour),
}

/// A run that was written.
#[derive(Clone, Debug)]
pub struct Written {
    /// What it holds.
    pub summary: Summary,
    /// The newest block of every organization in it, by ascending key: the new heads of their chains.
    pub heads: Vec<(OrgKey, BlockRef)>,
    /// The size of its file in bytes.
    pub bytes: u64,
}

/// Writes the buffer's rows as the run of that number; `prev` tells each organization's newest block so far.
pub(super) fn write(
    folder: &Folder,
    run: u32,
    buffer: &Buffer,
    prev: impl Fn(OrgKey) -> Option<BlockRef>,
) -> Result<Option<Written>, StoreError> {
    let Some(summary) = summarize(run, buffer) else {
        return Ok(None);
    };
    let mut output = Output::begin(folder.create(run)?, &summary)?;
    let mut keys = buffer.keys().to_vec();
    keys.sort_unstable();
    let mut heads = Vec::with_capacity(keys.len());
    let mut rows = Vec::new();
    for key in keys {
        rows.clear();
        rows.extend(buffer.chain(key));
        let mut head = prev(key);
        let mut begun = None;
        for held in rows.drain(..).rev() {
            let here = BlockRef { run, offset: output.offset() };
            if begun != Some(here) {
                output.draft.begin(key, head);
                begun = Some(here);
                head = begun;
            }
            output.draft.push(held, buffer.bytes(held));
            output.close_if_full()?;
        }
        heads.extend(head.map(|head| (key, head)));
    }
    let bytes = output.finish()?;
    Ok(Some(Written { summary, heads, bytes }))
}

fn summarize(run: u32, buffer: &Buffer) -> Option<Summary> {
    let rows = buffer.rows();
    let positions = buffer.positions()?;
    let hours = || rows.iter().map(|held| held.hour);
    Some(Summary {
        run,
        rows: rows.len() as u64,
        orgs: u32::try_from(buffer.keys().len()).unwrap_or(u32::MAX),
        first: *positions.start(),
        last: *positions.end(),
        logged: rows.iter().map(|held| held.logged).max()?,
        hours: (hours().min()?, hours().max()?),
    })
}

/// The file being written and the block being filled.
struct Output {
    file: NewFile,
    /// Frames not written yet.
    frames: Vec<u8>,
    draft: Draft,
    packer: Packer,
    blocks: u32,
}

impl Output {
    fn begin(file: NewFile, summary: &Summary) -> Result<Output, StoreError> {
        let (draft, packer) = (Draft::default(), Packer::default());
        let mut output = Output { file, frames: Vec::new(), draft, packer, blocks: 0 };
        output.append(HEADER, |out, _, _| codec::encode_into(summary, out))?;
        Ok(output)
    }

    /// Where the block being filled will stand in the file.
    fn offset(&self) -> u64 {
        self.file.len() + self.frames.len() as u64
    }

    fn close_if_full(&mut self) -> Result<(), StoreError> {
        if self.draft.is_full() { self.close() } else { Ok(()) }
    }

    /// Closes the block being filled.
    fn close(&mut self) -> Result<(), StoreError> {
        self.append(INDEX, |out, draft, packer| draft.index(packer, out))?;
        self.append(ROWS, |out, draft, packer| {
            draft.rows(packer, out);
            Ok(())
        })?;
        self.draft.clear();
        self.blocks += 1;
        if self.frames.len() >= WRITE_BYTES {
            self.file.write(&self.frames)?;
            self.frames.clear();
        }
        Ok(())
    }

    fn finish(mut self) -> Result<u64, StoreError> {
        if !self.draft.is_empty() {
            self.close()?;
        }
        let blocks = self.blocks;
        self.append(END, |out, _, _| codec::encode_into(&blocks, out))?;
        self.file.write(&self.frames)?;
        let bytes = self.file.len();
        self.file.finish()?;
        Ok(bytes)
    }

    /// Appends a frame whose payload `fill` writes.
    fn append(
        &mut self,
        kind: u8,
        fill: impl FnOnce(&mut Vec<u8>, &Draft, &mut Packer) -> Result<(), CodecError>,
    ) -> Result<(), StoreError> {
        let (mut filled, offset) = (Ok(()), self.offset());
        let appended =
            frame::append(&mut self.frames, kind, |out| filled = fill(out, &self.draft, &mut self.packer));
        filled.map_err(|source| StoreError::Encode { path: self.file.path().to_owned(), offset, source })?;
        appended.map_err(|source| StoreError::Oversized { path: self.file.path().to_owned(), offset, source })
    }
}
