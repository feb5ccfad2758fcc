//! What running calls may still take: of each kind of credits, and of the grants that pay for them.
//!
//! What is pending and held is not charged yet. It is reckoned as if it were charged now, so that what a grant with a scope pays for is no
//! burden to calls that it does not pay for, and its credits are none of theirs.

use std::collections::{BTreeMap, BTreeSet};

use smallvec::SmallVec;

use super::accrual::{amount, micros};
use super::sums::{Mark, Sum, Sums};
use super::{Calls, LiveCall};
use crate::ledger::entry::LONGEST_CALL;
use crate::ledger::grants::{Payers, Pool, Purpose};
use crate::ledger::price::CreditType;
use crate::ledger::units::{Credits, EventId, Millis, Timestamp};

/// What calls may take at an instant.
pub(in crate::ledger) struct Cover<'a> {
    /// The pool of a kind of credits, where there is one.
    pub(in crate::ledger) pool: &'a dyn Fn(CreditType) -> Option<&'a Pool>,
    /// How far below nothing they may take each kind; none where there is no bound.
    pub(in crate::ledger) overdraft: Option<Credits>,
    /// So long before their end calls are warned.
    pub(in crate::ledger) lead: Millis,
}

/// Running calls whose credits of one kind come from the same grants.
pub(in crate::ledger) struct Class {
    /// What they spend together.
    pub(in crate::ledger) sum: Sum,
    /// What they may still take; none where there is no bound.
    pub(in crate::ledger) headroom: Option<i128>,
    /// What they spend it on; none where that makes no difference.
    marks: Option<BTreeSet<Mark>>,
}

/// What is spent of one kind of credits and not charged yet, by what it is spent on.
#[derive(Default)]
pub(in crate::ledger) struct Spent<'a>(BTreeMap<Mark, (Purpose<'a>, i128)>);

impl<'a> Spent<'a> {
    /// What is pending, and what is held.
    fn of(pending: &'a Sums, held: &'a Sums, credit_type: CreditType) -> Spent<'a> {
        let mut spent = Spent::default();
        for (mark, purpose, sum) in pending.by_purpose(credit_type).chain(held.by_purpose(credit_type)) {
            spent.put(mark, purpose, sum.cost);
        }
        spent
    }

    pub(in crate::ledger) fn add(&mut self, purpose: Purpose<'a>, more: i128) {
        self.put(Mark::of(&purpose), purpose, more);
    }

    fn put(&mut self, mark: Mark, purpose: Purpose<'a>, more: i128) {
        let (_, sum) = self.0.entry(mark).or_insert((purpose, 0));
        *sum = sum.saturating_add(more);
    }

    /// What a pool would be if all of it were charged now.
    pub(in crate::ledger) fn charged_to(self, pool: &Pool) -> Pool {
        let spent = self.0.into_values().filter(|(_, sum)| *sum > 0);
        pool.after_widest(spent.map(|(purpose, sum)| (purpose, amount(sum))).collect())
    }
}

impl Class {
    /// Whether what is spent on that comes from these grants.
    pub(super) fn is_of(&self, mark: Mark) -> bool {
        self.marks.as_ref().is_none_or(|marks| marks.contains(&mark))
    }

    /// Whether a call is one of them.
    pub(super) fn has(&self, call: &LiveCall) -> bool {
        let mut of_kind = call.lines().filter(|(_, line)| line.credit_type == self.sum.credit_type);
        of_kind.any(|(purpose, _)| self.marks.is_none() || self.is_of(Mark::of(&purpose)))
    }

    /// Whether they cost nothing.
    pub(super) fn is_free(&self) -> bool {
        self.sum.cost == 0 && self.sum.a_minute == 0
    }
}

impl Cover<'_> {
    /// What running calls use up in the time before their end at which they are warned.
    pub(super) fn needed(&self, sum: &Sum) -> i128 {
        sum.a_minute.saturating_mul(i128::from(self.lead.0)).div_euclid(60_000)
    }

    /// The first kind of credits that a call costs of which more is spent than what pays for it covers, and on what.
    pub(super) fn uncovered(
        &self,
        call: &LiveCall,
        pending: &Sums,
        held: &Sums,
    ) -> Option<(CreditType, Mark)> {
        let mut costly = call.lines().filter(|(_, line)| line.cost_of(LONGEST_CALL) > Credits::ZERO);
        costly.find_map(|(purpose, line)| {
            let kind = line.credit_type;
            self.is_short(kind, purpose, pending, held).then(|| (kind, Mark::of(&purpose)))
        })
    }

    fn is_short(&self, kind: CreditType, purpose: Purpose<'_>, pending: &Sums, held: &Sums) -> bool {
        let Some(overdraft) = self.overdraft else { return false };
        let pool = (self.pool)(kind);
        let spent = [pending, held].into_iter().filter_map(|sums| sums.kind(kind));
        let spent = spent.fold(0, |all: i128, sum| all.saturating_add(sum.cost));
        // Even if all of it came out of what pays for this.
        let level = pool.map_or(Credits::ZERO, |pool| pool.level_for(purpose));
        let at_worst = bound(level, overdraft).saturating_sub(spent);
        match pool.filter(|pool| at_worst < 0 && pool.is_scoped()) {
            Some(pool) => {
                let after = Spent::of(pending, held, kind).charged_to(pool);
                bound(after.level_for(purpose), overdraft) < 0
            }
            None => at_worst < 0,
        }
    }
}

/// What may be taken of a level that may fall so far below nothing.
fn bound(level: Credits, overdraft: Credits) -> i128 {
    micros(level).saturating_add(micros(overdraft))
}

impl Calls {
    /// What is pending and held of one kind of credits at an instant, without what is held under some identities.
    pub(in crate::ledger) fn spent(
        &self,
        credit_type: CreditType,
        at: Timestamp,
        but: &[EventId],
    ) -> Spent<'_> {
        let mut spent = Spent::of(self.accruals.sums(), self.holds.sums(), credit_type);
        let since = self.accruals.since(at, &self.live).filter(|(_, kind, _)| *kind == credit_type);
        since.for_each(|(purpose, _, more)| spent.add(purpose, more));
        let left_out = but.iter().filter_map(|key| self.holds.get(*key)).filter(|hold| hold.until > at);
        for hold in self.holds.gone(at).chain(left_out) {
            spent.add(hold.purpose(), micros(hold.amount(credit_type)).saturating_neg());
        }
        spent
    }

    /// The running calls that cost one kind of credits, by who pays for them, and what they may still take at an instant.
    pub(in crate::ledger) fn classes(
        &self,
        sum: &Sum,
        at: Timestamp,
        cover: &Cover<'_>,
    ) -> SmallVec<[Class; 1]> {
        let kind = sum.credit_type;
        let all = |headroom| std::iter::once(Class { sum: *sum, headroom, marks: None }).collect();
        let Some(overdraft) = cover.overdraft else { return all(None) };
        let pool = (cover.pool)(kind);
        let Some(pool) = pool.filter(|pool| pool.is_scoped()) else {
            let level = bound(pool.map_or(Credits::ZERO, Pool::level), overdraft);
            let pending = self.accruals.cost_at(kind, at, &self.live);
            return all(Some(level.saturating_sub(pending).saturating_sub(self.holds.sum_at(kind, at))));
        };
        let after = self.spent(kind, at, &[]).charged_to(pool);
        let mut classes: BTreeMap<Payers, Class> = BTreeMap::new();
        for (mark, purpose, share) in self.accruals.sums().by_purpose(kind) {
            let class = classes.entry(pool.payers(purpose)).or_insert_with(|| Class {
                sum: Sum::nothing(kind),
                headroom: Some(bound(after.level_for(purpose), overdraft)),
                marks: None,
            });
            class.sum.add(share);
            class.marks.get_or_insert_default().insert(mark);
        }
        classes.into_values().collect()
    }
}
