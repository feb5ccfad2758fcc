//! The daemon: started in the order in which an event flows, stopped in reverse.

mod faces;
pub mod identity;
mod lineage;
mod notify;
mod threads;

use std::fs::{File, TryLockError};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::access::{AccessError, Gate, Provider, ProviderOptions};
use crate::book::desk::Desk;
use crate::book::itemise::Itemise;
use crate::book::outbox::Outbox;
use crate::book::progress::Progress;
use crate::book::waiters::Waiters;
use crate::clock::{self, Stopwatch};
use crate::config::Mail;
use crate::http::{self, Tls, TlsError};
use crate::log::jetstream::{self, JetStreamLog};
use crate::log::local::{self, LocalLog};
use crate::log::{Lineage, Log, LogError};
use crate::metrics::{Metrics, MetricsError};
use crate::nats::{self, OutStream};
use crate::notify::{Channels, ChannelsError, webhooks};
use crate::store::StoreError;
use crate::store::history::Limits;
use threads::Threads;

/// What the daemon is to do; everything in it is checked.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder of everything on disk.
    pub data: PathBuf,
    /// Where entries come from.
    pub log: LogOptions,
    /// Where HTTP is served.
    pub listen: SocketAddr,
    /// How HTTP is served.
    pub http: http::Options,
    /// Who is let in there.
    pub access: Access,
    /// The time between two checkpoints.
    pub checkpoint_every: Duration,
    /// How much history is gathered before it is written.
    pub history: Limits,
    /// For how long it is kept; for ever where nothing is said.
    pub keep_history: Option<Duration>,
    /// Which charges it shows one by one.
    pub itemise: Itemise,
    /// How webhooks are delivered.
    pub webhooks: webhooks::Options,
    /// Where mail is handed over, if anywhere.
    pub mail: Option<Mail>,
    /// Catalog commands to be appended where they are missing.
    pub catalog: Vec<String>,
    /// On a log that is not the one of the newest checkpoint: go back to the newest one that is of this log.
    pub roll_back: bool,
}

/// Who is let in over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Whether those who show no token are.
    pub open: bool,
    /// Whether the metrics are for everybody.
    pub open_metrics: bool,
    /// An identity provider whose tokens are taken too.
    pub provider: Option<ProviderOptions>,
}

/// Where entries come from.
#[derive(Clone, Debug)]
pub enum LogOptions {
    /// A log of our own, in the data folder.
    Local(local::Options),
    /// A JetStream stream; alerts go to another, and a service answers.
    JetStream {
        /// The stream of entries.
        log: Box<jetstream::Options>,
        /// The stream of alerts and refusals.
        out: OutStream,
        /// Whether the service answers.
        service: bool,
    },
}

/// Why the daemon could not start.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The data folder is somebody else's or cannot be used.
    #[error("the data folder {path}: {why}")]
    Data {
        /// The folder.
        path: PathBuf,
        /// What is wrong, and what to do.
        why: String,
    },
    /// The log is not the one the balances came from.
    #[error(
        "{0}. Balances would no longer match the log. If it was restored or replaced on purpose, start once with --roll-back: the newest checkpoint of this log is taken and the rest replayed from it"
    )]
    Lineage(Lineage),
    /// The log cannot be used.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What tells those who asked to be told cannot be opened.
    #[error(transparent)]
    Channels(#[from] ChannelsError),
    /// Who is let in cannot be known.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The address cannot be listened on.
    #[error("{address} cannot be listened on: {source}; choose another with http.listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A metric's name is wrong.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// A thread cannot be started.
    #[error("a thread cannot be started: {0}")]
    Thread(io::Error),
}

/// A daemon that runs.
pub struct Daemon {
    address: SocketAddr,
    desk: Arc<Desk>,
    channels: Channels,
    tls: Option<Arc<Tls>>,
    threads: Threads,
    stop_faces: watch::Sender<bool>,
    stop_pipeline: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    /// Holds the data folder against a second process.
    _lock: File,
}

impl Daemon {
    /// Starts: disk, log, recovery, pipeline, keeper, then the faces.
    ///
    /// # Errors
    /// [`DaemonError`], naming what to do.
    pub async fn start(options: Options) -> Result<Daemon, DaemonError> {
        let lock = lock(&options.data)?;
        let address = options.listen;
        let refused = |source| DaemonError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let Access { open, open_metrics, provider } = options.access.clone();
        let provider = provider.map(Provider::new);
        let gate = Arc::new(Gate { open, open_metrics, provider, ..Gate::shut(&options.data)? });
        let metrics = Metrics::new()?;
        let (log, client) = open_log(&options).await?;
        let recovered = lineage::recover_checked(&options, &log).await?;
        metrics.resume(recovered.partition.book().tally(), &recovered.partition.commons().stray);
        let desk = Desk::new(
            Arc::clone(recovered.partition.book()),
            Arc::clone(&log),
            Arc::new(Waiters::new(process_token())),
            Arc::new(Progress::default()),
            Arc::new(Outbox::default()),
            metrics,
        );
        let desk = Arc::new(desk.itemising(options.itemise));
        let channels = Channels::open(&options.data, options.webhooks.clone(), options.mail.as_ref()).await?;
        let (stop_pipeline, stopped) = watch::channel(false);
        let threads = threads::start(&options, recovered, &desk, &log, stopped).await?;
        let (stop_faces, stopped) = watch::channel(false);
        let faces = faces::Faces { client, listener, channels: channels.clone(), gate };
        let tasks = faces::start(&options, &desk, &log, faces, &stopped);
        let tls = options.http.tls.clone();
        Ok(Daemon { address, desk, channels, tls, threads, stop_faces, stop_pipeline, tasks, _lock: lock })
    }

    /// Where HTTP is served.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Reads again what is read from files that may be renewed: the certificate of HTTP.
    ///
    /// # Errors
    /// Why it cannot be used; the one of before stays in force.
    pub fn reload(&self) -> Result<(), TlsError> {
        self.tls.as_ref().map_or(Ok(()), |tls| tls.reload())
    }

    /// What the faces work with.
    #[must_use]
    pub fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }

    /// Takes a checkpoint now. Answers how long it took.
    ///
    /// # Errors
    /// Why it could not be taken.
    pub async fn checkpoint(&self) -> Result<Duration, String> {
        let watch = Stopwatch::start();
        self.threads.checkpoint().await?;
        Ok(watch.elapsed())
    }

    /// Waits until the pipeline stops by itself, and says why.
    pub async fn failed(&self) -> String {
        loop {
            if let Some(why) = self.desk.progress.failure() {
                return why;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Stops the faces, then the pipeline, then the keeper, which takes a last checkpoint; then the webhooks under way.
    pub async fn stop(self) {
        self.stop_faces.send_replace(true);
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::warn!(%error, "a face did not end well");
            }
        }
        self.stop_pipeline.send_replace(true);
        self.threads.join().await;
        close(&self.channels.webhooks).await;
    }
}

/// How long webhooks that are under way at the stop may take. One that takes longer is sent again after the next start.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);

async fn close(webhooks: &webhooks::Webhooks) {
    match tokio::time::timeout(CLOSE_WITHIN, webhooks.close()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "webhooks that were delivered last may be sent again"),
        Err(_) => {
            tracing::info!("webhooks that are under way are broken off, and sent again after the next start")
        }
    }
}

/// Holds a data folder against other processes for as long as the file is open.
///
/// # Errors
/// [`DaemonError::Data`] where another process holds it, or it cannot be written.
pub fn lock(data: &Path) -> Result<File, DaemonError> {
    let failed = |why: String| DaemonError::Data { path: data.to_owned(), why };
    std::fs::create_dir_all(data).map_err(|e| failed(format!("cannot be made: {e}; check data.folder")))?;
    let file = File::create(data.join("lock")).map_err(|e| failed(format!("cannot be written: {e}")))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(failed("another creditd works in it; stop that one first".to_owned()))
        }
        Err(TryLockError::Error(e)) => Err(failed(format!("cannot be locked: {e}"))),
    }
}

async fn open_log(options: &Options) -> Result<(Arc<dyn Log>, Option<nats::Client>), DaemonError> {
    match &options.log {
        LogOptions::Local(local) => {
            let (log, report) = LocalLog::open(&options.data.join("log"), *local, Arc::new(clock::now))?;
            if let Some(torn) = &report.torn {
                tracing::warn!(?torn, "the log ended in a write that was never finished; it was cut off");
            }
            Ok((Arc::new(log), None))
        }
        LogOptions::JetStream { log, .. } => {
            let log = JetStreamLog::connect(log.as_ref().clone()).await?;
            let client = log.client();
            Ok((Arc::new(log), Some(client)))
        }
    }
}

/// Tells this process from earlier ones: the clock's microseconds, folded.
fn process_token() -> u32 {
    let bytes = clock::now().micros().to_le_bytes();
    crc32fast::hash(&[&bytes[..], &std::process::id().to_le_bytes()].concat())
}
