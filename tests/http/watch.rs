//! Balances and live calls as they change.

use std::time::Duration;

use reqwest::Response;
use serde_json::{Value, json};

use crate::Daemon;

/// A stream of events, with what came and is not a whole event yet.
struct Watching {
    response: Response,
    text: String,
}

impl Watching {
    async fn of(daemon: &Daemon, path: &str, known: Option<&str>) -> Watching {
        let mut request = daemon.client.get(format!("{}{path}", daemon.running.url));
        if let Some(known) = known {
            request = request.header("last-event-id", known);
        }
        let response: Response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Watching { response, text: String::new() }
    }

    /// The next event with its id, if there is one within so long.
    async fn next(&mut self, within: Duration) -> Option<(String, Value)> {
        let read = async {
            loop {
                while let Some((event, rest)) = self.text.split_once("\n\n") {
                    let (event, rest) = (event.to_owned(), rest.to_owned());
                    self.text = rest;
                    let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
                    if let (Some(id), Some(data)) = (field("id: "), field("data: ")) {
                        return (id.to_owned(), serde_json::from_str(data).unwrap());
                    }
                }
                let bytes = self.response.chunk().await.unwrap().unwrap();
                self.text.push_str(std::str::from_utf8(&bytes).unwrap());
            }
        };
        tokio::time::timeout(within, read).await.ok()
    }

    async fn must(&mut self) -> (String, Value) {
        self.next(Duration::from_secs(8)).await.unwrap()
    }
}

const QUIET: Duration = Duration::from_millis(900);

async fn mail(daemon: &Daemon, id: &str) {
    let event = json!({ "type": "creditd.action.v1", "id": id, "action": "email_sent" });
    assert_eq!(daemon.post("/v1/orgs/acme/events", event).await.statuses(), ["accepted"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_balance_is_told_now_and_whenever_it_changes() {
    let daemon = Daemon::with_acme().await;
    let path = "/v1/orgs/acme/balance/stream";
    let mut watching = Watching::of(&daemon, path, None).await;
    let (first, balance) = watching.must().await;
    assert_eq!(balance["balances"][0]["available"], "1000");
    let mut answered = daemon.balance("acme").await;
    answered["as_of"] = balance["as_of"].clone();
    assert_eq!(balance, answered, "it is what a GET answers");
    assert_eq!(watching.next(QUIET).await, None, "nothing changes");
    mail(&daemon, "a1").await;
    let (second, balance) = watching.must().await;
    assert_eq!(balance["balances"][0]["available"], "999");
    assert_ne!(first, second);
    drop(watching);
    // Who comes back and knows it already hears of what is new alone.
    let mut back = Watching::of(&daemon, path, Some(&second)).await;
    assert_eq!(back.next(QUIET).await, None);
    mail(&daemon, "a2").await;
    assert_eq!(back.must().await.1["balances"][0]["available"], "998");
    // Who missed something is told how it is now.
    let mut late = Watching::of(&daemon, path, Some(&first)).await;
    assert_eq!(late.must().await.1["balances"][0]["available"], "998");
    assert_eq!(daemon.get("/v1/orgs/nobody/balance/stream").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn live_calls_are_told_as_they_come_cost_and_go() {
    let daemon = Daemon::with_acme().await;
    let mut watching = Watching::of(&daemon, "/v1/orgs/acme/calls/stream", None).await;
    assert_eq!(watching.must().await.1["data"], json!([]));
    let mut call = json!({ "type": "call.answered", "source": "sbc", "id": "e1", "call_id": "c1", "direction": "outbound" });
    assert_eq!(daemon.post("/v1/orgs/acme/events", call.clone()).await.statuses(), ["accepted"]);
    let (_, live) = watching.must().await;
    assert_eq!((&live["data"][0]["call_id"], live["data"].as_array().unwrap().len()), (&json!("c1"), 1));
    (call["type"], call["id"], call["duration_ms"]) = (json!("call.ended"), json!("e2"), json!(1_000));
    assert_eq!(daemon.post("/v1/orgs/acme/events", call).await.statuses(), ["accepted"]);
    for _ in 0..10 {
        if watching.must().await.1["data"] == json!([]) {
            assert_eq!(daemon.get("/v1/orgs/acme/calls/stream?limit=0").await.status, 400);
            return;
        }
    }
    panic!("the call is told as live after its end");
}
