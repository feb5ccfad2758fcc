//! Decimal numbers, exactly: what a text says and not what a float would make of it.

/// A decimal number with up to 18 places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Decimal {
    /// In units of 10⁻¹⁸.
    atto: i128,
}

/// The digits before the point that are read: more than any number of nanoseconds needs.
const MOST_WHOLE: usize = 19;
/// The digits behind it.
const PLACES: usize = 18;
/// One.
const ONE: i128 = 1_000_000_000_000_000_000;

impl Decimal {
    /// Reads digits with an optional sign and fraction; no exponent.
    pub(super) fn parse(text: &str) -> Option<Decimal> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = match digits.split_once('.') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (digits, ""),
        };
        let plain = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        let fits = (1..=MOST_WHOLE).contains(&whole.len()) && fraction.len() <= PLACES;
        if !fits || !plain(whole) || !plain(fraction) {
            return None;
        }
        let whole: i128 = whole.parse().ok()?;
        let fraction: i128 = format!("{fraction:0<PLACES$}").parse().ok()?;
        let atto = whole.checked_mul(ONE)?.checked_add(fraction)?;
        Some(Decimal { atto: if negative { -atto } else { atto } })
    }

    /// Whether nothing stands behind the point.
    pub(super) fn is_whole(self) -> bool {
        self.atto % ONE == 0
    }

    /// Whether it is below zero.
    pub(super) fn is_negative(self) -> bool {
        self.atto < 0
    }

    /// So many times `unit`, rounded down. A unit has at most twelve digits, so that the product fits.
    pub(super) fn times(self, unit: u64) -> i128 {
        let unit = i128::from(unit);
        let (whole, part) = (self.atto.div_euclid(ONE), self.atto.rem_euclid(ONE));
        whole * unit + (part * unit).div_euclid(ONE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digit_counts() {
        let nanos = |text: &str| Decimal::parse(text).map(|decimal| decimal.times(1_000_000_000));
        assert_eq!(nanos("1767607200.123456789"), Some(1_767_607_200_123_456_789));
        assert_eq!(nanos("0.1"), Some(100_000_000));
        assert_eq!(nanos("-1.5"), Some(-1_500_000_000));
        assert_eq!(
            nanos("9999999999999999999.999999999999999999"),
            Some(9_999_999_999_999_999_999_999_999_999)
        );
        for bad in ["", "-", ".5", "5.", "1e3", "1,5", "+1", " 1", "1.2.3", "99999999999999999999", "NaN"] {
            assert_eq!(Decimal::parse(bad), None, "{bad}");
        }
        assert!(Decimal::parse("40.000").is_some_and(Decimal::is_whole));
        assert!(Decimal::parse("-0.5") < Decimal::parse("0"));
    }
}
