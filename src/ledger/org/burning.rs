//! How running calls burn credits, and how long that goes on.

use super::watching::cover;
use super::{Org, Timestamp};
use crate::ledger::calls::{Sum, amount};
use crate::ledger::catalog::Catalog;
use crate::ledger::price::CreditType;
use crate::ledger::terms::plan_at;
use crate::ledger::units::Credits;

/// What running calls do to one kind of credits at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallBurn {
    /// The kind.
    pub credit_type: CreditType,
    /// How many calls are talked that cost such credits.
    pub running: u64,
    /// What they burn a minute.
    pub per_minute: Credits,
    /// What they have cost so far.
    pub pending: Credits,
    /// What is set aside for others.
    pub held: Credits,
    /// What they may still take: those that may take least, where grants pay for some of them only; none where calls are not bounded.
    pub headroom: Option<Credits>,
    /// How many seconds that lasts at their rate, for those for which it ends first; none where it has no end.
    pub seconds_left: Option<u64>,
    /// By how much they may overspend; none where calls are not bounded.
    pub worst_case: Option<Credits>,
}

impl Org {
    /// What its running calls do to each kind of credits, at an instant that is not before its own.
    #[must_use]
    pub fn call_burns(&self, at: Timestamp, catalog: &Catalog) -> Vec<CallBurn> {
        let Some(calls) = self.calls() else { return Vec::new() };
        let plan = plan_at(&self.terms, at, catalog).map(|(_, _, plan)| plan);
        let pool = |kind| self.pool(kind);
        let cover = cover(plan, &pool);
        let of_kind = |sum: &Sum| {
            let credit_type = sum.credit_type;
            let classes = calls.classes(sum, at, &cover);
            let left = || classes.iter().filter_map(|class| Some((class.headroom?, &class.sum)));
            let headroom = left().map(|(headroom, _)| amount(headroom)).min();
            CallBurn {
                credit_type,
                running: sum.calls,
                per_minute: amount(sum.a_minute),
                pending: calls.pending(credit_type, at),
                held: calls.held(credit_type, at),
                headroom,
                seconds_left: left().filter_map(|(headroom, sum)| sum.lasts(headroom)).min(),
                worst_case: headroom.map(|_| amount(sum.an_increment)),
            }
        };
        calls.sums().iter().map(of_kind).collect()
    }
}
