//! What a cycle does to a pool: allotments come, change with the plan, and go on or end at the reset.

use super::pool::{Booking, Pool};
use super::{Grant, Origin, Phase};
use crate::ledger::catalog::Allotment;
use crate::ledger::entry::GrantKind;
use crate::ledger::movement::MovementKind;
use crate::ledger::units::{Credits, Position, Timestamp};

/// The cycle that grants are given for.
#[derive(Clone, Copy, Debug)]
pub(in crate::ledger) struct Term {
    /// Its number within the organization.
    pub(in crate::ledger) number: u32,
    /// Its end.
    pub(in crate::ledger) end: Timestamp,
    /// The entry that began it, or the last one before where time did.
    pub(in crate::ledger) position: Position,
}

impl Term {
    fn grant(self, origin: Origin, priority: u8, amount: Credits, effective: Timestamp) -> Grant {
        Grant {
            created: self.position,
            serial: 0,
            kind: GrantKind::Plan,
            priority,
            phase: Phase::Ahead,
            origin,
            effective,
            expires: self.end,
            amount,
            remaining: amount,
            covered: Credits::ZERO,
            details: None,
        }
    }
}

impl Pool {
    /// Ends the grants of a cycle. By the rollover of its allotment some of what is left goes on into the `next` one, where there
    /// is one, from the grants that burn first.
    pub(in crate::ledger) fn roll_over(
        &mut self,
        number: u32,
        allotment: Option<&Allotment>,
        next: Option<Term>,
        booking: &mut Booking<'_>,
    ) {
        let of_cycle = |grant: &Grant| grant.phase == Phase::Usable && grant.is_of_cycle(number);
        let places: Vec<usize> =
            (0..self.grants.len()).filter(|at| self.grants.get(*at).is_some_and(of_cycle)).collect();
        let held = |at: &usize| self.grants.get(*at).map_or(Credits::ZERO, |grant| grant.remaining);
        let left = places.iter().map(held).fold(Credits::ZERO, Credits::plus);
        let rule = allotment.and_then(|allotment| Some((allotment.rollover?, allotment.priority)));
        let goes_on =
            rule.filter(|_| next.is_some()).map_or(Credits::ZERO, |(rollover, _)| rollover.of(left));
        let goes_on = goes_on.min(left.plus(self.room()));
        let carried = goes_on.min(left);
        let mut still = carried;
        for at in places {
            let Some(grant) = self.grants.get_mut(at) else { continue };
            let out = grant.remaining.min(still);
            grant.remaining = grant.remaining.minus(out);
            still = still.minus(out);
            self.usable = self.usable.minus(out);
            booking.book(self.credit_type, MovementKind::RolledOut, self.grants.get(at), out);
            self.finish(at, MovementKind::Expired, booking);
            if let Some(grant) = self.grants.get_mut(at) {
                grant.expires = grant.expires.min(booking.at);
            }
        }
        // Only what repaid overage may still be asked for.
        let over = |grant: &Grant| grant.phase == Phase::Ended && grant.origin.is_of_cycle();
        self.grants.retain(|grant| !over(grant) || grant.covered > Credits::ZERO);
        self.grants.sort_by_key(Grant::burn_order);
        if let (Some(term), Some((_, priority))) = (next, rule)
            && goes_on > Credits::ZERO
        {
            let grant = term.grant(Origin::Rollover(term.number), priority, goes_on, booking.at);
            self.add(grant, carried, booking);
        }
    }

    /// Brings the grants with a rollover of their own to what may go on of them.
    pub(in crate::ledger) fn roll_grants(&mut self, booking: &mut Booking<'_>) {
        for at in 0..self.grants.len() {
            let Some(grant) = self.grants.get(at).filter(|grant| grant.phase == Phase::Usable) else {
                continue;
            };
            if let Some(rollover) = grant.details.as_ref().and_then(|details| details.rollover) {
                let goes_on = rollover.of(grant.remaining);
                self.bring_to(at, goes_on, booking);
            }
        }
    }

    /// Forgives what is owed.
    pub(in crate::ledger) fn drop_overage(&mut self, booking: &mut Booking<'_>) {
        let owed = self.totals.owed();
        self.totals.dropped = self.totals.dropped.plus(owed);
        booking.book(self.credit_type, MovementKind::Dropped, None, owed);
    }

    /// Gives an allotment, as far as the total has room.
    pub(in crate::ledger) fn allot(
        &mut self,
        amount: Credits,
        priority: u8,
        term: Term,
        booking: &mut Booking<'_>,
    ) {
        let amount = amount.min(self.room());
        if amount > Credits::ZERO {
            let grant = term.grant(Origin::Allotment(term.number), priority, amount, booking.at);
            self.add(grant, Credits::ZERO, booking);
        }
    }

    /// Changes the allotment of a running cycle by an amount, never below what was used of it. One that was taken back by hand
    /// stays so.
    pub(in crate::ledger) fn change_allotment(
        &mut self,
        by: Credits,
        priority: u8,
        term: Term,
        booking: &mut Booking<'_>,
    ) {
        let room = self.room();
        let Some(at) = self.grants.iter().position(|grant| grant.origin == Origin::Allotment(term.number))
        else {
            return self.allot(by, priority, term, booking);
        };
        let Some(grant) = self.grants.get_mut(at).filter(|grant| grant.phase == Phase::Usable) else {
            return;
        };
        let more = by.max(Credits::ZERO).min(room);
        let less = Credits::ZERO.minus(by).max(Credits::ZERO).min(grant.remaining);
        grant.amount = grant.amount.plus(more).minus(less);
        self.stirred |= by != Credits::ZERO;
        grant.remaining = grant.remaining.plus(more).minus(less);
        self.usable = self.usable.plus(more).minus(less);
        self.totals.granted = self.totals.granted.plus(more);
        self.totals.voided = self.totals.voided.plus(less);
        let grant = self.grants.get(at);
        booking.book(self.credit_type, MovementKind::Granted, grant, more);
        booking.book(self.credit_type, MovementKind::Voided, grant, less);
    }

    /// Moves the end of the grants of a running cycle.
    pub(in crate::ledger) fn move_end(&mut self, number: u32, end: Timestamp) {
        for grant in self.grants.iter_mut().filter(|grant| grant.is_of_cycle(number)) {
            grant.expires = end;
        }
        self.grants.sort_by_key(Grant::burn_order);
        self.first = 0;
        self.look_ahead();
    }
}
