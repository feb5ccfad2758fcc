//! Calls that run while the daemon does not.

use std::time::Duration;

use serde_json::{Value, json};

use crate::Scene;
use crate::out::{alerts, settle};
use crate::service::ask_for;

const PREPAID: [(&str, &str); 4] = [
    (
        "credits.commands._catalog",
        r#"{"type": "rate_card.put", "id": "calls", "version": 1, "prices": {"phone_call": {"per_minute": "60", "increment": "1/1"}}}"#,
    ),
    (
        "credits.commands._catalog",
        r#"{"type": "plan.put", "id": "prepaid", "version": 1, "rate_card": "calls", "when_exhausted": "reject", "calls": {"warn_before_s": 0}}"#,
    ),
    ("credits.commands.acme", r#"{"type": "org.put", "plan": "prepaid"}"#),
    ("credits.commands.acme", r#"{"type": "grant", "id": "g", "amount": "5"}"#),
];

fn call(id: &str) -> Value {
    json!({ "source": "sbc", "call_id": id, "direction": "outbound" })
}

async fn get(scene: &Scene, path: &str) -> Value {
    reqwest::get(format!("{}{path}", scene.daemon.url())).await.unwrap().json().await.unwrap()
}

/// What calls were told, of the stream that keeps it.
async fn told(scene: &Scene) -> Vec<(String, Value)> {
    let mut stream = alerts(scene).await;
    let mut told = Vec::new();
    for seq in 1..=stream.info().await.unwrap().state.last_sequence {
        let message = stream.get_raw_message(seq).await.unwrap();
        let id = message.headers.get("Nats-Msg-Id").unwrap().to_string();
        told.push((id, serde_json::from_slice(&message.payload).unwrap()));
    }
    told.retain(|(_, told): &(String, Value)| told["type"].as_str().unwrap().starts_with("creditd.call."));
    told
}

/// A credit each of five: three seconds of a call are covered, two of another are held for.
async fn with_a_call_and_a_hold() -> (Scene, u64) {
    let mut scene = Scene::start().await;
    scene.publish_all(&PREPAID).await;
    let mut waiting = call("waits");
    waiting["requested_seconds"] = json!(2);
    let granted = ask_for(&scene, "creditd.authorize.acme", &waiting).await;
    assert_eq!(granted["granted_seconds"], 2, "{granted}");
    while get(&scene, "/v1/orgs/acme/holds").await["data"].as_array().unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let mut answered = call("runs");
    answered["type"] = json!("call.answered");
    let last = scene.publish("credits.events.acme", &answered.to_string()).await;
    scene.daemon.wait_for(last, Duration::from_secs(30)).await;
    (scene, last)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_off_that_falls_due_while_it_is_down_goes_out_at_the_start_and_once() {
    let (mut scene, last) = with_a_call_and_a_hold().await;
    let before = get(&scene, "/v1/orgs/acme/calls").await["data"][0].clone();
    let hold = get(&scene, "/v1/orgs/acme/holds").await["data"][0].clone();
    scene.daemon.kill9();
    tokio::time::sleep(Duration::from_secs(4)).await;
    scene.daemon.start_again(&[]);
    scene.daemon.ready().await;
    for _ in 0..500 {
        if !told(&scene).await.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    settle(&mut scene, last).await;

    let cut = told(&scene).await;
    let [(id, cut)] = &cut[..] else { panic!("{cut:#?}") };
    assert_eq!((id.as_str(), &cut["type"]), ("acme.calls.1", &json!("creditd.call.cutoff.v1")));
    assert_eq!(cut["data"]["calls"], json!([{ "source": "sbc", "call_id": "runs" }]));
    let instant = |text: &Value| text.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let after = instant(&cut["time"]).duration_since(instant(&before["answered_at"]));
    assert_eq!(after.as_millis(), 3_000, "it says when it fell due, not when it was told");

    let calls = get(&scene, "/v1/orgs/acme/calls").await;
    let now = &calls["data"][0];
    assert_eq!((&now["cut_off"], &now["answered_at"]), (&json!(true), &before["answered_at"]));
    let so_far = |call: &Value| call["credits"]["credits"].as_str().unwrap().parse::<u64>().unwrap();
    assert!(so_far(now) >= 4, "it ran on all the while: {now}");
    let holds = get(&scene, "/v1/orgs/acme/holds").await;
    assert_eq!(holds["data"], json!([hold]));

    // The end settles it, and another crash tells nobody anything twice.
    let mut end = call("runs");
    (end["type"], end["id"], end["duration_ms"]) = (json!("call.ended"), json!("e"), json!(3_200));
    let last = scene.publish("credits.events.acme", &end.to_string()).await;
    scene.daemon.wait_for(last, Duration::from_secs(30)).await;
    scene.daemon.kill9();
    scene.daemon.start_again(&[]);
    settle(&mut scene, last).await;
    assert_eq!(told(&scene).await.len(), 1);
    let balance = get(&scene, "/v1/orgs/acme/balance").await["balances"][0].clone();
    assert_eq!((&balance["settled"], &balance["owed"]), (&json!("1"), &json!("0")));
    assert_eq!((&balance["held"], &balance["available"]), (&json!("2"), &json!("-1")));
}
