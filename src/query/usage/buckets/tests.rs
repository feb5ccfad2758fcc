//! Points across changes of the clocks, with instants by hand.

use super::*;
use crate::wire::time;

fn zone(name: &str) -> Zone {
    Zone::named(name).unwrap()
}

fn at(text: &str) -> Timestamp {
    time::parse(text).unwrap()
}

fn span(from: &str, to: &str) -> Span {
    Span { from: at(from), to: at(to) }
}

/// The begins of the points, in UTC.
fn begins(name: &str, interval: Interval, from: &str, to: &str) -> Vec<String> {
    let buckets = Buckets::of(span(from, to), interval, &zone(name), 1).unwrap();
    let edges: Vec<Timestamp> = buckets.edges().collect();
    let spans: Vec<Span> = edges.windows(2).map(|pair| Span { from: pair[0], to: pair[1] }).collect();
    assert!(spans.windows(2).all(|pair| pair[0].to == pair[1].from && pair[0].from < pair[0].to));
    assert_eq!((spans[0].from, spans[spans.len() - 1].to), (at(from), at(to)));
    spans.into_iter().map(|span| time::format(span.from)).collect()
}

#[test]
fn a_day_has_23_24_or_25_hours() {
    for (day, hours) in [("2026-03-29", 23), ("2026-06-01", 24), ("2026-10-25", 25)] {
        let berlin = zone("Europe/Berlin");
        let date: jiff::civil::Date = day.parse().unwrap();
        let span = Span { from: begin_of(&berlin, date), to: begin_of(&berlin, later(date, 0, 1)) };
        assert_eq!(Buckets::of(span, Interval::Hour, &berlin, 1).unwrap().len(), hours, "{day}");
        assert_eq!(Buckets::of(span, Interval::Day, &berlin, 1).unwrap().len(), 1, "{day}");
    }
}

#[test]
fn an_hour_that_comes_twice_is_two_points_and_a_skipped_one_none() {
    assert_eq!(
        begins("Europe/Berlin", Interval::Hour, "2026-10-24T23:30:00Z", "2026-10-25T02:30:00Z"),
        ["2026-10-24T23:30:00Z", "2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z"]
    );
    assert_eq!(
        begins("Europe/Berlin", Interval::Hour, "2026-03-29T00:00:00Z", "2026-03-29T02:00:00Z"),
        ["2026-03-29T00:00:00Z", "2026-03-29T01:00:00Z"]
    );
    // Half an hour is set: 01:59:59+11:00 is followed by 01:30:00+10:30.
    assert_eq!(
        begins("Australia/Lord_Howe", Interval::Hour, "2026-04-04T14:00:00Z", "2026-04-04T16:30:00Z"),
        ["2026-04-04T14:00:00Z", "2026-04-04T15:00:00Z", "2026-04-04T15:30:00Z"]
    );
    // Clocks that were set at 00:01, from there back to 23:01: the hour that had begun ends there.
    assert_eq!(
        begins("America/St_Johns", Interval::Hour, "2010-11-07T01:30:00Z", "2010-11-07T04:00:00Z"),
        ["2010-11-07T01:30:00Z", "2010-11-07T02:30:00Z", "2010-11-07T02:31:00Z", "2010-11-07T03:30:00Z"]
    );
    // Whole hours of a zone that is ahead by three quarters of one.
    assert_eq!(
        begins("Asia/Kathmandu", Interval::Hour, "2026-01-01T00:15:00Z", "2026-01-01T02:15:00Z"),
        ["2026-01-01T00:15:00Z", "2026-01-01T01:15:00Z"]
    );
}

#[test]
fn days_weeks_and_months_are_those_of_the_zone() {
    assert_eq!(
        begins("Europe/Berlin", Interval::Day, "2026-10-24T10:00:00Z", "2026-10-26T10:00:00Z"),
        ["2026-10-24T10:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"]
    );
    // 1 October 2026 is a Thursday.
    assert_eq!(
        begins("Europe/Berlin", Interval::Week, "2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z"),
        [
            "2026-09-30T22:00:00Z",
            "2026-10-04T22:00:00Z",
            "2026-10-11T22:00:00Z",
            "2026-10-18T22:00:00Z",
            "2026-10-25T23:00:00Z"
        ]
    );
    assert_eq!(
        begins("America/New_York", Interval::Month, "2026-01-31T05:00:00Z", "2026-04-02T04:00:00Z"),
        ["2026-01-31T05:00:00Z", "2026-02-01T05:00:00Z", "2026-03-01T05:00:00Z", "2026-04-01T04:00:00Z"]
    );
    // Where midnight is skipped, the day begins after it; a day that was left out is none.
    assert_eq!(
        begins("America/Sao_Paulo", Interval::Day, "2018-11-03T03:00:00Z", "2018-11-05T02:00:00Z"),
        ["2018-11-03T03:00:00Z", "2018-11-04T03:00:00Z"]
    );
    assert_eq!(
        begins("Pacific/Apia", Interval::Day, "2011-12-29T10:00:00Z", "2011-12-31T10:00:00Z"),
        ["2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"]
    );
}

#[test]
fn an_instant_is_in_the_point_that_holds_it() {
    let span = span("2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z");
    let days = Buckets::of(span, Interval::Day, &Zone::default(), 1).unwrap();
    for (instant, place) in [
        ("2025-12-31T23:59:59.999999Z", None),
        ("2026-01-01T00:00:00Z", Some(0)),
        ("2026-01-01T23:59:59.999999Z", Some(0)),
        ("2026-01-02T00:00:00Z", Some(1)),
        ("2026-01-02T23:59:59.999999Z", Some(1)),
        ("2026-01-03T00:00:00Z", None),
    ] {
        assert_eq!(days.place(at(instant)), place, "{instant}");
    }
}

#[test]
fn as_many_points_as_an_answer_holds_and_no_more() {
    let days = |to| Buckets::of(span("2026-01-01T00:00:00Z", to), Interval::Hour, &Zone::default(), 2_000);
    assert_eq!(days("2026-01-03T02:00:00Z").unwrap().len(), 50);
    let refused = days("2026-01-03T03:00:00Z").unwrap_err();
    assert_eq!(refused.field, "interval");
    assert!(refused.why.contains("more than 50 points") && refused.why.contains("limit=2000"), "{refused}");
}
