//! The guard: the one layer that every request to a route goes through. It lets through what the route's [`Rule`] allows to the token
//! that is shown, and nothing else.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequestParts, MatchedPath, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Face;
use super::audit::{self, Record};
use super::portal;
use super::problem::Problem;
use super::routes::{Reach, Route, Rule};
use super::site;
use crate::access::{Gate, Permission, Presented, Role, Standing, Token};
use crate::clock;

/// How often it is looked whether the token of an answer without end is still good.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What each route needs.
#[derive(Debug, Default)]
pub(super) struct Rules(HashMap<String, Vec<(Method, Rule)>>);

impl Rules {
    pub(super) fn of(table: Vec<Route>) -> Rules {
        let mut rules = Rules::default();
        for Route { method, path, rule } in table {
            rules.0.entry(path).or_default().push((method, rule));
        }
        rules
    }

    pub(super) fn find(&self, method: &Method, path: &str) -> Option<Rule> {
        // Whoever may GET may ask for the HEAD alone.
        let method = if method == Method::HEAD { &Method::GET } else { method };
        let (_, rule) = self.0.get(path)?.iter().find(|(known, _)| known == method)?;
        Some(*rule)
    }
}

/// Who asks.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    /// Nobody in particular, where the gate is open.
    token: Option<Arc<Token>>,
}

impl Caller {
    /// Whether it may know of an organization.
    pub(super) fn has_org(&self, org: &str) -> bool {
        self.token.as_ref().is_none_or(|token| token.scope.has_org(org))
    }

    /// The organizations it is bound to, where it is.
    pub(super) fn orgs(&self) -> Option<&[String]> {
        self.token.as_ref()?.scope.orgs()
    }

    /// The accounts it is bound to, where it is.
    pub(super) fn accounts(&self) -> Option<&[String]> {
        self.token.as_ref()?.scope.accounts()
    }

    /// Whether it may know what is of an account, or of none.
    pub(super) fn has_account(&self, account: Option<&str>) -> bool {
        self.token.as_ref().is_none_or(|token| token.scope.has_account(account))
    }
}

impl Caller {
    /// Keeps parameters that choose by account to the accounts it is bound to: those that are named must be its own, and where none is, all
    /// of its own are meant. `most` of them can be.
    pub(super) fn keep(&self, pairs: &mut Vec<(String, String)>, most: usize) -> Result<(), Problem> {
        const ACCOUNT: &str = "account";
        let Some(own) = self.accounts() else { return Ok(()) };
        let mut named =
            pairs.iter().filter(|(name, _)| name == ACCOUNT).map(|(_, account)| account).peekable();
        if named.peek().is_some() {
            return match named.find(|account| !self.has_account(Some(account))) {
                Some(foreign) => Err(foreign_account(Some(foreign))),
                None => Ok(()),
            };
        }
        if own.len() > most {
            return Err(foreign_account(None));
        }
        pairs.extend(own.iter().map(|account| (ACCOUNT.to_owned(), account.clone())));
        Ok(())
    }
}

/// Waits until a caller's token is over; for ever where it has none.
pub(super) async fn over(caller: Caller, gate: Arc<Gate>) {
    let Some(token) = caller.token else { return std::future::pending().await };
    let standing =
        |now| if token.elsewhere { token.standing(now) } else { gate.tokens.standing(&token.id, now) };
    while standing(clock::now()) == Standing::Good {
        tokio::time::sleep(LOOK_AGAIN_AFTER).await;
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // No route is without the guard, which leaves a caller here.
        parts.extensions.get::<Caller>().cloned().ok_or_else(unruled)
    }
}

/// Lets a request through to its route, or answers why not. What is answered is for whoever asked alone.
pub(super) async fn guard(State(face): State<Arc<Face>>, request: Request, next: Next) -> Response {
    let mut response = answer(face, request, next).await;
    // A cache between would keep what a cookie let in.
    let caching = response.headers_mut().entry(header::CACHE_CONTROL);
    caching.or_insert(HeaderValue::from_static("no-store"));
    response
}

async fn answer(face: Arc<Face>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let rule = match rule(&face, &parts) {
        Ok(rule) => rule,
        Err(problem) => return problem.into_response(),
    };
    let caller = match rule.permission {
        None => Ok(Caller { token: None }),
        Some(_) => identify(&face, &parts).map(|token| Caller { token }),
    };
    let admitted = match &caller {
        Ok(caller) => admit(&rule, caller, &mut parts).await,
        Err(problem) => Err(problem.clone()),
    };
    let token = caller.as_ref().ok().and_then(|caller| caller.token.as_deref());
    if let Err(problem) = admitted {
        let response = problem.into_response();
        audit::count(&face, audit::deed(&face, &parts, token), &response);
        return response;
    }
    let record = Record::of(&rule, &parts.method);
    let deed = (record != Record::No).then(|| audit::deed(&face, &parts, token));
    if let Ok(caller) = caller {
        parts.extensions.insert(caller);
    }
    let answer = next.run(Request::from_parts(parts, body));
    match deed {
        None => answer.await,
        Some(deed) if record == Record::Counted => {
            let response = answer.await;
            audit::count(&face, deed, &response);
            response
        }
        Some(deed) => audit::record(face, deed, answer).await,
    }
}

fn rule(face: &Face, parts: &Parts) -> Result<Rule, Problem> {
    let path = parts.extensions.get::<MatchedPath>().ok_or_else(unruled)?;
    face.rules.find(&parts.method, path.as_str()).ok_or_else(unruled)
}

/// Whether a caller may do what a rule is about.
async fn admit(rule: &Rule, caller: &Caller, parts: &mut Parts) -> Result<(), Problem> {
    let (Some(token), Some(permission)) = (&caller.token, rule.permission) else { return Ok(()) };
    if !token.role.may(permission) {
        return Err(lacking(token, permission));
    }
    match rule.reach {
        Reach::Each => {}
        Reach::Whole if token.scope.orgs().is_none() => {}
        Reach::Whole => {
            let why = format!(
                "token {} is for some organizations alone, and this is about all of them; use one that is for all",
                token.id
            );
            return Err(Problem::new(StatusCode::FORBIDDEN, "org_scope", why));
        }
        Reach::Org => {
            let org = first_name(parts).await?;
            if !token.scope.has_org(&org) {
                // As where there is none: that it is there is nobody's business.
                return Err(Problem::unknown_org(&org));
            }
        }
    }
    if !rule.by_account && token.scope.accounts().is_some() {
        return Err(unrestrictable(&token.id));
    }
    Ok(())
}

/// The token that is shown; none where none is and none is needed.
fn identify(face: &Face, parts: &Parts) -> Result<Option<Arc<Token>>, Problem> {
    let (gate, headers) = (&face.gate, &parts.headers);
    let shown = headers.get(header::AUTHORIZATION);
    let cookie = if shown.is_none() { portal::in_cookie(headers) } else { None };
    if let (Some(provider), Some(signed)) = (&gate.provider, shown.and_then(signed_elsewhere)) {
        let read = provider.read(signed, clock::now()).map(|token| Some(Arc::new(token)));
        let refused = |why| format!("the token of {} is not taken: {why}", provider.options().issuer);
        return read.map_err(|why| Problem::unauthorized("token_invalid", refused(why)));
    }
    let presented = match (shown, cookie) {
        (None, None) if gate.open => {
            return site::refuse_others(parts, &face.options.public_url).map(|()| None);
        }
        (None, None) => {
            let why = "no token is shown; send the header \"authorization: Bearer cr_…\" (`creditd token create` makes one)";
            return Err(Problem::unauthorized("token_missing", why));
        }
        (Some(header), _) => header.to_str().ok().and_then(in_header),
        (None, Some(cookie)) => Presented::parse(cookie),
    };
    let presented = presented.ok_or_else(|| {
        let why = "the header authorization holds no token of creditd; write \"Bearer cr_<id>_<secret>\"";
        Problem::unauthorized("token_invalid", why)
    })?;
    let now = clock::now();
    // What a browser sends by itself is taken from those who may change nothing.
    let found = gate.tokens.find(&presented, now).filter(|(token, _)| shown.is_some() || token.portal);
    match found {
        None => {
            Err(Problem::unauthorized("token_invalid", "there is no such token, or its secret is another"))
        }
        Some((token, Standing::Good)) if gate.pace.allows(&token, now) => Ok(Some(token)),
        Some((token, Standing::Good)) => {
            let most = token.per_second.unwrap_or_default();
            let why = format!("token {} may make {most} requests a second; try again in a second", token.id);
            Err(Problem::too_often(why))
        }
        Some((token, standing @ (Standing::Expired | Standing::Revoked))) => {
            let why = format!("token {} is {}; ask for another one", token.id, standing.name());
            Err(Problem::unauthorized(&format!("token_{}", standing.name()), why))
        }
    }
}

/// A JSON Web Token in a header.
fn signed_elsewhere(header: &HeaderValue) -> Option<&str> {
    let (scheme, shown) = header.to_str().ok()?.split_once(' ')?;
    let shown = shown.trim();
    let is_signed =
        scheme.eq_ignore_ascii_case("bearer") && shown.bytes().filter(|byte| *byte == b'.').count() == 2;
    is_signed.then_some(shown)
}

/// The token in a header: `Bearer`, or the password of `Basic` for those who can only have a name and a password in an address.
fn in_header(text: &str) -> Option<Presented> {
    let (scheme, shown) = text.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Presented::parse(shown.trim());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let both = String::from_utf8(STANDARD.decode(shown.trim()).ok()?).ok()?;
    let (_, password) = both.split_once(':')?;
    Presented::parse(password)
}

async fn first_name(parts: &mut Parts) -> Result<String, Problem> {
    let names = RawPathParams::from_request_parts(parts, &()).await;
    let names = names.map_err(|error| {
        Problem::new(StatusCode::BAD_REQUEST, "invalid_path", format!("{error}; write the path in UTF-8"))
    })?;
    let first = names.iter().next().map(|(_, name)| name.to_owned());
    first.ok_or_else(unruled)
}

/// The role is another.
fn lacking(token: &Token, permission: Permission) -> Problem {
    let roles: Vec<&str> = permission.roles().iter().map(|role: &Role| role.name()).collect();
    let why = format!(
        "this needs the permission {permission}, which {} has; token {} is a {}",
        roles.join(" or "),
        token.id,
        token.role,
    );
    Problem::new(StatusCode::FORBIDDEN, "permission_missing", why)
}

/// What is asked for cannot be told for some accounts alone.
fn unrestrictable(id: &str) -> Problem {
    let why = format!(
        "token {id} is for some accounts alone, and this is about the whole organization; use one that is for all its accounts"
    );
    Problem::new(StatusCode::FORBIDDEN, "account_scope", why)
}

/// What is asked about is of an account that is not the caller's.
pub(super) fn foreign_account(account: Option<&str>) -> Problem {
    let named = account.map_or("no account".to_owned(), |name| format!("account {name:?}"));
    let why =
        format!("the request names {named}, and the token is for others; name one of its own in account");
    Problem::new(StatusCode::FORBIDDEN, "account_scope", why)
}

/// A route that was added past the table: nobody is let in.
fn unruled() -> Problem {
    let why = "nothing says who may ask this, so nobody may; report this as a defect";
    Problem::new(StatusCode::FORBIDDEN, "no_rule", why)
}
