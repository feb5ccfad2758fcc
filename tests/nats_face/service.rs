//! The micro service, asked as any NATS client asks.

use std::time::Duration;

use serde_json::{Value, json};

use crate::Scene;

/// Asks, and answers the error code and the JSON.
async fn ask(scene: &Scene, subject: &str) -> (Option<String>, Value) {
    let answer = scene.client.request(subject.to_owned(), "".into()).await.unwrap();
    let header = |name: &str| {
        answer.headers.as_ref().and_then(|headers| headers.get(name)).map(|value| value.as_str().to_owned())
    };
    let text = header("Nats-Service-Error").unwrap_or_default();
    let json = serde_json::from_slice(&answer.payload).unwrap_or(Value::String(text));
    (header("Nats-Service-Error-Code"), json)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_balance_is_answered_as_over_http() {
    let mut scene = Scene::start().await;
    scene.publish_acme().await;
    let seq = scene.spend("m1", 3).await;
    scene.daemon.wait_for(seq, Duration::from_secs(10)).await;

    let (error, mut balance) = ask(&scene, "creditd.balance.acme").await;
    assert_eq!(error, None);
    assert_eq!(balance["balances"][0]["available"], "97");
    assert_eq!(balance["seq"], format!("{seq}.0"));
    let url = format!("{}/v1/orgs/acme/balance", scene.daemon.url());
    let mut other: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    // Each is as of its own instant.
    balance["as_of"].take();
    other["as_of"].take();
    assert_eq!(balance, other);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forecast_is_answered_as_over_http() {
    let mut scene = Scene::start().await;
    scene.publish_acme().await;
    let seq = scene.spend("m1", 3).await;
    scene.daemon.wait_for(seq, Duration::from_secs(10)).await;

    let (error, mut forecast) = ask(&scene, "creditd.forecast.acme").await;
    assert_eq!(error, None);
    let of_credits = &forecast["forecasts"][0];
    assert_eq!(
        (&of_credits["available"], &of_credits["outcome"]),
        (&json!("97"), &json!("not enough history"))
    );
    let url = format!("{}/v1/orgs/acme/forecast", scene.daemon.url());
    let mut other: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    // Each is as of its own instant.
    forecast["as_of"].take();
    other["as_of"].take();
    assert_eq!(forecast, other);
    let (code, _) = ask(&scene, "creditd.forecast.nobody").await;
    assert_eq!(code.as_deref(), Some("404"));
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_answered_as_over_http() {
    let mut scene = Scene::start().await;
    scene.publish_acme().await;
    let limits = format!("{}/v1/orgs/acme/limits", scene.daemon.url());
    let limit = json!({ "credits": "10", "window": "life" }).to_string();
    let put = reqwest::Client::new().put(format!("{limits}/total")).body(limit).send().await.unwrap();
    assert_eq!(put.status(), 200);
    let seq = scene.spend("m1", 3).await;
    scene.daemon.wait_for(seq, Duration::from_secs(10)).await;

    let (error, page) = ask(&scene, "creditd.limits.acme").await;
    assert_eq!(error, None);
    assert_eq!((&page["data"][0]["used"], &page["data"][0]["remaining"]), (&json!("3"), &json!("7")));
    let other: Value = reqwest::get(limits).await.unwrap().json().await.unwrap();
    assert_eq!(timeless(page), timeless(other));

    let part = scene.client.request("creditd.limits.acme", r#"{"id":"other"}"#.into()).await.unwrap();
    let part: Value = serde_json::from_slice(&part.payload).unwrap();
    assert_eq!((&part["data"], &part["meta"]["next"]), (&json!([]), &Value::Null));
    let wrong = scene.client.request("creditd.limits.acme", r#"{"limit":0}"#.into()).await.unwrap();
    assert_eq!(wrong.headers.unwrap().get("Nats-Service-Error-Code").unwrap().as_str(), "400");
}

#[tokio::test(flavor = "multi_thread")]
async fn recharges_are_answered_as_over_http() {
    let mut scene = Scene::start().await;
    scene.publish_acme().await;
    let recharges = format!("{}/v1/orgs/acme/recharges", scene.daemon.url());
    let order = json!({ "below": "10", "amount": "50", "cooldown_s": 0 }).to_string();
    let put = reqwest::Client::new().put(format!("{recharges}/credits")).body(order).send().await.unwrap();
    assert_eq!(put.status(), 200);

    let (error, told) = ask(&scene, "creditd.recharges.acme").await;
    assert_eq!(error, None);
    assert_eq!(
        (&told["data"][0]["credit_type"], &told["data"][0]["amount"]),
        (&json!("credits"), &json!("50"))
    );
    let other: Value = reqwest::get(recharges).await.unwrap().json().await.unwrap();
    assert_eq!(timeless(told), timeless(other));
    let (code, _) = ask(&scene, "creditd.recharges.nobody").await;
    assert_eq!(code.as_deref(), Some("404"));
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_answered_as_over_http() {
    let mut scene = Scene::start().await;
    scene.publish_acme().await;
    let users = format!("{}/v1/orgs/acme/users", scene.daemon.url());
    for (id, name) in [("ana", "Ana Gray"), ("ben", "Ben Brown")] {
        let put =
            reqwest::Client::new().put(format!("{users}/{id}")).body(json!({ "name": name }).to_string());
        assert_eq!(put.send().await.unwrap().status(), 201);
    }
    let ask = async |payload: &'static str| {
        let answer = scene.client.request("creditd.names.acme", payload.into()).await.unwrap();
        let code =
            answer.headers.and_then(|all| Some(all.get("Nats-Service-Error-Code")?.as_str().to_owned()));
        code.map_or_else(|| serde_json::from_slice::<Value>(&answer.payload).unwrap(), Value::String)
    };
    let other: Value = reqwest::get(format!("{users}?search=gray")).await.unwrap().json().await.unwrap();
    assert_eq!(other["data"][0]["id"], "ana");
    assert_eq!(timeless(ask(r#"{"kind":"users","search":"gray"}"#).await), timeless(other));
    for wrong in [
        "",
        "{}",
        r#"{"kind":"cities"}"#,
        r#"{"kind":"users","type":"x"}"#,
        r#"{"kind":"entities","used":true}"#,
    ] {
        assert_eq!(ask(wrong).await, "400", "{wrong}");
    }
}

/// A page without its instant, which is that of the answer.
fn timeless(mut page: Value) -> Value {
    assert!(page["meta"]["as_of"].take().is_string(), "{page}");
    page
}

/// Asks with a payload.
pub(crate) async fn ask_for(scene: &Scene, subject: &str, payload: &Value) -> Value {
    let answer = scene.client.request(subject.to_owned(), payload.to_string().into()).await.unwrap();
    let text = |headers: async_nats::HeaderMap| headers.get("Nats-Service-Error").map(ToString::to_string);
    let error = answer.headers.and_then(text).map(Value::String);
    error.unwrap_or_else(|| serde_json::from_slice(&answer.payload).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_asks_whether_a_call_may_start_and_is_told_when_it_is_over() {
    let mut scene = Scene::start().await;
    scene.publish_acme().await;
    let prices = r#"{"type": "rate_card.put", "id": "calls", "version": 1, "prices": {"phone_call": {"per_minute": "60", "increment": "1/1"}}}"#;
    scene.publish("credits.commands._catalog", prices).await;
    let plan = r#"{"type": "plan.put", "id": "prepaid", "version": 1, "rate_card": "calls", "when_exhausted": "reject"}"#;
    scene.publish("credits.commands._catalog", plan).await;
    scene.publish("credits.commands.small", r#"{"type": "org.put", "plan": "prepaid"}"#).await;
    let last =
        scene.publish("credits.commands.small", r#"{"type": "grant", "id": "g", "amount": "2"}"#).await;
    scene.daemon.wait_for(last, Duration::from_secs(10)).await;
    let mut told = scene.client.subscribe("credits.calls.small.>").await.unwrap();

    let call = |id: &str| json!({ "source": "sbc", "call_id": id, "direction": "outbound" });
    let quoted = ask_for(&scene, "creditd.quote.small", &call("a")).await;
    assert_eq!((&quoted["first"], &quoted["hold_id"]), (&json!({ "credits": "1" }), &Value::Null));
    let granted = ask_for(&scene, "creditd.authorize.small", &call("a")).await;
    assert_eq!((&granted["allowed"], &granted["granted_seconds"]), (&json!(true), &json!(2)));
    let refused = ask_for(&scene, "creditd.authorize.small", &call("b")).await;
    assert_eq!((&refused["allowed"], &refused["reason"]), (&json!(false), &json!("insufficient_credits")));
    // The hold is in the log.
    let held = json!({ "hold_id": granted["hold_id"] });
    for _ in 0..500 {
        if ask_for(&scene, "creditd.extend.small", &held).await["valid_until"].is_string() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let answered =
        json!({ "type": "call.answered", "source": "sbc", "call_id": "a", "direction": "outbound" });
    scene.publish("credits.events.small", &answered.to_string()).await;
    let mut kinds = Vec::new();
    while kinds.last().is_none_or(|kind| kind != "cutoff") {
        let message =
            tokio::time::timeout(Duration::from_secs(10), futures_util::StreamExt::next(&mut told)).await;
        let message = message.unwrap().unwrap();
        kinds.push(message.subject.rsplit('.').next().unwrap().to_owned());
        let told: Value = serde_json::from_slice(&message.payload).unwrap();
        assert_eq!(told["data"]["calls"], json!([{ "source": "sbc", "call_id": "a" }]), "{told}");
        let id = message.headers.as_ref().and_then(|headers| headers.get("Nats-Msg-Id")).unwrap();
        assert_eq!(id.as_str(), format!("small.calls.{}", kinds.len()));
    }
    assert_eq!(kinds, ["warning", "cutoff"]);
    let gone = ask_for(&scene, "creditd.release.small", &held).await;
    assert!(gone.as_str().unwrap().contains("there is no hold"), "{gone}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_tells_that_it_was_started_anew_and_its_calls_are_closed() {
    let mut scene = Scene::start().await;
    scene.publish_acme().await;
    let prices = r#"{"type": "rate_card.put", "id": "card", "version": 2, "prices": {"phone_call": {"per_minute": "6"}}}"#;
    scene.publish("credits.commands._catalog", prices).await;
    let mut told = scene.client.subscribe("credits.calls.acme.orphaned").await.unwrap();
    let answered = r#"{"type": "call.answered", "source": "sbc", "call_id": "a", "direction": "outbound"}"#;
    let last = scene.publish("credits.events.acme", answered).await;
    scene.daemon.wait_for(last, Duration::from_secs(10)).await;

    let wrong = ask_for(&scene, "creditd.restarted", &json!({})).await;
    assert!(wrong.as_str().unwrap().contains("source"), "{wrong}");
    let answer = ask_for(&scene, "creditd.restarted", &json!({ "source": "sbc" })).await;
    assert_eq!((&answer["orgs"], &answer["calls"]), (&json!(1), &json!(1)), "{answer}");
    let message =
        tokio::time::timeout(Duration::from_secs(10), futures_util::StreamExt::next(&mut told)).await;
    let message = message.unwrap().unwrap();
    let id = message.headers.as_ref().and_then(|headers| headers.get("Nats-Msg-Id")).unwrap();
    assert_eq!(id.as_str(), "acme.calls.1");
    let told: Value = serde_json::from_slice(&message.payload).unwrap();
    assert_eq!(
        (&told["data"]["call_id"], &told["data"]["reason"]),
        (&json!("a"), &json!("source_restarted"))
    );
    assert_eq!(told["data"]["credits"], json!({ "credits": "6" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_answered_is_a_service_error() {
    let scene = Scene::start().await;
    let (code, why) = ask(&scene, "creditd.balance.nobody").await;
    assert_eq!(code.as_deref(), Some("404"));
    assert_eq!(why, json!("there is no organization \"nobody\"; create it first"));
    let (code, why) = ask(&scene, "creditd.balance._catalog").await;
    assert_eq!(code.as_deref(), Some("400"));
    assert!(why.as_str().unwrap().contains("is not the name of an organization"), "{why}");
}

/// What an answer tells of an endpoint; they come in any order.
fn endpoint<'v>(told: &'v Value, name: &str) -> &'v Value {
    let endpoints = told["endpoints"].as_array().unwrap();
    endpoints.iter().find(|endpoint| endpoint["name"] == name).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_tells_of_itself() {
    let mut scene = Scene::start().await;
    scene.publish_acme().await;
    ask(&scene, "creditd.balance.acme").await;
    ask(&scene, "creditd.balance.nobody").await;

    let (_, ping) = ask(&scene, "$SRV.PING.creditd").await;
    assert_eq!(ping["type"], "io.nats.micro.v1.ping_response");
    assert_eq!((&ping["name"], &ping["version"]), (&json!("creditd"), &json!(env!("CARGO_PKG_VERSION"))));
    let (_, info) = ask(&scene, "$SRV.INFO.creditd").await;
    for name in [
        "balance",
        "limits",
        "forecast",
        "recharges",
        "names",
        "usage",
        "authorize",
        "quote",
        "release",
        "extend",
    ] {
        assert_eq!(endpoint(&info, name)["subject"], format!("creditd.{name}.*"));
    }
    assert_eq!(endpoint(&info, "restarted")["subject"], "creditd.restarted");
    let (_, stats) = ask(&scene, "$SRV.STATS.creditd").await;
    let balance = endpoint(&stats, "balance");
    assert_eq!((&balance["num_requests"], &balance["num_errors"]), (&json!(2), &json!(1)));
    assert_eq!(stats["id"], ping["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_is_answered_as_over_http() {
    let mut scene = Scene::start().await;
    scene.publish_acme().await;
    let seq = scene.spend("m1", 3).await;
    scene.daemon.wait_for(seq, Duration::from_secs(10)).await;

    let history = async |org: &str, of: Value| {
        let subject = format!("creditd.history.{org}");
        let answer = scene.client.request(subject, of.to_string().into()).await.unwrap();
        let code = answer.headers.as_ref().and_then(|headers| headers.get("Nats-Service-Error-Code"));
        let json = serde_json::from_slice::<Value>(&answer.payload).unwrap_or_default();
        (code.map(|code| code.as_str().to_owned()), json)
    };
    let (error, mut page) = history("acme", json!({ "kind": ["charge", "granted"], "limit": 2 })).await;
    assert_eq!(error, None);
    assert_eq!(page["data"].as_array().unwrap().len(), 2);
    let url = format!("{}/v1/orgs/acme/history?kind=charge&kind=granted&limit=2", scene.daemon.url());
    let mut other: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    // Each is as of its own instant.
    page["as_of"].take();
    other["as_of"].take();
    assert_eq!(page, other);
    let (_, one) = history("acme", json!({ "kind": "granted" })).await;
    assert_eq!(one["data"][0]["kind"], "granted");
    assert_eq!(history("acme", json!({ "kind": "payment" })).await.0.as_deref(), Some("400"));
    assert_eq!(history("nobody", json!({})).await.0.as_deref(), Some("404"));
}
