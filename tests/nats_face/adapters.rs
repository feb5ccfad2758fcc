//! Messages of telephony systems over NATS: heard, or read from a stream; each call is charged once.

use std::path::Path;
use std::time::Duration;

use async_nats::jetstream;
use futures_util::StreamExt;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::Scene;
use crate::nats::NatsServer;

/// Calls cost a credit a minute; `acme` has 100 credits.
const CALLER: [(&str, &str); 4] = [
    (
        "credits.commands._catalog",
        r#"{"type": "rate_card.put", "id": "card", "version": 1, "prices": {"phone_call": {"per_minute": "1"}}}"#,
    ),
    ("credits.commands._catalog", r#"{"type": "plan.put", "id": "plan", "version": 1, "rate_card": "card"}"#),
    ("credits.commands.acme", r#"{"type": "org.put", "plan": "plan"}"#),
    ("credits.commands.acme", r#"{"type": "grant", "id": "g1", "amount": "100"}"#),
];

fn completed(sid: &str, seconds: u32) -> Value {
    json!({ "call_sid": sid, "direction": "outbound", "to": "+4930123456", "call_status": "completed",
            "duration": seconds, "customerData": { "org": "acme" } })
}

/// The settings that name files of adapters.
fn naming(file: &Path) -> String {
    format!("[adapters]\nfiles = [{file:?}]\n")
}

impl Scene {
    async fn publish_caller(&mut self) {
        self.publish_all(&CALLER).await;
    }

    async fn available(&self) -> Value {
        let url = format!("{}/v1/orgs/acme/balance", self.daemon.url());
        let balance: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
        balance["balances"][0]["available"].clone()
    }

    /// Waits until so much is available.
    async fn has(&self, available: &str) {
        for _ in 0..1_500 {
            if self.available().await == available {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{} is available, not {available}\n{}", self.available().await, self.daemon.log());
    }

    async fn send(&self, subject: &str, message: &Value) {
        self.client.publish(subject.to_owned(), message.to_string().into()).await.unwrap();
        self.client.flush().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_system_publishes_is_heard_and_charged_once() {
    let preset = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/adapters/jambonz.toml");
    let mut scene = Scene::on(NatsServer::start(), &naming(&preset)).await;
    scene.publish_caller().await;
    // Only a subscription that is made hears anything.
    for _ in 0..500 {
        scene.send("jambonz.call.eu", &completed("call-1", 61)).await;
        if scene.available().await == "98" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    scene.has("98").await;
    scene.send("jambonz.call.eu", &completed("call-2", 1)).await;
    scene.has("97").await;

    let mut wrong = completed("call-3", 1);
    wrong["duration"] = json!("soon");
    scene.send("jambonz.call.eu", &wrong).await;
    scene.daemon.shows("creditd_events_rejected_total", 1.0).await;
    let stream = scene.jetstream().get_stream("CREDIT_ALERTS").await.unwrap();
    let refused = loop {
        match stream.get_last_raw_message_by_subject("credits.rejected.invalid_field").await {
            Ok(message) => break message,
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    let refused: Value = serde_json::from_slice(&refused.payload).unwrap();
    assert_eq!(
        (&refused["subject"], &refused["data"]["field"]),
        (&json!("jambonz.call.eu"), &json!("duration_ms"))
    );
    assert!(refused["data"]["item"].as_str().unwrap().contains("call-3"), "{refused}");
    scene.has("97").await;
}

/// A stream keeps what is published while no daemon runs, and delivers again what was not done when one crashed.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_a_system_is_read_through_crashes_and_misses_nothing() {
    let (server, cdrs) = Cdrs::kept().await;
    for call in 0..20 {
        cdrs.send("pbx.cdr.eu", &completed(&format!("early-{call}"), 30)).await;
    }
    let mut scene = Scene::on(server, &cdrs.read_by(&["pbx.cdr.*"])).await;
    // Their organization is not there yet: they are in the log, and rejected there.
    scene.daemon.shows("creditd_events_rejected_total", 20.0).await;
    scene.publish_caller().await;
    for call in 0..20 {
        cdrs.send("pbx.cdr.eu", &completed(&format!("call-{call}"), 30)).await;
        if call == 10 {
            scene.daemon.kill9_and_restart();
        }
    }
    scene.daemon.ready().await;
    scene.has("80").await;
    // All of them once more, as a switch does that was not answered.
    for call in 0..20 {
        cdrs.send("pbx.cdr.eu", &completed(&format!("call-{call}"), 30)).await;
    }
    cdrs.send("pbx.cdr.eu", &completed("last", 30)).await;
    scene.has("79").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_subjects_that_look_alike_each_is_read() {
    let (server, cdrs) = Cdrs::kept().await;
    let subjects = ["pbx.fs-1", "pbx.fs_1", "pbx.fs.any", "pbx.fs.*"];
    let mut scene = Scene::on(server, &cdrs.read_by(&subjects)).await;
    scene.publish_caller().await;
    for subject in ["pbx.fs-1", "pbx.fs_1", "pbx.fs.any", "pbx.fs.other"] {
        cdrs.send(subject, &completed(subject, 30)).await;
    }
    scene.has("96").await;
}

/// Until the copy of a refusal has left, its message is not done: no crash loses it.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_of_a_stream_is_told_of_through_a_crash_and_once() {
    let (server, cdrs) = Cdrs::kept().await;
    // It takes nothing for now.
    let mut alerts = jetstream::stream::Config {
        name: "CREDIT_ALERTS".to_owned(),
        subjects: ["alerts", "rejected", "calls"].map(|kind| format!("credits.{kind}.>")).to_vec(),
        max_message_size: 1,
        ..jetstream::stream::Config::default()
    };
    cdrs.context.create_stream(alerts.clone()).await.unwrap();
    let mut scene = Scene::on(server, &cdrs.read_by(&["pbx.cdr.*"])).await;
    let mut wrong = completed("call-1", 1);
    wrong["duration"] = json!("soon");
    cdrs.send("pbx.cdr.eu", &wrong).await;
    scene.daemon.shows("creditd_events_rejected_total", 1.0).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(cdrs.done().await, 0);
    scene.daemon.kill9();

    alerts.max_message_size = -1;
    cdrs.context.update_stream(alerts).await.unwrap();
    scene.daemon.start_again(&[]);
    scene.daemon.ready().await;
    for _ in 0..1_500 {
        if cdrs.done().await == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(cdrs.done().await, 1, "{}", scene.daemon.log());
    let mut alerts = cdrs.context.get_stream("CREDIT_ALERTS").await.unwrap();
    let copy = alerts.get_last_raw_message_by_subject("credits.rejected.invalid_field").await.unwrap();
    let copy: Value = serde_json::from_slice(&copy.payload).unwrap();
    assert!(copy["data"]["item"].as_str().unwrap().contains("call-1"), "{copy}");
    assert_eq!(alerts.info().await.unwrap().state.messages, 1);
}

/// What a system publishes, kept by a stream of its own.
struct Cdrs {
    context: jetstream::Context,
    folder: TempDir,
}

impl Cdrs {
    /// The name of the stream.
    const STREAM: &str = "CDRS";

    async fn kept() -> (NatsServer, Cdrs) {
        let server = NatsServer::start();
        let context = jetstream::new(async_nats::connect(server.url()).await.unwrap());
        let config = jetstream::stream::Config {
            name: Cdrs::STREAM.to_owned(),
            subjects: vec!["pbx.>".to_owned()],
            ..jetstream::stream::Config::default()
        };
        context.create_stream(config).await.unwrap();
        (server, Cdrs { context, folder: tempfile::tempdir().unwrap() })
    }

    async fn send(&self, subject: &'static str, message: &Value) {
        self.context.publish(subject, message.to_string().into()).await.unwrap().await.unwrap();
    }

    /// Up to which message of the stream its only consumer has confirmed all.
    async fn done(&self) -> u64 {
        let stream = self.context.get_stream(Cdrs::STREAM).await.unwrap();
        let consumer = stream.consumers().next().await.unwrap().unwrap();
        consumer.ack_floor.stream_sequence
    }

    /// The settings of a daemon that reads these subjects from the stream.
    fn read_by(&self, subjects: &[&str]) -> String {
        let preset = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/adapters/jambonz.toml");
        let text = std::fs::read_to_string(preset).unwrap();
        let adapters = subjects.iter().enumerate().map(|(number, subject)| {
            let from = format!("subject = \"{subject}\"\nstream = \"{}\"", Cdrs::STREAM);
            text.replace("subject = \"jambonz.call.*\"", &from)
                .replace("name = \"jambonz\"", &format!("name = \"pbx-{number}\""))
        });
        let file = self.folder.path().join("pbx.toml");
        std::fs::write(&file, adapters.collect::<String>()).unwrap();
        naming(&file)
    }
}
