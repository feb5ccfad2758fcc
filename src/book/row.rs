//! A row of the history: a charge or a void, with who spent and why.

use serde::{Deserialize, Serialize};

use crate::ledger::charge::Charge;
use crate::ledger::entry::Dimensions;
use crate::ledger::units::{Position, Timestamp};

/// A row as it is written, borrowing from the event. Its encoding is that of [`Row`].
#[derive(Debug, Serialize)]
pub struct RowRef<'a> {
    /// The log's time: when credits moved.
    pub at: Timestamp,
    /// When it happened.
    pub time: Timestamp,
    /// Who spent, and where.
    pub dimensions: [Option<&'a str>; 7],
    /// What it was.
    pub what: WhatRef<'a>,
}

/// What a row is about, borrowing.
#[derive(Debug, Serialize)]
pub enum WhatRef<'a> {
    /// An event was charged.
    Charge {
        /// The action, then its add-ons, in the order of the charge's lines.
        actions: &'a [&'a str],
        /// The charge.
        charge: &'a Charge,
    },
    /// An event did not count.
    Void {
        /// The entry that does not count any more.
        target: Option<Position>,
    },
}

/// A row as it is read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Row {
    /// The log's time: when credits moved.
    pub at: Timestamp,
    /// When it happened.
    pub time: Timestamp,
    /// Account, entity type, id and name, user, team, feature.
    pub dimensions: [Option<Box<str>>; 7],
    /// What it was.
    pub what: What,
}

/// What a row is about.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub enum What {
    /// An event was charged.
    Charge {
        /// The action, then its add-ons, in the order of the charge's lines.
        actions: Vec<Box<str>>,
        /// The charge.
        charge: Box<Charge>,
    },
    /// An event did not count.
    Void {
        /// The entry that does not count any more.
        target: Option<Position>,
    },
}

/// The dimensions in the order of a row.
#[must_use]
pub fn dimensions<'a>(of: &Dimensions<'a>) -> [Option<&'a str>; 7] {
    [of.account, of.entity_type, of.entity_id, of.entity_name, of.user, of.team, of.feature]
}
