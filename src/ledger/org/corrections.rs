//! Corrections by hand: grants taken back, credits adjusted.

use serde::{Deserialize, Serialize};

use super::Org;
use crate::ledger::catalog::Catalog;
use crate::ledger::effect::Effect;
use crate::ledger::entry::{Adjustment, GrantKind, GrantOrder, GrantVoid, OLDEST_EVENT};
use crate::ledger::grants::{Booking, Grant, Origin, Phase, Pool};
use crate::ledger::movement::MovementKind;
use crate::ledger::price::CreditType;
use crate::ledger::refusals::{other_adjustment, too_little, unknown_grant};
use crate::ledger::rejection::{Reason, Rejection};
use crate::ledger::terms::rules_in_force;
use crate::ledger::units::{Credits, Timestamp};

/// The adjustments that a repeat may still name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Adjusted(Vec<Known>);

/// An adjustment that was carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    id: Box<str>,
    credit_type: CreditType,
    amount: Credits,
    at: Timestamp,
}

/// The most adjustments that are remembered, each as long as events may be late.
const MOST_ADJUSTMENTS: usize = 10_000;

impl Org {
    pub(super) fn void_grant(
        &mut self,
        order: &GrantVoid,
        catalog: &Catalog,
        out: &mut Vec<Effect>,
    ) -> Result<(), Rejection> {
        let oldest = self.at.minus(OLDEST_EVENT);
        let found = self.pools().enumerate().find_map(|(place, pool)| {
            let named =
                |grant: &Grant| !grant.is_forgettable(oldest) && grant.is_named(&order.id, pool.credit_type);
            Some((place, pool.grants().iter().position(named)?))
        });
        let Some((place, at)) = found else {
            // Grants of earlier cycles have ended and are not kept.
            let past = Origin::cycle_of(&order.id).is_some_and(|number| (1..self.cycles()).contains(&number));
            return if past { Ok(()) } else { Err(unknown_grant(&order.id)) };
        };
        let (zone, moment) = (self.zone(), self.moment());
        let Org { balances, terms, .. } = self;
        let Some(balance) = balances.get_mut(place) else { return Ok(()) };
        if balance.pool.grants().get(at).is_some_and(|grant| grant.phase == Phase::Ended) {
            return Ok(());
        }
        let rules = rules_in_force(terms, moment.at, catalog);
        balance.follow(rules, moment.at);
        let note = Some(&order.note);
        balance.pool.void_grant(at, &mut Booking { at: moment.at, note, out });
        balance.go_on(rules, moment, &zone, note, out);
        Ok(())
    }

    pub(super) fn adjust(
        &mut self,
        order: &Adjustment,
        catalog: &Catalog,
        out: &mut Vec<Effect>,
    ) -> Result<(), Rejection> {
        if let Some(known) = order.id.as_deref().and_then(|id| self.adjustment(id)) {
            let same = (known.credit_type, known.amount) == (order.credit_type, order.amount);
            return if same { Ok(()) } else { Err(other_adjustment(&known.id)) };
        }
        catalog.knows(order.credit_type)?;
        let name = order.id.clone().unwrap_or_else(|| format!("a{}", self.position).into());
        let oldest = self.at.minus(OLDEST_EVENT);
        let taken = self.pools().any(|pool| {
            let mut kept = pool.grants().iter().filter(|grant| !grant.is_forgettable(oldest));
            kept.any(|grant| grant.is_named(&name, pool.credit_type))
        });
        if taken {
            return Err(other_adjustment(&name));
        }
        self.has_room_for_adjustment()?;
        let before = out.len();
        if order.amount > Credits::ZERO {
            self.grant(&gift(order, name.clone()), catalog, out)?;
        } else {
            let amount = Credits::ZERO.minus(order.amount);
            let usable = self
                .pools()
                .find(|pool| pool.credit_type == order.credit_type)
                .map_or(Credits::ZERO, Pool::usable);
            if usable < amount {
                return Err(too_little(order.credit_type, amount, usable));
            }
            self.withdraw(amount, order, catalog, out);
        }
        out.iter_mut().skip(before).for_each(|effect| adjusted(effect, &name));
        let known = Known { id: name, credit_type: order.credit_type, amount: order.amount, at: self.at };
        self.adjusted.get_or_insert_default().0.push(known);
        Ok(())
    }

    fn adjustment(&self, id: &str) -> Option<&Known> {
        let oldest = self.at.minus(OLDEST_EVENT);
        self.adjusted.as_ref()?.0.iter().find(|known| *known.id == *id && known.at >= oldest)
    }

    fn has_room_for_adjustment(&mut self) -> Result<(), Rejection> {
        let Some(Adjusted(known)) = self.adjusted.as_deref_mut() else { return Ok(()) };
        let oldest = self.at.minus(OLDEST_EVENT);
        known.retain(|known| known.at >= oldest);
        if known.len() < MOST_ADJUSTMENTS {
            return Ok(());
        }
        let why =
            format!("the organization was adjusted {MOST_ADJUSTMENTS} times within 400 days; grant instead");
        Err(Rejection::new(Reason::TooMany, "id", why))
    }

    fn withdraw(&mut self, amount: Credits, order: &Adjustment, catalog: &Catalog, out: &mut Vec<Effect>) {
        let place = self.balance_place(order.credit_type);
        let moment = self.moment();
        let Org { balances, terms, .. } = self;
        let Some(balance) = balances.get_mut(place) else { return };
        let rules = rules_in_force(terms, moment.at, catalog);
        balance.follow(rules, moment.at);
        balance.pool.withdraw(amount, &mut Booking { at: moment.at, note: Some(&order.note), out });
        balance.look(rules, moment, out);
    }
}

/// Notes of what moved by hand which adjustment moved it. What repays what was owed is a consequence, and moved by itself.
fn adjusted(effect: &mut Effect, name: &str) {
    if let Effect::Moved(movement) = effect
        && matches!(movement.kind, MovementKind::Granted | MovementKind::Voided)
    {
        movement.adjustment = Some(name.into());
    }
}

/// What an adjustment above nothing gives.
fn gift(order: &Adjustment, name: Box<str>) -> GrantOrder {
    let (id, note) = (Some(name), order.note.clone());
    GrantOrder { id, kind: GrantKind::Bonus, note, ..GrantOrder::of(order.credit_type, order.amount) }
}
