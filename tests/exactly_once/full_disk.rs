//! A disk without room: nothing is acknowledged that is not kept, and what was acknowledged is charged once.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use creditd::clock::Stopwatch;
use reqwest::{Client, Response};
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::daemon::Daemon;

/// As a full disk does, the system's own limit ends a write half way: no file of the daemon grows beyond it.
const ROOM_KIB: u64 = 256;
const SENDERS: usize = 8;
/// A sender goes on until it was refused so often.
const REFUSALS: usize = 5;
/// What acme has to spend.
const GRANTED: u64 = 1_000_000;

/// The ids of events, by what their sender was told.
#[derive(Debug, Default)]
struct Told {
    kept: Vec<String>,
    refused: Vec<String>,
}

struct Scene {
    daemon: Daemon,
    client: Client,
    _folder: tempfile::TempDir,
}

impl Scene {
    /// A daemon with a plan, and acme on it.
    async fn start() -> Scene {
        let folder = tempdir().unwrap();
        let mut daemon = Daemon::start(folder.path(), "[log]\nkind = \"local\"\n");
        daemon.ready().await;
        let scene = Scene { daemon, client: Client::new(), _folder: folder };
        let prices = json!({ "message": { "per_action": "1" } });
        scene.put("/v1/rate-cards/card", json!({ "version": 1, "prices": prices })).await;
        scene.put("/v1/plans/plan", json!({ "version": 1, "rate_card": "card" })).await;
        scene.put("/v1/orgs/acme", json!({ "plan": "plan" })).await;
        let grant = json!({ "id": "first", "amount": GRANTED.to_string() });
        assert_eq!(scene.post("/v1/orgs/acme/grants", grant).await.status(), 201);
        scene
    }

    async fn put(&self, path: &str, body: Value) {
        let request = self.client.put(format!("{}{path}", self.daemon.url()));
        let answer = request.body(body.to_string()).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {:?}", answer.text().await);
    }

    async fn post(&self, path: &str, body: Value) -> Response {
        let request = self.client.post(format!("{}{path}", self.daemon.url()));
        request.body(body.to_string()).send().await.unwrap()
    }

    async fn get(&self, path: &str) -> Response {
        self.client.get(format!("{}{path}", self.daemon.url())).send().await.unwrap()
    }

    /// Sends events of acme, every second body without waiting for its outcome.
    async fn send(&self, ids: &[String], body: usize, told: &mut Told) {
        let wait = if body.is_multiple_of(2) { "applied" } else { "none" };
        let answer = self.post(&format!("/v1/orgs/acme/events?wait={wait}"), events(ids)).await;
        match answer.status().as_u16() {
            200 => {
                let answer: Value = answer.json().await.unwrap();
                assert_eq!(statuses(&answer), vec!["accepted"; ids.len()], "{answer}");
                told.kept.extend_from_slice(ids);
            }
            202 => {
                let answer: Value = answer.json().await.unwrap();
                let durable = answer["durable"].as_array().unwrap();
                assert!(durable.len() == ids.len() && durable.iter().all(Value::is_string), "{answer}");
                told.kept.extend_from_slice(ids);
            }
            _ => {
                refusal_is_clear(answer, ids.len()).await;
                told.refused.extend_from_slice(ids);
            }
        }
    }

    /// Sends bodies of several sizes until there is no room for them.
    async fn fill(&self, sender: usize) -> Told {
        let (mut told, mut refusals) = (Told::default(), 0);
        for body in 0.. {
            assert!(body < 5_000, "there is room without end");
            let ids: Vec<String> = (0..=body % 7).map(|event| format!("{sender}-{body}-{event}")).collect();
            let before = told.refused.len();
            self.send(&ids, body, &mut told).await;
            refusals += usize::from(told.refused.len() > before);
            if refusals == REFUSALS {
                break;
            }
        }
        told
    }

    /// Waits until acme has been charged for so many events, and makes sure that it stays there.
    async fn charged(&self, events: usize) {
        let expected = Value::from((GRANTED - events as u64).to_string());
        let watch = Stopwatch::start();
        loop {
            let balance: Value = self.get("/v1/orgs/acme/balance").await.json().await.unwrap();
            let available = &balance["balances"][0]["available"];
            if *available == expected {
                break;
            }
            assert!(watch.elapsed() < Duration::from_secs(10), "{available} are left, not {expected}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        self.daemon.shows("creditd_events_charged_total", events as f64).await;
    }

    /// Sends events once more: that is what becomes of each.
    async fn again(&self, ids: &[String], status: &str) {
        for ids in ids.chunks(1_000) {
            let answer = self.post("/v1/orgs/acme/events", events(ids)).await;
            assert_eq!(answer.status(), 200);
            assert_eq!(statuses(&answer.json().await.unwrap()), vec![status; ids.len()]);
        }
    }

    /// Waits until a checkpoint contains everything that is in the log.
    async fn checkpointed(&self) {
        let watch = Stopwatch::start();
        while self.daemon.metric("creditd_checkpoint_position").await
            != self.daemon.metric("creditd_log_end").await
        {
            assert!(watch.elapsed() < Duration::from_secs(20), "no checkpoint\n{}", self.daemon.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until it is not ready, for that reason alone.
    async fn unready(&self, reason: &str) {
        let watch = Stopwatch::start();
        loop {
            let answer: Value = self.get("/readyz").await.json().await.unwrap();
            let reasons = answer["reasons"].as_array().unwrap();
            if reasons.iter().map(|told| &told["reason"]).eq([reason]) {
                return;
            }
            assert!(watch.elapsed() < Duration::from_secs(20), "{answer}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn events(ids: &[String]) -> Value {
    ids.iter().map(|id| json!({ "type": "action", "id": id, "action": "message" })).collect()
}

/// The bytes of the files in a folder.
fn bytes(folder: &Path) -> u64 {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
}

fn statuses(answer: &Value) -> Vec<String> {
    let results = answer["results"].as_array().unwrap();
    results.iter().map(|result| result["status"].as_str().unwrap().to_owned()).collect()
}

/// A problem that says what is wrong and what to do, and that no event of the body was kept.
async fn refusal_is_clear(answer: Response, events: usize) {
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    assert_eq!(answer.headers()["retry-after"], "1");
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["type"], "urn:creditd:problem:log_unavailable", "{problem}");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("there is no room for the record and nothing of it was kept"), "{detail}");
    assert_eq!(statuses(&problem), vec!["failed"; events], "{problem}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_takes_nothing_that_it_cannot_keep() {
    let mut scene = Scene::start().await;
    scene.daemon.kill9();
    scene.daemon.start_with_room(ROOM_KIB);
    scene.daemon.ready().await;
    let senders = (0..SENDERS).map(|sender| scene.fill(sender));
    let told = futures_util::future::join_all(senders).await;
    let told = told.into_iter().fold(Told::default(), |mut all, told| {
        all.kept.extend(told.kept);
        all.refused.extend(told.refused);
        all
    });
    assert!(told.kept.len() > 300, "{} events are too few to show anything", told.kept.len());

    // It lives on, and tells what is true: who was refused was not charged.
    scene.charged(told.kept.len()).await;
    assert_eq!(scene.get("/healthz").await.status(), 200);

    // Without room a crash and a start change nothing.
    scene.daemon.kill9();
    scene.daemon.start_with_room(ROOM_KIB);
    scene.daemon.ready().await;
    scene.charged(told.kept.len()).await;

    // With room again, what was acknowledged is known and what was refused is news.
    scene.daemon.kill9_and_restart();
    scene.daemon.ready().await;
    scene.charged(told.kept.len()).await;
    scene.again(&told.kept, "duplicate").await;
    scene.again(&told.refused, "accepted").await;
    scene.charged(told.kept.len() + told.refused.len()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_checkpoints_find_no_room_the_log_keeps_everything() {
    let mut scene = Scene::start().await;
    // An organization with many prices of its own: every checkpoint writes it whole, and soon they outgrow the log.
    let own = (0..3_000_u64).map(|n| (format!("{:016x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15)), "3"));
    let own: BTreeMap<String, Value> =
        own.map(|(name, each)| (name, json!({ "per_action": each }))).collect();
    scene.put("/v1/orgs/acme", json!({ "plan": "plan", "overrides": { "prices": own } })).await;
    let (mut told, data) = (Told::default(), scene.daemon.data());
    while bytes(&data.join("checkpoints")) < bytes(&data.join("log")) + (64 << 10) {
        let id = format!("before {}", told.kept.len());
        scene.send(&[id], 0, &mut told).await;
        scene.checkpointed().await;
    }

    scene.daemon.kill9();
    scene.daemon.start_with_room(bytes(&data.join("checkpoints")) >> 10);
    scene.daemon.ready().await;
    scene.send(&["last straw".to_owned()], 0, &mut told).await;
    scene.unready("no_checkpoint").await;
    for body in 0..60 {
        let ids: Vec<String> = (0..5).map(|event| format!("{body} {event}")).collect();
        scene.send(&ids, body, &mut told).await;
    }
    assert_eq!(told.refused, [""; 0]);
    scene.charged(told.kept.len()).await;

    // Room again, and a crash in each state.
    scene.daemon.kill9_and_restart();
    scene.daemon.ready().await;
    scene.charged(told.kept.len()).await;
    scene.checkpointed().await;
    scene.daemon.kill9_and_restart();
    scene.daemon.ready().await;
    scene.charged(told.kept.len()).await;
    scene.again(&told.kept, "duplicate").await;
    scene.charged(told.kept.len()).await;
}
