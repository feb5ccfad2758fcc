//! The history of charges, written in runs.
//!
//! Rows gather in a [`Buffer`] in the order of the log. A full buffer becomes a *run*: one file, written once,
//! sorted by organization and never changed. A run is made of *blocks* of about 32 KiB; each holds a *slice* of
//! rows for every organization in it, and many small organizations share one, so that a row of an organization
//! that has few costs no more than others:
//!
//! ```text
//! run file   header frame {run, rows, positions, hours} · (index frame · rows frame)… · end frame
//! index      per organization: key, block of the slice before it, newest log hour; per row: position, hour,
//!            length (compressed); ids (16 bytes each, which do not compress)
//! rows       the bytes of the rows, one after the other (compressed)
//! ```
//!
//! A slice names the block that holds the slice before it, in this run or an older one, so an organization's
//! rows are a chain from its newest block ([`BlockRef`], kept by the caller) back to its first. Newest-first is
//! following the chain, a range is stopping early, retention is deleting old runs. Ids are read without the
//! rows.
//!
//! What a crash loses of the buffer, the replay of the log writes again.

mod block;
mod buffer;
mod run;
mod runs;
mod salvage;
mod scan;
mod walk;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::ledger::units::{EventId, Hour, Position, Timestamp};
use crate::store::OrgKey;

pub use buffer::{Buffer, Limits, Link};
pub use run::{Summary, Written};
pub use runs::Runs;
pub use scan::Visit;
pub use walk::{Block, Blocks, Found, KnownId, Rows};

/// A charge on its way to history.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// Whose it is.
    pub key: OrgKey,
    /// Where it stands in the log.
    pub position: Position,
    /// When the log took it; never before the row pushed last.
    pub at: Timestamp,
    /// The event's identity; the default one for what is no event.
    pub id: EventId,
    /// The hour in which the event happened.
    pub hour: Hour,
    /// What is kept of it, at most [`MAX_ROW`] bytes.
    pub bytes: &'a [u8],
}

/// The most bytes of one row.
pub const MAX_ROW: usize = 16 << 20;

/// Where a block stands: the run, and the offset of its index frame in the run's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BlockRef {
    /// The number of the run.
    pub run: u32,
    /// The offset in bytes.
    pub offset: u64,
}
