//! Switches, over all organizations.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::Face;
use super::body::Body;
use super::parts::{self, NameInPath};
use super::problem::{Problem, Refusal};
use crate::clock;
use crate::wire::SourceRestart;

/// `POST /v1/sources/{source}/restarted`: it was started anew, so its calls of before are closed. Answers once that is in the log.
pub(super) async fn restarted(
    State(face): State<Arc<Face>>,
    NameInPath(source): NameInPath,
    body: Body,
) -> Result<Response, Problem> {
    let restart = SourceRestart::read(&body.bytes, Some(&source), clock::now())
        .map_err(|rejection| Problem::refused(StatusCode::BAD_REQUEST, Refusal::from(&rejection)))?;
    let told = face.desk.source_restarted(&restart.source, restart.time).await?;
    Ok(parts::json(StatusCode::OK, &restart.answer(told.orgs, told.calls)))
}
