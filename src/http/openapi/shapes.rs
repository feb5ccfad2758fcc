//! The shapes of answers that are put together by hand. None of them is ever made: they say what such an answer holds.
#![expect(dead_code, reason = "they are looked at as types alone")]

use std::collections::BTreeMap;

use schemars::JsonSchema;

use crate::ledger::price::CreditType;
use crate::ledger::units::{Credits, Position, Timestamp};
use crate::query::{CallPage, FinishedCall, HistoryPage, OrgOutcome, PageMeta, PricesState, Totals};

type Amounts = BTreeMap<CreditType, Credits>;

/// All there are.
#[derive(JsonSchema)]
#[schemars(rename = "ListOf{T}")]
pub(super) struct List<T> {
    /// All of them.
    data: Vec<T>,
}

/// Some of them, and where the next page begins.
#[derive(JsonSchema)]
#[schemars(rename = "PageOf{T}")]
pub(super) struct Page<T> {
    /// Those of this page.
    data: Vec<T>,
    /// Where the next page begins.
    meta: Next,
}

/// Some of what an organization has, where the next page begins, and of when this one is.
#[derive(JsonSchema)]
#[schemars(rename = "PageOfOrgs{T}")]
pub(super) struct PageOfOrg<T> {
    /// Those of this page.
    data: Vec<T>,
    /// Where the next page is, and of when this one is.
    meta: PageMeta,
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
    /// One for each event, in the order of the body.
    results: Vec<EventResult>,
}

/// What became of an event.
#[derive(JsonSchema)]
pub(super) struct EventResult {
    /// What became of it.
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
    /// Why, for machines.
    reason: String,
    /// The field at fault.
    field: String,
    /// Why, the value and the remedy, in words.
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
    /// That it was left alone.
    status: Ignored,
    /// The adapter that has no use for it.
    adapter: String,
    /// Why, in words.
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
    /// The hold.
    hold_id: String,
    /// Always true.
    released: bool,
}

/// A version of a rate card or plan that is published.
#[derive(JsonSchema)]
pub(super) struct PublishedVersion {
    /// Its name.
    id: String,
    /// Its number.
    version: u32,
    /// Where it is in the log.
    position: Position,
}

/// What was told of a switch that was started anew.
#[derive(JsonSchema)]
pub(super) struct SourceRestarted {
    /// The switch.
    source: String,
    /// When it was started anew.
    time: Timestamp,
    /// How many organizations had calls of it.
    orgs: u64,
    /// How many calls that were.
    calls: u64,
}

/// That this process serves.
#[derive(JsonSchema)]
pub(super) struct Alive {
    /// Always `alive`.
    status: String,
}

/// Whether events and questions are welcome.
#[derive(JsonSchema)]
pub(super) struct Readiness {
    /// `ready` or `not_ready`.
    status: String,
    /// All that is amiss; none when it is ready.
    reasons: Vec<NotReady>,
}

/// Why it is not ready.
#[derive(JsonSchema)]
struct NotReady {
    /// Which, for machines: see docs/HTTP.md.
    reason: String,
    /// The same in words, with what to do.
    detail: String,
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
    /// Its name, by which it is asked after.
    id: String,
    /// How far it is.
    state: WhatIfState,
    /// Why there is none.
    why: Option<String>,
    /// When it was begun: what came later is not in it.
    as_of: Timestamp,
    /// When it was there, or had failed.
    ended: Option<Timestamp>,
    /// The name of the range, where it has one.
    range: Option<String>,
    /// The other prices.
    prices: PricesState,
    /// How much of the work is done.
    progress: WhatIfProgress,
    /// All organizations together; null until it is done.
    totals: Option<Totals>,
    /// Charges that the log took before are not kept, and not priced; null where all are. Absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    kept_from: Option<Timestamp>,
    /// A page of organizations, once they are there. Absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Vec<OrgOutcome>>,
    /// Where the next page begins.
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
