//! The time that is asked about, and that before it.

use jiff::{Span as Civil, civil};

use super::parameters::{Parameters, Refused};
use crate::ledger::calendar::Zone;
use crate::ledger::org::Org;
use crate::ledger::units::Timestamp;
use crate::wire::time;

/// From an instant on, up to another, which is not part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::query) struct Span {
    pub(in crate::query) from: Timestamp,
    pub(super) to: Timestamp,
}

impl Span {
    pub(in crate::query) fn contains(self, instant: Timestamp) -> bool {
        self.from <= instant && instant < self.to
    }

    /// The shortest that holds both.
    pub(super) fn with(self, other: Option<Span>) -> Span {
        let Span { from, to } = other.unwrap_or(self);
        Span { from: self.from.min(from), to: self.to.max(to) }
    }
}

/// What a range depends on of an organization.
#[derive(Clone, Debug)]
pub(in crate::query) struct Bearings {
    pub(in crate::query) zone: Zone,
    /// The number of the billing period that runs.
    running: Option<u32>,
    /// The billing period that is asked about, if one is.
    period: Option<Span>,
    /// The begin of the one before it.
    period_before: Option<Timestamp>,
}

impl Bearings {
    pub(in crate::query) fn of(org: &Org, range: &Range) -> Bearings {
        let running = org.cycle().map(|cycle| cycle.number);
        let number = match range {
            Range::Cycle => running,
            Range::Past(number) => number.or(running.map(|running| running.saturating_sub(1))),
            _ => None,
        };
        let period = number.and_then(|number| org.cycle_numbered(number));
        let period_before = period.and_then(|(from, _)| org.period_before(from));
        Bearings {
            zone: org.zone(),
            running,
            period: period.map(|(from, to)| Span { from, to }),
            period_before: period_before.map(|(from, _)| from),
        }
    }

    /// The billing period of that number, or the one before the running.
    fn past(&self, number: Option<u32>) -> Result<Span, Refused> {
        let asked = number.map_or_else(|| "previous".to_owned(), |number| number.to_string());
        let Some(running) = self.running else {
            let remedy = "the organization's plan has none; choose a range, or from and to";
            return Err(Refused::value("cycle", &asked, remedy));
        };
        self.period.ok_or_else(|| {
            let remedy = format!("number {running} runs; write one from 1 up to that");
            Refused::value("cycle", &asked, &remedy)
        })
    }
}

/// What is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::query) enum Range {
    ThisMonth,
    ThisQuarter,
    ThisYear,
    LastSevenDays,
    /// The billing period that runs.
    Cycle,
    /// The billing period of that number, or the one before the running.
    Past(Option<u32>),
    /// The month that begins with that day.
    Month(civil::Date),
    All,
    /// From an edge up to another, or to the end of today.
    Between(Edge, Option<Edge>),
}

/// One end of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::query) enum Edge {
    Instant(Timestamp),
    /// The begin of a civil day.
    Day(civil::Date),
}

/// What usage is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compare {
    PreviousPeriod,
    PreviousYear,
}

const NAMED: [(&str, Range); 6] = [
    ("this_month", Range::ThisMonth),
    ("this_quarter", Range::ThisQuarter),
    ("this_year", Range::ThisYear),
    ("last_7_days", Range::LastSevenDays),
    ("cycle", Range::Cycle),
    ("all", Range::All),
];

impl Compare {
    pub(super) const ALL: [Compare; 2] = [Compare::PreviousPeriod, Compare::PreviousYear];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Compare::PreviousPeriod => "previous_period",
            Compare::PreviousYear => "previous_year",
        }
    }
}

impl Range {
    /// Takes what is said of it out of the parameters.
    pub(in crate::query) fn read(parameters: &mut Parameters) -> Result<Range, Refused> {
        let named = parameters.one("range")?;
        let edge = |name, text: Option<String>| text.map(|text| Edge::read(name, &text)).transpose();
        let (from, to) = (edge("from", parameters.one("from")?)?, edge("to", parameters.one("to")?)?);
        let within = |field, text: Option<String>, read: fn(&str) -> Option<Range>, remedy| {
            let read = |text: String| read(&text).ok_or_else(|| Refused::value(field, &text, remedy));
            text.map(read).transpose()
        };
        let month = within("month", parameters.one("month")?, read_month, "write a month such as 2026-01")?;
        let cycle = within("cycle", parameters.one("cycle")?, read_cycle, CYCLES)?;
        let spans = named.is_some() || from.is_some() || to.is_some();
        if let Some(one) = month.as_ref().or(cycle.as_ref()) {
            let field = if month.is_some() { "month" } else { "cycle" };
            if spans || (month.is_some() && cycle.is_some()) {
                let why = format!("{field}: it is a range by itself; leave range, from, to and the like out");
                return Err(Refused::new(field, why));
            }
            return Ok(one.clone());
        }
        match (named, from, to) {
            (Some(_), Some(_), _) | (Some(_), _, Some(_)) => {
                Err(Refused::new("range", "range: it cannot be with from or to; leave one of them out"))
            }
            (Some(named), None, None) => {
                let found = NAMED.into_iter().find(|(name, _)| *name == named).map(|(_, range)| range);
                found.ok_or_else(|| {
                    let remedy = "write this_month, this_quarter, this_year, last_7_days, cycle or all, or from and to";
                    Refused::value("range", &named, remedy)
                })
            }
            (None, None, None) => Ok(Range::ThisMonth),
            (None, None, Some(_)) => Err(Refused::new("from", "from: it is missing; to needs it")),
            (None, Some(from), to) => Ok(Range::Between(from, to)),
        }
    }

    pub(in crate::query) fn name(&self) -> Option<&'static str> {
        match self {
            Range::Past(_) => Some("cycle"),
            Range::Month(_) => Some("month"),
            _ => NAMED.iter().find(|(_, range)| range == self).map(|(name, _)| *name),
        }
    }

    /// The span it is at an instant, for an organization, in a zone.
    pub(in crate::query) fn span(&self, zone: &Zone, now: Timestamp, of: &Bearings) -> Result<Span, Refused> {
        let today = day_of(zone, now);
        let days = |from: civil::Date, to: civil::Date| {
            let day = |date| begin_of(zone, date);
            Ok(Span { from: day(from), to: day(to) })
        };
        match self {
            Range::ThisMonth => days(today.first_of_month(), later(today.first_of_month(), 1, 0)),
            Range::ThisQuarter => {
                let first = first_of_quarter(today);
                days(first, later(first, 3, 0))
            }
            Range::ThisYear => days(today.first_of_year(), later(today.first_of_year(), 12, 0)),
            Range::LastSevenDays => days(later(today, 0, -6), later(today, 0, 1)),
            Range::Cycle => of.period.ok_or_else(|| {
                let remedy = "the organization's plan has none; choose another range, or from and to";
                Refused::value("range", "cycle", remedy)
            }),
            Range::Past(number) => of.past(*number),
            Range::Month(first) => days(*first, later(*first, 1, 0)),
            Range::All => Ok(Span { from: Timestamp::MIN, to: Timestamp::MAX }),
            Range::Between(from, to) => {
                let to = to.unwrap_or(Edge::Day(later(today, 0, 1)));
                let span = Span { from: from.instant(zone), to: to.instant(zone) };
                if span.from < span.to {
                    return Ok(span);
                }
                let (from, to) = (time::format(span.from), time::format(span.to));
                Err(Refused::new("to", format!("to: it is {to}, not after from, {from}; write a later one")))
            }
        }
    }

    /// What the span of this range is compared with.
    pub(super) fn before(
        &self,
        span: Span,
        with: Compare,
        zone: &Zone,
        of: &Bearings,
    ) -> Result<Span, Refused> {
        let back = |months: i64, days: i64| earlier(zone, span.from, months, days);
        let up_to_it = |from| Ok(Span { from, to: span.from });
        match (self, with) {
            (Range::All, _) => {
                Err(Refused::value("compare", with.name(), "nothing lies before all; choose another range"))
            }
            (_, Compare::PreviousYear) => Ok(Span { from: back(12, 0), to: earlier(zone, span.to, 12, 0) }),
            (Range::ThisMonth | Range::Month(_), _) => up_to_it(back(1, 0)),
            (Range::ThisQuarter, _) => up_to_it(back(3, 0)),
            (Range::ThisYear, _) => up_to_it(back(12, 0)),
            (Range::LastSevenDays, _) => up_to_it(back(0, 7)),
            (Range::Cycle | Range::Past(_), _) => up_to_it(of.period_before.unwrap_or(span.from)),
            (Range::Between(Edge::Day(_), None | Some(Edge::Day(_))), _) => {
                let (first, end) = (day_of(zone, span.from), day_of(zone, span.to));
                up_to_it(back(0, first.until(end).map_or(0, |days| i64::from(days.get_days()))))
            }
            (Range::Between(_, _), _) => {
                let length = span.to.micros().saturating_sub(span.from.micros());
                up_to_it(Timestamp::from_micros(span.from.micros().saturating_sub(length)))
            }
        }
    }

    /// The days of all that was charged, for a range that has no edges of its own.
    pub(super) fn narrowed(
        &self,
        span: Span,
        charged: Option<(Timestamp, Timestamp)>,
        zone: &Zone,
        now: Timestamp,
    ) -> Span {
        if *self != Range::All {
            return span;
        }
        let (first, last) = charged.map_or((now, now), |(first, last)| (first, last.max(now)));
        Span {
            from: begin_of(zone, day_of(zone, first)),
            to: begin_of(zone, later(day_of(zone, last), 0, 1)),
        }
    }
}

const CYCLES: &str = "write the number of a cycle, from 1 on, or previous";

fn read_month(text: &str) -> Option<Range> {
    let is_month = text.len() == 7 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    format!("{text}-01").parse().ok().filter(|_| is_month).map(Range::Month)
}

fn read_cycle(text: &str) -> Option<Range> {
    if text == "previous" {
        return Some(Range::Past(None));
    }
    text.parse().ok().filter(|number| *number > 0).map(|number| Range::Past(Some(number)))
}

impl Edge {
    fn read(name: &'static str, text: &str) -> Result<Edge, Refused> {
        let is_day = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        if let Some(date) = text.parse().ok().filter(|_| is_day) {
            return Ok(Edge::Day(date));
        }
        let remedy = "write a day such as 2026-01-31, or RFC 3339 such as 2026-01-31T10:00:00Z (a + is %2B in an address)";
        time::parse(text).map(Edge::Instant).map_err(|_| Refused::value(name, text, remedy))
    }

    fn instant(self, zone: &Zone) -> Timestamp {
        match self {
            Edge::Instant(instant) => instant,
            Edge::Day(date) => begin_of(zone, date),
        }
    }
}

/// The civil day at an instant.
pub(super) fn day_of(zone: &Zone, instant: Timestamp) -> civil::Date {
    let end = if instant < Timestamp::default() { civil::Date::MIN } else { civil::Date::MAX };
    zone.civil(instant).map_or(end, civil::DateTime::date)
}

/// The instant at which a civil day begins.
pub(super) fn begin_of(zone: &Zone, date: civil::Date) -> Timestamp {
    instant_of(zone, date.to_datetime(civil::Time::midnight()))
}

fn instant_of(zone: &Zone, civil: civil::DateTime) -> Timestamp {
    let end = if civil.year() < 1970 { Timestamp::MIN } else { Timestamp::MAX };
    zone.instant(civil).unwrap_or(end)
}

/// The same civil time so many months and days before.
fn earlier(zone: &Zone, instant: Timestamp, months: i64, days: i64) -> Timestamp {
    zone.civil(instant).map_or(instant, |civil| {
        let date = later(civil.date(), months.saturating_neg(), days.saturating_neg());
        instant_of(zone, date.to_datetime(civil.time()))
    })
}

/// A day so many months and days later; the last of its month where that has fewer days.
pub(super) fn later(date: civil::Date, months: i64, days: i64) -> civil::Date {
    let span = Civil::new().try_months(months).and_then(|span| span.try_days(days));
    span.map_or(date, |span| date.saturating_add(span))
}

fn first_of_quarter(date: civil::Date) -> civil::Date {
    let month = i64::from(date.month()).saturating_sub(1).rem_euclid(3);
    later(date.first_of_month(), month.saturating_neg(), 0)
}

#[cfg(test)]
mod tests;
