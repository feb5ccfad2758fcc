//! What an event uses of each limit: found before anything changes, counted once the event is charged.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::rule::{Level, Limit, Measure, Unit};
use super::{Limits, MOST_VALUES};
use crate::ledger::balance::Moment;
use crate::ledger::calls::Amounts;
use crate::ledger::charge::{Charge, Line};
use crate::ledger::effect::{Effect, LimitAlert};
use crate::ledger::entry::{Dimensions, Event, Kind};
use crate::ledger::price::CreditType;
use crate::ledger::refusals::{limit_reached, too_many_values, too_much_use};
use crate::ledger::rejection::Rejection;
use crate::ledger::units::Credits;

/// What a charge was counted under, kept with it: so that a void can take it back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    uses: Vec<CountedUse>,
    /// The hard limits that it went past, by their names.
    pub past_limits: Vec<Box<str>>,
}

impl Counted {
    /// What was counted: the number of the window, the value it was counted under, empty for the whole, and how much.
    pub fn uses(&self) -> impl Iterator<Item = (u64, &str, Measure)> {
        self.uses.iter().map(|used| (used.window, &*used.value, used.amount))
    }

    /// The bytes that it takes.
    pub(in crate::ledger) fn bytes(&self) -> usize {
        let texts = self.uses.iter().map(|used| &used.value).chain(&self.past_limits);
        let uses = self.uses.len().saturating_mul(size_of::<CountedUse>());
        texts.fold(uses, |sum, text| sum.saturating_add(text.len()))
    }
}

/// What was counted in one window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct CountedUse {
    /// The number of the window.
    window: u64,
    value: Box<str>,
    amount: Measure,
}

/// A rated event, as limits look at it.
#[derive(Clone, Debug)]
pub(in crate::ledger) struct Spending<'e> {
    dimensions: Dimensions<'e>,
    action: &'e str,
    quantity: u64,
    lines: SmallVec<[(&'e str, CreditType, Credits); 1]>,
}

impl<'e> Spending<'e> {
    /// What an event spends; `None` for a void.
    pub(in crate::ledger) fn of(event: &Event<'e>, charge: &Charge) -> Option<Spending<'e>> {
        Spending::of_lines(event, &charge.lines)
    }

    /// What an event of these lines would spend; `None` for a void.
    pub(in crate::ledger) fn of_lines(event: &Event<'e>, lines: &[Line]) -> Option<Spending<'e>> {
        let (action, quantity, add_ons) = match &event.kind {
            Kind::Action { action, quantity } => (*action, *quantity, &[][..]),
            Kind::Call(call) => (call.action, 1, call.add_ons),
            Kind::Live(_) | Kind::End(_) | Kind::Restarted(_) | Kind::Void(_) => return None,
        };
        let actions = std::iter::once(action).chain(add_ons.iter().copied());
        let lines = actions.zip(lines).map(|(action, line)| (action, line.credit_type, line.amount));
        Some(Spending { dimensions: event.dimensions, action, quantity, lines: lines.collect() })
    }

    /// What something has spent so far that is not charged yet, or is going to spend.
    pub(in crate::ledger) fn so_far(
        dimensions: Dimensions<'e>,
        (action, quantity): (&'e str, u64),
        amounts: &Amounts,
    ) -> Spending<'e> {
        let lines = amounts.iter().map(|(kind, amount)| (action, *kind, *amount)).collect();
        Spending { dimensions, action, quantity, lines }
    }
}

impl Limit {
    /// What something uses of what this limit counts: how much, and under which values.
    pub(in crate::ledger) fn each_use<'e>(
        &self,
        spending: &Spending<'e>,
        mut each: impl FnMut(Cow<'e, str>, Measure),
    ) {
        let mut add = |action: &'e str, amount: Measure| {
            if amount > Measure::ZERO
                && let Some(value) = self.on.value(&spending.dimensions, action)
            {
                each(value, amount);
            }
        };
        match self.unit {
            Unit::Quantity => add(spending.action, Measure::of_quantity(spending.quantity)),
            Unit::Credits(credit_type) => {
                for (action, _, amount) in spending.lines.iter().filter(|line| line.1 == credit_type) {
                    let action = if self.on.names_action() { action } else { spending.action };
                    add(action, Measure::of_credits(*amount));
                }
            }
        }
    }
}

/// What an event uses of the limits it is in, one after the other by their names.
pub(in crate::ledger) type Uses<'e> = SmallVec<[Use<'e>; 4]>;

/// What an event uses of one limit.
#[derive(Clone, Debug)]
pub(in crate::ledger) struct Use<'e> {
    /// Where the limit stands.
    place: usize,
    value: Cow<'e, str>,
    amount: Measure,
}

impl Limits {
    /// What an event uses of the limits in force, as far as it is more than nothing.
    pub(in crate::ledger) fn uses<'e>(&self, spending: &Spending<'e>) -> Uses<'e> {
        let mut uses = Uses::new();
        for (place, count) in self.counts.iter().enumerate() {
            count.limit.each_use(spending, |value, amount| add_up(&mut uses, Use { place, value, amount }));
        }
        uses
    }

    /// Adds to what an event uses of hard limits what others claim of the same, under the same value.
    pub(in crate::ledger) fn add_claims(
        &self,
        uses: &mut Uses<'_>,
        claimed: impl Fn(&Limit, &str) -> Measure,
    ) {
        for used in uses {
            if let Some(count) = self.counts.get(used.place).filter(|count| count.limit.hard) {
                used.amount = used.amount.plus(claimed(&count.limit, &used.value));
            }
        }
    }

    /// Takes over what was used under the values of an event, where the window that runs is one of those that this is a copy of.
    pub(in crate::ledger) fn take_over(&mut self, uses: &Uses<'_>, before: &Limits) {
        for used in uses {
            let Some(count) = self.counts.get_mut(used.place) else { continue };
            let same = before.counts.iter().find(|known| known.span.number == count.span.number);
            if let Some((value, used)) = same.and_then(|known| known.used.get_key_value(&*used.value)) {
                count.used.insert(value.clone(), *used);
            }
        }
    }

    /// Whether an event uses some hard limit.
    pub(in crate::ledger) fn any_hard(&self, uses: &Uses<'_>) -> bool {
        uses.iter().any(|used| self.counts.get(used.place).is_some_and(|count| count.limit.hard))
    }

    /// Whether the limits leave room for an event, or its plan charges what is past them.
    pub(in crate::ledger) fn admit(&self, uses: &Uses<'_>, rejects: bool) -> Result<(), Rejection> {
        for used in uses {
            let Some(count) = self.counts.get(used.place) else { continue };
            // Credits always fit, since the books had room for them; and what rejects nothing need not be looked up.
            if count.limit.unit != Unit::Quantity && !(rejects && count.limit.hard) {
                continue;
            }
            let before = count.used.get(&*used.value).map_or(Measure::ZERO, |known| known.amount);
            let after = before.checked_add(used.amount).ok_or_else(|| too_much_use(&count.limit))?;
            if rejects && count.limit.hard && after > count.limit.max {
                return Err(limit_reached(&count.limit, &used.value, before, used.amount));
            }
        }
        Ok(())
    }

    /// Whether the values that an event would be the first to use can be counted too.
    pub(in crate::ledger) fn has_room_for(&self, uses: &Uses<'_>) -> Result<(), Rejection> {
        if self.values().saturating_add(uses.len()) <= MOST_VALUES {
            return Ok(());
        }
        let is_new = |used: &&Use<'_>| {
            !used.value.is_empty()
                && self.counts.get(used.place).is_some_and(|count| !count.used.contains_key(&*used.value))
        };
        let new = uses.iter().filter(is_new).count();
        if new == 0 || self.values().saturating_add(new) <= MOST_VALUES {
            return Ok(());
        }
        Err(too_many_values(MOST_VALUES))
    }

    /// How many values are counted one by one.
    fn values(&self) -> usize {
        let each = self.counts.iter().filter(|count| count.limit.on.is_each());
        each.fold(0, |sum, count| sum.saturating_add(count.used.len()))
    }

    /// Counts what an event used that is charged, and raises the alerts. `None` where no limit is concerned.
    pub(in crate::ledger) fn count(
        &mut self,
        uses: Uses<'_>,
        moment: Moment,
        out: &mut Vec<Effect>,
    ) -> Option<Box<Counted>> {
        if uses.is_empty() {
            return None;
        }
        let mut counted = Counted::default();
        for Use { place, value, amount } in uses {
            let Some(count) = self.counts.get_mut(place) else { continue };
            let limit = &count.limit;
            let value: Box<str> = value.into();
            let used = match count.used.get_mut(&value) {
                Some(known) => known,
                None => count.used.entry(value.clone()).or_default(),
            };
            used.amount = used.amount.checked_add(amount).unwrap_or(used.amount);
            if limit.hard && used.amount > limit.max {
                counted.past_limits.push(limit.id.clone());
            }
            let level = Level::of(used.amount, limit.max);
            let (now, rings) = (used.amount, level > used.raised);
            used.raised = level.max(used.raised);
            if rings {
                let value = value.clone();
                out.push(Effect::Limit(Box::new(LimitAlert::of(count, value, level, now, moment))));
            }
            counted.uses.push(CountedUse { window: count.span.number, value, amount });
        }
        counted.past_limits.dedup();
        Some(Box::new(counted))
    }

    /// Takes back what a charge was counted under, where the window still runs.
    pub(in crate::ledger) fn take_back(&mut self, counted: &Counted) {
        for CountedUse { window, value, amount } in &counted.uses {
            if let Some(count) = self.counts.iter_mut().find(|count| count.span.number == *window) {
                count.take_back(value, *amount);
            }
        }
    }
}

/// Adds a use to those of the same limit and value.
fn add_up<'e>(uses: &mut Uses<'e>, new: Use<'e>) {
    let known = uses.iter_mut().rev().take_while(|known| known.place == new.place);
    match known.into_iter().find(|known| known.value == new.value) {
        // What does not fit was refused when the event was rated.
        Some(known) => known.amount = known.amount.checked_add(new.amount).unwrap_or(known.amount),
        None => uses.push(new),
    }
}
