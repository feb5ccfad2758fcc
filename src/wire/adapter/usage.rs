//! How long a call was talked: told by the message in the unit that the adapter names, or the time between two instants.

use super::decimal::Decimal;
use super::field::{Field, Stop};
use super::guard::{Guard, span};
use super::source::Opened;
use crate::ledger::units::Millis;

/// Where the length of a call comes from.
#[derive(Clone, Debug)]
pub(super) enum Usage {
    /// The message tells it.
    Told(Told),
    /// It is the time between two instants of the call.
    Between(Point, Point),
}

/// A length that a message tells.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) field: Field,
    pub(super) unit: Unit,
    /// Whether it is told while the call goes on, too: how long it has been talked so far.
    pub(super) cumulative: bool,
}

/// An instant of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Point {
    /// It began to ring.
    Started,
    /// It was answered.
    Answered,
    /// It was over.
    Ended,
}

impl Point {
    /// All of them, in their order, by how they are written.
    pub(super) const ALL: [(&'static str, Point); 3] =
        [("started", Point::Started), ("answered", Point::Answered), ("ended", Point::Ended)];

    pub(super) fn name(self) -> &'static str {
        Point::ALL.iter().find(|(_, point)| *point == self).map_or("", |(name, _)| name)
    }
}

/// The unit of a length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Whole minutes.
    Minutes,
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

impl Unit {
    /// All of them, the longest first, by how they are written.
    pub(super) const ALL: [(&'static str, Unit); 6] = [
        ("min", Unit::Minutes),
        ("s", Unit::Seconds),
        ("s_frac", Unit::Fraction),
        ("ms", Unit::Millis),
        ("us", Unit::Micros),
        ("ns", Unit::Nanos),
    ];

    fn name(self) -> &'static str {
        Unit::ALL.iter().find(|(_, unit)| *unit == self).map_or("", |(name, _)| name)
    }

    fn nanos(self) -> u64 {
        match self {
            Unit::Minutes => 60_000_000_000,
            Unit::Seconds | Unit::Fraction => 1_000_000_000,
            Unit::Millis => 1_000_000,
            Unit::Micros => 1_000,
            Unit::Nanos => 1,
        }
    }

    /// So many of it, rounded up to a millisecond: a call that was talked at all has one.
    fn length(self, number: Decimal) -> Option<Millis> {
        if number.is_negative() || (self != Unit::Fraction && !number.is_whole()) {
            return None;
        }
        let millis = number.times(self.nanos()).checked_add(999_999)?.div_euclid(1_000_000);
        u64::try_from(millis).ok().map(Millis)
    }
}

/// How long the call was, as far as its instants tell.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lasted {
    /// From its first known instant to its end.
    pub(super) whole: Option<Millis>,
    /// From its answer to its end.
    pub(super) talked: Option<Millis>,
}

impl Told {
    /// The length, likely as the guard has it.
    pub(super) fn read(&self, opened: &Opened<'_>, guard: &Guard, lasted: Lasted) -> Result<Millis, Stop> {
        let text = self.field.need(opened)?;
        let name = self.unit.name();
        let number = Decimal::parse(&text);
        let Some(length) = number.and_then(|number| self.unit.length(number)) else {
            let why =
                format!("is no length in {name}; correct `unit` of the adapter (s_frac has a fraction)");
            return Err(self.field.invalid(&text, &why).into());
        };
        let unlikely = |length| guard.unlikely_length(length, lasted.whole, lasted.talked);
        let Some(why) = unlikely(length) else { return Ok(length) };
        let fits =
            |unit: Unit| number.and_then(|number| unit.length(number)).is_some_and(|l| unlikely(l).is_none());
        let other = Unit::ALL.iter().find(|(_, unit)| *unit != self.unit && fits(*unit));
        let remedy = match other {
            Some((other, _)) => format!("it looks like {other}: correct `unit` of the adapter"),
            None => "check the clocks of the switch, or widen the guard".to_owned(),
        };
        let why = format!("is {} when read as {name}, {why}; {remedy}", span(length));
        Err(self.field.invalid(&text, &why).into())
    }
}
