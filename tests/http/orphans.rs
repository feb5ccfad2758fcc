//! Calls whose end does not come: closed by themselves, through restarts, and corrected by what comes late.

use std::time::Duration;

use creditd::clock;
use creditd::http::Options;
use creditd::ledger::units::Millis;
use creditd::wire::time;
use reqwest::Client;
use serde_json::{Value, json};

use crate::Daemon;
use crate::running::Running;

/// With `beta`, whose plan closes calls after a minute.
async fn with_beta() -> Daemon {
    let daemon = Daemon::with_acme().await;
    let plan = json!({ "version": 1, "rate_card": "standard", "calls": { "longest_s": 60 } });
    assert_eq!(daemon.put("/v1/plans/short", plan).await.status, 200);
    assert_eq!(daemon.put("/v1/orgs/beta", json!({ "plan": "short" })).await.status, 201);
    let grant = json!({ "id": "first", "amount": "1000" });
    assert_eq!(daemon.post("/v1/orgs/beta/grants", grant).await.status, 201);
    daemon
}

/// That a call was answered so many milliseconds ago.
async fn answered(daemon: &Daemon, org: &str, id: &str, ago: u64) {
    let event = json!({ "type": "call.answered", "org": org, "source": "sbc", "call_id": id, "direction": "outbound",
                        "time": time::format(clock::now().minus(Millis(ago))) });
    assert_eq!(daemon.post("/v1/events", event).await.statuses(), ["accepted"]);
}

/// Waits until so many calls are live.
async fn live(daemon: &Daemon, org: &str, many: u64) {
    let path = format!("/v1/orgs/{org}/calls");
    for _ in 0..1_000 {
        if daemon.get(&path).await.json["live"] == many {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not {many} calls are live after 10 s: {}", daemon.get(&path).await.json);
}

/// The messages of closed calls that wait to leave.
fn orphaned(daemon: &Daemon) -> Vec<Value> {
    let waiting = daemon.running.desk.outbox.waiting();
    let told = waiting.iter().filter(|message| message.subject == "credits.calls.beta.orphaned");
    told.map(|message| serde_json::from_slice(&message.payload).unwrap()).collect()
}

async fn restart(daemon: Daemon, after: Duration) -> Daemon {
    let Daemon { running, folder, .. } = daemon;
    running.stop().await;
    tokio::time::sleep(after).await;
    let running = Running::start(folder.path(), Options::default()).await;
    Daemon { running, client: Client::new(), folder }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_closed_with_nothing_arriving_and_its_late_end_corrects_it() {
    let daemon = with_beta().await;
    answered(&daemon, "beta", "a", 58_500).await;
    assert_eq!(daemon.available("beta").await, "998");
    live(&daemon, "beta", 0).await;
    assert_eq!(daemon.available("beta").await, "998", "an increment is proven");
    daemon.shows("creditd_calls_orphaned_total{reason=\"longest\"}", 1.0).await;
    let told = orphaned(&daemon);
    assert_eq!((told.len(), &told[0]["id"]), (1, &json!("beta.calls.1")));
    let data = &told[0]["data"];
    assert_eq!(
        (&data["source"], &data["call_id"], &data["reason"]),
        (&json!("sbc"), &json!("a"), &json!("longest"))
    );
    assert_eq!((&data["duration_ms"], &data["charged_seconds"]), (&json!(1), &json!(60)));
    assert_eq!(data["credits"], json!({ "credits": "2" }));
    let explained = daemon.get("/v1/orgs/beta/calls/a?source=sbc").await.json;
    assert_eq!(
        (&explained["state"], &explained["reason"]),
        (&json!("orphaned"), &json!("longest")),
        "{explained}"
    );
    assert_eq!(explained["charge"]["credits"], json!({ "credits": "2" }));

    // One that falls due while nobody is there is closed at the start.
    answered(&daemon, "beta", "b", 58_500).await;
    let daemon = restart(daemon, Duration::from_secs(2)).await;
    live(&daemon, "beta", 0).await;
    assert_eq!(daemon.available("beta").await, "996");
    let end = json!({ "type": "call.ended", "org": "beta", "source": "sbc", "id": "end", "call_id": "a", "duration_ms": 121_000 });
    assert_eq!(daemon.post("/v1/events", json!([end, end])).await.statuses(), ["accepted", "duplicate"]);
    assert_eq!(daemon.available("beta").await, "992", "three minutes in place of one");
    let explained = daemon.get("/v1/orgs/beta/calls/a?source=sbc").await.json;
    assert_eq!((&explained["state"], &explained["voided"]), (&json!("ended"), &json!(false)), "{explained}");
    assert_eq!(explained["charge"]["credits"], json!({ "credits": "6" }));

    let failed = json!({ "type": "call.failed", "org": "beta", "source": "sbc", "call_id": "b" });
    assert_eq!(daemon.post("/v1/events", failed).await.statuses(), ["accepted"]);
    assert_eq!(daemon.available("beta").await, "994");
    let explained = daemon.get("/v1/orgs/beta/calls/b?source=sbc").await.json;
    assert_eq!(
        (&explained["state"], &explained["voided"]),
        (&json!("orphaned"), &json!(true)),
        "{explained}"
    );
    let daemon = restart(daemon, Duration::ZERO).await;
    assert_eq!(daemon.available("beta").await, "994");
    let verified = daemon.post("/v1/orgs/beta/verify", json!({})).await;
    assert_eq!(verified.json["ok"], json!(true), "{}", verified.json);
    daemon.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_that_was_started_anew_closes_its_calls_in_all_organizations() {
    let daemon = with_beta().await;
    for (org, id) in [("acme", "a"), ("acme", "b"), ("beta", "c")] {
        answered(&daemon, org, id, 1_000).await;
    }
    let none = daemon.post("/v1/sources/other/restarted", json!({})).await;
    assert_eq!((&none.json["orgs"], &none.json["calls"]), (&json!(0), &json!(0)));
    let hour_ago = time::format(clock::now().minus(Millis(3_600_000)));
    let before = daemon.post("/v1/sources/sbc/restarted", json!({ "time": hour_ago })).await;
    assert_eq!(before.json, json!({ "source": "sbc", "time": hour_ago, "orgs": 0, "calls": 0 }));
    let told = daemon.send(reqwest::Method::POST, "/v1/sources/sbc/restarted", "").await;
    assert_eq!(
        (told.status, &told.json["orgs"], &told.json["calls"]),
        (200, &json!(2), &json!(3)),
        "{}",
        told.json
    );
    live(&daemon, "acme", 0).await;
    live(&daemon, "beta", 0).await;
    assert_eq!(
        (daemon.available("acme").await, daemon.available("beta").await),
        ("996".into(), "998".into())
    );
    assert_eq!(daemon.post("/v1/sources/sbc/restarted", json!({})).await.json["calls"], 0);
    daemon.shows("creditd_calls_orphaned_total{reason=\"source_restarted\"}", 3.0).await;
    for (bad, field) in [(json!({ "time": "today" }), "time"), (json!({ "source": "x" }), "source")] {
        let answer = daemon.post("/v1/sources/sbc/restarted", bad).await;
        assert_eq!((answer.status, &answer.json["field"]), (400, &json!(field)), "{}", answer.json);
    }
    daemon.running.stop().await;
}
