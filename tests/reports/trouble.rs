//! What mail servers answer when they do not take a mail, and what becomes of it.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::{Scene, monthly};

/// A scene a moment before eight on the first, with a report to some addresses.
async fn before_eight(to: &[&str]) -> Scene {
    let scene = Scene::at("2026-02-01T06:59:00Z").await;
    let mut report = monthly();
    report["to"] = json!(to);
    scene.put("monthly", report).await;
    scene
}

fn mail<'s>(sending: &'s Value, to: &str) -> &'s Value {
    sending["mails"].as_array().unwrap().iter().find(|mail| mail["to"] == to).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_busy_is_asked_again_and_the_others_do_not_wait() {
    let scene = before_eight(&["ana@example.com", "bo@example.com"]).await;
    scene.mailbox.answer("rcpt-ana@example.com", &["451 4.7.1 come back later", "450 4.2.1 and later"]);
    scene.clock("2026-02-01T06:59:58Z");
    let mails = scene.mailbox.wait_for(1).await;
    assert_eq!(mails[0].recipient(), "bo@example.com");
    let waits = |tries: u32| move |sending: &Value| sending["mails"][0]["tries"] == tries;
    let waiting = scene.sending("monthly", "a first failure", waits(1)).await;
    let ana = mail(&waiting, "ana@example.com");
    assert_eq!((&ana["state"], &waiting["state"]), (&json!("waiting"), &json!("waiting")));
    assert!(
        ana["reason"].as_str().unwrap().contains("451")
            && ana["reason"].as_str().unwrap().contains("come back later"),
        "{ana}"
    );
    assert!(ana["next_attempt"].as_str().unwrap().starts_with("2026-02-01T07:01:0"), "{ana}");
    // Not before its time, also after a restart.
    let mut scene = scene;
    scene.daemon.kill9_and_restart();
    scene.daemon.ready().await;
    scene.clock("2026-02-01T07:00:40Z");
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(mail(&scene.report("monthly").await["history"][0], "ana@example.com")["tries"], 1);
    scene.clock("2026-02-01T07:01:30Z");
    let waiting = scene.sending("monthly", "a second failure", waits(2)).await;
    assert!(
        mail(&waiting, "ana@example.com")["next_attempt"].as_str().unwrap().starts_with("2026-02-01T07:03:3"),
        "{waiting}"
    );
    scene.clock("2026-02-01T07:04:00Z");
    let mails = scene.mailbox.wait_for(2).await;
    assert_eq!(mails[1].recipient(), "ana@example.com");
    let sent = scene.sending("monthly", "the outcome", |sending| sending["state"] == "sent").await;
    assert_eq!(
        (&mail(&sent, "ana@example.com")["tries"], &mail(&sent, "bo@example.com")["tries"]),
        (&json!(3), &json!(1))
    );
    assert_ne!(mails[0].header("Message-ID"), mails[1].header("Message-ID"), "they are two mails");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_there_is_not_asked_again() {
    let scene = before_eight(&["ana@example.com", "gone@example.com"]).await;
    scene.mailbox.answer("rcpt-gone@example.com", &["550 5.1.1 no such mailbox"]);
    scene.clock("2026-02-01T06:59:58Z");
    scene.mailbox.wait_for(1).await;
    let sent = scene.sending("monthly", "the outcome", |sending| sending["state"] == "partly_sent").await;
    let gone = mail(&sent, "gone@example.com");
    assert_eq!((&gone["state"], &gone["tries"]), (&json!("refused"), &json!(1)));
    assert!(gone["reason"].as_str().unwrap().contains("no such mailbox"), "{gone}");
    scene.clock("2026-02-02T12:00:00Z");
    tokio::time::sleep(Duration::from_secs(3)).await;
    scene.mailbox.wait_for(1).await;
    let metrics = scene.send(Method::GET, "/metrics", "").await;
    assert!(metrics.json.as_str().unwrap().contains("creditd_report_mails_total{outcome=\"refused\"} 1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_day_it_is_given_up() {
    let scene = before_eight(&["ana@example.com"]).await;
    scene.mailbox.answer("rcpt-ana@example.com", &["451 busy", "451 busy", "451 still busy"]);
    scene.clock("2026-02-01T06:59:58Z");
    let tried = |tries: u32| move |sending: &Value| sending["mails"][0]["tries"] == tries;
    scene.sending("monthly", "a first failure", tried(1)).await;
    scene.clock("2026-02-02T06:30:00Z");
    // What the pauses come to is cut at the end of the day.
    let waiting = scene.sending("monthly", "a second failure", tried(2)).await;
    assert_eq!(waiting["state"], "waiting");
    scene.clock("2026-02-02T07:01:00Z");
    let over = scene.sending("monthly", "the end", |sending| sending["state"] == "not_sent").await;
    assert_eq!((&over["mails"][0]["state"], &over["mails"][0]["tries"]), (&json!("given_up"), &json!(3)));
    assert!(over["mails"][0]["reason"].as_str().unwrap().contains("still busy"), "{over}");
    assert!(scene.mailbox.mails().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_switched_off_or_gone_is_not_sent_and_what_is_switched_on_begins_then() {
    let scene = before_eight(&["ana@example.com"]).await;
    let mut off = monthly();
    off["enabled"] = json!(false);
    assert_eq!(scene.put("monthly", off).await["next_due"], Value::Null);
    scene.put("other", monthly()).await;
    scene.must(Method::DELETE, "/v1/orgs/acme/reports/other", json!({})).await;
    scene.clock("2026-02-01T07:00:05Z");
    tokio::time::sleep(Duration::from_secs(3)).await;
    // What was due before it was switched on stays unsent.
    assert_eq!(scene.put("monthly", monthly()).await["next_due"], "2026-03-01T07:00:00Z");
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(scene.mailbox.mails().is_empty());
    scene.clock("2026-03-01T06:59:59Z");
    assert_eq!(scene.mailbox.wait_for(1).await[0].header("Subject"), "Usage of Ana & Söhne: February 2026");
}
