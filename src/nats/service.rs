//! The micro service `creditd` (NATS ADR-32): `$SRV.PING`, `$SRV.INFO`, `$SRV.STATS`, balances, forecasts, limits, recharges, names, and
//! what takes a while to read; whether a call may start, and that a switch was started anew.

use std::sync::Arc;

use async_nats::Client;
use async_nats::service::error::Error as ServiceError;
use async_nats::service::{Request, ServiceExt};
use bytes::Bytes;
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::{Semaphore, watch};

use super::authorize::{self, AUTHORIZE, EXTEND, Endpoints, QUOTE, RELEASE};
use super::reads;
use super::restarts::RESTARTED;
use crate::book::Book;
use crate::book::desk::Desk;
use crate::clock;
use crate::ledger::names::Kind;
use crate::query::{self, NamesOf, PageOf};
use crate::wire;

/// Where balances are asked for; the last token is the organization.
const BALANCE: &str = "creditd.balance.*";

/// Where limits are asked for; the last token is the organization, the payload says which page.
const LIMITS: &str = "creditd.limits.*";

/// Where auto-recharges are asked for; the last token is the organization.
const RECHARGES: &str = "creditd.recharges.*";

/// Where names are asked for; the last token is the organization, the payload says which.
const NAMES: &str = "creditd.names.*";

/// Where forecasts are asked for; the last token is the organization.
const FORECAST: &str = "creditd.forecast.*";

/// The most lists of names and forecasts that are worked out at once; a further request is refused.
const MOST_ASIDE: usize = 4;

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
    desk: Arc<Desk>,
    mut stop: watch::Receiver<bool>,
) -> Result<(), ServeError> {
    let book = Arc::clone(&desk.book);
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
    let mut recharges = endpoint("recharges", RECHARGES).await?;
    let mut names = endpoint("names", NAMES).await?;
    let starting = Endpoints {
        authorize: endpoint("authorize", AUTHORIZE).await?,
        quote: endpoint("quote", QUOTE).await?,
        release: endpoint("release", RELEASE).await?,
        extend: endpoint("extend", EXTEND).await?,
        restarted: endpoint("restarted", RESTARTED).await?,
    };
    let (places, reading) =
        (Arc::new(Semaphore::new(MOST_ASIDE)), Arc::new(Semaphore::new(reads::MOST_ASIDE)));
    for (name, subject, ask) in reads::ASKED {
        reads::start(&client, &desk, (endpoint(name, subject).await?, ask), &reading, &stop);
    }
    tokio::spawn(authorize::serve(desk, starting, stop.clone()));
    loop {
        let (request, response) = tokio::select! {
            _ = stop.changed() => break,
            Some(request) = balances.next() => of_org(request, |subject| balance(&book, subject)),
            Some(request) = limits.next() => {
                let response = page_of_limits(&book, &request.message.subject, &request.message.payload);
                (request, response)
            }
            Some(request) = recharges.next() => of_org(request, |subject| recharges_of(&book, subject)),
            Some(request) = names.next() => {
                tokio::spawn(aside(Arc::clone(&book), Arc::clone(&places), request, page_of_names));
                continue;
            }
            Some(request) = forecasts.next() => {
                tokio::spawn(aside(Arc::clone(&book), Arc::clone(&places), request, forecast));
                continue;
            }
            else => break,
        };
        answer(request, response).await;
    }
    // Stopping tells the server; a connection that is gone needs no telling.
    drop(service.stop().await);
    Ok(())
}

pub(super) async fn answer(request: Request, response: Result<Bytes, ServiceError>) {
    if let Err(error) = request.respond(response).await {
        tracing::debug!(%error, "an answer did not reach the one who asked");
    }
}

/// A request that says nothing but its subject, with its answer.
fn of_org(
    request: Request,
    work: impl FnOnce(&str) -> Result<Bytes, ServiceError>,
) -> (Request, Result<Bytes, ServiceError>) {
    let response = work(&request.message.subject);
    (request, response)
}

fn balance(book: &Book, subject: &str) -> Result<Bytes, ServiceError> {
    let org = org_of(subject)?;
    let balance = query::balance(book, org, clock::now()).ok_or_else(|| unknown_org(org))?;
    text(&balance)
}

fn recharges_of(book: &Book, subject: &str) -> Result<Bytes, ServiceError> {
    let org = org_of(subject)?;
    let recharges = query::recharges(book, org, clock::now()).ok_or_else(|| unknown_org(org))?;
    text(&recharges)
}

fn forecast(book: &Book, subject: &str, _: &[u8]) -> Result<Bytes, ServiceError> {
    let org = org_of(subject)?;
    text(&query::forecast(book, org, clock::now()).ok_or_else(|| unknown_org(org))?)
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

/// What of a request for names says which kind.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Plural {
    Accounts,
    Teams,
    Users,
    Entities,
}

/// Works an answer out away from the threads that serve.
async fn aside(
    book: Arc<Book>,
    places: Arc<Semaphore>,
    request: Request,
    work: fn(&Book, &str, &[u8]) -> Result<Bytes, ServiceError>,
) {
    let response = match places.try_acquire() {
        Ok(_place) => {
            let (subject, payload) = (request.message.subject.clone(), request.message.payload.clone());
            let worked = tokio::task::spawn_blocking(move || work(&book, &subject, &payload)).await;
            worked.unwrap_or_else(|error| Err(refusal(500, error.to_string())))
        }
        Err(_) => Err(refusal(503, format!("{MOST_ASIDE} answers are worked out already; try again"))),
    };
    answer(request, response).await;
}

/// A page of names. The payload holds `kind` (`accounts`, `teams`, `users` or `entities`) and may hold `search`, `type`, `status`,
/// `cursor` and `limit`, as the parameters over HTTP.
fn page_of_names(book: &Book, subject: &str, payload: &[u8]) -> Result<Bytes, ServiceError> {
    let org = org_of(subject)?;
    let wrong = |why: String| refusal(400, format!("the payload is not a page: {why}; see docs/HTTP.md"));
    let mut page: Map<String, Value> =
        serde_json::from_slice(payload).map_err(|error| wrong(error.to_string()))?;
    let kind = page.remove("kind").unwrap_or_default();
    let kind = match Plural::deserialize(kind).map_err(|error| wrong(format!("kind: {error}")))? {
        Plural::Accounts => Kind::Account,
        Plural::Teams => Kind::Team,
        Plural::Users => Kind::User,
        Plural::Entities => Kind::Entity,
    };
    let wanted = NamesOf::deserialize(Value::Object(page)).map_err(|error| wrong(error.to_string()))?;
    if wanted.used {
        return Err(wrong("what entities used is answered over HTTP alone".to_owned()));
    }
    let found = query::names(book, org, kind, &wanted, clock::now())
        .map_err(|error| refusal(400, error.to_string()))?;
    text(&found.ok_or_else(|| unknown_org(org))?)
}

pub(super) fn refusal(code: usize, status: String) -> ServiceError {
    ServiceError { code, status }
}

pub(super) fn org_of(subject: &str) -> Result<&str, ServiceError> {
    let org = subject.rsplit('.').next().unwrap_or_default();
    wire::org_id(org).map_err(|error| refusal(400, error.to_string()))
}

pub(super) fn unknown_org(org: &str) -> ServiceError {
    refusal(404, format!("there is no organization {org:?}; create it first"))
}

pub(super) fn text(answer: &impl Serialize) -> Result<Bytes, ServiceError> {
    let text = serde_json::to_vec(answer).map_err(|error| refusal(500, error.to_string()))?;
    Ok(Bytes::from(text))
}
