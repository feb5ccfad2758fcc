//! What live calls and holds claim of limits: it will be used, and is not charged yet.
//!
//! Of each hard limit past which nothing may start the claims are added up as calls and holds come, go and cost more, under the value that the
//! limit counts them by. So how much is claimed under a value is looked up, however many calls and holds there are. The sums are a cache: they
//! follow from the calls and holds, are in no checkpoint, and where there are none all calls and holds are walked.
//!
//! A call is one call while it rings and credits are held for it: the call claims that it is one, and the hold no more than what is beyond it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::sums::Mark;
use super::{Calls, Hold, LiveCall};
use crate::ledger::authorization::of_kind;
use crate::ledger::balance::RulesVersion;
use crate::ledger::limits::{Limit, Measure, Spending};
use crate::ledger::units::{EventId, Timestamp};

/// The most sums that are kept for an organization, over all its limits: where each call has a value of its own, as many as there are calls.
const MOST_SUMS: usize = 300_000;

/// What is claimed of some limits, by calls as they stand at the instant of what they have cost.
#[derive(Clone, Debug, Default)]
pub(super) struct Claims {
    /// The rules whose limits these are; none where they changed since.
    followed: Option<RulesVersion>,
    kept: Vec<Kept>,
}

/// What is claimed of a limit, and of every other that counts the same.
#[derive(Clone, Debug)]
struct Kept {
    limit: Arc<Limit>,
    /// By value, where it is not nothing; none where there were too many.
    sums: Option<BTreeMap<Mark, u128>>,
}

impl Claims {
    /// Something claims so much more.
    pub(super) fn add<'e>(&mut self, spending: impl FnOnce() -> Spending<'e>) {
        if self.kept.is_empty() {
            return;
        }
        let spending = spending();
        self.kept.iter_mut().for_each(|kept| kept.add(&spending));
        self.bound();
    }

    /// Something claims so much less.
    pub(super) fn take_off<'e>(&mut self, spending: impl FnOnce() -> Spending<'e>) {
        if !self.kept.is_empty() {
            let spending = spending();
            self.kept.iter_mut().for_each(|kept| kept.take_off(&spending));
        }
    }

    /// What is claimed of a limit under a value; none where that is not kept.
    fn sum(&self, limit: &Limit, value: &str) -> Option<u128> {
        let kept = self.kept.iter().find(|kept| kept.limit.counts_what(limit))?;
        Some(kept.sums.as_ref()?.get(&Mark::of_value(value)).copied().unwrap_or(0))
    }

    /// Lets go of the sums of the limit that has most of them, where there are too many.
    fn bound(&mut self) {
        let many = |kept: &Kept| kept.sums.as_ref().map_or(0, BTreeMap::len);
        if self.kept.iter().map(many).fold(0, usize::saturating_add) > MOST_SUMS
            && let Some(most) = self.kept.iter_mut().max_by_key(|kept| many(kept))
        {
            most.sums = None;
        }
    }
}

impl Kept {
    fn add(&mut self, spending: &Spending<'_>) {
        let Some(sums) = &mut self.sums else { return };
        self.limit.each_use(spending, |value, amount| {
            let sum = sums.entry(Mark::of_value(&value)).or_default();
            *sum = sum.saturating_add(amount.as_sum());
        });
    }

    fn take_off(&mut self, spending: &Spending<'_>) {
        let Some(sums) = &mut self.sums else { return };
        self.limit.each_use(spending, |value, amount| {
            let mark = Mark::of_value(&value);
            if let Some(sum) = sums.get_mut(&mark) {
                *sum = sum.saturating_sub(amount.as_sum());
                if *sum == 0 {
                    sums.remove(&mark);
                }
            }
        });
    }
}

impl Calls {
    /// What live calls have cost by an instant, and holds set aside then, of what a limit counts under a value: without what rings, or is held,
    /// under some identities. The instant is not before that of the calls.
    #[must_use]
    pub fn claimed(&self, limit: &Limit, value: &str, at: Timestamp, but: &[EventId]) -> Measure {
        let claim = |spending: Spending<'_>| {
            let mut sum = 0_u128;
            limit.each_use(&spending, |of, amount| {
                sum = sum.saturating_add(if *of == *value { amount.as_sum() } else { 0 });
            });
            sum
        };
        let all = || self.all_spend().map(claim).fold(0, u128::saturating_add);
        let known = self.claims.sum(limit, value).unwrap_or_else(all);
        let since = self.accruals.started(at, &self.live).map(|call| call.spends_more((self.at(), at)));
        let left_out = but.iter().filter_map(|key| self.holds.get(*key)).filter(|hold| hold.until > at);
        let held = self.holds.gone(at).chain(left_out).map(|hold| hold.spends_beside(self.rings(hold)));
        let ringing = but.iter().filter_map(|key| self.get(*key)).filter(|call| call.answered().is_none());
        let less = held.chain(ringing.map(|call| call.spends(self.at())));
        let grown = since.map(claim).fold(known, u128::saturating_add);
        Measure::of_sum(less.map(claim).fold(grown, u128::saturating_sub))
    }

    /// What each call has cost at the instant of the sums, and each hold that was not let go of sets aside.
    fn all_spend(&self) -> impl Iterator<Item = Spending<'_>> {
        let calls = self.live().map(|call| call.spends(self.at()));
        let holds = self.holds_from(EventId::default()).map(|(_, hold)| hold);
        calls.chain(holds.map(|hold| hold.spends_beside(self.rings(hold))))
    }

    /// Whether the call that a hold is for rings. Once it is answered, nothing is held for it.
    fn rings(&self, hold: &Hold) -> bool {
        self.live.contains_key(&hold.key())
    }

    /// A call claims what it has cost; where it rings, and something is held for it, the hold claims less.
    pub(super) fn claim(&mut self, key: EventId, call: &LiveCall) {
        if let Some(hold) = self.holds.get(key) {
            self.claims.take_off(|| hold.spends());
            self.claims.add(|| hold.spends_beside(true));
        }
        self.claims.add(|| call.spends(self.accruals.at()));
    }

    /// A call claims nothing any more.
    pub(super) fn unclaim(&mut self, key: EventId, call: &LiveCall) {
        self.claims.take_off(|| call.spends(self.accruals.at()));
        if let Some(hold) = self.holds.get(key) {
            self.claims.take_off(|| hold.spends_beside(true));
            self.claims.add(|| hold.spends());
        }
    }

    /// Credits that are set aside are claimed.
    pub(super) fn claim_held(&mut self, hold: &Hold) {
        let rings = self.rings(hold);
        self.claims.add(|| hold.spends_beside(rings));
    }

    /// What was set aside is claimed no more.
    pub(super) fn unclaim_held(&mut self, hold: &Hold) {
        let rings = self.rings(hold);
        self.claims.take_off(|| hold.spends_beside(rings));
    }

    /// Whether claims are kept by these rules.
    pub(in crate::ledger) fn follows(&self, rules: RulesVersion) -> bool {
        self.claims.followed == Some(rules)
    }

    /// Whether what is claimed of a limit is looked up.
    #[cfg(test)]
    pub(in crate::ledger) fn keeps(&self, limit: &Limit) -> bool {
        self.claims.sum(limit, "").is_some()
    }

    /// The limits have changed: which are to be kept is to be looked up.
    pub(in crate::ledger) fn follow_anew(&mut self) {
        self.claims.followed = None;
    }

    /// Keeps what is claimed of these limits, and of no others.
    pub(in crate::ledger) fn keep_claims(&mut self, limits: Vec<Arc<Limit>>, rules: RulesVersion) {
        let mut before = std::mem::take(&mut self.claims).kept;
        before.retain(|kept| kept.sums.is_some());
        let mut claims = Claims { followed: Some(rules), kept: Vec::new() };
        for limit in limits {
            if claims.kept.iter().any(|kept| kept.limit.counts_what(&limit)) {
                continue;
            }
            let known = before.iter().position(|kept| kept.limit.counts_what(&limit));
            claims.kept.push(match known {
                Some(known) => before.swap_remove(known),
                None => {
                    let mut kept = Kept { limit, sums: Some(BTreeMap::new()) };
                    self.all_spend().for_each(|spending| kept.add(&spending));
                    kept
                }
            });
            claims.bound();
        }
        self.claims = claims;
    }
}

impl LiveCall {
    /// What it has spent by an instant, as limits look at it.
    pub(super) fn spends(&self, at: Timestamp) -> Spending<'_> {
        Spending::so_far(self.dimensions(), (self.action(), 1), &self.costs_for(self.begun(at)))
    }

    /// What it has spent more from one instant to another.
    pub(super) fn spends_more(&self, (from, to): (Timestamp, Timestamp)) -> Spending<'_> {
        let (before, mut more) = (self.costs_for(self.begun(from)), self.costs_for(self.begun(to)));
        more.iter_mut().for_each(|(kind, cost)| *cost = cost.minus(of_kind(&before, *kind)));
        Spending::so_far(self.dimensions(), (self.action(), 0), &more)
    }
}

impl Hold {
    /// What it sets aside, as limits look at it.
    pub(in crate::ledger) fn spends(&self) -> Spending<'_> {
        self.spends_beside(false)
    }

    /// The same, less the one call that it is for where that rings and so counts by itself.
    pub(super) fn spends_beside(&self, rings: bool) -> Spending<'_> {
        let quantity = self.quantity.saturating_sub(u64::from(rings));
        Spending::so_far(self.who.dimensions(), (&self.action, quantity), &self.amounts)
    }
}

#[cfg(test)]
mod tests;
