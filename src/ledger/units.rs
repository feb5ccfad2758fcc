//! Units as types: an amount is never mistaken for an instant, nor a second for a millisecond.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smallvec::SmallVec;

/// An amount of credits, in micro-credits (one credit is 1,000,000).
///
/// Written to JSON as a decimal string (`"12.5"`), so that no reader rounds it through a float.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Credits(i64);

/// Micro-credits in one credit.
const MICRO: u64 = 1_000_000;

impl Credits {
    /// No credits.
    pub const ZERO: Credits = Credits(0);

    /// An amount given in micro-credits.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Credits(micros)
    }

    /// The amount in micro-credits.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// The sum, or `None` where it does not fit.
    #[must_use]
    pub const fn checked_add(self, other: Credits) -> Option<Credits> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Credits(sum)),
            None => None,
        }
    }

    /// The difference, or `None` where it does not fit.
    #[must_use]
    pub const fn checked_sub(self, other: Credits) -> Option<Credits> {
        match self.0.checked_sub(other.0) {
            Some(difference) => Some(Credits(difference)),
            None => None,
        }
    }

    /// The sum. Saturates, which is out of reach: totals are refused past [`Credits::LARGEST_TOTAL`].
    #[must_use]
    pub const fn plus(self, other: Credits) -> Credits {
        Credits(self.0.saturating_add(other.0))
    }

    /// The difference. Saturates, which is out of reach: totals are refused past [`Credits::LARGEST_TOTAL`].
    #[must_use]
    pub const fn minus(self, other: Credits) -> Credits {
        Credits(self.0.saturating_sub(other.0))
    }

    /// The largest total that anything adds up to: an amount that would lead past it is refused.
    pub const LARGEST_TOTAL: Credits = Credits(i64::MAX / 4);

    /// The sum, or `None` past [`Credits::LARGEST_TOTAL`].
    #[must_use]
    pub fn total_with(self, other: Credits) -> Option<Credits> {
        self.checked_add(other).filter(|sum| *sum <= Credits::LARGEST_TOTAL)
    }

    /// `self × numerator ÷ denominator`, rounded half up to a micro-credit: the one rounding there is.
    ///
    /// `None` where the result does not fit, the denominator is zero, or the amount is negative.
    #[must_use]
    pub fn scale(self, numerator: u64, denominator: u64) -> Option<Credits> {
        let amount = u128::try_from(self.0).ok()?;
        let product = amount.checked_mul(u128::from(numerator))?;
        let denominator = u128::from(denominator);
        let half = denominator.checked_div(2)?;
        // An odd denominator has no exact half: rounding down `half` keeps n.5 out of reach, so half up holds.
        let rounded = product.checked_add(half)?.checked_div(denominator)?;
        i64::try_from(rounded).ok().map(Credits)
    }

    /// Whether the amount is below zero.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }
}

impl fmt::Display for Credits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.0.unsigned_abs();
        let (whole, micros) = (magnitude / MICRO, magnitude % MICRO);
        if self.0 < 0 {
            f.write_str("-")?;
        }
        if micros == 0 {
            return write!(f, "{whole}");
        }
        let digits = format!("{micros:06}");
        write!(f, "{whole}.{}", digits.trim_end_matches('0'))
    }
}

/// Why a text is not an amount of credits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an amount of credits: {why}")]
pub struct CreditsError {
    text: String,
    why: &'static str,
}

impl FromStr for Credits {
    type Err = CreditsError;

    fn from_str(text: &str) -> Result<Self, CreditsError> {
        parse_credits(text).map_err(|why| CreditsError { text: text.chars().take(40).collect(), why })
    }
}

fn parse_credits(text: &str) -> Result<Credits, &'static str> {
    const FORM: &str = "write a plain decimal such as \"12.5\"";
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = match digits.split_once('.') {
        Some((_, "")) => return Err(FORM),
        Some(parts) => parts,
        None => (digits, ""),
    };
    if whole.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return Err(FORM);
    }
    if fraction.len() > 6 {
        return Err("at most six decimals: a credit has a million parts");
    }
    const BOUND: &str = "the largest amount is 9223372036854.775807";
    let whole: i64 = whole.parse().map_err(|_| BOUND)?;
    let micros: i64 = format!("{fraction:0<6}").parse().map_err(|_| FORM)?;
    let signed = whole.checked_mul(1_000_000).and_then(|w| w.checked_add(micros)).ok_or(BOUND)?;
    let signed = if negative { signed.checked_neg().ok_or(BOUND)? } else { signed };
    Ok(Credits(signed))
}

impl Serialize for Credits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_i64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Credits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
            text.parse().map_err(serde::de::Error::custom)
        } else {
            i64::deserialize(deserializer).map(Credits)
        }
    }
}

/// An instant, in microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Before every instant that is ever used.
    pub const MIN: Timestamp = Timestamp(i64::MIN);
    /// After every instant that is ever used.
    pub const MAX: Timestamp = Timestamp(i64::MAX);

    /// An instant given in microseconds since the epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Timestamp(micros)
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// The instant `span` later, at most [`Timestamp::MAX`].
    #[must_use]
    pub fn plus(self, span: Millis) -> Timestamp {
        Timestamp(self.0.saturating_add_unsigned(span.0.saturating_mul(1_000)))
    }

    /// The instant `span` earlier, at least [`Timestamp::MIN`].
    #[must_use]
    pub fn minus(self, span: Millis) -> Timestamp {
        Timestamp(self.0.saturating_sub_unsigned(span.0.saturating_mul(1_000)))
    }

    /// How long after `earlier` it is, in whole milliseconds; nothing where it is before.
    #[must_use]
    pub fn since(self, earlier: Timestamp) -> Millis {
        let micros = self.0.saturating_sub(earlier.0);
        Millis(u64::try_from(micros).unwrap_or(0).div_euclid(1_000))
    }

    /// The UTC hour that holds this instant.
    #[must_use]
    pub fn hour(self) -> Hour {
        let hours = self.0.div_euclid(MICROS_PER_HOUR);
        Hour(i32::try_from(hours).unwrap_or(if hours < 0 { i32::MIN } else { i32::MAX }))
    }
}

const MICROS_PER_HOUR: i64 = 3_600_000_000;

/// A span of time in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(pub u64);

impl Millis {
    /// A span of whole days.
    #[must_use]
    pub const fn days(days: u32) -> Millis {
        Millis((days as u64).saturating_mul(86_400_000))
    }
}

/// A UTC hour, counted since 1970: the unit in which the memory of event ids is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hour(pub i32);

impl Hour {
    /// Before every hour that is ever used.
    pub const MIN: Hour = Hour(i32::MIN);

    /// The hour `n` before this one.
    #[must_use]
    pub const fn back(self, n: i32) -> Hour {
        Hour(self.0.saturating_sub(n))
    }

    /// Its first instant.
    #[must_use]
    pub const fn begin(self) -> Timestamp {
        Timestamp::from_micros((self.0 as i64).saturating_mul(MICROS_PER_HOUR))
    }

    /// The hour after this one.
    #[must_use]
    pub const fn next(self) -> Hour {
        Hour(self.0.saturating_add(1))
    }
}

/// Where an entry stands in the log: the record's sequence number, and the item inside a batch (from 0).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// The record's sequence number; the first record of a log is 1.
    pub seq: u64,
    /// The item inside the record.
    pub item: u32,
}

impl Position {
    /// Before the first entry.
    pub const START: Position = Position { seq: 0, item: 0 };
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.seq, self.item)
    }
}

/// The identity of an event: 128 bits of its `(source, id)`.
///
/// Two different pairs share one with a probability of 2⁻⁶⁴ among four billion events of an organization
/// and hour; the pair itself is kept nowhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EventId(u64, u64);

/// Sets the identities of voids apart from those of events.
const VOID_SEED: u64 = 0x766f_6964;

impl EventId {
    /// The identity of the event that `source` calls `id`.
    #[must_use]
    pub fn of(source: &str, id: &str) -> EventId {
        let mut text: SmallVec<[u8; 128]> = SmallVec::new();
        text.extend_from_slice(source.as_bytes());
        text.push(0);
        text.extend_from_slice(id.as_bytes());
        EventId::from_u128(xxhash_rust::xxh3::xxh3_128(&text))
    }

    /// The identity under which the void of this event is remembered.
    #[must_use]
    pub fn void(self) -> EventId {
        EventId::from_u128(xxhash_rust::xxh3::xxh3_128_with_seed(&self.to_u128().to_le_bytes(), VOID_SEED))
    }

    /// The identity from its 128 bits.
    #[must_use]
    pub const fn from_u128(bits: u128) -> EventId {
        let bytes = bits.to_le_bytes();
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = bytes;
        EventId(u64::from_le_bytes([a, b, c, d, e, f, g, h]), u64::from_le_bytes([i, j, k, l, m, n, o, p]))
    }

    /// The 128 bits.
    #[must_use]
    pub fn to_u128(self) -> u128 {
        (u128::from(self.1) << 64) | u128::from(self.0)
    }

    /// 64 of the bits, already well mixed: what a hash table may use as it is.
    #[must_use]
    pub const fn mixed(self) -> u64 {
        self.0
    }
}
