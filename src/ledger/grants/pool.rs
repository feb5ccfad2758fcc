//! The pool of one kind of credits: takes in burn order, and gives back in reverse.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::{Grant, Phase, Purpose, Totals};
use crate::ledger::charge::{Destination, Draw, Return, Source};
use crate::ledger::effect::Effect;
use crate::ledger::entry::OLDEST_EVENT;
use crate::ledger::movement::{Movement, MovementKind, Note};
use crate::ledger::price::CreditType;
use crate::ledger::units::{Credits, Timestamp};

/// All credits of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    /// The kind.
    pub credit_type: CreditType,
    /// In burn order.
    pub(super) grants: SmallVec<[Grant; 1]>,
    /// Everything before this one has nothing left to burn.
    pub(super) first: u32,
    serials: u32,
    /// What is left of the usable grants.
    pub(super) usable: Credits,
    /// What the usable grants amount to that held something when one last started, ended or was refilled.
    pub(super) base: Credits,
    pub(super) totals: Totals,
    /// The next instant at which a grant ends, becomes usable or is refilled.
    pub(super) next_change: Timestamp,
    /// Whether some usable grant pays for some things only.
    pub(super) scoped: bool,
    /// Whether a grant started, ended or was refilled since the base was added up.
    pub(super) stirred: bool,
}

/// The most grants of one pool. Ended ones go once nothing can refer to them any more.
pub const MOST_GRANTS: usize = 10_000;

/// Where movements are written down: the instant, what was said about it, and the effects.
pub(in crate::ledger) struct Booking<'a> {
    pub(in crate::ledger) at: Timestamp,
    /// What was said about it; none where time does it, not an entry.
    pub(in crate::ledger) note: Option<&'a Note>,
    pub(in crate::ledger) out: &'a mut Vec<Effect>,
}

impl Booking<'_> {
    pub(super) fn book(
        &mut self,
        credit_type: CreditType,
        kind: MovementKind,
        grant: Option<&Grant>,
        amount: Credits,
    ) {
        if amount > Credits::ZERO {
            let grant = grant.map(|grant| (grant.serial, grant.name(credit_type).into()));
            let note = self.note.filter(|note| **note != Note::default()).cloned().map(Box::new);
            self.out.push(Effect::Moved(Movement {
                at: self.at,
                due: self.note.is_none(),
                credit_type,
                kind,
                grant,
                amount,
                note,
                adjustment: None,
            }));
        }
    }
}

impl Pool {
    /// An empty pool.
    #[must_use]
    pub fn new(credit_type: CreditType) -> Self {
        Pool { credit_type, next_change: Timestamp::MAX, ..Pool::default() }
    }

    /// The grants in burn order.
    #[must_use]
    pub fn grants(&self) -> &[Grant] {
        &self.grants
    }

    /// The books.
    #[must_use]
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// What is left of the usable grants.
    #[must_use]
    pub fn usable(&self) -> Credits {
        self.usable
    }

    /// What a percentage is of: what the usable grants amount to, without those that held nothing when one last started,
    /// ended or was refilled.
    #[must_use]
    pub fn base(&self) -> Credits {
        self.base
    }

    /// Whether it has as many grants as it may have, those aside that nothing refers to any more.
    #[must_use]
    pub fn is_full(&self, at: Timestamp) -> bool {
        let oldest = at.minus(OLDEST_EVENT);
        self.grants.len() >= MOST_GRANTS
            && self.grants.iter().filter(|grant| !grant.is_forgettable(oldest)).count() >= MOST_GRANTS
    }

    /// What is left, less what is owed: the balance.
    #[must_use]
    pub fn level(&self) -> Credits {
        self.usable.minus(self.totals.owed())
    }

    /// The next instant at which a grant ends, becomes usable or is refilled.
    #[must_use]
    pub fn next_change(&self) -> Timestamp {
        self.next_change
    }

    /// Adds a grant whose number is ours to give; so much of it is `carried` from elsewhere and not given anew. It is not usable
    /// before [`Pool::start`] says so.
    pub(in crate::ledger) fn add(&mut self, mut grant: Grant, carried: Credits, booking: &mut Booking<'_>) {
        grant.serial = self.serials;
        grant.phase = Phase::Ahead;
        self.serials = self.serials.saturating_add(1);
        self.next_change = self.next_change.min(grant.effective);
        let given = grant.amount.minus(carried);
        self.totals.granted = self.totals.granted.plus(given);
        booking.book(self.credit_type, MovementKind::RolledIn, Some(&grant), carried);
        booking.book(self.credit_type, MovementKind::Granted, Some(&grant), given);
        let place = self.grants.partition_point(|known| known.burn_order() <= grant.burn_order());
        self.grants.insert(place, grant);
        self.first = 0;
    }

    /// Forgets grants that ended before an instant: nothing refers to them any more.
    pub(in crate::ledger) fn forget_ended(&mut self, before: Timestamp) {
        self.grants.retain(|grant| !grant.is_forgettable(before));
        self.first = 0;
    }

    /// Takes back what a grant holds, and ends it.
    pub(in crate::ledger) fn void_grant(&mut self, at: usize, booking: &mut Booking<'_>) {
        self.finish(at, MovementKind::Voided, booking);
        if let Some(grant) = self.grants.get_mut(at) {
            grant.details.get_or_insert_default().voided_at = Some(booking.at);
        }
    }

    /// Ends the grant at a place. What it held is expired, voided or goes on.
    pub(super) fn finish(&mut self, at: usize, how: MovementKind, booking: &mut Booking<'_>) {
        let Some(grant) = self.grants.get_mut(at) else { return };
        let left = std::mem::replace(&mut grant.remaining, Credits::ZERO);
        if grant.phase == Phase::Usable {
            self.usable = self.usable.minus(left);
        }
        grant.phase = Phase::Ended;
        self.stirred = true;
        match how {
            MovementKind::Expired => self.totals.expired = self.totals.expired.plus(left),
            MovementKind::Voided => self.totals.voided = self.totals.voided.plus(left),
            _ => {}
        }
        booking.book(self.credit_type, how, self.grants.get(at), left);
    }

    /// Brings what a usable grant holds to an amount: more is granted as far as the total has room, less has expired.
    pub(super) fn bring_to(&mut self, at: usize, amount: Credits, booking: &mut Booking<'_>) {
        let room = self.room();
        let Some(grant) = self.grants.get_mut(at) else { return };
        let held = grant.remaining;
        let more = amount.minus(held).min(room).max(Credits::ZERO);
        let less = held.minus(amount).max(Credits::ZERO);
        grant.remaining = held.plus(more).minus(less);
        self.stirred |= amount != held;
        self.usable = self.usable.plus(more).minus(less);
        self.totals.granted = self.totals.granted.plus(more);
        self.totals.expired = self.totals.expired.plus(less);
        let grant = self.grants.get(at);
        booking.book(self.credit_type, MovementKind::Granted, grant, more);
        booking.book(self.credit_type, MovementKind::Expired, grant, less);
    }

    /// How much more can be granted.
    pub(in crate::ledger) fn room(&self) -> Credits {
        Credits::LARGEST_TOTAL.minus(self.totals.granted)
    }

    /// Takes an amount, from grants as far as they go and as overage beyond, and notes what paid.
    pub fn take(&mut self, amount: Credits, purpose: Purpose<'_>, draws: &mut SmallVec<[Draw; 2]>) {
        let credit_type = self.credit_type;
        let note = |grant: &mut Grant, part| {
            let (from, kind) = (Source::Grant(grant.serial), Some(grant.kind));
            draws.push(Draw { credit_type, from, kind, amount: part });
        };
        let drawn = if self.scoped {
            self.draw(amount, |grant| grant.pays(purpose), note)
        } else {
            self.draw(amount, |_| true, note)
        };
        self.totals.consumed = self.totals.consumed.plus(drawn);
        let short = amount.minus(drawn);
        if short > Credits::ZERO {
            self.totals.overage = self.totals.overage.plus(short);
            draws.push(Draw { credit_type, from: Source::Overage, kind: None, amount: short });
        }
        self.totals.charged = self.totals.charged.plus(amount);
    }

    /// Takes back an amount that the usable grants hold, in burn order.
    pub(in crate::ledger) fn withdraw(&mut self, amount: Credits, booking: &mut Booking<'_>) {
        let credit_type = self.credit_type;
        let note = |grant: &mut Grant, part| {
            booking.book(credit_type, MovementKind::Voided, Some(grant), part);
        };
        let drawn = self.draw(amount, |_| true, note);
        self.totals.voided = self.totals.voided.plus(drawn);
    }

    /// Takes an amount in burn order, whatever the grants are for.
    pub(in crate::ledger) fn burn(&mut self, amount: Credits) {
        let drawn = self.draw(amount, |_| true, |_, _| ());
        self.totals.consumed = self.totals.consumed.plus(drawn);
        self.totals.overage = self.totals.overage.plus(amount.minus(drawn));
        self.totals.charged = self.totals.charged.plus(amount);
    }

    /// A copy to look ahead with, without the grants that have ended.
    pub(in crate::ledger) fn ahead(&self) -> Pool {
        let going_on = self.grants.iter().filter(|grant| grant.phase != Phase::Ended);
        Pool { grants: going_on.cloned().collect(), first: 0, ..*self }
    }

    /// Draws from the usable grants that `may` be drawn from in burn order, at most `amount`. Answers how much it was.
    fn draw(
        &mut self,
        amount: Credits,
        may: impl Fn(&Grant) -> bool,
        mut note: impl FnMut(&mut Grant, Credits),
    ) -> Credits {
        let wanted = amount.min(self.usable);
        let mut missing = wanted;
        let skip = usize::try_from(self.first).unwrap_or(usize::MAX);
        let mut all_spent = true;
        for grant in self.grants.iter_mut().skip(skip) {
            if missing == Credits::ZERO {
                break;
            }
            if grant.phase == Phase::Usable && grant.remaining > Credits::ZERO && may(grant) {
                let part = missing.min(grant.remaining);
                grant.remaining = grant.remaining.minus(part);
                missing = missing.minus(part);
                note(grant, part);
            }
            all_spent &= grant.remaining == Credits::ZERO && grant.phase != Phase::Ahead;
            if all_spent {
                self.first = self.first.saturating_add(1);
            }
        }
        let drawn = wanted.minus(missing);
        self.usable = self.usable.minus(drawn);
        drawn
    }

    /// Repays what is owed from what is usable for anything.
    pub(super) fn repay(&mut self, booking: &mut Booking<'_>) {
        let owed = self.totals.owed();
        if owed > Credits::ZERO && self.usable > Credits::ZERO {
            let credit_type = self.credit_type;
            let note = |grant: &mut Grant, part: Credits| {
                grant.covered = grant.covered.plus(part);
                booking.book(credit_type, MovementKind::Covered, Some(grant), part);
            };
            let repaid = self.draw(owed, |grant| !grant.is_scoped(), note);
            self.totals.consumed = self.totals.consumed.plus(repaid);
            self.totals.covered = self.totals.covered.plus(repaid);
        }
    }

    /// Gives back what an event took, in exact reverse order, notes where it went, and repays what is still owed.
    pub(in crate::ledger) fn give_back(
        &mut self,
        draws: &[Draw],
        returns: &mut SmallVec<[Return; 2]>,
        booking: &mut Booking<'_>,
    ) {
        let credit_type = self.credit_type;
        for draw in draws.iter().rev().filter(|draw| draw.credit_type == credit_type) {
            self.totals.charged = self.totals.charged.minus(draw.amount);
            let mut note = |to, amount| {
                if amount > Credits::ZERO {
                    returns.push(Return { credit_type, from: draw.from, to, amount });
                }
            };
            match draw.from {
                Source::Overage => self.give_back_overage(draw.amount, &mut note),
                Source::Grant(serial) => {
                    self.totals.consumed = self.totals.consumed.minus(draw.amount);
                    let place = self.grants.iter().position(|grant| grant.serial == serial);
                    note(self.return_to(place, draw.amount), draw.amount);
                }
            }
        }
        self.first = 0;
        self.repay(booking);
    }

    /// Overage that did not count: what is still owed of it is forgiven, then what was dropped counts no more, and what was
    /// repaid goes back to the grants that repaid it, the newest first.
    fn give_back_overage(&mut self, amount: Credits, note: &mut impl FnMut(Destination, Credits)) {
        let owed = amount.min(self.totals.owed());
        let dropped = amount.minus(owed).min(self.totals.dropped);
        let mut repaid = amount.minus(owed).minus(dropped);
        note(Destination::Owed, owed);
        note(Destination::Dropped, dropped);
        self.totals.overage = self.totals.overage.minus(amount);
        self.totals.dropped = self.totals.dropped.minus(dropped);
        self.totals.covered = self.totals.covered.minus(repaid);
        self.totals.consumed = self.totals.consumed.minus(repaid);
        let mut newest: Vec<usize> = (0..self.grants.len()).collect();
        newest.sort_unstable_by_key(|at| Reverse(self.grants.get(*at).map(|grant| grant.serial)));
        for at in newest {
            let part = self.grants.get_mut(at).map_or(Credits::ZERO, |grant| {
                let part = repaid.min(grant.covered);
                grant.covered = grant.covered.minus(part);
                part
            });
            if part > Credits::ZERO {
                repaid = repaid.minus(part);
                note(self.return_to(Some(at), part), part);
            }
        }
        // What a forgotten grant had repaid can only have expired with it.
        note(Destination::Expired, repaid);
        self.totals.expired = self.totals.expired.plus(repaid);
    }

    /// Puts credits back into a grant; into one that has ended, or is forgotten, they expire at once.
    fn return_to(&mut self, place: Option<usize>, amount: Credits) -> Destination {
        match place.and_then(|at| self.grants.get_mut(at)) {
            Some(grant) if grant.phase != Phase::Ended => {
                grant.remaining = grant.remaining.plus(amount);
                self.usable = self.usable.plus(amount);
                Destination::Grant(grant.serial)
            }
            _ => {
                self.totals.expired = self.totals.expired.plus(amount);
                Destination::Expired
            }
        }
    }
}
