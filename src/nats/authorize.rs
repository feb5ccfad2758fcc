//! What switches ask and tell over the service, on a task of its own: nothing else delays whether a call may start.

use std::sync::Arc;

use async_nats::service::Request;
use async_nats::service::endpoint::Endpoint;
use async_nats::service::error::Error as ServiceError;
use bytes::Bytes;
use futures_util::StreamExt;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::{Semaphore, watch};

use super::restarts::{self, MOST_RESTARTS};
use super::service::{answer, org_of, refusal, text, unknown_org};
use crate::book::desk::{Desk, Wait};
use crate::book::promises::How;
use crate::clock;
use crate::query::{self, HoldState};
use crate::wire::{self, Asked};

/// Where it is asked; the last token is the organization.
pub(super) const AUTHORIZE: &str = "creditd.authorize.*";
/// Where prices are asked for; the last token is the organization.
pub(super) const QUOTE: &str = "creditd.quote.*";
/// Where holds are released; the last token is the organization.
pub(super) const RELEASE: &str = "creditd.release.*";
/// Where holds are extended; the last token is the organization.
pub(super) const EXTEND: &str = "creditd.extend.*";

/// The most holds that are released or extended at once; a further one is refused.
const MOST_UNDER_WAY: usize = 1_000;

/// The endpoints of switches.
pub(super) struct Endpoints {
    pub(super) authorize: Endpoint,
    pub(super) quote: Endpoint,
    pub(super) release: Endpoint,
    pub(super) extend: Endpoint,
    pub(super) restarted: Endpoint,
}

/// Answers until told to stop.
pub(super) async fn serve(desk: Arc<Desk>, mut endpoints: Endpoints, mut stop: watch::Receiver<bool>) {
    let (places, under_way) =
        (Arc::new(Semaphore::new(MOST_RESTARTS)), Arc::new(Semaphore::new(MOST_UNDER_WAY)));
    loop {
        let (request, response) = tokio::select! {
            biased;
            _ = stop.changed() => break,
            Some(request) = endpoints.authorize.next() => {
                let response = authorize(&desk, &request.message.subject, &request.message.payload);
                (request, response)
            }
            Some(request) = endpoints.quote.next() => {
                let response = quote(&desk, &request.message.subject, &request.message.payload);
                (request, response)
            }
            Some(request) = endpoints.release.next() => {
                tokio::spawn(change(Arc::clone(&desk), Arc::clone(&under_way), request, Change::Release));
                continue;
            }
            Some(request) = endpoints.extend.next() => {
                tokio::spawn(change(Arc::clone(&desk), Arc::clone(&under_way), request, Change::Extend));
                continue;
            }
            Some(request) = endpoints.restarted.next() => {
                tokio::spawn(restarts::serve(Arc::clone(&desk), Arc::clone(&places), request));
                continue;
            }
            else => break,
        };
        answer(request, response).await;
    }
}

fn authorize(desk: &Desk, subject: &str, payload: &[u8]) -> Result<Bytes, ServiceError> {
    let org = org_of(subject)?;
    let asked = read(payload, org)?;
    let add_ons = asked.add_ons();
    let request = asked.request(&add_ons);
    let (decision, grounds) = desk.authorize(org, &request, clock::now()).ok_or_else(|| unknown_org(org))?;
    text(&query::authorized(&decision, grounds, request.is_call()))
}

fn quote(desk: &Desk, subject: &str, payload: &[u8]) -> Result<Bytes, ServiceError> {
    let org = org_of(subject)?;
    let asked = read(payload, org)?;
    let add_ons = asked.add_ons();
    let request = asked.request(&add_ons);
    let decision =
        desk.book.decide(org, &request, clock::now(), How::Quote).ok_or_else(|| unknown_org(org))?;
    text(&query::quoted(&decision, request.is_call()))
}

/// What names a hold.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Held {
    hold_id: String,
}

/// What is told of a hold.
#[derive(Clone, Copy)]
enum Change {
    Release,
    Extend,
}

/// Answers once the log has it, which nothing else waits for.
async fn change(desk: Arc<Desk>, under_way: Arc<Semaphore>, request: Request, change: Change) {
    let (subject, payload) = (&request.message.subject, &request.message.payload);
    let response = match (under_way.try_acquire(), change) {
        (Err(_), _) => Err(refusal(503, format!("{MOST_UNDER_WAY} holds are changed already; try again"))),
        (Ok(_place), Change::Release) => release(&desk, subject, payload).await,
        (Ok(_place), Change::Extend) => extend(&desk, subject, payload).await,
    };
    answer(request, response).await;
}

async fn release(desk: &Desk, subject: &str, payload: &[u8]) -> Result<Bytes, ServiceError> {
    let (org, Held { hold_id }) = (org_of(subject)?, held(payload)?);
    let key = wire::read_hold_id(&hold_id).ok_or_else(|| unknown_hold(&hold_id))?;
    let released = desk.release(org, key, Wait::Durable).await.ok_or_else(|| unknown_hold(&hold_id))?;
    released.map_err(|error| refusal(503, error.to_string()))?;
    text(&json!({ "hold_id": hold_id, "released": true }))
}

async fn extend(desk: &Desk, subject: &str, payload: &[u8]) -> Result<Bytes, ServiceError> {
    let (org, Held { hold_id }) = (org_of(subject)?, held(payload)?);
    let key = wire::read_hold_id(&hold_id).ok_or_else(|| unknown_hold(&hold_id))?;
    let extended = desk.extend(org, key, clock::now(), Wait::Durable).await;
    let extended = extended.ok_or_else(|| unknown_hold(&hold_id))?;
    let (hold, _) = extended.map_err(|error| refusal(503, error.to_string()))?;
    text(&HoldState::of(&hold))
}

fn read(payload: &[u8], org: &str) -> Result<Asked, ServiceError> {
    Asked::read(payload, org).map_err(|rejection| refusal(400, rejection.to_string()))
}

fn held(payload: &[u8]) -> Result<Held, ServiceError> {
    let wrong = |error| refusal(400, format!("{error}; send the hold_id of an answer"));
    serde_json::from_slice(payload).map_err(wrong)
}

fn unknown_hold(id: &str) -> ServiceError {
    let id: String = id.chars().take(80).collect();
    refusal(404, format!("there is no hold {id:?}: it ended, or was taken over by its call"))
}
