//! What falls due by itself: when each organization is to be looked at next.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::{Book, Slot};
use crate::ledger::alerts::Rule;
use crate::ledger::catalog::Catalog;
use crate::ledger::units::Timestamp;
use crate::store::OrgKey;

/// Organizations by the instant at which something happens to them. One that is due earlier than was noted is noted again; what
/// was noted before then says nothing.
#[derive(Debug, Default)]
pub(super) struct Due(BinaryHeap<Reverse<(Timestamp, OrgKey)>>);

impl Due {
    /// The next instant at which something happens.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.0.peek().map(|Reverse((instant, _))| *instant)
    }

    /// Takes out the organization that is due first, if it is by that instant.
    pub(super) fn take(&mut self, by: Timestamp) -> Option<(Timestamp, OrgKey)> {
        self.0.peek().filter(|Reverse((instant, _))| *instant <= by)?;
        self.0.pop().map(|Reverse(due)| due)
    }

    /// Notes when something happens to an organization next.
    pub(super) fn note(&mut self, slot: &mut Slot, catalog: &Catalog) {
        let next = slot.org.next_change(catalog);
        if next < slot.due {
            slot.due = next;
            self.0.push(Reverse((next, slot.key)));
        }
    }

    /// Notes anew when something happens to the organizations on a plan, where its newest version may make a difference to that:
    /// where it has rules about the end of grants.
    pub(super) fn note_orgs_on(&mut self, plan: &str, book: &Book, catalog: &Catalog) {
        let Some(index) = catalog.plan_index(plan) else { return };
        let newest = catalog.plan(index).and_then(|plan| plan.version(plan.newest()));
        if newest.is_some_and(|plan| plan.alerts.iter().any(Rule::is_of_ends)) {
            for mut slot in book.slots.iter_mut().filter(|slot| slot.org.plan() == Some(index)) {
                self.note(&mut slot, catalog);
            }
        }
    }
}
