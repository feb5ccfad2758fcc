//! Every route × every role × own and foreign organizations × every way in which a token can be wrong.

use creditd::access::{NewToken, Role, Scope, Tokens};
use creditd::clock;
use creditd::http::Reach;
use creditd::ledger::units::Millis;
use reqwest::Method;
use serde_json::json;

use super::expected::{ROUTES, Row};
use super::{Answer, Guarded, accounts, id, issue, new, orgs};

/// Kinds of problems that the guard alone tells of.
const REFUSALS: [&str; 8] = [
    "token_missing",
    "token_invalid",
    "token_expired",
    "token_revoked",
    "permission_missing",
    "org_scope",
    "account_scope",
    "no_rule",
];

/// What becomes of a request at the guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Through,
    Refused(u16, &'static str),
}

impl Answer {
    fn fate(&self) -> Fate {
        match REFUSALS.iter().find(|kind| **kind == self.kind()) {
            Some(kind) => Fate::Refused(self.status, kind),
            // Both organizations are there: who hears of none was kept from it.
            None if self.kind() == "unknown_org" => Fate::Refused(self.status, "unknown_org"),
            None if self.status == 401 || self.status == 403 => panic!("a refusal of no kind: {}", self.json),
            None => Fate::Through,
        }
    }
}

impl Guarded {
    async fn ask(&self, row: &Row, org: &str, token: Option<&str>) -> Answer {
        let (method, path, ..) = row;
        let path =
            path.replace("{org}", org).replace("{credit_type}", "credits").replace("{type}", "campaign");
        let path = path.replace("{name}", "none").replace("{source}", "sw1").replace("{id}", "none");
        let method: Method = method.parse().unwrap();
        let body = (method == Method::POST || method == Method::PUT).then(|| json!({}));
        self.send(token, method, &path, body).await
    }
}

/// Whose a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum For {
    Everything,
    Acme,
    NorthOfAcme,
}

impl For {
    fn scope(self) -> Scope {
        match self {
            For::Everything => Scope::default(),
            For::Acme => orgs(&["acme"]),
            For::NorthOfAcme => accounts("acme", &["north"]),
        }
    }
}

/// What is to become of a request.
fn due((_, _, roles, reach, by_account): &Row, role: Role, scope: For, org: &str) -> Fate {
    match (roles.is_empty(), roles.contains(&role)) {
        (true, _) => return Fate::Through,
        (false, false) => return Fate::Refused(403, "permission_missing"),
        (false, true) => {}
    }
    match (scope, reach) {
        (For::Everything, _) => Fate::Through,
        (_, Reach::Whole) => Fate::Refused(403, "org_scope"),
        (_, Reach::Org) if org != "acme" => Fate::Refused(404, "unknown_org"),
        (For::NorthOfAcme, _) if !by_account => Fate::Refused(403, "account_scope"),
        _ => Fate::Through,
    }
}

#[tokio::test]
async fn every_role_may_do_what_is_its_own_for_whom_it_is_and_nothing_else() {
    let guarded = Guarded::start().await;
    let mut wrong = Vec::new();
    for scope in [For::Everything, For::Acme, For::NorthOfAcme] {
        for role in Role::ALL {
            let token = guarded.token(role, scope.scope());
            for row in ROUTES {
                for org in ["acme", "rival"] {
                    let (due, answer) =
                        (due(row, role, scope, org), guarded.ask(row, org, Some(&token)).await);
                    if answer.fate() != due {
                        let (method, path, ..) = row;
                        wrong.push(format!(
                            "{method} {path} of {org}, a {role} for {scope:?}: {} {}, not {due:?}",
                            answer.status, answer.json
                        ));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
    guarded.running.stop().await;
}

#[tokio::test]
async fn no_route_lets_in_who_shows_no_token_that_is_good() {
    let guarded = Guarded::start().await;
    let folder = guarded.folder.path();
    let (tokens, now) = (Tokens::open(folder).unwrap(), clock::now());
    let past = NewToken { expires: Some(now.minus(Millis(1_000))), ..new(Role::Admin, Scope::default()) };
    let expired = tokens.create(past, now.minus(Millis(2_000))).unwrap().reveal();
    let revoked = issue(folder, new(Role::Admin, Scope::default()));
    tokens.revoke(id(&revoked), now).unwrap();
    let rotated = issue(folder, new(Role::Admin, Scope::default()));
    tokens.rotate(id(&rotated), Millis(0), now).unwrap();
    let other = issue(folder, new(Role::Admin, Scope::default()));
    let (_, secret) = other.rsplit_once('_').unwrap();
    let crossed = format!("cr_{}_{secret}", id(&guarded.admin));
    let ways = [
        (None, "token_missing"),
        (Some("letmein"), "token_invalid"),
        (Some(expired.as_str()), "token_expired"),
        (Some(&revoked), "token_revoked"),
        (Some(&rotated), "token_invalid"),
        (Some(&crossed), "token_invalid"),
    ];
    for row in ROUTES {
        for (token, kind) in ways {
            let answer = guarded.ask(row, "acme", token).await;
            let (method, path, roles, ..) = row;
            if roles.is_empty() {
                assert_eq!(answer.fate(), Fate::Through, "{method} {path}");
                continue;
            }
            assert_eq!(
                answer.fate(),
                Fate::Refused(401, kind),
                "{method} {path} with {token:?}: {}",
                answer.json
            );
            let challenge = answer.headers["www-authenticate"].to_str().unwrap();
            let told = if token.is_none() {
                "Bearer realm=\"creditd\""
            } else {
                "Bearer realm=\"creditd\", error=\"invalid_token\""
            };
            assert_eq!(challenge, told);
            assert_eq!(answer.headers["content-type"], "application/problem+json");
            assert_eq!(answer.headers["cache-control"], "no-store");
        }
    }
    // Who asks for the headers alone is asked the same.
    let head = guarded.send(None, Method::HEAD, "/v1/orgs/acme/balance", None).await;
    assert_eq!(head.status, 401);
    let head = guarded.send(Some(&guarded.admin), Method::HEAD, "/v1/orgs/acme/balance", None).await;
    assert_eq!((head.status, &head.headers["cache-control"]), (200, &"no-store".parse().unwrap()));
    guarded.running.stop().await;
}

#[tokio::test]
async fn a_refusal_says_what_is_missing_and_who_has_it() {
    let guarded = Guarded::start().await;
    let viewer = guarded.token(Role::Viewer, orgs(&["acme"]));
    let refused = guarded.post(&viewer, "/v1/orgs/acme/grants", json!({ "amount": "1" })).await;
    let told =
        format!("this needs the permission administer, which admin has; token {} is a viewer", id(&viewer));
    assert_eq!(refused.problem(403, "permission_missing"), told);
    let refused = guarded.send(Some(&viewer), Method::DELETE, "/v1/orgs/acme/limits/x", None).await;
    assert!(refused.problem(403, "permission_missing").contains("manage, which manager or admin has"));
    let refused = guarded.get(&viewer, "/v1/catalog").await;
    assert!(refused.problem(403, "org_scope").contains("for some organizations alone"));
    // An organization that is another's looks like one that is not there.
    let (foreign, none) = (
        guarded.get(&viewer, "/v1/orgs/rival/balance").await,
        guarded.get(&guarded.admin, "/v1/orgs/nobody/balance").await,
    );
    let told = foreign.problem(404, "unknown_org").replace("rival", "nobody");
    assert_eq!(told, none.problem(404, "unknown_org"));
    guarded.running.stop().await;
}

#[tokio::test]
async fn a_route_that_is_not_there_is_told_of_as_before() {
    let guarded = Guarded::start().await;
    guarded.send(None, Method::GET, "/v1/nothing", None).await.problem(404, "unknown_route");
    guarded.send(None, Method::PATCH, "/v1/orgs/acme", None).await.problem(405, "wrong_method");
    guarded.running.stop().await;
}
