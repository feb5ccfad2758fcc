//! The desk: what every face works with, and the one way to write.
//!
//! Whoever submits gets an answer of one of three kinds: the record is durable and applied, and this became of its items;
//! it is durable and nothing more is known yet; or it is not in the log, and this is why. Whether a record whose
//! append failed half-way is in the log cannot be known: sending it again under the same event ids is always safe.

mod authorizing;
mod restarting;

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use dashmap::DashMap;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::{Mutex, Semaphore, mpsc, oneshot};

pub use self::authorizing::Grounds;
pub use self::restarting::Told;
use super::cells::Cells;
use super::itemise::Itemise;
use super::keeper::Keeper;
use super::outbox::{self, Outbox};
use super::pipeline::{Ask, Glance, Look};
use super::progress::Progress;
use super::shelf::Shelf;
use super::stretch::{Finding, Place, Start};
use super::waiters::Waiters;
use super::{Book, OrgName};
use crate::clock::Stopwatch;
use crate::ledger::rejection::Rejection;
use crate::ledger::units::{Credits, Hour, Millis, Position, Timestamp};
use crate::log::{Draft, Extent, Headers, Log, LogError};
use crate::metrics::Metrics;
use crate::wire::Subject;

/// The most submissions of one process that are under way at once. Past it a submission is refused.
pub const MOST_SUBMISSIONS: usize = 65_536;

/// How long the log may take to say what it holds.
const LOOK_WITHIN: Duration = Duration::from_secs(1);

/// How long what the log said is repeated without asking again.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// A pipeline that gave no sign of life for longer is reported as stuck.
const LONGEST_SILENCE: Millis = Millis(5_000);

/// What every face works with.
pub struct Desk {
    /// The organizations and the catalog.
    pub book: Arc<Book>,
    /// How far the pipeline is.
    pub progress: Arc<Progress>,
    /// What is on its way out.
    pub outbox: Arc<Outbox>,
    /// What is counted.
    pub metrics: Metrics,
    log: Arc<dyn Log>,
    waiters: Arc<Waiters>,
    room: Arc<Semaphore>,
    /// Whether the last hold could not be written.
    unwritten: Arc<AtomicBool>,
    /// What was granted while nobody knew the balance, by organization.
    unchecked: DashMap<OrgName, Credits>,
    /// The pipeline's ear.
    asks: OnceLock<mpsc::WeakSender<Ask>>,
    shelf: OnceLock<Arc<Shelf>>,
    /// Which charges the history shows one by one.
    itemise: Itemise,
    look: Mutex<Option<(Stopwatch, Result<Extent, String>)>>,
}

/// Why the pipeline does not answer.
const GONE: &str = "the pipeline has stopped; see /readyz";

/// What a submission waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// The outcome of every item, for at most this long after the record is durable.
    Applied(Duration),
    /// The record being durable.
    Durable,
}

/// A record that is durable.
#[derive(Clone, Debug, PartialEq)]
pub struct Submitted {
    /// Its sequence number.
    pub seq: u64,
    /// What became of its items, in order, as [`outcome_json`](crate::wire::outcome_json) tells it; empty where nobody
    /// waited for it.
    pub outcomes: Vec<Value>,
}

/// Why a submission has no outcome.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// Too much is under way. Nothing was written.
    #[error("{MOST_SUBMISSIONS} submissions are under way already; try again in a second")]
    Busy,
    /// The pipeline has stopped: what is written now is applied after a restart. Nothing was written.
    #[error("the pipeline has stopped ({0}); find the cause in the log of the daemon and restart it")]
    Stopped(String),
    /// Not all of the log is applied yet, and what is asked for depends on it. Nothing was written.
    #[error("the daemon was just started and stands at record {seq} of {target}; try again in a second")]
    CatchingUp {
        /// The last record that was applied.
        seq: u64,
        /// The last one when the daemon was started.
        target: u64,
    },
    /// The log did not take the record, or did not say that it did.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The record is in the log, but was not applied in time. It will be.
    #[error(
        "record {seq} is durable, but was not applied within {within:?}; its outcome is still open. Look at the \
         balance later, or send it again under the same ids: what was applied then answers as a duplicate"
    )]
    Open {
        /// The record's sequence number.
        seq: u64,
        /// How long was waited.
        within: Duration,
    },
}

/// Why the daemon is not ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unready {
    /// What is not as it should be, as one word for machines.
    pub reason: &'static str,
    /// What it is, with figures, and what will or should happen.
    pub detail: String,
}

/// Gives up waiting when dropped: a request that its sender abandoned leaves no waiter behind.
struct Waiting<'a> {
    waiters: &'a Waiters,
    token: u64,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.waiters.forget(self.token);
    }
}

impl Desk {
    /// A desk over a running partition.
    #[must_use]
    pub fn new(
        book: Arc<Book>,
        log: Arc<dyn Log>,
        waiters: Arc<Waiters>,
        progress: Arc<Progress>,
        outbox: Arc<Outbox>,
        metrics: Metrics,
    ) -> Desk {
        Desk {
            book,
            progress,
            outbox,
            metrics,
            log,
            waiters,
            room: Arc::new(Semaphore::new(MOST_SUBMISSIONS)),
            unwritten: Arc::default(),
            unchecked: DashMap::new(),
            asks: OnceLock::new(),
            shelf: OnceLock::new(),
            itemise: Itemise::default(),
            look: Mutex::new(None),
        }
    }

    /// The same, whose history shows these charges one by one.
    #[must_use]
    pub fn itemising(self, itemise: Itemise) -> Desk {
        Desk { itemise, ..self }
    }

    /// Which charges the history shows one by one.
    #[must_use]
    pub fn itemise(&self) -> Itemise {
        self.itemise
    }

    /// From then on, by the log's time, the history is kept. None where nothing of it was deleted for its age.
    #[must_use]
    pub fn kept_from(&self) -> Option<Timestamp> {
        self.shelf.get()?.kept_from().map(Hour::begin)
    }

    /// Lets the pipeline be asked, and its cells be read. It ends all the same when its keeper has.
    pub fn connect(&self, keeper: &Keeper) {
        // The second of two pipelines would not be this desk's.
        if self.asks.set(keeper.asks.downgrade()).is_ok() {
            let _only = self.shelf.set(Arc::clone(&keeper.shelf));
        }
    }

    /// The cells of the organizations, where there are any.
    #[must_use]
    pub fn cells(&self) -> Option<&Cells> {
        self.shelf.get()?.cells().map(|cells| &**cells)
    }

    /// How an organization stands between two records, and its history. `None` where it is not known.
    ///
    /// # Errors
    /// Why the pipeline does not answer.
    pub async fn look(&self, org: &str) -> Result<Option<Look>, &'static str> {
        let asks = self.asks.get().and_then(mpsc::WeakSender::upgrade).ok_or(GONE)?;
        let (reply, answer) = oneshot::channel();
        asks.send(Ask::Look(OrgName::from(org), reply)).await.map_err(|_| GONE)?;
        drop(asks);
        answer.await.map_err(|_| GONE)
    }

    /// The same, for whoever waits: not for the threads of a runtime.
    ///
    /// # Errors
    /// Why the pipeline does not answer.
    pub fn look_and_wait(&self, org: &str) -> Result<Option<Look>, &'static str> {
        self.ask(|reply| Ask::Look(OrgName::from(org), reply))
    }

    /// How far an organization is, and its rows from a place back. `None` where it is not known. Waits: not for the threads of a
    /// runtime.
    ///
    /// # Errors
    /// Why the pipeline does not answer.
    pub fn stretch(&self, org: &str, start: Start) -> Result<Option<Glance>, &'static str> {
        let name = OrgName::from(org);
        let mut glance = self.ask(|reply| Ask::Stretch(name.clone(), start, reply))?;
        if glance.as_mut().is_some_and(|glance| !glance.stretch.begins_well()) {
            let place = start.place.map(|place| Place { block: None, ..place });
            glance = self.ask(|reply| Ask::Stretch(name, Start { place, ..start }, reply))?;
        }
        Ok(glance)
    }

    /// Where the rows of events at these positions are. `None` for an organization that is not known. Waits: not for the threads of
    /// a runtime.
    ///
    /// # Errors
    /// Why the pipeline does not answer.
    pub fn find(&self, org: &str, positions: Vec<Position>) -> Result<Option<Finding>, &'static str> {
        self.ask(|reply| Ask::Find(OrgName::from(org), positions, reply))
    }

    fn ask<T>(&self, ask: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Result<T, &'static str> {
        let asks = self.asks.get().and_then(mpsc::WeakSender::upgrade).ok_or(GONE)?;
        let (reply, answer) = oneshot::channel();
        asks.blocking_send(ask(reply)).map_err(|_| GONE)?;
        drop(asks);
        answer.blocking_recv().map_err(|_| GONE)
    }

    /// Counts an item that was refused before it reached the log, and lets a copy of it leave, as one of the log's would.
    /// `subject` is where it would have gone, if that is known. The one who sent it is answered; while too much waits to
    /// leave, that is all.
    pub fn refuse(&self, subject: Option<&str>, item: &str, rejection: &Rejection, now: Timestamp) {
        self.count_refused(rejection);
        if !self.outbox.is_full() {
            let id = format!("rejected.{:016x}", self.waiters.token());
            self.outbox.push(outbox::refused(id, subject, item, now, rejection));
        }
    }

    /// The same of an item that is delivered again until it is done, under an id that is the item's own: so its copy leaves once, however
    /// often it is delivered. Waits until the copy has left; a call that is dropped waits no more, and the copy leaves all the same.
    pub async fn refuse_delivered(
        &self,
        id: &str,
        subject: &str,
        item: &str,
        rejection: &Rejection,
        now: Timestamp,
    ) {
        if self.outbox.push(outbox::refused(id.to_owned(), Some(subject), item, now, rejection)) {
            self.count_refused(rejection);
        }
        // Only an outbox that is gone tells nothing, and then nobody is there to be told.
        drop(self.outbox.left(id).await);
    }

    fn count_refused(&self, rejection: &Rejection) {
        self.metrics.received.inc();
        self.metrics.rejected.with_label_values(&[rejection.reason.slug()]).inc();
    }

    /// Who waits for outcomes.
    #[must_use]
    pub fn waiters(&self) -> &Arc<Waiters> {
        &self.waiters
    }

    /// Appends one record and waits as long as asked. A call that is dropped waits no more; its record may be in the log.
    ///
    /// # Errors
    /// [`SubmitError`], which says whether the record is in the log.
    pub async fn submit(
        &self,
        subject: Subject<'_>,
        headers: Option<Box<Headers>>,
        payload: Bytes,
        wait: Wait,
    ) -> Result<Submitted, SubmitError> {
        let _room = self.room.try_acquire().map_err(|_| SubmitError::Busy)?;
        if let Some(failure) = self.progress.failure() {
            return Err(SubmitError::Stopped(failure));
        }
        let draft = Draft { subject: subject.to_string(), headers, request: 0, payload };
        let Wait::Applied(within) = wait else {
            return Ok(Submitted { seq: self.log.append(draft).await?, outcomes: Vec::new() });
        };
        let (token, answer) = self.waiters.register();
        let _waiting = Waiting { waiters: &self.waiters, token };
        let seq = self.log.append(Draft { request: token, ..draft }).await?;
        match tokio::time::timeout(within, answer).await {
            Ok(Ok(outcomes)) => Ok(Submitted { seq, outcomes }),
            Ok(Err(_)) | Err(_) => Err(SubmitError::Open { seq, within }),
        }
    }

    /// What the log holds, at most a second ago.
    ///
    /// # Errors
    /// Why it cannot be known, as a sentence.
    pub async fn extent(&self) -> Result<Extent, String> {
        // Held while asking: a log that does not answer is asked once, not once for each that wants to know.
        let mut look = self.look.lock().await;
        if let Some((since, seen)) = &*look
            && since.elapsed() < LOOK_AGAIN_AFTER
        {
            return seen.clone();
        }
        let seen = match tokio::time::timeout(LOOK_WITHIN, self.log.extent()).await {
            Ok(Ok(extent)) => Ok(extent),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("the log did not answer within {LOOK_WITHIN:?}")),
        };
        *look = Some((Stopwatch::start(), seen.clone()));
        seen
    }

    /// Every reason not to send anything here at `now`; none when all is well.
    pub async fn ready(&self, now: Timestamp) -> Vec<Unready> {
        let mut reasons = Vec::new();
        let mut because = |reason, detail| reasons.push(Unready { reason, detail });
        let silence = now.micros().saturating_sub(self.progress.last_beat().micros());
        if let Some(failure) = self.progress.failure() {
            because("pipeline_stopped", format!("{failure}; find the cause and restart the daemon"));
        } else if self.progress.last_beat().plus(LONGEST_SILENCE) < now {
            because("pipeline_silent", format!("no sign of life for {} s", silence / 1_000_000));
        }
        if !self.progress.is_caught_up() {
            let (seq, target) = (self.progress.seq(), self.progress.target());
            because("catching_up", format!("at record {seq} of {target}; wait"));
        }
        if let Some(trouble) = self.progress.trouble() {
            because(
                "no_checkpoint",
                format!("{trouble}; the log keeps everything meanwhile, make room on the disk"),
            );
        }
        if let Err(why) = self.extent().await {
            because("log_unreachable", why);
        }
        reasons
    }
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").field("progress", &self.progress).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
