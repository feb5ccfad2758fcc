//! An organization's books as they stand.

use std::collections::BTreeMap;

use super::{Fate, Org};
use crate::model::burn::Burn;
use crate::model::cycles::Cycle;
use crate::model::notices::Notice;
use crate::model::report::further::Further;
use crate::model::report::{Balance, CycleReport, GrantReport, LimitAlert, OrgReport};

impl Org {
    /// Its numbers as they stand.
    pub fn report(&self) -> OrgReport {
        OrgReport {
            grants: self.grants.list.iter().map(|grant| (grant.id.clone(), GrantReport::of(grant))).collect(),
            alerts: self.watch.alerts.clone(),
            limit_alerts: self.limits.alerts.clone(),
            movements: self.grants.movements.clone(),
            ..self.sums()
        }
    }

    /// Of the report the sums, the limits and the cycle.
    pub fn sums(&self) -> OrgReport {
        let cycle = self.cycle.as_ref();
        OrgReport {
            credits: self.balances(),
            tally: self.tally,
            limits: self.limits.report(),
            cycle: cycle.map(|Cycle { number, start, end, .. }| CycleReport {
                number: *number,
                start: *start,
                end: *end,
            }),
            ..OrgReport::default()
        }
    }

    /// Its recharges, names and burn as they stand, which are not in the report.
    pub fn further(&self) -> Further {
        let burn = |(kind, burn): (&String, &Burn)| (kind.clone(), burn.report(self.now));
        let pending = self.calls.pending(self.now);
        Further {
            recharges: self.recharges.report(|kind| self.grants.left(kind, &pending), self.now),
            name: self.names.own.clone(),
            names: self.names.report(),
            burn: self.burns.iter().map(burn).collect(),
        }
    }

    /// All alerts raised so far but those of thresholds and limits.
    pub fn notices(&self) -> &[Notice] {
        &self.notices.raised
    }

    /// The ids of all alerts raised so far but the first so many of each list, each threshold by its own; of limits what is
    /// in them. Answers how many there are now, too.
    pub fn ids(&self, first: [usize; 3]) -> (Vec<String>, [usize; 3]) {
        let (low, limits, notices) = (&self.watch.alerts, &self.limits.alerts, &self.notices.raised);
        let thresholds = low[first[0]..].iter().flat_map(|alert| alert.crossed.iter().cloned());
        let limited = limits[first[1]..].iter().map(LimitAlert::short);
        let noticed = notices[first[2]..].iter().map(|notice| notice.id.clone());
        (thresholds.chain(limited).chain(noticed).collect(), [low.len(), limits.len(), notices.len()])
    }

    fn balances(&self) -> BTreeMap<String, Balance> {
        let mut balances: BTreeMap<String, Balance> = BTreeMap::new();
        for grant in &self.grants.list {
            let balance = balances.entry(grant.order.credit_type.clone()).or_default();
            balance.granted += grant.given;
            balance.remaining += grant.remaining;
            balance.consumed += grant.consumed;
            balance.expired += grant.expired;
            balance.voided += grant.voided;
        }
        for (credit_type, sums) in &self.grants.sums {
            let balance = balances.entry(credit_type.clone()).or_default();
            balance.charged = sums.charged;
            balance.overage = sums.overage;
            balance.covered = sums.covered;
            balance.dropped = sums.dropped;
            balance.outstanding = sums.outstanding();
        }
        let pending = self.calls.pending(self.now);
        for (credit_type, cost) in &pending {
            balances.entry(credit_type.clone()).or_default().pending = *cost;
        }
        for (credit_type, balance) in &mut balances {
            balance.available = self.grants.left(credit_type, &pending);
        }
        balances
    }

    /// Every breach of what must hold inside its books, a line each.
    pub fn breaches(&self) -> Vec<String> {
        let charged = self.fates.values().filter_map(|fate| match fate {
            Fate::Charged(_, uses) => Some(uses),
            Fate::Voided | Fate::Swallowed => None,
        });
        let mut lines = self.grants.breaches();
        lines.extend(self.limits.breaches(charged.flatten()));
        lines
    }
}
