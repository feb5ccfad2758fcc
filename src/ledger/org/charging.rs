//! Events: what they cost is taken, and given back when they did not count.

use smallvec::SmallVec;

use super::{Org, in_range};
use crate::ledger::catalog::{Catalog, WhenExhausted};
use crate::ledger::charge::{Charge, Line};
use crate::ledger::effect::{Effect, Outcome, Recall, Voided};
use crate::ledger::entry::{Event, Kind, Void};
use crate::ledger::grants::Pool;
use crate::ledger::price::CreditType;
use crate::ledger::rating::Pricing;
use crate::ledger::refusals::{insufficient, no_terms, out_of_range, too_large, unknown_event};
use crate::ledger::rejection::Rejection;
use crate::ledger::terms::{policy, rules_in_force, terms_at};
use crate::ledger::units::Credits;

impl Org {
    /// Rates an event at its own time and takes the credits at the log's.
    pub(super) fn charge(
        &mut self,
        event: &Event<'_>,
        catalog: &Catalog,
        out: &mut Vec<Effect>,
    ) -> Result<Charge, Rejection> {
        let rated_at = match &event.kind {
            Kind::Call(call) => call.answered_at.unwrap_or_else(|| event.time.minus(call.duration)),
            Kind::Action { .. } | Kind::Void(_) => event.time,
        };
        let terms = terms_at(&self.terms, rated_at).ok_or_else(no_terms)?;
        let pricing = Pricing::at(catalog, terms.plan, terms.overrides.as_deref(), rated_at)?;
        let lines: SmallVec<[Line; 1]> = match &event.kind {
            Kind::Action { action, quantity } => smallvec::smallvec![pricing.action(action, *quantity)?],
            Kind::Call(call) => pricing.call(call)?,
            Kind::Void(_) => SmallVec::new(),
        };
        let (plan, card) = (pricing.plan_version, pricing.card_version);
        let mut charge = Charge { rated_at, plan, card, lines, draws: SmallVec::new() };
        self.take(&mut charge, catalog, out)?;
        Ok(charge)
    }

    /// Takes what a charge costs, or nothing at all.
    fn take(
        &mut self,
        charge: &mut Charge,
        catalog: &Catalog,
        out: &mut Vec<Effect>,
    ) -> Result<(), Rejection> {
        let mut amounts: SmallVec<[(CreditType, Credits); 2]> = SmallVec::new();
        for line in charge.lines.iter().filter(|line| line.amount > Credits::ZERO) {
            match amounts.iter_mut().find(|(kind, _)| *kind == line.credit_type) {
                Some((_, sum)) => *sum = sum.plus(line.amount),
                None => amounts.push((line.credit_type, line.amount)),
            }
        }
        if amounts.is_empty() {
            return Ok(());
        }
        let policy = policy(&self.terms, self.at, catalog).unwrap_or_default();
        let pool = |kind| self.pools().find(|pool| pool.credit_type == kind);
        for (credit_type, amount) in &amounts {
            let charged = pool(*credit_type).map_or(Credits::ZERO, |pool| pool.totals().charged);
            if charged.total_with(*amount).is_none() {
                return Err(too_large("quantity", *amount));
            }
        }
        for (credit_type, amount) in &amounts {
            let usable = pool(*credit_type).map_or(Credits::ZERO, Pool::usable);
            if policy == WhenExhausted::Reject && usable < *amount {
                return Err(insufficient(*credit_type, *amount, usable));
            }
        }
        for (credit_type, amount) in amounts {
            let place = self.balance_place(credit_type);
            let moment = self.moment();
            let Org { balances, terms, .. } = self;
            let Some(balance) = balances.get_mut(place) else { continue };
            if let Some(rules) = rules_in_force(terms, moment.at, catalog) {
                balance.follow(rules);
            }
            balance.pool.take(amount, &mut charge.draws);
            balance.look_lower(moment, out);
        }
        Ok(())
    }

    pub(super) fn void(
        &mut self,
        void: &Void,
        catalog: &Catalog,
        recall: &Recall,
        out: &mut Vec<Effect>,
    ) -> Result<Outcome, Rejection> {
        if let Some(time) = void.target_time
            && !in_range(time, self.at)
        {
            return Err(out_of_range("voids.time", time, self.at));
        }
        let found = match void.target_time {
            Some(time) => Some(time.hour()),
            None => {
                self.ids.find_anywhere(void.target).map(|seen| seen.hour).or(recall.whereabouts.flatten())
            }
        };
        let hour = found.ok_or_else(unknown_event)?;
        let mark = void.target.void();
        if let Some(earlier) = self.ids.find(mark, hour) {
            return Ok(Outcome::Duplicate { of: earlier.position });
        }
        let target = self.ids.find(void.target, hour);
        let hour = target.map_or(hour, |seen| seen.hour);
        match (&recall.charge, target) {
            (Some((position, charge)), Some(seen)) if *position == seen.position => {
                self.give_back(charge, catalog, out);
            }
            (_, Some(_)) => return Err(unknown_event()),
            (_, None) if void.target_time.is_none() => return Err(unknown_event()),
            (_, None) => self.voided_ahead = self.voided_ahead.max(Some(hour.next())),
        }
        self.remember(mark, hour);
        Ok(Outcome::Voided(Voided { target: target.map(|seen| seen.position), remembered: (mark, hour) }))
    }

    fn give_back(&mut self, charge: &Charge, catalog: &Catalog, out: &mut Vec<Effect>) {
        let moment = self.moment();
        let Org { balances, terms, .. } = self;
        for balance in balances {
            let credit_type = balance.pool.credit_type;
            if charge.draws.iter().any(|draw| draw.credit_type == credit_type) {
                if let Some(rules) = rules_in_force(terms, moment.at, catalog) {
                    balance.follow(rules);
                }
                balance.pool.give_back(&charge.draws);
                balance.look(moment, out);
            }
        }
    }
}
