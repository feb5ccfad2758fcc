//! Rating: from an event to credits. A pure function of the event, the terms in force and the catalog.
//!
//! Each line rounds once, half up to a micro-credit; a call rounds once as a whole.

use smallvec::SmallVec;

use super::catalog::{CardIndex, Catalog, Plan, PlanIndex, RateCard};
use super::charge::{Basis, Line};
use super::entry::{Call, Overrides};
use super::price::{CreditType, Direction, PerMinute, Price, Tariff};
use super::rejection::{Reason, Rejection};
use super::units::{Credits, Millis, Timestamp};

/// What prices an event at one instant: the plan, its rate card, and what the organization has of its own.
#[derive(Clone, Copy, Debug)]
pub struct Pricing<'c> {
    /// The plan in force and its version.
    pub plan: &'c Plan,
    /// The plan's number and version.
    pub plan_version: (PlanIndex, u32),
    card: &'c RateCard,
    /// The rate card's number and version.
    pub card_version: (CardIndex, u32),
    overrides: Option<&'c Overrides>,
}

impl<'c> Pricing<'c> {
    /// What prices an event at `instant` for an organization on `plan`.
    ///
    /// # Errors
    /// [`Reason::UnknownPlan`] or [`Reason::UnknownRateCard`] where the catalog lacks them; published versions never go
    /// away, so that is a catalog that does not belong to the organization.
    pub fn at(
        catalog: &'c Catalog,
        plan: PlanIndex,
        overrides: Option<&'c Overrides>,
        instant: Timestamp,
    ) -> Result<Self, Rejection> {
        let missing = |reason, what: &str| {
            let why = format!("the organization's {what} is not in the catalog; publish it");
            Rejection::new(reason, "org", why)
        };
        let (plan_number, content) = catalog
            .plan(plan)
            .and_then(|history| history.at(instant))
            .ok_or_else(|| missing(Reason::UnknownPlan, "plan"))?;
        let (card_number, card) = catalog
            .card(content.rate_card)
            .and_then(|history| history.at(instant))
            .ok_or_else(|| missing(Reason::UnknownRateCard, "rate card"))?;
        Ok(Pricing {
            plan: content,
            plan_version: (plan, plan_number),
            card,
            card_version: (content.rate_card, card_number),
            overrides,
        })
    }

    /// What prices an event by this plan and card, in force or not.
    #[must_use]
    pub fn by(plan: &'c Plan, card: &'c RateCard, overrides: Option<&'c Overrides>) -> Self {
        let (plan_version, card_version) = <((PlanIndex, u32), (CardIndex, u32))>::default();
        Pricing { plan, plan_version, card, card_version, overrides }
    }

    /// The line of what an unmetered plan only counts.
    fn free(quantity: u64, duration: Millis, direction: Option<Direction>) -> Line {
        let basis = Basis::Unmetered { quantity, duration, direction };
        Line { credit_type: CreditType::default(), amount: Credits::ZERO, basis, own_price: false }
    }

    fn price(&self, action: &str) -> Result<(&'c Price, bool), Rejection> {
        if let Some(own) = self.overrides.and_then(|own| own.prices.get(action)) {
            return Ok((own, true));
        }
        let listed = self.card.prices.get(action).ok_or_else(|| unknown_action(action, self.card))?;
        Ok((listed, false))
    }

    /// Prices a number of actions.
    ///
    /// # Errors
    /// [`Reason::UnknownAction`], [`Reason::AmountTooLarge`], or [`Reason::InvalidField`] for an action that is
    /// priced by the minute.
    pub fn action(&self, action: &str, quantity: u64) -> Result<Line, Rejection> {
        if self.plan.unmetered {
            return Ok(Pricing::free(quantity, Millis(0), None));
        }
        let (price, own_price) = self.price(action)?;
        let (amount, basis) = match price.tariff {
            Tariff::PerAction(each) => (each.scale(quantity, 1), Basis::PerAction { each, quantity }),
            Tariff::PerUnits { price, units, started } => {
                let amount = if started {
                    price.scale(quantity.div_ceil(units.max(1)), 1)
                } else {
                    price.scale(quantity, units)
                };
                (amount, Basis::PerUnits { price, units, started, quantity })
            }
            Tariff::PerMinute(_) => {
                let why = format!("{action:?} is priced by the minute; send it as creditd.call.ended.v1");
                return Err(Rejection::new(Reason::InvalidField, "action", why));
            }
        };
        let amount = amount.ok_or_else(|| too_large(action))?;
        Ok(Line { credit_type: price.credit_type, amount, basis, own_price })
    }

    /// Prices a call: its own line, then one for each add-on.
    ///
    /// # Errors
    /// As [`Pricing::action`], and [`Reason::InvalidField`] where the call's action is not priced by the minute.
    pub fn call(&self, call: &Call<'_>) -> Result<SmallVec<[Line; 1]>, Rejection> {
        let duration = if call.answered { call.duration } else { Millis(0) };
        if self.plan.unmetered {
            let line = Pricing::free(1, duration, Some(call.direction));
            return Ok(std::iter::repeat_n(line, call.add_ons.len().saturating_add(1)).collect());
        }
        let (price, own_price) = self.price(call.action)?;
        let Tariff::PerMinute(tariff) = &price.tariff else {
            let why = format!("{:?} is not priced by the minute; send it as creditd.action.v1", call.action);
            return Err(Rejection::new(Reason::InvalidField, "action", why));
        };
        let mut lines = SmallVec::new();
        let (amount, basis) =
            self.minutes(tariff, tariff, call, duration).ok_or_else(|| too_large(call.action))?;
        lines.push(Line { credit_type: price.credit_type, amount, basis, own_price });
        for add_on in call.add_ons {
            let (price, own_price) = self.price(add_on)?;
            let line = match &price.tariff {
                Tariff::PerMinute(own) => {
                    let (amount, basis) =
                        self.minutes(own, tariff, call, duration).ok_or_else(|| too_large(add_on))?;
                    Line { credit_type: price.credit_type, amount, basis, own_price }
                }
                Tariff::PerAction(_) => self.action(add_on, u64::from(duration.0 > 0))?,
                Tariff::PerUnits { .. } => {
                    let why = format!(
                        "{add_on:?} is priced by units, which a call has none of; send it as an action"
                    );
                    return Err(Rejection::new(Reason::InvalidField, "add_ons", why));
                }
            };
            lines.push(line);
        }
        Ok(lines)
    }

    /// Prices once more what was charged: the same actions, the same call. Answers a line for each of its own.
    ///
    /// # Errors
    /// As [`Pricing::action`] and [`Pricing::call`].
    pub fn again(
        &self,
        lines: &[Line],
        actions: &[&str],
        destination: Option<&str>,
    ) -> Result<SmallVec<[Line; 1]>, Rejection> {
        let (Some(line), Some((action, add_ons))) = (lines.first(), actions.split_first()) else {
            return Ok(SmallVec::new());
        };
        match line.basis {
            Basis::PerMinute { direction, duration, .. }
            | Basis::Unmetered { direction: Some(direction), duration, .. } => self.call(&Call {
                name: None,
                action,
                direction,
                destination,
                duration,
                answered: true,
                answered_at: None,
                add_ons,
            }),
            Basis::PerAction { quantity, .. }
            | Basis::PerUnits { quantity, .. }
            | Basis::Unmetered { quantity, direction: None, .. } => {
                self.action(action, quantity).map(|line| smallvec::smallvec![line])
            }
        }
    }

    /// The amount of a call at `tariff`, billed in the increments of the call's own price.
    fn minutes(
        &self,
        tariff: &PerMinute,
        of_the_call: &PerMinute,
        call: &Call<'_>,
        duration: Millis,
    ) -> Option<(Credits, Basis)> {
        let increment = self
            .overrides
            .and_then(|own| own.increment)
            .or(self.plan.increment)
            .unwrap_or(of_the_call.increment);
        let (rate, prefix) = tariff.rate(call.direction, call.destination);
        let billed_seconds = increment.billed_seconds(duration);
        let minimum = tariff.minimum;
        let amount = rate.cost(billed_seconds, minimum)?;
        let direction = call.direction;
        Some((
            amount,
            Basis::PerMinute { rate, prefix, direction, increment, duration, billed_seconds, minimum },
        ))
    }
}

fn unknown_action(action: &str, card: &RateCard) -> Rejection {
    let known: Vec<&str> = card.prices.keys().map(|name| &**name).take(20).collect();
    let why = format!("the rate card has no price for {action:?}; it has {}", known.join(", "));
    Rejection::new(Reason::UnknownAction, "action", why)
}

fn too_large(action: &str) -> Rejection {
    let why = format!("the price of {action:?} at this quantity or length does not fit; check the amounts");
    Rejection::new(Reason::AmountTooLarge, "quantity", why)
}
