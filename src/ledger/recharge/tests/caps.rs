//! Caps: what a window leaves, when it ends, and what counts in it.

use super::*;
use crate::ledger::calendar::Every;
use crate::ledger::catalog::PlanIndex;

/// From ten o'clock to midnight, the end of its day.
const MIDNIGHT: i64 = 14 * HOUR;
/// To the end of its week.
const MONDAY: i64 = MIDNIGHT + 6 * DAY;

fn no_cooldown(recharge: Recharge) -> Recharge {
    Recharge { cooldown: Millis(0), ..recharge }
}

fn used(acme: &Acme, window: Window) -> (i64, u64) {
    let used = acme.standing().asked().of(window);
    (used.credits.micros() / 1_000_000, used.times)
}

#[test]
fn so_many_times_a_day_then_it_is_capped_until_midnight() {
    let mut acme = Acme::new(no_cooldown(capped(&[cap(Window::Day, None, Some(2))])));
    acme.has(0, 0);
    acme.grant(MINUTE, 1, 1);
    acme.grant(2 * MINUTE, 2, 1);
    assert_eq!((acme.state(), used(&acme, Window::Day)), (State::Capped(at(MIDNIGHT)), (2, 2)));
    // It is capped where it would ask.
    acme.has(HOUR, 101);
    assert_eq!((acme.state(), acme.recharges.next_change()), (State::Armed, Timestamp::MAX));
    acme.has(2 * HOUR, 99);
    acme.pass(MIDNIGHT - 1);
    assert_eq!(acme.state(), State::Capped(at(MIDNIGHT)));
    acme.pass(MIDNIGHT);
    assert_eq!((acme.in_flight(), used(&acme, Window::Day)), (Some(3), (500, 1)));
    assert_eq!(used(&acme, Window::Week), (502, 3));
}

#[test]
fn what_a_cap_leaves_lowers_the_request_by_whole_steps() {
    let caps = [cap(Window::Day, Some(credits(1_700)), None)];
    let mut acme = Acme::new(no_cooldown(capped(&caps)));
    acme.has(0, -900);
    acme.grant(MINUTE, 1, 1_500);
    assert_eq!(used(&acme, Window::Day), (1_500, 1));
    acme.has(2 * MINUTE, 0);
    assert_eq!(acme.state(), State::Capped(at(MIDNIGHT)), "200 are no step");
    acme.put(no_cooldown(Recharge { refill: Refill::Steps(credits(150)), ..capped(&caps) }));
    assert_eq!(acme.in_flight(), Some(2));
    acme.grant(3 * MINUTE, 2, 150);
    acme.has(4 * MINUTE, -1_000);
    assert_eq!(acme.state(), State::Capped(at(MIDNIGHT)));
    acme.put(no_cooldown(Recharge { refill: Refill::UpTo(credits(101)), ..capped(&caps) }));
    assert_eq!(acme.news().last().unwrap(), "3 requested 50 at 4");
}

#[test]
fn less_than_the_least_is_not_asked_for() {
    let least = |min: i64| {
        let refill = Refill::UpTo(credits(500));
        Recharge { refill, min: Some(credits(min)), ..capped(&[cap(Window::Day, Some(credits(300)), None)]) }
    };
    let mut acme = Acme::new(least(301));
    acme.has(0, 0);
    assert_eq!(acme.state(), State::Capped(at(MIDNIGHT)));
    acme.put(least(300));
    assert_eq!(acme.news(), ["1 requested 300 at 0"]);
}

#[test]
fn of_several_caps_that_forbid_the_first_window_to_end_is_told() {
    let caps = [cap(Window::Day, None, Some(1)), cap(Window::Week, Some(credits(500)), None)];
    let life = cap(Window::Life, Some(credits(1_400)), Some(9));
    let mut acme = Acme::new(no_cooldown(capped(&[caps[0], caps[1], life])));
    acme.has(0, 0);
    acme.grant(MINUTE, 1, 500);
    acme.has(MINUTE, 0);
    assert_eq!(acme.state(), State::Capped(at(MIDNIGHT)));
    acme.pass(MIDNIGHT);
    assert_eq!(acme.state(), State::Capped(at(MONDAY)));
    acme.put(no_cooldown(capped(&[life])));
    assert_eq!(acme.in_flight(), Some(2));
    acme.grant(DAY, 2, 900);
    acme.has(DAY, 0);
    assert_eq!((acme.state(), acme.recharges.next_change()), (State::Capped(Timestamp::MAX), Timestamp::MAX));
}

#[test]
fn another_amount_counts_from_the_grant_on() {
    let mut acme = Acme::new(no_cooldown(capped(&[cap(Window::Day, Some(credits(1_000)), None)])));
    acme.has(0, 0);
    acme.grant(MINUTE, 1, 700);
    assert_eq!(used(&acme, Window::Day), (700, 1));
    acme.has(2 * MINUTE, 0);
    assert_eq!(acme.state(), State::Capped(at(MIDNIGHT)));
    // Past the cap nothing is left, and nothing less.
    let mut acme = Acme::new(no_cooldown(capped(&[cap(Window::Day, Some(credits(1_000)), None)])));
    acme.has(0, 0);
    acme.grant(MINUTE, 1, 5_000);
    acme.has(2 * MINUTE, 0);
    assert_eq!((acme.state(), used(&acme, Window::Day)), (State::Capped(at(MIDNIGHT)), (5_000, 1)));
}

#[test]
fn an_answer_counts_where_the_window_of_the_request_still_runs() {
    let recharge = Recharge { answer_within: Millis(604_800_000), ..usual() };
    let caps = vec![cap(Window::Day, None, Some(1)), cap(Window::Week, None, Some(5))];
    let mut acme = Acme::new(no_cooldown(Recharge { caps, ..recharge }));
    acme.has(MIDNIGHT - 1, 0);
    acme.grant(MIDNIGHT, 1, 700);
    assert_eq!((used(&acme, Window::Day), used(&acme, Window::Week)), ((0, 0), (700, 1)));
    acme.has(MONDAY - MINUTE, 0);
    acme.fail(MONDAY, 2);
    assert_eq!((used(&acme, Window::Week), used(&acme, Window::Month)), ((0, 0), (700, 1)));
}

#[test]
fn a_failure_gives_its_part_back_and_late_credits_count_when_they_come() {
    let mut acme = Acme::new(capped(&[cap(Window::Day, Some(credits(1_000)), Some(2))]));
    acme.has(0, 0);
    acme.fail(MINUTE, 1);
    assert_eq!(used(&acme, Window::Day), (0, 0));
    acme.pass(6 * MINUTE);
    acme.fail(7 * MINUTE, 2);
    acme.grant(8 * MINUTE, 1, 40);
    assert_eq!(used(&acme, Window::Day), (40, 1));
    acme.pass(9 * MINUTE);
    assert_eq!((acme.in_flight(), used(&acme, Window::Day)), (Some(3), (540, 2)));
}

#[test]
fn windows_are_counted_whether_a_cap_looks_or_not() {
    let mut acme = Acme::new(no_cooldown(usual()));
    acme.has(0, 0);
    acme.grant(MINUTE, 1, 500);
    acme.put(no_cooldown(capped(&[cap(Window::Day, None, Some(1))])));
    acme.has(2 * MINUTE, 0);
    assert_eq!(acme.state(), State::Capped(at(MIDNIGHT)), "it asked once today");
    acme.remove().unwrap();
    acme.put(no_cooldown(capped(&[cap(Window::Day, None, Some(1))])));
    assert_eq!(acme.state(), State::Capped(at(MIDNIGHT)), "and did not forget it");
}

#[test]
fn the_window_of_the_cycle_turns_with_it() {
    let cycle = |number, start, end| {
        Some(Cycle {
            number,
            start: at(start),
            end: at(end),
            every: Every::Days(1),
            plan: (PlanIndex::default(), 1),
        })
    };
    let mut acme = Acme::new(no_cooldown(capped(&[cap(Window::Cycle, None, Some(1))])));
    acme.has(0, 0);
    acme.grant(MINUTE, 1, 0);
    assert_eq!(acme.state(), State::Capped(Timestamp::MAX), "outside of cycles it is for life");
    acme.cycle = cycle(1, 2 * MINUTE, DAY);
    acme.pass(2 * MINUTE);
    acme.recharges.turn_cycle(at(2 * MINUTE), &acme.place());
    acme.look();
    acme.grant(3 * MINUTE, 2, 0);
    assert_eq!(acme.state(), State::Capped(at(DAY)));
    acme.cycle = cycle(1, 2 * MINUTE, DAY - HOUR);
    acme.recharges.move_ends(at(3 * MINUTE), &acme.place());
    acme.look();
    assert_eq!((acme.state(), used(&acme, Window::Cycle)), (State::Capped(at(DAY - HOUR)), (0, 1)));
}

#[test]
fn in_another_zone_the_window_that_runs_goes_on_to_the_next_begin_there() {
    let mut acme = Acme::new(no_cooldown(capped(&[cap(Window::Day, None, Some(1))])));
    acme.has(0, 0);
    acme.grant(MINUTE, 1, 0);
    let tokyo = Place { zone: Zone::named("Asia/Tokyo").unwrap(), cycle: None };
    acme.recharges.move_ends(at(2 * MINUTE), &tokyo);
    acme.look();
    // Midnight in Tokyo is 15:00 in UTC.
    assert_eq!(acme.state(), State::Capped(at(5 * HOUR)));
    // A window that was over already begins anew.
    let mut acme = Acme::new(capped(&[cap(Window::Day, None, Some(1))]));
    acme.has(0, 0);
    acme.grant(MINUTE, 1, 900);
    acme.recharges.move_ends(at(2 * DAY), &tokyo);
    assert_eq!(used(&acme, Window::Day), (0, 0));
}
