//! Is the stream still the one our position was taken from, and is everything after it still there?
//!
//! JetStream itself does not tell. A consumer that starts below the first record is moved up silently; one
//! that starts above the last waits silently, and after a lost tail new records take numbers that we would
//! then skip. So we compare: when the stream was created, how far it reaches, and the record at our position.

use std::sync::atomic::Ordering;

use async_nats::jetstream::message::StreamMessage;

use super::{Link, stream};
use crate::ledger::units::Timestamp;
use crate::log::{Fingerprint, Lineage, LogError};

/// Recognises the stream. Answers when it was created, in nanoseconds since the epoch.
///
/// To be asked *after* the consumer was made: a stream that is replaced in between takes the consumer with it,
/// and the reader comes back here.
///
/// # Errors
/// [`LogError::Lineage`] when it is another stream, [`LogError::Nats`] when it cannot be asked.
pub(super) async fn recognise(link: &Link, position: &Fingerprint) -> Result<i128, LogError> {
    let info = match link.api.info().await {
        Err(error) if error.is_stream_missing() => return Err(missing(link.api.stream())),
        other => other?,
    };
    let found_ns = info.created.unix_timestamp_nanos();
    if position.seq == 0 {
        return Ok(found_ns);
    }
    if found_ns != position.created_ns {
        return Err(Lineage::Recreated { expected_ns: position.created_ns, found_ns }.into());
    }
    let extent = stream::extent(&info.state);
    if extent.last < position.seq {
        return Err(Lineage::Truncated { last: extent.last, position: position.seq }.into());
    }
    if extent.first <= position.seq && !is_ours(link, position).await? {
        return Err(Lineage::Forked { position: position.seq }.into());
    }
    Ok(found_ns)
}

/// The error of a stream that is not there.
pub(super) fn missing(stream: &str) -> LogError {
    LogError::Nats(format!(
        "the stream {stream:?} does not exist any more; restore it, or start from an empty data folder"
    ))
}

/// Takes note that the records from `needed` up to `first` (exclusive) are gone.
///
/// # Errors
/// [`Lineage::Purged`], unless the operator said that gaps are accepted.
pub(super) fn pass_over(link: &Link, needed: u64, first: u64) -> Result<(), LogError> {
    if !link.accept_gaps {
        return Err(Lineage::Purged { first, needed }.into());
    }
    let last = first.saturating_sub(1);
    let missing = first.saturating_sub(needed);
    link.counts.holes.fetch_add(missing, Ordering::Relaxed);
    tracing::error!(first_missing = needed, last_missing = last, "records were gone before they were read");
    Ok(())
}

/// Whether the record at our position is the one we read.
///
/// One that has expired since is taken for it: the start of the stream moved past it, as starts do. One that was
/// deleted out of the middle cannot be told from a fork, so only an operator who accepts gaps gets past it.
async fn is_ours(link: &Link, position: &Fingerprint) -> Result<bool, LogError> {
    if let Some(record) = link.api.record(position.seq).await? {
        return Ok(matches(&record, position));
    }
    let expired = stream::extent(&link.api.info().await?.state).first > position.seq;
    Ok(expired || link.accept_gaps)
}

fn matches(record: &StreamMessage, position: &Fingerprint) -> bool {
    let micros = record.time.unix_timestamp_nanos().div_euclid(1_000);
    i64::try_from(micros).map(Timestamp::from_micros) == Ok(position.at)
        && crc32fast::hash(&record.payload) == position.crc
}
