//! A switch was started anew: told to every organization that has calls on it.

use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{Desk, SubmitError, Wait};
use crate::book::{Book, OrgName};
use crate::ledger::units::Timestamp;
use crate::wire::{self, Subject};

/// The most organizations that are told at once.
const MOST_TOLD_AT_ONCE: usize = 64;

/// To how much a restart was told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Organizations with live calls of the switch that began before.
    pub orgs: usize,
    /// Those calls.
    pub calls: usize,
}

impl Book {
    /// The organizations with live calls of a source that began before an instant, and how many. Looks at every organization: not for the
    /// threads of a runtime.
    #[must_use]
    pub fn calls_of_source(&self, source: &str, before: Timestamp) -> Vec<(OrgName, usize)> {
        let mut found = Vec::new();
        self.each(|name, slot| {
            let calls = slot.org.calls().map_or(0, |calls| calls.of_source(source, before).len());
            if calls > 0 {
                found.push((name.clone(), calls));
            }
        });
        found
    }
}

impl Desk {
    /// Tells each organization that has live calls of a switch that it was started anew at an instant. Repeating it does no harm.
    ///
    /// # Errors
    /// [`SubmitError::CatchingUp`] while it is not known which calls are live; else that of the first organization that could not be
    /// told, and others may have been.
    pub async fn source_restarted(&self, source: &str, time: Timestamp) -> Result<Told, SubmitError> {
        if !self.progress.is_caught_up() {
            let (seq, target) = (self.progress.seq(), self.progress.target());
            return Err(SubmitError::CatchingUp { seq, target });
        }
        let (book, name) = (Arc::clone(&self.book), source.to_owned());
        let looked = tokio::task::spawn_blocking(move || book.calls_of_source(&name, time)).await;
        let found = looked.map_err(|error| SubmitError::Stopped(error.to_string()))?;
        let payload = wire::source_restarted(source, time).to_string();
        let tell = async |(org, calls): (OrgName, usize)| {
            self.submit(Subject::Events(&org), None, payload.clone().into(), Wait::Durable).await?;
            Ok(Told { orgs: 1, calls })
        };
        let told = stream::iter(found.into_iter().map(tell)).buffer_unordered(MOST_TOLD_AT_ONCE);
        let add = async |sum: Told, one: Told| {
            Ok(Told { orgs: sum.orgs.saturating_add(one.orgs), calls: sum.calls.saturating_add(one.calls) })
        };
        told.try_fold(Told::default(), add).await
    }
}
