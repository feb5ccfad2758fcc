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
    /// Its id, which stays the same over replays.
    id: String,
    /// Such as `creditd.alert.balance_low.v1`.
    kind: String,
    /// When it was raised.
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
    /// What became of it so far.
    state: DeliveryState,
    /// How often it was tried.
    tries: u64,
    /// When it was taken, or given up.
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
    /// When it was sent.
    at: Timestamp,
    /// How long it took, in milliseconds.
    took_ms: u64,
    /// What came of it.
    outcome: AttemptOutcome,
    /// The HTTP status that came back; null where none came.
    status: Option<u16>,
    /// Why it failed, in words.
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
    /// The id of the alert.
    message: String,
    /// What became of it so far.
    delivery: Option<Delivery>,
}

/// A webhook with its health.
#[derive(JsonSchema)]
pub(super) struct Webhook {
    #[serde(flatten)]
    state: WebhookState,
    /// How it does; null for a moment after it was defined.
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
    /// When something was taken last.
    last_success: Option<Timestamp>,
    /// What failed last.
    last_failure: Option<WebhookFailure>,
    /// Attempts in a row that failed.
    consecutive_failures: u64,
    /// Messages that wait.
    queued: u64,
    /// When it is tried next, after the quiet hours.
    next_attempt: Option<Timestamp>,
    /// Messages that were taken.
    delivered: u64,
    /// Messages that were not taken in time.
    given_up: u64,
    /// Messages for which too many others waited.
    lost: u64,
}

/// The last failure of a webhook.
#[derive(JsonSchema)]
struct WebhookFailure {
    /// When.
    at: Timestamp,
    /// Why, in words.
    reason: String,
}

/// A report with its last sendings.
#[derive(JsonSchema)]
pub(super) struct Report {
    #[serde(flatten)]
    state: ReportState,
    /// When it is sent next; null where it never is by itself.
    next_due: Option<Timestamp>,
    /// When a mail of it was taken last.
    last_sent: Option<Timestamp>,
    /// Newest first.
    history: Vec<Sending>,
}

/// The reports of an organization.
#[derive(JsonSchema)]
pub(super) struct Reports {
    /// All of them, by name.
    data: Vec<ReportLine>,
    /// Whether mails can be sent.
    mail: MailSettings,
}

/// A report with its last sending.
#[derive(JsonSchema)]
struct ReportLine {
    #[serde(flatten)]
    state: ReportState,
    /// When it is sent next; null where it never is by itself.
    next_due: Option<Timestamp>,
    /// When a mail of it was taken last.
    last_sent: Option<Timestamp>,
    /// What became of its last sending; null where there was none.
    last_sending: Option<Sending>,
}

/// Who mails are from, or why there are none.
#[derive(JsonSchema)]
struct MailSettings {
    /// Whether a mail server is configured.
    configured: bool,
    /// Who mails are from.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// What to configure.
    #[serde(skip_serializing_if = "Option::is_none")]
    why_not: Option<String>,
}

/// One sending of a report.
#[derive(JsonSchema)]
pub(super) struct Sending {
    /// Its number among those of the report, from 1 on.
    number: u64,
    /// Why it was sent.
    why: SendingReason,
    /// When it was due; null where it was asked for.
    due: Option<Timestamp>,
    /// What it is about: parameters of a question about usage.
    range: BTreeMap<String, String>,
    /// When it was begun.
    begun: Timestamp,
    /// What became of it so far.
    state: SendingState,
    /// Instants at which it was due and nobody was there to send it.
    missed: Vec<Timestamp>,
    /// One for each address.
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
    /// The address.
    to: String,
    /// What became of it so far.
    state: MailStanding,
    /// How often it was tried.
    tries: u64,
    /// What the mail server said last, where it did not take it.
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
    /// Its id, which is no secret.
    id: String,
    /// What it is called.
    name: String,
    /// What it may do.
    role: Role,
    /// Null for all.
    orgs: Option<Vec<String>>,
    /// Null for all.
    accounts: Option<Vec<String>>,
    /// `good`, `expired` or `revoked`.
    state: String,
    /// When it was made.
    created: Timestamp,
    /// Until when it is good; null for ever.
    expires: Option<Timestamp>,
    /// So many requests a second; null for as many as it likes.
    per_second: Option<u32>,
    /// Whether it is that of a portal link.
    portal_link: bool,
    /// When it got another secret.
    rotated: Option<Timestamp>,
    /// Until when the secret before is good, too.
    overlap_until: Option<Timestamp>,
    /// When it was revoked.
    revoked: Option<Timestamp>,
}

/// A token with its secret, which is told once.
#[derive(JsonSchema)]
pub(super) struct NewToken {
    #[serde(flatten)]
    known: Token,
    /// The token whole: `cr_<id>_<secret>`. It is not told again.
    token: String,
}

/// An address that shows an organization, which is told once.
#[derive(JsonSchema)]
pub(super) struct NewPortalLink {
    #[serde(flatten)]
    known: Token,
    /// The address. It is not told again.
    url: String,
}

/// Something that was done, or refused.
#[derive(JsonSchema)]
pub(super) struct AuditLine {
    /// When.
    at: Timestamp,
    /// The id of a token, or who else it was.
    who: String,
    /// What the token is called.
    name: Option<String>,
    /// The role of the token.
    role: Option<String>,
    /// From which address.
    from: Option<String>,
    /// The method and the route.
    request: String,
    /// The path that was asked for.
    path: Option<String>,
    /// The organization it was about.
    org: Option<String>,
    /// What it made or changed, beside an entry of the log.
    about: Option<String>,
    /// The HTTP status of the answer.
    status: Option<u16>,
    /// The kind of problem that was answered.
    problem: Option<String>,
    /// The record of the log that it wrote.
    seq: Option<u64>,
    /// How often, where it is counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    /// The first of those that are counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
}
