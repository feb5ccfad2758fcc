//! A row of the history: a charge or a void, with who spent and why, or credits that moved otherwise.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::ledger::calls::Why;
use crate::ledger::charge::{Charge, Return};
use crate::ledger::effect::{Effect, OrphanReturned, Orphaned, Outcome};
use crate::ledger::entry::{CallName, Dimensions, Event, Kind};
use crate::ledger::movement::Movement;
use crate::ledger::org::Org;
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
        /// The call, where one event told all of it.
        call: Option<CallRef<'a>>,
        /// The charge.
        charge: &'a Charge,
    },
    /// An event did not count.
    Void {
        /// The entry that does not count any more.
        target: Option<Position>,
        /// What that was.
        taken_back: Option<&'a TakenBack>,
        /// What it gave back, in the order in which it did.
        returns: &'a [Return],
    },
    /// Credits came or went other than by an event.
    Moved(&'a Movement),
    /// A call was closed without its end, and charged.
    Orphan {
        /// Whether time did it, not an entry.
        due: bool,
        /// Why.
        why: Why,
        /// The charge.
        charge: &'a Charge,
    },
    /// The end of such a call came, or it had failed.
    OrphanReturned {
        /// The call.
        call: EventId,
        /// Who told of it, and its id there.
        name: (&'a str, &'a str),
        /// What it had been charged.
        taken_back: TakenBack,
        /// What was given back, in the order in which it was.
        returns: &'a [Return],
    },
}

/// A call of which one event told all, borrowing.
#[derive(Clone, Copy, Debug, Serialize)]
struct CallRef<'a> {
    source: &'a str,
    id: &'a str,
    destination: Option<&'a str>,
}

/// A call of which one event told all.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct OneCall {
    /// Who told of it.
    pub source: Box<str>,
    /// The id of the event.
    pub id: Box<str>,
    /// The digits that were dialled, if that was told.
    pub destination: Option<Box<str>>,
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
        /// The call, where one event told all of it; where several did, the charge knows it.
        call: Option<OneCall>,
        /// The charge.
        charge: Box<Charge>,
    },
    /// An event did not count.
    Void {
        /// The entry that does not count any more.
        target: Option<Position>,
        /// What that was; none where the event has yet to come.
        taken_back: Option<Box<TakenBack>>,
        /// What it gave back, in the order in which it did.
        returns: Vec<Return>,
    },
    /// Credits came or went other than by an event.
    Moved(Box<Movement>),
    /// A call was closed without its end, and charged.
    Orphan {
        /// Whether time did it, not an entry.
        due: bool,
        /// Why.
        why: Why,
        /// The charge.
        charge: Box<Charge>,
    },
    /// The end of such a call came, or it had failed.
    OrphanReturned {
        /// The call.
        call: EventId,
        /// Who told of it, and its id there.
        name: (Box<str>, Box<str>),
        /// What it had been charged.
        taken_back: Box<TakenBack>,
        /// What was given back, in the order in which it was.
        returns: Vec<Return>,
    },
}

/// A charge that does not count any more, as its own row has it. So a row alone tells what it adds to usage, and what it takes off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenBack {
    /// When it had happened.
    pub time: Timestamp,
    /// Account, entity type, id and name, user, team, feature.
    pub dimensions: [Option<Box<str>>; 7],
    /// The action, then its add-ons, in the order of the charge's lines.
    pub actions: Vec<Box<str>>,
    /// The charge.
    pub charge: Box<Charge>,
}

impl TakenBack {
    /// The closing of a call, from what it was charged.
    fn closing(closed: Timestamp, charge: &Charge) -> TakenBack {
        let call = charge.call.as_ref();
        let of = call.map(|call| texts(call.who.dimensions())).unwrap_or_default();
        TakenBack {
            time: closed,
            dimensions: of.map(|text| text.map(Box::from)),
            actions: call.map(|call| call.actions.clone()).unwrap_or_default(),
            charge: Box::new(charge.clone()),
        }
    }
}

impl Row {
    /// The charge of an event, if it is one, as a void takes it back.
    #[must_use]
    pub fn charged(self) -> Option<TakenBack> {
        let Row { time, dimensions, what, .. } = self;
        match what {
            What::Charge { actions, charge, .. } => Some(TakenBack { time, dimensions, actions, charge }),
            _ => None,
        }
    }

    /// The digits that were dialled, where it is the charge of a call and they were told.
    #[must_use]
    pub fn destination(&self) -> Option<&str> {
        let (What::Charge { charge, .. } | What::Orphan { charge, .. }) = &self.what else { return None };
        let of_one = match &self.what {
            What::Charge { call: Some(call), .. } => call.destination.as_deref(),
            _ => None,
        };
        of_one.or_else(|| charge.call.as_ref()?.destination.as_deref())
    }

    /// Whether an organization contains the row of that position: its entry, or the instant at which time did it. The history may be
    /// ahead of it.
    #[must_use]
    pub fn is_within(&self, position: Position, org: &Org) -> bool {
        self.stood(position, org.position(), org.at())
    }

    /// Whether the row of that position stood when an organization's last entry was at `last` and its time was `at`.
    #[must_use]
    pub fn stood(&self, position: Position, last: Position, at: Timestamp) -> bool {
        let due = match &self.what {
            What::Moved(movement) => movement.due,
            What::Orphan { due, .. } => *due,
            What::Charge { .. } | What::Void { .. } | What::OrphanReturned { .. } => false,
        };
        position <= last || due && self.time <= at
    }
}

/// Encodes the row of an effect that changed credits other than by an event. Answers whether it did.
///
/// # Errors
/// As [`codec::encode_into`].
pub fn encode_effect(at: Timestamp, effect: &Effect, out: &mut Vec<u8>) -> Result<bool, CodecError> {
    let nobody = Dimensions::default();
    let (time, of, what) = match effect {
        Effect::Moved(movement) => (movement.at, nobody, WhatRef::Moved(movement)),
        Effect::Orphaned(orphaned) => {
            let Orphaned { at, due, why, charge: Some(charge), .. } = &**orphaned else { return Ok(false) };
            let who = charge.call.as_ref().map(|call| call.who.dimensions());
            (*at, who.unwrap_or_default(), WhatRef::Orphan { due: *due, why: *why, charge })
        }
        Effect::OrphanReturned(returned) => {
            let OrphanReturned { call, source, id, who, closed, charge, returns, at } = &**returned;
            let taken_back = TakenBack::closing(*closed, charge);
            let name: (&str, &str) = (source, id);
            (*at, who.dimensions(), WhatRef::OrphanReturned { call: *call, name, taken_back, returns })
        }
        _ => return Ok(false),
    };
    codec::encode_into(&RowRef { at, time, dimensions: texts(of), what }, out)?;
    Ok(true)
}

/// Encodes the row of what changed credits. Answers the id under which the history remembers it and the hour it
/// belongs to, or `None` for an outcome that leaves no row. A void comes with what it takes back.
///
/// # Errors
/// As [`codec::encode_into`].
pub fn encode(
    at: Timestamp,
    event: &Event<'_>,
    outcome: &Outcome,
    taken_back: Option<&TakenBack>,
    out: &mut Vec<u8>,
) -> Result<Option<(EventId, Hour)>, CodecError> {
    let mut actions: SmallVec<[&str; 4]> = SmallVec::new();
    let (mut of, mut one) = (event.dimensions, None);
    let (remembered, what) = match outcome {
        Outcome::Charged(charge) => {
            match &event.kind {
                Kind::Action { action, .. } => actions.push(action),
                Kind::Call(call) => {
                    actions.push(call.action);
                    actions.extend_from_slice(call.add_ons);
                    let destination = call.destination;
                    one = call.name.map(|CallName { source, id }| CallRef { source, id, destination });
                }
                Kind::End(_) => {
                    let call = charge.call.iter().flat_map(|call| &call.actions);
                    actions.extend(call.map(|action| &**action));
                }
                Kind::Live(_) | Kind::Restarted(_) | Kind::Void(_) => {}
            }
            if let Some(call) = &charge.call {
                of = call.who.dimensions();
            }
            ((event.id, event.time.hour()), WhatRef::Charge { actions: &actions, call: one, charge })
        }
        Outcome::Voided(voided) => {
            (voided.remembered, WhatRef::Void { target: voided.target, taken_back, returns: &voided.returns })
        }
        _ => return Ok(None),
    };
    codec::encode_into(&RowRef { at, time: event.time, dimensions: texts(of), what }, out)?;
    Ok(Some(remembered))
}

/// Who spent, in the order of a row.
fn texts(of: Dimensions<'_>) -> [Option<&str>; 7] {
    [of.account, of.entity_type, of.entity_id, of.entity_name, of.user, of.team, of.feature]
}
