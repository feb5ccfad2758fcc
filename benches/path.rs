//! The path of an event, step by step: what each costs by itself, on one core.

#![expect(clippy::unwrap_used, reason = "a benchmark fails loudly")]

#[path = "support/load.rs"]
pub mod load;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use creditd::book::Book;
use creditd::book::commons::Commons;
use creditd::book::partition::{Item, Listener, Partition};
use creditd::book::shelf::{History, Shelf};
use creditd::clock::Stopwatch;
use creditd::ledger::effect::{Effect, Outcome};
use creditd::ledger::units::Timestamp;
use creditd::log::{Draft, Record};
use creditd::query;
use creditd::store::history::Limits;
use creditd::wire::Decoder;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

struct Deaf;

impl Listener for Deaf {
    fn outcome(&mut self, _: &Record, _: Item<'_>, outcome: &Outcome) {
        assert!(!matches!(outcome, Outcome::Rejected(_)), "{outcome:?}");
    }

    fn effect(&mut self, _: &str, _: &Effect) {}
}

fn record(seq: u64, draft: Draft) -> Record {
    Record { seq, at: Timestamp::from_micros(1_767_607_200_000_000 + i64::try_from(seq).unwrap()), draft }
}

fn partition() -> Partition {
    let history = History::new(Arc::new(Shelf::in_memory()), Limits::default(), 0);
    let mut partition = Partition::new(Arc::new(Book::default()), Commons::default(), history);
    for (seq, draft) in (1..).zip(load::setup()) {
        partition.apply(&record(seq, draft), &mut Deaf).unwrap();
    }
    partition
}

/// The time of applying `count` records of `batch` events each, made beforehand.
fn apply(partition: &mut Partition, next: &mut usize, count: u64, batch: usize) -> Duration {
    let mut spent = Duration::ZERO;
    let mut left = count;
    while left > 0 {
        let now = left.min(100_000);
        let first = *next;
        *next += usize::try_from(now).unwrap();
        let records: Vec<Record> =
            (first..*next).map(|n| record(10_000 + n as u64, load::message(n, batch))).collect();
        let watch = Stopwatch::start();
        for record in &records {
            partition.apply(record, &mut Deaf).unwrap();
        }
        spent += watch.elapsed();
        left -= now;
    }
    spent
}

fn path(c: &mut Criterion) {
    let mut group = c.benchmark_group("event");
    group.throughput(Throughput::Elements(1));
    let message = load::message(1, 1);
    let decoder = Decoder { org: "org-7", headers: &[], at: Timestamp::from_micros(1_767_607_200_000_000) };
    group.bench_function("decode", |b| {
        b.iter(|| decoder.decode(black_box(&message.payload), &mut |_, event| drop(black_box(event))));
    });
    let (mut one, mut next) = (partition(), 0);
    group.bench_function("decode, apply, keep a row", |b| {
        b.iter_custom(|count| apply(&mut one, &mut next, count, 1));
    });
    group.throughput(Throughput::Elements(100));
    let (mut packed, mut next) = (partition(), 0);
    group.bench_function("decode, apply, keep a row: 100 a message", |b| {
        b.iter_custom(|count| apply(&mut packed, &mut next, count, 100));
    });
    group.throughput(Throughput::Elements(1));
    let book = Arc::clone(one.book());
    group.bench_function("balance to JSON", |b| {
        b.iter(|| serde_json::to_vec(&query::balance(&book, "org-7", Timestamp::MIN)).unwrap());
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(4)).warm_up_time(Duration::from_secs(1));
    targets = path
}
criterion_main!(benches);
