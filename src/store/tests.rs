//! The store when the disk refuses.

use std::path::Path;
use std::process::Command;

use super::checkpoint::{Checkpoints, Item};
use super::history::{BlockRef, Buffer, Limits, Row, Runs};
use super::*;
use crate::ledger::units::{EventId, Position, Timestamp};

const SELF: &str = "store::tests::a_disk_that_refuses_undoes_the_write_and_the_next_one_works";
const FOLDER: &str = "CREDITD_TEST_STORE_FOLDER";

/// Bytes that do not compress.
fn noise(len: u64) -> Vec<u8> {
    (0..len / 16).flat_map(|n| xxhash_rust::xxh3::xxh3_128(&n.to_le_bytes()).to_le_bytes()).collect()
}

/// Runs in a child that may not write a file beyond 512 KiB: the write that would fails half-way, as it does on
/// a full disk.
#[test]
fn a_disk_that_refuses_undoes_the_write_and_the_next_one_works() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        checkpoints(&Path::new(&folder).join("checkpoints"));
        runs(&Path::new(&folder).join("runs"));
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let limited = "trap '' XFSZ; ulimit -f 1024; exec \"$0\" --exact \"$1\" --nocapture";
    let output = Command::new("sh")
        .args(["-c", limited])
        .arg(std::env::current_exe().unwrap())
        .arg(SELF)
        .env(FOLDER, dir.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "{said}");
    assert!(dir.path().join("runs").exists(), "the child did nothing: {said}");
}

fn checkpoints(folder: &Path) {
    let mut store = Checkpoints::open(folder).unwrap();
    let mut base = store.begin_base().unwrap();
    base.put(OrgKey(1), b"small").unwrap();
    base.commit(b"base").unwrap();

    let mut increment = store.begin_increment().unwrap();
    increment.put(OrgKey(1), &noise(300 << 10)).unwrap();
    let error = increment.put(OrgKey(2), &noise(300 << 10)).unwrap_err();
    assert!(matches!(error, StoreError::Io { verb: "written", .. }), "{error}");
    assert!(matches!(increment.commit(b"half"), Err(StoreError::SectionFailed)));

    let mut rebase = store.begin_base().unwrap();
    let error = rebase.put(OrgKey(2), &noise(600 << 10)).unwrap_err();
    assert!(matches!(error, StoreError::Io { .. }), "{error}");
    drop(rebase);
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 1);

    let mut increment = store.begin_increment().unwrap();
    increment.put(OrgKey(3), b"after").unwrap();
    increment.commit(b"increment").unwrap();
    let mut found = Vec::new();
    let recovery = Checkpoints::open(folder)
        .unwrap()
        .recover(
            |_| true,
            |item| {
                let Item::Org(key, bytes) = item else { unreachable!("no head was put") };
                found.push((key.0, bytes.to_vec()));
                Ok(())
            },
        )
        .unwrap();
    assert!(recovery.findings.is_empty(), "{:?}", recovery.findings);
    assert_eq!(recovery.commit.unwrap().meta, b"increment");
    assert_eq!(found, [(1, b"small".to_vec()), (3, b"after".to_vec())]);
}

fn runs(folder: &Path) {
    let runs = Runs::open(folder).unwrap();
    let mut buffer = Buffer::new(Limits::default());
    let bytes = noise(600 << 10);
    let row = |seq, bytes| {
        let position = Position { seq, item: 0 };
        let (at, id) = (Timestamp::from_micros(0), EventId::of("test", "1"));
        Row { key: OrgKey(1), position, at, id, hour: at.hour(), bytes }
    };
    buffer.push(row(1, &bytes)).unwrap();
    let error = runs.write(1, &buffer, |_| None).unwrap_err();
    assert!(matches!(error, StoreError::Io { .. }), "{error}");
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
    assert!(runs.list().is_empty());

    buffer.clear();
    buffer.push(row(1, b"small")).unwrap();
    let head: Option<BlockRef> = runs.write(1, &buffer, |_| None).unwrap().map(|written| written.heads[0].1);
    assert_eq!(runs.row_at(OrgKey(1), head, Position { seq: 1, item: 0 }).unwrap().unwrap(), b"small");
}
