//! Usage out: as JSON, or as a table.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::Response;

use super::Face;
use super::guard::Caller;
use super::parts::{self, OrgName, Params};
use super::problem::Problem;
use super::reads::aside;
use crate::clock;
use crate::ledger::units::{Position, Timestamp};
use crate::query::{self, Parameters, RangeState, Usage};
use crate::wire::time;

/// `GET /v1/orgs/{org}/usage`: what was used, added up beside the threads that serve.
pub(super) async fn usage(
    State(face): State<Arc<Face>>,
    OrgName(org): OrgName,
    caller: Caller,
    Params(mut pairs): Params<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.keep(&mut pairs, usize::MAX)?;
    let given = Parameters::of_pairs(pairs.iter().cloned());
    let (desk, name) = (Arc::clone(&face.desk), org.clone());
    let answered = aside(&face, move || query::usage(&desk, &name, given, clock::now())).await?;
    let usage = answered.map_err(Problem::of_usage)?.ok_or_else(|| Problem::unknown_org(&org))?;
    if !parts::wants_csv(&headers) {
        return Ok(parts::json(StatusCode::OK, &usage));
    }
    Ok(table(&usage, &pairs))
}

/// `GET /v1/orgs/{org}/spikes`: hours and days in which far more was used than before, and what caused them.
pub(super) async fn spikes(
    State(face): State<Arc<Face>>,
    OrgName(org): OrgName,
    caller: Caller,
    Params(mut pairs): Params<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.keep(&mut pairs, usize::MAX)?;
    let (desk, name, given) = (Arc::clone(&face.desk), org.clone(), Parameters::of_pairs(pairs));
    let answered = aside(&face, move || query::spikes(&desk, &name, given, clock::now())).await?;
    let spikes = answered.map_err(Problem::of_usage)?.ok_or_else(|| Problem::unknown_org(&org))?;
    if !parts::wants_csv(&headers) {
        return Ok(parts::json(StatusCode::OK, &spikes));
    }
    let told = told(spikes.seq, spikes.as_of, &spikes.zone, &spikes.range);
    Ok(parts::csv(&format!("{org}-spikes"), spikes.csv(), &told))
}

/// What a table says in headers.
pub(super) fn told(
    seq: Position,
    as_of: Timestamp,
    zone: &str,
    range: &RangeState,
) -> Vec<(HeaderName, String)> {
    vec![
        (parts::SEQ, seq.to_string()),
        (parts::AS_OF, time::format(as_of)),
        (parts::ZONE, zone.to_owned()),
        (HeaderName::from_static("creditd-range"), format!("{}/{}", range.from, range.to)),
    ]
}

/// The rows as CSV; what else there is to say of them, in headers.
fn table(usage: &Usage, pairs: &[(String, String)]) -> Response {
    let mut told = told(usage.seq, usage.as_of, &usage.zone, &usage.range);
    told.extend(usage.meta.next.as_ref().map(|next| {
        let mut address = form_urlencoded::Serializer::new(String::new());
        let others = pairs.iter().filter(|(name, _)| name != "cursor");
        address.extend_pairs(others).append_pair("cursor", next);
        (header::LINK, format!("</v1/orgs/{}/usage?{}>; rel=\"next\"", usage.org, address.finish()))
    }));
    parts::csv(&format!("{}-usage", usage.org), usage.csv(), &told)
}
