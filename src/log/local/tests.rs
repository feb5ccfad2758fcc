//! The log on a real disk.

mod append;
mod crash;
mod damage;
mod follow;
mod lineage;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use futures_util::future::join_all;

use super::*;
use crate::log::Record;
use crate::store::frame::FrameReader;

/// A clock that stands at this many microseconds and ticks once whenever it is read.
fn ticking(from: i64) -> Now {
    let micros = AtomicI64::new(from);
    Arc::new(move || Timestamp::from_micros(micros.fetch_add(1, Ordering::Relaxed)))
}

fn open(folder: &Path) -> (LocalLog, OpenReport) {
    LocalLog::open(folder, Options::default(), ticking(1_000)).unwrap()
}

/// Opens a log that begins a new segment with every group.
fn open_short(folder: &Path) -> LocalLog {
    LocalLog::open(folder, Options { segment_bytes: 1 }, ticking(1_000)).unwrap().0
}

fn draft(number: u64) -> Draft {
    Draft {
        subject: format!("credits.events.org-{number}"),
        headers: Some(Box::new(vec![("ce-id".into(), number.to_string())])),
        request: number,
        payload: Bytes::from(format!(r#"{{"number":{number}}}"#)),
    }
}

/// Appends the drafts of these numbers one after the other, so that each is a group of its own.
async fn append_each(log: &LocalLog, numbers: std::ops::RangeInclusive<u64>) {
    for number in numbers {
        log.append(draft(number)).await.unwrap();
    }
}

/// Everything after a position, up to the log's end.
async fn read_from(log: &LocalLog, position: Fingerprint) -> Result<Vec<Record>, LogError> {
    let last = log.durable.last().seq;
    let mut reader = log.reader(position.clone()).await?;
    let (mut records, mut at) = (Vec::new(), position.seq);
    while at < last {
        reader.next(&mut records).await?;
        at = records.last().map_or(at, |record: &Record| record.seq);
    }
    Ok(records)
}

async fn read_all(log: &LocalLog) -> Vec<Record> {
    read_from(log, Fingerprint::default()).await.unwrap()
}

/// The position after a record.
fn after(log: &LocalLog, record: &Record) -> Fingerprint {
    let crc = crc32fast::hash(&record.draft.payload);
    Fingerprint { created_ns: log.durable.created_ns, seq: record.seq, at: record.at, crc }
}

fn segment_file(folder: &Path, first: u64) -> PathBuf {
    folder.join(format!("{first:020}.log"))
}

fn segment_files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
    files.sort();
    files
}

/// Where each frame of a file starts, and its end.
fn borders(path: &Path) -> Vec<u64> {
    let mut frames = FrameReader::new(fs::File::open(path).unwrap(), path, 0);
    let mut borders = vec![0];
    while frames.next().unwrap().is_some() {
        borders.push(frames.offset());
    }
    borders
}

/// The one error text for damage, to be searched for what it must name.
fn damage(error: LogError) -> String {
    match error {
        LogError::Damaged(text) => text,
        other => panic!("not damage: {other}"),
    }
}
