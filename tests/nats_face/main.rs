//! What NATS sees of a daemon: a service that answers, alerts and rejections that arrive once, a log that must stay the
//! same. A real server, the real program.
#![expect(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]

#[path = "../support/books.rs"]
pub mod books;
#[path = "../support/certificates.rs"]
pub mod certificates;
#[path = "../support/daemon.rs"]
pub mod daemon;
#[path = "../model/mod.rs"]
pub mod model;
#[path = "../support/nats.rs"]
pub mod nats;

mod access;
mod adapters;
mod credentials;
mod lineage;
mod live_calls;
mod out;
mod reads;
mod service;
mod usage;

use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream;
use daemon::Daemon;
use nats::NatsServer;
use tempfile::TempDir;

/// A plan without ifs: a credit a message; and an organization with 100 credits.
const ACME: [(&str, &str); 4] = [
    (
        "credits.commands._catalog",
        r#"{"type": "rate_card.put", "id": "card", "version": 1, "prices": {"message": {"per_action": "1"}}}"#,
    ),
    ("credits.commands._catalog", r#"{"type": "plan.put", "id": "plan", "version": 1, "rate_card": "card"}"#),
    ("credits.commands.acme", r#"{"type": "org.put", "plan": "plan"}"#),
    ("credits.commands.acme", r#"{"type": "grant", "id": "g1", "amount": "100"}"#),
];

/// A server, a daemon on it and a client of both.
struct Scene {
    daemon: Daemon,
    client: Client,
    server: NatsServer,
    _folder: TempDir,
}

impl Scene {
    async fn start() -> Scene {
        Scene::on(NatsServer::start(), "").await
    }

    /// With further settings, on a server that may hold something already.
    async fn on(server: NatsServer, more: &str) -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let settings = format!("[log]\nkind = \"jetstream\"\n[nats]\nurls = [{:?}]\n{more}", server.url());
        let mut daemon = Daemon::start(folder.path(), &settings);
        daemon.ready().await;
        let client = async_nats::connect(server.url()).await.unwrap();
        Scene { daemon, client, server, _folder: folder }
    }

    fn jetstream(&self) -> jetstream::Context {
        jetstream::new(self.client.clone())
    }

    /// Publishes a message into the log. Answers its number.
    async fn publish(&self, subject: &str, payload: &str) -> u64 {
        let sent = self.jetstream().publish(subject.to_owned(), payload.to_owned().into()).await.unwrap();
        sent.await.unwrap().sequence
    }

    /// Publishes messages, and waits until they are applied.
    async fn publish_all(&mut self, messages: &[(&str, &str)]) {
        let mut last = 0;
        for (subject, payload) in messages {
            last = self.publish(subject, payload).await;
        }
        self.daemon.wait_for(last, Duration::from_secs(30)).await;
    }

    /// Publishes the catalog, acme and its credits.
    async fn publish_acme(&mut self) {
        self.publish_all(&ACME).await;
    }

    /// Publishes a message that acme pays for.
    async fn spend(&self, id: &str, quantity: u32) -> u64 {
        let event =
            serde_json::json!({ "type": "action", "id": id, "action": "message", "quantity": quantity });
        self.publish("credits.events.acme", &event.to_string()).await
    }
}
