//! The terms of an organization, and the cycles that they bring.

use super::{Org, Waiting, moment};
use crate::model::calendar::{Grid, Period};
use crate::model::catalog::{Catalog, Plan};
use crate::model::commands::Put;
use crate::model::cycles::Cycle;
use crate::model::{Instant, Position, Reason};

/// How far back events are rated.
const OLDEST: Instant = 400 * 86_400_000_000;
/// The most changes of terms within that time.
const MOST_TERMS: usize = 64;

impl Org {
    /// The begin of the next cycle at the end of one, by the plan now in force.
    pub(super) fn next_cycle(&mut self, ending: &Cycle, anchored: bool, catalog: &Catalog) {
        let plan = self.agreement(self.now, catalog).map(|(_, plan)| plan.clone()).ok();
        let next = plan.and_then(|plan| {
            let period = plan.cycle?;
            // Another length starts a count of its own, from here.
            if ending.plan.cycle != Some(period) && !anchored {
                self.anchor = Some(self.now);
            }
            let end = self.grid(period).next(self.now);
            self.cycles += 1;
            Some(Cycle { number: self.cycles, start: self.now, end, plan })
        });
        self.grants.reset(ending, next.as_ref(), false, self.now);
        self.begun = next.as_ref().map(|next| next.number);
        self.cycle = next;
    }

    fn grid(&self, period: Period) -> Grid {
        Grid { zone: self.zone.clone(), anchor: self.anchor.unwrap_or(self.now), period }
    }

    /// Takes new terms, in force from now on or from the next reset. Those that no event can be rated by any more do
    /// not count as changes.
    pub fn put(&mut self, put: Put, position: Position, catalog: &Catalog) -> Result<(), Reason> {
        if put.waits && self.cycle.is_none() {
            return Err("invalid_field");
        }
        let in_force = self.terms.last().map(|(_, terms)| terms);
        let known = in_force == Some(&put.terms);
        let other_plan = in_force.is_some_and(|terms| terms.plan != put.terms.plan);
        let past = self.terms.iter().skip(1).filter(|(from, _)| *from < self.now - OLDEST).count();
        if !known && self.terms.len() - past >= MOST_TERMS {
            return Err("too_many");
        }
        if let Some(zone) = put.zone {
            self.zone = zone;
            let moment = moment(self.now, &self.zone, self.cycle.as_ref());
            self.limits.move_ends(moment);
            self.recharges.move_ends(moment);
        }
        self.names.own = put.name.or(self.names.own.take());
        self.anchor = put.anchor.or(self.anchor);
        self.waiting = None;
        if put.waits {
            self.waiting = (!known).then_some(Waiting { terms: put.terms, anchored: put.anchor.is_some() });
            self.move_end();
        } else {
            let from = if self.terms.is_empty() { Instant::MIN } else { self.now };
            if !known {
                self.terms.push((from, put.terms));
            }
            self.follow(catalog);
            self.change_cycle(other_plan, put.anchor.is_some(), put.prorate, catalog);
        }
        self.settle(Some(position), catalog);
        Ok(())
    }

    /// The cycle after a put that counts at once.
    fn change_cycle(&mut self, other_plan: bool, anchored: bool, prorate: bool, catalog: &Catalog) {
        let Ok(plan) = self.agreement(self.now, catalog).map(|(_, plan)| plan.clone()) else { return };
        match (self.cycle.take(), plan.cycle) {
            (None, Some(period)) => {
                self.anchor = self.anchor.or(Some(self.now));
                let cycle = self.enter(period, plan);
                self.grants.allot(&cycle, prorate, self.now);
                self.cycle = Some(cycle);
            }
            (Some(running), _) if !other_plan => {
                self.cycle = Some(running);
                self.move_end();
            }
            (Some(running), cycle) if cycle == running.plan.cycle => {
                let old = running.plan.clone();
                self.cycle = Some(Cycle { plan, ..running });
                self.move_end();
                if let Some(cycle) = &self.cycle {
                    self.grants.change_allotments(cycle, &old, prorate, self.now);
                }
            }
            (Some(running), Some(period)) => {
                self.anchor = if anchored { self.anchor } else { Some(self.now) };
                let cycle = self.enter(period, plan);
                self.grants.reset(&running, Some(&cycle), prorate, self.now);
                self.begun = Some(cycle.number);
                self.cycle = Some(cycle);
            }
            // Its grants live on until their end.
            (_, None) => {}
        }
    }

    /// The next cycle, entered now, wherever in the calendar's period that is.
    fn enter(&mut self, period: Period, plan: Plan) -> Cycle {
        let grid = self.grid(period);
        self.cycles += 1;
        Cycle { number: self.cycles, start: grid.last(self.now), end: grid.next(self.now), plan }
    }

    /// Moves the end of the running cycle to where the calendar has it.
    fn move_end(&mut self) {
        let Some(period) = self.cycle.as_ref().and_then(|cycle| cycle.plan.cycle) else { return };
        let end = self.grid(period).next(self.now);
        if let Some(cycle) = &mut self.cycle {
            cycle.end = end;
            self.grants.move_end(cycle);
        }
    }
}
