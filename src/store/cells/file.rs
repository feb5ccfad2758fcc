//! A file of cells, to be read.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use super::block::{Block, DayAt};
use super::{Day, Dictionary};
use crate::store::history::Summary;
use crate::store::pack::unpack;
use crate::store::{OrgKey, StoreError, codec, frame};

/// The kinds of a file's frames.
pub(super) const HEADER: u8 = 0x31;
pub(super) const SMALL: u8 = 0x32;
pub(super) const DAY: u8 = 0x33;
pub(super) const TUPLES: u8 = 0x34;
pub(super) const HEAD: u8 = 0x35;
pub(super) const INDEX: u8 = 0x36;
pub(super) const END: u8 = 0x37;

/// What a file of cells covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    /// How its columns are laid out: another number is another layout.
    pub(super) layout: u8,
    /// What the last of its runs holds, by which it is known to be of these runs.
    pub(super) last: Summary,
}

/// The layout that this version writes.
pub(super) const LAYOUT: u8 = 1;

/// A frame with blocks: of which organizations, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) first: OrgKey,
    pub(super) last: OrgKey,
    pub(super) offset: u64,
}

/// Where the parts of a large block are.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) key: OrgKey,
    pub(super) tuples: Vec<u64>,
    pub(super) days: Vec<(i32, u64)>,
}

/// An open file of cells. It never changes.
#[derive(Debug)]
pub struct CellsFile {
    id: u64,
    source: Arc<Source>,
    header: Header,
    index: Vec<Entry>,
}

/// The file itself.
#[derive(Debug)]
pub(super) struct Source {
    file: File,
    path: PathBuf,
}

/// Numbers open files, so that none is taken for another that had its name.
static NEXT: AtomicU64 = AtomicU64::new(0);

impl CellsFile {
    /// Opens a file of cells.
    ///
    /// # Errors
    /// [`StoreError`] where it is not one, or not whole.
    pub(super) fn open(path: &Path) -> Result<CellsFile, StoreError> {
        let file = File::open(path).map_err(StoreError::io(path, "opened"))?;
        let len = file.metadata().map_err(StoreError::io(path, "read"))?.len();
        let source = Arc::new(Source { file, path: path.to_owned() });
        let header: Header = source.value(0, HEADER)?;
        let end = len.saturating_sub((frame::HEADER_BYTES + size_of::<u64>()) as u64);
        let index = source.frame(end, END)?;
        let at = index.try_into().map(u64::from_le_bytes);
        let index = at.map_err(|_| source.damaged(end, "it has no index"))?;
        let index: Vec<Entry> = source.packed(index, INDEX)?;
        Ok(CellsFile { id: NEXT.fetch_add(1, Ordering::Relaxed), source, header, index })
    }

    /// A number that no other file has, whatever its name.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.source.path
    }

    /// What the last run that it covers holds.
    pub(super) fn last(&self) -> &Summary {
        &self.header.last
    }

    pub(super) fn is_of_this_layout(&self) -> bool {
        self.header.layout == LAYOUT
    }

    /// The cells of an organization, if it has any here.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::Frame`] and [`StoreError::Damaged`].
    pub fn block(&self, key: OrgKey) -> Result<Option<Block>, StoreError> {
        let at = self.index.partition_point(|entry| entry.last < key);
        match self.index.get(at).filter(|entry| entry.first <= key) {
            Some(entry) => Ok(self.blocks_at(entry.offset, Some(key))?.pop()),
            None => Ok(None),
        }
    }

    /// How many frames with blocks there are.
    pub(super) fn frames(&self) -> usize {
        self.index.len()
    }

    /// All blocks of such a frame, by ascending key.
    pub(super) fn blocks(&self, frame: usize) -> Result<Vec<Block>, StoreError> {
        self.index.get(frame).map_or(Ok(Vec::new()), |entry| self.blocks_at(entry.offset, None))
    }

    fn blocks_at(&self, offset: u64, only: Option<OrgKey>) -> Result<Vec<Block>, StoreError> {
        let mut payload = Vec::new();
        let kind = frame::read_at(&self.source.file, &self.source.path, offset, &mut payload)?;
        let mut scratch = Vec::new();
        let unsound = || self.source.damaged(offset, "a frame of blocks is not sound");
        let (raw, _) = unpack(&payload, &mut scratch).ok_or_else(unsound)?;
        match kind {
            SMALL => self.small(raw, only).ok_or_else(unsound),
            HEAD => {
                let head: Head = codec::decode(raw).map_err(|_| unsound())?;
                if only.is_some_and(|key| key != head.key) {
                    return Ok(Vec::new());
                }
                Ok(vec![self.large(&head)?])
            }
            _ => Err(unsound()),
        }
    }

    fn small(&self, mut raw: &[u8], only: Option<OrgKey>) -> Option<Vec<Block>> {
        let mut blocks = Vec::new();
        while !raw.is_empty() {
            let key;
            (key, raw) = number(raw)?;
            let (len, rest) = number(raw)?;
            let (body, rest) = rest.split_at_checked(len.try_into().ok()?)?;
            raw = rest;
            let key = OrgKey(key);
            if only.is_none_or(|only| only == key) {
                let (dictionary, days) = small_block(body)?;
                blocks.push(Block::new(key, dictionary, days, Arc::clone(&self.source))?);
            }
        }
        Some(blocks)
    }

    fn large(&self, head: &Head) -> Result<Block, StoreError> {
        let mut dictionary = Dictionary::default();
        for offset in &head.tuples {
            let part = self.source.section(*offset, TUPLES)?;
            dictionary
                .decode(&part)
                .ok_or_else(|| self.source.damaged(*offset, "the tuples are not sound"))?;
        }
        let days: Vec<DayAt> =
            head.days.iter().map(|(day, offset)| DayAt::There { day: *day, offset: *offset }).collect();
        let block = Block::new(head.key, dictionary, days, Arc::clone(&self.source));
        block.ok_or_else(|| self.source.damaged(0, "a block is not sound"))
    }
}

/// The number at the start of bytes, and what follows it.
fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u32::from_le_bytes(*number), rest))
}

fn small_block(body: &[u8]) -> Option<(Dictionary, Vec<DayAt>)> {
    let (len, rest) = number(body)?;
    let (tuples, mut rest) = rest.split_at_checked(len.try_into().ok()?)?;
    let mut dictionary = Dictionary::default();
    dictionary.decode(tuples)?;
    let mut days: Vec<DayAt> = Vec::new();
    while !rest.is_empty() {
        let day;
        (day, rest) = Day::decode(rest)?;
        days.push(DayAt::Here(Box::new(day)));
    }
    Some((dictionary, days))
}

impl Source {
    /// The payload of the frame of that kind.
    fn frame(&self, offset: u64, kind: u8) -> Result<Vec<u8>, StoreError> {
        let mut payload = Vec::new();
        let found = frame::read_at(&self.file, &self.path, offset, &mut payload)?;
        if found == kind { Ok(payload) } else { Err(self.damaged(offset, "a frame is of another kind")) }
    }

    fn section(&self, offset: u64, kind: u8) -> Result<Vec<u8>, StoreError> {
        let payload = self.frame(offset, kind)?;
        let mut scratch = Vec::new();
        let raw = unpack(&payload, &mut scratch).map(|(raw, _)| raw.to_vec());
        raw.ok_or_else(|| self.damaged(offset, "a section is not sound"))
    }

    fn value<T: serde::de::DeserializeOwned>(&self, offset: u64, kind: u8) -> Result<T, StoreError> {
        let payload = self.frame(offset, kind)?;
        codec::decode(&payload).map_err(|_| self.damaged(offset, "a frame is of another version"))
    }

    fn packed<T: serde::de::DeserializeOwned>(&self, offset: u64, kind: u8) -> Result<T, StoreError> {
        let section = self.section(offset, kind)?;
        codec::decode(&section).map_err(|_| self.damaged(offset, "a section is of another version"))
    }

    /// The cells of a day in a frame of their own.
    pub(super) fn day(&self, offset: u64) -> Result<Day, StoreError> {
        let section = self.section(offset, DAY)?;
        let day = Day::decode(&section).filter(|(_, rest)| rest.is_empty());
        day.map(|(day, _)| day).ok_or_else(|| self.damaged(offset, "the cells of a day are not sound"))
    }

    pub(super) fn damaged(&self, offset: u64, what: &str) -> StoreError {
        let what = format!("{what}: these are cells, which are made again from the history");
        StoreError::Damaged { path: self.path.clone(), offset, what }
    }
}
