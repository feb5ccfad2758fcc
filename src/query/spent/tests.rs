//! Projections, with figures by hand.

use super::*;

const DAY: i64 = 86_400_000_000;

fn day(n: i64) -> Timestamp {
    Timestamp::from_micros(1_767_571_200_000_000 + n * DAY)
}

fn used(micros: i64, quantity: u64) -> Used {
    let credits = [(CreditType::default(), Credits::from_micros(micros))].into();
    let (first_charge, last_charge) = (Some(day(2)), Some(day(3)));
    Used { credits, quantity, charges: 2, first_charge, last_charge }
}

fn card(planned_quantity: Option<u64>, start: Option<i64>, end: Option<i64>) -> Card {
    Card { planned_quantity, start: start.map(day), end: end.map(day), ..Card::default() }
}

/// The projection in micro-credits, or why there is none.
fn projected(used: &Used, card: &Card, now: Timestamp) -> Result<i64, String> {
    project(used, Some(card), now).map(|told| told.credits[&CreditType::default()].micros())
}

#[test]
fn by_the_plan_first_then_by_time() {
    // 1,200 of 20,000 took 6 credits: 100 in all.
    assert_eq!(projected(&used(6_000_000, 1_200), &card(Some(20_000), None, None), day(4)), Ok(100_000_000));
    assert_eq!(
        projected(&used(6_000_000, 1_200), &card(Some(20_000), Some(0), Some(40)), day(4)),
        Ok(100_000_000)
    );
    // 10 of 40 days took 6 credits: 24 in all.
    assert_eq!(projected(&used(6_000_000, 1_200), &card(None, Some(0), Some(40)), day(10)), Ok(24_000_000));
    // Without a start it began with the first charge, on day 2: 8 of 38 days.
    assert_eq!(projected(&used(6_000_000, 0), &card(None, None, Some(40)), day(10)), Ok(28_500_000));
    assert_eq!(projected(&used(6_000_000, 0), &card(Some(5), None, Some(40)), day(10)), Ok(28_500_000));
    // Half up: 1 × 3 ÷ 2.
    assert_eq!(projected(&used(1, 2), &card(Some(3), None, None), day(4)), Ok(2));
}

#[test]
fn what_is_done_or_over_uses_no_more() {
    for done in [20, 25] {
        assert_eq!(projected(&used(7, done), &card(Some(20), None, None), day(4)), Ok(7));
    }
    assert_eq!(projected(&used(7, 3), &card(None, Some(0), Some(4)), day(4)), Ok(7));
    assert_eq!(projected(&used(7, 3), &card(None, None, Some(1)), day(9)), Ok(7), "charged after its end");
}

#[test]
fn why_there_is_no_projection_is_said_in_words() {
    let why = |used: &Used, card: &Card, now| projected(used, card, now).unwrap_err();
    let plan = card(Some(20), None, None);
    assert_eq!(why(&Used::default(), &plan, day(4)), "nothing was charged yet");
    assert_eq!(why(&used(7, 0), &plan, day(4)), "nothing of what is planned was done yet");
    assert_eq!(
        why(&used(7, 1), &card(None, Some(1), None), day(4)),
        "neither a planned quantity nor an end is known"
    );
    assert_eq!(
        project(&used(7, 1), None, day(4)),
        Err("neither a planned quantity nor an end is known".to_owned())
    );
    for now in [day(3), day(4)] {
        let not_begun = "it has not begun: it begins at 2026-01-09T00:00:00Z";
        assert_eq!(why(&used(7, 1), &card(None, Some(4), Some(9)), now), not_begun);
    }
    assert_eq!(why(&used(i64::MAX / 4, 1), &card(Some(20), None, None), day(4)), "the figure is too large");
}
