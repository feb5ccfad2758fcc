//! May this call start? Asked over NATS while events come in flat out, against a bare echo service that answers as many bytes, in the
//! same process under the same load, in turn.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints, and fails loudly")]

#[path = "support/load.rs"]
pub mod load;
#[path = "../tests/support/nats.rs"]
pub mod nats;
#[path = "support/running.rs"]
pub mod running;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_nats::service::ServiceExt;
use bytes::Bytes;
use creditd::clock::Stopwatch;
use creditd::daemon::Daemon;
use creditd::log::Log;
use creditd::log::jetstream::{Access, JetStreamLog, Options};
use futures_util::StreamExt;
use futures_util::future::join_all;
use hdrhistogram::Histogram;

const CLIENTS: usize = 8;
const REQUESTS: usize = 8_000;
const ROUNDS: usize = 3;
const WRITERS: usize = 4;
const BATCH: usize = 100;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(measure());
}

async fn measure() {
    let server = nats::NatsServer::start();
    let folder = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(running::over_nats(folder.path(), &server.url())).await.unwrap();
    let access = Access { urls: vec![server.url()], ..Access::default() };
    let log = Arc::new(JetStreamLog::connect(Options { access, ..Options::default() }).await.unwrap());
    let mut last = 0;
    for draft in load::setup() {
        last = log.append(draft).await.unwrap();
    }
    running::applied(&daemon, last).await;
    let client = async_nats::connect(server.url()).await.unwrap();
    let answer = client.request("creditd.authorize.org-1", call(usize::MAX)).await.unwrap().payload;
    println!("an answer: {}", String::from_utf8_lossy(&answer));
    let echo = async_nats::connect(server.url()).await.unwrap();
    tokio::spawn(serve_echo(echo, answer));

    for loaded in [false, true] {
        let (going, written) = (Arc::new(AtomicBool::new(loaded)), Arc::new(AtomicU64::new(0)));
        let writers: Vec<_> = (0..WRITERS)
            .map(|n| tokio::spawn(write(Arc::clone(&log), n, Arc::clone(&going), Arc::clone(&written))))
            .collect();
        let watch = Stopwatch::start();
        for round in 0..ROUNDS {
            let theirs = ask(&server.url(), "echo", round).await;
            let ours = ask(&server.url(), "creditd.authorize", round + 100 * usize::from(loaded)).await;
            let ratio = |share: f64| us(&ours, share) / us(&theirs, share);
            println!(
                "{}, round {round}: authorize p50 {:.0} µs p99 {:.0} µs; bare echo service p50 {:.0} µs p99 {:.0} µs; ratio p50 {:.2} p99 {:.2}",
                if loaded { "under load" } else { "idle" },
                us(&ours, 0.5),
                us(&ours, 0.99),
                us(&theirs, 0.5),
                us(&theirs, 0.99),
                ratio(0.5),
                ratio(0.99)
            );
        }
        #[expect(clippy::cast_precision_loss, reason = "a rate")]
        let rate = written.load(Ordering::Relaxed) as f64 / watch.elapsed().as_secs_f64();
        println!("meanwhile {:.0} k events/s were appended", rate / 1e3);
        going.store(false, Ordering::Relaxed);
        join_all(writers).await;
    }
    daemon.stop().await;
}

fn call(n: usize) -> Bytes {
    format!(r#"{{"source":"sbc","call_id":"call-{n}","direction":"outbound","destination":"+4930123456","user":"user-7"}}"#).into()
}

/// Answers every request with the same bytes.
async fn serve_echo(client: async_nats::Client, answer: Bytes) {
    let service = client.service_builder().start("echo", "0.0.1").await.unwrap();
    let mut endpoint = service.endpoint("echo.*").await.unwrap();
    while let Some(request) = endpoint.next().await {
        request.respond(Ok(answer.clone())).await.unwrap();
    }
}

/// Appends events as fast as the log takes them, a few messages at a time.
async fn write(log: Arc<JetStreamLog>, writer: usize, going: Arc<AtomicBool>, written: Arc<AtomicU64>) {
    let mut n = writer;
    while going.load(Ordering::Relaxed) {
        let appends = (0..16).map(|_| {
            n += WRITERS;
            log.append(load::message(n, BATCH))
        });
        let appends: Vec<_> = appends.collect();
        for appended in join_all(appends).await {
            appended.unwrap();
            written.fetch_add(BATCH as u64, Ordering::Relaxed);
        }
    }
}

/// The latencies of requests over a few connections, for organizations one after the other.
async fn ask(url: &str, subject: &str, round: usize) -> Histogram<u64> {
    let clients = (0..CLIENTS).map(|client| async move {
        let connection = async_nats::connect(url).await.unwrap();
        let mut latencies = Histogram::<u64>::new_with_bounds(1, 60_000_000_000, 3).unwrap();
        for n in 0..REQUESTS / CLIENTS {
            let org = (n * CLIENTS + client) % load::ORGS;
            let watch = Stopwatch::start();
            let id = call((round * REQUESTS + n) * CLIENTS + client);
            let answer = connection.request(format!("{subject}.org-{org}"), id).await.unwrap();
            latencies.saturating_record(u64::try_from(watch.elapsed().as_nanos()).unwrap());
            assert!(answer.payload.starts_with(br#"{"allowed":true"#), "{answer:?}");
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
