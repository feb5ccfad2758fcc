//! Limits: put, taken away, and how far they are used up.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde_json::Map;

use super::Face;
use super::body::Body;
use super::commands::{command, named, object};
use super::parts::{self, NameWithin, OrgName, Params};
use super::problem::Problem;
use crate::clock;
use crate::query::{self, PageOf};
use crate::wire::Subject;

/// `GET /v1/orgs/{org}/limits`: what is used of each limit in force, a page at a time.
pub(super) async fn list(
    State(face): State<Arc<Face>>,
    OrgName(org): OrgName,
    Params(page): Params<PageOf>,
) -> Result<Response, Problem> {
    answer(&face, &org, &page)
}

/// `PUT /v1/orgs/{org}/limits/{id}`: states a limit of the organization whole. Answers it as it is in force.
pub(super) async fn put(
    State(face): State<Arc<Face>>,
    OrgName(org): OrgName,
    NameWithin(id): NameWithin,
    body: Body,
) -> Result<Response, Problem> {
    let data = named(&id, object(&body)?)?;
    command(&face, Subject::Commands(&org), "creditd.limit.put.v1", data).await?;
    answer(&face, &org, &PageOf { id: Some(id), ..PageOf::default() })
}

/// `DELETE /v1/orgs/{org}/limits/{id}`: takes a limit of the organization away. Answers that of its plan, if there is one.
pub(super) async fn remove(
    State(face): State<Arc<Face>>,
    OrgName(org): OrgName,
    NameWithin(id): NameWithin,
    body: Body,
) -> Result<Response, Problem> {
    let data = if body.bytes.is_empty() { Map::new() } else { object(&body)? };
    let data = named(&id, data)?;
    command(&face, Subject::Commands(&org), "creditd.limit.remove.v1", data).await?;
    answer(&face, &org, &PageOf { id: Some(id), ..PageOf::default() })
}

fn answer(face: &Face, org: &str, page: &PageOf) -> Result<Response, Problem> {
    parts::page(org, query::limits(&face.desk.book, org, page, clock::now()))
}
