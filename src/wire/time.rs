//! Instants as text: RFC 3339.

use std::fmt;

use crate::ledger::units::Timestamp;

/// Reads an RFC 3339 instant such as `2026-01-05T10:00:00Z`; digits past the microsecond are dropped.
///
/// # Errors
/// What is wrong, as a sentence with the remedy.
pub fn parse(text: &str) -> Result<Timestamp, String> {
    let instant = if has_the_form(text.as_bytes()) { text.parse::<jiff::Timestamp>().ok() } else { None };
    let instant = instant.ok_or_else(|| {
        let shown: String = text.chars().take(40).collect();
        format!("{shown:?} is not an instant; write RFC 3339 such as \"2026-01-05T10:00:00Z\"")
    })?;
    let micros = i64::from(instant.subsec_nanosecond()).div_euclid(1_000);
    Ok(Timestamp::from_micros(instant.as_second().saturating_mul(1_000_000).saturating_add(micros)))
}

/// Whether a text has the outer form of RFC 3339. The calendar library reads many other forms, which are refused: who sends
/// them may mean something else.
fn has_the_form(text: &[u8]) -> bool {
    let zone = matches!(text, [.., b'Z' | b'z'] | [.., b'+' | b'-', _, _, b':', _, _]);
    let at = |place: usize| text.get(place).copied();
    let separator = matches!(at(10), Some(b'T' | b't' | b' '));
    zone && separator && text.len() >= 20 && at(4) == Some(b'-') && at(16) == Some(b':')
}

/// Writes an instant as RFC 3339 in UTC.
#[must_use]
pub fn format(instant: Timestamp) -> String {
    Rfc3339(instant).to_string()
}

/// An instant that shows itself as RFC 3339 in UTC.
#[derive(Clone, Copy, Debug)]
pub struct Rfc3339(pub Timestamp);

impl fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0.micros()) {
            Ok(timestamp) => timestamp.fmt(f),
            Err(_) => write!(f, "{} µs since 1970", self.0.micros()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_reads_back_as_it_was_written() {
        for text in ["2026-01-05T10:00:00Z", "1969-12-31T23:59:59.999999Z", "2026-01-05T10:00:00.000001Z"] {
            assert_eq!(format(parse(text).unwrap()), text);
        }
        assert_eq!(format(parse("2026-01-05T12:00:00+02:00").unwrap()), "2026-01-05T10:00:00Z");
        for other in [
            "",
            "2026-01-05",
            "2026-01-05 10:00",
            "2026-01-05T10:00:00",
            "2026-01-05T10:00Z",
            "20260105T100000Z",
            "2026-01-05T10:00:00+02",
            "2026-01-05T10:00:00+02:00[Europe/Berlin]",
            "2026-02-30T10:00:00Z",
            "1767607200",
        ] {
            assert!(parse(other).is_err(), "{other}");
        }
    }

    #[test]
    fn digits_past_the_microsecond_are_dropped_before_1970_too() {
        assert_eq!(format(parse("2026-01-05T10:00:00.0000019Z").unwrap()), "2026-01-05T10:00:00.000001Z");
        assert_eq!(format(parse("1969-12-31T23:59:59.9999991Z").unwrap()), "1969-12-31T23:59:59.999999Z");
    }
}
