//! What is written down: every change of a line is a record, and replaying the records gives the line again.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::attempt::Attempt;
use super::endpoint::{Endpoint, EndpointKey, Message, MessageId};
use super::line::Line;
use crate::ledger::units::Timestamp;
use crate::store::codec::{self, CodecError};

/// The most bytes of records in one frame, unless one record alone has more.
const GROUP_BYTES: usize = 1 << 20;

/// A change.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Record {
    /// A line as it stood when the file was written anew.
    Line(Box<Line>),
    /// An endpoint was defined, or defined anew.
    Put(Endpoint),
    /// A message was handed over, or is to be sent again.
    Queued { key: EndpointKey, message: Arc<Message>, at: Timestamp },
    /// An attempt ended; the next one is not before `due`.
    Attempted { key: EndpointKey, id: MessageId, attempt: Attempt, due: Timestamp },
    /// A message was given up.
    GivenUp { key: EndpointKey, id: MessageId, at: Timestamp, why: WhyGivenUp },
    /// A message that was given up is no longer kept.
    Dropped { key: EndpointKey, id: MessageId },
    /// The endpoint asked to be left alone for good.
    Disabled { key: EndpointKey, at: Timestamp, reason: String },
    /// An endpoint that was left alone is tried again.
    Enabled { key: EndpointKey },
    /// The endpoint is no more.
    Forgotten { key: EndpointKey },
}

/// Why a message was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WhyGivenUp {
    /// It was tried for as long as a message is tried.
    Patience,
    /// Newer messages took its place.
    Overflow,
}

/// Records on their way to the disk, one after the other: the length of each in four bytes, and its encoding.
#[derive(Debug, Default)]
pub(super) struct Unwritten {
    bytes: Vec<u8>,
    /// How many records there ever were.
    count: u64,
    /// Whether nobody writes them any more.
    closed: bool,
}

impl Unwritten {
    /// Adds a record.
    pub(super) fn push(&mut self, record: &Record) -> Result<(), CodecError> {
        self.count += 1;
        if self.closed {
            return Ok(());
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 4]);
        if let Err(error) = codec::encode_into(record, &mut self.bytes) {
            self.bytes.truncate(start);
            return Err(error);
        }
        let length = u32::try_from(self.bytes.len() - start - 4).unwrap_or(u32::MAX);
        if let Some(place) = self.bytes.get_mut(start..start + 4) {
            place.copy_from_slice(&length.to_le_bytes());
        }
        Ok(())
    }

    /// How many records there ever were: what is written up to here holds all of them.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Takes out the records that are not written yet.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    /// Nobody writes them any more: they are counted, and not kept.
    pub(super) fn close(&mut self) {
        self.closed = true;
        self.bytes = Vec::new();
    }

    /// Whether all are written.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

/// Cuts records into groups that fit into a frame each.
pub(super) fn groups(mut records: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (mut end, mut rest) = (0, records);
        while end < GROUP_BYTES
            && let Some((record, behind)) = split(rest)
            && (end == 0 || end + 4 + record.len() <= GROUP_BYTES)
        {
            end += 4 + record.len();
            rest = behind;
        }
        let group = records.get(..end).filter(|group| !group.is_empty());
        records = rest;
        group
    })
}

/// The encoding of the first record, and what follows it.
fn split(records: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = records.split_first_chunk()?;
    rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)
}

/// The records of a group, in order.
pub(super) fn read(group: &[u8]) -> Result<Vec<Record>, CodecError> {
    let (mut records, mut rest) = (Vec::new(), group);
    while let Some((record, behind)) = split(rest) {
        records.push(codec::decode(record)?);
        rest = behind;
    }
    if rest.is_empty() {
        Ok(records)
    } else {
        Err(CodecError::LeftOver { left: rest.len(), total: group.len() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enabled(id: &str) -> Record {
        Record::Enabled { key: EndpointKey { org: "acme".to_owned(), id: id.to_owned() } }
    }

    #[test]
    fn records_are_grouped_without_a_loss_and_a_large_one_stands_alone() {
        let mut unwritten = Unwritten::default();
        let sizes = [10, 600_000, 600_000, 2_000_000, 10, 20];
        for size in sizes {
            unwritten.push(&enabled(&"x".repeat(size))).unwrap();
        }
        let bytes = unwritten.take();
        let found: Vec<Vec<usize>> = groups(&bytes)
            .map(|group| {
                let sizes = read(group).unwrap().into_iter().map(|record| match record {
                    Record::Enabled { key } => key.id.len(),
                    other => panic!("{other:?}"),
                });
                sizes.collect()
            })
            .collect();
        assert_eq!(found, [vec![10, 600_000], vec![600_000], vec![2_000_000], vec![10, 20]]);
        assert_eq!((unwritten.count(), unwritten.is_empty()), (6, true));
        assert_eq!(groups(&[]).count(), 0);
    }

    #[test]
    fn a_group_that_does_not_add_up_is_refused() {
        let mut unwritten = Unwritten::default();
        unwritten.push(&enabled("a")).unwrap();
        let bytes = unwritten.take();
        for end in 1..bytes.len() {
            assert!(read(&bytes[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn once_nobody_writes_nothing_piles_up() {
        let mut unwritten = Unwritten::default();
        unwritten.push(&enabled("a")).unwrap();
        unwritten.close();
        unwritten.push(&enabled("b")).unwrap();
        assert_eq!((unwritten.count(), unwritten.is_empty()), (2, true));
    }
}
