//! Who did what: each write once, what programs do all day long in figures, and for administrators alone.

use std::time::Duration;

use creditd::access::{Role, Scope, Tokens};
use creditd::clock;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Guarded, id, orgs};

impl Guarded {
    /// The lines, newest first.
    async fn audit(&self) -> Vec<Value> {
        let page = self.get(&self.admin, "/v1/audit?limit=1000").await;
        assert_eq!((page.status, &page.json["meta"]["next"]), (200, &Value::Null), "{}", page.json);
        page.json["data"].as_array().unwrap().clone()
    }
}

#[tokio::test]
async fn every_write_is_there_once_with_who_where_and_its_place_in_the_log() {
    let guarded = Guarded::start().await;
    let before = guarded.audit().await;
    // The administrator has published two versions, and made two organizations with a grant each.
    let asked: Vec<&str> = before.iter().rev().map(|line| line["request"].as_str().unwrap()).collect();
    let due = [
        "PUT /v1/rate-cards/{id}",
        "PUT /v1/plans/{id}",
        "PUT /v1/orgs/{org}",
        "POST /v1/orgs/{org}/grants",
        "PUT /v1/orgs/{org}",
        "POST /v1/orgs/{org}/grants",
    ];
    assert_eq!(asked, due);
    let seqs: Vec<u64> = before.iter().rev().map(|line| line["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, [1, 2, 3, 4, 5, 6]);
    let manager = guarded.token(Role::Manager, orgs(&["acme"]));
    let limit = json!({ "on": { "account": "north" }, "credits": "5", "window": "day" });
    guarded.send(Some(&manager), Method::PUT, "/v1/orgs/acme/limits/north", Some(limit)).await;
    guarded.send(Some(&manager), Method::DELETE, "/v1/orgs/acme/limits/none", None).await;
    guarded.get(&manager, "/v1/orgs/acme/limits").await;
    let lines = guarded.audit().await;
    assert_eq!(lines.len(), before.len() + 2, "a read is no line, a write is one");
    let (removed, put) = (&lines[0], &lines[1]);
    assert_eq!(
        (&put["who"], &put["name"], &put["role"]),
        (&json!(id(&manager)), &json!("a manager"), &json!("manager"))
    );
    assert_eq!((&put["from"], &put["path"]), (&json!("127.0.0.1"), &json!("/v1/orgs/acme/limits/north")));
    assert_eq!((&put["org"], &put["request"]), (&json!("acme"), &json!("PUT /v1/orgs/{org}/limits/{id}")));
    assert_eq!((&removed["status"], &removed["problem"]), (&json!(404), &json!("unknown_limit")));
    assert_eq!((&put["seq"], &removed["seq"]), (&json!(7), &json!(8)));
    guarded.running.stop().await;
}

#[tokio::test]
async fn tokens_are_told_of_by_their_ids_and_no_secret_is_there() {
    let guarded = Guarded::start().await;
    let made = guarded.post(&guarded.admin, "/v1/tokens", json!({ "name": "x", "role": "viewer" })).await;
    let token = made.json["token"].as_str().unwrap();
    let path = format!("/v1/tokens/{}", id(token));
    guarded.send(Some(&guarded.admin), Method::DELETE, &path, None).await;
    let lines = guarded.audit().await;
    assert_eq!((&lines[0]["request"], &lines[0]["path"]), (&json!("DELETE /v1/tokens/{id}"), &json!(path)));
    assert_eq!((&lines[1]["request"], &lines[1]["about"]), (&json!("POST /v1/tokens"), &json!(id(token))));
    let text = serde_json::to_string(&lines).unwrap();
    for secret in [token, &guarded.admin] {
        assert!(!text.contains(secret.rsplit('_').next().unwrap()));
    }
    guarded.running.stop().await;
}

#[tokio::test]
async fn a_path_is_told_without_a_secret_and_with_the_organization_however_it_is_written() {
    let guarded = Guarded::start().await;
    let viewer = guarded.token(Role::Viewer, Scope::default());
    let secret = viewer.rsplit('_').next().unwrap();
    // Who gives the whole token where its id belongs.
    for path in [format!("/v1/tokens/{viewer}"), format!("/v1/tokens/cr%5f{}_{secret}", id(&viewer))] {
        guarded.send(Some(&guarded.admin), Method::DELETE, &path, None).await.problem(404, "unknown_token");
        let line = &guarded.audit().await[0];
        assert_eq!(line["path"], format!("/v1/tokens/cr_{}_…", id(&viewer)));
    }
    let limit = json!({ "on": { "account": "north" }, "credits": "5", "window": "day" });
    let path = "/v1/orgs/%61c%6De/limits/north";
    assert_eq!(guarded.send(Some(&guarded.admin), Method::PUT, path, Some(limit)).await.status, 200);
    let line = &guarded.audit().await[0];
    assert_eq!((&line["org"], &line["path"]), (&json!("acme"), &json!(path)));
    guarded.running.stop().await;
}

#[tokio::test]
async fn what_programs_do_all_day_and_what_is_refused_is_counted() {
    let guarded = Guarded::start().await;
    let publisher = guarded.token(Role::Publisher, Scope::default());
    let revoked = guarded.token(Role::Admin, Scope::default());
    Tokens::open(guarded.folder.path()).unwrap().revoke(id(&revoked), clock::now()).unwrap();
    let before = guarded.audit().await.len();
    for n in 0..5 {
        let event = json!({ "type": "action", "org": "acme", "id": n.to_string(), "action": "email_sent" });
        assert_eq!(guarded.post(&publisher, "/v1/events", event).await.status, 200);
        guarded
            .send(None, Method::GET, &format!("/v1/orgs/o{n}/balance"), None)
            .await
            .problem(401, "token_missing");
        guarded
            .post(&publisher, &format!("/v1/orgs/o{n}/grants"), json!({}))
            .await
            .problem(403, "permission_missing");
        guarded.get(&revoked, &format!("/v1/orgs/o{n}/balance")).await.problem(401, "token_revoked");
    }
    let lines = guarded.audit().await;
    let told = |request: &str, who: &str, problem: Value| {
        let found: Vec<&Value> = lines
            .iter()
            .filter(|line| line["request"] == request && line["who"] == who && line["problem"] == problem)
            .collect();
        assert_eq!(found.len(), 1, "{request} by {who}: {found:?}");
        assert_eq!(found[0]["count"], 5, "{request} by {who}");
    };
    told("POST /v1/events", id(&publisher), Value::Null);
    told("POST /v1/orgs/{org}/grants", id(&publisher), json!("permission_missing"));
    told("GET /v1/orgs/{org}/balance", "nobody", json!("token_missing"));
    told("GET /v1/orgs/{org}/balance", "nobody", json!("token_revoked"));
    assert_eq!(lines.len(), before + 4);
    guarded.running.stop().await;
}

#[tokio::test]
async fn a_write_whose_sender_hangs_up_is_there_all_the_same() {
    let guarded = Guarded::start().await;
    guarded.running.stop_applying();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let url = format!("{}/v1/orgs/acme/grants", guarded.running.url);
    let request =
        guarded.client.post(url).bearer_auth(&guarded.admin).body(json!({ "amount": "1" }).to_string());
    let hung_up = request.timeout(Duration::from_millis(300)).send().await.unwrap_err();
    assert!(hung_up.is_timeout());
    for _ in 0..100 {
        let lines = guarded.audit().await;
        if lines[0]["status"].is_null() {
            assert_eq!(lines[0]["request"], "POST /v1/orgs/{org}/grants");
            guarded.running.stop().await;
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it is not there: {:?}", guarded.audit().await[0]);
}

#[tokio::test]
async fn it_is_read_a_page_at_a_time_and_outlives_the_daemon() {
    let guarded = Guarded::start().await;
    let all = guarded.audit().await;
    let (mut seen, mut path) = (Vec::new(), "/v1/audit?limit=4".to_owned());
    loop {
        let page = guarded.get(&guarded.admin, &path).await;
        seen.extend(page.json["data"].as_array().unwrap().iter().cloned());
        match &page.json["meta"]["next"] {
            Value::String(next) => path = format!("/v1/audit?limit=4&cursor={next}"),
            _ => break,
        }
    }
    assert_eq!(seen, all);
    guarded.get(&guarded.admin, "/v1/audit?cursor=x").await.problem(400, "invalid_parameter");
    guarded.get(&guarded.admin, "/v1/audit?limit=0").await.problem(400, "invalid_parameter");
    // What was counted is told at the stop.
    guarded.send(None, Method::GET, "/v1/orgs", None).await;
    guarded.running.stop().await;
    let page = creditd::access::Audit::in_folder(guarded.folder.path()).page(None, 1).unwrap().unwrap();
    assert_eq!((&page.data[0]["who"], &page.data[0]["count"]), (&json!("nobody"), &json!(1)));
}
