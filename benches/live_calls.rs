//! A hundred thousand live calls: what each takes of memory, how fast events are charged beside them, how punctual cut-offs are, and
//! how a restart goes on with them. And how fast it is decided whether one more may start where hard limits apply, beside few and many of one
//! organization (that alone: `-- headroom`).

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

use std::alloc::System;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use creditd::book::Book;
use creditd::book::commons::Commons;
use creditd::book::partition::{Item, Listener, Partition};
use creditd::book::promises::How;
use creditd::book::shelf::{History, Shelf};
use creditd::clock::{self, Stopwatch};
use creditd::daemon::Daemon;
use creditd::ledger::authorization::{Request, Wanted};
use creditd::ledger::effect::{Effect, Outcome};
use creditd::ledger::entry::{CallName, Dimensions};
use creditd::ledger::limits::{Field, Limit, Measure, On, Part, Unit, Window};
use creditd::ledger::price::Direction;
use creditd::ledger::units::{Millis, Timestamp};
use creditd::log::jetstream::{Access, JetStreamLog, Options};
use creditd::log::{Draft, Log, Record};
use creditd::store::history;
use creditd::wire::time;
use futures_util::StreamExt;
use futures_util::future::join_all;
use hdrhistogram::Histogram;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const CALLS: usize = 100_000;
/// Messages of 100 events each, to see how fast they are charged.
const MESSAGES: usize = 10_000;
/// Organizations whose one call runs out, spread over ten seconds.
const ENDING: usize = 2_000;

/// Calls and holds of one organization, half each: as many as it may have.
const BESIDE: [usize; 3] = [100, 10_000, 100_000];
/// How often it is asked whether one more may start.
const ASKED: usize = 2_000;
const ROUNDS: usize = 5;

fn main() {
    headroom();
    if std::env::args().any(|argument| argument == "headroom") {
        return;
    }
    memory();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(measure());
}

struct Deaf;

impl Listener for Deaf {
    fn outcome(&mut self, _: &Record, _: Item<'_>, outcome: &Outcome) {
        assert!(!matches!(outcome, Outcome::Rejected(_)), "{outcome:?}");
    }

    fn effect(&mut self, _: &str, _: &Effect) {}
}

/// What a live call takes, by the allocator.
fn memory() {
    let rows = History::new(Arc::new(Shelf::in_memory()), history::Limits::default(), 0);
    let mut partition = Partition::new(Arc::new(Book::default()), Commons::default(), rows);
    let at = Timestamp::from_micros(1_767_607_200_000_000);
    let mut seq = 0;
    let mut apply = |draft: Draft| {
        seq += 1;
        partition.apply(&Record { seq, at, draft }, &mut Deaf).unwrap();
    };
    load::setup().into_iter().for_each(&mut apply);
    let region = Region::new(ALLOCATOR);
    (0..CALLS / 100).map(|n| answered(n, None)).for_each(&mut apply);
    let change = region.change();
    let kept = change.bytes_allocated - change.bytes_deallocated;
    println!("memory of a live call, with ids and names of a user and a destination: {} B", kept / CALLS);
}

/// Organizations with few and many calls and holds, each of a user of its own, and a plan of two hard limits.
fn crowded(start: Timestamp) -> Arc<Book> {
    let book = Arc::new(Book::default());
    let rows = History::new(Arc::new(Shelf::in_memory()), history::Limits::default(), 0);
    let mut partition = Partition::new(Arc::clone(&book), Commons::default(), rows);
    let mut seq = 0;
    let mut apply = |at: Timestamp, subject: String, payload: String| {
        seq += 1;
        let draft = Draft { subject, payload: payload.into(), ..Draft::default() };
        partition.apply(&Record { seq, at, draft }, &mut Deaf).unwrap();
    };
    let card =
        r#"{"type":"rate_card.put","id":"card","version":1,"prices":{"phone_call":{"per_minute":"10"}}}"#;
    let plan = r#"{"type":"plan.put","id":"plan","version":1,"rate_card":"card","when_exhausted":"reject","past_limit":"reject","limits":[
        {"id":"each-user","on":{"user":"*"},"quantity":5,"window":"day","hard":true},
        {"id":"all","credits":"900000000","window":"month","hard":true}]}"#;
    for text in [card, plan] {
        apply(start, "credits.commands._catalog".to_owned(), text.to_owned());
    }
    for many in BESIDE {
        let commands = format!("credits.commands.beside-{many}");
        let org =
            r#"[{"type":"org.put","data":{"plan":"plan"}},{"type":"grant","data":{"amount":"900000000"}}]"#;
        apply(start, commands.clone(), org.to_owned());
        // The calls of a minute, and the holds after them.
        let when = |n: usize| start.plus(Millis(60_000 * n as u64 / many as u64));
        for n in (0..many).step_by(2) {
            let call = format!(
                r#"{{"type":"call.answered","source":"sbc-1","call_id":"{n}","direction":"outbound","user":"user-{n}","time":"{}"}}"#,
                time::format(when(n))
            );
            apply(when(n), format!("credits.events.beside-{many}"), call);
            let hold = format!(
                r#"{{"type":"creditd.hold.v1","data":{{"for":{{"source":"sbc-1","id":"h{n}"}},"action":"phone_call","quantity":1,"user":"user-h{n}","until":"{}","amounts":{{"credits":"10"}},"increment":{{"credits":"10"}}}}}}"#,
                time::format(start.plus(Millis(600_000)))
            );
            apply(when(n), commands.clone(), hold);
        }
    }
    book
}

/// What a decision takes where two hard limits apply, beside few and many calls and holds.
fn headroom() {
    let start = Timestamp::from_micros(1_767_607_200_000_000);
    let book = crowded(start);
    // Some increments have started since the last entry.
    let now = start.plus(Millis(60_010));
    let mut spent = [0.0; BESIDE.len()];
    for _ in 0..ROUNDS {
        for (many, spent) in BESIDE.iter().zip(&mut spent) {
            *spent += ask(&book, &format!("beside-{many}"), now);
        }
    }
    let [few, many, most] = spent.map(|seconds| seconds / (ROUNDS * ASKED) as f64 * 1e6);
    println!(
        "may one more start, two hard limits, beside {BESIDE:?} calls and holds: {few:.2} µs, {many:.2} µs, {most:.2} µs: {:.2} × and {:.2} × the first",
        many / few,
        most / few
    );
    let [few, many, most] = BESIDE.map(|many| walk(&book, &format!("beside-{many}"), now) * 1e6);
    println!("a walk for one limit, whose claims are not kept: {few:.1} µs, {many:.0} µs, {most:.0} µs");
}

/// The seconds that it takes to find what is claimed of a limit that nobody put.
fn walk(book: &Book, org: &str, now: Timestamp) -> f64 {
    let on = On::new(vec![Part { field: Field::User, value: Some("user-h0".into()) }]).unwrap();
    let (unit, max) = (Unit::Quantity, Measure::ZERO);
    let limit = Limit { id: "nobodys".into(), on, unit, max, window: Window::Day, hard: true };
    let watch = Stopwatch::start();
    for _ in 0..ROUNDS {
        let claimed = book.read(org, |slot| slot.org.calls().unwrap().claimed(&limit, "", now, &[])).unwrap();
        assert_eq!(claimed, Measure::of_quantity(1), "its hold");
    }
    watch.elapsed().as_secs_f64() / ROUNDS as f64
}

/// The seconds that some decisions take.
fn ask(book: &Book, org: &str, now: Timestamp) -> f64 {
    let dimensions = Dimensions { user: Some("user-h0"), ..Dimensions::default() };
    let direction = Direction::Outbound;
    let wanted = Wanted::Call { action: "phone_call", direction, destination: None, add_ons: &[] };
    let request =
        Request { name: CallName { source: "sbc-1", id: "one-more" }, dimensions, wanted, most: None };
    let watch = Stopwatch::start();
    for _ in 0..ASKED {
        let decision = book.decide(org, &request, now, How::Quote).unwrap();
        assert!(decision.answer.verdict.is_ok(), "{decision:?}");
    }
    watch.elapsed().as_secs_f64()
}

/// A hundred calls of an organization are answered.
fn answered(n: usize, at: Option<Timestamp>) -> Draft {
    let time = at.map(|at| format!(r#","time":"{}""#, time::format(at))).unwrap_or_default();
    let call = |call: usize| {
        format!(
            r#"{{"type":"call.answered","source":"sbc-1","call_id":"{n:06}-{call:06}-5f0c","direction":"outbound","destination":"+4930123456","user":"user-{call:04}"{time}}}"#
        )
    };
    let calls: Vec<String> = (0..100).map(call).collect();
    let payload = calls.join("\n").into();
    Draft { subject: format!("credits.events.org-{}", n % load::ORGS), payload, ..Draft::default() }
}

async fn measure() {
    let server = nats::NatsServer::start();
    let folder = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(running::over_nats(folder.path(), &server.url())).await.unwrap();
    let access = Access { urls: vec![server.url()], ..Access::default() };
    let log = Arc::new(JetStreamLog::connect(Options { access, ..Options::default() }).await.unwrap());
    let last = append_all(&log, load::setup()).await;
    running::applied(&daemon, last).await;
    let without = charge(&daemon, &log, 0).await;
    let last = append_all(&log, (0..CALLS / 100).map(|n| answered(n, None)).collect()).await;
    running::applied(&daemon, last).await;
    let with = charge(&daemon, &log, MESSAGES).await;
    println!(
        "100 events a message: {:.0} k events/s without live calls, {:.0} k beside {CALLS}: ratio {:.2}",
        without / 1e3,
        with / 1e3,
        with / without
    );
    let mut heard = log.client().subscribe("credits.calls.>").await.unwrap();
    let last = append_all(&log, ending(3)).await;
    running::applied(&daemon, last).await;
    late("idle", &mut heard, ENDING).await;

    // The calls of the second lot end while the daemon is down.
    let last = append_all(&log, ending(1)).await;
    running::applied(&daemon, last).await;
    daemon.stop().await;
    tokio::time::sleep(Duration::from_secs(11)).await;
    let watch = Stopwatch::start();
    let daemon = Daemon::start(running::over_nats(folder.path(), &server.url())).await.unwrap();
    while !daemon.desk().ready(clock::now()).await.is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    println!("restart with {CALLS} live calls: ready after {:.2} s", watch.elapsed().as_secs_f64());
    let mut missing: BTreeSet<String> = (0..ENDING).map(|n| format!("ends-1-{n}")).collect();
    while !missing.is_empty() {
        let message = heard.next().await.unwrap();
        if message.subject.ends_with(".cutoff") {
            missing.remove(message.subject.split('.').nth(2).unwrap());
        }
    }
    println!(
        "all {ENDING} cut-offs that fell due meanwhile were out {:.2} s after the start",
        watch.elapsed().as_secs_f64()
    );
    daemon.stop().await;
}

/// Appends drafts, a few hundred at a time. Answers the last one's number.
async fn append_all(log: &JetStreamLog, drafts: Vec<Draft>) -> u64 {
    let mut last = 0;
    let mut drafts = drafts.into_iter().peekable();
    while drafts.peek().is_some() {
        let some: Vec<_> = drafts.by_ref().take(512).map(|draft| log.append(draft)).collect();
        for seq in join_all(some).await {
            last = last.max(seq.unwrap());
        }
    }
    last
}

/// Events a second, from the first that is appended to the last that is charged.
async fn charge(daemon: &Daemon, log: &JetStreamLog, first: usize) -> f64 {
    let drafts = (first..first + MESSAGES).map(|n| load::message(n, 100)).collect();
    let watch = Stopwatch::start();
    let last = append_all(log, drafts).await;
    running::applied(daemon, last).await;
    (MESSAGES * 100) as f64 / watch.elapsed().as_secs_f64()
}

/// Organizations with one call each, whose credits end some seconds after its answer, spread over ten seconds.
fn ending(lot: usize) -> Vec<Draft> {
    let plan = r#"[{"type":"rate_card.put","id":"second","version":1,"prices":{"phone_call":{"per_minute":"60","increment":"1/1"}}},{"type":"plan.put","id":"prepaid","version":1,"rate_card":"second","when_exhausted":"reject","calls":{"warn_before_s":0}}]"#;
    let mut drafts = vec![Draft {
        subject: "credits.commands._catalog".to_owned(),
        payload: plan.into(),
        ..Draft::default()
    }];
    let orgs = (0..ENDING).map(|n| {
        let text = format!(r#"[{{"type":"org.put","data":{{"plan":"prepaid"}}}},{{"type":"grant","data":{{"amount":"{lot}"}}}}]"#);
        Draft { subject: format!("credits.commands.ends-{lot}-{n}"), payload: text.into(), ..Draft::default() }
    });
    drafts.extend(orgs);
    let now = clock::now().plus(Millis(500));
    drafts.extend((0..ENDING).map(|n| {
        // An answer may be some time ahead of the log: the skew of clocks.
        let at = now.plus(Millis(10_000 * n as u64 / ENDING as u64));
        let text = format!(
            r#"{{"type":"call.answered","source":"sbc","call_id":"c","direction":"outbound","time":"{}"}}"#,
            time::format(at)
        );
        Draft { subject: format!("credits.events.ends-{lot}-{n}"), payload: text.into(), ..Draft::default() }
    }));
    drafts
}

/// How late cut-offs are heard of, against the instant each fell due.
async fn late(what: &str, heard: &mut async_nats::Subscriber, many: usize) {
    let mut late = Histogram::<u64>::new_with_bounds(1, 60_000_000, 3).unwrap();
    while late.len() < many as u64 {
        let message = heard.next().await.unwrap();
        let now = clock::now();
        let told: serde_json::Value = serde_json::from_slice(&message.payload).unwrap();
        let due = time::parse(told["time"].as_str().unwrap()).unwrap();
        if message.subject.ends_with(".cutoff") {
            late.saturating_record(u64::try_from(now.micros() - due.micros()).unwrap_or(1).max(1));
        }
    }
    let ms = |share| late.value_at_quantile(share) as f64 / 1e3;
    println!(
        "cut-off heard after the instant it fell due, {what}, {many} of them: p50 {:.1} ms p99 {:.1} ms max {:.1} ms",
        ms(0.5),
        ms(0.99),
        ms(1.0)
    );
}
