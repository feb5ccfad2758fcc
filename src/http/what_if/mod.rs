//! What if: other prices over the real history. An answer takes a while, so it is begun, asked after, and fetched.

mod jobs;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::State as Shared;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use self::jobs::{Job, MOST_UNDER_WAY, State};
use super::Face;
use super::body::Body;
use super::commands::object;
use super::parts::{self, NameInPath, Params};
use super::problem::Problem;
use super::routes::{Routes, whole};
use crate::access::Permission;
use crate::query::{Order, Outcome, Refused, WhatIf};
use crate::wire::time;

pub(super) use self::jobs::Jobs;

/// The routes of what would have been. They are for whom sets the prices.
pub(super) fn routes(routes: Routes) -> Routes {
    let rule = whole(Permission::Administer);
    routes
        .get("/v1/what-if", rule, list)
        .post("/v1/what-if", rule, begin)
        .get("/v1/what-if/{id}", rule, one)
        .delete("/v1/what-if/{id}", rule, forget)
}

/// The organizations on a page where nothing is said, and at most.
const USUALLY_LISTED: usize = 100;
const MOST_LISTED: usize = 1_000;

/// `POST /v1/what-if`: begins to work out what other prices would have come to.
async fn begin(Shared(face): Shared<Arc<Face>>, body: Body) -> Result<Response, Problem> {
    let asked = WhatIf::read(object(&body)?, &face.desk.book.catalog()).map_err(refused)?;
    if let Some(unknown) = asked.unknown_orgs(&face.desk).next() {
        return Err(Problem::unknown_org(unknown));
    }
    let job = face.what_ifs.begin(asked, &face.desk).ok_or_else(|| {
        let why =
            format!("{MOST_UNDER_WAY} such answers are under way; wait until one has ended, or DELETE one");
        Problem::new(StatusCode::CONFLICT, "too_many", why)
    })?;
    Ok(parts::json(StatusCode::ACCEPTED, &state_json(&job)))
}

fn refused(refused: Refused) -> Problem {
    Problem::parameter(&refused.field, refused.why)
}

/// `GET /v1/what-if`: the answers that are there or under way, newest first, without their organizations.
async fn list(Shared(face): Shared<Arc<Face>>) -> Response {
    let all: Vec<Value> = face.what_ifs.list().iter().map(|job| Value::Object(state_json(job))).collect();
    parts::json(StatusCode::OK, &json!({ "data": all }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    sort: Option<String>,
    limit: Option<usize>,
    cursor: Option<usize>,
}

/// `GET /v1/what-if/{id}`: how far an answer is, and the answer once it is there.
async fn one(
    Shared(face): Shared<Arc<Face>>,
    NameInPath(id): NameInPath,
    Params(page): Params<Page>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let job = found(&face, &id)?;
    let order = page.sort.as_deref().map(Order::read).transpose().map_err(refused)?.unwrap_or_default();
    let limit = page.limit.unwrap_or(USUALLY_LISTED);
    if !(1..=MOST_LISTED).contains(&limit) {
        let why = format!("limit: {limit} is not possible; write 1 to {MOST_LISTED}");
        return Err(Problem::parameter("limit", why));
    }
    let state = job.state();
    if parts::wants_csv(&headers) {
        let State::Done(_, outcome) = state else {
            let why = "the answer is not there yet; ask again, without Accept: text/csv, how far it is";
            return Err(Problem::new(StatusCode::CONFLICT, "not_done", why));
        };
        return Ok(parts::csv(&format!("what-if-{id}"), outcome.csv(order), &[]));
    }
    let mut told = state_json(&job);
    told.insert("kept_from".to_owned(), json!(face.desk.kept_from().map(time::format)));
    if let State::Done(_, outcome) = state {
        page_json(&outcome, order, page.cursor.unwrap_or(0), limit, &mut told);
    }
    Ok(parts::json(StatusCode::OK, &told))
}

fn page_json(outcome: &Outcome, order: Order, after: usize, limit: usize, told: &mut Map<String, Value>) {
    let page = outcome.page(order, after, limit);
    told.insert("data".to_owned(), json!(page.data));
    told.insert("meta".to_owned(), json!({ "next": page.next.map(|next| next.to_string()) }));
}

/// `DELETE /v1/what-if/{id}`: the answer is not wanted any more.
async fn forget(Shared(face): Shared<Arc<Face>>, NameInPath(id): NameInPath) -> Result<Response, Problem> {
    let job = found(&face, &id)?;
    face.what_ifs.forget(job.number);
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn found(face: &Face, id: &str) -> Result<Arc<Job>, Problem> {
    let job = id.parse().ok().and_then(|number| face.what_ifs.get(number));
    job.ok_or_else(|| {
        let shown: String = id.chars().take(40).collect();
        let why = format!(
            "there is no answer {shown:?}: a few are kept, and none over a restart; ask again with POST /v1/what-if"
        );
        Problem::new(StatusCode::NOT_FOUND, "unknown_what_if", why)
    })
}

/// An answer without its organizations.
fn state_json(job: &Job) -> Map<String, Value> {
    let progress = &job.progress;
    let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    let (state, ended, why, totals) = match job.state() {
        State::Running => ("running", None, None, None),
        State::Done(at, outcome) => ("done", Some(at), None, Some(json!(outcome.totals))),
        State::Failed(at, why) => ("failed", Some(at), Some(why), None),
    };
    let told = json!({
        "id": job.number.to_string(),
        "state": state,
        "why": why,
        "as_of": time::format(job.begun),
        "ended": ended.map(time::format),
        "range": job.asked.range(),
        "prices": job.asked.prices(),
        "progress": {
            "orgs": count(&progress.done), "of": count(&progress.all), "charges": count(&progress.charges),
        },
        "totals": totals,
    });
    match told {
        Value::Object(told) => told,
        _ => Map::new(),
    }
}
