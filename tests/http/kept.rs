//! How long the history is kept, and which charges it shows one by one.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use creditd::book::desk::Wait;
use creditd::book::itemise::Itemise;
use creditd::clock;
use creditd::http::Options;
use creditd::ledger::units::{Millis, Timestamp};
use creditd::wire::{Subject, time};
use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::Daemon;
use crate::running::{Running, Setup};

/// So many hours the history is kept here.
const KEPT: i32 = 401 * 24;

fn days_ago(days: u32) -> Timestamp {
    clock::now().minus(Millis::days(days))
}

/// A daemon whose log shows any time.
struct Scene {
    daemon: Daemon,
    shown: Arc<AtomicI64>,
}

impl Scene {
    async fn start(folder: TempDir, days: u32, setup: Setup) -> Scene {
        let shown = Arc::new(AtomicI64::new(days_ago(days).micros()));
        let clock = Arc::clone(&shown);
        let clock = Arc::new(move || Timestamp::from_micros(clock.load(Ordering::Relaxed)));
        let running = Running::start_as(Setup { clock, ..setup }, folder.path(), Options::default()).await;
        Scene { daemon: Daemon { running, client: Client::new(), folder }, shown }
    }

    async fn again(self) -> Scene {
        let Daemon { running, folder, .. } = self.daemon;
        running.stop().await;
        Scene::start(folder, 0, Setup { keep: Some(KEPT), ..Setup::default() }).await
    }

    fn show(&self, days: u32) {
        self.shown.store(days_ago(days).micros(), Ordering::Relaxed);
    }

    /// Writes an event into the log, at whatever time that shows. Answers what became of it.
    async fn send(&self, org: &str, id: &str, days: u32) -> Vec<String> {
        let event = json!({ "type": "action", "org": org, "id": id, "action": "email_sent",
            "time": time::format(days_ago(days)) });
        let (subject, wait) = (Subject::Events(org), Wait::Applied(Duration::from_secs(10)));
        let desk = &self.daemon.running.desk;
        let sent = desk.submit(subject, None, event.to_string().into(), wait).await.unwrap();
        sent.outcomes.iter().map(|outcome| outcome["status"].as_str().unwrap().to_owned()).collect()
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.daemon.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.json);
        answer.json
    }

    async fn charges(&self, org: &str) -> u64 {
        let usage = self.get(&format!("/v1/orgs/{org}/usage?range=all")).await;
        usage["totals"]["charges"].as_u64().unwrap()
    }
}

fn runs(folder: &Path) -> usize {
    let files = std::fs::read_dir(folder.join("history")).unwrap();
    files.filter(|file| file.as_ref().unwrap().file_name().to_string_lossy().ends_with(".run")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn old_rows_go_their_sums_stay_and_answers_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let scene = Scene::start(folder, 500, Setup { keep: Some(KEPT), ..Setup::default() }).await;
    scene.daemon.publish().await;
    scene.daemon.org("acme").await;
    for id in ["a", "b", "c"] {
        assert_eq!(scene.send("acme", id, 500).await, ["accepted"]);
    }
    let first = scene.get("/v1/orgs/acme/history?kind=charge&limit=1").await["data"][0]["seq"].clone();
    scene.daemon.running.checkpoint().await;
    scene.daemon.shows("creditd_history_cells_files", 1.0).await;
    // Within the time that they are kept.
    scene.show(99);
    assert_eq!(scene.send("acme", "d", 99).await, ["accepted"]);
    scene.daemon.org("young").await;
    assert_eq!(scene.send("young", "a", 99).await, ["accepted"]);
    scene.daemon.running.checkpoint().await;
    scene.daemon.running.checkpoint().await;
    assert_eq!(runs(scene.daemon.folder.path()), 2);
    assert_eq!(scene.get("/v1/orgs/acme/history").await["meta"]["kept_from"], Value::Null);
    // One checkpoint says what is not kept any more, the next deletes it.
    scene.show(1);
    for id in ["e", "f"] {
        assert_eq!(scene.send("acme", id, 1).await, ["accepted"]);
        scene.daemon.running.checkpoint().await;
    }
    assert_eq!(runs(scene.daemon.folder.path()), 3, "of four");
    for scene in [scene] {
        let scene = told(scene, first.as_str().unwrap()).await;
        // A start changes nothing of it.
        let scene = told(scene.again().await, first.as_str().unwrap()).await;
        // What is lost for good is said to be.
        let cells = scene.daemon.folder.path().join("cells");
        std::fs::remove_dir_all(cells).unwrap();
        let scene = scene.again().await;
        let usage = scene.get("/v1/orgs/acme/usage?range=all").await;
        assert_eq!(usage["totals"]["charges"], 3, "{usage}");
        let history = scene.get("/v1/orgs/acme/history").await;
        assert_eq!(usage["kept_from"], history["meta"]["kept_from"]);
        assert!(usage["kept_from"].is_string(), "{usage}");
        scene.daemon.running.stop().await;
    }
}

/// Looks at a daemon whose oldest run was deleted.
async fn told(scene: Scene, first: &str) -> Scene {
    let history = scene.get("/v1/orgs/acme/history?kind=charge").await;
    assert_eq!(history["data"].as_array().unwrap().len(), 3, "{history}");
    let kept_from = time::parse(history["meta"]["kept_from"].as_str().unwrap()).unwrap();
    assert!(days_ago(500) < kept_from && kept_from < days_ago(499), "{history}");
    let table = scene.daemon.client.get(format!("{}/v1/orgs/acme/history", scene.daemon.running.url));
    let table = table.header("accept", "text/csv").send().await.unwrap();
    assert_eq!(table.headers()["creditd-kept-from"], time::format(kept_from));
    // What was used is told all the same.
    let usage = scene.get("/v1/orgs/acme/usage?range=all").await;
    assert_eq!((&usage["totals"]["charges"], &usage["kept_from"]), (&json!(6), &Value::Null), "{usage}");
    let explained = scene.daemon.get(&format!("/v1/orgs/acme/charges/{first}")).await;
    let why = explained.problem(404, "unknown_charge");
    assert!(why.contains(&format!("older than {} is not kept", time::format(kept_from))), "{why}");
    // Whose rows are all there is verified, the other is not said to be wrong.
    for (org, ok) in [("acme", Value::Null), ("young", json!(true))] {
        let verified = scene.daemon.post(&format!("/v1/orgs/{org}/verify"), json!({})).await;
        assert_eq!((verified.status, &verified.json["ok"]), (200, &ok), "{}", verified.json);
    }
    // A repeat is no charge, whether its rows are there or not.
    let before = scene.charges("acme").await;
    assert_eq!(scene.send("acme", "a", 500).await, ["rejected"]);
    assert_eq!(scene.send("acme", "d", 99).await, ["duplicate"]);
    assert_eq!((before, scene.charges("acme").await), (6, 6));
    scene
}

#[tokio::test(flavor = "multi_thread")]
async fn charges_are_shown_one_by_one_as_far_as_that_is_wanted() {
    for (itemise, shown, calls) in [(Itemise::All, 4, 2), (Itemise::Calls, 3, 2), (Itemise::Nothing, 0, 0)] {
        let scene =
            Scene::start(tempfile::tempdir().unwrap(), 0, Setup { itemise, ..Setup::default() }).await;
        scene.daemon.publish().await;
        scene.daemon.org("acme").await;
        assert_eq!(scene.send("acme", "mail", 0).await, ["accepted"]);
        for id in ["one", "two"] {
            let call = json!({ "type": "call.ended", "org": "acme", "source": "sbc", "id": id, "call_id": id,
                "action": "phone_call", "direction": "outbound", "duration_ms": 61_000 });
            assert_eq!(scene.daemon.post("/v1/events", call).await.statuses(), ["accepted"]);
        }
        let seq = scene.get("/v1/orgs/acme/usage?range=all").await["seq"].as_str().unwrap().to_owned();
        let void =
            json!({ "type": "void", "org": "acme", "id": "v", "source": "sbc", "voids": { "id": "two" } });
        assert_eq!(scene.daemon.post("/v1/events", void).await.statuses(), ["accepted"]);
        let history = scene.get("/v1/orgs/acme/history").await;
        let kinds: Vec<&str> =
            history["data"].as_array().unwrap().iter().map(|line| line["kind"].as_str().unwrap()).collect();
        assert_eq!(
            kinds.iter().filter(|kind| **kind == "granted" || **kind == "grant").count(),
            1,
            "{kinds:?}"
        );
        assert_eq!(kinds.len() - 1, shown, "{itemise:?}: {kinds:?}");
        assert_eq!(history["meta"]["itemised"], itemise.name());
        let finished = scene.get("/v1/orgs/acme/calls?state=finished").await;
        let ended = finished["data"].as_array().unwrap().iter().filter(|call| call["state"] == "ended");
        assert_eq!(ended.count(), calls, "{finished}");
        let explained = scene.daemon.get(&format!("/v1/orgs/acme/charges/{seq}")).await;
        if itemise == Itemise::Nothing {
            assert!(explained.problem(404, "unknown_charge").contains("one by one"));
        } else {
            assert_eq!(explained.status, 200, "{}", explained.json);
        }
        let one = scene.daemon.get("/v1/orgs/acme/calls/one?source=sbc").await;
        assert_eq!(one.status, if itemise == Itemise::Nothing { 404 } else { 200 }, "{}", one.json);
        // All of it counts.
        assert_eq!(scene.charges("acme").await, 2);
        assert_eq!(scene.daemon.available("acme").await, "995");
        scene.daemon.running.stop().await;
    }
}
