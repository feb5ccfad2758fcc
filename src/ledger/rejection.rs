//! Why something was refused. A refusal is a value: it changes nothing, is counted and reported.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The kinds of refusal: one list for answers, subjects and metric labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The subject is not one of ours.
    UnknownSubject,
    /// The text is not JSON, or not an object.
    NotJson,
    /// Something that is needed is not there.
    MissingField,
    /// A field has the wrong type or an impossible value.
    InvalidField,
    /// The event or command type is not one of ours.
    UnknownType,
    /// The event names another organization than its subject.
    OrgMismatch,
    /// The organization was never created.
    UnknownOrg,
    /// The event's time is too far from the log's.
    TimeOutOfRange,
    /// The rate card has no price for the action.
    UnknownAction,
    /// The amount does not fit.
    AmountTooLarge,
    /// It would go past a hard limit, and the plan says reject.
    LimitReached,
    /// The credits do not cover it, and the plan says reject.
    InsufficientCredits,
    /// The call has ended already, as something else.
    CallEnded,
    /// The call was answered, so it did not fail.
    CallAnswered,
    /// There is no such event to void.
    UnknownEvent,
    /// There is no such grant.
    UnknownGrant,
    /// There is no such limit.
    UnknownLimit,
    /// There is no such auto-recharge, or it never made that request.
    UnknownRecharge,
    /// There is no such webhook.
    UnknownWebhook,
    /// There is no such report.
    UnknownReport,
    /// There is no such plan.
    UnknownPlan,
    /// There is no such rate card.
    UnknownRateCard,
    /// Another content under a name that is taken.
    Conflict,
    /// A limit of ours is reached.
    TooMany,
    /// The record or item is too large.
    TooLarge,
}

impl Reason {
    /// All of them, in the order in which they are checked.
    pub const ALL: [Reason; 25] = [
        Reason::UnknownSubject,
        Reason::NotJson,
        Reason::MissingField,
        Reason::InvalidField,
        Reason::UnknownType,
        Reason::OrgMismatch,
        Reason::UnknownOrg,
        Reason::TimeOutOfRange,
        Reason::UnknownAction,
        Reason::AmountTooLarge,
        Reason::LimitReached,
        Reason::InsufficientCredits,
        Reason::CallEnded,
        Reason::CallAnswered,
        Reason::UnknownEvent,
        Reason::UnknownGrant,
        Reason::UnknownLimit,
        Reason::UnknownRecharge,
        Reason::UnknownWebhook,
        Reason::UnknownReport,
        Reason::UnknownPlan,
        Reason::UnknownRateCard,
        Reason::Conflict,
        Reason::TooMany,
        Reason::TooLarge,
    ];

    /// The name used on subjects, in answers and as a metric label.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Reason::UnknownSubject => "unknown_subject",
            Reason::NotJson => "not_json",
            Reason::MissingField => "missing_field",
            Reason::InvalidField => "invalid_field",
            Reason::UnknownType => "unknown_type",
            Reason::OrgMismatch => "org_mismatch",
            Reason::UnknownOrg => "unknown_org",
            Reason::TimeOutOfRange => "time_out_of_range",
            Reason::UnknownAction => "unknown_action",
            Reason::AmountTooLarge => "amount_too_large",
            Reason::LimitReached => "limit_reached",
            Reason::InsufficientCredits => "insufficient_credits",
            Reason::CallEnded => "call_ended",
            Reason::CallAnswered => "call_answered",
            Reason::UnknownEvent => "unknown_event",
            Reason::UnknownGrant => "unknown_grant",
            Reason::UnknownLimit => "unknown_limit",
            Reason::UnknownRecharge => "unknown_recharge",
            Reason::UnknownWebhook => "unknown_webhook",
            Reason::UnknownReport => "unknown_report",
            Reason::UnknownPlan => "unknown_plan",
            Reason::UnknownRateCard => "unknown_rate_card",
            Reason::Conflict => "conflict",
            Reason::TooMany => "too_many",
            Reason::TooLarge => "too_large",
        }
    }
}

/// A refusal: the kind, the field at fault, and a sentence with the value and the remedy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub struct Rejection {
    /// The kind.
    pub reason: Reason,
    /// The field at fault; empty where the whole is.
    pub field: Cow<'static, str>,
    /// What was wrong, the value, and what to do.
    pub detail: String,
}

impl Rejection {
    /// A refusal because of `field`.
    pub fn new(reason: Reason, field: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Rejection { reason, field: field.into(), detail: detail.into() }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() {
            write!(f, "{}: {}", self.reason.slug(), self.detail)
        } else {
            write!(f, "{} ({}): {}", self.reason.slug(), self.field, self.detail)
        }
    }
}
