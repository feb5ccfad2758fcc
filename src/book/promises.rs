//! Promises: holds that were decided and answered, and are not in the log yet.
//!
//! Whether a call may start is decided from memory and answered at once; the hold follows into the log as a fact. Until the fact
//! is applied it is kept here, so that the next decision sees it.

use std::collections::BTreeMap;

use dashmap::DashMap;

use super::{Book, OrgName};
use crate::ledger::authorization::{Answer, Promised, Request};
use crate::ledger::calls::{CallTerms, Calls, Hold};
use crate::ledger::catalog::Catalog;
use crate::ledger::entry::Dimensions;
use crate::ledger::org::Org;
use crate::ledger::units::{Credits, EventId, Position, Timestamp};

/// What was promised, by organization and by what it is for.
#[derive(Debug, Default)]
pub struct Promises(DashMap<OrgName, BTreeMap<EventId, Hold>, foldhash::fast::RandomState>);

impl Promises {
    /// What was promised under an identity and is not in the books yet.
    pub(super) fn get(&self, org: &str, key: EventId) -> Option<Hold> {
        self.0.get(org)?.get(&key).cloned()
    }

    /// A hold is in the books, or will never be. What was promised later in its place stays.
    pub(super) fn forget(&self, org: &str, hold: &Held) {
        if let Some(mut of_org) = self.0.get_mut(org)
            && of_org.get(&hold.key).is_some_and(|promise| promise.until <= hold.until)
        {
            of_org.remove(&hold.key);
        }
        self.0.remove_if(org, |_, of_org| of_org.is_empty());
    }
}

/// Which hold: what it is for, and until when it stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    key: EventId,
    until: Timestamp,
}

impl From<&Hold> for Held {
    fn from(hold: &Hold) -> Held {
        Held { key: hold.key(), until: hold.until }
    }
}

/// What was decided.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The answer.
    pub answer: Answer,
    /// The hold that is to go into the log; none where nothing is set aside.
    pub hold: Option<Hold>,
    /// What the plan says of calls.
    pub terms: CallTerms,
    /// The instant it is for.
    pub at: Timestamp,
    /// The last entry that it knows of.
    pub position: Position,
}

/// How a decision is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// What is granted is set aside.
    Hold,
    /// Only to tell.
    Quote,
    /// The balance is not known: as if there were no bound.
    Unchecked,
}

impl Book {
    /// Decides whether something may start, from what is in memory. None for an organization that is not known.
    #[must_use]
    pub fn decide(&self, org: &str, request: &Request<'_>, now: Timestamp, how: How) -> Option<Decision> {
        let (catalog, key) = (self.catalog(), request.name.key());
        let look = |of_org: &BTreeMap<EventId, Hold>| {
            self.read(org, |slot| {
                let unchecked = how == How::Unchecked;
                let promised = Promised { unchecked, holds: promised(of_org, slot.org.calls(), now) };
                decide(&slot.org, request, &promised, (now, &catalog))
            })
        };
        if how != How::Hold {
            return match self.promises.0.get(org) {
                Some(of_org) => look(&of_org),
                None => look(&BTreeMap::new()),
            };
        }
        // Held throughout: two decisions for one organization know of each other.
        let mut of_org = self.promises.0.entry(OrgName::from(org)).or_default();
        of_org.retain(|known, promise| promise.until > now && *known != key);
        let decision = look(&of_org);
        if let Some(hold) = decision.as_ref().and_then(|decision| decision.hold.as_ref()) {
            of_org.insert(key, hold.clone());
        }
        let nothing = of_org.is_empty();
        drop(of_org);
        if nothing {
            self.promises.0.remove_if(org, |_, of_org| of_org.is_empty());
        }
        decision
    }
}

/// What was promised and still counts: of a call that is talked, what was set aside is pending.
fn promised<'a>(of_org: &'a BTreeMap<EventId, Hold>, calls: Option<&Calls>, now: Timestamp) -> Vec<&'a Hold> {
    let is_talked = |key: EventId| calls.is_some_and(|calls| calls.is_talked(key));
    let counts = of_org.iter().filter(|(key, hold)| hold.until > now && !is_talked(**key));
    counts.map(|(_, hold)| hold).collect()
}

fn decide(
    org: &Org,
    request: &Request<'_>,
    promised: &Promised<'_>,
    (now, catalog): (Timestamp, &Catalog),
) -> Decision {
    let at = now.max(org.at());
    let calls = org.calls();
    let mut answer = if org.next_of_credits(catalog) > at {
        org.authorize(request, calls, promised, (at, catalog))
    } else {
        // Something is due: it happens on a copy first.
        let mut ahead = org.without_calls_with_limits();
        ahead.advance(at, catalog, &mut Vec::new());
        ahead.authorize(request, calls, promised, (at, catalog))
    };
    let terms = org.call_terms(at, catalog);
    let granted = answer.verdict.as_ref().ok().filter(|granted| !granted.is_talked);
    let hold = granted.map(|granted| Hold {
        source: request.name.source.into(),
        id: request.name.id.into(),
        action: request.action().into(),
        quantity: if request.is_call() { 1 } else { granted.quantity },
        who: Dimensions::into(request.dimensions),
        amounts: granted.held.iter().filter(|(_, amount)| *amount > Credits::ZERO).copied().collect(),
        increment: granted.increment.clone(),
        until: at.plus(terms.hold()),
    });
    let hold = hold.and_then(|hold| match org.has_room_for(&hold) {
        Ok(()) => Some(hold),
        Err(rejection) => {
            answer.verdict = Err(rejection);
            None
        }
    });
    Decision { answer, hold, terms, at, position: org.position() }
}

#[cfg(test)]
mod tests;
