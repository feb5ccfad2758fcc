//! A balance over HTTP while events come in flat out, against a bare handler that answers as many bytes, in the same
//! process under the same load, in turn.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints, and fails loudly")]

#[path = "support/load.rs"]
pub mod load;
#[path = "support/running.rs"]
pub mod running;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use creditd::book::desk::{Desk, Wait};
use creditd::clock::Stopwatch;
use creditd::daemon::Daemon;
use creditd::wire::Subject;
use futures_util::future::join_all;
use hdrhistogram::Histogram;

const CLIENTS: usize = 8;
const REQUESTS: usize = 20_000;
const ROUNDS: usize = 3;
const WRITERS: usize = 4;
const BATCH: usize = 100;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(measure());
}

async fn measure() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(running::embedded(folder.path())).await.unwrap();
    for draft in load::setup() {
        let subject = Subject::parse(&draft.subject).unwrap();
        daemon.desk().submit(subject, None, draft.payload, Wait::Durable).await.unwrap();
    }
    let balance = format!("http://{}/v1/orgs/org-7/balance", daemon.address());
    let body = reqwest::get(&balance).await.unwrap().bytes().await.unwrap();
    let bytes = body.len();
    let bare =
        Router::new().route("/", get(move || async move { ([(CONTENT_TYPE, "application/json")], body) }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let bare_url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, bare).await });

    let (going, written) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicU64::new(0)));
    let writers: Vec<_> = (0..WRITERS)
        .map(|n| tokio::spawn(write(Arc::clone(daemon.desk()), n, Arc::clone(&going), Arc::clone(&written))))
        .collect();
    let (watch, before) = (Stopwatch::start(), written.load(Ordering::Relaxed));
    for round in 0..ROUNDS {
        let theirs = ask(&bare_url).await;
        let ours = ask(&balance).await;
        let ratio = |share: f64| us(&ours, share) / us(&theirs, share);
        println!(
            "round {round}, {bytes} bytes: balance p50 {:.0} µs p99 {:.0} µs; bare handler p50 {:.0} µs p99 {:.0} µs; ratio p50 {:.2} p99 {:.2}",
            us(&ours, 0.5),
            us(&ours, 0.99),
            us(&theirs, 0.5),
            us(&theirs, 0.99),
            ratio(0.5),
            ratio(0.99)
        );
    }
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    let rate = (written.load(Ordering::Relaxed) - before) as f64 / watch.elapsed().as_secs_f64();
    println!("meanwhile {:.0} k events/s were appended and charged", rate / 1e3);
    going.store(false, Ordering::Relaxed);
    join_all(writers).await;
    daemon.stop().await;
}

/// Appends events as fast as they are applied.
async fn write(desk: Arc<Desk>, writer: usize, going: Arc<AtomicBool>, written: Arc<AtomicU64>) {
    let mut n = writer;
    while going.load(Ordering::Relaxed) {
        let draft = load::message(n, BATCH);
        let subject = Subject::parse(&draft.subject).unwrap();
        desk.submit(subject, None, draft.payload, Wait::Applied(Duration::from_secs(10))).await.unwrap();
        written.fetch_add(BATCH as u64, Ordering::Relaxed);
        n += WRITERS;
    }
}

/// The latencies of requests over a few connections that stay open.
async fn ask(url: &str) -> Histogram<u64> {
    let clients = (0..CLIENTS).map(|_| async {
        let client = reqwest::Client::new();
        let mut latencies = Histogram::<u64>::new_with_bounds(1, 60_000_000_000, 3).unwrap();
        for _ in 0..REQUESTS / CLIENTS {
            let watch = Stopwatch::start();
            let response = client.get(url).send().await.unwrap();
            assert!(response.status().is_success());
            response.bytes().await.unwrap();
            latencies.saturating_record(u64::try_from(watch.elapsed().as_nanos()).unwrap());
        }
        latencies
    });
    let mut all = Histogram::<u64>::new_with_bounds(1, 60_000_000_000, 3).unwrap();
    for latencies in join_all(clients).await {
        all.add(latencies).unwrap();
    }
    all
}

#[expect(clippy::cast_precision_loss, reason = "nanoseconds far below 2^52")]
fn us(latencies: &Histogram<u64>, share: f64) -> f64 {
    latencies.value_at_quantile(share) as f64 / 1e3
}
