//! The problems that a route may answer, by their statuses: whoever asks is told of each, and of no other.

use serde_json::{Map, Value, json};

use super::told::Told;
use crate::http::kinds::KINDS;
use crate::http::routes::{Reach, Rule};

/// A status of problems: its number, the name of its component, what it says in general, and its headers.
struct Status {
    code: u16,
    name: &'static str,
    what: &'static str,
    header: Option<(&'static str, &'static str)>,
}

const fn status(code: u16, name: &'static str, what: &'static str) -> Status {
    Status { code, name, what, header: None }
}

const fn with(header: &'static str, tells: &'static str, status: Status) -> Status {
    Status { header: Some((header, tells)), ..status }
}

const RETRY: &str = "After so many seconds it may be tried again; absent where that would not help.";

const STATUSES: [Status; 13] = [
    status(400, "BadRequest", "The path, a parameter or the body cannot be read."),
    with(
        "WWW-Authenticate",
        "The scheme that is wanted, as RFC 6750 has it.",
        status(401, "Unauthorized", "No token is shown, or it is good for nothing."),
    ),
    status(403, "Forbidden", "The token is good, but not for this."),
    status(404, "NotFound", "What is named is not there, or not for this token to see."),
    status(408, "RequestTimeout", "The body took more than 30 seconds to come."),
    status(409, "Conflict", "It contradicts what is there already."),
    status(
        413,
        "ContentTooLarge",
        "The body, an item or the number of items is over a limit, which is named.",
    ),
    status(415, "UnsupportedMediaType", "The body has a content-encoding; send it as it is."),
    status(
        422,
        "UnprocessableContent",
        "The content is refused: `field` names what is at fault, `reason` why.",
    ),
    with(
        "Retry-After",
        RETRY,
        status(429, "TooManyRequests", "The token has asked as often in this second as it may."),
    ),
    status(500, "InternalServerError", "A defect of creditd; report it."),
    with(
        "Retry-After",
        RETRY,
        status(
            503,
            "ServiceUnavailable",
            "It cannot be done now. Sent again it is carried out once all the same.",
        ),
    ),
    status(
        504,
        "GatewayTimeout",
        "It is in the log, and was not applied in time; it will be. Send it again to be told.",
    ),
];

/// The component of each status.
pub(super) fn components() -> Map<String, Value> {
    let one = |Status { code, name, what, header }: &Status| {
        let kinds: Vec<&str> =
            KINDS.iter().filter(|(_, of)| of.contains(code)).map(|(kind, _)| *kind).collect();
        let mut response = json!({
            "description": format!("{what} The kinds, each after `urn:creditd:problem:` as its type: `{}`.", kinds.join("`, `")),
            "x-creditd-problems": kinds,
            "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
        });
        if let Some((header, tells)) = header {
            response["headers"] =
                json!({ *header: { "description": tells, "schema": { "type": "string" } } });
        }
        ((*name).to_owned(), response)
    };
    STATUSES.iter().map(one).collect()
}

/// The problems of a route, each with its answer.
pub(super) fn of(told: &Told, rule: &Rule) -> Map<String, Value> {
    let may_be = |code: &u16| is_likely(*code, told, rule) || told.problems.contains(code);
    let known = STATUSES.iter().filter(|status| may_be(&status.code));
    known
        .map(|Status { code, name, .. }| {
            (code.to_string(), json!({ "$ref": format!("#/components/responses/{name}") }))
        })
        .collect()
}

/// Whether routes like it answer that status.
fn is_likely(code: u16, told: &Told, rule: &Rule) -> bool {
    let (has_body, is_guarded) = (told.body.is_some(), rule.permission.is_some());
    let has_name = told.path.contains('{');
    match code {
        400 => has_body || has_name || !told.parameters.is_empty(),
        401 | 403 | 429 | 503 => is_guarded,
        404 => has_name,
        408 | 415 => has_body,
        413 => has_body || told.writes,
        422 => has_body || told.writes || rule.reach == Reach::Org,
        500 => true,
        504 => told.writes,
        _ => false,
    }
}
