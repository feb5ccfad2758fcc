//! Tests and repeats that someone asks for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::Method;
use serde_json::{Value, json};

use crate::receiver::{Answer, Receiver};
use crate::{Scene, nobody, secret, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_test_answers_what_came_of_it() {
    let scene = Scene::embedded().await;
    let receiver = Receiver::willing().await;
    scene.webhook("live", &receiver.url).await;
    scene.webhook("dead", &nobody()).await;
    let test =
        async |id: &str| scene.send(Method::POST, &format!("/v1/orgs/acme/webhooks/{id}/test"), "").await;
    let sound = test("live").await;
    assert_eq!(
        (sound.status, &sound.json["outcome"], &sound.json["status"]),
        (200, &json!("delivered"), &json!(204))
    );
    let seen = &receiver.seen()[0];
    assert_eq!(seen.signatures_of(&secret()), 1);
    assert!(seen.body.contains("\"creditd.webhook.test\""), "{seen:?}");
    let dead = test("dead").await;
    assert_eq!(
        (dead.status, &dead.json["outcome"], &dead.json["status"]),
        (200, &json!("failed"), &json!(null))
    );
    assert!(dead.json["reason"].as_str().unwrap().contains("cannot be connected to"), "{}", dead.json);
    assert_eq!(scene.health("dead").await["consecutive_failures"], 0);
    let unknown = test("nobody").await;
    assert_eq!((unknown.status, &unknown.json["reason"]), (404, &json!("unknown_webhook")));
}

/// Where the newest alert stands with the one webhook there is.
async fn state(scene: &Scene) -> Value {
    scene.get("/v1/orgs/acme/alerts").await["data"][0]["deliveries"][0]["state"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_delivered_or_given_up_is_sent_again_under_its_id() {
    let settings =
        "[log]\nkind = \"local\"\n[webhooks]\nallowed_networks = [\"127.0.0.1\"]\ngive_up_after = \"1s\"\n";
    let mut scene = Scene::start(None, settings).await;
    let willing = Arc::new(AtomicBool::new(false));
    let rule = Arc::clone(&willing);
    let receiver =
        Receiver::start(move |_, _| Answer::Status(if rule.load(Ordering::SeqCst) { 200 } else { 500 }))
            .await;
    scene.webhook("a", &receiver.url).await;
    scene.spend("m1", 41).await;
    until("the end of patience", async || state(&scene).await == "given_up").await;
    let alert = scene.alerts().await.remove(0);
    assert_eq!(alert["deliveries"][0]["why"], "it was not taken in time");
    assert_eq!(alert["deliveries"][0]["attempts"][0]["status"], 500);
    scene.daemon.shows("creditd_webhook_messages_given_up_total", 1.0).await;
    scene.daemon.shows("creditd_webhook_attempts_total", 1.0).await;

    willing.store(true, Ordering::SeqCst);
    // The endpoint is being given a pause after its failure; putting it elsewhere ends that.
    let moved = json!({ "url": format!("{}/again", receiver.url) });
    assert_eq!(scene.put_webhook("a", &moved).await.status, 200);
    let resend = async |message: &str| {
        let body = json!({ "message": message }).to_string();
        scene.send(Method::POST, "/v1/orgs/acme/webhooks/a/resend", body).await
    };
    let again = resend(alert["id"].as_str().unwrap()).await;
    assert_eq!((again.status, &again.json["message"]), (202, &alert["id"]), "{}", again.json);
    let before = receiver.count();
    until("it", async || state(&scene).await == "delivered").await;
    // By the id that the receiver knows it by.
    assert_eq!(resend(receiver.seen()[0].id()).await.status, 202);
    until("it once more", async || receiver.count() >= before.max(3)).await;
    let ids = receiver.ids();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");

    let unknown = resend("acme.credits.p1.1").await;
    assert_eq!((unknown.status, &unknown.json["reason"]), (404, &json!("unknown_message")));
    let wrong = scene.send(Method::POST, "/v1/orgs/acme/webhooks/a/resend", "{}").await;
    assert_eq!(wrong.status, 400, "{}", wrong.json);
    scene.settle().await;
}
