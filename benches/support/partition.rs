//! A pipeline, a keeper and a tender of cells over a log whose clock the benchmark sets, behind HTTP: months of events in a minute.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use creditd::access::Gate;
use creditd::book::cells::Tender;
use creditd::book::desk::Desk;
use creditd::book::keeper::Call;
use creditd::book::progress::Progress;
use creditd::book::recovery::{Surroundings, recover};
use creditd::book::waiters::Waiters;
use creditd::clock;
use creditd::http;
use creditd::ledger::units::Timestamp;
use creditd::log::local::{LocalLog, Options};
use creditd::log::{Draft, Log};
use creditd::metrics::Metrics;
use creditd::notify::{Channels, webhooks};
use creditd::store::history::Limits;
use futures_util::{StreamExt, stream};
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};

/// A partition at work.
pub struct AtWork {
    /// Where it listens.
    pub url: String,
    /// What asks there.
    pub client: reqwest::Client,
    /// What its face works with.
    pub desk: Arc<Desk>,
    /// The log.
    pub log: Arc<dyn Log>,
    clock: Arc<AtomicI64>,
    calls: Sender<Call>,
    stop: watch::Sender<bool>,
    ends: Arc<AtomicBool>,
    wake: Sender<()>,
    threads: Vec<JoinHandle<()>>,
    hang_up: oneshot::Sender<()>,
    serving: tokio::task::JoinHandle<()>,
}

/// Says that the log's clock runs.
const RUNS: i64 = i64::MIN;
/// So many records are on their way into the log at once.
const UNDER_WAY: usize = 2_000;

impl AtWork {
    /// Starts on a folder, with the log's clock at that instant.
    pub async fn start(folder: &Path, begin: Timestamp) -> AtWork {
        let clock = Arc::new(AtomicI64::new(begin.micros()));
        let shown = Arc::clone(&clock);
        let now = Arc::new(move || match shown.load(Ordering::Relaxed) {
            RUNS => clock::now(),
            instant => Timestamp::from_micros(instant),
        });
        let (log, _) = LocalLog::open(&folder.join("log"), Options::default(), now).unwrap();
        let log: Arc<dyn Log> = Arc::new(log);
        let last = log.extent().await.unwrap().last;
        let recovered = recover(folder, last + 1, Limits::default()).unwrap();
        let reader = log.reader(recovered.cut.clone()).await.unwrap();
        let progress = Arc::new(Progress::default());
        progress.start(recovered.cut.seq, last);
        let around = Surroundings {
            log: Arc::clone(&log),
            outbox: Arc::default(),
            waiters: Arc::new(Waiters::new(std::process::id())),
            metrics: Metrics::new().unwrap(),
            progress: Arc::clone(&progress),
        };
        let book = Arc::clone(recovered.partition.book());
        let (stop, stopping) = watch::channel(false);
        let (pipeline, keeper) = recovered.put_to_work(around.clone(), Duration::from_secs(10), stopping);
        let Surroundings { outbox, waiters, metrics, .. } = around;
        let desk = Arc::new(Desk::new(book, Arc::clone(&log), waiters, progress, outbox, metrics.clone()));
        desk.connect(&keeper);
        let ends = Arc::new(AtomicBool::new(false));
        let tender = Tender { shelf: Arc::clone(&keeper.shelf), metrics, ends: Arc::clone(&ends) };
        let (calls, called) = channel();
        let (wake, wakes) = channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let threads = vec![
            std::thread::spawn(move || runtime.block_on(pipeline.run(reader)).unwrap()),
            std::thread::spawn(move || keeper.run(&called)),
            std::thread::spawn(move || tender.run(&wakes)),
        ];
        let channels = Channels::open(folder, webhooks::Options::default(), None).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (hang_up, hung_up) = oneshot::channel();
        let shutdown = async { drop(hung_up.await) };
        let (face, gate) = (Arc::clone(&desk), Arc::new(Gate::open(folder).unwrap()));
        let served = http::serve(listener, face, channels, gate, http::Options::default(), shutdown);
        let serving = tokio::spawn(async move { served.await.unwrap() });
        let client = reqwest::Client::new();
        AtWork { url, client, desk, log, clock, calls, stop, ends, wake, threads, hang_up, serving }
    }

    /// What the log's clock shows from now on, until it is set again.
    pub fn set_clock(&self, now: Timestamp) {
        self.clock.store(now.micros(), Ordering::Relaxed);
    }

    /// From now on the log's clock shows the time.
    pub fn let_clock_run(&self) {
        self.clock.store(RUNS, Ordering::Relaxed);
    }

    /// Appends records, in any order, and waits until they are applied.
    pub async fn append(&self, drafts: impl IntoIterator<Item = Draft>) {
        let append = |draft| async { self.log.append(draft).await.unwrap() };
        let last = stream::iter(drafts.into_iter().map(append))
            .buffer_unordered(UNDER_WAY)
            .fold(0, |last, seq| async move { seq.max(last) })
            .await;
        while self.desk.progress.seq() < last {
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
    }

    /// Takes a checkpoint.
    pub async fn checkpoint(&self) {
        let (reply, answer) = oneshot::channel();
        self.calls.send(Call::Checkpoint(reply)).unwrap();
        answer.await.unwrap().unwrap();
    }

    /// Waits until nothing is left to merge.
    pub async fn tended(&self) {
        let mut before = None;
        let mut same = 0;
        while same < 3 {
            tokio::time::sleep(Duration::from_millis(700)).await;
            let size = self.desk.cells().map(|cells| cells.size());
            same = if size == before { same + 1 } else { 0 };
            before = size;
        }
    }

    /// Stops in order: HTTP, the pipeline, a last checkpoint.
    pub async fn stop(self) {
        self.hang_up.send(()).unwrap();
        self.serving.await.unwrap();
        self.stop.send_replace(true);
        self.calls.send(Call::Stop).unwrap();
        self.ends.store(true, Ordering::Release);
        drop(self.wake);
        let threads = self.threads;
        tokio::task::spawn_blocking(|| threads.into_iter().for_each(|thread| thread.join().unwrap()))
            .await
            .unwrap();
    }
}
