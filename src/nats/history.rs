//! The history over NATS: the same pages as over HTTP.

use std::sync::Arc;

use async_nats::service::Request;
use async_nats::service::endpoint::Endpoint;
use async_nats::service::error::Error as ServiceError;
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::sync::{Semaphore, watch};

use super::service::{answer, org_of, refusal, text, unknown_org};
use crate::book::desk::Desk;
use crate::clock;
use crate::query::{self, HistoryError, HistoryOf};

/// Where histories are asked for; the last token is the organization, the payload says which page.
pub(super) const HISTORY: &str = "creditd.history.*";

/// The most pages that are read at once; a further request is refused.
const MOST_READ: usize = 4;

/// Answers until told to stop.
pub(super) async fn serve(desk: Arc<Desk>, mut requests: Endpoint, mut stop: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(MOST_READ));
    loop {
        let request = tokio::select! {
            _ = stop.changed() => break,
            Some(request) = requests.next() => request,
            else => break,
        };
        match Arc::clone(&places).try_acquire_owned() {
            Ok(place) => {
                let desk = Arc::clone(&desk);
                tokio::spawn(async move {
                    let response = read(desk, &request).await;
                    drop(place);
                    answer(request, response).await;
                });
            }
            Err(_) => {
                let why = format!("{MOST_READ} pages of histories are read already; try again");
                answer(request, Err(refusal(503, why))).await;
            }
        }
    }
}

async fn read(desk: Arc<Desk>, request: &Request) -> Result<Bytes, ServiceError> {
    let (subject, payload) = (request.message.subject.clone(), request.message.payload.clone());
    let read = tokio::task::spawn_blocking(move || page(&desk, &subject, &payload)).await;
    read.unwrap_or_else(|error| Err(refusal(500, error.to_string())))
}

/// A page of a history. The payload holds what the parameters are over HTTP, `kind` as a list; the newest page where it is empty.
fn page(desk: &Desk, subject: &str, payload: &[u8]) -> Result<Bytes, ServiceError> {
    let org = org_of(subject)?;
    let of = if payload.is_empty() { Ok(HistoryOf::default()) } else { serde_json::from_slice(payload) };
    let of =
        of.map_err(|error| refusal(400, format!("the payload is not a page: {error}; see docs/HTTP.md")))?;
    match query::history(desk, org, &of, clock::now()) {
        Ok(Some(page)) => text(&page),
        Ok(None) => Err(unknown_org(org)),
        Err(HistoryError::Wrong(wrong)) => Err(refusal(400, wrong.to_string())),
        Err(error) => Err(refusal(503, error.to_string())),
    }
}
