//! Quiet hours: when somebody does not want to be disturbed, by the clocks of a time zone.

use std::fmt;

use jiff::civil;
use serde::{Deserialize, Serialize};

use super::calendar::Zone;
use super::units::Timestamp;

/// A minute of the day, from `00:00` to `23:59`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Minute(u16);

impl Minute {
    /// Minutes of an hour.
    const OF_HOUR: u16 = 60;

    /// The minute that a text such as `"22:00"` names, with two digits each.
    #[must_use]
    pub fn parse(text: &str) -> Option<Minute> {
        let two = |text: &str| (text.len() == 2).then(|| text.parse::<u8>().ok()).flatten();
        let (hour, minute) = text.split_once(':')?;
        let sound = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b':');
        let (hour, minute) = (two(hour).filter(|_| sound)?, two(minute)?);
        let of_day = u16::from(hour).saturating_mul(Minute::OF_HOUR).saturating_add(u16::from(minute));
        (hour < 24 && minute < 60).then_some(Minute(of_day))
    }

    /// Its hour and its minute within that.
    fn parts(self) -> (u16, u16) {
        (self.0.div_euclid(Minute::OF_HOUR), self.0.rem_euclid(Minute::OF_HOUR))
    }

    pub(super) fn on(self, date: civil::Date) -> Option<civil::DateTime> {
        let (hour, minute) = self.parts();
        let time = civil::Time::new(i8::try_from(hour).ok()?, i8::try_from(minute).ok()?, 0, 0).ok()?;
        Some(date.to_datetime(time))
    }
}

impl fmt::Display for Minute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hour, minute) = self.parts();
        write!(f, "{hour:02}:{minute:02}")
    }
}

/// Some days of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Days([bool; 7]);

impl Days {
    /// The days by their names, Monday first.
    pub const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

    /// Every day.
    pub const ALL: Days = Days([true; 7]);

    /// The days of those names; the first that is none where one is.
    ///
    /// # Errors
    /// The text that names no day.
    pub fn named<'t>(names: impl IntoIterator<Item = &'t str>) -> Result<Days, &'t str> {
        let mut days = [false; 7];
        for name in names {
            let place = Days::NAMES.iter().position(|known| *known == name).and_then(|at| days.get_mut(at));
            *place.ok_or(name)? = true;
        }
        Ok(Days(days))
    }

    /// Their names, Monday first.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Days::NAMES.into_iter().zip(self.0).filter_map(|(name, is_one)| is_one.then_some(name))
    }

    fn has(self, date: civil::Date) -> bool {
        let place = usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or_default();
        self.0.get(place).copied().unwrap_or_default()
    }
}

/// Hours of the day in which nothing is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hours {
    /// From here on.
    pub from: Minute,
    /// Until just before; on the next day where it is not after `from`.
    pub to: Minute,
    /// The days on which they begin.
    pub days: Days,
}

/// Hours in which nothing is sent, by the clocks of a zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quiet {
    /// Which.
    pub hours: Hours,
    /// Whose clocks count.
    pub zone: Zone,
}

/// Hours that begin before those before them have ended, where the clocks skip what lay between: no more days in a row than this.
const MOST_IN_A_ROW: usize = 8;

impl Quiet {
    /// When the quiet hours end that an instant lies in; `None` outside of them.
    #[must_use]
    pub fn end_at(&self, instant: Timestamp) -> Option<Timestamp> {
        let mut end = None;
        for _ in 0..MOST_IN_A_ROW {
            let Some(later) = self.end_of_one(end.unwrap_or(instant)) else { break };
            end = Some(later);
        }
        end
    }

    /// When the hours of one day end that an instant lies in.
    fn end_of_one(&self, instant: Timestamp) -> Option<Timestamp> {
        let today = self.zone.civil(instant)?.date();
        let days = [today.yesterday().ok(), Some(today)].into_iter().flatten();
        let spans = days.filter(|day| self.hours.days.has(*day)).filter_map(|day| self.span(day));
        spans.filter(|(begin, end)| (*begin..*end).contains(&instant)).map(|(_, end)| end).max()
    }

    /// The hours that begin on a day. Where the clocks skip an instant, it is later by what they skip; where it comes twice, it
    /// is the first.
    fn span(&self, day: civil::Date) -> Option<(Timestamp, Timestamp)> {
        let Hours { from, to, .. } = self.hours;
        let last = if to > from { day } else { day.tomorrow().ok()? };
        Some((self.zone.instant(from.on(day)?)?, self.zone.instant(to.on(last)?)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::from_micros(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
    }

    fn quiet(from: &str, to: &str, days: &[&str], zone: &str) -> Quiet {
        let minute = |text| Minute::parse(text).unwrap();
        let days = if days.is_empty() { Days::ALL } else { Days::named(days.iter().copied()).unwrap() };
        Quiet { hours: Hours { from: minute(from), to: minute(to), days }, zone: Zone::named(zone).unwrap() }
    }

    /// The end of the quiet hours that an instant lies in, as text.
    fn end(quiet: &Quiet, instant: &str) -> String {
        let end = quiet.end_at(at(instant));
        end.map_or("-".to_owned(), |end| jiff::Timestamp::from_microsecond(end.micros()).unwrap().to_string())
    }

    #[test]
    fn a_night_ends_in_the_morning_of_the_next_day() {
        let night = quiet("22:00", "08:00", &[], "UTC");
        for (instant, ends) in [
            ("2026-01-05T21:59:59.999999Z", "-"),
            ("2026-01-05T22:00:00Z", "2026-01-06T08:00:00Z"),
            ("2026-01-06T00:00:00Z", "2026-01-06T08:00:00Z"),
            ("2026-01-06T07:59:59.999999Z", "2026-01-06T08:00:00Z"),
            ("2026-01-06T08:00:00Z", "-"),
        ] {
            assert_eq!(end(&night, instant), ends, "{instant}");
        }
        let noon = quiet("12:00", "13:30", &[], "UTC");
        assert_eq!(end(&noon, "2026-01-05T12:00:00Z"), "2026-01-05T13:30:00Z");
        assert_eq!(end(&noon, "2026-01-05T13:30:00Z"), "-");
        assert_eq!(end(&quiet("18:00", "00:00", &[], "UTC"), "2026-01-05T23:59:00Z"), "2026-01-06T00:00:00Z");
    }

    #[test]
    fn days_are_those_on_which_the_hours_begin() {
        // 9 January 2026 is a Friday.
        let weekend = quiet("18:00", "08:00", &["fri", "sat", "fri"], "UTC");
        assert_eq!(end(&weekend, "2026-01-08T20:00:00Z"), "-");
        assert_eq!(end(&weekend, "2026-01-09T07:00:00Z"), "-", "Thursday's");
        assert_eq!(end(&weekend, "2026-01-09T20:00:00Z"), "2026-01-10T08:00:00Z");
        assert_eq!(end(&weekend, "2026-01-11T07:59:00Z"), "2026-01-11T08:00:00Z", "Saturday's");
        assert_eq!(end(&weekend, "2026-01-11T20:00:00Z"), "-");
        assert_eq!(weekend.hours.days.names().collect::<Vec<_>>(), ["fri", "sat"]);
    }

    #[test]
    fn the_clocks_of_the_zone_count_also_where_they_are_changed() {
        let night = quiet("22:00", "08:00", &[], "Europe/Berlin");
        assert_eq!(end(&night, "2026-01-05T21:00:00Z"), "2026-01-06T07:00:00Z");
        assert_eq!(end(&night, "2026-07-05T20:00:00Z"), "2026-07-06T06:00:00Z");
        // The night to 29 March has an hour less, that to 25 October one more.
        assert_eq!(end(&night, "2026-03-28T21:00:00Z"), "2026-03-29T06:00:00Z");
        assert_eq!(end(&night, "2026-10-24T20:00:00Z"), "2026-10-25T07:00:00Z");
        // 02:30 does not come on 29 March: 03:30 does.
        let skipped = quiet("01:00", "02:30", &[], "Europe/Berlin");
        assert_eq!(end(&skipped, "2026-03-29T00:30:00Z"), "2026-03-29T01:30:00Z");
        // 02:00 comes twice on 25 October: the first counts, of a begin as of an end.
        let first = quiet("01:00", "02:00", &[], "Europe/Berlin");
        assert_eq!(end(&first, "2026-10-24T23:30:00Z"), "2026-10-25T00:00:00Z");
        assert_eq!(end(&first, "2026-10-25T00:00:00Z"), "-");
        let twice = quiet("02:00", "04:00", &[], "Europe/Berlin");
        assert_eq!(end(&twice, "2026-10-25T00:00:00Z"), "2026-10-25T03:00:00Z");
        // The hour between 02:30 and 03:00 is none on 29 March: nothing is quiet.
        let gone = quiet("02:30", "03:00", &[], "Europe/Berlin");
        assert_eq!(end(&gone, "2026-03-29T01:00:00Z"), "-");
    }

    #[test]
    fn hours_that_run_into_each_other_end_with_the_last() {
        // On 29 March 02:59 comes at 03:59, when the next hours, from 03:00, have begun.
        let nearly = quiet("03:00", "02:59", &[], "Europe/Berlin");
        assert_eq!(end(&nearly, "2026-03-28T12:00:00Z"), "2026-03-30T00:59:00Z");
        assert_eq!(end(&nearly, "2026-03-27T12:00:00Z"), "2026-03-28T01:59:00Z");
    }

    #[test]
    fn a_minute_of_the_day_has_one_form() {
        assert_eq!(Minute::parse("00:00").unwrap().to_string(), "00:00");
        assert_eq!(Minute::parse("23:59").unwrap().to_string(), "23:59");
        for text in ["24:00", "22:60", "9:00", "09:0", "0900", "+9:00", "09:00:00", "", "ab:cd", "09:+1"] {
            assert_eq!(Minute::parse(text), None, "{text}");
        }
        assert_eq!(Days::named(["mon", "monday"]), Err("monday"));
        assert_eq!(quiet("22:00", "08:00", &[], "UTC").end_at(Timestamp::MIN), None);
    }
}
