//! What is told about endpoints and messages.

use std::fmt;

use super::attempt::Attempt;
use super::endpoint::MessageId;
use super::line::{Failed, Line};
use super::record::WhyGivenUp;
use crate::ledger::units::Timestamp;

/// How an endpoint is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// In a word.
    pub state: EndpointState,
    /// When it last took a message.
    pub last_success: Option<Timestamp>,
    /// When it last did not, and why.
    pub last_failure: Option<(Timestamp, String)>,
    /// Attempts that failed since the last one that did not.
    pub consecutive_failures: u32,
    /// Messages that wait.
    pub queued: usize,
    /// When the next attempt is due; `None` where nothing waits, or nothing is sent.
    pub next_attempt: Option<Timestamp>,
    /// Messages delivered since the endpoint was defined.
    pub delivered: u64,
    /// Messages given up because they were not taken in time.
    pub given_up: u64,
    /// Messages given up because too many waited.
    pub lost: u64,
}

/// How an endpoint is doing, in a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndpointState {
    /// The last attempt succeeded, or there was none yet.
    Healthy,
    /// No attempt has succeeded since.
    FailingSince(Timestamp),
    /// It is switched off; messages wait.
    SwitchedOff,
    /// It asked to be left alone for good; messages wait until it is enabled again.
    Gone {
        /// When it did.
        since: Timestamp,
        /// How it said so.
        reason: String,
    },
}

impl fmt::Display for EndpointState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EndpointState::Healthy => f.write_str("healthy"),
            EndpointState::FailingSince(since) => {
                write!(f, "failing since {}", crate::wire::time::Rfc3339(*since))
            }
            EndpointState::SwitchedOff => f.write_str("disabled: switched off"),
            EndpointState::Gone { since, reason } => {
                write!(f, "disabled since {}: {reason}", crate::wire::time::Rfc3339(*since))
            }
        }
    }
}

/// Where a message stands with one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It waits.
    Waiting {
        /// How often it was tried.
        tries: u32,
        /// The newest attempts, oldest first.
        attempts: Vec<Attempt>,
    },
    /// The endpoint has it.
    Delivered {
        /// When.
        at: Timestamp,
        /// How many attempts it took.
        tries: u32,
        /// The status that was answered.
        status: u16,
    },
    /// It was given up.
    GivenUp(GivenUp),
}

/// A message that was given up, and is kept to be sent again by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenUp {
    /// Its id.
    pub id: MessageId,
    /// What it tells.
    pub kind: String,
    /// When it was handed over.
    pub since: Timestamp,
    /// When it was given up.
    pub at: Timestamp,
    /// Why.
    pub why: WhyGivenUp,
    /// How often it was tried.
    pub tries: u32,
    /// The newest attempts, oldest first.
    pub attempts: Vec<Attempt>,
}

/// Numbers over all endpoints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Endpoints there are.
    pub endpoints: usize,
    /// Of them, those whose last attempt failed.
    pub failing: usize,
    /// Of them, those nothing is sent to.
    pub disabled: usize,
    /// Messages that wait.
    pub queued: usize,
    /// The bytes of all messages that are kept.
    pub bytes: usize,
    /// Requests in flight.
    pub in_flight: usize,
    /// Attempts since the start of the program.
    pub attempts: u64,
    /// Messages delivered since the start of the program.
    pub delivered: u64,
    /// Messages not taken in time since the start of the program.
    pub given_up: u64,
    /// Messages lost because too many waited, since the start of the program.
    pub lost: u64,
}

impl Line {
    pub(super) fn health(&self) -> Health {
        Health {
            state: self.state(),
            last_success: self.last_success,
            last_failure: self.last_failure.clone(),
            consecutive_failures: self.failures,
            queued: self.waiting.len(),
            next_attempt: (self.is_open() && !self.waiting.is_empty()).then(|| self.next_attempt()),
            delivered: self.totals.delivered,
            given_up: self.totals.given_up,
            lost: self.totals.lost,
        }
    }

    fn state(&self) -> EndpointState {
        match (&self.gone, self.failing_since) {
            _ if !self.endpoint.enabled => EndpointState::SwitchedOff,
            (Some((since, reason)), _) => EndpointState::Gone { since: *since, reason: reason.clone() },
            (None, Some(since)) => EndpointState::FailingSince(since),
            (None, None) => EndpointState::Healthy,
        }
    }

    pub(super) fn delivery(&self, id: &MessageId) -> Option<Delivery> {
        if let Some(parcel) = self.find_waiting(id) {
            let attempts = parcel.attempts.iter().cloned().collect();
            return Some(Delivery::Waiting { tries: parcel.tries, attempts });
        }
        if let Some(failed) = self.find_failed(id) {
            return Some(Delivery::GivenUp(failed.show()));
        }
        let found = self.find_delivered(id)?;
        Some(Delivery::Delivered { at: found.at, tries: found.tries, status: found.status })
    }
}

impl Failed {
    pub(super) fn show(&self) -> GivenUp {
        let parcel = &self.parcel;
        GivenUp {
            id: parcel.message.id.clone(),
            kind: parcel.message.kind.clone(),
            since: parcel.since,
            at: self.at,
            why: self.why,
            tries: parcel.tries,
            attempts: parcel.attempts.iter().cloned().collect(),
        }
    }
}
