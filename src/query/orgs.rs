//! The organizations by name, a page at a time.

use std::collections::BinaryHeap;

use crate::book::{Book, OrgName};

/// The most names on one page.
pub const MOST_LISTED: usize = 1_000;

/// A page of names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orgs {
    /// The names, in order.
    pub names: Vec<OrgName>,
    /// Where the next page goes on: the last name of this one; none where this is the last page.
    pub next: Option<OrgName>,
}

/// The first names after `after`, at most `limit` of them and never more than [`MOST_LISTED`].
///
/// A page walks all names but keeps no more than it shows. An organization that is created meanwhile is on a later page
/// or on none; none is shown twice.
#[must_use]
pub fn orgs(book: &Book, after: Option<&str>, limit: usize) -> Orgs {
    let limit = limit.clamp(1, MOST_LISTED);
    let mut first: BinaryHeap<OrgName> = BinaryHeap::with_capacity(limit.saturating_add(2));
    book.each_name(|name| {
        let wanted = after.is_none_or(|after| **name > *after);
        if wanted && (first.len() <= limit || first.peek().is_some_and(|last| name < last)) {
            first.push(name.clone());
            if first.len() > limit.saturating_add(1) {
                first.pop();
            }
        }
    });
    let mut names = first.into_sorted_vec();
    let more = names.len() > limit;
    names.truncate(limit);
    let next = names.last().filter(|_| more).cloned();
    Orgs { names, next }
}
