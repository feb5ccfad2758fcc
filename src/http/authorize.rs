//! May this call start? And the holds that come of it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use super::Face;
use super::body::Body;
use super::guard::{self, Caller};
use super::parts::{self, NameWithin, OrgName, Params};
use super::problem::{Problem, Refusal};
use crate::book::desk::Wait;
use crate::book::promises::How;
use crate::clock;
use crate::ledger::units::EventId;
use crate::query::{self, HoldState, HoldsOf};
use crate::wire::{self, Asked};

/// `POST /v1/orgs/{org}/authorize`: whether something may start; what is granted is held.
pub(super) async fn authorize(
    State(face): State<Arc<Face>>,
    OrgName(org): OrgName,
    caller: Caller,
    body: Body,
) -> Result<Response, Problem> {
    let asked = read(&org, &caller, &body)?;
    let add_ons = asked.add_ons();
    let request = asked.request(&add_ons);
    let decided = face.desk.authorize(&org, &request, clock::now());
    let (decision, grounds) = decided.ok_or_else(|| Problem::unknown_org(&org))?;
    Ok(parts::json(StatusCode::OK, &query::authorized(&decision, grounds, request.is_call())))
}

/// `POST /v1/orgs/{org}/quote`: the same, with the price, and nothing is held.
pub(super) async fn quote(
    State(face): State<Arc<Face>>,
    OrgName(org): OrgName,
    caller: Caller,
    body: Body,
) -> Result<Response, Problem> {
    let asked = read(&org, &caller, &body)?;
    let add_ons = asked.add_ons();
    let request = asked.request(&add_ons);
    let decided = face.desk.book.decide(&org, &request, clock::now(), How::Quote);
    let decision = decided.ok_or_else(|| Problem::unknown_org(&org))?;
    Ok(parts::json(StatusCode::OK, &query::quoted(&decision, request.is_call())))
}

/// `GET /v1/orgs/{org}/holds`: what is held, a page at a time.
pub(super) async fn list(
    State(face): State<Arc<Face>>,
    OrgName(org): OrgName,
    Params(page): Params<HoldsOf>,
) -> Result<Response, Problem> {
    parts::page(&org, query::holds(&face.desk.book, &org, &page, clock::now()))
}

/// `POST /v1/orgs/{org}/holds/{id}/release`: nothing is held under that name any more.
pub(super) async fn release(
    State(face): State<Arc<Face>>,
    OrgName(org): OrgName,
    NameWithin(id): NameWithin,
) -> Result<Response, Problem> {
    let wait = Wait::Applied(face.options.applied_within);
    let released = face.desk.release(&org, key(&org, &id)?, wait).await;
    let submitted = released.ok_or_else(|| unknown_hold(&org, &id))??;
    match submitted.outcomes.first().and_then(Refusal::in_outcome) {
        Some(refusal) => Err(Problem::refused_command(refusal)),
        None => Ok(parts::json(StatusCode::OK, &json!({ "hold_id": id, "released": true }))),
    }
}

/// `POST /v1/orgs/{org}/holds/{id}/extend`: it stays as long as a new one would.
pub(super) async fn extend(
    State(face): State<Arc<Face>>,
    OrgName(org): OrgName,
    NameWithin(id): NameWithin,
) -> Result<Response, Problem> {
    let wait = Wait::Applied(face.options.applied_within);
    let extended = face.desk.extend(&org, key(&org, &id)?, clock::now(), wait).await;
    let (hold, submitted) = extended.ok_or_else(|| unknown_hold(&org, &id))??;
    match submitted.outcomes.first().and_then(Refusal::in_outcome) {
        Some(refusal) => Err(Problem::refused_command(refusal)),
        None => Ok(parts::json(StatusCode::OK, &HoldState::of(&hold))),
    }
}

fn read(org: &str, caller: &Caller, body: &Body) -> Result<Asked, Problem> {
    let asked = Asked::read(&body.bytes, org)
        .map_err(|rejection| Problem::refused(StatusCode::BAD_REQUEST, Refusal::from(&rejection)))?;
    match caller.has_account(asked.account()) {
        true => Ok(asked),
        false => Err(guard::foreign_account(asked.account())),
    }
}

fn key(org: &str, id: &str) -> Result<EventId, Problem> {
    wire::read_hold_id(id).ok_or_else(|| unknown_hold(org, id))
}

fn unknown_hold(org: &str, id: &str) -> Problem {
    let id: String = id.chars().take(80).collect();
    let why = format!(
        "{org:?} has no hold {id:?}: it ended, or was taken over by its call; see GET /v1/orgs/{org}/holds"
    );
    Problem::new(StatusCode::NOT_FOUND, "unknown_hold", why)
}
