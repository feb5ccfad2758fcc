//! What went wrong, as RFC 9457 says it: `application/problem+json`.

use std::fmt;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::book::desk::SubmitError;
use crate::ledger::rejection::Rejection;
use crate::log::LogError;
use crate::query::UsageError;

/// The kind of problem that an answer is, for whoever looks at the answer.
#[derive(Clone, Debug)]
pub(super) struct Kind(pub(super) String);

/// An answer that says what was wrong, the value, and what to do.
#[derive(Clone, Debug)]
pub(super) struct Problem(Box<Document>);

/// What went wrong, as RFC 9457 has it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub(super) struct Document {
    /// `urn:creditd:problem:` and the kind.
    #[schemars(extend("pattern" = "^urn:creditd:problem:[a-z_]+$"))]
    r#type: String,
    /// The same in words.
    title: String,
    /// The status of the answer.
    #[serde(serialize_with = "code")]
    #[schemars(with = "u16", range(min = 400, max = 599))]
    status: StatusCode,
    /// What is wrong, the value, and the remedy.
    detail: String,
    /// The field or parameter at fault.
    #[serde(skip_serializing_if = "String::is_empty")]
    field: String,
    /// Why it was refused, for machines.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// What became of the items of the body, where it is known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<serde_json::Map<String, Value>>")]
    results: Vec<Value>,
    #[serde(skip)]
    retry: bool,
    /// Whether the answer asks for a token.
    #[serde(skip)]
    challenge: bool,
}

fn code<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

/// An item that was refused, as the answers tell it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Refusal {
    pub(super) reason: String,
    pub(super) field: String,
    pub(super) detail: String,
}

impl From<&Rejection> for Refusal {
    fn from(rejection: &Rejection) -> Self {
        Refusal {
            reason: rejection.reason.slug().to_owned(),
            field: rejection.field.to_string(),
            detail: rejection.detail.clone(),
        }
    }
}

impl Refusal {
    /// The refusal in an outcome, where it is one.
    pub(super) fn in_outcome(outcome: &Value) -> Option<Refusal> {
        if outcome.get("status")? != "rejected" {
            return None;
        }
        Refusal::deserialize(outcome).ok()
    }
}

/// The words of a kind, for people: `unknown_org` is "Unknown org".
fn title(kind: &str) -> String {
    let mut title = kind.replace('_', " ");
    if let Some(first) = title.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    title
}

impl Problem {
    /// A problem of a kind, a word that machines can tell apart.
    pub(super) fn new(status: StatusCode, kind: &str, detail: impl Into<String>) -> Problem {
        Problem(Box::new(Document {
            r#type: format!("urn:creditd:problem:{kind}"),
            title: title(kind),
            status,
            detail: detail.into(),
            field: String::new(),
            reason: None,
            results: Vec::new(),
            retry: false,
            challenge: false,
        }))
    }

    /// A refusal by the ledger or the decoder.
    pub(super) fn refused(status: StatusCode, refusal: Refusal) -> Problem {
        let mut problem = Problem::new(status, &refusal.reason, refusal.detail);
        problem.0.field = refusal.field;
        problem.0.reason = Some(refusal.reason);
        problem
    }

    /// A parameter that cannot be.
    pub(super) fn parameter(field: &str, detail: impl Into<String>) -> Problem {
        let mut problem = Problem::new(StatusCode::BAD_REQUEST, "invalid_parameter", detail);
        problem.0.field = field.to_owned();
        problem
    }

    /// A command that was refused.
    pub(super) fn refused_command(refusal: Refusal) -> Problem {
        let status = match refusal.reason.as_str() {
            "conflict" => StatusCode::CONFLICT,
            "unknown_org" | "unknown_grant" | "unknown_limit" | "unknown_recharge" | "unknown_webhook"
            | "unknown_report" => StatusCode::NOT_FOUND,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Problem::refused(status, refusal)
    }

    /// The organization was never created.
    pub(super) fn unknown_org(org: &str) -> Problem {
        let detail = format!(
            "there is no organization {org:?}; create it with PUT /v1/orgs/{org} and a body {{\"plan\": …}}"
        );
        let refusal = Refusal { reason: "unknown_org".to_owned(), field: "org".to_owned(), detail };
        Problem::refused(StatusCode::NOT_FOUND, refusal)
    }

    /// Nobody knows who asks.
    pub(super) fn unauthorized(kind: &str, detail: impl Into<String>) -> Problem {
        let mut problem = Problem::new(StatusCode::UNAUTHORIZED, kind, detail);
        problem.0.challenge = true;
        problem
    }

    /// More requests than there may be.
    pub(super) fn too_often(detail: impl Into<String>) -> Problem {
        let mut problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", detail);
        problem.0.retry = true;
        problem
    }

    /// Nobody is there who could answer.
    pub(super) fn unavailable(why: impl Into<String>) -> Problem {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", why)
    }

    /// The history of an organization cannot be read.
    pub(super) fn unread(error: &impl fmt::Display) -> Problem {
        Problem::unavailable(format!("the history cannot be read: {error}"))
    }

    /// There is no answer about usage.
    pub(super) fn of_usage(error: UsageError) -> Problem {
        match error {
            UsageError::Refused(refused) => Problem::parameter(&refused.field, refused.why),
            UsageError::Unread(error) => Problem::unread(&error),
            UsageError::Gone(why) => Problem::unavailable(why),
        }
    }

    /// Something that passes: the client should try again in a second.
    pub(super) fn passing(kind: &str, detail: impl Into<String>) -> Problem {
        let mut problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, kind, detail);
        problem.0.retry = true;
        problem
    }

    /// The same with what became of each item.
    pub(super) fn with_results(mut self, results: Vec<Value>) -> Problem {
        self.0.results = results;
        self
    }

    pub(super) fn detail(&self) -> &str {
        &self.0.detail
    }
}

impl From<SubmitError> for Problem {
    fn from(error: SubmitError) -> Self {
        let detail = error.to_string();
        match error {
            SubmitError::Busy => Problem::passing("busy", detail),
            SubmitError::CatchingUp { .. } => Problem::passing("catching_up", detail),
            SubmitError::Open { .. } => Problem::new(StatusCode::GATEWAY_TIMEOUT, "outcome_open", detail),
            SubmitError::Stopped(_) => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "stopped", detail),
            SubmitError::Log(LogError::Refused(_)) => {
                Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "record_refused", detail)
            }
            SubmitError::Log(_) => Problem::passing("log_unavailable", detail),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Document { status, retry, challenge, .. } = *self.0;
        let text = serde_json::to_vec(&self.0).unwrap_or_default();
        let mut response = (status, text).into_response();
        response
            .extensions_mut()
            .insert(Kind(self.0.r#type.rsplit(':').next().unwrap_or_default().to_owned()));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if challenge {
            // Who shows no token is told no error, as RFC 6750 has it.
            let told = match self.0.r#type.ends_with(":token_missing") {
                true => "Bearer realm=\"creditd\"",
                false => "Bearer realm=\"creditd\", error=\"invalid_token\"",
            };
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(told));
        }
        if retry {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
