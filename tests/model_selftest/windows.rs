//! The windows of limits, worked out by hand.

use serde_json::{Value, json};

use super::{Book, at, ones};
use crate::model::Instant;
use crate::model::Outcome::{self, Charged, Voided};

const BERLIN: &str = "Europe/Berlin";

/// `acme` in a time zone, with one limit of 5 things in this window, from an instant on.
fn limited(zone: &str, window: &str, from: &str) -> Book {
    let mut book = Book::carded(&ones());
    book.plan(0, "base", 1, &json!({}));
    book.put(at(from), "base", json!({ "time_zone": zone }));
    book.limit(at(from), "all", &json!({ "quantity": 5, "window": window }));
    book
}

fn between(start: &str, end: &str) -> Option<(String, String)> {
    Some((start.to_string(), end.to_string()))
}

fn void(book: &mut Book, second: Instant, id: &str) -> Outcome {
    book.event(second, json!({ "type": "void", "voids": { "id": id, "time": "2026-01-05T23:00:00Z" } }))
}

#[test]
fn a_day_is_from_midnight_to_midnight_where_the_organization_is() {
    let mut book = limited(BERLIN, "day", "2026-01-05T22:00:00Z");
    assert_eq!(
        book.window(at("2026-01-05T22:00:00Z"), "all"),
        between("2026-01-04T23:00:00Z", "2026-01-05T23:00:00Z")
    );
    book.act(at("2026-01-05T22:59:59Z"), 4, &json!({}));
    assert_eq!(book.limits(at("2026-01-05T22:59:59Z")), ["all - 4 of 5"]);
    assert_eq!(book.limits(at("2026-01-05T23:00:00Z")), ["all - 0 of 5"]);
    // Counted by the log's time: a late event of yesterday is of today.
    book.act(at("2026-01-05T23:00:00Z"), 2, &json!({ "time": "2026-01-05T22:00:00Z" }));
    assert_eq!(book.limits(at("2026-01-05T23:00:00Z")), ["all - 2 of 5"]);
}

#[test]
fn days_are_as_long_as_the_clocks_have_them() {
    for (day, window) in [
        ("2026-03-29T00:00:00+01:00", between("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z")),
        ("2026-10-25T00:00:00+02:00", between("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z")),
    ] {
        assert_eq!(limited(BERLIN, "day", day).window(at(day), "all"), window);
    }
    // In Beirut the clocks skip midnight of 29 March: the day begins at one o'clock.
    let day = "2026-03-28T23:00:00Z";
    let window = between("2026-03-28T22:00:00Z", "2026-03-29T21:00:00Z");
    assert_eq!(limited("Asia/Beirut", "day", day).window(at(day), "all"), window);
    // In Havana it comes twice on 1 November: the first counts.
    let day = "2026-11-01T05:30:00Z";
    let window = between("2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z");
    assert_eq!(limited("America/Havana", "day", day).window(at(day), "all"), window);
}

#[test]
fn a_week_is_from_monday_and_a_month_from_the_first() {
    // 2026-01-12 is a Monday.
    for (from, start, end) in [
        ("2026-01-11T23:59:59Z", "2026-01-05T00:00:00Z", "2026-01-12T00:00:00Z"),
        ("2026-01-12T00:00:00Z", "2026-01-12T00:00:00Z", "2026-01-19T00:00:00Z"),
        ("2026-01-18T23:59:59Z", "2026-01-12T00:00:00Z", "2026-01-19T00:00:00Z"),
    ] {
        assert_eq!(limited("UTC", "week", from).window(at(from), "all"), between(start, end));
    }
    for (from, start, end) in [
        ("2026-01-31T22:59:59Z", "2025-12-31T23:00:00Z", "2026-01-31T23:00:00Z"),
        ("2026-01-31T23:00:00Z", "2026-01-31T23:00:00Z", "2026-02-28T23:00:00Z"),
        ("2028-02-29T12:00:00Z", "2028-01-31T23:00:00Z", "2028-02-29T23:00:00Z"),
        ("2026-03-29T12:00:00Z", "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z"),
    ] {
        assert_eq!(limited(BERLIN, "month", from).window(at(from), "all"), between(start, end));
    }
}

#[test]
fn windows_nobody_looked_at_are_over_all_the_same() {
    for (window, last) in [("day", "2026-07-01"), ("week", "2026-06-29"), ("month", "2026-07-01")] {
        let mut book = limited("UTC", window, "2026-01-05T10:00:00Z");
        book.act(at("2026-01-05T10:00:00Z"), 5, &json!({}));
        let late = at("2026-07-01T09:00:00Z");
        book.act(late, 5, &json!({}));
        assert_eq!(
            (book.limits(late), book.warnings(late).len()),
            (vec!["all - 5 of 5".to_string()], 2),
            "{window}"
        );
        assert_eq!(book.window(late, "all").map(|(start, _)| start), Some(format!("{last}T00:00:00Z")));
    }
}

#[test]
fn another_zone_moves_the_end_of_the_running_window_and_not_its_begin() {
    let mut book = limited("UTC", "day", "2026-01-05T12:00:00Z");
    book.act(at("2026-01-05T12:00:00Z"), 3, &json!({}));
    // Half past eleven at night; in Berlin the next day has begun, and ends at 23:00 UTC.
    let night = at("2026-01-05T23:30:00Z");
    book.put(night, "base", json!({ "time_zone": BERLIN }));
    assert_eq!(book.window(night, "all"), between("2026-01-05T00:00:00Z", "2026-01-06T23:00:00Z"));
    assert_eq!(book.limits(at("2026-01-06T22:59:59Z")), ["all - 3 of 5"]);
    let next = at("2026-01-06T23:00:00Z");
    assert_eq!(
        (book.limits(next), book.window(next, "all")),
        (vec!["all - 0 of 5".into()], between("2026-01-06T23:00:00Z", "2026-01-07T23:00:00Z"))
    );
}

fn ten_days(terms: &Value) -> Value {
    super::with(
        json!({ "cycle": { "days": 10 }, "limits": [{ "id": "all", "quantity": 5, "window": "cycle" }] }),
        terms,
    )
}

#[test]
fn a_cycle_is_the_organizations_and_ends_with_it() {
    let mut book = Book::carded(&ones());
    book.plan(0, "small", 1, &ten_days(&json!({})));
    book.plan(0, "large", 1, &ten_days(&json!({ "unmetered": true })));
    book.plan(0, "monthly", 1, &ten_days(&json!({ "cycle": "month" })));
    book.plan(0, "bare", 1, &json!({ "limits": [{ "id": "all", "quantity": 5, "window": "cycle" }] }));
    let begin = at("2026-02-01T00:00:00Z");
    book.put(begin, "small", json!({}));
    book.act(begin, 4, &json!({}));
    assert_eq!(book.window(begin, "all"), between("2026-02-01T00:00:00Z", "2026-02-11T00:00:00Z"));
    // Another plan with the same cycle, and another end: the cycle goes on, and so does the count.
    book.put(begin + 1, "large", json!({ "cycle_anchor": "2026-02-05T00:00:00Z" }));
    assert_eq!(book.window(begin + 1, "all"), between("2026-02-01T00:00:00Z", "2026-02-05T00:00:00Z"));
    assert_eq!(book.limits(at("2026-02-04T23:59:59Z")), ["all - 4 of 5"]);
    let second = at("2026-02-05T00:00:00Z");
    assert_eq!(book.limits(second), ["all - 0 of 5"]);
    // Another cycle begins at once, and so does another count.
    book.act(second, 3, &json!({}));
    book.put(second + 1, "monthly", json!({}));
    assert_eq!(book.limits(second + 1), ["all - 0 of 5"]);
    assert_eq!(book.window(second + 1, "all"), between("2026-02-05T00:00:01Z", "2026-03-05T00:00:01Z"));
    // Without a cycle it is for life, and with one again it is the new cycle's.
    book.act(second + 2, 2, &json!({}));
    book.put(second + 3, "bare", json!({}));
    assert_eq!(
        (book.limits(second + 3), book.window(second + 3, "all")),
        (vec!["all - 0 of 5".into()], None)
    );
    book.act(second + 3, 1, &json!({}));
    assert_eq!(book.limits(at("2030-01-01T00:00:00Z")), ["all - 1 of 5"]);
    book.put(at("2030-01-01T00:00:00Z"), "small", json!({}));
    assert_eq!(book.limits(at("2030-01-01T00:00:00Z")), ["all - 0 of 5"]);
}

#[test]
fn a_limit_for_life_is_never_over() {
    let mut book = limited("UTC", "life", "2026-01-05T12:00:00Z");
    book.act(at("2026-01-05T12:00:00Z"), 3, &json!({}));
    assert_eq!(book.limits(at("2126-01-05T12:00:00Z")), ["all - 3 of 5"]);
    assert_eq!(book.window(at("2126-01-05T12:00:00Z"), "all"), None);
}

#[test]
fn a_void_takes_use_back_only_while_the_window_it_was_charged_in_runs() {
    let time = "2026-01-05T23:00:00Z";
    let sent = |id: &str| json!({ "id": id, "time": time });
    let mut book = limited("UTC", "day", "2026-01-05T12:00:00Z");
    book.limit(at("2026-01-05T12:00:00Z"), "ever", &json!({ "quantity": 100, "window": "life" }));
    book.act(at(time), 2, &sent("two"));
    book.act(at(time), 3, &sent("three"));
    assert_eq!(void(&mut book, at("2026-01-05T23:59:59Z"), "two"), Voided);
    assert_eq!(book.limits(at("2026-01-05T23:59:59Z")), ["all - 3 of 5", "ever - 3 of 100"]);
    assert_eq!(book.act(at("2026-01-06T00:00:00Z"), 4, &json!({})), Charged);
    assert_eq!(void(&mut book, at("2026-01-06T00:00:00Z"), "three"), Voided);
    assert_eq!(book.limits(at("2026-01-06T00:00:00Z")), ["all - 4 of 5", "ever - 4 of 100"]);
    // A void that came first swallows its event, which uses nothing.
    assert_eq!(void(&mut book, at("2026-01-06T00:00:00Z"), "never"), Voided);
    assert_eq!(book.act(at("2026-01-06T00:00:00Z"), 1, &sent("never")), Outcome::Duplicate);
    assert_eq!(book.limits(at("2026-01-06T00:00:00Z")), ["all - 4 of 5", "ever - 4 of 100"]);
}
