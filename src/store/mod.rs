//! Everything on disk: checkpoints of the organizations and the history of their charges.
//!
//! The store knows nothing of what it keeps: it holds opaque bytes by organization and by position in the log.
//! All of it can be made anew from the log as far back as the log reaches, so a crash may cost its newest writes,
//! but it never hands out bytes that were not written.
//!
//! Every file is a row of [`frame`]s: a marker, a kind, a length and a checksum before each payload. A reader can
//! therefore always tell three things apart that look alike to a naive one: a file that ends where its last write
//! ended, a file whose last write was cut short by a crash (its tail may be dropped, nothing in it was ever
//! acknowledged), and a file that a disk or a hand has damaged in the middle (nobody may go on from there as if
//! nothing had happened).
//!
//! - [`codec`]: values to bytes.
//! - [`cells`]: what the history adds up to, for whoever asks what was used.
//! - [`checkpoint`]: a base and increments, for a quick restart.
//! - [`history`]: charges in sorted runs, for whoever asks what was charged, and for knowing repeats.

pub mod cells;
pub mod checkpoint;
pub mod codec;
pub mod error;
mod folder;
pub mod frame;
pub mod history;
mod pack;

#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use error::StoreError;

/// An organization in the store: a dense number, given by the book in the order of creation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OrgKey(pub u32);

impl fmt::Display for OrgKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}
