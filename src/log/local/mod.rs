//! The log of embedded mode: a folder of files that only this process writes.
//!
//! ```text
//! append ─► bounded channel ─► writer thread ─► segment file: write, fdatasync ─► answers
//!                                    └─► durable: extent, tail in memory ─► wakes readers
//! ```
//!
//! - `segment` files are named by their first record (`00000000000000000001.log`); each is a header and
//!   `group`s, all of them [frames](crate::store::frame).
//! - `writer` takes what waits as one group: one write, one sync, however many records.
//! - `durable` is what the writer has finished; a `reader` sees nothing else.
//! - `open` checks the chain of segments and cuts the one thing a crash can leave behind: a torn last group.
//!   Damage anywhere else is [`LogError::Damaged`], found on opening in the last segment and on reading in the
//!   others, and never stepped over.
//!
//! What is acknowledged is on disk. What is not acknowledged may be on disk too (the process may end between the
//! sync and the answer), so a writer that heard an error or nothing sends its record again, under the same id.

mod durable;
mod group;
mod open;
mod reader;
mod segment;
mod writer;

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::{Semaphore, mpsc, oneshot};

use self::durable::Durable;
pub use self::open::{OpenReport, TornTail};
use self::reader::LocalReader;
use self::writer::{Pending, Writer};
use super::{Draft, Extent, Fingerprint, Log, LogError, Reader};
use crate::ledger::units::Timestamp;

/// The largest record, 8 MiB: subject, headers, payload and twenty bytes (eight more for each header).
pub const MAX_RECORD: usize = 8 << 20;

/// The most records that may wait to be written; above it, [`Log::append`] waits for a place.
pub const PENDING_RECORDS: usize = 16_384;

/// The most bytes of records that may wait to be written; above it, [`Log::append`] waits for room.
pub const PENDING_BYTES: usize = 64 << 20;

/// The most records that are made durable at once.
pub const GROUP_RECORDS: usize = 1_000;

/// The size, in bytes, at which a group takes no more records.
pub const GROUP_BYTES: usize = 1 << 20;

/// The most bytes of durable groups that are kept in memory for readers.
pub const TAIL_BYTES: usize = 8 << 20;

/// The source of the log's timestamps.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// How the log is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The size, in bytes, above which a segment is finished and a new one begun.
    pub segment_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Options { segment_bytes: 256 << 20 }
    }
}

/// The local log. Dropping it finishes what was accepted, syncs it and ends the writer thread.
pub struct LocalLog {
    /// `None` once the log is being closed.
    sender: Option<mpsc::Sender<Pending>>,
    room: Arc<Semaphore>,
    durable: Arc<Durable>,
    writer: Option<JoinHandle<()>>,
    /// Holds the folder against a second process.
    _lock: open::FolderLock,
}

impl LocalLog {
    /// Opens the log in a folder, and creates both if they are not there.
    ///
    /// Reads the headers of all segments and the whole of the last one, whose torn tail, if it has one, is cut
    /// and reported. `now` stamps the records; where it runs backwards the last timestamp is repeated.
    ///
    /// # Errors
    /// [`LogError::Io`] when the disk refuses, another process holds the folder or another version wrote it;
    /// [`LogError::Damaged`] when a segment is missing, shortened or damaged.
    pub fn open(folder: &Path, options: Options, now: Now) -> Result<(LocalLog, OpenReport), LogError> {
        let lock = open::lock(folder)?;
        let opened = open::open(folder, &now)?;
        let segments = opened.segments.len();
        let created_ns = opened.active.header.created_ns;
        let durable = Arc::new(Durable::new(folder.into(), created_ns, opened.segments, opened.last));
        let report =
            OpenReport { created: opened.created, extent: durable.extent(), segments, torn: opened.torn };
        let (sender, inbox) = mpsc::channel(PENDING_RECORDS);
        let writer = Writer {
            durable: Arc::clone(&durable),
            inbox,
            now,
            segment_bytes: options.segment_bytes,
            active: opened.active,
            file: opened.file,
            last: opened.last,
            waiting: VecDeque::new(),
        };
        let writer = std::thread::Builder::new()
            .name("local-log".into())
            .spawn(move || writer.run())
            .map_err(|error| io_error(folder, "given a thread", error))?;
        let room = Arc::new(Semaphore::new(PENDING_BYTES));
        Ok((LocalLog { sender: Some(sender), room, durable, writer: Some(writer), _lock: lock }, report))
    }

    /// Deletes the segments all of whose records are before `seq`, never the one that is written to. Answers how
    /// many. Called once a checkpoint contains those records; one caller at a time.
    ///
    /// # Errors
    /// [`LogError::Io`] when a file cannot be deleted; it then still stands in the log.
    pub fn truncate_before(&self, seq: u64) -> Result<usize, LogError> {
        let mut deleted = 0;
        while let Some(oldest) = self.durable.retire(seq) {
            let path = segment::path(&self.durable.folder, oldest.first());
            if let Err(error) = std::fs::remove_file(&path) {
                self.durable.reinstate(oldest);
                return Err(io_error(&path, "deleted", error));
            }
            // One by one: a crash must not bring back an older segment without the next.
            let folder = &self.durable.folder;
            segment::sync_folder(folder).map_err(|error| io_error(folder, "synced", error))?;
            deleted += 1;
        }
        Ok(deleted)
    }

    /// The position before the first record that is still there: a reader that starts here gets all of them.
    #[must_use]
    pub fn start(&self) -> Fingerprint {
        let before = self.durable.front().map(|front| front.header.before);
        before.map_or_else(Fingerprint::default, |mark| Fingerprint {
            created_ns: self.durable.created_ns,
            seq: mark.seq,
            at: mark.at,
            crc: mark.crc,
        })
    }

    /// Why the log takes no more records until a restart, if so: a write or a sync failed.
    #[must_use]
    pub fn failure(&self) -> Option<LogError> {
        self.durable.failure().map(durable::Failure::to_error)
    }

    /// Finishes what was accepted, syncs it and ends the writer thread. Readers get the rest, then
    /// [`LogError::Closed`]. Blocks for as long as the disk takes.
    ///
    /// # Errors
    /// [`LogError::Io`] when a write or a sync has failed since the log was opened.
    pub fn close(mut self) -> Result<(), LogError> {
        self.finish();
        self.failure().map_or(Ok(()), Err)
    }

    fn finish(&mut self) {
        self.sender = None;
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!(folder = %self.durable.folder.display(), "the log's writer thread panicked");
            self.durable.close();
        }
    }
}

impl Drop for LocalLog {
    fn drop(&mut self) {
        self.finish();
    }
}

impl fmt::Debug for LocalLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalLog").field("durable", &self.durable).finish_non_exhaustive()
    }
}

impl Log for LocalLog {
    fn append(&self, draft: Draft) -> BoxFuture<'_, Result<u64, LogError>> {
        async move {
            let bytes = group::record_bytes(&draft);
            if bytes > MAX_RECORD {
                return Err(LogError::Refused(format!(
                    "it has {bytes} bytes, the most is {MAX_RECORD}: send its events in several records"
                )));
            }
            if let Some(failure) = self.durable.failure() {
                return Err(failure.to_error());
            }
            let sender = self.sender.as_ref().ok_or(LogError::Closed)?;
            let permits = u32::try_from(bytes).map_err(|_| LogError::Closed)?;
            let room = Arc::clone(&self.room).acquire_many_owned(permits).await;
            let room = room.map_err(|_| LogError::Closed)?;
            let (answer, outcome) = oneshot::channel();
            let pending = Pending { draft, _room: room, answer };
            sender.send(pending).await.map_err(|_| LogError::Closed)?;
            outcome.await.map_err(|_| LogError::Closed)?
        }
        .boxed()
    }

    fn reader(&self, position: Fingerprint) -> BoxFuture<'_, Result<Box<dyn Reader>, LogError>> {
        async move {
            let reader = LocalReader::open(&self.durable, &position)?;
            Ok(Box::new(reader) as Box<dyn Reader>)
        }
        .boxed()
    }

    fn release(&self, seq: u64) -> Result<(), LogError> {
        self.truncate_before(seq).map(|_| ())
    }

    fn extent(&self) -> BoxFuture<'_, Result<Extent, LogError>> {
        async move { Ok(self.durable.extent()) }.boxed()
    }
}

fn io_error(path: &Path, verb: &'static str, source: io::Error) -> LogError {
    LogError::Io { path: path.display().to_string(), verb, source }
}

#[cfg(test)]
mod tests;
