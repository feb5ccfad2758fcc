//! What time brings, and what is told after each change.

use std::collections::BTreeMap;

use super::{Org, moment};
use crate::model::burn::Rate;
use crate::model::catalog::Catalog;
use crate::model::forecast::{FARTHEST, Outlook};
use crate::model::grants::Sums;
use crate::model::recharge::Told;
use crate::model::{Instant, Micros, Position};

impl Org {
    /// Lets log time pass: all that time brings, at its own instant.
    pub fn advance(&mut self, to: Instant, catalog: &Catalog) {
        self.follow(catalog);
        loop {
            let change = self.next_change(to, catalog);
            let closing = self.calls.next_closing().filter(|closing| *closing <= to);
            let next = change.into_iter().chain(closing).min();
            if let Some(increment) = self.next_increment(next.map_or(to, |next| next - 1)) {
                (self.now, self.counted) = (increment, increment);
                self.look(None);
            } else if let Some(change) = change.filter(|change| next == Some(*change)) {
                self.turn(change, catalog);
            } else if let Some(closing) = closing {
                (self.now, self.counted) = (closing, self.counted.max(closing - 1));
                self.close_calls(catalog);
            } else {
                break;
            }
        }
        (self.now, self.counted) = (to, to);
        let moment = moment(self.now, &self.zone, self.cycle.as_ref());
        self.limits.pass(moment);
        self.recharges.pass(moment);
    }

    fn next_change(&self, to: Instant, catalog: &Catalog) -> Option<Instant> {
        let (_, terms) = self.terms.last()?;
        let plan = catalog.next_change(&terms.plan, self.now, to);
        let grants = self.grants.next_change(self.now, to, &self.zone);
        let reset = self.cycle.as_ref().map(|cycle| cycle.end).filter(|end| *end <= to);
        let looks = self.grants.all_alive().flat_map(|(_, grant)| self.notices.looks(grant));
        let looks = looks.map(|(at, _)| at);
        let looks = looks.filter(|at| self.now < *at && *at <= to);
        let pending = self.calls.pending(self.counted);
        let recharges = self.recharges.next_change(self.now, |kind| self.grants.left(kind, &pending));
        let recharges = recharges.filter(|at| *at <= to);
        plan.into_iter().chain(grants).chain(reset).chain(looks).chain(recharges).min()
    }

    /// The first instant, not after `until`, at which an increment of a live call starts and there is something to tell of what
    /// it leaves. As long as nothing else happens less and less is left: the time is halved again and again.
    fn next_increment(&self, until: Instant) -> Option<Instant> {
        let before = self.calls.pending(self.counted);
        let tells = |at: Instant| {
            let after = self.calls.pending(at);
            let left = |pending| move |kind: &str| self.grants.left(kind, pending);
            self.watch.would_ring(&self.grants.gauges(&after))
                || self.recharges.would_wake(left(&before), left(&after), self.now)
        };
        let (mut early, mut late) = (self.counted, until);
        if late <= early || !tells(late) {
            return None;
        }
        while late - early > 1 {
            let middle = early + (late - early) / 2;
            if tells(middle) { late = middle } else { early = middle }
        }
        Some(late)
    }

    /// What happens at one instant, in the order of `docs/EVENTS.md`; but for the increments that start then.
    fn turn(&mut self, instant: Instant, catalog: &Catalog) {
        (self.now, self.counted) = (instant, instant - 1);
        let ending = self.cycle.take_if(|cycle| cycle.end == instant);
        let waiting = self.waiting.take_if(|_| ending.is_some());
        let anchored = waiting.as_ref().is_some_and(|waiting| waiting.anchored);
        if let Some(waiting) = waiting {
            self.terms.push((instant, waiting.terms));
        }
        // The rules of this instant find the level before what happens to the grants.
        self.follow(catalog);
        let running = ending.as_ref().or(self.cycle.as_ref()).map(|cycle| cycle.number);
        self.grants.end_due(running, instant);
        if let Some(ending) = ending {
            self.next_cycle(&ending, anchored, catalog);
        }
        self.grants.refill_due(&self.zone, instant);
        self.grants.start_due(instant);
        self.settle(None, catalog);
    }

    /// After a change: what is owed is covered, and the rules look at what came of it.
    pub(super) fn settle(&mut self, position: Option<Position>, catalog: &Catalog) {
        self.grants.settle(self.now);
        // A credit type that is new with this change is watched from the level it has now.
        self.follow(catalog);
        for (place, grant) in self.grants.all_alive() {
            // What is given after its instant to be looked at is looked at now.
            let new = place >= self.seen;
            let due = |at: Instant| at == self.now || new && at < self.now;
            if new || position.is_none() {
                self.notices.expiring(&self.name, grant, self.now, due);
            }
        }
        self.seen = self.grants.list.len();
        if let Some(number) = self.begun.take() {
            self.notices.reset(&self.name, number, self.now);
        }
        self.look(position);
    }

    /// Takes over the rules in force now, which look at the level as it is, and the limits.
    pub(super) fn follow(&mut self, catalog: &Catalog) {
        let Some((_, terms)) = self.terms.last() else { return };
        let Some(plan) = catalog.plan(&terms.plan, self.now) else { return };
        let rules = terms.alerts.as_ref().unwrap_or(&plan.alerts);
        self.watch.follow(rules, &self.grants.gauges(&self.calls.pending(self.counted)));
        self.notices.follow(rules);
        self.limits.follow(&plan.limits, moment(self.now, &self.zone, self.cycle.as_ref()));
    }

    /// The rules look at what live calls leave, and then it is looked whether to buy.
    pub(super) fn look(&mut self, position: Option<Position>) {
        let pending = self.calls.pending(self.counted);
        self.watch.look(&self.name, &self.grants.gauges(&pending), self.now, position);
        let mut told = self.recharges.pass(moment(self.now, &self.zone, self.cycle.as_ref()));
        told.extend(self.recharges.look(|kind| self.grants.left(kind, &pending), self.now));
        self.tell(told);
    }

    /// Raises the alerts of recharges.
    pub(super) fn tell(&mut self, told: impl IntoIterator<Item = Told>) {
        for (credit_type, number, step) in told {
            let step = format!("{step:?}").to_lowercase();
            self.notices.raise(format!("{}.recharge.{credit_type}.{number}.{step}", self.name), self.now);
        }
    }

    /// An event cost this much: is it more than usual, and how long will the rest last?
    pub(super) fn look_at_burn(&mut self, costs: &BTreeMap<String, Micros>) {
        for (credit_type, amount) in costs {
            let burn = self.burns.entry(credit_type.clone()).or_default();
            let first = burn.charge(*amount, self.now);
            if self.grants.ever(credit_type) {
                self.notices.spikes(&self.name, credit_type, burn, self.now);
            }
            let rate = burn.rate(self.now);
            let asked = first && self.notices.asks_for_the_end(credit_type);
            if asked && rate.is_known() && self.grants.available(credit_type) > 0 {
                let lasts = self.runs_out(credit_type, rate).map(|at| at - self.now);
                self.notices.lasting(&self.name, credit_type, lasts, self.now);
            }
        }
    }

    fn runs_out(&self, credit_type: &str, rate: Rate) -> Option<Instant> {
        let owed = self.grants.sums.get(credit_type).map_or(0, Sums::outstanding);
        let outlook = Outlook { grants: self.grants.alive(credit_type), owed, rate, zone: &self.zone };
        let farthest = self.now + FARTHEST;
        let until = self.cycle.as_ref().map_or(farthest, |cycle| cycle.end.min(farthest));
        outlook.runs_out(self.now, until)
    }
}
