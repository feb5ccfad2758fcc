//! Cycles: what a reset does to the grants, and what another plan does to the allotments of the running cycle.

use std::collections::BTreeSet;

use super::catalog::{Allotment, Plan};
use super::commands::Order;
use super::grant::Grant;
use super::grants::Grants;
use super::rating::round_half_up;
use super::report::{Moved, Movement, Phase};
use super::{Instant, Micros};

/// A billing period of an organization.
#[derive(Clone, Debug)]
pub struct Cycle {
    /// From 1.
    pub number: u64,
    /// Its begin in the calendar; the organization may have entered later.
    pub start: Instant,
    /// Its end and the begin of the next.
    pub end: Instant,
    /// The version of the plan that rules it from its begin to its end, whatever later versions say.
    pub plan: Plan,
}

impl Cycle {
    /// An amount, or the part of it for the rest of the cycle.
    fn share(&self, amount: Micros, prorate: bool, now: Instant) -> Micros {
        let (rest, whole) = (Micros::from(self.end - now), Micros::from(self.end - self.start));
        if prorate { round_half_up(amount * rest, whole) } else { amount }
    }

    fn name(&self, kind: &str, credit_type: &str) -> String {
        format!("{kind}.{}.{credit_type}", self.number)
    }
}

impl Grants {
    /// The end of a cycle and, if one follows, the begin of the next.
    pub fn reset(&mut self, old: &Cycle, next: Option<&Cycle>, prorate: bool, now: Instant) {
        self.roll_over(old, next, now);
        for index in self.in_order(|grant| grant.usable() && grant.order.rollover.is_some()) {
            let held = self.list[index].remaining;
            let brought = self.list[index].order.rollover.map_or(held, |rollover| rollover.bring(held));
            self.bring(index, brought, now);
        }
        if old.plan.drop_overage {
            self.drop_overage(now);
        }
        if let Some(next) = next {
            self.allot(next, prorate, now);
        }
    }

    /// Ends the grants of a cycle; what the allotments' rollover says goes on into the next.
    fn roll_over(&mut self, old: &Cycle, next: Option<&Cycle>, now: Instant) {
        let of_cycle = |grant: &Grant| grant.usable() && grant.cycle == Some(old.number);
        let held = self.in_order(of_cycle);
        let mut types: BTreeSet<String> = old.plan.allotments.keys().cloned().collect();
        types.extend(held.iter().map(|index| self.list[*index].order.credit_type.clone()));
        for credit_type in types {
            let of_type = |index: &usize| self.list[*index].order.credit_type == credit_type;
            let held: Vec<usize> = held.iter().copied().filter(of_type).collect();
            let left: Micros = held.iter().map(|index| self.list[*index].remaining).sum();
            let allotment = old.plan.allotments.get(&credit_type);
            let rollover = allotment.and_then(|allotment| allotment.rollover).filter(|_| next.is_some());
            let goes_on = rollover.map_or(0, |rollover| rollover.bring(left));
            let mut out = left.min(goes_on);
            let rolled = out;
            for index in held {
                let part = out.min(self.list[index].remaining);
                out -= part;
                self.lose(index, part, Moved::RolledOut, now);
                self.end(index, Moved::Expired, now);
            }
            if let (Some(next), Some(allotment), 1..) = (next, allotment, goes_on) {
                self.roll_in(next, &credit_type, allotment, rolled, goes_on, now);
            }
        }
    }

    fn roll_in(
        &mut self,
        next: &Cycle,
        credit_type: &str,
        allotment: &Allotment,
        rolled: Micros,
        goes_on: Micros,
        now: Instant,
    ) {
        let index = self.open(of_cycle(next, "rollover", credit_type, allotment, now), now);
        self.list[index].rolled_in = rolled;
        self.list[index].remaining = rolled;
        self.moved(index, Moved::RolledIn, rolled, now);
        let given = self.give(index, goes_on - rolled, now);
        self.list[index].amount = rolled + given;
    }

    fn drop_overage(&mut self, at: Instant) {
        for (credit_type, sums) in &mut self.sums {
            let amount = sums.outstanding();
            if amount > 0 {
                sums.dropped += amount;
                let credit_type = credit_type.clone();
                self.movements.push(Movement { at, credit_type, kind: Moved::Dropped, grant: None, amount });
            }
        }
    }

    /// Gives the allotments of a cycle.
    pub fn allot(&mut self, cycle: &Cycle, prorate: bool, now: Instant) {
        for (credit_type, allotment) in &cycle.plan.allotments {
            let amount = cycle.share(allotment.amount, prorate, now);
            self.begin_allotment(cycle, credit_type, allotment, amount, now);
        }
    }

    fn begin_allotment(
        &mut self,
        cycle: &Cycle,
        credit_type: &str,
        allotment: &Allotment,
        amount: Micros,
        now: Instant,
    ) {
        if amount > 0 {
            let index = self.open(of_cycle(cycle, "plan", credit_type, allotment, now), now);
            self.list[index].amount = self.give(index, amount, now);
        }
    }

    /// The running cycle goes on by another plan, which `cycle` has already: each allotment becomes another amount.
    pub fn change_allotments(&mut self, cycle: &Cycle, old: &Plan, prorate: bool, now: Instant) {
        let amount = |plan: &Plan, name: &String| plan.allotments.get(name).map_or(0, |found| found.amount);
        let types: BTreeSet<&String> = old.allotments.keys().chain(cycle.plan.allotments.keys()).collect();
        for name in types {
            let more = cycle.share(amount(&cycle.plan, name) - amount(old, name), prorate, now);
            match (self.named(&cycle.name("plan", name), now), cycle.plan.allotments.get(name)) {
                (Some(index), _) => self.change_allotment(index, more, now),
                (None, Some(allotment)) => self.begin_allotment(cycle, name, allotment, more, now),
                (None, None) => {}
            }
        }
    }

    fn change_allotment(&mut self, index: usize, more: Micros, now: Instant) {
        let grant = &self.list[index];
        // One that was voided by hand stays so.
        if grant.phase == Phase::Ended || more == 0 {
            return;
        }
        if more > 0 {
            let given = self.give(index, more, now);
            self.list[index].amount += given;
        } else {
            // What was used stays used.
            let less = grant.remaining.min(-more);
            self.lose(index, less, Moved::Voided, now);
            self.list[index].amount -= less;
        }
        self.recount(index);
    }

    /// Moves the end of the grants of a cycle with the cycle's.
    pub fn move_end(&mut self, cycle: &Cycle) {
        let of_cycle = |grant: &&mut Grant| grant.phase != Phase::Ended && grant.cycle == Some(cycle.number);
        self.list.iter_mut().filter(of_cycle).for_each(|grant| grant.ends = Some(cycle.end));
    }
}

/// An empty grant of a cycle.
fn of_cycle(cycle: &Cycle, kind: &str, credit_type: &str, allotment: &Allotment, now: Instant) -> Grant {
    let id = cycle.name(kind, credit_type);
    let order = Order {
        id: Some(id.clone()),
        credit_type: credit_type.to_string(),
        amount: allotment.amount,
        kind: "plan",
        priority: allotment.priority,
        effective: Some(now),
        expires: Some(cycle.end),
        scope: None,
        recurrence: None,
        rollover: None,
    };
    Grant { cycle: Some(cycle.number), ..Grant::new(id, order, now) }
}
