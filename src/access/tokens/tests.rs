use super::*;

const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
const HOUR: Millis = Millis(3_600_000);

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn new(role: Role) -> NewToken {
    NewToken::new("billing", role, Scope::default())
}

fn shown(text: &str) -> Presented {
    Presented::parse(text).unwrap()
}

/// How the token that a text shows stands; `None` where there is none.
fn standing(tokens: &Tokens, text: &str, now: Timestamp) -> Option<Standing> {
    tokens.find(&shown(text), now).map(|(_, standing)| standing)
}

#[test]
fn a_token_is_found_by_its_own_secret_alone() {
    let (folder, other) = (folder(), folder());
    let tokens = Tokens::open(folder.path()).unwrap();
    assert!(!folder.path().join("access").exists(), "nothing is written before there is a token");
    let issued = tokens.create(new(Role::Viewer), NOW).unwrap();
    let second = tokens.create(new(Role::Admin), NOW).unwrap();
    assert_eq!(standing(&tokens, &issued.reveal(), NOW), Some(Standing::Good));
    assert_eq!(tokens.find(&shown(&second.reveal()), NOW).unwrap().0.role, Role::Admin);
    // The right id with the secret of another, and the other way round.
    let crossed = second.secret.reveal(&issued.token.id);
    assert_eq!(standing(&tokens, &crossed, NOW), None);
    assert_eq!(standing(&Tokens::open(other.path()).unwrap(), &issued.reveal(), NOW), None);
}

#[test]
fn the_file_holds_no_secret_and_is_for_its_owner() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let issued = Tokens::open(folder.path()).unwrap().create(new(Role::Admin), NOW).unwrap();
    let path = folder.path().join("access/tokens.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let secret = &issued.reveal()[16..];
    assert!(text.contains(&issued.token.id) && !text.contains(secret), "{text}");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_rotated_secret_is_good_for_the_overlap_and_no_longer() {
    let folder = folder();
    let tokens = Tokens::open(folder.path()).unwrap();
    let first = tokens.create(new(Role::Viewer), NOW).unwrap();
    let id = first.token.id.clone();
    let second = tokens.rotate(&id, HOUR, NOW).unwrap();
    for text in [first.reveal(), second.reveal()] {
        assert_eq!(standing(&tokens, &text, NOW), Some(Standing::Good));
    }
    assert_eq!(standing(&tokens, &first.reveal(), NOW.plus(HOUR)), None);
    assert_eq!(standing(&tokens, &second.reveal(), NOW.plus(HOUR)), Some(Standing::Good));
    // Without an overlap the one before is over at once, and the one before that is, too.
    let third = tokens.rotate(&id, Millis(0), NOW).unwrap();
    assert_eq!(standing(&tokens, &first.reveal(), NOW), None);
    assert_eq!(standing(&tokens, &second.reveal(), NOW), None);
    assert_eq!(standing(&tokens, &third.reveal(), NOW), Some(Standing::Good));
}

#[test]
fn what_is_over_is_told_to_its_holder_listed_for_a_month_and_not_to_be_changed() {
    let folder = folder();
    let tokens = Tokens::open(folder.path()).unwrap();
    let short = tokens.create(NewToken { expires: Some(NOW.plus(HOUR)), ..new(Role::Viewer) }, NOW).unwrap();
    let taken = tokens.create(new(Role::Viewer), NOW).unwrap();
    tokens.rotate(&taken.token.id, HOUR, NOW).unwrap();
    tokens.revoke(&taken.token.id, NOW).unwrap();
    assert_eq!(standing(&tokens, &taken.reveal(), NOW), None, "the overlap ends with the token");
    let ended = NOW.plus(HOUR);
    assert_eq!(standing(&tokens, &short.reveal(), NOW), Some(Standing::Good));
    assert_eq!(standing(&tokens, &short.reveal(), ended), Some(Standing::Expired));
    for id in [&short.token.id, &taken.token.id, &"0123456789ab".to_owned()] {
        assert!(matches!(tokens.rotate(id, HOUR, ended), Err(AccessError::Unknown(_))), "{id}");
        assert!(matches!(tokens.revoke(id, ended), Err(AccessError::Unknown(_))), "{id}");
    }
    assert_eq!(tokens.list().unwrap().len(), 2);
    tokens.create(new(Role::Viewer), ended.plus(KEPT_AFTER_END)).unwrap();
    assert_eq!(tokens.list().unwrap().len(), 1);
}

#[test]
fn what_another_process_changes_is_seen() {
    let folder = folder();
    let (here, there) = (Tokens::open(folder.path()).unwrap(), Tokens::open(folder.path()).unwrap());
    let issued = there.create(new(Role::Viewer), NOW).unwrap();
    assert_eq!(standing(&here, &issued.reveal(), NOW), Some(Standing::Good), "a new one at once");
    let new = there.rotate(&issued.token.id, Millis(0), NOW).unwrap();
    assert_eq!(standing(&here, &new.reveal(), NOW), Some(Standing::Good), "a new secret at once");
    there.revoke(&issued.token.id, NOW).unwrap();
    std::thread::sleep(LOOK_AGAIN_AFTER);
    assert_eq!(standing(&here, &new.reveal(), NOW), Some(Standing::Revoked), "within a second");
}

#[test]
fn changes_of_many_processes_are_all_kept() {
    let folder = folder();
    let made: Vec<String> = std::thread::scope(|scope| {
        let one = || {
            let tokens = Tokens::open(folder.path()).unwrap();
            let made = (0..10).map(|_| tokens.create(new(Role::Viewer), NOW).unwrap().reveal());
            made.collect::<Vec<String>>()
        };
        let all: Vec<_> = (0..8).map(|_| scope.spawn(one)).collect();
        all.into_iter().flat_map(|one| one.join().unwrap()).collect()
    });
    let tokens = Tokens::open(folder.path()).unwrap();
    assert_eq!(tokens.list().unwrap().len(), 80);
    assert!(made.iter().all(|text| standing(&tokens, text, NOW) == Some(Standing::Good)));
}

#[test]
fn a_damaged_file_is_named_and_takes_nothing_away_from_those_who_run() {
    let folder = folder();
    let tokens = Tokens::open(folder.path()).unwrap();
    let issued = tokens.create(new(Role::Viewer), NOW).unwrap();
    let path = folder.path().join("access/tokens.json");
    let whole = std::fs::read(&path).unwrap();
    for damage in [&whole[..whole.len() / 2], b"", b"{\"version\":2,\"tokens\":[]}"] {
        std::fs::write(&path, damage).unwrap();
        let error = Tokens::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains("tokens.json is damaged: ") && error.contains("from a backup"), "{error}");
        assert!(matches!(tokens.create(new(Role::Admin), NOW), Err(AccessError::Damaged { .. })));
        assert!(matches!(tokens.list(), Err(AccessError::Damaged { .. })));
        tokens.look_again(Duration::ZERO);
        assert_eq!(standing(&tokens, &issued.reveal(), NOW), Some(Standing::Good));
        assert_eq!(std::fs::read(&path).unwrap(), damage, "it is left for whoever looks into it");
    }
    std::fs::remove_file(&path).unwrap();
    tokens.look_again(Duration::ZERO);
    assert_eq!(standing(&tokens, &issued.reveal(), NOW), None, "no file, no tokens");
}

#[test]
fn a_file_that_cannot_be_written_changes_nothing() {
    let folder = folder();
    let tokens = Tokens::open(folder.path()).unwrap();
    let issued = tokens.create(new(Role::Viewer), NOW).unwrap();
    // In its way: a folder where the new file would be written.
    std::fs::create_dir(folder.path().join("access/tokens.unfinished")).unwrap();
    let error = tokens.revoke(&issued.token.id, NOW).unwrap_err().to_string();
    assert!(
        error.contains("tokens.json cannot be written: ") && error.contains("nothing was changed"),
        "{error}"
    );
    tokens.look_again(Duration::ZERO);
    assert_eq!(standing(&tokens, &issued.reveal(), NOW), Some(Standing::Good));
}

#[test]
fn what_cannot_be_meant_is_refused_with_the_field() {
    let folder = folder();
    let tokens = Tokens::open(folder.path()).unwrap();
    let told = |new| tokens.create(new, NOW).unwrap_err().to_string();
    assert!(told(NewToken { name: "  ".to_owned(), ..new(Role::Viewer) }).starts_with("name: "));
    assert!(told(NewToken { name: "a\nb".to_owned(), ..new(Role::Viewer) }).starts_with("name: "));
    assert!(told(NewToken { per_second: Some(0), ..new(Role::Viewer) }).starts_with("per_second: "));
    assert!(told(NewToken { expires: Some(NOW), ..new(Role::Viewer) }).starts_with("expires: "));
    assert!(tokens.list().unwrap().is_empty());
}

#[test]
fn portal_links_go_once_they_are_over_and_take_no_room_of_others() {
    let folder = folder();
    let tokens = Tokens::open(folder.path()).unwrap();
    let link = |org: &str| {
        let scope = Scope::new(Some(vec![org.to_owned()]), None).unwrap();
        NewToken { expires: Some(NOW.plus(HOUR)), portal: true, ..NewToken::new("link", Role::Viewer, scope) }
    };
    let acme = tokens.create(link("acme"), NOW).unwrap().token;
    let revoked = tokens.create(link("acme"), NOW).unwrap().token;
    tokens.revoke(&revoked.id, NOW).unwrap();
    let own = tokens.create(new(Role::Admin), NOW).unwrap().token;
    let ids = || tokens.list().unwrap().iter().map(|token| token.id.clone()).collect::<Vec<_>>();
    assert!(ids().contains(&acme.id) && !ids().contains(&revoked.id));
    tokens.revoke(&own.id, NOW.plus(HOUR)).unwrap();
    assert_eq!(ids().join(" "), own.id);

    let (acme, rival) = (link("acme").scope, link("rival").scope);
    let links =
        |scope: &Scope, n: usize| vec![Token { scope: scope.clone(), portal: true, ..Token::clone(&own) }; n];
    let room =
        |all: &[Token], scope: &Scope, portal| room(all, scope, portal).map_err(|error| error.to_string());
    let full = links(&acme, MOST_LINKS_OF_AN_ORG);
    let why = room(&full, &acme, true).unwrap_err();
    assert!(why.starts_with("portal_links: \"acme\" has 500 already; end some"), "{why}");
    assert_eq!(room(&full, &rival, true), Ok(()), "one takes no room of another");
    assert_eq!(room(&full, &acme, false), Ok(()));
    assert_eq!(room(&full[1..], &acme, true), Ok(()));
    let crowd = links(&rival, MOST_LINKS);
    assert!(room(&crowd, &acme, true).unwrap_err().starts_with("portal_links: there are 9000 already"));
    assert_eq!(room(&crowd, &acme, false), Ok(()), "room is left for those who run the daemon");
    assert!(
        room(&links(&rival, MOST_TOKENS), &acme, false).unwrap_err().starts_with("tokens: there are 10000")
    );
}
