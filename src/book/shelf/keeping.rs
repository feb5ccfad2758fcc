//! What is kept of the history, and what is deleted for its age.
//!
//! A run goes once a checkpoint says that it is not kept any more: so no answer claims what is gone. What its rows came to stays in the
//! cells, and no run goes before it is in them.

use super::{Past, Shelf};
use crate::ledger::units::Hour;
use crate::store::StoreError;

/// What of the history is kept.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Kept {
    /// From this hour of the log on, all rows are; none where nothing was deleted yet.
    from: Option<Hour>,
    /// Before it they are not to be.
    decided: Option<Hour>,
}

impl Shelf {
    /// From this hour of the log on, all rows are kept. None where nothing was deleted for its age.
    #[must_use]
    pub fn kept_from(&self) -> Option<Hour> {
        self.kept.lock().from
    }

    /// Says from when on rows are kept, as a checkpoint has it. One that was written before any were deleted does not know of it.
    ///
    /// # Errors
    /// As [`Runs::summary`](crate::store::history::Runs::summary).
    pub(in crate::book) fn keep_from(&self, known: Option<Hour>) -> Result<(), StoreError> {
        let from = if known.is_some() { known } else { self.surely_kept_from()? };
        *self.kept.lock() = Kept { from, decided: known };
        Ok(())
    }

    /// From when on rows are kept in any case, where the first run is gone and nothing says more.
    ///
    /// # Errors
    /// As [`Runs::summary`].
    fn surely_kept_from(&self) -> Result<Option<Hour>, StoreError> {
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
            let mut kept = self.kept.lock();
            kept.from = kept.from.max(Some(logged.next()));
            kept.decided = kept.decided.max(Some(logged.next()));
        }
        Ok(())
    }

    /// Deletes the oldest runs with nothing but rows of before the hour that was decided, as far as their sums are written. Answers how many.
    ///
    /// # Errors
    /// As [`Runs::delete_before`].
    pub(in crate::book) fn delete_outlived(&self) -> Result<usize, StoreError> {
        let (Some(runs), Some(cells), Some(decided)) = (&self.runs, &self.cells, self.kept.lock().decided)
        else {
            return Ok(0);
        };
        let (mut first_kept, summed_up) = (None, cells.summed_up());
        for run in runs.list() {
            if run > summed_up || runs.summary(run)?.logged >= decided {
                first_kept = Some(run);
                break;
            }
        }
        let deleted = runs.delete_before(first_kept.unwrap_or(u32::MAX))?;
        cells.begin_rows_at(runs.oldest());
        Ok(deleted.len())
    }
}

impl Past {
    /// Whether the oldest of them were deleted for their age.
    ///
    /// # Errors
    /// As [`Past::each`].
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
