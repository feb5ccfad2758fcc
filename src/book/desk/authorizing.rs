//! May this call start? Decided from memory, answered at once, and told to the log.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{Desk, SubmitError, Submitted, Wait};
use crate::book::promises::{Decision, Held, How};
use crate::clock::Stopwatch;
use crate::ledger::authorization::{Request, of_kind};
use crate::ledger::calls::{Hold, OnFailure};
use crate::ledger::units::{Credits, EventId, Timestamp};
use crate::log::{Draft, Log};
use crate::wire::{self, Subject};

/// How long to wait before a log that could not be written is tried again.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// How long a hold waits before it follows into the log: the answer goes first, and the holds of that time go together.
const FOLLOWS_AFTER: Duration = Duration::from_millis(1);

/// How long a request that concerns a hold waits for it to be in the log.
const FOLLOWS_WITHIN: Duration = Duration::from_secs(2);

/// What a decision rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grounds {
    /// The balance, as it is.
    Known,
    /// Nobody knows the balance now: the plan lets so much be granted all the same.
    Unchecked,
    /// Nobody knows the balance now, and nothing is granted.
    Unavailable,
}

impl Desk {
    /// Decides whether something may start, and lets the hold follow into the log. None for an organization that is not known.
    pub fn authorize(&self, org: &str, request: &Request<'_>, now: Timestamp) -> Option<(Decision, Grounds)> {
        if !self.knows_balances() {
            let decision = self.book.decide(org, request, now, How::Unchecked)?;
            let grounds =
                if self.may_go_unchecked(org, &decision) { Grounds::Unchecked } else { Grounds::Unavailable };
            self.count(&decision, grounds);
            return Some((decision, grounds));
        }
        let decision = self.book.decide(org, request, now, How::Hold)?;
        if let Some(hold) = &decision.hold {
            self.tell_of(org, hold);
        }
        self.count(&decision, Grounds::Known);
        Some((decision, Grounds::Known))
    }

    fn count(&self, decision: &Decision, grounds: Grounds) {
        let outcome = match (grounds, &decision.answer.verdict) {
            (Grounds::Unavailable, _) => "unavailable",
            (_, Err(_)) => "refused",
            (Grounds::Unchecked, Ok(_)) => "unchecked",
            (Grounds::Known, Ok(_)) => "allowed",
        };
        self.metrics.authorizations.with_label_values(&[outcome]).inc();
    }

    /// Whether the books are those of now: caught up with a log that can be written.
    fn knows_balances(&self) -> bool {
        let known = self.progress.is_caught_up()
            && self.progress.failure().is_none()
            && !self.unwritten.load(Ordering::Acquire);
        if known && !self.unchecked.is_empty() {
            self.unchecked.clear();
        }
        known
    }

    /// Whether the plan lets so much more be granted to the organization while nobody knows its balance; counts it.
    fn may_go_unchecked(&self, org: &str, decision: &Decision) -> bool {
        let Ok(granted) = &decision.answer.verdict else { return false };
        if decision.terms.on_failure != OnFailure::Allow {
            return false;
        }
        let mut sum = self.unchecked.entry(org.into()).or_insert(Credits::ZERO);
        // One cap for all kinds of credits together.
        let with = granted.held.iter().fold(*sum, |sum, (kind, _)| sum.plus(of_kind(&granted.held, *kind)));
        let allowed = with <= decision.terms.failure_cap;
        if allowed {
            *sum = with;
        }
        allowed
    }

    /// Lets a hold follow into the log. It counts meanwhile; where it cannot be written it is let go of.
    fn tell_of(&self, org: &str, hold: &Hold) {
        let draft = Draft {
            subject: Subject::Commands(org).to_string(),
            payload: wire::hold_command(hold).to_string().into(),
            ..Draft::default()
        };
        let (log, book, unwritten) =
            (Arc::clone(&self.log), Arc::clone(&self.book), Arc::clone(&self.unwritten));
        let (org, hold, room) =
            (org.to_owned(), Held::from(hold), Arc::clone(&self.room).try_acquire_owned());
        tokio::spawn(async move {
            let outcome = match &room {
                Ok(_) => {
                    tokio::time::sleep(FOLLOWS_AFTER).await;
                    log.append(draft.clone()).await.map_err(|error| error.to_string())
                }
                Err(_) => Err("too much is under way".to_owned()),
            };
            if let Err(why) = outcome {
                tracing::warn!(
                    org,
                    why,
                    "a hold could not be written; the call it is for may start all the same"
                );
                book.promises.forget(&org, &hold);
                write_at_last(&log, draft, &unwritten).await;
            }
        });
    }

    /// Lets go of a hold. None where there is none of that name.
    ///
    /// # Errors
    /// [`SubmitError`], which says whether the record is in the log.
    pub async fn release(
        &self,
        org: &str,
        key: EventId,
        wait: Wait,
    ) -> Option<Result<Submitted, SubmitError>> {
        let hold = self.hold_of(org, key).await?;
        let payload = wire::release_command(&hold).to_string();
        Some(self.submit(Subject::Commands(org), None, payload.into(), wait).await)
    }

    /// Lets a hold stay as long as a new one would. None where there is none of that name.
    ///
    /// # Errors
    /// [`SubmitError`], which says whether the record is in the log.
    pub async fn extend(
        &self,
        org: &str,
        key: EventId,
        now: Timestamp,
        wait: Wait,
    ) -> Option<Result<(Hold, Submitted), SubmitError>> {
        let hold = self.hold_of(org, key).await?;
        let terms = self.book.read(org, |slot| slot.org.call_terms(now, &self.book.catalog()))?;
        let hold = Hold { until: now.plus(terms.hold()).max(hold.until), ..hold };
        let payload = wire::hold_command(&hold).to_string();
        let submitted = self.submit(Subject::Commands(org), None, payload.into(), wait).await;
        Some(submitted.map(|submitted| (hold, submitted)))
    }

    /// The hold of that name, once it is in the log: what is said of it is to follow it there.
    async fn hold_of(&self, org: &str, key: EventId) -> Option<Hold> {
        let since = Stopwatch::start();
        while let Some(promised) = self.book.promises.get(org, key) {
            if since.elapsed() > FOLLOWS_WITHIN {
                return Some(promised);
            }
            tokio::time::sleep(FOLLOWS_AFTER).await;
        }
        self.book.read(org, |slot| slot.org.calls().and_then(|calls| calls.hold(key)).cloned())?
    }
}

/// Says that the log cannot be written, until it takes what it did not: one that can be read may have no room.
async fn write_at_last(log: &Arc<dyn Log>, draft: Draft, unwritten: &AtomicBool) {
    if unwritten.swap(true, Ordering::AcqRel) {
        // Another one waits already.
        return;
    }
    while let Err(error) = log.append(draft.clone()).await {
        tracing::debug!(%error, "the log cannot be written; whether calls may start is decided unchecked");
        tokio::time::sleep(ASK_AGAIN).await;
    }
    unwritten.store(false, Ordering::Release);
}
