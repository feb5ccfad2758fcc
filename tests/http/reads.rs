//! Balances and names out.

use std::time::Duration;

use creditd::clock;
use creditd::ledger::units::Millis;
use creditd::wire::time;
use serde_json::json;

use crate::{Daemon, email};

#[tokio::test(flavor = "multi_thread")]
async fn a_balance_tells_everything_and_its_position() {
    let daemon = Daemon::with_acme().await;
    let answer = daemon.post("/v1/events", email("acme", 1)).await;
    let balance = daemon.balance("acme").await;
    assert_eq!(balance["org"], "acme");
    assert_eq!(balance["seq"], answer.json["results"][0]["position"]);
    assert!(balance["as_of"].as_str().unwrap().ends_with('Z'));
    let mut credits = balance["balances"][0].clone();
    let grant = credits["grants"][0].take();
    assert_eq!(
        credits,
        json!({
            "credit_type": "credits", "settled": "999", "pending": "0", "held": "0", "available": "999",
            "total": "1000", "owed": "0", "grants": [null],
        })
    );
    assert_eq!((&grant["id"], &grant["remaining"]), (&json!("first"), &json!("999")));
}

#[tokio::test(flavor = "multi_thread")]
async fn names_come_in_order_and_page_by_page() {
    let daemon = Daemon::empty().await;
    daemon.publish().await;
    for org in ["e", "b", "d", "a", "c"] {
        daemon.org(org).await;
    }
    let (mut names, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = daemon.get(&format!("/v1/orgs?limit=2{cursor}")).await.json;
        names.extend(
            page["data"].as_array().unwrap().iter().map(|org| org["org"].as_str().unwrap().to_owned()),
        );
        pages += 1;
        match page["meta"]["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!((names.concat().as_str(), pages), ("abcde", 3));
    let all = daemon.get("/v1/orgs").await.json;
    assert_eq!((all["data"].as_array().unwrap().len(), &all["meta"]["next"]), (5, &json!(null)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_ends_is_gone_from_the_balance_though_nothing_was_applied() {
    let daemon = Daemon::with_acme().await;
    let end = clock::now().plus(Millis(700));
    let short = json!({ "id": "short", "amount": "5", "expires": time::format(end) });
    assert_eq!(daemon.post("/v1/orgs/acme/grants", short).await.status, 201);
    assert_eq!(daemon.available("acme").await, "1005");
    let before = daemon.balance("acme").await;
    daemon.running.stop_applying();
    tokio::time::sleep(Duration::from_millis(800)).await;
    let after = daemon.balance("acme").await;
    assert_eq!((&after["seq"], &after["balances"][0]["available"]), (&before["seq"], &json!("1000")));
    assert_eq!(after["balances"][0]["grants"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forecast_says_what_it_does_not_know_yet() {
    let daemon = Daemon::with_acme().await;
    let answer = daemon.get("/v1/orgs/acme/forecast").await;
    assert_eq!((answer.status, &answer.json["org"]), (200, &json!("acme")));
    assert!(answer.json["as_of"].as_str().unwrap().ends_with('Z'));
    assert_eq!(
        answer.json["forecasts"],
        json!([{
            "credit_type": "credits", "available": "1000", "enough_history": false, "rate": null,
            "outcome": "not enough history", "runs_out_at": null, "losses": [],
        }])
    );
    let all = json!({ "type": "action", "id": "all", "action": "email_sent", "quantity": 1000 });
    assert_eq!(daemon.post("/v1/orgs/acme/events", all).await.status, 200);
    let spent = daemon.get("/v1/orgs/acme/forecast").await.json;
    assert_eq!(spent["forecasts"][0]["outcome"], "has run out");
    daemon.get("/v1/orgs/nobody/forecast").await.problem(404, "unknown_org");
}
