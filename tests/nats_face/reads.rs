//! Calls, charges and organizations over the service: the same answers as over HTTP.

use std::time::Duration;

use serde_json::{Value, json};

use crate::Scene;
use crate::service::ask_for;

/// A plan with calls, and an organization on it.
const TALKS: [(&str, &str); 3] = [
    (
        "credits.commands._catalog",
        r#"{"type": "rate_card.put", "id": "talk", "version": 1, "prices": {"message": {"per_action": "1"}, "phone_call": {"per_minute": "6"}}}"#,
    ),
    ("credits.commands._catalog", r#"{"type": "plan.put", "id": "talk", "version": 1, "rate_card": "talk"}"#),
    ("credits.commands.acme", r#"{"type": "org.put", "plan": "talk"}"#),
];

/// An answer without what every answer has of its own.
fn without_instant(mut answer: Value) -> Value {
    if let Some(fields) = answer.as_object_mut() {
        fields.remove("as_of");
        if let Some(meta) = fields.get_mut("meta").and_then(Value::as_object_mut) {
            meta.remove("as_of");
        }
    }
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_charges_and_organizations_are_told_as_over_http() {
    let mut scene = Scene::start().await;
    for (subject, command) in TALKS {
        scene.publish(subject, command).await;
    }
    let event = json!({ "type": "action", "id": "m1", "action": "message", "quantity": 2, "user": "ana" });
    scene.publish("credits.events.acme", &event.to_string()).await;
    let mut last = 0;
    for (id, kind, duration) in
        [("one", "call.ended", 61_000), ("two", "call.ended", 5_000), ("three", "call.answered", 0)]
    {
        let mut call = json!({ "type": kind, "id": format!("{id}-{kind}"), "call_id": id, "source": "sbc", "direction": "outbound" });
        if duration > 0 {
            call["duration_ms"] = json!(duration);
        }
        last = scene.publish("credits.events.acme", &call.to_string()).await;
    }
    scene.daemon.wait_for(last, Duration::from_secs(10)).await;
    let url = scene.daemon.url();
    let over_http = async |path: &str| -> Value {
        let answer = reqwest::get(format!("{url}/v1/orgs/acme{path}")).await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        without_instant(answer.json().await.unwrap())
    };
    let over_nats =
        async |subject: &str, payload: Value| without_instant(ask_for(&scene, subject, &payload).await);
    let history = over_http("/history?kind=charge&limit=1").await;
    let seq = history["data"][0]["seq"].as_str().unwrap().to_owned();
    for (path, subject, payload, place) in [
        ("", "creditd.org.acme", json!({}), "/plan"),
        (
            "/calls?state=finished&limit=1",
            "creditd.calls.acme",
            json!({ "state": "finished", "limit": 1 }),
            "/data/0/call_id",
        ),
        ("/calls/one?source=sbc", "creditd.call.acme", json!({ "id": "one", "source": "sbc" }), "/state"),
        (&*format!("/charges/{seq}"), "creditd.charge.acme", json!({ "seq": seq }), "/data/charge"),
    ] {
        let (told, other) = (over_nats(subject, payload).await, over_http(path).await);
        assert_eq!(told, other, "{path}");
        assert!(told.pointer(place).is_some_and(|found| !found.is_null()), "{place}: {told}");
    }
    // What is live goes on: only what stays is compared.
    let live = over_nats("creditd.calls.acme", json!({ "state": "live" })).await;
    let same = over_nats("creditd.calls.acme", json!({})).await;
    assert_eq!((&live["live"], &live["data"][0]["call_id"]), (&json!(1), &json!("three")), "{live}");
    assert_eq!(live["data"][0]["call_id"], same["data"][0]["call_id"]);
    let one = over_nats("creditd.call.acme", json!({ "id": "three", "source": "sbc" })).await;
    assert_eq!(one["call_id"], "three", "{one}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_says_why() {
    let mut scene = Scene::start().await;
    scene.publish_acme().await;
    for (subject, payload, part) in [
        ("creditd.calls.acme", json!({ "state": "over" }), "write \"live\" or \"finished\""),
        ("creditd.calls.acme", json!({ "colour": 1 }), "the payload is not a page"),
        ("creditd.call.acme", json!({}), "id: it is missing"),
        ("creditd.call.acme", json!({ "id": 7 }), "id: 7 is no text"),
        ("creditd.call.acme", json!({ "id": "nine" }), "has no call \"nine\""),
        ("creditd.charge.acme", json!({ "seq": "1" }), "seq"),
        ("creditd.charge.acme", json!({ "seq": "1.0" }), "nothing was charged at 1.0"),
        ("creditd.org.nobody", json!({}), "there is no organization \"nobody\""),
    ] {
        let told = ask_for(&scene, subject, &payload).await;
        assert!(told.as_str().is_some_and(|why| why.contains(part)), "{subject} {payload}: {told}");
    }
}
