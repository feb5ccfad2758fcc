//! The history: movements of credits, newest first, as JSON a page at a time, or as CSV of any length.

use std::io;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use futures_util::{Stream, stream};
use serde::Serialize;
use tokio::sync::Semaphore;

use super::Face;
use super::guard::Caller;
use super::parts::{self, NameWithin, OrgName, Params};
use super::problem::Problem;
use super::reads::aside;
use crate::book::itemise::Itemise;
use crate::clock;
use crate::query::{self, AsOf, Export, Exported, HistoryError, HistoryOf, Step};
use crate::wire::time;

/// Parameters as they stand after the `?`: some may be there several times.
pub(super) type Pairs = Params<Vec<(String, String)>>;

/// `GET /v1/orgs/{org}/history`: every movement of credits, newest first, a page at a time.
pub(super) async fn list(
    State(face): State<Arc<Face>>,
    OrgName(org): OrgName,
    caller: Caller,
    Params(mut pairs): Pairs,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.keep(&mut pairs, 1)?;
    let of = HistoryOf::read(pairs).map_err(|wrong| problem(wrong.into()))?;
    if parts::wants_csv(&headers) {
        return export(&face, org, of, Exported::History).await;
    }
    let (desk, name) = (Arc::clone(&face.desk), org.clone());
    let found = aside(&face, move || query::history(&desk, &name, &of, clock::now())).await?;
    answer(&org, found)
}

/// `GET /v1/orgs/{org}/calls?state=finished`: the calls that are over, newest first, a page at a time.
pub(super) async fn finished(
    face: &Face,
    org: String,
    pairs: Vec<(String, String)>,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let of = HistoryOf::read(pairs).map_err(|wrong| problem(wrong.into()))?;
    if parts::wants_csv(headers) {
        return export(face, org, of, Exported::FinishedCalls).await;
    }
    let (desk, name) = (Arc::clone(&face.desk), org.clone());
    let found = aside(face, move || query::finished_calls(&desk, &name, &of, clock::now())).await?;
    answer(&org, found)
}

/// `GET /v1/orgs/{org}/charges/{seq}`: one charge explained.
pub(super) async fn charge(
    State(face): State<Arc<Face>>,
    OrgName(org): OrgName,
    NameWithin(seq): NameWithin,
) -> Result<Response, Problem> {
    let (desk, name, at) = (Arc::clone(&face.desk), org.clone(), seq.clone());
    let found = aside(&face, move || query::charge(&desk, &name, &at, clock::now())).await?;
    match found.map_err(problem)? {
        Some(Some(told)) => Ok(parts::json(StatusCode::OK, &told)),
        Some(None) => {
            let mut why = format!("nothing was charged at {seq}; take the seq of a charge from the history");
            if face.desk.itemise() != Itemise::All {
                why += ", which does not show all of them one by one here";
            }
            if let Some(instant) = face.desk.kept_from() {
                why += &format!(". What is older than {} is not kept any more", time::format(instant));
            }
            Err(Problem::new(StatusCode::NOT_FOUND, "unknown_charge", why))
        }
        None => Err(Problem::unknown_org(&org)),
    }
}

/// What was found of an organization, if there is one.
fn answer<T: Serialize>(org: &str, found: Result<Option<T>, HistoryError>) -> Result<Response, Problem> {
    match found.map_err(problem)? {
        Some(found) => Ok(parts::json(StatusCode::OK, &found)),
        None => Err(Problem::unknown_org(org)),
    }
}

/// Why there is no page.
fn problem(error: HistoryError) -> Problem {
    match error {
        HistoryError::Wrong(wrong) => Problem::parameter(&wrong.field, wrong.to_string()),
        other => Problem::unavailable(other.to_string()),
    }
}

/// An answer in CSV, read step by step as the client takes it.
async fn export(face: &Face, org: String, of: HistoryOf, what: Exported) -> Result<Response, Problem> {
    let (desk, name) = (Arc::clone(&face.desk), org.clone());
    let begun = aside(face, move || Export::begin(desk, name, &of, what, clock::now())).await?;
    let (AsOf { seq, as_of, zone }, step) =
        begun.map_err(problem)?.ok_or_else(|| Problem::unknown_org(&org))?;
    let file = match what {
        Exported::History => "history",
        Exported::FinishedCalls => "calls",
    };
    let mut told = vec![
        (parts::SEQ, seq.to_string()),
        (parts::AS_OF, time::format(as_of)),
        (parts::ZONE, zone),
        (HeaderName::from_static("creditd-itemised"), face.desk.itemise().name().to_owned()),
    ];
    let kept_from = HeaderName::from_static("creditd-kept-from");
    told.extend(face.desk.kept_from().map(|instant| (kept_from, time::format(instant))));
    let body = Body::from_stream(steps(step, Arc::clone(&face.aside)));
    Ok(parts::csv(&format!("{org}-{file}"), body, &told))
}

/// What is still to be sent.
enum Rest {
    Bytes(Step),
    Export(Export),
    Nothing,
}

/// The bytes of an export. A step is read once the one before it was taken; while there is no place to read it, it waits.
fn steps(first: Step, places: Arc<Semaphore>) -> impl Stream<Item = io::Result<Bytes>> {
    stream::try_unfold((Rest::Bytes(first), places), |(rest, places)| async move {
        let (bytes, export) = match rest {
            Rest::Bytes(step) => step,
            Rest::Export(export) => read(export, &places).await.map_err(io::Error::other)?,
            Rest::Nothing => return Ok(None),
        };
        let rest = export.map_or(Rest::Nothing, Rest::Export);
        Ok(Some((Bytes::from(bytes), (rest, places))))
    })
}

async fn read(export: Export, places: &Arc<Semaphore>) -> Result<Step, String> {
    let place = Arc::clone(places).acquire_owned().await.map_err(|error| error.to_string())?;
    let read = tokio::task::spawn_blocking(move || {
        let step = export.step();
        drop(place);
        step
    });
    match read.await {
        Ok(step) => step.map_err(|error| {
            tracing::warn!(%error, "an export ends early");
            error.to_string()
        }),
        Err(error) => Err(error.to_string()),
    }
}
