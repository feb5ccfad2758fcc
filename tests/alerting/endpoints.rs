//! Webhooks as they are defined, changed and taken away.

use async_nats::jetstream;
use creditd::notify::webhooks::Secret;
use reqwest::Method;
use serde_json::json;

use crate::receiver::Receiver;
use crate::{SECRET, Scene, linger, nobody, secret, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_made_where_none_is_given_and_shown_once() {
    let mut scene = Scene::embedded().await;
    let receiver = Receiver::willing().await;
    let made = scene.put_webhook("a", &json!({ "url": receiver.url, "kinds": ["balance_low"] })).await;
    assert_eq!(made.status, 201, "{}", made.json);
    assert_eq!((&made.json["kinds"], &made.json["enabled"]), (&json!(["balance_low"]), &json!(true)));
    let secret = Secret::parse(made.json["secret"].as_str().unwrap()).unwrap();
    scene.spend("m1", 41).await;
    until("the alert", async || receiver.count() == 1).await;
    assert_eq!(receiver.seen()[0].signatures_of(&secret), 1);
    let same = scene.put_webhook("a", &json!({ "url": receiver.url })).await;
    assert_eq!((same.status, &same.json["secret"], &same.json["kinds"]), (200, &json!(null), &json!(null)));
    let all = scene.get("/v1/orgs/acme/webhooks").await.to_string();
    assert!(!all.contains("whsec_"), "{all}");
    // Two ways to misspell it, and what the answers say.
    let misspelt = scene.put_webhook("b", &json!({ "url": receiver.url, "kind": "balance_low" })).await;
    assert_eq!((misspelt.status, &misspelt.json["field"]), (422, &json!("kind")));
    let elsewhere = scene.put_webhook("b", &json!({ "id": "c", "url": receiver.url })).await;
    assert_eq!((elsewhere.status, &elsewhere.json["field"]), (422, &json!("id")));
    scene.crash().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_secret_is_replaced_both_sign() {
    let mut scene = Scene::embedded().await;
    let receiver = Receiver::willing().await;
    scene.webhook("a", &receiver.url).await;
    let new = Secret::generate().unwrap();
    let rotated = scene.put_webhook("a", &json!({ "url": receiver.url, "secret": new.reveal() })).await;
    assert_eq!((rotated.status, &rotated.json["secret"]), (200, &json!(null)));
    assert!(rotated.json["old_secret_until"].is_string(), "{}", rotated.json);
    scene.spend("m1", 41).await;
    scene.crash().await;
    scene.spend("m2", 30).await;
    until("the alerts", async || receiver.count() >= 2).await;
    for seen in receiver.seen() {
        assert_eq!((seen.signatures_of(&new), seen.signatures_of(&secret())), (1, 1), "{seen:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_endpoint_does_not_want_it_does_not_get() {
    let mut scene = Scene::embedded().await;
    let (all, none) = (Receiver::willing().await, Receiver::willing().await);
    scene.webhook("all", &all.url).await;
    for (id, other) in [("off", json!({ "enabled": false })), ("limits", json!({ "kinds": ["limit_near"] }))]
    {
        let mut content = json!({ "url": none.url, "secret": SECRET });
        content.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
        assert_eq!(scene.put_webhook(id, &content).await.status, 201);
    }
    scene.spend("m1", 41).await;
    until("the alert", async || all.count() == 1).await;
    let removed = scene.send(Method::DELETE, "/v1/orgs/acme/webhooks/all", "").await;
    assert_eq!(removed.status, 204);
    let again = scene.send(Method::DELETE, "/v1/orgs/acme/webhooks/all", "").await;
    assert_eq!((again.status, &again.json["reason"]), (404, &json!("unknown_webhook")));
    scene.spend("m2", 30).await;
    scene.settle().await;
    // What was removed does not come back with a replay, and what is switched on gets what comes then.
    scene.crash_without(&["checkpoints", "history"]).await;
    assert_eq!(scene.put_webhook("off", &json!({ "url": none.url })).await.status, 200);
    scene.spend("m3", 20).await;
    until("the last alert", async || none.count() == 1).await;
    linger().await;
    assert_eq!(
        (all.ids(), none.ids()),
        (vec!["acme~credits~p60~1".into()], vec!["acme~credits~p10~1".into()])
    );
    assert_eq!(scene.health("off").await["state"], "healthy");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_removed_endpoint_is_dropped_and_the_queue_forgets_it() {
    let mut scene = Scene::embedded().await;
    scene.webhook("dead", &nobody()).await;
    scene.spend("m1", 41).await;
    scene.daemon.shows("creditd_webhook_messages", 1.0).await;
    assert_eq!(scene.send(Method::DELETE, "/v1/orgs/acme/webhooks/dead", "").await.status, 204);
    scene.daemon.shows("creditd_webhook_messages", 0.0).await;
    scene.daemon.shows("creditd_webhook_endpoints", 0.0).await;
    scene.crash().await;
    scene.daemon.shows("creditd_webhook_endpoints", 0.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_target_is_refused_unless_it_is_allowed() {
    let scene = Scene::start(None, "[log]\nkind = \"local\"\n").await;
    let receiver = Receiver::willing().await;
    let refused = scene.put_webhook("a", &json!({ "url": receiver.url })).await;
    assert_eq!((refused.status, &refused.json["reason"]), (422, &json!("forbidden_target")));
    let why = refused.json["detail"].as_str().unwrap();
    assert!(why.contains("127.0.0.1, a loopback address"), "{why}");
    // A name is judged by what it resolves to, whenever it is connected to.
    let named = receiver.url.replace("127.0.0.1", "localhost");
    scene.webhook("a", &named).await;
    let test = scene.send(Method::POST, "/v1/orgs/acme/webhooks/a/test", "").await;
    assert_eq!((test.status, &test.json["outcome"]), (200, &json!("failed")));
    assert!(test.json["reason"].as_str().unwrap().contains("a loopback address"), "{}", test.json);
    scene.spend("m1", 41).await;
    until("the failure", async || scene.health("a").await["consecutive_failures"] == 1).await;
    assert_eq!(receiver.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_command_does_not_tell_its_secret() {
    let scene = Scene::over_nats().await;
    let url = "https://example.com/";
    let refused = [
        json!({ "url": "ftp://example.com/", "secret": SECRET }),
        json!({ "url": url, "secret": SECRET, "kinds": ["weather"] }),
        json!({ "url": url, "secret": "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" }),
    ];
    for content in refused {
        assert_eq!(scene.put_webhook("a", &content).await.status, 422);
    }
    let context = jetstream::new(async_nats::connect(scene.server.as_ref().unwrap().url()).await.unwrap());
    let stream = async || context.get_stream("CREDIT_ALERTS").await;
    until("the copies", async || stream().await.is_ok_and(|s| s.cached_info().state.messages == 3)).await;
    for seq in 1..=3 {
        let copy = stream().await.unwrap().get_raw_message(seq).await.unwrap();
        let text = String::from_utf8(copy.payload.to_vec()).unwrap();
        assert!(text.contains("invalid_field") && !text.contains("MfKQ9r8G"), "{text}");
    }
}
