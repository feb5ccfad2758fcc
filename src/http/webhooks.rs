//! Webhooks: defined by commands like everything else, asked after and tried here.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Face;
use super::body::Body;
use super::commands::{command, named, object};
use super::parts::{self, OrgName, WebhookName};
use super::problem::{Problem, Refusal};
use crate::clock;
use crate::ledger::units::Timestamp;
use crate::notify::webhooks::{
    Attempt, Delivery, Endpoint, EndpointKey, EndpointUrl, Health, Message, Outcome, Secret, WebhookError,
    WhyGivenUp,
};
use crate::notify::{Channels, message_id, roll};
use crate::query::{self, WebhookState};
use crate::wire::{Object, Subject, time};

/// `PUT /v1/orgs/{org}/webhooks/{id}`: defines a webhook. A new one without a secret gets one, which is shown here and never
/// again.
pub(super) async fn put(
    State(face): State<Arc<Face>>,
    OrgName(org): OrgName,
    WebhookName(id): WebhookName,
    body: Body,
) -> Result<Response, Problem> {
    let mut data = object(&body)?;
    data = named(&id, data)?;
    let known = face.desk.book.read(&org, |slot| slot.org.webhooks().any(|(known, _)| known == id));
    let known = known.ok_or_else(|| Problem::unknown_org(&org))?;
    judge(&face, &org, &id, &data)?;
    let mut shown = None;
    if !known && data.get("secret").is_none_or(Value::is_null) {
        let secret =
            Secret::generate().map_err(|error| Problem::passing("busy", error.to_string()))?.reveal();
        data.insert("secret".to_owned(), json!(secret));
        shown = Some(secret);
    }
    command(&face, Subject::Commands(&org), "creditd.webhook.put.v1", data).await?;
    let state = query::webhooks(&face.desk.book, &org, clock::now()).unwrap_or_default();
    let state = state.iter().find(|webhook| webhook.id == id).ok_or_else(|| unknown(&id))?;
    let mut answer = state_json(&face.channels, &org, state);
    if let (Some(secret), Some(object)) = (shown, answer.as_object_mut()) {
        object.insert("secret".to_owned(), json!(secret));
    }
    Ok(parts::json(if known { StatusCode::OK } else { StatusCode::CREATED }, &answer))
}

/// Refuses at once what could never be sent to. All else about it is the decoder's to say.
fn judge(face: &Face, org: &str, id: &str, data: &Map<String, Value>) -> Result<(), Problem> {
    let refused = |reason: &str, field: &str, detail: String| {
        let (reason, field) = (reason.to_owned(), field.to_owned());
        Problem::refused(StatusCode::UNPROCESSABLE_ENTITY, Refusal { reason, field, detail })
    };
    let webhooks = &face.channels.webhooks;
    if let Some(Ok(url)) = data.get("url").and_then(Value::as_str).map(EndpointUrl::parse) {
        webhooks
            .check(&url)
            .map_err(|forbidden| refused("forbidden_target", "url", forbidden.to_string()))?;
    }
    if !webhooks.has_room_for(&EndpointKey { org: org.to_owned(), id: id.to_owned() }) {
        let why = "there are as many webhooks as this daemon serves; remove one first".to_owned();
        return Err(refused("too_many", "id", why));
    }
    Ok(())
}

/// `DELETE /v1/orgs/{org}/webhooks/{id}`: what waits for it is sent nowhere.
pub(super) async fn remove(
    State(face): State<Arc<Face>>,
    OrgName(org): OrgName,
    WebhookName(id): WebhookName,
) -> Result<Response, Problem> {
    let mut data = Map::new();
    data.insert("id".to_owned(), json!(id));
    command(&face, Subject::Commands(&org), "creditd.webhook.remove.v1", data).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `GET /v1/orgs/{org}/webhooks`: all of an organization, each with its health.
pub(super) async fn list(State(face): State<Arc<Face>>, OrgName(org): OrgName) -> Result<Response, Problem> {
    let found = query::webhooks(&face.desk.book, &org, clock::now());
    let found = found.ok_or_else(|| Problem::unknown_org(&org))?;
    let data: Vec<Value> = found.iter().map(|state| state_json(&face.channels, &org, state)).collect();
    Ok(parts::json(StatusCode::OK, &json!({ "data": data })))
}

/// `POST /v1/orgs/{org}/webhooks/{id}/test`: sends a test message now and answers what came of it.
pub(super) async fn test(
    State(face): State<Arc<Face>>,
    OrgName(org): OrgName,
    WebhookName(id): WebhookName,
) -> Result<Response, Problem> {
    let endpoint = endpoint(&face, &org, &id)?;
    let attempt = face.channels.webhooks.test(&endpoint).await.map_err(queue_problem)?;
    Ok(parts::json(StatusCode::OK, &attempt_json(&attempt)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Again {
    message: String,
}

/// `POST /v1/orgs/{org}/webhooks/{id}/resend`: sends an alert again that was delivered or given up.
pub(super) async fn resend(
    State(face): State<Arc<Face>>,
    OrgName(org): OrgName,
    WebhookName(id): WebhookName,
    body: Body,
) -> Result<Response, Problem> {
    let Object(Again { message }) = serde_json::from_slice(&body.bytes).map_err(|error| {
        let why = format!("the body does not name a message: {error}; write {{\"message\": \"…\"}}");
        Problem::new(StatusCode::BAD_REQUEST, "not_json", why)
    })?;
    let endpoint = endpoint(&face, &org, &id)?;
    // Receivers know a message by its `webhook-id`, in which every full stop is a tilde.
    let message = message.replace('~', ".");
    let no_such = || {
        let why = format!("message {message:?} is not kept; take an id from GET /v1/orgs/{org}/alerts");
        let refusal =
            Refusal { reason: "unknown_message".to_owned(), field: "message".to_owned(), detail: why };
        Problem::refused(StatusCode::NOT_FOUND, refusal)
    };
    let Channels { alerts, webhooks, .. } = &face.channels;
    let id = message_id(&org, &message).ok_or_else(no_such)?;
    match alerts.find(&org, &message) {
        Some(alert) => {
            let (kind, payload) = (alert.kind.clone(), alert.payload.to_vec());
            let message = Message { id: id.clone(), kind, at: clock::now(), payload };
            webhooks.hand_over_again(&endpoint, &message).await.map(drop).map_err(queue_problem)?;
        }
        None => webhooks.resend(&endpoint.key, &id).await.map_err(|error| match error {
            WebhookError::NoEndpoint(_) | WebhookError::NotKept { .. } => no_such(),
            other => queue_problem(other),
        })?,
    }
    let delivery = webhooks.delivery(&endpoint.key, &id).map(|delivery| delivery_json(&delivery));
    Ok(parts::json(StatusCode::ACCEPTED, &json!({ "message": message, "delivery": delivery })))
}

/// What became of an alert at each of the organization's webhooks it was handed over to.
pub(super) fn deliveries(channels: &Channels, org: &str, webhooks: &[String], alert: &str) -> Vec<Value> {
    let Some(message) = message_id(org, alert) else { return Vec::new() };
    let told = webhooks.iter().filter_map(|id| {
        let key = EndpointKey { org: org.to_owned(), id: id.clone() };
        let mut delivery = delivery_json(&channels.webhooks.delivery(&key, &message)?);
        delivery.as_object_mut()?.insert("webhook".to_owned(), json!(id));
        Some(delivery)
    });
    told.collect()
}

fn endpoint(face: &Face, org: &str, id: &str) -> Result<Endpoint, Problem> {
    let found = face.desk.book.read(org, |slot| {
        let (_, webhook) = slot.org.webhooks().find(|(known, _)| *known == id)?;
        roll::endpoint(org, id, webhook, clock::now())
    });
    found.ok_or_else(|| Problem::unknown_org(org))?.ok_or_else(|| unknown(id))
}

fn unknown(id: &str) -> Problem {
    let detail = format!("there is no webhook {id:?}; compare with the organization's webhooks");
    let refusal = Refusal { reason: "unknown_webhook".to_owned(), field: "id".to_owned(), detail };
    Problem::refused_command(refusal)
}

fn queue_problem(error: WebhookError) -> Problem {
    Problem::passing("webhooks_unavailable", error.to_string())
}

fn state_json(channels: &Channels, org: &str, state: &WebhookState) -> Value {
    let key = EndpointKey { org: org.to_owned(), id: state.id.clone() };
    let mut told = serde_json::to_value(state).unwrap_or_default();
    if let Some(object) = told.as_object_mut() {
        let health = channels.webhooks.health(&key);
        object.insert("health".to_owned(), health.map_or(Value::Null, |health| health_json(&health)));
    }
    told
}

fn health_json(health: &Health) -> Value {
    let at = |instant: Option<Timestamp>| instant.map(time::format);
    let failure = health.last_failure.as_ref();
    json!({
        "state": health.state.to_string(),
        "last_success": at(health.last_success),
        "last_failure": failure.map(|(at, reason)| json!({ "at": time::format(*at), "reason": reason })),
        "consecutive_failures": health.consecutive_failures,
        "queued": health.queued,
        "next_attempt": at(health.next_attempt),
        "delivered": health.delivered,
        "given_up": health.given_up,
        "lost": health.lost,
    })
}

fn attempt_json(attempt: &Attempt) -> Value {
    let (outcome, status, reason) = match &attempt.outcome {
        Outcome::Delivered { status } => ("delivered", Some(*status), None),
        Outcome::Failed { status, reason } => ("failed", *status, Some(reason)),
    };
    json!({
        "at": time::format(attempt.at),
        "took_ms": attempt.took.0,
        "outcome": outcome,
        "status": status,
        "reason": reason,
    })
}

fn delivery_json(delivery: &Delivery) -> Value {
    let all = |attempts: &[Attempt]| attempts.iter().map(attempt_json).collect::<Vec<_>>();
    match delivery {
        Delivery::Waiting { tries, attempts } => {
            json!({ "state": "waiting", "tries": tries, "attempts": all(attempts) })
        }
        Delivery::Delivered { at, tries, status } => {
            json!({ "state": "delivered", "tries": tries, "at": time::format(*at), "status": status })
        }
        Delivery::GivenUp(given_up) => json!({
            "state": "given_up",
            "tries": given_up.tries,
            "at": time::format(given_up.at),
            "why": match given_up.why {
                WhyGivenUp::Patience => "it was not taken in time",
                WhyGivenUp::Overflow => "too many newer ones waited",
            },
            "attempts": all(&given_up.attempts),
        }),
    }
}
