//! Limits: which are in force, what an event uses of them, and where their windows turn.

use std::borrow::Cow;

use super::Org;
use crate::ledger::balance::RulesInForce;
use crate::ledger::catalog::{Catalog, Plan};
use crate::ledger::charge::Charge;
use crate::ledger::effect::Effect;
use crate::ledger::entry::Event;
use crate::ledger::limits::{Counted, Limits, MOST_LIMITS, Own, PastLimit, Place, Spending, Uses};
use crate::ledger::refusals::{too_many_limits, unknown_limit};
use crate::ledger::rejection::Rejection;
use crate::ledger::terms::rules_in_force;
use crate::ledger::units::Timestamp;

impl Org {
    /// The limits as its last entry left them, each in the window that runs now: without what its plan published since.
    #[must_use]
    pub fn limits(&self) -> Limits {
        let mut limits = self.limits.as_deref().cloned().unwrap_or_default();
        limits.turn(self.at, &self.whereabouts());
        limits
    }

    /// The limits in force at the instant it stands at.
    #[must_use]
    pub fn limits_in_force(&self, catalog: &Catalog) -> Limits {
        self.limits_at(self.at, catalog, Limits::clone).into_owned()
    }

    /// What an event would use of the limits in force at an instant until which no cycle turns, and these limits: with what was used of
    /// them under its values at least.
    pub(super) fn limits_for<'e>(
        &self,
        spending: &Spending<'e>,
        at: Timestamp,
        catalog: &Catalog,
    ) -> (Cow<'_, Limits>, Uses<'e>) {
        let mut limits = self.limits_at(at, catalog, Limits::without_values);
        let uses = limits.uses(spending);
        if let (Cow::Owned(copy), Some(known)) = (&mut limits, &self.limits) {
            copy.take_over(&uses, known);
        }
        (limits, uses)
    }

    /// The limits in force at an instant until which no cycle turns. Copied only where windows are over, or the plan has others.
    fn limits_at(
        &self,
        at: Timestamp,
        catalog: &Catalog,
        copy: impl FnOnce(&Limits) -> Limits,
    ) -> Cow<'_, Limits> {
        let rules = rules_in_force(&self.terms, at, catalog);
        if let Some((limits, rules)) = self.limits.as_deref().zip(rules)
            && limits.are_of(rules, at)
        {
            return Cow::Borrowed(limits);
        }
        let (mut limits, place) = (self.limits.as_deref().map(copy).unwrap_or_default(), self.whereabouts());
        limits.turn(at, &place);
        if let Some(rules) = rules {
            limits.follow(rules, &place);
            limits.turn(at, &place);
        }
        Cow::Owned(limits)
    }

    /// A copy to look ahead with at the limits from a name and a value on: at most so many values, in order.
    #[must_use]
    pub fn with_limits_from(&self, from: (&str, &str), most: usize) -> Org {
        let limits = self.limits.as_ref().map(|limits| Box::new(limits.part(from, most)));
        Org { limits, ..self.without_ids() }
    }

    pub(super) fn put_limit(&mut self, order: &Own, catalog: &Catalog) -> Result<(), Rejection> {
        order.limit.iter().try_for_each(|limit| catalog.knows_kind_of(limit))?;
        if self.limits.as_ref().is_some_and(|limits| limits.is_full_for(&order.id)) {
            return Err(too_many_limits(MOST_LIMITS));
        }
        self.follow_limits(self.at, catalog);
        self.limits.get_or_insert_default().put(order.clone());
        self.follow_limits_anew(self.at, catalog);
        Ok(())
    }

    pub(super) fn remove_limit(&mut self, id: &str, catalog: &Catalog) -> Result<(), Rejection> {
        if self.limits.as_ref().and_then(|limits| limits.own(id)).is_none() {
            return Err(unknown_limit(id));
        }
        self.follow_limits(self.at, catalog);
        if let Some(limits) = &mut self.limits {
            limits.remove(id);
        }
        self.follow_limits_anew(self.at, catalog);
        Ok(())
    }

    /// Takes over the limits that the plan published since the last look, and begins the windows that are due.
    pub(super) fn follow_limits(&mut self, at: Timestamp, catalog: &Catalog) {
        self.with_limits(at, catalog, |limits, rules, place| {
            limits.follow(rules, place);
            limits.turn(at, place);
        });
    }

    /// Takes over the limits after the terms or its own limits were changed.
    pub(super) fn follow_limits_anew(&mut self, at: Timestamp, catalog: &Catalog) {
        self.calls.iter_mut().for_each(|calls| calls.follow_anew());
        self.with_limits(at, catalog, |limits, rules, place| limits.follow_anew(rules, at, place));
    }

    /// Keeps what calls and holds claim of the hard limits in force past which nothing may start.
    pub(super) fn follow_claims(&mut self, catalog: &Catalog) {
        let Org { calls: Some(calls), limits, terms, at, .. } = self else { return };
        let Some(rules) = rules_in_force(terms, *at, catalog) else { return };
        if calls.follows(rules.version) {
            return;
        }
        let plan = rules.plan.version(rules.version.plan_version);
        let rejects = plan.filter(|plan| plan.past_limit == PastLimit::Reject);
        let none = Limits::default();
        let hard = rejects.map(|plan| limits.as_deref().unwrap_or(&none).hard(plan));
        calls.keep_claims(hard.unwrap_or_default(), rules.version);
    }

    /// Changes the limits by the rules in force, where there are any of either.
    fn with_limits(
        &mut self,
        at: Timestamp,
        catalog: &Catalog,
        change: impl FnOnce(&mut Limits, RulesInForce<'_>, &Place),
    ) {
        let Some(rules) = rules_in_force(&self.terms, at, catalog) else { return };
        let of_plan =
            rules.plan.version(rules.version.plan_version).is_some_and(|plan| !plan.limits.is_empty());
        if self.limits.is_some() || of_plan {
            let place = self.whereabouts();
            change(self.limits.get_or_insert_default(), rules, &place);
        }
    }

    /// Begins the windows of the cycle that has just begun, or of the time without one.
    pub(super) fn turn_limits(&mut self, at: Timestamp) {
        if self.limits.is_some() {
            let place = self.whereabouts();
            self.limits.iter_mut().for_each(|limits| limits.turn_cycle(at, &place));
        }
        self.turn_recharges(at);
    }

    /// Moves the ends of windows after the calendar was changed.
    pub(super) fn move_limits(&mut self) {
        if self.limits.is_some() {
            let (at, place) = (self.at, self.whereabouts());
            self.limits.iter_mut().for_each(|limits| limits.move_ends(at, &place));
        }
        self.move_recharges();
    }

    /// What an event uses of the limits in force; refused where it may not.
    pub(super) fn uses<'e>(
        &mut self,
        event: &Event<'e>,
        charge: &Charge,
        (plan, must_pay): (&Plan, bool),
        catalog: &Catalog,
    ) -> Result<Uses<'e>, Rejection> {
        if self.limits.is_none() && plan.limits.is_empty() {
            return Ok(Uses::new());
        }
        self.follow_limits(self.at, catalog);
        let Some((limits, spending)) = self.limits.as_ref().zip(Spending::of(event, charge)) else {
            return Ok(Uses::new());
        };
        let uses = limits.uses(&spending);
        limits.admit(&uses, plan.past_limit == PastLimit::Reject && !must_pay)?;
        Ok(uses)
    }

    /// Whether all that an event uses can be counted.
    pub(super) fn can_count(&self, uses: &Uses<'_>) -> Result<(), Rejection> {
        self.limits.as_ref().map_or(Ok(()), |limits| limits.has_room_for(uses))
    }

    /// Counts what an event used that was charged.
    pub(super) fn count_uses(&mut self, uses: Uses<'_>, out: &mut Vec<Effect>) -> Option<Box<Counted>> {
        let moment = self.moment();
        self.limits.as_mut()?.count(uses, moment, out)
    }

    /// Takes back what a charge was counted under.
    pub(super) fn take_back_uses(&mut self, counted: Option<&Counted>, catalog: &Catalog) {
        if let Some(counted) = counted {
            self.follow_limits(self.at, catalog);
            self.limits.iter_mut().for_each(|limits| limits.take_back(counted));
        }
    }

    pub(super) fn whereabouts(&self) -> Place {
        Place { zone: self.zone(), cycle: self.cycle() }
    }
}
