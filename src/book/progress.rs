//! How far the pipeline is: what readiness, the watchdog and the metrics look at.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::ledger::units::Timestamp;

/// The pipeline's progress, written by it alone.
#[derive(Debug, Default)]
pub struct Progress {
    from: AtomicU64,
    seq: AtomicU64,
    at: AtomicI64,
    beat: AtomicI64,
    last: AtomicU64,
    caught_up: AtomicBool,
    failure: Mutex<Option<String>>,
    /// Why checkpoints fail at the moment.
    trouble: Mutex<Option<String>>,
}

impl Progress {
    /// The pipeline has applied everything up to `seq`, whose log time is `at`.
    pub fn applied(&self, seq: u64, at: Timestamp) {
        self.at.store(at.micros(), Ordering::Relaxed);
        self.seq.store(seq, Ordering::Release);
        if seq >= self.last.load(Ordering::Relaxed) {
            self.caught_up.store(true, Ordering::Release);
        }
    }

    /// The log ended at `last` when the daemon started: the pipeline has caught up once it is there.
    pub fn start(&self, seq: u64, last: u64) {
        self.from.store(seq, Ordering::Relaxed);
        self.last.store(last, Ordering::Relaxed);
        self.seq.store(seq, Ordering::Release);
        self.caught_up.store(seq >= last, Ordering::Release);
    }

    /// The pipeline is alive.
    pub fn beat(&self, now: Timestamp) {
        self.beat.store(now.micros(), Ordering::Relaxed);
    }

    /// When the pipeline was last seen alive.
    #[must_use]
    pub fn last_beat(&self) -> Timestamp {
        Timestamp::from_micros(self.beat.load(Ordering::Relaxed))
    }

    /// The last record that was applied.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.seq.load(Ordering::Acquire)
    }

    /// The log's time at that record.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        Timestamp::from_micros(self.at.load(Ordering::Relaxed))
    }

    /// The last record there was when the daemon started.
    #[must_use]
    pub fn target(&self) -> u64 {
        self.last.load(Ordering::Relaxed)
    }

    /// How much of what the start had to replay is applied, from 0 to 1.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a ratio for people to look at")]
    pub fn recovered(&self) -> f64 {
        let (from, last) = (self.from.load(Ordering::Relaxed), self.target());
        if self.is_caught_up() || last <= from {
            return 1.0;
        }
        self.seq().saturating_sub(from) as f64 / (last - from) as f64
    }

    /// Whether everything there was when the daemon started is applied.
    #[must_use]
    pub fn is_caught_up(&self) -> bool {
        self.caught_up.load(Ordering::Acquire)
    }

    /// The pipeline stopped, and why.
    pub fn fail(&self, why: String) {
        *self.failure.lock() = Some(why);
    }

    /// Why the pipeline stopped, if it did.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        self.failure.lock().clone()
    }

    /// Why checkpoints fail at the moment, or that they do not.
    pub fn checkpoint_trouble(&self, why: Option<String>) {
        *self.trouble.lock() = why;
    }

    /// Why checkpoints fail at the moment.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recovery_goes_from_none_to_all_and_stays_there() {
        let progress = Progress::default();
        progress.start(100, 300);
        assert_eq!(progress.recovered(), 0.0);
        progress.applied(250, Timestamp::default());
        assert_eq!(progress.recovered(), 0.75);
        assert!(!progress.is_caught_up());
        progress.applied(301, Timestamp::default());
        assert!(progress.is_caught_up());
        assert_eq!(progress.recovered(), 1.0);
        progress.start(0, 0);
        assert_eq!(progress.recovered(), 1.0);
    }
}
