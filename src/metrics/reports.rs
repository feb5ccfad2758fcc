//! What reports count, shown when it is asked for.

use std::sync::Arc;

use parking_lot::Mutex;
use prometheus::{IntCounterVec, IntGauge};

use super::Maker;
use super::webhooks::{gauge, raise};

/// The metrics of reports.
#[derive(Debug, Clone)]
pub struct ReportMetrics {
    mails: IntCounterVec,
    waiting: IntGauge,
    /// Held while the counters are raised: two that scrape at once must not raise them twice.
    raising: Arc<Mutex<()>>,
}

/// The figures of reports, counted from the start of the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReportFigures {
    /// Mails that the server took.
    pub sent: u64,
    /// Attempts that failed for the moment.
    pub failed: u64,
    /// Mails that were refused.
    pub refused: u64,
    /// Mails that were given up.
    pub given_up: u64,
    /// Mails that wait.
    pub waiting: usize,
}

impl ReportMetrics {
    pub(super) fn new(make: &Maker) -> Result<Self, prometheus::Error> {
        Ok(ReportMetrics {
            mails: make.counters(
                "creditd_report_mails_total",
                "Mails of reports by what came of them, since the start; failed are attempts that are made again.",
                "outcome",
            )?,
            waiting: make.gauge("creditd_report_mails", "Mails of reports that wait.")?,
            raising: Arc::default(),
        })
    }

    /// Shows the figures as they are now.
    pub fn show(&self, figures: &ReportFigures) {
        let raising = self.raising.lock();
        let outcomes = [
            ("sent", figures.sent),
            ("failed", figures.failed),
            ("refused", figures.refused),
            ("given_up", figures.given_up),
        ];
        for (outcome, count) in outcomes {
            raise(&self.mails.with_label_values(&[outcome]), count);
        }
        drop(raising);
        self.waiting.set(gauge(figures.waiting));
    }
}
