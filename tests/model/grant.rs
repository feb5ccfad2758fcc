//! One grant: what it was given, what it holds, where the rest went.

use super::calendar::{Grid, Zone};
use super::commands::{Adjustment, Order};
use super::report::Phase;
use super::scope::Spender;
use super::{Instant, Micros};

/// Credits given.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Its name.
    pub id: String,
    /// What was ordered.
    pub order: Order,
    /// The cycle it is of, if it is an allotment or was rolled over.
    pub cycle: Option<u64>,
    /// Usable from.
    pub effective: Instant,
    /// Usable until just before.
    pub ends: Option<Instant>,
    /// Where in its life it is.
    pub phase: Phase,
    /// What it amounts to: the whole of which a percentage is.
    pub amount: Micros,
    /// All that was ever granted by it.
    pub given: Micros,
    /// What came over from the cycle before.
    pub rolled_in: Micros,
    /// What went on into the next cycle.
    pub rolled_out: Micros,
    /// What it holds.
    pub remaining: Micros,
    /// Used, to cover overage or directly.
    pub consumed: Micros,
    /// How much of what was consumed covered overage.
    pub covered: Micros,
    /// Lost with time.
    pub expired: Micros,
    /// Taken back by hand, or by another plan.
    pub voided: Micros,
}

impl Grant {
    /// A grant that holds nothing and waits.
    pub fn new(id: String, order: Order, effective: Instant) -> Grant {
        Grant {
            id,
            cycle: None,
            effective,
            ends: order.expires,
            phase: Phase::Waiting,
            amount: 0,
            given: 0,
            rolled_in: 0,
            rolled_out: 0,
            remaining: 0,
            consumed: 0,
            covered: 0,
            expired: 0,
            voided: 0,
            order,
        }
    }

    /// Whether it can be drawn from.
    pub fn usable(&self) -> bool {
        self.phase == Phase::Usable
    }

    /// Whether it may pay for this action by this spender.
    pub fn pays(&self, action: &str, spender: &Spender) -> bool {
        self.order.scope.as_ref().is_none_or(|scope| scope.holds(action, spender))
    }

    /// Smallest burns first; of equals, the one created first.
    pub fn burn_rank(&self) -> (i128, usize, bool, Instant) {
        let kind =
            ["plan", "bonus", "purchased"].iter().position(|kind| *kind == self.order.kind).unwrap_or(3);
        (self.order.priority, kind, self.order.scope.is_none(), self.ends.unwrap_or(Instant::MAX))
    }

    /// The first instant after `after` at which it is full again.
    pub fn next_refill(&self, after: Instant, zone: &Zone) -> Option<Instant> {
        let recurrence = self.order.recurrence.filter(|_| self.usable())?;
        let anchor = recurrence.anchor.unwrap_or(self.effective);
        Some(Grid { zone: zone.clone(), anchor, period: recurrence.every }.next(after))
    }

    /// Uses up to so much; answers how much it was.
    pub fn take(&mut self, wanted: Micros) -> Micros {
        let taken = wanted.min(self.remaining);
        self.remaining -= taken;
        self.consumed += taken;
        taken
    }

    /// What was used comes back; to one that has ended it is expired.
    pub fn give_back(&mut self, amount: Micros) {
        self.consumed -= amount;
        let home = if self.phase == Phase::Ended { &mut self.expired } else { &mut self.remaining };
        *home += amount;
    }

    /// Whether it went where it must: nothing is lost between its columns, nothing is below zero.
    pub fn adds_up(&self) -> bool {
        let spread = self.remaining + self.consumed + self.expired + self.voided + self.rolled_out;
        let columns = [self.remaining, self.consumed - self.covered, self.covered, self.expired, self.voided];
        self.given + self.rolled_in == spread
            && columns.iter().all(|amount| *amount >= 0)
            && (self.phase != Phase::Ended || self.remaining == 0)
    }
}

/// What an adjustment above zero gives.
pub fn goodwill(id: &str, change: &Adjustment) -> Order {
    Order {
        id: Some(id.to_string()),
        credit_type: change.credit_type.clone(),
        amount: change.amount,
        kind: "bonus",
        priority: 100,
        effective: None,
        expires: None,
        scope: None,
        recurrence: None,
        rollover: None,
    }
}

/// Whether two orders say the same.
pub fn same(one: &Order, other: &Order) -> bool {
    let facts = |order: &Order| {
        let times = (order.effective, order.expires, order.recurrence, order.rollover);
        (order.credit_type.clone(), order.amount, order.kind, order.priority, order.scope.clone(), times)
    };
    facts(one) == facts(other)
}
