//! What is due, of organizations that were told things at times by hand.

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::book::Book;
use crate::book::commons::Commons;
use crate::book::partition::{Item, Listener, Partition};
use crate::book::shelf::{History, Shelf};
use crate::ledger::effect::{Effect, Outcome};
use crate::log::{Draft, Record};
use crate::store::history::Limits;
use crate::wire::time;

/// Commands that must be taken.
struct Taken;

impl Listener for Taken {
    fn outcome(&mut self, _: &Record, _: Item<'_>, outcome: &Outcome) {
        assert_eq!(*outcome, Outcome::Done);
    }

    fn effect(&mut self, _: &str, _: &Effect) {}
}

/// An organization in Berlin with billing periods, and a report of it.
struct Scene {
    book: Arc<Book>,
    partition: Partition,
    seq: u64,
}

fn at(text: &str) -> Timestamp {
    time::parse(text).unwrap()
}

impl Scene {
    fn new(now: &str, schedule: &Value) -> Scene {
        let book = Arc::new(Book::default());
        let history = History::new(Arc::new(Shelf::in_memory()), Limits::default(), 0);
        let partition = Partition::new(Arc::clone(&book), Commons::default(), history);
        let mut scene = Scene { book, partition, seq: 0 };
        scene.tell(
            now,
            "_catalog",
            json!({ "type": "rate_card.put", "id": "card", "version": 1, "prices": {} }),
        );
        let plan =
            json!({ "type": "plan.put", "id": "plan", "version": 1, "rate_card": "card", "cycle": "month" });
        scene.tell(now, "_catalog", plan);
        let org = json!({ "type": "org.put", "plan": "plan", "time_zone": "Europe/Berlin",
            "cycle_anchor": "2026-01-31T00:00:00+01:00" });
        scene.tell(now, "acme", org);
        scene.put(now, schedule, true);
        scene
    }

    fn put(&mut self, now: &str, schedule: &Value, enabled: bool) {
        let report = json!({ "type": "report.put", "id": "r", "to": ["ana@example.com"], "schedule": schedule,
            "enabled": enabled });
        self.tell(now, "acme", report);
    }

    fn tell(&mut self, now: &str, whom: &str, command: Value) {
        self.seq += 1;
        let subject = format!("credits.commands.{whom}");
        let draft = Draft { subject, payload: command.to_string().into(), ..Draft::default() };
        let record = Record { seq: self.seq, at: at(now), draft };
        self.partition.apply(&record, &mut Taken).unwrap();
    }

    /// Something that has nothing to do with it, at a time: what lies before has happened.
    fn pass(&mut self, now: &str) {
        self.tell(now, "acme", json!({ "type": "user.put", "id": "ana" }));
    }

    fn due(&self, handled: Option<&str>, now: &str) -> Option<(String, Period, usize)> {
        let due = self.book.read("acme", |slot| {
            fallen_due(slot.org.report("r").unwrap(), &slot.org, handled.map(at), at(now))
        });
        due.unwrap().map(|due| (time::format(due.at), due.period, due.missed.len()))
    }

    fn next(&self, now: &str) -> Option<String> {
        let next = self.book.read("acme", |slot| next_due(slot.org.report("r").unwrap(), &slot.org, at(now)));
        next.unwrap().map(time::format)
    }
}

#[test]
fn what_was_due_before_it_was_defined_is_not_sent_and_what_was_handled_not_again() {
    let scene = Scene::new("2026-02-10T12:00:00Z", &json!({ "every": "month", "on": 1, "at": "08:00" }));
    assert_eq!(scene.due(None, "2026-02-28T23:59:59Z"), None);
    assert_eq!(scene.next("2026-02-28T23:59:59Z").as_deref(), Some("2026-03-01T07:00:00Z"));
    assert_eq!(scene.due(None, "2026-03-01T06:59:59Z"), None);
    let (due, period, missed) = scene.due(None, "2026-03-01T07:00:00Z").unwrap();
    assert_eq!((&*due, missed), ("2026-03-01T07:00:00Z", 0));
    assert_eq!(period, Period::Month("2026-02-01".parse().unwrap()));
    assert_eq!(scene.due(Some(&due), "2026-03-31T23:59:59Z"), None);
    // A clock that is set back sends nothing twice.
    assert_eq!(scene.due(Some(&due), "2026-02-20T00:00:00Z"), None);
}

#[test]
fn after_a_downtime_only_the_last_is_due_and_the_others_are_missed() {
    let scene =
        Scene::new("2026-01-02T12:00:00Z", &json!({ "every": "week", "on": "monday", "at": "08:00" }));
    let (due, period, missed) = scene.due(Some("2026-01-05T07:00:00Z"), "2026-02-04T00:00:00Z").unwrap();
    assert_eq!((&*due, missed), ("2026-02-02T07:00:00Z", 3));
    assert_eq!(period, Period::Week("2026-01-26".parse().unwrap()));
    let (_, _, missed) = scene.due(None, "2036-01-01T00:00:00Z").unwrap();
    assert_eq!(missed, MOST_MISSED);
}

#[test]
fn a_cycle_is_due_once_it_has_turned_and_by_the_months_of_its_anchor() {
    let mut scene = Scene::new("2026-02-10T12:00:00Z", &json!({ "every": "cycle" }));
    // From 31 January on: the next begin is on 28 February.
    assert_eq!(scene.next("2026-02-10T12:00:00Z").as_deref(), Some("2026-02-27T23:00:00Z"));
    assert_eq!(scene.due(None, "2026-02-27T23:00:00Z"), None, "it has not turned yet");
    scene.pass("2026-02-27T23:00:00Z");
    let first = Some(("2026-02-27T23:00:00Z".to_owned(), Period::Cycle(1), 0));
    assert_eq!(scene.due(None, "2026-02-27T23:00:00Z"), first);
    scene.pass("2026-05-01T12:00:00Z");
    let (due, period, missed) = scene.due(Some("2026-02-27T23:00:00Z"), "2026-05-01T12:00:00Z").unwrap();
    assert_eq!((&*due, period, missed), ("2026-04-29T22:00:00Z", Period::Cycle(3), 1));
    assert_eq!(scene.next("2026-05-01T12:00:00Z").as_deref(), Some("2026-05-30T22:00:00Z"));
}

#[test]
fn a_cycle_waits_for_a_time_of_day_where_one_is_named() {
    let mut scene = Scene::new("2026-02-10T12:00:00Z", &json!({ "every": "cycle", "at": "07:30" }));
    scene.pass("2026-02-27T23:00:00Z");
    assert_eq!(scene.due(None, "2026-02-28T06:29:59Z"), None);
    assert_eq!(scene.next("2026-02-28T00:00:00Z").as_deref(), Some("2026-02-28T06:30:00Z"));
    let due = scene.due(None, "2026-02-28T06:30:00Z");
    assert_eq!(due, Some(("2026-02-28T06:30:00Z".to_owned(), Period::Cycle(1), 0)));
}

#[test]
fn what_is_switched_off_is_never_due_and_begins_anew_when_it_is_switched_on() {
    let month = json!({ "every": "month", "on": 1, "at": "08:00" });
    let mut scene = Scene::new("2026-02-10T12:00:00Z", &month);
    scene.put("2026-02-20T00:00:00Z", &month, false);
    assert_eq!((scene.due(None, "2026-03-02T00:00:00Z"), scene.next("2026-03-02T00:00:00Z")), (None, None));
    scene.put("2026-03-02T00:00:00Z", &month, true);
    assert_eq!(scene.due(None, "2026-03-31T00:00:00Z"), None);
    assert!(scene.due(None, "2026-04-01T06:00:00Z").is_some());
}

#[test]
fn the_agenda_hands_out_each_report_at_its_time_and_once() {
    let key = |id: &str| Key { org: "acme".to_owned(), id: id.to_owned() };
    let mut agenda = Agenda::default();
    for (id, minute) in [("a", 5), ("b", 1), ("a", 3)] {
        agenda.note(&key(id), Some(Timestamp::from_micros(minute)));
    }
    assert_eq!(agenda.of_org("acme"), [key("a"), key("b")]);
    assert_eq!(agenda.of_org("acm"), []);
    let due: Vec<Key> = std::iter::from_fn(|| agenda.take(Timestamp::from_micros(3))).collect();
    assert_eq!(due, [key("b"), key("a")]);
    agenda.note(&key("a"), Some(Timestamp::from_micros(9)));
    agenda.note(&key("a"), None);
    assert_eq!(agenda.take(Timestamp::MAX), None);
}
