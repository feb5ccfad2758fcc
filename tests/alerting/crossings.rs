//! One alert for each crossing, under one id, whatever happens to the daemon or to another endpoint.

use std::collections::BTreeSet;

use async_nats::jetstream;
use creditd::clock;
use creditd::ledger::units::Millis;
use creditd::wire::time;
use reqwest::Method;
use serde_json::json;

use crate::receiver::{Answer, Receiver};
use crate::{Scene, linger, nobody, receiver, secret, until};

/// What of the data is no more than a memory of the log.
const REPLAYED: [&str; 2] = ["checkpoints", "history"];

/// Crosses 60, 30 and 10 percent one after the other, while the daemon is killed and replays.
async fn crossings_arrive_once(mut scene: Scene) -> Scene {
    let receiver = Receiver::willing().await;
    scene.webhook("live", &receiver.url).await;
    scene.webhook("dead", &nobody()).await;
    let hanging = Receiver::start(|_, _| Answer::Hang).await;
    scene.webhook("hangs", &hanging.url).await;
    scene.spend("m1", 41).await;
    // It is killed while it is at it.
    scene.crash().await;
    until("the first alert", async || receiver.count() >= 1).await;
    linger().await;
    // The kill may have come between the request and the note of it: then it was made again, under the same id.
    let first = receiver.count();
    assert!(first <= 2 && receiver.ids().iter().all(|id| id == "acme~credits~p60~1"), "{:?}", receiver.ids());
    scene.spend("m2", 30).await;
    until("the second alert", async || receiver.count() > first).await;
    linger().await;
    scene.crash_without(&REPLAYED).await;
    scene.spend("m3", 20).await;
    until("the third alert", async || receiver.count() > first + 1).await;
    linger().await;
    scene.crash().await;
    linger().await;

    let seen = receiver.seen().split_off(first - 1);
    let ids: Vec<&str> = seen.iter().map(receiver::Seen::id).collect();
    assert_eq!(ids, ["acme~credits~p60~1", "acme~credits~p30~1", "acme~credits~p10~1"]);
    for (seen, available) in seen.iter().zip(["59", "29", "9"]) {
        assert_eq!(seen.signatures_of(&secret()), 1, "{seen:?}");
        assert_eq!(seen.header("content-type"), "application/cloudevents+json");
        let event: serde_json::Value = serde_json::from_str(&seen.body).unwrap();
        assert_eq!(event["type"], "creditd.alert.balance_low.v1");
        assert_eq!(event["data"]["available"], available);
    }
    let alerts = scene.alerts().await;
    let ids: Vec<_> = alerts.iter().map(|alert| alert["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["acme.credits.p10.1", "acme.credits.p30.1", "acme.credits.p60.1"]);
    for alert in &alerts {
        let deliveries = alert["deliveries"].as_array().unwrap();
        let states: Vec<_> =
            deliveries.iter().map(|one| (one["webhook"].clone(), one["state"].clone())).collect();
        let expected = [("dead", "waiting"), ("hangs", "waiting"), ("live", "delivered")];
        assert_eq!(states, expected.map(|(id, state)| (json!(id), json!(state))));
    }
    let dead = scene.health("dead").await;
    assert_eq!(dead["queued"], 3);
    assert!(dead["state"].as_str().unwrap().starts_with("failing since 20"), "{dead}");
    assert!(dead["last_failure"]["reason"].as_str().unwrap().contains("cannot be connected to"), "{dead}");
    assert_eq!(scene.health("live").await["state"], "healthy");
    scene
}

#[tokio::test(flavor = "multi_thread")]
async fn each_crossing_arrives_once_through_kills_and_replay() {
    let scene = crossings_arrive_once(Scene::embedded().await).await;
    scene.daemon.shows("creditd_webhook_messages", 6.0).await;
    scene.daemon.shows("creditd_webhook_endpoints", 3.0).await;
    assert!(scene.daemon.terminate().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_crossing_arrives_once_over_nats_too() {
    let mut scene = crossings_arrive_once(Scene::over_nats().await).await;
    let url = scene.server.as_ref().unwrap().url();
    let context = jetstream::new(async_nats::connect(url).await.unwrap());
    let mut stream = context.get_stream("CREDIT_ALERTS").await.unwrap();
    assert_eq!(stream.info().await.unwrap().state.messages, 3);

    // Even where all is lost but the log: what arrives then arrives under the ids it had.
    let receiver = Receiver::willing().await;
    let moved = json!({ "url": receiver.url });
    assert_eq!(scene.put_webhook("live", &moved).await.status, 200);
    scene.crash_without(&["checkpoints", "history", "webhooks", "alerts"]).await;
    until("the alerts", async || receiver.count() == 3).await;
    linger().await;
    let ids: BTreeSet<String> = receiver.ids().into_iter().collect();
    assert_eq!((receiver.count(), ids.len()), (3, 3));
    assert!(ids.contains("acme~credits~p60~1"), "{ids:?}");
    assert_eq!(scene.alerts().await.len(), 3);
    assert_eq!(stream.info().await.unwrap().state.messages, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_came_later_does_not_hear_of_what_was_before() {
    let mut scene = Scene::embedded().await;
    scene.spend("m1", 41).await;
    let receiver = Receiver::willing().await;
    scene.webhook("late", &receiver.url).await;
    // The replay raises the alert again, and the webhook is there now.
    scene.crash_without(&REPLAYED).await;
    scene.spend("m2", 30).await;
    until("the second alert", async || receiver.count() == 1).await;
    linger().await;
    assert_eq!(receiver.ids(), ["acme~credits~p30~1"]);
    assert_eq!(scene.alerts().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_ends_soon_is_told_of_like_any_alert() {
    let mut scene = Scene::embedded().await;
    let (all, some) = (Receiver::willing().await, Receiver::willing().await);
    scene.webhook("all", &all.url).await;
    let kinds =
        json!({ "url": some.url, "secret": crate::SECRET, "kinds": ["run_out", "spike", "cycle_reset"] });
    assert_eq!(scene.put_webhook("some", &kinds).await.status, 201);
    let terms = json!({ "plan": "plan", "overrides": { "alerts": [{ "expires_within_days": 7 }] } });
    assert_eq!(scene.send(Method::PUT, "/v1/orgs/acme", terms.to_string()).await.status, 200);
    let end = clock::now().plus(Millis::days(2));
    let grant = json!({ "id": "a.b", "amount": "5", "expires": time::format(end) });
    assert_eq!(scene.send(Method::POST, "/v1/orgs/acme/grants", grant.to_string()).await.status, 201);
    until("the alert", async || all.count() == 1).await;
    scene.crash_without(&REPLAYED).await;
    linger().await;
    let alerts = scene.alerts().await;
    assert_eq!((alerts.len(), &alerts[0]["id"]), (1, &json!("acme.credits.expires7.a%2Eb")));
    assert_eq!(
        (&alerts[0]["kind"], &alerts[0]["data"]["remaining"]),
        (&json!("grant_expiring"), &json!("5"))
    );
    assert!(all.ids().iter().all(|id| *id == all.ids()[0]), "{:?}", all.ids());
    assert_eq!(some.count(), 0);
}
