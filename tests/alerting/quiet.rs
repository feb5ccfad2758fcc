//! Quiet hours of a webhook: by which clocks, and what waits for their end.

use creditd::clock;
use reqwest::Method;
use serde_json::{Value, json};

use crate::receiver::Receiver;
use crate::{SECRET, Scene, linger, until};

/// A time of day, so many minutes from now by the clocks of Tokyo, which are 9 hours ahead all year.
fn in_tokyo(minutes: i64) -> String {
    let of_day = (clock::now().micros().div_euclid(60_000_000) + 9 * 60 + minutes).rem_euclid(1_440);
    format!("{:02}:{:02}", of_day / 60, of_day % 60)
}

#[tokio::test(flavor = "multi_thread")]
async fn by_the_clocks_of_the_organization_alerts_wait_and_tests_do_not() {
    let mut scene = Scene::embedded().await;
    let terms = json!({ "plan": "plan", "time_zone": "Asia/Tokyo" });
    assert_eq!(scene.send(Method::PUT, "/v1/orgs/acme", terms.to_string()).await.status, 200);
    let receiver = Receiver::willing().await;
    let (from, to) = (in_tokyo(-60), in_tokyo(120));
    let quiet = json!({ "url": receiver.url, "secret": SECRET, "quiet": { "from": from, "to": to } });
    let put = scene.put_webhook("night", &quiet).await;
    assert_eq!(put.status, 201, "{}", put.json);
    let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let shown = json!({ "from": from, "to": to, "days": days, "time_zone": "Asia/Tokyo" });
    assert_eq!(put.json["quiet"], shown);

    scene.spend("m1", 41).await;
    scene.daemon.shows("creditd_webhook_messages", 1.0).await;
    linger().await;
    assert_eq!(receiver.count(), 0);
    let next = scene.health("night").await["next_attempt"].as_str().unwrap().to_owned();
    let ahead = creditd::wire::time::parse(&next).unwrap().micros() - clock::now().micros();
    assert!((118 * 60_000_000..=120 * 60_000_000).contains(&ahead), "{next}");
    let test = scene.send(Method::POST, "/v1/orgs/acme/webhooks/night/test", "").await;
    assert_eq!((&test.json["outcome"], receiver.count()), (&json!("delivered"), 1));

    // They are part of the webhook: after a restart they hold, and a put without them ends them.
    scene.crash().await;
    linger().await;
    assert_eq!(
        (receiver.count(), &scene.get("/v1/orgs/acme/webhooks").await["data"][0]["quiet"]),
        (1, &shown)
    );
    let loud = scene.put_webhook("night", &json!({ "url": receiver.url })).await;
    assert_eq!((loud.status, &loud.json["quiet"]), (200, &Value::Null));
    until("the alert", async || receiver.count() == 2).await;
    assert_eq!(receiver.ids()[1], "acme~credits~p60~1");

    let never = json!({ "url": receiver.url, "quiet": { "from": "22:00", "to": "22:00" } });
    let refused = scene.put_webhook("night", &never).await;
    assert_eq!((refused.status, &refused.json["field"]), (422, &json!("quiet.to")));
}
