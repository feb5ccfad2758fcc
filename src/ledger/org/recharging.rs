//! Auto-recharge: put, taken away, answered, and looked at after everything that happens.

use super::Org;
use crate::ledger::balance::{Balance, Moment};
use crate::ledger::catalog::Catalog;
use crate::ledger::effect::Effect;
use crate::ledger::entry::{GrantOrder, OLDEST_EVENT, RechargeFailure};
use crate::ledger::grants::Pool;
use crate::ledger::price::CreditType;
use crate::ledger::recharge::{Funds, REQUESTS, RechargeOrder, Recharges};
use crate::ledger::refusals::{answered, answers_late, other_credits, unknown_recharge};
use crate::ledger::rejection::Rejection;
use crate::ledger::units::{Credits, Timestamp};

impl Org {
    /// The recharges as its last entry left them, with the windows that run now.
    #[must_use]
    pub fn recharges(&self) -> Recharges {
        let mut recharges = self.recharges.as_deref().cloned().unwrap_or_default();
        recharges.turn(self.at, &self.whereabouts());
        recharges
    }

    pub(super) fn put_recharge(&mut self, order: &RechargeOrder, catalog: &Catalog) -> Result<(), Rejection> {
        catalog.knows(order.credit_type)?;
        if let Some(recharges) = &self.recharges {
            recharges.has_room_for(order.credit_type)?;
        }
        let (at, place) = (self.at, self.whereabouts());
        self.recharges.get_or_insert_default().put(order.clone(), at, &place);
        Ok(())
    }

    pub(super) fn remove_recharge(&mut self, credit_type: CreditType) -> Result<(), Rejection> {
        let unknown = || unknown_recharge("credit_type", credit_type.name());
        self.recharges.as_mut().ok_or_else(unknown)?.remove(credit_type)?;
        self.recharges.take_if(|recharges| recharges.is_empty());
        Ok(())
    }

    /// A request brings nothing. Said again, or after its time was over, it changes nothing.
    pub(super) fn fail_recharge(
        &mut self,
        failure: &RechargeFailure,
        out: &mut Vec<Effect>,
    ) -> Result<(), Rejection> {
        let request = self.made(&failure.id)?;
        let (place, moment) = (self.whereabouts(), self.moment());
        let funds = self.funds(request.0);
        let failed = self.recharges.as_mut().is_some_and(|recharges| {
            recharges.fail(request, &failure.note, (funds.available, moment), &place, out)
        });
        if !failed && self.has_grant(&failure.id) {
            return Err(answered(&failure.id));
        }
        Ok(())
    }

    /// The request that an order for a grant answers, by its name; none where the name is not that of a request.
    pub(super) fn request_of(&self, order: &GrantOrder) -> Result<Option<(CreditType, u64)>, Rejection> {
        let Some(id) = order.id.as_deref().filter(|id| id.starts_with(REQUESTS)) else { return Ok(None) };
        let request = self.made(id)?;
        if request.0 != order.credit_type {
            return Err(other_credits(request.0, order.credit_type));
        }
        // Credits that come later do not lift what is available now: it would ask again meanwhile.
        match order.effective.filter(|effective| *effective > self.at) {
            Some(effective) => Err(answers_late(effective, self.at)),
            None => Ok(Some(request)),
        }
    }

    /// A request was answered with credits.
    pub(super) fn succeed_recharge(
        &mut self,
        request: (CreditType, u64),
        granted: Credits,
        out: &mut Vec<Effect>,
    ) {
        let (place, moment) = (self.whereabouts(), self.moment());
        let funds = self.funds(request.0);
        if let Some(recharges) = &mut self.recharges {
            recharges.succeed(request, granted, (funds.available, moment), &place, out);
        }
    }

    /// What is due happens, and recharges look whether to ask. Organizations without any pay one branch.
    pub(super) fn look_at_recharges(&mut self, at: Timestamp, out: &mut Vec<Effect>) {
        if let Some(mut recharges) = self.recharges.take() {
            let moment = Moment { at, position: self.position };
            recharges.look(moment, |credit_type| self.funds(credit_type), || self.whereabouts(), out);
            self.recharges = Some(recharges);
        }
    }

    /// Begins the windows of the cycle that has just begun, or of the time without one.
    pub(super) fn turn_recharges(&mut self, at: Timestamp) {
        if self.recharges.is_some() {
            let place = self.whereabouts();
            self.recharges.iter_mut().for_each(|recharges| recharges.turn_cycle(at, &place));
        }
    }

    /// Moves the ends of windows after the calendar was changed.
    pub(super) fn move_recharges(&mut self) {
        if self.recharges.is_some() {
            let (at, place) = (self.at, self.whereabouts());
            self.recharges.iter_mut().for_each(|recharges| recharges.move_ends(at, &place));
        }
    }

    /// The request of that name, if it was made.
    fn made(&self, name: &str) -> Result<(CreditType, u64), Rejection> {
        self.recharges.as_ref().ok_or_else(|| unknown_recharge("id", name))?.request(name)
    }

    fn has_grant(&self, name: &str) -> bool {
        let oldest = self.at.minus(OLDEST_EVENT);
        self.pools().any(|pool| {
            let mut kept = pool.grants().iter().filter(|grant| !grant.is_forgettable(oldest));
            kept.any(|grant| grant.is_named(name, pool.credit_type))
        })
    }

    fn funds(&self, credit_type: CreditType) -> Funds {
        let balance = self.balances.iter().find(|balance| balance.pool.credit_type == credit_type);
        let pool = balance.map(|balance| &balance.pool);
        // Nothing is asked for that could not be given.
        let is_full = pool.is_some_and(|pool| pool.is_full(self.at));
        let room = if is_full { Credits::ZERO } else { pool.map_or(Credits::LARGEST_TOTAL, Pool::room) };
        Funds { available: balance.map_or(Credits::ZERO, Balance::level), room }
    }
}

#[cfg(test)]
mod tests;
