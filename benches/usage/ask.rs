//! What the benchmark of usage asks, and how long the answers take.

use std::time::Duration;

use creditd::clock::{self, Stopwatch};
use creditd::ledger::units::Timestamp;
use creditd::query::{self, Parameters, Sources};
use creditd::wire::time;
use hdrhistogram::Histogram;

use crate::partition::AtWork;

/// A question with its name.
pub struct Question {
    name: &'static str,
    pairs: Vec<(String, String)>,
}

impl Question {
    /// What a dashboard asks about all days from one on; two of them, about as many days before too.
    pub fn of_a_year(from: Timestamp) -> Vec<Question> {
        let day = |at: Timestamp| time::format(at)[..10].to_owned();
        let middle = Timestamp::from_micros(from.micros() / 2 + clock::now().micros() / 2);
        let question = |name, from, query: &str| {
            let mut pairs: Vec<(String, String)> = vec![("from".to_owned(), day(from))];
            pairs.extend(form_urlencoded::parse(query.as_bytes()).into_owned());
            Question { name, pairs }
        };
        vec![
            question("tree", from, "group_by=entity_type,entity"),
            question("series", from, "interval=day"),
            question("series of 10", from, "interval=day&group_by=entity&limit=10"),
            question("compare", middle, "compare=previous_period&group_by=user"),
            question("search", from, "group_by=entity&search=c-1"),
            question("totals", from, ""),
            Question {
                name: "30 days from within a quarter of an hour",
                pairs: vec![
                    (
                        "from".to_owned(),
                        time::format(Timestamp::from_micros(
                            days_before(30).micros() / 1_000_000_000 * 1_000_000_000 + 7,
                        )),
                    ),
                    ("group_by".to_owned(), "user".to_owned()),
                ],
            },
            question("hours of a week", days_before(7), "interval=hour&group_by=action&limit=3"),
        ]
    }
}

fn days_before(days: i64) -> Timestamp {
    Timestamp::from_micros(clock::now().micros() - days * 86_400_000_000)
}

/// Asks everything so many times, one after the other, and prints how long it took. Answers the medians.
pub fn all(
    what: &str,
    work: &AtWork,
    questions: &[Question],
    times: usize,
    org: impl Fn(usize) -> String,
) -> Vec<Duration> {
    questions
        .iter()
        .map(|question| {
            let mut histogram = Histogram::<u64>::new(3).unwrap();
            for n in 0..times {
                let watch = Stopwatch::start();
                answer(work, question, &org(n), true);
                histogram.record(u64::try_from(watch.elapsed().as_nanos()).unwrap()).unwrap();
            }
            let ms = |quantile| histogram.value_at_quantile(quantile) as f64 / 1e6;
            println!(
                "{what}: {}: p50 {:.2} ms p99 {:.2} ms max {:.2} ms",
                question.name,
                ms(0.5),
                ms(0.99),
                ms(1.0)
            );
            Duration::from_nanos(histogram.value_at_quantile(0.5))
        })
        .collect()
}

/// The same from rows, and how many times as long that takes.
pub fn against_rows(
    what: &str,
    work: &AtWork,
    questions: &[Question],
    alone: &[Duration],
    times: usize,
    org: impl Fn(usize) -> String,
) {
    for (question, by_cells) in questions.iter().zip(alone) {
        let watch = Stopwatch::start();
        (0..times).for_each(|n| answer(work, question, &org(n), false));
        let by_rows = watch.elapsed().as_secs_f64() / times as f64;
        println!(
            "{what}: {}: from rows {:.1} ms, {:.0} times as long",
            question.name,
            by_rows * 1e3,
            by_rows / by_cells.as_secs_f64()
        );
    }
}

/// The first question of all, with nothing kept yet.
pub fn cold(what: &str, work: &AtWork, org: &str) {
    let question = Question { name: "first", pairs: vec![("from".to_owned(), "2000-01-01".to_owned())] };
    let watch = Stopwatch::start();
    answer(work, &question, org, true);
    println!("{what}: the first question, nothing kept yet: {:.1} ms", watch.elapsed().as_secs_f64() * 1e3);
}

fn answer(work: &AtWork, question: &Question, org: &str, by_cells: bool) {
    let desk = &work.desk;
    let sources = Sources {
        book: &desk.book,
        cells: desk.cells().filter(|_| by_cells),
        stretch: &|start| desk.stretch(org, start),
        look: &|| desk.look_and_wait(org),
        told: &|from| assert_eq!(from == "cells", by_cells, "{}", question.name),
    };
    let given = Parameters::of_pairs(question.pairs.iter().cloned());
    let usage = query::usage_from(&sources, org, given, clock::now()).unwrap().unwrap();
    std::hint::black_box(serde_json::to_vec(&usage).unwrap());
}
