//! A line: the messages of one endpoint, in order, and how the endpoint is doing.
//!
//! A line is a pure fold of its records: no clock, no chance, no I/O. What is decided (`lines`) becomes a record first; the
//! record then changes the line, in life as in a replay.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::attempt::{Attempt, Outcome};
use super::endpoint::{Endpoint, Message, MessageId};
use super::options::Options;
use super::record::WhyGivenUp;
use crate::ledger::units::{EventId, Millis, Timestamp};

/// The most attempts of a message that are kept, the newest ones.
pub(super) const KEPT_ATTEMPTS: usize = 20;
/// The most bytes of messages given up that are kept for an endpoint.
const KEPT_FAILED_BYTES: usize = 1 << 20;

/// The messages of an endpoint and its health.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) endpoint: Arc<Endpoint>,
    /// Since when, and why, the endpoint wants to be left alone for good.
    pub(super) gone: Option<(Timestamp, String)>,
    /// Oldest first; the first one is the next to be sent.
    pub(super) waiting: VecDeque<Parcel>,
    /// Messages given up, oldest first.
    pub(super) failed: VecDeque<Failed>,
    /// Messages delivered, oldest first.
    pub(super) delivered: VecDeque<Delivered>,
    /// No attempt before this.
    pub(super) due: Timestamp,
    /// Attempts that failed since the last one that did not.
    pub(super) failures: u32,
    pub(super) failing_since: Option<Timestamp>,
    pub(super) last_success: Option<Timestamp>,
    pub(super) last_failure: Option<(Timestamp, String)>,
    pub(super) totals: Totals,
    /// Whether a request is in flight.
    #[serde(skip)]
    pub(super) in_flight: bool,
    /// The end of the quiet hours in which it last was its turn.
    #[serde(skip)]
    pub(super) quiet_until: Timestamp,
}

/// What an endpoint has seen since it was defined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Totals {
    pub(super) delivered: u64,
    pub(super) given_up: u64,
    pub(super) lost: u64,
}

/// A message on its way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Parcel {
    pub(super) message: Arc<Message>,
    /// When it was handed over.
    pub(super) since: Timestamp,
    /// How often it was tried.
    pub(super) tries: u32,
    /// The newest attempts, oldest first.
    pub(super) attempts: VecDeque<Attempt>,
}

/// A message that was given up.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Failed {
    pub(super) parcel: Parcel,
    pub(super) at: Timestamp,
    pub(super) why: WhyGivenUp,
}

/// What is remembered of a delivered message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Delivered {
    mark: EventId,
    pub(super) at: Timestamp,
    pub(super) tries: u32,
    pub(super) status: u16,
}

fn mark(id: &MessageId) -> EventId {
    EventId::of("webhook", id.as_str())
}

impl Line {
    /// The empty line of an endpoint.
    pub(super) fn new(endpoint: Endpoint) -> Line {
        Line {
            endpoint: Arc::new(endpoint),
            gone: None,
            waiting: VecDeque::new(),
            failed: VecDeque::new(),
            delivered: VecDeque::new(),
            due: Timestamp::MIN,
            failures: 0,
            failing_since: None,
            last_success: None,
            last_failure: None,
            totals: Totals::default(),
            in_flight: false,
            quiet_until: Timestamp::default(),
        }
    }

    /// Whether messages are sent at all.
    pub(super) fn is_open(&self) -> bool {
        self.endpoint.enabled && self.gone.is_none()
    }

    /// When the next attempt is due: not in quiet hours.
    pub(super) fn next_attempt(&self) -> Timestamp {
        self.endpoint.after_quiet(self.due.max(self.quiet_until))
    }

    /// When a message is given up: so long after it was handed over, or after the quiet hours in which it was.
    pub(super) fn end_of(&self, parcel: &Parcel, patience: Millis) -> Timestamp {
        self.endpoint.after_quiet(parcel.since).plus(patience)
    }

    /// Whether a message of that id waits, was given up, or was delivered not long ago.
    pub(super) fn knows(&self, id: &MessageId) -> bool {
        self.find_waiting(id).is_some() || self.find_failed(id).is_some() || self.find_delivered(id).is_some()
    }

    pub(super) fn find_waiting(&self, id: &MessageId) -> Option<&Parcel> {
        self.waiting.iter().find(|parcel| parcel.message.id == *id)
    }

    pub(super) fn find_failed(&self, id: &MessageId) -> Option<&Failed> {
        self.failed.iter().find(|failed| failed.parcel.message.id == *id)
    }

    pub(super) fn find_delivered(&self, id: &MessageId) -> Option<&Delivered> {
        let mark = mark(id);
        self.delivered.iter().rev().find(|delivered| delivered.mark == mark)
    }

    /// The oldest message that may be given up: one whose request is in flight may not.
    pub(super) fn oldest(&self) -> Option<&Parcel> {
        self.waiting.get(usize::from(self.in_flight))
    }

    /// The bytes of the messages that wait.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.waiting.iter().map(Parcel::bytes).sum()
    }

    /// The bytes of all messages that are kept.
    pub(super) fn bytes(&self) -> usize {
        self.waiting_bytes() + self.failed.iter().map(|failed| failed.parcel.bytes()).sum::<usize>()
    }

    /// The endpoint is defined anew. One that asked to be left alone is tried again when it is somewhere else now, or when
    /// it was switched off and on.
    pub(super) fn put(&mut self, endpoint: Endpoint) {
        let switched_on = endpoint.enabled && !self.endpoint.enabled;
        if endpoint.url != self.endpoint.url || switched_on {
            self.enable();
        }
        self.endpoint = Arc::new(endpoint);
        self.quiet_until = Timestamp::default();
    }

    /// The endpoint is tried again, and at once.
    pub(super) fn enable(&mut self) {
        self.gone = None;
        self.due = Timestamp::MIN;
    }

    /// A message is to be sent, behind those that wait.
    pub(super) fn queue(&mut self, message: Arc<Message>, at: Timestamp) {
        self.failed.retain(|failed| failed.parcel.message.id != message.id);
        if self.waiting.is_empty() {
            // Whoever was idle queues up behind those who were not.
            self.due = self.due.max(at);
        }
        self.waiting.push_back(Parcel { message, since: at, tries: 0, attempts: VecDeque::new() });
    }

    /// An attempt ended.
    pub(super) fn attempted(&mut self, id: &MessageId, attempt: Attempt, due: Timestamp, options: &Options) {
        self.due = due;
        let place = self.waiting.iter().position(|parcel| parcel.message.id == *id);
        let tries = place.and_then(|place| self.waiting.get_mut(place)).map_or(1, Parcel::tried);
        match &attempt.outcome {
            Outcome::Delivered { status } => {
                self.failures = 0;
                self.failing_since = None;
                self.last_success = Some(attempt.at);
                self.totals.delivered += 1;
                place.and_then(|place| self.waiting.remove(place));
                let delivered = Delivered { mark: mark(id), at: attempt.at, tries, status: *status };
                self.delivered.push_back(delivered);
                trim(&mut self.delivered, options.remembered);
            }
            Outcome::Failed { reason, .. } => {
                self.failures = self.failures.saturating_add(1);
                self.failing_since.get_or_insert(attempt.at);
                self.last_failure = Some((attempt.at, reason.clone()));
                if let Some(parcel) = place.and_then(|place| self.waiting.get_mut(place)) {
                    parcel.attempts.push_back(attempt);
                    trim(&mut parcel.attempts, KEPT_ATTEMPTS);
                }
            }
        }
    }

    /// A message is given up; it is kept for a while, to be sent again by hand.
    pub(super) fn give_up(&mut self, id: &MessageId, at: Timestamp, why: WhyGivenUp, options: &Options) {
        let place = self.waiting.iter().position(|parcel| parcel.message.id == *id);
        let Some(parcel) = place.and_then(|place| self.waiting.remove(place)) else {
            return;
        };
        match why {
            WhyGivenUp::Patience => self.totals.given_up += 1,
            WhyGivenUp::Overflow => self.totals.lost += 1,
        }
        self.failed.push_back(Failed { parcel, at, why });
        trim(&mut self.failed, options.kept_failed);
        let mut bytes: usize = self.failed.iter().map(|failed| failed.parcel.bytes()).sum();
        while bytes > KEPT_FAILED_BYTES
            && let Some(oldest) = self.failed.pop_front()
        {
            bytes -= oldest.parcel.bytes();
        }
    }

    /// A message that was given up is no longer kept.
    pub(super) fn drop_failed(&mut self, id: &MessageId) {
        self.failed.retain(|failed| failed.parcel.message.id != *id);
    }
}

impl Parcel {
    /// What the message takes of the room for messages, in bytes: beside its payload, what is kept about it.
    pub(super) fn bytes(&self) -> usize {
        const ABOUT: usize = 256;
        self.message.payload.len() + ABOUT
    }

    fn tried(&mut self) -> u32 {
        self.tries = self.tries.saturating_add(1);
        self.tries
    }
}

fn trim<T>(list: &mut VecDeque<T>, most: usize) {
    while list.len() > most {
        list.pop_front();
    }
}
