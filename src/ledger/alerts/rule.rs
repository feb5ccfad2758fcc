//! Rules: when an alert is raised, as a plan or an organization states it.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::Threshold;
use crate::ledger::price::CreditType;
use crate::ledger::units::{Credits, Millis};

/// When to raise an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rule {
    /// What is watched for.
    pub when: When,
    /// The kind of credits it is about; without one each kind, an amount only the usual one. A cycle has none.
    pub credit_type: Option<CreditType>,
}

/// What a rule watches for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum When {
    /// The available credits fall to a threshold.
    Below(Threshold),
    /// A grant that still holds something ends soon.
    ExpiresWithin(Days),
    /// At the rate of now the credits run out soon.
    RunsOutWithin(Hours),
    /// An hour burns far more than usual.
    Spike(Spike),
    /// A cycle ended and the next began.
    CycleReset,
}

/// So many days of 24 hours each, from 1 to [`Days::MOST`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Days(pub u16);

/// So many hours, from 1 to [`Hours::MOST`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Hours(pub u16);

/// Far more than usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Spike {
    /// More than so many percent of the usual hour, from [`Spike::LEAST`] to [`Spike::MOST`].
    pub percent: u16,
    /// And no less than so much.
    pub at_least: Credits,
}

impl Days {
    /// A leap year.
    pub const MOST: u16 = 366;

    /// The span.
    #[must_use]
    pub fn span(self) -> Millis {
        Millis::days(u32::from(self.0))
    }
}

impl Hours {
    /// A leap year.
    pub const MOST: u16 = 8_784;

    /// The span.
    #[must_use]
    pub fn span(self) -> Millis {
        Millis(u64::from(self.0).saturating_mul(3_600_000))
    }
}

impl Spike {
    /// Anything less is no more than usual.
    pub const LEAST: u16 = 101;
    /// A hundred times the usual.
    pub const MOST: u16 = 10_000;
}

/// The most rules of a plan or an organization.
pub const MOST_RULES: usize = 32;

/// The thresholds of one kind of credits, worst first, each once.
pub type Thresholds = SmallVec<[Threshold; 4]>;

impl Rule {
    /// A threshold for what is available.
    #[must_use]
    pub const fn below(threshold: Threshold, credit_type: Option<CreditType>) -> Rule {
        Rule { when: When::Below(threshold), credit_type }
    }

    /// The rules of a plan that has none of its own: 60 %, 30 %, 10 % and nothing left.
    #[must_use]
    pub fn defaults() -> Vec<Rule> {
        [60, 30, 10, 0].map(|p| Rule::below(Threshold::Percent(p), None)).into()
    }

    /// Whether the rule is about this kind of credits.
    #[must_use]
    pub fn concerns(&self, credit_type: CreditType) -> bool {
        match (self.credit_type, self.when) {
            (_, When::CycleReset) => false,
            (Some(own), _) => own == credit_type,
            (None, When::Below(Threshold::Amount(_))) => credit_type == CreditType::default(),
            (None, _) => true,
        }
    }

    /// Whether it is about the end of grants.
    #[must_use]
    pub fn is_of_ends(&self) -> bool {
        matches!(self.when, When::ExpiresWithin(_))
    }
}

/// What rules say about one kind of credits, as far as `of` picks it: in order, each once.
fn pick<T: Ord>(rules: &[Rule], credit_type: CreditType, of: impl Fn(When) -> Option<T>) -> SmallVec<[T; 4]> {
    let concerned = rules.iter().filter(|rule| rule.concerns(credit_type));
    let mut picked: SmallVec<[T; 4]> = concerned.filter_map(|rule| of(rule.when)).take(MOST_RULES).collect();
    picked.sort_unstable();
    picked.dedup();
    picked
}

/// The thresholds that rules set for one kind of credits.
#[must_use]
pub fn thresholds(rules: &[Rule], credit_type: CreditType) -> Thresholds {
    pick(rules, credit_type, |when| if let When::Below(threshold) = when { Some(threshold) } else { None })
}

/// How long before the end of a grant of one kind of credits rules want to be told of it.
pub(in crate::ledger) fn days(rules: &[Rule], credit_type: CreditType) -> SmallVec<[Days; 4]> {
    pick(rules, credit_type, |when| if let When::ExpiresWithin(days) = when { Some(days) } else { None })
}

/// How long before credits of one kind run out rules want to be told of it.
pub(in crate::ledger) fn hours(rules: &[Rule], credit_type: CreditType) -> SmallVec<[Hours; 4]> {
    pick(rules, credit_type, |when| if let When::RunsOutWithin(hours) = when { Some(hours) } else { None })
}

/// What is far more than usual of one kind of credits. Of several with the same percentage the one that rings first counts.
pub(in crate::ledger) fn spikes(rules: &[Rule], credit_type: CreditType) -> SmallVec<[Spike; 4]> {
    let of = |when| if let When::Spike(spike) = when { Some(spike) } else { None };
    let mut spikes: SmallVec<[Spike; 4]> = pick(rules, credit_type, of);
    spikes.dedup_by_key(|spike| spike.percent);
    spikes
}

/// Whether rules want to be told of resets.
pub(in crate::ledger) fn watch_resets(rules: &[Rule]) -> bool {
    rules.iter().any(|rule| rule.when == When::CycleReset)
}
