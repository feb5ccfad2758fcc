use std::pin::pin;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;
use tokio::task::unconstrained;

use super::*;

#[tokio::test]
async fn records_come_back_after_a_reopen_as_they_were_given() {
    let folder = tempfile::tempdir().unwrap();
    let (log, report) = open(folder.path());
    assert_eq!(report.extent, Extent { first: 1, last: 0 });
    assert!(report.created && report.torn.is_none());
    append_each(&log, 1..=5).await;
    let (before, created_ns) = (read_all(&log).await, log.durable.created_ns);
    assert_eq!(created_ns, 1_000_000);
    log.close().unwrap();

    let (log, report) = open(folder.path());
    assert_eq!(
        report,
        OpenReport { created: false, extent: Extent { first: 1, last: 5 }, segments: 1, torn: None }
    );
    append_each(&log, 6..=7).await;
    let records = read_all(&log).await;
    assert_eq!(records[..5], before);
    for (number, record) in (1..=7).zip(&records) {
        assert_eq!((record.seq, &record.draft), (number, &draft(number)));
    }
    assert_eq!(log.durable.created_ns, created_ns);
    assert_eq!(log.extent().await.unwrap(), Extent { first: 1, last: 7 });
}

#[tokio::test]
async fn many_appenders_share_groups_and_each_learns_its_own_number() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path());
    let appenders = (0..64).map(|appender| {
        let log = &log;
        async move {
            let mut given = Vec::new();
            for round in 0..20 {
                let number = appender * 100 + round;
                given.push((log.append(draft(number)).await.unwrap(), number));
            }
            given
        }
    });
    let mut given: Vec<(u64, u64)> = join_all(appenders).await.into_iter().flatten().collect();
    given.sort_unstable();
    let read: Vec<(u64, u64)> =
        read_all(&log).await.into_iter().map(|record| (record.seq, record.draft.request)).collect();
    assert_eq!(given, read);
    assert!(read.iter().map(|(seq, _)| *seq).eq(1..=1_280));
    log.close().unwrap();
    let groups = borders(&segment_file(folder.path(), 1)).len() - 2;
    assert!(groups <= 1_280 / 4, "1,280 records of 64 appenders made {groups} groups");
}

#[tokio::test]
async fn a_group_ends_at_its_limits() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path());
    let large = |_| log.append(Draft { payload: vec![7; GROUP_BYTES / 2].into(), ..Draft::default() });
    join_all((0..12).map(large)).await.into_iter().for_each(|seq| assert!(seq.is_ok()));
    join_all((0..2_500).map(|number| log.append(draft(number)))).await;
    log.close().unwrap();
    let path = segment_file(folder.path(), 1);
    let mut frames = FrameReader::new(fs::File::open(&path).unwrap(), &path, 0);
    while let Some(frame) = frames.next().unwrap() {
        assert!(frame.payload.len() <= GROUP_BYTES + GROUP_BYTES / 2 + 100, "{}", frame.payload.len());
        if frame.offset > 0 {
            let group = group::Group::decode(Bytes::copy_from_slice(frame.payload)).unwrap();
            assert!(group.end_seq() - group.next_seq() <= GROUP_RECORDS as u64);
        }
    }
}

#[tokio::test]
async fn a_record_above_the_limit_is_refused_and_the_next_one_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path());
    let sized = |bytes: usize| Draft { payload: vec![b' '; bytes - 20].into(), ..Draft::default() };
    let refused = log.append(sized(MAX_RECORD + 1)).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the record is refused: it has 8388609 bytes, the most is 8388608: send its events in several records"
    );
    assert_eq!(log.append(sized(MAX_RECORD)).await.unwrap(), 1);
    assert_eq!(read_all(&log).await[0].draft.payload.len(), MAX_RECORD - 20);
}

#[tokio::test]
async fn timestamps_never_run_backwards_not_even_across_a_reopen() {
    let folder = tempfile::tempdir().unwrap();
    let falling = || -> Now {
        let micros = AtomicI64::new(9_000);
        Arc::new(move || Timestamp::from_micros(micros.fetch_sub(1_000, Ordering::Relaxed)))
    };
    for round in 0..2 {
        // A segment for each group: the second opening finds the timestamp in a header, too.
        let options = Options { segment_bytes: 1 };
        let (log, _) = LocalLog::open(folder.path(), options, falling()).unwrap();
        append_each(&log, round * 3 + 1..=round * 3 + 3).await;
    }
    let log = open_short(folder.path());
    let stamps: Vec<i64> = read_all(&log).await.iter().map(|record| record.at.micros()).collect();
    assert_eq!(stamps, [8_000, 8_000, 8_000, 9_000, 9_000, 9_000]);
}

#[tokio::test]
async fn segments_are_begun_at_their_size_and_deleted_before_a_record() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { segment_bytes: 600 };
    let (log, _) = LocalLog::open(folder.path(), options, ticking(1_000)).unwrap();
    append_each(&log, 1..=40).await;
    let files = segment_files(folder.path());
    assert!(files.len() > 5, "{files:?}");
    for file in &files {
        assert!(fs::metadata(file).unwrap().len() <= 600);
    }
    let all = read_all(&log).await;
    assert_eq!(all.len(), 40);

    let second = segment::first_of(files[1].file_name().unwrap().to_str().unwrap()).unwrap();
    assert_eq!(log.truncate_before(second - 1).unwrap(), 0, "its last record is still wanted");
    assert_eq!(log.truncate_before(second).unwrap(), 1);
    assert_eq!(log.extent().await.unwrap(), Extent { first: second, last: 40 });
    assert_eq!(log.truncate_before(u64::MAX).unwrap(), files.len() - 2, "the active one stays");
    assert_eq!(segment_files(folder.path()), files[files.len() - 1..]);
    let first = log.extent().await.unwrap().first;
    log.close().unwrap();

    let (log, report) = LocalLog::open(folder.path(), options, ticking(1_000)).unwrap();
    assert_eq!((report.extent, report.segments), (Extent { first, last: 40 }, 1));
    append_each(&log, 41..=60).await;
    let position = after(&log, &all[usize::try_from(first).unwrap() - 2]);
    let numbers: Vec<u64> =
        read_from(&log, position).await.unwrap().iter().map(|record| record.draft.request).collect();
    assert!(numbers.into_iter().eq(first..=60));
}

#[tokio::test]
async fn a_second_process_is_kept_out_of_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path());
    let error = LocalLog::open(folder.path(), Options::default(), ticking(0)).unwrap_err().to_string();
    assert!(error.contains(folder.path().to_str().unwrap()), "{error}");
    assert!(error.contains("another process has it open"), "{error}");
    drop(log);
    open(folder.path());
}

/// A log whose writer stands still until the gate is given back.
fn open_gated(folder: &Path) -> (LocalLog, Arc<Mutex<()>>) {
    let gate = Arc::new(Mutex::new(()));
    let behind = Arc::clone(&gate);
    let now: Now = Arc::new(move || {
        drop(behind.lock());
        Timestamp::from_micros(1_000)
    });
    (LocalLog::open(folder, Options::default(), now).unwrap().0, gate)
}

#[tokio::test]
async fn an_append_waits_for_room_when_too_many_bytes_are_pending() {
    let folder = tempfile::tempdir().unwrap();
    let (log, gate) = open_gated(folder.path());
    let payload = Bytes::from(vec![b'x'; PENDING_BYTES / 10]);
    let mut context = Context::from_waker(Waker::noop());
    let mut appends: Vec<_> = (0..15)
        .map(|request| log.append(Draft { request, payload: payload.clone(), ..Draft::default() }))
        .collect();
    {
        let _shut = gate.lock();
        for append in &mut appends {
            assert!(matches!(append.as_mut().poll(&mut context), Poll::Pending));
        }
        assert!(log.room.available_permits() < payload.len());
        let queued = PENDING_RECORDS - log.sender.as_ref().unwrap().capacity();
        assert!(queued <= 9, "{queued} records of a tenth of the room were let in");
    }
    for seq in join_all(appends).await {
        seq.unwrap();
    }
    assert!(read_all(&log).await.iter().map(|record| record.draft.request).eq(0..15));
    let room = Arc::clone(&log.room);
    log.close().unwrap();
    assert_eq!(room.available_permits(), PENDING_BYTES, "all room is free again");
}

#[tokio::test]
async fn closing_finishes_what_was_accepted_even_if_nobody_waits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let (log, gate) = open_gated(folder.path());
    let mut context = Context::from_waker(Waker::noop());
    let mut reader = log.reader(Fingerprint::default()).await.unwrap();
    {
        let _shut = gate.lock();
        for number in 1..=100 {
            // Unconstrained: the runtime's budget for one poll would hold back the later ones.
            let append = pin!(unconstrained(log.append(draft(number))));
            assert!(matches!(append.poll(&mut context), Poll::Pending));
        }
    }
    log.close().unwrap();
    let mut records = Vec::new();
    let end = loop {
        if let Err(error) = reader.next(&mut records).await {
            break error;
        }
    };
    assert!(matches!(end, LogError::Closed));
    assert!(records.iter().map(|record| record.seq).eq(1..=100));
    let (log, report) = open(folder.path());
    assert_eq!((report.extent.last, report.torn), (100, None));
    assert_eq!(read_all(&log).await, records);
}
