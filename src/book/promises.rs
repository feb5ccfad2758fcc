//! Promises: holds that were decided and answered, and are not in the log yet.
//!
//! Whether a call may start is decided from memory and answered at once; the hold follows into the log as a fact. Until the fact
//! is applied it is kept here, so that the next decision sees it.

use std::collections::BTreeMap;

use dashmap::DashMap;

use super::{Book, OrgName};
use crate::ledger::authorization::{Answer, Promised, Request, add_up};
use crate::ledger::calls::{Amounts, CallTerms, Hold};
use crate::ledger::catalog::Catalog;
use crate::ledger::entry::Dimensions;
use crate::ledger::org::Org;
use crate::ledger::units::{Credits, EventId, Position, Timestamp};

/// What was promised, by organization and by what it is for.
#[derive(Debug, Default)]
pub struct Promises(DashMap<OrgName, BTreeMap<EventId, Promise>, foldhash::fast::RandomState>);

#[derive(Debug)]
struct Promise {
    amounts: Amounts,
    increment: Amounts,
    until: Timestamp,
}

impl Promises {
    /// It is in the log, or will never be.
    pub(super) fn forget(&self, org: &str, key: EventId) {
        if let Some(mut of_org) = self.0.get_mut(org) {
            of_org.remove(&key);
        }
        self.0.remove_if(org, |_, of_org| of_org.is_empty());
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
        if how != How::Hold {
            let promised = self.promised(org, now);
            let promised = Promised { unchecked: how == How::Unchecked, ..promised };
            return self.read(org, |slot| decide(&slot.org, request, &promised, (now, &catalog)));
        }
        // Held throughout: two decisions for one organization know of each other.
        let mut of_org = self.promises.0.entry(OrgName::from(org)).or_default();
        of_org.retain(|known, promise| promise.until > now && *known != key);
        let promised = sum(&of_org);
        let decision = self.read(org, |slot| decide(&slot.org, request, &promised, (now, &catalog)));
        if let Some(hold) = decision.as_ref().and_then(|decision| decision.hold.as_ref()) {
            of_org.insert(
                key,
                Promise {
                    amounts: hold.amounts.clone(),
                    increment: hold.increment.clone(),
                    until: hold.until,
                },
            );
        }
        let nothing = of_org.is_empty();
        drop(of_org);
        if nothing {
            self.promises.0.remove_if(org, |_, of_org| of_org.is_empty());
        }
        decision
    }

    /// What was promised to an organization and is not in the log yet.
    #[must_use]
    pub fn promised(&self, org: &str, now: Timestamp) -> Promised {
        let of_org = self.promises.0.get(org);
        of_org.map_or_else(Promised::default, |of_org| {
            let holds = of_org.values().filter(|promise| promise.until > now).count();
            Promised { holds, ..sum(&of_org) }
        })
    }
}

fn sum(of_org: &BTreeMap<EventId, Promise>) -> Promised {
    let amounts = of_org.values().flat_map(|promise| promise.amounts.iter().copied());
    let increments = of_org.values().flat_map(|promise| promise.increment.iter().copied());
    let (amounts, increments) = (add_up(amounts), add_up(increments));
    Promised { holds: of_org.len(), amounts, increments, unchecked: false }
}

fn decide(
    org: &Org,
    request: &Request<'_>,
    promised: &Promised,
    (now, catalog): (Timestamp, &Catalog),
) -> Decision {
    let at = now.max(org.at());
    let calls = org.calls();
    let mut answer = if org.next_of_credits(catalog) > at {
        org.authorize(request, calls, promised, (at, catalog))
    } else {
        // Something is due: it happens on a copy first.
        let mut ahead = org.without_calls();
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
