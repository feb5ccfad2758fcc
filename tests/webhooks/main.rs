//! Webhooks to real receivers on 127.0.0.1: what arrives, in which order, under which id, and what becomes of what does not.
#![expect(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]

mod answers;
mod fairness;
mod limits;
mod persistence;
#[path = "../support/receiver.rs"]
pub mod receiver;
mod refusals;

use std::path::Path;
use std::time::Duration;

use creditd::ledger::units::Timestamp;
use creditd::notify::webhooks::{
    Delivery, Endpoint, EndpointKey, EndpointUrl, Health, Message, MessageId, Options, Secret, Secrets,
    Webhooks,
};
use tempfile::TempDir;

/// Quick pauses, and this machine may be reached.
fn quick() -> Options {
    Options {
        attempt_limit: Duration::from_secs(20),
        first_pause: Duration::from_millis(10),
        longest_pause: Duration::from_millis(40),
        allowed_networks: vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()],
        ..Options::default()
    }
}

/// Webhooks with a folder of their own.
struct Bench {
    webhooks: Webhooks,
    folder: TempDir,
}

impl Bench {
    fn open(options: Options) -> Bench {
        let folder = tempfile::tempdir().unwrap();
        Bench { webhooks: open(folder.path(), options), folder }
    }

    fn health(&self, endpoint: &Endpoint) -> Health {
        self.webhooks.health(&endpoint.key).unwrap()
    }

    fn delivery(&self, endpoint: &Endpoint, id: &str) -> Option<Delivery> {
        self.webhooks.delivery(&endpoint.key, &MessageId::new(id).unwrap())
    }

    async fn hand_over(&self, endpoint: &Endpoint, id: &str) {
        self.webhooks.hand_over(endpoint, &message(id)).await.unwrap();
    }

    /// The reason of the last failure, once there is one.
    async fn reason(&self, endpoint: &Endpoint) -> String {
        until("a failure", || self.health(endpoint).last_failure.is_some()).await;
        self.health(endpoint).last_failure.unwrap().1
    }
}

/// Opens a queue in which nothing is wrong.
fn open(folder: &Path, options: Options) -> Webhooks {
    let (webhooks, findings) = Webhooks::open(folder, options).unwrap();
    assert_eq!(findings, []);
    webhooks
}

fn key(id: &str) -> EndpointKey {
    EndpointKey { org: "acme".to_owned(), id: id.to_owned() }
}

fn endpoint(id: &str, url: &str) -> Endpoint {
    let secrets = Secrets::new(Secret::generate().unwrap());
    Endpoint { key: key(id), url: EndpointUrl::parse(url).unwrap(), secrets, quiet: None, enabled: true }
}

fn message(id: &str) -> Message {
    let payload = format!(r#"{{"specversion":"1.0","id":"{id}","type":"creditd.alert.balance_low.v1"}}"#);
    Message {
        id: MessageId::new(id).unwrap(),
        kind: "creditd.alert.balance_low.v1".to_owned(),
        at: Timestamp::from_micros(1),
        payload: payload.into_bytes(),
    }
}

/// Waits until something is so, at most half a minute.
async fn until(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..6_000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{what} did not come within 30 s");
}
