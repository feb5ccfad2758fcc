//! Portal links: an address that shows one organization to whoever has it, until it ends.
//!
//! Behind each is a token of a viewer. Whoever opens the address gets it as a cookie, so that pages and streams of events can be asked for by a
//! browser; a cookie is taken from such tokens alone, which may change nothing.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Face;
use super::audit;
use super::body::Body;
use super::parts::{self, NameInPath, NameWithin, OrgName};
use super::problem::Problem;
use super::routes::{Routes, free, org};
use super::tokens::{change, invalid, problem, read, told};
use crate::access::{NewToken, Permission, Presented, Role, Scope, Standing};
use crate::clock;
use crate::ledger::units::Millis;

/// The cookie that holds the token.
pub(super) const COOKIE: &str = "creditd_portal";
/// How long a link is good where nothing is said, in seconds, and for how long it may be.
const USUALLY_S: u64 = 3_600;
const SHORTEST_S: u64 = 60;
const LONGEST_S: u64 = 90 * 86_400;

pub(super) fn routes(routes: Routes) -> Routes {
    let manage = org(Permission::Manage);
    routes
        .get("/v1/orgs/{org}/portal-links", manage, list)
        .post("/v1/orgs/{org}/portal-links", manage, create)
        .delete("/v1/orgs/{org}/portal-links/{id}", manage, revoke)
        .get("/portal/{token}", free(), enter)
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Wanted {
    name: Option<String>,
    role: Option<String>,
    accounts: Option<Vec<String>>,
    expires_in_s: Option<u64>,
}

/// `POST /v1/orgs/{org}/portal-links`: an address that shows the organization. It is told once.
async fn create(
    State(face): State<Arc<Face>>,
    OrgName(org): OrgName,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let Wanted { name, role, accounts, expires_in_s } =
        if body.bytes.is_empty() { Wanted::default() } else { read(&body)? };
    if face.desk.book.read(&org, |_| ()).is_none() {
        return Err(Problem::unknown_org(&org));
    }
    if let Some(role) = role.filter(|role| role != Role::Viewer.name()) {
        return Err(invalid(
            "role",
            format!("a portal link is for a viewer, not for {role:?}; make a token for others"),
        ));
    }
    let seconds = expires_in_s.unwrap_or(USUALLY_S);
    if !(SHORTEST_S..=LONGEST_S).contains(&seconds) {
        return Err(invalid(
            "expires_in_s",
            format!("{seconds} is out of range; write {SHORTEST_S} to {LONGEST_S}"),
        ));
    }
    let now = clock::now();
    let scope = Scope::new(Some(vec![org.clone()]), accounts).map_err(|error| problem(&error))?;
    let name = name.unwrap_or_else(|| format!("portal link of {org}"));
    let expires = Some(now.plus(Millis(seconds.saturating_mul(1_000))));
    let new = NewToken { expires, portal: true, ..NewToken::new(&name, Role::Viewer, scope) };
    let issued = change(&face, move |gate| gate.tokens.create(new, now)).await?;
    audit::about(&issued.token.id);
    let mut answer = told(&issued.token, now);
    if let Some(object) = answer.as_object_mut() {
        let url = format!("{}/portal/{}", base(&face, &headers), issued.reveal());
        object.insert("url".to_owned(), json!(url));
    }
    Ok(parts::json(StatusCode::CREATED, &answer))
}

/// `GET /v1/orgs/{org}/portal-links`: those of the organization that are in force, the oldest first.
async fn list(State(face): State<Arc<Face>>, OrgName(org): OrgName) -> Result<Response, Problem> {
    let (all, now) = (change(&face, |gate| gate.tokens.list()).await?, clock::now());
    let in_force = all.iter().filter(|token| token.standing(now) == Standing::Good);
    let own = in_force.filter(|token| token.is_portal_of(&org));
    let data: Vec<Value> = own.map(|token| told(token, now)).collect();
    Ok(parts::json(StatusCode::OK, &json!({ "data": data })))
}

/// `DELETE /v1/orgs/{org}/portal-links/{id}`: it shows nothing from now on.
async fn revoke(
    State(face): State<Arc<Face>>,
    OrgName(org): OrgName,
    NameWithin(id): NameWithin,
) -> Result<Response, Problem> {
    let (all, wanted) = (change(&face, |gate| gate.tokens.list()).await?, id.clone());
    if !all.iter().any(|token| token.id == wanted && token.is_portal_of(&org)) {
        let id: String = id.chars().take(80).collect();
        let why = format!("{org:?} has no portal link {id:?}; compare with GET /v1/orgs/{org}/portal-links");
        return Err(Problem::new(StatusCode::NOT_FOUND, "unknown_portal_link", why));
    }
    change(&face, move |gate| gate.tokens.revoke(&id, clock::now())).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `GET /portal/{token}`: leaves the token as a cookie, and leads on to the page of the organization.
async fn enter(State(face): State<Arc<Face>>, NameInPath(token): NameInPath) -> Result<Response, Problem> {
    let now = clock::now();
    let found = Presented::parse(&token).and_then(|presented| face.gate.tokens.find(&presented, now));
    let (known, org) = match &found {
        Some((known, Standing::Good)) if known.portal => {
            (known, known.scope.orgs().and_then(<[String]>::first))
        }
        _ => {
            let why = "this link has ended; ask whoever gave it to you for another one";
            return Err(Problem::new(StatusCode::NOT_FOUND, "unknown_portal_link", why));
        }
    };
    let org = org.map_or("", String::as_str);
    let seconds = known.expires.map_or(0, |end| end.since(now).0 / 1_000);
    let secure = if face.options.tls.is_some() || face.options.public_url.starts_with("https:") {
        "; Secure"
    } else {
        ""
    };
    // Whoever follows a link from elsewhere is to be shown the page; nothing can be changed with it.
    let cookie = format!("{COOKIE}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    let mut response = StatusCode::SEE_OTHER.into_response();
    let told = [
        (header::LOCATION, face.options.portal_page.replace("{org}", org)),
        (header::SET_COOKIE, cookie),
        (header::REFERRER_POLICY, "no-referrer".to_owned()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    for (name, value) in told {
        let value = HeaderValue::from_str(&value).map_err(|error| Problem::unavailable(error.to_string()))?;
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}

/// The token of a portal link in a cookie.
pub(super) fn in_cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies.flat_map(|value| value.split(';')).find_map(|one| {
        let (name, value) = one.trim().split_once('=')?;
        (name == COOKIE).then_some(value)
    })
}

/// What addresses begin with: as it is set, or as the caller reached us.
fn base(face: &Face, headers: &HeaderMap) -> String {
    if !face.options.public_url.is_empty() {
        return face.options.public_url.trim_end_matches('/').to_owned();
    }
    let scheme = if face.options.tls.is_some() { "https" } else { "http" };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    format!("{scheme}://{host}")
}
