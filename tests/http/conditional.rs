//! What is asked again: answers that are known already, and requests that are repeated under a key.

use reqwest::StatusCode;
use reqwest::header::{ETAG, IF_NONE_MATCH};
use serde_json::{Value, json};

use crate::Daemon;

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_known_is_not_sent_again_until_it_is_another() {
    let daemon = Daemon::with_acme().await;
    for path in ["balance", "usage", "history", "limits", "calls", "alerts"] {
        let url = format!("{}/v1/orgs/acme/{path}", daemon.running.url);
        let first = daemon.client.get(&url).send().await.unwrap();
        let tag = first.headers()[ETAG].to_str().unwrap().to_owned();
        assert!(tag.starts_with("W/\""), "{tag}");
        let ask =
            async |tags: &str| daemon.client.get(&url).header(IF_NONE_MATCH, tags).send().await.unwrap();
        // A moment later, by another `as_of`.
        let known = ask(&format!("\"x\", {tag}")).await;
        assert_eq!(
            (known.status(), known.headers()[ETAG].to_str().unwrap()),
            (StatusCode::NOT_MODIFIED, &*tag),
            "{path}"
        );
        assert_eq!(known.text().await.unwrap(), "");
        assert_eq!(ask("\"other\"").await.status(), 200, "{path}");
    }
    let url = format!("{}/v1/orgs/acme/balance", daemon.running.url);
    let tag = daemon.client.get(&url).send().await.unwrap().headers()[ETAG].clone();
    let event = json!({ "type": "creditd.action.v1", "id": "a1", "action": "email_sent" });
    assert_eq!(daemon.post("/v1/orgs/acme/events", event).await.statuses(), ["accepted"]);
    let later = daemon.client.get(&url).header(IF_NONE_MATCH, tag).send().await.unwrap();
    assert_eq!(later.status(), 200);
    let balance: Value = later.json().await.unwrap();
    assert_eq!(balance["balances"][0]["available"], "999");
    daemon.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_repeated_under_its_key_is_carried_out_once() {
    let daemon = Daemon::with_acme().await;
    let send = async |path: &str, key: &str, body: Value| {
        let request = daemon.client.post(format!("{}/v1/orgs/acme/{path}", daemon.running.url));
        let answer = request.header("Idempotency-Key", key).json(&body).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let grant = json!({ "amount": "50" });
    assert_eq!(send("grants", "\"8e03978e-40d5\"", grant.clone()).await.0, 201);
    let (status, again) = send("grants", "8e03978e-40d5", grant.clone()).await;
    assert_eq!((status, &again["id"]), (200, &json!("8e03978e-40d5")));
    assert_eq!(daemon.available("acme").await, "1050");
    let (status, other) = send("grants", "8e03978e-40d5", json!({ "amount": "51" })).await;
    assert_eq!((status, &other["reason"]), (409, &json!("conflict")), "{other}");
    let adjust = json!({ "amount": "-7", "reason": "goodwill taken back" });
    for _ in 0..3 {
        assert_eq!(send("adjustments", "key-2", adjust.clone()).await.0, 200);
    }
    assert_eq!(daemon.available("acme").await, "1043");
    // A name of its own counts, whatever the key.
    assert_eq!(send("grants", "key-3", json!({ "id": "own", "amount": "1" })).await.1["id"], "own");
    let (status, refused) = send("grants", "", grant).await;
    assert_eq!((status, &refused["field"]), (400, &json!("idempotency-key")));
    daemon.running.stop().await;
}
