//! One charge explained, and the calls that are over.

use serde_json::{Value, json};

use crate::Daemon;
use crate::history::all;

#[tokio::test(flavor = "multi_thread")]
async fn a_charge_is_explained_and_tells_what_took_it_back() {
    let daemon = Daemon::with_acme().await;
    let limit = json!({ "on": { "user": "*" }, "credits": "3", "window": "life" });
    assert_eq!(daemon.put("/v1/orgs/acme/limits/daily", limit).await.status, 200);
    let events = json!([
        { "type": "action", "id": "1", "action": "lead_sourced", "quantity": 2, "user": "ana" },
        { "type": "call.ended", "id": "2", "duration_ms": 61_000, "direction": "outbound", "destination": "+49301" },
    ]);
    let answer = daemon.post("/v1/orgs/acme/events", events).await;
    let seq = |nth: usize| answer.json["results"][nth]["position"].as_str().unwrap().to_owned();
    let explain = async |seq: &str| daemon.get(&format!("/v1/orgs/acme/charges/{seq}")).await.json;
    let told = explain(&seq(0)).await;
    assert!(told["as_of"].is_string() && told["seq"].is_string(), "{told}");
    let charge = &told["data"]["charge"];
    assert_eq!(
        (&charge["plan"], &charge["rate_card"]),
        (&json!({ "id": "starter", "version": 1 }), &json!({ "id": "standard", "version": 1 }))
    );
    let line = &charge["lines"][0];
    assert_eq!(
        (&line["amount"], &line["because"], &line["rounding"]),
        (&json!("5"), &json!("2 × 2.5"), &json!("none"))
    );
    assert_eq!(line["figures"], json!({ "each": "2.5", "quantity": 2 }));
    assert_eq!(charge["paid_by"], json!([{ "credit_type": "credits", "amount": "5", "grant": "first" }]));
    assert_eq!(
        told["data"]["limits"],
        json!([{ "id": "daily", "value": "ana", "amount": "5", "window_is_over": false }])
    );
    assert_eq!(
        (&told["data"]["user"], &told["data"]["voided"], &told["data"]["voided_by"]),
        (&json!("ana"), &json!(false), &Value::Null)
    );

    let call = explain(&seq(1)).await;
    let figures = &call["data"]["charge"]["lines"][0]["figures"];
    assert_eq!(
        (&figures["increment"], &figures["billed_seconds"], &figures["per_minute"]),
        (&json!("60/60"), &json!(120), &json!("2"))
    );
    assert_eq!(
        (&call["data"]["call"]["call_id"], &call["data"]["call"]["destination"]),
        (&json!("2"), &json!("+49301"))
    );

    let void = json!({ "type": "void", "id": "v", "voids": { "id": "1" } });
    let voided = daemon.post("/v1/orgs/acme/events", void).await.json["results"][0]["position"].clone();
    let told = explain(&seq(0)).await;
    assert_eq!((&told["data"]["voided"], &told["data"]["voided_by"]), (&json!(true), &voided));
    assert_eq!(explain(&seq(1)).await["data"]["voided"], json!(false));
    for seq in [voided.as_str().unwrap(), "1.0", "99999.0"] {
        daemon.get(&format!("/v1/orgs/acme/charges/{seq}")).await.problem(404, "unknown_charge");
    }
    let wrong = daemon.get("/v1/orgs/acme/charges/x").await;
    assert!(wrong.problem(400, "invalid_parameter").starts_with("seq: \"x\" is no position"));
    daemon.get("/v1/orgs/nobody/charges/1.0").await.problem(404, "unknown_org");
    daemon.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_are_over_are_listed_with_what_they_cost() {
    let daemon = Daemon::with_acme().await;
    let ended = |id: &str, ms: u64, direction: &str| json!({ "type": "call.ended", "id": id, "duration_ms": ms, "direction": direction });
    let live = |kind: &str, id: &str| json!({ "type": kind, "source": "sbc", "call_id": id, "direction": "inbound", "user": "ana" });
    let mut end = live("call.ended", "two");
    end["duration_ms"] = json!(30_000);
    end["id"] = json!("two-end");
    let events = json!([
        ended("one", 61_000, "outbound"), live("call.answered", "two"), end, live("call.answered", "three"),
        { "type": "action", "id": "m", "action": "email_sent" },
        { "type": "void", "id": "v", "voids": { "id": "one" } },
        ended("missed", 0, "inbound"),
    ]);
    assert_eq!(daemon.post("/v1/orgs/acme/events", events).await.statuses(), ["accepted"; 7]);
    let path = "/v1/orgs/acme/calls?state=finished";
    let calls = all(&daemon, path, 2).await;
    let told: Vec<_> = calls
        .iter()
        .map(|call| {
            (
                call["call_id"].as_str().unwrap(),
                call["state"].as_str().unwrap(),
                call["billed_seconds"].as_u64().unwrap(),
                &call["credits"],
                &call["credits_back"],
            )
        })
        .collect();
    let (none, two, four) = (json!({}), json!({ "credits": "2" }), json!({ "credits": "4" }));
    assert_eq!(
        told,
        [
            ("missed", "ended", 0, &none, &none),
            ("one", "voided", 120, &none, &four),
            ("two", "ended", 60, &two, &none),
            ("one", "ended", 120, &four, &none),
        ]
    );
    assert_eq!(all(&daemon, &format!("{path}&user=ana"), 9).await, [calls[2].clone()]);
    assert_eq!(all(&daemon, &format!("{path}&search=MISSED"), 9).await.len(), 1);
    for path in ["/v1/orgs/acme/calls", "/v1/orgs/acme/calls?state=live"] {
        assert_eq!(daemon.get(path).await.json["live"], json!(1));
    }
    daemon.get("/v1/orgs/acme/calls?state=lost").await.problem(400, "invalid_parameter");
    daemon.running.stop().await;
}
