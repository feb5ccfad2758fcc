//! Tends the cells: cuts those of runs that were written, makes those that are missing, and merges files, on a thread of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use crate::book::shelf::Shelf;
use crate::metrics::Metrics;

/// How often it is looked whether there is something to do.
const LOOK: Duration = Duration::from_millis(100);
/// After trouble nothing is tried for so long: cells can wait.
const REST: Duration = Duration::from_secs(10);

/// What tends the cells of a shelf.
#[derive(Debug)]
pub struct Tender {
    /// The shelf.
    pub shelf: Arc<Shelf>,
    /// What is counted.
    pub metrics: Metrics,
    /// Turns true when it is time to end.
    pub ends: Arc<AtomicBool>,
}

impl Tender {
    /// Works until the other end of `wakes` is gone; then what is under way is left undone.
    pub fn run(self, wakes: &Receiver<()>) {
        let go_on = || !self.ends.load(Ordering::Acquire);
        let mut pause = Duration::ZERO;
        self.show_size();
        while wakes.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
            pause = match self.shelf.tend_cells(&go_on) {
                Ok(true) => {
                    self.metrics.cells.tended.with_label_values(&["done"]).inc();
                    self.show_size();
                    Duration::ZERO
                }
                Ok(false) => LOOK,
                Err(error) => {
                    tracing::warn!(%error, "cells were not made; meanwhile usage is read from rows");
                    self.metrics.cells.tended.with_label_values(&["failed"]).inc();
                    REST
                }
            };
        }
    }

    fn show_size(&self) {
        let (files, _) = self.shelf.cells().map(|cells| cells.size()).unwrap_or_default();
        self.metrics.cells.files.set(i64::try_from(files).unwrap_or(i64::MAX));
    }
}
