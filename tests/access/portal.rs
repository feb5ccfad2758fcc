//! Portal links, as a browser follows them; and how often a token may be shown.

use creditd::access::{NewToken, Role, Scope};
use reqwest::redirect::Policy;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::{Guarded, issue, new, orgs};

impl Guarded {
    /// What following a link answers: the status, where it leads, and the cookie it leaves.
    async fn follow(&self, url: &str) -> (u16, String, String) {
        let client = Client::builder().redirect(Policy::none()).build().unwrap();
        let answer = client.get(url).send().await.unwrap();
        let header = |name: &str| {
            answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
        };
        (answer.status().as_u16(), header("location"), header("set-cookie"))
    }

    async fn with_cookie(&self, method: Method, cookie: &str, path: &str) -> u16 {
        let url = format!("{}{path}", self.running.url);
        let request = self.client.request(method, url).header("cookie", format!("a=b; {cookie}; c=d"));
        request.body("{}").send().await.unwrap().status().as_u16()
    }

    async fn link(&self, token: &str, body: Value) -> Value {
        let answer = self.post(token, "/v1/orgs/acme/portal-links", body).await;
        assert_eq!(answer.status, 201, "{}", answer.json);
        answer.json
    }
}

#[tokio::test]
async fn who_follows_a_link_sees_that_organization_until_it_is_revoked() {
    let guarded = Guarded::start().await;
    let manager = guarded.token(Role::Manager, orgs(&["acme"]));
    let link = guarded.link(&manager, json!({ "expires_in_s": 600 })).await;
    let url = link["url"].as_str().unwrap();
    assert!(url.starts_with(&format!("{}/portal/cr_", guarded.running.url)), "{url}");
    let (status, leads_to, cookie) = guarded.follow(url).await;
    assert_eq!((status, leads_to.as_str()), (303, "/v1/orgs/acme"));
    assert!(cookie.ends_with("; HttpOnly; SameSite=Lax") && cookie.contains("Path=/; Max-Age="), "{cookie}");
    let cookie = cookie.split(';').next().unwrap();
    assert_eq!(guarded.with_cookie(Method::GET, cookie, &leads_to).await, 200);
    assert_eq!(guarded.with_cookie(Method::GET, cookie, "/v1/orgs/acme/balance").await, 200);
    assert_eq!(guarded.with_cookie(Method::GET, cookie, "/v1/orgs/rival/balance").await, 404);
    assert_eq!(guarded.with_cookie(Method::GET, cookie, "/v1/catalog").await, 403);
    assert_eq!(guarded.with_cookie(Method::POST, cookie, "/v1/orgs/acme/grants").await, 403);
    assert_eq!(guarded.with_cookie(Method::PUT, cookie, "/v1/orgs/acme/limits/x").await, 403);
    let listed = guarded.get(&manager, "/v1/orgs/acme/portal-links").await;
    assert_eq!(listed.json["data"][0]["id"], link["id"]);
    assert_eq!((listed.json["data"].as_array().unwrap().len(), listed.json["data"][0].get("url")), (1, None));
    let path = format!("/v1/orgs/acme/portal-links/{}", link["id"].as_str().unwrap());
    assert_eq!(guarded.send(Some(&manager), Method::DELETE, &path, None).await.status, 204);
    assert_eq!(guarded.with_cookie(Method::GET, cookie, "/v1/orgs/acme/balance").await, 401);
    assert_eq!(guarded.follow(url).await.0, 404);
    let listed = guarded.get(&manager, "/v1/orgs/acme/portal-links").await;
    assert_eq!(listed.json["data"], json!([]), "those that are over are none");
    guarded.running.stop().await;
}

#[tokio::test]
async fn a_link_may_be_for_some_accounts_and_ends_by_itself() {
    let guarded = Guarded::start().await;
    let link = guarded.link(&guarded.admin, json!({ "accounts": ["north"], "role": "viewer" })).await;
    assert_eq!(
        (&link["orgs"], &link["accounts"], &link["role"]),
        (&json!(["acme"]), &json!(["north"]), &json!("viewer"))
    );
    assert!(link["expires"].is_string(), "an hour where nothing is said");
    let wrong = [
        (json!({ "role": "admin" }), "role"),
        (json!({ "expires_in_s": 1 }), "expires_in_s"),
        (json!({ "expires_in_s": 7_776_001 }), "expires_in_s"),
        (json!({ "accounts": [] }), "accounts"),
    ];
    for (body, field) in wrong {
        let answer = guarded.post(&guarded.admin, "/v1/orgs/acme/portal-links", body).await;
        answer.problem(422, "invalid_field");
        assert_eq!(answer.json["field"], field);
    }
    guarded.post(&guarded.admin, "/v1/orgs/none/portal-links", json!({})).await.problem(404, "unknown_org");
    guarded.running.stop().await;
}

#[tokio::test]
async fn a_cookie_and_a_link_take_the_tokens_of_portal_links_alone() {
    let guarded = Guarded::start().await;
    let cookie = format!("creditd_portal={}", guarded.admin);
    assert_eq!(guarded.with_cookie(Method::GET, &cookie, "/v1/orgs/acme/balance").await, 401);
    assert_eq!(guarded.follow(&format!("{}/portal/{}", guarded.running.url, guarded.admin)).await.0, 404);
    // A manager takes no token away that is no portal link of its organization.
    let manager = guarded.token(Role::Manager, orgs(&["acme"]));
    let viewer = guarded.token(Role::Viewer, orgs(&["acme"]));
    let path = format!("/v1/orgs/acme/portal-links/{}", super::id(&viewer));
    guarded.send(Some(&manager), Method::DELETE, &path, None).await.problem(404, "unknown_portal_link");
    assert_eq!(guarded.get(&viewer, "/v1/orgs").await.status, 200);
    guarded.running.stop().await;
}

#[tokio::test]
async fn a_token_makes_so_many_requests_a_second() {
    let guarded = Guarded::start().await;
    let slow = NewToken { per_second: Some(2), ..new(Role::Viewer, Scope::default()) };
    let slow = issue(guarded.folder.path(), slow);
    let mut refused = 0;
    for _ in 0..20 {
        let answer = guarded.get(&slow, "/v1/orgs").await;
        if answer.status != 200 {
            assert!(answer.problem(429, "rate_limited").contains("may make 2 requests a second"));
            assert_eq!(answer.headers["retry-after"], "1");
            refused += 1;
        }
        assert_eq!(guarded.get(&guarded.admin, "/v1/orgs").await.status, 200, "others are not slowed");
    }
    assert!(refused > 0);
    guarded.running.stop().await;
}
