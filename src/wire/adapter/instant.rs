//! Instants, in the form that the adapter names.

use jiff::fmt::{rfc2822, strtime};

use super::decimal::Decimal;
use super::field::{Field, Stop};
use super::guard::Guard;
use super::source::Opened;
use crate::ledger::calendar::Zone;
use crate::ledger::units::Timestamp;
use crate::wire::time;

/// How an instant is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// When the message arrived: nothing to read.
    Arrival,
    /// A count since 1970.
    Epoch(Epoch),
    /// RFC 3339, also with a space for the T or without the colon of the offset.
    Rfc3339,
    /// RFC 2822, as in mail.
    Rfc2822,
    /// By a pattern of `strftime`; in the zone, where the pattern has no offset.
    Pattern(String, Option<Zone>),
}

/// What is counted since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Epoch {
    /// Whole seconds.
    Seconds,
    /// Seconds with a fraction.
    Fraction,
    /// Milliseconds.
    Millis,
    /// Microseconds.
    Micros,
    /// Nanoseconds.
    Nanos,
}

impl Epoch {
    /// All of them, by how they are written in an adapter.
    pub(super) const ALL: [(&'static str, Epoch); 5] = [
        ("epoch_s", Epoch::Seconds),
        ("epoch_s_frac", Epoch::Fraction),
        ("epoch_ms", Epoch::Millis),
        ("epoch_us", Epoch::Micros),
        ("epoch_ns", Epoch::Nanos),
    ];

    fn nanos(self) -> u64 {
        match self {
            Epoch::Seconds | Epoch::Fraction => 1_000_000_000,
            Epoch::Millis => 1_000_000,
            Epoch::Micros => 1_000,
            Epoch::Nanos => 1,
        }
    }

    fn read(self, number: Decimal) -> Option<Timestamp> {
        if self != Epoch::Fraction && !number.is_whole() {
            return None;
        }
        let micros = number.times(self.nanos()).div_euclid(1_000);
        i64::try_from(micros).ok().map(Timestamp::from_micros)
    }
}

impl Format {
    /// Reads an instant; digits past the microsecond are dropped.
    fn read(&self, text: &str, arrival: Timestamp) -> Option<Timestamp> {
        match self {
            Format::Arrival => Some(arrival),
            Format::Epoch(epoch) => epoch.read(Decimal::parse(text)?),
            Format::Rfc3339 => text.parse().ok().map(micros),
            Format::Rfc2822 => rfc2822::DateTimeParser::new().parse_timestamp(text).ok().map(micros),
            Format::Pattern(pattern, None) => {
                strtime::parse(pattern, text).ok()?.to_timestamp().ok().map(micros)
            }
            Format::Pattern(pattern, Some(zone)) => {
                zone.instant(strtime::parse(pattern, text).ok()?.to_datetime().ok()?)
            }
        }
    }

    /// Where the instant is out of range: another count since 1970 by which it would be in it.
    fn meant(&self, text: &str, guard: &Guard, arrival: Timestamp) -> Option<&'static str> {
        let Format::Epoch(given) = self else { return None };
        let number = Decimal::parse(text)?;
        let others = Epoch::ALL.iter().filter(|(_, epoch)| epoch != given);
        let mut fitting = others.filter(|(_, epoch)| {
            epoch.read(number).is_some_and(|instant| guard.unlikely(instant, arrival).is_none())
        });
        fitting.next().map(|(name, _)| *name)
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Format::Arrival => f.write_str("$time"),
            Format::Epoch(given) => {
                let name = Epoch::ALL.iter().find(|(_, epoch)| epoch == given).map_or("", |(name, _)| name);
                f.write_str(name)
            }
            Format::Rfc3339 => f.write_str("rfc3339"),
            Format::Rfc2822 => f.write_str("rfc2822"),
            Format::Pattern(pattern, _) => write!(f, "of the pattern {pattern:?}"),
        }
    }
}

fn micros(instant: jiff::Timestamp) -> Timestamp {
    Timestamp::from_micros(instant.as_nanosecond().div_euclid(1_000).try_into().unwrap_or(i64::MAX))
}

/// An instant of the event: where it stands, and how it is written.
#[derive(Clone, Debug)]
pub(super) struct Moment {
    pub(super) field: Field,
    pub(super) format: Format,
}

impl Moment {
    /// The instant, likely as the guard has it; `None` where the message has none.
    pub(super) fn read(&self, opened: &Opened<'_>, guard: &Guard) -> Result<Option<Timestamp>, Stop> {
        let arrival = opened.message.at;
        let Some(text) = self.field.read(opened)? else { return Ok(None) };
        let Some(instant) = self.format.read(&text, arrival) else {
            let why = format!("is no instant {}; correct `time` of the adapter", self.format);
            return Err(self.field.invalid(&text, &why).into());
        };
        let Some(unlikely) = guard.unlikely(instant, arrival) else { return Ok(Some(instant)) };
        let remedy = match self.format.meant(&text, guard, arrival) {
            Some(other) => format!("it looks like {other}: correct `time` of the adapter"),
            None => "check the clocks and the time zone, or widen the guard".to_owned(),
        };
        let shown = time::format(instant);
        let why = format!("is {shown} when read as {}, {unlikely}; {remedy}", self.format);
        let mut rejection = self.field.invalid(&text, &why);
        rejection.reason = crate::ledger::rejection::Reason::TimeOutOfRange;
        Err(rejection.into())
    }
}
