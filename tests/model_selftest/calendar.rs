//! The begins of periods, from a wall calendar and the announcements of clock changes.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::model::calendar::{Date, Grid, Period, Zone};
use crate::model::fields::rfc3339;
use crate::model::generate::random::Random;

fn grid(zone: &str, anchor: &str, period: Period) -> Grid {
    Grid { zone: Zone::named(zone).unwrap(), anchor: rfc3339(anchor).unwrap(), period }
}

/// The first begins after an instant.
fn begins(grid: &Grid, after: &str, count: usize) -> Vec<String> {
    let mut at = rfc3339(after).unwrap();
    let next = || {
        at = grid.next(at);
        assert_eq!(grid.last(at), at);
        assert!(grid.last(at - 1) < at);
        Timestamp::from_microsecond(at).unwrap().to_string()
    };
    std::iter::repeat_with(next).take(count).collect()
}

#[test]
fn months_from_the_31st_begin_on_the_last_day_of_shorter_ones() {
    let months = grid("UTC", "2027-01-31T10:00:00Z", Period::Months(1));
    let expected = ["2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31"];
    assert_eq!(begins(&months, "2027-01-01T00:00:00Z", 5), expected.map(|day| format!("{day}T10:00:00Z")));
    // Before the anchor, too, and in a leap year.
    let expected = ["2024-01-31", "2024-02-29", "2024-03-31"];
    assert_eq!(begins(&months, "2024-01-01T00:00:00Z", 3), expected.map(|day| format!("{day}T10:00:00Z")));
}

#[test]
fn years_from_29_february_begin_on_the_28th_of_common_years() {
    let years = grid("UTC", "2024-02-29T00:00:00Z", Period::Months(12));
    let expected = ["2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"];
    assert_eq!(begins(&years, "2024-02-29T00:00:00Z", 4), expected.map(|day| format!("{day}T00:00:00Z")));
    let quarters = grid("UTC", "2023-11-30T00:00:00Z", Period::Months(3));
    let expected = ["2024-02-29", "2024-05-30", "2024-08-30", "2024-11-30", "2025-02-28"];
    assert_eq!(begins(&quarters, "2023-11-30T00:00:00Z", 5), expected.map(|day| format!("{day}T00:00:00Z")));
    // 2100 is no leap year, 2000 was one.
    assert_eq!(begins(&years, "2100-01-01T00:00:00Z", 1), ["2100-02-28T00:00:00Z"]);
    assert_eq!(begins(&years, "2000-01-01T00:00:00Z", 1), ["2000-02-29T00:00:00Z"]);
}

#[test]
fn where_the_clocks_skip_the_hour_it_is_later_by_what_they_skip() {
    // Berlin, 29 March 2026: 02:00 becomes 03:00, so 02:30 is 03:30 in summer time.
    let days = grid("Europe/Berlin", "2026-03-27T02:30:00+01:00", Period::Days(1));
    let expected = ["2026-03-28T01:30:00Z", "2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"];
    assert_eq!(begins(&days, "2026-03-27T02:30:00+01:00", 3), expected);
    // New York, 8 March 2026: 02:30 is 03:30 in daylight time.
    let days = grid("America/New_York", "2026-03-07T02:30:00-05:00", Period::Days(1));
    assert_eq!(begins(&days, "2026-03-07T08:00:00Z", 2), ["2026-03-08T07:30:00Z", "2026-03-09T06:30:00Z"]);
    // Lord Howe, 4 October 2026: half an hour only, 02:15 is 02:45.
    let days = grid("Australia/Lord_Howe", "2026-10-03T02:15:00+10:30", Period::Days(1));
    let expected = ["2026-10-03T15:45:00Z", "2026-10-04T15:15:00Z"];
    assert_eq!(begins(&days, "2026-10-03T02:15:00+10:30", 2), expected);
    // Samoa had no 30 December 2011: that day would begin with the 31st, and is no cycle of its own.
    let days = grid("Pacific/Apia", "2011-12-28T12:00:00-10:00", Period::Days(1));
    let expected = ["2011-12-29T22:00:00Z", "2011-12-30T22:00:00Z", "2011-12-31T22:00:00Z"];
    assert_eq!(begins(&days, "2011-12-28T12:00:00-10:00", 3), expected);
}

#[test]
fn where_the_hour_comes_twice_the_first_counts() {
    // Berlin, 25 October 2026: 02:30 is first in summer time.
    let days = grid("Europe/Berlin", "2026-10-24T02:30:00+02:00", Period::Days(1));
    assert_eq!(
        begins(&days, "2026-10-24T02:30:00+02:00", 2),
        ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]
    );
    // Lord Howe, 5 April 2026: 01:45 is first in summer time, half an hour earlier.
    let days = grid("Australia/Lord_Howe", "2026-04-04T01:45:00+11:00", Period::Days(1));
    let expected = ["2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"];
    assert_eq!(begins(&days, "2026-04-04T01:45:00+11:00", 2), expected);
    // An anchor in the second of the two hours is a begin all the same.
    let days = grid("Europe/Berlin", "2026-10-25T02:30:00+01:00", Period::Days(1));
    let expected = ["2026-10-24T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-26T01:30:00Z"];
    assert_eq!(begins(&days, "2026-10-23T12:00:00Z", 3), expected);
}

#[test]
fn every_day_of_the_calendar_is_counted_once() {
    let mut expected = Date { year: -400, month: 2, day: 27 };
    let first = expected.day_number();
    for number in first..first + 1_000_000 {
        let date = Date::on_day(number);
        assert_eq!(date.day_number(), number);
        assert_eq!(date, expected);
        let next = jiff::civil::date(
            date.year.try_into().unwrap(),
            date.month.try_into().unwrap(),
            date.day.try_into().unwrap(),
        )
        .tomorrow()
        .unwrap();
        expected = Date { year: next.year().into(), month: next.month().into(), day: next.day().into() };
    }
}

#[test]
fn a_calendar_made_by_others_has_the_same_begins() {
    let mut random = Random::new(1);
    for _ in 0..4_000 {
        let name =
            *random.pick(&["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]);
        let anchor = random.between(1_500_000_000, 2_100_000_000) * 1_000_000;
        let after = anchor + random.between(0, 400_000_000) * 1_000_000;
        let (period, count) = match random.between(0, 3) {
            0 => (Period::Days(1), None),
            1 => (Period::Days(10), None),
            2 => (Period::Months(1), Some(1)),
            _ => (Period::Months(3), Some(3)),
        };
        let begin = Timestamp::from_microsecond(anchor).unwrap().to_zoned(TimeZone::get(name).unwrap());
        let whole = |periods: i64| match (period, count) {
            (_, Some(months)) => (months * periods).months(),
            (Period::Days(days), _) | (Period::Months(days), _) => (days * periods).days(),
        };
        let theirs = (0..).map(|periods| begin.checked_add(whole(periods)).unwrap().timestamp());
        let theirs = theirs.map(Timestamp::as_microsecond).find(|at| *at > after).unwrap();
        let zone = Zone::named(name).unwrap();
        assert_eq!(
            Grid { zone, anchor, period }.next(after),
            theirs,
            "{name}, {anchor}, {period:?}, {after}"
        );
    }
}
