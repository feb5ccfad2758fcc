use super::*;
use crate::log::Lineage;

async fn refusal(log: &LocalLog, position: Fingerprint) -> Lineage {
    match log.reader(position).await.err() {
        Some(LogError::Lineage(lineage)) => lineage,
        other => panic!("not a lineage error: {other:?}"),
    }
}

#[tokio::test]
async fn a_reader_goes_on_after_any_record_it_recognises() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path());
    append_each(&log, 1..=3).await;
    join_all((4..=9).map(|number| log.append(draft(number)))).await;
    let all = read_all(&log).await;
    for (index, record) in (1..).zip(&all) {
        let rest = read_from(&log, after(&log, record)).await.unwrap();
        assert_eq!(rest, all[index..], "after record {index}");
    }
}

#[tokio::test]
async fn a_log_made_anew_is_recognised_as_another() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path());
    append_each(&log, 1..=3).await;
    let position = after(&log, &read_all(&log).await[2]);
    drop(log);
    fs::remove_dir_all(folder.path()).unwrap();
    let (log, _) = LocalLog::open(folder.path(), Options::default(), ticking(2_000)).unwrap();
    append_each(&log, 1..=3).await;
    let lineage = refusal(&log, position).await;
    assert_eq!(lineage, Lineage::Recreated { expected_ns: 1_000_000, found_ns: 2_000_000 });
}

#[tokio::test]
async fn a_log_that_ends_before_the_position_was_truncated() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path());
    append_each(&log, 1..=3).await;
    let position = after(&log, &read_all(&log).await[2]);
    drop(log);
    let path = segment_file(folder.path(), 1);
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_len(borders(&path)[3]).unwrap();
    let (log, _) = open(folder.path());
    assert_eq!(refusal(&log, position.clone()).await, Lineage::Truncated { last: 2, position: 3 });

    // Grown past the position again, the log holds another record there.
    LocalLog::append(&log, draft(30)).await.unwrap();
    append_each(&log, 4..=5).await;
    assert_eq!(refusal(&log, position).await, Lineage::Forked { position: 3 });
}

#[tokio::test]
async fn a_record_with_another_time_or_payload_is_a_fork() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path());
    append_each(&log, 1..=3).await;
    let position = after(&log, &read_all(&log).await[1]);
    let other_time = Fingerprint { at: Timestamp::from_micros(position.at.micros() + 1), ..position.clone() };
    assert_eq!(refusal(&log, other_time).await, Lineage::Forked { position: 2 });
    let other_payload = Fingerprint { crc: position.crc ^ 1, ..position.clone() };
    assert_eq!(refusal(&log, other_payload).await, Lineage::Forked { position: 2 });
    assert_eq!(read_from(&log, position).await.unwrap()[0].seq, 3);
}

#[tokio::test]
async fn records_deleted_ahead_of_the_position_are_missed_and_those_behind_it_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let log = open_short(folder.path());
    append_each(&log, 1..=5).await;
    let all = read_all(&log).await;
    log.truncate_before(4).unwrap();
    assert_eq!(refusal(&log, after(&log, &all[1])).await, Lineage::Purged { first: 4, needed: 3 });
    assert_eq!(refusal(&log, Fingerprint::default()).await, Lineage::Purged { first: 4, needed: 1 });

    // Record 3 is gone, yet the segment after it still knows it.
    assert_eq!(read_from(&log, after(&log, &all[2])).await.unwrap(), all[3..]);
    let forged = Fingerprint { crc: 7, ..after(&log, &all[2]) };
    assert_eq!(refusal(&log, forged).await, Lineage::Forked { position: 3 });
}

#[tokio::test]
async fn the_empty_position_takes_any_log_that_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path());
    append_each(&log, 1..=2).await;
    let empty = Fingerprint { created_ns: 5, ..Fingerprint::default() };
    assert_eq!(read_from(&log, empty).await.unwrap().len(), 2);
}
