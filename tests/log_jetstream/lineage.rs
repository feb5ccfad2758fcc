//! Each way in which a stream can stop being the one we read, provoked for real.

use std::fs;
use std::path::Path;

use creditd::log::jetstream::{JetStreamLog, Options};
use creditd::log::{Fingerprint, Lineage, Log, LogError, Reader};

use crate::folder;
use crate::log_contract::read;
use crate::nats::NatsServer;
use crate::{append, connect, loose_config, operator, options, read_from_start};

/// Why the log is not recognised at this position.
async fn refusal(log: &JetStreamLog, position: &Fingerprint) -> Lineage {
    match log.reader(position.clone()).await {
        Err(LogError::Lineage(lineage)) => lineage,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was accepted"),
    }
}

/// Why an open reader stops.
async fn stop(reader: &mut dyn Reader) -> Lineage {
    match read(reader, 1).await {
        Err(LogError::Lineage(lineage)) => lineage,
        other => panic!("{other:?}"),
    }
}

/// Puts the server back to an earlier copy of its files, as a restored backup or a lost disk cache would.
fn roll_back(server: &mut NatsServer, backup: &Path) {
    server.kill9();
    fs::remove_dir_all(server.store()).unwrap();
    folder::copy(backup, &server.store());
    server.restart();
}

/// A stream of ten records, copied at five.
async fn grown_after_backup(server: &mut NatsServer, backup: &Path) -> JetStreamLog {
    let log = connect(server).await;
    append(&log, 1..=5).await;
    server.kill9();
    folder::copy(&server.store(), backup);
    server.restart();
    let log = connect(server).await;
    append(&log, 6..=10).await;
    log
}

#[tokio::test]
async fn a_recreated_stream_is_refused_at_start_and_under_a_reader() {
    let server = NatsServer::start();
    let jetstream = operator(&server).await;
    jetstream.create_stream(loose_config()).await.unwrap();
    let log = connect(&server).await;
    append(&log, 1..=10).await;
    let mut reader = log.reader(Fingerprint::default()).await.unwrap();
    read(&mut *reader, 10).await.unwrap();
    let (_, position) = read_from_start(&log, 10).await;

    jetstream.delete_stream("CREDITS").await.unwrap();
    jetstream.create_stream(loose_config()).await.unwrap();
    append(&log, 1..=20).await;

    let lineage = refusal(&log, &position).await;
    let Lineage::Recreated { expected_ns, found_ns } = lineage else { panic!("{lineage}") };
    assert!(expected_ns == position.created_ns && found_ns > expected_ns);
    assert_eq!(stop(&mut *reader).await, lineage);
}

#[tokio::test]
async fn a_truncated_stream_is_refused_at_start_and_under_a_reader() {
    let backup = tempfile::tempdir().unwrap();
    let mut server = NatsServer::start();
    let log = grown_after_backup(&mut server, backup.path()).await;
    let (_, position) = read_from_start(&log, 10).await;
    let mut reader = log.reader(position.clone()).await.unwrap();

    roll_back(&mut server, backup.path());
    let expected = Lineage::Truncated { last: 5, position: 10 };
    assert_eq!(stop(&mut *reader).await, expected);
    assert_eq!(refusal(&connect(&server).await, &position).await, expected);
}

#[tokio::test]
async fn a_forked_stream_is_refused_though_it_has_outgrown_our_position() {
    let backup = tempfile::tempdir().unwrap();
    let mut server = NatsServer::start();
    let log = grown_after_backup(&mut server, backup.path()).await;
    let (_, position) = read_from_start(&log, 10).await;
    let (_, shared) = read_from_start(&log, 5).await;

    roll_back(&mut server, backup.path());
    let log = connect(&server).await;
    append(&log, 6..=30).await;
    assert_eq!(refusal(&log, &position).await, Lineage::Forked { position: 10 });
    let mut reader = log.reader(shared).await.unwrap();
    assert_eq!(read(&mut *reader, 25).await.unwrap()[0].seq, 6, "what both have in common is still a start");
}

#[tokio::test]
async fn a_stream_purged_ahead_of_us_is_refused_unless_gaps_are_accepted() {
    let server = NatsServer::start();
    let jetstream = operator(&server).await;
    let stream = jetstream.create_stream(loose_config()).await.unwrap();
    let log = connect(&server).await;
    append(&log, 1..=100).await;
    let (_, at_10) = read_from_start(&log, 10).await;
    let (_, at_50) = read_from_start(&log, 50).await;
    let (_, at_51) = read_from_start(&log, 51).await;

    stream.purge().sequence(52).await.unwrap();
    assert_eq!(refusal(&log, &at_10).await, Lineage::Purged { first: 52, needed: 11 });
    assert_eq!(refusal(&log, &at_50).await, Lineage::Purged { first: 52, needed: 51 });
    let mut reader = log.reader(at_51).await.expect("nothing that we need is gone");
    assert_eq!(read(&mut *reader, 49).await.unwrap()[0].seq, 52);
    assert_eq!(log.holes(), 0);

    let lenient = JetStreamLog::connect(Options { accept_gaps: true, ..options(&server) }).await.unwrap();
    let mut reader = lenient.reader(at_10).await.unwrap();
    assert_eq!(read(&mut *reader, 49).await.unwrap()[0].seq, 52);
    assert_eq!(lenient.holes(), 41);
}

#[tokio::test]
async fn a_hole_is_named_after_what_stands_before_it_was_handed_over() {
    let server = NatsServer::start();
    let stream = operator(&server).await.create_stream(loose_config()).await.unwrap();
    let log = connect(&server).await;
    append(&log, 1..=20).await;
    let (_, at_13) = read_from_start(&log, 13).await;
    for seq in 11..=13 {
        stream.delete_message(seq).await.unwrap();
    }

    let mut reader = log.reader(Fingerprint::default()).await.unwrap();
    let before = read(&mut *reader, 10).await.unwrap();
    assert_eq!(before.len(), 10);
    let hole = Lineage::Purged { first: 14, needed: 11 };
    assert_eq!(stop(&mut *reader).await, hole);
    assert_eq!(stop(&mut *reader).await, hole, "it does not go on when asked again");
    assert_eq!(
        refusal(&log, &at_13).await,
        Lineage::Forked { position: 13 },
        "our own record cannot be checked"
    );

    let lenient = JetStreamLog::connect(Options { accept_gaps: true, ..options(&server) }).await.unwrap();
    let (records, _) = read_from_start(&lenient, 17).await;
    assert!(records.iter().map(|record| record.seq).eq((1..=10).chain(14..=20)));
    assert_eq!(lenient.holes(), 3);
    let mut reader = lenient.reader(at_13).await.unwrap();
    assert_eq!(read(&mut *reader, 7).await.unwrap()[0].seq, 14);
}

#[tokio::test]
async fn an_empty_position_takes_any_stream() {
    let server = NatsServer::start();
    let stream = operator(&server).await.create_stream(loose_config()).await.unwrap();
    let log = connect(&server).await;
    append(&log, 1..=10).await;
    stream.purge().await.unwrap();
    assert_eq!(log.extent().await.unwrap(), creditd::log::Extent { first: 11, last: 10 });
    let mut reader = log.reader(Fingerprint::default()).await.unwrap();
    append(&log, 11..=12).await;
    assert_eq!(read(&mut *reader, 2).await.unwrap()[0].seq, 11);
}
