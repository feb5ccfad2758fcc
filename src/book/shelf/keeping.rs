//! What is kept of the history, and what is deleted for its age.
//!
//! A run goes once a checkpoint says that it is not kept any more: so no answer claims what is gone. What its rows came to stays in the
//! cells, and no run goes before it is in them.

use super::{Past, Shelf};
use crate::ledger::units::Hour;
use crate::store::StoreError;

impl Shelf {
    /// From this hour of the log on, all rows are kept. None where nothing was deleted for its age.
    #[must_use]
    pub fn kept_from(&self) -> Option<Hour> {
        *self.kept_from.lock()
    }

    /// Says from when on rows are kept.
    pub(in crate::book) fn keep_from(&self, hour: Option<Hour>) {
        *self.kept_from.lock() = hour;
    }

    /// From when on rows are kept in any case, where the first run is gone and nothing says more.
    ///
    /// # Errors
    /// As [`Runs::summary`].
    pub(in crate::book) fn surely_kept_from(&self) -> Result<Option<Hour>, StoreError> {
        match self.runs.as_ref().map(|runs| (runs, runs.oldest())) {
            Some((runs, oldest)) if oldest > 1 => Ok(Some(runs.summary(oldest)?.logged.next())),
            _ => Ok(None),
        }
    }

    /// Decides what is not to be kept any more: the oldest runs whose rows the log all took before that hour, as far as their sums are
    /// written. The newest run stays.
    ///
    /// # Errors
    /// As [`Runs::summary`].
    pub(in crate::book) fn outlive(&self, hour: Hour) -> Result<(), StoreError> {
        let (Some(runs), Some(cells)) = (&self.runs, &self.cells) else { return Ok(()) };
        let (present, summed_up) = (runs.list(), cells.summed_up());
        let Some((_newest, others)) = present.split_last() else { return Ok(()) };
        for run in others.iter().take_while(|run| **run <= summed_up) {
            let logged = runs.summary(*run)?.logged;
            if logged >= hour {
                break;
            }
            let mut kept_from = self.kept_from.lock();
            *kept_from = (*kept_from).max(Some(logged.next()));
        }
        Ok(())
    }

    /// Deletes the runs with nothing but rows of before the hour from which on they are kept. Answers how many.
    ///
    /// # Errors
    /// As [`Runs::delete_before`].
    pub(in crate::book) fn delete_outlived(&self) -> Result<usize, StoreError> {
        let (Some(runs), Some(kept_from)) = (&self.runs, self.kept_from()) else { return Ok(0) };
        let mut first_kept = None;
        for run in runs.list() {
            if runs.summary(run)?.logged >= kept_from {
                first_kept = Some(run);
                break;
            }
        }
        let deleted = runs.delete_before(first_kept.unwrap_or(u32::MAX))?;
        self.cells.iter().for_each(|cells| cells.begin_rows_at(runs.oldest()));
        Ok(deleted.len())
    }
}

impl Past {
    /// Whether the oldest of them were deleted for their age.
    ///
    /// # Errors
    /// As [`Runs::blocks`].
    pub fn is_cut_off(&self) -> Result<bool, StoreError> {
        let Some(runs) = self.shelf.runs.as_ref().filter(|_| self.shelf.kept_from().is_some()) else {
            return Ok(false);
        };
        match runs.blocks(self.key, self.head).last().transpose()? {
            Some(oldest) => Ok(oldest.prev().is_some()),
            None => Ok(self.head.is_some()),
        }
    }
}
