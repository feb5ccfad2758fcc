//! What is told of calls.

use crate::ledger::price::Direction;
use crate::ledger::units::{EventId, Millis, Timestamp};

/// The longest call.
pub const LONGEST_CALL: Millis = Millis(604_800_000);

/// What a call is known by: who tells of it, and its id there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallName<'a> {
    /// Who tells of it.
    pub source: &'a str,
    /// Its id there.
    pub id: &'a str,
}

impl CallName<'_> {
    /// Its identity within the organization.
    #[must_use]
    pub fn key(self) -> EventId {
        EventId::of(self.source, self.id)
    }
}

/// Something told of a call that is live.
#[derive(Clone, Copy, Debug)]
pub struct Live<'a> {
    /// The call.
    pub name: CallName<'a>,
    /// How far it is.
    pub stage: Stage,
    /// What it is.
    pub told: Told<'a>,
}

/// How far a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It rings.
    Started,
    /// It is talked, from now on.
    Answered,
    /// It has been talked so long.
    Progress(Millis),
    /// It was never answered, and will not be.
    Failed,
}

/// What an event says of its call, as far as it does.
#[derive(Clone, Copy, Debug, Default)]
pub struct Told<'a> {
    /// The kind of action.
    pub action: Option<&'a str>,
    /// Who called whom.
    pub direction: Option<Direction>,
    /// The digits that were dialled.
    pub destination: Option<&'a str>,
    /// Actions that share the call's seconds.
    pub add_ons: Option<&'a [&'a str]>,
}

/// The end of a call that was live, or was to be: what it leaves out is as the live call has it.
#[derive(Clone, Copy, Debug)]
pub struct End<'a> {
    /// The call.
    pub name: CallName<'a>,
    /// What it was.
    pub told: Told<'a>,
    /// How long it was talked.
    pub duration: Option<Millis>,
    /// Whether it was answered.
    pub answered: Option<bool>,
    /// When.
    pub answered_at: Option<Timestamp>,
}

/// A switch that was started anew, at the event's time.
#[derive(Clone, Copy, Debug)]
pub struct Restarted<'a> {
    /// Who told of its calls.
    pub source: &'a str,
}

/// A call that ended.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// What it is known by, where this event is all that is told of it; its price does not depend on it.
    pub name: Option<CallName<'a>>,
    /// The kind of action, as the rate card names it; usually `phone_call`.
    pub action: &'a str,
    /// Who called whom, from the biller's point of view.
    pub direction: Direction,
    /// The digits that were dialled.
    pub destination: Option<&'a str>,
    /// Outbound from answer to end, inbound from start to end.
    pub duration: Millis,
    /// A call that nobody answered costs nothing.
    pub answered: bool,
    /// When it was answered; `time − duration` where the event does not say.
    pub answered_at: Option<Timestamp>,
    /// Actions that share the call's seconds at their own price, such as `translation`.
    pub add_ons: &'a [&'a str],
}

/// The most add-ons of one call.
pub const MOST_ADD_ONS: usize = 8;
