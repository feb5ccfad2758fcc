//! How running calls burn credits, and how long that goes on.

use super::{Org, Timestamp};
use crate::ledger::calls::{Accrual, amount, micros};
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
    /// What they may still take; none where calls are not bounded.
    pub headroom: Option<Credits>,
    /// How many seconds that lasts at this rate; none where it has no end.
    pub seconds_left: Option<u64>,
    /// By how much they may overspend; none where calls are not bounded.
    pub worst_case: Option<Credits>,
}

impl Org {
    /// What its running calls do to each kind of credits, at an instant that is not before its own.
    #[must_use]
    pub fn call_burns(&self, at: Timestamp, catalog: &Catalog) -> Vec<CallBurn> {
        let Some(calls) = self.calls() else { return Vec::new() };
        let overdraft = plan_at(&self.terms, at, catalog).and_then(|(_, _, plan)| plan.overdraft());
        let of_kind = |accrual: &Accrual| {
            let credit_type = accrual.credit_type;
            let level = self
                .pools()
                .find(|pool| pool.credit_type == credit_type)
                .map_or(Credits::ZERO, |pool| pool.level());
            let (pending, held) = (calls.pending(credit_type, at), calls.held(credit_type, at));
            let headroom = overdraft.map(|overdraft| level.plus(overdraft).minus(pending).minus(held));
            CallBurn {
                credit_type,
                running: accrual.calls,
                per_minute: amount(accrual.a_minute),
                pending,
                held,
                headroom,
                seconds_left: headroom.and_then(|headroom| accrual.lasts(micros(headroom))),
                worst_case: headroom.map(|_| amount(accrual.an_increment)),
            }
        };
        calls.accruals().iter().map(of_kind).collect()
    }
}
