//! Auto-recharge from end to end: the request reaches whoever pays, the answer reaches the ledger, and time asks again.

use reqwest::Method;
use serde_json::json;

use crate::receiver::Receiver;
use crate::{SECRET, Scene, linger, until};

const KINDS: [&str; 3] = ["recharge_requested", "recharge_succeeded", "recharge_failed"];

#[tokio::test(flavor = "multi_thread")]
async fn who_pays_is_asked_once_per_request_across_crashes() {
    let mut scene = Scene::over_nats().await;
    let payments = Receiver::willing().await;
    let content = json!({ "url": payments.url, "secret": SECRET, "kinds": KINDS });
    assert_eq!(scene.put_webhook("payments", &content).await.status, 201);
    let order = json!({ "below": "20", "amount": "50", "cooldown_s": 1 }).to_string();
    let put = scene.send(Method::PUT, "/v1/orgs/acme/recharges/credits", order).await;
    assert_eq!((put.status, &put.json["state"]), (200, &json!("armed")));

    scene.spend("m1", 80).await;
    until("the request", async || payments.count() == 1).await;
    // Lost are the checkpoints, and with them what was in flight: the log tells it again.
    scene.crash_without(&["checkpoints", "history"]).await;
    linger().await;
    assert_eq!(payments.ids(), ["acme~recharge~credits~1~requested"]);

    // Too little: after the cooling down time itself asks for more.
    let grant = json!({ "id": "recharge.credits.1", "amount": "0.5" }).to_string();
    assert_eq!(scene.send(Method::POST, "/v1/orgs/acme/grants", grant).await.status, 201);
    scene.spend("m2", 1).await;
    until("the next request", async || payments.count() == 3).await;
    let failure = json!({ "id": "recharge.credits.2", "reason": "declined", "by": "payments" }).to_string();
    let failed = scene.send(Method::POST, "/v1/orgs/acme/recharges/credits/failed", failure).await;
    assert_eq!((failed.status, &failed.json["failures"]), (200, &json!(1)));
    until("the failure", async || payments.count() == 4).await;
    let ids = ["1~requested", "1~succeeded", "2~requested", "2~failed"];
    assert_eq!(payments.ids(), ids.map(|id| format!("acme~recharge~credits~{id}")));

    let kept = scene.alerts().await;
    let kinds: Vec<&str> = kept.iter().filter_map(|alert| alert["kind"].as_str()).collect();
    assert_eq!(kinds[..3], ["recharge_failed", "recharge_requested", "recharge_succeeded"]);
    assert_eq!(
        (&kept[0]["data"]["reason"], &kept[0]["data"]["request"], &kept[1]["data"]["amount"]),
        (&json!("declined"), &json!("recharge.credits.2"), &json!("50"))
    );
}
