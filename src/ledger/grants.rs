//! Grants and their pool: what was given, in the order in which it burns.
//!
//! One pool holds all credits of one kind. Its totals keep the books:
//! `granted = remaining + consumed + expired + voided` and `consumed − covered = charged − overage`.

mod cycle;
mod instants;
mod paying;
mod pool;

use serde::{Deserialize, Serialize};

use super::calendar::Every;
use super::entry::{Dimensions, GrantKind, GrantOrder};
use super::price::CreditType;
use super::units::{Credits, Position, Timestamp};

pub(super) use cycle::Term;
pub(super) use paying::Payers;
pub(super) use pool::Booking;
pub use pool::{MOST_GRANTS, Pool};

/// An amount of credits given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The entry that gave it.
    pub created: Position,
    /// Its number within the pool.
    pub serial: u32,
    /// Where it comes from.
    pub kind: GrantKind,
    /// Lower burns first.
    pub priority: u8,
    /// Where it is in its life.
    pub phase: Phase,
    /// Who gave it.
    pub origin: Origin,
    /// Usable from here on.
    pub effective: Timestamp,
    /// Usable until here, exclusive; [`Timestamp::MAX`] for ever.
    pub expires: Timestamp,
    /// How much was given.
    pub amount: Credits,
    /// What is left of it; nothing once it has ended.
    pub remaining: Credits,
    /// What of it went to repay overage.
    pub covered: Credits,
    /// What few grants have.
    pub details: Option<Box<Details>>,
}

/// Where a grant is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Not usable yet.
    Ahead,
    /// Usable.
    Usable,
    /// Past its expiry, or taken back.
    Ended,
}

/// Who gave a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// An order that named no instant to be usable from.
    AtOnce,
    /// An order that named one.
    Ordered,
    /// The plan, for the cycle of that number.
    Allotment(u32),
    /// What went on from the cycle before that number.
    Rollover(u32),
}

impl Origin {
    /// Whether a cycle gave it.
    #[must_use]
    pub const fn is_of_cycle(self) -> bool {
        matches!(self, Origin::Allotment(_) | Origin::Rollover(_))
    }

    /// The number of the cycle that a grant of this name was given for.
    #[must_use]
    pub fn cycle_of(name: &str) -> Option<u32> {
        let rest = name.strip_prefix("plan.").or_else(|| name.strip_prefix("rollover."))?;
        rest.split_once('.')?.0.parse().ok()
    }
}

/// What few grants have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// The caller's name for it.
    pub id: Option<Box<str>>,
    /// What it may pay; anything where it is empty.
    pub scope: Scope,
    /// When it is refilled.
    pub recurrence: Option<Recurrence>,
    /// What it may hold after a reset.
    pub rollover: Option<Rollover>,
    /// When it is refilled next.
    pub next_refill: Option<Timestamp>,
    /// When it was taken back.
    pub voided_at: Option<Timestamp>,
}

/// What a grant may pay: a charge must be in every list that is not empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// Product areas.
    pub features: Vec<Box<str>>,
    /// Kinds of actions.
    pub actions: Vec<Box<str>>,
    /// What spends, by type, and by id where one is given.
    pub entities: Vec<(Box<str>, Option<Box<str>>)>,
}

/// When a grant holds its amount again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recurrence {
    /// How often.
    pub every: Every,
    /// One of the instants; where it becomes usable if none is given.
    pub anchor: Option<Timestamp>,
}

/// What may go on past a reset: `min(max, max(min, what is left))`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollover {
    /// At least.
    pub min: Credits,
    /// At most; no limit where none is given.
    pub max: Option<Credits>,
}

impl Rollover {
    /// What goes on of what is left.
    #[must_use]
    pub fn of(&self, left: Credits) -> Credits {
        let lifted = left.max(self.min);
        self.max.map_or(lifted, |max| lifted.min(max))
    }
}

/// What a line of a charge is about, as scopes look at it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Purpose<'a> {
    /// The kind of action.
    pub action: &'a str,
    /// The product area.
    pub feature: Option<&'a str>,
    /// The type of what spends, and its id.
    pub entity: Option<(&'a str, Option<&'a str>)>,
}

impl<'a> Purpose<'a> {
    /// What an action is about, of those who spend on it.
    #[must_use]
    pub fn of(who: &Dimensions<'a>, action: &'a str) -> Purpose<'a> {
        let Dimensions { feature, entity_type, entity_id, .. } = *who;
        Purpose { action, feature, entity: entity_type.map(|kind| (kind, entity_id)) }
    }
}

impl Scope {
    /// Whether it holds nothing back.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.features.is_empty() && self.actions.is_empty() && self.entities.is_empty()
    }

    fn includes(&self, purpose: Purpose<'_>) -> bool {
        let feature =
            self.features.is_empty() || self.features.iter().any(|known| Some(&**known) == purpose.feature);
        let action = self.actions.is_empty() || self.actions.iter().any(|known| **known == *purpose.action);
        let entity = self.entities.is_empty()
            || purpose.entity.is_some_and(|(kind, id)| {
                let same = |known: &Option<Box<str>>| known.as_deref().is_none_or(|known| Some(known) == id);
                self.entities.iter().any(|(known, own)| **known == *kind && same(own))
            });
        feature && action && entity
    }
}

impl Grant {
    /// Lower burns first: priority, the plan's before gifts before what was bought, scoped before unscoped, earliest
    /// expiry, earliest created.
    fn burn_order(&self) -> (u8, GrantKind, bool, Timestamp, Position, u32) {
        (self.priority, self.kind, !self.is_scoped(), self.expires, self.created, self.serial)
    }

    /// Whether it may pay for some things only.
    #[must_use]
    pub fn is_scoped(&self) -> bool {
        self.details.as_ref().is_some_and(|details| !details.scope.is_open())
    }

    fn pays(&self, purpose: Purpose<'_>) -> bool {
        self.details.as_ref().is_none_or(|details| details.scope.includes(purpose))
    }

    /// The caller's name for it.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.details.as_ref()?.id.as_deref()
    }

    /// Whether this is what the order asks for.
    #[must_use]
    pub fn is_of(&self, order: &GrantOrder) -> bool {
        let effective = if self.origin == Origin::AtOnce { None } else { Some(self.effective) };
        let expires = Some(self.expires).filter(|instant| *instant != Timestamp::MAX);
        let own = self.details.as_deref();
        let scope = own.map_or(Scope::default(), |own| own.scope.clone());
        let extras = (own.and_then(|own| own.recurrence), own.and_then(|own| own.rollover));
        (order.kind, order.priority, order.amount, order.effective, order.expires)
            == (self.kind, self.priority, self.amount, effective, expires)
            && (order.recurrence, order.rollover) == extras
            && order.scope == scope
    }

    /// The end of its use: its expiry, or before that the instant it was taken back.
    #[must_use]
    pub fn ends(&self) -> Timestamp {
        let voided_at = self.details.as_ref().and_then(|details| details.voided_at);
        self.expires.min(voided_at.unwrap_or(Timestamp::MAX))
    }

    /// Whether it ended so long before that nothing refers to it any more.
    #[must_use]
    pub fn is_forgettable(&self, before: Timestamp) -> bool {
        self.phase == Phase::Ended && self.ends() < before
    }

    /// Whether this is the name by which it is known outside.
    #[must_use]
    pub fn is_named(&self, name: &str, credit_type: CreditType) -> bool {
        match self.id() {
            Some(id) => *id == *name,
            None => matches!(name.as_bytes(), [b'g' | b'p' | b'r', ..]) && self.name(credit_type) == name,
        }
    }

    /// The name by which it is known outside.
    #[must_use]
    pub fn name(&self, credit_type: CreditType) -> String {
        match (self.id(), self.origin) {
            (Some(id), _) => id.to_owned(),
            (None, Origin::Allotment(cycle)) => format!("plan.{cycle}.{credit_type}"),
            (None, Origin::Rollover(cycle)) => format!("rollover.{cycle}.{credit_type}"),
            (None, Origin::AtOnce | Origin::Ordered) => format!("g{}", self.created),
        }
    }

    /// Whether it belongs to the cycle of that number.
    fn is_of_cycle(&self, number: u32) -> bool {
        matches!(self.origin, Origin::Allotment(own) | Origin::Rollover(own) if own == number)
    }
}

/// The books of a pool. Every figure only ever grows, except by a void.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// All that was ever given.
    pub granted: Credits,
    /// What was drawn from grants, for charges and for repaid overage.
    pub consumed: Credits,
    /// What was left of grants at their expiry.
    pub expired: Credits,
    /// What was taken back from grants.
    pub voided: Credits,
    /// The price of all events that count.
    pub charged: Credits,
    /// What of it no grant covered at the time.
    pub overage: Credits,
    /// What of the overage was repaid since.
    pub covered: Credits,
    /// What of the overage was forgiven at resets.
    pub dropped: Credits,
}

impl Totals {
    /// What is still owed.
    #[must_use]
    pub fn owed(&self) -> Credits {
        self.overage.minus(self.covered).minus(self.dropped)
    }
}

#[cfg(test)]
mod tests;
