//! Reports by mail: the real program under a clock that is moved, a real SMTP server, a real spreadsheet.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what fails here fails the test")]

mod by_hand;
mod crash;
#[path = "../support/daemon.rs"]
pub mod daemon;
mod encrypted;
mod leaving;
pub mod mailbox;
mod month_end;
mod seasons;
pub mod sheet;
mod trouble;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use daemon::Daemon;
use mailbox::{Mailbox, Talk};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A daemon with `acme` on it, which is in Berlin, under a clock of its own, and the mail server it hands over to.
struct Scene {
    daemon: Daemon,
    client: Client,
    mailbox: Mailbox,
    folder: TempDir,
}

/// An answer: status and JSON, or the text where it is none.
struct Answer {
    status: u16,
    json: Value,
}

/// The settings of a mail server on this machine.
fn in_the_clear(mailbox: &Mailbox) -> String {
    format!(
        "[log]\nkind = \"local\"\n[mail]\nserver = \"127.0.0.1\"\nport = {}\ntls = \"none\"\n\
         from = \"Usage <usage@meter.example>\"\npublic_url = \"https://meter.example/\"\n",
        mailbox.port()
    )
}

impl Scene {
    /// At an instant, with a mail server.
    async fn at(instant: &str) -> Scene {
        Scene::with(instant, Talk::Plain, in_the_clear).await
    }

    /// The same with settings of its own.
    async fn with(instant: &str, talk: Talk, settings: impl Fn(&Mailbox) -> String) -> Scene {
        let mailbox = Mailbox::start(talk).await;
        let folder = tempfile::tempdir().unwrap();
        set_clock(folder.path(), instant);
        let way = under_a_clock(folder.path(), &mailbox);
        let mut daemon = Daemon::start_by(way, folder.path(), &settings(&mailbox));
        daemon.ready().await;
        let scene = Scene { daemon, client: Client::new(), mailbox, folder };
        scene.acme().await;
        scene
    }

    /// A plan with billing periods from the 10th on, and an organization on it.
    async fn acme(&self) {
        let prices =
            json!({ "sent": { "per_action": "0.5" }, "call": { "per_action": "2", "credit_type": "voice" } });
        self.must(Method::PUT, "/v1/rate-cards/card", json!({ "version": 1, "prices": prices })).await;
        let plan = json!({ "version": 1, "rate_card": "card", "cycle": "month" });
        self.must(Method::PUT, "/v1/plans/plan", plan).await;
        let org = json!({ "plan": "plan", "name": "Ana & Söhne", "time_zone": "Europe/Berlin",
            "cycle_anchor": "2026-01-10T00:00:00+01:00" });
        self.must(Method::PUT, "/v1/orgs/acme", org).await;
        self.must(Method::PUT, "/v1/orgs/acme/users/ana", json!({ "name": "=HYPERLINK(\"x\")" })).await;
        self.must(Method::PUT, "/v1/orgs/acme/users/bo", json!({ "name": "Bö" })).await;
    }

    /// Moves the daemon's clock.
    fn clock(&self, instant: &str) {
        set_clock(self.folder.path(), instant);
    }

    async fn send(&self, method: Method, path: &str, body: impl Into<reqwest::Body>) -> Answer {
        let url = format!("{}{path}", self.daemon.url());
        let response = self.client.request(method, url).body(body).send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        Answer { status, json: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
    }

    async fn must(&self, method: Method, path: &str, body: Value) -> Value {
        let answer = self.send(method, path, body.to_string()).await;
        assert!(answer.status < 300, "{path}: {} {}", answer.status, answer.json);
        answer.json
    }

    async fn put(&self, id: &str, report: Value) -> Value {
        self.must(Method::PUT, &format!("/v1/orgs/acme/reports/{id}"), report).await
    }

    async fn report(&self, id: &str) -> Value {
        let answer = self.send(Method::GET, &format!("/v1/orgs/acme/reports/{id}"), "").await;
        assert_eq!(answer.status, 200, "{}", answer.json);
        answer.json
    }

    /// The newest sending of a report, once it is so.
    async fn sending(&self, id: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..1_500 {
            let found = self.report(id).await["history"][0].clone();
            if is_so(&found) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{what} did not come: {:#}\n{}", self.report(id).await, self.daemon.log());
    }

    /// Lets somebody of `acme` use something at a time.
    async fn used(&self, id: &str, (user, action): (&str, &str), quantity: u32, time: &str) {
        let event = json!({ "type": "action", "id": id, "action": action, "quantity": quantity, "user": user, "time": time });
        let answer = self.must(Method::POST, "/v1/orgs/acme/events", event).await;
        assert_eq!(answer["results"][0]["status"], "accepted", "{answer}");
    }
}

/// A monthly report to one address, at eight on the first.
fn monthly() -> Value {
    json!({ "to": ["ana@example.com"], "schedule": { "every": "month", "on": 1, "at": "08:00" },
        "content": { "group_by": ["user", "action"] } })
}

/// Sets the clock of the daemon in a folder, which goes on from there.
fn set_clock(folder: &Path, instant: &str) {
    let wanted = creditd::wire::time::parse(instant).unwrap().micros();
    #[expect(clippy::disallowed_methods, reason = "a test may look at the clock")]
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_micros();
    let ahead = (i128::from(wanted) - i128::try_from(now).unwrap()).div_euclid(1_000_000);
    let unfinished = folder.join("clock.unfinished");
    fs::write(&unfinished, format!("{ahead:+}\n")).unwrap();
    fs::rename(unfinished, folder.join("clock")).unwrap();
}

/// What starts a program whose wall clock is that of a folder, and which trusts a mail server's certificate.
fn under_a_clock(folder: &Path, mailbox: &Mailbox) -> Vec<String> {
    let clock = format!("FAKETIME_TIMESTAMP_FILE={}", folder.join("clock").display());
    let library = format!("LD_PRELOAD={}", faketime().display());
    let own = ["env", &library, &clock, "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1"];
    let mut way = own.map(str::to_owned).to_vec();
    if mailbox.authority().exists() {
        way.push(format!("SSL_CERT_FILE={}", mailbox.authority().display()));
    }
    way
}

fn faketime() -> PathBuf {
    let libraries = fs::read_dir("/usr/lib").unwrap().map(|entry| entry.unwrap().path());
    let found =
        libraries.map(|library| library.join("faketime/libfaketimeMT.so.1")).find(|path| path.exists());
    found.expect("libfaketime is missing: run `make tools`")
}

/// Waits until something is so, at most half a minute.
async fn until(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..1_500 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{what} did not come within 30 s");
}
