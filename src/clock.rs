//! The only reader of time. Everything else is told what time it is.

use std::time::{Duration, Instant, SystemTime};

use crate::ledger::units::Timestamp;

/// The wall clock, now.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is where time is read")]
pub fn now() -> Timestamp {
    let since = |d: Duration| i64::try_from(d.as_micros()).unwrap_or(i64::MAX);
    match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => Timestamp::from_micros(since(after)),
        Err(before) => Timestamp::from_micros(since(before.duration()).saturating_neg()),
    }
}

/// Measures how long something takes, whatever the wall clock does.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is where time is read")]
    pub fn start() -> Self {
        Stopwatch(Instant::now())
    }

    /// The time since the start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
