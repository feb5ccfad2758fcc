//! Lengths of time and sizes as people write them.

use std::time::Duration;

/// Reads a length of time such as `500ms`, `10s`, `2h` or `7d`. A day has 24 hours.
///
/// # Errors
/// What is wrong, with the remedy.
pub fn duration(text: &str) -> Result<Duration, String> {
    let why = || format!("{text:?} is not a length of time; write \"500ms\", \"10s\", \"2h\" or \"7d\"");
    let span: jiff::Span = text.parse().map_err(|_| why())?;
    let exact = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(|_| why())?;
    Duration::try_from(exact).map_err(|_| why())
}

/// The units of a size, with how many bytes they are.
const UNITS: [(&str, u64); 9] = [
    ("B", 1),
    ("kB", 1_000),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// Reads a size such as `8 MiB`, in bytes.
pub(super) fn size(text: &str) -> Result<u64, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let bytes = UNITS
        .iter()
        .find(|(name, _)| *name == unit.trim_start())
        .and_then(|(_, bytes)| number.parse::<u64>().ok()?.checked_mul(*bytes));
    bytes.ok_or_else(|| {
        format!("{text:?} is not a size; write \"64 KiB\", \"8 MiB\", \"256 MB\" or \"4096 B\"")
    })
}

/// Writes a size with the largest unit that leaves no fraction.
pub(super) fn shown(bytes: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let steps = (bytes.trailing_zeros() / 10).min(6).min(bytes.checked_ilog2().unwrap_or(0) / 10);
    format!("{} {}", bytes >> (10 * steps), units.get(steps as usize).unwrap_or(&"B"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read_as_people_write_them() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(duration("1h 30m"), Ok(Duration::from_secs(5_400)));
        assert_eq!(duration("7d"), Ok(Duration::from_secs(604_800)));
        for bad in ["", "10", "s", "-1s", "1 fortnight", "1 month"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes_are_read_as_people_write_them() {
        assert_eq!(size("8 MiB"), Ok(8 << 20));
        assert_eq!(size("8MiB"), Ok(8 << 20));
        assert_eq!(size("256 MB"), Ok(256_000_000));
        assert_eq!(size("0 B"), Ok(0));
        for bad in ["", "8", "MiB", "-1 MB", "1.5 GiB", "8 mib", "99999999999 TiB"] {
            assert!(size(bad).is_err(), "{bad}");
        }
        assert_eq!(
            [shown(8 << 20), shown(1_000), shown(1 << 62), shown(0)],
            ["8 MiB", "1000 B", "4 EiB", "0 B"]
        );
    }
}
