use std::time::Duration;

use super::*;

#[tokio::test]
async fn a_reader_follows_while_appends_go_on_across_segments() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { segment_bytes: 20_000 };
    let (log, _) = LocalLog::open(folder.path(), options, ticking(1_000)).unwrap();
    append_each(&log, 1..=30).await;
    let mut reader = log.reader(Fingerprint::default()).await.unwrap();
    assert_eq!(reader.created_ns(), log.durable.created_ns);
    let follow = async {
        let mut records = Vec::new();
        while records.len() < 3_030 {
            reader.next(&mut records).await.unwrap();
        }
        records
    };
    let append = join_all((0..30).map(|appender| {
        let log = &log;
        async move {
            let from = 1_000 * (appender + 1);
            append_each(log, from..=from + 99).await;
        }
    }));
    let (records, _) = tokio::join!(follow, append);
    assert!(records.iter().map(|record| record.seq).eq(1..=3_030));
    for record in records {
        assert_eq!(record.draft, draft(record.draft.request));
    }
    assert!(segment_files(folder.path()).len() > 3);
}

#[tokio::test]
async fn a_waiting_reader_is_woken_by_an_append_and_returns_empty_without_one() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path());
    let mut reader = log.reader(Fingerprint::default()).await.unwrap();
    let mut batch = Vec::new();
    let idle = tokio::time::timeout(Duration::from_secs(5), reader.next(&mut batch)).await;
    idle.expect("an idle reader returns").unwrap();
    assert!(batch.is_empty());
    // Polled first, so it waits before the record is there; one call must bring it.
    let (woken, appended) = tokio::join!(reader.next(&mut batch), log.append(draft(1)));
    woken.unwrap();
    assert_eq!((appended.unwrap(), batch[0].seq), (1, 1));
}

#[tokio::test]
async fn a_reader_that_is_dropped_while_it_waits_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path());
    let mut reader = log.reader(Fingerprint::default()).await.unwrap();
    let mut batch = Vec::new();
    for number in 1..=20 {
        drop(tokio::time::timeout(Duration::from_millis(1), reader.next(&mut batch)).await);
        append_each(&log, number..=number).await;
    }
    while batch.len() < 20 {
        reader.next(&mut batch).await.unwrap();
    }
    assert!(batch.iter().map(|record| record.seq).eq(1..=20));
}

#[tokio::test]
async fn a_reader_that_fell_behind_the_memory_goes_on_from_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { segment_bytes: 5 << 20 };
    let (log, _) = LocalLog::open(folder.path(), options, ticking(1_000)).unwrap();
    let large = |request| Draft { request, payload: vec![b'x'; 200_000].into(), ..Draft::default() };
    append_each(&log, 1..=3).await;
    let mut reader = log.reader(Fingerprint::default()).await.unwrap();
    let mut batch = Vec::new();
    reader.next(&mut batch).await.unwrap();
    assert_eq!(batch.len(), 3);
    let given = join_all((4..=123).map(|request| log.append(large(request)))).await;
    assert!(matches!(
        log.durable.find(durable::Cursor { next: 4, segment: 1, offset: 0 }),
        durable::Place::File { .. }
    ));
    while batch.len() < 123 {
        reader.next(&mut batch).await.unwrap();
    }
    assert!(batch.iter().map(|record| record.seq).eq(1..=123));
    for (request, seq) in (4..).zip(given) {
        assert_eq!(batch[usize::try_from(seq.unwrap()).unwrap() - 1].draft.request, request);
    }
}

#[tokio::test]
async fn a_batch_holds_at_most_a_thousand_records() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path());
    join_all((1..=2_500).map(|number| log.append(draft(number)))).await;
    for _ in 0..2 {
        let mut reader = log.reader(Fingerprint::default()).await.unwrap();
        let (mut sizes, mut records) = (Vec::new(), Vec::new());
        while records.len() < 2_500 {
            let before = records.len();
            reader.next(&mut records).await.unwrap();
            sizes.push(records.len() - before);
        }
        assert_eq!(sizes, [crate::log::BATCH, crate::log::BATCH, 500]);
        assert!(records.iter().map(|record| record.seq).eq(1..=2_500));
    }
}

#[tokio::test]
async fn a_reader_whose_records_are_deleted_ahead_of_it_says_so() {
    let folder = tempfile::tempdir().unwrap();
    append_each(&open_short(folder.path()), 1..=5).await;
    // Opened anew, nothing is in memory: the reader depends on the files.
    let log = open_short(folder.path());
    let mut reader = log.reader(Fingerprint::default()).await.unwrap();
    log.truncate_before(4).unwrap();
    let error = reader.next(&mut Vec::new()).await.unwrap_err();
    assert!(
        matches!(error, LogError::Lineage(crate::log::Lineage::Purged { first: 4, needed: 1 })),
        "{error}"
    );
}
