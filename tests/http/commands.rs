//! Organizations, grants, rate cards and plans.

use serde_json::json;

use crate::{Daemon, email};

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_is_created_once_and_changed_after() {
    let daemon = Daemon::empty().await;
    daemon.publish().await;
    let new = daemon.put("/v1/orgs/acme", json!({ "plan": "starter" })).await;
    assert_eq!((new.status, &new.json["org"], &new.json["balances"]), (201, &json!("acme"), &json!([])));
    let overrides =
        json!({ "plan": "starter", "overrides": { "prices": { "email_sent": { "per_action": "3" } } } });
    assert_eq!(daemon.put("/v1/orgs/acme", overrides).await.status, 200);
    daemon.post("/v1/orgs/acme/grants", json!({ "amount": "10" })).await;
    daemon.post("/v1/events", email("acme", 1)).await;
    assert_eq!(daemon.available("acme").await, "7");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_on_an_unknown_plan_is_not_created() {
    let daemon = Daemon::empty().await;
    let answer = daemon.put("/v1/orgs/acme", json!({ "plan": "starter" })).await;
    assert!(answer.problem(422, "unknown_plan").contains("\"starter\""));
    assert_eq!(answer.json["field"], "plan");
    daemon.put("/v1/orgs/acme", json!({})).await.problem(422, "missing_field");
    let unknown = daemon.get("/v1/orgs/acme/balance").await;
    assert!(unknown.problem(404, "unknown_org").contains("PUT /v1/orgs/acme"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_is_given_once_under_its_id() {
    let daemon = Daemon::with_acme().await;
    let bonus = json!({ "id": "spring", "amount": "12.5", "kind": "bonus", "priority": 10 });
    let given = daemon.post("/v1/orgs/acme/grants", bonus.clone()).await;
    assert_eq!(given.status, 201);
    for (field, value) in [
        ("org", json!("acme")),
        ("credit_type", json!("credits")),
        ("id", json!("spring")),
        ("amount", json!("12.5")),
        ("remaining", json!("12.5")),
        ("kind", json!("bonus")),
        ("priority", json!(10)),
        ("state", json!("usable")),
        ("expires", json!(null)),
    ] {
        assert_eq!(given.json[field], value, "{}", given.json);
    }
    daemon.post("/v1/events", email("acme", 1)).await;
    let again = daemon.post("/v1/orgs/acme/grants", bonus).await;
    assert_eq!((again.status, &again.json["remaining"]), (200, &json!("11.5")));
    let other = daemon.post("/v1/orgs/acme/grants", json!({ "id": "spring", "amount": "13" })).await;
    other.problem(409, "conflict");
    assert_eq!(daemon.available("acme").await, "1011.5");
    let unnamed = daemon.post("/v1/orgs/acme/grants", json!({ "amount": "1" })).await;
    assert_eq!(unnamed.status, 201);
    assert!(unnamed.json["id"].as_str().unwrap().starts_with('g'));
    daemon.post("/v1/orgs/nobody/grants", json!({ "amount": "1" })).await.problem(404, "unknown_org");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_published_does_not_change() {
    let daemon = Daemon::with_acme().await;
    daemon.publish().await;
    let other = json!({ "version": 1, "prices": { "email_sent": { "per_action": "9" } } });
    daemon.put("/v1/rate-cards/standard", other).await.problem(409, "conflict");
    let gap = json!({ "version": 3, "rate_card": "standard" });
    daemon.put("/v1/plans/starter", gap).await.problem(409, "conflict");
    let second = json!({ "id": "standard", "version": 2, "prices": { "email_sent": { "per_action": "9" } } });
    let published = daemon.put("/v1/rate-cards/standard", second.clone()).await;
    assert_eq!((published.status, &published.json["version"]), (200, &json!(2)));
    let elsewhere = daemon.put("/v1/rate-cards/other", second).await;
    assert!(elsewhere.problem(422, "invalid_field").contains("\"other\""));
    daemon.post("/v1/events", email("acme", 1)).await;
    assert_eq!(daemon.available("acme").await, "991");
    let catalog = daemon.get("/v1/catalog").await.json;
    assert_eq!(catalog["credit_types"], json!(["credits"]));
    let card = &catalog["rate_cards"][0];
    assert_eq!((&card["id"], card["versions"].as_array().unwrap().len()), (&json!("standard"), 2));
    assert_eq!(card["versions"][1]["actions"], json!(["email_sent"]));
    assert_eq!(catalog["plans"][0]["versions"][0]["rate_card"], "standard");
}
