//! What the benchmark of usage asks over HTTP, and how long the answers take.

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
    /// What follows the organization's name.
    path: &'static str,
    pairs: Vec<(String, String)>,
}

impl Question {
    /// What a dashboard asks about the usage of all days from one on; once, about as many days before too.
    pub fn of_a_year(from: Timestamp) -> Vec<Question> {
        let day = |at: Timestamp| time::format(at)[..10].to_owned();
        let middle = Timestamp::from_micros(from.micros() / 2 + clock::now().micros() / 2);
        let within = days_before(30).micros().div_euclid(900_000_000) * 900_000_000 + 7_000_000;
        let question = |name, from: String, query: &str| {
            let mut pairs: Vec<(String, String)> = vec![("from".to_owned(), from)];
            pairs.extend(form_urlencoded::parse(query.as_bytes()).into_owned());
            Question { name, path: "usage", pairs }
        };
        vec![
            question("tree", day(from), "group_by=entity_type,entity"),
            question("three dimensions", day(from), "group_by=user,feature,action&limit=100"),
            question("series", day(from), "interval=day"),
            question("series of 10", day(from), "interval=day&group_by=entity&limit=10"),
            question("compare", day(middle), "compare=previous_period&group_by=user"),
            question("search", day(from), "group_by=entity&search=c-1"),
            question("totals", day(from), ""),
            question(
                "30 days from within a quarter of an hour",
                time::format(Timestamp::from_micros(within)),
                "group_by=user",
            ),
            question("hours of a week", day(days_before(7)), "interval=hour&group_by=action&limit=3"),
        ]
    }

    /// What is asked beside usage.
    pub fn pages() -> Vec<Question> {
        let question = |name, path| Question { name, path, pairs: Vec::new() };
        vec![
            question("balance", "balance"),
            question("call log, a page of 50", "calls?state=finished&limit=50"),
            question("history, a page of 50", "history?limit=50"),
        ]
    }

    /// What is looked for rarely, over all days from one on.
    pub fn spikes(from: Timestamp) -> Vec<Question> {
        let pairs = [("from", time::format(from)), ("interval", "day".to_owned())];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value)).to_vec();
        vec![Question { name: "10 spikes with their causes", path: "spikes", pairs }]
    }

    async fn ask(&self, work: &AtWork, org: &str) {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.pairs).finish();
        let mark = if query.is_empty() { "" } else { "?" };
        let url = format!("{}/v1/orgs/{org}/{}{mark}{query}", work.url, self.path);
        let answer = work.client.get(url).send().await.unwrap().error_for_status().unwrap();
        std::hint::black_box(answer.bytes().await.unwrap());
    }
}

fn days_before(days: i64) -> Timestamp {
    Timestamp::from_micros(clock::now().micros() - days * 86_400_000_000)
}

/// Asks everything so many times, one after the other, and prints how long it took. Answers the medians.
pub async fn all(
    what: &str,
    work: &AtWork,
    questions: &[Question],
    times: usize,
    org: impl Fn(usize) -> String,
) -> Vec<Duration> {
    let mut medians = Vec::new();
    for question in questions {
        let mut histogram = Histogram::<u64>::new(3).unwrap();
        for n in 0..times {
            let watch = Stopwatch::start();
            question.ask(work, &org(n)).await;
            histogram.record(u64::try_from(watch.elapsed().as_nanos()).unwrap()).unwrap();
        }
        let ms = |quantile| histogram.value_at_quantile(quantile) as f64 / 1e6;
        let name = question.name;
        println!("{what}: {name}: p50 {:.2} ms p99 {:.2} ms max {:.2} ms", ms(0.5), ms(0.99), ms(1.0));
        medians.push(Duration::from_nanos(histogram.value_at_quantile(0.5)));
    }
    medians
}

/// One question after so long without any, so many times: what came meanwhile is added up then.
pub async fn after_pauses(
    what: &str,
    work: &AtWork,
    question: &Question,
    org: &str,
    pause: Duration,
    times: usize,
) {
    let mut took = Vec::new();
    for _ in 0..times {
        tokio::time::sleep(pause).await;
        let watch = Stopwatch::start();
        question.ask(work, org).await;
        took.push(format!("{:.1}", watch.elapsed().as_secs_f64() * 1e3));
    }
    println!(
        "{what}: {}, each after {} s without a question: {} ms",
        question.name,
        pause.as_secs(),
        took.join(", ")
    );
}

/// The same from rows, without HTTP, and how many times as long that takes.
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
        (0..times).for_each(|n| by_rows(work, question, &org(n)));
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
pub async fn cold(what: &str, work: &AtWork, org: &str) {
    let pairs = vec![("from".to_owned(), "2000-01-01".to_owned())];
    let question = Question { name: "first", path: "usage", pairs };
    let watch = Stopwatch::start();
    question.ask(work, org).await;
    println!("{what}: the first question, nothing kept yet: {:.1} ms", watch.elapsed().as_secs_f64() * 1e3);
}

/// How many answers were added up from rows until now, over HTTP.
pub fn answers_from_rows(work: &AtWork) -> u64 {
    work.desk.metrics.cells.answers.with_label_values(&["rows"]).get()
}

fn by_rows(work: &AtWork, question: &Question, org: &str) {
    let desk = &work.desk;
    let sources = Sources {
        book: &desk.book,
        cells: None,
        stretch: &|start| desk.stretch(org, start),
        look: &|| desk.look_and_wait(org),
        kept_from: None,
        told: &|_| {},
    };
    let given = Parameters::of_pairs(question.pairs.iter().cloned());
    let usage = query::usage_from(&sources, org, given, clock::now()).unwrap().unwrap();
    std::hint::black_box(serde_json::to_vec(&usage).unwrap());
}
