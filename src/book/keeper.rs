//! The keeper: a thread that makes what the pipeline leaves behind durable.
//!
//! A checkpoint goes in this order, and the order is what makes it right:
//!
//! 1. *cut*: the pipeline tells where it stands and which organizations changed;
//! 2. each of those is encoded under its own guard, with the position of its own last entry, at or after the cut;
//! 3. *seal*: the history buffer is sealed and written, so that every row of an entry that an encoded
//!    organization contains is in a run;
//! 4. the newest blocks of the history, the messages still on their way, and the cut itself are committed.
//!
//! Replay starts at the cut. An organization skips what it contains; a row that a run holds is not written again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

use super::commons::Commons;
use super::outbox::{Outbox, Outgoing};
use super::partition::Dirty;
use super::pipeline::{Ask, Cut};
use super::progress::Progress;
use super::shelf::Shelf;
use super::{Book, OrgName};
use crate::clock::Stopwatch;
use crate::ledger::units::{Hour, Position};
use crate::log::{Fingerprint, Log};
use crate::metrics::Metrics;
use crate::store::checkpoint::Checkpoints;
use crate::store::history::BlockRef;
use crate::store::{OrgKey, StoreError, codec};

/// The description of a checkpoint: everything in it that is not an organization.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Meta {
    /// The record it was cut at: replay starts after it.
    pub cut: Fingerprint,
    /// The last record whose rows are in runs. No organization contains a later one: the log must still hold
    /// this very record, or the checkpoint is of another log.
    pub sealed: Fingerprint,
    /// What belongs to no organization.
    pub commons: Commons,
    /// The newest run.
    pub run: u32,
    /// Messages that had not arrived yet.
    pub outbox: Vec<Outgoing>,
    /// From this hour of the log on, rows of the history are kept.
    pub kept_from: Option<Hour>,
}

/// What the keeper is told.
#[derive(Debug)]
pub enum Call {
    /// A buffer was sealed.
    Sealed,
    /// Take a checkpoint now. Answers the record it was cut at.
    Checkpoint(oneshot::Sender<Result<u64, String>>),
    /// Take a last checkpoint and end.
    Stop,
}

/// The ids of how many hours, before the current one, are kept in memory.
const OPEN_HOURS: i32 = 2;

/// How often sealed buffers and the clock are looked at when nobody calls.
const LOOK: Duration = Duration::from_millis(200);

/// Everything the keeper works with.
pub struct Keeper {
    /// The organizations.
    pub book: Arc<Book>,
    /// Their names by number.
    pub names: Vec<OrgName>,
    /// The folder of checkpoints.
    pub checkpoints: Checkpoints,
    /// The history.
    pub shelf: Arc<Shelf>,
    /// What is on its way.
    pub outbox: Arc<Outbox>,
    /// The pipeline.
    pub asks: mpsc::Sender<Ask>,
    /// The log, which may let go of what is checkpointed.
    pub log: Arc<dyn Log>,
    /// The newest run.
    pub run: u32,
    /// The time between two checkpoints.
    pub every: Duration,
    /// What is counted.
    pub metrics: Metrics,
    /// Where trouble is shown.
    pub progress: Arc<Progress>,
    /// Blocks written since the last commit.
    pub heads: BTreeMap<OrgKey, BlockRef>,
    /// The cuts of the last two bases: the log is kept from the older one on.
    pub bases: [u64; 2],
    /// The record of the last checkpoint, and how many messages had been added to the outbox before it.
    pub last: Option<(u64, u64)>,
    /// The hour in which ids were last let go of.
    pub hour: Hour,
    /// For so many hours rows of the history are kept; for ever where nothing is said.
    pub keep: Option<i32>,
}

/// Why a checkpoint could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum KeeperError {
    /// The disk or the codec refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The pipeline is gone.
    #[error("the pipeline has stopped")]
    Gone,
}

impl From<codec::CodecError> for KeeperError {
    fn from(source: codec::CodecError) -> Self {
        KeeperError::Store(StoreError::Meta { source })
    }
}

impl Keeper {
    /// Works until told to stop, then takes a last checkpoint.
    pub fn run(mut self, calls: &Receiver<Call>) {
        let mut since = Stopwatch::start();
        loop {
            let wait = LOOK.min(self.every.saturating_sub(since.elapsed()));
            match calls.recv_timeout(wait) {
                Ok(Call::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(Call::Checkpoint(reply)) => {
                    let done = self.checkpoint().map_err(|error| error.to_string());
                    since = Stopwatch::start();
                    // Whoever asked may have gone.
                    drop(reply.send(done));
                }
                Ok(Call::Sealed) | Err(RecvTimeoutError::Timeout) => {
                    if let Err(error) = self.write_runs() {
                        self.trouble(&error);
                    } else if since.elapsed() >= self.every {
                        self.checkpoint_or_report();
                        since = Stopwatch::start();
                    }
                }
            }
        }
        self.checkpoint_or_report();
    }

    fn checkpoint_or_report(&mut self) {
        if let Err(error) = self.checkpoint() {
            self.trouble(&error);
        }
    }

    fn trouble(&self, error: &KeeperError) {
        tracing::error!(%error, "no checkpoint was taken; it will be tried again, the log keeps everything meanwhile");
        self.metrics.checkpoints.with_label_values(&["failed"]).inc();
        self.progress.checkpoint_trouble(Some(error.to_string()));
    }

    /// Takes a checkpoint. Answers the record it was cut at.
    fn checkpoint(&mut self) -> Result<u64, KeeperError> {
        let watch = Stopwatch::start();
        let (reply, answer) = oneshot::channel();
        self.asks.blocking_send(Ask::Cut(reply)).map_err(|_| KeeperError::Gone)?;
        let cut = answer.blocking_recv().map_err(|_| KeeperError::Gone)?;
        let seq = cut.fingerprint.seq;
        // What was refused before it reached the log is in the outbox alone.
        let now = Some((seq, self.outbox.added()));
        if cut.dirty.is_empty() && self.last == now {
            return Ok(seq);
        }
        let dirty = cut.dirty.clone();
        match self.write(cut) {
            Ok(orgs) => {
                self.metrics.checkpoint.record(watch.elapsed());
                self.metrics.checkpoints.with_label_values(&["done"]).inc();
                self.metrics.checkpoint_orgs.set(i64::try_from(orgs).unwrap_or(i64::MAX));
                self.metrics.checkpoint_position.set(i64::try_from(seq).unwrap_or(i64::MAX));
                self.progress.checkpoint_trouble(None);
                self.last = now;
                Ok(seq)
            }
            Err(error) => {
                self.give_back(dirty);
                Err(error)
            }
        }
    }

    fn write(&mut self, cut: Cut) -> Result<usize, KeeperError> {
        for (key, name) in &cut.dirty {
            let at = key.0 as usize;
            if self.names.len() <= at {
                self.names.resize(at.saturating_add(1), OrgName::default());
            }
            self.names[at] = name.clone();
        }
        let base = self.checkpoints.should_rebase();
        let all = (0..).map(OrgKey).zip(self.names.iter().cloned());
        let orgs: Vec<Dirty> = if base { all.collect() } else { cut.dirty };
        let seq = cut.fingerprint.seq;
        let written = self.section(base, &orgs, cut.fingerprint, cut.commons)?;
        self.heads.clear();
        self.shelf.cells().iter().for_each(|cells| cells.commit(self.run));
        if base {
            self.bases = [self.bases[1], seq];
            self.let_go();
        }
        self.delete_outlived();
        self.forget_ids(written);
        Ok(orgs.len())
    }

    /// Writes and commits one section of the checkpoint file. Answers the last record whose rows are in runs.
    fn section(
        &mut self,
        base: bool,
        orgs: &[Dirty],
        cut: Fingerprint,
        commons: Commons,
    ) -> Result<u64, KeeperError> {
        let Keeper { checkpoints, book, shelf, asks, run, metrics, heads, outbox, .. } = self;
        let mut section = if base { checkpoints.begin_base()? } else { checkpoints.begin_increment()? };
        let mut bytes = Vec::new();
        for (key, name) in orgs {
            let Some(mut slot) = book.slots.get_mut(name) else { continue };
            bytes.clear();
            codec::encode_into(&(&**name, &slot.org), &mut bytes)?;
            slot.dirty = false;
            drop(slot);
            section.put(*key, &bytes)?;
        }
        let (reply, answer) = oneshot::channel();
        asks.blocking_send(Ask::Seal(reply)).map_err(|_| KeeperError::Gone)?;
        let sealed = answer.blocking_recv().map_err(|_| KeeperError::Gone)?;
        write_runs(shelf, run, heads, metrics)?;
        if base {
            // Also of organizations that are not on the list: made after the cut, or, while a replay goes on, not made yet again.
            for (key, block) in shelf.heads() {
                section.head(key, block)?;
            }
        } else {
            for (key, block) in heads {
                section.head(*key, *block)?;
            }
        }
        let written = sealed.seq;
        let (outbox, kept_from) = (outbox.waiting(), shelf.kept_from());
        let meta = Meta { cut, sealed, commons, run: *run, outbox, kept_from };
        bytes.clear();
        codec::encode_into(&meta, &mut bytes)?;
        section.commit(&bytes)?;
        Ok(written)
    }

    /// Puts organizations back on the pipeline's list.
    fn give_back(&self, dirty: Vec<Dirty>) {
        if self.asks.blocking_send(Ask::StillDirty(dirty)).is_err() {
            tracing::warn!("the pipeline has stopped; the next start replays what this checkpoint lacks");
        }
    }

    fn write_runs(&mut self) -> Result<(), KeeperError> {
        write_runs(&self.shelf, &mut self.run, &mut self.heads, &self.metrics)
    }

    /// Deletes old checkpoints, and lets the log go up to the base before the last.
    fn let_go(&mut self) {
        let kept = self.bases[0];
        if let Err(error) =
            self.checkpoints.retire(|meta| codec::decode::<Meta>(meta).is_ok_and(|meta| meta.cut.seq > kept))
        {
            tracing::warn!(%error, "old checkpoints stay for now");
        }
        if let Err(error) = self.log.release(kept) {
            tracing::warn!(%error, "old segments of the log stay for now");
        }
    }

    /// Deletes the rows that a committed checkpoint says are not kept.
    fn delete_outlived(&self) {
        match self.shelf.delete_outlived() {
            Ok(0) => {}
            Ok(runs) => tracing::info!(runs, "rows of the history were deleted for their age"),
            Err(error) => tracing::warn!(%error, "old rows of the history stay for now"),
        }
    }

    /// Lets go of the ids of closed hours: the history holds every entry up to `written`.
    fn forget_ids(&mut self, written: u64) {
        let hour = self.progress.at().hour();
        if hour == self.hour {
            return;
        }
        self.hour = hour;
        if let Some(Err(error)) = self.keep.map(|hours| self.shelf.outlive(hour.back(hours))) {
            tracing::warn!(%error, "old rows of the history stay for now");
        }
        let upto = Position { seq: written, item: u32::MAX };
        for name in &self.names {
            if let Some(mut slot) = self.book.slots.get_mut(name) {
                slot.org.forget_ids(hour.back(OPEN_HOURS), upto);
            }
        }
    }
}

/// Writes every sealed buffer as a run.
fn write_runs(
    shelf: &Shelf,
    run: &mut u32,
    heads: &mut BTreeMap<OrgKey, BlockRef>,
    metrics: &Metrics,
) -> Result<(), KeeperError> {
    while let Some(touched) = shelf.write_next(run.saturating_add(1))? {
        *run = run.saturating_add(1);
        metrics.runs.inc();
        heads.extend(touched);
    }
    Ok(())
}
