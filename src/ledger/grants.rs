//! Grants and their pool: what was given, in the order in which it burns.
//!
//! One pool holds all credits of one kind. Its totals keep the books:
//! `granted = remaining + consumed + expired + voided` and `consumed − covered = charged − overage`.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::charge::{Draw, Source};
use super::entry::{GrantKind, GrantOrder};
use super::price::CreditType;
use super::units::{Credits, Position, Timestamp};

/// An amount of credits given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The caller's name for it; its position in the log where none was given.
    pub id: Option<Box<str>>,
    /// The entry that gave it.
    pub created: Position,
    /// Its number within the pool.
    pub serial: u32,
    /// Where it comes from.
    pub kind: GrantKind,
    /// Lower burns first.
    pub priority: u8,
    /// Where it is in its life.
    pub phase: Phase,
    /// Whether it was to be usable at once, without an instant being named.
    pub at_once: bool,
    /// Usable from here on.
    pub effective: Timestamp,
    /// Usable until here, exclusive; [`Timestamp::MAX`] for ever.
    pub expires: Timestamp,
    /// How much was given.
    pub amount: Credits,
    /// What is left of it; nothing once it has ended.
    pub remaining: Credits,
    /// What of it went to repay overage.
    pub covered: Credits,
}

/// Where a grant is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Not usable yet.
    Ahead,
    /// Usable.
    Usable,
    /// Past its expiry.
    Ended,
}

impl Grant {
    /// Lower burns first: priority, the plan's before gifts before what was bought, earliest expiry, earliest created.
    fn burn_order(&self) -> (u8, GrantKind, Timestamp, Position) {
        (self.priority, self.kind, self.expires, self.created)
    }

    /// Whether this is what the order asks for.
    #[must_use]
    pub fn is_of(&self, order: &GrantOrder) -> bool {
        let effective = if self.at_once { None } else { Some(self.effective) };
        let expires = Some(self.expires).filter(|instant| *instant != Timestamp::MAX);
        let asked = (order.kind, order.priority, order.amount, order.effective, order.expires);
        asked == (self.kind, self.priority, self.amount, effective, expires)
    }

    /// Whether it ended so long before that nothing refers to it any more.
    #[must_use]
    pub fn is_forgettable(&self, before: Timestamp) -> bool {
        self.phase == Phase::Ended && self.expires < before
    }

    /// Whether this is the name by which it is known outside.
    #[must_use]
    pub fn is_named(&self, name: &str) -> bool {
        match &self.id {
            Some(id) => **id == *name,
            None => name.starts_with('g') && self.name() == name,
        }
    }

    /// The name by which it is known outside.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.id {
            Some(id) => id.to_string(),
            None => format!("g{}", self.created),
        }
    }
}

/// The books of a pool. Every figure only ever grows, except by a void.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// All that was ever given.
    pub granted: Credits,
    /// What was drawn from grants, for charges and for repaid overage.
    pub consumed: Credits,
    /// What was left of grants at their expiry.
    pub expired: Credits,
    /// What was taken back from grants.
    pub voided: Credits,
    /// The price of all events that count.
    pub charged: Credits,
    /// What of it no grant covered at the time.
    pub overage: Credits,
    /// What of the overage was repaid since.
    pub covered: Credits,
}

impl Totals {
    /// What is still owed.
    #[must_use]
    pub fn owed(&self) -> Credits {
        self.overage.minus(self.covered)
    }
}

/// All credits of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    /// The kind.
    pub credit_type: CreditType,
    /// In burn order.
    grants: SmallVec<[Grant; 1]>,
    /// Everything before this one has nothing left to burn.
    first: u32,
    serials: u32,
    /// What is left of the usable grants.
    usable: Credits,
    /// What the usable grants were when they were given.
    base: Credits,
    totals: Totals,
    /// The next instant at which a grant ends or becomes usable.
    next_change: Timestamp,
}

/// The most grants of one pool. Ended ones go once nothing can refer to them any more.
pub const MOST_GRANTS: usize = 10_000;

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

    /// What the usable grants were when they were given: what a percentage is of.
    #[must_use]
    pub fn base(&self) -> Credits {
        self.base
    }

    /// What is left, less what is owed: the balance.
    #[must_use]
    pub fn level(&self) -> Credits {
        self.usable.minus(self.totals.owed())
    }

    /// The next instant at which a grant ends or becomes usable.
    #[must_use]
    pub fn next_change(&self) -> Timestamp {
        self.next_change
    }

    /// Adds a grant whose number is ours to give. It is not usable before [`Pool::step`] says so.
    pub fn add(&mut self, mut grant: Grant) {
        grant.serial = self.serials;
        grant.phase = Phase::Ahead;
        self.serials = self.serials.saturating_add(1);
        self.totals.granted = self.totals.granted.plus(grant.amount);
        self.next_change = self.next_change.min(grant.effective);
        let place = self.grants.partition_point(|known| known.burn_order() <= grant.burn_order());
        self.grants.insert(place, grant);
        self.first = 0;
    }

    /// Forgets grants that ended before an instant: nothing refers to them any more.
    pub fn forget_ended(&mut self, before: Timestamp) {
        self.grants.retain(|grant| !grant.is_forgettable(before));
        self.first = 0;
    }

    /// Carries out what falls due at the pool's next instant, if that is not after `to`: grants end, then
    /// grants become usable, then what is owed is repaid. Answers the instant.
    pub fn step(&mut self, to: Timestamp) -> Option<Timestamp> {
        let instant = self.next_change;
        if instant > to || instant == Timestamp::MAX {
            return None;
        }
        self.next_change = Timestamp::MAX;
        for grant in &mut self.grants {
            if grant.phase == Phase::Usable && grant.expires <= instant {
                self.usable = self.usable.minus(grant.remaining);
                self.base = self.base.minus(grant.amount);
                self.totals.expired = self.totals.expired.plus(grant.remaining);
                grant.remaining = Credits::ZERO;
                grant.phase = Phase::Ended;
            } else if grant.phase == Phase::Ahead && grant.effective <= instant {
                self.usable = self.usable.plus(grant.remaining);
                self.base = self.base.plus(grant.amount);
                grant.phase = Phase::Usable;
            }
            match grant.phase {
                Phase::Ahead => self.next_change = self.next_change.min(grant.effective),
                Phase::Usable => self.next_change = self.next_change.min(grant.expires),
                Phase::Ended => {}
            }
        }
        self.first = 0;
        self.repay();
        Some(instant)
    }

    /// Takes an amount, from grants as far as they go and as overage beyond, and notes what paid.
    pub fn take(&mut self, amount: Credits, draws: &mut SmallVec<[Draw; 2]>) {
        let credit_type = self.credit_type;
        let note = |grant: &mut Grant, part| {
            draws.push(Draw { credit_type, from: Source::Grant(grant.serial), amount: part });
        };
        let drawn = self.draw(amount, note);
        let short = amount.minus(drawn);
        if short > Credits::ZERO {
            self.totals.overage = self.totals.overage.plus(short);
            draws.push(Draw { credit_type, from: Source::Overage, amount: short });
        }
        self.totals.charged = self.totals.charged.plus(amount);
    }

    /// Draws from the usable grants in burn order, at most `amount`. Answers how much it was.
    fn draw(&mut self, amount: Credits, mut note: impl FnMut(&mut Grant, Credits)) -> Credits {
        let wanted = amount.min(self.usable);
        let mut missing = wanted;
        let skip = usize::try_from(self.first).unwrap_or(usize::MAX);
        let mut all_spent = true;
        for grant in self.grants.iter_mut().skip(skip) {
            if missing == Credits::ZERO {
                break;
            }
            if grant.phase == Phase::Usable && grant.remaining > Credits::ZERO {
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
        self.totals.consumed = self.totals.consumed.plus(drawn);
        drawn
    }

    /// Repays what is owed from what is usable.
    fn repay(&mut self) {
        let owed = self.totals.owed();
        if owed > Credits::ZERO && self.usable > Credits::ZERO {
            let repaid = self.draw(owed, |grant, part| grant.covered = grant.covered.plus(part));
            self.totals.covered = self.totals.covered.plus(repaid);
        }
    }

    /// Gives back what an event took, in exact reverse order, and repays what is still owed.
    pub fn give_back(&mut self, draws: &[Draw]) {
        let credit_type = self.credit_type;
        for draw in draws.iter().rev().filter(|draw| draw.credit_type == credit_type) {
            self.totals.charged = self.totals.charged.minus(draw.amount);
            match draw.from {
                Source::Overage => self.give_back_overage(draw.amount),
                Source::Grant(serial) => {
                    self.totals.consumed = self.totals.consumed.minus(draw.amount);
                    let place = self.grants.iter().position(|grant| grant.serial == serial);
                    self.return_to(place, draw.amount);
                }
            }
        }
        self.first = 0;
        self.repay();
    }

    /// Overage that did not count: what is still owed of it is dropped, what was repaid goes back to the
    /// grants that repaid it, the newest first.
    fn give_back_overage(&mut self, amount: Credits) {
        let mut repaid = amount.minus(amount.min(self.totals.owed()));
        self.totals.overage = self.totals.overage.minus(amount);
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
                self.return_to(Some(at), part);
            }
        }
        // What a forgotten grant had repaid can only have expired with it.
        self.totals.expired = self.totals.expired.plus(repaid);
    }

    /// Puts credits back into a grant; into one that has ended, or is forgotten, they expire at once.
    fn return_to(&mut self, place: Option<usize>, amount: Credits) {
        match place.and_then(|at| self.grants.get_mut(at)) {
            Some(grant) if grant.phase != Phase::Ended => {
                grant.remaining = grant.remaining.plus(amount);
                self.usable = self.usable.plus(amount);
            }
            _ => self.totals.expired = self.totals.expired.plus(amount),
        }
    }
}

#[cfg(test)]
mod tests;
