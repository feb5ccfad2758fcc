//! Alerts to those who asked to be told: the real program, real receivers, and whatever may come between.
#![expect(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]

#[path = "../support/daemon.rs"]
pub mod daemon;
#[path = "../support/nats.rs"]
pub mod nats;
#[path = "../support/receiver.rs"]
pub mod receiver;

mod by_hand;
mod crossings;
mod endpoints;
mod live;
mod quiet;
mod recharges;

use std::path::PathBuf;
use std::time::Duration;

use creditd::notify::webhooks::Secret;
use daemon::Daemon;
use nats::NatsServer;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A secret that the tests know.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// This machine may be reached.
const REACHABLE: &str = "[webhooks]\nallowed_networks = [\"127.0.0.0/8\"]\n";

/// A plan without ifs, and an organization on it with 100 credits.
const ACME: [(Method, &str, &str); 4] = [
    (Method::PUT, "/v1/rate-cards/card", r#"{"version": 1, "prices": {"sent": {"per_action": "1"}}}"#),
    (Method::PUT, "/v1/plans/plan", r#"{"version": 1, "rate_card": "card"}"#),
    (Method::PUT, "/v1/orgs/acme", r#"{"plan": "plan"}"#),
    (Method::POST, "/v1/orgs/acme/grants", r#"{"id": "g", "amount": "100"}"#),
];

/// A daemon with `acme` on it, and where it reads from.
struct Scene {
    daemon: Daemon,
    client: Client,
    server: Option<NatsServer>,
    _folder: TempDir,
}

/// An answer: status and JSON.
struct Answer {
    status: u16,
    json: Value,
}

impl Scene {
    /// With a log of its own.
    async fn embedded() -> Scene {
        Scene::start(None, &format!("[log]\nkind = \"local\"\n{REACHABLE}")).await
    }

    /// With its log in NATS.
    async fn over_nats() -> Scene {
        let server = NatsServer::start();
        let urls = server.url();
        let settings = format!("[log]\nkind = \"jetstream\"\n[nats]\nurls = [{urls:?}]\n{REACHABLE}");
        Scene::start(Some(server), &settings).await
    }

    /// With these settings.
    async fn start(server: Option<NatsServer>, settings: &str) -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let mut daemon = Daemon::start(folder.path(), settings);
        daemon.ready().await;
        let scene = Scene { daemon, client: Client::new(), server, _folder: folder };
        for (method, path, body) in ACME {
            let answer = scene.send(method, path, body).await;
            assert!(answer.status < 300, "{path}: {}", answer.json);
        }
        scene
    }

    async fn send(&self, method: Method, path: &str, body: impl Into<reqwest::Body>) -> Answer {
        let url = format!("{}{path}", self.daemon.url());
        let response = self.client.request(method, url).body(body).send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        Answer { status, json: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.send(Method::GET, path, "").await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.json);
        answer.json
    }

    async fn put_webhook(&self, id: &str, content: &Value) -> Answer {
        let path = format!("/v1/orgs/acme/webhooks/{id}");
        self.send(Method::PUT, &path, content.to_string()).await
    }

    /// Defines a webhook with the secret that the tests know.
    async fn webhook(&self, id: &str, url: &str) {
        let answer = self.put_webhook(id, &json!({ "url": url, "secret": SECRET })).await;
        assert_eq!(answer.status, 201, "{}", answer.json);
    }

    /// Lets `acme` spend.
    async fn spend(&self, id: &str, quantity: u32) {
        let event = json!({ "type": "action", "id": id, "action": "sent", "quantity": quantity });
        let answer = self.send(Method::POST, "/v1/orgs/acme/events", event.to_string()).await;
        assert_eq!(answer.status, 200, "{}", answer.json);
    }

    /// The last alerts, newest first.
    async fn alerts(&self) -> Vec<Value> {
        self.get("/v1/orgs/acme/alerts").await["data"].as_array().unwrap().clone()
    }

    /// The health of a webhook, once it is known to the queue.
    async fn health(&self, id: &str) -> Value {
        for _ in 0..500 {
            let all = self.get("/v1/orgs/acme/webhooks").await;
            let found = all["data"].as_array().unwrap().iter().find(|webhook| webhook["id"] == id);
            let health = &found.unwrap_or_else(|| panic!("{all}"))["health"];
            if !health.is_null() {
                return health.clone();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the queue does not know {id}");
    }

    /// Waits until nothing is on its way.
    async fn settle(&mut self) {
        self.daemon.ready().await;
        self.daemon.shows("creditd_outbox_messages", 0.0).await;
    }

    /// Ends it as a crash would, and starts it again.
    async fn crash(&mut self) {
        self.daemon.kill9_and_restart();
        self.settle().await;
    }

    /// Ends it as a crash would that takes these folders of its data along, and starts it again: what they held is read
    /// again from the log.
    async fn crash_without(&mut self, folders: &[&str]) {
        self.daemon.kill9();
        for folder in folders {
            let path: PathBuf = self.daemon.data().join(folder);
            std::fs::remove_dir_all(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
        self.daemon.start_again(&[]);
        self.settle().await;
    }
}

/// The secret that the tests know.
fn secret() -> Secret {
    Secret::parse(SECRET).unwrap()
}

/// Waits until something is so, at most half a minute.
async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    for _ in 0..1_500 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{what} did not come within 30 s");
}

/// More than long enough for a repeat to show.
async fn linger() {
    tokio::time::sleep(Duration::from_millis(400)).await;
}

/// A URL of this machine at which nobody answers.
fn nobody() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}/", listener.local_addr().unwrap())
}
