//! Limits, put, asked for and taken away.

use serde_json::{Value, json};

use crate::{Answer, Daemon};

fn emails(user: &str, id: u64, quantity: u64) -> Value {
    json!({ "type": "action", "org": "acme", "id": id.to_string(), "user": user, "action": "email_sent", "quantity": quantity })
}

/// The lines of an answer in short: `id value used/max state whose`.
fn short(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.json);
    let text = |line: &Value, field: &str| line[field].as_str().unwrap_or("-").to_owned();
    let lines = answer.json["data"].as_array().unwrap().iter().map(|line| {
        let [id, value, used, max, state, whose] =
            ["id", "value", "used", "max", "state", "whose"].map(|field| text(line, field));
        format!("{id} {value} {used}/{max} {state} {whose}")
    });
    lines.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_is_put_used_up_and_taken_away() {
    let daemon = Daemon::with_acme().await;
    let limit =
        json!({ "on": { "user": "*" }, "credits": "10", "window": "life", "hard": true, "by": "ana" });
    let put = daemon.put("/v1/orgs/acme/limits/each-user", limit).await;
    assert_eq!(short(&put), ["each-user - 0/10 ok org"]);
    assert_eq!(put.json["data"][0]["on"], json!({ "user": "*" }));
    assert_eq!(put.json["data"][0]["by"], "ana");

    let batch = json!([emails("ana", 1, 8), emails("ben", 2, 3), emails("ana", 3, 4)]);
    let charged = daemon.post("/v1/events", batch).await;
    assert_eq!(charged.statuses(), ["accepted"; 3]);
    assert_eq!(charged.json["results"][0]["past_limits"], Value::Null);
    assert_eq!(charged.json["results"][2]["past_limits"], json!(["each-user"]));

    let all = daemon.get("/v1/orgs/acme/limits").await;
    assert_eq!(
        short(&all),
        ["each-user - 0/10 ok org", "each-user ana 12/10 reached org", "each-user ben 3/10 ok org"]
    );
    let ana = &all.json["data"][1];
    for (field, value) in [
        ("remaining", json!("0")),
        ("unit", json!("credits")),
        ("credit_type", json!("credits")),
        ("window", json!("life")),
        ("resets_at", Value::Null),
        ("hard", json!(true)),
    ] {
        assert_eq!(ana[field], value, "{ana}");
    }
    daemon.shows("creditd_alerts_raised_total", 2.0).await;

    let gone = daemon.send(reqwest::Method::DELETE, "/v1/orgs/acme/limits/each-user", "").await;
    assert_eq!(short(&gone), Vec::<String>::new());
    let again = daemon.send(reqwest::Method::DELETE, "/v1/orgs/acme/limits/each-user", "").await;
    assert!(again.problem(404, "unknown_limit").contains("\"each-user\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_of_the_plan_rejects_until_it_is_raised_or_switched_off() {
    let daemon = Daemon::with_acme().await;
    let limits = json!([{ "id": "mails", "on": { "action": "email_sent" }, "quantity": 5, "window": "month", "hard": true }]);
    let plan = json!({ "version": 1, "rate_card": "standard", "limits": limits, "past_limit": "reject" });
    assert_eq!(daemon.put("/v1/plans/strict", plan).await.status, 200);
    assert_eq!(daemon.put("/v1/orgs/acme", json!({ "plan": "strict" })).await.status, 200);
    let refused = daemon.post("/v1/events", emails("ana", 1, 6)).await;
    assert!(refused.problem(422, "limit_reached").contains("\"mails\" is 5 things, 0 are used"));
    assert_eq!(refused.json["field"], "action");
    daemon.post("/v1/events", emails("ana", 2, 5)).await;
    let all = daemon.get("/v1/orgs/acme/limits").await;
    assert_eq!(short(&all), ["mails - 5/5 reached plan"]);
    assert!(all.json["data"][0]["resets_at"].as_str().unwrap().ends_with("-01T00:00:00Z"), "{}", all.json);

    let wider = json!({ "id": "mails", "on": { "action": "email_sent" }, "quantity": 9, "window": "month" });
    let put = daemon.put("/v1/orgs/acme/limits/mails", wider).await;
    assert_eq!(short(&put), ["mails - 5/9 ok org"]);
    let off = daemon.put("/v1/orgs/acme/limits/mails", json!({ "off": true })).await;
    assert_eq!(short(&off), Vec::<String>::new());
    assert_eq!(daemon.post("/v1/events", emails("ana", 3, 900)).await.statuses(), ["accepted"]);
    let gone = daemon.send(reqwest::Method::DELETE, "/v1/orgs/acme/limits/mails", "").await;
    assert_eq!(short(&gone), ["mails - 0/5 ok plan"], "the plan's is in force again");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_limits_leave_nothing_out() {
    let daemon = Daemon::with_acme().await;
    for id in ["a b", "each.user", "z"] {
        let limit = json!({ "on": { "user": "*" }, "quantity": 100, "window": "life" });
        let path = format!("/v1/orgs/acme/limits/{}", id.replace(' ', "%20"));
        assert_eq!(daemon.put(&path, limit).await.status, 200);
    }
    let batch: Vec<Value> = (0..9).map(|n| emails(&format!("user/{n}"), n, 1)).collect();
    daemon.post("/v1/events", json!(batch)).await;
    let whole = short(&daemon.get("/v1/orgs/acme/limits").await);
    assert_eq!(whole.len(), 30);
    for length in [1, 4, 29, 30, 1_000] {
        let (mut pages, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = daemon.get(&format!("/v1/orgs/acme/limits?limit={length}{cursor}")).await;
            pages.extend(short(&page));
            match page.json["meta"]["next"].as_str() {
                Some(next) => cursor = format!("&cursor={}", next.replace('%', "%25")),
                None => break,
            }
        }
        assert_eq!(pages, whole, "{length} a page");
    }
    assert_eq!(short(&daemon.get("/v1/orgs/acme/limits?id=each.user").await), whole[10..20]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_limit_or_no_page_is_a_problem() {
    let daemon = Daemon::with_acme().await;
    let path = "/v1/orgs/acme/limits/l";
    daemon.put(path, json!({ "credits": "1" })).await.problem(422, "missing_field");
    daemon
        .put(path, json!({ "id": "m", "credits": "1", "window": "day" }))
        .await
        .problem(422, "invalid_field");
    let phone = json!({ "credits": "1", "credit_type": "phone", "window": "day" });
    daemon.put(path, phone).await.problem(422, "invalid_field");
    daemon.put("/v1/orgs/nobody/limits/l", json!({ "off": true })).await.problem(404, "unknown_org");
    daemon.get("/v1/orgs/nobody/limits").await.problem(404, "unknown_org");
    for query in ["limit=0", "limit=1001", "cursor=nowhere", "cursor=%25FF.a", "page=2"] {
        let answer = daemon.get(&format!("/v1/orgs/acme/limits?{query}")).await;
        answer.problem(400, "invalid_parameter");
    }
}
