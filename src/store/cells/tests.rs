//! Files of cells: what was written comes back, added up however they are merged, and nothing else does.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::file::{HEADER, Header, LAYOUT};
use super::*;
use crate::ledger::units::{EventId, Hour, Position};
use crate::store::history::{Buffer, Limits, Row, Runs, Summary};
use crate::store::{OrgKey, codec, frame};

/// Cells by slot, user, credits.
type Plain<'c> = &'c [(i32, &'c str, i64)];

struct Scene {
    folder: TempDir,
    runs: Runs,
}

impl Scene {
    fn new() -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let runs = Runs::open(&folder.path().join("history")).unwrap();
        Scene { folder, runs }
    }

    fn cells(&self) -> std::path::PathBuf {
        self.folder.path().join("cells")
    }

    fn tiers(&self) -> Tiers {
        Tiers::open(&self.cells(), &self.runs).unwrap()
    }

    /// Writes a run, as a file of cells must be of one.
    fn run(&self, run: u32) -> Summary {
        let mut buffer = Buffer::new(Limits::default());
        let position = Position { seq: u64::from(run), item: 0 };
        let (id, hour) = (EventId::default(), Hour(0));
        buffer
            .push(Row { key: OrgKey(0), position, at: Timestamp::default(), id, hour, bytes: b"x" })
            .unwrap();
        self.runs.write(run, &buffer, |_| None).unwrap().unwrap().summary
    }

    /// Writes a run with cells of some organizations.
    fn write(&self, tiers: &Tiers, run: u32, orgs: &[(u32, Plain<'_>)]) {
        let summary = self.run(run);
        let fill = |writer: &mut Writer| {
            for (key, cells) in orgs {
                fill(writer, OrgKey(*key), cells)?;
            }
            Ok(())
        };
        tiers.write(summary, fill).unwrap();
    }
}

fn fill(writer: &mut Writer, key: OrgKey, cells: Plain<'_>) -> Result<(), crate::store::StoreError> {
    let mut dictionary = Dictionary::default();
    writer.begin(key);
    for of_day in cells.chunk_by(|one, other| Slot(one.0).day() == Slot(other.0).day()) {
        let cells: Vec<(u8, u32, Figures)> = of_day
            .iter()
            .map(|(slot, user, credits)| {
                let texts = [Some(*user), None, None, None, None, None, Some("mail"), None, None];
                (Slot(*slot).quarter(), dictionary.number(texts), figures(*credits))
            })
            .collect();
        writer.day(Day::of(Slot(of_day[0].0).day(), &cells))?;
    }
    writer.end(&dictionary)
}

/// Makes one file of eight, if there are such.
fn merge_one(tiers: &Tiers, committed: u32, go_on: &dyn Fn() -> bool) -> bool {
    let into = tiers.mergeable(committed, &BTreeSet::new());
    into.is_some_and(|into| tiers.merge(into, go_on).unwrap())
}

/// The first run up to one that lacks its cells.
fn gap(tiers: &Tiers, upto: u32) -> Option<u32> {
    tiers.gap(0, upto, &BTreeSet::new())
}

fn figures(credits: i64) -> Figures {
    Figures([credits, 1, 0, 0, 2, -70_000, i64::MAX / 3, credits.signum()])
}

/// A number that nothing tells from those beside it, so that it cannot be written shorter.
fn noise(day: i32, n: i64) -> i64 {
    (i64::from(day) * 1_000 + n + 1).wrapping_mul(0x5851_F42D_4C95_7F2D)
}

/// What all files tell of an organization, added up: slot, user, credits, parts.
fn told(tiers: &Tiers, key: u32) -> Vec<(i32, String, i64, i64)> {
    let mut sums: std::collections::BTreeMap<(i32, String), Figures> = Default::default();
    for (_, file) in tiers.cover().files {
        let Some(block) = file.block(OrgKey(key)).unwrap() else { continue };
        for day in block.days().collect::<Vec<_>>() {
            for (quarter, tuple, figures) in block.day(day).unwrap().unwrap().cells() {
                let user = block.dictionary().texts(tuple).unwrap()[0].unwrap().to_owned();
                sums.entry((Slot::of_day(day, quarter).0, user)).or_default().add(&figures);
            }
        }
    }
    sums.into_iter()
        .map(|((slot, user), figures)| (slot, user, figures.0[0], figures.0[FIGURES - 1]))
        .collect()
}

fn expected(cells: &[(i32, &str, i64, i64)]) -> Vec<(i32, String, i64, i64)> {
    cells.iter().map(|(slot, user, credits, parts)| (*slot, (*user).to_owned(), *credits, *parts)).collect()
}

#[test]
fn a_slot_is_a_quarter_of_an_hour_before_1970_too() {
    let at = |micros| Slot::of(Timestamp::from_micros(micros));
    assert_eq!((at(-1), at(0), at(899_999_999), at(900_000_000)), (Slot(-1), Slot(0), Slot(0), Slot(1)));
    assert_eq!((Slot(-1).day(), Slot(-1).quarter(), Slot(97).day(), Slot(97).quarter()), (-1, 95, 1, 1));
    assert_eq!(Slot::of_day(-1, 95), Slot(-1));
    assert_eq!((Slot::at(Timestamp::from_micros(5)), Slot::at(Timestamp::default())), (None, Some(Slot(0))));
    assert_eq!(Slot::of(Timestamp::MAX), Slot(i32::MAX));
}

#[test]
fn small_and_large_blocks_come_back_from_the_disk() {
    let scene = Scene::new();
    let tiers = scene.tiers();
    let users: Vec<String> = (0..700).map(|n| format!("user-{n}")).collect();
    let large: Vec<(i32, &str, i64)> = (0..4)
        .flat_map(|day| users.iter().map(move |user| (day * 96 + 50, &**user, i64::from(day) + 1)))
        .collect();
    let small: &[(i32, &str, i64)] = &[(-3, "a", 5), (-3, "b", 300), (7, "a", -5_000_000_000)];
    scene.write(&tiers, 1, &[(2, small), (5, &large), (9, small), (10, small)]);
    let known = expected(&[(-3, "a", 5, 1), (-3, "b", 300, 1), (7, "a", -5_000_000_000, -1)]);
    for tiers in [tiers, scene.tiers()] {
        for key in [2, 9, 10] {
            assert_eq!(told(&tiers, key), known);
        }
        for key in [0, 3, 5_000] {
            assert_eq!(told(&tiers, key), []);
        }
        let told = told(&tiers, 5);
        assert_eq!((told.len(), told[2_799].0, told[2_799].2), (2_800, 3 * 96 + 50, 4));
        let block = tiers.cover().files[0].1.block(OrgKey(5)).unwrap().unwrap();
        assert!(block.is_large() && block.days().eq(0..4) && block.days_within(1, 2).eq(1..3));
        assert!(block.day(7).unwrap().is_none());
    }
}

#[test]
fn eight_files_become_one_and_what_comes_to_nothing_goes() {
    let scene = Scene::new();
    let tiers = scene.tiers();
    for run in 1..=64 {
        let back = if run % 8 == 0 { -1 } else { 1 };
        scene.write(&tiers, run, &[(1, &[(3, "a", 2)]), (4, &[(3, "b", 1), (9, "b", back)])]);
    }
    assert_eq!(tiers.cover().files.len(), 64);
    let before = (told(&tiers, 1), told(&tiers, 4));
    assert!(!merge_one(&tiers, 7, &|| true), "the eighth run is not committed");
    assert!(!merge_one(&tiers, 64, &|| false), "it was told to stop");
    assert_eq!(tiers.cover().files.len(), 64);
    let mut merges = 0;
    while merge_one(&tiers, 63, &|| true) {
        merges += 1;
    }
    assert_eq!((merges, tiers.cover().files.len(), tiers.cover().upto), (7, 15, 64));
    while merge_one(&tiers, 64, &|| true) {}
    for tiers in [&tiers, &scene.tiers()] {
        let cover = tiers.cover();
        assert_eq!((cover.files.len(), cover.upto, gap(tiers, 64), gap(tiers, 65)), (1, 64, None, Some(65)));
        assert_eq!((told(tiers, 1), told(tiers, 4)), before);
    }
    assert_eq!(fs::read_dir(scene.cells()).unwrap().count(), 1);
    assert_eq!(before.0, expected(&[(3, "a", 128, 64)]));

    // What is added and taken off again leaves nothing.
    let scene = Scene::new();
    let tiers = scene.tiers();
    for run in 1..=8 {
        let figures = if run % 2 == 0 { figures(3).negated() } else { figures(3) };
        let summary = scene.run(run);
        let fill = |writer: &mut Writer| {
            let mut dictionary = Dictionary::default();
            let tuple = dictionary.number([Some("x"); TEXTS]);
            writer.begin(OrgKey(1));
            writer.day(Day::of(0, &[(0, tuple, figures)]))?;
            writer.end(&dictionary)
        };
        tiers.write(summary, fill).unwrap();
    }
    while merge_one(&tiers, 8, &|| true) {}
    assert!(tiers.cover().files[0].1.block(OrgKey(1)).unwrap().is_none());
}

#[test]
fn a_gap_ends_what_is_covered_and_a_crash_discards() {
    let scene = Scene::new();
    let tiers = scene.tiers();
    for run in 1..=9 {
        scene.write(&tiers, run, &[(1, &[(3, "a", 1)])]);
    }
    tiers.lose(tiers.cover().files[4].0);
    assert_eq!((tiers.cover().upto, gap(&tiers, 9)), (4, Some(5)));
    let left_out = [Tier::of_run(5)].into();
    assert_eq!((tiers.gap(0, 9, &left_out), tiers.gap(0, 11, &left_out)), (None, Some(10)));
    scene.tiers().discard_after(Some(7));
    let left_out = [Tier::of_run(5)].into();
    assert_eq!(scene.tiers().gap(0, 9, &left_out), Some(8));
    scene.tiers().discard_after(None);
    assert_eq!(fs::read_dir(scene.cells()).unwrap().count(), 0);
}

#[test]
fn a_merge_that_a_crash_left_half_is_ended_at_the_start() {
    let scene = Scene::new();
    let tiers = scene.tiers();
    (1..=8).for_each(|run| scene.write(&tiers, run, &[(1, &[(3, "a", 1)])]));
    let copies: Vec<(std::path::PathBuf, Vec<u8>)> = fs::read_dir(scene.cells())
        .unwrap()
        .map(|file| file.unwrap().path())
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    assert!(merge_one(&tiers, 8, &|| true));
    copies.iter().for_each(|(path, bytes)| fs::write(path, bytes).unwrap());
    fs::write(scene.cells().join("cells-1-0000000001.unfinished"), b"half").unwrap();
    let tiers = scene.tiers();
    assert_eq!(told(&tiers, 1), expected(&[(3, "a", 8, 8)]));
    assert_eq!(fs::read_dir(scene.cells()).unwrap().count(), 1);
}

#[test]
fn a_merge_throws_away_what_is_damaged_and_nothing_for_a_disk_that_refuses() {
    let scene = Scene::new();
    let tiers = scene.tiers();
    (1..8).for_each(|run| scene.write(&tiers, run, &[(1, &[(3, "a", 1)])]));
    // So much that it is written before the end.
    let users: Vec<String> = (0..1_000).map(|n| format!("user-{n}")).collect();
    let of_day = |day: i32| users.iter().zip(0..).map(move |(user, n)| (day * 96, &**user, noise(day, n)));
    scene.write(&tiers, 8, &[(2, &(0..200).flat_map(of_day).collect::<Vec<_>>())]);
    let into = tiers.mergeable(8, &BTreeSet::new()).unwrap();
    assert_eq!(tiers.mergeable(8, &[into].into()), None);
    let unfinished = scene.cells().join("cells-1-0000000000.unfinished");
    std::os::unix::fs::symlink("/dev/full", &unfinished).unwrap();
    assert!(matches!(tiers.merge(into, &|| true), Err(crate::store::StoreError::Io { .. })));
    assert_eq!((tiers.cover().upto, gap(&tiers, 8), unfinished.exists()), (8, None, false));

    let third = scene.cells().join("cells-0-0000000002.cells");
    let mut bytes = fs::read(&third).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&third, bytes).unwrap();
    tiers.merge(into, &|| true).unwrap_err();
    assert_eq!((gap(&tiers, 8), third.exists(), tiers.cover().upto), (Some(3), false, 2));
    assert_eq!(tiers.gap(0, 8, &[Tier::of_run(3)].into()), None, "the others stay");
}

#[test]
fn what_stands_in_the_way_of_a_file_is_written_over() {
    let scene = Scene::new();
    let tiers = scene.tiers();
    fs::write(scene.cells().join("cells-0-0000000000.cells"), b"it could not be removed").unwrap();
    scene.write(&tiers, 1, &[(1, &[(3, "a", 1)])]);
    assert_eq!(told(&tiers, 1), expected(&[(3, "a", 1, 1)]));
}

#[test]
fn what_is_damaged_or_of_other_runs_is_thrown_away() {
    fn only_file(folder: &Path) -> std::path::PathBuf {
        fs::read_dir(folder).unwrap().next().unwrap().unwrap().path()
    }
    let whole = {
        let scene = Scene::new();
        scene.write(&scene.tiers(), 1, &[(1, &[(3, "a", 1)])]);
        fs::read(only_file(&scene.cells())).unwrap()
    };
    for at in 0..whole.len() {
        let scene = Scene::new();
        scene.run(1);
        let mut harmed = whole.clone();
        harmed[at] ^= 1;
        fs::create_dir_all(scene.cells()).unwrap();
        fs::write(scene.cells().join("cells-0-0000000000.cells"), harmed).unwrap();
        let tiers = scene.tiers();
        let read = tiers.cover().files.first().map(|(_, file)| file.block(OrgKey(1)));
        assert!(matches!(read, None | Some(Err(_))), "byte {at}: {read:?}");
    }
    // Of another layout: what stands first says so.
    let scene = Scene::new();
    scene.write(&scene.tiers(), 1, &[(1, &[(3, "a", 1)])]);
    let summary = scene.runs.summary(1).unwrap();
    for (layout, files) in [(LAYOUT, 1), (LAYOUT + 1, 0)] {
        let mut header = Vec::new();
        let fill = |out: &mut Vec<u8>| codec::encode_into(&Header { layout, last: summary }, out).unwrap();
        frame::append(&mut header, HEADER, fill).unwrap();
        let mut bytes = fs::read(only_file(&scene.cells())).unwrap();
        bytes[..header.len()].copy_from_slice(&header);
        fs::write(only_file(&scene.cells()), bytes).unwrap();
        assert_eq!(scene.tiers().size().0, files);
    }
    // The same runs by number, and others by what they hold.
    let scene = Scene::new();
    scene.run(1);
    scene.write(&scene.tiers(), 2, &[(1, &[(3, "a", 1)])]);
    fs::rename(only_file(&scene.cells()), scene.cells().join("cells-0-0000000000.cells")).unwrap();
    assert_eq!(scene.tiers().size().0, 0);
}
