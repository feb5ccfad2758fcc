use super::*;

/// A closed log of four records, each a group of its own; its one file, and the borders of its frames.
async fn four_records(folder: &Path) -> (PathBuf, Vec<u8>, Vec<u64>) {
    let (log, _) = open(folder);
    append_each(&log, 1..=4).await;
    log.close().unwrap();
    let path = segment_file(folder, 1);
    let (bytes, borders) = (fs::read(&path).unwrap(), borders(&path));
    assert_eq!(borders.len(), 6);
    (path, bytes, borders)
}

/// Opens a log whose last group is not sound: it must be cut, reported, and the log go on in its place.
async fn assert_cut(folder: &Path, path: &Path, offset: u64, bytes: u64, context: &str) {
    let (log, report) = open(folder);
    let torn = TornTail { file: path.into(), offset, bytes, last: 3 };
    assert_eq!(report.torn, Some(torn), "{context}");
    assert_eq!(report.extent, Extent { first: 1, last: 3 }, "{context}");
    assert_eq!(fs::metadata(path).unwrap().len(), offset, "{context}");
    assert_eq!(log.append(draft(40)).await.unwrap(), 4, "{context}");
    let numbers: Vec<u64> = read_all(&log).await.iter().map(|record| record.draft.request).collect();
    assert_eq!(numbers, [1, 2, 3, 40], "{context}");
}

#[tokio::test]
async fn a_last_group_cut_at_any_byte_is_taken_off_and_reported() {
    let folder = tempfile::tempdir().unwrap();
    let (path, whole, borders) = four_records(folder.path()).await;
    let (start, end) = (borders[4], borders[5]);
    for length in start + 1..end {
        fs::write(&path, &whole[..usize::try_from(length).unwrap()]).unwrap();
        assert_cut(folder.path(), &path, start, length - start, &format!("cut to {length} bytes")).await;
    }
    fs::write(&path, &whole[..usize::try_from(start).unwrap()]).unwrap();
    let (_log, report) = open(folder.path());
    assert_eq!((report.torn, report.extent.last), (None, 3), "cut on the border");
}

#[tokio::test]
async fn a_last_group_with_any_byte_wrong_is_taken_off_and_reported() {
    let folder = tempfile::tempdir().unwrap();
    let (path, whole, borders) = four_records(folder.path()).await;
    let (start, end) = (borders[4], borders[5]);
    for offset in start..end {
        let mut bytes = whole.clone();
        bytes[usize::try_from(offset).unwrap()] ^= 0x10;
        fs::write(&path, &bytes).unwrap();
        assert_cut(folder.path(), &path, start, end - start, &format!("byte {offset} wrong")).await;
    }
}

#[tokio::test]
async fn a_tail_of_zeros_as_some_file_systems_leave_it_is_taken_off() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut bytes, borders) = four_records(folder.path()).await;
    bytes.truncate(usize::try_from(borders[4]).unwrap());
    bytes.resize(bytes.len() + 10_000, 0);
    fs::write(&path, &bytes).unwrap();
    assert_cut(folder.path(), &path, borders[4], 10_000, "zeros").await;
}

#[tokio::test]
async fn a_flipped_bit_before_sound_groups_keeps_the_log_shut_and_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (path, whole, borders) = four_records(folder.path()).await;
    for offset in borders[2]..borders[3] {
        let mut bytes = whole.clone();
        bytes[usize::try_from(offset).unwrap()] ^= 1;
        fs::write(&path, &bytes).unwrap();
        let error = LocalLog::open(folder.path(), Options::default(), ticking(0)).unwrap_err();
        let text = damage(error);
        for named in [
            path.to_str().unwrap(),
            &format!("the frame at byte {} is not sound", borders[2]),
            "records up to 1 are sound",
            &format!("records from 3 on, at byte {}, are sound; records 2 to 2 are not", borders[3]),
            "restore this file from a copy",
        ] {
            assert!(text.contains(named), "{named:?} is missing in {text:?}");
        }
        assert_eq!(fs::read(&path).unwrap(), bytes, "nothing was changed");
    }
}

#[tokio::test]
async fn damage_in_an_older_segment_is_met_by_the_reader_after_all_that_is_sound() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { segment_bytes: 500 };
    let (log, _) = LocalLog::open(folder.path(), options, ticking(1_000)).unwrap();
    append_each(&log, 1..=20).await;
    log.close().unwrap();
    let files = segment_files(folder.path());
    let second = segment::first_of(files[1].file_name().unwrap().to_str().unwrap()).unwrap();
    let borders = borders(&files[1]);
    // The last group of a segment that is no longer written to is not a torn tail: it was once acknowledged.
    let mut bytes = fs::read(&files[1]).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&files[1], &bytes).unwrap();

    let (log, _) = LocalLog::open(folder.path(), options, ticking(1_000)).unwrap();
    let mut reader = log.reader(Fingerprint::default()).await.unwrap();
    let mut records = Vec::new();
    let mut errors = Vec::new();
    while errors.len() < 2 {
        errors.extend(reader.next(&mut records).await.err());
    }
    let sound = second - 1 + (borders.len() as u64 - 3);
    assert!(records.iter().map(|record| record.seq).eq(1..=sound));
    for error in errors {
        let text = damage(error);
        assert!(text.contains(&format!("the frame at byte {}", borders[borders.len() - 2])), "{text}");
        assert!(text.contains(&format!("records up to {sound} are sound")), "{text}");
    }
}

#[tokio::test]
async fn a_segment_that_is_missing_shortened_renamed_or_foreign_keeps_the_log_shut() {
    let folder = tempfile::tempdir().unwrap();
    let log = open_short(folder.path());
    append_each(&log, 1..=5).await;
    log.close().unwrap();
    let third = segment_file(folder.path(), 3);
    let whole = fs::read(&third).unwrap();
    let refused = || damage(LocalLog::open(folder.path(), Options::default(), ticking(0)).unwrap_err());

    fs::remove_file(&third).unwrap();
    let missing = refused();
    assert!(missing.contains("00000000000000000003.log, is missing"), "{missing}");

    fs::write(&third, &whole[..whole.len() - 1]).unwrap();
    let shortened = refused();
    let sizes = format!("00000000000000000003.log, had {} bytes", whole.len());
    assert!(shortened.contains(&sizes), "{shortened}");

    fs::write(&third, fs::read(segment_file(folder.path(), 2)).unwrap()).unwrap();
    let renamed = refused();
    assert!(renamed.contains("it is the segment of record 2"), "{renamed}");

    let other = tempfile::tempdir().unwrap();
    let log = LocalLog::open(other.path(), Options { segment_bytes: 1 }, ticking(7_000)).unwrap().0;
    append_each(&log, 1..=5).await;
    log.close().unwrap();
    fs::copy(segment_file(other.path(), 3), &third).unwrap();
    let foreign = refused();
    assert!(foreign.contains("of another log"), "{foreign}");

    fs::write(&third, b"").unwrap();
    let empty = refused();
    assert!(empty.contains("the frame at byte 0 is not sound"), "{empty}");

    fs::write(&third, &whole).unwrap();
    assert_eq!(read_all(&open(folder.path()).0).await.len(), 5);
}

#[tokio::test]
async fn what_a_crash_left_of_a_new_segment_is_cleared_away() {
    let folder = tempfile::tempdir().unwrap();
    let log = open_short(folder.path());
    append_each(&log, 1..=3).await;
    log.close().unwrap();
    let draft_file = folder.path().join("next.tmp");
    fs::write(&draft_file, b"half a hea").unwrap();
    let log = open_short(folder.path());
    assert!(!draft_file.exists());
    append_each(&log, 4..=5).await;
    assert_eq!(read_all(&log).await.len(), 5);
}

#[tokio::test]
async fn a_log_that_ends_with_a_fresh_segment_goes_on_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let log = open_short(folder.path());
    append_each(&log, 1..=3).await;
    let records = read_all(&log).await;
    log.close().unwrap();
    // As if the process ended between the new segment and its first group.
    let last = segment_file(folder.path(), 3);
    let file = fs::File::options().write(true).open(&last).unwrap();
    file.set_len(segment::GROUPS_FROM).unwrap();
    let log = open_short(folder.path());
    assert_eq!(log.extent().await.unwrap(), Extent { first: 1, last: 2 });
    assert_eq!(read_from(&log, after(&log, &records[1])).await.unwrap(), []);
    assert_eq!(log.append(draft(3)).await.unwrap(), 3);
    assert_eq!(read_all(&log).await.len(), 3);
}

#[tokio::test]
async fn a_segment_of_a_later_format_is_left_to_the_version_that_wrote_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = Vec::new();
    crate::store::frame::append(&mut bytes, 1, |out| out.extend_from_slice(&[2, 0, 9, 9])).unwrap();
    fs::write(segment_file(folder.path(), 1), bytes).unwrap();
    let error = LocalLog::open(folder.path(), Options::default(), ticking(0)).unwrap_err().to_string();
    assert!(error.contains("00000000000000000001.log cannot be read: it has the format 2"), "{error}");
    assert!(error.contains("start the version of creditd that wrote it"), "{error}");
}
