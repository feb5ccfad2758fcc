//! Alerts and rejections: each arrives, once, whatever happens to the daemon.

use std::collections::BTreeMap;
use std::time::Duration;

use async_nats::jetstream::stream::Stream;
use creditd::clock;
use creditd::log::jetstream::{Access, JetStreamLog, Options};
use serde_json::Value;

use crate::Scene;
use crate::books::each_record;
use crate::model::generate::Recipe;
use crate::model::{Model, Outcome};

/// A message that left the daemon.
#[derive(Debug)]
struct Left {
    subject: String,
    id: String,
    event: Value,
}

pub(crate) async fn alerts(scene: &Scene) -> Stream {
    scene.jetstream().get_stream("CREDIT_ALERTS").await.unwrap()
}

/// All messages that left, once there are `count`.
async fn left(scene: &Scene, count: usize) -> Vec<Left> {
    let mut stream = alerts(scene).await;
    for _ in 0..1_500 {
        if stream.info().await.unwrap().state.messages >= count as u64 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut left = Vec::new();
    for seq in 1..=stream.info().await.unwrap().state.last_sequence {
        let message = stream.get_raw_message(seq).await.unwrap();
        left.push(Left {
            subject: message.subject.to_string(),
            id: message.headers.get("Nats-Msg-Id").unwrap().to_string(),
            event: serde_json::from_slice(&message.payload).unwrap(),
        });
    }
    assert_eq!(left.len(), count, "{left:#?}");
    left
}

/// Waits until nothing is left to publish, and more than long enough for a repeat to show.
pub(crate) async fn settle(scene: &mut Scene, seq: u64) {
    scene.daemon.ready().await;
    scene.daemon.wait_for(seq, Duration::from_secs(60)).await;
    while scene.daemon.metric("creditd_outbox_messages").await != Some(0.0) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
}

/// A crash that keeps the disk, and one that takes it along: then everything is read again from the first record.
async fn crash_and_replay(scene: &mut Scene, seq: u64) {
    scene.daemon.kill9_and_restart();
    settle(scene, seq).await;
    scene.daemon.kill9();
    std::fs::remove_dir_all(scene.daemon.data()).unwrap();
    scene.daemon.start_again(&[]);
    settle(scene, seq).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_arrives_once_through_crashes_and_a_replay_from_scratch() {
    let mut scene = Scene::start().await;
    scene.publish_acme().await;
    // From 100 to 39: through 60 percent. The daemon is killed while it is at it.
    scene.spend("m1", 61).await;
    scene.daemon.kill9_and_restart();
    let first = left(&scene, 1).await;
    assert_eq!(first[0].subject, "credits.alerts.acme.balance_low");
    assert_eq!(first[0].id, "acme.credits.p60.1");
    let event = &first[0].event;
    assert_eq!((&event["specversion"], &event["id"]), (&"1.0".into(), &"acme.credits.p60.1".into()));
    assert_eq!((&event["data"]["available"], &event["data"]["total"]), (&"39".into(), &"100".into()));
    assert_eq!(event["data"]["threshold"]["below_percent"], 60);

    let seq = scene.spend("m2", 15).await;
    crash_and_replay(&mut scene, seq).await;
    let ids: Vec<String> = left(&scene, 2).await.into_iter().map(|left| left.id).collect();
    assert_eq!(ids, ["acme.credits.p60.1", "acme.credits.p30.1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejection_arrives_with_the_text_of_the_item() {
    let mut scene = Scene::start().await;
    scene.publish_acme().await;
    let batch =
        r#"[{"type":"action","id":"a","action":"message"}, {"type":"action","id":"b","action":"dance"}]"#;
    let first = scene.publish("credits.events.acme", batch).await;
    let second = scene.publish("credits.events.nobody", "{\"id\": oops").await;
    let left = left(&scene, 2).await;
    assert_eq!(left[0].subject, "credits.rejected.unknown_action");
    assert_eq!(left[0].id, format!("rejected.{first}.1"));
    let data = &left[0].event["data"];
    assert_eq!(data["item"], r#"{"type":"action","id":"b","action":"dance"}"#);
    assert_eq!((&data["field"], &data["item_is_whole"]), (&"action".into(), &true.into()));
    assert_eq!(left[0].event["subject"], "credits.events.acme");
    assert_eq!(left[1].id, format!("rejected.{second}.0"));
    assert_eq!(left[1].event["data"]["item"], "{\"id\": oops");
    assert!(left[1].subject.starts_with("credits.rejected."), "{left:?}");
    settle(&mut scene, second).await;
}

async fn post(scene: &Scene, path: &str, body: &'static str) -> Value {
    let request = reqwest::Client::new().post(format!("{}{path}", scene.daemon.url()));
    request.body(body).send().await.unwrap().json().await.unwrap()
}

/// What HTTP refuses never reaches the log; what it cannot tell, the log does. Either way a copy leaves, once.
#[tokio::test(flavor = "multi_thread")]
async fn a_rejection_over_http_arrives_once_too() {
    let mut scene = Scene::start().await;
    scene.publish_acme().await;
    let batch = r#"[{"org":"acme","type":"action","id":"a","action":"message"}, 7, {"type":"action","id":"b"},
        {"org":"acme","type":"dance","id":"c"}]"#;
    let answer = post(&scene, "/v1/events", batch).await;
    let results = answer["results"].as_array().unwrap();
    assert_eq!(results.iter().filter(|result| result["status"] == "rejected").count(), 3, "{answer}");
    let broken = r#"{"type":"action","id": oops"#;
    assert_eq!(post(&scene, "/v1/orgs/acme/events", broken).await["reason"], "not_json");

    let left_over = left(&scene, 4).await;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let mut told: Vec<_> = left_over
        .iter()
        .map(|left| {
            let data = &left.event["data"];
            assert_eq!(left.event["id"], left.id);
            (
                text(&data["item"]),
                left.subject.as_str(),
                text(&left.event["subject"]),
                text(&data["position"]),
            )
        })
        .collect();
    told.sort();
    let (some, acme) = (|item: &str| Some(item.to_owned()), Some("credits.events.acme".to_owned()));
    let expected = [
        (some("7"), "credits.rejected.not_json", None, None),
        (
            some(r#"{"org":"acme","type":"dance","id":"c"}"#),
            "credits.rejected.unknown_type",
            acme.clone(),
            text(&results[3]["position"]),
        ),
        (some(broken), "credits.rejected.not_json", acme, None),
        (some(r#"{"type":"action","id":"b"}"#), "credits.rejected.missing_field", None, None),
    ];
    assert_eq!(told, expected);

    let seq = scene.spend("m1", 1).await;
    crash_and_replay(&mut scene, seq).await;
    let ids = |left: Vec<Left>| left.into_iter().map(|left| left.id).collect::<Vec<_>>();
    assert_eq!(ids(left(&scene, 4).await), ids(left_over));
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_leaves_is_what_the_model_expects() {
    const RECORDS: usize = 600;
    const STEP: i64 = 60_000_000;
    let mut scene = Scene::start().await;
    // A day with everything in it that can go wrong, ending now.
    let start = clock::now().micros() - STEP * 600;
    let recipe = Recipe { records: RECORDS, start, step: STEP, ..Recipe::nasty(11) };
    let mut seq = 0;
    for (n, record) in recipe.log().into_iter().enumerate() {
        // The stream takes no other subjects.
        if record.subject.starts_with("credits.events.") || record.subject.starts_with("credits.commands.") {
            let mut headers = async_nats::HeaderMap::new();
            record.headers.iter().for_each(|(name, value)| headers.insert(name.as_str(), value.as_str()));
            let context = scene.jetstream();
            let sent = context.publish_with_headers(record.subject, headers, record.payload.into()).await;
            seq = seq.max(sent.unwrap().await.unwrap().sequence);
        }
        if n % 200 == 150 {
            scene.daemon.kill9_and_restart();
        }
    }
    settle(&mut scene, seq).await;
    crash_and_replay(&mut scene, seq).await;

    let expected = expected(&scene).await;
    let rejections = expected.values().filter(|subject| subject.starts_with("credits.rejected.")).count();
    assert!(rejections > 50 && expected.len() > rejections + 5, "{expected:#?} show little");
    let found: BTreeMap<String, String> =
        left(&scene, expected.len()).await.into_iter().map(|left| (left.id, left.subject)).collect();
    assert_eq!(found, expected);
}

/// The subject of everything that must have left, by id: what the model says of the log as it stands.
async fn expected(scene: &Scene) -> BTreeMap<String, String> {
    let access = Access { urls: vec![scene.server.url()], ..Access::default() };
    let log = JetStreamLog::connect(Options { access, ..Options::default() }).await.unwrap();
    let (mut model, mut expected) = (Model::new(), BTreeMap::new());
    each_record(&log, |record| {
        for (item, outcome) in model.apply(record).into_iter().enumerate() {
            if let Outcome::Rejected(reason) = outcome {
                expected
                    .insert(format!("rejected.{}.{item}", record.seq), format!("credits.rejected.{reason}"));
            }
        }
    })
    .await;
    for (org, books) in model.report(i64::MIN).orgs {
        let subject = format!("credits.alerts.{org}.balance_low");
        expected.extend(books.alerts.into_iter().map(|alert| (alert.id, subject.clone())));
    }
    expected
}
