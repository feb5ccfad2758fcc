//! Events: what they cost is taken, and given back when they did not count.

use smallvec::SmallVec;

use super::foreseeing::ahead;
use super::{Org, in_range};
use crate::ledger::catalog::{Catalog, WhenExhausted};
use crate::ledger::charge::{Charge, Draw, Line, Return};
use crate::ledger::effect::{Effect, Outcome, Recall, Voided};
use crate::ledger::entry::{Event, Kind, Overrides, Void};
use crate::ledger::grants::{Booking, Pool, Purpose};
use crate::ledger::limits::Uses;
use crate::ledger::movement::Note;
use crate::ledger::price::CreditType;
use crate::ledger::rating::Pricing;
use crate::ledger::refusals::{insufficient, no_terms, out_of_range, too_large, unknown_event};
use crate::ledger::rejection::Rejection;
use crate::ledger::terms::{plan_at, rules_in_force, terms_at};
use crate::ledger::units::{Credits, Timestamp};

impl Org {
    /// Rates an event at its own time. Nothing is taken yet.
    pub(super) fn price(&self, event: &Event<'_>, catalog: &Catalog) -> Result<Charge, Rejection> {
        let rated_at = match &event.kind {
            Kind::Call(call) => call.answered_at.unwrap_or_else(|| event.time.minus(call.duration)),
            Kind::Action { .. } | Kind::Live(_) | Kind::End(_) | Kind::Restarted(_) | Kind::Void(_) => {
                event.time
            }
        };
        let terms = terms_at(&self.terms, rated_at).ok_or_else(no_terms)?;
        let pricing = Pricing::at(catalog, terms.plan, terms.overrides.as_deref(), rated_at)?;
        let lines: SmallVec<[Line; 1]> = match &event.kind {
            Kind::Action { action, quantity } => smallvec::smallvec![pricing.action(action, *quantity)?],
            Kind::Call(call) => pricing.call(call)?,
            Kind::Live(_) | Kind::End(_) | Kind::Restarted(_) | Kind::Void(_) => SmallVec::new(),
        };
        let (plan, card) = (pricing.plan_version, pricing.card_version);
        Ok(Charge { rated_at, plan, card, lines, draws: SmallVec::new(), counted: None, call: None })
    }

    /// What the organization had of its own at an instant: prices, and an increment.
    #[must_use]
    pub fn own_terms_at(&self, instant: Timestamp) -> Option<&Overrides> {
        terms_at(&self.terms, instant)?.overrides.as_deref()
    }

    /// Takes what a charge costs at the log's time, or nothing at all. What was talked already `must_pay`: it is never refused for want of
    /// credits, nor by a limit.
    pub(super) fn take(
        &mut self,
        event: &Event<'_>,
        charge: &mut Charge,
        must_pay: bool,
        catalog: &Catalog,
        out: &mut Vec<Effect>,
    ) -> Result<(), Rejection> {
        let (wanted, uses) = self.admit(event, charge, must_pay, catalog)?;
        self.draw(wanted, charge, catalog, out);
        charge.counted = self.count_uses(uses, out);
        Ok(())
    }

    /// Whether what a charge costs can be taken: what it wants, and what it uses of limits. Nothing is taken yet.
    pub(super) fn admit<'e>(
        &mut self,
        event: &Event<'e>,
        charge: &Charge,
        must_pay: bool,
        catalog: &Catalog,
    ) -> Result<(SmallVec<[Wanted<'e>; 1]>, Uses<'e>), Rejection> {
        let Some((_, _, plan)) = plan_at(&self.terms, self.at, catalog) else { return Err(no_terms()) };
        let wanted = wanted(event, charge);
        self.fits(&wanted)?;
        let uses = self.uses(event, charge, (plan, must_pay), catalog)?;
        if plan.when_exhausted == WhenExhausted::Reject && !must_pay {
            self.covers(&wanted)?;
        }
        self.can_count(&uses)?;
        Ok((wanted, uses))
    }

    /// Takes what is wanted from the pools, and notes what paid.
    fn draw(
        &mut self,
        wanted: SmallVec<[Wanted<'_>; 1]>,
        charge: &mut Charge,
        catalog: &Catalog,
        out: &mut Vec<Effect>,
    ) {
        let moment = self.moment();
        for (credit_type, purpose, amount) in wanted {
            let place = self.balance_place(credit_type);
            let Org { balances, terms, .. } = self;
            let Some(balance) = balances.get_mut(place) else { continue };
            let rules = rules_in_force(terms, moment.at, catalog);
            balance.follow(rules, moment.at);
            balance.take(amount, purpose, moment.at, &mut charge.draws);
        }
        let Org { balances, terms, period, .. } = self;
        for balance in balances {
            if charge.draws.iter().any(|draw| draw.credit_type == balance.pool.credit_type) {
                let rules = || rules_in_force(terms, moment.at, catalog);
                let ahead = || ahead(period.as_deref(), terms, catalog);
                balance.look_after_charge(rules, ahead, moment, out);
            }
        }
    }

    /// Whether the books have room for what is wanted.
    fn fits(&self, wanted: &[Wanted<'_>]) -> Result<(), Rejection> {
        for (credit_type, parts) in by_type(wanted) {
            let amount = sum(&parts);
            let charged = self.pool(credit_type).map_or(Credits::ZERO, |pool| pool.totals().charged);
            if charged.total_with(amount).is_none() {
                return Err(too_large("quantity", amount));
            }
        }
        Ok(())
    }

    /// Whether the usable grants pay for all that is wanted together.
    fn covers(&self, wanted: &[Wanted<'_>]) -> Result<(), Rejection> {
        for (credit_type, parts) in by_type(wanted) {
            let pool = self.pool(credit_type);
            if !pool.is_some_and(|pool| pool.covers(&parts)) {
                let usable = pool.map_or(Credits::ZERO, Pool::usable);
                return Err(insufficient(credit_type, sum(&parts), usable));
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
                returns = self.give_back(&charge.draws, catalog, out);
                self.take_back_uses(charge.counted.as_deref(), catalog);
                if let (Some(calls), Some(call)) = (&mut self.calls, &charge.call) {
                    calls.reopen_end(call.key, seen.position);
                }
            }
            (_, Some(_)) => return Err(unknown_event()),
            (_, None) if void.target_time.is_none() => return Err(unknown_event()),
            (_, None) => self.voided_ahead = self.voided_ahead.max(hour.next()),
        }
        self.remember(mark, hour);
        Ok(Outcome::Voided(Voided {
            target: target.map(|seen| seen.position),
            remembered: (mark, hour),
            returns,
        }))
    }

    /// Gives back what was drawn, in reverse.
    pub(super) fn give_back(
        &mut self,
        draws: &[Draw],
        catalog: &Catalog,
        out: &mut Vec<Effect>,
    ) -> SmallVec<[Return; 2]> {
        let mut returns = SmallVec::new();
        let moment = self.moment();
        let Org { balances, terms, .. } = self;
        for balance in balances {
            let credit_type = balance.pool.credit_type;
            if draws.iter().any(|draw| draw.credit_type == credit_type) {
                let rules = rules_in_force(terms, moment.at, catalog);
                balance.follow(rules, moment.at);
                let note = Some(&Note::default());
                let mut booking = Booking { at: moment.at, note, out };
                balance.give_back(draws, &mut returns, &mut booking);
                balance.look(rules, moment, out);
            }
        }
        returns
    }
}

/// What is wanted of one kind of credits for one line of a charge.
pub(super) type Wanted<'a> = (CreditType, Purpose<'a>, Credits);

/// What is wanted of one kind of credits, part by part.
type Parts<'a> = SmallVec<[(Purpose<'a>, Credits); 1]>;

/// What is wanted, each kind of credits by itself.
fn by_type<'w>(wanted: &'w [Wanted<'w>]) -> impl Iterator<Item = (CreditType, Parts<'w>)> {
    let is_first = move |nth: usize, of: CreditType| {
        !wanted.iter().take(nth).any(|(credit_type, _, _)| *credit_type == of)
    };
    let types = wanted.iter().enumerate().filter(move |(nth, (of, _, _))| is_first(*nth, *of));
    types.map(move |(_, (of, _, _))| {
        let parts = wanted.iter().filter(|(credit_type, _, _)| credit_type == of);
        (*of, parts.map(|(_, purpose, amount)| (*purpose, *amount)).collect())
    })
}

fn sum(parts: &Parts<'_>) -> Credits {
    parts.iter().fold(Credits::ZERO, |sum, (_, amount)| sum.plus(*amount))
}

/// What the lines of a charge want, without those that cost nothing.
fn wanted<'a>(event: &Event<'a>, charge: &Charge) -> SmallVec<[Wanted<'a>; 1]> {
    let (action, add_ons) = match &event.kind {
        Kind::Action { action, .. } => (*action, &[][..]),
        Kind::Call(call) => (call.action, call.add_ons),
        Kind::Live(_) | Kind::End(_) | Kind::Restarted(_) | Kind::Void(_) => return SmallVec::new(),
    };
    let actions = std::iter::once(action).chain(add_ons.iter().copied());
    let lines = actions.zip(&charge.lines).filter(|(_, line)| line.amount > Credits::ZERO);
    let of = |action| Purpose::of(&event.dimensions, action);
    lines.map(|(action, line)| (line.credit_type, of(action), line.amount)).collect()
}
