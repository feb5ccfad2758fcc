//! An attempt to deliver a message, and what came of it.

use std::time::Duration;

use reqwest::StatusCode;
use serde::{Deserialize, Serialize};

use crate::ledger::units::{Millis, Timestamp};

/// The most of a reason that is kept, in characters.
const LONGEST_REASON: usize = 500;

/// An attempt to deliver a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it began; the request was signed with this time.
    pub at: Timestamp,
    /// How long it took.
    pub took: Millis,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The endpoint has the message.
    Delivered {
        /// The status it answered with, a 2xx.
        status: u16,
    },
    /// The endpoint does not have it, or did not say so.
    Failed {
        /// The status it answered with, if it answered.
        status: Option<u16>,
        /// Why, in words.
        reason: String,
    },
}

impl Outcome {
    /// Whether the endpoint has the message.
    #[must_use]
    pub fn is_delivered(&self) -> bool {
        matches!(self, Outcome::Delivered { .. })
    }
}

/// What the answer of an endpoint asks for beside its outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// Nothing.
    None,
    /// To be left alone for so long.
    Wait(Duration),
    /// To be left alone for good.
    Gone,
}

/// The outcome of an attempt that failed.
pub(super) fn failed(status: Option<StatusCode>, reason: &str) -> Outcome {
    let reason = reason.chars().take(LONGEST_REASON).collect();
    Outcome::Failed { status: status.map(|status| status.as_u16()), reason }
}
