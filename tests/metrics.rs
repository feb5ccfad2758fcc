//! What Prometheus scrapes, as Prometheus' own checker sees it: the real daemon, real events, `promtool`.
#![expect(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]

#[path = "support/daemon.rs"]
pub mod daemon;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use daemon::Daemon;
use reqwest::{Client, Method};
use serde_json::{Value, json};

/// A plan and an organization with ten credits.
const COMMANDS: [(&str, &str, &str); 4] = [
    (
        "PUT",
        "/v1/rate-cards/card",
        r#"{"version": 1, "prices": {"sent": {"per_action": "1"}, "phone_call": {"per_minute": "2"}}}"#,
    ),
    ("PUT", "/v1/plans/plan", r#"{"version": 1, "rate_card": "card"}"#),
    ("PUT", "/v1/orgs/acme", r#"{"plan": "plan"}"#),
    ("POST", "/v1/orgs/acme/grants", r#"{"id": "g", "amount": "10"}"#),
];

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_finds_no_fault_with_the_metrics_and_every_event_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let mut daemon = Daemon::start(folder.path(), "[log]\nkind = \"local\"\n");
    daemon.wait_for(0, Duration::from_secs(30)).await;
    for (method, path, body) in COMMANDS {
        let answer = send(&daemon, method, path, body.to_owned()).await;
        assert_eq!(answer["problem"], Value::Null, "{path}");
    }
    let sent = |id: u32| json!({ "type": "action", "org": "acme", "id": id.to_string(), "action": "sent" });
    let late = json!({ "type": "action", "org": "acme", "id": "late", "action": "sent", "time": "2026-01-01T00:00:00Z" });
    let void = json!({ "type": "void", "org": "acme", "id": "v", "voids": { "id": "1", "source": "nats" } });
    // The balance falls through every threshold and below nothing.
    let mut events: Vec<Value> = (1..=12).map(sent).collect();
    events.extend([sent(1), late, void, json!({ "type": "action", "org": "acme" }), json!({ "id": 1 })]);
    let answer = send(&daemon, "POST", "/v1/events", json!(events).to_string()).await;
    assert_eq!(answer["results"].as_array().unwrap().len(), events.len(), "{answer}");
    tokio::time::sleep(Duration::from_millis(900)).await;

    let text = reqwest::get(format!("{}/metrics", daemon.url())).await.unwrap().text().await.unwrap();
    println!("{text}");
    assert_eq!(complaints(&text), "");
}

async fn send(daemon: &Daemon, method: &str, path: &str, body: String) -> Value {
    let url = format!("{}{path}", daemon.url());
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let answer = Client::new().request(method, url).body(body).send().await.unwrap();
    answer.json().await.unwrap()
}

/// What `promtool check metrics` says about a text.
fn complaints(metrics: &str) -> String {
    let promtool = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/promtool");
    let child = Command::new(&promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = child.unwrap_or_else(|error| {
        panic!("{} cannot be started ({error}): run `make tools`", promtool.display())
    });
    child.stdin.take().unwrap().write_all(metrics.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    assert!(output.status.success() || !said.is_empty(), "{}", output.status);
    said
}
