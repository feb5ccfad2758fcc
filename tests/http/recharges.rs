//! Auto-recharge, ordered, answered and taken away.

use creditd::http::Options;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::running::Running;
use crate::{Daemon, email};

const PATH: &str = "/v1/orgs/acme/recharges/credits";

/// An event that costs so many credits.
fn emails(id: u64, quantity: u64) -> Value {
    let mut event = email("acme", id);
    event["quantity"] = json!(quantity);
    event
}

/// The fields of a recharge that say where it stands: in words without the instant, the request, what it asks for, failures.
fn stands(state: &Value) -> (&str, Value, Value, Value) {
    let words = state["state"].as_str().unwrap();
    let words = words.split_once(" 20").map_or(words, |(words, _)| words);
    (words, state["request"].clone(), state["requested"].clone(), state["failures"].clone())
}

/// What an event, a request and its answers make of a recharge of which every step shows over HTTP.
#[tokio::test(flavor = "multi_thread")]
async fn a_recharge_is_ordered_asks_and_is_answered() {
    let daemon = Daemon::with_acme().await;
    daemon.put("/v1/orgs/acme", json!({ "plan": "starter", "overrides": { "alerts": [] } })).await;
    assert_eq!(daemon.get("/v1/orgs/acme/recharges").await.json["data"], json!([]));
    let caps = json!([{ "window": "day", "times": 2 }, { "window": "life", "credits": "5000" }]);
    let order = json!({ "below": "100", "amount": "500", "cooldown_s": 0, "caps": caps, "by": "ana" });
    let put = daemon.put(PATH, order.clone()).await;
    assert_eq!((put.status, stands(&put.json)), (200, ("armed", json!(null), json!(null), json!(0))));
    for (field, value) in [
        ("credit_type", json!("credits")),
        ("below", json!("100")),
        ("amount", json!("500")),
        ("up_to", json!(null)),
        ("cooldown_s", json!(0)),
        ("answer_within_s", json!(86_400)),
        ("by", json!("ana")),
    ] {
        assert_eq!(put.json[field], value, "{field}");
    }
    daemon.post("/v1/events", emails(1, 950)).await;
    let all = daemon.get("/v1/orgs/acme/recharges").await;
    let state = &all.json["data"][0];
    assert_eq!(
        stands(state),
        ("in flight since", json!("recharge.credits.1"), json!("500"), json!(0)),
        "{state}"
    );
    assert!(state["since"].as_str().unwrap() < state["until"].as_str().unwrap());
    let [day, life] = [0, 1].map(|n| &state["caps"][n]);
    assert_eq!((&day["used_times"], &day["used_credits"]), (&json!(1), &json!("500")));
    assert!(day["resets_at"].as_str().unwrap().ends_with("T00:00:00Z"), "{day}");
    assert_eq!((&life["window"], &life["resets_at"]), (&json!("life"), &json!(null)));
    daemon.shows("creditd_alerts_raised_total", 1.0).await;

    let grant = json!({ "id": "recharge.credits.1", "amount": "500" });
    assert_eq!(daemon.post("/v1/orgs/acme/grants", grant.clone()).await.status, 201);
    assert_eq!(daemon.post("/v1/orgs/acme/grants", grant).await.status, 200);
    assert_eq!(daemon.available("acme").await, "550");
    let put = daemon.put(PATH, order).await;
    assert_eq!(stands(&put.json).0, "armed");

    daemon.post("/v1/events", emails(2, 500)).await;
    let failure = json!({ "id": "recharge.credits.2", "reason": "declined", "by": "payments" });
    let failed = daemon.post(&format!("{PATH}/failed"), failure.clone()).await;
    assert_eq!(
        (failed.status, stands(&failed.json)),
        (200, ("backing off until", json!(null), json!(null), json!(1)))
    );
    let again = daemon.post(&format!("{PATH}/failed"), failure).await;
    assert_eq!(again.json, failed.json);
    let after_grant = json!({ "id": "recharge.credits.1" });
    daemon.post(&format!("{PATH}/failed"), after_grant).await.problem(409, "conflict");

    assert_eq!(daemon.send(Method::DELETE, PATH, "").await.status, 204);
    let again = daemon.send(Method::DELETE, PATH, "").await;
    assert!(again.problem(404, "unknown_recharge").contains("\"credits\""));
    assert_eq!(again.json["field"], "credit_type");
    let gone = daemon.post(&format!("{PATH}/failed"), json!({ "id": "recharge.credits.2" })).await;
    assert_eq!(gone.status, 204);
    daemon.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_in_flight_survives_a_restart() {
    let daemon = Daemon::with_acme().await;
    daemon.put(PATH, json!({ "below": "1000", "up_to": "1500" })).await;
    let before = daemon.get("/v1/orgs/acme/recharges").await.json;
    assert_eq!(stands(&before["data"][0]).0, "in flight since");
    let Daemon { running, folder, .. } = daemon;
    running.stop().await;
    let running = Running::start(folder.path(), Options::default()).await;
    let daemon = Daemon { running, client: Client::new(), folder };
    assert_eq!(daemon.get("/v1/orgs/acme/recharges").await.json["data"], before["data"]);
    let grant = json!({ "id": "recharge.credits.1", "amount": "500" });
    assert_eq!(daemon.post("/v1/orgs/acme/grants", grant).await.status, 201);
    let after = daemon.get("/v1/orgs/acme/recharges").await.json;
    assert_eq!(stands(&after["data"][0]).0, "cooling down until");
    daemon.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_recharge_is_a_problem() {
    let daemon = Daemon::with_acme().await;
    daemon.put(PATH, json!({ "amount": "1" })).await.problem(422, "missing_field");
    let two = daemon.put(PATH, json!({ "below": "1", "amount": "1", "up_to": "9" })).await;
    two.problem(422, "invalid_field");
    let other = daemon.put(PATH, json!({ "credit_type": "email", "below": "1", "amount": "1" })).await;
    assert!(other.problem(422, "invalid_field").contains("leave the credit_type out"));
    for kind in ["phone", "E-mail"] {
        let path = format!("/v1/orgs/acme/recharges/{kind}");
        let put = daemon.put(&path, json!({ "below": "1", "amount": "1" })).await;
        put.problem(422, "invalid_field");
        assert_eq!(put.json["field"], "credit_type");
    }
    let failed = |id: &str| daemon.post("/v1/orgs/acme/recharges/credits/failed", json!({ "id": id }));
    failed("recharge.credits.1").await.problem(404, "unknown_recharge");
    failed("recharge.email.1").await.problem(422, "invalid_field");
    let grant = json!({ "id": "recharge.credits.1", "amount": "5" });
    daemon.post("/v1/orgs/acme/grants", grant).await.problem(404, "unknown_recharge");
    daemon.get("/v1/orgs/nobody/recharges").await.problem(404, "unknown_org");
    let put = daemon.put("/v1/orgs/nobody/recharges/credits", json!({ "below": "1", "amount": "1" })).await;
    put.problem(404, "unknown_org");
    daemon.running.stop().await;
}
