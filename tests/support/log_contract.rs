//! What every log must do, wherever it is kept. Each log's own test calls [`contract`] with an empty one.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use creditd::ledger::units::Timestamp;
use creditd::log::{BATCH, Draft, Extent, Fingerprint, Lineage, Log, LogError, Reader, Record};
use futures_util::future::join_all;
use tokio::time::timeout;

/// The n-th draft: its payload tells its number, every third has headers, every second a token.
pub(crate) fn draft(n: u64) -> Draft {
    let headers = n.is_multiple_of(3).then(|| {
        Box::new(vec![
            ("ce-id".to_owned(), format!("id-{n}")),
            ("ce-type".to_owned(), "creditd.action.v1".to_owned()),
        ])
    });
    Draft {
        subject: format!("credits.events.org-{}", n % 7),
        headers,
        request: if n.is_multiple_of(2) { u64::MAX - n } else { 0 },
        payload: Bytes::from(format!(r#"{{"n":{n}}}"#)),
    }
}

/// The position after a record.
pub(crate) fn fingerprint(created_ns: i128, record: &Record) -> Fingerprint {
    let crc = crc32fast::hash(&record.draft.payload);
    Fingerprint { created_ns, seq: record.seq, at: record.at, crc }
}

/// Reads until `count` records came, for at most half a minute.
pub(crate) async fn read(reader: &mut dyn Reader, count: usize) -> Result<Vec<Record>, LogError> {
    let mut records = Vec::new();
    let all = async {
        while records.len() < count {
            let before = records.len();
            reader.next(&mut records).await?;
            assert!(records.len() - before <= BATCH, "one call brought {} records", records.len() - before);
        }
        Ok(())
    };
    match timeout(Duration::from_secs(30), all).await {
        Ok(outcome) => outcome.map(|()| records),
        Err(_late) => Err(LogError::Nats(format!("only {} of {count} records came in 30 s", records.len()))),
    }
}

/// The whole contract, on an empty log.
pub(crate) async fn contract(log: Arc<dyn Log>) {
    const COUNT: u64 = 2_500;
    assert_eq!(log.extent().await.unwrap(), Extent { first: 1, last: 0 }, "the log must be empty at first");
    let mut live = log.reader(Fingerprint::default()).await.unwrap();
    an_idle_reader_returns(&mut *live).await;

    for n in 1..=COUNT / 2 {
        assert_eq!(log.append(draft(n)).await.unwrap(), n);
    }
    let mut given = join_all((COUNT / 2 + 1..=COUNT).map(|n| log.append(draft(n)))).await;
    given.sort_by_key(|seq| *seq.as_ref().unwrap());
    let given: Vec<u64> = given.into_iter().map(Result::unwrap).collect();
    assert_eq!(given, (COUNT / 2 + 1..=COUNT).collect::<Vec<_>>(), "concurrent appends take a number each");
    assert_eq!(log.extent().await.unwrap(), Extent { first: 1, last: COUNT });

    let records = read(&mut *live, 2_500).await.unwrap();
    what_was_appended_is_read(&records);
    a_reader_starts_after_its_position(&*log, &records).await;
    a_dropped_call_loses_nothing(&*log, &records).await;
    another_log_is_refused(&*log, live.created_ns(), records.last().unwrap()).await;
}

async fn an_idle_reader_returns(reader: &mut dyn Reader) {
    let mut batch = Vec::new();
    timeout(Duration::from_secs(2), reader.next(&mut batch)).await.unwrap().unwrap();
    assert_eq!(batch, []);
}

fn what_was_appended_is_read(records: &[Record]) {
    let mut numbers: Vec<u64> = Vec::new();
    for (place, record) in (1..).zip(records) {
        assert_eq!(record.seq, place);
        assert!(record.at > Timestamp::from_micros(1_600_000_000_000_000), "{:?}", record.at);
        let body: serde_json::Value = serde_json::from_slice(&record.draft.payload).unwrap();
        let n = body["n"].as_u64().unwrap();
        assert_eq!(record.draft, draft(n));
        numbers.push(n);
    }
    let half = records.len() / 2;
    assert!(numbers[..half].is_sorted(), "appended one after the other, read in that order");
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=records.len() as u64).collect::<Vec<_>>());
}

async fn a_reader_starts_after_its_position(log: &dyn Log, records: &[Record]) {
    let created_ns = log.reader(Fingerprint::default()).await.unwrap().created_ns();
    for at in [0, 1_233, records.len() - 2] {
        let mut reader = log.reader(fingerprint(created_ns, &records[at])).await.unwrap();
        assert_eq!(reader.created_ns(), created_ns);
        let rest = read(&mut *reader, records.len() - at - 1).await.unwrap();
        assert_eq!(rest, records[at + 1..]);
    }
    let mut reader = log.reader(fingerprint(created_ns, records.last().unwrap())).await.unwrap();
    an_idle_reader_returns(&mut *reader).await;
}

async fn a_dropped_call_loses_nothing(log: &dyn Log, records: &[Record]) {
    let mut reader = log.reader(Fingerprint::default()).await.unwrap();
    let mut read = Vec::new();
    for patience in (0..5_000).map(|round| Duration::from_micros(round % 400)) {
        // Dropping the call half-way is the point: what it had pushed counts, the rest must come again.
        if let Ok(outcome) = timeout(patience, reader.next(&mut read)).await {
            outcome.unwrap();
        }
        if read.len() >= records.len() {
            break;
        }
    }
    assert_eq!(read, records);
}

async fn another_log_is_refused(log: &dyn Log, created_ns: i128, last: &Record) {
    let truth = fingerprint(created_ns, last);
    let wrong = [
        (Fingerprint { created_ns: 1, ..truth.clone() }, "recreated"),
        (Fingerprint { seq: truth.seq + 1, ..truth.clone() }, "truncated"),
        (Fingerprint { crc: truth.crc ^ 1, ..truth.clone() }, "forked"),
        (Fingerprint { at: Timestamp::from_micros(truth.at.micros() - 1), ..truth }, "forked"),
    ];
    for (position, expected) in wrong {
        let refusal = log.reader(position.clone()).await.err();
        let found = match &refusal {
            Some(LogError::Lineage(Lineage::Recreated { .. })) => "recreated",
            Some(LogError::Lineage(Lineage::Truncated { .. })) => "truncated",
            Some(LogError::Lineage(Lineage::Forked { .. })) => "forked",
            _ => "something else",
        };
        assert_eq!(found, expected, "{position:?} gives {refusal:?}");
    }
}
