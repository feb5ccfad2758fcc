//! The micro service `creditd` (NATS ADR-32): `$SRV.PING`, `$SRV.INFO`, `$SRV.STATS`, balances, forecasts and limits.

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

/// Where forecasts are asked for; the last token is the organization.
const FORECAST: &str = "creditd.forecast.*";

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
    let endpoint = async |name: &str, subject: &str| {
        let endpoint = service.endpoint_builder().name(name).add(subject).await;
        endpoint.map_err(|error| ServeError(error.to_string()))
    };
    let mut balances = endpoint("balance", BALANCE).await?;
    let mut limits = endpoint("limits", LIMITS).await?;
    let mut forecasts = endpoint("forecast", FORECAST).await?;
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
            Some(request) = forecasts.next() => {
                let response = forecast(&book, &request.message.subject).await;
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

/// Reckoned beside the threads that serve.
async fn forecast(book: &Arc<Book>, subject: &str) -> Result<Bytes, ServiceError> {
    let org = org_of(subject)?;
    let (book, name) = (Arc::clone(book), org.to_owned());
    let reckoned = tokio::task::spawn_blocking(move || query::forecast(&book, &name, clock::now())).await;
    let forecast = reckoned.map_err(|error| refusal(500, format!("the forecast ended early: {error}")))?;
    text(&forecast.ok_or_else(|| unknown_org(org))?)
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
