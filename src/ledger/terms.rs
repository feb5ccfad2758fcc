//! Terms: which plan an organization is on, since when, and what it has of its own.

use serde::{Deserialize, Serialize};

use super::balance::{RulesInForce, RulesVersion};
use super::catalog::{Catalog, Plan, PlanIndex};
use super::entry::Overrides;
use super::units::Timestamp;

/// What is agreed with the organization, from an instant on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Terms {
    pub(super) from: Timestamp,
    pub(super) plan: PlanIndex,
    pub(super) overrides: Option<Box<Overrides>>,
}

impl Terms {
    /// Whether the alert rules are the organization's own.
    pub(super) fn has_rules(&self) -> bool {
        self.overrides.as_ref().is_some_and(|own| own.alerts.is_some())
    }
}

/// The most changes of terms that are remembered.
pub(super) const MOST_TERMS: usize = 64;

/// The terms in force at an instant; the first ones have always been.
pub(super) fn terms_at(terms: &[Terms], instant: Timestamp) -> Option<&Terms> {
    terms.iter().rev().find(|terms| terms.from <= instant).or(terms.first())
}

/// The plan in force, with its number and version.
pub(super) fn plan_at<'c>(
    terms: &[Terms],
    at: Timestamp,
    catalog: &'c Catalog,
) -> Option<(PlanIndex, u32, &'c Plan)> {
    let index = terms_at(terms, at)?.plan;
    let (version, plan) = catalog.plan(index)?.at(at)?;
    Some((index, version, plan))
}

/// The alert rules in force: the organization's own, else its plan's.
pub(super) fn rules_in_force<'a>(
    terms: &'a [Terms],
    at: Timestamp,
    catalog: &'a Catalog,
) -> Option<RulesInForce<'a>> {
    let terms = terms_at(terms, at)?;
    let plan = catalog.plan(terms.plan)?;
    let (plan_version, _) = plan.at(at)?;
    let own = terms.overrides.as_ref().and_then(|own| own.alerts.as_deref());
    Some(RulesInForce { version: RulesVersion { terms_from: terms.from, plan_version }, own, plan })
}
