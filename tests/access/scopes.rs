//! Scopes where no path says it all: lists, events in a body, accounts.

use creditd::access::{Gate, Role, Scope, Tokens};
use creditd::http::Options;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Guarded, accounts, issue, new, orgs};
use crate::running::Running;

fn email(org: &str, id: &str, account: Option<&str>) -> Value {
    json!({ "type": "action", "org": org, "id": id, "action": "email_sent", "account": account,
            "entity": { "type": "campaign", "id": format!("of-{}", account.unwrap_or("nobody")) } })
}

fn listed<'a>(answer: &'a Value, field: &str) -> Vec<&'a str> {
    answer["data"]
        .as_array()
        .unwrap_or_else(|| panic!("{answer}"))
        .iter()
        .map(|one| one[field].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_list_of_organizations_shows_those_of_the_scope() {
    let guarded = Guarded::start().await;
    let all = guarded.get(&guarded.admin, "/v1/orgs").await;
    assert_eq!(listed(&all.json, "org"), ["acme", "rival"]);
    let viewer = guarded.token(Role::Viewer, orgs(&["rival", "never-made"]));
    let own = guarded.get(&viewer, "/v1/orgs").await;
    assert_eq!(listed(&own.json, "org"), ["rival"]);
    // Pages too: the cursor of another's organization leads nowhere else.
    let page = guarded.get(&viewer, "/v1/orgs?limit=1&cursor=acme").await;
    assert_eq!((listed(&page.json, "org"), &page.json["meta"]["next"]), (vec!["rival"], &Value::Null));
    guarded.running.stop().await;
}

#[tokio::test]
async fn events_of_other_organizations_are_refused_one_by_one() {
    let guarded = Guarded::start().await;
    let publisher = guarded.token(Role::Publisher, orgs(&["acme"]));
    let body = json!([
        email("acme", "1", None),
        email("rival", "2", None),
        email("nobody", "3", None),
        email("acme", "4", None)
    ]);
    let answer = guarded.post(&publisher, "/v1/events", body).await;
    assert_eq!(answer.status, 200, "{}", answer.json);
    let results = answer.json["results"].as_array().unwrap();
    let statuses: Vec<&str> = results.iter().map(|result| result["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["accepted", "rejected", "rejected", "accepted"]);
    // That one of the two is there is not to be seen.
    let (rival, nobody) = (results[1].to_string(), results[2].to_string());
    assert!(rival.contains("unknown_org"), "{rival}");
    assert_eq!(rival.replace("rival", "nobody"), nobody);
    guarded.post(&publisher, "/v1/events", email("rival", "5", None)).await.problem(422, "unknown_org");
    guarded
        .post(&publisher, "/v1/orgs/rival/events", email("rival", "6", None))
        .await
        .problem(404, "unknown_org");
    let balance = guarded.get(&guarded.admin, "/v1/orgs/rival/balance").await;
    assert_eq!(balance.json["balances"][0]["available"], "1000");
    guarded.running.stop().await;
}

/// Actions and calls of two accounts and of none.
async fn two_accounts() -> Guarded {
    let guarded = Guarded::start().await;
    let events = json!([
        email("acme", "1", Some("north")),
        email("acme", "2", Some("south")),
        email("acme", "3", None),
        { "type": "call.ended", "org": "acme", "id": "c-north", "direction": "outbound", "duration_ms": 1000, "account": "north" },
        { "type": "call.ended", "org": "acme", "id": "c-south", "direction": "outbound", "duration_ms": 1000, "account": "south" },
        { "type": "call.answered", "org": "acme", "id": "live-s", "call_id": "live-s", "direction": "outbound", "account": "south" },
        { "type": "call.answered", "org": "acme", "id": "live-n", "call_id": "live-n", "direction": "outbound", "account": "north" },
    ]);
    let sent = guarded.must(Method::POST, "/v1/events", events).await;
    assert!(!sent.to_string().contains("rejected"), "{sent}");
    guarded
}

#[tokio::test]
async fn a_token_for_some_accounts_sees_what_is_theirs() {
    let guarded = two_accounts().await;
    let viewer = guarded.token(Role::Viewer, accounts("acme", &["north", "west"]));
    let all = guarded.get(&guarded.admin, "/v1/orgs/acme/accounts").await;
    assert_eq!(listed(&all.json, "id"), ["north", "south"]);
    let own = guarded.get(&viewer, "/v1/orgs/acme/accounts").await;
    assert_eq!(listed(&own.json, "id"), ["north"]);
    for path in ["/v1/orgs/acme/entities", "/v1/orgs/acme/entities?used=true"] {
        let own = guarded.get(&viewer, path).await;
        assert_eq!(listed(&own.json, "id"), ["of-north"], "{path}");
    }
    let seen = [
        ("/v1/orgs/acme", 200),
        ("/v1/orgs/acme/accounts/north", 200),
        ("/v1/orgs/acme/accounts/south", 404),
        ("/v1/orgs/acme/entities/campaign/of-north", 200),
        ("/v1/orgs/acme/entities/campaign/of-south", 404),
        ("/v1/orgs/acme/entities/campaign/of-nobody", 404),
        ("/v1/orgs/acme/calls/c-north", 200),
        ("/v1/orgs/acme/calls/c-south", 404),
        ("/v1/orgs/acme/calls/live-n", 200),
        ("/v1/orgs/acme/calls/live-s", 404),
    ];
    for (path, status) in seen {
        let admin = guarded.get(&guarded.admin, path).await;
        assert_eq!(admin.status, 200, "{path}: {}", admin.json);
        let answer = guarded.get(&viewer, path).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.json);
    }
    guarded.running.stop().await;
}

#[tokio::test]
async fn what_is_added_up_for_a_token_of_some_accounts_is_of_those() {
    let guarded = two_accounts().await;
    let viewer = guarded.token(Role::Viewer, accounts("acme", &["north", "west"]));
    let narrow = guarded.token(Role::Viewer, accounts("acme", &["north"]));
    for path in ["/v1/orgs/acme/usage?group_by=account", "/v1/orgs/acme/usage?group_by=account&account=north"]
    {
        let usage = guarded.get(&viewer, path).await;
        assert_eq!(
            (usage.status, usage.json["data"].as_array().unwrap().len()),
            (200, 1),
            "{path}: {}",
            usage.json
        );
        let text = usage.json.to_string();
        assert!(text.contains("north") && !text.contains("south"), "{path}: {text}");
    }
    for path in ["/v1/orgs/acme/history", "/v1/orgs/acme/history?account=north"] {
        let history = guarded.get(&narrow, path).await;
        // The mail and the call: the grant is of no account.
        assert_eq!(
            (history.status, history.json["data"].as_array().unwrap().len()),
            (200, 2),
            "{}",
            history.json
        );
        assert!(!history.json.to_string().contains("south"), "{path}: {}", history.json);
    }
    for path in
        ["/v1/orgs/acme/usage?account=south", "/v1/orgs/acme/history?account=south", "/v1/orgs/acme/history"]
    {
        guarded.get(&viewer, path).await.problem(403, "account_scope");
    }
    guarded
        .get(&viewer, "/v1/orgs/acme/usage?account=north&account=south")
        .await
        .problem(403, "account_scope");
    guarded.get(&viewer, "/v1/orgs/acme/usage?account=").await.problem(403, "account_scope");
    let whole = guarded.get(&viewer, "/v1/orgs/acme/balance").await;
    assert!(whole.problem(403, "account_scope").contains("about the whole organization"));
    guarded.running.stop().await;
}

#[tokio::test]
async fn a_switch_for_some_accounts_authorizes_for_those_alone() {
    let guarded = Guarded::start().await;
    let switch = guarded.token(Role::Switch, accounts("acme", &["north"]));
    for path in ["/v1/orgs/acme/authorize", "/v1/orgs/acme/quote"] {
        let ask =
            |account: Option<&str>| json!({ "call_id": "c1", "direction": "outbound", "account": account });
        let own = guarded.post(&switch, path, ask(Some("north"))).await;
        assert_eq!((own.status, &own.json["allowed"]), (200, &json!(true)), "{}", own.json);
        let foreign = guarded.post(&switch, path, ask(Some("south"))).await;
        assert!(foreign.problem(403, "account_scope").contains("account \"south\""));
        let none = guarded.post(&switch, path, ask(None)).await;
        assert!(none.problem(403, "account_scope").contains("no account"));
    }
    guarded.running.stop().await;
}

#[tokio::test]
async fn an_open_gate_lets_everybody_in_and_holds_a_token_to_what_it_may() {
    let folder = tempfile::tempdir().unwrap();
    let gate = Gate::open(folder.path()).unwrap();
    let running = Running::start_behind(gate, folder.path(), Options::default()).await;
    let viewer = issue(folder.path(), new(Role::Viewer, Scope::default()));
    let client = reqwest::Client::new();
    let ask = async |token: Option<&str>, path: &str| {
        let request = client.post(format!("{}{path}", running.url)).body("{}");
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(ask(None, "/v1/sources/sw1/restarted").await, 200);
    assert_eq!(ask(Some(&viewer), "/v1/sources/sw1/restarted").await, 403);
    assert_eq!(ask(Some("cr_nonsense"), "/v1/sources/sw1/restarted").await, 401);
    running.stop().await;
}

#[tokio::test]
async fn an_open_gate_is_no_door_for_pages_of_other_sites() {
    let folder = tempfile::tempdir().unwrap();
    let gate = Gate::open(folder.path()).unwrap();
    let running = Running::start_behind(gate, folder.path(), Options::default()).await;
    let viewer = issue(folder.path(), new(Role::Viewer, Scope::default()));
    let own = running.url.trim_start_matches("http://").to_owned();
    let client = reqwest::Client::new();
    let body = r#"{"name": "x", "role": "admin"}"#;
    let ask = async |method: Method, path: &str, headers: &[(&str, &str)]| {
        let request = client.request(method, format!("{}{path}", running.url)).body(body);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    for headers in [
        &[("host", own.as_str()), ("origin", "https://evil.example")][..],
        &[("host", "evil.example"), ("origin", "http://evil.example")],
        &[("host", "evil.example")],
    ] {
        for (method, path) in [(Method::POST, "/v1/tokens"), (Method::GET, "/v1/orgs")] {
            let (status, told) = ask(method, path, headers).await;
            assert_eq!(
                (status, &told["type"]),
                (403, &json!("urn:creditd:problem:other_site")),
                "{headers:?}"
            );
            assert!(told["detail"].as_str().unwrap().contains("set http.public_url"), "{told}");
        }
        assert_eq!(ask(Method::GET, "/healthz", headers).await.0, 200);
    }
    assert_eq!(Tokens::open(folder.path()).unwrap().list().unwrap().len(), 1, "none was made");
    let page = format!("http://{own}");
    assert_eq!(ask(Method::GET, "/v1/orgs", &[("origin", &page)]).await.0, 200, "a page of its own");
    // What shows a token is no page that guesses.
    let shown = format!("Bearer {viewer}");
    let foreign = [("origin", "https://evil.example"), ("authorization", shown.as_str())];
    assert_eq!(ask(Method::GET, "/v1/orgs", &foreign).await.0, 200);
    running.stop().await;
}
