//! The queue on disk: one file of records, appended to, and written anew when most of it is about what is done.
//!
//! A file is named by its number (`queue-0000000003.log`) and becomes the queue when it gets that name, whole and synced;
//! the one before it is then removed. Every [frame](crate::store::frame) is synced before the next is begun, so a crash leaves
//! a torn tail at most, which nobody was told is safe; it is cut. Where a disk damaged the middle, what is sound on both sides
//! is kept, the finding names the place, and the damaged file is set aside under another name.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::WebhookError;
use super::record::{Record, groups, read};
use crate::store::frame::{self, FrameError, FrameReader};

/// The frame of a group of records.
const KIND_RECORDS: u8 = 1;

/// What was not as it should be when the queue was opened. Nothing of it needs a hand.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// A crash cut the last write short.
    #[error("{path} ended in a write that was never finished: {bytes} bytes were cut off at byte {offset}")]
    Torn {
        /// The file.
        path: PathBuf,
        /// Where it was cut.
        offset: u64,
        /// How many bytes were cut.
        bytes: u64,
    },
    /// A part of the file is not what was written.
    #[error(
        "{path} is damaged from byte {offset} to {next_sound}: what was queued there is lost, what was delivered there is sent \
         again under the same id; the file is kept with the ending .damaged"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the damage starts.
        offset: u64,
        /// Where what is sound goes on.
        next_sound: u64,
    },
}

/// The file of the queue, held for this process alone.
#[derive(Debug)]
pub(super) struct Journal {
    folder: PathBuf,
    number: u32,
    file: File,
    len: u64,
    /// Closed, and with that unlocked, when the journal goes.
    _lock: File,
}

impl Journal {
    /// Opens the queue in a folder, which is made if it is not there, and hands over what was written, in order.
    pub(super) fn open(
        folder: &Path,
        mut take: impl FnMut(Record),
    ) -> Result<(Journal, Vec<Finding>), WebhookError> {
        let lock = lock(folder)?;
        let numbers = tidy(folder)?;
        let number = numbers.last().copied().unwrap_or(0);
        if numbers.is_empty() {
            prepare(folder, number, &[])?.publish(folder)?;
        }
        let path = path(folder, number);
        let (len, findings) = replay(&path, &mut take)?;
        let opened = File::options().read(true).write(true).open(&path);
        let file = opened.map_err(WebhookError::io(&path, "opened"))?;
        if findings.iter().any(|finding| matches!(finding, Finding::Torn { .. })) {
            let cut = file.set_len(len).and_then(|()| file.sync_all());
            cut.map_err(WebhookError::io(&path, "cut"))?;
        }
        for old in numbers.iter().filter(|old| **old != number) {
            remove(folder, *old)?;
        }
        Ok((Journal { folder: folder.to_owned(), number, file, len, _lock: lock }, findings))
    }

    /// How long the file is, in bytes.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Appends a group of records, durably. Where there was no room ([`WebhookError::is_no_room`]) nothing of it was kept, and
    /// it may be appended again; after any other error only opening the queue again tells what it holds.
    pub(super) fn append(&mut self, group: &[u8]) -> Result<(), WebhookError> {
        let path = path(&self.folder, self.number);
        let frame = encode(group, &path)?;
        if let Err(error) = self.file.write_all_at(&frame, self.len) {
            let cut = self.file.set_len(self.len).and_then(|()| self.file.sync_all());
            cut.map_err(WebhookError::io(&path, "cut"))?;
            return Err(WebhookError::io(&path, "written")(error));
        }
        self.file.sync_data().map_err(WebhookError::io(&path, "synced"))?;
        self.len += frame.len() as u64;
        Ok(())
    }

    /// Writes a file that is to take the place of the present one. On an error nothing has changed.
    pub(super) fn prepare(&self, records: &[u8]) -> Result<Prepared, WebhookError> {
        prepare(&self.folder, self.number + 1, records)
    }

    /// Puts the new file in place of the present one, which is removed, or set aside.
    pub(super) fn replace(&mut self, prepared: Prepared, set_aside: bool) -> Result<(), WebhookError> {
        let old = path(&self.folder, self.number);
        (self.file, self.len) = prepared.publish(&self.folder)?;
        self.number += 1;
        let gone =
            if set_aside { fs::rename(&old, old.with_extension("damaged")) } else { fs::remove_file(&old) };
        if let Err(error) = gone {
            // The newer file counts, so this one does no harm; the next start removes it.
            tracing::warn!(file = %old.display(), %error, "the webhooks' former queue file could not be removed");
        }
        Ok(())
    }
}

/// A file that is whole and durable, and not yet the queue.
#[derive(Debug)]
pub(super) struct Prepared {
    file: File,
    len: u64,
    unfinished: PathBuf,
    path: PathBuf,
}

impl Prepared {
    fn publish(self, folder: &Path) -> Result<(File, u64), WebhookError> {
        fs::rename(&self.unfinished, &self.path).map_err(WebhookError::io(&self.path, "named"))?;
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(WebhookError::io(folder, "synced"))?;
        Ok((self.file, self.len))
    }
}

/// Hands over the records of a file; answers where what is sound ends.
fn replay(path: &Path, take: &mut impl FnMut(Record)) -> Result<(u64, Vec<Finding>), WebhookError> {
    let source = File::open(path).map_err(WebhookError::io(path, "opened"))?;
    let mut reader = FrameReader::new(source, path, 0);
    let mut findings = Vec::new();
    loop {
        match reader.next() {
            Ok(None) => return Ok((reader.offset(), findings)),
            Ok(Some(frame)) => {
                let offset = frame.offset;
                let value = |source| WebhookError::Value { path: path.to_owned(), offset, source };
                read(frame.payload).map_err(value)?.into_iter().for_each(&mut *take);
            }
            Err(FrameError::Torn { path, offset, bytes, .. }) => {
                findings.push(Finding::Torn { path, offset, bytes });
                return Ok((offset, findings));
            }
            Err(FrameError::Damaged { path, offset, next_sound, .. }) => {
                findings.push(Finding::Damaged { path, offset, next_sound });
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Writes a file under a name that says it is unfinished.
fn prepare(folder: &Path, number: u32, records: &[u8]) -> Result<Prepared, WebhookError> {
    let path = path(folder, number);
    let unfinished = path.with_extension("unfinished");
    let mut options = OpenOptions::new();
    // It holds secrets: for nobody but us.
    options.read(true).write(true).create(true).truncate(true).mode(0o600);
    let file = options.open(&unfinished).map_err(WebhookError::io(&unfinished, "created"))?;
    let mut len = 0;
    for group in groups(records) {
        let frame = encode(group, &unfinished)?;
        file.write_all_at(&frame, len).map_err(WebhookError::io(&unfinished, "written"))?;
        len += frame.len() as u64;
    }
    file.sync_all().map_err(WebhookError::io(&unfinished, "synced"))?;
    Ok(Prepared { file, len, unfinished, path })
}

fn encode(group: &[u8], path: &Path) -> Result<Vec<u8>, WebhookError> {
    let mut bytes = Vec::with_capacity(frame::HEADER_BYTES + group.len());
    frame::append(&mut bytes, KIND_RECORDS, |out| out.extend_from_slice(group))
        .map_err(|source| WebhookError::Oversized { path: path.to_owned(), source })?;
    Ok(bytes)
}

/// Makes the folder if there is none, and takes it for this process alone.
fn lock(folder: &Path) -> Result<File, WebhookError> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(WebhookError::io(folder, "created"))?;
    let path = folder.join("lock");
    let file = File::options().write(true).create(true).truncate(false).open(&path);
    let file = file.map_err(WebhookError::io(&path, "opened"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::Error(error)) => Err(WebhookError::io(&path, "locked")(error)),
        Err(TryLockError::WouldBlock) => Err(WebhookError::InUse { folder: folder.to_owned() }),
    }
}

/// Removes what a crash left unfinished, and answers the numbers of the files that are there, ascending.
fn tidy(folder: &Path) -> Result<Vec<u32>, WebhookError> {
    let listed = || -> io::Result<Vec<String>> {
        fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    };
    let mut numbers = Vec::new();
    for name in listed().map_err(WebhookError::io(folder, "listed"))? {
        let stem = name.strip_prefix("queue-").and_then(|name| name.split_once('.'));
        match stem.and_then(|(digits, ending)| Some((digits.parse().ok()?, ending))) {
            Some((number, "log")) => numbers.push(number),
            Some((_, "unfinished")) => {
                let path = folder.join(&name);
                fs::remove_file(&path).map_err(WebhookError::io(&path, "removed"))?;
            }
            _ => {}
        }
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn path(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("queue-{number:010}.log"))
}

fn remove(folder: &Path, number: u32) -> Result<(), WebhookError> {
    let path = path(folder, number);
    fs::remove_file(&path).map_err(WebhookError::io(&path, "removed"))
}

#[cfg(test)]
mod tests;
