//! What a plan says of live calls.

use serde::{Deserialize, Serialize};

use crate::ledger::units::{Credits, Millis};

/// What a plan says of live calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallTerms {
    /// The most seconds that are granted at once.
    pub slice_s: u32,
    /// How many seconds a hold stays.
    pub hold_s: u32,
    /// So many seconds before their credits end calls are warned; never where it is 0.
    pub warn_before_s: u32,
    /// After so many seconds a call whose end has not come is closed.
    pub longest_s: u32,
    /// After so many seconds in which nothing was told of an answered call it is closed; never where there are none.
    pub silence_s: Option<u32>,
    /// How far below nothing calls may take each kind of credits; none where the plan's policy decides.
    pub overdraft: Option<Credits>,
    /// What is answered while nobody knows the balance.
    pub on_failure: OnFailure,
    /// How many credits may be granted then.
    pub failure_cap: Credits,
}

/// What is answered while nobody knows the balance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// No call may start.
    #[default]
    Refuse,
    /// Calls may start, up to a cap.
    Allow,
}

impl OnFailure {
    /// The word for it.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            OnFailure::Refuse => "refuse",
            OnFailure::Allow => "allow",
        }
    }
}

impl Default for CallTerms {
    fn default() -> Self {
        CallTerms {
            slice_s: 300,
            hold_s: 180,
            warn_before_s: 60,
            longest_s: 14_400,
            silence_s: None,
            overdraft: None,
            on_failure: OnFailure::Refuse,
            failure_cap: Credits::ZERO,
        }
    }
}

impl CallTerms {
    /// So long before their credits end calls are warned.
    #[must_use]
    pub fn lead(&self) -> Millis {
        Millis(u64::from(self.warn_before_s).saturating_mul(1_000))
    }

    /// How long a call may go on before it is closed.
    #[must_use]
    pub fn longest(&self) -> Millis {
        Millis(u64::from(self.longest_s).saturating_mul(1_000))
    }

    /// How long nothing may be told of an answered call before it is closed.
    #[must_use]
    pub fn silence(&self) -> Option<Millis> {
        Some(Millis(u64::from(self.silence_s?).saturating_mul(1_000)))
    }

    /// How long a hold stays.
    #[must_use]
    pub fn hold(&self) -> Millis {
        Millis(u64::from(self.hold_s).saturating_mul(1_000))
    }
}
