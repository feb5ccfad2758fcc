//! The HTTP face over a real log, pipeline and keeper, asked by a real client.
#![expect(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]

#[path = "../support/folder.rs"]
pub mod folder;
#[path = "../support/daemon.rs"]
pub mod process;
#[path = "../support/running.rs"]
pub mod running;

mod adapters;
mod authorize;
mod bad_input;
mod calls;
mod charges;
mod commands;
mod conditional;
mod corrections;
mod events;
mod export;
mod forecast;
mod health;
mod history;
mod kept;
mod limits;
mod names;
mod openapi;
mod orphans;
mod reads;
mod recharges;
mod restart;
mod schemathesis;
mod spikes;
mod usage;
mod watch;
mod what_if;

use creditd::http::Options;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;

use self::running::Running;

/// A daemon with its folder, and a client of it.
struct Daemon {
    running: Running,
    client: Client,
    folder: TempDir,
}

/// An answer: status, media type, JSON.
struct Answer {
    status: u16,
    media_type: String,
    headers: reqwest::header::HeaderMap,
    json: Value,
}

impl Daemon {
    async fn empty() -> Daemon {
        Daemon::with(Options::default()).await
    }

    async fn with(options: Options) -> Daemon {
        let folder = tempfile::tempdir().unwrap();
        let running = Running::start(folder.path(), options).await;
        Daemon { running, client: Client::new(), folder }
    }

    /// With a plan, and `acme` on it with 1,000 credits.
    async fn with_acme() -> Daemon {
        let daemon = Daemon::empty().await;
        daemon.publish().await;
        daemon.org("acme").await;
        daemon
    }

    async fn publish(&self) {
        let card = json!({ "version": 1, "prices": {
            "email_sent": { "per_action": "1" },
            "lead_sourced": { "per_action": "2.5" },
            "phone_call": { "per_minute": "2", "increment": "60/60" },
        }});
        assert_eq!(self.put("/v1/rate-cards/standard", card).await.status, 200);
        let plan = json!({ "version": 1, "rate_card": "standard" });
        assert_eq!(self.put("/v1/plans/starter", plan).await.status, 200);
    }

    async fn org(&self, org: &str) {
        assert_eq!(self.put(&format!("/v1/orgs/{org}"), json!({ "plan": "starter" })).await.status, 201);
        let grant = json!({ "id": "first", "amount": "1000" });
        assert_eq!(self.post(&format!("/v1/orgs/{org}/grants"), grant).await.status, 201);
    }

    async fn send(&self, method: Method, path: &str, body: impl Into<reqwest::Body>) -> Answer {
        let url = format!("{}{path}", self.running.url);
        let response = self.client.request(method, url).body(body).send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let media_type =
            headers.get("content-type").map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
        let text = response.text().await.unwrap();
        Answer {
            status,
            media_type,
            headers,
            json: serde_json::from_str(&text).unwrap_or(Value::String(text)),
        }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, "").await
    }

    async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, body.to_string()).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, body.to_string()).await
    }

    async fn balance(&self, org: &str) -> Value {
        let answer = self.get(&format!("/v1/orgs/{org}/balance")).await;
        assert_eq!(answer.status, 200, "{}", answer.json);
        answer.json
    }

    /// What may still be spent, as text.
    async fn available(&self, org: &str) -> String {
        self.balance(org).await["balances"][0]["available"].as_str().unwrap().to_owned()
    }

    /// Waits until a line of `/metrics` has a figure: a batch is counted once all of it is applied, a moment after its
    /// first events are answered.
    async fn shows(&self, name: &str, figure: f64) {
        for _ in 0..500 {
            if self.figure(name).await == figure {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("{name} is {}, not {figure}, after 5 s", self.figure(name).await);
    }

    /// The figure of a line of `/metrics`.
    async fn figure(&self, name: &str) -> f64 {
        let text = self.get("/metrics").await.json;
        let line = text.as_str().unwrap().lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name}")).parse().unwrap()
    }
}

impl Answer {
    /// Checks that this is a problem as RFC 9457 wants it. Answers its detail.
    fn problem(&self, status: u16, kind: &str) -> &str {
        assert_eq!(self.status, status, "{}", self.json);
        assert_eq!(self.media_type, "application/problem+json");
        assert_eq!(self.json["type"], format!("urn:creditd:problem:{kind}"), "{}", self.json);
        assert_eq!(self.json["status"], status);
        assert!(!self.json["title"].as_str().unwrap().is_empty());
        self.json["detail"].as_str().unwrap()
    }

    /// The status of each item.
    fn statuses(&self) -> Vec<&str> {
        let results = self.json["results"].as_array().unwrap_or_else(|| panic!("{}", self.json));
        results.iter().map(|result| result["status"].as_str().unwrap()).collect()
    }
}

/// An event that costs 1.
fn email(org: &str, id: impl std::fmt::Display) -> Value {
    json!({ "type": "action", "org": org, "id": id.to_string(), "action": "email_sent" })
}
