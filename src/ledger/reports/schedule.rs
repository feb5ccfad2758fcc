//! When a report falls due, and which period it is then about: civil time in a zone.

use std::fmt;

use jiff::{Span, civil};
use serde::{Deserialize, Serialize};

use crate::ledger::calendar::Zone;
use crate::ledger::quiet::Minute;
use crate::ledger::units::Timestamp;

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weekday(u8);

impl Weekday {
    /// Their names, Monday first.
    pub const NAMES: [&str; 7] =
        ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

    /// The day of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Weekday> {
        (0..).zip(Weekday::NAMES).find(|(_, known)| *known == name).map(|(number, _)| Weekday(number))
    }
}

impl fmt::Display for Weekday {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Weekday::NAMES.get(usize::from(self.0)).copied().unwrap_or_default())
    }
}

/// When a report is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Schedule {
    /// Every week.
    Week {
        /// On this day.
        on: Weekday,
        /// At this time.
        at: Minute,
    },
    /// Every month.
    Month {
        /// On this day, 1 to 31; on the last day of a shorter month.
        on: u8,
        /// At this time.
        at: Minute,
    },
    /// After each billing period.
    Cycle {
        /// At the first such time at or after its end; at its end where none is given.
        at: Option<Minute>,
    },
}

/// The period that a report is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Period {
    /// From this Monday on.
    Week(civil::Date),
    /// The month that begins with this day.
    Month(civil::Date),
    /// The billing period of that number.
    Cycle(u32),
}

/// A time at which a report falls due: the how-manieth, and when. They are numbered without a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    number: i64,
    /// When.
    pub at: Timestamp,
}

impl Schedule {
    /// The first time after an instant; none where billing periods tell it, or where the calendar ends.
    #[must_use]
    pub fn due_after(&self, zone: &Zone, instant: Timestamp) -> Option<Due> {
        let number = self.number_at(zone, instant)?;
        let near = [number.saturating_sub(1), number, number.saturating_add(1), number.saturating_add(2)];
        near.into_iter().filter_map(|number| self.due(zone, number)).find(|due| due.at > instant)
    }

    /// The last time at or before an instant; none where billing periods tell it, or where the calendar ends.
    #[must_use]
    pub fn due_by(&self, zone: &Zone, instant: Timestamp) -> Option<Due> {
        let number = self.number_at(zone, instant)?;
        let near = [number.saturating_add(1), number, number.saturating_sub(1), number.saturating_sub(2)];
        near.into_iter().filter_map(|number| self.due(zone, number)).find(|due| due.at <= instant)
    }

    /// The time before another.
    #[must_use]
    pub fn due_before(&self, zone: &Zone, due: Due) -> Option<Due> {
        self.due(zone, due.number.saturating_sub(1))
    }

    /// The whole week or month that ended last before a time.
    #[must_use]
    pub fn period(&self, due: Due) -> Option<Period> {
        let before = due.number.saturating_sub(1);
        match self {
            Schedule::Week { .. } => monday(before).map(Period::Week),
            Schedule::Month { .. } => first_of_month(before).map(Period::Month),
            Schedule::Cycle { .. } => None,
        }
    }

    /// When the report about a billing period is due that ended at an instant.
    #[must_use]
    pub fn due_for_cycle(&self, zone: &Zone, end: Timestamp) -> Option<Timestamp> {
        let Schedule::Cycle { at } = self else { return None };
        let Some(at) = at else { return Some(end) };
        let day = zone.civil(end)?.date();
        let on = |day: civil::Date| zone.instant(at.on(day)?);
        on(day).filter(|due| *due >= end).or_else(|| on(day.tomorrow().ok()?))
    }

    /// The number of the week or month at an instant.
    fn number_at(&self, zone: &Zone, instant: Timestamp) -> Option<i64> {
        let day = zone.civil(instant)?.date();
        match self {
            Schedule::Week { .. } => {
                let days = MONDAY.until(day).ok()?.get_days();
                Some(i64::from(days).div_euclid(7))
            }
            Schedule::Month { .. } => {
                let years = i64::from(day.year()).saturating_mul(12);
                Some(years.saturating_add(i64::from(day.month())).saturating_sub(1))
            }
            Schedule::Cycle { .. } => None,
        }
    }

    fn due(&self, zone: &Zone, number: i64) -> Option<Due> {
        let civil = match *self {
            Schedule::Week { on, at } => {
                let day = monday(number)?.checked_add(Span::new().try_days(on.0).ok()?).ok()?;
                at.on(day)?
            }
            Schedule::Month { on, at } => {
                let first = first_of_month(number)?;
                let day = i8::try_from(on).ok()?.min(first.days_in_month());
                at.on(civil::Date::new(first.year(), first.month(), day).ok()?)?
            }
            Schedule::Cycle { .. } => return None,
        };
        Some(Due { number, at: zone.instant(civil)? })
    }
}

/// A Monday: from here weeks are counted.
const MONDAY: civil::Date = civil::date(2024, 1, 1);

fn monday(week: i64) -> Option<civil::Date> {
    MONDAY.checked_add(Span::new().try_days(week.checked_mul(7)?).ok()?).ok()
}

fn first_of_month(month: i64) -> Option<civil::Date> {
    let (year, month) = (month.div_euclid(12), month.rem_euclid(12).saturating_add(1));
    civil::Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::from_micros(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
    }

    fn minute(text: &str) -> Minute {
        Minute::parse(text).unwrap()
    }

    fn month(on: u8, time: &str) -> Schedule {
        Schedule::Month { on, at: minute(time) }
    }

    fn week(on: &str, time: &str) -> Schedule {
        Schedule::Week { on: Weekday::named(on).unwrap(), at: minute(time) }
    }

    /// The next times after an instant.
    fn next(schedule: Schedule, zone: &str, from: &str, count: usize) -> Vec<String> {
        let zone = Zone::named(zone).unwrap();
        let mut instant = at(from);
        let mut found = Vec::new();
        for _ in 0..count {
            instant = schedule.due_after(&zone, instant).unwrap().at;
            found.push(jiff::Timestamp::from_microsecond(instant.micros()).unwrap().to_string());
        }
        found
    }

    #[test]
    fn the_last_day_of_a_month_is_never_left_out() {
        assert_eq!(
            next(month(31, "08:00"), "UTC", "2027-12-31T08:00:00Z", 4),
            ["2028-01-31T08:00:00Z", "2028-02-29T08:00:00Z", "2028-03-31T08:00:00Z", "2028-04-30T08:00:00Z"]
        );
    }

    #[test]
    fn a_time_that_is_skipped_comes_later_and_one_that_comes_twice_comes_once() {
        // On 29 March 2026 Berlin has no 02:30, on 25 October it has two.
        assert_eq!(
            next(week("sunday", "02:30"), "Europe/Berlin", "2026-03-22T02:00:00Z", 2),
            ["2026-03-29T01:30:00Z", "2026-04-05T00:30:00Z"]
        );
        assert_eq!(
            next(week("sunday", "02:30"), "Europe/Berlin", "2026-10-18T02:00:00Z", 2),
            ["2026-10-25T00:30:00Z", "2026-11-01T01:30:00Z"]
        );
    }

    #[test]
    fn a_report_is_about_the_last_whole_week_or_month_whatever_its_day() {
        let zone = Zone::named("Europe/Berlin").unwrap();
        let period = |schedule: Schedule, now| {
            let due = schedule.due_by(&zone, at(now)).unwrap();
            schedule.period(due).unwrap()
        };
        let now = "2026-03-04T12:00:00Z";
        assert_eq!(period(week("monday", "08:00"), now), Period::Week(civil::date(2026, 2, 23)));
        assert_eq!(period(week("friday", "08:00"), now), Period::Week(civil::date(2026, 2, 16)));
        assert_eq!(period(month(1, "08:00"), now), Period::Month(civil::date(2026, 2, 1)));
        assert_eq!(period(month(5, "08:00"), now), Period::Month(civil::date(2026, 1, 1)));
        // The clocks of Berlin show 1 March before those of London do.
        let now = "2026-02-28T23:00:00Z";
        assert_eq!(period(month(1, "00:00"), now), Period::Month(civil::date(2026, 2, 1)));
    }

    #[test]
    fn a_cycle_is_reported_on_at_its_end_or_at_the_next_such_time() {
        let zone = Zone::named("America/New_York").unwrap();
        let end = at("2026-03-08T06:30:00Z");
        let due = |time: Option<&str>| {
            let due = Schedule::Cycle { at: time.map(minute) }.due_for_cycle(&zone, end).unwrap();
            jiff::Timestamp::from_microsecond(due.micros()).unwrap().to_string()
        };
        assert_eq!(due(None), "2026-03-08T06:30:00Z");
        // It ends at 01:30; 02:15 is skipped that night.
        assert_eq!(due(Some("01:30")), "2026-03-08T06:30:00Z");
        assert_eq!(due(Some("02:15")), "2026-03-08T07:15:00Z");
        assert_eq!(due(Some("01:00")), "2026-03-09T05:00:00Z");
    }
}
