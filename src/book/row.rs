//! A row of the history: a charge or a void, with who spent and why, or credits that moved otherwise.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::ledger::charge::{Charge, Return};
use crate::ledger::effect::Outcome;
use crate::ledger::entry::{Event, Kind};
use crate::ledger::movement::Movement;
use crate::ledger::units::{EventId, Hour, Position, Timestamp};
use crate::store::codec::{self, CodecError};

/// A row as it is written, borrowing from the event. Its encoding is that of [`Row`].
#[derive(Debug, Serialize)]
struct RowRef<'a> {
    /// The log's time: when credits moved.
    at: Timestamp,
    /// When it happened.
    time: Timestamp,
    /// Who spent, and where.
    dimensions: [Option<&'a str>; 7],
    /// What it was.
    what: WhatRef<'a>,
}

/// What a row is about, borrowing.
#[derive(Debug, Serialize)]
enum WhatRef<'a> {
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
        /// What it gave back, in the order in which it did.
        returns: &'a [Return],
    },
    /// Credits came or went other than by an event.
    Moved(&'a Movement),
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
        /// What it gave back, in the order in which it did.
        returns: Vec<Return>,
    },
    /// Credits came or went other than by an event.
    Moved(Box<Movement>),
}

/// Encodes the row of credits that came or went other than by an event.
///
/// # Errors
/// As [`codec::encode_into`].
pub fn encode_movement(at: Timestamp, movement: &Movement, out: &mut Vec<u8>) -> Result<(), CodecError> {
    let what = WhatRef::Moved(movement);
    codec::encode_into(&RowRef { at, time: movement.at, dimensions: [None; 7], what }, out)
}

/// Encodes the row of what changed credits. Answers the id under which the history remembers it and the hour it
/// belongs to, or `None` for an outcome that leaves no row.
///
/// # Errors
/// As [`codec::encode_into`].
pub fn encode(
    at: Timestamp,
    event: &Event<'_>,
    outcome: &Outcome,
    out: &mut Vec<u8>,
) -> Result<Option<(EventId, Hour)>, CodecError> {
    let mut actions: SmallVec<[&str; 4]> = SmallVec::new();
    let mut of = event.dimensions;
    let (remembered, what) = match outcome {
        Outcome::Charged(charge) => {
            match &event.kind {
                Kind::Action { action, .. } => actions.push(action),
                Kind::Call(call) => {
                    actions.push(call.action);
                    actions.extend_from_slice(call.add_ons);
                }
                Kind::End(_) => {
                    let call = charge.call.iter().flat_map(|call| &call.actions);
                    actions.extend(call.map(|action| &**action));
                }
                Kind::Live(_) | Kind::Void(_) => {}
            }
            if let Some(call) = &charge.call {
                of = call.who.dimensions();
            }
            ((event.id, event.time.hour()), WhatRef::Charge { actions: &actions, charge })
        }
        Outcome::Voided(voided) => {
            (voided.remembered, WhatRef::Void { target: voided.target, returns: &voided.returns })
        }
        _ => return Ok(None),
    };
    let dimensions = [of.account, of.entity_type, of.entity_id, of.entity_name, of.user, of.team, of.feature];
    codec::encode_into(&RowRef { at, time: event.time, dimensions, what }, out)?;
    Ok(Some(remembered))
}
