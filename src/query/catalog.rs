//! The catalog as the faces show it: every version of every rate card and plan, without the prices.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use crate::ledger::catalog::{Catalog, WhenExhausted};
use crate::ledger::price::{CreditType, Increment};
use crate::ledger::units::Timestamp;
use crate::wire::time;

/// The catalog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CatalogView<'a> {
    /// Every kind of credits that a price is in.
    credit_types: &'a BTreeSet<CreditType>,
    /// The rate cards, by name.
    rate_cards: Vec<Versions<'a, Card<'a>>>,
    /// The plans, by name.
    plans: Vec<Versions<'a, PlanVersion<'a>>>,
}

/// The versions of one name, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
struct Versions<'a, T> {
    /// Its name.
    id: &'a str,
    /// The versions, oldest first.
    versions: Vec<T>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
struct Card<'a> {
    /// Its number, from 1 on.
    version: u32,
    /// Since when it counts: an instant, or `always`.
    effective_from: String,
    /// What it has a price for.
    actions: Vec<&'a str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
struct PlanVersion<'a> {
    /// Its number, from 1 on.
    version: u32,
    /// Since when it counts: an instant, or `always`.
    effective_from: String,
    /// The rate card, by its name.
    rate_card: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    /// The billing increment, where it has one of its own.
    increment: Option<Increment>,
    /// What happens to an event that the credits do not cover.
    when_exhausted: WhenExhausted,
}

/// Every version of every rate card and plan.
#[must_use]
pub fn catalog(catalog: &Catalog) -> CatalogView<'_> {
    let cards = catalog.cards().iter().map(|card| Versions {
        id: &card.id,
        versions: card
            .versions()
            .map(|(version, from, content)| Card {
                version,
                effective_from: since(from),
                actions: content.prices.keys().map(|action| &**action).collect(),
            })
            .collect(),
    });
    let plans = catalog.plans().iter().map(|plan| Versions {
        id: &plan.id,
        versions: plan
            .versions()
            .map(|(version, from, content)| PlanVersion {
                version,
                effective_from: since(from),
                rate_card: catalog.card(content.rate_card).map(|card| &*card.id),
                increment: content.increment,
                when_exhausted: content.when_exhausted,
            })
            .collect(),
    });
    CatalogView { credit_types: catalog.credit_types(), rate_cards: cards.collect(), plans: plans.collect() }
}

/// A first version may be in force from the beginning.
fn since(from: Timestamp) -> String {
    if from == Timestamp::MIN { "always".to_owned() } else { time::format(from) }
}
