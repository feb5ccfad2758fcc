//! Exports: a history of any length as CSV, a step at a time, each read when it is asked for.
//!
//! Between two steps nothing of the history is held but the place where it goes on. What arrives meanwhile is newer, and not part of it.

use std::sync::Arc;

use super::finished::FinishedCall;
use super::wanted::{HistoryOf, Wanted};
use super::{HistoryError, cells, gather};
use crate::book::desk::Desk;
use crate::ledger::units::Timestamp;
use crate::query::csv::Table;
use crate::query::page::AsOf;

/// The most rows of one step.
const STEP: usize = 1_000;

/// What is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exported {
    /// Every movement.
    History,
    /// The calls that are over.
    FinishedCalls,
}

/// The rest of an export.
pub struct Export {
    desk: Arc<Desk>,
    org: String,
    wanted: Wanted,
    what: Exported,
    /// Whether one step is all of it.
    one: bool,
}

/// Some of an export, and the rest where there is more.
pub type Step = (Vec<u8>, Option<Export>);

impl Export {
    /// Begins an export: of so many rows where a `limit` is given, else of all that are wanted. None for an organization that is
    /// not known. Reads, and waits: not for the threads of a runtime.
    ///
    /// # Errors
    /// As [`history`](super::history).
    pub fn begin(
        desk: Arc<Desk>,
        org: String,
        of: &HistoryOf,
        what: Exported,
        now: Timestamp,
    ) -> Result<Option<(AsOf, Step)>, HistoryError> {
        let mut wanted = Wanted::check(of, what == Exported::FinishedCalls)?;
        let one = of.limit.is_some();
        if !one {
            wanted.most = STEP;
        }
        let mut table = Table::new();
        table.head(match what {
            Exported::History => &cells::HISTORY,
            Exported::FinishedCalls => &cells::CALLS,
        });
        let export = Export { desk, org, wanted, what, one };
        let step = export.read(table)?;
        Ok(step.map(|(as_of, step)| (AsOf { as_of: now.max(as_of.as_of), ..as_of }, step)))
    }

    /// The next step. Reads, and waits: not for the threads of a runtime.
    ///
    /// # Errors
    /// As [`history`](super::history).
    pub fn step(self) -> Result<Step, HistoryError> {
        let read = self.read(Table::new())?;
        Ok(read.map_or((Vec::new(), None), |(_, step)| step))
    }

    fn read(mut self, mut table: Table) -> Result<Option<(AsOf, Step)>, HistoryError> {
        let Some(gathered) = gather(&self.desk, &self.org, &self.wanted)? else { return Ok(None) };
        for line in gathered.lines {
            match self.what {
                Exported::History => cells::history(&mut table, &line),
                Exported::FinishedCalls => {
                    FinishedCall::of(line).iter().for_each(|call| cells::call(&mut table, call));
                }
            }
        }
        let rest = gathered.next.filter(|_| !self.one).map(|place| {
            self.wanted.place = Some(place);
            self
        });
        let as_of = AsOf { seq: gathered.seq, as_of: gathered.at, zone: gathered.zone };
        Ok(Some((as_of, (table.finish(), rest))))
    }
}
