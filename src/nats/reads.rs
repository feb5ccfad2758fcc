//! Reads that take a while, over the service: the same questions and answers as over HTTP, each away from the threads that serve.

use std::sync::Arc;

use async_nats::Client;
use async_nats::service::Request;
use async_nats::service::endpoint::Endpoint;
use async_nats::service::error::Error as ServiceError;
use bytes::Bytes;
use futures_util::StreamExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio::sync::{Semaphore, watch};

use super::service::{answer, org_of, refusal, text, unknown_org};
use crate::book::desk::Desk;
use crate::clock;
use crate::ledger::units::EventId;
use crate::query::{self, CallsOf, HistoryError, HistoryOf, Parameters, UsageError};

/// Answers a question about an organization; the payload holds what the parameters are over HTTP, as JSON.
pub(super) type Ask = fn(&Desk, &str, &[u8]) -> Result<Bytes, ServiceError>;

/// What is asked where. The last token is the organization.
pub(super) const ASKED: [(&str, &str, Ask); 7] = [
    ("usage", "creditd.usage.*", usage),
    ("spikes", "creditd.spikes.*", spikes),
    ("history", "creditd.history.*", history),
    ("charge", "creditd.charge.*", charge),
    ("calls", "creditd.calls.*", calls),
    ("call", "creditd.call.*", call),
    ("org", "creditd.org.*", org),
];

/// The most of them that are worked out at once; a further request is refused.
pub(super) const MOST_ASIDE: usize = 8;

/// Answers what is asked at an endpoint until told to stop.
pub(super) fn start(
    client: &Client,
    desk: &Arc<Desk>,
    asked: (Endpoint, Ask),
    places: &Arc<Semaphore>,
    stop: &watch::Receiver<bool>,
) {
    let (client, desk, places) = (client.clone(), Arc::clone(desk), Arc::clone(places));
    tokio::spawn(serve(client, desk, asked, places, stop.clone()));
}

async fn serve(
    client: Client,
    desk: Arc<Desk>,
    (mut requests, ask): (Endpoint, Ask),
    places: Arc<Semaphore>,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        tokio::select! {
            _ = stop.changed() => break,
            Some(request) = requests.next() => {
                tokio::spawn(one(ask, client.clone(), Arc::clone(&desk), Arc::clone(&places), request));
            }
            else => break,
        }
    }
}

async fn one(ask: Ask, client: Client, desk: Arc<Desk>, places: Arc<Semaphore>, request: Request) {
    let response = match places.try_acquire() {
        Ok(_place) => worked(ask, &desk, &request).await,
        Err(_) => Err(refusal(503, format!("{MOST_ASIDE} answers are worked out already; try again"))),
    };
    let most = client.server_info().max_payload;
    let response = match response {
        Ok(text) if text.len() > most => {
            let why = format!(
                "the answer has {} bytes, and the server takes {most}; ask for a smaller limit, a longer interval or a \
                 shorter range",
                text.len()
            );
            Err(refusal(413, why))
        }
        response => response,
    };
    answer(request, response).await;
}

async fn worked(ask: Ask, desk: &Arc<Desk>, request: &Request) -> Result<Bytes, ServiceError> {
    let org = org_of(&request.message.subject)?.to_owned();
    let (desk, payload) = (Arc::clone(desk), request.message.payload.clone());
    let worked = tokio::task::spawn_blocking(move || ask(&desk, &org, &payload)).await;
    worked.unwrap_or_else(|error| Err(refusal(500, error.to_string())))
}

/// What was used, by whom and for what.
fn usage(desk: &Desk, org: &str, payload: &[u8]) -> Result<Bytes, ServiceError> {
    used(org, query::usage(desk, org, parameters(payload)?, clock::now()))
}

/// Hours and days in which far more was used than before.
fn spikes(desk: &Desk, org: &str, payload: &[u8]) -> Result<Bytes, ServiceError> {
    used(org, query::spikes(desk, org, parameters(payload)?, clock::now()))
}

fn parameters(payload: &[u8]) -> Result<Parameters, ServiceError> {
    Parameters::of_json(payload).map_err(|refused| refusal(400, refused.to_string()))
}

fn used<T: Serialize>(org: &str, answered: Result<Option<T>, UsageError>) -> Result<Bytes, ServiceError> {
    match answered {
        Ok(answer) => found(org, answer),
        Err(UsageError::Gone(why)) => Err(refusal(503, why.to_owned())),
        Err(UsageError::Refused(refused)) => Err(refusal(400, refused.to_string())),
        Err(UsageError::Unread(error)) => Err(refusal(503, format!("the history cannot be read: {error}"))),
    }
}

/// What moved an organization's credits.
fn history(desk: &Desk, org: &str, payload: &[u8]) -> Result<Bytes, ServiceError> {
    told(org, query::history(desk, org, &page::<HistoryOf>(object(payload)?)?, clock::now()))
}

/// Calls: those that are live, or with `state` `finished` those that are over.
fn calls(desk: &Desk, org: &str, payload: &[u8]) -> Result<Bytes, ServiceError> {
    let mut given = object(payload)?;
    match given.remove("state").as_ref().map(|state| state.as_str().unwrap_or_default()) {
        None | Some("live") => {
            let calls = query::calls(&desk.book, org, &page::<CallsOf>(given)?, clock::now());
            found(org, calls.map_err(|error| refusal(400, error.to_string()))?)
        }
        Some("finished") => {
            told(org, query::finished_calls(desk, org, &page::<HistoryOf>(given)?, clock::now()))
        }
        Some(other) => Err(refusal(400, format!("state: {other:?} is none; write \"live\" or \"finished\""))),
    }
}

/// One call: `id` of `source`, as it is, or, once it has ended, why it cost what it cost.
fn call(desk: &Desk, org: &str, payload: &[u8]) -> Result<Bytes, ServiceError> {
    let mut given = object(payload)?;
    let (id, source) = (word(&mut given, "id")?, word(&mut given, "source")?);
    let source = source.unwrap_or_else(|| "nats".to_owned());
    let id = id.ok_or_else(|| refusal(400, "id: it is missing; write the id of the call".to_owned()))?;
    if let Some(call) = query::live_call(&desk.book, org, EventId::of(&source, &id), clock::now()) {
        return text(&call);
    }
    let look = desk.look_and_wait(org).map_err(|why| refusal(503, why.to_owned()))?;
    let look = look.ok_or_else(|| unknown_org(org))?;
    let ended = query::ended_call(&look, &desk.book.catalog(), desk.itemise(), &source, &id, clock::now());
    let ended = ended.map_err(|error| refusal(503, format!("the history cannot be read: {error}")))?;
    text(&ended.ok_or_else(|| {
        refusal(
            404,
            format!(
                "{org:?} has no call {id:?} of {source:?}, live or charged; say where it comes from in source"
            ),
        )
    })?)
}

/// One charge explained: that at `seq`.
fn charge(desk: &Desk, org: &str, payload: &[u8]) -> Result<Bytes, ServiceError> {
    let seq = word(&mut object(payload)?, "seq")?.unwrap_or_default();
    let charged = query::charge(desk, org, &seq, clock::now()).map_err(unread)?;
    text(&charged.ok_or_else(|| unknown_org(org))?.ok_or_else(|| {
        refusal(404, format!("nothing was charged at {seq}; take the seq of a charge from the history"))
    })?)
}

/// An organization: its name and its plan.
fn org(desk: &Desk, org: &str, _: &[u8]) -> Result<Bytes, ServiceError> {
    found(org, query::org(&desk.book, org, clock::now()))
}

fn object(payload: &[u8]) -> Result<Map<String, Value>, ServiceError> {
    if payload.is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_slice(payload).map_err(not_a_page)
}

fn page<T: DeserializeOwned>(given: Map<String, Value>) -> Result<T, ServiceError> {
    T::deserialize(Value::Object(given)).map_err(not_a_page)
}

fn not_a_page(error: serde_json::Error) -> ServiceError {
    refusal(400, format!("the payload is not a page: {error}; see docs/HTTP.md"))
}

fn word(given: &mut Map<String, Value>, field: &str) -> Result<Option<String>, ServiceError> {
    match given.remove(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(word)) => Ok(Some(word)),
        Some(other) => Err(refusal(400, format!("{field}: {other} is no text; write one"))),
    }
}

fn told<T: Serialize>(org: &str, told: Result<Option<T>, HistoryError>) -> Result<Bytes, ServiceError> {
    found(org, told.map_err(unread)?)
}

fn unread(error: HistoryError) -> ServiceError {
    match error {
        HistoryError::Wrong(wrong) => refusal(400, wrong.to_string()),
        error => refusal(503, error.to_string()),
    }
}

fn found<T: Serialize>(org: &str, found: Option<T>) -> Result<Bytes, ServiceError> {
    text(&found.ok_or_else(|| unknown_org(org))?)
}
