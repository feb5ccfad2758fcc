//! A million events, repeats and bad ones among them, while the daemon is killed again and again: every balance
//! equals an independent model's to the micro-credit, and what came in adds up to what became of it.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]
#![expect(clippy::print_stdout, reason = "the figures show what was compared")]

#[path = "../support/books.rs"]
pub mod books;
#[path = "../support/daemon.rs"]
pub mod daemon;
#[path = "../support/folder.rs"]
pub mod folder;
#[path = "../model/mod.rs"]
pub mod model;
#[path = "../support/nats.rs"]
pub mod nats;

mod full_disk;

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use creditd::book::recovery::recover;
use creditd::clock;
use creditd::log::Log;
use creditd::log::jetstream::{Access, JetStreamLog, Options};
use creditd::log::local::{self, LocalLog};
use creditd::store::history::Limits;
use daemon::Daemon;
use model::Model;
use model::report::{OrgReport, Report};
use nats::NatsServer;
use tempfile::tempdir;

const EVENTS: u64 = 1_000_000;
const KILLS: usize = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_million_events_over_nats_through_kills_are_charged_once() {
    let server = NatsServer::start();
    let folder = tempdir().unwrap();
    let settings = format!("[log]\nkind = \"jetstream\"\n[nats]\nurls = [{:?}]\n", server.url());
    let mut daemon = Daemon::start(folder.path(), &settings);
    let load = simulate(&server.url(), "1");
    let access = Access { urls: vec![server.url()], ..Access::default() };
    kill_while(&mut daemon, load).await;
    let log = JetStreamLog::connect(Options { access, ..Options::default() }).await.unwrap();
    settle_and_compare(daemon, Arc::new(log)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_million_events_over_http_through_kills_are_charged_once() {
    let folder = tempdir().unwrap();
    // One segment, so that nothing of the log is let go of, however many checkpoints are taken until it is read.
    let mut daemon =
        Daemon::start(folder.path(), "[log]\nkind = \"local\"\n[log.local]\nsegment = \"4 GiB\"\n");
    let load = simulate(&daemon.url(), "200");
    kill_while(&mut daemon, load).await;
    // The daemon holds the log's folder: read a copy.
    let last = last_of(&daemon).await;
    daemon.wait_for(last, Duration::from_secs(120)).await;
    let copy = tempdir().unwrap();
    folder::copy(&daemon.data().join("log"), copy.path());
    let (log, _) = LocalLog::open(copy.path(), local::Options::default(), Arc::new(clock::now)).unwrap();
    settle_and_compare(daemon, Arc::new(log)).await;
}

fn simulate(to: &str, batch: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_creditd"));
    command.args(["simulate", "--to", to, "--flat-out", "--seed", "7", "--orgs", "300", "--batch", batch]);
    command.args(["--duplicates", "1%", "--bad", "0.1%", "--events", &EVENTS.to_string()]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Kills the daemon while the load runs, and once more after it.
async fn kill_while(daemon: &mut Daemon, mut load: Child) {
    let mut kills = 0;
    while load.try_wait().unwrap().is_none() {
        tokio::time::sleep(Duration::from_millis(1_700)).await;
        if kills < KILLS {
            daemon.kill9_and_restart();
            kills += 1;
        }
    }
    assert!(load.wait().unwrap().success(), "the load was not delivered");
    assert!(kills >= 3, "the load was over after {kills} kills");
    daemon.kill9_and_restart();
}

async fn last_of(daemon: &Daemon) -> u64 {
    loop {
        if let Some(last) = daemon.metric("creditd_log_end").await.filter(|last| *last > 0.0) {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a record's number"
            )]
            return last as u64;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Lets the daemon catch up, ends it, and lays its books beside the model's.
async fn settle_and_compare(mut daemon: Daemon, log: Arc<dyn Log>) {
    let last = log.extent().await.unwrap().last;
    daemon.wait_for(last, Duration::from_secs(120)).await;
    let mut counted = Vec::new();
    for name in ["received", "charged", "voided", "noted", "duplicate", "rejected"] {
        counted.push(daemon.metric(&format!("creditd_events_{name}_total")).await.unwrap());
    }
    let data = daemon.data();
    assert!(daemon.terminate().success());

    let mut model = Model::new();
    books::each_record(&*log, |record| drop(model.apply(record))).await;
    let expected = model.report(i64::MIN);
    assert_eq!(
        counted[0],
        counted[1..].iter().sum::<f64>(),
        "received = charged + voided + noted + duplicate + rejected"
    );
    let recovered = recover(&data, u64::MAX, Limits::default()).unwrap();
    let expected = without_alerts(expected);
    let (book, stray) = (recovered.partition.book(), &recovered.partition.commons().stray);
    let organization = |name: &str| {
        let report = books::org_report(&recovered.partition, name).unwrap();
        OrgReport { movements: books::movements(&recovered.partition, name), ..report }
    };
    let found = Report {
        items: expected.items,
        rejected: expected.rejected.clone(),
        stray: stray.iter().map(|(reason, count)| (reason.slug().to_owned(), *count)).collect(),
        orgs: book.names().iter().map(|name| (name.to_string(), organization(name))).collect(),
    };
    let differences = expected.differences(&found);
    assert!(
        differences.is_empty(),
        "{} differences, the first:\n{}\nrejected: {:?}",
        differences.len(),
        differences[..differences.len().min(20)].join("\n"),
        expected.rejected
    );
    let charged: u64 = expected.orgs.values().map(|org| org.tally.charged).sum();
    let duplicates: u64 = expected.orgs.values().map(|org| org.tally.duplicate).sum();
    assert!(duplicates > EVENTS / 200, "{duplicates} duplicates are too few to show anything");
    assert!(charged > EVENTS * 9 / 10, "{charged} charges are too few to show anything");
    println!("{charged} charged, {duplicates} duplicates, {} organizations: all equal", expected.orgs.len());
}

/// The report without the alerts, which went out while the daemon ran.
fn without_alerts(mut report: Report) -> Report {
    report.orgs.values_mut().for_each(|org| org.alerts.clear());
    report
}
