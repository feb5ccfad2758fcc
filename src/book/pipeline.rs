//! The ordered pipeline of a partition: one thread that reads the log and applies it, record by record.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use smallvec::SmallVec;
use tokio::sync::{mpsc, oneshot, watch};

use super::OrgName;
use super::commons::Commons;
use super::lookahead::{AHEAD, approach};
use super::outbox::Outbox;
use super::partition::{Dirty, Item, Listener, Partition};
use super::progress::Progress;
use super::shelf::Past;
use super::stretch::{Finding, Start, Stretch};
use super::ticker::Ticker;
use super::waiters::Waiters;
use crate::clock::{self, Stopwatch};
use crate::ledger::charge::Charge;
use crate::ledger::effect::{Effect, Outcome};
use crate::ledger::movement::MovementKind;
use crate::ledger::org::Org;
use crate::ledger::price::CreditType;
use crate::ledger::units::{Credits, Position, Timestamp};
use crate::log::{Fingerprint, Log, LogError, Reader, Record};
use crate::metrics::Metrics;
use crate::store::StoreError;
use crate::wire::{Subject, outcome_json};

/// What is asked of the pipeline, between two records.
#[derive(Debug)]
pub enum Ask {
    /// Where do you stand, and what changed since I asked last?
    Cut(oneshot::Sender<Cut>),
    /// Seal the history buffer. Answers the last record whose rows are sealed.
    Seal(oneshot::Sender<Fingerprint>),
    /// These could not be written: ask for them again.
    StillDirty(Vec<Dirty>),
    /// How does an organization stand, and what is its history?
    Look(OrgName, oneshot::Sender<Option<Look>>),
    /// How far is an organization, and what are its rows from a place back?
    Stretch(OrgName, Start, oneshot::Sender<Option<Glance>>),
    /// Where are the rows of these events?
    Find(OrgName, Vec<Position>, oneshot::Sender<Option<Finding>>),
}

/// How far an organization is between two records, with some of its history.
#[derive(Debug)]
pub struct Glance {
    /// The position of its last entry.
    pub position: Position,
    /// The log's time it stands at.
    pub at: Timestamp,
    /// Whether the past is being replayed: the history may then be ahead of it.
    pub is_replay: bool,
    /// Its rows from a place back.
    pub stretch: Stretch,
}

/// An organization between two records.
#[derive(Debug)]
pub struct Look {
    /// The organization.
    pub org: Box<Org>,
    /// Its history.
    pub past: Past,
}

/// Where the pipeline stands: what a checkpoint begins with.
#[derive(Debug)]
pub struct Cut {
    /// The last record that was applied.
    pub fingerprint: Fingerprint,
    /// What belongs to no organization.
    pub commons: Commons,
    /// The organizations that changed since the last cut.
    pub dirty: Vec<Dirty>,
}

/// Everything the pipeline works with.
pub struct Pipeline {
    /// What is folded.
    pub partition: Partition,
    /// The log it reads.
    pub log: Arc<dyn Log>,
    /// What tells the log the time.
    pub ticker: Ticker,
    /// The record that `partition` stands at.
    pub position: Fingerprint,
    /// The last record that an organization contained when we started: while replay has not passed it, it is what
    /// the next checkpoint is sealed at.
    pub sealed: Fingerprint,
    /// Where alerts and refusals leave.
    pub outbox: Arc<Outbox>,
    /// Who waits for outcomes.
    pub waiters: Arc<Waiters>,
    /// What is counted.
    pub metrics: Metrics,
    /// How far we are.
    pub progress: Arc<Progress>,
    /// The keeper's questions.
    pub asks: mpsc::Receiver<Ask>,
    /// Turns true when it is time to stop.
    pub stop: watch::Receiver<bool>,
}

/// Why the pipeline stopped by itself.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// The log cannot be read on.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The history cannot be recalled or kept.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How often a waiting pipeline looks whether it can go on.
const PAUSE: Duration = Duration::from_millis(2);

impl Pipeline {
    /// Reads and applies until told to stop.
    ///
    /// # Errors
    /// [`PipelineError`] where it cannot go on without losing or doubling something.
    pub async fn run(mut self, mut reader: Box<dyn Reader>) -> Result<(), PipelineError> {
        let mut batch: Vec<Record> = Vec::new();
        // Where nobody is left who would say so, it is time too.
        while !*self.stop.borrow() && self.stop.has_changed().is_ok() {
            self.progress.beat(clock::now());
            if self.partition.history().shelf().is_clogged() || self.outbox.is_full() {
                self.wait().await;
                continue;
            }
            let pause = self.ticker.pause(self.partition.next_due(), clock::now());
            tokio::select! {
                biased;
                _ = self.stop.changed() => {}
                Some(ask) = self.asks.recv() => self.answer(ask),
                read = reader.next(&mut batch) => {
                    read?;
                    if batch.is_empty() {
                        self.tick();
                    } else {
                        self.apply(&mut batch, reader.created_ns())?;
                    }
                }
                () = tokio::time::sleep(pause) => self.tick(),
            }
        }
        // What the keeper still asks on its way out.
        while let Some(ask) = self.asks.recv().await {
            self.answer(ask);
        }
        Ok(())
    }

    /// Holds on until the keeper or the publisher has made room.
    async fn wait(&mut self) {
        tokio::select! {
            _ = self.stop.changed() => {}
            Some(ask) = self.asks.recv() => self.answer(ask),
            () = tokio::time::sleep(PAUSE) => {}
        }
    }

    fn tick(&mut self) {
        self.ticker.tick(self.partition.next_due(), clock::now());
    }

    fn answer(&mut self, ask: Ask) {
        match ask {
            Ask::Cut(reply) => {
                let commons = self.partition.commons().clone();
                let cut =
                    Cut { fingerprint: self.position.clone(), commons, dirty: self.partition.take_dirty() };
                if let Err(cut) = reply.send(cut) {
                    self.partition.still_dirty(cut.dirty);
                }
            }
            Ask::Seal(reply) => {
                self.partition.history().seal();
                // A keeper that went away seals again when it is back.
                let replaying = self.position.seq < self.sealed.seq;
                let sealed = if replaying { &self.sealed } else { &self.position };
                drop(reply.send(sealed.clone()));
            }
            Ask::StillDirty(orgs) => self.partition.still_dirty(orgs),
            Ask::Look(name, reply) => {
                let (book, history) = (self.partition.book(), self.partition.past());
                let found = book.read(&name, |slot| (Box::new(slot.org.without_ids()), slot.key));
                // Who asked may be gone.
                drop(reply.send(found.map(|(org, key)| Look { org, past: history.past(key) })));
            }
            Ask::Stretch(name, start, reply) => {
                let (book, history) = (self.partition.book(), self.partition.past());
                let found = book.read(&name, |slot| (slot.key, slot.org.position(), slot.org.at()));
                let is_replay = self.position.seq < self.sealed.seq;
                let glance = |(key, position, at)| Glance {
                    position,
                    at,
                    is_replay,
                    stretch: history.stretch(key, start),
                };
                drop(reply.send(found.map(glance)));
            }
            Ask::Find(name, positions, reply) => {
                let (book, history) = (self.partition.book(), self.partition.past());
                let key = book.read(&name, |slot| slot.key);
                drop(reply.send(key.map(|key| history.finding(key, positions))));
            }
        }
    }

    fn apply(&mut self, batch: &mut Vec<Record>, created_ns: i128) -> Result<(), StoreError> {
        let watch = Stopwatch::start();
        let mut sink = Sink {
            outbox: &self.outbox,
            waiters: &self.waiters,
            metrics: &self.metrics,
            answers: Vec::new(),
            counts: Counts::default(),
        };
        for (place, record) in batch.iter().enumerate() {
            if let Some(next) = batch.get(place.saturating_add(AHEAD)) {
                approach(&self.partition, next);
            }
            self.partition.apply(record, &mut sink)?;
            if record.draft.payload.is_empty() && Subject::parse(&record.draft.subject) == Ok(Subject::Tick) {
                self.ticker.ticked(record.at);
            }
            if record.draft.request != 0 && self.waiters.expects(record.draft.request) {
                self.waiters.answer(record.draft.request, std::mem::take(&mut sink.answers));
            }
            sink.answers.clear();
        }
        sink.count();
        let now = clock::now();
        let age = |record: &Record| {
            u64::try_from(now.micros().saturating_sub(record.at.micros())).unwrap_or(0).saturating_mul(1_000)
        };
        if self.progress.is_caught_up() {
            self.metrics.event_to_balance.record_all(batch.iter().map(|record| (age(record), 1)));
        }
        let records = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        let spent = u64::try_from(watch.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.metrics.apply.record_all([(spent.checked_div(records).unwrap_or(0), records)]);
        if let Some(last) = batch.last() {
            let crc = crc32fast::hash(&last.draft.payload);
            self.position = Fingerprint { created_ns, seq: last.seq, at: last.at, crc };
            self.progress.applied(last.seq, self.partition.commons().at);
        }
        batch.clear();
        Ok(())
    }
}

/// Carries outcomes and effects out of the fold.
struct Sink<'a> {
    outbox: &'a Outbox,
    waiters: &'a Waiters,
    metrics: &'a Metrics,
    answers: Vec<Value>,
    counts: Counts,
}

/// What a batch counted, added to the metrics once.
#[derive(Debug, Default)]
struct Counts {
    received: u64,
    charged: u64,
    voided: u64,
    noted: u64,
    duplicate: u64,
    late: u64,
    debited: SmallVec<[(CreditType, Credits); 4]>,
}

impl Counts {
    fn debit(&mut self, charge: &Charge) {
        for line in &charge.lines {
            match self.debited.iter_mut().find(|(kind, _)| *kind == line.credit_type) {
                Some((_, sum)) => *sum = sum.plus(line.amount),
                None => self.debited.push((line.credit_type, line.amount)),
            }
        }
    }
}

impl Sink<'_> {
    fn count(&self) {
        self.metrics.received.inc_by(self.counts.received);
        self.metrics.charged.inc_by(self.counts.charged);
        self.metrics.voided.inc_by(self.counts.voided);
        self.metrics.noted.inc_by(self.counts.noted);
        self.metrics.duplicate.inc_by(self.counts.duplicate);
        self.metrics.late.inc_by(self.counts.late);
        for (credit_type, amount) in &self.counts.debited {
            self.metrics.debit(*credit_type, *amount);
        }
    }
}

impl Listener for Sink<'_> {
    fn outcome(&mut self, record: &Record, item: Item<'_>, outcome: &Outcome) {
        if *outcome == Outcome::Contained {
            return;
        }
        if item.is_event {
            self.counts.received += 1;
        }
        match outcome {
            Outcome::Charged(charge) => {
                self.counts.charged += 1;
                if item.late {
                    self.counts.late += 1;
                }
                self.counts.debit(charge);
            }
            Outcome::Voided(_) => self.counts.voided += 1,
            Outcome::Noted => self.counts.noted += 1,
            Outcome::Duplicate { .. } => self.counts.duplicate += 1,
            Outcome::Rejected(rejection) => {
                let slug = rejection.reason.slug();
                if item.is_event {
                    self.metrics.rejected.with_label_values(&[slug]).inc();
                } else {
                    self.metrics.commands.with_label_values(&["rejected"]).inc();
                }
                self.outbox.push(super::outbox::rejected(record, item, rejection));
            }
            Outcome::Done => self.metrics.commands.with_label_values(&["done"]).inc(),
            Outcome::Contained | Outcome::Needs(_) => {}
        }
        if record.draft.request != 0 && self.waiters.expects(record.draft.request) {
            self.answers.push(outcome_json(item.position, outcome));
        }
    }

    fn effect(&mut self, org: &str, effect: &Effect) {
        match effect {
            Effect::Moved(movement) => {
                if movement.kind == MovementKind::Granted {
                    self.metrics.grant(movement.credit_type, movement.amount);
                }
            }
            Effect::LowBalance(alert) => {
                self.metrics.alerts.inc();
                self.outbox.push(super::outbox::alert(org, alert));
            }
            Effect::Limit(alert) => {
                self.metrics.alerts.inc();
                self.outbox.push(super::outbox::limit_alert(org, alert));
            }
            Effect::Recharge(alert) => {
                self.metrics.alerts.inc();
                self.outbox.push(super::outbox::recharge_alert(org, alert));
            }
            Effect::Notice(notice) => {
                self.metrics.alerts.inc();
                self.outbox.push(super::outbox::notice(org, notice));
            }
            Effect::Calls(news) => {
                self.metrics.calls.news.with_label_values(&[news.news.slug()]).inc();
                self.outbox.push(super::outbox::call_news(org, news));
            }
            Effect::Orphaned(orphaned) => {
                self.metrics.calls.orphaned.with_label_values(&[orphaned.why.slug()]).inc();
                orphaned.charge.iter().for_each(|charge| self.counts.debit(charge));
                if let Some(number) = orphaned.number {
                    self.outbox.push(super::outbox::orphaned(org, number, orphaned));
                }
            }
            Effect::OrphanReturned(_) => {}
            Effect::WebhooksChanged => self.outbox.webhooks_changed(org),
            Effect::ReportsChanged => self.outbox.reports_changed(org),
        }
    }
}

#[cfg(test)]
mod tests;
