//! What if: what other prices would have come to, beside organizations that really live by them.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::Daemon;

/// Prices of today and of tomorrow, with a plan on each.
async fn two_plans(daemon: &Daemon) {
    let minutes = |outbound: &str, inbound: &str, prefix: &str| {
        json!({ "per_minute": outbound, "connect_fee": "0.1", "increment": "60/60", "inbound": { "per_minute": inbound },
            "destinations": [{ "prefix": "49", "per_minute": prefix }] })
    };
    let today = json!({ "version": 1, "prices": {
        "email_sent": { "per_action": "1" },
        "tokens": { "per_units": "0.5", "units": 1000 },
        "old_thing": { "per_action": "3" },
        "phone_call": minutes("2", "1", "1.5"),
        "translation": { "per_minute": "0.3" },
    }});
    let tomorrow = json!({ "version": 1, "prices": {
        "email_sent": { "per_action": "0.75" },
        "tokens": { "per_units": "0.3", "units": 1000, "credit_type": "ai" },
        "phone_call": minutes("2.4", "0.8", "1.1"),
        "translation": { "per_action": "0.2" },
    }});
    for (id, card) in [("today", today), ("tomorrow", tomorrow)] {
        let put = daemon.put(&format!("/v1/rate-cards/{id}"), card).await;
        assert_eq!(put.status, 200, "{}", put.json);
    }
    let next = json!({ "version": 1, "rate_card": "tomorrow", "increment": "30/6" });
    let plans = [
        ("now", json!({ "version": 1, "rate_card": "today" })),
        ("next", next),
        ("free", json!({ "version": 1, "rate_card": "today", "unmetered": true })),
    ];
    for (id, plan) in plans {
        let put = daemon.put(&format!("/v1/plans/{id}"), plan).await;
        assert_eq!(put.status, 200, "{}", put.json);
    }
}

async fn org(daemon: &Daemon, org: &str, terms: Value) {
    let put = daemon.put(&format!("/v1/orgs/{org}"), terms).await;
    assert_eq!(put.status, 201, "{}", put.json);
}

/// The same happens to an organization, whoever it is: of all kinds of events, early and late in the year.
async fn live(daemon: &Daemon, org: &str) {
    let call = |id: &str, direction: &str, to: &str, ms: u64, more: Value| {
        let mut call = json!({ "type": "creditd.call.ended.v1", "id": id, "action": "phone_call", "direction": direction,
            "duration_ms": ms, "destination": to, "time": "2026-02-03T12:00:00Z" });
        for (name, value) in more.as_object().unwrap() {
            call[name] = value.clone();
        }
        call
    };
    let action = |id: &str, action: &str, quantity: u64, time: &str| json!({ "type": "creditd.action.v1", "id": id, "action": action, "quantity": quantity, "time": time });
    let events = json!([
        action("a1", "email_sent", 7, "2026-02-01T10:00:00Z"),
        action("a2", "tokens", 12_345, "2026-02-01T11:00:00Z"),
        action("a3", "email_sent", 100, "2026-01-31T23:59:59Z"),
        action("a4", "email_sent", 1_000, "2026-02-02T10:00:00Z"),
        call("c1", "outbound", "4915112345", 61_000, json!({ "add_ons": ["translation"] })),
        call("c2", "outbound", "1212555", 125_000, json!({})),
        call("c3", "inbound", "1212555", 30_500, json!({})),
        call("c4", "outbound", "1212555", 9_000, json!({ "answered": false })),
        { "type": "creditd.void.v1", "id": "v1", "voids": { "id": "a4" } },
    ]);
    let posted = daemon.post(&format!("/v1/orgs/{org}/events"), events).await;
    assert!(posted.statuses().iter().all(|status| *status == "accepted"), "{}", posted.json);
}

/// Asks, waits, and answers what came out.
async fn what_if(daemon: &Daemon, mut asked: Value) -> Value {
    if asked.get("from").is_none() {
        asked["from"] = json!("2026-02-01");
        asked["to"] = json!("2026-03-01");
    }
    let begun = daemon.post("/v1/what-if", asked).await;
    assert_eq!(begun.status, 202, "{}", begun.json);
    let path = format!("/v1/what-if/{}", begun.json["id"].as_str().unwrap());
    for _ in 0..500 {
        let found = daemon.get(&path).await.json;
        if found["state"] != "running" {
            assert_eq!(found["state"], "done", "{found}");
            return found;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("there is no answer within 5 s");
}

fn line<'a>(answer: &'a Value, org: &str) -> &'a Value {
    answer["data"].as_array().unwrap().iter().find(|line| line["org"] == org).unwrap()
}

/// What an organization was charged in February.
async fn charged(daemon: &Daemon, org: &str) -> Value {
    let answer = daemon.get(&format!("/v1/orgs/{org}/usage?from=2026-02-01&to=2026-03-01")).await;
    answer.json["totals"]["credits"].clone()
}

async fn lived() -> Daemon {
    let daemon = Daemon::empty().await;
    two_plans(&daemon).await;
    org(&daemon, "acme", json!({ "plan": "now", "name": "Acme" })).await;
    org(&daemon, "twin", json!({ "plan": "next" })).await;
    let own = json!({ "prices": { "email_sent": { "per_action": "0.5" } } });
    org(&daemon, "beta", json!({ "plan": "now", "overrides": own })).await;
    org(&daemon, "gamma", json!({ "plan": "free" })).await;
    org(&daemon, "idle", json!({ "plan": "now" })).await;
    for org in ["acme", "twin", "beta", "gamma"] {
        live(&daemon, org).await;
    }
    daemon
}

#[tokio::test(flavor = "multi_thread")]
async fn other_prices_come_to_what_an_organization_is_charged_that_lives_by_them() {
    let daemon = lived().await;
    let (today, tomorrow) = (charged(&daemon, "acme").await, charged(&daemon, "twin").await);
    let answer = what_if(&daemon, json!({ "plan": "next" })).await;
    assert_eq!(answer["prices"]["plan"], json!({ "id": "next", "version": 1 }));
    assert_eq!(answer["prices"]["rate_card"], json!({ "id": "tomorrow", "version": 1 }));
    assert_eq!(answer["progress"]["orgs"], 5);
    let acme = line(&answer, "acme");
    assert_eq!((&acme["as_charged"], &acme["as_priced"]), (&today, &tomorrow), "{acme:#}");
    assert_eq!((&acme["name"], &acme["plan"], &acme["charges"]), (&json!("Acme"), &json!("now"), &json!(6)));
    let twin = line(&answer, "twin");
    assert_eq!((&twin["as_charged"], &twin["as_priced"]), (&tomorrow, &tomorrow));
    // Who was never charged, by a plan that is not metered, would be charged as much as anybody.
    assert_eq!(line(&answer, "gamma")["as_priced"]["ai"], tomorrow["ai"]);
    assert_eq!(line(&answer, "gamma")["as_priced"]["credits"], tomorrow["credits"]);
    assert_eq!(line(&answer, "gamma")["percent"]["ai"], Value::Null, "of nothing there is no percentage");
    assert_eq!(line(&answer, "idle")["charges"], 0);
    // And back again.
    let back = what_if(&daemon, json!({ "plan": { "rate_card": "today" }, "orgs": ["twin"] })).await;
    assert_eq!(line(&back, "twin")["as_priced"]["credits"], today["credits"], "{back:#}");
    daemon.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_changed_and_prices_of_ones_own_stay_where_that_is_wanted() {
    let daemon = lived().await;
    let before = (daemon.balance("beta").await["balances"].clone(), daemon.get("/v1/catalog").await.json);
    let dearer = json!({ "prices": { "email_sent": { "per_action": "10" } } });
    let kept = what_if(&daemon, json!({ "rate_card": dearer, "orgs": ["beta", "acme"] })).await;
    // Seven mails each; the calls and the tokens have no price there.
    assert_eq!(line(&kept, "beta")["as_priced"]["credits"], "3.5");
    assert_eq!(line(&kept, "beta")["difference"]["credits"], "0");
    assert_eq!(line(&kept, "acme")["as_priced"]["credits"], "70");
    let unpriced = &line(&kept, "acme")["unpriced"];
    assert_eq!(unpriced["charges"], 5, "{unpriced}");
    let named: Vec<&Value> =
        unpriced["actions"].as_array().unwrap().iter().map(|one| &one["action"]).collect();
    assert_eq!(named, ["phone_call", "tokens"]);
    assert_eq!(line(&kept, "acme")["as_charged"]["credits"], "7", "what both price is compared");
    let totals = &kept["totals"];
    assert_eq!(
        (&totals["pay_more"], &totals["pay_the_same"], &totals["pay_less"]),
        (&json!(1), &json!(1), &json!(0))
    );
    assert_eq!(totals["percent"]["credits"], "600");
    let dropped = json!({ "rate_card": dearer, "orgs": ["beta"], "own_prices": false });
    assert_eq!(line(&what_if(&daemon, dropped).await, "beta")["as_priced"]["credits"], "70");
    let after = (daemon.balance("beta").await["balances"].clone(), daemon.get("/v1/catalog").await.json);
    assert_eq!(before, after);
    daemon.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_put_in_order_paged_told_as_a_table_and_forgotten() {
    let daemon = lived().await;
    let answer = what_if(&daemon, json!({ "plan": "next", "orgs": ["acme", "beta", "gamma", "twin"] })).await;
    let path = format!("/v1/what-if/{}", answer["id"].as_str().unwrap());
    let orgs = async |query: &str| {
        let page = daemon.get(&format!("{path}?{query}")).await.json;
        let orgs: Vec<String> = page["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| line["org"].as_str().unwrap().to_owned())
            .collect();
        (orgs.join(" "), page["meta"]["next"].clone())
    };
    assert_eq!(orgs("sort=org&limit=3").await, ("acme beta gamma".to_owned(), json!("3")));
    assert_eq!(orgs("sort=org&limit=3&cursor=3").await, ("twin".to_owned(), Value::Null));
    let (most, _) = orgs("sort=-difference").await;
    assert!(most.starts_with("gamma"), "who pays nothing today pays most more: {most}");
    let url = format!("{}{path}", daemon.running.url);
    let table =
        daemon.client.get(url).header("accept", "text/csv").send().await.unwrap().text().await.unwrap();
    let head = table.lines().next().unwrap();
    assert!(
        head.starts_with("org,name,plan,charges,as_charged.ai,as_charged.credits,as_priced.ai"),
        "{head}"
    );
    assert_eq!(table.lines().count(), 5);
    assert_eq!(daemon.get("/v1/what-if").await.json["data"][0]["id"], answer["id"]);
    assert_eq!(daemon.send(Method::DELETE, &path, "").await.status, 204);
    assert_eq!(daemon.get(&path).await.status, 404);
    // Few are kept.
    for _ in 0..6 {
        what_if(&daemon, json!({ "plan": "next" })).await;
    }
    let kept = daemon.get("/v1/what-if").await.json["data"].as_array().unwrap().len();
    assert!(kept <= 5, "{kept}");
    daemon.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_asked_is_told_by_its_field() {
    let daemon = lived().await;
    let cases = [
        (json!({}), "rate_card"),
        (json!({ "rate_card": "nothing" }), "rate_card"),
        (json!({ "rate_card": { "id": "today", "version": 2 } }), "rate_card.version"),
        (json!({ "rate_card": { "id": "today", "verion": 1 } }), "rate_card.verion"),
        (json!({ "rate_card": { "prices": { "x": { "per_action": "-1" } } } }), "rate_card.prices"),
        (json!({ "plan": 7 }), "plan"),
        (json!({ "plan": { "increment": "60/60" } }), "plan.rate_card"),
        (json!({ "rate_card": "today", "own_prices": "no" }), "own_prices"),
        (json!({ "rate_card": "today", "orgs": "acme" }), "orgs"),
        (json!({ "rate_card": "today", "range": "yesterday" }), "range"),
        (json!({ "rate_card": "today", "zone": "Nowhere" }), "zone"),
        (json!({ "rate_card": "today", "colour": "red" }), "colour"),
    ];
    for (asked, field) in cases {
        let refused = daemon.post("/v1/what-if", asked.clone()).await;
        assert_eq!(refused.status, 400, "{asked}: {}", refused.json);
        let named = refused.json["field"].as_str().unwrap();
        assert!(named.starts_with(field), "{asked}: {}", refused.json);
    }
    assert_eq!(
        daemon.post("/v1/what-if", json!({ "rate_card": "today", "orgs": ["nobody"] })).await.status,
        404
    );
    assert_eq!(daemon.get("/v1/what-if/nothing").await.status, 404);
    daemon.running.stop().await;
}
