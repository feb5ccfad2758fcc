//! Alerts: the last ones, newest first, and those that come, live.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt, stream};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Face;
use super::guard::{self, Caller};
use super::parts::{self, OrgName, Params};
use super::problem::Problem;
use super::webhooks::deliveries;
use crate::clock;
use crate::notify::alerts::{Alert, Listening};
use crate::query::{AsOf, PageMeta};

/// The most alerts on one page.
const MOST_LISTED: usize = 200;
/// The alerts on a page where nothing is said.
const USUALLY_LISTED: usize = 50;
/// How often a stream on which nothing happens gives a sign of life: more often than silence ends a connection.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(15);
/// What a client that comes back says it heard last.
pub(super) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    cursor: Option<u64>,
    limit: Option<usize>,
}

/// `GET /v1/orgs/{org}/alerts`: the last alerts, newest first, each with what became of it at each webhook.
pub(super) async fn list(
    State(face): State<Arc<Face>>,
    OrgName(org): OrgName,
    Params(page): Params<Page>,
) -> Result<Response, Problem> {
    let limit = page.limit.unwrap_or(USUALLY_LISTED);
    if !(1..=MOST_LISTED).contains(&limit) {
        let why = format!("limit={limit} is not possible; write 1 to {MOST_LISTED}");
        return Err(Problem::new(StatusCode::BAD_REQUEST, "invalid_parameter", why));
    }
    let (webhooks, as_of): (Vec<String>, _) = face
        .desk
        .book
        .read(&org, |slot| {
            let webhooks = slot.org.webhooks().map(|(id, _)| id.to_owned()).collect();
            (webhooks, AsOf::of(&slot.org, clock::now()))
        })
        .ok_or_else(|| Problem::unknown_org(&org))?;
    let mut found = face.channels.alerts.newest(&org, page.cursor, limit.saturating_add(1));
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|alert| alert.number.to_string());
    let told = |alert: &Arc<Alert>| {
        let event: Value = serde_json::from_slice(&alert.payload).unwrap_or_default();
        json!({
            "id": alert.id,
            "kind": alert.kind,
            "time": event["time"],
            "data": event["data"],
            "deliveries": deliveries(&face.channels, &org, &webhooks, &alert.id),
        })
    };
    let data: Vec<Value> = found.iter().map(told).collect();
    Ok(parts::json(StatusCode::OK, &json!({ "data": data, "meta": PageMeta { next, as_of } })))
}

/// `GET /v1/orgs/{org}/alerts/stream`: alerts as they are raised, as server-sent events.
pub(super) async fn stream(
    State(face): State<Arc<Face>>,
    OrgName(org): OrgName,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if face.desk.book.read(&org, |_| ()).is_none() {
        return Err(Problem::unknown_org(&org));
    }
    let heard = headers.get(LAST_EVENT_ID).and_then(|id| id.to_str().ok()).filter(|id| !id.is_empty());
    let Some(listening) = face.channels.alerts.listen(&org, heard) else {
        return Err(Problem::passing("busy", "as many listen as can be told; try again in a second"));
    };
    let keep_alive = KeepAlive::new().interval(HEARTBEAT).text("alive");
    // Nobody goes on listening with a token that is over.
    let events = events(listening).take_until(Box::pin(guard::over(caller, Arc::clone(&face.gate))));
    Ok(Sse::new(events).keep_alive(keep_alive).into_response())
}

fn events(listening: Listening) -> impl Stream<Item = Result<Event, Infallible>> {
    let Listening { missed, live } = listening;
    // At once, so that a client knows that it listens.
    let opened = Event::default().comment("listening");
    let live = stream::unfold(live, |mut live| async move { live.recv().await.map(|alert| (alert, live)) });
    let alerts = stream::iter(missed).chain(live).map(|alert| event(&alert));
    stream::iter([opened]).chain(alerts).map(Ok)
}

fn event(alert: &Alert) -> Event {
    // An event is lines: what would break one is not let into it.
    let line = |text: &str| text.replace(|c: char| c.is_control(), " ");
    let event = Event::default().data(line(&String::from_utf8_lossy(&alert.payload)));
    if alert.id.chars().any(char::is_control) { event } else { event.id(&alert.id) }
}
