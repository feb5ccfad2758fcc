//! Figures from the rows of the history: slow where they are many, and right by themselves. What the cells tell is compared with this,
//! and where they cannot tell, this does.

use super::groups::Cell;
use super::range::Span;
use super::sums::Sums;
use crate::book::cells::{Counted, Spent};
use crate::book::pipeline::Look;
use crate::ledger::units::Timestamp;
use crate::query::charged::{Standing, each_charge};
use crate::store::StoreError;

/// The charges of an organization's history, as it stood.
pub(super) struct Rows<'a> {
    pub(super) look: &'a Look,
    pub(super) standing: Standing,
    /// What was before, they do not tell any more.
    pub(super) kept_from: Option<Timestamp>,
}

impl Rows<'_> {
    /// Hands over every part of a charge in a span, in any order, as long as `visit` wants more.
    ///
    /// # Errors
    /// [`StoreError`] where the history cannot be read.
    pub(super) fn each(
        &self,
        span: Span,
        visit: &mut dyn FnMut(&Cell<'_>) -> bool,
    ) -> Result<(), StoreError> {
        each_charge(self.look, self.standing, span.from, &mut |charged| {
            let mut part = |spent: Spent<'_>, counted: Counted| {
                let sums = Sums::of(&spent, &counted);
                visit(&Cell { time: charged.time, spent, sums })
            };
            !span.contains(charged.time) || charged.parts(&mut part)
        })
    }
}
