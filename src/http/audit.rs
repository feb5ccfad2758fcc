//! What is written down about requests: each write by itself once it is answered; what programs do all day long, and what is refused, in
//! figures. Where a write stands in the log, the one who appended it tells.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, MatchedPath, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use parking_lot::Mutex;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::json;

use super::Face;
use super::listener::Peer;
use super::parts::{self, Params};
use super::problem::{Kind, Problem};
use super::reads::aside;
use super::routes::{Reach, Rule};
use crate::access::{Actor, Deed, Gate, Permission, Presented, Token};
use crate::clock;

/// How often what was counted is told.
const TELL_EVERY: Duration = Duration::from_secs(60);
/// The most lines on one page.
const MOST_LISTED: usize = 1_000;
/// The lines on a page where nothing is said.
const USUALLY_LISTED: usize = 100;
/// The longest path that is written down.
const LONGEST_PATH: usize = 512;

/// What is written down of a request that was let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Record {
    /// Nothing: it reads.
    No,
    /// How often it was done.
    Counted,
    /// Each by itself.
    Each,
}

impl Record {
    pub(super) fn of(rule: &Rule, method: &Method) -> Record {
        match rule.permission {
            _ if method == Method::GET || method == Method::HEAD => Record::No,
            Some(Permission::Publish | Permission::Authorize) => Record::Counted,
            _ => Record::Each,
        }
    }
}

/// What a request wrote, as far as it is told while it is worked on.
#[derive(Clone, Debug, Default)]
struct Wrote {
    seq: Option<u64>,
    about: Option<String>,
}

tokio::task_local! {
    /// Of the request that is worked on.
    static WROTE: Arc<Mutex<Wrote>>;
}

/// Tells that the request wrote this record of the log.
pub(super) fn wrote(seq: u64) {
    // What is not recorded has no place for it.
    WROTE.try_with(|wrote| wrote.lock().seq = Some(seq)).ok();
}

/// Tells what else the request was about.
pub(super) fn about(id: &str) {
    WROTE.try_with(|wrote| wrote.lock().about = Some(id.to_owned())).ok();
}

/// A request, and who asks.
pub(super) fn deed(face: &Face, parts: &Parts, token: Option<&Token>) -> Deed {
    let peer = parts.extensions.get::<ConnectInfo<Peer>>().map(|ConnectInfo(Peer(address))| *address);
    let actor = match token {
        Some(token) => Actor::token(token),
        None => Actor::other(nobody(face, peer.map(|peer| peer.ip()))),
    };
    let route = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let path = parts.uri.path();
    let is_org = face.rules.find(&parts.method, route).is_some_and(|rule| rule.reach == Reach::Org);
    let org = path.split('/').nth(3).filter(|_| is_org).map(decoded);
    let path: String = path.split('/').map(without_secret).collect::<Vec<_>>().join("/");
    let path = path.chars().take(LONGEST_PATH).collect();
    Deed {
        from: peer.map(|peer| peer.ip().to_canonical().to_string()),
        path: Some(path),
        org,
        ..Deed::new(actor, format!("{} {route}", parts.method))
    }
}

/// A part of a path as the route reads it: there is more than one way to write it.
fn decoded(part: &str) -> String {
    percent_decode_str(part).decode_utf8_lossy().into_owned()
}

/// A part of a path as it may be written down: a whole token that stands where its id belongs keeps its secret.
fn without_secret(part: &str) -> String {
    match Presented::parse(&decoded(part)) {
        Some(token) => format!("cr_{}_…", token.id()),
        None => part.to_owned(),
    }
}

/// What somebody without a token is called.
fn nobody(face: &Face, address: Option<IpAddr>) -> &'static str {
    match address {
        _ if !face.gate.open => "nobody",
        Some(address) if address.to_canonical().is_loopback() => "loopback",
        _ => "anybody",
    }
}

fn answered(deed: Deed, response: &Response) -> Deed {
    let problem = response.extensions().get::<Kind>().map(|Kind(kind)| kind.clone());
    Deed { status: Some(response.status().as_u16()), problem, ..deed }
}

/// Counts what was asked with what was answered.
pub(super) fn count(face: &Face, deed: Deed, response: &Response) {
    if face.gate.audit.count(answered(deed, response), clock::now()) {
        tokio::spawn(tell(Arc::clone(&face.gate)));
    }
}

/// Waits for the answer to a write, and writes down what came of it before the answer leaves.
pub(super) async fn record(face: Arc<Face>, deed: Deed, answer: impl Future<Output = Response>) -> Response {
    let wrote = Arc::new(Mutex::new(Wrote::default()));
    let pending = Pending { gate: Arc::clone(&face.gate), deed: Some(deed), wrote: Arc::clone(&wrote) };
    let response = WROTE.scope(wrote, answer).await;
    if let Some(written) = pending.finish(&response)
        && let Err(error) = written.await
    {
        tracing::error!(%error, "a line of the audit log was not written");
    }
    response
}

/// A write that is under way. Dropped before its answer, it is written down all the same: it may be in the log.
struct Pending {
    gate: Arc<Gate>,
    deed: Option<Deed>,
    wrote: Arc<Mutex<Wrote>>,
}

impl Pending {
    fn finish(mut self, response: &Response) -> Option<tokio::task::JoinHandle<()>> {
        let deed = self.deed.take()?;
        Some(self.write_down(answered(deed, response)))
    }

    fn write_down(&self, deed: Deed) -> tokio::task::JoinHandle<()> {
        let Wrote { seq, about } = self.wrote.lock().clone();
        let (gate, deed) = (Arc::clone(&self.gate), Deed { seq, about, ..deed });
        tokio::task::spawn_blocking(move || {
            if let Err(error) = gate.audit.append(&deed, clock::now()) {
                tracing::error!(%error, ?deed, "this is not in the audit log");
            }
        })
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let Some(deed) = self.deed.take() {
            drop(self.write_down(deed));
        }
    }
}

/// Writes down what was counted.
pub(super) async fn tell(gate: Arc<Gate>) {
    let told = tokio::task::spawn_blocking(move || gate.audit.tell_counted()).await;
    if let Ok(Err(error)) = told {
        tracing::error!(%error, "what was counted is told in the audit log later");
    }
}

/// Does so again and again.
pub(super) async fn tell_every_minute(gate: &Arc<Gate>) {
    loop {
        tokio::time::sleep(TELL_EVERY).await;
        tell(Arc::clone(gate)).await;
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    cursor: Option<String>,
    limit: Option<usize>,
}

/// `GET /v1/audit`: who did what, newest first.
pub(super) async fn list(
    State(face): State<Arc<Face>>,
    Params(page): Params<Page>,
) -> Result<Response, Problem> {
    let wrong = |why: String| Problem::new(StatusCode::BAD_REQUEST, "invalid_parameter", why);
    let limit = page.limit.unwrap_or(USUALLY_LISTED);
    if !(1..=MOST_LISTED).contains(&limit) {
        return Err(wrong(format!("limit={limit} is not possible; write 1 to {MOST_LISTED}")));
    }
    tell(Arc::clone(&face.gate)).await;
    let gate = Arc::clone(&face.gate);
    let found = aside(&face, move || gate.audit.page(page.cursor.as_deref(), limit)).await?;
    let found = found.map_err(|error| Problem::unavailable(error.to_string()))?;
    let page = found.ok_or_else(|| wrong("cursor: take it from meta.next of the page before".to_owned()))?;
    Ok(parts::json(StatusCode::OK, &json!({ "data": page.data, "meta": { "next": page.next } })))
}
