//! Alert rules: what plans and organizations ask to be told.

use super::Micros;
use super::watch::Threshold;

/// When to tell.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// What of.
    pub kind: Kind,
    /// For which credit type; if not given an amount is for `credits`, anything else for each.
    pub credit_type: Option<String>,
}

/// What a rule looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The credits fall to this.
    Below(Threshold),
    /// A grant ends in so many days of 24 hours.
    Expires(i64),
    /// At the rate of now the credits last so many hours, or less.
    RunsOut(i64),
    /// An hour burns more than so many percent of the usual one, and at least so much.
    Spike(i128, Micros),
    /// A cycle ended and the next began.
    CycleReset,
}

impl Rule {
    /// Whether it is for this credit type.
    pub fn watches(&self, credit_type: &str) -> bool {
        match (&self.credit_type, self.kind) {
            (Some(only), _) => only == credit_type,
            (None, Kind::Below(Threshold::Amount(_))) => credit_type == "credits",
            (None, Kind::CycleReset) => false,
            (None, _) => true,
        }
    }
}
