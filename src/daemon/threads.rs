//! The threads of a partition: the pipeline, the keeper behind it, and one that tends the cells.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use tokio::sync::{oneshot, watch};

use super::{DaemonError, Options};
use crate::book::cells::Tender;
use crate::book::desk::Desk;
use crate::book::keeper::Call;
use crate::book::pipeline::Pipeline;
use crate::book::recovery::{Recovered, Surroundings};
use crate::clock;
use crate::log::{Fingerprint, Log, LogError};

/// The threads that run.
pub(super) struct Threads {
    calls: Sender<Call>,
    keeper: JoinHandle<()>,
    pipeline: JoinHandle<()>,
    cells: JoinHandle<()>,
    /// Turned and dropped, it ends the thread of the cells.
    cells_end: (Arc<AtomicBool>, Sender<()>),
}

/// Starts the pipeline after the recovered position, and the keeper. Answers once the log can be read.
pub(super) async fn start(
    options: &Options,
    recovered: Recovered,
    desk: &Arc<Desk>,
    log: &Arc<dyn Log>,
    stop: watch::Receiver<bool>,
) -> Result<Threads, DaemonError> {
    let cut = recovered.cut.clone();
    desk.progress.start(cut.seq, log.extent().await?.last);
    desk.progress.beat(clock::now());
    let around = Surroundings {
        log: Arc::clone(log),
        outbox: Arc::clone(&desk.outbox),
        waiters: Arc::clone(desk.waiters()),
        metrics: desk.metrics.clone(),
        progress: Arc::clone(&desk.progress),
    };
    let (pipeline, mut keeper) = recovered.put_to_work(around, options.checkpoint_every, stop);
    keeper.keep =
        options.keep_history.map(|age| i32::try_from(age.as_secs().div_ceil(3_600)).unwrap_or(i32::MAX));
    desk.connect(&keeper);
    let ends = Arc::new(AtomicBool::new(false));
    let shelf = Arc::clone(&keeper.shelf);
    let tender = Tender { shelf, metrics: desk.metrics.clone(), ends: Arc::clone(&ends) };
    let (calls, called) = channel();
    let (opened, opening) = oneshot::channel();
    let thread = std::thread::Builder::new().name("pipeline".to_owned());
    let pipeline = thread.spawn(move || run_pipeline(pipeline, cut, opened)).map_err(DaemonError::Thread)?;
    match opening.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return Err(error.into()),
        Err(_) => return Err(LogError::Closed.into()),
    }
    let thread = std::thread::Builder::new().name("keeper".to_owned());
    let keeper = thread.spawn(move || keeper.run(&called)).map_err(DaemonError::Thread)?;
    let (wake, wakes) = channel();
    let thread = std::thread::Builder::new().name("cells".to_owned());
    let cells = thread.spawn(move || tender.run(&wakes)).map_err(DaemonError::Thread)?;
    Ok(Threads { calls, keeper, pipeline, cells, cells_end: (ends, wake) })
}

fn run_pipeline(pipeline: Pipeline, from: Fingerprint, opened: oneshot::Sender<Result<(), LogError>>) {
    let progress = Arc::clone(&pipeline.progress);
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return progress.fail(format!("the pipeline has no runtime: {error}")),
    };
    runtime.block_on(async {
        let reader = match pipeline.log.reader(from).await {
            Ok(reader) => reader,
            // Whoever started us is told, unless it is gone.
            Err(error) => return drop(opened.send(Err(error))),
        };
        drop(opened.send(Ok(())));
        if let Err(error) = pipeline.run(reader).await {
            tracing::error!(%error, "the pipeline stopped: balances stand still until the daemon is started again");
            progress.fail(error.to_string());
        }
    });
}

impl Threads {
    /// Waits until the keeper has taken its last checkpoint and the pipeline has ended.
    pub(super) async fn join(self) {
        drop(self.calls.send(Call::Stop));
        let (ends, wake) = self.cells_end;
        ends.store(true, Ordering::Release);
        drop(wake);
        let join = move || (self.keeper.join(), self.pipeline.join(), self.cells.join());
        let joined = tokio::task::spawn_blocking(join).await;
        if !matches!(joined, Ok((Ok(()), Ok(()), Ok(())))) {
            tracing::error!("a thread ended in a panic; the next start replays what it left");
        }
    }

    /// Takes a checkpoint now. Answers the record it was cut at.
    pub(super) async fn checkpoint(&self) -> Result<u64, String> {
        let (reply, answer) = oneshot::channel();
        let gone = || "the keeper has ended".to_owned();
        self.calls.send(Call::Checkpoint(reply)).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}
