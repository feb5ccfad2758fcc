//! Time passes for live calls: what they cost grows, holds go, and who talks on credits that end is told.

use super::{Org, Timestamp, pool_of};
use crate::ledger::balance::{Balance, Moment};
use crate::ledger::calls::{CallTerms, Calls, Cover, Hold, MOST_HOLDS, Telling, micros};
use crate::ledger::catalog::{Catalog, Plan};
use crate::ledger::effect::Effect;
use crate::ledger::grants::Pool;
use crate::ledger::price::CreditType;
use crate::ledger::refusals::too_many_holds;
use crate::ledger::rejection::Rejection;
use crate::ledger::terms::{plan_at, rules_in_force, terms_at};
use crate::ledger::units::{Credits, EventId, Millis, Position};

impl Org {
    /// What its plan says of live calls at an instant.
    #[must_use]
    pub fn call_terms(&self, at: Timestamp, catalog: &Catalog) -> CallTerms {
        plan_at(&self.terms, at, catalog).map_or_else(CallTerms::default, |(_, _, plan)| plan.calls)
    }

    /// The next instant at which something may happen to its calls by itself.
    pub(super) fn next_of_calls(&self, catalog: &Catalog) -> Timestamp {
        let Some(calls) = self.calls.as_deref().filter(|calls| !calls.are_idle()) else {
            return Timestamp::MAX;
        };
        let plan = plan_at(&self.terms, calls.at(), catalog).map(|(_, _, plan)| plan);
        let pool = |kind| self.pool(kind);
        let looks = calls.next_look(&cover(plan, &pool), |kind| self.untold(kind));
        looks.min(self.next_plan(calls.at(), catalog))
    }

    /// When another version of its plan comes into force, which may have other terms of calls.
    fn next_plan(&self, after: Timestamp, catalog: &Catalog) -> Timestamp {
        let plan = terms_at(&self.terms, after).and_then(|terms| catalog.plan(terms.plan));
        let begins = plan.into_iter().flat_map(|plan| plan.versions()).map(|(_, from, _)| from);
        begins.filter(|from| *from > after).min().unwrap_or(Timestamp::MAX)
    }

    /// Lets time pass for calls up to an instant, at which everything else of it is done.
    pub(super) fn pass_calls(&mut self, to: Timestamp, catalog: &Catalog, out: &mut Vec<Effect>) {
        self.with_calls(to, catalog, out, |calls, telling, cover| {
            calls.pass(telling, cover);
            calls.look(telling, cover);
        });
        self.look_after_calls(to, catalog, out);
    }

    /// Looks after calls once an entry was carried out.
    pub(super) fn look_at_calls(&mut self, catalog: &Catalog, out: &mut Vec<Effect>) {
        self.with_calls(self.at, catalog, out, |calls, telling, cover| calls.look(telling, cover));
        self.look_after_calls(self.at, catalog, out);
    }

    /// Rules and recharges see what calls have cost so far.
    pub(super) fn look_after_calls(&mut self, at: Timestamp, catalog: &Catalog, out: &mut Vec<Effect>) {
        let moment = Moment { at, position: self.position };
        let Org { calls, balances, terms, .. } = self;
        let Some(calls) = calls else { return };
        let rules = rules_in_force(terms, at, catalog);
        for balance in balances {
            balance.look_after_calls(calls.accrued(balance.pool.credit_type), rules, moment, out);
        }
        self.look_at_recharges(at, out);
    }

    /// What is live has changed: rules that look before all of the entry is carried out see it as it is from now on.
    pub(super) fn expect_pending(&mut self) {
        if let Some(calls) = &self.calls {
            let expect = |balance: &mut Balance| balance.expect(calls.accrued(balance.pool.credit_type));
            self.balances.iter_mut().for_each(expect);
        }
    }

    /// What calls may take of one kind of credits before a rule or a recharge has something to say; none where nothing is left to say.
    fn untold(&self, kind: CreditType) -> Option<i128> {
        let balance = self.balances.iter().find(|balance| balance.pool.credit_type == kind)?;
        let recharge = self.recharges.as_ref().and_then(|recharges| recharges.floor(kind));
        let left = |floor: Credits| micros(balance.pool.level()).saturating_sub(micros(floor));
        // A recharge that has asked, or cannot, looks again when something else happens.
        let recharge = recharge.filter(|below| balance.level() > *below).map(left);
        recharge.into_iter().chain([left(balance.floor())]).min()
    }

    /// Looks whether what is told of a call just now is covered.
    pub(super) fn check_call(&mut self, key: EventId, catalog: &Catalog, out: &mut Vec<Effect>) {
        self.with_calls(self.at, catalog, out, |calls, telling, cover| calls.check(key, telling, cover));
    }

    fn with_calls(
        &mut self,
        at: Timestamp,
        catalog: &Catalog,
        out: &mut Vec<Effect>,
        look: impl FnOnce(&mut Calls, &mut Telling<'_>, &Cover<'_>),
    ) {
        let position: Position = self.position;
        let Org { calls, balances, terms, .. } = self;
        let Some(calls) = calls else { return };
        let plan = plan_at(terms, at, catalog).map(|(_, _, plan)| plan);
        let pool = |kind| pool_of(balances, kind);
        let cover = cover(plan, &pool);
        let mut tell = |news| out.push(Effect::Calls(Box::new(news)));
        look(calls, &mut Telling { at, position, tell: &mut tell }, &cover);
    }

    /// The calls, as they stand at its instant.
    pub(super) fn calls_mut(&mut self) -> &mut Calls {
        let at = self.at;
        self.calls.get_or_insert_with(|| Box::new(Calls::new(at)))
    }

    /// Sets credits aside, unless the event that they are for has come already.
    pub(super) fn hold(&mut self, hold: &Hold) -> Result<(), Rejection> {
        if self.has_come(hold.key()) {
            return Ok(());
        }
        let (at, kinds) = (self.at, hold.amounts.iter().map(|(kind, _)| *kind));
        for credit_type in kinds {
            self.balance_place(credit_type);
        }
        if self.calls_mut().set_aside(hold.clone(), at) { Ok(()) } else { Err(too_many_holds(MOST_HOLDS)) }
    }

    /// Whether there is room for a hold.
    ///
    /// # Errors
    /// [`Reason::TooMany`](crate::ledger::rejection::Reason::TooMany) where there is none.
    pub fn has_room_for(&self, hold: &Hold) -> Result<(), Rejection> {
        let fits = self.calls().is_none_or(|calls| calls.has_room_for(hold));
        fits.then_some(()).ok_or_else(|| too_many_holds(MOST_HOLDS))
    }

    /// Sets nothing aside any more for an event, or a call, of that identity.
    pub(super) fn release_hold(&mut self, key: EventId) {
        if let Some(calls) = &mut self.calls {
            calls.release(key);
        }
    }
}

/// What calls may take: what the pools have, and what the plan says.
pub(super) fn cover<'a>(plan: Option<&Plan>, pool: &'a dyn Fn(CreditType) -> Option<&'a Pool>) -> Cover<'a> {
    let lead = plan.map_or(Millis(0), |plan| plan.calls.lead());
    Cover { pool, overdraft: plan.and_then(Plan::overdraft), lead }
}
