//! A million organizations: what a checkpoint of all of them does to events meanwhile, how long a restart takes, and what
//! an organization weighs.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "a benchmark prints, and fails loudly"
)]

#[path = "support/load.rs"]
pub mod load;
#[path = "support/running.rs"]
pub mod running;

use std::time::Duration;

use bytes::Bytes;
use creditd::book::desk::Wait;
use creditd::clock::Stopwatch;
use creditd::daemon::Daemon;
use creditd::wire::Subject;
use futures_util::{StreamExt, stream};
use hdrhistogram::Histogram;

const ORGS: usize = 1_000_000;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(measure());
}

async fn measure() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = running::embedded(folder.path());
    options.checkpoint_every = Duration::from_secs(3_600);
    let daemon = Daemon::start(options.clone()).await.unwrap();
    for draft in load::setup().into_iter().take(2) {
        submit(&daemon, &draft.subject, draft.payload).await;
    }
    let empty = resident();
    let watch = Stopwatch::start();
    let make = |n: usize| {
        let (daemon, subject) = (&daemon, format!("credits.commands.big-{n}"));
        let commands = concat!(
            r#"{"type":"org.put","data":{"plan":"bench"}}"#,
            "\n",
            r#"{"type":"grant","data":{"amount":"1000"}}"#
        );
        async move { submit(daemon, &subject, Bytes::from_static(commands.as_bytes())).await }
    };
    stream::iter((0..ORGS).map(make)).buffer_unordered(4_000).for_each(|()| async {}).await;
    println!("{ORGS} organizations made in {:.1} s", watch.elapsed().as_secs_f64());
    println!("resident memory: {:.0} B an organization", (resident() - empty) as f64 / ORGS as f64);

    let quiet = events(&daemon, 0, Duration::from_secs(3)).await;
    let checkpoint = daemon.checkpoint();
    let (busy, took) = tokio::join!(events(&daemon, 1_000_000, Duration::from_secs(3)), checkpoint);
    println!("checkpoint of all of them, all dirty: {:.2} s", took.unwrap().as_secs_f64());
    for (what, latencies) in [("without a checkpoint", &quiet), ("during the checkpoint", &busy)] {
        println!(
            "one event after the other, sent → charged, {what}: p50 {:.2} ms p99 {:.2} ms max {:.2} ms of {}",
            ms(latencies, 0.5),
            ms(latencies, 0.99),
            ms(latencies, 1.0),
            latencies.len()
        );
    }
    daemon.stop().await;

    let watch = Stopwatch::start();
    let daemon = Daemon::start(options).await.unwrap();
    while !daemon.desk().progress.is_caught_up() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    println!(
        "restart with {} organizations: ready after {:.2} s",
        daemon.desk().book.len(),
        watch.elapsed().as_secs_f64()
    );
    daemon.stop().await;
}

async fn submit(daemon: &Daemon, subject: &str, payload: Bytes) {
    let subject = Subject::parse(subject).unwrap();
    daemon.desk().submit(subject, None, payload, Wait::Applied(Duration::from_secs(60))).await.unwrap();
}

/// Sends events one after the other, each to another organization.
async fn events(daemon: &Daemon, first: usize, span: Duration) -> Histogram<u64> {
    let mut latencies = Histogram::<u64>::new_with_bounds(1, 60_000_000_000, 3).unwrap();
    let whole = Stopwatch::start();
    let mut n = first;
    while whole.elapsed() < span {
        let subject = format!("credits.events.big-{}", n * 7_919 % ORGS);
        let payload = load::message(n, 1).payload;
        let watch = Stopwatch::start();
        submit(daemon, &subject, payload).await;
        latencies.saturating_record(u64::try_from(watch.elapsed().as_nanos()).unwrap());
        n += 1;
    }
    latencies
}

fn ms(latencies: &Histogram<u64>, share: f64) -> f64 {
    latencies.value_at_quantile(share) as f64 / 1e6
}

/// The resident memory of this process, in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1_024
}
