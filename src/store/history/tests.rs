//! Runs on a real disk, against a plain list of the same rows.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::ledger::units::Timestamp;
use crate::store::StoreError;

/// A row as the naive model keeps it.
#[derive(Clone, Debug)]
struct Plain {
    key: OrgKey,
    position: Position,
    at: Timestamp,
    id: EventId,
    hour: Hour,
    bytes: Vec<u8>,
}

impl Plain {
    fn row(&self) -> Row<'_> {
        let Plain { key, position, at, id, hour, .. } = *self;
        Row { key, position, at, id, hour, bytes: &self.bytes }
    }

    fn known(&self) -> KnownId {
        KnownId { id: self.id, position: self.position, hour: self.hour }
    }

    fn found(&self) -> Found {
        Found { event: self.known(), bytes: self.bytes.clone() }
    }
}

/// Runs and heads of a partition.
struct Store {
    runs: Runs,
    heads: BTreeMap<OrgKey, BlockRef>,
    buffer: Buffer,
}

impl Store {
    fn open(dir: &Path) -> Store {
        Store {
            runs: Runs::open(dir).unwrap(),
            heads: BTreeMap::new(),
            buffer: Buffer::new(Limits::default()),
        }
    }

    fn write(&mut self, run: u32, rows: &[Plain]) -> Written {
        self.buffer.clear();
        rows.iter().for_each(|row| self.buffer.push(row.row()).unwrap());
        let written =
            self.runs.write(run, &self.buffer, |key| self.heads.get(&key).copied()).unwrap().unwrap();
        self.heads.extend(written.heads.iter().copied());
        written
    }

    fn head(&self, key: u32) -> Option<BlockRef> {
        self.heads.get(&OrgKey(key)).copied()
    }
}

const HOUR: i64 = 3_600_000_000;

/// `count` rows from `seq` on, of organizations `0..orgs` in turn, one an hour, of about `len` bytes.
fn rows(seq: u64, count: u64, orgs: u32, len: usize) -> Vec<Plain> {
    let row = |seq: u64| {
        let at = Timestamp::from_micros(i64::try_from(seq).unwrap() * HOUR);
        let key = OrgKey(u32::try_from(seq).unwrap() % orgs);
        let bytes = format!("charge {seq} of {key};").bytes().cycle().take(len).collect();
        let position = Position { seq, item: 0 };
        Plain { key, position, at, id: EventId::of("test", &seq.to_string()), hour: at.hour(), bytes }
    };
    (seq..seq + count).map(row).collect()
}

fn of(rows: &[Plain], key: u32) -> impl DoubleEndedIterator<Item = &Plain> {
    rows.iter().filter(move |row| row.key == OrgKey(key))
}

fn file(dir: &Path, run: u32) -> PathBuf {
    dir.join(format!("run-{run:010}.run"))
}

#[test]
fn chains_lead_through_blocks_and_runs_and_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path());
    let rows = rows(1, 3_000, 3, 400);
    for (run, rows) in rows.chunks(1_000).enumerate() {
        let written = store.write(u32::try_from(run).unwrap() + 1, rows);
        assert_eq!((written.summary.rows, written.summary.orgs), (1_000, 3));
        assert_eq!(written.bytes, fs::metadata(file(dir.path(), written.summary.run)).unwrap().len());
    }
    store.runs = Runs::open(dir.path()).unwrap();
    assert_eq!(store.runs.list(), [1, 2, 3]);
    for key in 0..3 {
        let expected: Vec<Found> = of(&rows, key).rev().map(Plain::found).collect();
        let all = store.runs.newest(OrgKey(key), store.head(key), None, usize::MAX).unwrap();
        assert!(all == expected);
        let blocks: Vec<Block> =
            store.runs.blocks(OrgKey(key), store.head(key)).map(Result::unwrap).collect();
        assert!(blocks.len() > 9, "{} blocks", blocks.len());
        assert!(blocks.iter().all(|block| block.first() <= block.last()));
        assert!(blocks.windows(2).all(|pair| pair[0].prev() == Some(pair[1].at())));
    }
    assert!(store.runs.newest(OrgKey(3), store.head(3), None, 10).unwrap().is_empty());
    let summary = store.runs.summary(2).unwrap();
    assert_eq!((summary.first.seq, summary.last.seq), (1_001, 2_000));
    assert_eq!((summary.logged, summary.hours), (Hour(2_000), (Hour(1_001), Hour(2_000))));
}

#[test]
fn an_empty_buffer_makes_no_run_and_a_run_is_never_written_over() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path());
    assert!(store.runs.write(1, &store.buffer, |_| None).unwrap().is_none());
    store.write(1, &rows(1, 5, 2, 10));
    assert!(matches!(store.runs.write(1, &store.buffer, |_| None), Err(StoreError::Exists { .. })));
}

#[test]
fn the_buffer_is_bounded_and_keeps_the_order_of_the_log() {
    let mut buffer = Buffer::new(Limits { rows: 3, bytes: 100 });
    let rows = rows(1, 5, 2, 60);
    buffer.push(rows[1].row()).unwrap();
    let error = buffer.push(rows[0].row()).unwrap_err();
    assert_eq!(error.to_string(), "row 1.0 came after row 2.0: rows are pushed in the order of the log");
    buffer.push(rows[2].row()).unwrap();
    assert!(buffer.is_full());
    assert!(matches!(buffer.push(rows[3].row()), Err(StoreError::BufferFull { rows: 2 })));
    assert_eq!(buffer.find(OrgKey(0), rows[1].position), Some(rows[1].bytes.as_slice()));
    assert_eq!(buffer.find(OrgKey(1), rows[1].position), None);
    buffer.clear();
    assert!(buffer.is_empty() && buffer.newest(OrgKey(0)).next().is_none());
    let large = vec![0; MAX_ROW + 1];
    assert!(matches!(buffer.push(Row { bytes: &large, ..rows[0].row() }), Err(StoreError::TooLarge { .. })));
    assert!(buffer.is_empty());
}

#[test]
fn a_walk_for_ids_ends_where_the_log_was_too_early() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path());
    let mut late = rows(1, 300, 1, 10);
    // Logged in hour 250, happened in hour 20; and one that a fast clock put an hour ahead.
    late[249].hour = Hour(20);
    late[98].hour = Hour(100);
    for (run, rows) in late.chunks(50).enumerate() {
        store.write(u32::try_from(run).unwrap() + 1, rows);
    }
    let ids = |hours, not_after: u64| {
        let not_after = Position { seq: not_after, item: 0 };
        let known = store.runs.ids_of_hours(OrgKey(0), store.head(0), hours, not_after).unwrap();
        known.iter().map(|known| known.position.seq).collect::<Vec<_>>()
    };
    assert_eq!(ids(Hour(20)..=Hour(20), 300), [250, 20]);
    assert_eq!(ids(Hour(20)..=Hour(20), 249), [20]);
    assert_eq!(ids(Hour(100)..=Hour(101), 300), [101, 100, 99]);
    // Run 1 is not needed for hour 200: were it read, its damage would show.
    fs::write(file(dir.path(), 1), b"gone").unwrap();
    store.runs = Runs::open(dir.path()).unwrap();
    assert_eq!(
        store
            .runs
            .ids_of_hours(OrgKey(0), store.head(0), Hour(200)..=Hour(200), Position { seq: 300, item: 0 })
            .unwrap()
            .len(),
        1
    );
    assert!(
        store
            .runs
            .ids_of_hours(OrgKey(0), store.head(0), Hour(20)..=Hour(20), Position { seq: 300, item: 0 })
            .is_err()
    );
}

#[test]
fn chains_end_where_old_runs_were_deleted_and_leftovers_are_discarded() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path());
    let rows = rows(1, 400, 2, 50);
    for (run, rows) in rows.chunks(100).enumerate() {
        store.write(u32::try_from(run).unwrap() + 1, rows);
    }
    assert_eq!(store.runs.delete_before(3).unwrap(), [1, 2]);
    let left = store.runs.newest(OrgKey(0), store.head(0), None, usize::MAX).unwrap();
    assert!(left == of(&rows[200..], 0).rev().map(Plain::found).collect::<Vec<_>>());
    assert_eq!(store.runs.row_at(OrgKey(0), store.head(0), rows[1].position).unwrap(), None);

    assert_eq!(store.runs.discard_after(Some(3)).unwrap(), [4]);
    let error = store.runs.newest(OrgKey(0), store.head(0), None, 1).unwrap_err();
    assert!(matches!(&error, StoreError::RunMissing { key: OrgKey(0), .. }), "{error}");
    assert_eq!(store.runs.delete_before(9).unwrap(), [] as [u32; 0], "the newest stays");
    assert_eq!(store.runs.discard_after(None).unwrap(), [3]);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_run_that_cannot_be_deleted_is_there_until_it_can() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path());
    for (run, rows) in rows(1, 300, 1, 50).chunks(100).enumerate() {
        store.write(u32::try_from(run).unwrap() + 1, rows);
    }
    // A folder in its place is no file that could be deleted.
    let kept = fs::read(file(dir.path(), 1)).unwrap();
    fs::remove_file(file(dir.path(), 1)).unwrap();
    fs::create_dir(file(dir.path(), 1)).unwrap();
    assert!(matches!(store.runs.delete_before(3), Err(StoreError::Io { .. })));
    fs::remove_dir(file(dir.path(), 1)).unwrap();
    fs::write(file(dir.path(), 1), kept).unwrap();
    assert_eq!(store.runs.delete_before(3).unwrap(), [1, 2]);
}

#[test]
fn every_flipped_byte_is_noticed_and_the_loss_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path());
    let rows = rows(1, 60, 2, 40);
    store.write(1, &rows[..20]);
    store.write(2, &rows[20..40]);
    store.write(3, &rows[40..]);
    let (whole, key) = (fs::read(file(dir.path(), 2)).unwrap(), OrgKey(1));
    let expected: Vec<Found> = of(&rows, 1).rev().map(Plain::found).collect();
    let block = store.runs.blocks(key, store.head(1)).nth(1).unwrap().unwrap().at();
    let oldest = store.runs.blocks(key, store.head(1)).nth(2).unwrap().unwrap().at();
    let mut kinds = [0; 3];
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        fs::write(file(dir.path(), 2), &bytes).unwrap();
        store.runs = Runs::open(dir.path()).unwrap();
        match store.runs.newest(key, store.head(1), None, usize::MAX) {
            // The first and the last frame are not on the way.
            Ok(found) => assert!(found == expected, "flipped {at}"),
            Err(StoreError::BlockLost { key: lost, run: 2, first, last, source }) => {
                kinds[1] += 1;
                assert_eq!((lost, first.seq, last.seq), (key, 21, 40), "{source}");
                assert!(source.to_string().contains("run-0000000002.run"), "{source}");
                assert_eq!(store.runs.salvage(key, block).unwrap(), Some(oldest));
            }
            Err(StoreError::Frame(error)) => {
                kinds[2] += 1;
                assert!(error.to_string().contains("run-0000000002.run"), "{error}");
                let ids = store.runs.ids_of_hours(key, store.head(1), Hour(0)..=Hour(99), rows[59].position);
                assert_eq!(ids.unwrap().len(), expected.len(), "the ids are still good");
            }
            Err(error) => panic!("flipped {at}: {error}"),
        }
    }
    assert!(kinds[1] > 300 && kinds[2] > 100, "{kinds:?}");
    fs::write(file(dir.path(), 2), &whole[..whole.len() / 4]).unwrap();
    let error = Runs::open(dir.path()).unwrap().newest(key, store.head(1), None, 30).unwrap_err();
    assert!(error.to_string().contains("replay the log from 21.0"), "{error}");
}

#[test]
fn salvage_goes_on_inside_the_run_where_it_can() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path());
    store.write(1, &rows(1, 600, 1, 400));
    let blocks: Vec<BlockRef> =
        store.runs.blocks(OrgKey(0), store.head(0)).map(|block| block.unwrap().at()).collect();
    let mut bytes = fs::read(file(dir.path(), 1)).unwrap();
    bytes[usize::try_from(blocks[1].offset).unwrap() + 40] ^= 1;
    fs::write(file(dir.path(), 1), bytes).unwrap();
    assert!(store.runs.blocks(OrgKey(0), Some(blocks[1])).next().unwrap().is_err());
    assert_eq!(store.runs.salvage(OrgKey(0), blocks[1]).unwrap(), Some(blocks[2]));
    assert_eq!(store.runs.salvage(OrgKey(5), blocks[1]).unwrap(), None);
}

/// A row as drawn: organization, records since the row before, items, minutes since, hours late, length.
type Drawn = (u32, u64, u32, i64, i32, usize);

fn drawn() -> impl Strategy<Value = Vec<Drawn>> {
    let row = (
        0..6_u32,
        0..3_u64,
        1..3_u32,
        0..90_i64,
        -1..20_i32,
        prop_oneof![9 => 0..200_usize, 1 => 0..40_000_usize],
    );
    proptest::collection::vec(row, 1..300)
}

fn plain(drawn: &[Drawn]) -> Vec<Plain> {
    let (mut position, mut at) = (Position { seq: 1, item: 0 }, Timestamp::from_micros(490_000 * HOUR));
    let row = |(number, drawn): (usize, &Drawn)| {
        let (key, seqs, items, minutes, late, len) = *drawn;
        let item = if seqs == 0 { position.item + items } else { items };
        position = Position { seq: position.seq + seqs, item };
        at = Timestamp::from_micros(at.micros() + minutes * 60_000_000);
        let bytes = (0..len).map(|byte| u8::try_from((byte * number) % 7).unwrap()).collect();
        let id = EventId::of("test", &number.to_string());
        Plain { key: OrgKey(key), position, at, id, hour: at.hour().back(late), bytes }
    };
    drawn.iter().enumerate().map(row).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn history_answers_as_a_plain_list_does(
        drawn in drawn(),
        per_run in 1..120_usize,
        pick in any::<prop::sample::Index>(),
        count in 0..40_usize,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(dir.path());
        let rows = plain(&drawn);
        for (run, rows) in rows.chunks(per_run).enumerate() {
            store.write(u32::try_from(run).unwrap(), rows);
            // What is still in the buffer answers alike.
            for key in 0..6 {
                let newest: Vec<KnownId> = store.buffer.newest(OrgKey(key)).map(|(known, _)| known).collect();
                prop_assert_eq!(newest, of(rows, key).rev().map(Plain::known).collect::<Vec<_>>());
            }
            prop_assert!(rows.iter().all(|row| store.buffer.find(row.key, row.position) == Some(&row.bytes)));
        }
        let picked = &rows[pick.index(rows.len())];
        let (hours, not_after) = (picked.hour..=picked.hour.next(), rows[rows.len() * 9 / 10].position);
        for key in 0..6 {
            let head = store.head(key);
            let expected: Vec<Found> = of(&rows, key).rev().map(Plain::found).take(count).collect();
            prop_assert!(store.runs.newest(OrgKey(key), head, None, count).unwrap() == expected);
            let older = of(&rows, key).rev().filter(|row| row.position < picked.position);
            let expected: Vec<Found> = older.map(Plain::found).take(count).collect();
            prop_assert!(store.runs.newest(OrgKey(key), head, Some(picked.position), count).unwrap() == expected);
            let expected: Vec<KnownId> = of(&rows, key)
                .rev()
                .map(Plain::known)
                .filter(|known| hours.contains(&known.hour) && known.position <= not_after)
                .collect();
            prop_assert_eq!(store.runs.ids_of_hours(OrgKey(key), head, hours.clone(), not_after).unwrap(), expected);
            let row = of(&rows, key).find(|row| row.position == picked.position).map(|row| row.bytes.clone());
            prop_assert!(store.runs.row_at(OrgKey(key), head, picked.position).unwrap() == row);
        }
    }
}
