//! The catalog: rate cards and plans by version, shared by all organizations and changed only by entries.
//!
//! A version is in force from an instant on, until the next one. What was published does not change: the same
//! version number with another content is refused, and a new version cannot begin in the past.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::alerts::Rule;
use super::calendar::Every;
use super::calls::CallTerms;
use super::entry::{CatalogCommand, Versioned};
use super::grants::Rollover;
use super::limits::{Limit, PastLimit, Unit};
use super::price::{CreditType, Increment, Price};
use super::refusals::unknown_credit_type;
use super::rejection::{Reason, Rejection};
use super::units::{Credits, Timestamp};

/// A rate card, as a number of the catalog.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CardIndex(u32);

/// A plan, as a number of the catalog.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PlanIndex(u32);

/// All prices of one version of a rate card.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateCard {
    /// The price of each action.
    pub prices: BTreeMap<Box<str>, Price>,
}

/// One version of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The rate card that prices its events.
    pub rate_card: CardIndex,
    /// The billing increment of calls, in place of the rate card's.
    pub increment: Option<Increment>,
    /// What happens when the credits run out.
    pub when_exhausted: WhenExhausted,
    /// When to say that the balance is low.
    pub alerts: Vec<Rule>,
    /// How long a cycle is; nothing is ever reset where there is none.
    pub cycle: Option<Every>,
    /// What a cycle brings, each of another kind of credits, in the order of their names.
    pub allotments: Vec<Allotment>,
    /// What becomes at a reset of what is owed.
    pub overage_at_reset: OverageAtReset,
    /// Whether events count as usage and take nothing.
    pub unmetered: bool,
    /// What each organization on the plan may use, in the order of the names.
    pub limits: Vec<Arc<Limit>>,
    /// What happens to an event past a hard limit.
    pub past_limit: PastLimit,
    /// How live calls spend.
    pub calls: CallTerms,
}

impl Plan {
    /// How far below nothing live calls may take each kind of credits; none where there is no bound.
    #[must_use]
    pub fn overdraft(&self) -> Option<Credits> {
        let by_policy = match self.when_exhausted {
            WhenExhausted::Reject => Some(Credits::ZERO),
            WhenExhausted::Overage => None,
        };
        self.calls.overdraft.or(by_policy)
    }

    /// What a cycle brings of one kind of credits.
    #[must_use]
    pub fn allotment(&self, credit_type: CreditType) -> Option<&Allotment> {
        self.allotments.iter().find(|allotment| allotment.credit_type == credit_type)
    }
}

/// What each cycle brings of one kind of credits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allotment {
    /// The kind.
    pub credit_type: CreditType,
    /// How much; more than nothing.
    pub amount: Credits,
    /// Lower burns first.
    pub priority: u8,
    /// What goes on into the next cycle; nothing where there is none.
    pub rollover: Option<Rollover>,
}

/// What becomes at a reset of what is owed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OverageAtReset {
    /// It stays owed.
    #[default]
    Keep,
    /// It is forgiven.
    Drop,
}

/// What happens to an event that the credits do not cover.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhenExhausted {
    /// It is counted apart and repaid first by the credits that come.
    #[default]
    Overage,
    /// It takes nothing and is rejected.
    Reject,
}

/// The versions of one rate card or plan, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct History<T> {
    /// The name.
    pub id: Box<str>,
    versions: Vec<(Timestamp, T)>,
}

impl<T> History<T> {
    /// The version in force at an instant, with its number.
    #[must_use]
    pub fn at(&self, instant: Timestamp) -> Option<(u32, &T)> {
        let later = self.versions.iter().rev().take_while(|(from, _)| *from > instant).count();
        let number = self.versions.len().checked_sub(later)?;
        let (_, content) = self.versions.get(number.checked_sub(1)?)?;
        Some((u32::try_from(number).unwrap_or(u32::MAX), content))
    }

    /// The version of that number, the first being 1.
    #[must_use]
    pub fn version(&self, number: u32) -> Option<&T> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        self.versions.get(index).map(|(_, content)| content)
    }

    /// The number of the newest version, be it in force or not.
    #[must_use]
    pub fn newest(&self) -> u32 {
        u32::try_from(self.versions.len()).unwrap_or(u32::MAX)
    }

    /// Every version with its number and the instant it is in force from.
    pub fn versions(&self) -> impl Iterator<Item = (u32, Timestamp, &T)> {
        (1..).zip(&self.versions).map(|(number, (from, content))| (number, *from, content))
    }
}

/// The most names of one kind in the catalog.
const MOST_NAMES: usize = 10_000;
/// The most versions of one name.
const MOST_VERSIONS: usize = 10_000;

/// Rate cards, plans and the kinds of credits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalog {
    credit_types: BTreeSet<CreditType>,
    cards: Vec<History<RateCard>>,
    plans: Vec<History<Plan>>,
}

impl Default for Catalog {
    fn default() -> Self {
        Catalog { credit_types: [CreditType::default()].into(), cards: Vec::new(), plans: Vec::new() }
    }
}

impl Catalog {
    /// Takes a command over, or refuses it without a change.
    ///
    /// # Errors
    /// [`Reason::Conflict`] for another content under a version that is already published, or a gap in the numbers;
    /// [`Reason::InvalidField`] for a start in the past or an alert about a kind of credits that nothing is priced in;
    /// [`Reason::UnknownRateCard`] for a plan whose rate card is unknown.
    pub fn apply(&mut self, command: CatalogCommand, at: Timestamp) -> Result<(), Rejection> {
        match command {
            CatalogCommand::PutRateCard(card) => {
                let kinds: Vec<CreditType> =
                    card.content.prices.values().map(|price| price.credit_type).collect();
                put(&mut self.cards, card, at, "rate card")?;
                self.credit_types.extend(kinds);
                Ok(())
            }
            CatalogCommand::PutPlan(mut plan, card) => {
                let Some(index) = find(&self.cards, &card) else {
                    return Err(unknown_card(&card, &self.cards));
                };
                self.knows_kinds_of(&plan.content.alerts)?;
                plan.content.allotments.iter().try_for_each(|allotment| self.knows(allotment.credit_type))?;
                plan.content.limits.iter().try_for_each(|limit| self.knows_kind_of(limit))?;
                plan.content.rate_card = CardIndex(index);
                put(&mut self.plans, plan, at, "plan")
            }
        }
    }

    /// All kinds of credits: `credits`, and those that a rate card ever had a price in.
    #[must_use]
    pub fn credit_types(&self) -> &BTreeSet<CreditType> {
        &self.credit_types
    }

    /// Whether something has a price in this kind of credits; if nothing has, the name is taken for a misspelt one.
    ///
    /// # Errors
    /// [`Reason::InvalidField`] for a kind that no rate card ever had a price in.
    pub fn knows(&self, credit_type: CreditType) -> Result<(), Rejection> {
        if self.credit_types.contains(&credit_type) {
            return Ok(());
        }
        Err(unknown_credit_type(credit_type, &self.credit_types))
    }

    /// Whether the kind of credits that a limit counts is known.
    pub(super) fn knows_kind_of(&self, limit: &Limit) -> Result<(), Rejection> {
        match limit.unit {
            Unit::Credits(credit_type) => self.knows(credit_type),
            Unit::Quantity => Ok(()),
        }
    }

    /// Whether all kinds of credits that alert rules name are known.
    pub(super) fn knows_kinds_of(&self, rules: &[Rule]) -> Result<(), Rejection> {
        rules.iter().filter_map(|rule| rule.credit_type).try_for_each(|kind| self.knows(kind))
    }

    /// The number of a plan.
    #[must_use]
    pub fn plan_index(&self, id: &str) -> Option<PlanIndex> {
        find(&self.plans, id).map(PlanIndex)
    }

    /// A plan's versions.
    #[must_use]
    pub fn plan(&self, index: PlanIndex) -> Option<&History<Plan>> {
        self.plans.get(usize::try_from(index.0).ok()?)
    }

    /// A rate card's versions.
    #[must_use]
    pub fn card(&self, index: CardIndex) -> Option<&History<RateCard>> {
        self.cards.get(usize::try_from(index.0).ok()?)
    }

    /// All plans.
    #[must_use]
    pub fn plans(&self) -> &[History<Plan>] {
        &self.plans
    }

    /// All rate cards.
    #[must_use]
    pub fn cards(&self) -> &[History<RateCard>] {
        &self.cards
    }
}

fn find<T>(all: &[History<T>], id: &str) -> Option<u32> {
    all.iter().position(|history| &*history.id == id).and_then(|index| u32::try_from(index).ok())
}

fn put<T: PartialEq>(
    all: &mut Vec<History<T>>,
    new: Versioned<T>,
    at: Timestamp,
    kind: &str,
) -> Result<(), Rejection> {
    let Versioned { id, version, effective_from, content } = new;
    let Some(history) = all.iter_mut().find(|history| history.id == id) else {
        if version != 1 {
            return Err(gap(kind, &id, version, 1));
        }
        if all.len() >= MOST_NAMES {
            return Err(Rejection::new(
                Reason::TooMany,
                "id",
                format!("there are {MOST_NAMES} already: {kind}s"),
            ));
        }
        all.push(History { id, versions: vec![(Timestamp::MIN, content)] });
        return Ok(());
    };
    let index = usize::try_from(version).unwrap_or(usize::MAX).saturating_sub(1);
    if let Some((from, published)) = history.versions.get(index) {
        let same_start = index == 0 || effective_from.is_none_or(|wanted| wanted == *from);
        if *published == content && same_start && version > 0 {
            return Ok(());
        }
        return Err(Rejection::new(
            Reason::Conflict,
            "version",
            format!(
                "{kind} {id:?} version {version} is published with another content; publish a new version"
            ),
        ));
    }
    let next = history.versions.len();
    if index != next {
        return Err(gap(kind, &id, version, next.saturating_add(1)));
    }
    if next >= MOST_VERSIONS {
        return Err(Rejection::new(
            Reason::TooMany,
            "version",
            format!("{kind} {id:?} has {MOST_VERSIONS} versions"),
        ));
    }
    let last = history.versions.last().map_or(Timestamp::MIN, |(from, _)| *from);
    let from = effective_from.unwrap_or(at);
    if from < at || from < last {
        let why = format!(
            "{kind} {id:?} version {version} cannot be in force before the log's time or its predecessor; what was charged stays: choose a later effective_from or correct by a void"
        );
        return Err(Rejection::new(Reason::InvalidField, "effective_from", why));
    }
    history.versions.push((from, content));
    Ok(())
}

fn gap(kind: &str, id: &str, version: u32, next: usize) -> Rejection {
    let why = format!("{kind} {id:?} version {version} leaves a gap; the next version is {next}");
    Rejection::new(Reason::Conflict, "version", why)
}

fn unknown_card(card: &str, cards: &[History<RateCard>]) -> Rejection {
    let known: Vec<&str> = cards.iter().map(|history| &*history.id).take(20).collect();
    let why = format!("there is no rate card {card:?}; publish it first (known: {})", known.join(", "));
    Rejection::new(Reason::UnknownRateCard, "rate_card", why)
}

#[cfg(test)]
mod tests;
