//! When a repeat is known, and what forgetting may do.

use super::*;

const ID: EventId = EventId::from_u128(7);
const OTHER: EventId = EventId::from_u128(8);

fn seen(seq: u64, hour: i32) -> Seen {
    Seen { position: Position { seq, item: 0 }, hour: Hour(hour) }
}

#[test]
fn an_id_is_known_in_its_own_hour_and_the_next() {
    let mut ids = Ids::default();
    ids.insert(ID, seen(1, 10));
    for (hour, known) in [(8, false), (9, false), (10, true), (11, true), (12, false)] {
        assert_eq!(ids.find(ID, Hour(hour)).is_some(), known, "hour {hour}");
    }
    assert_eq!(ids.find_anywhere(ID), Some(seen(1, 10)));
    assert_eq!(ids.find(OTHER, Hour(10)), None);
}

#[test]
fn one_id_may_be_used_again_in_an_hour_far_away() {
    let mut ids = Ids::default();
    ids.insert(ID, seen(1, 10));
    ids.insert(ID, seen(2, 50));
    ids.insert(ID, seen(2, 50));
    assert_eq!((ids.find(ID, Hour(10)), ids.find(ID, Hour(51))), (Some(seen(1, 10)), Some(seen(2, 50))));
    assert_eq!(ids.len(), 2);
}

#[test]
fn forgetting_keeps_what_is_not_written_yet() {
    let mut ids = Ids::default();
    ids.insert(ID, seen(5, 10));
    assert!(!ids.forget(Hour(11), Position { seq: 4, item: 9 }));
    assert!(ids.is_complete(Hour(10)) && ids.find(ID, Hour(10)).is_some());
    assert!(ids.forget(Hour(11), Position { seq: 5, item: 0 }));
    assert!(ids.is_empty() && !ids.is_complete(Hour(10)) && ids.is_complete(Hour(11)));
}

#[test]
fn an_hour_that_was_loaded_again_is_complete_until_it_is_forgotten_again() {
    let mut ids = Ids::forgotten(Hour(20));
    assert!(!ids.is_complete(Hour(20)) && ids.is_complete(Hour(21)));
    ids.reopen(Hour(10), [(ID, seen(1, 10))]);
    assert!(ids.is_complete(Hour(10)) && !ids.is_complete(Hour(11)));
    assert_eq!(ids.find(ID, Hour(11)), Some(seen(1, 10)));
    assert!(ids.forget(Hour(21), Position { seq: 9, item: 0 }));
    assert!(!ids.is_complete(Hour(10)) && ids.find(ID, Hour(10)).is_none());
}

#[test]
fn a_forgotten_first_use_leaves_the_second_known() {
    let mut ids = Ids::default();
    ids.insert(ID, seen(1, 10));
    ids.insert(ID, seen(2, 50));
    assert!(ids.forget(Hour(40), Position { seq: 2, item: 0 }));
    assert_eq!((ids.find(ID, Hour(10)), ids.find(ID, Hour(50))), (None, Some(seen(2, 50))));
}

proptest::proptest! {
    /// Many ids that want the same few slots, against a map of the standard library.
    #[test]
    fn a_crowded_table_remembers_like_a_map(
        steps in proptest::collection::vec((0_u128..4, 0_u128..40, 0_i32..4, proptest::bool::weighted(0.1)), 1..400),
    ) {
        let (mut table, mut map) = (Table::default(), std::collections::BTreeMap::new());
        for (seq, (low, high, hour, forgets)) in (1..).zip(steps) {
            let id = EventId::from_u128(high << 64 | low);
            if forgets {
                table.retain(|seen| seen.hour >= Hour(hour));
                map.retain(|_, seen: &mut Seen| seen.hour >= Hour(hour));
            }
            let known = map.get(&id).copied();
            proptest::prop_assert_eq!(table.get(id), known);
            proptest::prop_assert_eq!(table.insert(id, seen(seq, hour)), known);
            map.entry(id).or_insert(seen(seq, hour));
            proptest::prop_assert_eq!(table.get(id), map.get(&id).copied());
            proptest::prop_assert_eq!(table.len(), map.len());
        }
        let mut values: Vec<_> = table.values().collect();
        values.sort_by_key(|seen| seen.position);
        let mut expected: Vec<_> = map.into_values().collect();
        expected.sort_by_key(|seen| seen.position);
        proptest::prop_assert_eq!(values, expected);
    }
}
