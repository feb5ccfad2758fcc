//! The reader: catches up from the files in large pieces, then follows the writer's tail in memory.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::watch;
use tokio::time::timeout;

use super::durable::{Cursor, Durable, News, Place};
use super::group::{Group, Malformed};
use super::io_error;
use super::segment::{self, GROUPS_FROM, Groups, Mark, Trouble};
use crate::log::{BATCH, Fingerprint, Lineage, LogError, Reader, Record};

/// How long [`Reader::next`] waits before it returns without a record.
const PATIENCE: Duration = Duration::from_millis(100);

/// A reader of the local log.
#[derive(Debug)]
pub(super) struct LocalReader {
    durable: Arc<Durable>,
    news: watch::Receiver<News>,
    cursor: Cursor,
    /// The file being caught up from.
    file: Option<(u64, Groups)>,
    /// The group being handed over; `cursor` is after it.
    group: Option<Group>,
}

impl LocalReader {
    /// Opens a reader after `position`, if the log is the one the position was taken from.
    pub(super) fn open(durable: &Arc<Durable>, position: &Fingerprint) -> Result<LocalReader, LogError> {
        let (Some(front), last) = (durable.front(), durable.last().seq) else { return Err(LogError::Closed) };
        let (seq, first) = (position.seq, front.first());
        if seq > 0 && position.created_ns != durable.created_ns {
            let (expected_ns, found_ns) = (position.created_ns, durable.created_ns);
            return Err(Lineage::Recreated { expected_ns, found_ns }.into());
        }
        if seq > last {
            return Err(Lineage::Truncated { last, position: seq }.into());
        }
        if seq + 1 < first {
            return Err(Lineage::Purged { first, needed: seq + 1 }.into());
        }
        let mut reader = LocalReader {
            durable: Arc::clone(durable),
            news: durable.watch(),
            cursor: Cursor { next: first, segment: first, offset: GROUPS_FROM },
            file: None,
            group: None,
        };
        let there = if seq < first { Some(front.header.before) } else { reader.seek(seq)? };
        let expected = Mark { seq, at: position.at, crc: position.crc };
        // Before the first record there is nothing to recognise a log by: any will do.
        if seq > 0 && there != Some(expected) {
            return Err(Lineage::Forked { position: seq }.into());
        }
        Ok(reader)
    }

    /// Reads on until the record `seq` was taken, and answers its mark.
    fn seek(&mut self, seq: u64) -> Result<Option<Mark>, LogError> {
        let Some(segment) = self.durable.segment_of(seq) else { return Ok(None) };
        self.cursor = Cursor { next: segment.first(), segment: segment.first(), offset: GROUPS_FROM };
        while self.advance()? {
            if self.cursor.next <= seq {
                continue;
            }
            while let Some(record) = self.take()? {
                if record.seq == seq {
                    return Ok(Some(Mark::of(&record)));
                }
            }
        }
        Ok(None)
    }

    /// The next record of the group at hand.
    fn take(&mut self) -> Result<Option<Record>, LogError> {
        let Some(group) = &mut self.group else { return Ok(None) };
        let record = group.next().map_err(|error| self.malformed(error))?;
        if record.is_none() {
            self.group = None;
        }
        Ok(record)
    }

    /// Takes the next durable group to hand; `false` when there is none yet.
    fn advance(&mut self) -> Result<bool, LogError> {
        loop {
            if let Some((first, groups)) = &mut self.file {
                match groups.next() {
                    Ok(Some(group)) => {
                        self.cursor =
                            Cursor { next: groups.next_seq(), segment: *first, offset: groups.offset() };
                        self.group = Some(group);
                        return Ok(true);
                    }
                    Ok(None) => self.file = None,
                    Err(trouble) => {
                        let error = match trouble {
                            // What is durable was once complete: here a torn frame is a damaged one.
                            Trouble::Torn { offset, flaw, .. } => groups.damaged(offset, &flaw, None),
                            Trouble::Log(error) => error,
                        };
                        // The next call begins at the cursor again, and fails the same way.
                        self.file = None;
                        return Err(error);
                    }
                }
            }
            match self.durable.find(self.cursor) {
                Place::End => return Ok(false),
                Place::Gone { first } => {
                    return Err(Lineage::Purged { first, needed: self.cursor.next }.into());
                }
                Place::Memory(tail) => {
                    self.group = Some(Group::decode(tail.payload).map_err(|error| self.malformed(error))?);
                    self.cursor = tail.after;
                    return Ok(true);
                }
                Place::File { first, from, to } => {
                    self.file = Some((first, self.open_file(first, from, to)?))
                }
            }
        }
    }

    fn open_file(&self, first: u64, from: u64, to: u64) -> Result<Groups, LogError> {
        let path = segment::path(&self.durable.folder, first);
        Groups::open(path.clone(), self.cursor.next, from, to).map_err(|error| {
            let (now_first, needed) = (self.durable.extent().first, self.cursor.next);
            if error.kind() == io::ErrorKind::NotFound && now_first > needed {
                return Lineage::Purged { first: now_first, needed }.into();
            }
            io_error(&path, "read", error)
        })
    }

    fn malformed(&self, error: Malformed) -> LogError {
        let path = segment::path(&self.durable.folder, self.cursor.segment);
        LogError::Damaged(format!(
            "the log is damaged: in {} the group that ends at byte {} is not sound ({error}); restore the file from a copy",
            path.display(),
            self.cursor.offset
        ))
    }

    /// Waits until the next record is durable, the log is closed, or patience ends.
    async fn wait(&mut self) -> News {
        let next = self.cursor.next;
        let news = timeout(PATIENCE, self.news.wait_for(|news| news.last >= next || news.closed)).await;
        drop(news);
        *self.news.borrow()
    }

    /// Pushes the records that are there; whether there was any.
    fn push(&mut self, batch: &mut Vec<Record>) -> Result<bool, LogError> {
        let empty = batch.len();
        while batch.len() < empty + BATCH {
            match self.step(batch) {
                Ok(true) => {}
                Ok(false) => break,
                // What is sound is handed over first; the next call meets the error again.
                Err(_) if batch.len() > empty => break,
                Err(error) => return Err(error),
            }
        }
        Ok(batch.len() > empty)
    }

    /// Pushes a record or takes a group to hand; `false` when neither is there.
    fn step(&mut self, batch: &mut Vec<Record>) -> Result<bool, LogError> {
        match self.take()? {
            Some(record) => {
                batch.push(record);
                Ok(true)
            }
            None => self.advance(),
        }
    }
}

impl Reader for LocalReader {
    fn next<'a>(&'a mut self, batch: &'a mut Vec<Record>) -> BoxFuture<'a, Result<(), LogError>> {
        async move {
            if self.push(batch)? {
                return Ok(());
            }
            let news = self.wait().await;
            if !self.push(batch)? && news.closed {
                return Err(LogError::Closed);
            }
            Ok(())
        }
        .boxed()
    }

    fn created_ns(&self) -> i128 {
        self.durable.created_ns
    }
}
