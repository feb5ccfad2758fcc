//! A charge: what an event took, from where, and why.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::calls::Who;
use super::catalog::{CardIndex, PlanIndex};
use super::entry::GrantKind;
use super::limits::Counted;
use super::price::{CreditType, Direction, Increment, Rate};
use super::units::{Credits, EventId, Millis, Timestamp};

/// A rated event with the grants that paid for it: the whole explanation of a charge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// The instant whose prices were taken.
    pub rated_at: Timestamp,
    /// The plan and its version.
    pub plan: (PlanIndex, u32),
    /// The rate card and its version.
    pub card: (CardIndex, u32),
    /// What was priced: the action itself, then its add-ons.
    pub lines: SmallVec<[Line; 1]>,
    /// What paid, in the order in which it was drawn.
    pub draws: SmallVec<[Draw; 2]>,
    /// What it was counted under, where limits are in force.
    pub counted: Option<Box<Counted>>,
    /// The call, where its events came one by one.
    pub call: Option<Box<EndedCall>>,
}

/// A call whose events came one by one, as it was in the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedCall {
    /// Its identity.
    pub key: EventId,
    /// Who told of it.
    pub source: Box<str>,
    /// What it was called where it came from.
    pub id: Box<str>,
    /// The digits that were dialled, if that was told.
    pub destination: Option<Box<str>>,
    /// When it began to ring, if that was told.
    pub started: Option<Timestamp>,
    /// When it was answered, if it was.
    pub answered: Option<Timestamp>,
    /// Its action, then its add-ons.
    pub actions: Vec<Box<str>>,
    /// Who spent.
    pub who: Who,
}

impl EndedCall {
    /// About what it takes in memory.
    fn bytes(&self) -> usize {
        let actions = self.actions.iter().map(|action| action.len().saturating_add(size_of::<Box<str>>()));
        let of = self.who.dimensions();
        let who = [of.account, of.entity_type, of.entity_id, of.entity_name, of.user, of.team, of.feature];
        let texts = [Some(&*self.source), Some(&*self.id), self.destination.as_deref()];
        let texts = texts.into_iter().chain(who).flatten().map(str::len);
        size_of::<EndedCall>().saturating_add(texts.chain(actions).sum())
    }
}

/// The price of one action, with how it came about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The kind of credits.
    pub credit_type: CreditType,
    /// Credits taken.
    pub amount: Credits,
    /// How the amount came about.
    pub basis: Basis,
    /// Whether the price is the organization's own, not the rate card's.
    pub own_price: bool,
}

/// How an amount came about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Basis {
    /// `each × quantity`.
    PerAction {
        /// The price of one.
        each: Credits,
        /// How many.
        quantity: u64,
    },
    /// `price × quantity ÷ units`, rounded half up; or units begun.
    PerUnits {
        /// The price of `units`.
        price: Credits,
        /// How many units that price buys.
        units: u64,
        /// Whether units begun counted as a whole.
        started: bool,
        /// How many units there were.
        quantity: u64,
    },
    /// The plan is not metered: counted, and free.
    Unmetered {
        /// How many.
        quantity: u64,
        /// The length of a call.
        duration: Millis,
        /// Who called whom, where it is a call.
        direction: Option<Direction>,
    },
    /// `per_minute × billed ÷ 60`, rounded half up, plus the connect fee, at least the minimum.
    PerMinute {
        /// The rate that was chosen.
        rate: Rate,
        /// How many digits of the destination chose it; 0 for none.
        prefix: u8,
        /// Who called whom.
        direction: Direction,
        /// The billing increment.
        increment: Increment,
        /// The length of the call.
        duration: Millis,
        /// The seconds that were billed.
        billed_seconds: u64,
        /// The least a call costs.
        minimum: Credits,
    },
}

impl Basis {
    /// Who called whom, where it is a call.
    #[must_use]
    pub const fn direction(&self) -> Option<Direction> {
        match self {
            Basis::PerMinute { direction, .. } => Some(*direction),
            Basis::Unmetered { direction, .. } => *direction,
            Basis::PerAction { .. } | Basis::PerUnits { .. } => None,
        }
    }

    /// How many things it is about, a call being one.
    #[must_use]
    pub const fn things(&self) -> u64 {
        match self {
            Basis::PerAction { quantity, .. }
            | Basis::PerUnits { quantity, .. }
            | Basis::Unmetered { quantity, .. } => *quantity,
            Basis::PerMinute { .. } => 1,
        }
    }
}

/// Credits taken from one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draw {
    /// The kind of credits.
    pub credit_type: CreditType,
    /// Where they came from.
    pub from: Source,
    /// What kind of grant that was; none where none paid.
    pub kind: Option<GrantKind>,
    /// How many; more than none.
    pub amount: Credits,
}

/// Where credits came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// A grant, by its number within the pool.
    Grant(u32),
    /// Nowhere: counted apart and repaid by the credits that come.
    Overage,
}

/// Credits given back by a void.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Return {
    /// The kind of credits.
    pub credit_type: CreditType,
    /// Where the charge had taken them from.
    pub from: Source,
    /// Where they went.
    pub to: Destination,
    /// How many; more than none.
    pub amount: Credits,
}

/// Where credits that are given back go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Destination {
    /// Into a grant, by its number within the pool.
    Grant(u32),
    /// Nowhere: the grant has ended, they are expired.
    Expired,
    /// They were still owed, and are not any more.
    Owed,
    /// They had been forgiven at a reset, and count no more among what was.
    Dropped,
}

impl Line {
    /// What the call would cost if it were so long; what does not fit is the largest amount.
    #[must_use]
    pub fn cost_of(&self, duration: Millis) -> Credits {
        match &self.basis {
            Basis::PerMinute { rate, increment, minimum, .. } => {
                let billed = increment.billed_seconds(duration);
                rate.cost(billed, *minimum).unwrap_or(Credits::LARGEST_TOTAL)
            }
            Basis::PerAction { .. } | Basis::PerUnits { .. } | Basis::Unmetered { .. } => self.amount,
        }
    }
}

impl Line {
    /// How long the call was talked; nothing of what is no call.
    #[must_use]
    pub fn talked(&self) -> Millis {
        match &self.basis {
            Basis::PerMinute { duration, .. } | Basis::Unmetered { duration, .. } => *duration,
            Basis::PerAction { .. } | Basis::PerUnits { .. } => Millis(0),
        }
    }

    /// Which way the call went, where it is one that was talked.
    #[must_use]
    pub fn talked_direction(&self) -> Option<Direction> {
        self.basis.direction().filter(|_| self.talked() > Millis(0))
    }

    /// The seconds of the call that were billed.
    #[must_use]
    pub fn billed_seconds(&self) -> u64 {
        match &self.basis {
            Basis::PerMinute { billed_seconds, .. } => *billed_seconds,
            Basis::PerAction { .. } | Basis::PerUnits { .. } | Basis::Unmetered { .. } => 0,
        }
    }

    /// The price of a minute and the increment, where it is priced by the minute.
    #[must_use]
    pub fn by_the_minute(&self) -> Option<(Credits, Increment)> {
        match &self.basis {
            Basis::PerMinute { rate, increment, .. } => Some((rate.per_minute, *increment)),
            Basis::PerAction { .. } | Basis::PerUnits { .. } | Basis::Unmetered { .. } => None,
        }
    }

    /// What one more increment costs at most: less while the minimum is not used up.
    #[must_use]
    pub fn an_increment(&self) -> Credits {
        // So far may the difference of two rounded amounts lie above a rounded one.
        const ROUNDED: Credits = Credits::from_micros(2);
        match self.by_the_minute() {
            Some((a_minute, increment)) if a_minute > Credits::ZERO => {
                let more = a_minute.scale(increment.next_seconds(), 60).unwrap_or(Credits::LARGEST_TOTAL);
                more.plus(ROUNDED)
            }
            _ => Credits::ZERO,
        }
    }

    /// What so many actions would cost; what does not fit is the largest amount.
    #[must_use]
    pub fn cost_of_units(&self, quantity: u64) -> Credits {
        let cost = match &self.basis {
            Basis::PerAction { each, .. } => each.scale(quantity, 1),
            Basis::PerUnits { price, units, started: true, .. } => price.scale(quantity.div_ceil(*units), 1),
            Basis::PerUnits { price, units, started: false, .. } => price.scale(quantity, *units),
            Basis::Unmetered { .. } | Basis::PerMinute { .. } => Some(self.amount),
        };
        cost.unwrap_or(Credits::LARGEST_TOTAL)
    }
}

impl Charge {
    /// About what it takes in memory.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let call = self.call.as_ref().map_or(0, |call| call.bytes());
        let counted = self.counted.as_ref().map_or(0, |counted| counted.bytes());
        let (lines, draws) = (self.lines.len(), self.draws.len());
        let parts =
            lines.saturating_mul(size_of::<Line>()).saturating_add(draws.saturating_mul(size_of::<Draw>()));
        size_of::<Charge>().saturating_add(parts).saturating_add(call).saturating_add(counted)
    }

    /// The names of the hard limits that it went past.
    #[must_use]
    pub fn past_limits(&self) -> &[Box<str>] {
        self.counted.as_ref().map_or(&[], |counted| &counted.past_limits)
    }

    /// The credits of one kind that were taken.
    #[must_use]
    pub fn amount(&self, credit_type: CreditType) -> Credits {
        self.lines
            .iter()
            .filter(|line| line.credit_type == credit_type)
            .fold(Credits::ZERO, |sum, line| sum.plus(line.amount))
    }
}
