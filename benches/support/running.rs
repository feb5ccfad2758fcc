//! A daemon inside the benchmark.

use std::path::Path;
use std::time::Duration;

use creditd::book::itemise::Itemise;
use creditd::daemon::{Access, Daemon, LogOptions, Options};
use creditd::http;
use creditd::log::{jetstream, local};
use creditd::nats::OutStream;
use creditd::notify::webhooks;
use creditd::store::history::Limits;

/// The settings of a daemon on a server of the benchmark.
pub fn over_nats(data: &Path, url: &str) -> Options {
    let access = jetstream::Access { urls: vec![url.to_owned()], ..jetstream::Access::default() };
    let log = Box::new(jetstream::Options { access, ..jetstream::Options::default() });
    let out = OutStream { name: "CREDIT_ALERTS".to_owned(), manage: true, replicas: 1 };
    options(data, LogOptions::JetStream { log, out, service: true })
}

/// The settings of a daemon on a log of its own.
pub fn embedded(data: &Path) -> Options {
    options(data, LogOptions::Local(local::Options::default()))
}

fn options(data: &Path, log: LogOptions) -> Options {
    Options {
        data: data.to_owned(),
        log,
        listen: ([127, 0, 0, 1], 0).into(),
        http: http::Options::default(),
        access: Access { open: true, open_metrics: true, provider: None },
        checkpoint_every: Duration::from_secs(10),
        history: Limits::default(),
        keep_history: None,
        itemise: Itemise::All,
        webhooks: webhooks::Options::default(),
        mail: None,
        catalog: Vec::new(),
        roll_back: false,
    }
}

/// Waits until a record is applied.
pub async fn applied(daemon: &Daemon, seq: u64) {
    while daemon.desk().progress.seq() < seq {
        tokio::time::sleep(Duration::from_micros(500)).await;
    }
}
