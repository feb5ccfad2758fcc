//! Names: put, told by events, listed and searched; and what a campaign used and is going to use.

use serde_json::{Value, json};

use crate::{Answer, Daemon};

/// An event of a campaign: an action of a quantity.
fn of_campaign(id: &str, campaign: &str, action: &str, quantity: u64) -> Value {
    json!({
        "type": "action", "org": "acme", "id": id, "action": action, "quantity": quantity,
        "entity": { "type": "campaign", "id": campaign, "name": format!("Campaign {campaign}") },
        "account": "emea", "user": "ana", "team": "sales",
    })
}

/// The ids of a list.
fn ids(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.json);
    answer.json["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_events_name_is_listed_and_a_put_says_more() {
    let daemon = Daemon::with_acme().await;
    assert_eq!(ids(&daemon.get("/v1/orgs/acme/users").await), Vec::<String>::new());
    let batch = json!([of_campaign("1", "c7", "email_sent", 3), of_campaign("2", "c7", "unheard_of", 1)]);
    daemon.post("/v1/events", batch).await;
    assert_eq!(ids(&daemon.get("/v1/orgs/acme/accounts").await), ["emea"]);
    assert_eq!(ids(&daemon.get("/v1/orgs/acme/teams").await), ["sales"]);
    let ana = daemon.get("/v1/orgs/acme/users/ana").await.json;
    assert_eq!((&ana["name"], &ana["team"], &ana["link"]), (&Value::Null, &json!("sales"), &Value::Null));

    let user = json!({ "name": "Ana Gray", "link": "https://example.com/ana" });
    let put = daemon.put("/v1/orgs/acme/users/ana", user).await;
    assert_eq!(
        (put.status, &put.json["name"], &put.json["team"]),
        (200, &json!("Ana Gray"), &json!("sales"))
    );
    assert_eq!(put.json["first_seen"], ana["first_seen"]);
    assert_ne!(put.json["changed"], ana["changed"]);

    let path = "/v1/orgs/acme/entities/smart%20flow/a%2Fb";
    let entity = json!({ "name": "Nurture", "status": "paused", "account": "apac", "start": "2026-01-05T01:00:00+01:00" });
    let put = daemon.put(path, entity).await;
    assert_eq!(put.status, 201, "{}", put.json);
    for (field, value) in [
        ("type", json!("smart flow")),
        ("id", json!("a/b")),
        ("account", json!("apac")),
        ("start", json!("2026-01-05T00:00:00Z")),
        ("end", Value::Null),
        ("planned_quantity", Value::Null),
    ] {
        assert_eq!(put.json[field], value, "{}", put.json);
    }
    let found = daemon.get(path).await.json;
    assert_eq!((&found["used"]["charges"], &found["projection"]), (&json!(0), &Value::Null));
    assert_eq!(ids(&daemon.get("/v1/orgs/acme/accounts").await), ["apac", "emea"]);
    assert_eq!(ids(&daemon.get("/v1/orgs/acme/entities?status=paused").await), ["a/b"]);
    assert_eq!(ids(&daemon.get("/v1/orgs/acme/entities?type=campaign").await), ["c7"]);
    assert_eq!(ids(&daemon.get("/v1/orgs/acme/entities?type=campaign&status=paused").await), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_tells_what_it_used_and_what_it_will() {
    let daemon = Daemon::with_acme().await;
    let plan = json!({ "planned_quantity": 100, "planned_action": "email_sent", "name": "Spring" });
    assert_eq!(daemon.put("/v1/orgs/acme/entities/campaign/c7", plan).await.status, 201);
    let path = "/v1/orgs/acme/entities/campaign/c7";
    let before = daemon.get(path).await.json;
    assert_eq!(
        (&before["projection"], &before["why_not"]),
        (&Value::Null, &json!("nothing was charged yet"))
    );

    let void = json!({ "type": "void", "org": "acme", "id": "v", "voids": { "id": "3" } });
    let call = json!({ "type": "call.ended", "org": "acme", "id": "5", "duration_ms": 61_000, "direction": "outbound",
        "entity": { "type": "campaign", "id": "c7" } });
    let batch = json!([
        of_campaign("1", "c7", "email_sent", 12),
        of_campaign("2", "c7", "lead_sourced", 4),
        of_campaign("3", "c7", "email_sent", 50),
        of_campaign("4", "c8", "email_sent", 7),
        call,
        of_campaign("6", "c7", "email_sent", 8),
        of_campaign("6", "c7", "email_sent", 8),
        void,
    ]);
    daemon.post("/v1/events", batch).await;
    let c7 = daemon.get(path).await.json;
    // 12 + 8 for the mails, 4 × 2.5 for the leads, two minutes at 2 for the call.
    let used = &c7["used"];
    assert_eq!((&used["credits"], &used["quantity"]), (&json!({ "credits": "34" }), &json!(20)), "{c7}");
    assert_eq!((&used["charges"], &c7["name"]), (&json!(4), &json!("Spring")));
    // 34 for 20 of 100.
    assert_eq!(c7["projection"]["credits"], json!({ "credits": "170" }), "{c7}");
    assert!(c7["projection"]["basis"].as_str().unwrap().starts_with("20 of 100 planned are done"), "{c7}");

    let all = daemon.get("/v1/orgs/acme/entities?used=true&limit=1").await.json;
    assert_eq!(all["data"][0]["projection"], c7["projection"]);
    let next = all["meta"]["next"].as_str().unwrap();
    let rest = daemon.get(&format!("/v1/orgs/acme/entities?used=true&cursor={next}")).await.json;
    let c8 = &rest["data"][0];
    assert_eq!(
        (&c8["id"], &c8["used"]["quantity"], &c8["name"]),
        (&json!("c8"), &json!(7), &json!("Campaign c8"))
    );
    assert_eq!(c8["why_not"], "neither a planned quantity nor an end is known");
    let plain = daemon.get("/v1/orgs/acme/entities").await.json;
    assert!(plain["data"][0].get("used").is_none(), "{plain}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_a_search_leave_nothing_out() {
    let daemon = Daemon::with_acme().await;
    let event = |n: usize| {
        let (kind, id) = (["call", "campaign", "ca.mp%"][n % 3], format!("n{n:03}"));
        json!({ "type": "action", "org": "acme", "id": n.to_string(), "action": "email_sent",
            "entity": { "type": kind, "id": id, "name": if n.is_multiple_of(2) { "SPRING ÄÖ" } else { "Fall" } } })
    };
    daemon.post("/v1/events", json!((0..700).map(event).collect::<Vec<_>>())).await;
    let key = |line: &Value| format!("{}/{}", line["type"].as_str().unwrap(), line["id"].as_str().unwrap());
    let pages = async |query: &str| {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = daemon.get(&format!("/v1/orgs/acme/entities?{query}{cursor}")).await;
            assert_eq!(page.status, 200, "{}", page.json);
            found.extend(page.json["data"].as_array().unwrap().iter().map(key));
            match page.json["meta"]["next"].as_str() {
                Some(next) => cursor = format!("&cursor={}", next.replace('%', "%25")),
                None => return found,
            }
        }
    };
    let all = pages("limit=1000").await;
    assert!(all.len() == 700 && all.is_sorted(), "{}", all.len());
    assert_eq!(pages("limit=7").await, all);
    let half = pages("limit=9&search=spring%20%C3%A4").await;
    assert_eq!(half.len(), 350);
    assert_eq!(pages("limit=350&search=SPRING").await, half);
    assert_eq!(pages("search=N69").await.len(), 10);
    assert_eq!(pages("limit=50&search=spring&type=ca.mp%25").await.len(), 117);
    assert_eq!(pages("search=summer").await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn organizations_have_names_and_plans() {
    let daemon = Daemon::with_acme().await;
    daemon.org("beta").await;
    let named = json!({ "plan": "starter", "name": "Acme Inc." });
    assert_eq!(daemon.put("/v1/orgs/acme", named).await.status, 200);
    let acme = json!({ "org": "acme", "name": "Acme Inc.", "plan": "starter" });
    let mut told = daemon.get("/v1/orgs/acme").await.json;
    for field in ["seq", "as_of", "zone"] {
        assert!(
            told.as_object_mut().unwrap().remove(field).is_some_and(|value| value.is_string()),
            "{field}"
        );
    }
    assert_eq!(told, acme);
    assert_eq!(daemon.put("/v1/orgs/acme", json!({ "plan": "starter" })).await.status, 200);
    let all = daemon.get("/v1/orgs").await.json;
    assert_eq!(all["data"], json!([acme, { "org": "beta", "name": null, "plan": "starter" }]), "it stays");
    daemon.get("/v1/orgs/nobody").await.problem(404, "unknown_org");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_or_cannot_be_is_a_problem() {
    let daemon = Daemon::with_acme().await;
    let detail = daemon.get("/v1/orgs/acme/teams/sales").await;
    assert!(detail.problem(404, "unknown_name").contains("team \"sales\""));
    daemon.get("/v1/orgs/acme/entities/campaign/c7").await.problem(404, "unknown_name");
    daemon.get("/v1/orgs/nobody/entities/campaign/c7").await.problem(404, "unknown_org");
    daemon.get("/v1/orgs/nobody/users").await.problem(404, "unknown_org");
    daemon.get("/v1/orgs/nobody/entities?used=true").await.problem(404, "unknown_org");
    daemon.put("/v1/orgs/nobody/users/ana", json!({})).await.problem(404, "unknown_org");
    daemon.put("/v1/orgs/acme/teams/sales", json!({ "team": "x" })).await.problem(422, "invalid_field");
    daemon.put("/v1/orgs/acme/teams/sales", json!({ "id": "x" })).await.problem(422, "invalid_field");
    let other = json!({ "entity": { "type": "campaign", "id": "c8" } });
    daemon.put("/v1/orgs/acme/entities/campaign/c7", other).await.problem(422, "invalid_field");
    daemon.get("/v1/orgs/acme/entities/campaign").await.problem(404, "unknown_route");
    for query in [
        "users?type=x",
        "teams?status=x",
        "accounts?used=true",
        "users?limit=0",
        "users?cursor=%25FF",
        "entities?cursor=a",
        "users?serch=x",
    ] {
        daemon.get(&format!("/v1/orgs/acme/{query}")).await.problem(400, "invalid_parameter");
    }
}
