//! Reading a generation: first every frame, to find the commits, then the items up to one of them.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::section::{COMMIT, HEADER, HEADS, ITEMS};
use super::{Finding, Generation, Item};
use crate::store::codec::CodecError;
use crate::store::frame::{self, Frame, FrameError, FrameReader};
use crate::store::history::BlockRef;
use crate::store::pack::{take_u32, take_u64, unpack};
use crate::store::{OrgKey, StoreError};

/// A generation, every frame of which was read and checked.
pub(super) struct Scan {
    pub(super) path: PathBuf,
    file: File,
    /// The commits that stand before any damage, oldest first.
    pub(super) commits: Vec<At>,
    /// What is wrong with the generation, where a commit was lost by it.
    pub(super) damage: Option<StoreError>,
    /// The size of the file in bytes.
    len: u64,
}

/// Where a commit frame stands.
pub(super) struct At {
    offset: u64,
    end: u64,
}

/// A commit that the caller takes.
pub(super) struct Accepted {
    pub(super) number: usize,
    pub(super) meta: Vec<u8>,
}

/// Reads all frames of the generation's file.
pub(super) fn scan(path: &Path, generation: u32) -> Result<Scan, StoreError> {
    let file = File::options().read(true).write(true).open(path).map_err(StoreError::io(path, "opened"))?;
    let len = file.metadata().map_err(StoreError::io(path, "read"))?.len();
    let source = File::open(path).map_err(StoreError::io(path, "opened"))?;
    let mut reader = FrameReader::new(source, path, 0);
    let mut commits = Vec::new();
    // What is not sound: it is damage if a commit stands behind it, and the end of an unfinished section if not.
    let mut flaw = None;
    let mut damage = None;
    let mut items = 0;
    loop {
        match reader.next() {
            Ok(None) => break,
            Ok(Some(frame)) => {
                let what = check(&frame, generation, &mut items);
                if let Err(what) = what {
                    flaw.get_or_insert_with(|| damaged(path, frame.offset, what));
                }
                if frame.kind != COMMIT {
                    continue;
                }
                let at = At { offset: frame.offset, end: end(&frame) };
                match flaw.take() {
                    None if damage.is_none() => commits.push(at),
                    found => damage = damage.or(found),
                }
            }
            Err(error @ (FrameError::Damaged { .. } | FrameError::Torn { .. })) => {
                flaw.get_or_insert_with(|| error.into());
            }
            Err(error) => return Err(error.into()),
        }
    }
    if commits.is_empty() && damage.is_none() {
        // A generation gets its name with its first commit: one without was damaged.
        damage = Some(flaw.unwrap_or_else(|| damaged(path, 0, "it holds no checkpoint")));
    }
    Ok(Scan { path: path.to_owned(), file, commits, damage, len })
}

/// Checks that a frame is one of this generation's, and that a commit closes as many items as came before it.
fn check(frame: &Frame<'_>, generation: u32, items: &mut u64) -> Result<(), &'static str> {
    let known = match (frame.kind, frame.offset) {
        (HEADER, 0) => frame.payload == generation.to_le_bytes(),
        (COMMIT, 1..) => {
            let counted = std::mem::take(items);
            take_u64(frame.payload).is_some_and(|(count, _)| count == counted)
        }
        (ITEMS | HEADS, 1..) => {
            let counted = take_u32(frame.payload);
            *items += counted.map_or(0, |(count, _)| u64::from(count));
            counted.is_some()
        }
        _ => false,
    };
    if known { Ok(()) } else { Err("the frame is not one that belongs there") }
}

impl Scan {
    /// The newest commit that the owner accepts.
    pub(super) fn newest_accepted(
        &self,
        accept: impl Fn(&[u8]) -> bool,
    ) -> Result<Option<Accepted>, StoreError> {
        let mut payload = Vec::new();
        for (number, at) in self.commits.iter().enumerate().rev() {
            frame::read_at(&self.file, &self.path, at.offset, &mut payload)?;
            let meta = take_u64(&payload).map_or(&[][..], |(_, meta)| meta);
            if accept(meta) {
                return Ok(Some(Accepted { number, meta: meta.to_vec() }));
            }
        }
        Ok(None)
    }

    /// Hands over the items up to that commit, and answers how many they are.
    pub(super) fn deliver(
        &self,
        number: usize,
        take: &mut impl FnMut(Item<'_>) -> Result<(), CodecError>,
    ) -> Result<u64, StoreError> {
        let end = self.commits.get(number).map_or(0, |at| at.end);
        let source = File::open(&self.path).map_err(StoreError::io(&self.path, "opened"))?;
        let mut reader = FrameReader::new(source, &self.path, 0);
        let (mut items, mut scratch) = (0, Vec::new());
        while reader.offset() < end {
            let Some(frame) = reader.next()? else {
                break;
            };
            if matches!(frame.kind, ITEMS | HEADS) {
                items += deliver_frame(&self.path, &frame, &mut scratch, take)?;
            }
        }
        Ok(items)
    }

    /// Cuts off what stands behind the last commit.
    pub(super) fn cut(&self) -> Result<Option<Finding>, StoreError> {
        let offset = self.commits.last().map_or(0, |at| at.end);
        if self.len == offset {
            return Ok(None);
        }
        self.file.set_len(offset).map_err(StoreError::io(&self.path, "cut"))?;
        self.file.sync_data().map_err(StoreError::io(&self.path, "synced"))?;
        Ok(Some(Finding::Torn { path: self.path.clone(), offset, bytes: self.len - offset }))
    }

    /// The generation, to be appended to.
    pub(super) fn into_generation(self) -> Option<Generation> {
        let (base, end) = (self.commits.first()?.end, self.commits.last()?.end);
        let increments = u32::try_from(self.commits.len() - 1).unwrap_or(u32::MAX);
        Some(Generation { file: self.file, path: self.path, base, end, increments })
    }
}

/// Hands over the items of a frame.
fn deliver_frame(
    path: &Path,
    frame: &Frame<'_>,
    scratch: &mut Vec<u8>,
    take: &mut impl FnMut(Item<'_>) -> Result<(), CodecError>,
) -> Result<u64, StoreError> {
    let offset = frame.offset;
    // The checksum was right: such a frame was written so.
    let unsound = || damaged(path, offset, "the items of the frame do not add up");
    let (count, section) = take_u32(frame.payload).ok_or_else(unsound)?;
    let (mut rest, behind) = unpack(section, scratch).ok_or_else(unsound)?;
    for _ in 0..count {
        let (item, left) = item(frame.kind, rest).ok_or_else(unsound)?;
        let (Item::Org(key, _) | Item::Head(key, _)) = item;
        take(item).map_err(|source| StoreError::Value { path: path.to_owned(), offset, key, source })?;
        rest = left;
    }
    if rest.is_empty() && behind.is_empty() { Ok(u64::from(count)) } else { Err(unsound()) }
}

/// The item at the start of the raw bytes of a frame, and what follows it.
fn item(kind: u8, bytes: &[u8]) -> Option<(Item<'_>, &[u8])> {
    let (key, rest) = take_u32(bytes)?;
    let key = OrgKey(key);
    if kind == HEADS {
        let (run, rest) = take_u32(rest)?;
        let (offset, rest) = take_u64(rest)?;
        return Some((Item::Head(key, BlockRef { run, offset }), rest));
    }
    let (len, rest) = take_u32(rest)?;
    let (encoding, rest) = rest.split_at_checked(usize::try_from(len).ok()?)?;
    Some((Item::Org(key, encoding), rest))
}

fn end(frame: &Frame<'_>) -> u64 {
    frame.offset + (frame::HEADER_BYTES + frame.payload.len()) as u64
}

fn damaged(path: &Path, offset: u64, what: &str) -> StoreError {
    StoreError::Damaged { path: path.to_owned(), offset, what: what.to_owned() }
}
