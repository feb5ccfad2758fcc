//! The writer: one thread that turns waiting appends into groups, and groups into durable frames.
//!
//! A group is whatever waits while the group before it is being synced, up to [`GROUP_RECORDS`] and
//! [`GROUP_BYTES`]: nobody waits for company, yet a busy log syncs once for a thousand records.
//!
//! A failed sync is never tried again: the system may have dropped the very pages it could not write, and would
//! call the next sync a success. The log is then poisoned, and only a restart, which reads the disk, can tell
//! what stands on it. A write that found no room is another matter: what it left is cut off again, nothing of it
//! was acknowledged, and the next append may try.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::{Buf, Bytes};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use super::durable::{Cursor, Durable, Failure, Segment, TailGroup};
use super::segment::{self, GROUPS_FROM, Header, KIND_GROUP, Mark};
use super::{GROUP_BYTES, GROUP_RECORDS, Now, group};
use crate::log::{Draft, LogError};
use crate::store::frame;

/// A record that waits to be written.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) draft: Draft,
    /// Its share of the room for pending bytes, free again when the record is answered.
    pub(super) _room: OwnedSemaphorePermit,
    /// Where its sequence number is awaited.
    pub(super) answer: oneshot::Sender<Result<u64, LogError>>,
}

/// The one writer of a log.
pub(super) struct Writer {
    pub(super) durable: Arc<Durable>,
    pub(super) inbox: mpsc::Receiver<Pending>,
    pub(super) now: Now,
    pub(super) segment_bytes: u64,
    /// The segment that is written to, `active.bytes` long.
    pub(super) active: Segment,
    pub(super) file: File,
    pub(super) last: Mark,
    pub(super) waiting: VecDeque<Pending>,
}

const POISONED: &str =
    "nothing more is appended: restart creditd, it checks the log and goes on from what is sound";
const NO_ROOM: &str =
    "there is no room for the record and nothing of it was kept: make room and append it again";

impl Writer {
    /// Writes until every sender is gone and everything they sent is answered.
    pub(super) fn run(mut self) {
        while let Some(group) = self.gather() {
            let outcome = match self.durable.failure() {
                Some(failure) => Err(failure.clone()),
                None => self.commit(&group),
            };
            for (index, pending) in (0..).zip(group) {
                let answer = outcome.as_ref().map(|first| first + index).map_err(Failure::to_error);
                // Whoever stopped waiting has no use for the answer.
                drop(pending.answer.send(answer));
            }
        }
        self.durable.close();
    }

    /// Waits for records and takes those of the next group; `None` once there will be no more.
    fn gather(&mut self) -> Option<Vec<Pending>> {
        if self.waiting.is_empty() {
            let mut arrived = Vec::with_capacity(GROUP_RECORDS);
            self.inbox.blocking_recv_many(&mut arrived, GROUP_RECORDS);
            self.waiting.extend(arrived);
        }
        while self.waiting.len() < GROUP_RECORDS
            && let Ok(pending) = self.inbox.try_recv()
        {
            self.waiting.push_back(pending);
        }
        let (mut group, mut bytes) = (Vec::with_capacity(self.waiting.len()), 0);
        while bytes < GROUP_BYTES
            && let Some(pending) = self.waiting.pop_front()
        {
            bytes += group::record_bytes(&pending.draft);
            group.push(pending);
        }
        if group.is_empty() { None } else { Some(group) }
    }

    /// Makes a group durable and answers the sequence number of its first record.
    fn commit(&mut self, group: &[Pending]) -> Result<u64, Failure> {
        let first = self.last.seq + 1;
        let at = (self.now)().max(self.last.at);
        let size: usize = group.iter().map(|pending| group::record_bytes(&pending.draft)).sum();
        let mut bytes = Vec::with_capacity(frame::HEADER_BYTES + group::PREFIX_BYTES + size);
        frame::append(&mut bytes, KIND_GROUP, |out| {
            group::encode(out, first, at, group.iter().map(|pending| &pending.draft));
        })
        .map_err(|error| Failure::new(&self.path(), "written", &io::Error::other(error), NO_ROOM))?;

        let full = self.active.bytes + bytes.len() as u64 > self.segment_bytes;
        if full && self.active.bytes > GROUPS_FROM {
            self.rotate()?;
        }
        self.write(&bytes)?;
        self.active.bytes += bytes.len() as u64;
        let crc = group.last().map_or(0, |pending| crc32fast::hash(&pending.draft.payload));
        self.last = Mark { seq: self.last.seq + group.len() as u64, at, crc };

        let mut payload = Bytes::from(bytes);
        payload.advance(frame::HEADER_BYTES);
        let after =
            Cursor { next: self.last.seq + 1, segment: self.active.first(), offset: self.active.bytes };
        self.durable.extend(TailGroup { first, after, payload }, self.last);
        Ok(first)
    }

    /// Writes a frame at the end of the active segment and syncs it.
    fn write(&self, bytes: &[u8]) -> Result<(), Failure> {
        let end = self.active.bytes;
        if let Err(error) = self.file.write_all_at(bytes, end) {
            if !is_no_room(&error) {
                return Err(self.poison(&self.path(), "written", &error));
            }
            // Durably, so that a crash cannot bring back what the next segment says is not there.
            return match self.file.set_len(end).and_then(|()| self.file.sync_all()) {
                Ok(()) => Err(Failure::new(&self.path(), "written", &error, NO_ROOM)),
                Err(error) => Err(self.poison(&self.path(), "cut after the disk was full", &error)),
            };
        }
        self.file.sync_data().map_err(|error| self.poison(&self.path(), "synced", &error))
    }

    /// Begins a new segment.
    fn rotate(&mut self) -> Result<(), Failure> {
        let folder = self.durable.folder.as_path();
        let header = Header {
            created_ns: self.durable.created_ns,
            before: self.last,
            previous_first: self.active.first(),
            previous_bytes: self.active.bytes,
        };
        let path = segment::path(folder, header.first());
        self.file = match segment::prepare(folder, &header) {
            Ok(file) => file,
            Err(error) if is_no_room(&error) => return Err(Failure::new(&path, "created", &error, NO_ROOM)),
            Err(error) => return Err(self.poison(&path, "created", &error)),
        };
        self.active = Segment { header, bytes: GROUPS_FROM };
        segment::publish(folder, &header).map_err(|error| self.poison(&path, "created", &error))?;
        self.durable.rotate(self.active);
        Ok(())
    }

    fn poison(&self, path: &Path, verb: &'static str, error: &io::Error) -> Failure {
        let failure = Failure::new(path, verb, error, POISONED);
        self.durable.poison(&failure);
        failure
    }

    fn path(&self) -> PathBuf {
        segment::path(&self.durable.folder, self.active.first())
    }
}

/// Whether a write failed for want of room: on the disk, in a quota, or under the process's file size limit.
fn is_no_room(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}
