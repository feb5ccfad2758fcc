//! The micro service `creditd` (NATS ADR-32): `$SRV.PING`, `$SRV.INFO`, `$SRV.STATS`, and the balance.

use std::sync::Arc;

use async_nats::Client;
use async_nats::service::error::Error as ServiceError;
use async_nats::service::{Request, ServiceExt};
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::sync::watch;

use crate::book::Book;
use crate::clock;
use crate::query;
use crate::wire;

/// Where balances are asked for; the last token is the organization.
const BALANCE: &str = "creditd.balance.*";

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
    loop {
        tokio::select! {
            _ = stop.changed() => break,
            request = balances.next() => match request {
                Some(request) => answer(&book, request).await,
                None => break,
            }
        }
    }
    // Stopping tells the server; a connection that is gone needs no telling.
    drop(service.stop().await);
    Ok(())
}

async fn answer(book: &Book, request: Request) {
    let response = balance(book, &request.message.subject);
    if let Err(error) = request.respond(response).await {
        tracing::debug!(%error, "an answer did not reach the one who asked");
    }
}

fn balance(book: &Book, subject: &str) -> Result<Bytes, ServiceError> {
    let refusal = |code, status: String| ServiceError { code, status };
    let org = subject.rsplit('.').next().unwrap_or_default();
    wire::org_id(org).map_err(|error| refusal(400, error.to_string()))?;
    let balance = query::balance(book, org, clock::now())
        .ok_or_else(|| refusal(404, format!("there is no organization {org:?}; create it first")))?;
    let text = serde_json::to_vec(&balance).map_err(|error| refusal(500, error.to_string()))?;
    Ok(Bytes::from(text))
}
