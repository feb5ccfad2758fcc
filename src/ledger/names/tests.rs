//! Names: from the first event or put on, and as the last that said something had them.

use super::*;
use crate::ledger::entry::Dimensions;

fn at(n: i64) -> Timestamp {
    Timestamp::from_micros(n)
}

fn user<'a>(id: &'a str, team: Option<&'a str>) -> Dimensions<'a> {
    Dimensions { user: Some(id), team, ..Dimensions::default() }
}

fn campaign<'a>(id: &'a str, name: Option<&'a str>, account: Option<&'a str>) -> Dimensions<'a> {
    let (entity_type, entity_id) = (Some("campaign"), Some(id));
    Dimensions { entity_type, entity_id, entity_name: name, account, ..Dimensions::default() }
}

fn order(key: Key<'_>, card: Card) -> NameOrder {
    NameOrder { kind: key.kind, entity_type: key.entity_type.into(), id: key.id.into(), card }
}

fn text(text: &str) -> Option<Box<str>> {
    Some(text.into())
}

/// As an event does that is charged.
fn learn(names: &mut Names, event: &Dimensions<'_>, at: Timestamp) {
    names.learn(event, Digest::of(event), at);
}

/// The ids of a kind, in order.
fn ids(names: &Names, kind: Kind) -> Vec<String> {
    names.from(kind, ("", "")).map(|(key, _)| format!("{}/{}", key.entity_type, key.id)).collect()
}

#[test]
fn what_an_event_names_is_there_from_then_on() {
    let mut names = Names::default();
    let event =
        Dimensions { user: Some("ana"), team: Some("sales"), ..campaign("c7", Some("Spring"), Some("emea")) };
    learn(&mut names, &event, at(5));
    learn(&mut names, &event, at(6));
    assert_eq!(names.len(), 4);
    let ana = names.get(Key::of(Kind::User, "ana")).unwrap();
    assert_eq!((ana.name(), ana.within(), ana.first_seen, ana.changed), (None, Some("sales"), at(5), at(5)));
    let spring = names.get(Key::of_entity("campaign", "c7")).unwrap();
    assert_eq!((spring.name(), spring.within()), (Some("Spring"), Some("emea")));
    assert!(
        names.get(Key::of(Kind::Team, "sales")).is_some()
            && names.get(Key::of(Kind::Account, "emea")).is_some()
    );
    assert_eq!(names.get(Key::of(Kind::Team, "ana")), None);
    assert_eq!(names.get(Key::of_entity("assistant", "c7")), None);
}

#[test]
fn what_moves_there_and_back_is_followed() {
    let mut names = Names::default();
    let team = |names: &Names| names.get(Key::of(Kind::User, "ana")).unwrap().within().map(str::to_owned);
    for (instant, told, known) in [
        (1, Some("a"), "a"),
        (2, Some("b"), "b"),
        (3, Some("a"), "a"),
        (4, None, "a"),
        (5, Some("b"), "b"),
        (6, None, "b"),
        (7, Some("a"), "a"),
    ] {
        learn(&mut names, &user("ana", told), at(instant));
        assert_eq!(team(&names).as_deref(), Some(known), "at {instant}");
    }
    let ana = names.get(Key::of(Kind::User, "ana")).unwrap();
    assert_eq!((ana.first_seen, ana.changed), (at(1), at(7)));
}

#[test]
fn known_events_are_no_news_until_somebody_else_on_their_shelf_moves() {
    let mut names = Names::default();
    let events =
        [user("ana", Some("a")), user("ben", Some("a")), user("ana", None), campaign("c", None, Some("x"))];
    events.iter().for_each(|event| learn(&mut names, event, at(1)));
    assert!(events.iter().all(|event| names.seen.knows(Digest::of(event))));
    learn(&mut names, &user("ana", Some("b")), at(2));
    let known = events.map(|event| names.seen.knows(Digest::of(&event)));
    assert_eq!(known, [false, true, true, true], "ana and ben are on two shelves");
    assert_eq!(names.seen.len(), 5);
}

#[test]
fn a_put_is_stronger_than_events_and_what_it_leaves_out_they_tell() {
    let (mut all, key) = (Some(Box::<Names>::default()), Key::of_entity("campaign", "c7"));
    let shown = |all: &Option<Box<Names>>| {
        let record = all.as_ref().unwrap().get(key).unwrap();
        (record.name().map(str::to_owned), record.within().map(str::to_owned), record.changed.micros())
    };
    let some = |text: &str| Some(text.to_owned());
    learn(all.as_mut().unwrap(), &campaign("c7", Some("Told"), Some("x")), at(1));
    put(&mut all, &order(key, Card { name: text("Put"), ..Card::default() }), at(2)).unwrap();
    assert_eq!(shown(&all), (some("Put"), some("x"), 2));
    put(&mut all, &order(key, Card { name: text("Put"), ..Card::default() }), at(3)).unwrap();
    assert_eq!(shown(&all), (some("Put"), some("x"), 2), "the same again changes nothing");
    learn(all.as_mut().unwrap(), &campaign("c7", Some("Told later"), Some("y")), at(4));
    assert_eq!(shown(&all), (some("Put"), some("y"), 4));
    put(&mut all, &order(key, Card { within: text("z"), ..Card::default() }), at(5)).unwrap();
    assert_eq!(shown(&all), (some("Told later"), some("z"), 5), "a put states it whole");
    assert_eq!(
        ids(all.as_ref().unwrap(), Kind::Account),
        ["/x", "/y", "/z"],
        "what a put names is there too"
    );
    put(&mut all, &order(key, Card::default()), at(6)).unwrap();
    assert_eq!(shown(&all), (some("Told later"), some("y"), 6));
}

#[test]
fn lists_go_on_from_anywhere_in_their_order() {
    let mut names = Names::default();
    for (of, id) in [("b", "2"), ("a", "1"), ("b", "1"), ("a", "2"), ("c", "0")] {
        let event = Dimensions { entity_type: Some(of), entity_id: Some(id), ..Dimensions::default() };
        learn(&mut names, &event, at(1));
    }
    let from = |of: &str, id: &str| {
        let found = names.from(Kind::Entity, (of, id));
        found.map(|(key, _)| format!("{}{}", key.entity_type, key.id)).collect::<Vec<_>>()
    };
    assert_eq!(from("", ""), ["a1", "a2", "b1", "b2", "c0"]);
    assert_eq!(from("a", "2"), ["a2", "b1", "b2", "c0"]);
    assert_eq!(from("a", "3"), ["b1", "b2", "c0"]);
    assert_eq!(from("aa", "9"), ["b1", "b2", "c0"]);
    assert_eq!(from("c", "1"), Vec::<String>::new());
}

#[test]
fn past_the_most_names_events_go_unregistered_and_puts_are_refused_whole() {
    let mut all = Some(Box::<Names>::default());
    let names = all.as_mut().unwrap();
    for n in 0..MOST_NAMES - 1 {
        learn(names, &user(&n.to_string(), None), at(1));
    }
    assert_eq!(names.len(), MOST_NAMES - 1);
    let two = order(Key::of(Kind::User, "ana"), Card { within: text("sales"), ..Card::default() });
    let refused = put(&mut all, &two, at(2)).unwrap_err();
    assert_eq!((refused.reason, &*refused.field), (Reason::TooMany, "id"));
    assert_eq!(all.as_ref().unwrap().len(), MOST_NAMES - 1, "nothing of it was registered");
    // The account comes first.
    let names = all.as_mut().unwrap();
    learn(names, &campaign("c7", Some("Spring"), Some("emea")), at(3));
    assert_eq!((names.len(), names.get(Key::of_entity("campaign", "c7"))), (MOST_NAMES, None));
    learn(names, &user("5", Some("emea")), at(4));
    assert_eq!(names.get(Key::of(Kind::User, "5")).unwrap().within(), Some("emea"), "known ones are told of");
    assert_eq!((names.len(), ids(names, Kind::Team)), (MOST_NAMES, vec![]));
    let known = order(Key::of(Kind::User, "7"), Card { name: text("Seven"), ..Card::default() });
    put(&mut all, &known, at(5)).unwrap();
    assert_eq!(all.unwrap().get(Key::of(Kind::User, "7")).unwrap().name(), Some("Seven"));
}

#[test]
fn the_cache_is_bounded_and_begins_anew() {
    let mut names = Names::default();
    let many: Vec<String> = (0..60_000).map(|n| n.to_string()).collect();
    let mut most = 0;
    for id in &many {
        learn(&mut names, &user(id, None), at(1));
        most = most.max(names.seen.len());
        assert!(names.seen.knows(Digest::of(&user(id, None))));
    }
    assert_eq!((names.len(), most), (60_000, 24_576));
}

#[test]
fn fields_are_told_apart_in_a_digest() {
    let text = Some("x");
    let events = [
        Dimensions { account: text, ..Dimensions::default() },
        Dimensions { user: text, ..Dimensions::default() },
        Dimensions { team: text, ..Dimensions::default() },
        Dimensions { user: text, team: text, ..Dimensions::default() },
        Dimensions { account: text, team: text, ..Dimensions::default() },
        Dimensions { entity_type: text, entity_id: Some("xx"), ..Dimensions::default() },
        Dimensions { entity_type: Some("xx"), entity_id: text, ..Dimensions::default() },
        Dimensions { entity_type: text, entity_id: text, entity_name: text, ..Dimensions::default() },
    ];
    let mut digests: Vec<Digest> = events.iter().map(Digest::of).collect();
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), events.len());
    let feature = Dimensions { feature: text, ..events[0] };
    assert_eq!(Digest::of(&feature), Digest::of(&events[0]), "a feature is no name");
}

#[test]
fn past_the_most_bytes_events_go_unregistered_and_puts_are_refused_whole() {
    let mut all = Some(Box::<Names>::default());
    let link = "x".repeat(2_048);
    let card = |name: &str| Card { name: text(name), link: text(&link), ..Card::default() };
    let mut put_one =
        |n: usize| put(&mut all, &order(Key::of(Kind::User, &format!("{n:04}")), card("n")), at(1));
    let each = 4 + 1 + 2_048;
    let fit = MOST_BYTES / each;
    for n in 0..fit {
        put_one(n).unwrap();
    }
    let refused = put_one(fit).unwrap_err();
    assert_eq!((refused.reason, &*refused.field), (Reason::TooMany, "id"));
    let names = all.as_mut().unwrap();
    assert_eq!((names.len(), names.bytes), (fit, fit * each));
    let long = "y".repeat(MOST_BYTES - names.bytes + 1);
    learn(names, &user(&long, None), at(2));
    assert_eq!(names.len(), fit, "it does not fit");
    learn(names, &user("0001", Some(&long)), at(2));
    assert_eq!(names.get(Key::of(Kind::User, "0001")).unwrap().within(), None, "nor what it tells");
    // With room again the same event tells it, as it would after a restart without the cache.
    put(&mut all, &order(Key::of(Kind::User, "0000"), Card::default()), at(3)).unwrap();
    let names = all.as_mut().unwrap();
    learn(names, &user("0001", Some(&long)), at(4));
    assert_eq!(names.get(Key::of(Kind::User, "0001")).unwrap().within(), Some(&*long));
}
