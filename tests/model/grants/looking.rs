//! What there is: grants by name, by credit type, in the order in which they burn.

use std::collections::BTreeMap;

use super::{Grants, MEMORY, Sums};
use crate::model::calls::Pending;
use crate::model::grant::Grant;
use crate::model::report::Phase;
use crate::model::watch::Gauge;
use crate::model::{Instant, Micros};

impl Grants {
    /// The grant of this name, unless it ended 400 days ago; the names of cycles are for ever.
    pub fn named(&self, id: &str, now: Instant) -> Option<usize> {
        let kept = |grant: &Grant| {
            let over = grant.phase == Phase::Ended && grant.ends.is_some_and(|end| end < now - MEMORY);
            grant.cycle.is_some() || !over
        };
        self.list.iter().position(|grant| grant.id == id && kept(grant))
    }

    /// Some of the grants that have not ended: credit types by name, and within one as they burn.
    pub fn in_order(&self, which: impl Fn(&Grant) -> bool) -> Vec<usize> {
        let wanted = self.living.iter().copied().filter(|index| which(&self.list[*index]));
        let mut order: Vec<usize> = wanted.collect();
        order.sort_by_key(|index| {
            let grant = &self.list[*index];
            (grant.order.credit_type.clone(), grant.burn_rank(), *index)
        });
        order
    }

    /// The usable grants of a type, first to burn first.
    pub(super) fn burn_order(&self, credit_type: &str) -> Vec<usize> {
        self.in_order(|grant| grant.order.credit_type == credit_type && grant.usable())
    }

    /// What usable grants of a type hold.
    pub(super) fn usable(&self, credit_type: &str) -> Micros {
        self.burn_order(credit_type).iter().map(|index| self.list[*index].remaining).sum()
    }

    /// What usable grants of a type hold, less what is owed; of a type that nobody ever had, 0.
    pub fn available(&self, credit_type: &str) -> Micros {
        self.usable(credit_type) - self.sums.get(credit_type).map_or(0, Sums::outstanding)
    }

    /// What is available of a type after what live calls have cost so far.
    pub fn left(&self, credit_type: &str, pending: &Pending) -> Micros {
        self.available(credit_type) - pending.get(credit_type).copied().unwrap_or(0)
    }

    /// The grants of a type that have not ended, as they are.
    pub fn alive(&self, credit_type: &str) -> Vec<Grant> {
        let of_type = |grant: &&Grant| grant.order.credit_type == credit_type;
        self.living.iter().map(|index| &self.list[*index]).filter(of_type).cloned().collect()
    }

    /// The grants of all types that have not ended, with their places.
    pub fn all_alive(&self) -> impl Iterator<Item = (usize, &Grant)> {
        self.living.iter().map(|index| (*index, &self.list[*index]))
    }

    /// Whether a type ever got a grant.
    pub fn ever(&self, credit_type: &str) -> bool {
        self.types.contains(credit_type)
    }

    pub(super) fn granted(&self, credit_type: &str) -> Micros {
        self.list.iter().filter(|grant| grant.order.credit_type == credit_type).map(|grant| grant.given).sum()
    }

    /// Level and total of every credit type that ever got a grant.
    pub fn gauges(&self, pending: &Pending) -> BTreeMap<String, Gauge> {
        let gauge = |credit_type: &String| Gauge {
            level: self.left(credit_type, pending),
            total: self.totals.get(credit_type).copied().unwrap_or(0),
        };
        self.types.iter().map(|credit_type| (credit_type.clone(), gauge(credit_type))).collect()
    }

    /// Every breach of what must hold between grants, a line each.
    pub fn breaches(&self) -> Vec<String> {
        let broken = self.list.iter().filter(|grant| !grant.adds_up());
        let mut lines: Vec<String> = broken.map(|grant| format!("does not add up: {grant:?}")).collect();
        for (credit_type, sums) in &self.sums {
            let free = self.burn_order(credit_type).into_iter().map(|index| &self.list[index]);
            let idle: Micros =
                free.filter(|grant| grant.order.scope.is_none()).map(|grant| grant.remaining).sum();
            if sums.outstanding() < 0 || (sums.outstanding() > 0 && idle > 0) {
                lines.push(format!("{credit_type}: {idle} idle beside {sums:?}"));
            }
        }
        lines
    }
}
