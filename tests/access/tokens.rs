//! Tokens over HTTP: made, shown once, listed, rotated, revoked.

use std::time::Duration;

use creditd::access::{Role, Scope};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Guarded, id};

#[tokio::test]
async fn a_token_is_shown_once_and_does_what_it_was_made_for() {
    let guarded = Guarded::start().await;
    let body = json!({ "name": "dashboard of acme", "role": "viewer", "orgs": ["acme"], "expires": "2999-01-01T00:00:00Z" });
    let made = guarded.post(&guarded.admin, "/v1/tokens", body).await;
    assert_eq!(made.status, 201, "{}", made.json);
    let token = made.json["token"].as_str().unwrap();
    assert_eq!(made.json["id"], id(token));
    assert_eq!(guarded.get(token, "/v1/orgs/acme/balance").await.status, 200);
    let list = guarded.get(&guarded.admin, "/v1/tokens").await;
    let mine = &list.json["data"][1];
    assert_eq!(
        (&mine["id"], &mine["role"], &mine["orgs"]),
        (&json!(id(token)), &json!("viewer"), &json!(["acme"]))
    );
    assert_eq!((&mine["state"], &mine["expires"]), (&json!("good"), &json!("2999-01-01T00:00:00Z")));
    let (_, secret) = token.rsplit_once('_').unwrap();
    assert!(!list.json.to_string().contains(secret) && mine.get("token").is_none());
    guarded.running.stop().await;
}

#[tokio::test]
async fn a_rotation_may_leave_the_old_secret_a_while() {
    let guarded = Guarded::start().await;
    let old = guarded.token(Role::Viewer, Scope::default());
    let path = format!("/v1/tokens/{}/rotate", id(&old));
    let rotated = guarded.post(&guarded.admin, &path, json!({ "overlap_s": 3600 })).await;
    let new = rotated.json["token"].as_str().unwrap_or_else(|| panic!("{}", rotated.json)).to_owned();
    assert!(rotated.json["overlap_until"].is_string());
    for token in [&old, &new] {
        assert_eq!(guarded.get(token, "/v1/orgs").await.status, 200);
    }
    let again = guarded.send(Some(&guarded.admin), Method::POST, &path, None).await;
    let newest = again.json["token"].as_str().unwrap();
    for (token, status) in [(old.as_str(), 401), (new.as_str(), 401), (newest, 200)] {
        assert_eq!(guarded.get(token, "/v1/orgs").await.status, status);
    }
    guarded.running.stop().await;
}

#[tokio::test]
async fn a_revoked_token_is_over_at_once_and_listed_as_that() {
    let guarded = Guarded::start().await;
    let token = guarded.token(Role::Viewer, Scope::default());
    let path = format!("/v1/tokens/{}", id(&token));
    assert_eq!(guarded.get(&token, "/v1/orgs").await.status, 200);
    assert_eq!(guarded.send(Some(&guarded.admin), Method::DELETE, &path, None).await.status, 204);
    assert!(
        guarded.get(&token, "/v1/orgs").await.problem(401, "token_revoked").contains("ask for another one")
    );
    let list = guarded.get(&guarded.admin, "/v1/tokens").await;
    assert_eq!(list.json["data"][1]["state"], "revoked");
    guarded.send(Some(&guarded.admin), Method::DELETE, &path, None).await.problem(404, "unknown_token");
    guarded.running.stop().await;
}

#[tokio::test]
async fn the_list_comes_a_page_at_a_time() {
    let guarded = Guarded::start().await;
    for _ in 0..4 {
        guarded.token(Role::Viewer, Scope::default());
    }
    let (mut seen, mut path) = (Vec::new(), "/v1/tokens?limit=2".to_owned());
    loop {
        let page = guarded.get(&guarded.admin, &path).await;
        seen.extend(
            page.json["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|token| token["id"].as_str().unwrap().to_owned()),
        );
        match &page.json["meta"]["next"] {
            Value::String(next) => path = format!("/v1/tokens?limit=2&cursor={next}"),
            _ => break,
        }
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 5);
    guarded.get(&guarded.admin, "/v1/tokens?limit=0").await.problem(400, "invalid_parameter");
    guarded.get(&guarded.admin, "/v1/tokens?cursor=x").await.problem(400, "invalid_parameter");
    guarded.running.stop().await;
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_with_its_field() {
    let guarded = Guarded::start().await;
    let wrong = [
        (json!({ "name": "x", "role": "root" }), "role", "write viewer, manager"),
        (json!({ "name": "", "role": "viewer" }), "name", "whose it is"),
        (json!({ "name": "x", "role": "viewer", "orgs": [] }), "orgs", "leave it out for all"),
        (json!({ "name": "x", "role": "viewer", "orgs": ["a b"] }), "orgs", ""),
        (json!({ "name": "x", "role": "viewer", "accounts": ["n"] }), "accounts", "of which organization"),
        (json!({ "name": "x", "role": "viewer", "expires": "tomorrow" }), "expires", "RFC 3339"),
        (
            json!({ "name": "x", "role": "viewer", "expires": "2020-01-01T00:00:00Z" }),
            "expires",
            "over at once",
        ),
    ];
    for (body, field, why) in wrong {
        let answer = guarded.post(&guarded.admin, "/v1/tokens", body.clone()).await;
        assert!(answer.problem(422, "invalid_field").contains(why), "{body}: {}", answer.json);
        assert_eq!(answer.json["field"], field, "{body}");
    }
    guarded.post(&guarded.admin, "/v1/tokens", json!({ "role": "viewer" })).await.problem(400, "not_json");
    assert_eq!(guarded.get(&guarded.admin, "/v1/tokens").await.json["data"].as_array().unwrap().len(), 1);
    guarded.running.stop().await;
}

#[tokio::test]
async fn a_file_that_is_damaged_is_told_of_and_keeps_nobody_out() {
    let guarded = Guarded::start().await;
    let path = guarded.folder.path().join("access/tokens.json");
    std::fs::write(&path, "{").unwrap();
    let answer = guarded.get(&guarded.admin, "/v1/tokens").await;
    assert!(answer.problem(503, "tokens_unavailable").contains("tokens.json is damaged"));
    let body = json!({ "name": "x", "role": "viewer" });
    guarded.post(&guarded.admin, "/v1/tokens", body).await.problem(503, "tokens_unavailable");
    assert_eq!(guarded.get(&guarded.admin, "/v1/orgs").await.status, 200);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "{");
    guarded.running.stop().await;
}

#[tokio::test]
async fn a_token_may_be_the_password_of_an_address() {
    let guarded = Guarded::start().await;
    let ask = async |name: &str, password: &str| {
        let request = guarded.client.get(format!("{}/v1/orgs", guarded.running.url));
        request.basic_auth(name, Some(password)).send().await.unwrap().status().as_u16()
    };
    assert_eq!(ask("any", &guarded.admin).await, 200);
    assert_eq!(ask("", &guarded.admin).await, 200);
    assert_eq!(ask(&guarded.admin, "").await, 401);
    assert_eq!(ask("any", "letmein").await, 401);
    guarded.running.stop().await;
}

#[tokio::test]
async fn who_listens_hears_no_more_once_the_token_is_over() {
    let guarded = Guarded::start().await;
    let token = guarded.token(Role::Viewer, Scope::default());
    let url = format!("{}/v1/orgs/acme/alerts/stream", guarded.running.url);
    let mut stream = guarded.client.get(url).bearer_auth(&token).send().await.unwrap();
    assert_eq!(stream.chunk().await.unwrap().unwrap(), ": listening\n\n");
    let path = format!("/v1/tokens/{}", id(&token));
    assert_eq!(guarded.send(Some(&guarded.admin), Method::DELETE, &path, None).await.status, 204);
    let end = tokio::time::timeout(Duration::from_secs(5), stream.chunk()).await;
    assert_eq!(end.expect("it goes on").unwrap(), None);
    guarded.running.stop().await;
}
