//! Versions: in order, never changed, never in the past.
#![expect(clippy::arithmetic_side_effects, reason = "small numbers, written out")]

use super::*;
use crate::ledger::alerts::Threshold;
use crate::ledger::price::Tariff;
use crate::ledger::units::Credits;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

fn card(version: u32, from: Option<i64>, price: i64) -> CatalogCommand {
    let price =
        Price { credit_type: CreditType::default(), tariff: Tariff::PerAction(Credits::from_micros(price)) };
    let content = RateCard { prices: [("it".into(), price)].into() };
    let effective_from = from.map(at);
    CatalogCommand::PutRateCard(Versioned { id: "card".into(), version, effective_from, content })
}

fn plan(id: &str, card: &str, alerts: Vec<Rule>) -> CatalogCommand {
    let content = Plan { alerts, ..Plan::default() };
    CatalogCommand::PutPlan(
        Versioned { id: id.into(), version: 1, effective_from: None, content },
        card.into(),
    )
}

fn reason(result: Result<(), Rejection>) -> Option<Reason> {
    result.err().map(|rejection| rejection.reason)
}

#[test]
fn the_first_version_is_1_and_has_always_been_in_force() {
    let mut catalog = Catalog::default();
    assert_eq!(reason(catalog.apply(card(2, None, 1), at(5))), Some(Reason::Conflict));
    assert!(catalog.cards().is_empty());
    catalog.apply(card(1, Some(100), 1), at(5)).unwrap();
    let [history] = catalog.cards() else { panic!("one card") };
    assert_eq!(history.at(Timestamp::MIN).map(|(version, _)| version), Some(1));
}

#[test]
fn a_later_version_counts_from_its_own_instant() {
    let mut catalog = Catalog::default();
    catalog.apply(card(1, None, 1), at(5)).unwrap();
    catalog.apply(card(2, Some(50), 2), at(10)).unwrap();
    catalog.apply(card(3, Some(50), 3), at(20)).unwrap();
    let version = |seconds| catalog.cards()[0].at(at(seconds)).map(|(version, _)| version);
    assert_eq!((version(0), version(49), version(50)), (Some(1), Some(1), Some(3)));
    assert_eq!(catalog.cards()[0].version(2), catalog.cards()[0].versions().nth(1).map(|(_, _, card)| card));
    assert_eq!((catalog.cards()[0].version(0), catalog.cards()[0].version(4)), (None, None));
}

#[test]
fn what_was_published_does_not_change() {
    let mut catalog = Catalog::default();
    catalog.apply(card(1, None, 1), at(5)).unwrap();
    catalog.apply(card(2, Some(50), 2), at(10)).unwrap();
    let before = catalog.clone();
    for same in [card(1, None, 1), card(1, Some(7), 1), card(2, Some(50), 2), card(2, None, 2)] {
        catalog.apply(same, at(60)).unwrap();
    }
    let refused = [
        (card(1, None, 9), Reason::Conflict),
        (card(2, Some(51), 2), Reason::Conflict),
        (card(4, None, 4), Reason::Conflict),
        (card(0, None, 1), Reason::Conflict),
        (card(3, Some(59), 3), Reason::InvalidField),
        (card(3, Some(49), 3), Reason::InvalidField),
    ];
    for (command, expected) in refused {
        assert_eq!(reason(catalog.apply(command.clone(), at(60))), Some(expected), "{command:?}");
    }
    assert_eq!(catalog, before);
}

#[test]
fn a_version_never_overtakes_the_one_before_it() {
    let mut catalog = Catalog::default();
    catalog.apply(card(1, None, 1), at(5)).unwrap();
    catalog.apply(card(2, Some(50), 2), at(10)).unwrap();
    assert_eq!(reason(catalog.apply(card(3, Some(49), 3), at(20))), Some(Reason::InvalidField));
    assert_eq!(
        reason(catalog.apply(card(3, None, 3), at(20))),
        Some(Reason::InvalidField),
        "now is too early"
    );
}

#[test]
fn a_plan_needs_its_card_and_rules_about_known_credits() {
    let mut catalog = Catalog::default();
    assert_eq!(reason(catalog.apply(plan("p", "card", vec![]), at(0))), Some(Reason::UnknownRateCard));
    catalog.apply(card(1, None, 1), at(0)).unwrap();
    let about = |name| Rule::below(Threshold::Percent(5), CreditType::new(name));
    let misspelt = plan("p", "card", vec![about("creditz")]);
    assert_eq!(reason(catalog.apply(misspelt, at(0))), Some(Reason::InvalidField));
    assert_eq!(catalog.plan_index("p"), None);
    catalog.apply(plan("p", "card", vec![about("credits")]), at(0)).unwrap();
    assert!(catalog.plan_index("p").is_some());
}
