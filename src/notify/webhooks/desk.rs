//! The desk: what the callers, the dispatcher and the writer share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Condvar, Mutex, MutexGuard};
use tokio::sync::{Notify, Semaphore, watch};

use super::WebhookError;
use super::courier::Courier;
use super::lines::{Lines, Start};
use crate::ledger::units::Timestamp;

/// How far the queue is on disk.
#[derive(Clone, Debug, Default)]
pub(super) struct Durable {
    /// So many records are.
    pub(super) count: u64,
    /// Why no more will be.
    pub(super) failure: Option<Arc<str>>,
    /// Why the disk takes nothing at the moment.
    pub(super) waiting: Option<Arc<str>>,
}

/// What callers, dispatcher and writer share.
#[derive(Debug)]
pub(super) struct Desk {
    lines: Mutex<Lines>,
    /// Wakes the writer: there is something to write, or nothing more will come.
    pub(super) work: Condvar,
    /// Wakes the dispatcher: something may be due.
    pub(super) changed: Notify,
    pub(super) durable: watch::Sender<Durable>,
    /// Wakes whoever waits for an endpoint to have no request in flight.
    pub(super) freed: Notify,
    /// Set once nothing more is to begin.
    pub(super) closing: watch::Sender<bool>,
    /// Set once nothing more will be changed.
    pub(super) ended: AtomicBool,
    pub(super) courier: Courier,
    /// Places for callers whose change is not on disk yet.
    pub(super) callers: Semaphore,
    /// Places for tests.
    pub(super) tests: Semaphore,
}

/// The most callers whose changes wait for the disk at once: with the largest payload, 16 MiB.
const MOST_CALLERS: usize = 64;
/// The most tests in flight at once.
const MOST_TESTS: usize = 8;

impl Desk {
    pub(super) fn new(lines: Lines, courier: Courier) -> Desk {
        Desk {
            lines: Mutex::new(lines),
            work: Condvar::new(),
            changed: Notify::new(),
            durable: watch::Sender::new(Durable::default()),
            freed: Notify::new(),
            closing: watch::Sender::new(false),
            ended: AtomicBool::new(false),
            courier,
            callers: Semaphore::new(MOST_CALLERS),
            tests: Semaphore::new(MOST_TESTS),
        }
    }

    /// Looks at the lines.
    pub(super) fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock()
    }

    /// Changes the lines, and wakes whoever has work by that.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Lines) -> T) -> T {
        let result = self.change_for_writer(change);
        self.changed.notify_one();
        result
    }

    /// The attempts that begin now, and when to look again.
    pub(super) fn turn(&self, now: Timestamp) -> (Vec<Start>, Option<Timestamp>) {
        self.change_for_writer(|lines| (lines.start(now), lines.next_due()))
    }

    fn change_for_writer<T>(&self, change: impl FnOnce(&mut Lines) -> T) -> T {
        let mut lines = self.lines.lock();
        let result = change(&mut lines);
        if !lines.unwritten.is_empty() || lines.broken.is_some() {
            self.work.notify_one();
        }
        result
    }

    /// Lets the writer end once it has written everything.
    pub(super) fn end(&self) {
        // Under the lock, so that the writer either sees it or is already waiting to be woken.
        let lines = self.lines.lock();
        self.ended.store(true, Ordering::Release);
        self.work.notify_one();
        drop(lines);
    }

    /// Whether nothing more will be changed.
    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Waits until so many records are on disk.
    pub(super) async fn written(&self, count: u64) -> Result<(), WebhookError> {
        let mut durable = self.durable.subscribe();
        let reached = durable.wait_for(|durable| durable.count >= count || durable.failure.is_some()).await;
        match reached {
            Ok(durable) if durable.count >= count => Ok(()),
            Ok(durable) => Err(durable.failure.clone().map_or(WebhookError::Closed, WebhookError::Failed)),
            Err(_) => Err(WebhookError::Closed),
        }
    }
}
