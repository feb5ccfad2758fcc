//! What of a request is not its body: the names in its path and its parameters, checked.

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequestParts, Query, RawPathParams};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::problem::{Problem, Refusal};
use crate::query::PageError;
use crate::wire;

/// The organization that the path names.
pub(super) struct OrgName(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for OrgName {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let name = name_in_path(0, parts, state).await?;
        match wire::org_id(&name) {
            Ok(_) => Ok(OrgName(name)),
            Err(error) => {
                let (reason, field) = ("invalid_field".to_owned(), "org".to_owned());
                let refusal = Refusal { reason, field, detail: error.to_string() };
                Err(Problem::refused(StatusCode::UNPROCESSABLE_ENTITY, refusal))
            }
        }
    }
}

/// The rate card or plan that the path names. Whether it can be a name is the decoder's to say.
pub(super) struct CatalogName(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for CatalogName {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        name_in_path(0, parts, state).await.map(CatalogName)
    }
}

/// The name that the path holds beside no organization: of an adapter, or of a switch. Whether it can be one is for others to say.
pub(super) struct NameInPath(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for NameInPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        name_in_path(0, parts, state).await.map(NameInPath)
    }
}

/// What the path names after its organization: a grant or a limit.
pub(super) struct NameWithin(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for NameWithin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        name_in_path(1, parts, state).await.map(NameWithin)
    }
}

/// What has a name within its organization, as the path tells it: by its id, an entity by its type too.
pub(super) struct KeyWithin {
    pub(super) entity_type: String,
    pub(super) id: String,
}

impl<S: Send + Sync> FromRequestParts<S> for KeyWithin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let first = name_in_path(1, parts, state).await?;
        Ok(match name_in_path(2, parts, state).await {
            Ok(id) => KeyWithin { entity_type: first, id },
            Err(_) => KeyWithin { entity_type: String::new(), id: first },
        })
    }
}

/// The webhook that the path names, after its organization.
pub(super) struct WebhookName(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for WebhookName {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        name_in_path(1, parts, state).await.map(WebhookName)
    }
}

async fn name_in_path<S: Send + Sync>(nth: usize, parts: &mut Parts, state: &S) -> Result<String, Problem> {
    let unread = |why: String| Problem::new(StatusCode::BAD_REQUEST, "invalid_path", why);
    let names = RawPathParams::from_request_parts(parts, state).await;
    let names = names.map_err(|error| unread(format!("{error}; write the path in UTF-8")))?;
    let name = names.iter().nth(nth).map(|(_, name)| name.to_owned());
    name.ok_or_else(|| unread("the path lacks a name".to_owned()))
}

/// The parameters after the `?`.
pub(super) struct Params<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        params(Query::from_request_parts(parts, state).await).map(Params)
    }
}

/// The parameters of an address.
pub(super) fn params_of<T: DeserializeOwned>(uri: &Uri) -> Result<T, Problem> {
    params(Query::try_from_uri(uri))
}

fn params<T>(read: Result<Query<T>, QueryRejection>) -> Result<T, Problem> {
    match read {
        Ok(Query(params)) => Ok(params),
        Err(error) => {
            let why = format!("{}; see docs/HTTP.md", error.body_text());
            Err(Problem::new(StatusCode::BAD_REQUEST, "invalid_parameter", why))
        }
    }
}

/// The room for an answer: most balances fit without growing it.
const USUAL_ANSWER: usize = 512;

/// A page of something of an organization, as it was found.
pub(super) fn page<T: Serialize>(
    org: &str,
    found: Result<Option<T>, PageError>,
) -> Result<Response, Problem> {
    match found {
        Ok(Some(page)) => Ok(json(StatusCode::OK, &page)),
        Ok(None) => Err(Problem::unknown_org(org)),
        Err(error) => Err(Problem::new(StatusCode::BAD_REQUEST, "invalid_parameter", error.to_string())),
    }
}

/// Whether a table is wanted rather than JSON: whatever else it takes, the one who names CSV has a use for it.
pub(super) fn wants_csv(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|one| {
        let mut parts = one.split(';').map(str::trim);
        let is_csv = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("text/csv"));
        is_csv && !parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}

/// A table in CSV, to be kept as a file of that name; what else there is to say of it, in headers.
pub(super) fn csv(name: &str, table: impl Into<Body>, told: &[(HeaderName, String)]) -> Response {
    let mut response = Response::new(table.into());
    let own = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.csv\"")),
    ];
    for (name, text) in own.iter().chain(told) {
        if let Ok(value) = HeaderValue::try_from(text) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// The header that tells of the last entry an answer contains.
pub(super) const SEQ: HeaderName = HeaderName::from_static("creditd-seq");

/// The header that tells of the instant an answer is of.
pub(super) const AS_OF: HeaderName = HeaderName::from_static("creditd-as-of");

/// The header that tells of the zone of an answer's days and months.
pub(super) const ZONE: HeaderName = HeaderName::from_static("creditd-zone");

/// An answer in JSON.
pub(super) fn json(status: StatusCode, content: &impl Serialize) -> Response {
    let mut text = Vec::with_capacity(USUAL_ANSWER);
    match serde_json::to_writer(&mut text, content) {
        Ok(()) => {
            let mut response = Response::new(text.into());
            *response.status_mut() = status;
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(header::CONTENT_TYPE, json);
            response
        }
        Err(error) => {
            let why = format!("the answer cannot be written: {error}; report this as a defect");
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", why).into_response()
        }
    }
}
