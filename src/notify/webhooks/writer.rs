//! The writer: one thread that brings changes to the disk, as many at once as there are.
//!
//! While the disk is full it tries again, and whoever handed something over waits; nothing is lost by that. After any other
//! failure the queue takes nothing more until a restart, which reads the disk and so knows what stands on it.

use std::sync::Arc;
use std::time::Duration;

use super::WebhookError;
use super::desk::Desk;
use super::journal::Journal;
use super::lines::Lines;
use super::record::{Record, Unwritten, groups};
use crate::store::codec::CodecError;

/// How long a full disk is left alone.
const NO_ROOM_PAUSE: Duration = Duration::from_millis(500);
/// A file is written anew when it is so many times as large as what it would then hold.
const REWRITE_RATIO: u64 = 3;

/// The one writer of a queue.
pub(super) struct Writer {
    pub(super) desk: Arc<Desk>,
    pub(super) journal: Journal,
    /// The size of the file, in bytes, below which it is not written anew.
    pub(super) floor: u64,
}

/// What the writer has to do.
enum Work {
    Append(Vec<u8>),
    /// Write the file anew with all lines; the changes not yet written, should that fail.
    Rewrite {
        all: Vec<u8>,
        changes: Vec<u8>,
    },
}

impl Writer {
    /// Writes until the desk is closed and everything is written.
    pub(super) fn run(mut self) {
        while let Some((work, count)) = self.wait() {
            let result = match work {
                Work::Append(changes) => self.append(&changes),
                Work::Rewrite { all, changes } => self.rewrite(&all, &changes),
            };
            match result {
                Ok(()) => self.desk.durable.send_modify(|durable| durable.count = count),
                Err(error) => return self.fail(error.to_string().into()),
            }
        }
        self.desk.durable.send_modify(|durable| {
            durable.failure.get_or_insert_with(|| WebhookError::Closed.to_string().into());
        });
    }

    /// Waits for changes; `None` when there will be no more.
    fn wait(&mut self) -> Option<(Work, u64)> {
        let desk = Arc::clone(&self.desk);
        let mut lines = desk.lines();
        while lines.unwritten.is_empty() {
            if let Some(broken) = lines.broken.clone() {
                drop(lines);
                self.fail(broken);
                return None;
            }
            if desk.has_ended() {
                return None;
            }
            desk.work.wait(&mut lines);
        }
        let (changes, count) = (lines.unwritten.take(), lines.unwritten.count());
        let live = u64::try_from(lines.bytes()).unwrap_or(u64::MAX);
        let outgrown = self.journal.len() > self.floor.max(live.saturating_mul(REWRITE_RATIO));
        let work = match outgrown.then(|| snapshot(&lines)) {
            Some(Ok(all)) => Work::Rewrite { all, changes },
            None | Some(Err(_)) => Work::Append(changes),
        };
        Some((work, count))
    }

    fn append(&mut self, changes: &[u8]) -> Result<(), WebhookError> {
        for group in groups(changes) {
            while let Err(error) = self.journal.append(group) {
                if !error.is_no_room() || self.desk.has_ended() {
                    return Err(error);
                }
                self.tell_waiting(Some(&error));
                std::thread::sleep(NO_ROOM_PAUSE);
            }
        }
        if self.desk.durable.borrow().waiting.is_some() {
            self.tell_waiting(None);
        }
        Ok(())
    }

    fn rewrite(&mut self, all: &[u8], changes: &[u8]) -> Result<(), WebhookError> {
        match self.journal.prepare(all) {
            Ok(prepared) => {
                self.journal.replace(prepared, false)?;
                // What is alive may be more than the floor: the next time is when it has grown again.
                self.floor = self.floor.max(self.journal.len().saturating_mul(2));
                Ok(())
            }
            Err(error) => {
                tracing::warn!(%error, "the webhooks' queue could not be written anew; it goes on in its present file");
                self.floor = self.floor.max(self.journal.len().saturating_mul(2));
                self.append(changes)
            }
        }
    }

    fn tell_waiting(&self, error: Option<&WebhookError>) {
        if let Some(error) = error {
            tracing::warn!(%error, "webhooks wait for room on the disk");
        }
        let text = error.map(|error| error.to_string().into());
        self.desk.durable.send_modify(|durable| durable.waiting = text);
    }

    /// Nothing more is written; what changes from now on is not kept for it either.
    fn fail(&self, failure: Arc<str>) {
        tracing::error!(%failure, "the webhooks' queue takes nothing more until a restart");
        self.desk.lines().unwritten.close();
        self.desk.durable.send_modify(|durable| durable.failure = Some(failure));
    }
}

/// All lines, as records.
pub(super) fn snapshot(lines: &Lines) -> Result<Vec<u8>, CodecError> {
    let mut all = Unwritten::default();
    for line in lines.iter() {
        all.push(&Record::Line(Box::new(line.clone())))?;
    }
    Ok(all.take())
}
