//! Where entries come from: one trait, two homes.
//!
//! [`jetstream`] reads a NATS stream; [`local`] keeps a log of its own for embedded mode. Both hand over
//! [`Record`]s in order, without a gap, from any position that still stands, and both refuse to go on from a
//! position that is not theirs (the *lineage check*, see [`Fingerprint`]).

pub mod jetstream;
pub mod local;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::ledger::units::Timestamp;

/// One record of the log, as it was appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The record's sequence number; ascending, the first is 1. Deletions by an operator leave holes.
    pub seq: u64,
    /// The log's own timestamp. Not monotonic: brokers stamp with their wall clock.
    pub at: Timestamp,
    /// What the record is about and how its payload is to be read.
    pub draft: Draft,
}

/// What a writer gives to the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// The subject: `credits.events.<org>` or `credits.commands.<org>`.
    pub subject: String,
    /// CloudEvents attributes in binary mode and other headers (`ce-…`, `Nats-Msg-Id`, `content-type`), if any.
    pub headers: Option<Box<Headers>>,
    /// The token by which the writer recognises the outcome of its own record; 0 for none.
    pub request: u64,
    /// The JSON.
    pub payload: Bytes,
}

/// Header names (lower case) and values, in the order they came.
pub type Headers = Vec<(String, String)>;

/// What a checkpoint remembers of the log to recognise it again: the last record it contains.
///
/// `seq` 0 is the empty log: nothing was read yet, and any log will do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// When the log was created, in nanoseconds since the epoch: a log made anew under the same name differs.
    pub created_ns: i128,
    /// The sequence number of the record.
    pub seq: u64,
    /// The record's timestamp.
    pub at: Timestamp,
    /// The CRC-32 of the record's payload.
    pub crc: u32,
}

/// What the log holds at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The first sequence number still there (`last + 1` when empty).
    pub first: u64,
    /// The last sequence number ever given.
    pub last: u64,
}

/// A log: appended to by the faces, read by the one pipeline of its partition.
pub trait Log: Send + Sync {
    /// Appends a record. Answers its sequence number once the record is durable.
    fn append(&self, draft: Draft) -> BoxFuture<'_, Result<u64, LogError>>;

    /// Opens a reader that starts after `position`, once the log was recognised as the one `position` was
    /// taken from.
    ///
    /// # Errors
    /// [`LogError::Lineage`] when the log is not the one the position was taken from, or records after it are gone.
    fn reader(&self, position: Fingerprint) -> BoxFuture<'_, Result<Box<dyn Reader>, LogError>>;

    /// Lets go of records before `seq`: they are in a checkpoint, and no reader goes back to them. A log whose
    /// retention is somebody else's keeps them.
    ///
    /// # Errors
    /// [`LogError::Io`] when a file cannot be deleted; it then still stands in the log.
    fn release(&self, seq: u64) -> Result<(), LogError>;

    /// The records that stand in the log now.
    fn extent(&self) -> BoxFuture<'_, Result<Extent, LogError>>;
}

/// An ordered reader of a log.
pub trait Reader: Send {
    /// Waits for records and pushes those that are there, in order, at most [`BATCH`] of them.
    ///
    /// May return without any after a while, so that its caller can look at other things.
    /// Cancel safe: a call that is dropped loses no record.
    ///
    /// # Errors
    /// [`LogError::Lineage`] when after a reconnect the log turns out to be another.
    fn next<'a>(&'a mut self, batch: &'a mut Vec<Record>) -> BoxFuture<'a, Result<(), LogError>>;

    /// The identity of the log being read, for the fingerprint of the next checkpoint.
    fn created_ns(&self) -> i128;
}

/// The most records that one [`Reader::next`] hands over.
pub const BATCH: usize = 1_000;

/// Why the log could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The log is not the one our state was taken from, or it lost records that we have or need.
    #[error(transparent)]
    Lineage(#[from] Lineage),
    /// A frame in the middle of the local log is damaged.
    #[error("{0}")]
    Damaged(String),
    /// The disk refused.
    #[error("the log at {path} cannot be {verb}: {source}")]
    Io {
        /// The file or folder.
        path: String,
        /// What was tried: "read", "written", "synced", …
        verb: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// NATS refused or is away.
    #[error("NATS: {0}")]
    Nats(String),
    /// The record cannot be taken: too large, or the log is full.
    #[error("the record is refused: {0}")]
    Refused(String),
    /// The log is being closed.
    #[error("the log is closed")]
    Closed,
}

/// Nanoseconds since 1970 as people read them; what is no instant of theirs stays a number.
fn instant(nanoseconds: i128) -> String {
    jiff::Timestamp::from_nanosecond(nanoseconds)
        .map_or_else(|_| format!("{nanoseconds} ns"), |instant| instant.to_string())
}

/// How a log differs from the one a position was taken from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lineage {
    /// Made anew under the same name.
    #[error(
        "the log was recreated: it was created at {}, the checkpoint was taken from one created at {}",
        instant(*found_ns),
        instant(*expected_ns)
    )]
    Recreated {
        /// When the checkpoint's was created, in nanoseconds since 1970.
        expected_ns: i128,
        /// When the log was.
        found_ns: i128,
    },
    /// Its tail was lost: it ends before our position.
    #[error("the log was truncated: it ends at {last}, the checkpoint is at {position}")]
    Truncated {
        /// The log's last sequence number.
        last: u64,
        /// The checkpoint's.
        position: u64,
    },
    /// The record at our position is another one: the tail was lost and written anew.
    #[error("the log was forked: record {position} is not the one the checkpoint was taken at")]
    Forked {
        /// The checkpoint's.
        position: u64,
    },
    /// Records after our position were removed before we read them.
    #[error("the log was purged ahead of us: it starts at {first}, the next record to read is {needed}")]
    Purged {
        /// The log's first sequence number.
        first: u64,
        /// The one we need.
        needed: u64,
    },
}
