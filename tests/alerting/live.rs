//! Alerts as they are raised, and the pages of those that were.

use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::receiver::Receiver;
use crate::{Scene, until};

/// A client of the stream.
struct Listener {
    response: Response,
    text: String,
}

impl Listener {
    async fn start(scene: &Scene, heard: Option<&str>) -> Listener {
        let mut request = scene.client.get(format!("{}/v1/orgs/acme/alerts/stream", scene.daemon.url()));
        if let Some(heard) = heard {
            request = request.header("last-event-id", heard);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut listener = Listener { response, text: String::new() };
        assert_eq!(listener.block().await.as_deref(), Some(": listening"));
        listener
    }

    /// The lines up to the next empty one; `None` at the end.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let block = block.to_owned();
                self.text = rest.to_owned();
                return Some(block);
            }
            let chunk = tokio::time::timeout(Duration::from_secs(20), self.response.chunk());
            let chunk = chunk.await.unwrap().ok().flatten()?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The next alert: its id as the stream has it, and the event.
    async fn alert(&mut self) -> (String, Value) {
        let block = self.block().await.unwrap();
        let line = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        (line("id: ").to_owned(), serde_json::from_str(line("data: ")).unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_listens_hears_each_alert_and_after_a_reconnect_what_was_missed() {
    let mut scene = Scene::embedded().await;
    let mut listener = Listener::start(&scene, None).await;
    scene.spend("m1", 41).await;
    let (id, event) = listener.alert().await;
    assert_eq!((id.as_str(), &event["id"]), ("acme.credits.p60.1", &json!("acme.credits.p60.1")));
    assert_eq!(event["data"]["available"], "59");
    drop(listener);
    scene.spend("m2", 30).await;
    // Not even a replay of everything makes it hear an alert twice.
    scene.crash_without(&["checkpoints", "history"]).await;
    let mut listener = Listener::start(&scene, Some(&id)).await;
    assert_eq!(listener.alert().await.0, "acme.credits.p30.1");
    let mut other = Listener::start(&scene, None).await;
    scene.spend("m3", 20).await;
    assert_eq!(listener.alert().await.0, "acme.credits.p10.1");
    assert_eq!(other.alert().await.0, "acme.credits.p10.1");
    // A stop is not held up by who listens: the stream ends.
    assert!(scene.daemon.terminate().success());
    assert_eq!((listener.block().await, other.block().await), (None, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_are_listed_a_page_at_a_time() {
    let scene = Scene::embedded().await;
    // Through all four thresholds, one after the other.
    for (id, quantity) in [("m1", 40), ("m2", 30), ("m3", 20), ("m4", 10)] {
        scene.spend(id, quantity).await;
    }
    scene.daemon.shows("creditd_outbox_messages", 0.0).await;
    let (mut pages, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = scene.get(&format!("/v1/orgs/acme/alerts?limit=3{cursor}")).await;
        let ids = page["data"].as_array().unwrap().iter().map(|alert| alert["data"]["threshold"].clone());
        pages.push(ids.collect::<Vec<_>>());
        let Some(next) = page["meta"]["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    let below = |percent: u8| json!({ "below_percent": percent });
    assert_eq!(pages, [vec![below(0), below(10), below(30)], vec![below(60)]]);
    for (path, status) in [("alerts?limit=0", 400), ("alerts?limit=201", 400), ("alerts?cursor=x", 400)] {
        assert_eq!(
            scene.send(Method::GET, &format!("/v1/orgs/acme/{path}"), "").await.status,
            status,
            "{path}"
        );
    }
    for path in ["alerts", "alerts/stream", "webhooks"] {
        let answer = scene.send(Method::GET, &format!("/v1/orgs/nobody/{path}"), "").await;
        assert_eq!((answer.status, &answer.json["reason"]), (404, &json!("unknown_org")), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_was_closed_without_its_end_is_heard_of_and_sent_to_whoever_asked() {
    let scene = Scene::embedded().await;
    let card =
        r#"{"version": 2, "prices": {"sent": {"per_action": "1"}, "phone_call": {"per_minute": "6"}}}"#;
    assert_eq!(scene.send(Method::PUT, "/v1/rate-cards/card", card).await.status, 200);
    let receiver = Receiver::willing().await;
    let wanted = json!({ "url": receiver.url, "kinds": ["call_orphaned"] });
    assert_eq!(scene.put_webhook("ops", &wanted).await.status, 201);
    let mut listener = Listener::start(&scene, None).await;
    let answered = r#"{"type": "call.answered", "source": "sbc", "call_id": "a", "direction": "outbound"}"#;
    assert_eq!(scene.send(Method::POST, "/v1/orgs/acme/events", answered).await.status, 200);
    assert_eq!(scene.send(Method::POST, "/v1/sources/sbc/restarted", "").await.json["calls"], 1);
    let (id, event) = listener.alert().await;
    assert_eq!((id.as_str(), &event["type"]), ("acme.calls.1", &json!("creditd.call.orphaned.v1")));
    assert_eq!(event["data"]["credits"], json!({ "credits": "6" }));
    until("the request", async || receiver.count() == 1).await;
    assert_eq!(receiver.ids(), ["acme~calls~1"]);
}
