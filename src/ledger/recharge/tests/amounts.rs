//! How much one request asks for.

use super::*;

/// What is asked for with so much available; `None` where nothing is.
fn asked(recharge: Recharge, available: i64) -> Option<i64> {
    let mut acme = Acme::new(recharge);
    acme.has(0, available);
    match acme.state() {
        State::InFlight(request) => Some(request.amount.micros() / 1_000_000),
        _ => None,
    }
}

#[test]
fn steps_lift_the_credits_above_the_level() {
    for (available, amount) in [
        (101, None),
        (100, Some(500)),
        (0, Some(500)),
        (-399, Some(500)),
        (-400, Some(1_000)),
        (-1_401, Some(2_000)),
    ] {
        assert_eq!(asked(usual(), available), amount, "{available}");
    }
}

#[test]
fn up_to_a_level_is_what_is_missing_to_it() {
    let up_to = Recharge { refill: Refill::UpTo(credits(250)), ..usual() };
    for (available, amount) in [(101, None), (100, Some(150)), (0, Some(250)), (-50, Some(300))] {
        assert_eq!(asked(up_to.clone(), available), amount, "{available}");
    }
    let bounded = Recharge { min: Some(credits(200)), max: Some(credits(280)), ..up_to };
    for (available, amount) in [(100, 200), (10, 240), (-500, 280)] {
        assert_eq!(asked(bounded.clone(), available), Some(amount), "{available}");
    }
}

#[test]
fn the_number_of_steps_is_raised_to_the_least_then_lowered_to_the_most() {
    let with = |min: Option<i64>, max: Option<i64>| Recharge {
        min: min.map(credits),
        max: max.map(credits),
        ..usual()
    };
    for (min, max, available, amount) in [
        (Some(500), None, 0, 500),
        (Some(501), None, 0, 1_000),
        (Some(1_500), None, -5_000, 5_500),
        (None, Some(1_999), -5_000, 1_500),
        (None, Some(500), -5_000, 500),
        (Some(1_001), Some(2_000), 0, 1_500),
        // No number of steps is within both: the most goes before the least.
        (Some(600), Some(700), 0, 500),
    ] {
        assert_eq!(asked(with(min, max), available), Some(amount), "{min:?} {max:?} {available}");
    }
}

#[test]
fn a_request_leaves_the_largest_total_alone() {
    let asked = |room: i64, refill: Refill| {
        let mut acme = Acme::new(Recharge { refill, min: Some(credits(100)), ..usual() });
        acme.room = credits(room);
        acme.has(0, 0);
        if let State::InFlight(request) = acme.state() { request.amount } else { Credits::ZERO }
    };
    assert_eq!(asked(499, Refill::Steps(credits(500))), Credits::ZERO);
    assert_eq!(asked(260, Refill::Steps(credits(50))), credits(150));
    assert_eq!(asked(130, Refill::Steps(credits(50))), credits(100));
    assert_eq!(asked(120, Refill::UpTo(credits(250))), credits(120));
    assert_eq!(asked(99, Refill::UpTo(credits(250))), Credits::ZERO);
}

#[test]
fn the_largest_figures_ask_for_something_that_fits() {
    let largest = Credits::from_micros(i64::MAX);
    let deep = Credits::ZERO.minus(Credits::LARGEST_TOTAL);
    for refill in [Refill::Steps(Credits::from_micros(1)), Refill::Steps(largest), Refill::UpTo(largest)] {
        let below = Credits::from_micros(i64::MAX - 1);
        let mut acme = Acme::new(Recharge { below, refill, max: Some(largest), enabled: false, ..usual() });
        acme.available = deep;
        acme.put(Recharge { below, refill, ..usual() });
        match (refill, acme.state()) {
            (Refill::Steps(step), state) if step == largest => assert_eq!(state, State::Armed),
            (_, State::InFlight(request)) => assert_eq!(request.amount, Credits::LARGEST_TOTAL),
            (refill, state) => panic!("{refill:?} {state:?}"),
        }
    }
}
