//! The grants of one organization: what is drawn from them, in which order, and what is given back.

use std::collections::BTreeMap;

use super::commands::Order;
use super::watch::Gauge;
use super::{Instant, LARGEST_TOTAL, Micros, Position, Reason};

/// Credits given.
#[derive(Debug)]
pub struct Grant {
    /// Its name.
    pub id: String,
    /// The entry that gave it.
    pub created: Position,
    /// What was ordered.
    pub order: Order,
    /// Usable from.
    pub effective: Instant,
    /// Not used and not expired yet.
    pub remaining: Micros,
    /// Used, to cover overage or directly.
    pub consumed: Micros,
    /// Lost.
    pub expired: Micros,
    /// How much of what was consumed covered overage.
    pub covered: Micros,
}

impl Grant {
    fn ended(&self, now: Instant) -> bool {
        self.order.expires.is_some_and(|expires| expires <= now)
    }

    fn usable(&self, now: Instant) -> bool {
        self.effective <= now && !self.ended(now)
    }

    /// Smallest burns first.
    fn burn_rank(&self) -> (i128, usize, Instant, Position) {
        let kind =
            ["plan", "bonus", "purchased"].iter().position(|kind| *kind == self.order.kind).unwrap_or(3);
        (self.order.priority, kind, self.order.expires.unwrap_or(Instant::MAX), self.created)
    }

    fn take(&mut self, wanted: Micros) -> Micros {
        let taken = wanted.min(self.remaining);
        self.remaining -= taken;
        self.consumed += taken;
        taken
    }

    fn give_back(&mut self, amount: Micros, now: Instant) {
        self.consumed -= amount;
        let home = if self.ended(now) { &mut self.expired } else { &mut self.remaining };
        *home += amount;
    }
}

/// Sums of one credit type over all charges that were not voided.
#[derive(Debug, Default)]
pub struct Sums {
    /// All that was charged.
    pub charged: Micros,
    /// Of it, what no grant could pay at the time.
    pub overage: Micros,
    /// Of the overage, what grants covered later.
    pub covered: Micros,
}

impl Sums {
    /// The overage that is still owed.
    pub fn outstanding(&self) -> Micros {
        self.overage - self.covered
    }
}

/// What one charge took in one credit type.
#[derive(Debug)]
pub struct Draw {
    credit_type: String,
    from: Vec<(usize, Micros)>,
    overage: Micros,
}

/// All grants of an organization, in the order of their creation, and the sums of its charges.
#[derive(Debug, Default)]
pub struct Grants {
    /// The grants.
    pub list: Vec<Grant>,
    /// The sums by credit type.
    pub sums: BTreeMap<String, Sums>,
}

impl Grants {
    /// Takes a grant into the books. One that is known already changes nothing if it is the same.
    pub fn add(&mut self, order: Order, created: Position, now: Instant) -> Result<(), Reason> {
        let id = order.id.clone().unwrap_or_else(|| format!("g{}.{}", created.0, created.1));
        if let Some(known) = self.list.iter().find(|grant| grant.id == id) {
            let content = |order: &Order| {
                let times = (order.effective, order.expires);
                (order.credit_type.clone(), order.amount, order.kind, order.priority, times)
            };
            return if content(&order) == content(&known.order) { Ok(()) } else { Err("conflict") };
        }
        let effective = order.effective.unwrap_or(now);
        if order.expires.is_some_and(|expires| expires <= effective || expires <= now) {
            return Err("invalid_field");
        }
        if self.granted(&order.credit_type) + order.amount > LARGEST_TOTAL {
            return Err("amount_too_large");
        }
        let remaining = order.amount;
        self.list.push(Grant {
            id,
            created,
            order,
            effective,
            remaining,
            consumed: 0,
            expired: 0,
            covered: 0,
        });
        self.repay(now);
        Ok(())
    }

    fn granted(&self, credit_type: &str) -> Micros {
        self.list
            .iter()
            .filter(|grant| grant.order.credit_type == credit_type)
            .map(|grant| grant.order.amount)
            .sum()
    }

    /// The next instant after `after`, not after `until`, at which a grant ends or becomes usable.
    pub fn next_change(&self, after: Instant, until: Instant) -> Option<Instant> {
        let ends = self.list.iter().filter_map(|grant| grant.order.expires);
        let starts = self.list.iter().map(|grant| grant.effective);
        ends.chain(starts).filter(|instant| after < *instant && *instant <= until).min()
    }

    /// At the instant `now`: what ended is lost, what became usable covers overage.
    pub fn turn(&mut self, now: Instant) {
        for grant in self.list.iter_mut().filter(|grant| grant.ended(now)) {
            grant.expired += grant.remaining;
            grant.remaining = 0;
        }
        self.repay(now);
    }

    fn repay(&mut self, now: Instant) {
        let types: Vec<String> = self.sums.keys().cloned().collect();
        for credit_type in types {
            for index in self.burn_order(&credit_type, now) {
                let Some(sums) = self.sums.get_mut(&credit_type) else { continue };
                let taken = self.list[index].take(sums.outstanding());
                self.list[index].covered += taken;
                sums.covered += taken;
            }
        }
    }

    /// The usable grants of a type, first to burn first.
    fn burn_order(&self, credit_type: &str, now: Instant) -> Vec<usize> {
        let fits = |index: &usize| {
            let grant = &self.list[*index];
            grant.order.credit_type == credit_type && grant.usable(now)
        };
        let mut order: Vec<usize> = (0..self.list.len()).filter(fits).collect();
        order.sort_by_key(|index| self.list[*index].burn_rank());
        order
    }

    /// What usable grants of a type still hold.
    pub fn usable(&self, credit_type: &str, now: Instant) -> Micros {
        self.burn_order(credit_type, now).iter().map(|index| self.list[*index].remaining).sum()
    }

    /// Takes an amount; what no grant can pay is overage.
    pub fn draw(&mut self, credit_type: &str, amount: Micros, now: Instant) -> Draw {
        let mut left = amount;
        let mut from = Vec::new();
        for index in self.burn_order(credit_type, now) {
            let taken = self.list[index].take(left);
            left -= taken;
            from.push((index, taken));
        }
        let sums = self.sums.entry(credit_type.to_string()).or_default();
        sums.charged += amount;
        sums.overage += left;
        Draw { credit_type: credit_type.to_string(), from, overage: left }
    }

    /// Undoes a draw, last part first.
    pub fn undo(&mut self, draw: &Draw, now: Instant) {
        let sums = self.sums.entry(draw.credit_type.clone()).or_default();
        sums.charged -= draw.overage + draw.from.iter().map(|(_, taken)| taken).sum::<Micros>();
        // What is still owed is forgiven first; the rest of the overage was covered, by grants that get it back.
        let mut covered = draw.overage - draw.overage.min(sums.outstanding());
        sums.overage -= draw.overage;
        sums.covered -= covered;
        let of_type = self.list.iter_mut().filter(|grant| grant.order.credit_type == draw.credit_type);
        for grant in of_type.rev() {
            let back = covered.min(grant.covered);
            grant.covered -= back;
            covered -= back;
            grant.give_back(back, now);
        }
        for (index, taken) in draw.from.iter().rev() {
            self.list[*index].give_back(*taken, now);
        }
        self.repay(now);
    }

    /// Level and total of every credit type that ever got a grant.
    pub fn gauges(&self, now: Instant) -> BTreeMap<String, Gauge> {
        let mut gauges: BTreeMap<&str, Gauge> = BTreeMap::new();
        for grant in &self.list {
            let gauge = gauges.entry(&grant.order.credit_type).or_default();
            if grant.usable(now) {
                gauge.level += grant.remaining;
                gauge.total += grant.order.amount;
            }
        }
        let mut gauges: BTreeMap<String, Gauge> =
            gauges.into_iter().map(|(credit_type, gauge)| (credit_type.to_string(), gauge)).collect();
        for (credit_type, gauge) in &mut gauges {
            gauge.level -= self.sums.get(credit_type).map_or(0, Sums::outstanding);
        }
        gauges
    }
}
