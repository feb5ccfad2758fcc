//! Webhooks of other systems: translated at the door, and then charged like every event.

use std::path::Path;
use std::sync::Arc;

use creditd::clock;
use creditd::http::Options;
use creditd::wire::adapter::Adapters;
use serde_json::{Value, json};

use crate::Daemon;

/// A daemon with `acme` that knows shipped adapters.
async fn with_adapters(systems: &[&str]) -> Daemon {
    let mut adapters = Adapters::default();
    for system in systems {
        let file = format!("config/adapters/{system}.toml");
        let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&file)).unwrap();
        adapters.append(&file, Adapters::from_toml(&file, &text).unwrap()).unwrap();
    }
    let daemon = Daemon::with(Options { adapters: Arc::new(adapters), ..Options::default() }).await;
    daemon.publish().await;
    daemon.org("acme").await;
    daemon
}

fn status(status: &str) -> Value {
    json!({ "call_sid": "8a5f", "direction": "outbound", "to": "+4930123456", "call_status": status,
            "customerData": { "org": "acme" } })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_told_by_webhooks_and_charged_once() {
    let daemon = with_adapters(&["jambonz"]).await;
    let path = "/v1/adapters/jambonz";
    assert_eq!(daemon.post(path, status("in-progress")).await.statuses(), ["accepted"]);
    assert_eq!(daemon.get("/v1/orgs/acme/calls").await.json["data"][0]["call_id"], "8a5f");
    assert_eq!(daemon.available("acme").await, "998", "the first minute has begun");

    let mut completed = status("completed");
    completed["duration"] = json!(61);
    assert_eq!(daemon.post(path, completed.clone()).await.statuses(), ["accepted"]);
    assert_eq!(daemon.post(path, completed.clone()).await.statuses(), ["duplicate"]);
    assert_eq!(daemon.available("acme").await, "996", "two minutes");
    let durable = daemon.post(&format!("{path}?wait=none"), completed).await;
    assert_eq!((durable.status, durable.json["durable"].as_array().unwrap().len()), (202, 1));

    let ignored = daemon.post(path, status("trying")).await;
    assert_eq!((ignored.status, &ignored.json["status"]), (200, &json!("ignored")));
    assert!(
        ignored.json["detail"].as_str().unwrap().contains("does not list \"trying\""),
        "{}",
        ignored.json
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_is_read_as_one() {
    let daemon = with_adapters(&["twilio", "retell"]).await;
    let now = jiff::Timestamp::from_microsecond(clock::now().micros()).unwrap();
    let time = jiff::fmt::rfc2822::to_string(&now.to_zoned(jiff::tz::TimeZone::UTC)).unwrap();
    let form = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("CallSid", "CA7"), ("AccountSid", "AC00000000000000000000000000000001")])
        .extend_pairs([
            ("Direction", "outbound-api"),
            ("CallStatus", "completed"),
            ("Timestamp", time.as_str()),
        ])
        .extend_pairs([("Duration", "1"), ("CallDuration", "49")])
        .finish();
    let answer = daemon.send(reqwest::Method::POST, "/v1/adapters/twilio", form).await;
    assert_eq!((answer.status, answer.statuses()), (200, vec!["accepted"]));
    assert_eq!(daemon.available("acme").await, "998");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_a_problem_that_names_the_field_and_leaves_as_refused() {
    let daemon = with_adapters(&["jambonz", "retell"]).await;
    let mut sideways = status("in-progress");
    sideways["direction"] = json!("sideways");
    let answer = daemon.post("/v1/adapters/jambonz", sideways).await;
    assert_eq!((answer.status, &answer.json["field"]), (422, &json!("direction")));
    let detail = answer.json["detail"].as_str().unwrap();
    assert!(detail.contains("adapter \"jambonz\": \"sideways\" of /direction is not in the map"), "{detail}");
    daemon.shows("creditd_events_rejected_total{reason=\"invalid_field\"}", 1.0).await;

    // Seconds where milliseconds belong.
    let seconds = clock::now().micros() / 1_000_000;
    let call = json!({ "event": "call_ended", "call": { "call_id": "c1", "call_type": "phone_call", "direction": "inbound",
        "metadata": { "org": "acme" }, "start_timestamp": seconds - 60, "end_timestamp": seconds, "duration_ms": 60_000 } });
    let answer = daemon.post("/v1/adapters/retell", call).await;
    assert_eq!((answer.status, &answer.json["reason"]), (422, &json!("time_out_of_range")));
    assert!(answer.json["detail"].as_str().unwrap().contains("it looks like epoch_s:"), "{}", answer.json);

    let mut stranger = status("in-progress");
    stranger["customerData"]["org"] = json!("nobody");
    assert_eq!(daemon.post("/v1/adapters/jambonz", stranger).await.json["reason"], "unknown_org");
    let broken = daemon.send(reqwest::Method::POST, "/v1/adapters/jambonz", "{").await;
    assert_eq!((broken.status, &broken.json["reason"]), (400, &json!("not_json")));
    let unknown = daemon.post("/v1/adapters/asterisk", json!({})).await;
    assert_eq!((unknown.status, &unknown.json["title"]), (404, &json!("Unknown adapter")));
    assert_eq!(daemon.available("acme").await, "1000");
}
