//! Alive, ready, and in figures.

use std::time::Duration;

use serde_json::json;

use crate::{Daemon, email};

#[tokio::test(flavor = "multi_thread")]
async fn alive_and_ready_are_two_questions() {
    let daemon = Daemon::with_acme().await;
    assert_eq!(daemon.get("/healthz").await.json, json!({ "status": "alive" }));
    let ready = daemon.get("/readyz").await;
    assert_eq!((ready.status, ready.json), (200, json!({ "status": "ready", "reasons": [] })));
    daemon.running.desk.progress.fail("the disk is full".to_owned());
    let not = daemon.get("/readyz").await;
    assert_eq!((not.status, &not.json["reasons"][0]["reason"]), (503, &json!("pipeline_stopped")));
    let refused = daemon.post("/v1/events", email("acme", 1)).await;
    assert!(refused.problem(503, "stopped").contains("the disk is full"));
    assert_eq!(refused.statuses(), ["failed"]);
    assert_eq!(daemon.get("/healthz").await.status, 200);
    assert_eq!(daemon.available("acme").await, "1000", "reading goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_line_of_the_metrics_is_a_name_and_a_number() {
    let daemon = Daemon::with_acme().await;
    daemon.post("/v1/events", json!([email("acme", 1), email("acme", 1)])).await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let answer = daemon.get("/metrics").await;
    assert!(answer.media_type.starts_with("text/plain; version=0.0.4"));
    let text = answer.json.as_str().unwrap().to_owned();
    for line in text.lines().filter(|line| !line.starts_with("# ")) {
        let (name, number) = line.rsplit_once(' ').unwrap();
        assert!(name.starts_with("creditd_"), "{line}");
        assert!(number.parse::<f64>().is_ok(), "{line}");
    }
    for (name, figure) in [
        ("creditd_organizations", 1.0),
        ("creditd_log_position", 5.0),
        ("creditd_log_end", 5.0),
        ("creditd_log_lag_entries", 0.0),
        ("creditd_log_lag_seconds", 0.0),
        ("creditd_events_received_total", 2.0),
        ("creditd_events_charged_total", 1.0),
        ("creditd_events_duplicate_total", 1.0),
        ("creditd_commands_total{outcome=\"done\"}", 4.0),
        ("creditd_credits_debited_total{credit_type=\"credits\"}", 1.0),
    ] {
        daemon.shows(name, figure).await;
    }
}
