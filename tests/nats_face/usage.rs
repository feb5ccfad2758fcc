//! Usage over the service: the same answer as over HTTP.

use std::time::Duration;

use serde_json::{Value, json};

use crate::Scene;
use crate::service::ask_for;

#[tokio::test(flavor = "multi_thread")]
async fn usage_is_answered_as_over_http() {
    let mut scene = Scene::start().await;
    scene.publish_acme().await;
    let mut last = 0;
    for (id, user) in [("1", "ana"), ("2", "ben"), ("3", "ana"), ("4", "cy")] {
        let event = json!({ "type": "action", "id": id, "action": "message", "quantity": 2, "user": user });
        last = scene.publish("credits.events.acme", &event.to_string()).await;
    }
    scene.daemon.wait_for(last, Duration::from_secs(10)).await;
    let url = format!("{}/v1/orgs/acme/usage", scene.daemon.url());
    for (query, payload) in [
        ("", Value::Null),
        ("group_by=user&limit=1", json!({ "group_by": "user", "limit": 1 })),
        (
            "range=all&group_by=user,action&user=ana&user=ben&interval=day&sort=name",
            json!({ "range": "all", "group_by": ["user", "action"], "user": ["ana", "ben"], "interval": "day", "sort": "name" }),
        ),
    ] {
        let mut other: Value = reqwest::get(format!("{url}?{query}")).await.unwrap().json().await.unwrap();
        let mut answer = match &payload {
            Value::Null => {
                let answer = scene.client.request("creditd.usage.acme", "".into()).await.unwrap();
                serde_json::from_slice(&answer.payload).unwrap()
            }
            payload => ask_for(&scene, "creditd.usage.acme", payload).await,
        };
        assert_ne!(other["totals"]["charges"], 0, "{other}");
        // Each is as of its own instant, and so are its further pages.
        for told in [&mut other, &mut answer] {
            told["as_of"].take();
            let next = told["meta"]["next"].take();
            assert_eq!(next.is_string(), query.contains("limit=1"), "{told}");
        }
        assert_eq!(answer, other, "{query}");
    }
    let url = format!("{}/v1/orgs/acme/spikes?range=all&percent=150", scene.daemon.url());
    let mut answer: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    let mut other = ask_for(&scene, "creditd.spikes.acme", &json!({ "range": "all", "percent": 150 })).await;
    assert_eq!(other["percent"], 150, "{other}");
    // Each is as of its own instant.
    for told in [&mut answer, &mut other] {
        told["as_of"].take();
    }
    assert_eq!(answer, other);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_asked_or_sent_is_a_service_error() {
    let mut scene = Scene::start().await;
    scene.publish_acme().await;
    let ago = creditd::clock::now().minus(creditd::ledger::units::Millis::days(390));
    let event =
        json!({ "type": "action", "id": "1", "action": "message", "time": creditd::wire::time::format(ago) });
    let last = scene.publish("credits.events.acme", &event.to_string()).await;
    scene.daemon.wait_for(last, Duration::from_secs(10)).await;
    for (payload, part) in [
        (json!({ "range": "this_weak" }), "this_month"),
        (json!({ "group_by": true }), "an array of texts"),
        (json!(["range"]), "is not an object"),
        (json!({ "rnge": "all" }), "is no parameter"),
        // 390 days have more hours than a message has room for.
        (json!({ "range": "all", "interval": "hour" }), "a longer interval"),
    ] {
        let answer = ask_for(&scene, "creditd.usage.acme", &payload).await;
        assert!(answer.as_str().is_some_and(|why| why.contains(part)), "{payload}: {answer}");
    }
    let nobody = ask_for(&scene, "creditd.usage.nobody", &json!({})).await;
    assert_eq!(nobody, "there is no organization \"nobody\"; create it first");
}
