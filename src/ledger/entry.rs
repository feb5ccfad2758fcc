//! What comes in: a line of the log, decoded and checked.

mod calls;
mod corrections;

use super::alerts::Rule;
use super::calendar::Zone;
use super::calls::Hold;
use super::catalog::{Plan, RateCard};
use super::grants::{Recurrence, Rollover, Scope};
use super::limits::Own;
use super::movement::Note;
use super::names::NameOrder;
use super::price::{CreditType, Increment, Price};
use super::recharge::RechargeOrder;
use super::reports::{ReportOrder, Unsubscription};
use super::units::{Credits, EventId, Millis, Position, Timestamp};
use super::webhooks::WebhookOrder;
pub use corrections::{Adjustment, GrantVoid, RechargeFailure};

pub use self::calls::{Call, CallName, End, LONGEST_CALL, Live, MOST_ADD_ONS, Restarted, Stage, Told};

/// A line of the log that concerns one organization.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// Where it stands.
    pub position: Position,
    /// The log's time, already made monotonic: credits are burned at this instant.
    pub at: Timestamp,
    /// What happened, or what we were told.
    pub what: What<'a>,
}

/// An event from outside, or a command to us.
#[derive(Clone, Debug)]
pub enum What<'a> {
    /// Something happened that may cost credits.
    Event(Event<'a>),
    /// We were told something about the organization.
    Command(Command),
}

/// Something that happened outside.
#[derive(Clone, Debug)]
pub struct Event<'a> {
    /// Its identity; a repeat has the same.
    pub id: EventId,
    /// When it happened; the log's time where the event does not say.
    pub time: Timestamp,
    /// Who spends, and where.
    pub dimensions: Dimensions<'a>,
    /// What it was.
    pub kind: Kind<'a>,
}

/// The kinds of events.
#[derive(Clone, Debug)]
pub enum Kind<'a> {
    /// A billable action.
    Action {
        /// The kind of action, as the rate card names it.
        action: &'a str,
        /// How many, from 1 to [`LARGEST_QUANTITY`].
        quantity: u64,
    },
    /// A call that ended.
    Call(Call<'a>),
    /// Something is told of a call that is live.
    Live(Live<'a>),
    /// A call ended that was live, or was to be.
    End(End<'a>),
    /// A switch was started anew: the calls that it told of before are over.
    Restarted(Restarted<'a>),
    /// An earlier event did not count.
    Void(Void),
}

/// The largest quantity of one action.
pub const LARGEST_QUANTITY: u64 = 1_000_000_000_000;

/// How far an event's time may lie before the log's: as long as charges and ids are kept.
pub const OLDEST_EVENT: Millis = Millis(34_560_000_000);

/// How far an event's time may lie ahead of the log's: the skew allowed to clocks.
pub const CLOCK_SKEW: Millis = Millis(300_000);

/// The void of an earlier event.
#[derive(Clone, Copy, Debug)]
pub struct Void {
    /// The event that did not count.
    pub target: EventId,
    /// When that event happened, if the sender knows.
    pub target_time: Option<Timestamp>,
}

/// Who spends, and where: reporting dimensions, as the event names them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dimensions<'a> {
    /// A unit inside the organization.
    pub account: Option<&'a str>,
    /// The type of what spends: `campaign`, `assistant`, …
    pub entity_type: Option<&'a str>,
    /// The id of what spends.
    pub entity_id: Option<&'a str>,
    /// Its name for people.
    pub entity_name: Option<&'a str>,
    /// The person who spends.
    pub user: Option<&'a str>,
    /// The person's team.
    pub team: Option<&'a str>,
    /// The product area.
    pub feature: Option<&'a str>,
}

/// What we may be told about an organization.
#[derive(Clone, Debug)]
pub enum Command {
    /// Create the organization, or change its terms from now on.
    PutOrg(OrgTerms),
    /// Give credits.
    Grant(GrantOrder),
    /// Take back what is left of a grant.
    VoidGrant(GrantVoid),
    /// Move credits by hand.
    Adjust(Adjustment),
    /// Limit what may be used, or switch a limit of the plan off.
    PutLimit(Own),
    /// Take a limit of the organization's own away.
    RemoveLimit(Box<str>),
    /// State an account, a team, a user or an entity whole.
    PutName(NameOrder),
    /// Order credits to be bought by themselves when they run low, or order it anew.
    PutRecharge(Box<RechargeOrder>),
    /// Take the recharge of a kind of credits away.
    RemoveRecharge(CreditType),
    /// A request of the auto-recharge brings nothing.
    FailRecharge(RechargeFailure),
    /// Set credits aside.
    Hold(Box<Hold>),
    /// Set nothing aside any more: for what the hold was known by.
    ReleaseHold(EventId),
    /// Define a webhook, or define it anew.
    PutWebhook(WebhookOrder),
    /// Take the webhook of that name away.
    RemoveWebhook(Box<str>),
    /// Define a report, or define it anew.
    PutReport(Box<ReportOrder>),
    /// Take the report of that name away.
    RemoveReport(Box<str>),
    /// An address does not want a report any more.
    Unsubscribe(Unsubscription),
}

/// When a change of terms comes into force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// At the log's time.
    #[default]
    Now,
    /// At the next reset.
    NextCycle,
}

/// The terms of an organization, by the names that the catalog knows.
#[derive(Clone, Debug, Default)]
pub struct OrgTerms {
    /// The plan's id.
    pub plan: Box<str>,
    /// What differs from the plan.
    pub overrides: Option<Box<Overrides>>,
    /// The zone of its calendar; as it was where none is given.
    pub time_zone: Option<Zone>,
    /// A begin of its cycles; as it was where none is given.
    pub cycle_anchor: Option<Timestamp>,
    /// When plan and overrides change.
    pub change: Change,
    /// Whether an allotment that begins or changes within a cycle counts for the rest of it only.
    pub prorate: bool,
    /// Its name for people; as it was where none is given.
    pub name: Option<Box<str>>,
    /// Why, and who.
    pub note: Note,
}

/// What an organization has of its own, in place of its plan's.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Overrides {
    /// The billing increment of all calls.
    pub increment: Option<Increment>,
    /// Prices by action.
    pub prices: std::collections::BTreeMap<Box<str>, Price>,
    /// Alert rules, in place of the plan's.
    pub alerts: Option<Vec<Rule>>,
}

/// Credits to be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantOrder {
    /// The caller's name for the grant; the log position where none is given.
    pub id: Option<Box<str>>,
    /// The kind of credits.
    pub credit_type: CreditType,
    /// How much; more than nothing.
    pub amount: Credits,
    /// Where it comes from.
    pub kind: GrantKind,
    /// Lower burns first.
    pub priority: u8,
    /// Usable from here on; at once where none is given.
    pub effective: Option<Timestamp>,
    /// Usable until here, exclusive.
    pub expires: Option<Timestamp>,
    /// What it may pay.
    pub scope: Scope,
    /// When it is refilled.
    pub recurrence: Option<Recurrence>,
    /// What it may hold after a reset.
    pub rollover: Option<Rollover>,
    /// Why, and who.
    pub note: Note,
}

impl GrantOrder {
    /// The priority where none is said.
    pub const PRIORITY: u8 = 100;

    /// So much is bought: usable at once, for anything, for ever.
    #[must_use]
    pub fn of(credit_type: CreditType, amount: Credits) -> GrantOrder {
        let (kind, priority, scope) = (GrantKind::Purchased, GrantOrder::PRIORITY, Scope::default());
        let (id, effective, expires, recurrence, rollover) = (None, None, None, None, None);
        let note = Note::default();
        GrantOrder {
            id,
            credit_type,
            amount,
            kind,
            priority,
            effective,
            expires,
            scope,
            recurrence,
            rollover,
            note,
        }
    }
}

/// Where a grant comes from. The order is the burn order: the allotment, then gifts, then what was bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum GrantKind {
    /// The plan's allotment.
    Plan,
    /// A gift.
    Bonus,
    /// Bought.
    Purchased,
}

/// What changes the catalog, which all organizations share.
#[derive(Clone, Debug)]
pub enum CatalogCommand {
    /// A version of a rate card.
    PutRateCard(Versioned<RateCard>),
    /// A version of a plan. Its rate card is still a name.
    PutPlan(Versioned<Plan>, Box<str>),
}

/// A numbered version of something in the catalog.
#[derive(Clone, Debug)]
pub struct Versioned<T> {
    /// The name of the rate card or plan.
    pub id: Box<str>,
    /// 1, 2, 3, …
    pub version: u32,
    /// In force from here on; from the log's time where none is given. The first version has always been in force.
    pub effective_from: Option<Timestamp>,
    /// The content.
    pub content: T,
}
