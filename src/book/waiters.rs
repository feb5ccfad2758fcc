//! Writers that wait for the outcome of what they appended.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::oneshot;

/// Requests of this process whose records have not been applied yet.
///
/// A token says which process it belongs to (upper half) and which request (lower half), so that a replay of
/// somebody else's records wakes nobody.
#[derive(Debug)]
pub struct Waiters {
    process: u32,
    last: AtomicU64,
    waiting: Mutex<HashMap<u64, oneshot::Sender<Vec<Value>>>>,
}

impl Waiters {
    /// Nobody waits yet. `process` tells this process from earlier and other ones.
    #[must_use]
    pub fn new(process: u32) -> Self {
        Waiters { process: process.max(1), last: AtomicU64::new(0), waiting: Mutex::default() }
    }

    /// Begins to wait: the token to append with, and where the outcomes of the record's items will arrive.
    pub fn register(&self) -> (u64, oneshot::Receiver<Vec<Value>>) {
        let token = self.token();
        let (sender, receiver) = oneshot::channel();
        self.waiting.lock().insert(token, sender);
        (token, receiver)
    }

    /// A number that this process gives once, and no other process gives.
    pub fn token(&self) -> u64 {
        let request = self.last.fetch_add(1, Ordering::Relaxed) & u64::from(u32::MAX);
        (u64::from(self.process) << 32) | request
    }

    /// Whether somebody waits for a record.
    #[must_use]
    pub fn expects(&self, token: u64) -> bool {
        token >> 32 == u64::from(self.process) && self.waiting.lock().contains_key(&token)
    }

    /// Hands over the outcomes of a record.
    pub fn answer(&self, token: u64, outcomes: Vec<Value>) {
        let waiter = self.waiting.lock().remove(&token);
        if let Some(waiter) = waiter {
            // A writer that went away does not need its answer.
            drop(waiter.send(outcomes));
        }
    }

    /// Gives up waiting.
    pub fn forget(&self, token: u64) {
        self.waiting.lock().remove(&token);
    }
}
