//! Usage: how long an answer takes, from cells and from rows, alone and while events are taken flat out; and what the cells cost
//! the keeper.
//!
//! `cargo bench --bench usage -- year` asks one organization about a year with 2,000 combinations of dimensions a day, `-- many` 100,000
//! organizations with a few rows each, `-- keeper` writes runs with and without cells. All three without an argument.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "a benchmark prints, and fails loudly"
)]

#[path = "usage/ask.rs"]
pub mod ask;
#[path = "usage/keeper.rs"]
pub mod keeper;
#[path = "usage/load.rs"]
pub mod load;
#[path = "support/partition.rs"]
pub mod partition;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use creditd::clock;
use creditd::ledger::units::{Millis, Timestamp};

use ask::Question;
use partition::AtWork;

const DAY: u64 = 86_400_000;
const HOUR: u64 = 3_600_000;
const DAYS: u64 = 365;
const ORGS: usize = 100_000;

fn main() {
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|one| one == name);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    if is_wanted("keeper") {
        keeper::measure();
    }
    if is_wanted("year") {
        runtime.block_on(year());
    }
    if is_wanted("many") {
        runtime.block_on(many());
    }
}

/// The begin of a day so many days ago.
fn days_ago(days: u64) -> Timestamp {
    let today = clock::now().micros().div_euclid(86_400_000_000) * 86_400_000_000;
    Timestamp::from_micros(today).minus(Millis(days * DAY))
}

async fn year() {
    let folder = tempfile::tempdir().unwrap();
    let work = AtWork::start(folder.path(), days_ago(DAYS)).await;
    let watch = clock::Stopwatch::start();
    work.append(load::catalog()).await;
    work.append(load::org("year")).await;
    let mut number = 0;
    for hour in 0..DAYS * 24 {
        let begin = days_ago(DAYS).plus(Millis(hour * HOUR));
        work.set_clock(begin.plus(Millis(HOUR)));
        work.append(load::hour_of_year(begin, hour, &mut number)).await;
    }
    work.checkpoint().await;
    println!("year: {number} events in {:.0} s", watch.elapsed().as_secs_f64());
    work.tended().await;
    let (files, bytes) = work.desk.cells().unwrap().size();
    println!("year: {files} files of cells, {:.1} B of cells an event", bytes as f64 / number as f64);
    work.set_clock(clock::now());
    let org = |_| "year".to_owned();
    tokio::task::block_in_place(|| ask::cold("year", &work, "year"));
    let questions = Question::of_a_year(days_ago(DAYS - 1));
    tokio::task::block_in_place(|| {
        let alone = ask::all("year, alone", &work, &questions, 300, org);
        ask::against_rows("year", &work, &questions, &alone, 2, org);
    });
    flat_out("year, flat out", &work, 1, |beside| ask::all(beside, &work, &questions, 300, org)).await;
    work.stop().await;
}

async fn many() {
    let folder = tempfile::tempdir().unwrap();
    let work = AtWork::start(folder.path(), days_ago(20)).await;
    let watch = clock::Stopwatch::start();
    work.append(load::catalog()).await;
    work.append((0..ORGS).flat_map(|n| load::org(&format!("org-{n}")))).await;
    for round in 0..5 {
        work.set_clock(days_ago(20 - round * 4).plus(Millis(9 * HOUR)));
        work.append((0..ORGS).map(|n| load::one_event(&format!("org-{n}"), round))).await;
        work.checkpoint().await;
    }
    println!("many: 5 events for each of {ORGS} organizations in {:.0} s", watch.elapsed().as_secs_f64());
    work.tended().await;
    work.set_clock(clock::now());
    let org = |n: usize| format!("org-{}", n * 7_919 % ORGS);
    let questions = Question::of_a_year(days_ago(30));
    tokio::task::block_in_place(|| {
        let alone = ask::all("many, alone", &work, &questions, 2_000, org);
        ask::against_rows("many", &work, &questions, &alone, 500, org);
    });
    flat_out("many, flat out", &work, ORGS, |beside| ask::all(beside, &work, &questions, 2_000, org)).await;
    work.stop().await;
}

/// Asks while events of so many organizations are taken as fast as they go.
async fn flat_out<T>(beside: &'static str, work: &AtWork, orgs: usize, asks: impl FnOnce(&'static str) -> T) {
    let ends = Arc::new(AtomicBool::new(false));
    let events = Arc::new(AtomicU64::new(0));
    let watch = clock::Stopwatch::start();
    let senders: Vec<_> = (0..32)
        .map(|sender| {
            let (log, ends, events) = (Arc::clone(&work.log), Arc::clone(&ends), Arc::clone(&events));
            tokio::spawn(async move {
                let mut n = sender;
                while !ends.load(Ordering::Relaxed) {
                    let draft = load::message(n, orgs);
                    log.append(draft).await.unwrap();
                    events.fetch_add(load::EVENTS_OF_MESSAGE, Ordering::Relaxed);
                    n += 32;
                }
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(3)).await;
    tokio::task::block_in_place(|| asks(beside));
    ends.store(true, Ordering::Relaxed);
    for sender in senders {
        sender.await.unwrap();
    }
    let rate = events.load(Ordering::Relaxed) as f64 / watch.elapsed().as_secs_f64();
    println!("{beside}: {rate:.0} events/s meanwhile");
}
