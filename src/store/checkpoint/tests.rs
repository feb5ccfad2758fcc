//! Checkpoints on a real disk: written, cut, damaged, refused, and recovered.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::*;
use crate::store::frame;

type Orgs = BTreeMap<u32, Vec<u8>>;
type Heads = BTreeMap<u32, BlockRef>;

/// What a recovery that accepts the descriptions of `accept` hands over, later items replacing earlier ones.
fn recover(store: &mut Checkpoints, accept: impl Fn(&[u8]) -> bool) -> (Orgs, Heads, Recovery) {
    let (mut orgs, mut heads) = (Orgs::new(), Heads::new());
    let recovery = store
        .recover(accept, |item| {
            match item {
                Item::Org(key, bytes) => drop(orgs.insert(key.0, bytes.to_vec())),
                Item::Head(key, block) => drop(heads.insert(key.0, block)),
            }
            Ok(())
        })
        .unwrap();
    (orgs, heads, recovery)
}

fn any(_: &[u8]) -> bool {
    true
}

fn meta(recovery: &Recovery) -> Option<&str> {
    recovery.commit.as_ref().map(|commit| std::str::from_utf8(&commit.meta).unwrap())
}

fn findings(recovery: &Recovery) -> Vec<String> {
    recovery.findings.iter().map(ToString::to_string).collect()
}

/// Writes a section with the organizations `keys`, each with the text `what`.
fn write(mut section: Section<'_>, keys: std::ops::Range<u32>, what: &str) {
    for key in keys {
        section.put(OrgKey(key), format!("{what} of {key}").as_bytes()).unwrap();
        section.head(OrgKey(key), BlockRef { run: 1, offset: u64::from(key) << 33 }).unwrap();
    }
    section.commit(what.as_bytes()).unwrap();
}

/// A folder with a base `base` of ten organizations and the increments `first` and `second` of three each.
fn example(dir: &Path) -> Checkpoints {
    let mut store = Checkpoints::open(dir).unwrap();
    assert!(store.should_rebase());
    write(store.begin_base().unwrap(), 0..10, "base");
    write(store.begin_increment().unwrap(), 0..3, "first");
    write(store.begin_increment().unwrap(), 2..5, "second");
    store
}

fn file(dir: &Path, generation: u32) -> PathBuf {
    dir.join(format!("checkpoint-{generation:010}.ckp"))
}

#[test]
fn later_items_replace_earlier_ones_and_increments_go_on_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    drop(example(dir.path()));
    let mut store = Checkpoints::open(dir.path()).unwrap();
    assert!(matches!(store.begin_increment(), Err(StoreError::BaseNeeded)), "nothing was recovered yet");

    let (orgs, heads, recovery) = recover(&mut store, any);
    assert!(recovery.findings.is_empty());
    assert_eq!(
        recovery.commit,
        Some(Commit { meta: b"second".to_vec(), generation: 1, number: 2, items: 32 })
    );
    let of = |key: u32| std::str::from_utf8(&orgs[&key]).unwrap();
    assert_eq!([of(0), of(2), of(4), of(9)], ["first of 0", "second of 2", "second of 4", "base of 9"]);
    assert_eq!(heads[&9], BlockRef { run: 1, offset: 9 << 33 });

    write(store.begin_increment().unwrap(), 9..11, "third");
    let (orgs, _, recovery) = recover(&mut Checkpoints::open(dir.path()).unwrap(), any);
    assert_eq!(meta(&recovery), Some("third"));
    assert_eq!((orgs.len(), orgs[&9].as_slice()), (11, b"third of 9".as_slice()));
}

#[test]
fn an_empty_folder_has_nothing_to_recover() {
    let dir = tempfile::tempdir().unwrap();
    let (orgs, _, recovery) = recover(&mut Checkpoints::open(dir.path()).unwrap(), any);
    assert!(orgs.is_empty() && recovery.commit.is_none() && recovery.findings.is_empty());
}

#[test]
fn a_dropped_section_leaves_no_trace() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = example(dir.path());
    let before = fs::read(file(dir.path(), 1)).unwrap();
    let big = vec![7; FRAME * 2];
    let mut section = store.begin_increment().unwrap();
    section.put(OrgKey(1), &big).unwrap();
    assert!(fs::metadata(file(dir.path(), 1)).unwrap().len() > before.len() as u64);
    drop(section);
    assert_eq!(fs::read(file(dir.path(), 1)).unwrap(), before);
    let mut section = store.begin_base().unwrap();
    section.put(OrgKey(1), &big).unwrap();
    drop(section);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    write(store.begin_increment().unwrap(), 0..1, "after");
    assert_eq!(meta(&recover(&mut store, any).2), Some("after"));
}

/// More than a section gathers before it writes.
const FRAME: usize = 256 << 10;

#[test]
fn a_tail_torn_at_any_byte_falls_back_to_the_last_commit() {
    let dir = tempfile::tempdir().unwrap();
    drop(example(dir.path()));
    let whole = fs::read(file(dir.path(), 1)).unwrap();
    let mut ends = vec![];
    let mut rest = frame::FrameReader::new(whole.as_slice(), "example", 0);
    while let Some(frame) = rest.next().unwrap() {
        if frame.kind == section::COMMIT {
            ends.push((
                usize::try_from(frame.offset).unwrap() + frame::HEADER_BYTES + frame.payload.len(),
                frame.payload.to_vec(),
            ));
        }
    }
    for cut in ends[0].0..whole.len() {
        for flip in [false, true] {
            let mut bytes = whole[..cut].to_vec();
            if flip {
                // The last write reached the disk in part only: its length is there, its last byte is not.
                bytes.push(!whole[cut]);
            }
            fs::write(file(dir.path(), 1), &bytes).unwrap();
            let (sound, payload) = ends.iter().rev().find(|(end, _)| *end <= cut).unwrap();
            let mut store = Checkpoints::open(dir.path()).unwrap();
            let (_, _, recovery) = recover(&mut store, any);
            assert_eq!(recovery.commit.as_ref().unwrap().meta, payload[8..], "cut at {cut}");
            match recovery.findings.as_slice() {
                [] => assert_eq!(bytes.len(), *sound),
                [Finding::Torn { offset, bytes: lost, .. }] => {
                    assert_eq!((*offset, *lost), (*sound as u64, (bytes.len() - sound) as u64));
                }
                other => panic!("cut at {cut}: {other:?}"),
            }
            assert_eq!(fs::metadata(file(dir.path(), 1)).unwrap().len(), *sound as u64);
            write(store.begin_increment().unwrap(), 0..1, "next");
            assert_eq!(meta(&recover(&mut store, any).2), Some("next"));
        }
    }
}

#[test]
fn damage_before_a_commit_is_named_and_what_stands_before_it_is_used() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = example(dir.path());
    write(store.begin_base().unwrap(), 0..10, "rebase");
    write(store.begin_increment().unwrap(), 0..2, "third");
    write(store.begin_increment().unwrap(), 0..2, "fourth");
    let whole = fs::read(file(dir.path(), 2)).unwrap();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        fs::write(file(dir.path(), 2), &bytes).unwrap();
        let mut store = Checkpoints::open(dir.path()).unwrap();
        let (orgs, _, recovery) = recover(&mut store, any);
        let found = meta(&recovery).unwrap();
        assert!(["second", "rebase", "third"].contains(&found), "flipped {at}: {found}");
        assert_eq!(orgs.len(), 10, "flipped {at}");
        let told = findings(&recovery);
        assert_eq!(told.len(), 1, "flipped {at}: {told:?}");
        assert!(told[0].contains("checkpoint-0000000002.ckp") && told[0].contains("byte"), "{told:?}");
        let torn = matches!(recovery.findings[0], Finding::Torn { .. });
        assert_eq!(store.begin_increment().is_ok(), torn, "nothing is appended behind damage");
        assert_eq!(found == "third", torn || told[0].contains("; 2 checkpoints"), "flipped {at}: {told:?}");
        // Without a repair the next start finds the same, and a new base sets it right.
        write(store.begin_base().unwrap(), 0..10, "sound again");
        assert_eq!(meta(&recover(&mut Checkpoints::open(dir.path()).unwrap(), any).2), Some("sound again"));
        fs::remove_file(file(dir.path(), 3)).unwrap();
    }
}

#[test]
fn a_refused_commit_leads_back_to_an_earlier_one_and_to_older_generations() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = example(dir.path());
    write(store.begin_base().unwrap(), 0..12, "rebase");
    let (orgs, _, recovery) = recover(&mut store, |meta| meta == b"first");
    assert_eq!(meta(&recovery), Some("first"));
    assert_eq!(
        (orgs.len(), orgs[&2].as_slice(), orgs[&4].as_slice()),
        (10, &b"first of 2"[..], &b"base of 4"[..])
    );
    assert_eq!(recovery.findings.len(), 2);
    assert!(matches!(store.begin_increment(), Err(StoreError::BaseNeeded)));
    write(store.begin_base().unwrap(), 0..1, "after the fork");
    assert_eq!(meta(&recover(&mut store, any).2), Some("after the fork"));
    let (orgs, _, recovery) = recover(&mut store, |_| false);
    assert!(orgs.is_empty() && recovery.commit.is_none());
    assert_eq!(recovery.findings.len(), 3);
}

#[test]
fn increments_that_outgrow_the_base_ask_for_a_new_one() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = example(dir.path());
    assert!(!store.should_rebase());
    let noise: Vec<u8> = (0..REBASE_FLOOR / 16)
        .flat_map(|n| xxhash_rust::xxh3::xxh3_128(&n.to_le_bytes()).to_le_bytes())
        .collect();
    let mut section = store.begin_increment().unwrap();
    section.put(OrgKey(1), &noise).unwrap();
    assert!(section.commit(b"large").unwrap() > REBASE_FLOOR);
    assert!(store.should_rebase());
    let (orgs, _, _) = recover(&mut store, any);
    assert!(orgs[&1] == noise);
    assert!(store.should_rebase(), "recovery remembers where the base ends");
    write(store.begin_base().unwrap(), 0..10, "rebase");
    assert!(!store.should_rebase());
}

#[test]
fn old_generations_go_when_nobody_needs_them_but_the_newest_two_stay() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = example(dir.path());
    for what in ["two", "three", "four", "five"] {
        write(store.begin_base().unwrap(), 0..2, what);
    }
    assert_eq!(store.retire(|meta| meta == b"two").unwrap(), 1);
    assert!(!file(dir.path(), 1).exists() && file(dir.path(), 2).exists());
    assert_eq!(store.retire(|_| false).unwrap(), 2);
    let left: Vec<bool> = (1..=5).map(|generation| file(dir.path(), generation).exists()).collect();
    assert_eq!(left, [false, false, false, true, true]);
    assert_eq!(meta(&recover(&mut store, |meta| meta != b"five").2), Some("four"));
}

#[test]
fn a_damaged_generation_does_not_count_as_one_to_fall_back_to() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = example(dir.path());
    write(store.begin_base().unwrap(), 0..2, "two");
    write(store.begin_base().unwrap(), 0..2, "three");
    fs::write(file(dir.path(), 2), b"not a checkpoint").unwrap();
    assert_eq!(store.retire(|_| false).unwrap(), 0);
    write(store.begin_base().unwrap(), 0..2, "four");
    assert_eq!(store.retire(|_| false).unwrap(), 2);
    assert_eq!(meta(&recover(&mut store, |meta| meta != b"four").2), Some("three"));
}

#[test]
fn what_is_too_large_is_refused_and_the_section_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = example(dir.path());
    let mut section = store.begin_increment().unwrap();
    let error = section.put(OrgKey(3), &vec![0; MAX_ITEM + 1]).unwrap_err();
    assert!(error.to_string().contains("organization #3 has 41943041 bytes"), "{error}");
    section.put(OrgKey(3), b"small").unwrap();
    assert!(matches!(section.commit(&vec![0; MAX_ITEM + 1]), Err(StoreError::MetaTooLarge { .. })));
    assert_eq!(meta(&recover(&mut store, any).2), Some("second"));
}

#[test]
fn an_item_that_its_owner_cannot_decode_names_file_and_organization() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = example(dir.path());
    let decode = |item: Item<'_>| match item {
        Item::Org(OrgKey(7), bytes) => crate::store::codec::decode::<Vec<u64>>(&bytes[..1]).map(drop),
        _ => Ok(()),
    };
    let error = store.recover(any, decode).unwrap_err();
    assert!(error.to_string().contains("checkpoint-0000000001.ckp"), "{error}");
    assert!(matches!(error, StoreError::Value { key: OrgKey(7), .. }));
}
