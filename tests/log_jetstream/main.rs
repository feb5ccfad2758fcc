//! The JetStream log against a real nats-server.
#![expect(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]

#[path = "../support/folder.rs"]
pub mod folder;
#[path = "../support/log_contract.rs"]
mod log_contract;
#[path = "../support/nats.rs"]
pub mod nats;

mod crashes;
mod lineage;
mod settings;

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::{self, stream};
use bytes::Bytes;
use creditd::log::jetstream::{Access, JetStreamLog, Options};
use creditd::log::{Draft, Extent, Fingerprint, Log, LogError, Record};
use futures_util::future::join_all;

use self::log_contract::{contract, draft, fingerprint, read};
use self::nats::NatsServer;

fn options(server: &NatsServer) -> Options {
    Options { access: Access { urls: vec![server.url()], ..Access::default() }, ..Options::default() }
}

async fn connect(server: &NatsServer) -> JetStreamLog {
    JetStreamLog::connect(options(server)).await.unwrap()
}

/// JetStream without anything of ours, as an operator has it.
async fn operator(server: &NatsServer) -> jetstream::Context {
    jetstream::new(async_nats::connect(server.url()).await.unwrap())
}

/// A stream whose records the operator can remove.
fn loose_config() -> stream::Config {
    stream::Config {
        name: "CREDITS".to_owned(),
        subjects: vec!["credits.>".to_owned()],
        ..stream::Config::default()
    }
}

/// Appends the drafts of these numbers, one after the other.
async fn append(log: &JetStreamLog, numbers: std::ops::RangeInclusive<u64>) {
    for n in numbers {
        log.append(draft(n)).await.unwrap();
    }
}

/// Reads `count` records from the start, and the position after them.
async fn read_from_start(log: &JetStreamLog, count: usize) -> (Vec<Record>, Fingerprint) {
    let mut reader = log.reader(Fingerprint::default()).await.unwrap();
    let records = read(&mut *reader, count).await.unwrap();
    let position = fingerprint(reader.created_ns(), &records[count - 1]);
    (records, position)
}

#[tokio::test]
async fn it_keeps_the_contract_of_a_log() {
    let server = NatsServer::start();
    contract(Arc::new(connect(&server).await)).await;
}

#[tokio::test]
async fn a_long_log_is_read_in_bulk_from_any_position() {
    const COUNT: usize = 200_000;
    let server = NatsServer::start();
    let log = connect(&server).await;
    let payload = Bytes::from(vec![b'x'; 200]);
    for chunk in 0..COUNT / 5_000 {
        let appends = (0..5_000).map(|n| {
            let subject = format!("credits.events.org-{}", (chunk * 5_000 + n) % 1_000);
            log.append(Draft { subject, payload: payload.clone(), ..Draft::default() })
        });
        for stored in join_all(appends).await {
            stored.unwrap();
        }
    }
    assert_eq!(log.extent().await.unwrap(), Extent { first: 1, last: 200_000 });

    let mut reader = log.reader(Fingerprint::default()).await.unwrap();
    #[expect(clippy::disallowed_methods, reason = "a test measures")]
    let start = std::time::Instant::now();
    let records = read(&mut *reader, COUNT).await.unwrap();
    let rate = COUNT as f64 / start.elapsed().as_secs_f64();
    println!("read {COUNT} records at {rate:.0} records/s");
    assert!(records.iter().map(|record| record.seq).eq(1..=200_000));

    let middle = fingerprint(reader.created_ns(), &records[COUNT / 2 - 1]);
    let mut reader = log.reader(middle).await.unwrap();
    let rest = read(&mut *reader, COUNT / 2).await.unwrap();
    assert!(rest == records[COUNT / 2..], "the second half, read on its own, is the same");
    assert_eq!((log.holes(), log.reopened()), (0, 0));
}

#[tokio::test]
async fn large_records_come_through_in_bounded_requests() {
    const COUNT: u8 = 120;
    let server = NatsServer::start();
    let log = connect(&server).await;
    for n in 0..COUNT {
        let payload = Bytes::from(vec![n; 1_000_000]);
        let subject = "credits.events.acme".to_owned();
        log.append(Draft { subject, payload, ..Draft::default() }).await.unwrap();
    }
    let (records, _) = read_from_start(&log, COUNT.into()).await;
    for (n, record) in (0..COUNT).zip(&records) {
        let payload = &record.draft.payload;
        assert_eq!((record.seq, payload[0], payload.len()), (u64::from(n) + 1, n, 1_000_000));
    }
    assert_eq!(log.reopened(), 0, "a request whose bytes are used up is not a fault");
}

#[tokio::test]
async fn a_live_record_arrives_at_once() {
    let server = NatsServer::start();
    let log = connect(&server).await;
    let mut reader = log.reader(Fingerprint::default()).await.unwrap();
    for n in 1..=20 {
        let (seq, records) = tokio::join!(log.append(draft(n)), read(&mut *reader, 1));
        assert_eq!(seq.unwrap(), n);
        assert_eq!(records.unwrap()[0].draft, draft(n));
    }
}

#[tokio::test]
async fn a_repeated_message_id_is_stored_once() {
    let server = NatsServer::start();
    let log = connect(&server).await;
    let with_id = |n| Draft {
        headers: Some(Box::new(vec![("nats-msg-id".to_owned(), "evt-1".to_owned())])),
        ..draft(n)
    };
    assert_eq!(log.append(with_id(1)).await.unwrap(), 1);
    assert_eq!(log.append(with_id(2)).await.unwrap(), 1);
    assert_eq!(log.extent().await.unwrap(), Extent { first: 1, last: 1 });
}

#[tokio::test]
async fn what_cannot_be_stored_is_refused_with_the_reason() {
    let server = NatsServer::start();
    let full = stream::Config { max_bytes: 100_000, discard: stream::DiscardPolicy::New, ..loose_config() };
    operator(&server).await.create_stream(full).await.unwrap();
    let log = connect(&server).await;
    let of_size = |size: usize| Draft {
        subject: "credits.events.acme".to_owned(),
        payload: Bytes::from(vec![b'x'; size]),
        ..Draft::default()
    };
    let refusal = async |draft| match log.append(draft).await {
        Err(LogError::Refused(why)) => why,
        other => panic!("expected a refusal, got {other:?}"),
    };
    assert!(refusal(of_size(2_000_000)).await.contains("1048576"), "the server's limit is named");
    assert!(refusal(of_size(200_000)).await.contains("maximum bytes"));
    log.append(of_size(90_000)).await.unwrap();
    assert!(refusal(of_size(20_000)).await.contains("maximum bytes"));
    let wild = Draft { subject: "credits.events.*".to_owned(), ..draft(1) };
    assert!(refusal(wild).await.contains("credits.events.*"));

    let elsewhere = Draft { subject: "elsewhere.acme".to_owned(), ..draft(1) };
    let error = log.append(elsewhere).await.unwrap_err();
    assert!(matches!(&error, LogError::Nats(why) if why.contains("no stream captures")), "{error}");
}

#[tokio::test]
async fn an_append_without_an_answer_says_that_the_outcome_is_unknown() {
    let mut server = NatsServer::start();
    let log = connect(&server).await;
    server.kill9();
    let error =
        tokio::time::timeout(Duration::from_secs(20), log.append(draft(1))).await.unwrap().unwrap_err();
    assert!(matches!(&error, LogError::Nats(why) if why.contains("unknown")), "{error}");
}
