//! Another plan, another version of it, and plans that take nothing, worked out by hand.

use serde_json::{Value, json};

use super::{Book, CREDIT, at, ones};
use crate::model::Outcome;

const BEGIN: &str = "2026-02-01T00:00:00Z";
const DAY: i64 = 86_400;

fn thirty_days(amount: &str) -> Value {
    json!({ "cycle": { "days": 30 }, "allotments": [{ "amount": amount, "rollover": { "max": "10" } }] })
}

/// Plans of 100 and 300 credits for 30 days, and `acme` on the small one from 1 February on.
fn book() -> Book {
    let mut book = Book::carded(&ones());
    book.plan(0, "small", 1, &thirty_days("100"));
    book.plan(0, "large", 1, &thirty_days("300"));
    book.put(at(BEGIN), "small", json!({}));
    book
}

#[test]
fn another_plan_makes_the_allotment_another_amount_and_leaves_what_was_used() {
    let mut book = book();
    let day = at(BEGIN) + DAY;
    book.spend(day, 40);
    book.put(day, "large", json!({}));
    assert_eq!(book.holds(day, "plan.1.credits"), ("300".into(), "260".into()));
    book.put(day + 1, "small", json!({}));
    assert_eq!(book.holds(day + 1, "plan.1.credits"), ("100".into(), "60".into()));
    // 10 instead of 100: less than what was used.
    book.plan(day + 2, "tiny", 1, &thirty_days("10"));
    book.put(day + 2, "tiny", json!({}));
    assert_eq!(book.holds(day + 2, "plan.1.credits"), ("40".into(), "0".into()));
    let expected = ["granted plan.1.credits 200", "voided plan.1.credits 200", "voided plan.1.credits 60"];
    assert_eq!(book.moves(day + 2, 1), expected);
    assert_eq!(book.cycle(day + 2).map(|(number, ..)| number), Some(1));
    assert_eq!(book.credits(day + 2).voided, 260 * CREDIT);
}

#[test]
fn prorated_the_difference_counts_for_the_rest_of_the_cycle() {
    let mut book = book();
    let day = at(BEGIN) + 20 * DAY;
    book.put(day, "large", json!({ "prorate": true }));
    // 100 + 200 × 10 ÷ 30 = 166.666666…
    assert_eq!(book.holds(day, "plan.1.credits").0, "166.666667");
    let day = at(BEGIN) + 15 * DAY;
    for (amount, expected) in [("100.000001", "100.000001"), ("99.999999", "100")] {
        let mut book = self::book();
        book.plan(day, "odd", 1, &thirty_days(amount));
        book.put(day, "odd", json!({ "prorate": true }));
        // Half a micro-credit more is one more, half of one less is none less: halves go up.
        assert_eq!(book.holds(day, "plan.1.credits").0, expected);
    }
}

#[test]
fn what_another_plan_brings_covers_what_is_owed() {
    let mut book = book();
    book.spend(at(BEGIN), 150);
    book.put(at(BEGIN) + 1, "large", json!({}));
    assert_eq!(book.moves(at(BEGIN) + 1, 1), ["granted plan.1.credits 200", "covered plan.1.credits 50"]);
    assert_eq!(book.credits(at(BEGIN) + 1).available, 150 * CREDIT);
}

#[test]
fn a_plan_with_another_cycle_resets_at_once_and_counts_from_there() {
    let mut book = book();
    book.plan(0, "yearly", 1, &json!({ "cycle": "year", "allotments": [{ "amount": "1000" }] }));
    let day = at("2026-02-11T12:00:00Z");
    book.spend(day, 85);
    book.put(day, "yearly", json!({}));
    let expected = [
        "rolledout plan.1.credits 10",
        "expired plan.1.credits 5",
        "rolledin rollover.2.credits 10",
        "granted plan.2.credits 1000",
    ];
    assert_eq!(book.moves(day, 1), expected);
    let year = (2, "2026-02-11T12:00:00Z".to_string(), "2027-02-11T12:00:00Z".to_string());
    assert_eq!(book.cycle(day), Some(year));
    // With an anchor of its own the cycle is the calendar's, and can be prorated: 73 of 365 days.
    let day = at("2026-02-12T00:00:00Z");
    book.put(day, "small", json!({}));
    book.put(day, "yearly", json!({ "cycle_anchor": "2025-04-26T00:00:00Z", "prorate": true }));
    assert_eq!(book.holds(day, "plan.4.credits").0, "200");
    let year = (4, "2025-04-26T00:00:00Z".to_string(), "2026-04-26T00:00:00Z".to_string());
    assert_eq!(book.cycle(day), Some(year));
}

#[test]
fn under_a_plan_without_a_cycle_the_grants_live_on_until_their_end() {
    let mut book = book();
    book.plan(0, "bare", 1, &json!({ "overage_at_reset": "drop" }));
    book.put(at(BEGIN) + DAY, "bare", json!({}));
    let end = at(BEGIN) + 30 * DAY;
    assert_eq!(book.cycle(end - 1), None);
    assert_eq!(book.credits(end - 1).available, 100 * CREDIT);
    assert_eq!(book.moves(end, 1), ["expired plan.1.credits 100"]);
    // Back on a plan with a cycle it is the second, counted from the anchor as it was: 1 February, 3 March, 2 April.
    book.put(end + DAY, "small", json!({}));
    let april = (2, "2026-03-03T00:00:00Z".to_string(), "2026-04-02T00:00:00Z".to_string());
    assert_eq!(book.cycle(end + DAY), Some(april));
}

#[test]
fn a_change_for_the_next_cycle_waits_and_can_be_taken_back() {
    let mut book = book();
    let end = at(BEGIN) + 30 * DAY;
    book.put(at(BEGIN) + DAY, "large", json!({ "change": "next_cycle" }));
    assert_eq!(book.credits(end - 1).available, 100 * CREDIT);
    let expected = [
        "rolledout plan.1.credits 10",
        "expired plan.1.credits 90",
        "rolledin rollover.2.credits 10",
        "granted plan.2.credits 300",
    ];
    assert_eq!(book.moves(end, 1), expected);
    // Announced, and taken back by stating what is in force.
    book.put(end + DAY, "small", json!({ "change": "next_cycle" }));
    book.put(end + 2 * DAY, "large", json!({ "change": "next_cycle" }));
    assert_eq!(book.holds(end + 30 * DAY, "plan.3.credits").0, "300");
}

#[test]
fn terms_that_wait_do_not_price_what_happens_before() {
    let mut book = book();
    let own = json!({ "change": "next_cycle", "overrides": { "prices": { "one": { "per_action": "2" } } } });
    book.put(at(BEGIN), "small", own);
    let end = at(BEGIN) + 30 * DAY;
    book.spend(end - 1, 5);
    assert_eq!(book.credits(end - 1).charged, 5 * CREDIT);
    book.spend(end, 5);
    book.event(
        end,
        json!({ "type": "action", "action": "one", "quantity": 5, "time": "2026-03-02T23:59:59Z" }),
    );
    assert_eq!(book.credits(end).charged, (5 + 10 + 5) * CREDIT);
}

#[test]
fn another_length_at_a_reset_counts_from_that_reset() {
    let mut book = Book::carded(&ones());
    book.plan(0, "monthly", 1, &json!({ "cycle": "month" }));
    book.plan(0, "yearly", 1, &json!({ "cycle": "year" }));
    book.put(at("2026-01-31T00:00:00Z"), "monthly", json!({}));
    book.put(at("2026-02-01T00:00:00Z"), "yearly", json!({ "change": "next_cycle" }));
    let year = (2, "2026-02-28T00:00:00Z".to_string(), "2027-02-28T00:00:00Z".to_string());
    assert_eq!(book.cycle(at("2026-03-01T00:00:00Z")), Some(year));
}

#[test]
fn a_new_version_brings_its_allotments_at_the_next_reset() {
    let mut book = book();
    let next = json!({ "cycle": { "days": 10 }, "allotments": [{ "amount": "50" }], "when_exhausted": "reject",
                       "overage_at_reset": "drop" });
    book.plan(at(BEGIN) + DAY, "small", 2, &next);
    let end = at(BEGIN) + 30 * DAY;
    assert_eq!(book.credits(end - 1).available, 100 * CREDIT);
    assert_eq!(book.spend(end - 1, 101), Outcome::Rejected("insufficient_credits"));
    // The cycle ends by the version that it began with: 10 roll over.
    assert_eq!(book.credits(end).available, 60 * CREDIT);
    let short = (2, "2026-03-03T00:00:00Z".to_string(), "2026-03-13T00:00:00Z".to_string());
    assert_eq!(book.cycle(end), Some(short));
}

#[test]
fn the_same_plan_again_does_not_change_an_allotment() {
    let mut book = book();
    book.plan(at(BEGIN) + DAY, "small", 2, &thirty_days("500"));
    book.put(at(BEGIN) + 2 * DAY, "small", json!({ "overrides": { "increment": "1/1" } }));
    assert_eq!(book.holds(at(BEGIN) + 2 * DAY, "plan.1.credits").0, "100");
    // Another plan is laid against the amount that was given, not against what comes next: 100 + 300 − 100.
    book.put(at(BEGIN) + 3 * DAY, "large", json!({}));
    assert_eq!(book.holds(at(BEGIN) + 3 * DAY, "plan.1.credits").0, "300");
}

#[test]
fn an_allotment_voided_by_hand_stays_so_in_its_cycle() {
    let mut book = book();
    let void = json!({ "type": "creditd.grant.void.v1", "id": "plan.1.credits" });
    assert_eq!(book.command(at(BEGIN) + 1, &void), Outcome::Accepted);
    book.put(at(BEGIN) + 2, "large", json!({}));
    assert_eq!(book.holds(at(BEGIN) + 2, "plan.1.credits"), ("100".into(), "0".into()));
    assert_eq!(
        book.moves(at(BEGIN) + 30 * DAY, 1),
        ["voided plan.1.credits 100", "granted plan.2.credits 300"]
    );
}

#[test]
fn an_unmetered_plan_counts_and_takes_nothing() {
    let mut book = Book::planned(&ones(), &json!({ "unmetered": true, "when_exhausted": "reject" }));
    assert_eq!(book.spend(1, 1_000), Outcome::Charged);
    assert_eq!(book.event(1, json!({ "type": "action", "action": "never-priced" })), Outcome::Charged);
    assert_eq!((book.credits(1).charged, book.acme(1).tally.charged), (0, 2));
}
