//! Balances, forecasts, organizations and the catalog out.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

use super::Face;
use super::guard::Caller;
use super::parts::{self, OrgName, Params};
use super::problem::Problem;
use crate::book::pipeline::Look;
use crate::clock;
use crate::query::{self, MOST_LISTED};
use crate::wire;

/// `GET /v1/orgs/{org}/balance`: one look under the organization's guard, one pass over what was copied.
pub(super) async fn balance(
    State(face): State<Arc<Face>>,
    OrgName(org): OrgName,
) -> Result<Response, Problem> {
    match query::balance(&face.desk.book, &org, clock::now()) {
        Some(balance) => Ok(parts::json(StatusCode::OK, &balance)),
        None => Err(Problem::unknown_org(&org)),
    }
}

/// `GET /v1/orgs/{org}/forecast`: how long the credits last. Reckoned beside the threads that serve.
pub(super) async fn forecast(
    State(face): State<Arc<Face>>,
    OrgName(org): OrgName,
) -> Result<Response, Problem> {
    let (book, name) = (Arc::clone(&face.desk.book), org.clone());
    let reckoned = aside(&face, move || query::forecast(&book, &name, clock::now())).await?;
    let forecast = reckoned.ok_or_else(|| Problem::unknown_org(&org))?;
    Ok(parts::json(StatusCode::OK, &forecast))
}

/// The names on a page where nothing is said.
const USUALLY_LISTED: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    cursor: Option<String>,
    limit: Option<usize>,
}

/// `GET /v1/orgs`: the organizations in order, those of the caller's scope, a page at a time.
pub(super) async fn orgs(
    State(face): State<Arc<Face>>,
    caller: Caller,
    Params(page): Params<Page>,
) -> Result<Response, Problem> {
    let wrong = |why: String| Problem::new(StatusCode::BAD_REQUEST, "invalid_parameter", why);
    let limit = page.limit.unwrap_or(USUALLY_LISTED);
    if !(1..=MOST_LISTED).contains(&limit) {
        return Err(wrong(format!("limit={limit} is not possible; write 1 to {MOST_LISTED}")));
    }
    if let Some(cursor) = &page.cursor
        && let Err(error) = wire::org_id(cursor)
    {
        return Err(wrong(format!("cursor: {error}; take it from meta.next of the page before")));
    }
    let found = query::orgs(&face.desk.book, page.cursor.as_deref(), limit, caller.orgs());
    let meta = json!({ "next": found.next.as_deref() });
    Ok(parts::json(StatusCode::OK, &json!({ "data": found.data, "meta": meta })))
}

/// `GET /v1/orgs/{org}`: its name and plan.
pub(super) async fn org(State(face): State<Arc<Face>>, OrgName(org): OrgName) -> Result<Response, Problem> {
    match query::org(&face.desk.book, &org, clock::now()) {
        Some(line) => Ok(parts::json(StatusCode::OK, &line)),
        None => Err(Problem::unknown_org(&org)),
    }
}

/// `GET /v1/catalog`: every version of every rate card and plan.
pub(super) async fn catalog(State(face): State<Arc<Face>>) -> Response {
    parts::json(StatusCode::OK, &query::catalog(&face.desk.book.catalog()))
}

/// How the organization stands, with its history.
pub(super) async fn look(face: &Face, org: &str) -> Result<Look, Problem> {
    let look = face.desk.look(org).await.map_err(Problem::unavailable)?;
    look.ok_or_else(|| Problem::unknown_org(org))
}

/// So many answers that take long are worked out at once.
pub(super) const MOST_ASIDE: usize = 16;

/// Carries out what takes long, away from the threads that serve.
pub(super) async fn aside<T: Send + 'static>(
    face: &Face,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    let Ok(place) = Arc::clone(&face.aside).try_acquire_owned() else {
        let why = format!("{MOST_ASIDE} answers that take long are worked out already");
        return Err(Problem::passing("busy", why));
    };
    // Who hangs up does not end the work: its place is taken until then.
    let ended = tokio::task::spawn_blocking(move || {
        let done = work();
        drop(place);
        done
    });
    ended.await.map_err(|error| Problem::unavailable(format!("it ended early: {error}")))
}
