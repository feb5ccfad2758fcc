//! Recovery: from what is on disk to a partition that goes on where it stopped.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::cells::Cells;
use super::keeper::{Keeper, Meta};
use super::outbox::{Outbox, Outgoing};
use super::partition::Partition;
use super::pipeline::Pipeline;
use super::progress::Progress;
use super::shelf::{History, Shelf};
use super::ticker::Ticker;
use super::waiters::Waiters;
use super::{Book, OrgName, Slot};
use crate::ledger::org::Org;
use crate::ledger::units::{Hour, Timestamp};
use crate::log::{Fingerprint, Log};
use crate::metrics::Metrics;
use crate::store::checkpoint::{Checkpoints, Finding, Item};
use crate::store::history::{Limits, Runs};
use crate::store::{StoreError, codec};

/// A partition as the disk had it.
#[derive(Debug)]
pub struct Recovered {
    /// The fold, ready for the record after `position`.
    pub partition: Partition,
    /// The folder of checkpoints.
    pub checkpoints: Checkpoints,
    /// The record the checkpoint was cut at; 0 where there was none.
    pub cut: Fingerprint,
    /// The last record that an organization may contain: the log must hold it.
    pub sealed: Fingerprint,
    /// The newest run.
    pub run: u32,
    /// Messages that had not arrived.
    pub outbox: Vec<Outgoing>,
    /// What was not as it should be. The log restores it.
    pub findings: Vec<Finding>,
}

/// What a partition at work shares with the rest of a daemon.
#[derive(Clone)]
pub struct Surroundings {
    /// Where entries come from.
    pub log: Arc<dyn Log>,
    /// Where alerts and refusals leave.
    pub outbox: Arc<Outbox>,
    /// Who waits for outcomes.
    pub waiters: Arc<Waiters>,
    /// What is counted.
    pub metrics: Metrics,
    /// How far the pipeline is, and what is wrong.
    pub progress: Arc<Progress>,
}

/// The most questions to a pipeline that wait.
const ASKS: usize = 8;

impl Recovered {
    /// Puts the partition to work: the pipeline that goes on where it stopped, and the keeper behind it, which writes a
    /// checkpoint so often. Each wants a thread of its own. What had not left goes into the outbox again.
    #[must_use]
    pub fn put_to_work(
        self,
        around: Surroundings,
        every: Duration,
        stop: watch::Receiver<bool>,
    ) -> (Pipeline, Keeper) {
        let Recovered { mut partition, checkpoints, cut, sealed, run, outbox, .. } = self;
        for message in outbox {
            around.outbox.push(message);
        }
        let (asks, asked) = mpsc::channel(ASKS);
        let keeper = Keeper {
            book: Arc::clone(partition.book()),
            names: partition.names().to_vec(),
            checkpoints,
            shelf: Arc::clone(partition.history().shelf()),
            outbox: Arc::clone(&around.outbox),
            asks,
            log: Arc::clone(&around.log),
            run,
            every,
            metrics: around.metrics.clone(),
            progress: Arc::clone(&around.progress),
            heads: BTreeMap::new(),
            bases: [0, cut.seq],
            last: Some((cut.seq, around.outbox.added())),
            hour: Hour::MIN,
            keep: None,
        };
        let pipeline = Pipeline {
            partition,
            ticker: Ticker::new(Arc::clone(&around.log)),
            log: around.log,
            position: cut,
            sealed,
            outbox: around.outbox,
            waiters: around.waiters,
            metrics: around.metrics,
            progress: around.progress,
            asks: asked,
            stop,
        };
        (pipeline, keeper)
    }
}

/// Reads the newest checkpoint that contains nothing from record `below` on, and removes what it does not know.
///
/// # Errors
/// [`StoreError`] where the disk refuses or a file is of another version.
pub fn recover(folder: &Path, below: u64, limits: Limits) -> Result<Recovered, StoreError> {
    let mut checkpoints = Checkpoints::open(&folder.join("checkpoints"))?;
    let runs = Runs::open(&folder.join("history"))?;
    let cells = Cells::open(&folder.join("cells"), &runs).inspect_err(
        |error| tracing::warn!(%error, "there are no cells until the next start; usage is read from rows"),
    );
    let shelf = Shelf::over(runs, cells.ok());
    let book = Arc::new(Book::default());
    let accept = |meta: &[u8]| codec::decode::<Meta>(meta).is_ok_and(|meta| meta.sealed.seq < below);
    let recovery = checkpoints.recover(accept, |item| match item {
        Item::Org(key, bytes) => {
            let (name, mut org): (String, Org) = codec::decode(bytes)?;
            org.ids_are_elsewhere();
            let slot = Slot { key, dirty: false, due: Timestamp::MAX, org };
            book.slots.insert(OrgName::from(name), Box::new(slot));
            Ok(())
        }
        Item::Head(key, block) => {
            shelf.set_head(key, block);
            Ok(())
        }
    })?;
    let meta = match &recovery.commit {
        Some(commit) => {
            Some(codec::decode::<Meta>(&commit.meta).map_err(|source| StoreError::Meta { source })?)
        }
        None => None,
    };
    shelf.discard_after(meta.as_ref().map(|meta| meta.run))?;
    shelf.keep_from(meta.as_ref().and_then(|meta| meta.kept_from))?;
    let (cut, sealed, commons, run, outbox) = match meta {
        Some(meta) => (meta.cut, meta.sealed, meta.commons, meta.run, meta.outbox),
        None => Default::default(),
    };
    let history = History::new(Arc::new(shelf), limits, sealed.seq);
    let partition = Partition::new(book, commons, history);
    Ok(Recovered { partition, checkpoints, cut, sealed, run, outbox, findings: recovery.findings })
}
