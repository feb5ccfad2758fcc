use super::super::endpoint::EndpointKey;
use super::super::record::Unwritten;
use super::*;

fn group(ids: &[&str]) -> Vec<u8> {
    let mut unwritten = Unwritten::default();
    for id in ids {
        let key = EndpointKey { org: "acme".to_owned(), id: (*id).to_owned() };
        unwritten.push(&Record::Enabled { key }).unwrap();
    }
    unwritten.take()
}

fn open(folder: &Path) -> (Journal, Vec<String>, Vec<Finding>) {
    let mut ids = Vec::new();
    let (journal, findings) = Journal::open(folder, |record| match record {
        Record::Enabled { key } => ids.push(key.id),
        other => panic!("{other:?}"),
    })
    .unwrap();
    (journal, ids, findings)
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "lock")
        .collect();
    names.sort();
    names
}

#[test]
fn a_write_cut_short_anywhere_costs_that_write_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, _, _) = open(dir.path());
    journal.append(&group(&["a", "b"])).unwrap();
    let first = journal.len();
    journal.append(&group(&["c"])).unwrap();
    drop(journal);
    let file = path(dir.path(), 0);
    let whole = fs::read(&file).unwrap();
    for end in 0..=whole.len() {
        fs::write(&file, &whole[..end]).unwrap();
        let (mut journal, ids, findings) = open(dir.path());
        let sound = [0, usize::try_from(first).unwrap(), whole.len()];
        let kept: &[&str] =
            if end < sound[1] { &[] } else { &["a", "b", "c"][..2 + usize::from(end == sound[2])] };
        assert_eq!(ids, kept, "cut at {end}");
        assert_eq!(findings.is_empty(), sound.contains(&end), "cut at {end}: {findings:?}");
        // What is appended next stands right behind what is sound.
        journal.append(&group(&["d"])).unwrap();
        drop(journal);
        let (_, ids, findings) = open(dir.path());
        assert_eq!((ids.last().map(String::as_str), findings), (Some("d"), vec![]), "cut at {end}");
        assert_eq!(ids.len(), kept.len() + 1, "cut at {end}");
    }
}

#[test]
fn a_new_file_takes_the_place_of_the_present_one() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, _, _) = open(dir.path());
    journal.append(&group(&["old"])).unwrap();
    let prepared = journal.prepare(&group(&["new"])).unwrap();
    // A crash here leaves the present one in force.
    assert_eq!(names(dir.path()), ["queue-0000000000.log", "queue-0000000001.unfinished"]);
    journal.replace(prepared, false).unwrap();
    journal.append(&group(&["newer"])).unwrap();
    assert_eq!(names(dir.path()), ["queue-0000000001.log"]);
    drop(journal);
    assert_eq!(open(dir.path()).1, ["new", "newer"]);
}

#[test]
fn what_a_crash_left_of_a_replacement_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, _, _) = open(dir.path());
    journal.append(&group(&["old"])).unwrap();
    let old = fs::read(path(dir.path(), 0)).unwrap();
    drop(journal.prepare(&group(&["new"])).unwrap());
    drop(journal);
    let (mut journal, ids, _) = open(dir.path());
    assert_eq!((ids, names(dir.path())), (vec!["old".to_owned()], vec!["queue-0000000000.log".to_owned()]));
    // The crash comes after the new file has its name, and before the old one is gone.
    journal.replace(journal.prepare(&group(&["new"])).unwrap(), false).unwrap();
    fs::write(path(dir.path(), 0), old).unwrap();
    drop(journal);
    assert_eq!(open(dir.path()).1, ["new"]);
    assert_eq!(names(dir.path()), ["queue-0000000001.log"]);
}

#[test]
fn the_files_are_for_nobody_else() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("webhooks");
    let (_journal, _, _) = open(&folder);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&path(&folder, 0))), (0o700, 0o600));
}

#[test]
fn a_file_of_another_version_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    let mut bytes = Vec::new();
    frame::append(&mut bytes, KIND_RECORDS, |out| out.extend_from_slice(b"\x05\0\0\0other")).unwrap();
    fs::write(path(dir.path(), 0), &bytes).unwrap();
    let refused = Journal::open(dir.path(), |_| {}).unwrap_err();
    assert!(matches!(refused, WebhookError::Value { offset: 0, .. }), "{refused}");
    assert_eq!(fs::read(path(dir.path(), 0)).unwrap(), bytes);
}
