//! Who pays, in which order, and who gets back.
#![expect(clippy::arithmetic_side_effects, reason = "small numbers, written out")]

use smallvec::SmallVec;

use super::*;
use crate::ledger::calendar::Zone;
use crate::ledger::charge::{Draw, Source};
use crate::ledger::effect::Effect;

const HOUR: i64 = 3_600_000_000;

fn at(hours: i64) -> Timestamp {
    Timestamp::from_micros(hours * HOUR)
}

fn credits(n: i64) -> Credits {
    Credits::from_micros(n * 1_000_000)
}

/// A pool whose grants are named by their place, each of so many credits, changed by `with`.
fn pool(amounts: &[i64], with: impl Fn(usize, &mut Grant)) -> Pool {
    let mut pool = Pool::new(CreditType::default());
    for (place, amount) in amounts.iter().enumerate() {
        let mut grant = Grant {
            created: Position { seq: place as u64, item: 0 },
            serial: 0,
            kind: GrantKind::Purchased,
            priority: 100,
            phase: Phase::Ahead,
            origin: Origin::AtOnce,
            effective: at(0),
            expires: Timestamp::MAX,
            amount: credits(*amount),
            remaining: credits(*amount),
            covered: Credits::ZERO,
            details: Some(Box::new(Details { id: Some(place.to_string().into()), ..Details::default() })),
        };
        with(place, &mut grant);
        booked(at(0), |booking| pool.add(grant, Credits::ZERO, booking));
    }
    pass(&mut pool, at(0));
    pool
}

fn booked<T>(at: Timestamp, change: impl FnOnce(&mut Booking<'_>) -> T) -> T {
    change(&mut Booking { at, note: None, out: &mut Vec::<Effect>::new() })
}

/// Lets time pass as an organization does, instant by instant. Answers the last one at which something was due.
fn pass(pool: &mut Pool, to: Timestamp) -> Option<Timestamp> {
    let mut last = None;
    while pool.next_change() <= to {
        let instant = pool.next_change();
        last = Some(instant);
        booked(instant, |booking| {
            pool.end(instant, None, booking);
            pool.refill(instant, &Zone::default(), booking);
            pool.start(instant, &Zone::default());
            pool.settle(booking);
        });
    }
    last
}

fn give_back(pool: &mut Pool, draws: &[Draw]) {
    booked(at(0), |booking| pool.give_back(draws, &mut SmallVec::new(), booking));
}

fn take(pool: &mut Pool, amount: i64) -> SmallVec<[Draw; 2]> {
    let mut draws = SmallVec::new();
    pool.take(credits(amount), Purpose::default(), &mut draws);
    draws
}

/// What is left in each grant, by name.
fn left(pool: &Pool) -> Vec<String> {
    let mut left: Vec<String> =
        pool.grants().iter().map(|g| format!("{}:{}", g.name(pool.credit_type), g.remaining)).collect();
    left.sort();
    left
}

/// The names of the grants in the order in which they burn.
fn order(pool: &Pool) -> String {
    pool.grants().iter().map(|g| g.name(pool.credit_type)).collect()
}

#[test]
fn the_lower_priority_burns_first() {
    assert_eq!(order(&pool(&[1, 1, 1], |n, grant| grant.priority = [7, 0, 3][n])), "120");
}

#[test]
fn of_one_priority_the_plan_burns_before_gifts_and_gifts_before_what_was_bought() {
    let kinds = [GrantKind::Purchased, GrantKind::Bonus, GrantKind::Plan];
    assert_eq!(order(&pool(&[1, 1, 1], |n, grant| grant.kind = kinds[n])), "210");
}

#[test]
fn of_one_kind_the_earliest_expiry_burns_first_and_none_last() {
    let ends = [Timestamp::MAX, at(9), at(4)];
    assert_eq!(order(&pool(&[1, 1, 1], |n, grant| grant.expires = ends[n])), "210");
}

#[test]
fn of_one_expiry_the_first_created_burns_first() {
    assert_eq!(order(&pool(&[1, 1, 1], |_, _| ())), "012");
}

#[test]
fn a_charge_runs_over_from_one_grant_into_the_next_and_then_into_overage() {
    let mut pool = pool(&[5, 3], |_, _| ());
    let draws = take(&mut pool, 10);
    let parts: Vec<_> = draws.iter().map(|draw| (draw.from, draw.amount)).collect();
    let expected =
        [(Source::Grant(0), credits(5)), (Source::Grant(1), credits(3)), (Source::Overage, credits(2))];
    assert_eq!(parts, expected);
    assert_eq!((pool.level(), pool.usable(), pool.totals().owed()), (credits(-2), credits(0), credits(2)));
}

#[test]
fn what_is_owed_is_repaid_by_the_next_grant_and_by_one_that_starts() {
    let mut pool = pool(&[1, 5, 5], |n, grant| grant.effective = at([0, 2, 1][n]));
    take(&mut pool, 8);
    assert_eq!(pool.level(), credits(-7));
    pass(&mut pool, at(1));
    assert_eq!(
        (left(&pool), pool.totals().owed()),
        (vec!["0:0".into(), "1:5".into(), "2:0".into()], credits(2))
    );
    pass(&mut pool, at(2));
    assert_eq!(
        (left(&pool), pool.totals().owed()),
        (vec!["0:0".into(), "1:3".into(), "2:0".into()], credits(0))
    );
    assert_eq!(pool.totals().covered, credits(7));
}

#[test]
fn at_one_instant_grants_end_before_others_start() {
    let mut pool = pool(&[5, 5], |n, grant| {
        (grant.effective, grant.expires) = [(at(0), at(3)), (at(3), Timestamp::MAX)][n];
    });
    take(&mut pool, 1);
    assert_eq!(pass(&mut pool, at(9)), Some(at(3)));
    assert_eq!((pool.usable(), pool.base(), pool.totals().expired), (credits(5), credits(5), credits(4)));
    assert_eq!(pass(&mut pool, at(9)), None);
}

#[test]
fn a_void_gives_back_to_the_grant_drawn_last_first() {
    let mut pool = pool(&[5, 5], |_, _| ());
    let first = take(&mut pool, 7);
    take(&mut pool, 2);
    assert_eq!(left(&pool), ["0:0", "1:1"]);
    give_back(&mut pool, &first);
    assert_eq!(left(&pool), ["0:5", "1:3"]);
    assert_eq!((pool.totals().charged, pool.totals().consumed), (credits(2), credits(2)));
}

#[test]
fn a_void_into_an_ended_grant_expires_at_once() {
    let mut pool = pool(&[5], |_, grant| grant.expires = at(1));
    let draws = take(&mut pool, 4);
    pass(&mut pool, at(1));
    give_back(&mut pool, &draws);
    assert_eq!(
        (pool.usable(), pool.totals().expired, pool.totals().consumed),
        (credits(0), credits(5), credits(0))
    );
}

#[test]
fn overage_that_did_not_count_is_forgiven_before_what_was_repaid_flows_back() {
    let mut pool = pool(&[1, 2, 2], |n, grant| grant.effective = at([0, 1, 2][n]));
    let draws = take(&mut pool, 9);
    pass(&mut pool, at(2));
    // Eight were owed; the grants that came repaid two each.
    assert_eq!((pool.totals().covered, pool.totals().owed()), (credits(4), credits(4)));
    give_back(&mut pool, &draws);
    assert_eq!(left(&pool), ["0:1", "1:2", "2:2"]);
    assert_eq!(*pool.totals(), Totals { granted: credits(5), ..Totals::default() });
}

#[test]
fn covering_grants_get_back_the_newest_first_each_at_most_what_it_covered() {
    let mut pool = pool(&[3, 4], |n, grant| grant.effective = at([1, 2][n]));
    let first = take(&mut pool, 2);
    take(&mut pool, 4);
    pass(&mut pool, at(2));
    assert_eq!(left(&pool), ["0:0", "1:1"]);
    give_back(&mut pool, &first);
    assert_eq!(left(&pool), ["0:0", "1:3"]);
}

#[test]
fn credits_given_back_repay_what_others_still_owe() {
    let mut pool = pool(&[5], |_, _| ());
    let first = take(&mut pool, 5);
    take(&mut pool, 3);
    give_back(&mut pool, &first);
    assert_eq!(
        (pool.usable(), pool.totals().owed(), pool.totals().covered),
        (credits(2), credits(0), credits(3))
    );
}

#[test]
fn a_grant_without_a_name_is_known_by_its_place_in_the_log() {
    let pool = pool(&[1], |_, grant| {
        grant.details = None;
        grant.created = Position { seq: 12, item: 3 };
    });
    let [grant] = pool.grants() else { panic!("one grant") };
    let named = |name| grant.is_named(name, pool.credit_type);
    assert!(named("g12.3") && !named("g12") && !named("12.3"));
}

#[test]
fn only_a_grant_that_ended_long_ago_is_forgotten() {
    let mut pool = pool(&[1, 1, 1], |n, grant| grant.expires = [at(1), at(5), Timestamp::MAX][n]);
    pass(&mut pool, at(9));
    pool.forget_ended(at(3));
    assert_eq!(order(&pool), "12");
}
