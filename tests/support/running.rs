//! A whole daemon in this process: a real local log, the pipeline, the keeper and what tends the cells on threads of their own, HTTP on TCP.
#![expect(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use creditd::access::Gate;
use creditd::book::cells::Tender;
use creditd::book::desk::Desk;
use creditd::book::itemise::Itemise;
use creditd::book::keeper::{Call, Keeper};
use creditd::book::pipeline::Pipeline;
use creditd::book::progress::Progress;
use creditd::book::recovery::{Surroundings, recover};
use creditd::book::waiters::Waiters;
use creditd::clock;
use creditd::http;
use creditd::ledger::units::Timestamp;
use creditd::log::local::{LocalLog, Options};
use creditd::log::{Log, Reader};
use creditd::metrics::Metrics;
use creditd::notify::{Channels, webhooks};
use creditd::store::history::Limits;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};

/// A daemon on a free port of 127.0.0.1.
pub struct Running {
    /// Where it listens: `http://127.0.0.1:port`.
    pub url: String,
    /// What its faces work with.
    pub desk: Arc<Desk>,
    calls: Sender<Call>,
    stop: watch::Sender<bool>,
    threads: Vec<JoinHandle<()>>,
    hang_up: oneshot::Sender<()>,
    serving: tokio::task::JoinHandle<()>,
}

/// How a daemon is set up.
pub struct Setup {
    /// Who is let in; everybody where nothing is said.
    pub gate: Option<Gate>,
    /// What the log's clock shows.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// For how many hours the history is kept.
    pub keep: Option<i32>,
    /// Which charges it shows one by one.
    pub itemise: Itemise,
}

impl Default for Setup {
    fn default() -> Setup {
        Setup { gate: None, clock: Arc::new(clock::now), keep: None, itemise: Itemise::All }
    }
}

/// Runs a pipeline on a thread of its own.
fn on_a_thread(pipeline: Pipeline, reader: Box<dyn Reader>, progress: Arc<Progress>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        if let Err(error) = runtime.block_on(pipeline.run(reader)) {
            progress.fail(error.to_string());
        }
    })
}

/// What tends the cells, what tells it to end, and the line that it is on.
fn tender(keeper: &Keeper) -> (Tender, Arc<AtomicBool>, (Sender<()>, Receiver<()>)) {
    let (shelf, metrics) = (Arc::clone(&keeper.shelf), keeper.metrics.clone());
    let ends = Arc::new(AtomicBool::new(false));
    (Tender { shelf, metrics, ends: Arc::clone(&ends) }, ends, channel())
}

impl Running {
    /// Starts on a folder, from whatever is there. Everybody is let in.
    pub async fn start(folder: &Path, options: http::Options) -> Running {
        Running::start_behind(Gate::open(folder).unwrap(), folder, options).await
    }

    /// The same behind a gate.
    pub async fn start_behind(gate: Gate, folder: &Path, options: http::Options) -> Running {
        Running::start_as(Setup { gate: Some(gate), ..Setup::default() }, folder, options).await
    }

    /// The same, set up in a way.
    pub async fn start_as(setup: Setup, folder: &Path, options: http::Options) -> Running {
        let Setup { gate, clock: log_clock, keep, itemise } = setup;
        let gate = gate.unwrap_or_else(|| Gate::open(folder).unwrap());
        let (log, _) = LocalLog::open(&folder.join("log"), Options::default(), log_clock).unwrap();
        let log: Arc<dyn Log> = Arc::new(log);
        let last = log.extent().await.unwrap().last;
        let recovered = recover(folder, last + 1, Limits::default()).unwrap();
        let reader = log.reader(recovered.cut.clone()).await.unwrap();
        let progress = Arc::new(Progress::default());
        progress.start(recovered.cut.seq, last);
        let around = Surroundings {
            log,
            outbox: Arc::default(),
            waiters: Arc::new(Waiters::new(std::process::id())),
            metrics: Metrics::new().unwrap(),
            progress: Arc::clone(&progress),
        };
        let book = Arc::clone(recovered.partition.book());
        let (stop, stopping) = watch::channel(false);
        let every = Duration::from_secs(3_600);
        let (pipeline, mut keeper) = recovered.put_to_work(around.clone(), every, stopping);
        keeper.keep = keep;
        let Surroundings { log, outbox, waiters, metrics, .. } = around;
        let desk = Desk::new(book, log, waiters, Arc::clone(&progress), outbox, metrics);
        let desk = Arc::new(desk.itemising(itemise));
        desk.connect(&keeper);
        let pipeline = on_a_thread(pipeline, reader, progress);
        let (calls, inbox) = channel();
        let (tender, ends, (wake, wakes)) = tender(&keeper);
        let tender = std::thread::spawn(move || tender.run(&wakes));
        let keeper = std::thread::spawn(move || {
            keeper.run(&inbox);
            ends.store(true, Ordering::Release);
            drop(wake);
        });
        let channels = Channels::open(folder, webhooks::Options::default(), None).await.unwrap();
        let running =
            Running::face((desk, channels, gate), options, calls, stop, vec![keeper, pipeline, tender]).await;
        running.caught_up().await;
        running
    }

    /// Serves what runs.
    async fn face(
        (desk, channels, gate): (Arc<Desk>, Channels, Gate),
        options: http::Options,
        calls: Sender<Call>,
        stop: watch::Sender<bool>,
        threads: Vec<JoinHandle<()>>,
    ) -> Running {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (hang_up, hung_up) = oneshot::channel();
        let faced = Arc::clone(&desk);
        let gate = Arc::new(gate);
        let served = http::serve(listener, faced, channels, gate, options, async { drop(hung_up.await) });
        let serving = tokio::spawn(async move { served.await.unwrap() });
        Running { url, desk, calls, stop, threads, hang_up, serving }
    }

    async fn caught_up(&self) {
        for _ in 0..3_000 {
            if self.desk.ready(clock::now()).await.is_empty() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("not ready after 30 s: {:?}", self.desk.ready(clock::now()).await);
    }

    /// Ends the pipeline alone: what is written now is not applied.
    pub fn stop_applying(&self) {
        self.stop.send_replace(true);
    }

    /// Takes a checkpoint.
    pub async fn checkpoint(&self) {
        let (reply, answer) = oneshot::channel();
        self.calls.send(Call::Checkpoint(reply)).unwrap();
        answer.await.unwrap().unwrap();
    }

    /// Stops in order: HTTP, the pipeline, a last checkpoint.
    pub async fn stop(self) {
        self.hang_up.send(()).unwrap();
        self.serving.await.unwrap();
        self.stop.send_replace(true);
        self.calls.send(Call::Stop).unwrap();
        let threads = self.threads;
        let joined = tokio::task::spawn_blocking(|| threads.into_iter().for_each(|t| t.join().unwrap()));
        joined.await.unwrap();
    }
}
