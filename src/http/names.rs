//! Names: accounts, teams, users and entities, listed, put and asked for; and what entities used.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::Face;
use super::body::Body;
use super::commands::{command, named, object};
use super::guard::Caller;
use super::parts::{self, KeyWithin, OrgName, Params};
use super::problem::{Problem, Refusal};
use super::reads::{aside, look};
use super::routes::{Routes, org};
use crate::access::Permission;
use crate::clock;
use crate::ledger::names::{Key, Kind};
use crate::query::{self, AsOf, Dated, NameState, NamesOf};
use crate::wire::Subject;

/// The kinds by their paths, each with the command that states one.
const KINDS: [(&str, Kind, &str); 3] = [
    ("accounts", Kind::Account, "creditd.account.put.v1"),
    ("teams", Kind::Team, "creditd.team.put.v1"),
    ("users", Kind::User, "creditd.user.put.v1"),
];

/// The routes of all kinds.
pub(super) fn routes(routes: Routes) -> Routes {
    let (read, manage) = (org(Permission::Read), org(Permission::Manage));
    let plain = KINDS.into_iter().fold(routes, |routes, (path, kind, stated)| {
        let list = move |face, org, caller, params| list(kind, face, org, caller, params);
        let one = move |face, org, key, caller| one(kind, face, org, key, caller);
        let put = move |face, org, key, body| put(kind, stated, face, org, key, body);
        let look = if kind == Kind::Account { read.by_account() } else { read };
        routes
            .get(&format!("/v1/orgs/{{org}}/{path}"), look, list)
            .get(&format!("/v1/orgs/{{org}}/{path}/{{id}}"), look, one)
            .put(&format!("/v1/orgs/{{org}}/{path}/{{id}}"), manage, put)
    });
    plain
        .get("/v1/orgs/{org}/entities", read.by_account(), entities)
        .get("/v1/orgs/{org}/entities/{type}/{id}", read.by_account(), entity)
        .put("/v1/orgs/{org}/entities/{type}/{id}", manage, put_entity)
}

/// `GET /v1/orgs/{org}/accounts`, `teams` or `users`: a page at a time.
async fn list(
    kind: Kind,
    State(face): State<Arc<Face>>,
    OrgName(org): OrgName,
    caller: Caller,
    Params(mut wanted): Params<NamesOf>,
) -> Result<Response, Problem> {
    wanted.only_of = caller.accounts().map(<[String]>::to_vec);
    let book = Arc::clone(&face.desk.book);
    let name = org.clone();
    let found = aside(&face, move || query::names(&book, &name, kind, &wanted, clock::now())).await?;
    parts::page(&org, found)
}

/// `GET /v1/orgs/{org}/entities`: a page at a time, with what each used where that is asked for.
async fn entities(
    State(face): State<Arc<Face>>,
    OrgName(org): OrgName,
    caller: Caller,
    Params(mut wanted): Params<NamesOf>,
) -> Result<Response, Problem> {
    if !wanted.used {
        return list(Kind::Entity, State(face), OrgName(org), caller, Params(wanted)).await;
    }
    wanted.only_of = caller.accounts().map(<[String]>::to_vec);
    let look = look(&face, &org).await?;
    let book = Arc::clone(&face.desk.book);
    let name = org.clone();
    let found =
        aside(&face, move || query::spent_by_page(&book, &name, &wanted, &look, clock::now())).await?;
    parts::page(&org, found.map_err(|error| Problem::unread(&error))?)
}

/// `GET /v1/orgs/{org}/accounts/{id}` and the like.
async fn one(
    kind: Kind,
    State(face): State<Arc<Face>>,
    OrgName(org): OrgName,
    KeyWithin { id, .. }: KeyWithin,
    caller: Caller,
) -> Result<Response, Problem> {
    let key = Key::of(kind, &id);
    if !caller.has_account(Some(&id)) {
        return answer(&face, StatusCode::OK, &org, key, Some(None));
    }
    answer(&face, StatusCode::OK, &org, key, query::name(&face.desk.book, &org, key))
}

/// `GET /v1/orgs/{org}/entities/{type}/{id}`: with what it used and is going to use.
async fn entity(
    State(face): State<Arc<Face>>,
    OrgName(org): OrgName,
    KeyWithin { entity_type, id }: KeyWithin,
    caller: Caller,
) -> Result<Response, Problem> {
    let key = Key::of_entity(&entity_type, &id);
    let known = query::name(&face.desk.book, &org, key);
    let known = known.map(|state| state.filter(|state| caller.has_account(state.named.account())));
    // What is not known has no history to be looked at.
    if !matches!(known, Some(Some(_))) {
        return answer(&face, StatusCode::OK, &org, key, known);
    }
    let look = look(&face, &org).await?;
    let (book, name, of) = (Arc::clone(&face.desk.book), org.clone(), (entity_type.clone(), id.clone()));
    let found =
        aside(&face, move || query::spent(&book, &name, Key::of_entity(&of.0, &of.1), &look, clock::now()));
    answer(&face, StatusCode::OK, &org, key, found.await?.map_err(|error| Problem::unread(&error))?)
}

/// `PUT /v1/orgs/{org}/accounts/{id}` and the like: states one whole. Answers it.
async fn put(
    kind: Kind,
    stated: &'static str,
    State(face): State<Arc<Face>>,
    OrgName(org): OrgName,
    KeyWithin { id, .. }: KeyWithin,
    body: Body,
) -> Result<Response, Problem> {
    let data = named(&id, object(&body)?)?;
    state(&face, &org, Key::of(kind, &id), stated, data).await
}

/// `PUT /v1/orgs/{org}/entities/{type}/{id}`: states one whole. Answers it.
async fn put_entity(
    State(face): State<Arc<Face>>,
    OrgName(org): OrgName,
    KeyWithin { entity_type, id }: KeyWithin,
    body: Body,
) -> Result<Response, Problem> {
    let mut data = object(&body)?;
    let entity = json!({ "type": entity_type, "id": id });
    if let Some(other) = data.get("entity").filter(|other| **other != entity) {
        let detail = format!("the body names {other}, the path {entity}; leave the entity out of the body");
        let (reason, field) = ("invalid_field".to_owned(), "entity".to_owned());
        return Err(Problem::refused(StatusCode::UNPROCESSABLE_ENTITY, Refusal { reason, field, detail }));
    }
    data.insert("entity".to_owned(), entity);
    state(&face, &org, Key::of_entity(&entity_type, &id), "creditd.entity.put.v1", data).await
}

async fn state(
    face: &Face,
    org: &str,
    key: Key<'_>,
    stated: &str,
    data: Map<String, Value>,
) -> Result<Response, Problem> {
    // Of two that put it first at the same time both may be told that they did.
    let known = query::name(&face.desk.book, org, key).flatten().is_some();
    command(face, Subject::Commands(org), stated, data).await?;
    let status = if known { StatusCode::OK } else { StatusCode::CREATED };
    answer(face, status, org, key, query::name(&face.desk.book, org, key))
}

fn answer(
    face: &Face,
    status: StatusCode,
    org: &str,
    key: Key<'_>,
    found: Option<Option<NameState>>,
) -> Result<Response, Problem> {
    let as_of = face.desk.book.read(org, |slot| AsOf::of(&slot.org, clock::now()));
    match found.zip(as_of) {
        Some((Some(told), as_of)) => Ok(parts::json(status, &Dated { told, as_of })),
        Some((None, _)) => {
            let (what, id) = (word(key.kind), key.id);
            let why =
                format!("no {what} {id:?} was put, and no charged event named it; compare with the list");
            Err(Problem::new(StatusCode::NOT_FOUND, "unknown_name", why))
        }
        None => Err(Problem::unknown_org(org)),
    }
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Account => "account",
        Kind::Team => "team",
        Kind::User => "user",
        Kind::Entity => "entity",
    }
}
