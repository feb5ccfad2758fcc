//! Ticks: where nobody writes and something falls due, the log is told the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::ledger::units::Timestamp;
use crate::log::{Draft, Log};
use crate::wire::Subject;

/// How long something may be overdue before the log is told the time: whoever writes meanwhile tells it too.
const TICK_AFTER: Duration = Duration::from_millis(4);

/// How long the pipeline waits for a record, at least and at most, before it looks at what is due.
const LOOKS: (Duration, Duration) = (Duration::from_millis(1), Duration::from_secs(1));

/// Tells the log the time.
pub struct Ticker {
    log: Arc<dyn Log>,
    /// Whether a tick is on its way into the log.
    ticking: Arc<AtomicBool>,
    wait: Wait,
}

/// When the log is to be told the time. It has a clock of its own, and ours may be ahead of it.
#[derive(Debug, Default)]
struct Wait {
    /// When the last tick was sent, by our clock.
    sent: Option<Timestamp>,
    /// How far our clock is ahead, and the way of a tick, in microseconds.
    lead: i64,
}

impl Ticker {
    /// For a log.
    pub fn new(log: Arc<dyn Log>) -> Ticker {
        Ticker { log, ticking: Arc::default(), wait: Wait::default() }
    }

    /// How long nothing is to be told.
    pub fn pause(&self, due: Option<Timestamp>, now: Timestamp) -> Duration {
        self.wait.left(due, now).clamp(LOOKS.0, LOOKS.1)
    }

    /// A record that tells nothing but the time has come.
    pub fn ticked(&mut self, at: Timestamp) {
        self.wait.ticked(at);
    }

    /// Tells the log the time where something is due and nobody else has told it.
    pub fn tick(&mut self, due: Option<Timestamp>, now: Timestamp) {
        if self.wait.left(due, now) > Duration::ZERO || self.ticking.swap(true, Ordering::AcqRel) {
            return;
        }
        self.wait.sent = Some(now);
        let (log, ticking) = (Arc::clone(&self.log), Arc::clone(&self.ticking));
        tokio::spawn(async move {
            let draft = Draft { subject: Subject::Tick.to_string(), ..Draft::default() };
            if let Err(error) = log.append(draft).await {
                tracing::warn!(%error, "the log could not be told the time; it will be tried again");
            }
            ticking.store(false, Ordering::Release);
        });
    }
}

impl Wait {
    /// How long until the log is to be told the time.
    fn left(&self, due: Option<Timestamp>, now: Timestamp) -> Duration {
        let Some(due) = due else { return Duration::MAX };
        let slack = i64::try_from(TICK_AFTER.as_micros()).unwrap_or(0);
        let instant = due.micros().saturating_add(self.lead).saturating_add(slack);
        Duration::from_micros(u64::try_from(instant.saturating_sub(now.micros())).unwrap_or(0))
    }

    /// A tick that was sent has this time in the log: the next one is sent when it is late enough there.
    fn ticked(&mut self, at: Timestamp) {
        if let Some(sent) = self.sent.take() {
            self.lead = sent.micros().saturating_sub(at.micros()).max(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DUE: Timestamp = Timestamp::from_micros(1_767_607_200_000_000);

    fn later(ms: i64) -> Timestamp {
        Timestamp::from_micros(DUE.micros().saturating_add(ms.saturating_mul(1_000)))
    }

    fn left(wait: &Wait, ms: i64) -> u128 {
        wait.left(Some(DUE), later(ms)).as_millis()
    }

    #[test]
    fn the_log_is_told_the_time_a_moment_after_something_fell_due() {
        let wait = Wait::default();
        assert_eq!((left(&wait, -10), left(&wait, 0), left(&wait, 4)), (14, 4, 0));
        assert_eq!(wait.left(None, DUE), Duration::MAX);
    }

    #[test]
    fn a_clock_ahead_of_the_logs_waits_instead_of_telling_it_again_and_again() {
        let mut wait = Wait { sent: Some(later(4)), lead: 0 };
        // In the log it is two seconds earlier: nothing is due there yet.
        wait.ticked(later(-1_996));
        assert_eq!((left(&wait, 5), left(&wait, 2_003), left(&wait, 2_004)), (1_999, 1, 0));
        // A tick of somebody else says nothing of our clock.
        wait.ticked(later(-60_000));
        assert_eq!(left(&wait, 2_004), 0);
        // The clock was set right meanwhile.
        wait.sent = Some(later(2_004));
        wait.ticked(later(2_005));
        assert_eq!(left(&wait, 4), 0);
    }
}
