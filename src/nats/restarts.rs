//! A switch was started anew, told over the service for all organizations.

use std::sync::Arc;

use async_nats::service::Request;
use async_nats::service::error::Error as ServiceError;
use bytes::Bytes;
use tokio::sync::Semaphore;

use super::service::{answer, refusal, text};
use crate::book::desk::Desk;
use crate::clock;
use crate::wire::SourceRestart;

/// Where it is told; the payload names the switch, and may say when.
pub(super) const RESTARTED: &str = "creditd.restarted";

/// The most restarts that are told on at once; a further one is refused.
pub(super) const MOST_RESTARTS: usize = 4;

/// Answers one request: every organization is looked at, and many may have to be told.
pub(super) async fn serve(desk: Arc<Desk>, places: Arc<Semaphore>, request: Request) {
    let response = match places.try_acquire() {
        Ok(_place) => restarted(&desk, &request.message.payload).await,
        Err(_) => Err(refusal(503, format!("{MOST_RESTARTS} restarts are told on already; try again"))),
    };
    answer(request, response).await;
}

async fn restarted(desk: &Desk, payload: &[u8]) -> Result<Bytes, ServiceError> {
    let restart = SourceRestart::read(payload, None, clock::now())
        .map_err(|rejection| refusal(400, rejection.to_string()))?;
    let told = desk.source_restarted(&restart.source, restart.time).await;
    let told = told.map_err(|error| refusal(503, error.to_string()))?;
    text(&restart.answer(told.orgs, told.calls))
}
