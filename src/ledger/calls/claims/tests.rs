//! Claims that are kept, and claims that are too many.

use super::*;
use crate::ledger::entry::Dimensions;
use crate::ledger::limits::{Field, On, Part, Unit, Window};

fn limit(id: &str, parts: Vec<Part>) -> Arc<Limit> {
    let (on, max) = (On::new(parts).unwrap(), Measure::of_quantity(1));
    Arc::new(Limit { id: id.into(), on, unit: Unit::Quantity, max, window: Window::Day, hard: true })
}

fn each_user() -> Arc<Limit> {
    limit("each-user", vec![Part { field: Field::User, value: None }])
}

fn one_of(user: &str) -> Spending<'_> {
    let dimensions = Dimensions { user: Some(user), ..Dimensions::default() };
    Spending::so_far(dimensions, ("phone_call", 1), &[].into_iter().collect())
}

fn keeping(limits: [Arc<Limit>; 2]) -> Claims {
    let mut calls = Calls::default();
    calls.keep_claims(limits.to_vec(), RulesVersion::default());
    calls.claims
}

#[test]
fn sums_are_kept_by_value_for_as_long_as_something_is_claimed() {
    let (each, all) = (each_user(), limit("all", vec![]));
    let mut claims = keeping([Arc::clone(&each), Arc::clone(&all)]);
    for user in ["ann", "ben", "ann"] {
        claims.add(|| one_of(user));
    }
    let sums = |claims: &Claims| {
        (claims.sum(&each, "ann"), claims.sum(&each, "ben"), claims.sum(&each, "cem"), claims.sum(&all, ""))
    };
    assert_eq!(sums(&claims), (Some(2), Some(1), Some(0), Some(3)));
    claims.take_off(|| one_of("ben"));
    assert_eq!(sums(&claims), (Some(2), Some(0), Some(0), Some(2)));
    assert_eq!(
        claims.kept[0].sums.as_ref().map(BTreeMap::len),
        Some(1),
        "nothing is kept of who claims nothing"
    );
}

#[test]
fn limits_that_count_the_same_share_their_sums() {
    let a_week = Arc::new(Limit { id: "other".into(), window: Window::Week, ..(*each_user()).clone() });
    let mut claims = keeping([each_user(), Arc::clone(&a_week)]);
    claims.add(|| one_of("ann"));
    assert_eq!((claims.kept.len(), claims.sum(&a_week, "ann")), (1, Some(1)));
}

#[test]
fn where_sums_are_too_many_those_of_the_limit_with_most_values_are_let_go_of() {
    let (each, all) = (each_user(), limit("all", vec![]));
    let mut claims = keeping([Arc::clone(&each), Arc::clone(&all)]);
    // One sum is that of all.
    for user in 1..MOST_SUMS {
        let user = user.to_string();
        claims.add(|| one_of(&user));
    }
    assert_eq!(claims.sum(&each, "1"), Some(1));
    claims.add(|| one_of("one more"));
    assert_eq!(
        (claims.sum(&each, "1"), claims.sum(&all, "")),
        (None, Some(u128::try_from(MOST_SUMS).unwrap()))
    );
}
