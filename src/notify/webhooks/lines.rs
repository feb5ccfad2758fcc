//! All lines, and what is decided about them: who is sent to next, who is given up, what is put off until when.
//!
//! Every decision is a record, written down and then applied ([`Lines::commit`]); nothing else changes a line. Time and the
//! outcome of attempts come in as arguments.

use std::collections::HashMap;
use std::sync::Arc;

use super::agenda::{Agenda, Lane};
use super::attempt::{Attempt, Outcome, Wish};
use super::endpoint::{Endpoint, EndpointKey, Message, MessageId};
use super::health::Counts;
use super::line::Line;
use super::options::Options;
use super::record::{Record, Unwritten, WhyGivenUp};
use super::retry::{self, millis};
use crate::ledger::units::Timestamp;

/// The lines of all endpoints.
#[derive(Debug)]
pub(super) struct Lines {
    lines: HashMap<EndpointKey, Line>,
    agenda: Agenda,
    /// What is changed and not yet on disk.
    pub(super) unwritten: Unwritten,
    /// Why a change could not be written down.
    pub(super) broken: Option<Arc<str>>,
    /// The bytes of all messages that are kept.
    bytes: usize,
    sound_in_flight: usize,
    failing_in_flight: usize,
    sums: Sums,
    options: Arc<Options>,
}

/// Counts since the start of the program.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    attempts: u64,
    delivered: u64,
    given_up: u64,
    lost: u64,
}

/// An attempt to make.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) message: Arc<Message>,
    pub(super) lane: Lane,
}

impl Lines {
    pub(super) fn new(options: Arc<Options>) -> Lines {
        Lines {
            lines: HashMap::new(),
            agenda: Agenda::default(),
            unwritten: Unwritten::default(),
            broken: None,
            bytes: 0,
            sound_in_flight: 0,
            failing_in_flight: 0,
            sums: Sums::default(),
            options,
        }
    }

    /// The line of an endpoint.
    pub(super) fn get(&self, key: &EndpointKey) -> Option<&Line> {
        self.lines.get(key)
    }

    /// All lines, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Line> {
        self.lines.values()
    }

    /// How many endpoints there are.
    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    /// The bytes of all messages that are kept.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Numbers over all lines.
    pub(super) fn counts(&self) -> Counts {
        let mut counts = Counts {
            endpoints: self.lines.len(),
            bytes: self.bytes,
            in_flight: self.sound_in_flight + self.failing_in_flight,
            attempts: self.sums.attempts,
            delivered: self.sums.delivered,
            given_up: self.sums.given_up,
            lost: self.sums.lost,
            ..Counts::default()
        };
        for line in self.lines.values() {
            counts.failing += usize::from(line.is_open() && line.failures > 0);
            counts.disabled += usize::from(!line.is_open());
            counts.queued += line.waiting.len();
        }
        counts
    }

    /// Replays a record.
    pub(super) fn apply(&mut self, record: Record) {
        let key = match &record {
            Record::Line(line) => line.endpoint.key.clone(),
            Record::Put(endpoint) => endpoint.key.clone(),
            Record::Queued { key, .. }
            | Record::Attempted { key, .. }
            | Record::GivenUp { key, .. }
            | Record::Dropped { key, .. }
            | Record::Disabled { key, .. }
            | Record::Enabled { key }
            | Record::Forgotten { key } => key.clone(),
        };
        self.bytes -= self.lines.get(&key).map_or(0, Line::bytes);
        self.change(&key, record);
        self.bytes += self.lines.get(&key).map_or(0, Line::bytes);
        self.reschedule(&key);
    }

    fn change(&mut self, key: &EndpointKey, record: Record) {
        let options = Arc::clone(&self.options);
        let line = self.lines.get_mut(key);
        match (record, line) {
            (Record::Line(line), _) => drop(self.lines.insert(key.clone(), *line)),
            (Record::Put(endpoint), Some(line)) => line.put(endpoint),
            (Record::Put(endpoint), None) => drop(self.lines.insert(key.clone(), Line::new(endpoint))),
            (Record::Forgotten { .. }, _) => drop(self.lines.remove(key)),
            (Record::Queued { message, at, .. }, Some(line)) => line.queue(message, at),
            (Record::Attempted { id, attempt, due, .. }, Some(line)) => {
                line.attempted(&id, attempt, due, &options);
            }
            (Record::GivenUp { id, at, why, .. }, Some(line)) => line.give_up(&id, at, why, &options),
            (Record::Dropped { id, .. }, Some(line)) => line.drop_failed(&id),
            (Record::Disabled { at, reason, .. }, Some(line)) => line.gone = Some((at, reason)),
            (Record::Enabled { .. }, Some(line)) => line.enable(),
            // A record of a line that is no more, as of an attempt that was in flight when it was forgotten.
            (_, None) => {}
        }
    }

    /// Writes a record down and applies it.
    fn commit(&mut self, record: Record) {
        match self.unwritten.push(&record) {
            Ok(()) => self.apply(record),
            Err(error) => self.broken = Some(error.to_string().into()),
        }
    }

    /// Takes over the definition of an endpoint, if it is not the one known.
    pub(super) fn put(&mut self, endpoint: &Endpoint) {
        if self.lines.get(&endpoint.key).is_none_or(|line| *line.endpoint != *endpoint) {
            self.commit(Record::Put(endpoint.clone()));
        }
    }

    /// Queues a message; where there is no room, the oldest is given up.
    pub(super) fn queue(&mut self, key: &EndpointKey, message: Arc<Message>, at: Timestamp) {
        self.make_room(key, message.payload.len(), at);
        self.commit(Record::Queued { key: key.clone(), message, at });
    }

    /// An endpoint that was left alone is tried again.
    pub(super) fn enable(&mut self, key: &EndpointKey) {
        self.commit(Record::Enabled { key: key.clone() });
    }

    /// Removes an endpoint with everything that waits for it.
    pub(super) fn forget(&mut self, key: &EndpointKey) {
        self.commit(Record::Forgotten { key: key.clone() });
    }

    fn make_room(&mut self, key: &EndpointKey, bytes: usize, at: Timestamp) {
        while let Some(oldest) =
            self.lines.get(key).filter(|line| self.is_crowded(line, bytes)).and_then(Line::oldest)
        {
            self.lose(key.clone(), oldest.message.id.clone(), at);
        }
        while self.bytes + bytes > self.options.total_bytes
            && let Some(line) = self.lines.values().max_by_key(|line| line.bytes())
        {
            let key = line.endpoint.key.clone();
            match (line.failed.front(), line.oldest()) {
                (Some(failed), _) => {
                    let id = failed.parcel.message.id.clone();
                    self.commit(Record::Dropped { key, id });
                }
                (None, Some(oldest)) => self.lose(key, oldest.message.id.clone(), at),
                (None, None) => break,
            }
            if self.broken.is_some() {
                break;
            }
        }
    }

    fn is_crowded(&self, line: &Line, bytes: usize) -> bool {
        self.broken.is_none()
            && (line.waiting.len() >= self.options.queued
                || line.waiting_bytes() + bytes > self.options.queued_bytes)
    }

    fn lose(&mut self, key: EndpointKey, id: MessageId, at: Timestamp) {
        let lost_before = self.lines.get(&key).map_or(0, |line| line.totals.lost);
        if lost_before == 0 {
            tracing::warn!(endpoint = %key, message = %id, "a webhook is lost: too many wait; more may follow");
        }
        self.sums.lost += 1;
        self.commit(Record::GivenUp { key, id, at, why: WhyGivenUp::Overflow });
    }

    /// The attempts that may begin now, in the order of turns; those that waited too long are given up instead.
    pub(super) fn start(&mut self, now: Timestamp) -> Vec<Start> {
        let mut starts = Vec::new();
        for lane in [Lane::Sound, Lane::Failing] {
            while self.has_place(lane)
                && let Some((at, key)) = self.agenda.first(lane)
                && at <= now
                && self.broken.is_none()
            {
                let key = key.clone();
                starts.extend(self.begin(&key, lane, now));
            }
        }
        starts
    }

    /// When something is due next, as far as there are places for it.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        let may_begin = |lane: &Lane| self.broken.is_none() && self.has_place(*lane);
        let lanes = [Lane::Sound, Lane::Failing].into_iter().filter(may_begin);
        lanes.filter_map(|lane| self.agenda.first(lane)).map(|(at, _)| at).min()
    }

    fn begin(&mut self, key: &EndpointKey, lane: Lane, now: Timestamp) -> Option<Start> {
        let line = self.lines.get_mut(key)?;
        let head = line.waiting.front()?;
        if line.end_of(head, millis(self.options.patience)) <= now {
            let id = head.message.id.clone();
            tracing::warn!(endpoint = %key, message = %id, "a webhook is given up: its endpoint did not take it in time");
            self.sums.given_up += 1;
            self.commit(Record::GivenUp { key: key.clone(), id, at: now, why: WhyGivenUp::Patience });
            return None;
        }
        let begin = line.endpoint.after_quiet(now);
        if begin > now {
            line.quiet_until = begin;
            self.reschedule(key);
            return None;
        }
        let start = Start { endpoint: Arc::clone(&line.endpoint), message: Arc::clone(&head.message), lane };
        line.in_flight = true;
        *self.flying(lane) += 1;
        self.reschedule(key);
        Some(start)
    }

    /// An attempt ended.
    pub(super) fn finish(&mut self, start: &Start, attempt: Attempt, wish: Wish, now: Timestamp) {
        let key = &start.endpoint.key;
        *self.flying(start.lane) -= 1;
        self.sums.attempts += 1;
        let due = match &attempt.outcome {
            Outcome::Delivered { .. } => {
                self.sums.delivered += 1;
                now
            }
            Outcome::Failed { reason, .. } => {
                tracing::debug!(endpoint = %key, message = %start.message.id, reason, "a webhook was not taken");
                let failures = self.lines.get(key).map_or(0, |line| line.failures).saturating_add(1);
                retry::due(&self.options, failures, wish, now)
            }
        };
        self.release(key);
        let id = start.message.id.clone();
        let reason = "it answered 410 Gone".to_owned();
        self.commit(Record::Attempted { key: key.clone(), id, attempt, due });
        if wish == Wish::Gone {
            tracing::warn!(endpoint = %key, "an endpoint answered 410 Gone; nothing more is sent to it");
            self.commit(Record::Disabled { key: key.clone(), at: now, reason });
        }
    }

    /// Takes an endpoint's one request for a test; `Some(false)` while one is in flight, `None` for an unknown endpoint.
    pub(super) fn reserve(&mut self, key: &EndpointKey) -> Option<bool> {
        let line = self.lines.get_mut(key)?;
        let free = !std::mem::replace(&mut line.in_flight, true);
        self.reschedule(key);
        Some(free)
    }

    /// Gives an endpoint's one request back.
    pub(super) fn release(&mut self, key: &EndpointKey) {
        if let Some(line) = self.lines.get_mut(key) {
            line.in_flight = false;
            self.reschedule(key);
        }
    }

    fn has_place(&self, lane: Lane) -> bool {
        match lane {
            Lane::Sound => self.sound_in_flight < self.options.in_flight,
            Lane::Failing => self.failing_in_flight < self.options.in_flight_failing,
        }
    }

    fn flying(&mut self, lane: Lane) -> &mut usize {
        match lane {
            Lane::Sound => &mut self.sound_in_flight,
            Lane::Failing => &mut self.failing_in_flight,
        }
    }

    fn reschedule(&mut self, key: &EndpointKey) {
        let place = self.lines.get(key).and_then(|line| {
            let head = line.waiting.front().filter(|_| !line.in_flight)?;
            let end = line.end_of(head, millis(self.options.patience));
            let at = if line.is_open() { line.next_attempt().min(end) } else { end };
            Some((if line.failures == 0 { Lane::Sound } else { Lane::Failing }, at))
        });
        self.agenda.set(key, place);
    }
}

#[cfg(test)]
mod tests;
