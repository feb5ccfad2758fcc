//! Which grants pay for what, and what they leave.

use std::cmp::Reverse;

use smallvec::SmallVec;

use super::{Grant, Phase, Pool, Purpose};
use crate::ledger::units::Credits;

/// The usable grants with a scope that pay for something, by their numbers. Whatever has the same payers has the same level.
pub(in crate::ledger) type Payers = SmallVec<[u32; 4]>;

impl Pool {
    /// Whether some usable grant pays for some things only.
    #[must_use]
    pub fn is_scoped(&self) -> bool {
        self.scoped
    }

    /// Whether the usable grants can pay for all of these together. A quick answer where none has a scope.
    pub(in crate::ledger) fn covers(&self, wanted: &[(Purpose<'_>, Credits)]) -> bool {
        let sum = wanted.iter().fold(Credits::ZERO, |sum, (_, amount)| sum.plus(*amount));
        if !self.scoped || sum > self.usable {
            return sum <= self.usable;
        }
        self.after(wanted).totals.overage == self.totals.overage
    }

    /// What is left of the usable grants that pay for something, less what is owed.
    #[must_use]
    pub fn level_for(&self, purpose: Purpose<'_>) -> Credits {
        if !self.scoped {
            return self.level();
        }
        let paying = self.usable_grants().filter(|grant| grant.pays(purpose));
        let left = paying.fold(Credits::ZERO, |sum, grant| sum.plus(grant.remaining));
        left.minus(self.totals.owed())
    }

    /// Which of the usable grants with a scope pay for something.
    pub(in crate::ledger) fn payers(&self, purpose: Purpose<'_>) -> Payers {
        if !self.scoped {
            return Payers::new();
        }
        let paying = self.usable_grants().filter(|grant| grant.is_scoped() && grant.pays(purpose));
        paying.map(|grant| grant.serial).collect()
    }

    /// As it would be if all of this were charged one after the other.
    pub(in crate::ledger) fn after(&self, wanted: &[(Purpose<'_>, Credits)]) -> Pool {
        let (mut pool, mut draws) = (self.ahead(), SmallVec::new());
        for (purpose, amount) in wanted {
            pool.take(*amount, *purpose, &mut draws);
            draws.clear();
        }
        pool
    }

    /// As it would be if all of this were charged, what most grants pay for first: it leaves least to what few pay for.
    pub(in crate::ledger) fn after_widest(&self, mut wanted: Vec<(Purpose<'_>, Credits)>) -> Pool {
        wanted.sort_by_cached_key(|(purpose, _)| Reverse(self.payers(*purpose).len()));
        self.after(&wanted)
    }

    fn usable_grants(&self) -> impl Iterator<Item = &Grant> {
        self.grants.iter().filter(|grant| grant.phase == Phase::Usable)
    }
}
