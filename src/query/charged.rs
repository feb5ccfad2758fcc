//! The charges of an organization that count: what was taken back since is left out.

use std::collections::HashSet;

pub(super) use crate::book::cells::{Charged, Standing};
use crate::book::pipeline::Look;
use crate::book::row::{Row, What};
use crate::ledger::charge::Charge;
use crate::ledger::entry::CLOCK_SKEW;
use crate::ledger::units::{EventId, Position, Timestamp};
use crate::store::StoreError;

/// Hands over, newest first, every charge that counted when the organization stood so, as long as `visit` wants more. The read ends
/// where nothing can have happened at or after `since`.
///
/// # Errors
/// [`StoreError`] where the history cannot be read.
pub(super) fn each_charge(
    look: &Look,
    standing: Standing,
    since: Timestamp,
    visit: &mut dyn FnMut(Charged<'_>) -> bool,
) -> Result<(), StoreError> {
    each_charged_row(look, standing, since, &mut |charged, _| visit(charged))
}

/// The same, each with its row.
///
/// # Errors
/// As [`each_charge`].
pub(super) fn each_charged_row(
    look: &Look,
    standing: Standing,
    since: Timestamp,
    visit: &mut dyn FnMut(Charged<'_>, &Row) -> bool,
) -> Result<(), StoreError> {
    let mut corrections = Corrections::default();
    look.past.until(&mut |position, _, row| {
        if !row.stood(position, standing.position, standing.at) {
            return true;
        }
        // An event is late by much, but early by the skew of clocks alone.
        if row.at.plus(CLOCK_SKEW) < since {
            return false;
        }
        corrections.charge(position, &row).is_none_or(|charged| visit(charged, &row))
    })
}

/// What was taken back: newest first, a void comes before what it takes back.
#[derive(Default)]
struct Corrections {
    voided: HashSet<Position>,
    /// Calls that were closed, and whose end came since.
    ended: HashSet<EventId>,
}

impl Corrections {
    /// The charge of a row, if it has one that counts.
    fn charge<'r>(&mut self, position: Position, row: &'r Row) -> Option<Charged<'r>> {
        let (charge, actions): (&'r Charge, &'r [Box<str>]) = match &row.what {
            What::Void { target, .. } => {
                self.voided.extend(target);
                return None;
            }
            What::OrphanReturned { call, .. } => {
                self.ended.insert(*call);
                return None;
            }
            What::Charge { actions, charge, .. } => {
                (!self.voided.remove(&position)).then_some((&**charge, &**actions))?
            }
            What::Orphan { charge, .. } => {
                let call = charge.call.as_ref().filter(|call| !self.ended.remove(&call.key))?;
                (&**charge, &*call.actions)
            }
            What::Moved(_) => return None,
        };
        Some(Charged {
            time: row.time,
            dimensions: row.dimensions.each_ref().map(Option::as_deref),
            actions: actions.iter().map(|action| &**action).collect(),
            charge,
        })
    }
}
