//! Events: what they cost is taken, and given back when they did not count.

use smallvec::SmallVec;

use super::{Org, in_range};
use crate::ledger::catalog::{Catalog, WhenExhausted};
use crate::ledger::charge::{Charge, Line, Return};
use crate::ledger::effect::{Effect, Outcome, Recall, Voided};
use crate::ledger::entry::{Dimensions, Event, Kind, Void};
use crate::ledger::grants::{Booking, Pool, Purpose};
use crate::ledger::movement::Note;
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
        self.take(event, &mut charge, catalog, out)?;
        Ok(charge)
    }

    /// Takes what a charge costs, or nothing at all.
    fn take(
        &mut self,
        event: &Event<'_>,
        charge: &mut Charge,
        catalog: &Catalog,
        out: &mut Vec<Effect>,
    ) -> Result<(), Rejection> {
        let wanted = wanted(event, charge);
        if wanted.is_empty() {
            return Ok(());
        }
        let policy = policy(&self.terms, self.at, catalog).unwrap_or_default();
        self.may_take(&wanted, policy)?;
        let moment = self.moment();
        for (credit_type, purpose, amount) in wanted {
            let place = self.balance_place(credit_type);
            let Org { balances, terms, .. } = self;
            let Some(balance) = balances.get_mut(place) else { continue };
            let rules = rules_in_force(terms, moment.at, catalog);
            balance.follow(rules);
            balance.pool.take(amount, purpose, &mut charge.draws);
        }
        let Org { balances, terms, .. } = self;
        for balance in balances {
            if charge.draws.iter().any(|draw| draw.credit_type == balance.pool.credit_type) {
                balance.look_lower(|| rules_in_force(terms, moment.at, catalog), moment, out);
            }
        }
        Ok(())
    }

    /// Whether all of it can be taken together.
    fn may_take(&self, wanted: &[Wanted<'_>], policy: WhenExhausted) -> Result<(), Rejection> {
        for (nth, (credit_type, _, _)) in wanted.iter().enumerate() {
            if wanted.iter().take(nth).any(|(known, _, _)| known == credit_type) {
                continue;
            }
            let parts: SmallVec<[(Purpose<'_>, Credits); 1]> = wanted
                .iter()
                .filter(|(kind, _, _)| kind == credit_type)
                .map(|(_, purpose, amount)| (*purpose, *amount))
                .collect();
            let amount = parts.iter().fold(Credits::ZERO, |sum, (_, amount)| sum.plus(*amount));
            let pool = self.pools().find(|pool| pool.credit_type == *credit_type);
            let charged = pool.map_or(Credits::ZERO, |pool| pool.totals().charged);
            if charged.total_with(amount).is_none() {
                return Err(too_large("quantity", amount));
            }
            if policy == WhenExhausted::Reject && !pool.is_some_and(|pool| pool.covers(&parts)) {
                let usable = pool.map_or(Credits::ZERO, Pool::usable);
                return Err(insufficient(*credit_type, amount, usable));
            }
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
        let mut returns = SmallVec::new();
        match (&recall.charge, target) {
            (Some((position, charge)), Some(seen)) if *position == seen.position => {
                returns = self.give_back(charge, catalog, out);
            }
            (_, Some(_)) => return Err(unknown_event()),
            (_, None) if void.target_time.is_none() => return Err(unknown_event()),
            (_, None) => self.voided_ahead = self.voided_ahead.max(Some(hour.next())),
        }
        self.remember(mark, hour);
        Ok(Outcome::Voided(Voided {
            target: target.map(|seen| seen.position),
            remembered: (mark, hour),
            returns,
        }))
    }

    fn give_back(
        &mut self,
        charge: &Charge,
        catalog: &Catalog,
        out: &mut Vec<Effect>,
    ) -> SmallVec<[Return; 2]> {
        let mut returns = SmallVec::new();
        let moment = self.moment();
        let Org { balances, terms, .. } = self;
        for balance in balances {
            let credit_type = balance.pool.credit_type;
            if charge.draws.iter().any(|draw| draw.credit_type == credit_type) {
                let rules = rules_in_force(terms, moment.at, catalog);
                balance.follow(rules);
                let note = Some(&Note::default());
                let mut booking = Booking { at: moment.at, note, out };
                balance.pool.give_back(&charge.draws, &mut returns, &mut booking);
                balance.look(rules, moment, out);
            }
        }
        returns
    }
}

/// What is wanted of one kind of credits for one line of a charge.
type Wanted<'a> = (CreditType, Purpose<'a>, Credits);

/// What the lines of a charge want, without those that cost nothing.
fn wanted<'a>(event: &Event<'a>, charge: &Charge) -> SmallVec<[Wanted<'a>; 1]> {
    let (action, add_ons) = match &event.kind {
        Kind::Action { action, .. } => (*action, &[][..]),
        Kind::Call(call) => (call.action, call.add_ons),
        Kind::Void(_) => return SmallVec::new(),
    };
    let Dimensions { feature, entity_type, entity_id, .. } = event.dimensions;
    let entity = entity_type.map(|kind| (kind, entity_id));
    let actions = std::iter::once(action).chain(add_ons.iter().copied());
    let lines = actions.zip(&charge.lines).filter(|(_, line)| line.amount > Credits::ZERO);
    lines.map(|(action, line)| (line.credit_type, Purpose { action, feature, entity }, line.amount)).collect()
}
