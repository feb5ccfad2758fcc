//! The organizations by name, a page at a time.

use std::collections::BinaryHeap;

use schemars::JsonSchema;
use serde::Serialize;

use super::page::{AsOf, Dated};
use crate::book::{Book, OrgName, Slot};
use crate::ledger::catalog::Catalog;
use crate::ledger::units::Timestamp;

/// The most names on one page.
pub const MOST_LISTED: usize = 1_000;

/// What of an organization a list shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OrgLine {
    /// The organization.
    pub org: Box<str>,
    /// Its name for people.
    pub name: Option<Box<str>>,
    /// The plan it is on.
    pub plan: Option<Box<str>>,
}

impl OrgLine {
    fn of(org: &str, slot: &Slot, catalog: &Catalog) -> OrgLine {
        let plan = slot.org.plan().and_then(|plan| catalog.plan(plan)).map(|plan| plan.id.clone());
        OrgLine { org: org.into(), name: slot.org.name().map(Box::from), plan }
    }
}

/// A page of organizations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orgs {
    /// In the order of their names.
    pub data: Vec<OrgLine>,
    /// Where the next page goes on: the last name of this one; none where this is the last page.
    pub next: Option<OrgName>,
}

/// The first names after `after`, at most `limit` of them and never more than [`MOST_LISTED`]; where `only` names some, of those.
///
/// A page walks all names but keeps no more than it shows. An organization that is created meanwhile is on a later page
/// or on none; none is shown twice.
#[must_use]
pub fn orgs(book: &Book, after: Option<&str>, limit: usize, only: Option<&[String]>) -> Orgs {
    let limit = limit.clamp(1, MOST_LISTED);
    let mut first: BinaryHeap<OrgName> = BinaryHeap::with_capacity(limit.saturating_add(2));
    let mut take = |name: &OrgName| {
        let wanted = after.is_none_or(|after| **name > *after);
        if wanted && (first.len() <= limit || first.peek().is_some_and(|last| name < last)) {
            first.push(name.clone());
            if first.len() > limit.saturating_add(1) {
                first.pop();
            }
        }
    };
    match only {
        None => book.each_name(take),
        Some(only) => {
            let known = only.iter().filter(|name| book.read(name, |_| ()).is_some());
            known.map(|name| OrgName::from(name.as_str())).for_each(|name| take(&name));
        }
    }
    let mut names = first.into_sorted_vec();
    let more = names.len() > limit;
    names.truncate(limit);
    let next = names.last().filter(|_| more).cloned();
    let catalog = book.catalog();
    let line = |name: &OrgName| book.read(name, |slot| OrgLine::of(name, slot, &catalog));
    Orgs { data: names.iter().filter_map(line).collect(), next }
}

/// One organization as it is at `now`; `None` where it is not known.
#[must_use]
pub fn org(book: &Book, org: &str, now: Timestamp) -> Option<Dated<OrgLine>> {
    let catalog = book.catalog();
    book.read(org, |slot| Dated { told: OrgLine::of(org, slot, &catalog), as_of: AsOf::of(&slot.org, now) })
}
