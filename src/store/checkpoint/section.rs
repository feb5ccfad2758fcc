//! Writing a section: a base or an increment.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::{Checkpoints, Generation, MAX_ITEM};
use crate::store::folder::NewFile;
use crate::store::frame::{self, MAX_PAYLOAD};
use crate::store::history::BlockRef;
use crate::store::pack::Packer;
use crate::store::{OrgKey, StoreError};

/// The kinds of a checkpoint's frames.
pub(super) const HEADER: u8 = 0x11;
pub(super) const ITEMS: u8 = 0x12;
pub(super) const HEADS: u8 = 0x13;
pub(super) const COMMIT: u8 = 0x14;

/// A frame of items is closed once it has this many bytes, before compression.
const FRAME_BYTES: usize = 256 << 10;
const _: () = assert!(FRAME_BYTES + MAX_ITEM + 64 < MAX_PAYLOAD);

/// A base or an increment being written. Dropped without a [commit](Section::commit), it leaves no trace.
#[derive(Debug)]
pub struct Section<'a> {
    checkpoints: &'a mut Checkpoints,
    target: Target,
    items: Batch,
    heads: Batch,
    /// The items in both, and in the frames written.
    count: u64,
    frame: Vec<u8>,
    packer: Packer,
    /// A write failed: what stands in the file is not what was put.
    failed: bool,
}

/// Items that wait to become a frame.
#[derive(Debug, Default)]
struct Batch {
    bytes: Vec<u8>,
    count: u32,
}

/// Where a section goes.
#[derive(Debug)]
enum Target {
    /// A new file: a base.
    Base { file: NewFile, generation: u32 },
    /// The end of the open generation: an increment that has these bytes so far.
    Increment { written: u64 },
    /// Nowhere any more: committed.
    Done,
}

impl<'a> Section<'a> {
    pub(super) fn base(checkpoints: &'a mut Checkpoints) -> Result<Self, StoreError> {
        let generation = checkpoints.newest + 1;
        let file = checkpoints.folder.create(generation)?;
        let mut section = Section::to(checkpoints, Target::Base { file, generation });
        section.write(HEADER, |out, _| out.extend_from_slice(&generation.to_le_bytes()))?;
        Ok(section)
    }

    pub(super) fn increment(checkpoints: &'a mut Checkpoints) -> Result<Self, StoreError> {
        let open = checkpoints.open.as_ref().ok_or(StoreError::BaseNeeded)?;
        // What a section dropped before this one could not take back.
        open.file.set_len(open.end).map_err(StoreError::io(&open.path, "cut"))?;
        Ok(Section::to(checkpoints, Target::Increment { written: 0 }))
    }

    fn to(checkpoints: &'a mut Checkpoints, target: Target) -> Self {
        Section {
            checkpoints,
            target,
            items: Batch::default(),
            heads: Batch::default(),
            count: 0,
            frame: Vec::new(),
            packer: Packer::default(),
            failed: false,
        }
    }

    /// Puts the encoding of an organization.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`]; [`StoreError::Io`], after which the section can only be dropped.
    pub fn put(&mut self, key: OrgKey, bytes: &[u8]) -> Result<(), StoreError> {
        let len = u32::try_from(bytes.len()).ok().filter(|_| bytes.len() <= MAX_ITEM);
        let Some(len) = len else {
            let what = "the state";
            return Err(StoreError::TooLarge { what, key, bytes: bytes.len(), limit: MAX_ITEM });
        };
        self.items.put(&[&key.0.to_le_bytes(), &len.to_le_bytes(), bytes]);
        self.count += 1;
        if self.items.bytes.len() >= FRAME_BYTES { self.flush() } else { Ok(()) }
    }

    /// Puts the newest block of an organization's history.
    ///
    /// # Errors
    /// [`StoreError::Io`], after which the section can only be dropped.
    pub fn head(&mut self, key: OrgKey, block: BlockRef) -> Result<(), StoreError> {
        self.heads.put(&[&key.0.to_le_bytes(), &block.run.to_le_bytes(), &block.offset.to_le_bytes()]);
        self.count += 1;
        if self.heads.bytes.len() >= FRAME_BYTES { self.flush() } else { Ok(()) }
    }

    /// Closes the section with a description for its owner, and makes it durable. Answers the bytes it took.
    ///
    /// # Errors
    /// [`StoreError::MetaTooLarge`], [`StoreError::Io`], [`StoreError::SectionFailed`]: the section then never
    /// happened. After a failed sync of an increment the next section must be a base.
    pub fn commit(mut self, meta: &[u8]) -> Result<u64, StoreError> {
        if meta.len() > MAX_ITEM {
            return Err(StoreError::MetaTooLarge { bytes: meta.len(), limit: MAX_ITEM });
        }
        self.flush()?;
        let count = self.count;
        self.write(COMMIT, |out, _| {
            out.extend_from_slice(&count.to_le_bytes());
            out.extend_from_slice(meta);
        })?;
        match std::mem::replace(&mut self.target, Target::Done) {
            Target::Base { file, generation } => {
                let (path, base) = (file.path().to_owned(), file.len());
                let file = file.finish()?;
                self.checkpoints.newest = generation;
                self.checkpoints.open = Some(Generation { file, path, base, end: base, increments: 0 });
                Ok(base)
            }
            Target::Increment { written } => self.checkpoints.finish_increment(written),
            Target::Done => Err(StoreError::SectionFailed),
        }
    }

    /// Writes the items that wait as frames.
    fn flush(&mut self) -> Result<(), StoreError> {
        let (mut items, mut heads) = (std::mem::take(&mut self.items), std::mem::take(&mut self.heads));
        for (kind, batch) in [(ITEMS, &mut items), (HEADS, &mut heads)] {
            if batch.count > 0 {
                self.write(kind, |out, packer| {
                    out.extend_from_slice(&batch.count.to_le_bytes());
                    packer.pack(&batch.bytes, out);
                })?;
                batch.clear();
            }
        }
        // Their memory serves the next ones.
        (self.items, self.heads) = (items, heads);
        Ok(())
    }

    /// Writes a frame whose payload `fill` makes.
    fn write(&mut self, kind: u8, fill: impl FnOnce(&mut Vec<u8>, &mut Packer)) -> Result<(), StoreError> {
        if self.failed {
            return Err(StoreError::SectionFailed);
        }
        self.frame.clear();
        let appended = frame::append(&mut self.frame, kind, |out| fill(out, &mut self.packer));
        let written = match (&mut self.target, &self.checkpoints.open) {
            (Target::Base { file, .. }, _) => {
                oversized(appended, file.path(), file.len()).and_then(|()| file.write(&self.frame))
            }
            (Target::Increment { written }, Some(open)) => {
                let end = open.end + *written;
                *written += self.frame.len() as u64;
                oversized(appended, &open.path, end)
                    .and_then(|()| write_at(&open.file, &open.path, &self.frame, end))
            }
            (Target::Increment { .. } | Target::Done, _) => Err(StoreError::SectionFailed),
        };
        self.failed = written.is_err();
        written
    }
}

impl Batch {
    fn put(&mut self, parts: &[&[u8]]) {
        parts.iter().for_each(|part| self.bytes.extend_from_slice(part));
        self.count += 1;
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.count = 0;
    }
}

fn oversized(appended: Result<(), frame::TooLarge>, path: &Path, offset: u64) -> Result<(), StoreError> {
    appended.map_err(|source| StoreError::Oversized { path: path.to_owned(), offset, source })
}

fn write_at(file: &File, path: &Path, bytes: &[u8], offset: u64) -> Result<(), StoreError> {
    file.write_all_at(bytes, offset).map_err(StoreError::io(path, "written"))
}

impl Checkpoints {
    fn finish_increment(&mut self, written: u64) -> Result<u64, StoreError> {
        let mut open = self.open.take().ok_or(StoreError::SectionFailed)?;
        if let Err(source) = open.file.sync_data() {
            // What the disk holds now is unknown, and a second sync would not tell: cut the section off, and let
            // the next one be a base in a file of its own.
            let verb = if open.file.set_len(open.end).is_ok() { "synced" } else { "synced, nor cut back" };
            return Err(StoreError::Io { path: open.path, verb, source });
        }
        open.end += written;
        open.increments += 1;
        self.open = Some(open);
        Ok(written)
    }
}

impl Drop for Section<'_> {
    fn drop(&mut self) {
        if let (Target::Increment { .. }, Some(open)) = (&self.target, &self.checkpoints.open)
            && open.file.set_len(open.end).is_err()
        {
            // The next increment cuts it, or is refused.
            tracing::warn!(file = %open.path.display(), "an unfinished checkpoint could not be cut off");
        }
    }
}
