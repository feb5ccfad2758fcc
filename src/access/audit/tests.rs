use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_micros(1_800_000_000_000_000 + second * 1_000_000)
}

fn deed(n: usize) -> Deed {
    let deed = Deed::new(Actor::other("command line"), format!("PUT /v1/plans/{n}"));
    Deed { status: Some(200), ..deed }
}

/// What was asked, page by page, newest first.
fn all(audit: &Audit, limit: usize) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let page = audit.page(cursor.as_deref(), limit).unwrap().unwrap();
        assert!(page.data.len() <= limit);
        found.extend(page.data.iter().map(|line| line["request"].as_str().unwrap().to_owned()));
        match page.next {
            Some(next) => cursor = Some(next),
            None => return found,
        }
    }
}

#[test]
fn pages_hold_every_line_once_newest_first_while_more_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let audit = Audit::in_folder(folder.path());
    assert_eq!(audit.page(None, 10).unwrap(), Some(AuditPage::default()));
    for n in 0..7 {
        audit.append(&deed(n), at(0)).unwrap();
    }
    let due: Vec<String> = (0..7).rev().map(|n| format!("PUT /v1/plans/{n}")).collect();
    for limit in [1, 3, 7, 100] {
        assert_eq!(all(&audit, limit), due, "{limit}");
    }
    let first = audit.page(None, 3).unwrap().unwrap();
    audit.append(&deed(7), at(0)).unwrap();
    let second = audit.page(first.next.as_deref(), 3).unwrap().unwrap();
    assert_eq!(second.data[0]["request"], "PUT /v1/plans/3");
    for cursor in ["", "1", "a.b", "1.x"] {
        assert_eq!(audit.page(Some(cursor), 3).unwrap(), None, "{cursor}");
    }
}

#[test]
fn a_full_file_is_followed_by_another_and_the_oldest_goes() {
    let folder = tempfile::tempdir().unwrap();
    let audit = Audit::in_folder(folder.path());
    audit.append(&deed(0), at(0)).unwrap();
    for number in 1..=MOST_FILES as u64 {
        // As if so much had been written: zeros are no lines.
        let path = audit.file(number);
        let file = File::options().write(true).open(&path).unwrap();
        file.set_len(FILE_BYTES).unwrap();
        audit.append(&deed(usize::try_from(number).unwrap()), at(0)).unwrap();
    }
    let numbers = audit.numbers().unwrap();
    assert_eq!((numbers.len(), numbers[0], numbers[MOST_FILES - 1]), (MOST_FILES, 2, MOST_FILES as u64 + 1));
    let left = all(&audit, 4);
    assert_eq!(
        (left.len(), left[0].as_str(), left[15].as_str()),
        (16, "PUT /v1/plans/16", "PUT /v1/plans/1")
    );
}

#[test]
fn a_line_that_a_crash_cut_off_costs_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let audit = Audit::in_folder(folder.path());
    audit.append(&deed(0), at(0)).unwrap();
    let mut file = File::options().append(true).open(audit.file(1)).unwrap();
    file.write_all(b"{\"at\":\"2027-").unwrap();
    assert_eq!(all(&audit, 1), ["PUT /v1/plans/0"]);
    audit.append(&deed(1), at(0)).unwrap();
    assert_eq!(all(&audit, 1), ["PUT /v1/plans/1", "PUT /v1/plans/0"]);
}

#[test]
fn what_happens_all_day_long_is_one_line_with_its_number() {
    let folder = tempfile::tempdir().unwrap();
    let audit = Audit::in_folder(folder.path());
    for second in 0..5 {
        assert!(!audit.count(Deed { from: Some(format!("10.0.0.{second}")), ..deed(1) }, at(second)));
    }
    assert!(!audit.count(Deed { status: Some(503), problem: Some("busy".to_owned()), ..deed(1) }, at(9)));
    assert!(all(&audit, 10).is_empty());
    audit.tell_counted().unwrap();
    audit.tell_counted().unwrap();
    let page = audit.page(None, 10).unwrap().unwrap();
    let mut counts: Vec<(u64, u64)> = page
        .data
        .iter()
        .map(|line| (line["status"].as_u64().unwrap(), line["count"].as_u64().unwrap()))
        .collect();
    counts.sort_unstable();
    assert_eq!(counts, [(200, 5), (503, 1)]);
    let five = page.data.iter().find(|line| line["count"] == 5).unwrap();
    assert_eq!((&five["since"], &five["at"]), (&time::format(at(0)).into(), &time::format(at(4)).into()));
    assert_eq!(five["from"], "10.0.0.4");
}

#[test]
fn what_could_not_be_told_stays_counted() {
    let folder = tempfile::tempdir().unwrap();
    let audit = Audit::in_folder(folder.path());
    assert!(!audit.count(deed(1), at(0)));
    // In its way: a file where the folder would be.
    fs::create_dir(folder.path().join("access")).unwrap();
    fs::write(folder.path().join("access/audit"), "").unwrap();
    assert!(matches!(audit.tell_counted(), Err(AccessError::Io { .. })));
    assert!(!audit.count(deed(1), at(5)));
    fs::remove_file(folder.path().join("access/audit")).unwrap();
    audit.tell_counted().unwrap();
    let page = audit.page(None, 10).unwrap().unwrap();
    assert_eq!((page.data.len(), &page.data[0]["count"]), (1, &2.into()));
    assert_eq!(
        (&page.data[0]["since"], &page.data[0]["at"]),
        (&time::format(at(0)).into(), &time::format(at(5)).into())
    );
}

#[test]
fn so_many_kinds_are_counted_and_no_more() {
    let audit = Audit::in_folder(Path::new("nowhere"));
    let full = (0..MOST_COUNTED).filter(|n| audit.count(deed(*n), at(0))).count();
    assert_eq!(full, 1);
    // Past it, while the disk refuses, it is no longer told apart who it was.
    for n in 0..10 {
        let actor = Actor::other(&format!("token {n}"));
        assert!(!audit.count(Deed { actor, ..deed(7) }, at(0)));
    }
    let counted = audit.counted.lock();
    assert_eq!(counted.len(), MOST_COUNTED + 1);
    assert_eq!(counted.iter().find(|(kind, _)| kind.actor.who == "others").unwrap().1.count, 10);
}
