//! What is counted of cells, which the history adds up to.

use prometheus::{IntCounterVec, IntGauge};

use super::Maker;

/// The metrics of cells.
#[derive(Debug, Clone)]
pub struct CellsMetrics {
    /// Files that were made or merged, by outcome.
    pub tended: IntCounterVec,
    /// Files.
    pub files: IntGauge,
    /// Answers about usage, by what they were added up from: `cells` or `rows`.
    pub answers: IntCounterVec,
}

impl CellsMetrics {
    pub(super) fn new(make: &Maker) -> Result<CellsMetrics, prometheus::Error> {
        Ok(CellsMetrics {
            tended: make.counters(
                "creditd_history_cells_total",
                "Files of cells made, made again or merged.",
                "outcome",
            )?,
            files: make.gauge("creditd_history_cells_files", "Files of cells.")?,
            answers: make.counters(
                "creditd_usage_answers_total",
                "Answers about usage, by what they were added up from.",
                "from",
            )?,
        })
    }
}
