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
    credit_types: &'a BTreeSet<CreditType>,
    rate_cards: Vec<Versions<'a, Card<'a>>>,
    plans: Vec<Versions<'a, PlanVersion<'a>>>,
}

/// The versions of one name, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
struct Versions<'a, T> {
    id: &'a str,
    versions: Vec<T>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
struct Card<'a> {
    version: u32,
    effective_from: String,
    actions: Vec<&'a str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
struct PlanVersion<'a> {
    version: u32,
    effective_from: String,
    rate_card: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    increment: Option<Increment>,
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
