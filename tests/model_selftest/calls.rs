//! Calls that are told while they run, worked out by hand.

use serde_json::{Value, json};

use super::{Book, CREDIT, TEN, with};
use crate::model::report::Tally;
use crate::model::{Instant, Micros, Outcome};

/// 2 hours and 5 minutes, in seconds.
const FORGOTTEN: Instant = 7_500;

/// Ten credits a minute of a call, and one more of another kind with translation.
pub(super) fn prices() -> Value {
    json!({
        "phone_call": { "per_minute": "10" },
        "translation": { "per_minute": "1", "credit_type": "other" },
        "one": { "per_action": "1" }
    })
}

fn book() -> Book {
    Book::priced(&prices())
}

impl Book {
    /// Something is told of the call `c`, when it happens.
    pub(super) fn tell(&mut self, second: Instant, kind: &str, fields: &Value) -> Outcome {
        let time = jiff::Timestamp::from_microsecond(TEN + second * 1_000_000).unwrap().to_string();
        let mut item = with(json!({ "type": format!("call.{kind}"), "call_id": "c", "time": time }), fields);
        if kind != "ended" {
            return self.send(second, "credits.events.acme", &item)[0];
        }
        let id = item.get("id").cloned().unwrap_or(json!("end"));
        item["id"] = id;
        self.event(second, item)
    }

    /// What is pending, in whole credits.
    fn pending(&mut self, second: Instant) -> Micros {
        self.credits(second).pending / CREDIT
    }
}

#[test]
fn a_minute_is_pending_from_the_instant_it_starts() {
    let mut book = book();
    assert_eq!(book.tell(0, "started", &json!({ "direction": "outbound" })), Outcome::Noted);
    assert_eq!(book.pending(6), 0);
    assert_eq!(book.tell(7, "answered", &json!({})), Outcome::Noted);
    let pending: Vec<Micros> = [7, 66, 67, 126, 127].map(|second| book.pending(second)).to_vec();
    assert_eq!(pending, [10, 10, 20, 20, 30]);
    let balance = book.credits(127);
    assert_eq!((balance.charged, balance.available), (0, -30 * CREDIT));
}

#[test]
fn an_end_takes_from_the_call_what_it_leaves_out() {
    let mut book = book();
    book.tell(0, "started", &json!({ "direction": "inbound", "add_ons": ["translation"], "user": "ana" }));
    book.tell(50, "answered", &json!({}));
    assert_eq!(book.tell(61, "ended", &json!({})), Outcome::Charged);
    // From the start: 61 seconds are two minutes.
    let acme = book.acme(61);
    let charged = |credit_type: &str| acme.credits[credit_type].charged / CREDIT;
    assert_eq!((charged("credits"), charged("other")), (20, 2));
    assert_eq!(acme.credits["credits"].pending, 0);
    assert_eq!(acme.tally, Tally { charged: 1, noted: 2, ..Tally::default() });
}

#[test]
fn a_progress_alone_tells_of_an_answer() {
    let mut book = book();
    let progress = |ms: i64| json!({ "duration_ms": ms, "direction": "outbound" });
    assert_eq!(book.tell(60, "progress", &progress(30_000)), Outcome::Noted);
    assert_eq!(book.pending(89), 10);
    assert_eq!(book.pending(90), 20);
    assert_eq!(book.tell(95, "progress", &progress(150_000)), Outcome::Noted);
    assert_eq!(book.pending(95), 30);
    // The end is as long as the longest progress at least.
    assert_eq!(book.tell(100, "ended", &json!({})), Outcome::Charged);
    assert_eq!(book.credits(100).charged, 30 * CREDIT);
}

#[test]
fn a_call_that_ended_is_remembered_for_two_hours_and_five_minutes() {
    let mut book = book();
    assert_eq!(
        book.tell(0, "ended", &json!({ "duration_ms": 1, "direction": "outbound" })),
        Outcome::Charged
    );
    let answer = json!({ "direction": "outbound" });
    assert_eq!(book.tell(FORGOTTEN, "answered", &answer), Outcome::Noted);
    assert_eq!(book.pending(FORGOTTEN), 0);
    assert_eq!(book.tell(FORGOTTEN + 1, "answered", &answer), Outcome::Noted);
    assert_eq!(book.pending(FORGOTTEN + 1), 10);
}

#[test]
fn a_second_end_is_compared_with_the_first() {
    let mut book = book();
    book.tell(0, "answered", &json!({ "direction": "outbound" }));
    assert_eq!(book.tell(5, "ended", &json!({ "id": "first" })), Outcome::Charged);
    for (said, expected) in [
        (json!({}), Outcome::Duplicate),
        (json!({ "duration_ms": 5_000 }), Outcome::Duplicate),
        (json!({ "duration_ms": 5_001 }), Outcome::Rejected("call_ended")),
        (json!({ "answered": false }), Outcome::Rejected("call_ended")),
    ] {
        assert_eq!(book.tell(5, "ended", &said), expected, "{said}");
    }
    let void = json!({ "type": "void", "voids": { "id": "first" } });
    assert_eq!(book.event(6, void), Outcome::Voided);
    let other = json!({ "duration_ms": 61_000, "direction": "outbound" });
    assert_eq!(book.tell(7, "ended", &other), Outcome::Charged);
    assert_eq!(book.credits(7).charged, 20 * CREDIT);
}

#[test]
fn what_is_refused_leaves_the_call_as_it_was() {
    let mut book = book();
    assert_eq!(book.tell(0, "started", &json!({})), Outcome::Noted);
    assert_eq!(book.tell(1, "answered", &json!({})), Outcome::Rejected("missing_field"));
    let teleport = json!({ "direction": "inbound", "action": "teleport" });
    assert_eq!(book.tell(1, "answered", &teleport), Outcome::Rejected("unknown_action"));
    assert_eq!(book.tell(1, "ended", &json!({})), Outcome::Rejected("missing_field"));
    assert_eq!(book.tell(2, "answered", &json!({ "direction": "outbound" })), Outcome::Noted);
    assert_eq!(book.tell(3, "failed", &json!({})), Outcome::Rejected("call_answered"));
    assert_eq!(book.pending(3), 10);
}

/// Four hours after second 0, and 31 days after that.
const CLOSED: Instant = 14_400;
const SETTLED: Instant = CLOSED + 31 * 86_400;

/// A call that was answered at second 0, of which 61 seconds are proven.
fn with_an_orphan() -> Book {
    let mut book = book();
    book.tell(0, "answered", &json!({ "direction": "outbound", "add_ons": ["translation"] }));
    book.tell(61, "progress", &json!({ "duration_ms": 61_000 }));
    assert_eq!(book.pending(CLOSED - 1), 2_400);
    assert_eq!((book.pending(CLOSED), book.credits(CLOSED).charged), (0, 20 * CREDIT));
    book
}

#[test]
fn a_call_is_closed_after_four_hours_at_what_is_proven() {
    let mut book = with_an_orphan();
    assert_eq!(book.acme(CLOSED).credits["other"].charged, 2 * CREDIT);
    assert_eq!(book.tell(CLOSED + 1, "progress", &json!({ "duration_ms": 90_000 })), Outcome::Noted);
    assert_eq!(book.tell(CLOSED + 2, "ended", &json!({ "duration_ms": 1 })), Outcome::Charged);
    assert_eq!(book.credits(CLOSED + 2).charged, 10 * CREDIT);
    let other = json!({ "id": "other", "duration_ms": 2 });
    assert_eq!(book.tell(CLOSED + 3, "ended", &other), Outcome::Rejected("call_ended"));
    assert_eq!(book.acme(CLOSED + 3).tally, Tally { charged: 1, noted: 3, rejected: 1, ..Tally::default() });
}

#[test]
fn an_end_corrects_for_31_days_and_a_failure_gives_all_back() {
    let end = |book: &mut Book, second| {
        let item = json!({ "type": "call.ended", "id": "end", "call_id": "c", "duration_ms": 1 });
        book.event(second, item)
    };
    let mut book = with_an_orphan();
    assert_eq!(end(&mut book, SETTLED), Outcome::Charged);
    let mut book = with_an_orphan();
    assert_eq!(end(&mut book, SETTLED + 1), Outcome::Rejected("call_ended"));
    assert_eq!(book.tell(SETTLED + 2, "failed", &json!({})), Outcome::Noted);
    assert_eq!(book.credits(SETTLED + 2).charged, 20 * CREDIT);
    let mut book = with_an_orphan();
    assert_eq!(book.tell(SETTLED, "failed", &json!({})), Outcome::Noted);
    assert_eq!(book.credits(SETTLED).charged, 0);
    assert_eq!(end(&mut book, SETTLED), Outcome::Rejected("call_ended"));
}

#[test]
fn a_switch_that_is_restarted_closes_what_began_before() {
    let mut book = book();
    book.tell(0, "started", &json!({ "direction": "inbound" }));
    book.tell(61, "answered", &json!({}));
    let restarted = |source: &str| json!({ "type": "source.restarted", "source": source });
    assert_eq!(book.send(61, "credits.events.acme", &restarted("other")), [Outcome::Noted]);
    assert_eq!(book.pending(61), 20);
    assert_eq!(book.send(62, "credits.events.acme", &restarted("nats")), [Outcome::Noted]);
    assert_eq!((book.pending(62), book.credits(62).charged), (0, 20 * CREDIT));
    let nameless = json!({ "type": "source.restarted" });
    assert_eq!(book.send(63, "credits.events.acme", &nameless), [Outcome::Rejected("missing_field")]);
}

#[test]
fn what_only_rings_is_closed_after_two_hours_and_forgotten_after_31_days() {
    let mut book = book();
    book.tell(0, "started", &json!({ "direction": "outbound" }));
    assert_eq!(book.tell(7_200, "answered", &json!({})), Outcome::Noted);
    assert_eq!(book.pending(7_200), 0);
    let end = json!({ "type": "call.ended", "id": "end", "call_id": "c" });
    assert_eq!(book.event(7_200 + 31 * 86_400 + 1, end), Outcome::Rejected("missing_field"));
}
