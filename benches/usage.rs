//! Usage: how long an answer takes over HTTP, alone and beside events that are taken meanwhile, and from rows; and what the cells
//! cost the keeper.
//!
//! `cargo bench --bench usage -- year` asks one organization about a year with 2,000 combinations of dimensions a day, `-- new` the same
//! with other combinations every day, 730,000 in all, `-- many` 100,000 organizations with a few rows each, `-- keeper` writes runs and
//! their cells. All four without an argument.

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

use tokio::task::JoinHandle;

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
        runtime.block_on(year("year", false));
    }
    if is_wanted("new") {
        runtime.block_on(year("year, all new every day", true));
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

/// A year of one organization. Its campaigns, assistants and pilots change every day, or one a week.
async fn year(what: &str, changes_daily: bool) {
    let folder = tempfile::tempdir().unwrap();
    let work = AtWork::start(folder.path(), days_ago(DAYS)).await;
    let watch = clock::Stopwatch::start();
    work.append(load::catalog()).await;
    work.append(load::org("year")).await;
    let mut number = 0;
    for hour in 0..DAYS * 24 {
        let begin = days_ago(DAYS).plus(Millis(hour * HOUR));
        work.set_clock(begin.plus(Millis(HOUR)));
        let week = if changes_daily { hour / 24 * load::CHANGING } else { hour / 168 };
        work.append(load::hour_of_year(begin, hour, week, &mut number)).await;
    }
    work.checkpoint().await;
    println!("{what}: {number} events in {:.0} s", watch.elapsed().as_secs_f64());
    work.tended().await;
    let (files, bytes) = work.desk.cells().unwrap().size();
    println!("{what}: {files} files of cells, {:.1} B of cells an event", bytes as f64 / number as f64);
    work.let_clock_run();
    let org = |_| "year".to_owned();
    ask::cold(what, &work, "year").await;
    let (questions, pages) = (Question::of_a_year(days_ago(DAYS - 1)), Question::pages());
    let alone = ask::all(&format!("{what}, alone"), &work, &questions, 300, org).await;
    ask::all(&format!("{what}, alone"), &work, &Question::spikes(days_ago(DAYS - 1)), 20, org).await;
    ask::all(&format!("{what}, alone"), &work, &pages, 2_000, org).await;
    ask::after_pauses(&format!("{what}, alone"), &work, &questions[0], "year", Duration::from_secs(12), 3)
        .await;
    tokio::task::block_in_place(|| ask::against_rows(what, &work, &questions, &alone, 2, org));
    for rate in [1_000, 10_000, 100_000] {
        let load = Load::start(&work, 1, rate).await;
        let beside = format!("{what}, beside {}", load.name());
        ask::all(&beside, &work, &questions, 300, org).await;
        ask::all(&beside, &work, &pages, 1_000, org).await;
        ask::after_pauses(&beside, &work, &questions[0], "year", Duration::from_secs(12), 5).await;
        load.end(&beside).await;
    }
    println!("{what}: {} answers over HTTP were added up from rows", ask::answers_from_rows(&work));
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
    work.let_clock_run();
    let org = |n: usize| format!("org-{}", n * 7_919 % ORGS);
    let questions = Question::of_a_year(days_ago(30));
    let pages = Question::pages();
    let alone = ask::all("many, alone", &work, &questions, 2_000, org).await;
    ask::all("many, alone", &work, &pages, 2_000, org).await;
    tokio::task::block_in_place(|| ask::against_rows("many", &work, &questions, &alone, 500, org));
    for rate in [10_000, 100_000] {
        let load = Load::start(&work, ORGS, rate).await;
        let beside = format!("many, beside {}", load.name());
        ask::all(&beside, &work, &questions, 2_000, org).await;
        ask::all(&beside, &work, &pages, 2_000, org).await;
        load.end(&beside).await;
    }
    println!("many: {} answers over HTTP were added up from rows", ask::answers_from_rows(&work));
    work.stop().await;
}

/// Events that are taken meanwhile.
struct Load {
    rate: u64,
    ends: Arc<AtomicBool>,
    events: Arc<AtomicU64>,
    watch: clock::Stopwatch,
    senders: Vec<JoinHandle<()>>,
}

/// So many send at once.
const SENDERS: u64 = 32;

impl Load {
    /// Events of so many organizations, so many a second.
    async fn start(work: &AtWork, orgs: usize, rate: u64) -> Load {
        let (ends, events) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let pause = Duration::from_secs(SENDERS * load::EVENTS_OF_MESSAGE) / u32::try_from(rate).unwrap();
        let senders = (0..SENDERS)
            .map(|sender| {
                let (log, ends, events) = (Arc::clone(&work.log), Arc::clone(&ends), Arc::clone(&events));
                // Of no other load, so that none is a repeat.
                let mut n = (rate << 32) + sender;
                tokio::spawn(async move {
                    let mut ticks = tokio::time::interval(pause);
                    while !ends.load(Ordering::Relaxed) {
                        ticks.tick().await;
                        log.append(load::message(n, orgs)).await.unwrap();
                        events.fetch_add(load::EVENTS_OF_MESSAGE, Ordering::Relaxed);
                        n += SENDERS;
                    }
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_secs(3)).await;
        Load { rate, ends, events, watch: clock::Stopwatch::start(), senders }
    }

    fn name(&self) -> String {
        format!("{} events/s", self.rate)
    }

    async fn end(self, beside: &str) {
        self.ends.store(true, Ordering::Relaxed);
        for sender in self.senders {
            sender.await.unwrap();
        }
        let rate = self.events.load(Ordering::Relaxed) as f64 / (self.watch.elapsed().as_secs_f64() + 3.0);
        println!("{beside}: {rate:.0} events/s were taken meanwhile");
    }
}
