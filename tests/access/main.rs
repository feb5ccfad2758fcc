//! Who may do what over HTTP: a real daemon behind its gate, asked by a real client with every kind of token.
#![expect(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]

#[path = "../support/certificates.rs"]
pub mod certificates;
#[path = "../support/daemon.rs"]
pub mod daemon;
#[path = "../support/running.rs"]
pub mod running;

mod audit;
mod cli;
mod documents;
mod expected;
mod matrix;
mod portal;
mod provider;
mod scopes;
mod tls;
mod tokens;

use std::path::Path;

use creditd::access::{Gate, NewToken, Role, Scope, Tokens};
use creditd::clock;
use creditd::http::Options;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;

use self::running::Running;

/// A daemon behind its gate, with its folder, and somebody who may do everything.
struct Guarded {
    running: Running,
    folder: TempDir,
    client: Client,
    admin: String,
}

/// An answer: status, headers, JSON.
struct Answer {
    status: u16,
    headers: reqwest::header::HeaderMap,
    json: Value,
}

/// A token that is to be made.
fn new(role: Role, scope: Scope) -> NewToken {
    NewToken::new(&format!("a {role}"), role, scope)
}

fn names(names: &[&str]) -> Option<Vec<String>> {
    Some(names.iter().map(|name| (*name).to_owned()).collect())
}

fn orgs(orgs: &[&str]) -> Scope {
    Scope::new(names(orgs), None).unwrap()
}

fn accounts(org: &str, accounts: &[&str]) -> Scope {
    Scope::new(names(&[org]), names(accounts)).unwrap()
}

/// Makes a token past all faces.
fn issue(folder: &Path, new: NewToken) -> String {
    Tokens::open(folder).unwrap().create(new, clock::now()).unwrap().reveal()
}

/// The id in a token.
fn id(token: &str) -> &str {
    token.split('_').nth(1).unwrap()
}

impl Guarded {
    /// With a plan, and `acme` and `rival` on it.
    async fn start() -> Guarded {
        let folder = tempfile::tempdir().unwrap();
        let gate = Gate::shut(folder.path()).unwrap();
        let running = Running::start_behind(gate, folder.path(), Options::default()).await;
        let admin = issue(folder.path(), new(Role::Admin, Scope::default()));
        let guarded = Guarded { running, folder, client: Client::new(), admin };
        let card = json!({ "version": 1, "prices": {
            "email_sent": { "per_action": "1" },
            "phone_call": { "per_minute": "2", "increment": "60/60" },
        }});
        guarded.must(Method::PUT, "/v1/rate-cards/standard", card).await;
        guarded
            .must(Method::PUT, "/v1/plans/starter", json!({ "version": 1, "rate_card": "standard" }))
            .await;
        for org in ["acme", "rival"] {
            guarded.must(Method::PUT, &format!("/v1/orgs/{org}"), json!({ "plan": "starter" })).await;
            let grant = json!({ "id": "first", "amount": "1000" });
            guarded.must(Method::POST, &format!("/v1/orgs/{org}/grants"), grant).await;
        }
        guarded
    }

    fn token(&self, role: Role, scope: Scope) -> String {
        issue(self.folder.path(), new(role, scope))
    }

    async fn send(&self, token: Option<&str>, method: Method, path: &str, body: Option<Value>) -> Answer {
        let request = self.client.request(method, format!("{}{path}", self.running.url));
        let request = match token {
            Some(token) => request.header("authorization", format!("Bearer {token}")),
            None => request,
        };
        let response =
            request.body(body.map(|body| body.to_string()).unwrap_or_default()).send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        // A stream of events never ends.
        let json = match headers.get("content-type").and_then(|value| value.to_str().ok()) {
            Some("text/event-stream") => Value::Null,
            _ => {
                let text = response.text().await.unwrap();
                serde_json::from_str(&text).unwrap_or(Value::String(text))
            }
        };
        Answer { status, headers, json }
    }

    async fn get(&self, token: &str, path: &str) -> Answer {
        self.send(Some(token), Method::GET, path, None).await
    }

    async fn post(&self, token: &str, path: &str, body: Value) -> Answer {
        self.send(Some(token), Method::POST, path, Some(body)).await
    }

    /// What the administrator asks for and gets.
    async fn must(&self, method: Method, path: &str, body: Value) -> Value {
        let answer = self.send(Some(&self.admin), method, path, Some(body)).await;
        assert!((200..300).contains(&answer.status), "{path}: {}", answer.json);
        answer.json
    }
}

impl Answer {
    /// The kind of problem this is; empty where it is none.
    fn kind(&self) -> &str {
        self.json["type"]
            .as_str()
            .and_then(|kind| kind.strip_prefix("urn:creditd:problem:"))
            .unwrap_or_default()
    }

    /// Checks that this is a problem of a kind. Answers its detail.
    fn problem(&self, status: u16, kind: &str) -> &str {
        assert_eq!((self.status, self.kind()), (status, kind), "{}", self.json);
        self.json["detail"].as_str().unwrap()
    }
}
