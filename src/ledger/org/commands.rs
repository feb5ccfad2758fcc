//! Commands: what an organization is told.

use super::Org;
use crate::ledger::catalog::Catalog;
use crate::ledger::effect::Effect;
use crate::ledger::entry::{Command, GrantOrder, OLDEST_EVENT, OrgTerms};
use crate::ledger::grants::{Grant, MOST_GRANTS, Phase};
use crate::ledger::refusals::{other_grant, too_large, unknown_credit_type, unknown_plan};
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
            Command::PutOrg(terms) => self.put_terms(terms, catalog, out),
            Command::Grant(order) => self.grant(order, catalog, out),
        }
    }

    fn put_terms(
        &mut self,
        new: &OrgTerms,
        catalog: &Catalog,
        out: &mut Vec<Effect>,
    ) -> Result<(), Rejection> {
        let plan = catalog.plan_index(&new.plan).ok_or_else(|| unknown_plan(&new.plan, catalog))?;
        let from = if self.terms.is_empty() { Timestamp::MIN } else { self.at };
        let terms = Terms { from, plan, overrides: new.overrides.clone() };
        if self.terms.last().is_some_and(|now| now.plan == plan && now.overrides == terms.overrides) {
            return Ok(());
        }
        let oldest = self.at.minus(OLDEST_EVENT);
        while self.terms.get(1).is_some_and(|next| next.from < oldest) {
            self.terms.remove(0);
        }
        if self.terms.len() >= MOST_TERMS {
            let why = format!(
                "the organization's terms changed {MOST_TERMS} times already; wait or change the plan itself"
            );
            return Err(Rejection::new(Reason::TooMany, "plan", why));
        }
        self.terms.push(terms);
        let Org { balances, terms, at, position, .. } = self;
        for balance in balances {
            if let Some(rules) = rules_in_force(terms, *at, catalog) {
                balance.look(rules, *at, *position, out);
            }
        }
        Ok(())
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
        if !catalog.credit_types().contains(&order.credit_type) {
            return Err(unknown_credit_type(order.credit_type, catalog));
        }
        let effective = order.effective.unwrap_or(self.at);
        let expires = order.expires.unwrap_or(Timestamp::MAX);
        if expires <= effective || expires <= self.at {
            let why = "the grant would end before it is usable; give an expiry after now and after effective";
            return Err(Rejection::new(Reason::InvalidField, "expires", why));
        }
        let place = self.balance_place(order.credit_type);
        let Org { balances, terms, at, position, .. } = self;
        let Some(balance) = balances.get_mut(place) else { return Ok(()) };
        if balance.pool.totals().granted.total_with(order.amount).is_none() {
            return Err(too_large("amount", order.amount));
        }
        balance.pool.forget_ended(at.minus(OLDEST_EVENT));
        if balance.pool.grants().len() >= MOST_GRANTS {
            let why = format!(
                "the organization has {MOST_GRANTS} grants of {}; give larger ones",
                order.credit_type
            );
            return Err(Rejection::new(Reason::TooMany, "credit_type", why));
        }
        balance.pool.add(Grant {
            id: order.id.clone(),
            created: *position,
            serial: 0,
            kind: order.kind,
            priority: order.priority,
            phase: Phase::Ahead,
            at_once: order.effective.is_none(),
            effective,
            expires,
            amount: order.amount,
            remaining: order.amount,
            covered: Credits::ZERO,
        });
        while balance.pool.step(*at).is_some() {}
        if let Some(rules) = rules_in_force(terms, *at, catalog) {
            balance.look(rules, *at, *position, out);
        }
        Ok(())
    }

    /// Whether the grant was given before under the same name.
    fn was_given(&self, order: &GrantOrder) -> Result<bool, Rejection> {
        let Some(name) = &order.id else { return Ok(false) };
        for pool in self.pools() {
            let Some(given) = pool.grants().iter().find(|grant| grant.id.as_ref() == Some(name)) else {
                continue;
            };
            let same = pool.credit_type == order.credit_type && given.is_of(order);
            return if same { Ok(true) } else { Err(other_grant(name)) };
        }
        Ok(false)
    }
}
