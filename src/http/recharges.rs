//! Auto-recharges: put, taken away, and how they stand. A grant answers a request; that it failed is said here.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

use super::Face;
use super::body::Body;
use super::commands::{command, object, said_by_path};
use super::parts::{self, NameWithin, OrgName};
use super::problem::{Problem, Refusal};
use crate::clock;
use crate::ledger::recharge::REQUESTS;
use crate::query;
use crate::wire::Subject;

/// `GET /v1/orgs/{org}/recharges`: one for each kind of credits that has one.
pub(super) async fn list(State(face): State<Arc<Face>>, OrgName(org): OrgName) -> Result<Response, Problem> {
    let found = query::recharges(&face.desk.book, &org, clock::now());
    let found = found.ok_or_else(|| Problem::unknown_org(&org))?;
    Ok(parts::json(StatusCode::OK, &found))
}

/// `PUT /v1/orgs/{org}/recharges/{credit_type}`: states a recharge whole. Answers it as it stands.
pub(super) async fn put(
    State(face): State<Arc<Face>>,
    OrgName(org): OrgName,
    NameWithin(credit_type): NameWithin,
    body: Body,
) -> Result<Response, Problem> {
    let data = said_by_path("credit_type", &credit_type, object(&body)?)?;
    command(&face, Subject::Commands(&org), "creditd.recharge.put.v1", data).await?;
    Ok(answer(&face, &org, &credit_type))
}

/// `DELETE /v1/orgs/{org}/recharges/{credit_type}`: nothing is asked for any more. A request in flight may still be answered.
pub(super) async fn remove(
    State(face): State<Arc<Face>>,
    OrgName(org): OrgName,
    NameWithin(credit_type): NameWithin,
    body: Body,
) -> Result<Response, Problem> {
    let data = if body.bytes.is_empty() { Map::new() } else { object(&body)? };
    let data = said_by_path("credit_type", &credit_type, data)?;
    command(&face, Subject::Commands(&org), "creditd.recharge.remove.v1", data).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `POST /v1/orgs/{org}/recharges/{credit_type}/failed`: a request brings nothing. Answers the recharge as it stands.
pub(super) async fn failed(
    State(face): State<Arc<Face>>,
    OrgName(org): OrgName,
    NameWithin(credit_type): NameWithin,
    body: Body,
) -> Result<Response, Problem> {
    let data = object(&body)?;
    let start = format!("{REQUESTS}{credit_type}.");
    if let Some(id) = data.get("id").and_then(Value::as_str)
        && !id.starts_with(&start)
    {
        let detail = format!("the body names {id:?}, which is no request of {credit_type}; write {start}<n>");
        let refusal = Refusal { reason: "invalid_field".to_owned(), field: "id".to_owned(), detail };
        return Err(Problem::refused(StatusCode::UNPROCESSABLE_ENTITY, refusal));
    }
    command(&face, Subject::Commands(&org), "creditd.recharge.failed.v1", data).await?;
    Ok(answer(&face, &org, &credit_type))
}

/// The recharge as it stands; no content where it is ordered no more.
fn answer(face: &Face, org: &str, credit_type: &str) -> Response {
    let found =
        query::recharges(&face.desk.book, org, clock::now()).map_or_else(Vec::new, |found| found.data);
    match found.iter().find(|state| state.credit_type.name() == credit_type) {
        Some(state) => parts::json(StatusCode::OK, state),
        None => StatusCode::NO_CONTENT.into_response(),
    }
}
