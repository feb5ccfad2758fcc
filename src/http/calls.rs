//! Live calls.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use serde::Deserialize;

use super::Face;
use super::guard::Caller;
use super::history::{self, Pairs};
use super::parts::{self, NameWithin, OrgName, Params, params_of};
use super::problem::Problem;
use super::reads::{aside, look};
use crate::clock;
use crate::ledger::units::EventId;
use crate::query::{self, CallsOf};

/// `GET /v1/orgs/{org}/calls`: the live ones, or with `state=finished` those that are over, a page at a time.
pub(super) async fn list(
    State(face): State<Arc<Face>>,
    OrgName(org): OrgName,
    Params(mut pairs): Pairs,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let state = pairs.iter().position(|(name, _)| name == "state").map(|at| pairs.remove(at).1);
    match state.as_deref() {
        Some("finished") => return history::finished(&face, org, pairs, &headers).await,
        None | Some("live") => {}
        Some(other) => {
            let other: String = other.chars().take(80).collect();
            return Err(Problem::parameter(
                "state",
                format!("state: {other:?} is none; write live or finished"),
            ));
        }
    }
    let page: CallsOf = params_of(&uri)?;
    parts::page(&org, query::calls(&face.desk.book, &org, &page, clock::now()))
}

/// Where a call comes from.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Of {
    /// As its events say it.
    source: Option<String>,
}

/// `GET /v1/orgs/{org}/calls/{id}?source=…`: one call as it is while it is live, and explained once it has ended.
pub(super) async fn one(
    State(face): State<Arc<Face>>,
    OrgName(org): OrgName,
    NameWithin(id): NameWithin,
    caller: Caller,
    Params(of): Params<Of>,
) -> Result<Response, Problem> {
    let source = of.source.unwrap_or_else(|| "nats".to_owned());
    let live = query::live_call(&face.desk.book, &org, EventId::of(&source, &id), clock::now());
    if let Some(call) = live.filter(|call| caller.has_account(call.told.who.account.as_deref())) {
        return Ok(parts::json(StatusCode::OK, &call));
    }
    let (look, catalog) = (look(&face, &org).await?, face.desk.book.catalog());
    let named = (source.clone(), id.clone());
    let itemise = face.desk.itemise();
    let found =
        aside(&face, move || query::ended_call(&look, &catalog, itemise, &source, &id, clock::now())).await?;
    let found = found.map_err(|error| Problem::unread(&error))?;
    match found.filter(|call| caller.has_account(call["who"]["account"].as_str())) {
        Some(call) => Ok(parts::json(StatusCode::OK, &call)),
        None => {
            let (source, id) = named;
            let why = format!(
                "{org:?} has no call {id:?} of {source:?}, live or charged; say where it comes from in source"
            );
            Err(Problem::new(StatusCode::NOT_FOUND, "unknown_call", why))
        }
    }
}
