//! The micro service `creditd` (NATS ADR-32): `$SRV.PING`, `$SRV.INFO`, `$SRV.STATS`, balances and limits.

use std::sync::Arc;

use async_nats::Client;
use async_nats::service::error::Error as ServiceError;
use async_nats::service::{Request, ServiceExt};
use bytes::Bytes;
use futures_util::StreamExt;
use serde::Serialize;
use tokio::sync::watch;

use crate::book::Book;
use crate::clock;
use crate::query::{self, PageOf};
use crate::wire;

/// Where balances are asked for; the last token is the organization.
const BALANCE: &str = "creditd.balance.*";

/// Where limits are asked for; the last token is the organization, the payload says which page.
const LIMITS: &str = "creditd.limits.*";

/// Why the service could not start.
#[derive(Debug, thiserror::Error)]
#[error("the NATS service cannot start: {0}")]
pub struct ServeError(String);

/// Answers requests until told to stop.
///
/// # Errors
/// [`ServeError`] when the subscriptions cannot be made.
pub async fn serve(
    client: Client,
    book: Arc<Book>,
    mut stop: watch::Receiver<bool>,
) -> Result<(), ServeError> {
    let service = client
        .service_builder()
        .description("Prepaid credit balances, live")
        .start("creditd", env!("CARGO_PKG_VERSION"))
        .await
        .map_err(|error| ServeError(error.to_string()))?;
    let mut balances = service
        .endpoint_builder()
        .name("balance")
        .add(BALANCE)
        .await
        .map_err(|error| ServeError(error.to_string()))?;
    let mut limits = service
        .endpoint_builder()
        .name("limits")
        .add(LIMITS)
        .await
        .map_err(|error| ServeError(error.to_string()))?;
    loop {
        let (request, response) = tokio::select! {
            _ = stop.changed() => break,
            Some(request) = balances.next() => {
                let response = balance(&book, &request.message.subject);
                (request, response)
            }
            Some(request) = limits.next() => {
                let response = page_of_limits(&book, &request.message.subject, &request.message.payload);
                (request, response)
            }
            else => break,
        };
        answer(request, response).await;
    }
    // Stopping tells the server; a connection that is gone needs no telling.
    drop(service.stop().await);
    Ok(())
}

async fn answer(request: Request, response: Result<Bytes, ServiceError>) {
    if let Err(error) = request.respond(response).await {
        tracing::debug!(%error, "an answer did not reach the one who asked");
    }
}

fn balance(book: &Book, subject: &str) -> Result<Bytes, ServiceError> {
    let org = org_of(subject)?;
    let balance = query::balance(book, org, clock::now()).ok_or_else(|| unknown_org(org))?;
    text(&balance)
}

/// A page of limits. The payload may hold `id`, `cursor` and `limit`, as the parameters over HTTP; the first page where it is
/// empty.
fn page_of_limits(book: &Book, subject: &str, payload: &[u8]) -> Result<Bytes, ServiceError> {
    let org = org_of(subject)?;
    let page = if payload.is_empty() { Ok(PageOf::default()) } else { serde_json::from_slice(payload) };
    let page =
        page.map_err(|error| refusal(400, format!("the payload is not a page: {error}; see docs/HTTP.md")))?;
    let found =
        query::limits(book, org, &page, clock::now()).map_err(|error| refusal(400, error.to_string()))?;
    text(&found.ok_or_else(|| unknown_org(org))?)
}

fn refusal(code: usize, status: String) -> ServiceError {
    ServiceError { code, status }
}

fn org_of(subject: &str) -> Result<&str, ServiceError> {
    let org = subject.rsplit('.').next().unwrap_or_default();
    wire::org_id(org).map_err(|error| refusal(400, error.to_string()))
}

fn unknown_org(org: &str) -> ServiceError {
    refusal(404, format!("there is no organization {org:?}; create it first"))
}

fn text(answer: &impl Serialize) -> Result<Bytes, ServiceError> {
    let text = serde_json::to_vec(answer).map_err(|error| refusal(500, error.to_string()))?;
    Ok(Bytes::from(text))
}
