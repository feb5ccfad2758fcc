//! Checkpoints while the pipeline goes on: a real log, a real keeper, and a pipeline whose every step the test takes,
//! between the cut of a checkpoint and its seal, too.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use bytes::Bytes;
use serde_json::json;
use tempfile::tempdir;

use super::*;
use crate::book::keeper::Call;
use crate::book::recovery::{Surroundings, recover};
use crate::ledger::units::{EventId, Timestamp};
use crate::log::Draft;
use crate::log::local::{LocalLog, Options};
use crate::store::history::{Limits, Runs};

/// 2026-01-05T10:00:00Z: everything happens at once.
const NOW: Timestamp = Timestamp::from_micros(1_767_607_200_000_000);

/// What is written: a subject and its JSON.
type Line = (String, Value);

struct Scene {
    folder: PathBuf,
    pipeline: Pipeline,
    reader: Box<dyn Reader>,
    /// Records that were read and are not yet applied.
    ahead: VecDeque<Record>,
    calls: Sender<Call>,
    keeper: JoinHandle<()>,
}

impl Scene {
    /// Starts from whatever is in the folder and applies nothing yet.
    async fn start(folder: &Path) -> Scene {
        let (log, _) = LocalLog::open(&folder.join("log"), Options::default(), Arc::new(|| NOW)).unwrap();
        let log: Arc<dyn Log> = Arc::new(log);
        let recovered = recover(folder, u64::MAX, Limits::default()).unwrap();
        let reader = log.reader(recovered.cut.clone()).await.unwrap();
        let around = Surroundings {
            log,
            outbox: Arc::default(),
            waiters: Arc::new(Waiters::new(1)),
            metrics: Metrics::new().unwrap(),
            progress: Arc::default(),
        };
        let stop = watch::channel(false).1;
        let (pipeline, keeper) = recovered.put_to_work(around, Duration::from_secs(3_600), stop);
        let (calls, called) = channel();
        let keeper = std::thread::spawn(move || keeper.run(&called));
        Scene { folder: folder.to_owned(), pipeline, reader, ahead: VecDeque::new(), calls, keeper }
    }

    /// Ends as a crash would, without another checkpoint, and starts again.
    async fn crash(self) -> Scene {
        let Scene { folder, pipeline, reader, calls, keeper, .. } = self;
        // A keeper whose pipeline is gone can take none.
        drop((pipeline, reader, calls));
        keeper.join().unwrap();
        Scene::start(&folder).await
    }

    /// Applies the records of the log up to that one.
    async fn apply_to(&mut self, seq: u64) {
        while self.pipeline.position.seq < seq {
            if let Some(record) = self.ahead.pop_front() {
                self.pipeline.apply(&mut vec![record], self.reader.created_ns()).unwrap();
            } else {
                let mut batch = Vec::new();
                self.reader.next(&mut batch).await.unwrap();
                self.ahead.extend(batch);
            }
        }
    }

    async fn catch_up(&mut self) {
        self.apply_to(self.pipeline.log.extent().await.unwrap().last).await;
    }

    /// Writes one item and applies it. Answers what became of it.
    async fn write(&mut self, (subject, item): &Line) -> Value {
        let (request, answer) = self.pipeline.waiters.register();
        let payload = Bytes::from(item.to_string());
        let draft = Draft { subject: subject.clone(), headers: None, request, payload };
        let seq = self.pipeline.log.append(draft).await.unwrap();
        self.apply_to(seq).await;
        answer.await.unwrap().remove(0)
    }

    async fn write_all(&mut self, lines: &[Line]) {
        for line in lines {
            let outcome = self.write(line).await;
            assert_eq!(outcome["status"], "accepted", "{line:?} {outcome}");
        }
    }

    /// Takes a checkpoint. The organizations it lists contain what is written `after_the_cut`, and do not contain
    /// what is written `before_the_seal`.
    async fn checkpoint(&mut self, after_the_cut: &[Line], before_the_seal: &[Line]) {
        let (done, answer) = oneshot::channel();
        self.calls.send(Call::Checkpoint(done)).unwrap();
        let Some(Ask::Cut(keeper)) = self.pipeline.asks.recv().await else {
            panic!("a checkpoint is cut first")
        };
        let (reply, cut) = oneshot::channel();
        self.pipeline.answer(Ask::Cut(reply));
        self.write_all(after_the_cut).await;
        keeper.send(cut.await.unwrap()).unwrap();
        let seal = self.pipeline.asks.recv().await;
        assert!(matches!(seal, Some(Ask::Seal(_))), "{seal:?}");
        self.write_all(before_the_seal).await;
        self.pipeline.answer(seal.unwrap());
        answer.await.unwrap().unwrap();
    }

    fn available(&self, org: &str) -> Option<Credits> {
        self.pipeline.partition.book().read(org, |slot| slot.org.pools().next().unwrap().level())
    }

    /// Where the rows of an organization's events stand that are in runs, newest first.
    fn rows(&mut self, org: &str) -> Vec<u64> {
        let key = self.pipeline.partition.book().read(org, |slot| slot.key).unwrap();
        let head = self.pipeline.partition.history().shelf().head(key);
        let runs = Runs::open(&self.folder.join("history")).unwrap();
        let found = runs.newest(key, head, None, usize::MAX).unwrap();
        let events = found.into_iter().filter(|found| found.event.id != EventId::default());
        events.map(|found| found.event.position.seq).collect()
    }
}

/// A plan without ifs: a credit a message.
fn catalog() -> [Line; 2] {
    let subject = || "credits.commands._catalog".to_owned();
    let prices = json!({ "message": { "per_action": "1" } });
    [
        (subject(), json!({ "type": "rate_card.put", "id": "card", "version": 1, "prices": prices })),
        (subject(), json!({ "type": "plan.put", "id": "plan", "version": 1, "rate_card": "card" })),
    ]
}

/// An organization is made, with 100 credits.
fn made(org: &str) -> [Line; 2] {
    let subject = || format!("credits.commands.{org}");
    [
        (subject(), json!({ "type": "org.put", "plan": "plan" })),
        (subject(), json!({ "type": "grant", "id": "first", "amount": "100" })),
    ]
}

fn spent(org: &str, id: &str) -> Line {
    (format!("credits.events.{org}"), json!({ "type": "action", "id": id, "action": "message" }))
}

fn void(org: &str, id: &str) -> Line {
    let event = json!({ "type": "void", "id": format!("void {id}"), "voids": { "id": id } });
    (format!("credits.events.{org}"), event)
}

fn credits(whole: i64) -> Option<Credits> {
    Some(Credits::from_micros(whole * 1_000_000))
}

/// Organizations of all ages: made before the cut, between it and the encoding, and between that and the seal.
const AGES: [(&str, &[&str]); 3] = [("old", &["a", "b", "c"]), ("new", &["d", "e"]), ("newest", &["f"])];

/// Takes a checkpoint that catches each of [`AGES`] at another moment, and crashes.
async fn crash_after_a_checkpoint(folder: &Path) -> Scene {
    let mut scene = Scene::start(folder).await;
    let before = [&catalog()[..], &made("old"), &[spent("old", "a")]].concat();
    scene.write_all(&before).await;
    let after_the_cut = [&made("new")[..], &[spent("new", "d"), spent("old", "b")]].concat();
    let before_the_seal =
        [&made("newest")[..], &[spent("newest", "f"), spent("new", "e"), spent("old", "c")]].concat();
    scene.checkpoint(&after_the_cut, &before_the_seal).await;
    scene.crash().await
}

/// Every event is charged once, its repeat is known, and its void gives back what it took.
async fn everything_is_known(mut scene: Scene) {
    for (org, ids) in AGES {
        let rows = scene.rows(org);
        assert_eq!(rows.len(), ids.len(), "the rows of {org}: {rows:?}");
        assert!(rows.is_sorted_by(|newer, older| newer > older), "the rows of {org}: {rows:?}");
        let left = 100 - i64::try_from(ids.len()).unwrap();
        assert_eq!(scene.available(org), credits(left), "{org}");
        for (id, seq) in ids.iter().zip(rows.iter().rev()) {
            let position = format!("{seq}.0");
            let again = scene.write(&spent(org, id)).await;
            assert_eq!((&again["status"], &again["duplicate_of"]), (&json!("duplicate"), &json!(position)));
            let voided = scene.write(&void(org, id)).await;
            assert_eq!((&voided["status"], &voided["voids"]), (&json!("accepted"), &json!(position)));
        }
        assert_eq!(scene.available(org), credits(100), "{org}");
    }
}

#[tokio::test]
async fn what_a_base_was_overtaken_by_is_whole_after_a_crash() {
    let folder = tempdir().unwrap();
    let mut scene = crash_after_a_checkpoint(folder.path()).await;
    assert_eq!(
        [scene.available("old"), scene.available("new")],
        [credits(98), None],
        "what the base contains"
    );
    scene.catch_up().await;
    everything_is_known(scene).await;
}

/// The next checkpoint leads to the history by what the base said of it: replay wrote none of it again.
#[tokio::test]
async fn what_a_base_was_overtaken_by_is_whole_after_the_next_checkpoint_too() {
    let folder = tempdir().unwrap();
    let mut scene = crash_after_a_checkpoint(folder.path()).await;
    scene.catch_up().await;
    scene.checkpoint(&[], &[]).await;
    let scene = scene.crash().await;
    everything_is_known(scene).await;
}

#[tokio::test]
async fn a_checkpoint_during_a_replay_is_not_sealed_below_the_one_before() {
    let folder = tempdir().unwrap();
    let mut scene = Scene::start(folder.path()).await;
    let before = [&catalog()[..], &made("ahead"), &made("behind")].concat();
    scene.write_all(&before).await;
    let cut = scene.pipeline.position.seq;
    let ahead = ["a", "b"].map(|id| spent("ahead", id));
    let behind = ["c", "d", "e", "f"].map(|id| spent("behind", id));
    scene.checkpoint(&ahead, &behind).await;
    let sealed = scene.pipeline.position.clone();
    assert_eq!(sealed.seq, cut + 6);

    // Two of the four: the history has all of them.
    let mut scene = scene.crash().await;
    assert_eq!((scene.pipeline.position.seq, &scene.pipeline.sealed), (cut, &sealed));
    scene.apply_to(cut + 4).await;
    assert_eq!([scene.available("ahead"), scene.available("behind")], [credits(98), credits(98)]);
    scene.checkpoint(&[], &[]).await;

    let mut scene = scene.crash().await;
    assert_eq!((scene.pipeline.position.seq, &scene.pipeline.sealed), (cut + 4, &sealed));
    scene.catch_up().await;
    scene.checkpoint(&[], &[spent("behind", "g")]).await;
    assert_eq!(scene.rows("ahead"), [cut + 2, cut + 1]);
    assert_eq!(scene.rows("behind"), [cut + 7, cut + 6, cut + 5, cut + 4, cut + 3]);

    // Past the old seal, the new one is where the pipeline stood.
    let mut scene = scene.crash().await;
    assert_eq!((scene.pipeline.position.seq, scene.pipeline.sealed.seq), (cut + 6, cut + 7));
    scene.catch_up().await;
    assert_eq!([scene.available("ahead"), scene.available("behind")], [credits(98), credits(95)]);
}

/// A base that is taken while a replay goes on lacks the organizations that the replay has yet to make again; their rows are in
/// runs all the same, and are not written again.
#[tokio::test]
async fn what_a_replay_has_yet_to_make_again_is_whole_after_a_base() {
    let folder = tempdir().unwrap();
    let scene = crash_after_a_checkpoint(folder.path()).await;
    assert_eq!(scene.available("newest"), None);
    // A checkpoint that cannot be read is nothing to go on from: the next one is a base.
    let checkpoints = folder.path().join("checkpoints");
    std::fs::write(checkpoints.join("checkpoint-0000000099.ckp"), "of a broken disk").unwrap();
    let mut scene = scene.crash().await;
    // The keeper takes none where nothing happened since the last.
    let seq = scene.pipeline.position.seq;
    scene.apply_to(seq + 1).await;
    scene.checkpoint(&[], &[]).await;
    assert!(
        std::fs::read_dir(&checkpoints)
            .unwrap()
            .any(|entry| { entry.unwrap().file_name() == "checkpoint-0000000100.ckp" })
    );
    let mut scene = scene.crash().await;
    assert_eq!(scene.available("newest"), None);
    scene.catch_up().await;
    everything_is_known(scene).await;
}
