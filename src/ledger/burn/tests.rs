//! Hours that turn, are given back, and are too few.

use super::*;

fn credits(n: i64) -> Credits {
    Credits::from_micros(n.saturating_mul(1_000_000))
}

fn burnt(hours: &[(i32, i64)]) -> Burn {
    let mut burn = Burn::default();
    for (hour, amount) in hours {
        burn.charge(Hour(*hour), credits(*amount));
    }
    burn
}

#[test]
fn a_charge_is_the_first_of_its_hour_once() {
    let mut burn = Burn::default();
    assert!(burn.charge(Hour(5), credits(1)));
    assert!(!burn.charge(Hour(5), credits(2)));
    assert!(burn.take_fresh());
    assert!(!burn.take_fresh());
    assert_eq!((burn.running(Hour(5)), burn.running(Hour(6))), (credits(3), Credits::ZERO));
    // A void turns the hour too, and is no charge.
    assert!(burn.give_back(Hour(6), credits(3)));
    assert!(!burn.take_fresh());
    assert!(!burn.give_back(Hour(6), credits(1)));
    assert_eq!(burn.running(Hour(6)), credits(-4));
    assert!(burn.charge(Hour(6), credits(4)));
    assert!(burn.take_fresh());
    // An hour in which nothing remains takes no place.
    burn.charge(Hour(7), credits(1));
    assert_eq!(burn.past, [(Hour(5), credits(3))]);
}

#[test]
fn an_organization_that_burns_in_one_hour_only_allocates_nothing() {
    assert!(burnt(&[(5, 1), (5, 1)]).past.is_empty());
}

#[test]
fn the_rate_is_of_the_whole_hours_since_the_first_charge() {
    let burn = burnt(&[(100, 5), (102, 1), (103, 50)]);
    assert_eq!(burn.rate(Hour(100)), None);
    assert_eq!(burn.rate(Hour(102)), None);
    // 100, 101 and 102; what the running hour burnt does not count.
    assert_eq!(burn.rate(Hour(103)), Some(Rate { sum: credits(6), hours: 3 }));
    assert_eq!(burn.rate(Hour(104)), Some(Rate { sum: credits(56), hours: 4 }));
    assert_eq!(burn.rate(Hour(124)), Some(Rate { sum: credits(56), hours: 24 }));
    assert_eq!(burn.rate(Hour(125)), Some(Rate { sum: credits(51), hours: 24 }));
    assert_eq!(burn.rate(Hour(128)), Some(Rate { sum: Credits::ZERO, hours: 24 }));
    assert_eq!(Burn::default().lately(Hour(5)), Rate::default());
}

#[test]
fn more_given_back_than_charged_is_no_burn() {
    let mut burn = burnt(&[(0, 5), (1, 1)]);
    burn.give_back(Hour(24), credits(6));
    burn.charge(Hour(25), credits(1));
    assert_eq!(burn.rate(Hour(25)), Some(Rate { sum: Credits::ZERO, hours: 24 }));
    assert_eq!(burn.rate(Hour(26)).map(|rate| rate.sum), Some(Credits::ZERO));
}

#[test]
fn usual_is_the_mean_of_a_week_once_there_was_a_day() {
    let mut burn = burnt(&[(0, 24)]);
    assert_eq!(burn.usual(Hour(23)), None);
    assert_eq!(burn.usual(Hour(24)), Some(Rate { sum: credits(24), hours: 24 }));
    assert_eq!(burn.usual(Hour(168)), Some(Rate { sum: credits(24), hours: 168 }));
    assert_eq!(burn.usual(Hour(169)), None, "nothing was burnt in the last 168 hours");
    for hour in 1..1_000 {
        burn.charge(Hour(hour), credits(1));
    }
    assert_eq!(burn.past.len(), 168);
    assert_eq!(burn.usual(Hour(999)), Some(Rate { sum: credits(168), hours: 168 }));
}

#[test]
fn a_rate_takes_whole_micro_credits_and_lasts_to_the_first_microsecond() {
    // 10 credits in 3 hours: 925.925… micro-credits a second.
    let rate = Rate { sum: credits(10), hours: 3 };
    assert_eq!((rate.per_hour().to_string(), rate.per_day().to_string()), ("3.333333".into(), "80".into()));
    assert_eq!(rate.within(1_000_000).micros(), 925);
    assert_eq!(rate.within(1_079).micros(), 0);
    assert_eq!(rate.within(1_080).micros(), 1);
    assert_eq!(rate.lasts(Credits::from_micros(1)), Some(1_080));
    assert_eq!(rate.lasts(credits(10)), Some(3 * 3_600_000_000));
    assert_eq!(Rate { sum: Credits::ZERO, hours: 24 }.lasts(credits(1)), None);
    let largest = Rate { sum: Credits::LARGEST_TOTAL, hours: 24 };
    assert_eq!(largest.lasts(Credits::LARGEST_TOTAL), Some(24 * 3_600_000_000));
}

#[test]
fn more_than_a_share_is_the_next_micro_credit() {
    let usual = Rate { sum: credits(240), hours: 24 };
    assert_eq!(usual.more_than(300).micros(), 30_000_001);
    // A third of a micro-credit an hour: three times that is exactly one, and more than that is two.
    let little = Rate { sum: Credits::from_micros(8), hours: 24 };
    assert_eq!((little.more_than(299).micros(), little.more_than(300).micros()), (1, 2));
}
