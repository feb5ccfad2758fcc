//! Events in, and what is answered.

use std::time::Duration;

use creditd::http::Options;
use futures_util::{StreamExt, stream};
use reqwest::Method;
use serde_json::json;

use crate::{Daemon, email};

#[tokio::test(flavor = "multi_thread")]
async fn one_event_is_answered_when_the_balance_shows_it() {
    let daemon = Daemon::with_acme().await;
    let answer = daemon.post("/v1/events", email("acme", 1)).await;
    assert_eq!((answer.status, answer.statuses()), (200, vec!["accepted"]));
    assert_eq!(answer.json["results"][0]["credits"], json!({ "credits": "1" }));
    assert_eq!(daemon.available("acme").await, "999");
    assert_eq!(daemon.post("/v1/events", email("acme", 1)).await.statuses(), ["duplicate"]);
    assert_eq!(daemon.available("acme").await, "999");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_many_organizations_is_answered_in_its_own_order() {
    let daemon = Daemon::with_acme().await;
    daemon.org("globex").await;
    let batch = json!([
        email("acme", 1),
        { "type": "action", "id": "x", "action": "email_sent" },
        email("globex", 1),
        email("acme", 1),
        { "type": "action", "data": { "org": "globex", "action": "lead_sourced" }, "id": "2" },
        email("nobody", 1),
        { "type": "action", "org": "acme", "id": "3", "action": "no_such" },
        7,
        { "type": "call.ended", "org": "acme", "id": "4", "duration_ms": 61_000, "direction": "outbound" },
    ]);
    let answer = daemon.post("/v1/events", batch).await;
    assert_eq!(answer.status, 200);
    let expected = [
        "accepted",
        "rejected",
        "accepted",
        "duplicate",
        "accepted",
        "rejected",
        "rejected",
        "rejected",
        "accepted",
    ];
    assert_eq!(answer.statuses(), expected);
    let reasons: Vec<_> = [1, 5, 6, 7].map(|i| answer.json["results"][i]["reason"].clone()).into();
    assert_eq!(reasons, ["missing_field", "unknown_org", "unknown_action", "not_json"]);
    assert_eq!(daemon.available("acme").await, "995");
    assert_eq!(daemon.available("globex").await, "996.5");
    daemon.shows("creditd_events_received_total", 9.0).await;
    daemon.shows("creditd_events_charged_total", 4.0).await;
    daemon.shows("creditd_events_duplicate_total", 1.0).await;
    daemon.shows("creditd_events_rejected_total{reason=\"missing_field\"}", 1.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_a_batch_whose_bad_line_stands_alone() {
    let daemon = Daemon::with_acme().await;
    let lines = format!("{}\n{{\"org\": \"acme\",\n\n{}\n", email("acme", 1), email("acme", 2));
    let answer = daemon.send(Method::POST, "/v1/events", lines).await;
    assert_eq!(answer.statuses(), ["accepted", "rejected", "accepted"]);
    let detail = answer.json["results"][1]["detail"].as_str().unwrap();
    assert!(detail.contains("line 1 column 15"), "{detail}");
    assert_eq!(daemon.available("acme").await, "998");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_path_can_name_the_organization() {
    let daemon = Daemon::with_acme().await;
    let plain = json!({ "type": "action", "id": "1", "action": "email_sent" });
    assert_eq!(daemon.post("/v1/orgs/acme/events", plain).await.statuses(), ["accepted"]);
    let both = json!([email("acme", 2), email("globex", 3)]);
    let answer = daemon.post("/v1/orgs/acme/events", both).await;
    assert_eq!(answer.statuses(), ["accepted", "rejected"]);
    assert_eq!(answer.json["results"][1]["reason"], "org_mismatch");
    assert_eq!(daemon.available("acme").await, "998");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_waiting_the_answer_names_the_positions() {
    let daemon = Daemon::with_acme().await;
    daemon.org("globex").await;
    let batch = json!([email("acme", 1), { "id": "x" }, email("globex", 1), email("acme", 2)]);
    let answer = daemon.post("/v1/events?wait=none", batch).await;
    assert_eq!(answer.status, 202);
    let durable = answer.json["durable"].as_array().unwrap();
    let record = |i: usize| durable[i].as_str().unwrap().split_once('.').unwrap();
    assert_eq!((record(0).0, record(0).1, record(3).1), (record(3).0, "0", "1"));
    assert_ne!(record(0).0, record(2).0);
    assert!(durable[1].is_null());
    assert_eq!(answer.json["rejected"][0]["item"], 1);
    assert_eq!(answer.json["rejected"][0]["field"], "org");
    for _ in 0..500 {
        if daemon.available("acme").await == "998" && daemon.available("globex").await == "999" {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("what was durable was never applied");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_that_does_not_come_in_time_is_open_and_names_the_record() {
    let options = Options { applied_within: Duration::from_millis(50), ..Options::default() };
    let daemon = Daemon::with(options).await;
    daemon.publish().await;
    daemon.org("acme").await;
    daemon.running.stop_applying();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let answer = daemon.post("/v1/events", json!([email("acme", 1), { "id": "x" }])).await;
    assert!(answer.problem(504, "outcome_open").contains("record 5 is durable"), "{}", answer.json);
    assert_eq!(answer.statuses(), ["open", "rejected"]);
    assert_eq!(answer.json["results"][0]["position"], "5.0");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_writers_at_once_lose_and_double_nothing() {
    const WRITERS: usize = 32;
    const EACH: usize = 20;
    let daemon = Daemon::with_acme().await;
    daemon.org("globex").await;
    let daemon = std::sync::Arc::new(daemon);
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let daemon = std::sync::Arc::clone(&daemon);
            tokio::spawn(async move {
                let mut accepted = 0;
                for n in 0..EACH {
                    // Every event is sent by two writers.
                    let id = format!("{}-{n}", writer / 2);
                    let answer =
                        daemon.post("/v1/events", json!([email("acme", &id), email("globex", &id)])).await;
                    accepted += answer.statuses().iter().filter(|status| **status == "accepted").count();
                }
                accepted
            })
        })
        .collect();
    let mut accepted = 0;
    for writer in writers {
        accepted += writer.await.unwrap();
    }
    assert_eq!(accepted, WRITERS / 2 * EACH * 2);
    assert_eq!(daemon.available("acme").await, "680");
    assert_eq!(daemon.available("globex").await, "680");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_ten_thousand_for_a_thousand_organizations() {
    let daemon = Daemon::empty().await;
    daemon.publish().await;
    let create =
        async |n| daemon.put(&format!("/v1/orgs/org-{n}"), json!({ "plan": "starter" })).await.status;
    let created: Vec<u16> = stream::iter(0..1_000).map(create).buffer_unordered(100).collect().await;
    assert!(created.iter().all(|status| *status == 201));
    let batch: Vec<_> = (0..10_000).map(|n| email(&format!("org-{}", n % 1_000), n)).collect();
    let answer = daemon.post("/v1/events", json!(batch)).await;
    assert_eq!(answer.status, 200, "{}", answer.json["detail"]);
    assert!(answer.statuses().iter().all(|status| *status == "accepted"));
    assert_eq!(daemon.balance("org-999").await["balances"][0]["owed"], "10");
}
