//! Commands: what an organization is told.

use super::Org;
use crate::ledger::catalog::Catalog;
use crate::ledger::effect::Effect;
use crate::ledger::entry::{Command, GrantOrder, OLDEST_EVENT, OrgTerms};
use crate::ledger::grants::{Grant, MOST_GRANTS, Phase};
use crate::ledger::refusals::{other_grant, too_large, unknown_plan};
use crate::ledger::rejection::{Reason, Rejection};
use crate::ledger::terms::{MOST_TERMS, Terms, rules_in_force};
use crate::ledger::units::{Credits, Timestamp};

impl Org {
    pub(super) fn command(
        &mut self,
        command: &Command,
        catalog: &Catalog,
        out: &mut Vec<Effect>,
    ) -> Result<(), Rejection> {
        match command {
            Command::PutOrg(terms) => self.put_terms(terms, catalog),
            Command::Grant(order) => self.grant(order, catalog, out),
        }
    }

    fn put_terms(&mut self, new: &OrgTerms, catalog: &Catalog) -> Result<(), Rejection> {
        let plan = catalog.plan_index(&new.plan).ok_or_else(|| unknown_plan(&new.plan, catalog))?;
        let from = if self.terms.is_empty() { Timestamp::MIN } else { self.at };
        if let Some(own) = &new.overrides {
            own.prices.values().try_for_each(|price| catalog.knows(price.credit_type))?;
            catalog.knows_kinds_of(own.alerts.as_deref().unwrap_or_default())?;
        }
        let terms = Terms { from, plan, overrides: new.overrides.clone() };
        if self.terms.last().is_some_and(|now| now.plan == plan && now.overrides == terms.overrides) {
            return Ok(());
        }
        let oldest = self.at.minus(OLDEST_EVENT);
        // Nothing is rated before that any more.
        let past = self.terms.iter().skip(1).take_while(|next| next.from < oldest).count();
        if self.terms.len().saturating_sub(past) >= MOST_TERMS {
            let why = format!(
                "the organization's terms changed {MOST_TERMS} times already; wait or change the plan itself"
            );
            return Err(Rejection::new(Reason::TooMany, "plan", why));
        }
        self.terms.drain(..past);
        self.turn_to(terms, catalog);
        Ok(())
    }

    /// Changes the terms. The old ones end and the new ones begin with all their rules looked at.
    fn turn_to(&mut self, new: Terms, catalog: &Catalog) {
        let Org { balances, terms, at, .. } = self;
        for balance in balances.iter_mut() {
            if let Some(rules) = rules_in_force(terms, *at, catalog) {
                balance.follow(rules);
            }
        }
        terms.push(new);
        for balance in balances {
            if let Some(rules) = rules_in_force(terms, *at, catalog) {
                balance.follow_anew(rules);
            }
        }
    }

    fn grant(
        &mut self,
        order: &GrantOrder,
        catalog: &Catalog,
        out: &mut Vec<Effect>,
    ) -> Result<(), Rejection> {
        if self.was_given(order)? {
            return Ok(());
        }
        self.may_give(order, catalog)?;
        let place = self.balance_place(order.credit_type);
        let moment = self.moment();
        let Org { balances, terms, .. } = self;
        let Some(balance) = balances.get_mut(place) else { return Ok(()) };
        if let Some(rules) = rules_in_force(terms, moment.at, catalog) {
            balance.follow(rules);
        }
        balance.pool.forget_ended(moment.at.minus(OLDEST_EVENT));
        out.push(Effect::Granted { credit_type: order.credit_type, amount: order.amount });
        balance.pool.add(Grant {
            id: order.id.clone(),
            created: moment.position,
            serial: 0,
            kind: order.kind,
            priority: order.priority,
            phase: Phase::Ahead,
            at_once: order.effective.is_none(),
            effective: order.effective.unwrap_or(moment.at),
            expires: order.expires.unwrap_or(Timestamp::MAX),
            amount: order.amount,
            remaining: order.amount,
            covered: Credits::ZERO,
        });
        while balance.pool.step(moment.at).is_some() {}
        balance.look(moment, out);
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
        let Some(pool) = self.pools().find(|pool| pool.credit_type == order.credit_type) else {
            let fits = Credits::ZERO.total_with(order.amount).is_some();
            return if fits { Ok(()) } else { Err(too_large("amount", order.amount)) };
        };
        if pool.totals().granted.total_with(order.amount).is_none() {
            return Err(too_large("amount", order.amount));
        }
        let oldest = self.at.minus(OLDEST_EVENT);
        let kept = pool.grants().iter().filter(|grant| !grant.is_forgettable(oldest)).count();
        if kept >= MOST_GRANTS {
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
        for pool in self.pools() {
            let Some(given) = pool.grants().iter().find(|grant| grant.is_named(name)) else {
                continue;
            };
            let same = pool.credit_type == order.credit_type && given.is_of(order);
            return if same { Ok(true) } else { Err(other_grant(name)) };
        }
        Ok(false)
    }
}
