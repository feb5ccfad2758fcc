//! Prices: what one action costs.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::units::{Credits, Millis};

/// A kind of credits, by name: `credits` where nothing else is said. Kept in place, so that it is copied freely.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CreditType([u8; CreditType::LONGEST]);

impl CreditType {
    /// The most bytes of a name.
    pub const LONGEST: usize = 16;

    /// The kind of that name: 1 to 16 of `a-z`, `0-9` and `_`.
    #[must_use]
    pub fn new(name: &str) -> Option<CreditType> {
        let sound = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        let mut bytes = [0; CreditType::LONGEST];
        bytes.get_mut(..name.len())?.copy_from_slice(name.as_bytes());
        (!name.is_empty() && name.bytes().all(sound)).then_some(CreditType(bytes))
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        let length = self.0.iter().position(|b| *b == 0).unwrap_or(CreditType::LONGEST);
        self.0.get(..length).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or("credits")
    }
}

impl Default for CreditType {
    fn default() -> Self {
        CreditType(*b"credits\0\0\0\0\0\0\0\0\0")
    }
}

impl fmt::Display for CreditType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Debug for CreditType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for CreditType {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for CreditType {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        CreditType::new(&name)
            .ok_or_else(|| serde::de::Error::custom(CreditTypeError(name.chars().take(40).collect())))
    }
}

/// Why a text is not the name of a kind of credits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a kind of credits: write 1 to 16 of a-z, 0-9 and _")]
pub struct CreditTypeError(pub String);

/// What one action costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// The kind of credits it is taken in.
    pub credit_type: CreditType,
    /// How it is counted.
    pub tariff: Tariff,
}

/// How a price is counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tariff {
    /// So much for each action.
    PerAction(Credits),
    /// So much for every `units` of quantity, such as tokens.
    PerUnits {
        /// The price of `units`.
        price: Credits,
        /// How many units that price buys; at least 1.
        units: u64,
        /// Whether units begun count as a whole, or in proportion.
        started: bool,
    },
    /// So much a minute of a call.
    PerMinute(Box<PerMinute>),
}

/// The price of calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PerMinute {
    /// Where nothing below says otherwise.
    pub base: Rate,
    /// The least a call costs that costs anything.
    pub minimum: Credits,
    /// Where neither the organization nor its plan has one.
    pub increment: Increment,
    /// Inbound calls.
    pub inbound: Option<Rate>,
    /// Outbound calls.
    pub outbound: Option<Rate>,
    /// By the first digits of the destination.
    pub destinations: BTreeMap<Box<str>, DestinationRates>,
}

/// A price a minute and a fee for the connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// Credits a minute.
    pub per_minute: Credits,
    /// Credits once for the call.
    pub connect_fee: Credits,
}

impl Rate {
    /// What so many billed seconds cost, or `None` where it does not fit: rounded half up to a micro-credit, once.
    #[must_use]
    pub fn cost(&self, billed_seconds: u64, minimum: Credits) -> Option<Credits> {
        if billed_seconds == 0 {
            return Some(Credits::ZERO);
        }
        let minutes = self.per_minute.scale(billed_seconds, 60)?;
        Some(minutes.checked_add(self.connect_fee)?.max(minimum))
    }
}

/// The rates of one destination prefix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DestinationRates {
    /// Inbound calls; without one, a shorter prefix or the direction decides.
    pub inbound: Option<Rate>,
    /// Outbound calls, likewise.
    pub outbound: Option<Rate>,
}

impl DestinationRates {
    fn of(&self, direction: Direction) -> Option<Rate> {
        match direction {
            Direction::Inbound => self.inbound,
            Direction::Outbound => self.outbound,
        }
    }
}

/// The longest destination prefix: an E.164 number has at most 15 digits.
pub const LONGEST_PREFIX: usize = 15;

impl PerMinute {
    /// The rate of a call, and how many digits of its destination decided it: the longest prefix that has a
    /// rate for the direction, else the direction's rate, else the base.
    #[must_use]
    pub fn rate(&self, direction: Direction, destination: Option<&str>) -> (Rate, u8) {
        let digits = destination.map_or("", |d| d.strip_prefix('+').unwrap_or(d));
        if !self.destinations.is_empty() {
            for length in (1..=LONGEST_PREFIX.min(digits.len())).rev() {
                let found = digits.get(..length).and_then(|prefix| self.destinations.get(prefix));
                if let Some(rate) = found.and_then(|rates| rates.of(direction)) {
                    return (rate, u8::try_from(length).unwrap_or(u8::MAX));
                }
            }
        }
        let by_direction = match direction {
            Direction::Inbound => self.inbound,
            Direction::Outbound => self.outbound,
        };
        (by_direction.unwrap_or(self.base), 0)
    }
}

/// Who called whom, from the biller's point of view: never guessed from the switch's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// The customer was called.
    Inbound,
    /// The customer called.
    Outbound,
}

/// A billing increment, `initial/next` in seconds: `60/60`, `30/6`, `1/1`.
///
/// A call is billed for `initial + ⌈(d − initial) ÷ next⌉ × next` seconds; a millisecond starts an increment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Increment {
    initial: u32,
    next: u32,
}

/// The longest increment, in seconds.
const LONGEST_INCREMENT: u32 = 86_400;

impl Increment {
    /// A whole minute, then whole minutes.
    pub const MINUTE: Increment = Increment { initial: 60, next: 60 };

    /// Second by second.
    pub const SECOND: Increment = Increment { initial: 1, next: 1 };

    /// An increment of `initial` and then `next` seconds, each from 1 to 86,400.
    #[must_use]
    pub fn new(initial: u32, next: u32) -> Option<Increment> {
        let sound = |seconds| (1..=LONGEST_INCREMENT).contains(&seconds);
        (sound(initial) && sound(next)).then_some(Increment { initial, next })
    }

    /// The seconds billed for a call of this length; none for no time at all.
    #[must_use]
    pub fn billed_seconds(self, duration: Millis) -> u64 {
        if duration.0 == 0 {
            return 0;
        }
        let initial = u64::from(self.initial);
        let beyond = duration.0.saturating_sub(initial.saturating_mul(1_000));
        let next = u64::from(self.next);
        let steps = beyond.div_ceil(next.saturating_mul(1_000).max(1));
        initial.saturating_add(steps.saturating_mul(next))
    }

    /// The seconds of an increment after the first.
    #[must_use]
    pub const fn next_seconds(self) -> u64 {
        // Widening, which `From` cannot do in a constant.
        self.next as u64
    }

    /// How many increments so many seconds are, the first of them included.
    #[must_use]
    pub fn steps(self, seconds: u64) -> u64 {
        let beyond = seconds.saturating_sub(u64::from(self.initial));
        beyond.div_ceil(u64::from(self.next).max(1)).saturating_add(1)
    }

    /// How many seconds so many increments are, the first of them included; none for none.
    #[must_use]
    pub fn seconds_of(self, steps: u64) -> u64 {
        steps.checked_sub(1).map_or(0, |further| {
            u64::from(self.next).saturating_mul(further).saturating_add(u64::from(self.initial))
        })
    }

    /// How long a call of this length can last without another increment: the first one begins with the call, each
    /// further one with the millisecond in which the one before is over.
    #[must_use]
    pub fn begun_until(self, length: Millis) -> Millis {
        let begun = self.billed_seconds(Millis(length.0.saturating_add(1)));
        Millis(begun.saturating_mul(1_000))
    }
}

impl fmt::Display for Increment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.initial, self.next)
    }
}

/// Why a text is not a billing increment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a billing increment: write initial/next in seconds, each from 1 to 86400, such as \"60/60\" or \"30/6\""
)]
pub struct IncrementError(String);

impl FromStr for Increment {
    type Err = IncrementError;

    fn from_str(text: &str) -> Result<Self, IncrementError> {
        // A sign is a number to Rust, and none to people.
        let seconds = |text: &str| text.parse().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()));
        let parsed = text.split_once('/').and_then(|(i, n)| Some((seconds(i)?, seconds(n)?)));
        parsed
            .and_then(|(initial, next)| Increment::new(initial, next))
            .ok_or_else(|| IncrementError(text.chars().take(40).collect()))
    }
}

impl Serialize for Increment {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            (self.initial, self.next).serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Increment {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
            text.parse().map_err(serde::de::Error::custom)
        } else {
            let (initial, next) = Deserialize::deserialize(deserializer)?;
            Ok(Increment { initial, next })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_millisecond_starts_an_increment() {
        let billed = |text: &str, ms| text.parse::<Increment>().unwrap().billed_seconds(Millis(ms));
        assert_eq!(billed("60/60", 0), 0);
        assert_eq!(billed("60/60", 1), 60);
        assert_eq!(billed("60/60", 60_000), 60);
        assert_eq!(billed("60/60", 60_001), 120);
        assert_eq!(billed("30/6", 30_000), 30);
        assert_eq!(billed("30/6", 36_000), 36);
        assert_eq!(billed("30/6", 36_001), 42);
        assert_eq!(billed("1/1", 1_500), 2);
        assert_eq!(billed("18/6", 5_000), 18);
    }

    #[test]
    fn an_increment_is_two_positive_numbers_of_seconds() {
        for bad in ["60", "0/60", "60/0", "-1/6", "60/60/60", "", "a/b", "86401/1", "+60/60", "60/ 6"] {
            assert!(bad.parse::<Increment>().is_err(), "{bad}");
        }
        assert_eq!("30/6".parse::<Increment>().unwrap().to_string(), "30/6");
    }

    #[test]
    fn the_longest_prefix_with_a_rate_for_the_direction_decides() {
        let rate = |micros| Rate { per_minute: Credits::from_micros(micros), connect_fee: Credits::ZERO };
        let only_out = DestinationRates { outbound: Some(rate(3)), ..Default::default() };
        let any = DestinationRates { inbound: Some(rate(2)), outbound: Some(rate(2)) };
        let price = PerMinute {
            base: rate(1),
            minimum: Credits::ZERO,
            increment: Increment::MINUTE,
            inbound: Some(rate(9)),
            outbound: None,
            destinations: [("49".into(), any), ("4930".into(), only_out)].into(),
        };
        assert_eq!(price.rate(Direction::Outbound, Some("+493012")), (rate(3), 4));
        assert_eq!(price.rate(Direction::Inbound, Some("493012")), (rate(2), 2));
        assert_eq!(price.rate(Direction::Inbound, Some("34")), (rate(9), 0));
        assert_eq!(price.rate(Direction::Outbound, None), (rate(1), 0));
    }
}
