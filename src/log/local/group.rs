//! A group: the records that were written and made durable together, as one frame's payload.
//!
//! ```text
//! group   first u64 · at i64 (µs) · count u32 · records
//! record  request u64 · subject length u32 · headers u32 (0 none, else count + 1) · payload length u32
//!         · subject · headers (name length u32 · value length u32 · name · value) · payload
//! ```
//!
//! All integers are little-endian. Records of a group share its timestamp: they became durable at one moment.

use bytes::{Buf, BufMut, Bytes};

use crate::ledger::units::Timestamp;
use crate::log::{Draft, Headers, Record};

/// The bytes of a group before its records.
pub(super) const PREFIX_BYTES: usize = 20;

/// The bytes of a record before its subject.
const RECORD_PREFIX_BYTES: usize = 20;

/// A sound frame whose payload is not a group: it was written wrong, the disk is not to blame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its content is not a group of records")]
pub(super) struct Malformed;

impl From<bytes::TryGetError> for Malformed {
    fn from(_: bytes::TryGetError) -> Self {
        Malformed
    }
}

/// How many bytes a record takes in a group.
pub(super) fn record_bytes(draft: &Draft) -> usize {
    let headers = draft.headers.iter().flat_map(|headers| headers.iter());
    let headers: usize = headers.map(|(name, value)| 8 + name.len() + value.len()).sum();
    RECORD_PREFIX_BYTES + draft.subject.len() + headers + draft.payload.len()
}

/// Writes a group; every record of it was checked against the largest that is taken.
pub(super) fn encode<'a>(
    out: &mut Vec<u8>,
    first: u64,
    at: Timestamp,
    drafts: impl ExactSizeIterator<Item = &'a Draft>,
) {
    out.put_u64_le(first);
    out.put_i64_le(at.micros());
    put_length(out, drafts.len());
    for draft in drafts {
        out.put_u64_le(draft.request);
        put_length(out, draft.subject.len());
        put_length(out, draft.headers.as_ref().map_or(0, |headers| headers.len() + 1));
        put_length(out, draft.payload.len());
        out.put_slice(draft.subject.as_bytes());
        for (name, value) in draft.headers.iter().flat_map(|headers| headers.iter()) {
            put_length(out, name.len());
            put_length(out, value.len());
            out.put_slice(name.as_bytes());
            out.put_slice(value.as_bytes());
        }
        out.put_slice(&draft.payload);
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a record is at most super::MAX_RECORD bytes, far below 4 GiB"
)]
fn put_length(out: &mut Vec<u8>, length: usize) {
    out.put_u32_le(length as u32);
}

/// A group being read, record by record; the records' payloads share the group's memory.
#[derive(Clone, Debug)]
pub(super) struct Group {
    next: u64,
    at: Timestamp,
    left: u32,
    bytes: Bytes,
}

impl Group {
    /// Reads the beginning of a group.
    pub(super) fn decode(mut bytes: Bytes) -> Result<Group, Malformed> {
        let next = bytes.try_get_u64_le()?;
        let at = Timestamp::from_micros(bytes.try_get_i64_le()?);
        let left = bytes.try_get_u32_le()?;
        if left == 0 || next == 0 || next.checked_add(u64::from(left)).is_none() {
            return Err(Malformed);
        }
        Ok(Group { next, at, left, bytes })
    }

    /// The sequence number of the next record to read.
    pub(super) fn next_seq(&self) -> u64 {
        self.next
    }

    /// The sequence number after the group's last record.
    pub(super) fn end_seq(&self) -> u64 {
        self.next + u64::from(self.left)
    }

    /// The next record, or `None` after the last. A group that failed once goes on failing.
    pub(super) fn next(&mut self) -> Result<Option<Record>, Malformed> {
        match self.left {
            0 if self.bytes.is_empty() => Ok(None),
            0 => Err(Malformed),
            _ => self.record().map(Some).inspect_err(|_| self.bytes.clear()),
        }
    }

    fn record(&mut self) -> Result<Record, Malformed> {
        let request = self.bytes.try_get_u64_le()?;
        let subject = self.length()?;
        let headers = self.length()?;
        let payload = self.length()?;
        let subject = self.text(subject)?;
        let headers = self.headers(headers)?;
        let payload = self.take(payload)?;
        let record =
            Record { seq: self.next, at: self.at, draft: Draft { subject, headers, request, payload } };
        self.next += 1;
        self.left -= 1;
        Ok(record)
    }

    fn headers(&mut self, count: usize) -> Result<Option<Box<Headers>>, Malformed> {
        let Some(count) = count.checked_sub(1) else { return Ok(None) };
        let mut headers = Headers::new();
        for _ in 0..count {
            let (name, value) = (self.length()?, self.length()?);
            headers.push((self.text(name)?, self.text(value)?));
        }
        Ok(Some(Box::new(headers)))
    }

    fn length(&mut self) -> Result<usize, Malformed> {
        usize::try_from(self.bytes.try_get_u32_le()?).map_err(|_| Malformed)
    }

    fn take(&mut self, length: usize) -> Result<Bytes, Malformed> {
        if length > self.bytes.len() {
            return Err(Malformed);
        }
        Ok(self.bytes.split_to(length))
    }

    fn text(&mut self, length: usize) -> Result<String, Malformed> {
        String::from_utf8(self.take(length)?.into()).map_err(|_| Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drafts() -> Vec<Draft> {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        vec![
            Draft::default(),
            Draft {
                subject: "credits.events.acme".into(),
                headers: Some(Box::new(vec![header("ce-id", "42"), header("ce-source", "")])),
                request: u64::MAX,
                payload: Bytes::from_static(br#"{"action":"email_sent"}"#),
            },
            Draft {
                headers: Some(Box::default()),
                payload: Bytes::from_static(&[0, 255]),
                ..Draft::default()
            },
        ]
    }

    fn encoded() -> Vec<u8> {
        let mut bytes = Vec::new();
        encode(&mut bytes, 7, Timestamp::from_micros(-5), drafts().iter());
        bytes
    }

    fn decode_all(bytes: Vec<u8>) -> Result<Vec<Record>, Malformed> {
        let mut group = Group::decode(bytes.into())?;
        let mut records = Vec::new();
        while let Some(record) = group.next()? {
            records.push(record);
        }
        Ok(records)
    }

    #[test]
    fn records_come_back_as_they_were_given() {
        let given: Vec<Record> = (7..)
            .zip(drafts())
            .map(|(seq, draft)| Record { seq, at: Timestamp::from_micros(-5), draft })
            .collect();
        assert_eq!(decode_all(encoded()), Ok(given));
    }

    #[test]
    fn the_size_foretold_is_the_size_written() {
        let foretold: usize = drafts().iter().map(record_bytes).sum();
        assert_eq!(encoded().len(), PREFIX_BYTES + foretold);
    }

    #[test]
    fn a_group_that_is_cut_or_too_long_or_counts_from_nothing_is_malformed() {
        let bytes = encoded();
        for length in 0..bytes.len() {
            assert_eq!(decode_all(bytes[..length].to_vec()), Err(Malformed), "cut to {length} bytes");
        }
        assert_eq!(decode_all([bytes.as_slice(), &[0]].concat()), Err(Malformed));
        assert_eq!(decode_all([&[0; 8], &bytes[8..]].concat()), Err(Malformed));
        assert_eq!(decode_all([&[0xFF; 8], &bytes[8..]].concat()), Err(Malformed));
    }
}
