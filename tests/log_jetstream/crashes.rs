//! The server killed under readers and writers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use creditd::log::{Fingerprint, Log};
use tokio::time::{sleep, timeout};

use crate::connect;
use crate::log_contract::{draft, read};
use crate::nats::NatsServer;

/// Nothing that was acknowledged is lost, nothing is read twice, the order stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_and_restart_lose_nothing_and_repeat_nothing() {
    const KILLS: u64 = 3;
    let mut server = NatsServer::start();
    let log = Arc::new(connect(&server).await);
    let read_so_far = Arc::new(AtomicU64::new(0));

    // A thread of its own with a runtime of its own, as the daemon has it.
    let (reading, seen) = (Arc::clone(&log), Arc::clone(&read_so_far));
    let (enough, mut until) = tokio::sync::watch::channel(u64::MAX);
    let reader = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let mut reader = reading.reader(Fingerprint::default()).await.unwrap();
            let mut records = Vec::new();
            while (records.len() as u64) < *until.borrow_and_update() {
                reader.next(&mut records).await.unwrap();
                seen.store(records.len() as u64, Ordering::Relaxed);
            }
            records
        })
    });

    let stop = Arc::new(AtomicU64::new(0));
    let writers: Vec<_> =
        (0..8).map(|w| tokio::spawn(write(Arc::clone(&log), Arc::clone(&stop), w))).collect();
    for _ in 0..KILLS {
        let before = read_so_far.load(Ordering::Relaxed);
        while read_so_far.load(Ordering::Relaxed) < before + 2_000 {
            sleep(Duration::from_millis(5)).await;
        }
        tokio::task::block_in_place(|| {
            server.kill9();
            server.restart();
        });
    }
    stop.store(1, Ordering::Relaxed);
    let mut acknowledged = BTreeMap::new();
    for writer in writers {
        acknowledged.extend(writer.await.unwrap());
    }

    let last = log.extent().await.unwrap().last;
    enough.send(last).unwrap();
    let reader = tokio::task::spawn_blocking(|| reader.join().unwrap());
    let records = timeout(Duration::from_secs(60), reader).await.unwrap().unwrap();
    assert!(records.iter().map(|record| record.seq).eq(1..=last), "in order, without a gap, none twice");
    let mut found = 0;
    for record in &records {
        if let Some(n) = acknowledged.get(&record.seq) {
            assert_eq!(record.draft, draft(*n), "record {} is what was acknowledged", record.seq);
            found += 1;
        }
    }
    assert_eq!(found, acknowledged.len(), "each acknowledged record was read");
    assert!(found > 5_000, "only {found} were acknowledged");
    assert!(log.reopened() >= KILLS, "the reader came back {} times", log.reopened());
    assert_eq!(log.holes(), 0);
}

/// Appends until told to stop; what was acknowledged, by sequence number.
async fn write(log: Arc<impl Log>, stop: Arc<AtomicU64>, writer: u64) -> Vec<(u64, u64)> {
    let mut acknowledged = Vec::new();
    for n in (1..).map(|n| writer * 1_000_000 + n) {
        if stop.load(Ordering::Relaxed) == 1 {
            break;
        }
        match log.append(draft(n)).await {
            Ok(seq) => acknowledged.push((seq, n)),
            Err(_server_is_down) => sleep(Duration::from_millis(10)).await,
        }
    }
    acknowledged
}

/// A consumer that the server took away, without any disconnect, is made anew.
#[tokio::test]
async fn a_deleted_consumer_is_opened_anew_at_the_position() {
    let server = NatsServer::start();
    let log = connect(&server).await;
    let mut reader = log.reader(Fingerprint::default()).await.unwrap();
    crate::append(&log, 1..=5).await;
    read(&mut *reader, 5).await.unwrap();

    let stream = crate::operator(&server).await.get_stream("CREDITS").await.unwrap();
    let names: Vec<String> = futures_util::TryStreamExt::try_collect(stream.consumer_names()).await.unwrap();
    for name in &names {
        stream.delete_consumer(name).await.unwrap();
    }
    assert_eq!(names.len(), 1);

    crate::append(&log, 6..=9).await;
    let rest = read(&mut *reader, 4).await.unwrap();
    assert!(rest.iter().map(|record| record.seq).eq(6..=9));
    assert_eq!(log.reopened(), 1);
}
