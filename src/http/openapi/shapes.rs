//! The shapes of answers that are put together by hand. None of them is ever made: they say what such an answer holds.
#![expect(dead_code, reason = "they are looked at as types alone")]

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde_json::{Map, Value};

use crate::ledger::price::CreditType;
use crate::ledger::units::{Credits, Position, Timestamp};
use crate::query::{
    CallPage, CallState, FinishedCall, HistoryLine, HistoryPage, OrgOutcome, PricesState, Totals,
};

type Amounts = BTreeMap<CreditType, Credits>;

/// All there are.
#[derive(JsonSchema)]
#[schemars(rename = "ListOf{T}")]
pub(super) struct List<T> {
    data: Vec<T>,
}

/// Some of them, and where the next page begins.
#[derive(JsonSchema)]
#[schemars(rename = "PageOf{T}")]
pub(super) struct Page<T> {
    data: Vec<T>,
    meta: Next,
}

/// Where the next page begins.
#[derive(JsonSchema)]
pub(super) struct Next {
    /// The cursor of the next page; null where this is the last.
    next: Option<String>,
}

/// What became of each event, in their order.
#[derive(JsonSchema)]
pub(super) struct EventResults {
    results: Vec<EventResult>,
}

/// What became of an event.
#[derive(JsonSchema)]
pub(super) struct EventResult {
    status: EventStatus,
    /// Where it is in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<Position>,
    /// What it cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    credits: Option<Amounts>,
    /// The hard limits that it went past.
    #[serde(skip_serializing_if = "Option::is_none")]
    past_limits: Option<Vec<String>>,
    /// The charge that it took back.
    #[serde(skip_serializing_if = "Option::is_none")]
    voids: Option<Position>,
    /// The same event before.
    #[serde(skip_serializing_if = "Option::is_none")]
    duplicate_of: Option<Position>,
    /// Why it was rejected, for machines.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The field at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// Why it was rejected, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// What became of an event: open is one in the log whose outcome is not known yet, failed one that is not known to be in the log.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
enum EventStatus {
    Accepted,
    Duplicate,
    Rejected,
    Open,
    Failed,
}

/// Where each event is in the log.
#[derive(JsonSchema)]
pub(super) struct DurableEvents {
    /// Null for one that was refused.
    durable: Vec<Option<Position>>,
    /// Those that were refused.
    rejected: Vec<RefusedEvent>,
}

/// An event that was refused.
#[derive(JsonSchema)]
struct RefusedEvent {
    /// Its place in the body, from 0 on.
    item: u64,
    reason: String,
    field: String,
    detail: String,
}

/// What became of a message of another system.
#[derive(JsonSchema)]
#[serde(untagged)]
pub(super) enum Adapted {
    /// It was an event.
    Event(EventResults),
    /// The adapter has no use for it.
    Ignored(IgnoredMessage),
}

/// A message that an adapter has no use for.
#[derive(JsonSchema)]
pub(super) struct IgnoredMessage {
    status: Ignored,
    adapter: String,
    detail: String,
}

#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Ignored {
    Ignored,
}

/// A hold that is no more.
#[derive(JsonSchema)]
pub(super) struct Released {
    hold_id: String,
    released: bool,
}

/// A version of a rate card or plan that is published.
#[derive(JsonSchema)]
pub(super) struct PublishedVersion {
    id: String,
    version: u32,
    position: Position,
}

/// What was told of a switch that was started anew.
#[derive(JsonSchema)]
pub(super) struct SourceRestarted {
    source: String,
    time: Timestamp,
    /// How many organizations had calls of it.
    orgs: u64,
    /// How many calls that were.
    calls: u64,
}

/// That this process serves.
#[derive(JsonSchema)]
pub(super) struct Alive {
    status: String,
}

/// Whether events and questions are welcome.
#[derive(JsonSchema)]
pub(super) struct Readiness {
    /// `ready` or `not_ready`.
    status: String,
    reasons: Vec<NotReady>,
}

/// Why it is not ready.
#[derive(JsonSchema)]
struct NotReady {
    reason: String,
    detail: String,
}

/// A charge explained.
#[derive(JsonSchema)]
struct ExplainedCharge {
    /// The instant whose prices counted.
    rated_at: Timestamp,
    plan: VersionOf,
    rate_card: VersionOf,
    credits: Amounts,
    lines: Vec<ChargeLine>,
    paid_by: Vec<PaidBy>,
    past_limits: Vec<String>,
}

/// A version of a rate card or plan.
#[derive(JsonSchema)]
struct VersionOf {
    id: Option<String>,
    version: u32,
}

/// What was charged for one action.
#[derive(JsonSchema)]
struct ChargeLine {
    credit_type: CreditType,
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
    credit_type: CreditType,
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
    org: String,
    seq: Position,
    as_of: Timestamp,
    data: ChargeRow,
}

/// The row of the history with what explains it.
#[derive(JsonSchema)]
struct ChargeRow {
    #[serde(flatten)]
    line: HistoryLine,
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
    value: Option<String>,
    amount: Option<String>,
    window_is_over: bool,
}

/// A call that is over, explained.
#[derive(JsonSchema)]
pub(super) struct EndedCall {
    source: String,
    call_id: String,
    /// `ended`, or `orphaned` where it was closed without its end.
    state: String,
    position: Position,
    started_at: Option<Timestamp>,
    answered_at: Option<Timestamp>,
    /// When it ended, or was closed.
    time: Timestamp,
    charged_at: Timestamp,
    /// Whether the charge was taken back since.
    voided: bool,
    actions: Vec<String>,
    charge: ExplainedCharge,
    who: WhoSpent,
    /// Why it was closed without its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Who spent.
#[derive(JsonSchema)]
struct WhoSpent {
    account: Option<String>,
    entity: EntityOrNone,
    user: Option<String>,
    team: Option<String>,
    feature: Option<String>,
}

/// What spent; all null where nothing was named.
#[derive(JsonSchema)]
struct EntityOrNone {
    r#type: Option<String>,
    id: Option<String>,
    name: Option<String>,
}

/// A call: live, or over.
#[derive(JsonSchema)]
#[serde(untagged)]
pub(super) enum AnyCall {
    Live(Box<CallState>),
    Over(Box<EndedCall>),
}

/// Live calls, or those that are over.
#[derive(JsonSchema)]
#[serde(untagged)]
pub(super) enum CallList {
    Live(Box<CallPage>),
    Over(Box<HistoryPage<FinishedCall>>),
}

/// An answer to what if: how far it is, and what came of it once it is there.
#[derive(JsonSchema)]
pub(super) struct WhatIfAnswer {
    id: String,
    state: WhatIfState,
    /// Why there is none.
    why: Option<String>,
    as_of: Timestamp,
    ended: Option<Timestamp>,
    /// The name of the range, where it has one.
    range: Option<String>,
    prices: PricesState,
    progress: WhatIfProgress,
    totals: Option<Totals>,
    /// A page of organizations, once they are there. Absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Vec<OrgOutcome>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    meta: Option<Next>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
enum WhatIfState {
    Running,
    Done,
    Failed,
}

/// How far an answer is.
#[derive(JsonSchema)]
struct WhatIfProgress {
    /// Organizations that are done.
    orgs: u64,
    /// Organizations in all.
    of: u64,
    /// Charges that were looked at.
    charges: u64,
}
