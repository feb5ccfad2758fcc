//! Commands in: organizations, grants, rate cards and plans. Each is one record, answered once it is applied.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::Face;
use super::audit;
use super::body::Body;
use super::parts::{self, CatalogName, NameWithin, OrgName};
use super::problem::{Problem, Refusal};
use super::reads::{aside, look};
use crate::book::desk::{Submitted, Wait};
use crate::clock;
use crate::ledger::price::CreditType;
use crate::ledger::units::Position;
use crate::query::{self, GrantState};
use crate::wire::Subject;

/// `PUT /v1/orgs/{org}`: creates an organization or changes its terms.
pub(super) async fn put_org(
    State(face): State<Arc<Face>>,
    OrgName(org): OrgName,
    body: Body,
) -> Result<Response, Problem> {
    let data = object(&body)?;
    // Of two that create it at the same time both may be told that they did.
    let known = face.desk.book.read(&org, |_| ()).is_some();
    command(&face, Subject::Commands(&org), "creditd.org.put.v1", data).await?;
    let balance =
        query::balance(&face.desk.book, &org, clock::now()).ok_or_else(|| Problem::unknown_org(&org))?;
    Ok(parts::json(if known { StatusCode::OK } else { StatusCode::CREATED }, &balance))
}

/// A grant with the kind of its credits.
#[derive(Serialize, JsonSchema)]
pub(super) struct GrantAnswer<'a> {
    /// The organization.
    org: &'a str,
    /// The kind of its credits.
    credit_type: CreditType,
    #[serde(flatten)]
    grant: GrantState,
}

/// `POST /v1/orgs/{org}/grants`: gives credits. The same grant under the same id is given once.
pub(super) async fn grant(
    State(face): State<Arc<Face>>,
    OrgName(org): OrgName,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let data = named_by_key(&headers, object(&body)?)?;
    let id = data.get("id").and_then(Value::as_str).map(str::to_owned);
    let seq = command(&face, Subject::Commands(&org), "creditd.grant.v1", data).await?;
    let position = Position { seq, item: 0 };
    let found = query::grant(&face.desk.book, &org, id.as_deref(), position, clock::now());
    let Some((credit_type, grant, new)) = found else {
        return Err(Problem::unknown_org(&org));
    };
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    Ok(parts::json(status, &GrantAnswer { org: &org, credit_type, grant }))
}

/// `POST /v1/orgs/{org}/grants/{id}/void`: takes back what is left of a grant. Answers the balance.
pub(super) async fn void_grant(
    State(face): State<Arc<Face>>,
    OrgName(org): OrgName,
    NameWithin(id): NameWithin,
    body: Body,
) -> Result<Response, Problem> {
    let mut data = if body.bytes.is_empty() { Map::new() } else { object(&body)? };
    data.insert("id".to_owned(), json!(id));
    corrected(&face, &org, "creditd.grant.void.v1", data).await
}

/// `POST /v1/orgs/{org}/adjustments`: moves credits by hand. Answers the balance.
pub(super) async fn adjust(
    State(face): State<Arc<Face>>,
    OrgName(org): OrgName,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    corrected(&face, &org, "creditd.adjust.v1", named_by_key(&headers, object(&body)?)?).await
}

/// What a client calls a request that it may have to repeat.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The longest such name, as that of anything else.
const LONGEST_KEY: usize = 256;

/// The content of a body that is named by the `Idempotency-Key` of its request, where it has no `id` of its own: a repeat is then known by it,
/// for as long as the books know the name.
fn named_by_key(headers: &HeaderMap, mut data: Map<String, Value>) -> Result<Map<String, Value>, Problem> {
    let Some(key) = headers.get(IDEMPOTENCY_KEY) else { return Ok(data) };
    // The header's own form is a text in quotes; most send it bare.
    let key = key.to_str().unwrap_or_default().trim().trim_matches('"');
    if key.is_empty() || key.len() > LONGEST_KEY {
        let why = format!("Idempotency-Key: write 1 to {LONGEST_KEY} characters in ASCII, such as a UUID");
        return Err(Problem::parameter(IDEMPOTENCY_KEY, why));
    }
    if data.get("id").is_none_or(Value::is_null) {
        data.insert("id".to_owned(), json!(key));
    }
    Ok(data)
}

/// `POST /v1/orgs/{org}/verify`: adds up the organization's history and compares.
pub(super) async fn verify(
    State(face): State<Arc<Face>>,
    OrgName(org): OrgName,
) -> Result<Response, Problem> {
    let look = look(&face, &org).await?;
    let verified = aside(&face, move || query::verify(&org, &look)).await?;
    verified.map(|told| parts::json(StatusCode::OK, &told)).map_err(|error| Problem::unread(&error))
}

async fn corrected(
    face: &Face,
    org: &str,
    kind: &str,
    data: Map<String, Value>,
) -> Result<Response, Problem> {
    command(face, Subject::Commands(org), kind, data).await?;
    let balance =
        query::balance(&face.desk.book, org, clock::now()).ok_or_else(|| Problem::unknown_org(org))?;
    Ok(parts::json(StatusCode::OK, &balance))
}

/// `PUT /v1/rate-cards/{id}`: publishes a version of a rate card.
pub(super) async fn put_rate_card(
    State(face): State<Arc<Face>>,
    CatalogName(id): CatalogName,
    body: Body,
) -> Result<Response, Problem> {
    publish(&face, &id, "creditd.rate_card.put.v1", &body).await
}

/// `PUT /v1/plans/{id}`: publishes a version of a plan.
pub(super) async fn put_plan(
    State(face): State<Arc<Face>>,
    CatalogName(id): CatalogName,
    body: Body,
) -> Result<Response, Problem> {
    publish(&face, &id, "creditd.plan.put.v1", &body).await
}

async fn publish(face: &Face, id: &str, kind: &str, body: &Body) -> Result<Response, Problem> {
    let data = named(id, object(body)?)?;
    let version = data.get("version").cloned();
    let seq = command(face, Subject::Catalog, kind, data).await?;
    let position = Position { seq, item: 0 }.to_string();
    Ok(parts::json(StatusCode::OK, &json!({ "id": id, "version": version, "position": position })))
}

/// The content of a body whose `id` the path gives.
pub(super) fn named(id: &str, data: Map<String, Value>) -> Result<Map<String, Value>, Problem> {
    said_by_path("id", id, data)
}

/// The content of a body of which the path gives a field.
pub(super) fn said_by_path(
    field: &str,
    said: &str,
    mut data: Map<String, Value>,
) -> Result<Map<String, Value>, Problem> {
    match data.get(field) {
        Some(other) if other != said => {
            let detail =
                format!("the body names {other}, the path {said:?}; leave the {field} out of the body");
            let refusal = Refusal { reason: "invalid_field".to_owned(), field: field.to_owned(), detail };
            Err(Problem::refused(StatusCode::UNPROCESSABLE_ENTITY, refusal))
        }
        _ => {
            data.insert(field.to_owned(), json!(said));
            Ok(data)
        }
    }
}

/// Reads a body that must be a JSON object.
pub(super) fn object(body: &Body) -> Result<Map<String, Value>, Problem> {
    serde_json::from_slice(&body.bytes).map_err(|error| {
        let why = format!("the body is not a JSON object: {error}; see docs/HTTP.md for what it holds");
        Problem::new(StatusCode::BAD_REQUEST, "not_json", why)
    })
}

/// Submits one command and waits until it is carried out. Answers its record.
pub(super) async fn command(
    face: &Face,
    subject: Subject<'_>,
    kind: &str,
    data: Map<String, Value>,
) -> Result<u64, Problem> {
    let payload = json!({ "type": kind, "data": data }).to_string();
    let wait = Wait::Applied(face.options.applied_within);
    let Submitted { seq, outcomes } = face.desk.submit(subject, None, payload.into(), wait).await?;
    audit::wrote(seq);
    match outcomes.first().and_then(Refusal::in_outcome) {
        Some(refusal) => Err(Problem::refused_command(refusal)),
        None => Ok(seq),
    }
}
