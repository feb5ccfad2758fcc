//! A row of the history as cells need it: its texts are read where they stand.

use serde::Deserialize;
use smallvec::SmallVec;

use super::cut::Charged;
use crate::book::row::TakenBack;
use crate::ledger::calls::Why;
use crate::ledger::charge::{Charge, Return};
use crate::ledger::movement::Movement;
use crate::ledger::units::{EventId, Timestamp};

/// The same bytes as those of a [`Row`](crate::book::row::Row).
#[derive(Debug, Deserialize)]
pub(super) struct Lean<'a> {
    /// The log's time.
    _at: Timestamp,
    time: Timestamp,
    #[serde(borrow)]
    dimensions: [Option<&'a str>; 7],
    #[serde(borrow)]
    what: What<'a>,
}

#[derive(Debug, Deserialize)]
enum What<'a> {
    Charge {
        #[serde(borrow)]
        actions: SmallVec<[&'a str; 2]>,
        #[serde(borrow)]
        _call: Option<Call<'a>>,
        charge: Charge,
    },
    Void {
        _target: Option<crate::ledger::units::Position>,
        taken_back: Option<Box<TakenBack>>,
        _returns: SmallVec<[Return; 2]>,
    },
    Moved(#[expect(dead_code, reason = "it has to be read over")] Box<Movement>),
    Orphan {
        _due: bool,
        _why: Why,
        charge: Charge,
    },
    OrphanReturned {
        _call: EventId,
        #[serde(borrow)]
        _name: (&'a str, &'a str),
        taken_back: Box<TakenBack>,
        _returns: SmallVec<[Return; 2]>,
    },
}

#[derive(Debug, Deserialize)]
struct Call<'a> {
    _source: &'a str,
    _id: &'a str,
    #[serde(borrow)]
    _destination: Option<&'a str>,
}

impl Lean<'_> {
    /// The charge that it adds, if it is of one.
    pub(super) fn adds(&self) -> Option<Charged<'_>> {
        let (charge, actions) = match &self.what {
            What::Charge { actions, charge, .. } => (charge, actions.iter().copied().collect()),
            What::Orphan { charge, .. } => {
                let actions = charge.call.iter().flat_map(|call| &call.actions);
                (charge, actions.map(|action| &**action).collect())
            }
            What::Void { .. } | What::OrphanReturned { .. } | What::Moved(_) => return None,
        };
        Some(Charged { time: self.time, dimensions: self.dimensions, actions, charge })
    }

    /// The charge that it takes back, if it does.
    pub(super) fn takes_back(&self) -> Option<Charged<'_>> {
        match &self.what {
            What::Void { taken_back, .. } => taken_back.as_deref().map(Charged::of),
            What::OrphanReturned { taken_back, .. } => Some(Charged::of(taken_back)),
            What::Charge { .. } | What::Orphan { .. } | What::Moved(_) => None,
        }
    }
}
