//! Events in: sorted by organization, appended as one record each, answered item by item.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Face;
use super::body::Body;
use super::guard::Caller;
use super::parts::{self, OrgName, Params};
use super::problem::{Problem, Refusal};
use crate::book::desk::{Desk, SubmitError, Submitted, Wait};
use crate::clock;
use crate::ledger::rejection::{Reason, Rejection};
use crate::ledger::units::Position;
use crate::wire::{self, Lot, Sorted, Subject};

/// The most records of one body that are on their way to the log at once.
const MOST_AT_ONCE: usize = 256;

/// What an answer waits for.
#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    #[serde(default)]
    wait: WaitFor,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum WaitFor {
    #[default]
    Applied,
    None,
}

/// `POST /v1/events`: each event names its organization.
pub(super) async fn of_any_org(
    State(face): State<Arc<Face>>,
    caller: Caller,
    Params(asked): Params<Asked>,
    body: Body,
) -> Result<Response, Problem> {
    take(&face, &caller, &body.bytes, None, asked).await
}

/// `POST /v1/orgs/{org}/events`: the path names the organization of all events.
pub(super) async fn of_one_org(
    State(face): State<Arc<Face>>,
    OrgName(org): OrgName,
    caller: Caller,
    Params(asked): Params<Asked>,
    body: Body,
) -> Result<Response, Problem> {
    take(&face, &caller, &body.bytes, Some(&org), asked).await
}

/// Takes events, of that organization or each of its own, as far as the caller may send for it.
pub(super) async fn take(
    face: &Face,
    caller: &Caller,
    body: &Bytes,
    org: Option<&str>,
    asked: Asked,
) -> Result<Response, Problem> {
    let refuse = |item: &str, rejection: &Rejection| {
        let subject = org.map(|org| Subject::Events(org).to_string());
        face.desk.refuse(subject.as_deref(), item, rejection, clock::now());
    };
    let sorted = wire::sort(body, org).map_err(|rejection| {
        refuse(&String::from_utf8_lossy(body), &rejection);
        unsorted(&rejection)
    })?;
    let Sorted { single, items, lots, refused } = kept_to_scope(caller, sorted);
    let wait = match asked.wait {
        WaitFor::Applied => Wait::Applied(face.options.applied_within),
        WaitFor::None => Wait::Durable,
    };
    let mut results = vec![Value::Null; items];
    for (index, rejection) in &refused {
        let index_in_body = u32::try_from(*index).unwrap_or(u32::MAX);
        refuse(&wire::item_text(body, index_in_body), rejection);
        if single {
            return Err(unsorted(rejection));
        }
        put(&mut results, *index, refused_json(rejection));
    }
    let sent =
        stream::iter(lots).map(|lot| send(Arc::clone(&face.desk), lot, wait)).buffer_unordered(MOST_AT_ONCE);
    let mut trouble = None;
    for sent in sent.collect::<Vec<Sent>>().await {
        for (index, result) in sent.results {
            put(&mut results, index, result);
        }
        trouble = trouble.or(sent.trouble);
    }
    if let Some(problem) = trouble {
        return Err(problem.with_results(results));
    }
    match asked.wait {
        WaitFor::None => Ok(parts::json(StatusCode::ACCEPTED, &durable_json(&results))),
        WaitFor::Applied => match results.first().filter(|_| single).and_then(Refusal::in_outcome) {
            Some(refusal) => Err(Problem::refused(StatusCode::UNPROCESSABLE_ENTITY, refusal)),
            None => Ok(parts::json(StatusCode::OK, &json!({ "results": results }))),
        },
    }
}

/// Refuses the events of organizations that are out of the caller's scope, as those of one that is not there.
fn kept_to_scope(caller: &Caller, mut sorted: Sorted) -> Sorted {
    let (own, foreign): (Vec<Lot>, Vec<Lot>) =
        sorted.lots.into_iter().partition(|lot| caller.has_org(&lot.org));
    for lot in foreign {
        let why = format!("there is no organization {:?} that this token may send for", lot.org);
        let rejection = Rejection::new(Reason::UnknownOrg, "org", why);
        let items = lot.parcels.iter().flat_map(|parcel| &parcel.items);
        sorted.refused.extend(items.map(|item| (*item, rejection.clone())));
    }
    Sorted { lots: own, ..sorted }
}

/// What became of the events of one organization.
struct Sent {
    results: Vec<(usize, Value)>,
    /// The first thing that kept an outcome from us.
    trouble: Option<Problem>,
}

/// Appends the records of one organization one after the other, so that its events stay in order.
async fn send(desk: Arc<Desk>, lot: Lot, wait: Wait) -> Sent {
    let mut sent = Sent { results: Vec::new(), trouble: None };
    for parcel in lot.parcels {
        if let Some(problem) = &sent.trouble {
            let why =
                format!("not sent, because of what became of the events before it: {}", problem.detail());
            sent.results.extend(parcel.items.into_iter().map(|item| (item, failed_json(&why))));
            continue;
        }
        let submitted = desk.submit(Subject::Events(&lot.org), None, parcel.payload, wait).await;
        match submitted {
            Ok(Submitted { seq, outcomes }) => {
                let mut outcomes = outcomes.into_iter();
                let result = |(place, item)| (item, outcomes.next().unwrap_or_else(|| open_json(seq, place)));
                sent.results.extend((0..).zip(parcel.items).map(result));
            }
            Err(error) => {
                let result = |(place, item)| match &error {
                    SubmitError::Open { seq, .. } => (item, open_json(*seq, place)),
                    other => (item, failed_json(&other.to_string())),
                };
                sent.results.extend((0..).zip(parcel.items).map(result));
                sent.trouble = Some(error.into());
            }
        }
    }
    sent
}

fn put(results: &mut [Value], index: usize, result: Value) {
    if let Some(place) = results.get_mut(index) {
        *place = result;
    }
}

fn refused_json(rejection: &Rejection) -> Value {
    let Refusal { reason, field, detail } = rejection.into();
    json!({ "status": "rejected", "reason": reason, "field": field, "detail": detail })
}

/// An item that is in the log and whose outcome nobody told us.
fn open_json(seq: u64, item: u32) -> Value {
    json!({ "status": "open", "position": Position { seq, item }.to_string() })
}

/// An item that is not known to be in the log.
fn failed_json(why: &str) -> Value {
    json!({ "status": "failed", "detail": why })
}

/// Where each item is in the log; null for an item that was refused, which is listed apart.
fn durable_json(results: &[Value]) -> Value {
    let positions: Vec<&Value> = results.iter().map(|result| &result["position"]).collect();
    let refused = results.iter().enumerate().filter_map(|(index, result)| {
        let Refusal { reason, field, detail } = Refusal::in_outcome(result)?;
        Some(json!({ "item": index, "reason": reason, "field": field, "detail": detail }))
    });
    json!({ "durable": positions, "rejected": refused.collect::<Vec<_>>() })
}

/// A body, or the one event it is, that cannot go into the log.
pub(super) fn unsorted(rejection: &Rejection) -> Problem {
    let status = match rejection.reason {
        Reason::NotJson => StatusCode::BAD_REQUEST,
        Reason::TooMany | Reason::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    Problem::refused(status, rejection.into())
}
