//! Live calls.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use super::Face;
use super::parts::{self, OrgName, Params};
use super::problem::Problem;
use crate::clock;
use crate::query::{self, CallsOf};

/// `GET /v1/orgs/{org}/calls`: the live ones, a page at a time.
pub(super) async fn list(
    State(face): State<Arc<Face>>,
    OrgName(org): OrgName,
    Params(page): Params<CallsOf>,
) -> Result<Response, Problem> {
    parts::page(&org, query::calls(&face.desk.book, &org, &page, clock::now()))
}
