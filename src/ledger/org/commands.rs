//! Commands: what an organization is told.

use smallvec::SmallVec;

use super::Org;
use super::cycles::{Pending, Turn};
use crate::ledger::alerts::Thresholds;
use crate::ledger::balance::{Moment, rules_of};
use crate::ledger::catalog::Catalog;
use crate::ledger::effect::Effect;
use crate::ledger::entry::{Change, Command, GrantOrder, OLDEST_EVENT, OrgTerms};
use crate::ledger::grants::{Booking, Details, Grant, MOST_GRANTS, Origin, Phase};
use crate::ledger::refusals::{no_cycle, other_grant, too_large, unknown_plan};
use crate::ledger::rejection::{Reason, Rejection};
use crate::ledger::terms::{MOST_TERMS, Terms, plan_at, rules_in_force};
use crate::ledger::units::{Credits, Timestamp};
use crate::ledger::{reports, webhooks};

impl Org {
    pub(super) fn command(
        &mut self,
        command: &Command,
        catalog: &Catalog,
        out: &mut Vec<Effect>,
    ) -> Result<(), Rejection> {
        match command {
            Command::PutOrg(terms) => {
                self.put_terms(terms, catalog, out)?;
                // Their times are those of its zone and its cycles.
                out.extend(self.reports.as_ref().map(|_| Effect::ReportsChanged));
                Ok(())
            }
            Command::Grant(order) => self.grant(order, catalog, out),
            Command::VoidGrant(order) => self.void_grant(order, catalog, out),
            Command::Adjust(order) => self.adjust(order, catalog, out),
            Command::PutLimit(order) => self.put_limit(order, catalog),
            Command::RemoveLimit(id) => self.remove_limit(id, catalog),
            Command::PutName(order) => self.put_name(order),
            Command::PutRecharge(order) => self.put_recharge(order, catalog),
            Command::RemoveRecharge(credit_type) => self.remove_recharge(*credit_type),
            Command::FailRecharge(failure) => self.fail_recharge(failure, out),
            Command::Hold(hold) => self.hold(hold),
            Command::ReleaseHold(key) => {
                self.release_hold(*key);
                Ok(())
            }
            Command::PutWebhook(order) => {
                let (zone, moment) = (self.zone(), self.moment());
                webhooks::put(&mut self.webhooks, order, &zone, moment)?;
                out.push(Effect::WebhooksChanged);
                Ok(())
            }
            Command::RemoveWebhook(id) => {
                webhooks::remove(&mut self.webhooks, id)?;
                out.push(Effect::WebhooksChanged);
                Ok(())
            }
            Command::PutReport(order) => {
                let moment = self.moment();
                reports::put(&mut self.reports, order, moment)?;
                out.push(Effect::ReportsChanged);
                Ok(())
            }
            Command::RemoveReport(id) => {
                reports::remove(&mut self.reports, id)?;
                out.push(Effect::ReportsChanged);
                Ok(())
            }
            Command::Unsubscribe(order) => reports::unsubscribe(&mut self.reports, order),
        }
    }

    fn put_terms(
        &mut self,
        new: &OrgTerms,
        catalog: &Catalog,
        out: &mut Vec<Effect>,
    ) -> Result<(), Rejection> {
        let plan = catalog.plan_index(&new.plan).ok_or_else(|| unknown_plan(&new.plan, catalog))?;
        if let Some(own) = &new.overrides {
            own.prices.values().try_for_each(|price| catalog.knows(price.credit_type))?;
            catalog.knows_kinds_of(own.alerts.as_deref().unwrap_or_default())?;
        }
        let now = self.terms.last();
        let same_plan = now.is_some_and(|now| now.plan == plan);
        let same = same_plan && now.is_some_and(|now| now.overrides == new.overrides);
        let waits = new.change == Change::NextCycle;
        if waits && self.cycle().is_none() {
            return Err(no_cycle());
        }
        if !same && !waits {
            self.make_room_for_terms()?;
        }
        self.rename(new.name.as_deref());
        self.follow_limits(self.at, catalog);
        self.place(new.time_zone.as_ref(), new.cycle_anchor);
        let overrides = new.overrides.clone();
        if let Some(period) = self.period.as_deref_mut() {
            let anchored = new.cycle_anchor.is_some();
            let pending = Pending { plan, overrides: overrides.clone(), anchored };
            period.pending = Some(pending).filter(|_| waits && !same);
        }
        if waits {
            self.move_end();
            return Ok(());
        }
        if !same {
            let from = if self.terms.is_empty() { Timestamp::MIN } else { self.at };
            self.turn_to(Terms { from, plan, overrides }, self.at, catalog);
        }
        self.follow_plan(new, same_plan, catalog, out);
        Ok(())
    }

    /// Brings the cycle in line with the plan now in force.
    fn follow_plan(&mut self, new: &OrgTerms, same_plan: bool, catalog: &Catalog, out: &mut Vec<Effect>) {
        let anchored = new.cycle_anchor.is_some();
        let turn = Turn { at: self.at, prorate: new.prorate, anchored, note: Some(&new.note) };
        let every = plan_at(&self.terms, self.at, catalog).and_then(|(_, _, plan)| plan.cycle);
        match (self.cycle(), every) {
            (None, None) => {}
            (None, Some(_)) => self.turn_cycle(turn, catalog, out),
            (Some(_), _) if same_plan => self.move_end(),
            (Some(cycle), Some(every)) if cycle.every == every => {
                self.move_end();
                self.swap_allotments(turn, catalog, out);
            }
            (Some(_), Some(_)) => self.turn_cycle(turn, catalog, out),
            // The grants of the cycle live on until its end.
            (Some(_), None) => self.leave_cycle(),
        }
    }

    fn make_room_for_terms(&mut self) -> Result<(), Rejection> {
        if self.terms.len().saturating_sub(self.past_terms(self.at)) >= MOST_TERMS {
            let why = format!(
                "the organization's terms changed {MOST_TERMS} times already; wait or change the plan itself"
            );
            return Err(Rejection::new(Reason::TooMany, "plan", why));
        }
        Ok(())
    }

    /// How many of the terms are such by which nothing is rated any more.
    fn past_terms(&self, at: Timestamp) -> usize {
        let oldest = at.minus(OLDEST_EVENT);
        self.terms.iter().skip(1).take_while(|next| next.from < oldest).count()
    }

    /// Changes the terms, and forgets those that are past. The old ones end and the new ones begin with all their rules looked at.
    pub(super) fn turn_to(&mut self, new: Terms, at: Timestamp, catalog: &Catalog) {
        self.terms.drain(..self.past_terms(at));
        self.follow_limits(at, catalog);
        let since = self.before(at);
        let Org { balances, terms, .. } = self;
        let until_now = rules_in_force(terms, at, catalog);
        balances.iter_mut().for_each(|balance| balance.follow(until_now, since));
        let before: SmallVec<[Thresholds; 1]> =
            balances.iter().map(|balance| balance.thresholds(rules_of(until_now))).collect();
        terms.push(new);
        let from_now = rules_in_force(terms, at, catalog);
        for (balance, before) in balances.iter_mut().zip(before) {
            balance.follow_anew(&before, from_now, since);
        }
        self.follow_limits_anew(at, catalog);
    }

    pub(super) fn grant(
        &mut self,
        order: &GrantOrder,
        catalog: &Catalog,
        out: &mut Vec<Effect>,
    ) -> Result<(), Rejection> {
        if self.was_given(order)? {
            return Ok(());
        }
        let request = self.request_of(order)?;
        self.may_give(order, catalog)?;
        let place = self.balance_place(order.credit_type);
        let (zone, moment) = (self.zone(), self.moment());
        let Org { balances, terms, .. } = self;
        let Some(balance) = balances.get_mut(place) else { return Ok(()) };
        let rules = rules_in_force(terms, moment.at, catalog);
        balance.follow(rules, moment.at);
        balance.pool.forget_ended(moment.at.minus(OLDEST_EVENT));
        let note = Some(&order.note);
        balance.pool.add(given(order, moment), Credits::ZERO, &mut Booking { at: moment.at, note, out });
        balance.go_on(rules, moment, &zone, note, out);
        balance.notice_new(rules, moment, out);
        if let Some(request) = request {
            self.succeed_recharge(request, order.amount, out);
        }
        Ok(())
    }

    /// Whether an order can be carried out. Nothing is changed before all of it is known to be sound.
    fn may_give(&self, order: &GrantOrder, catalog: &Catalog) -> Result<(), Rejection> {
        catalog.knows(order.credit_type)?;
        let effective = order.effective.unwrap_or(self.at);
        if order.expires.is_some_and(|expires| expires <= effective || expires <= self.at) {
            let why = "the grant would end before it is usable; give an expiry after now and after effective";
            return Err(Rejection::new(Reason::InvalidField, "expires", why));
        }
        let Some(pool) = self.pool(order.credit_type) else {
            let fits = Credits::ZERO.total_with(order.amount).is_some();
            return if fits { Ok(()) } else { Err(too_large("amount", order.amount)) };
        };
        if pool.totals().granted.total_with(order.amount).is_none() {
            return Err(too_large("amount", order.amount));
        }
        if pool.is_full(self.at) {
            let why = format!(
                "the organization has {MOST_GRANTS} grants of {}; give larger ones",
                order.credit_type
            );
            return Err(Rejection::new(Reason::TooMany, "credit_type", why));
        }
        Ok(())
    }

    /// Whether the grant was given before under the same name.
    fn was_given(&self, order: &GrantOrder) -> Result<bool, Rejection> {
        let Some(name) = &order.id else { return Ok(false) };
        let oldest = self.at.minus(OLDEST_EVENT);
        for pool in self.pools() {
            let mut kept = pool.grants().iter().filter(|grant| !grant.is_forgettable(oldest));
            let Some(given) = kept.find(|grant| grant.is_named(name, pool.credit_type)) else { continue };
            let same = pool.credit_type == order.credit_type && given.is_of(order);
            return if same { Ok(true) } else { Err(other_grant(name)) };
        }
        Ok(false)
    }
}

/// The grant that an order asks for.
fn given(order: &GrantOrder, moment: Moment) -> Grant {
    let GrantOrder { id, scope, recurrence, rollover, .. } = order.clone();
    let details = Details { id, scope, recurrence, rollover, ..Details::default() };
    Grant {
        created: moment.position,
        serial: 0,
        kind: order.kind,
        priority: order.priority,
        phase: Phase::Ahead,
        origin: if order.effective.is_none() { Origin::AtOnce } else { Origin::Ordered },
        effective: order.effective.unwrap_or(moment.at),
        expires: order.expires.unwrap_or(Timestamp::MAX),
        amount: order.amount,
        remaining: order.amount,
        covered: Credits::ZERO,
        details: (details != Details::default()).then(|| Box::new(details)),
    }
}
