//! What webhooks count, shown when it is asked for: the queue itself keeps the figures.

use std::sync::Arc;

use parking_lot::Mutex;
use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec};

use super::Maker;

/// The metrics of webhooks.
#[derive(Debug, Clone)]
pub struct WebhookMetrics {
    attempts: IntCounterVec,
    given_up: IntCounterVec,
    queued: IntGauge,
    endpoints: IntGaugeVec,
    /// Held while the counters are raised: two that scrape at once must not raise them twice.
    raising: Arc<Mutex<()>>,
}

/// The figures of the queue. Those of messages and attempts are counted from the start of the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WebhookFigures {
    /// Attempts after which the endpoint had the message.
    pub delivered: u64,
    /// Attempts after which it did not.
    pub failed: u64,
    /// Messages given up because they were not taken in time.
    pub not_taken: u64,
    /// Messages given up because too many waited.
    pub crowded_out: u64,
    /// Messages that wait.
    pub queued: usize,
    /// Endpoints whose last attempt succeeded, or that were never tried.
    pub healthy: usize,
    /// Endpoints whose last attempt failed.
    pub failing: usize,
    /// Endpoints nothing is sent to.
    pub disabled: usize,
}

impl WebhookMetrics {
    pub(super) fn new(make: &Maker) -> Result<Self, prometheus::Error> {
        Ok(WebhookMetrics {
            attempts: make.counters(
                "creditd_webhook_attempts_total",
                "Attempts to deliver a message to a webhook, since the start.",
                "outcome",
            )?,
            given_up: make.counters(
                "creditd_webhook_messages_given_up_total",
                "Messages that a webhook never got, since the start.",
                "reason",
            )?,
            queued: make.gauge("creditd_webhook_messages", "Messages that wait for a webhook.")?,
            endpoints: make.gauges("creditd_webhook_endpoints", "Webhooks.", "state")?,
            raising: Arc::default(),
        })
    }

    /// Shows the figures as they are now.
    pub fn show(&self, figures: &WebhookFigures) {
        let raising = self.raising.lock();
        for (outcome, count) in [("delivered", figures.delivered), ("failed", figures.failed)] {
            raise(&self.attempts.with_label_values(&[outcome]), count);
        }
        for (reason, count) in [("not_taken", figures.not_taken), ("crowded_out", figures.crowded_out)] {
            raise(&self.given_up.with_label_values(&[reason]), count);
        }
        drop(raising);
        self.queued.set(gauge(figures.queued));
        let states =
            [("healthy", figures.healthy), ("failing", figures.failing), ("disabled", figures.disabled)];
        for (state, count) in states {
            self.endpoints.with_label_values(&[state]).set(gauge(count));
        }
    }
}

pub(super) fn raise(counter: &IntCounter, to: u64) {
    counter.inc_by(to.saturating_sub(counter.get()));
}

pub(super) fn gauge(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
