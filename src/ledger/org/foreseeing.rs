//! What is burnt, and what will become of the credits if that goes on.

use super::Org;
use super::cycles::{Period, plan_of};
use crate::ledger::burn::Rate;
use crate::ledger::calendar::Zone;
use crate::ledger::catalog::{Catalog, Plan};
use crate::ledger::forecast::{Ahead, Forecast, LONGEST, MOST_LOOKS, Reset, forecast};
use crate::ledger::grants::Pool;
use crate::ledger::price::CreditType;
use crate::ledger::terms::{Terms, plan_at};
use crate::ledger::units::Credits;

/// The burn of one kind of credits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Burnt {
    /// The kind.
    pub credit_type: CreditType,
    /// What was burnt in the last whole hours before the running one: at most 24, and no more than there were.
    pub lately: Rate,
    /// What was burnt in the running hour so far. Negative where more was given back.
    pub running: Credits,
}

impl Org {
    /// What is burnt of each kind of credits at the instant it stands at.
    pub fn burnt(&self) -> impl Iterator<Item = Burnt> {
        self.balances.iter().map(|balance| {
            let (lately, running) = balance.burnt(self.at);
            Burnt { credit_type: balance.pool.credit_type, lately, running }
        })
    }

    /// What will become of each kind of credits from the instant on that it stands at, with the rate at which they are burnt.
    #[must_use]
    pub fn forecasts(&self, catalog: &Catalog) -> Vec<(&Pool, Option<Rate>, Forecast)> {
        let ahead = ahead(self.period.as_deref(), &self.terms, catalog);
        let of_each = self.balances.iter().map(|balance| {
            let rate = balance.burn.rate(self.at.hour());
            (&balance.pool, rate, forecast(&balance.pool, rate, self.at, &ahead, LONGEST, MOST_LOOKS))
        });
        of_each.collect()
    }
}

/// What lies ahead of an organization's pools.
pub(super) fn ahead<'c>(period: Option<&Period>, terms: &[Terms], catalog: &'c Catalog) -> Ahead<'c> {
    let reset = period.and_then(|period| {
        let cycle = period.running?;
        let plan = plan_of(&cycle, catalog).filter(|_| goes_on(period, terms, catalog));
        Some(Reset { at: cycle.end, number: cycle.number, plan })
    });
    Ahead { zone: period.map_or_else(Zone::default, |period| period.zone.clone()), reset }
}

/// Whether a further cycle follows the running one.
fn goes_on(period: &Period, terms: &[Terms], catalog: &Catalog) -> bool {
    let Some(end) = period.running.map(|cycle| cycle.end) else { return false };
    let plan: Option<&Plan> = match &period.pending {
        Some(pending) => catalog.plan(pending.plan).and_then(|plan| Some(plan.at(end)?.1)),
        None => plan_at(terms, end, catalog).map(|(_, _, plan)| plan),
    };
    plan.is_some_and(|plan| plan.cycle.is_some())
}
