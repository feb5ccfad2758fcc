//! Messages of telephony systems over NATS: heard, or read from a stream; each call is charged once.

use std::path::{Path, PathBuf};
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

/// A message of which nobody can say how long the call was.
fn unreadable(sid: &str) -> Value {
    let mut message = completed(sid, 1);
    message["duration"] = json!("soon");
    message
}

/// Makes the stream of alerts and refusals, where nothing fits into it for now. Answers its settings.
async fn no_room(context: &jetstream::Context) -> jetstream::stream::Config {
    let alerts = jetstream::stream::Config {
        name: "CREDIT_ALERTS".to_owned(),
        subjects: ["alerts", "rejected", "calls"].map(|kind| format!("credits.{kind}.>")).to_vec(),
        max_message_size: 1,
        ..jetstream::stream::Config::default()
    };
    context.create_stream(alerts.clone()).await.unwrap();
    alerts
}

fn preset() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config/adapters/jambonz.toml")
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

    /// Makes a call of two credits, once the daemon hears of it: only a subscription that is made hears anything.
    async fn hears(&self) {
        for _ in 0..500 {
            self.send("jambonz.call.eu", &completed("call-1", 61)).await;
            if self.available().await == "98" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.has("98").await;
    }

    /// Publishes a burst of calls, and then some messages that cannot be read. Answers once the server has passed them on.
    async fn burst(&self, calls: u32, more: u32) {
        for call in 0..calls + more {
            let sid = format!("burst-{call}");
            let message = if call < calls { completed(&sid, 1) } else { unreadable(&sid) };
            self.client.publish("jambonz.call.eu", message.to_string().into()).await.unwrap();
        }
        // Its answer comes after what it was sent before.
        self.jetstream().get_stream("CREDITS").await.unwrap();
    }

    /// How many messages a stream has of a subject.
    async fn stored(&self, stream: &str, subject: &str) -> usize {
        let stream = self.jetstream().get_stream(stream).await.unwrap();
        let mut counts = stream.info_with_subjects(subject).await.unwrap();
        counts.next().await.map_or(0, |count| count.unwrap().1)
    }

    /// Waits until the copies of so many refusals have left.
    async fn refused(&self, copies: usize) {
        let mut left = 0;
        for _ in 0..500 {
            left = self.stored("CREDIT_ALERTS", "credits.rejected.invalid_field").await;
            if left == copies {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{left} have left, not {copies}\n{}", self.daemon.log());
    }

    async fn send(&self, subject: &str, message: &Value) {
        self.client.publish(subject.to_owned(), message.to_string().into()).await.unwrap();
        self.client.flush().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_system_publishes_is_heard_and_charged_once() {
    let mut scene = Scene::on(NatsServer::start(), &naming(&preset())).await;
    scene.publish_caller().await;
    scene.hears().await;
    scene.send("jambonz.call.eu", &completed("call-2", 1)).await;
    scene.has("97").await;

    scene.send("jambonz.call.eu", &unreadable("call-3")).await;
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

#[tokio::test(flavor = "multi_thread")]
async fn what_was_heard_before_a_stop_is_in_the_log_after_it_and_what_was_refused_is_told_of() {
    const CALLS: u32 = 10_000;
    const UNREADABLE: u32 = 20;
    let mut scene = Scene::on(NatsServer::start(), &naming(&preset())).await;
    scene.publish_caller().await;
    scene.hears().await;
    let before = scene.stored("CREDITS", "credits.events.acme").await;
    scene.burst(CALLS, UNREADABLE).await;
    assert!(scene.daemon.stop().success());
    let stored = scene.stored("CREDITS", "credits.events.acme").await;
    assert_eq!(stored - before, CALLS as usize, "{}", scene.daemon.log());

    scene.daemon.start_again(&[]);
    scene.daemon.ready().await;
    scene.refused(UNREADABLE as usize).await;
}

/// Nobody would send it again, and no replay would find it.
#[tokio::test(flavor = "multi_thread")]
async fn the_copy_of_what_was_refused_when_it_was_heard_is_in_the_next_checkpoint() {
    let server = NatsServer::start();
    let mut alerts = no_room(&jetstream::new(async_nats::connect(server.url()).await.unwrap())).await;
    let mut scene = Scene::on(server, &naming(&preset())).await;
    scene.publish_caller().await;
    scene.hears().await;
    // One checkpoint holds all of that, and a later one what comes now.
    let checkpoint = Duration::from_millis(1_500);
    tokio::time::sleep(checkpoint).await;
    scene.send("jambonz.call.eu", &unreadable("call-2")).await;
    scene.daemon.shows("creditd_events_rejected_total", 1.0).await;
    tokio::time::sleep(checkpoint).await;
    scene.daemon.kill9();
    alerts.max_message_size = -1;
    scene.jetstream().update_stream(alerts).await.unwrap();
    scene.daemon.start_again(&[]);
    scene.daemon.ready().await;
    scene.refused(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_log_does_not_take_before_a_stop_has_to_end_is_told_of_by_its_number() {
    const CALLS: u32 = 1_000;
    let mut scene = Scene::on(NatsServer::start(), &naming(&preset())).await;
    scene.publish_caller().await;
    scene.hears().await;
    let mut log = scene.jetstream().get_stream("CREDITS").await.unwrap();
    let mut config = log.info().await.unwrap().config.clone();
    // It is full.
    config.max_messages = i64::try_from(log.info().await.unwrap().state.messages).unwrap();
    scene.jetstream().update_stream(config).await.unwrap();
    let before = scene.stored("CREDITS", "credits.events.acme").await;
    scene.burst(CALLS, 0).await;
    assert!(scene.daemon.stop().success());
    assert_eq!(scene.stored("CREDITS", "credits.events.acme").await, before);
    let told = format!("subject=\"jambonz.call.*\" lost={CALLS}");
    assert!(scene.daemon.log().contains(&told), "{}", scene.daemon.log());
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
    let mut alerts = no_room(&cdrs.context).await;
    let mut scene = Scene::on(server, &cdrs.read_by(&["pbx.cdr.*"])).await;
    cdrs.send("pbx.cdr.eu", &unreadable("call-1")).await;
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
        let text = std::fs::read_to_string(preset()).unwrap();
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
