//! A segment: one file of the log, named by its first sequence number.
//!
//! It begins with a header frame and goes on with one frame per [`Group`]. The header names the log (by the
//! instant of its creation) and the segment before this one: where it began, how long it was and what its last
//! record was. So the chain of segments can be checked, and a lost or shortened file found, from headers alone.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Take, Write};
use std::path::{Path, PathBuf};

use bytes::{Buf, BufMut, Bytes};

use super::group::{Group, Malformed};
use super::io_error;
use crate::ledger::units::Timestamp;
use crate::log::{LogError, Record};
use crate::store::frame::{self, FrameError, FrameReader};

/// The frame of a [`Header`].
const KIND_HEADER: u8 = 1;
/// The frame of a [`Group`].
pub(super) const KIND_GROUP: u8 = 2;

/// The format of the header and the groups.
const FORMAT: u16 = 1;

/// Where the first group starts.
pub(super) const GROUPS_FROM: u64 = (frame::HEADER_BYTES + 54) as u64;

/// What is remembered of the last record, to recognise the log by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) seq: u64,
    pub(super) at: Timestamp,
    /// The CRC-32 of the payload.
    pub(super) crc: u32,
}

impl Mark {
    /// Before the first record.
    pub(super) const START: Mark = Mark { seq: 0, at: Timestamp::MIN, crc: 0 };

    /// The mark of a record.
    pub(super) fn of(record: &Record) -> Mark {
        Mark { seq: record.seq, at: record.at, crc: crc32fast::hash(&record.draft.payload) }
    }
}

/// What a segment says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// When the log was created, in nanoseconds since the epoch.
    pub(super) created_ns: i128,
    /// The record before this segment's first.
    pub(super) before: Mark,
    /// The first sequence number of the segment before this one; 0 for none.
    pub(super) previous_first: u64,
    /// How long the segment before this one was.
    pub(super) previous_bytes: u64,
}

impl Header {
    /// The sequence number of the segment's first record.
    pub(super) fn first(&self) -> u64 {
        self.before.seq + 1
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.put_u16_le(FORMAT);
        out.put_i128_le(self.created_ns);
        out.put_u64_le(self.before.seq);
        out.put_i64_le(self.before.at.micros());
        out.put_u32_le(self.before.crc);
        out.put_u64_le(self.previous_first);
        out.put_u64_le(self.previous_bytes);
        out
    }

    fn decode(mut bytes: &[u8]) -> Result<Header, bytes::TryGetError> {
        Ok(Header {
            created_ns: bytes.try_get_i128_le()?,
            before: Mark {
                seq: bytes.try_get_u64_le()?,
                at: Timestamp::from_micros(bytes.try_get_i64_le()?),
                crc: bytes.try_get_u32_le()?,
            },
            previous_first: bytes.try_get_u64_le()?,
            previous_bytes: bytes.try_get_u64_le()?,
        })
    }
}

/// The file of the segment that starts with the record `first`.
pub(super) fn path(folder: &Path, first: u64) -> PathBuf {
    folder.join(format!("{first:020}.log"))
}

/// The first record of the segment in a file of this name; `None` for a file that is not a segment.
pub(super) fn first_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".log")?;
    let plain = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}

/// The name a segment has until its header is durable.
pub(super) fn draft_path(folder: &Path) -> PathBuf {
    folder.join("next.tmp")
}

/// Writes a new segment under its draft name. A crash or a full disk here leaves the log as it was.
pub(super) fn prepare(folder: &Path, header: &Header) -> io::Result<File> {
    let mut bytes = Vec::new();
    frame::append(&mut bytes, KIND_HEADER, |out| out.extend_from_slice(&header.encode()))
        .map_err(io::Error::other)?;
    let draft = draft_path(folder);
    let write = || {
        let mut file = File::options().read(true).write(true).create(true).truncate(true).open(&draft)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        Ok(file)
    };
    write().inspect_err(|_| drop(fs::remove_file(&draft)))
}

/// Gives a prepared segment its name, durably.
pub(super) fn publish(folder: &Path, header: &Header) -> io::Result<()> {
    fs::rename(draft_path(folder), path(folder, header.first()))?;
    sync_folder(folder)
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Reads the header of a segment.
pub(super) fn read_header(path: &Path) -> Result<Header, LogError> {
    let file = File::open(path).map_err(|error| io_error(path, "read", error))?;
    let mut payload = Vec::new();
    let kind = match frame::read_at(&file, path, 0, &mut payload) {
        Err(FrameError::Io { source, .. }) => return Err(io_error(path, "read", source)),
        Err(FrameError::Version { found, .. }) => return Err(other_version(path, u16::from(found))),
        Err(error) => return Err(LogError::Damaged(error.to_string())),
        Ok(kind) => kind,
    };
    let mut rest = payload.as_slice();
    match rest.try_get_u16_le() {
        Ok(FORMAT) => {}
        Ok(found) => return Err(other_version(path, found)),
        Err(_) => return Err(not_a_segment(path)),
    }
    match Header::decode(rest) {
        Ok(header) if kind == KIND_HEADER => Ok(header),
        _ => Err(not_a_segment(path)),
    }
}

fn other_version(path: &Path, found: u16) -> LogError {
    let text = format!(
        "it has the format {found}, this program knows {FORMAT}: start the version of creditd that wrote it, or a newer one"
    );
    io_error(path, "read", io::Error::new(io::ErrorKind::InvalidData, text))
}

fn not_a_segment(path: &Path) -> LogError {
    LogError::Damaged(format!(
        "{} does not begin with the header of a segment: move it out of the folder if it is none of the log's, or restore it from a copy",
        path.display()
    ))
}

/// Why the next group could not be read.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The last frame of what was read is not sound, and nothing sound follows.
    Torn { offset: u64, bytes: u64, flaw: frame::Flaw },
    /// Anything else.
    Log(LogError),
}

/// Reads the groups of a segment one after the other, each one checked to follow on the one before.
#[derive(Debug)]
pub(super) struct Groups {
    frames: FrameReader<Take<File>>,
    path: PathBuf,
    next: u64,
}

impl Groups {
    /// Reads a segment from the byte `from`, where the group starts whose first record is `next`, up to the byte `to`.
    pub(super) fn open(path: PathBuf, next: u64, from: u64, to: u64) -> io::Result<Groups> {
        let mut file = File::open(&path)?;
        file.seek(SeekFrom::Start(from))?;
        let frames = FrameReader::new(file.take(to.saturating_sub(from)), &path, from);
        Ok(Groups { frames, path, next })
    }

    /// Where the next group starts.
    pub(super) fn offset(&self) -> u64 {
        self.frames.offset()
    }

    /// The sequence number of the next record.
    pub(super) fn next_seq(&self) -> u64 {
        self.next
    }

    /// The next group, or `None` at the end. After an error the reader is of no more use.
    pub(super) fn next(&mut self) -> Result<Option<Group>, Trouble> {
        let frame = match self.frames.next() {
            Ok(None) => return Ok(None),
            Ok(Some(frame)) => frame,
            Err(FrameError::Torn { offset, bytes, flaw, .. }) => {
                return Err(Trouble::Torn { offset, bytes, flaw });
            }
            Err(error) => return Err(Trouble::Log(self.trouble(error))),
        };
        let offset = frame.offset;
        let group = match frame.kind {
            KIND_GROUP => Group::decode(Bytes::copy_from_slice(frame.payload)),
            _ => Err(Malformed),
        };
        let group = group.map_err(|error| Trouble::Log(self.damaged(offset, &error, None)))?;
        if group.next_seq() != self.next {
            let flaw = format!("it starts with record {}", group.next_seq());
            return Err(Trouble::Log(self.damaged(offset, &flaw, None)));
        }
        self.next = group.end_seq();
        Ok(Some(group))
    }

    fn trouble(&self, error: FrameError) -> LogError {
        match error {
            FrameError::Io { path, source, .. } => io_error(&path, "read", source),
            FrameError::Damaged { offset, next_sound, flaw, .. } => {
                self.damaged(offset, &flaw, Some(next_sound))
            }
            FrameError::Version { path, found, .. } => other_version(&path, u16::from(found)),
            other => LogError::Damaged(other.to_string()),
        }
    }

    /// The error that names an unsound frame, what is sound around it, and the way out.
    pub(super) fn damaged(
        &self,
        offset: u64,
        flaw: &dyn std::fmt::Display,
        next_sound: Option<u64>,
    ) -> LogError {
        let path = self.path.display();
        let lost = match next_sound.and_then(|at| Some((at, self.first_at(at)?))) {
            Some((at, seq)) => format!(
                "records from {seq} on, at byte {at}, are sound; records {} to {} are not",
                self.next,
                seq.saturating_sub(1)
            ),
            None => format!("record {} and those after it in this file cannot be read", self.next),
        };
        LogError::Damaged(format!(
            "the log is damaged: in {path} the frame at byte {offset} is not sound ({flaw}); records up to {} are \
             sound; {lost}. Stop creditd and restore this file from a copy. Without a copy, if a checkpoint contains \
             every record of this file and a later file exists, move this file and all earlier ones out of the folder",
            self.next.saturating_sub(1)
        ))
    }

    /// The first record of the group at an offset.
    fn first_at(&self, offset: u64) -> Option<u64> {
        let mut payload = Vec::new();
        let file = File::open(&self.path).ok()?;
        frame::read_at(&file, &self.path, offset, &mut payload).ok()?;
        Group::decode(payload.into()).ok().map(|group| group.next_seq())
    }
}
