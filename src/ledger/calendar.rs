//! Calendars: periods of civil time, counted from an anchor in an organization's time zone.
//!
//! The zones are those built into the program, never the machine's: the same log gives the same periods anywhere.

use std::fmt;

use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};
use jiff::{Span, civil};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::units::Timestamp;

/// How long a period is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Every {
    /// A month.
    Month,
    /// Three months.
    Quarter,
    /// Twelve months.
    Year,
    /// So many days, from 1 to [`Every::MOST_DAYS`].
    Days(u16),
}

impl Every {
    /// The most days of a period that is counted in days.
    pub const MOST_DAYS: u16 = 366;

    fn months(self) -> Option<i64> {
        match self {
            Every::Month => Some(1),
            Every::Quarter => Some(3),
            Every::Year => Some(12),
            Every::Days(_) => None,
        }
    }
}

/// An IANA time zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Zone {
    /// The zone of that name, if it is one.
    #[must_use]
    pub fn named(name: &str) -> Option<Zone> {
        TimeZoneDatabase::bundled().get(name).ok().map(Zone)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// The midnight with which 1 January 2024 began, a Monday: from here days, weeks and months are counted.
    pub(super) fn first_monday(&self) -> Timestamp {
        self.instant(civil::date(2024, 1, 1).at(0, 0, 0, 0)).unwrap_or_default()
    }

    /// The civil time at an instant, if the calendar reaches that far.
    #[must_use]
    pub fn civil(&self, instant: Timestamp) -> Option<civil::DateTime> {
        Some(self.0.to_datetime(jiff::Timestamp::from_microsecond(instant.micros()).ok()?))
    }

    /// How far its clocks are ahead of UTC at an instant, if the calendar reaches that far.
    #[must_use]
    pub fn offset(&self, instant: Timestamp) -> Option<Offset> {
        Some(self.0.to_offset(jiff::Timestamp::from_microsecond(instant.micros()).ok()?))
    }

    /// When its clocks were last set before or at an instant, and when they are set next after it; the ends of time where never.
    #[must_use]
    pub fn clock_changes(&self, instant: Timestamp) -> (Timestamp, Timestamp) {
        let never = (Timestamp::MIN, Timestamp::MAX);
        let Ok(after) = jiff::Timestamp::from_microsecond(instant.micros().saturating_add(1)) else {
            return never;
        };
        let Ok(now) = jiff::Timestamp::from_microsecond(instant.micros()) else { return never };
        let micros = |at: jiff::Timestamp| Timestamp::from_micros(at.as_microsecond());
        let before = self.0.preceding(after).next().map(|change| micros(change.timestamp()));
        let next = self.0.following(now).next().map(|change| micros(change.timestamp()));
        (before.unwrap_or(never.0), next.unwrap_or(never.1))
    }

    /// The instant of a civil time. Where the clocks skip it, it is later by what they skip; where it comes twice, it is the
    /// first.
    #[must_use]
    pub fn instant(&self, civil: civil::DateTime) -> Option<Timestamp> {
        let instant = self.0.to_timestamp(civil).ok()?;
        Some(Timestamp::from_micros(instant.as_microsecond()))
    }
}

impl Default for Zone {
    fn default() -> Self {
        Zone(TimeZone::UTC)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Zone::named(&name).ok_or_else(|| {
            serde::de::Error::custom(format!(
                "{name:?} is not a time zone; write an IANA name such as \"Europe/Berlin\""
            ))
        })
    }
}

/// Periods one after the other, without a first or a last.
#[derive(Clone, Copy, Debug)]
pub struct Calendar<'a> {
    /// Whose civil time is counted.
    pub zone: &'a Zone,
    /// One of the begins.
    pub anchor: Timestamp,
    /// How long a period is.
    pub every: Every,
}

impl Calendar<'_> {
    /// The begin of the period at an instant, and of the one after it. [`Timestamp::MIN`] or [`Timestamp::MAX`] where the calendar
    /// ends: before the year −9999, after 9999.
    #[must_use]
    pub fn period_at(&self, instant: Timestamp) -> (Timestamp, Timestamp) {
        let mut nth = self.estimate(instant);
        while self.begin(nth) > instant {
            nth = nth.saturating_sub(1);
        }
        loop {
            let next = self.begin(nth.saturating_add(1));
            if next > instant {
                return (self.begin(nth), next);
            }
            nth = nth.saturating_add(1);
        }
    }

    /// The first begin after an instant.
    #[must_use]
    pub fn next_after(&self, instant: Timestamp) -> Timestamp {
        self.period_at(instant).1
    }

    /// The begin of the period that is so many after the anchor's.
    fn begin(&self, nth: i64) -> Timestamp {
        if nth == 0 {
            return self.anchor;
        }
        let beyond = if nth > 0 { Timestamp::MAX } else { Timestamp::MIN };
        self.civil_begin(nth).and_then(|civil| self.zone.instant(civil)).unwrap_or(beyond)
    }

    /// Counted from the anchor itself: months from 31 January on begin on 28 February and on 31 March.
    fn civil_begin(&self, nth: i64) -> Option<civil::DateTime> {
        let anchor = self.zone.civil(self.anchor)?;
        let span = match (self.every.months(), self.every) {
            (Some(months), _) => Span::new().try_months(months.checked_mul(nth)?).ok()?,
            (None, Every::Days(days)) => Span::new().try_days(i64::from(days).checked_mul(nth)?).ok()?,
            (None, _) => return None,
        };
        anchor.checked_add(span).ok()
    }

    /// About how many periods after the anchor's an instant lies: never too late by more than a few.
    fn estimate(&self, instant: Timestamp) -> i64 {
        let (Some(from), Some(to)) = (self.zone.civil(self.anchor), self.zone.civil(instant)) else {
            return 0;
        };
        let months = |date: civil::DateTime| {
            i64::from(date.year()).saturating_mul(12).saturating_add(i64::from(date.month()))
        };
        match (self.every.months(), self.every) {
            (Some(each), _) => months(to).saturating_sub(months(from)).div_euclid(each),
            (None, Every::Days(days)) => {
                let span = to.date().since(from.date()).map_or(0, |span| i64::from(span.get_days()));
                span.div_euclid(i64::from(days).max(1))
            }
            (None, _) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::from_micros(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
    }

    fn begins(zone: &str, anchor: &str, every: Every, count: usize) -> Vec<String> {
        let zone = Zone::named(zone).unwrap();
        let calendar = Calendar { zone: &zone, anchor: at(anchor), every };
        let mut begin = at(anchor);
        let mut begins = Vec::new();
        for _ in 0..count {
            let next = calendar.next_after(begin);
            assert_eq!(calendar.period_at(begin), (begin, next));
            assert_eq!(
                calendar.period_at(Timestamp::from_micros(next.micros().saturating_sub(1))),
                (begin, next)
            );
            begin = next;
            begins.push(jiff::Timestamp::from_microsecond(begin.micros()).unwrap().to_string());
        }
        begins
    }

    #[test]
    fn months_are_counted_from_the_anchor_itself() {
        assert_eq!(
            begins("UTC", "2027-12-31T09:00:00Z", Every::Month, 4),
            ["2028-01-31T09:00:00Z", "2028-02-29T09:00:00Z", "2028-03-31T09:00:00Z", "2028-04-30T09:00:00Z"]
        );
        assert_eq!(
            begins("UTC", "2028-02-29T00:00:00Z", Every::Year, 4),
            ["2029-02-28T00:00:00Z", "2030-02-28T00:00:00Z", "2031-02-28T00:00:00Z", "2032-02-29T00:00:00Z"]
        );
    }

    #[test]
    fn a_skipped_hour_comes_later_and_a_repeated_one_first() {
        assert_eq!(
            begins("Europe/Berlin", "2026-03-28T01:30:00Z", Every::Days(1), 2),
            ["2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"]
        );
        assert_eq!(
            begins("Europe/Berlin", "2026-10-24T00:30:00Z", Every::Days(1), 2),
            ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]
        );
    }

    #[test]
    fn an_anchor_may_lie_ahead() {
        let zone = Zone::default();
        let calendar = Calendar { zone: &zone, anchor: at("2030-01-31T00:00:00Z"), every: Every::Quarter };
        let period = calendar.period_at(at("2026-05-01T00:00:00Z"));
        assert_eq!(period, (at("2026-04-30T00:00:00Z"), at("2026-07-31T00:00:00Z")));
    }

    #[test]
    fn the_end_of_the_calendar_is_for_ever() {
        let zone = Zone::default();
        let calendar = Calendar { zone: &zone, anchor: at("9998-12-31T00:00:00Z"), every: Every::Year };
        assert_eq!(calendar.next_after(at("9999-06-01T00:00:00Z")), Timestamp::MAX);
    }
}
