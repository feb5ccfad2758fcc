//! May this call start? Holds over HTTP, and the cut-off of a call whose credits end.

use std::time::Duration;

use serde_json::{Value, json};

use crate::Daemon;

/// A plan on which calls cost a credit a second and end with the credits, and `acme` on it.
async fn prepaid(credits: &str, terms: Value) -> Daemon {
    let daemon = Daemon::empty().await;
    let prices = json!({ "phone_call": { "per_minute": "60", "increment": "1/1" },
                         "email_sent": { "per_action": "2" } });
    daemon.put("/v1/rate-cards/calls", json!({ "version": 1, "prices": prices })).await;
    let plan = json!({ "version": 1, "rate_card": "calls", "when_exhausted": "reject", "calls": terms,
                       "past_limit": "reject" });
    assert_eq!(daemon.put("/v1/plans/prepaid", plan).await.status, 200);
    assert_eq!(daemon.put("/v1/orgs/acme", json!({ "plan": "prepaid" })).await.status, 201);
    let grant = json!({ "id": "first", "amount": credits });
    assert_eq!(daemon.post("/v1/orgs/acme/grants", grant).await.status, 201);
    daemon
}

fn asked(call: &str) -> Value {
    json!({ "source": "sbc", "call_id": call, "direction": "outbound" })
}

async fn authorize(daemon: &Daemon, asked: Value) -> Value {
    let answer = daemon.post("/v1/orgs/acme/authorize", asked).await;
    assert_eq!(answer.status, 200, "{}", answer.json);
    answer.json
}

/// The holds there are, once there are so many.
async fn holds(daemon: &Daemon, many: usize) -> Vec<Value> {
    for _ in 0..500 {
        let holds = daemon.get("/v1/orgs/acme/holds").await.json["data"].as_array().unwrap().clone();
        if holds.len() == many {
            return holds;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("there are not {many} holds after 5 s");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_granted_is_held_until_it_is_released_or_used() {
    let daemon = prepaid("10", json!({})).await;
    let first = authorize(&daemon, asked("a")).await;
    assert_eq!((&first["allowed"], &first["reason"]), (&json!(true), &json!("ok")));
    assert_eq!((&first["granted_seconds"], &first["held"]), (&json!(10), &json!({ "credits": "10" })));
    // One increment, and what rounding may add.
    assert_eq!(first["worst_case_overspend"], json!({ "credits": "1.000002" }));
    // Decided from memory: the next one sees it whether or not it is in the log yet.
    let second = authorize(&daemon, asked("b")).await;
    assert_eq!((&second["allowed"], &second["reason"]), (&json!(false), &json!("insufficient_credits")));
    assert_eq!(second["available"], json!({ "credits": "0" }));
    // Asked again, the same is held again and not twice.
    assert_eq!(authorize(&daemon, asked("a")).await["granted_seconds"], 10);
    let held = holds(&daemon, 1).await;
    assert_eq!((&held[0]["hold_id"], &held[0]["id"]), (&first["hold_id"], &json!("a")));
    let balance = daemon.balance("acme").await["balances"][0].clone();
    assert_eq!((&balance["held"], &balance["available"]), (&json!("10"), &json!("0")));

    let id = first["hold_id"].as_str().unwrap();
    let longer = daemon.post(&format!("/v1/orgs/acme/holds/{id}/extend"), json!({})).await;
    assert_eq!(longer.status, 200, "{}", longer.json);
    assert!(longer.json["valid_until"].as_str() > first["valid_until"].as_str(), "{}", longer.json);
    assert_eq!(daemon.post(&format!("/v1/orgs/acme/holds/{id}/release"), json!({})).await.status, 200);
    holds(&daemon, 0).await;
    daemon.post(&format!("/v1/orgs/acme/holds/{id}/release"), json!({})).await.problem(404, "unknown_hold");

    // Two that share, an action beside them, and what its event takes over.
    let third = authorize(
        &daemon,
        json!({ "source": "sbc", "call_id": "c", "direction": "inbound", "requested_seconds": 4 }),
    );
    assert_eq!(third.await["granted_seconds"], 4);
    let mail = json!({ "kind": "action", "source": "crm", "id": "m1", "action": "email_sent", "requested_quantity": 5 });
    let mail = authorize(&daemon, mail).await;
    assert_eq!(
        (&mail["granted_quantity"], &mail["held"]),
        (&json!(1), &json!({ "credits": "2" })),
        "its share is half of 6"
    );
    holds(&daemon, 2).await;
    let event =
        json!({ "type": "action", "org": "acme", "source": "crm", "id": "m1", "action": "email_sent" });
    assert_eq!(daemon.post("/v1/events", event).await.statuses(), ["accepted"]);
    assert_eq!(holds(&daemon, 1).await[0]["id"], "c");
    daemon.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_holds_nothing_and_what_cannot_be_is_told() {
    let daemon = prepaid("100", json!({ "slice_s": 20 })).await;
    let quote = daemon.post("/v1/orgs/acme/quote", asked("a")).await.json;
    assert_eq!((&quote["first"], &quote["price"]), (&json!({ "credits": "1" }), &json!({ "credits": "20" })));
    assert_eq!((&quote["granted_seconds"], &quote["hold_id"]), (&json!(20), &Value::Null));
    holds(&daemon, 0).await;
    for (bad, field) in [
        (json!({ "call_id": "a" }), "direction"),
        (json!({ "direction": "outbound" }), "call_id"),
        (json!({ "call_id": "a", "direction": "outbound", "requested_seconds": 0 }), "requested_seconds"),
        (json!({ "kind": "action", "id": "a" }), "action"),
        (json!({ "call_id": "a", "direction": "outbound", "org": "other" }), "org"),
    ] {
        let answer = daemon.post("/v1/orgs/acme/authorize", bad).await;
        assert_eq!((answer.status, answer.json["field"].as_str().unwrap()), (400, field), "{}", answer.json);
    }
    assert_eq!(
        daemon.post("/v1/orgs/acme/authorize", json!({ "call_id": "a", "colour": 1 })).await.status,
        400
    );
    assert_eq!(daemon.post("/v1/orgs/nobody/authorize", asked("a")).await.status, 404);
    let unpriced = json!({ "kind": "action", "id": "x", "action": "fax" });
    assert_eq!(authorize(&daemon, unpriced).await["reason"], "unknown_action");
    daemon.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_over_is_not_granted_again_under_its_name() {
    let daemon = prepaid("100", json!({})).await;
    assert_eq!(authorize(&daemon, asked("a")).await["allowed"], true);
    holds(&daemon, 1).await;
    let failed = json!({ "type": "call.failed", "org": "acme", "source": "sbc", "call_id": "a" });
    assert_eq!(daemon.post("/v1/events", failed).await.statuses(), ["accepted"]);
    let again = authorize(&daemon, asked("a")).await;
    assert_eq!((&again["allowed"], &again["reason"]), (&json!(false), &json!("call_ended")), "{again}");
    assert_eq!(authorize(&daemon, asked("b")).await["allowed"], true);
    daemon.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hard_limit_counts_what_runs_and_what_is_held() {
    let daemon = prepaid("100", json!({ "slice_s": 5 })).await;
    let limit = json!({ "on": { "user": "*" }, "quantity": 2, "window": "day", "hard": true });
    let put = daemon.put("/v1/orgs/acme/limits/two-calls", limit).await;
    assert_eq!(put.status, 200, "{}", put.json);
    let of_ann = |call: &str| {
        let mut asked = asked(call);
        asked["user"] = json!("ann");
        asked
    };
    let tell = async |stage: &str, mut call: Value| {
        (call["type"], call["org"]) = (json!(stage), json!("acme"));
        assert_eq!(daemon.post("/v1/events", call).await.statuses(), ["accepted"]);
    };
    assert_eq!(authorize(&daemon, of_ann("a")).await["allowed"], true);
    holds(&daemon, 1).await;
    tell("call.started", of_ann("a")).await;
    let again = authorize(&daemon, of_ann("a")).await;
    assert_eq!(again["allowed"], true, "it rings, and is held for: one call {again}");
    let second = authorize(&daemon, of_ann("b")).await;
    assert_eq!(second["allowed"], true, "the second of two {second}");
    tell("call.answered", of_ann("b")).await;
    let third = authorize(&daemon, of_ann("c")).await;
    assert_eq!((&third["allowed"], &third["reason"]), (&json!(false), &json!("limit_reached")));
    assert_eq!(authorize(&daemon, asked("d")).await["allowed"], true, "of nobody in particular");
    daemon.running.stop().await;
}

/// What calls were told, once it is so much.
async fn told(daemon: &Daemon, many: usize) -> Vec<Value> {
    for _ in 0..800 {
        let waiting = daemon.running.desk.outbox.waiting();
        let told = waiting.iter().filter(|message| message.subject.starts_with("credits.calls.acme."));
        let told: Vec<Value> =
            told.map(|message| serde_json::from_slice(&message.payload).unwrap()).collect();
        if told.len() >= many {
            return told;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("there are not {many} messages after 8 s");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_warned_cut_off_when_its_credits_end_and_may_go_on_after_a_top_up() {
    let daemon = prepaid("3", json!({ "warn_before_s": 2 })).await;
    assert_eq!(authorize(&daemon, asked("a")).await["granted_seconds"], 3);
    let mut answered = asked("a");
    (answered["type"], answered["org"]) = (json!("call.answered"), json!("acme"));
    daemon.post("/v1/events", answered).await;
    holds(&daemon, 0).await;
    let told = told(&daemon, 2).await;
    let kinds: Vec<&str> = told.iter().map(|alert| alert["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["creditd.call.warning.v1", "creditd.call.cutoff.v1"]);
    let calls = daemon.get("/v1/orgs/acme/calls").await.json;
    let answered: jiff::Timestamp = calls["data"][0]["answered_at"].as_str().unwrap().parse().unwrap();
    let cut: jiff::Timestamp = told[1]["time"].as_str().unwrap().parse().unwrap();
    assert_eq!(cut.duration_since(answered).as_millis(), 3_000, "at the instant the fourth second starts");
    assert_eq!(calls["data"][0]["cut_off"], true);

    daemon.post("/v1/orgs/acme/grants", json!({ "id": "more", "amount": "50" })).await;
    let told = self::told(&daemon, 3).await;
    assert_eq!(told[2]["type"], "creditd.call.extended.v1");
    assert_eq!(told[2]["data"]["calls"], json!([{ "source": "sbc", "call_id": "a" }]));
    assert_eq!(daemon.get("/v1/orgs/acme/calls").await.json["data"][0]["cut_off"], false);
    let again = authorize(&daemon, asked("a")).await;
    assert!(again["granted_seconds"].as_u64().unwrap() >= 20, "it asks for more: {again}");
    assert_eq!(again["hold_id"], Value::Null);
    daemon.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_can_be_extended_and_released_the_moment_it_was_given() {
    let daemon = prepaid("10", json!({})).await;
    for call in 0..25 {
        let id = authorize(&daemon, asked(&call.to_string())).await["hold_id"].as_str().unwrap().to_owned();
        if call % 2 == 0 {
            let longer = daemon.post(&format!("/v1/orgs/acme/holds/{id}/extend"), json!({})).await;
            assert_eq!(longer.status, 200, "call {call}: {}", longer.json);
        }
        let released = daemon.post(&format!("/v1/orgs/acme/holds/{id}/release"), json!({})).await;
        assert_eq!(released.status, 200, "call {call}: {}", released.json);
    }
    holds(&daemon, 0).await;
    assert_eq!(authorize(&daemon, asked("last")).await["available"], json!({ "credits": "10" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_that_comes_with_its_hold_leaves_nothing_held() {
    let daemon = prepaid("10000", json!({})).await;
    for number in 0..25 {
        let id = format!("m{number}");
        let mail = json!({ "kind": "action", "source": "crm", "id": id, "action": "email_sent" });
        assert_eq!(authorize(&daemon, mail).await["allowed"], true);
        let sent = json!({ "type": "creditd.action.v1", "source": "crm", "id": id, "data": { "action": "email_sent" } });
        assert_eq!(daemon.post("/v1/orgs/acme/events", sent).await.status, 200);
    }
    holds(&daemon, 0).await;
    assert_eq!(daemon.balance("acme").await["balances"][0]["held"], "0");
}
