//! Opening the log: the lock, the chain of segments, and the tail that a crash may have torn.
//!
//! A crash can leave one group unfinished, the last, since each is synced before the next is begun. A last group
//! that was acknowledged and then damaged by the disk looks the same; it is cut and reported as well, and a
//! checkpoint that contains it finds the log [truncated](crate::log::Lineage::Truncated) or
//! [forked](crate::log::Lineage::Forked).

use std::collections::{BTreeSet, VecDeque};
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::durable::Segment;
use super::segment::{self, GROUPS_FROM, Groups, Header, Mark, Trouble};
use super::{Now, io_error};
use crate::log::{Extent, LogError};

/// What was found when the log was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenReport {
    /// Whether the log was created just now.
    pub created: bool,
    /// The records that stand in it.
    pub extent: Extent,
    /// The number of segment files.
    pub segments: usize,
    /// The torn tail that was cut, if there was one: an append that was never acknowledged.
    pub torn: Option<TornTail>,
}

/// The end of a write that a crash cut short, and that was taken off the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TornTail {
    /// The segment's file.
    pub file: PathBuf,
    /// Where it was cut: the end of its last sound frame.
    pub offset: u64,
    /// How many bytes were cut.
    pub bytes: u64,
    /// The last record that is sound; 0 when there is none.
    pub last: u64,
}

/// The log as it was found on disk, sound to its end.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) segments: VecDeque<Segment>,
    pub(super) active: Segment,
    pub(super) file: File,
    pub(super) last: Mark,
    pub(super) created: bool,
    pub(super) torn: Option<TornTail>,
}

/// Holds a folder for this process alone.
#[derive(Debug)]
pub(super) struct FolderLock(File);

impl Drop for FolderLock {
    fn drop(&mut self) {
        // Closing the file would do, but for a child just being started, which holds a copy until it runs.
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "the log's folder could not be unlocked");
        }
    }
}

/// Makes the folder if there is none, and takes it for this process alone.
pub(super) fn lock(folder: &Path) -> Result<FolderLock, LogError> {
    if !folder.is_dir() {
        fs::create_dir_all(folder).map_err(|error| io_error(folder, "created", error))?;
        let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
        segment::sync_folder(parent.unwrap_or(Path::new(".")))
            .map_err(|error| io_error(folder, "created", error))?;
    }
    let locked = File::options().write(true).create(true).truncate(false).open(folder.join("lock"));
    let file = locked.map_err(|error| io_error(folder, "locked", error))?;
    match file.try_lock() {
        Ok(()) => Ok(FolderLock(file)),
        Err(TryLockError::Error(error)) => Err(io_error(folder, "locked", error)),
        Err(TryLockError::WouldBlock) => {
            let text = "another process has it open: stop that one, or give this one a folder of its own";
            Err(io_error(folder, "locked", io::Error::new(io::ErrorKind::WouldBlock, text)))
        }
    }
}

/// Reads the headers of all segments and the whole of the last one, whose torn tail is cut.
pub(super) fn open(folder: &Path, now: &Now) -> Result<Opened, LogError> {
    remove_draft(folder)?;
    let mut firsts = list(folder)?;
    let created = firsts.is_empty();
    if created {
        let created_ns = i128::from(now().micros()) * 1_000;
        let header = Header { created_ns, before: Mark::START, previous_first: 0, previous_bytes: 0 };
        segment::prepare(folder, &header)
            .and_then(|_| segment::publish(folder, &header))
            .map_err(|error| io_error(folder, "created", error))?;
        firsts.insert(header.first());
    }
    let mut segments: VecDeque<Segment> = VecDeque::new();
    for first in firsts {
        let next = read_segment(folder, first, segments.back())?;
        segments.push_back(next);
    }
    let Some(active) = segments.back_mut() else {
        return Err(io_error(folder, "read", io::Error::other("its segments vanished while it was opened")));
    };
    let path = segment::path(folder, active.first());
    let file = File::options()
        .read(true)
        .write(true)
        .open(&path)
        .map_err(|error| io_error(&path, "opened for writing", error))?;
    let (last, torn) = scan(&path, active)?;
    if let Some(torn) = &torn {
        let cut = file.set_len(torn.offset).and_then(|()| file.sync_all());
        cut.map_err(|error| io_error(&path, "cut at its torn tail", error))?;
        active.bytes = torn.offset;
    }
    Ok(Opened { active: *active, segments, file, last, created, torn })
}

/// Removes what a crash left of a segment that was about to be begun.
fn remove_draft(folder: &Path) -> Result<(), LogError> {
    let draft = segment::draft_path(folder);
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error(&draft, "removed", error)),
        _ => Ok(()),
    }
}

/// The first records of the segments in a folder, ascending.
fn list(folder: &Path) -> Result<BTreeSet<u64>, LogError> {
    let read = || -> io::Result<BTreeSet<u64>> {
        let mut firsts = BTreeSet::new();
        for entry in fs::read_dir(folder)? {
            firsts.extend(entry?.file_name().to_str().and_then(segment::first_of));
        }
        Ok(firsts)
    };
    read().map_err(|error| io_error(folder, "listed", error))
}

/// Reads a segment's header and checks that the segment follows on the one before.
fn read_segment(folder: &Path, first: u64, previous: Option<&Segment>) -> Result<Segment, LogError> {
    let path = segment::path(folder, first);
    let header = segment::read_header(&path)?;
    let bytes = fs::metadata(&path).map_err(|error| io_error(&path, "read", error))?.len();
    let damaged = |what: String| {
        Err(LogError::Damaged(format!("{}: {what}; restore the folder from a copy", path.display())))
    };
    if header.first() != first {
        return damaged(format!("the file was renamed, it is the segment of record {}", header.first()));
    }
    if let Some(previous) = previous {
        if header.created_ns != previous.header.created_ns {
            return damaged("the segment is of another log than the one before it".into());
        }
        if header.previous_first != previous.first() {
            return damaged(format!(
                "the segment before it, {:020}.log, is missing from the folder",
                header.previous_first
            ));
        }
        if header.previous_bytes != previous.bytes {
            return damaged(format!(
                "the segment before it, {:020}.log, had {} bytes when it was finished and has {} now",
                header.previous_first, header.previous_bytes, previous.bytes
            ));
        }
    }
    Ok(Segment { header, bytes })
}

/// Reads the active segment to its end: its last record, and its torn tail if it has one.
fn scan(path: &Path, active: &Segment) -> Result<(Mark, Option<TornTail>), LogError> {
    let mut groups = Groups::open(path.into(), active.first(), GROUPS_FROM, active.bytes)
        .map_err(|error| io_error(path, "read", error))?;
    let mut newest = None;
    let torn = loop {
        match groups.next() {
            Ok(Some(group)) => newest = Some(group),
            Ok(None) => break None,
            Err(Trouble::Torn { offset, bytes, .. }) => break Some((offset, bytes)),
            Err(Trouble::Log(error)) => return Err(error),
        }
    };
    let mut last = active.header.before;
    if let Some(mut group) = newest {
        let malformed = |error| groups.damaged(groups.offset(), &error, None);
        while let Some(record) = group.next().map_err(malformed)? {
            last = Mark::of(&record);
        }
    }
    let torn = torn.map(|(offset, bytes)| TornTail { file: path.into(), offset, bytes, last: last.seq });
    Ok((last, torn))
}
