//! What falls due in a pool: grants end, are refilled, and become usable, each at its instant.

use super::pool::{Booking, Pool};
use super::{Phase, Recurrence};
use crate::ledger::calendar::{Calendar, Zone};
use crate::ledger::movement::MovementKind;
use crate::ledger::units::{Credits, Timestamp};

impl Pool {
    /// Ends the grants whose time it is, all but those of the cycle that is reset at this instant.
    pub(in crate::ledger) fn end(
        &mut self,
        instant: Timestamp,
        reset: Option<u32>,
        booking: &mut Booking<'_>,
    ) {
        for at in 0..self.grants.len() {
            let due = self.grants.get(at).is_some_and(|grant| {
                let in_reset = reset.is_some_and(|number| grant.is_of_cycle(number));
                grant.phase == Phase::Usable && grant.expires <= instant && !in_reset
            });
            if due {
                self.finish(at, MovementKind::Expired, booking);
            }
        }
    }

    /// Refills the recurring grants whose time it is.
    pub(in crate::ledger) fn refill(&mut self, instant: Timestamp, zone: &Zone, booking: &mut Booking<'_>) {
        for at in 0..self.grants.len() {
            let Some(grant) = self.grants.get_mut(at) else { continue };
            let (amount, usable) = (grant.amount, grant.phase == Phase::Usable);
            let (effective, Some(details)) = (grant.effective, grant.details.as_deref_mut()) else {
                continue;
            };
            let due = usable && details.next_refill.is_some_and(|next| next <= instant);
            if let (true, Some(recurrence)) = (due, details.recurrence) {
                let anchor = recurrence.anchor.unwrap_or(effective);
                details.next_refill =
                    Some(Calendar { zone, anchor, every: recurrence.every }.next_after(instant));
                self.bring_to(at, amount, booking);
                self.stirred = true;
            }
        }
    }

    /// After a change of the zone: recurring grants are refilled by its calendar.
    pub(in crate::ledger) fn follow_zone(&mut self, at: Timestamp, zone: &Zone) {
        for grant in self.grants.iter_mut().filter(|grant| grant.phase == Phase::Usable) {
            if let Some(details) = grant.details.as_deref_mut()
                && let Some(Recurrence { every, anchor }) = details.recurrence
            {
                let anchor = anchor.unwrap_or(grant.effective);
                details.next_refill = Some(Calendar { zone, anchor, every }.next_after(at));
            }
        }
        self.look_ahead();
    }

    /// Makes the grants usable whose time it is.
    pub(in crate::ledger) fn start(&mut self, instant: Timestamp, zone: &Zone) {
        for grant in &mut self.grants {
            if grant.phase == Phase::Ahead && grant.effective <= instant {
                grant.phase = Phase::Usable;
                self.stirred = true;
                self.usable = self.usable.plus(grant.remaining);
                if let Some(details) = grant.details.as_deref_mut()
                    && let Some(Recurrence { every, anchor }) = details.recurrence
                {
                    let anchor = anchor.unwrap_or(grant.effective);
                    let calendar = Calendar { zone, anchor, every };
                    details.next_refill = Some(calendar.next_after(instant));
                }
            }
        }
    }

    /// After grants started, ended or were refilled: repays what is owed, and sees what there is now.
    pub(in crate::ledger) fn settle(&mut self, booking: &mut Booking<'_>) {
        self.first = 0;
        self.repay(booking);
        if std::mem::take(&mut self.stirred) {
            let held = self
                .grants
                .iter()
                .filter(|grant| grant.phase == Phase::Usable && grant.remaining > Credits::ZERO);
            self.base = held.fold(Credits::ZERO, |sum, grant| sum.plus(grant.amount));
        }
        self.look_ahead();
    }

    /// Sees when something is due next, and whether scopes have to be looked at.
    pub(super) fn look_ahead(&mut self) {
        self.next_change = Timestamp::MAX;
        self.scoped = false;
        for grant in &self.grants {
            match grant.phase {
                Phase::Ahead => self.next_change = self.next_change.min(grant.effective),
                Phase::Usable => {
                    let refill = grant.details.as_ref().and_then(|details| details.next_refill);
                    let next = grant.expires.min(refill.unwrap_or(Timestamp::MAX));
                    self.next_change = self.next_change.min(next);
                    self.scoped |= grant.is_scoped();
                }
                Phase::Ended => {}
            }
        }
    }
}
