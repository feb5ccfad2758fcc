//! JetStream → charged, against the best bare consumer there is, which throws messages away: one after the other in
//! one run, so that the ratio holds on a noisy machine.

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

use creditd::clock::Stopwatch;
use creditd::daemon::Daemon;
use creditd::log::jetstream::{Access, JetStreamLog, Options};
use creditd::log::{Draft, Log};
use futures_util::{StreamExt, stream};

const ROUNDS: usize = 3;
const SINGLE: usize = 1_000_000;
const PACKED: usize = 30_000;
const PACK: usize = 100;

fn main() {
    if std::env::args().all(|a| a != "packed") {
        compare("one event a message, 200 bytes", SINGLE, 1);
    }
    compare("100 events a message", PACKED, PACK);
}

/// Loads a stream, then reads it bare and with the daemon, in turn.
fn compare(what: &str, messages: usize, batch: usize) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let server = nats::NatsServer::start();
    let last = runtime.block_on(preload(&server.url(), messages, batch));
    let (mut bare, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bare.push(messages as f64 / read_bare(&server.url(), last, if batch == 1 { 10_000 } else { 500 }));
        ours.push(messages as f64 / runtime.block_on(charge(&server.url(), last)));
    }
    let ratios: Vec<f64> = ours.iter().zip(&bare).map(|(ours, bare)| ours / bare).collect();
    let events = |rates: &[f64]| median(rates) * batch as f64 / 1e3;
    println!(
        "{what}: charged {:.0} k events/s, bare consumer {:.0} k events/s, ratio {:.2} (of {ratios:.2?})",
        events(&ours),
        events(&bare),
        median(&ratios)
    );
}

async fn preload(url: &str, messages: usize, batch: usize) -> u64 {
    let access = Access { urls: vec![url.to_owned()], ..Access::default() };
    let log = Arc::new(JetStreamLog::connect(Options { access, ..Options::default() }).await.unwrap());
    for draft in load::setup() {
        log.append(draft).await.unwrap();
    }
    let append = |draft: Draft| {
        let log = Arc::clone(&log);
        async move { log.append(draft).await.unwrap() }
    };
    let drafts = (0..messages).map(|n| load::message(n, batch));
    stream::iter(drafts).map(append).buffered(2_000).fold(0, |_, seq| async move { seq }).await
}

/// The daemon, from its first record to its last.
async fn charge(url: &str, last: u64) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(running::over_nats(folder.path(), url)).await.unwrap();
    running::applied(&daemon, 1).await;
    let watch = Stopwatch::start();
    running::applied(&daemon, last).await;
    let seconds = watch.elapsed().as_secs_f64();
    daemon.stop().await;
    seconds
}

/// A raw pull of so many at a time on a runtime of one thread, which throws everything away.
fn read_bare(url: &str, last: u64, pull: u64) -> f64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = async_nats::connect(url).await.unwrap();
        let config = async_nats::jetstream::consumer::pull::Config {
            ack_policy: async_nats::jetstream::consumer::AckPolicy::None,
            memory_storage: true,
            ..Default::default()
        };
        let stream = async_nats::jetstream::new(client.clone()).get_stream("CREDITS").await.unwrap();
        let consumer = stream.create_consumer(config).await.unwrap();
        let name = &consumer.cached_info().name;
        let subject = format!("$JS.API.CONSUMER.MSG.NEXT.CREDITS.{name}");
        let inbox = client.new_inbox();
        let mut messages = client.subscribe(inbox.clone()).await.unwrap();
        let request = format!(r#"{{"batch":{pull},"expires":30000000000}}"#);
        let ask = || client.publish_with_reply(subject.clone(), inbox.clone(), request.clone().into());
        let watch = Stopwatch::start();
        ask().await.unwrap();
        let (mut read, mut outstanding) = (0, pull);
        while read < last {
            let message = messages.next().await.unwrap();
            if message.status.is_some() {
                continue;
            }
            read += 1;
            outstanding -= 1;
            if outstanding <= pull / 2 {
                ask().await.unwrap();
                outstanding += pull;
            }
        }
        watch.elapsed().as_secs_f64()
    })
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
