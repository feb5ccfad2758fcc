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

/// A plan, and an organization with ten credits: path and body.
const COMMANDS: [(Method, &str, &str); 4] = [
    (Method::PUT, "/v1/rate-cards/card", r#"{"version": 1, "prices": {"sent": {"per_action": "1"}}}"#),
    (Method::PUT, "/v1/plans/plan", r#"{"version": 1, "rate_card": "card"}"#),
    (Method::PUT, "/v1/orgs/acme", r#"{"plan": "plan"}"#),
    (Method::POST, "/v1/orgs/acme/grants", r#"{"id": "g", "amount": "10"}"#),
];

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_finds_no_fault_with_the_metrics_and_every_event_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let mut daemon = Daemon::start(folder.path(), "[log]\nkind = \"local\"\n");
    daemon.ready().await;
    for (method, path, body) in COMMANDS {
        send(&daemon, method, path, body).await;
    }
    // Eight charges, a repeat, a void of the first, one without an id and one that nobody knows.
    let sent = |id: u32| json!({ "type": "action", "org": "acme", "id": id.to_string(), "action": "sent" });
    let mut events: Vec<Value> = (1..=8).map(sent).collect();
    events.push(sent(1));
    events.push(json!({ "type": "void", "org": "acme", "id": "v", "voids": { "id": "1" } }));
    events.push(json!({ "type": "action", "org": "acme", "action": "sent" }));
    events.push(json!({ "type": "dance", "org": "acme", "id": "9" }));
    send(&daemon, Method::POST, "/v1/events", &json!(events).to_string()).await;

    let counted = [
        ("creditd_events_received_total", 12.0),
        ("creditd_events_charged_total", 8.0),
        ("creditd_events_voided_total", 1.0),
        ("creditd_events_duplicate_total", 1.0),
        ("creditd_events_rejected_total", 2.0),
        ("creditd_credits_debited_total", 8.0),
        // Below 60 and 30 percent; two of ten are left before the void gives one back.
        ("creditd_alerts_raised_total", 2.0),
        ("creditd_recovery_ratio", 1.0),
    ];
    for (name, figure) in counted {
        daemon.shows(name, figure).await;
    }
    // Every family has its series now, a checkpoint's too.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let answer = reqwest::get(format!("{}/metrics", daemon.url())).await.unwrap();
    let text = answer.text().await.unwrap();
    assert!(text.contains("creditd_checkpoints_total{"), "{text}");
    assert_eq!(complaints(&text), "", "{text}");
    assert_ne!(
        complaints("# TYPE wrong counter\nwrong 1\n"),
        "",
        "a checker that finds nothing proves nothing"
    );
}

async fn send(daemon: &Daemon, method: Method, path: &str, body: &str) {
    let request = Client::new().request(method, format!("{}{path}", daemon.url())).body(body.to_owned());
    let answer = request.send().await.unwrap();
    let status = answer.status();
    assert!(status.is_success(), "{path}: {status} {}", answer.text().await.unwrap());
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
