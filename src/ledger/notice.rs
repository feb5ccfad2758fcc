//! Notices: what an organization is told beside low balances and limits.

use serde::{Deserialize, Serialize};

use super::alerts::{Days, Hours};
use super::burn::Rate;
use super::org::Cycle;
use super::price::CreditType;
use super::units::{Credits, Hour, Position, Timestamp};

/// Something that is worth knowing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// What it is about: together with the organization, the alert's id.
    pub about: About,
    /// When it happened.
    pub at: Timestamp,
    /// The entry at which it happened, or the last one before where time did it.
    pub position: Position,
}

/// What a notice is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum About {
    /// A grant that still holds something ends soon.
    GrantExpiring(Expiring),
    /// At the rate of now the credits end soon.
    RunOut(RunOut),
    /// An hour burns far more than usual.
    Spike(SpikeSeen),
    /// A cycle ended, and this one began.
    CycleReset(Cycle),
}

impl About {
    /// The kind of alert.
    #[must_use]
    pub const fn slug(&self) -> &'static str {
        match self {
            About::GrantExpiring(_) => "grant_expiring",
            About::RunOut(_) => "run_out",
            About::Spike(_) => "spike",
            About::CycleReset(_) => "cycle_reset",
        }
    }
}

/// A grant that ends soon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expiring {
    /// The kind of credits.
    pub credit_type: CreditType,
    /// How long before its end it is told.
    pub days: Days,
    /// The grant's name.
    pub grant: Box<str>,
    /// Its end.
    pub expires: Timestamp,
    /// What it holds.
    pub remaining: Credits,
    /// What it was given.
    pub amount: Credits,
}

/// Credits that end soon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunOut {
    /// The kind of credits.
    pub credit_type: CreditType,
    /// How soon.
    pub hours: Hours,
    /// 1 for the first time.
    pub nth: u32,
    /// When they end.
    pub runs_out_at: Timestamp,
    /// The rate of now.
    pub rate: Rate,
    /// What is available.
    pub available: Credits,
}

/// An hour that burns far more than usual.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpikeSeen {
    /// The kind of credits.
    pub credit_type: CreditType,
    /// More than so many percent.
    pub percent: u16,
    /// The hour.
    pub hour: Hour,
    /// What it burnt so far.
    pub burnt: Credits,
    /// What is usual.
    pub usual: Rate,
}
