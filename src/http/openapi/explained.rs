//! The shapes of what explains a charge, or a call that is over.
#![expect(dead_code, reason = "they are looked at as types alone")]

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde_json::{Map, Value};

use crate::ledger::price::CreditType;
use crate::ledger::units::{Credits, Position, Timestamp};
use crate::query::{CallState, Dated, HistoryLine};

type Amounts = BTreeMap<CreditType, Credits>;

/// A charge explained.
#[derive(JsonSchema)]
struct ExplainedCharge {
    /// The instant whose prices counted.
    rated_at: Timestamp,
    /// The plan that counted.
    plan: VersionOf,
    /// The rate card that counted.
    rate_card: VersionOf,
    /// What it came to, by kind of credits.
    credits: Amounts,
    /// What each action of it came to.
    lines: Vec<ChargeLine>,
    /// Who paid, in the order in which credits were drawn.
    paid_by: Vec<PaidBy>,
    /// The hard limits that it went past.
    past_limits: Vec<String>,
}

/// A version of a rate card or plan.
#[derive(JsonSchema)]
struct VersionOf {
    /// Its name; null where it is not known any more.
    id: Option<String>,
    /// Its number.
    version: u32,
}

/// What was charged for one action.
#[derive(JsonSchema)]
struct ChargeLine {
    /// The kind of credits.
    credit_type: CreditType,
    /// How many.
    amount: Credits,
    /// Why it is so much, in words.
    because: String,
    /// Where it was rounded, in words.
    rounding: String,
    /// What it was reckoned from; which there are depends on the price.
    figures: Map<String, Value>,
    /// Whether the price is the organization's own.
    own_price: bool,
}

/// What paid.
#[derive(JsonSchema)]
struct PaidBy {
    /// The kind of credits.
    credit_type: CreditType,
    /// How many.
    amount: Credits,
    /// The grant, by its name; null for one that is not kept any more. Absent where none paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    grant: Option<String>,
    /// Whether no grant paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    overage: Option<bool>,
}

/// A charge, and what explains it.
#[derive(JsonSchema)]
pub(super) struct ChargeAnswer {
    /// The organization.
    org: String,
    /// The last entry that is contained.
    seq: Position,
    /// The instant of the answer.
    as_of: Timestamp,
    /// The zone of the organization's days and months.
    zone: String,
    /// The charge.
    data: ChargeRow,
}

/// The row of the history with what explains it.
#[derive(JsonSchema)]
struct ChargeRow {
    #[serde(flatten)]
    line: HistoryLine,
    /// How it came to that.
    charge: ExplainedCharge,
    /// Whether it was taken back since.
    voided: bool,
    /// By which entry.
    voided_by: Option<Position>,
    /// The limits in which it counts.
    limits: Vec<CountedIn>,
}

/// A limit in which a charge counts.
#[derive(JsonSchema)]
struct CountedIn {
    /// Its name; null where its window is over.
    id: Option<String>,
    /// Whose use, where each value is counted by itself.
    value: Option<String>,
    /// How much of it counts there, in the unit of the limit; null where that is not known any more.
    amount: Option<String>,
    /// Whether the window in which it counted is over.
    window_is_over: bool,
}

/// A call that is over, explained.
#[derive(JsonSchema)]
pub(super) struct EndedCall {
    /// Who told of it.
    source: String,
    /// Its id there.
    call_id: String,
    /// `ended`, or `orphaned` where it was closed without its end.
    state: String,
    /// Where its end, or its closing, is in the log.
    position: Position,
    /// When it began to ring, if that was told.
    started_at: Option<Timestamp>,
    /// When it was answered, if that was told.
    answered_at: Option<Timestamp>,
    /// When it ended, or was closed.
    time: Timestamp,
    /// The log's time at which it was charged.
    charged_at: Timestamp,
    /// Whether the charge was taken back since.
    voided: bool,
    /// The actions that shared its seconds, the call itself first.
    actions: Vec<String>,
    /// What it cost, and why.
    charge: ExplainedCharge,
    /// The organization's last entry that is contained.
    seq: Position,
    /// The instant of the answer.
    as_of: Timestamp,
    /// The zone of the organization's days and months.
    zone: String,
    /// Who spent, and on what.
    who: WhoSpent,
    /// Why it was closed without its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Who spent.
#[derive(JsonSchema)]
struct WhoSpent {
    /// The account.
    account: Option<String>,
    /// What spent.
    entity: EntityOrNone,
    /// The user.
    user: Option<String>,
    /// The team.
    team: Option<String>,
    /// The product area.
    feature: Option<String>,
}

/// What spent; all null where nothing was named.
#[derive(JsonSchema)]
struct EntityOrNone {
    /// Its type, such as `campaign`.
    r#type: Option<String>,
    /// Its id among those of its type.
    id: Option<String>,
    /// Its name for people.
    name: Option<String>,
}

/// A call: live, or over.
#[derive(JsonSchema)]
#[serde(untagged)]
pub(super) enum AnyCall {
    Live(Box<Dated<CallState>>),
    Over(Box<EndedCall>),
}
