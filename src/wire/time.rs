//! Instants as text: RFC 3339.

use std::fmt;

use crate::ledger::units::Timestamp;

/// Reads an RFC 3339 instant such as `2026-01-05T10:00:00Z`; digits past the microsecond are dropped.
///
/// # Errors
/// What is wrong, as a sentence with the remedy.
pub fn parse(text: &str) -> Result<Timestamp, String> {
    let instant: jiff::Timestamp = text.parse().map_err(|_| {
        let shown: String = text.chars().take(40).collect();
        format!("{shown:?} is not an instant; write RFC 3339 such as \"2026-01-05T10:00:00Z\"")
    })?;
    Ok(Timestamp::from_micros(instant.as_microsecond()))
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
        assert!(parse("2026-01-05 10:00").is_err());
        assert!(parse("1767607200").is_err());
    }
}
