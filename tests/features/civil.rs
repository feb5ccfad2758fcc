//! The calendar of the seeded organizations, by their clocks in Berlin. All instants are seconds since 1970.

use jiff::civil::{Date, Weekday};
use jiff::{Span, Timestamp, ToSpan, Zoned};

/// When the year is over: a Thursday, 15:20 in Berlin. The daemon's clock stands still here.
pub(crate) const NOW: &str = "2026-09-17T13:20:00Z";
/// When it began.
pub(crate) const BEGIN: &str = "2025-08-31T22:00:00Z";
/// Where everybody is.
pub(crate) const ZONE: &str = "Europe/Berlin";
pub(crate) const HOUR: i64 = 3_600;
pub(crate) const DAY: i64 = 24 * HOUR;

pub(crate) fn instant(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_second()
}

pub(crate) fn now() -> i64 {
    instant(NOW)
}

pub(crate) fn local(at: i64) -> Zoned {
    Timestamp::from_second(at).unwrap().in_tz(ZONE).unwrap()
}

/// As clocks of the zone show it, with their offset; as UTC in the form of the log.
pub(crate) fn shown(at: i64) -> String {
    let zoned = local(at);
    zoned.timestamp().display_with_offset(zoned.offset()).to_string()
}

pub(crate) fn utc(at: i64) -> String {
    Timestamp::from_second(at).unwrap().to_string()
}

/// The begin of a day.
pub(crate) fn begin(date: Date) -> i64 {
    date.in_tz(ZONE).unwrap().timestamp().as_second()
}

pub(crate) fn day(at: i64) -> Date {
    local(at).date()
}

pub(crate) fn month(at: i64) -> Date {
    day(at).first_of_month()
}

pub(crate) fn quarter(at: i64) -> Date {
    let month = month(at);
    month.checked_sub(i32::from((month.month() - 1) % 3).months()).unwrap()
}

pub(crate) fn year(at: i64) -> Date {
    day(at).first_of_year()
}

/// The Monday on or before a day.
pub(crate) fn monday(at: i64) -> Date {
    let day = day(at);
    let since = day.weekday().since(Weekday::Monday);
    day.checked_sub(i32::from(since).days()).unwrap()
}

/// So much later by the calendar, at the same time of day.
pub(crate) fn later(at: i64, span: Span) -> i64 {
    local(at).checked_add(span).unwrap().timestamp().as_second()
}

/// The points of a length in a range, each with its begin and its end.
pub(crate) fn points(interval: &str, from: i64, to: i64) -> Vec<(i64, i64)> {
    let mut points = Vec::new();
    let mut at = from;
    while at < to {
        let next = match interval {
            // Offsets of this zone are whole hours.
            "hour" => at.div_euclid(HOUR) * HOUR + HOUR,
            "day" => begin(day(at).tomorrow().unwrap()),
            "week" => begin(monday(at).checked_add(7.days()).unwrap()),
            "month" => begin(month(at).checked_add(1.month()).unwrap()),
            other => panic!("{other} is no interval"),
        };
        points.push((at, next.min(to)));
        at = next;
    }
    points
}
