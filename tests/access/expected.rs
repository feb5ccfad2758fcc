//! What every route is to need, written down by itself: what the router is told is compared with it.

use creditd::access::{Permission, Role};
use creditd::http::Reach;

/// A route: method, path, who may ask it, what it reaches, whether it can be kept to accounts.
pub(super) type Row = (&'static str, &'static str, &'static [Role], Reach, bool);

const NOBODY_ASKED: &[Role] = &[];
const LOOK: &[Role] = &[Role::Viewer, Role::Manager, Role::Admin];
const SET: &[Role] = &[Role::Manager, Role::Admin];
const SEND: &[Role] = &[Role::Publisher, Role::Admin];
const CALL: &[Role] = &[Role::Switch, Role::Admin];
const ALL: &[Role] = &[Role::Admin];

pub(super) const ROUTES: &[Row] = &[
    ("GET", "/healthz", NOBODY_ASKED, Reach::Whole, true),
    ("GET", "/readyz", NOBODY_ASKED, Reach::Whole, true),
    ("GET", "/metrics", LOOK, Reach::Whole, false),
    ("GET", "/v1/openapi.json", NOBODY_ASKED, Reach::Whole, true),
    ("GET", "/v1/catalog", LOOK, Reach::Whole, false),
    ("GET", "/v1/orgs", LOOK, Reach::Each, false),
    ("GET", "/v1/orgs/{org}", LOOK, Reach::Org, true),
    ("GET", "/v1/orgs/{org}/balance", LOOK, Reach::Org, false),
    ("GET", "/v1/orgs/{org}/balance/stream", LOOK, Reach::Org, false),
    ("GET", "/v1/orgs/{org}/forecast", LOOK, Reach::Org, false),
    ("GET", "/v1/orgs/{org}/usage", LOOK, Reach::Org, true),
    ("GET", "/v1/orgs/{org}/spikes", LOOK, Reach::Org, true),
    ("GET", "/v1/orgs/{org}/history", LOOK, Reach::Org, true),
    ("GET", "/v1/orgs/{org}/charges/{seq}", LOOK, Reach::Org, false),
    ("GET", "/v1/orgs/{org}/limits", LOOK, Reach::Org, false),
    ("GET", "/v1/orgs/{org}/recharges", LOOK, Reach::Org, false),
    ("GET", "/v1/orgs/{org}/webhooks", LOOK, Reach::Org, false),
    ("GET", "/v1/orgs/{org}/alerts", LOOK, Reach::Org, false),
    ("GET", "/v1/orgs/{org}/alerts/stream", LOOK, Reach::Org, false),
    ("GET", "/v1/orgs/{org}/calls", LOOK, Reach::Org, false),
    ("GET", "/v1/orgs/{org}/calls/stream", LOOK, Reach::Org, false),
    ("GET", "/v1/orgs/{org}/calls/{id}", LOOK, Reach::Org, true),
    ("GET", "/v1/orgs/{org}/accounts", LOOK, Reach::Org, true),
    ("GET", "/v1/orgs/{org}/accounts/{id}", LOOK, Reach::Org, true),
    ("GET", "/v1/orgs/{org}/entities", LOOK, Reach::Org, true),
    ("GET", "/v1/orgs/{org}/entities/{type}/{id}", LOOK, Reach::Org, true),
    ("GET", "/v1/orgs/{org}/teams", LOOK, Reach::Org, false),
    ("GET", "/v1/orgs/{org}/teams/{id}", LOOK, Reach::Org, false),
    ("GET", "/v1/orgs/{org}/users", LOOK, Reach::Org, false),
    ("GET", "/v1/orgs/{org}/users/{id}", LOOK, Reach::Org, false),
    ("PUT", "/v1/orgs/{org}/accounts/{id}", SET, Reach::Org, false),
    ("PUT", "/v1/orgs/{org}/teams/{id}", SET, Reach::Org, false),
    ("PUT", "/v1/orgs/{org}/users/{id}", SET, Reach::Org, false),
    ("PUT", "/v1/orgs/{org}/entities/{type}/{id}", SET, Reach::Org, false),
    ("PUT", "/v1/orgs/{org}/limits/{id}", SET, Reach::Org, false),
    ("DELETE", "/v1/orgs/{org}/limits/{id}", SET, Reach::Org, false),
    ("PUT", "/v1/orgs/{org}/recharges/{credit_type}", SET, Reach::Org, false),
    ("DELETE", "/v1/orgs/{org}/recharges/{credit_type}", SET, Reach::Org, false),
    ("PUT", "/v1/orgs/{org}/webhooks/{id}", SET, Reach::Org, false),
    ("DELETE", "/v1/orgs/{org}/webhooks/{id}", SET, Reach::Org, false),
    ("POST", "/v1/orgs/{org}/webhooks/{id}/test", SET, Reach::Org, false),
    ("POST", "/v1/orgs/{org}/webhooks/{id}/resend", SET, Reach::Org, false),
    ("GET", "/v1/orgs/{org}/reports", LOOK, Reach::Org, false),
    ("GET", "/v1/orgs/{org}/reports/{id}", LOOK, Reach::Org, false),
    ("PUT", "/v1/orgs/{org}/reports/{id}", SET, Reach::Org, false),
    ("DELETE", "/v1/orgs/{org}/reports/{id}", SET, Reach::Org, false),
    ("POST", "/v1/orgs/{org}/reports/{id}/send", SET, Reach::Org, false),
    ("GET", "/v1/unsubscribe/{token}", NOBODY_ASKED, Reach::Whole, true),
    ("POST", "/v1/unsubscribe/{token}", NOBODY_ASKED, Reach::Whole, true),
    ("POST", "/v1/events", SEND, Reach::Each, false),
    ("POST", "/v1/adapters/{name}", SEND, Reach::Each, false),
    ("POST", "/v1/orgs/{org}/events", SEND, Reach::Org, false),
    ("POST", "/v1/orgs/{org}/authorize", CALL, Reach::Org, true),
    ("POST", "/v1/orgs/{org}/quote", CALL, Reach::Org, true),
    ("GET", "/v1/orgs/{org}/holds", CALL, Reach::Org, false),
    ("POST", "/v1/orgs/{org}/holds/{id}/release", CALL, Reach::Org, false),
    ("POST", "/v1/orgs/{org}/holds/{id}/extend", CALL, Reach::Org, false),
    ("POST", "/v1/sources/{source}/restarted", CALL, Reach::Whole, false),
    ("PUT", "/v1/orgs/{org}", ALL, Reach::Org, false),
    ("POST", "/v1/orgs/{org}/grants", ALL, Reach::Org, false),
    ("POST", "/v1/orgs/{org}/grants/{id}/void", ALL, Reach::Org, false),
    ("POST", "/v1/orgs/{org}/adjustments", ALL, Reach::Org, false),
    ("POST", "/v1/orgs/{org}/verify", ALL, Reach::Org, false),
    ("POST", "/v1/orgs/{org}/recharges/{credit_type}/failed", ALL, Reach::Org, false),
    ("PUT", "/v1/rate-cards/{id}", ALL, Reach::Whole, false),
    ("PUT", "/v1/plans/{id}", ALL, Reach::Whole, false),
    ("GET", "/v1/what-if", ALL, Reach::Whole, false),
    ("POST", "/v1/what-if", ALL, Reach::Whole, false),
    ("GET", "/v1/what-if/{id}", ALL, Reach::Whole, false),
    ("DELETE", "/v1/what-if/{id}", ALL, Reach::Whole, false),
    ("GET", "/v1/orgs/{org}/portal-links", SET, Reach::Org, false),
    ("POST", "/v1/orgs/{org}/portal-links", SET, Reach::Org, false),
    ("DELETE", "/v1/orgs/{org}/portal-links/{id}", SET, Reach::Org, false),
    ("GET", "/portal/{token}", NOBODY_ASKED, Reach::Whole, true),
    ("GET", "/v1/audit", ALL, Reach::Whole, false),
    ("GET", "/v1/tokens", ALL, Reach::Whole, false),
    ("POST", "/v1/tokens", ALL, Reach::Whole, false),
    ("POST", "/v1/tokens/{id}/rotate", ALL, Reach::Whole, false),
    ("DELETE", "/v1/tokens/{id}", ALL, Reach::Whole, false),
];

#[test]
fn every_route_of_the_router_needs_what_is_written_here() {
    let mut routed: Vec<String> = creditd::http::table()
        .iter()
        .map(|route| {
            let roles = route.rule.permission.map_or(NOBODY_ASKED, Permission::roles);
            shown(route.method.as_str(), &route.path, roles, route.rule.reach, route.rule.by_account)
        })
        .collect();
    let mut expected: Vec<String> = ROUTES
        .iter()
        .map(|(method, path, roles, reach, kept)| shown(method, path, roles, *reach, *kept))
        .collect();
    routed.sort();
    expected.sort();
    assert_eq!(routed.join("\n"), expected.join("\n"));
}

fn shown(method: &str, path: &str, roles: &[Role], reach: Reach, by_account: bool) -> String {
    format!("{path} {method} {roles:?} {reach:?} by_account={by_account}")
}
