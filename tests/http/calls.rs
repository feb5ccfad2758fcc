//! Live calls: pending while they run, through a restart, and charged once.

use creditd::http::Options;
use reqwest::Client;
use serde_json::{Value, json};

use crate::Daemon;
use crate::running::Running;

/// An event of a call, at the log's time.
fn call(kind: &str, id: &str) -> Value {
    json!({ "type": format!("call.{kind}"), "org": "acme", "source": "sbc", "call_id": id,
            "direction": "outbound", "destination": "+4930123456", "entity": { "type": "campaign", "id": "c7" } })
}

/// What is settled, pending and available of the first kind of credits.
async fn stands(daemon: &Daemon) -> [String; 3] {
    let balance = daemon.balance("acme").await;
    ["settled", "pending", "available"].map(|name| balance["balances"][0][name].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_pending_while_it_runs_and_charged_once_at_its_end() {
    let daemon = Daemon::with_acme().await;
    assert_eq!(daemon.post("/v1/events", call("started", "a")).await.statuses(), ["accepted"]);
    assert_eq!(stands(&daemon).await, ["1000", "0", "1000"], "it rings");
    daemon.post("/v1/events", call("answered", "a")).await;
    assert_eq!(stands(&daemon).await, ["1000", "2", "998"], "the first minute has begun");
    let live = daemon.get("/v1/orgs/acme/calls").await.json;
    let of = &live["data"][0];
    assert_eq!(
        (&of["call_id"], &of["source"], &of["state"]),
        (&json!("a"), &json!("sbc"), &json!("answered"))
    );
    assert_eq!((&of["credits"], &of["destination"]), (&json!({ "credits": "2" }), &json!("+4930123456")));
    assert_eq!((&of["entity"]["id"], &of["action"]), (&json!("c7"), &json!("phone_call")));
    assert_eq!((live["data"].as_array().unwrap().len(), &live["meta"]["next"]), (1, &json!(null)));
    let burn = json!([{ "credit_type": "credits", "running": 1, "per_minute": "2", "pending": "2", "held": "0",
                        "headroom": null, "seconds_left": null, "worst_case_overspend": null }]);
    assert_eq!((&live["live"], &live["burn"]), (&json!(1), &burn));
    assert_eq!(daemon.get("/v1/orgs/acme/calls/a?source=sbc").await.json["state"], "answered");

    // A progress proves more than the clock says.
    let mut progress = call("progress", "a");
    progress["duration_ms"] = json!(60_000);
    daemon.post("/v1/events", progress).await;
    assert_eq!(stands(&daemon).await, ["1000", "4", "996"]);

    let Daemon { running, folder, .. } = daemon;
    running.stop().await;
    let running = Running::start(folder.path(), Options::default()).await;
    let daemon = Daemon { running, client: Client::new(), folder };
    assert_eq!(stands(&daemon).await, ["1000", "4", "996"], "as if it had never stopped");

    let mut end = call("ended", "a");
    end["id"] = json!("end-a");
    end["duration_ms"] = json!(121_000);
    let answer = daemon.post("/v1/events", json!([end, end])).await;
    assert_eq!(answer.statuses(), ["accepted", "duplicate"]);
    assert_eq!(stands(&daemon).await, ["994", "0", "994"], "three minutes");
    let explained = daemon.get("/v1/orgs/acme/calls/a?source=sbc").await.json;
    assert_eq!((&explained["state"], &explained["voided"]), (&json!("ended"), &json!(false)), "{explained}");
    assert_eq!(explained["charge"]["credits"], json!({ "credits": "6" }));
    assert_eq!(explained["charge"]["paid_by"][0]["grant"], "first");
    assert!(explained["charge"]["lines"][0]["because"].as_str().unwrap().contains("180 s"), "{explained}");
    daemon.get("/v1/orgs/acme/calls/a").await.problem(404, "unknown_call");
    let mut other = end.clone();
    (other["id"], other["duration_ms"]) = (json!("end-b"), json!(1_000));
    let refused = daemon.post("/v1/events", json!([other])).await;
    assert_eq!(refused.statuses(), ["rejected"]);
    let told = refused.json.to_string();
    assert!(told.contains("call_ended") && told.contains("121000 ms"), "{told}");
    daemon.post("/v1/events", call("answered", "a")).await;
    assert_eq!(daemon.get("/v1/orgs/acme/calls").await.json["data"], json!([]), "it has ended");
    let verified = daemon.post("/v1/orgs/acme/verify", json!({})).await;
    assert_eq!(verified.json["ok"], json!(true), "{}", verified.json);
    daemon.shows("creditd_events_noted_total", 1.0).await;
    daemon.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn live_calls_come_in_pages() {
    let daemon = Daemon::with_acme().await;
    let events: Vec<Value> = (0..5).map(|n| call("answered", &format!("call-{n}"))).collect();
    daemon.post("/v1/events", json!(events)).await;
    let (mut ids, mut next) = (Vec::new(), String::new());
    loop {
        let page = daemon.get(&format!("/v1/orgs/acme/calls?limit=2{next}")).await.json;
        let calls = page["data"].as_array().unwrap();
        assert!((1..=2).contains(&calls.len()), "{page}");
        ids.extend(calls.iter().map(|call| call["call_id"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["meta"]["next"].as_str() else { break };
        next = format!("&cursor={cursor}");
    }
    ids.sort_unstable();
    assert_eq!(ids, ["call-0", "call-1", "call-2", "call-3", "call-4"]);
    assert_eq!(daemon.get("/v1/orgs/acme/calls?limit=0").await.status, 400);
    assert_eq!(daemon.get("/v1/orgs/acme/calls?cursor=a").await.status, 400);
    assert_eq!(daemon.get("/v1/orgs/nobody/calls").await.status, 404);
    daemon.running.stop().await;
}
