//! Time passes: from one instant at which something happens by itself to the next, never over one.

use super::{Org, Turn};
use crate::ledger::balance::Moment;
use crate::ledger::catalog::Catalog;
use crate::ledger::effect::Effect;
use crate::ledger::grants::Booking;
use crate::ledger::terms::rules_in_force;
use crate::ledger::units::Timestamp;

impl Org {
    /// The next instant at which something happens by itself, as far as the catalog tells now.
    #[must_use]
    pub fn next_change(&self, catalog: &Catalog) -> Timestamp {
        self.next_of_credits(catalog).min(self.next_of_calls(catalog))
    }

    /// The next instant at which something happens by itself to what is settled: without what live calls do.
    #[must_use]
    pub fn next_of_credits(&self, catalog: &Catalog) -> Timestamp {
        let planned = self.terms.last().filter(|terms| !terms.has_rules());
        let plan = planned.and_then(|terms| catalog.plan(terms.plan));
        let of_balances = self.balances.iter().map(|balance| balance.next_change(self.at, plan));
        let own = self.recharges.as_ref().map_or(Timestamp::MAX, |recharges| recharges.next_change());
        of_balances.fold(self.next_reset.min(own), Timestamp::min)
    }

    /// The next instant at which what is settled changes by itself, be it by a call that is closed.
    #[must_use]
    pub fn next_settled(&self, catalog: &Catalog) -> Timestamp {
        let closing = self.calls().map_or(Timestamp::MAX, |calls| calls.next_closing());
        self.next_of_credits(catalog).min(closing)
    }

    /// Lets time pass up to `to`: grants end, become usable and are refilled, cycles turn, calls are closed, each at its own instant.
    pub fn advance(&mut self, to: Timestamp, catalog: &Catalog, out: &mut Vec<Effect>) {
        loop {
            let settled = self.next_of_credits(catalog);
            let next = settled.min(self.next_of_calls(catalog));
            if next > to {
                break;
            }
            let before = self.before(next);
            let lags = self.calls().is_some_and(|calls| calls.at() < before);
            if lags && self.next_settled(catalog) == next {
                self.pass_calls(before, catalog, out);
            }
            if settled == next {
                self.step(next, catalog, out);
                self.look_at_recharges(next, out);
            }
            self.close_calls(next, catalog, out);
            self.pass_calls(next, catalog, out);
        }
        self.at = self.at.max(to);
        if self.calls.is_some() {
            self.pass_calls(self.at, catalog, out);
        }
    }

    /// Carries out what falls due at an instant, in its order.
    fn step(&mut self, at: Timestamp, catalog: &Catalog, out: &mut Vec<Effect>) {
        let turns = self.next_reset <= at;
        let ends = self.cycle().filter(|_| turns).map(|cycle| cycle.number);
        let anchored = turns && self.take_pending(at, catalog);
        let (zone, since, moment) = (self.zone(), self.before(at), Moment { at, position: self.position });
        let Org { balances, terms, .. } = self;
        let rules = rules_in_force(terms, at, catalog);
        balances.iter_mut().for_each(|balance| balance.follow(rules, since));
        for balance in balances.iter_mut().filter(|balance| turns || balance.pool.next_change() <= at) {
            balance.pool.end(at, ends, &mut Booking { at, note: None, out });
        }
        if turns {
            self.turn_cycle(Turn { at, prorate: false, anchored, note: None }, catalog, out);
        } else {
            for balance in balances.iter_mut().filter(|balance| balance.pool.next_change() <= at) {
                balance.go_on(rules, moment, &zone, None, out);
            }
        }
        let Org { balances, terms, .. } = self;
        let rules = rules_in_force(terms, at, catalog);
        balances.iter_mut().for_each(|balance| balance.notice_ends(rules, moment, out));
    }

    /// The last instant of which all is done before something happens at this one.
    pub(super) fn before(&self, at: Timestamp) -> Timestamp {
        if at > self.at { Timestamp::from_micros(at.micros().saturating_sub(1)) } else { at }
    }
}
