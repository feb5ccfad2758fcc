//! What is counted of live calls.

use prometheus::IntCounterVec;

use super::Maker;
use crate::ledger::calls::Why;

/// The metrics of live calls.
#[derive(Debug, Clone)]
pub struct CallMetrics {
    /// What running calls were told, by kind.
    pub news: IntCounterVec,
    /// Those that were closed without their end, by reason.
    pub orphaned: IntCounterVec,
}

impl CallMetrics {
    /// Every reason at 0.
    pub(super) fn new(make: &Maker) -> Result<Self, prometheus::Error> {
        let news = "Warnings, cut-offs and extensions of running calls.";
        let orphaned = "Live calls that were closed without their end.";
        let metrics = CallMetrics {
            news: make.counters("creditd_call_messages_total", news, "kind")?,
            orphaned: make.counters("creditd_calls_orphaned_total", orphaned, "reason")?,
        };
        for why in Why::ALL {
            metrics.orphaned.with_label_values(&[why.slug()]);
        }
        Ok(metrics)
    }
}
