//! The shapes of answers about what is around an organization's credits: alerts, webhooks, reports, tokens, the audit log.
#![expect(dead_code, reason = "they are looked at as types alone")]

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde_json::{Map, Value};

use crate::access::Role;
use crate::ledger::units::Timestamp;
use crate::query::{ReportState, WebhookState};

/// An alert, and what became of it.
#[derive(JsonSchema)]
pub(super) struct AlertLine {
    id: String,
    /// Such as `creditd.alert.balance_low.v1`.
    kind: String,
    time: Timestamp,
    /// What it says: the data of its CloudEvent.
    data: Map<String, Value>,
    /// What became of it at each webhook it was handed over to.
    deliveries: Vec<Delivery>,
}

/// A message on its way to a webhook.
#[derive(JsonSchema)]
pub(super) struct Delivery {
    /// The webhook; absent where it is the one asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook: Option<String>,
    state: DeliveryState,
    tries: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
    /// The HTTP status that took it.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// Why it was given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// The last attempts.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<Vec<Attempt>>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
enum DeliveryState {
    Waiting,
    Delivered,
    GivenUp,
}

/// One attempt to deliver.
#[derive(JsonSchema)]
pub(super) struct Attempt {
    at: Timestamp,
    took_ms: u64,
    outcome: AttemptOutcome,
    status: Option<u16>,
    reason: Option<String>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
enum AttemptOutcome {
    Delivered,
    Failed,
}

/// A message that is sent again.
#[derive(JsonSchema)]
pub(super) struct Resent {
    message: String,
    delivery: Option<Delivery>,
}

/// A webhook with its health.
#[derive(JsonSchema)]
pub(super) struct Webhook {
    #[serde(flatten)]
    state: WebhookState,
    health: Option<WebhookHealth>,
    /// Its new secret: told once.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

/// How a webhook is doing.
#[derive(JsonSchema)]
struct WebhookHealth {
    /// In words.
    state: String,
    last_success: Option<Timestamp>,
    last_failure: Option<WebhookFailure>,
    consecutive_failures: u64,
    queued: u64,
    next_attempt: Option<Timestamp>,
    delivered: u64,
    given_up: u64,
    lost: u64,
}

/// The last failure of a webhook.
#[derive(JsonSchema)]
struct WebhookFailure {
    at: Timestamp,
    reason: String,
}

/// A report with its last sendings.
#[derive(JsonSchema)]
pub(super) struct Report {
    #[serde(flatten)]
    state: ReportState,
    next_due: Option<Timestamp>,
    last_sent: Option<Timestamp>,
    /// Newest first.
    history: Vec<Sending>,
}

/// The reports of an organization.
#[derive(JsonSchema)]
pub(super) struct Reports {
    data: Vec<ReportLine>,
    mail: MailSettings,
}

/// A report with its last sending.
#[derive(JsonSchema)]
struct ReportLine {
    #[serde(flatten)]
    state: ReportState,
    next_due: Option<Timestamp>,
    last_sent: Option<Timestamp>,
    last_sending: Option<Sending>,
}

/// Who mails are from, or why there are none.
#[derive(JsonSchema)]
struct MailSettings {
    configured: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why_not: Option<String>,
}

/// One sending of a report.
#[derive(JsonSchema)]
pub(super) struct Sending {
    number: u64,
    why: SendingReason,
    due: Option<Timestamp>,
    /// What it is about: parameters of a question about usage.
    range: BTreeMap<String, String>,
    begun: Timestamp,
    state: SendingState,
    /// Instants at which it was due and nobody was there to send it.
    missed: Vec<Timestamp>,
    mails: Vec<Mail>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
enum SendingReason {
    Scheduled,
    OnDemand,
}

#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
enum SendingState {
    Waiting,
    NotSent,
    Sent,
    PartlySent,
}

/// A mail of a sending.
#[derive(JsonSchema)]
struct Mail {
    to: String,
    state: MailStanding,
    tries: u64,
    reason: Option<String>,
    /// When it came to an end.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
    /// When it is tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt: Option<Timestamp>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
enum MailStanding {
    Waiting,
    Sent,
    Refused,
    GivenUp,
    Dropped,
}

/// A token as it may be shown.
#[derive(JsonSchema)]
pub(super) struct Token {
    id: String,
    name: String,
    role: Role,
    /// Null for all.
    orgs: Option<Vec<String>>,
    /// Null for all.
    accounts: Option<Vec<String>>,
    /// `good`, `expired` or `revoked`.
    state: String,
    created: Timestamp,
    expires: Option<Timestamp>,
    per_second: Option<u32>,
    portal_link: bool,
    rotated: Option<Timestamp>,
    overlap_until: Option<Timestamp>,
    revoked: Option<Timestamp>,
}

/// A token with its secret, which is told once.
#[derive(JsonSchema)]
pub(super) struct NewToken {
    #[serde(flatten)]
    known: Token,
    token: String,
}

/// An address that shows an organization, which is told once.
#[derive(JsonSchema)]
pub(super) struct NewPortalLink {
    #[serde(flatten)]
    known: Token,
    url: String,
}

/// Something that was done, or refused.
#[derive(JsonSchema)]
pub(super) struct AuditLine {
    at: Timestamp,
    /// The id of a token, or who else it was.
    who: String,
    name: Option<String>,
    role: Option<String>,
    /// From which address.
    from: Option<String>,
    /// The method and the route.
    request: String,
    path: Option<String>,
    org: Option<String>,
    about: Option<String>,
    status: Option<u16>,
    problem: Option<String>,
    seq: Option<u64>,
    /// How often, where it is counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
}
