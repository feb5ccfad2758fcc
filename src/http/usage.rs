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
use crate::query::{self, Parameters, Usage};
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

/// The rows as CSV; what else there is to say of them, in headers.
fn table(usage: &Usage, pairs: &[(String, String)]) -> Response {
    let mut told = vec![
        (parts::SEQ, usage.seq.to_string()),
        (parts::AS_OF, time::format(usage.as_of)),
        (HeaderName::from_static("creditd-zone"), usage.zone.clone()),
        (HeaderName::from_static("creditd-range"), format!("{}/{}", usage.range.from, usage.range.to)),
    ];
    told.extend(usage.meta.next.as_ref().map(|next| {
        let mut address = form_urlencoded::Serializer::new(String::new());
        let others = pairs.iter().filter(|(name, _)| name != "cursor");
        address.extend_pairs(others).append_pair("cursor", next);
        (header::LINK, format!("</v1/orgs/{}/usage?{}>; rel=\"next\"", usage.org, address.finish()))
    }));
    parts::csv(&format!("{}-usage", usage.org), usage.csv(), &told)
}
