//! States as they change, live: an organization's balance, and its live calls, as server-sent events.
//!
//! Each event is all that a `GET` answers at that moment, so nothing can be missed: who comes back is told how it is now, or nothing where it
//! is still as that client knows it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt, stream};
use serde_json::Value;
use tokio::sync::OwnedSemaphorePermit;

use super::Face;
use super::alerts::{HEARTBEAT, LAST_EVENT_ID};
use super::guard::{self, Caller};
use super::parts::{OrgName, params_of};
use super::problem::Problem;
use crate::clock;
use crate::query::{self, CallsOf};

/// The most that watch at once.
pub(super) const MOST_WATCHING: usize = 1_000;

/// How often it is looked whether a balance has changed.
const EVERY_BALANCE: Duration = Duration::from_millis(250);
/// The same of live calls, which cost more at every moment.
const EVERY_CALLS: Duration = Duration::from_secs(1);

/// `GET /v1/orgs/{org}/balance/stream`: the balance now, and whenever it has changed.
pub(super) async fn balance(
    State(face): State<Arc<Face>>,
    OrgName(org): OrgName,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let look = move |face: &Face, org: &str| {
        query::balance(&face.desk.book, org, clock::now()).and_then(|told| serde_json::to_value(told).ok())
    };
    watch(face, org, caller, &headers, EVERY_BALANCE, look)
}

/// `GET /v1/orgs/{org}/calls/stream`: the page of live calls now, and whenever it has changed.
pub(super) async fn calls(
    State(face): State<Arc<Face>>,
    OrgName(org): OrgName,
    caller: Caller,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let page: CallsOf = params_of(&uri)?;
    query::calls(&face.desk.book, &org, &page, clock::now())
        .map_err(|error| Problem::parameter("limit", error.to_string()))?;
    let look = move |face: &Face, org: &str| {
        let found = query::calls(&face.desk.book, org, &page, clock::now()).ok()??;
        serde_json::to_value(found).ok()
    };
    watch(face, org, caller, &headers, EVERY_CALLS, look)
}

/// A state that is watched.
struct Watched<L> {
    face: Arc<Face>,
    org: String,
    look: L,
    every: Duration,
    /// What the client knows.
    known: Option<String>,
    is_first: bool,
    _place: OwnedSemaphorePermit,
}

fn watch<L>(
    face: Arc<Face>,
    org: String,
    caller: Caller,
    headers: &HeaderMap,
    every: Duration,
    look: L,
) -> Result<Response, Problem>
where
    L: Fn(&Face, &str) -> Option<Value> + Send + 'static,
{
    if look(&face, &org).is_none() {
        return Err(Problem::unknown_org(&org));
    }
    let place = Arc::clone(&face.watching).try_acquire_owned().map_err(|_| {
        Problem::passing("busy", format!("{MOST_WATCHING} watch already; try again in a second"))
    })?;
    let known = headers.get(LAST_EVENT_ID).and_then(|id| id.to_str().ok()).map(str::to_owned);
    let gate = Arc::clone(&face.gate);
    let watched = Watched { face, org, look, every, known, is_first: true, _place: place };
    // Nobody goes on watching with a token that is over.
    let events = events(watched).take_until(Box::pin(guard::over(caller, gate)));
    let keep_alive = KeepAlive::new().interval(HEARTBEAT).text("alive");
    Ok(Sse::new(events).keep_alive(keep_alive).into_response())
}

/// Ends where the organization is not known any more.
fn events<L>(watched: Watched<L>) -> impl Stream<Item = Result<Event, Infallible>>
where
    L: Fn(&Face, &str) -> Option<Value> + Send + 'static,
{
    // At once, so that a client knows that it watches.
    let opened = stream::iter([Ok(Event::default().comment("watching"))]);
    opened.chain(stream::unfold(watched, |mut watched| async move {
        loop {
            if !std::mem::take(&mut watched.is_first) {
                tokio::time::sleep(watched.every).await;
            }
            let state = (watched.look)(&watched.face, &watched.org)?;
            let id = id_of(&state);
            if watched.known.as_ref() != Some(&id) {
                let event = Event::default().id(&id).data(state.to_string());
                watched.known = Some(id);
                return Some((Ok(event), watched));
            }
        }
    }))
}

/// What tells a state from others: it is the same where nothing but the instant differs.
fn id_of(state: &Value) -> String {
    let mut told = state.clone();
    if let Some(fields) = told.as_object_mut() {
        fields.remove("as_of");
    }
    // What else happens in the organization is nothing new on a page of it.
    if let Some(fields) = told.get_mut("meta").and_then(Value::as_object_mut) {
        fields.retain(|field, _| field != "as_of" && field != "seq");
    }
    format!("{:016x}", xxhash_rust::xxh3::xxh3_64(told.to_string().as_bytes()))
}
