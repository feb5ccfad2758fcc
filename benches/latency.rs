//! Event published → balance shows it, and → alert published, over a real NATS: idle, and while other events come in.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "a benchmark prints, and fails loudly"
)]

#[path = "support/load.rs"]
pub mod load;
#[path = "../tests/support/nats.rs"]
pub mod nats;
#[path = "support/running.rs"]
pub mod running;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use creditd::clock::Stopwatch;
use creditd::daemon::Daemon;
use creditd::ledger::units::Position;
use creditd::log::jetstream::{Access, JetStreamLog, Options};
use creditd::log::{Draft, Log};
use futures_util::{StreamExt, future::join_all};
use hdrhistogram::Histogram;

const PROBES: usize = 2_000;
/// Messages a second of the load beside the probes, of ten events each.
const LOAD: u64 = 5_000;
const BATCH: usize = 10;

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
    for draft in load::setup() {
        log.append(draft).await.unwrap();
    }
    for n in 0..2 * PROBES {
        let text = r#"[{"type":"org.put","data":{"plan":"bench","overrides":{"alerts":[{"below":"5"}]}}},{"type":"grant","data":{"amount":"5.5"}}]"#;
        log.append(draft(format!("credits.commands.probe-{n}"), text.to_owned())).await.unwrap();
    }
    probe("idle", &daemon, &log, 0).await;
    let (going, sent) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicU64::new(0)));
    let load = tokio::spawn(keep_loading(Arc::clone(&log), Arc::clone(&going), Arc::clone(&sent)));
    let watch = Stopwatch::start();
    probe("under load", &daemon, &log, PROBES).await;
    println!(
        "the load was {:.0} k events/s",
        sent.load(Ordering::Relaxed) as f64 / watch.elapsed().as_secs_f64() / 1e3
    );
    going.store(false, Ordering::Relaxed);
    load.await.unwrap();
    daemon.stop().await;
}

fn draft(subject: String, text: String) -> Draft {
    Draft { subject, payload: text.into(), ..Draft::default() }
}

/// Sends one event at a time that crosses a threshold, and waits for its balance and its alert.
async fn probe(what: &str, daemon: &Daemon, log: &JetStreamLog, first: usize) {
    let mut alerts = log.client().subscribe("credits.alerts.>").await.unwrap();
    let client = log.client();
    client.flush().await.unwrap();
    let (mut balance, mut alert) = (
        Histogram::<u64>::new_with_bounds(1, 60_000_000_000, 3).unwrap(),
        Histogram::<u64>::new_with_bounds(1, 60_000_000_000, 3).unwrap(),
    );
    for n in first..first + PROBES {
        let org = format!("probe-{n}");
        let book = &daemon.desk().book;
        let before = loop {
            // The grant of the setup must be there first.
            match book.read(&org, |slot| slot.org.position()) {
                Some(position) if position.item == 1 => break position,
                _ => tokio::time::sleep(Duration::from_millis(1)).await,
            }
        };
        let event = format!(r#"{{"type":"action","id":"probe-{n}","action":"email_sent"}}"#);
        let watch = Stopwatch::start();
        client.publish(format!("credits.events.{org}"), event.into()).await.unwrap();
        let charged = |position: Position| position > before;
        while !book.read(&org, |slot| charged(slot.org.position())).unwrap() {
            // This is the main thread, no worker: it sleeps, so that it takes no core from those it measures.
            std::thread::sleep(Duration::from_micros(20));
        }
        balance.saturating_record(u64::try_from(watch.elapsed().as_nanos()).unwrap());
        let message = alerts.next().await.unwrap();
        assert!(message.subject.contains(&org));
        alert.saturating_record(u64::try_from(watch.elapsed().as_nanos()).unwrap());
        tokio::time::sleep(Duration::from_micros(200)).await;
    }
    for (to, latencies) in [("balance shows it", balance), ("alert published", alert)] {
        let ms = |share| latencies.value_at_quantile(share) as f64 / 1e6;
        println!(
            "{what}: event published → {to}: p50 {:.2} ms p99 {:.2} ms max {:.2} ms",
            ms(0.5),
            ms(0.99),
            ms(1.0)
        );
    }
}

/// Publishes events at a steady rate.
async fn keep_loading(log: Arc<JetStreamLog>, going: Arc<AtomicBool>, sent: Arc<AtomicU64>) {
    let watch = Stopwatch::start();
    let mut n: usize = 10_000_000;
    let mut messages = 0;
    while going.load(Ordering::Relaxed) {
        let due = u64::try_from(watch.elapsed().as_millis()).unwrap() * LOAD / 1_000;
        let appends = (messages..due).map(|_| {
            n += 1;
            log.append(load::message(n, BATCH))
        });
        let appends: Vec<_> = appends.collect();
        sent.fetch_add((appends.len() * BATCH) as u64, Ordering::Relaxed);
        messages = due;
        join_all(appends).await;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
