//! Ranges and what lies before them, with instants by hand.

use super::*;
use crate::ledger::org::Org;
use crate::query::usage::buckets::Interval;
use crate::query::usage::dimension::Dimension;

const BERLIN: &str = "Europe/Berlin";

fn given(text: &str) -> Parameters {
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap();
        (name.to_owned(), value.to_owned())
    };
    Parameters::of_pairs(text.split('&').filter(|pair| !pair.is_empty()).map(pair))
}

/// The range, that before it and that of the year before, in UTC.
fn spans(zone: &str, now: &str, asked: &str) -> [String; 3] {
    let (zone, org) = (Zone::named(zone).unwrap(), Org::default());
    let range = Range::read(&mut given(asked)).unwrap();
    let bearings = Bearings::of(&org, &range);
    let span = range.span(&zone, time::parse(now).unwrap(), &bearings).unwrap();
    let before = |with| range.before(span, with, &zone, &bearings).unwrap();
    let all = [span, before(Compare::PreviousPeriod), before(Compare::PreviousYear)];
    all.map(|span| format!("{} {}", time::format(span.from), time::format(span.to)))
}

#[test]
fn months_quarters_and_years_are_those_of_the_zone() {
    // Already March in Berlin.
    let now = "2028-02-29T23:30:00Z";
    assert_eq!(
        spans(BERLIN, now, ""),
        [
            "2028-02-29T23:00:00Z 2028-03-31T22:00:00Z",
            "2028-01-31T23:00:00Z 2028-02-29T23:00:00Z",
            "2027-02-28T23:00:00Z 2027-03-31T22:00:00Z",
        ]
    );
    assert_eq!(spans("UTC", now, "range=this_month")[0], "2028-02-01T00:00:00Z 2028-03-01T00:00:00Z");
    assert_eq!(
        spans(BERLIN, "2026-11-30T12:00:00Z", "range=this_quarter"),
        [
            "2026-09-30T22:00:00Z 2026-12-31T23:00:00Z",
            "2026-06-30T22:00:00Z 2026-09-30T22:00:00Z",
            "2025-09-30T22:00:00Z 2025-12-31T23:00:00Z",
        ]
    );
    assert_eq!(
        spans("UTC", now, "range=this_year"),
        [
            "2028-01-01T00:00:00Z 2029-01-01T00:00:00Z",
            "2027-01-01T00:00:00Z 2028-01-01T00:00:00Z",
            "2027-01-01T00:00:00Z 2028-01-01T00:00:00Z",
        ]
    );
}

#[test]
fn seven_days_end_with_today_and_keep_to_midnight_when_the_clocks_are_set() {
    assert_eq!(
        spans(BERLIN, "2026-10-28T12:00:00Z", "range=last_7_days"),
        [
            "2026-10-21T22:00:00Z 2026-10-28T23:00:00Z",
            "2026-10-14T22:00:00Z 2026-10-21T22:00:00Z",
            "2025-10-21T22:00:00Z 2025-10-28T23:00:00Z",
        ]
    );
}

#[test]
fn days_are_compared_with_as_many_days_and_instants_with_as_long() {
    // 29 March has 23 hours.
    assert_eq!(
        spans(BERLIN, "2026-06-01T00:00:00Z", "from=2026-03-28&to=2026-03-30"),
        [
            "2026-03-27T23:00:00Z 2026-03-29T22:00:00Z",
            "2026-03-25T23:00:00Z 2026-03-27T23:00:00Z",
            "2025-03-27T23:00:00Z 2025-03-29T23:00:00Z",
        ]
    );
    assert_eq!(
        spans(BERLIN, "2026-06-01T00:00:00Z", "from=2026-03-28T00:00:00+01:00&to=2026-03-30"),
        [
            "2026-03-27T23:00:00Z 2026-03-29T22:00:00Z",
            "2026-03-26T00:00:00Z 2026-03-27T23:00:00Z",
            "2025-03-27T23:00:00Z 2025-03-29T23:00:00Z",
        ]
    );
    // Without an end it goes on to that of today.
    assert_eq!(
        spans("UTC", "2026-06-01T10:00:00Z", "from=2026-05-31")[..2],
        ["2026-05-31T00:00:00Z 2026-06-02T00:00:00Z", "2026-05-29T00:00:00Z 2026-05-31T00:00:00Z"]
    );
}

#[test]
fn a_month_is_that_of_the_zone_and_compared_with_the_whole_month_before() {
    assert_eq!(
        spans(BERLIN, "2028-06-01T00:00:00Z", "month=2028-03"),
        [
            "2028-02-29T23:00:00Z 2028-03-31T22:00:00Z",
            "2028-01-31T23:00:00Z 2028-02-29T23:00:00Z",
            "2027-02-28T23:00:00Z 2027-03-31T22:00:00Z",
        ]
    );
}

#[test]
fn what_a_report_may_hold_is_what_can_be_asked() {
    use crate::ledger::reports::{DIMENSIONS, OTHER_CONTENT};
    assert_eq!(DIMENSIONS, Dimension::ALL.map(Dimension::name));
    let choices = |name| OTHER_CONTENT.iter().find(|(known, _)| *known == name).unwrap().1;
    assert_eq!(choices("range"), NAMED.map(|(name, _)| name));
    assert_eq!(choices("interval"), Interval::ALL.map(Interval::name));
    assert_eq!(choices("compare"), Compare::ALL.map(Compare::name));
    let given = given("group_by=user&range=all&interval=month&search=x&sort=-credits");
    assert_eq!(crate::query::check_usage(given), Ok(()));
}

#[test]
fn what_is_no_range_is_refused_with_the_field_the_value_and_the_remedy() {
    for (asked, field, part) in [
        ("range=this_weak", "range", "\"this_weak\" is not possible; write this_month"),
        ("range=all&from=2026-01-01", "range", "cannot be with from"),
        ("range=all&range=all", "range", "more than once"),
        ("to=2026-01-01", "from", "missing"),
        ("from=2026-02-30", "from", "\"2026-02-30\" is not possible; write a day"),
        ("from=yesterday", "from", "\"yesterday\""),
        ("from=2026-01-01&to=2026-1-2", "to", "\"2026-1-2\""),
        ("month=2026-13", "month", "\"2026-13\" is not possible; write a month such as 2026-01"),
        ("month=2026-1", "month", "\"2026-1\""),
        ("cycle=0", "cycle", "\"0\" is not possible; write the number"),
        ("cycle=next", "cycle", "or previous"),
        ("range=cycle&cycle=3", "cycle", "a range by itself"),
        ("month=2026-01&cycle=3", "month", "a range by itself"),
        ("month=2026-01&to=2026-02-01", "month", "a range by itself"),
    ] {
        let refused = Range::read(&mut given(asked)).unwrap_err();
        assert!(refused.field == field && refused.why.contains(part), "{asked}: {refused:?}");
    }
    let (zone, org, now) = (Zone::default(), Org::default(), Timestamp::default());
    for (asked, field, part) in [
        ("from=2026-01-02&to=2026-01-02", "to", "not after from, 2026-01-02T00:00:00Z"),
        ("range=cycle", "range", "the organization's plan has none"),
        ("cycle=previous", "cycle", "\"previous\" is not possible; the organization's plan has none"),
    ] {
        let range = Range::read(&mut given(asked)).unwrap();
        let refused = range.span(&zone, now, &Bearings::of(&org, &range)).unwrap_err();
        assert!(refused.field == field && refused.why.contains(part), "{asked}: {refused:?}");
    }
    let span = Range::All.span(&zone, now, &Bearings::of(&org, &Range::All)).unwrap();
    let refused = Range::All
        .before(span, Compare::PreviousPeriod, &zone, &Bearings::of(&org, &Range::All))
        .unwrap_err();
    assert_eq!(refused.field, "compare");
}

#[test]
fn all_that_was_charged_is_whole_days_up_to_today() {
    let zone = Zone::named(BERLIN).unwrap();
    let at = |text| time::parse(text).unwrap();
    let now = at("2026-06-03T10:00:00Z");
    let span = Range::All.span(&zone, now, &Bearings::of(&Org::default(), &Range::All)).unwrap();
    let narrowed = |charged| {
        let span = Range::All.narrowed(span, charged, &zone, now);
        format!("{} {}", time::format(span.from), time::format(span.to))
    };
    assert_eq!(
        narrowed(Some((at("2026-05-31T23:30:00Z"), now))),
        "2026-05-31T22:00:00Z 2026-06-03T22:00:00Z"
    );
    assert_eq!(narrowed(None), "2026-06-02T22:00:00Z 2026-06-03T22:00:00Z");
}
