//! The daemon asked all that its OpenAPI document says can be asked, and much that it says cannot, by a program that knows nothing else of it.

use std::fs;
use std::path::Path;
use std::process::Command;

use creditd::access::{NewToken, Role, Scope, Tokens};
use creditd::clock;
use reqwest::Method;
use serde_json::{Value, json};

use crate::openapi::python;
use crate::process::Daemon;

/// Where nothing else is said, what paths name is there.
const CONFIG: &str = r#"
[parameters]
"path.org" = "acme"
"path.credit_type" = "credits"
"path.type" = "campaign"
"#;

/// Checks that make no sense here.
///
/// - `positive_data_acceptance`: what has the right form may be refused all the same, such as a plan that nobody published.
/// - `negative_data_rejection`: a parameter that a route does not have is ignored where it has none.
const NOT_CHECKED: &str = "positive_data_acceptance,negative_data_rejection";

async fn ask(url: &str, token: &str, method: Method, path: &str, body: Value) {
    let asked = reqwest::Client::new().request(method, format!("{url}{path}")).bearer_auth(token);
    let answer = asked.body(body.to_string()).send().await.unwrap();
    let status = answer.status();
    assert!(status.is_success(), "{path}: {status} {}", answer.text().await.unwrap());
}

/// An organization in which something has happened.
async fn seed(url: &str, token: &str) {
    let card = json!({ "version": 1, "prices": {
        "email_sent": { "per_action": "1" },
        "phone_call": { "per_minute": "2", "increment": "60/60" },
    }});
    let events = json!([
        { "type": "action", "id": "1", "action": "email_sent", "user": "ana", "entity": { "type": "campaign", "id": "c7" } },
        { "type": "call.answered", "id": "2", "call_id": "live", "direction": "outbound" },
        { "type": "call.ended", "id": "3", "call_id": "over", "direction": "outbound", "duration_ms": 61_000 },
    ]);
    for (method, path, body) in [
        (Method::PUT, "/v1/rate-cards/standard", card),
        (Method::PUT, "/v1/plans/starter", json!({ "version": 1, "rate_card": "standard" })),
        (Method::PUT, "/v1/orgs/acme", json!({ "plan": "starter" })),
        (Method::POST, "/v1/orgs/acme/grants", json!({ "id": "first", "amount": "1000" })),
        (
            Method::PUT,
            "/v1/orgs/acme/limits/each",
            json!({ "on": { "user": "*" }, "credits": "5", "window": "day" }),
        ),
        (Method::PUT, "/v1/orgs/acme/recharges/credits", json!({ "below": "1", "amount": "5" })),
        (Method::POST, "/v1/orgs/acme/events", events),
    ] {
        ask(url, token, method, path, body).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_document_allows_is_answered_as_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let mut daemon = Daemon::start_guarded(folder.path(), "[access]\nmode = \"tokens\"\n");
    daemon.ready().await;
    let admin = NewToken::new("tries everything", Role::Admin, Scope::default());
    let token = Tokens::open(&daemon.data()).unwrap().create(admin, clock::now()).unwrap().reveal();
    seed(&daemon.url(), &token).await;
    fs::write(folder.path().join("schemathesis.toml"), CONFIG).unwrap();
    let (url, at) = (daemon.url(), folder.path().to_owned());
    let tried = tokio::task::spawn_blocking(move || try_all(&at, &url, &token)).await.unwrap();
    assert!(tried.0, "{}", tried.1);
    daemon.ready().await;
    assert!(daemon.terminate().success());
}

/// Whether all is well, and what was said.
fn try_all(folder: &Path, url: &str, token: &str) -> (bool, String) {
    let program = python().with_file_name("st");
    let tried = Command::new(program)
        .current_dir(folder)
        .args(["--config-file", "schemathesis.toml", "run", &format!("{url}/v1/openapi.json")])
        .args(["--header", &format!("Authorization: Bearer {token}")])
        .args(["--checks", "all", "--exclude-checks", NOT_CHECKED])
        // An answer without end is none that can be waited for.
        .args(["--exclude-path-regex", "/stream$"])
        .args(["--phases", "examples,coverage,fuzzing", "--max-examples", "5", "--seed", "20260105"])
        .args(["--max-time", "60", "--request-timeout", "20", "--workers", "2"])
        .args(["--continue-on-failure", "--no-shrink", "--suppress-health-check", "all"])
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&tried.stdout), String::from_utf8_lossy(&tried.stderr));
    (tried.status.success(), said)
}
