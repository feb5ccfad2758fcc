//! The dispatcher: begins attempts as they fall due, and books what came of them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{Id, JoinError, JoinSet};

use super::attempt::{Attempt, Wish, failed};
use super::desk::Desk;
use super::lines::Start;
use crate::clock;
use crate::ledger::units::{Millis, Timestamp};

/// The longest sleep: the wall clock may be set, and is looked at again.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// Attempts in flight, and what each is about.
#[derive(Default)]
struct Flying {
    tasks: JoinSet<(Attempt, Wish)>,
    starts: HashMap<Id, Start>,
}

/// Delivers until the desk is closed; then waits for the attempts in flight.
pub(super) async fn run(desk: Arc<Desk>) {
    let mut closing = desk.closing.subscribe();
    let mut flying = Flying::default();
    while !*closing.borrow_and_update() {
        let now = clock::now();
        let (starts, next) = desk.turn(now);
        for start in starts {
            flying.begin(&desk, start);
        }
        let sleep = next.map_or(LONGEST_SLEEP, |next| until(next, now).min(LONGEST_SLEEP));
        tokio::select! {
            Some(ended) = flying.tasks.join_next_with_id() => flying.book(&desk, ended),
            () = desk.changed.notified() => {}
            _ = closing.changed() => {}
            () = tokio::time::sleep(sleep) => {}
        }
    }
    while let Some(ended) = flying.tasks.join_next_with_id().await {
        flying.book(&desk, ended);
    }
}

impl Flying {
    fn begin(&mut self, desk: &Arc<Desk>, start: Start) {
        let (endpoint, message) = (Arc::clone(&start.endpoint), Arc::clone(&start.message));
        let desk = Arc::clone(desk);
        let attempt = async move { desk.courier.attempt(&endpoint, &message, clock::now()).await };
        let task = self.tasks.spawn(attempt);
        self.starts.insert(task.id(), start);
    }

    fn book(&mut self, desk: &Desk, ended: Result<(Id, (Attempt, Wish)), JoinError>) {
        let now = clock::now();
        let (id, (attempt, wish)) = ended.unwrap_or_else(|error| {
            tracing::error!(%error, "an attempt to deliver a webhook panicked");
            let outcome = failed(None, "the attempt broke off by a fault of creditd");
            (error.id(), (Attempt { at: now, took: Millis(0), outcome }, Wish::None))
        });
        if let Some(start) = self.starts.remove(&id) {
            desk.change(|lines| lines.finish(&start, attempt, wish, now));
            desk.freed.notify_waiters();
        }
    }
}

fn until(due: Timestamp, now: Timestamp) -> Duration {
    let micros = due.micros().saturating_sub(now.micros());
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}
