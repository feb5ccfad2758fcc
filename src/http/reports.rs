//! Reports: defined by commands like everything else, asked after and sent here.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Face;
use super::body::Body;
use super::commands::{command, named, object};
use super::parts::{self, NameWithin, OrgName, Params};
use super::problem::{Problem, Refusal};
use super::reads::aside;
use super::routes::{Routes, org};
use super::usage::told;
use crate::access::Permission;
use crate::clock;
use crate::ledger::entry::Command;
use crate::ledger::reports::Report;
use crate::ledger::units::Timestamp;
use crate::notify::reports::agenda::{last_period, next_due};
use crate::notify::reports::{Key, Mail, MailState, Past, ReportsError, Sending, Why};
use crate::query::{self, Parameters, ReportState};
use crate::wire::{AnyCommand, Object, Subject, decode_command, time};

/// The routes of reports.
pub(super) fn routes(routes: Routes) -> Routes {
    let (read, manage) = (org(Permission::Read), org(Permission::Manage));
    routes
        .get("/v1/orgs/{org}/reports", read, list)
        .get("/v1/orgs/{org}/reports/{id}", read, one)
        .put("/v1/orgs/{org}/reports/{id}", manage, put)
        .delete("/v1/orgs/{org}/reports/{id}", manage, remove)
        .post("/v1/orgs/{org}/reports/{id}/send", manage, send)
}

/// `PUT /v1/orgs/{org}/reports/{id}`: defines a report.
async fn put(
    State(face): State<Arc<Face>>,
    OrgName(org): OrgName,
    NameWithin(id): NameWithin,
    body: Body,
) -> Result<Response, Problem> {
    let data = named(&id, object(&body)?)?;
    let known = face.desk.book.read(&org, |slot| slot.org.report(&id).is_some());
    let known = known.ok_or_else(|| Problem::unknown_org(&org))?;
    judge(&org, &data)?;
    command(&face, Subject::Commands(&org), "creditd.report.put.v1", data).await?;
    let status = if known { StatusCode::OK } else { StatusCode::CREATED };
    Ok(parts::json(status, &state_of(&face, &org, &id)?))
}

/// Refuses at once what could never be answered. All else about it is the decoder's to say.
fn judge(org: &str, data: &Map<String, Value>) -> Result<(), Problem> {
    let text = json!({ "type": "creditd.report.put.v1", "data": data }).to_string();
    let mut order = None;
    decode_command(Subject::Commands(org), text.as_bytes(), &mut |_, read| order = Some(read));
    let Some(Ok(AnyCommand::Org(Command::PutReport(order)))) = order else { return Ok(()) };
    let question = query::report_question(&order.content, order.zone.as_ref(), &[]);
    query::check_usage(question).map_err(|wrong| refused("content", wrong.why))
}

fn refused(field: &str, detail: String) -> Problem {
    let (reason, field) = ("invalid_field".to_owned(), field.to_owned());
    Problem::refused(StatusCode::UNPROCESSABLE_ENTITY, Refusal { reason, field, detail })
}

/// `DELETE /v1/orgs/{org}/reports/{id}`: nothing of it is sent any more.
async fn remove(
    State(face): State<Arc<Face>>,
    OrgName(org): OrgName,
    NameWithin(id): NameWithin,
) -> Result<Response, Problem> {
    let mut data = Map::new();
    data.insert("id".to_owned(), json!(id));
    command(&face, Subject::Commands(&org), "creditd.report.remove.v1", data).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `GET /v1/orgs/{org}/reports`: all of an organization, each with when it is due and what became of its last sending.
async fn list(State(face): State<Arc<Face>>, OrgName(org): OrgName) -> Result<Response, Problem> {
    let found = query::reports(&face.desk.book, &org).ok_or_else(|| Problem::unknown_org(&org))?;
    let told = found.iter().filter_map(|state| {
        let mut told = state_json(&face, &org, state)?;
        let last = told.remove("history").and_then(|history| history.as_array()?.first().cloned());
        told.insert("last_sending".to_owned(), last.unwrap_or_default());
        Some(Value::Object(told))
    });
    let data: Vec<Value> = told.collect();
    Ok(parts::json(StatusCode::OK, &json!({ "data": data, "mail": mail_json(&face) })))
}

/// Who mails are from, or why there are none.
fn mail_json(face: &Face) -> Value {
    match face.channels.reports.sender() {
        Some(from) => json!({ "configured": true, "from": from }),
        None => json!({ "configured": false, "why_not": NO_MAIL }),
    }
}

const NO_MAIL: &str =
    "no mail server is configured, so nothing is sent: name one in mail.server of the settings";

/// `GET /v1/orgs/{org}/reports/{id}`: a report with its last sendings, or as a table what it would hold now.
async fn one(
    State(face): State<Arc<Face>>,
    OrgName(org): OrgName,
    NameWithin(id): NameWithin,
    Params(pairs): Params<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if let Some((other, _)) = pairs.iter().find(|(name, _)| !RANGE.contains(&&**name)) {
        let why = format!("{other:?} is no parameter of a report; there are {}", RANGE.join(", "));
        return Err(Problem::parameter(other, why));
    }
    let (report, usual) = report_and_range(&face, &org, &id)?;
    let is_asked = !pairs.is_empty();
    let range = if is_asked { pairs } else { usual };
    let question = || query::report_question(&report.content, report.zone.as_ref(), &range);
    if parts::wants_csv(&headers) {
        return table(&face, &org, &id, question()).await;
    }
    // Who asks about a time that cannot be is told so, though what is answered is of none.
    if is_asked {
        query::check_usage(question()).map_err(|wrong| Problem::parameter(&wrong.field, wrong.why))?;
    }
    Ok(parts::json(StatusCode::OK, &state_of(&face, &org, &id)?))
}

/// What chooses a range of time.
const RANGE: [&str; 5] = ["range", "month", "cycle", "from", "to"];

async fn table(face: &Face, org: &str, id: &str, question: Parameters) -> Result<Response, Problem> {
    let (desk, name) = (Arc::clone(&face.desk), org.to_owned());
    let answered = aside(face, move || query::whole_usage(&desk, &name, question, clock::now())).await?;
    let usage = answered.map_err(Problem::of_usage)?.ok_or_else(|| Problem::unknown_org(org))?;
    let told = told(usage.seq, usage.as_of, &usage.zone, &usage.range);
    Ok(parts::csv(&format!("{org}-{id}"), usage.csv(), &told))
}

/// A report, and the range that it is about now.
fn report_and_range(face: &Face, org: &str, id: &str) -> Result<(Report, Vec<(String, String)>), Problem> {
    let now = clock::now();
    let found = face.desk.book.read(org, |slot| {
        let report = slot.org.report(id)?;
        Some((report.clone(), query::within(report, last_period(report, &slot.org, now))))
    });
    found.ok_or_else(|| Problem::unknown_org(org))?.ok_or_else(|| unknown(id))
}

fn unknown(id: &str) -> Problem {
    let detail = format!("there is no report {id:?}; compare with the organization's reports");
    let refusal = Refusal { reason: "unknown_report".to_owned(), field: "id".to_owned(), detail };
    Problem::refused_command(refusal)
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    range: Option<String>,
    month: Option<String>,
    cycle: Option<Value>,
    from: Option<String>,
    to: Option<String>,
    recipients: Option<Vec<String>>,
}

impl Wanted {
    fn read(body: &Body) -> Result<Wanted, Problem> {
        if body.bytes.is_empty() {
            return Ok(Wanted::default());
        }
        serde_json::from_slice(&body.bytes).map(|Object(wanted)| wanted).map_err(|error| {
            let why = format!(
                "the body is not what is to be sent: {error}; it may hold {} and recipients, or be empty",
                RANGE.join(", ")
            );
            Problem::new(StatusCode::BAD_REQUEST, "not_json", why)
        })
    }

    fn range(&self) -> Vec<(String, String)> {
        let cycle = self.cycle.as_ref().filter(|cycle| !cycle.is_null());
        let cycle = cycle.map(|cycle| cycle.as_str().map_or_else(|| cycle.to_string(), str::to_owned));
        let all = [self.range.clone(), self.month.clone(), cycle, self.from.clone(), self.to.clone()];
        let named = RANGE.into_iter().zip(all);
        named.filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }

    /// Those of a report that still want it; of these only the ones that are named, where some are.
    fn recipients<'r>(&self, report: &'r Report) -> Result<Vec<&'r str>, Problem> {
        let wanting: Vec<&str> = report.recipients().collect();
        let Some(named) = &self.recipients else {
            if wanting.is_empty() {
                return Err(refused(
                    "to",
                    "all addresses of this report have left it; put others".to_owned(),
                ));
            }
            return Ok(wanting);
        };
        let find = |name: &String| {
            wanting.iter().find(|address| address.eq_ignore_ascii_case(name)).copied().ok_or_else(|| {
                let shown: String = name.chars().take(80).collect();
                let why = match report.is_unwanted_by(name) {
                    true => "has left this report; put it with resubscribe",
                    false => "is no address of this report; name some of its own",
                };
                refused("recipients", format!("{shown:?} {why}"))
            })
        };
        if named.is_empty() {
            return Err(refused("recipients", "none is named; leave it out for all".to_owned()));
        }
        let mut found = named.iter().map(find).collect::<Result<Vec<&str>, Problem>>()?;
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }
}

/// `POST /v1/orgs/{org}/reports/{id}/send`: sends a report now, about its last period or another.
async fn send(
    State(face): State<Arc<Face>>,
    OrgName(org): OrgName,
    NameWithin(id): NameWithin,
    body: Body,
) -> Result<Response, Problem> {
    let wanted = Wanted::read(&body)?;
    let (report, usual) = report_and_range(&face, &org, &id)?;
    let range = match wanted.range() {
        own if own.is_empty() => usual,
        own => own,
    };
    query::check_usage(query::report_question(&report.content, report.zone.as_ref(), &range))
        .map_err(|wrong| refused(&wrong.field, wrong.why))?;
    let recipients = wanted.recipients(&report)?;
    let reports = &face.channels.reports;
    if reports.sender().is_none() {
        return Err(Problem::new(StatusCode::CONFLICT, "mail_not_configured", NO_MAIL));
    }
    let key = Key { org, id };
    let sending = Sending::new(Why::OnDemand, range, Vec::new(), recipients.into_iter(), clock::now());
    let number = reports.begin(&key, report.created, sending).await.map_err(|error| match error {
        ReportsError::TooMany => Problem::new(StatusCode::CONFLICT, "too_many", error.to_string()),
        other => Problem::passing("reports_unavailable", other.to_string()),
    })?;
    let past = reports.past(&key, report.created);
    let begun = past.sendings.iter().find(|sending| sending.number == number);
    Ok(parts::json(StatusCode::ACCEPTED, &begun.map(sending_json)))
}

fn state_of(face: &Face, org: &str, id: &str) -> Result<Value, Problem> {
    let found = query::reports(&face.desk.book, org).ok_or_else(|| Problem::unknown_org(org))?;
    let state = found.iter().find(|state| state.id == id).ok_or_else(|| unknown(id))?;
    state_json(face, org, state).map(Value::Object).ok_or_else(|| unknown(id))
}

/// A report as it is defined, with when it is due next and its sendings, newest first.
fn state_json(face: &Face, org: &str, state: &ReportState) -> Option<Map<String, Value>> {
    let now = clock::now();
    let (created, next) = face.desk.book.read(org, |slot| {
        let report = slot.org.report(&state.id)?;
        Some((report.created, next_due(report, &slot.org, now)))
    })??;
    let past: Past = face.channels.reports.past(&Key { org: org.to_owned(), id: state.id.clone() }, created);
    let mut told = serde_json::to_value(state).ok()?.as_object()?.clone();
    let at = |instant: Option<Timestamp>| instant.map(time::format);
    told.insert("next_due".to_owned(), json!(at(next)));
    told.insert("last_sent".to_owned(), json!(at(past.last_sent())));
    let history: Vec<Value> = past.sendings.iter().rev().map(sending_json).collect();
    told.insert("history".to_owned(), json!(history));
    Some(told)
}

fn sending_json(sending: &Sending) -> Value {
    let range: Map<String, Value> =
        sending.range.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    let (why, due) = match sending.why {
        Why::Scheduled(due) => ("scheduled", Some(due)),
        Why::OnDemand => ("on_demand", None),
    };
    json!({
        "number": sending.number,
        "why": why,
        "due": due.map(time::format),
        "range": range,
        "begun": time::format(sending.begun),
        "state": sending.state(),
        "missed": sending.missed.iter().copied().map(time::format).collect::<Vec<_>>(),
        "mails": sending.mails.iter().map(one_mail_json).collect::<Vec<_>>(),
    })
}

fn one_mail_json(mail: &Mail) -> Value {
    let mut told = json!({
        "to": mail.to,
        "state": mail.state.slug(),
        "tries": mail.tries,
        "reason": mail.reason,
    });
    let field = if matches!(mail.state, MailState::Waiting(_)) { "next_attempt" } else { "at" };
    told[field] = json!(time::format(mail.state.at()));
    told
}
