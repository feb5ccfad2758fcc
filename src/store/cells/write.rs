//! A file of cells on its way to disk.

use super::file::{DAY, END, Entry, HEAD, HEADER, Head, Header, INDEX, LAYOUT, SMALL, TUPLES};
use super::{Day, Dictionary};
use crate::store::codec::{self, CodecError};
use crate::store::folder::NewFile;
use crate::store::history::Summary;
use crate::store::pack::{MAX_SECTION, Packer};
use crate::store::{OrgKey, StoreError, frame};

/// A block of more cells is a large one.
const MOST_SMALL_CELLS: usize = 1_024;
/// A frame of small blocks is closed once it has this many bytes, before compression.
const SMALL_BYTES: usize = 32 << 10;
/// So many tuples stand in one frame.
const TUPLES_OF_FRAME: usize = 16_384;
/// Frames are gathered to about this many bytes before they are written.
const WRITE_BYTES: usize = 1 << 20;

/// Writes the cells of organizations by ascending key: for each [`Writer::begin`], its days ascending, [`Writer::end`].
#[derive(Debug)]
pub struct Writer {
    file: NewFile,
    /// Frames not written yet.
    frames: Vec<u8>,
    packer: Packer,
    index: Vec<Entry>,
    /// The small blocks of the frame that is being filled.
    small: Vec<u8>,
    small_keys: Option<(OrgKey, OrgKey)>,
    /// The days of the block that is being filled: first here, and in frames of their own once it is large.
    days: Vec<Day>,
    cells: usize,
    head: Head,
}

impl Writer {
    pub(super) fn begin_file(file: NewFile, last: Summary) -> Result<Writer, StoreError> {
        let mut writer = Writer {
            file,
            frames: Vec::new(),
            packer: Packer::default(),
            index: Vec::new(),
            small: Vec::new(),
            small_keys: None,
            days: Vec::new(),
            cells: 0,
            head: Head::default(),
        };
        let header = Header { layout: LAYOUT, last };
        writer.append(HEADER, |out, _| codec::encode_into(&header, out))?;
        Ok(writer)
    }

    /// Begins the cells of an organization.
    pub fn begin(&mut self, key: OrgKey) {
        self.head = Head { key, ..Head::default() };
        self.days.clear();
        self.cells = 0;
    }

    /// Adds the cells of a day.
    ///
    /// # Errors
    /// [`StoreError`] when the disk refuses.
    pub fn day(&mut self, day: Day) -> Result<(), StoreError> {
        self.cells += day.sheet().len();
        self.days.push(day);
        if self.cells > MOST_SMALL_CELLS {
            for day in std::mem::take(&mut self.days) {
                let offset = self.offset();
                self.section(DAY, |out| {
                    day.encode(out);
                    Ok(())
                })?;
                self.head.days.push((day.day(), offset));
            }
        }
        Ok(())
    }

    /// Ends the cells of an organization; the dictionary has the tuples that they name by number.
    ///
    /// # Errors
    /// [`StoreError`] when the disk refuses.
    pub fn end(&mut self, dictionary: &Dictionary) -> Result<(), StoreError> {
        if self.cells == 0 {
            return Ok(());
        }
        if self.cells <= MOST_SMALL_CELLS {
            return self.end_small(dictionary);
        }
        self.close_small()?;
        let all = dictionary.len();
        for from in (0..all).step_by(TUPLES_OF_FRAME) {
            self.head.tuples.push(self.offset());
            self.section(TUPLES, |out| dictionary.encode(from, all.min(from + TUPLES_OF_FRAME), out))?;
        }
        let (head, offset) = (std::mem::take(&mut self.head), self.offset());
        self.section(HEAD, |out| codec::encode_into(&head, out))?;
        self.index.push(Entry { first: head.key, last: head.key, offset });
        Ok(())
    }

    fn end_small(&mut self, dictionary: &Dictionary) -> Result<(), StoreError> {
        let key = self.head.key;
        self.small.extend_from_slice(&key.0.to_le_bytes());
        let len_at = self.small.len();
        self.small.extend_from_slice(&[0; 8]);
        let encoded = dictionary.encode(0, dictionary.len(), &mut self.small);
        encoded.map_err(|source| self.encode_error(source))?;
        let tuples = self.small.len() - len_at - 8;
        self.days.iter().for_each(|day| day.encode(&mut self.small));
        let body = self.small.len() - len_at - 4;
        self.small[len_at..len_at + 4].copy_from_slice(&narrow(body).to_le_bytes());
        self.small[len_at + 4..len_at + 8].copy_from_slice(&narrow(tuples).to_le_bytes());
        let first = self.small_keys.map_or(key, |(first, _)| first);
        self.small_keys = Some((first, key));
        if self.small.len() >= SMALL_BYTES { self.close_small() } else { Ok(()) }
    }

    fn close_small(&mut self) -> Result<(), StoreError> {
        let Some((first, last)) = self.small_keys.take() else { return Ok(()) };
        let (small, offset) = (std::mem::take(&mut self.small), self.offset());
        self.section(SMALL, |out| {
            out.extend_from_slice(&small);
            Ok(())
        })?;
        self.index.push(Entry { first, last, offset });
        Ok(())
    }

    /// Makes the file durable under its name.
    pub(super) fn finish(mut self) -> Result<u64, StoreError> {
        self.close_small()?;
        let (index, at) = (std::mem::take(&mut self.index), self.offset());
        self.section(INDEX, |out| codec::encode_into(&index, out))?;
        self.append(END, |out, _| {
            out.extend_from_slice(&at.to_le_bytes());
            Ok(())
        })?;
        self.file.write(&self.frames)?;
        let bytes = self.file.len();
        self.file.finish()?;
        Ok(bytes)
    }

    /// Where the next frame will stand.
    fn offset(&self) -> u64 {
        self.file.len() + self.frames.len() as u64
    }

    /// Appends a frame of one compressed section.
    fn section(
        &mut self,
        kind: u8,
        fill: impl FnOnce(&mut Vec<u8>) -> Result<(), CodecError>,
    ) -> Result<(), StoreError> {
        let mut raw = Vec::new();
        fill(&mut raw).map_err(|source| self.encode_error(source))?;
        if raw.len() > MAX_SECTION {
            let (key, bytes) = (self.head.key, raw.len());
            return Err(StoreError::TooLarge { what: "a section of cells", key, bytes, limit: MAX_SECTION });
        }
        self.append(kind, |out, packer| {
            packer.pack(&raw, out);
            Ok(())
        })
    }

    fn append(
        &mut self,
        kind: u8,
        fill: impl FnOnce(&mut Vec<u8>, &mut Packer) -> Result<(), CodecError>,
    ) -> Result<(), StoreError> {
        let (mut filled, offset) = (Ok(()), self.offset());
        let appended = frame::append(&mut self.frames, kind, |out| filled = fill(out, &mut self.packer));
        filled.map_err(|source| self.encode_error(source))?;
        let path = || self.file.path().to_owned();
        appended.map_err(|source| StoreError::Oversized { path: path(), offset, source })?;
        if self.frames.len() >= WRITE_BYTES {
            self.file.write(&self.frames)?;
            self.frames.clear();
        }
        Ok(())
    }

    fn encode_error(&self, source: CodecError) -> StoreError {
        StoreError::Encode { path: self.file.path().to_owned(), offset: self.offset(), source }
    }
}

/// A length within [`MAX_SECTION`], which is far below `u32::MAX`.
fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
