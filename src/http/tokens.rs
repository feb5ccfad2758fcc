//! Tokens: made, listed, given another secret and taken away. A secret is shown in the answer that makes it, and never again.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Face;
use super::audit;
use super::body::Body;
use super::parts::{self, NameInPath, Params};
use super::problem::{Problem, Refusal};
use super::reads::aside;
use super::routes::{Routes, whole};
use crate::access::{AccessError, Gate, Issued, NewToken, Permission, Role, Scope, Token};
use crate::clock;
use crate::ledger::units::{Millis, Timestamp};
use crate::wire::{Object, time};

/// The most tokens on one page.
const MOST_LISTED: usize = 1_000;
/// The tokens on a page where nothing is said.
const USUALLY_LISTED: usize = 100;

pub(super) fn routes(routes: Routes) -> Routes {
    let grant = whole(Permission::Grant);
    routes
        .get("/v1/tokens", grant, list)
        .post("/v1/tokens", grant, create)
        .post("/v1/tokens/{id}/rotate", grant, rotate)
        .delete("/v1/tokens/{id}", grant, revoke)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    name: String,
    role: String,
    #[serde(default)]
    orgs: Option<Vec<String>>,
    #[serde(default)]
    accounts: Option<Vec<String>>,
    #[serde(default)]
    expires: Option<String>,
    #[serde(default)]
    per_second: Option<u32>,
}

impl Wanted {
    fn check(self) -> Result<NewToken, Problem> {
        let role: Role = self.role.parse().map_err(|why: String| invalid("role", why))?;
        let expires = self.expires.as_deref().map(time::parse).transpose();
        let expires = expires.map_err(|why| invalid("expires", why))?;
        let scope = Scope::new(self.orgs, self.accounts).map_err(|error| problem(&error))?;
        Ok(NewToken { expires, per_second: self.per_second, ..NewToken::new(&self.name, role, scope) })
    }
}

/// `POST /v1/tokens`.
async fn create(State(face): State<Arc<Face>>, body: Body) -> Result<Response, Problem> {
    let new = read::<Wanted>(&body)?.check()?;
    let issued = change(&face, move |gate| gate.tokens.create(new, clock::now())).await?;
    audit::about(&issued.token.id);
    Ok(shown_once(StatusCode::CREATED, &issued))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    cursor: Option<String>,
    limit: Option<usize>,
}

/// `GET /v1/tokens`: those in force and those that are over, the oldest first.
async fn list(State(face): State<Arc<Face>>, Params(page): Params<Page>) -> Result<Response, Problem> {
    let limit = page.limit.unwrap_or(USUALLY_LISTED);
    if !(1..=MOST_LISTED).contains(&limit) {
        let why = format!("limit={limit} is not possible; write 1 to {MOST_LISTED}");
        return Err(Problem::new(StatusCode::BAD_REQUEST, "invalid_parameter", why));
    }
    let all = change(&face, |gate| gate.tokens.list()).await?;
    let start = match &page.cursor {
        None => 0,
        Some(cursor) => all.iter().position(|token| token.id == *cursor).ok_or_else(|| {
            let why = "cursor: there is no such token; take it from meta.next of the page before";
            Problem::new(StatusCode::BAD_REQUEST, "invalid_parameter", why)
        })?,
    };
    let now = clock::now();
    let mut rest = all.iter().skip(start);
    let data: Vec<Value> = rest.by_ref().take(limit).map(|token| told(token, now)).collect();
    let next = rest.next().map(|token| &token.id);
    Ok(parts::json(StatusCode::OK, &json!({ "data": data, "meta": { "next": next } })))
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Rotation {
    overlap_s: u64,
}

/// `POST /v1/tokens/{id}/rotate`: another secret; the one before is good for `overlap_s` seconds more.
async fn rotate(
    State(face): State<Arc<Face>>,
    NameInPath(id): NameInPath,
    body: Body,
) -> Result<Response, Problem> {
    let Rotation { overlap_s } =
        if body.bytes.is_empty() { Rotation::default() } else { read::<Rotation>(&body)? };
    let overlap = Millis(overlap_s.saturating_mul(1_000));
    let issued = change(&face, move |gate| gate.tokens.rotate(&id, overlap, clock::now())).await?;
    Ok(shown_once(StatusCode::OK, &issued))
}

/// `DELETE /v1/tokens/{id}`: it is good for nothing from now on.
async fn revoke(State(face): State<Arc<Face>>, NameInPath(id): NameInPath) -> Result<Response, Problem> {
    change(&face, move |gate| gate.tokens.revoke(&id, clock::now())).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Works on the tokens' file, away from the threads that serve.
pub(super) async fn change<T: Send + 'static>(
    face: &Face,
    work: impl FnOnce(&Gate) -> Result<T, AccessError> + Send + 'static,
) -> Result<T, Problem> {
    let gate = Arc::clone(&face.gate);
    aside(face, move || work(&gate)).await?.map_err(|error| problem(&error))
}

fn shown_once(status: StatusCode, issued: &Issued) -> Response {
    let mut answer = told(&issued.token, clock::now());
    if let Some(object) = answer.as_object_mut() {
        object.insert("token".to_owned(), json!(issued.reveal()));
    }
    parts::json(status, &answer)
}

/// A token as it may be shown.
pub(super) fn told(token: &Token, now: Timestamp) -> Value {
    let at = |instant: Option<Timestamp>| instant.map(time::format);
    json!({
        "id": token.id,
        "name": token.name,
        "role": token.role,
        "orgs": token.scope.orgs(),
        "accounts": token.scope.accounts(),
        "state": token.standing(now).name(),
        "created": time::format(token.created),
        "expires": at(token.expires),
        "per_second": token.per_second,
        "portal_link": token.portal,
        "rotated": at(token.rotated),
        "overlap_until": at(token.overlap(now)),
        "revoked": at(token.revoked),
    })
}

pub(super) fn read<T: DeserializeOwned>(body: &Body) -> Result<T, Problem> {
    serde_json::from_slice(&body.bytes).map(|Object(read)| read).map_err(|error| {
        let why = format!("the body cannot be read: {error}; see docs/ACCESS.md");
        Problem::new(StatusCode::BAD_REQUEST, "not_json", why)
    })
}

pub(super) fn invalid(field: &str, detail: String) -> Problem {
    let (reason, field) = ("invalid_field".to_owned(), field.to_owned());
    Problem::refused(StatusCode::UNPROCESSABLE_ENTITY, Refusal { reason, field, detail })
}

pub(super) fn problem(error: &AccessError) -> Problem {
    match error {
        AccessError::Invalid { field, why } => invalid(field, why.clone()),
        AccessError::Unknown(_) => Problem::new(StatusCode::NOT_FOUND, "unknown_token", error.to_string()),
        AccessError::Io { .. } | AccessError::Damaged { .. } | AccessError::NoRandomness => {
            tracing::error!(%error, "tokens could not be read or changed");
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "tokens_unavailable", error.to_string())
        }
    }
}
