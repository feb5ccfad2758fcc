//! When to try again.

use std::time::Duration;

use jiff::fmt::rfc2822;
use rand::RngExt;

use super::attempt::Wish;
use super::options::Options;
use crate::ledger::units::{Millis, Timestamp};

/// Past so many failures in a row the pause does not grow any more, whatever the first one was.
const MOST_DOUBLINGS: u32 = 30;

/// When to try again after `failures` failures in a row, the last of which ended `now`.
///
/// The pause doubles with every failure up to the longest, and chance takes up to half of it away, so that endpoints that
/// failed together do not come back together. Where the endpoint named a pause itself, that one counts, within bounds.
pub(super) fn due(options: &Options, failures: u32, wish: Wish, now: Timestamp) -> Timestamp {
    let pause = match wish {
        Wish::Wait(asked) => {
            let longest = options.longest_retry_after;
            asked.clamp(options.first_pause.min(longest), longest)
        }
        Wish::None | Wish::Gone => {
            let full = pause(options, failures);
            full.mul_f64(rand::rng().random_range(0.5..=1.0))
        }
    };
    now.plus(millis(pause))
}

fn pause(options: &Options, failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(MOST_DOUBLINGS);
    options.first_pause.saturating_mul(1 << doublings).min(options.longest_pause)
}

/// A span in whole milliseconds.
pub(super) fn millis(span: Duration) -> Millis {
    Millis(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
}

/// The pause that `Retry-After` asks for: seconds, or an HTTP date.
pub(super) fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More seconds than fit are as good as the longest.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let instant = rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
    let ahead = instant.as_microsecond().saturating_sub(now.micros());
    Some(Duration::from_micros(u64::try_from(ahead).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> Options {
        Options {
            first_pause: Duration::from_secs(5),
            longest_pause: Duration::from_secs(60),
            longest_retry_after: Duration::from_secs(600),
            ..Options::default()
        }
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let seconds: Vec<u64> = (1..=6).map(|failures| pause(&options(), failures).as_secs()).collect();
        assert_eq!(seconds, [5, 10, 20, 40, 60, 60]);
        assert_eq!(pause(&options(), u32::MAX).as_secs(), 60);
    }

    #[test]
    fn chance_takes_up_to_half_of_a_pause() {
        let pauses: Vec<i64> =
            (0..200).map(|_| due(&options(), 2, Wish::None, Timestamp::default()).micros() / 1_000).collect();
        assert!(pauses.iter().all(|pause| (5_000..=10_000).contains(pause)), "{pauses:?}");
        assert!(pauses.iter().min() < Some(&6_500) && pauses.iter().max() > Some(&8_500), "{pauses:?}");
    }

    #[test]
    fn an_endpoint_names_its_own_pause_within_bounds() {
        let due = |asked| due(&options(), 1, Wish::Wait(Duration::from_secs(asked)), Timestamp::default());
        assert_eq!(due(0).micros(), 5_000_000);
        assert_eq!(due(90).micros(), 90_000_000);
        assert_eq!(due(u64::MAX).micros(), 600_000_000);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = Timestamp::from_micros(1_445_412_420_000_000);
        assert_eq!(retry_after(" 120 ", now), Some(Duration::from_secs(120)));
        assert_eq!(retry_after("99999999999999999999999", now), Some(Duration::from_secs(u64::MAX)));
        assert_eq!(retry_after("Wed, 21 Oct 2015 07:28:00 GMT", now), Some(Duration::from_secs(60)));
        assert_eq!(retry_after("Wed, 21 Oct 2015 07:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("soon", now), None);
        assert_eq!(retry_after("", now), None);
    }
}
