//! The daemon asked all that its OpenAPI document says can be asked, and much that it says cannot, by a program that knows nothing else of it.
//!
//! What is asked is bounded: with a fixed seed the examples, every limit of the document from both sides, and a few random requests to each
//! route, some ten thousand in all. The streams are left out, since an answer without end is none that can be waited for.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use creditd::access::{NewToken, Role, Scope, Tokens};
use creditd::clock;
use reqwest::Method;
use serde_json::{Value, json};

use crate::openapi::python;
use crate::process::Daemon;

/// Random requests to each route, and what they are made of.
const RANDOM: [&str; 4] = ["--max-examples", "5", "--seed", "20260105"];

/// What the document allows may be refused for what it means: such as a plan that nobody published. So in place of schemathesis's own check
/// of that stands one of the form alone, in `schemathesis_checks.py`. Of a batch of events each is judged by itself, in an answer that is a 200.
const CONFIG: &str = r#"
workers = 1

[checks.positive_data_acceptance]
enabled = false

[checks.negative_data_rejection]
expected-statuses = ["400", "404", "405", "409", "413", "422"]

[warnings]
fail-on = ["missing_auth"]

[parameters]
"path.org" = "acme"
"path.credit_type" = "credits"
"path.type" = "campaign"

[[operations]]
include-path-regex = '/events$'
checks.negative_data_rejection.enabled = false
"#;

/// Routes whose success takes more than the document can say: a token that stands in a mail alone, a message that an adapter has a use for, and
/// the id of an alert.
const NEVER_DONE: [&str; 4] = [
    "GET /v1/unsubscribe/{token}",
    "POST /v1/unsubscribe/{token}",
    "POST /v1/adapters/{name}",
    "POST /v1/orgs/{org}/webhooks/{id}/resend",
];

fn settings() -> String {
    let adapter = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/adapters/freeswitch.toml");
    format!(
        "[access]\nmode = \"tokens\"\n[adapters]\nfiles = [{adapter:?}]\n[mail]\nserver = \"127.0.0.1\"\nport = 9\ntls = \"none\"\n\
         from = \"Usage <usage@meter.example>\"\npublic_url = \"https://meter.example/\"\n"
    )
}

/// Whoever asks.
struct Asking {
    url: String,
    token: String,
}

impl Asking {
    async fn ask(&self, method: Method, path: &str, body: Value) -> Value {
        let asked = reqwest::Client::new().request(method, format!("{}{path}", self.url));
        let answer = asked.bearer_auth(&self.token).body(body.to_string()).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// An organization in which something has happened.
    async fn seed(&self) {
        let card = json!({ "version": 1, "prices": {
            "email_sent": { "per_action": "1" },
            "phone_call": { "per_minute": "2", "increment": "60/60" },
        }});
        let events = json!([
            { "type": "action", "id": "1", "action": "email_sent", "user": "ana", "entity": { "type": "campaign", "id": "c7" } },
            { "type": "call.answered", "id": "2", "call_id": "live", "direction": "outbound" },
            { "type": "call.ended", "id": "3", "call_id": "over", "direction": "outbound", "duration_ms": 61_000 },
        ]);
        let report = json!({ "to": ["ana@example.com"], "schedule": { "every": "week", "on": "monday", "at": "08:00" } });
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
            (Method::PUT, "/v1/orgs/acme/recharges/credits", json!({ "below": "2000", "amount": "5" })),
            (Method::PUT, "/v1/orgs/acme/webhooks/hook", json!({ "url": "https://hooks.invalid/credits" })),
            (Method::PUT, "/v1/orgs/acme/reports/weekly", report),
            (Method::PUT, "/v1/orgs/acme/accounts/emea", json!({ "name": "Europe" })),
            (Method::PUT, "/v1/orgs/acme/teams/sales", json!({ "name": "Sales" })),
            (Method::POST, "/v1/orgs/acme/events", events),
            (Method::POST, "/v1/what-if", json!({ "plan": "starter" })),
        ] {
            self.ask(method, path, body).await;
        }
    }

    /// What the names in paths stand for, so that something is there: by a part of the path, the name and the value.
    async fn names(&self) -> Vec<(&'static str, &'static str, String)> {
        let other = self.ask(Method::POST, "/v1/tokens", json!({ "name": "other", "role": "viewer" })).await;
        let link = self.ask(Method::POST, "/v1/orgs/acme/portal-links", json!({})).await;
        let revoked = self.ask(Method::POST, "/v1/orgs/acme/portal-links", json!({})).await;
        let call = json!({ "call_id": "next", "direction": "outbound" });
        let held = self.ask(Method::POST, "/v1/orgs/acme/authorize", call).await;
        let charges = self.ask(Method::GET, "/v1/orgs/acme/history?kind=charge", Value::Null).await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let secret = text(&link["url"]).rsplit('/').next().unwrap().to_owned();
        let known = [
            ("/webhooks/", "hook"),
            ("/reports/", "weekly"),
            ("/limits/", "each"),
            ("/grants/", "first"),
            ("/accounts/", "emea"),
            ("/teams/", "sales"),
            ("/users/", "ana"),
            ("/entities/", "c7"),
            ("/calls/", "over"),
            ("/rate-cards/", "standard"),
            ("/plans/", "starter"),
            ("^/v1/what-if/", "1"),
        ];
        let mut all: Vec<_> = known.map(|(path, id)| (path, "id", id.to_owned())).to_vec();
        // Not the own one: nothing would be allowed once that has another secret.
        all.push(("^/v1/tokens/", "id", text(&other["id"])));
        all.push(("/portal-links/", "id", text(&revoked["id"])));
        all.push(("^/portal/", "token", secret));
        all.push(("/holds/", "id", text(&held["hold_id"])));
        all.push(("/charges/", "seq", text(&charges["data"][0]["seq"])));
        all.push(("/adapters/", "name", "freeswitch-cdr".to_owned()));
        all
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_can_be_looked_at_is_answered_as_the_document_says() {
    all_is_as_told("--include-method", |method| method == Method::GET).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_can_be_done_is_answered_as_the_document_says() {
    all_is_as_told("--exclude-method", |method| method != Method::GET).await;
}

/// Tries the routes of some methods: the GETs, or all but them. Each half has a daemon of its own, so that both can be tried at once.
async fn all_is_as_told(gets: &'static str, is_tried: fn(&Method) -> bool) {
    let folder = tempfile::tempdir().unwrap();
    let mut daemon = Daemon::start_guarded(folder.path(), &settings());
    daemon.ready().await;
    let admin = NewToken::new("tries everything", Role::Admin, Scope::default());
    let token = Tokens::open(&daemon.data()).unwrap().create(admin, clock::now()).unwrap().reveal();
    let asking = Asking { url: daemon.url(), token };
    asking.seed().await;
    write_config(folder.path(), &asking.names().await);
    let at = folder.path().to_owned();
    let (is_well, said) = tokio::task::spawn_blocking(move || try_all(&at, &asking, gets)).await.unwrap();
    assert!(is_well, "{said}");
    let done = fs::read_to_string(folder.path().join("done.txt")).unwrap();
    let done: BTreeSet<&str> = done.lines().collect();
    let tried = creditd::http::table().into_iter().filter(|route| is_tried(&route.method));
    let undone: Vec<String> = tried
        .map(|route| format!("{} {}", route.method, route.path))
        .filter(|route| !route.ends_with("/stream") && !NEVER_DONE.contains(&&**route))
        .filter(|route| !done.contains(&**route))
        .collect();
    assert!(undone.is_empty(), "these were never answered but by a problem: {undone:?}\n{said}");
    daemon.ready().await;
    assert!(daemon.terminate().success());
}

fn write_config(folder: &Path, names: &[(&str, &str, String)]) {
    let checks = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/http/schemathesis_checks.py");
    let operation = |(path, name, value): &(&str, &str, String)| {
        format!(
            "\n[[operations]]\ninclude-path-regex = '{path}'\nparameters = {{ \"path.{name}\" = {value:?} }}\n"
        )
    };
    let operations: String = names.iter().map(operation).collect();
    let config = format!("hooks = {checks:?}\n{CONFIG}{operations}");
    fs::write(folder.join("schemathesis.toml"), config).unwrap();
}

/// Whether all is well, and what was said.
fn try_all(folder: &Path, asking: &Asking, gets: &str) -> (bool, String) {
    let program = python().with_file_name("st");
    let tried = Command::new(program)
        .current_dir(folder)
        .args(["--config-file", "schemathesis.toml", "run", &format!("{}/v1/openapi.json", asking.url)])
        .args(["--header", &format!("Authorization: Bearer {}", asking.token)])
        .args([gets, "GET", "--exclude-path-regex", "/stream$", "--phases", "examples,coverage,fuzzing"])
        .args(RANDOM)
        .args(["--request-timeout", "20", "--continue-on-failure", "--no-shrink"])
        .args(["--suppress-health-check", "all"])
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&tried.stdout), String::from_utf8_lossy(&tried.stderr));
    (tried.status.success(), said)
}
