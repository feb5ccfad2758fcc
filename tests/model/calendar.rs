//! The calendar, on paper: civil dates and the begins of periods. Only how far a zone's clocks are from UTC is looked up.

use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::Instant;

const DAY: Instant = 86_400_000_000;
/// The instants for which a zone can be asked: the years −9999 to 9999, less a little.
const ASKABLE: (Instant, Instant) = (-377_705_000_000_000_000, 253_402_000_000_000_000);

/// The length of a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// So many months: a quarter is 3, a year 12.
    Months(i64),
    /// So many days of the calendar.
    Days(i64),
}

/// A day of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date {
    /// The year.
    pub year: i64,
    /// 1 to 12.
    pub month: i64,
    /// 1 to 31.
    pub day: i64,
}

fn is_leap(year: i64) -> bool {
    year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0)
}

fn month_length(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The days from 1970-01-01 to the first of January of a year.
fn new_year(year: i64) -> i64 {
    let before = year - 1;
    let leaps = before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400);
    365 * before + leaps - 719_162
}

impl Date {
    /// The date so many days after 1970-01-01.
    pub fn on_day(number: i64) -> Date {
        // A year is never longer than 366 days: start from one that is not too late.
        let mut year = 1970 + number.div_euclid(366).min(number.div_euclid(365));
        while new_year(year + 1) <= number {
            year += 1;
        }
        let (mut month, mut left) = (1, number - new_year(year));
        while left >= month_length(year, month) {
            left -= month_length(year, month);
            month += 1;
        }
        Date { year, month, day: left + 1 }
    }

    /// The days from 1970-01-01 to this date.
    pub fn day_number(self) -> i64 {
        let months: i64 = (1..self.month).map(|month| month_length(self.year, month)).sum();
        new_year(self.year) + months + self.day - 1
    }

    /// The same day so many months later, or the last one of a month that is too short.
    pub fn plus_months(self, months: i64) -> Date {
        let count = self.month_count() + months;
        let (year, month) = (count.div_euclid(12), count.rem_euclid(12) + 1);
        Date { year, month, day: self.day.min(month_length(year, month)) }
    }

    fn month_count(self) -> i64 {
        self.year * 12 + self.month - 1
    }
}

/// The clocks of a place.
#[derive(Clone, Debug)]
pub struct Zone(TimeZone);

impl Zone {
    /// The zone of this IANA name, if there is one.
    pub fn named(name: &str) -> Option<Zone> {
        TimeZoneDatabase::bundled().get(name).ok().map(Zone)
    }

    /// Universal time.
    pub fn utc() -> Zone {
        Zone(TimeZone::UTC)
    }

    /// How far the clocks are ahead of UTC.
    fn ahead(&self, at: Instant) -> Instant {
        let at = jiff::Timestamp::from_microsecond(at.clamp(ASKABLE.0, ASKABLE.1)).unwrap_or_default();
        Instant::from(self.0.to_offset(at).seconds()) * 1_000_000
    }

    /// What the clocks show, as if they stood in UTC.
    pub fn local(&self, at: Instant) -> Instant {
        at + self.ahead(at)
    }

    /// When the clocks show this: the first time where they do so twice; where they skip it, as much later as they skip.
    pub fn instant(&self, local: Instant) -> Instant {
        let ahead = [self.ahead(local - DAY), self.ahead(local + DAY)];
        let shown = |at: &Instant| self.local(*at) == local;
        let candidates = ahead.map(|ahead| local - ahead);
        // Counted with the clock from before the skip, the instant lies after it by what is skipped.
        candidates.into_iter().filter(shown).min().unwrap_or(candidates[0].max(candidates[1]))
    }
}

/// The begins of periods: an anchor, and whole periods before and after it.
#[derive(Clone, Debug)]
pub struct Grid {
    /// Whose calendar.
    pub zone: Zone,
    /// A begin.
    pub anchor: Instant,
    /// From one begin to the next.
    pub period: Period,
}

impl Grid {
    /// The begin so many periods after the anchor, always counted from the anchor itself.
    fn begin(&self, periods: i64) -> Instant {
        if periods == 0 {
            return self.anchor;
        }
        let local = self.zone.local(self.anchor);
        let (day, time) = (local.div_euclid(DAY), local.rem_euclid(DAY));
        let day = match self.period {
            Period::Days(days) => day + days * periods,
            Period::Months(months) => Date::on_day(day).plus_months(months * periods).day_number(),
        };
        self.zone.instant(day * DAY + time)
    }

    /// How many periods after the anchor the last begin is that is not after `at`.
    fn periods(&self, at: Instant) -> i64 {
        let day = |at: Instant| self.zone.local(at).div_euclid(DAY);
        let months = |at: Instant| Date::on_day(day(at)).month_count();
        let about = match self.period {
            Period::Days(days) => (day(at) - day(self.anchor)).div_euclid(days),
            Period::Months(count) => (months(at) - months(self.anchor)).div_euclid(count),
        };
        // From one that is surely not after `at`, step by step.
        let mut periods = about - 2;
        while self.begin(periods + 1) <= at {
            periods += 1;
        }
        periods
    }

    /// The last begin that is not after `at`.
    pub fn last(&self, at: Instant) -> Instant {
        self.begin(self.periods(at))
    }

    /// The first begin after `at`.
    pub fn next(&self, at: Instant) -> Instant {
        self.begin(self.periods(at) + 1)
    }
}
