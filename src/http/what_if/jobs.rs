//! Answers that are worked out one after the other, and kept for a while.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::Mutex;
use tokio::sync::Semaphore;

use crate::book::desk::Desk;
use crate::clock;
use crate::ledger::units::Timestamp;
use crate::query::{Outcome, Progress, WhatIf, WhatIfError};

/// The most that wait or are worked out.
pub(super) const MOST_UNDER_WAY: usize = 4;

/// The most that are kept once they have ended: the oldest goes first.
const MOST_KEPT: usize = 4;

/// All of them, by number.
#[derive(Debug)]
pub(in crate::http) struct Jobs {
    all: Mutex<Numbered>,
    /// One is worked out at a time: each reads as much as it can.
    turn: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct Numbered {
    last: u64,
    jobs: BTreeMap<u64, Arc<Job>>,
}

/// An answer on its way.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) number: u64,
    pub(super) asked: WhatIf,
    pub(super) begun: Timestamp,
    pub(super) progress: Progress,
    state: Mutex<State>,
}

/// Where an answer stands.
#[derive(Clone, Debug)]
pub(super) enum State {
    /// It waits for its turn, or is worked out.
    Running,
    /// It is there, since then.
    Done(Timestamp, Arc<Outcome>),
    /// There will be none, for that reason.
    Failed(Timestamp, String),
}

impl Default for Jobs {
    fn default() -> Self {
        Jobs { all: Mutex::default(), turn: Arc::new(Semaphore::new(1)) }
    }
}

impl Job {
    pub(super) fn state(&self) -> State {
        self.state.lock().clone()
    }

    fn runs(&self) -> bool {
        matches!(*self.state.lock(), State::Running)
    }

    fn work(&self, desk: &Desk) {
        let answered = match self.progress.cancelled.load(Ordering::Relaxed) {
            true => Err(WhatIfError::Cancelled),
            false => self.asked.answer(desk, self.begun, &self.progress),
        };
        let now = clock::now();
        *self.state.lock() = match answered {
            Ok(outcome) => State::Done(now, Arc::new(outcome)),
            Err(error) => State::Failed(now, error.to_string()),
        };
    }
}

impl Jobs {
    /// Begins to work out an answer. None where too many are under way.
    pub(super) fn begin(&self, asked: WhatIf, desk: &Arc<Desk>) -> Option<Arc<Job>> {
        let job = self.enter(asked)?;
        let (own, desk, turn) = (Arc::clone(&job), Arc::clone(desk), Arc::clone(&self.turn));
        tokio::spawn(async move {
            // Nobody closes it.
            let Ok(_turn) = turn.acquire().await else { return };
            let worked = Arc::clone(&own);
            let ended = tokio::task::spawn_blocking(move || worked.work(&desk)).await;
            if let Err(error) = ended {
                *own.state.lock() = State::Failed(clock::now(), format!("it ended early: {error}"));
            }
        });
        Some(job)
    }

    fn enter(&self, asked: WhatIf) -> Option<Arc<Job>> {
        let mut all = self.all.lock();
        let ended: Vec<u64> = all.jobs.values().filter(|job| !job.runs()).map(|job| job.number).collect();
        if all.jobs.len().saturating_sub(ended.len()) >= MOST_UNDER_WAY {
            return None;
        }
        for number in ended.iter().take((ended.len().saturating_add(1)).saturating_sub(MOST_KEPT)) {
            all.jobs.remove(number);
        }
        all.last = all.last.saturating_add(1);
        let (number, begun, state) = (all.last, clock::now(), Mutex::new(State::Running));
        let job = Arc::new(Job { number, asked, begun, progress: Progress::default(), state });
        all.jobs.insert(number, Arc::clone(&job));
        Some(job)
    }

    pub(super) fn get(&self, number: u64) -> Option<Arc<Job>> {
        self.all.lock().jobs.get(&number).cloned()
    }

    /// All that are known, newest first.
    pub(super) fn list(&self) -> Vec<Arc<Job>> {
        self.all.lock().jobs.values().rev().cloned().collect()
    }

    /// Forgets an answer; one on its way is broken off. Answers whether it was there.
    pub(super) fn forget(&self, number: u64) -> bool {
        let job = self.all.lock().jobs.remove(&number);
        if let Some(job) = &job {
            job.progress.cancelled.store(true, Ordering::Relaxed);
        }
        job.is_some()
    }
}

impl Drop for Jobs {
    /// Nobody will ask any more: the stop of the daemon waits for none.
    fn drop(&mut self) {
        for job in self.all.get_mut().jobs.values() {
            job.progress.cancelled.store(true, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::catalog::Catalog;
    use serde_json::json;

    fn asked() -> WhatIf {
        let fields = json!({ "rate_card": { "prices": { "sent": { "per_action": "1" } } } });
        WhatIf::read(fields.as_object().unwrap().clone(), &Catalog::default()).unwrap()
    }

    fn end(job: &Job) {
        *job.state.lock() = State::Failed(Timestamp::default(), "for a test".to_owned());
    }

    #[test]
    fn so_many_are_under_way_and_so_many_are_kept() {
        let jobs = Jobs::default();
        let first: Vec<_> = (0..MOST_UNDER_WAY).map(|_| jobs.enter(asked()).unwrap()).collect();
        assert!(jobs.enter(asked()).is_none(), "as many are under way as can be");
        first.iter().for_each(|job| end(job));
        for _ in 0..10 {
            end(&jobs.enter(asked()).unwrap());
        }
        let numbers: Vec<u64> = jobs.list().iter().map(|job| job.number).collect();
        assert_eq!(numbers, [14, 13, 12, 11], "the newest first");
        assert!(jobs.forget(14) && !jobs.forget(14) && jobs.get(13).is_some());
    }

    #[test]
    fn what_nobody_waits_for_is_broken_off() {
        let jobs = Jobs::default();
        let (forgotten, left) = (jobs.enter(asked()).unwrap(), jobs.enter(asked()).unwrap());
        let is_cancelled = |job: &Job| job.progress.cancelled.load(Ordering::Relaxed);
        jobs.forget(forgotten.number);
        assert_eq!((is_cancelled(&forgotten), is_cancelled(&left)), (true, false));
        drop(jobs);
        assert!(is_cancelled(&left), "the daemon stops");
    }
}
