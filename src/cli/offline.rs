//! A partition without a daemon: the same fold, in memory, over records that somebody hands in.

use std::sync::Arc;

use bytes::Bytes;

use super::Failure;
use crate::book::Book;
use crate::book::commons::Commons;
use crate::book::partition::{Listener, Partition};
use crate::book::shelf::{History, Shelf};
use crate::ledger::catalog::Catalog;
use crate::ledger::units::Timestamp;
use crate::log::{Draft, Record};
use crate::store::history::Limits;
use crate::wire::Subject;

/// A fold in memory.
pub(super) struct Offline {
    partition: Partition,
}

impl Offline {
    /// A fold that begins with a catalog, before all time.
    pub(super) fn new(catalog: Catalog) -> Offline {
        let commons = Commons { at: Timestamp::MIN, catalog: Arc::new(catalog), ..Commons::default() };
        let history = History::new(Arc::new(Shelf::in_memory()), Limits::default(), 0);
        Offline { partition: Partition::new(Arc::default(), commons, history) }
    }

    /// Applies a payload as record `seq` of the log.
    pub(super) fn apply(
        &mut self,
        seq: u64,
        at: Timestamp,
        subject: Subject<'_>,
        payload: String,
        listener: &mut dyn Listener,
    ) -> Result<(), Failure> {
        let draft = Draft { subject: subject.to_string(), payload: Bytes::from(payload), ..Draft::default() };
        let applied = self.partition.apply(&Record { seq, at, draft }, listener);
        applied.map_err(|error| Failure::Failed(error.into()))
    }

    /// The organizations.
    pub(super) fn book(&self) -> &Book {
        self.partition.book()
    }

    /// What belongs to no organization.
    pub(super) fn commons(&self) -> &Commons {
        self.partition.commons()
    }
}
