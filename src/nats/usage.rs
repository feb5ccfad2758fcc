//! Usage and its spikes over the service: the same questions and answers as over HTTP.

use std::sync::Arc;

use async_nats::Client;
use async_nats::service::Request;
use async_nats::service::endpoint::Endpoint;
use async_nats::service::error::Error as ServiceError;
use bytes::Bytes;
use futures_util::StreamExt;
use serde::Serialize;
use tokio::sync::{Semaphore, watch};

use super::service::{MOST_ASIDE, answer, org_of, refusal, text, unknown_org};
use crate::book::desk::Desk;
use crate::clock;
use crate::query::{self, Parameters, UsageError};

/// What is asked where: usage and its spikes. The last token is the organization, the payload holds the parameters.
pub(super) const ASKED: [(&str, &str, Ask); 2] =
    [("usage", "creditd.usage.*", usage), ("spikes", "creditd.spikes.*", spikes)];

/// Answers what is asked at an endpoint until told to stop.
pub(super) fn start(
    client: &Client,
    desk: &Arc<Desk>,
    asked: (Endpoint, Ask),
    places: &Arc<Semaphore>,
    stop: &watch::Receiver<bool>,
) {
    let (client, desk, places) = (client.clone(), Arc::clone(desk), Arc::clone(places));
    tokio::spawn(serve(client, desk, asked, places, stop.clone()));
}

/// Answers requests until told to stop, each away from the threads that serve.
async fn serve(
    client: Client,
    desk: Arc<Desk>,
    (mut requests, ask): (Endpoint, Ask),
    places: Arc<Semaphore>,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        tokio::select! {
            _ = stop.changed() => break,
            Some(request) = requests.next() => {
                tokio::spawn(one(ask, client.clone(), Arc::clone(&desk), Arc::clone(&places), request));
            }
            else => break,
        }
    }
}

async fn one(ask: Ask, client: Client, desk: Arc<Desk>, places: Arc<Semaphore>, request: Request) {
    let response = match places.try_acquire() {
        Ok(_place) => worked(ask, &desk, &request).await,
        Err(_) => Err(refusal(503, format!("{MOST_ASIDE} answers are worked out already; try again"))),
    };
    let most = client.server_info().max_payload;
    let response = match response {
        Ok(text) if text.len() > most => {
            let why = format!(
                "the answer has {} bytes, and the server takes {most}; ask for a smaller limit, a longer interval or a \
                 shorter range",
                text.len()
            );
            Err(refusal(413, why))
        }
        response => response,
    };
    answer(request, response).await;
}

/// Answers a question about an organization.
pub(super) type Ask = fn(&Desk, &str, Parameters) -> Result<Bytes, ServiceError>;

/// What was used, by whom and for what.
fn usage(desk: &Desk, org: &str, given: Parameters) -> Result<Bytes, ServiceError> {
    told(org, query::usage(desk, org, given, clock::now()))
}

/// Hours and days in which far more was used than before.
fn spikes(desk: &Desk, org: &str, given: Parameters) -> Result<Bytes, ServiceError> {
    told(org, query::spikes(desk, org, given, clock::now()))
}

async fn worked(ask: Ask, desk: &Arc<Desk>, request: &Request) -> Result<Bytes, ServiceError> {
    let org = org_of(&request.message.subject)?.to_owned();
    let given = Parameters::of_json(&request.message.payload);
    let given = given.map_err(|refused| refusal(400, refused.to_string()))?;
    let desk = Arc::clone(desk);
    let worked = tokio::task::spawn_blocking(move || ask(&desk, &org, given)).await;
    worked.unwrap_or_else(|error| Err(refusal(500, error.to_string())))
}

fn told<T: Serialize>(org: &str, answered: Result<Option<T>, UsageError>) -> Result<Bytes, ServiceError> {
    match answered {
        Ok(Some(answer)) => text(&answer),
        Ok(None) => Err(unknown_org(org)),
        Err(UsageError::Gone(why)) => Err(refusal(503, why.to_owned())),
        Err(UsageError::Refused(refused)) => Err(refusal(400, refused.to_string())),
        Err(UsageError::Unread(error)) => Err(refusal(503, format!("the history cannot be read: {error}"))),
    }
}
