//! What comes out: the outcome of an entry, and effects that the shell carries out afterwards.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::alerts::Crossing;
use super::balance::Moment;
use super::calls::{CallNews, Who, Why};
use super::charge::{Charge, Return};
use super::limits::{Count, Level, Limit, Measure};
use super::movement::{Movement, Note};
use super::notice::Notice;
use super::price::CreditType;
use super::rejection::Rejection;
use super::units::{Credits, EventId, Hour, Millis, Position, Timestamp};

/// What became of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The organization contains it already: nothing happened.
    Contained,
    /// It cannot be decided from memory alone: nothing happened. Recall what is needed and apply it again.
    Needs(Need),
    /// The event was charged.
    Charged(Charge),
    /// The event's target does not count any more.
    Voided(Voided),
    /// The event told of a live call. It costs nothing by itself.
    Noted,
    /// The event is a repeat.
    Duplicate {
        /// The entry it repeats.
        of: Position,
    },
    /// The entry is refused; it left nothing but a count.
    Rejected(Rejection),
    /// The command was carried out.
    Done,
}

impl Outcome {
    /// Whether the entry was carried out: neither refused nor a repeat.
    #[must_use]
    pub const fn is_applied(&self) -> bool {
        matches!(self, Outcome::Charged(_) | Outcome::Voided(_) | Outcome::Done)
    }
}

/// What the history must be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// All ids of an hour.
    Hour(Hour),
    /// The charge made at a position.
    Charge(Position),
    /// The hour in which an event was seen, if it ever was.
    Whereabouts(EventId),
}

/// What the history answered.
#[derive(Clone, Debug, Default)]
pub struct Recall {
    /// To [`Need::Charge`]: the charge made at a position.
    pub charge: Option<(Position, Charge)>,
    /// To [`Need::Whereabouts`].
    pub whereabouts: Option<Option<Hour>>,
}

/// A void that was carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voided {
    /// The entry that does not count any more; none where it is yet to arrive.
    pub target: Option<Position>,
    /// The identity under which the void is remembered, and the hour it belongs to: the target's.
    pub remembered: (EventId, Hour),
    /// What it gave back, in the order in which it did.
    pub returns: SmallVec<[Return; 2]>,
}

/// Something that leaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// The balance is low.
    LowBalance(LowBalance),
    /// A limit is nearly or wholly used up.
    Limit(Box<LimitAlert>),
    /// More credits were asked for, or an answer came.
    Recharge(Box<RechargeAlert>),
    /// Something else that is worth knowing.
    Notice(Box<Notice>),
    /// Running calls are warned, cut off, or may go on.
    Calls(Box<CallNews>),
    /// A live call was closed without its end.
    Orphaned(Box<Orphaned>),
    /// What the closing of a call took was given back.
    OrphanReturned(Box<OrphanReturned>),
    /// Credits came or went other than by an event.
    Moved(Movement),
    /// The organization's webhooks are others now.
    WebhooksChanged,
    /// The organization's reports, or when they are due, are others now.
    ReportsChanged,
}

/// The balance crossed thresholds from above, all at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LowBalance {
    /// The kind of credits.
    pub credit_type: CreditType,
    /// The worst threshold, and for the how-many-th time it was crossed: together with the organization, the alert's id.
    pub crossing: Crossing,
    /// The others that were crossed with it, worst first.
    pub others: Vec<Crossing>,
    /// What is left, less what is owed.
    pub level: Credits,
    /// What a percentage is of.
    pub total: Credits,
    /// When it was crossed.
    pub at: Timestamp,
    /// The entry at which it was crossed, or the last one before where an expiry did it.
    pub position: Position,
}

impl LowBalance {
    /// Every threshold that was crossed, worst first.
    pub fn crossings(&self) -> impl Iterator<Item = Crossing> {
        std::iter::once(self.crossing).chain(self.others.iter().copied())
    }
}

/// A live call that was closed because its end did not come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orphaned {
    /// Who told of it.
    pub source: Box<str>,
    /// Its id there.
    pub id: Box<str>,
    /// Why it was closed.
    pub why: Why,
    /// The how-many-th message of the organization to calls: together with it, the alert's id. None for a call that was never answered,
    /// of which nobody is told.
    pub number: Option<u64>,
    /// When it was answered, if it was.
    pub answered: Option<Timestamp>,
    /// How long it was talked as far as that is proven.
    pub proven: Millis,
    /// What it was charged; none where an end would have been rejected, and for one that was never answered.
    pub charge: Option<Charge>,
    /// When it was closed.
    pub at: Timestamp,
    /// Whether time did it, not an entry.
    pub due: bool,
    /// The entry at which it was closed, or the last one before where time did it.
    pub position: Position,
}

/// What the closing of a call took, given back because its end came, or because it failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrphanReturned {
    /// The call.
    pub call: EventId,
    /// Who told of it.
    pub source: Box<str>,
    /// Its id there.
    pub id: Box<str>,
    /// Who had spent.
    pub who: Who,
    /// When the call was closed.
    pub closed: Timestamp,
    /// What it was charged then.
    pub charge: Box<Charge>,
    /// What was given back, in the order in which it was.
    pub returns: SmallVec<[Return; 2]>,
    /// When.
    pub at: Timestamp,
}

/// What is used came near a limit, or reached it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitAlert {
    /// The limit.
    pub limit: Arc<Limit>,
    /// Whose use it is, where the limit counts values one by one.
    pub value: Option<Box<str>>,
    /// How far it is used up: at least near.
    pub level: Level,
    /// What is used.
    pub used: Measure,
    /// Where counting began in this window: together with the organization, the limit's name, the value and the level, the
    /// alert's id.
    pub begin: Timestamp,
    /// The begin of the window in the calendar.
    pub start: Timestamp,
    /// The end of the window; [`Timestamp::MAX`] for life.
    pub end: Timestamp,
    /// When it happened.
    pub at: Timestamp,
    /// The entry at which it happened.
    pub position: Position,
}

impl LimitAlert {
    pub(super) fn of(count: &Count, value: Box<str>, level: Level, used: Measure, moment: Moment) -> Self {
        let Moment { at, position } = moment;
        let value = Some(value).filter(|value| !value.is_empty());
        let (limit, span) = (Arc::clone(&count.limit), count.span());
        LimitAlert {
            limit,
            value,
            level,
            used,
            begin: count.begin(),
            start: span.start,
            end: span.end,
            at,
            position,
        }
    }
}

/// A request of the auto-recharge, made or answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RechargeAlert {
    /// The kind of credits.
    pub credit_type: CreditType,
    /// Which request of that kind of credits, from 1: together with the organization and the news, the alert's id.
    pub number: u64,
    /// What happened to it.
    pub news: RechargeNews,
    /// What it asked for; none where the answer came after it had failed.
    pub amount: Option<Credits>,
    /// The level at which it asked; where the answer came after it had failed that of now, none if nothing is ordered.
    pub below: Option<Credits>,
    /// What is left, less what is owed, after it happened.
    pub available: Credits,
    /// When it happened.
    pub at: Timestamp,
    /// The entry at which it happened, or the last one before where time did it.
    pub position: Position,
}

/// What happens to a request of the auto-recharge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RechargeNews {
    /// It was made.
    Requested {
        /// It is answered before this instant, or has failed.
        deadline: Timestamp,
    },
    /// It brought credits.
    Succeeded {
        /// How many.
        granted: Credits,
    },
    /// It brought nothing.
    Failed {
        /// Why, and who says so.
        note: Note,
        /// It may be asked again from this instant on; none where nothing is asked for any more.
        next_attempt: Option<Timestamp>,
    },
}

impl RechargeNews {
    /// The name in the ids, types and subjects of alerts.
    #[must_use]
    pub const fn slug(&self) -> &'static str {
        match self {
            RechargeNews::Requested { .. } => "requested",
            RechargeNews::Succeeded { .. } => "succeeded",
            RechargeNews::Failed { .. } => "failed",
        }
    }
}

/// How many of an organization's events came to which end. They add up to what arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Events that were charged, be it nothing.
    pub charged: u64,
    /// Voids that were carried out.
    pub voided: u64,
    /// Events that told of live calls.
    pub noted: u64,
    /// Repeats.
    pub duplicate: u64,
    /// Refused events.
    pub rejected: u64,
}

impl Tally {
    /// How many arrived.
    #[must_use]
    pub fn received(self) -> u64 {
        let Tally { charged, voided, noted, duplicate, rejected } = self;
        [charged, voided, noted, duplicate, rejected].into_iter().fold(0, u64::saturating_add)
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Tally) -> Tally {
        Tally {
            charged: self.charged.saturating_add(other.charged),
            voided: self.voided.saturating_add(other.voided),
            noted: self.noted.saturating_add(other.noted),
            duplicate: self.duplicate.saturating_add(other.duplicate),
            rejected: self.rejected.saturating_add(other.rejected),
        }
    }
}
