//! Movements: how credits come and go other than by events. Every one is a row of the history.

use serde::{Deserialize, Serialize};

use super::price::CreditType;
use super::units::{Credits, Timestamp};

/// Credits that came, went, or went over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Movement {
    /// The instant.
    pub at: Timestamp,
    /// Whether time did it, not an entry.
    pub due: bool,
    /// The kind of credits.
    pub credit_type: CreditType,
    /// What happened.
    pub kind: MovementKind,
    /// The grant it happened to, by its number within the pool and its name; none where overage is dropped.
    pub grant: Option<(u32, Box<str>)>,
    /// How many; more than none.
    pub amount: Credits,
    /// Why, and who, where a command said so.
    pub note: Option<Box<Note>>,
    /// The adjustment by hand that moved them, by its name.
    pub adjustment: Option<Box<str>>,
}

/// What happens to credits other than by events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MovementKind {
    /// Given.
    Granted,
    /// Left of a grant at its end, or cut off at a reset.
    Expired,
    /// Taken back.
    Voided,
    /// Gone on from a cycle that ended.
    RolledOut,
    /// Come from the cycle before.
    RolledIn,
    /// Used to repay overage.
    Covered,
    /// Overage that was forgiven at a reset.
    Dropped,
}

impl MovementKind {
    /// The name used in answers and as a metric label.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            MovementKind::Granted => "granted",
            MovementKind::Expired => "expired",
            MovementKind::Voided => "voided",
            MovementKind::RolledOut => "rolled_out",
            MovementKind::RolledIn => "rolled_in",
            MovementKind::Covered => "covered",
            MovementKind::Dropped => "dropped",
        }
    }
}

/// Why something was done by hand, and by whom.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Why.
    pub reason: Option<Box<str>>,
    /// Who.
    pub by: Option<Box<str>>,
}
