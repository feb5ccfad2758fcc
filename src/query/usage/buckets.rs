//! The points of a series: hours, days, weeks and months of a zone's civil time.

use super::parameters::Refused;
use super::range::{Span, begin_of, day_of, later};
use crate::ledger::calendar::Zone;
use crate::ledger::units::Timestamp;

/// How long the points of a series are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interval {
    Hour,
    Day,
    /// From Monday on.
    Week,
    Month,
}

/// The most points of all series of an answer: those of each group, and of the groups that a page may hold.
pub(super) const MOST_POINTS: usize = 100_000;

impl Interval {
    pub(super) const ALL: [Interval; 4] = [Interval::Hour, Interval::Day, Interval::Week, Interval::Month];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Interval::Hour => "hour",
            Interval::Day => "day",
            Interval::Week => "week",
            Interval::Month => "month",
        }
    }

    /// The begin of the point after that at an instant.
    fn next(self, zone: &Zone, instant: Timestamp) -> Timestamp {
        if self == Interval::Hour {
            return next_hour(zone, instant);
        }
        let today = day_of(zone, instant);
        let mut day = match self {
            Interval::Hour | Interval::Day => later(today, 0, 1),
            Interval::Week => {
                let passed = i64::from(today.weekday().to_monday_zero_offset());
                later(today, 0, 7_i64.saturating_sub(passed))
            }
            Interval::Month => later(today.first_of_month(), 1, 0),
        };
        // A civil day that its clocks left out has no point of its own.
        loop {
            let begin = begin_of(zone, day);
            if begin > instant || begin == Timestamp::MAX {
                return begin;
            }
            day = later(day, 0, 1);
        }
    }
}

/// The next instant at which the clocks show a whole hour, or are set: an hour that comes twice is two points, and one that is skipped none.
fn next_hour(zone: &Zone, instant: Timestamp) -> Timestamp {
    const HOUR: i64 = 3_600_000_000;
    let ahead =
        zone.offset(instant).map_or(0, |offset| i64::from(offset.seconds()).saturating_mul(1_000_000));
    let shown = instant.micros().saturating_add(ahead);
    let rest = HOUR.saturating_sub(shown.rem_euclid(HOUR));
    let (_, change) = zone.clock_changes(instant);
    Timestamp::from_micros(instant.micros().saturating_add(rest)).min(change)
}

/// The points of a span, one after the other without a gap. The first begins and the last ends with the span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Buckets {
    begins: Vec<Timestamp>,
    end: Timestamp,
}

impl Buckets {
    /// Those of a span, of which an answer holds so many series.
    ///
    /// # Errors
    /// [`Refused`] where that is more than [`MOST_POINTS`].
    pub(super) fn of(span: Span, interval: Interval, zone: &Zone, series: usize) -> Result<Buckets, Refused> {
        let most = MOST_POINTS.checked_div(series).unwrap_or(MOST_POINTS);
        let mut begins = Vec::new();
        let mut begin = span.from;
        while begin < span.to {
            if begins.len() == most {
                let why = format!(
                    "interval: {} makes more than {most} points of this range, and with limit={series} an answer holds \
                     {MOST_POINTS} at most; choose a longer interval, a shorter range or a smaller limit",
                    interval.name()
                );
                return Err(Refused::new("interval", why));
            }
            begins.push(begin);
            begin = interval.next(zone, begin);
        }
        Ok(Buckets { begins, end: span.to })
    }

    /// The instants between which they are.
    pub(super) fn edges(&self) -> impl Iterator<Item = Timestamp> {
        self.begins.iter().copied().chain(std::iter::once(self.end))
    }

    /// The begin of the point with that number; after the last, the end.
    pub(super) fn begin(&self, at: usize) -> Timestamp {
        self.begins.get(at).copied().unwrap_or(self.end)
    }

    /// The end of the point with that number.
    pub(super) fn end_of(&self, at: usize) -> Timestamp {
        self.begin(at.saturating_add(1))
    }

    pub(super) fn len(&self) -> usize {
        self.begins.len()
    }

    /// The number of the point that holds an instant.
    pub(super) fn place(&self, instant: Timestamp) -> Option<usize> {
        let after = self.begins.partition_point(|begin| *begin <= instant);
        after.checked_sub(1).filter(|_| instant < self.end)
    }
}

#[cfg(test)]
mod tests;
