//! Resets, worked out by hand.

use serde_json::{Value, json};

use super::{Book, CREDIT, at, ones};
use crate::model::Outcome;

/// `acme` on a plan of 100 credits a month from 31 January, 10:00 UTC, with these terms more.
fn monthly(terms: &Value) -> Book {
    let mut book = Book::carded(&ones());
    let plan = json!({ "cycle": "month", "allotments": [{ "amount": "100" }] });
    book.plan(0, "base", 1, &super::with(plan, terms));
    book.put(at(BEGIN), "base", json!({}));
    book
}

const BEGIN: &str = "2026-01-31T10:00:00Z";
const SECOND_BEGIN: &str = "2026-02-28T10:00:00Z";
const THIRD_BEGIN: &str = "2026-03-31T10:00:00Z";

#[test]
fn a_month_from_the_31st_ends_on_the_28th() {
    let mut book = monthly(&json!({}));
    assert_eq!(book.cycle(at(BEGIN)), Some((1, BEGIN.into(), SECOND_BEGIN.into())));
    book.spend(at(BEGIN), 30);
    assert_eq!(book.credits(at(SECOND_BEGIN) - 1).available, 70 * CREDIT);
    let credits = book.credits(at(SECOND_BEGIN));
    assert_eq!(
        (credits.available, credits.expired, credits.granted),
        (100 * CREDIT, 70 * CREDIT, 200 * CREDIT)
    );
    assert_eq!(book.cycle(at(SECOND_BEGIN)), Some((2, SECOND_BEGIN.into(), THIRD_BEGIN.into())));
    assert_eq!(book.moves(at(SECOND_BEGIN), 1), ["expired plan.1.credits 70", "granted plan.2.credits 100"]);
    let report = book.acme(at(SECOND_BEGIN));
    let allotment = &report.grants["plan.2.credits"];
    assert_eq!((allotment.kind, allotment.expires.is_some()), ("plan", true));
}

#[test]
fn what_rolls_over_is_at_most_the_max_and_burns_first() {
    let mut book = monthly(&json!({ "allotments": [{ "amount": "100", "rollover": { "max": "30" } }] }));
    book.spend(at(BEGIN), 40);
    let expected = [
        "granted plan.1.credits 100",
        "rolledout plan.1.credits 30",
        "expired plan.1.credits 30",
        "rolledin rollover.2.credits 30",
        "granted plan.2.credits 100",
    ];
    assert_eq!(book.moves(at(SECOND_BEGIN), 0), expected);
    let credits = book.credits(at(SECOND_BEGIN));
    assert_eq!(
        (credits.available, credits.granted, credits.expired),
        (130 * CREDIT, 200 * CREDIT, 30 * CREDIT)
    );
    book.spend(at(SECOND_BEGIN), 35);
    assert_eq!(book.holds(at(SECOND_BEGIN), "rollover.2.credits"), ("30".into(), "0".into()));
    assert_eq!(book.holds(at(SECOND_BEGIN), "plan.2.credits"), ("100".into(), "95".into()));
    book.spend(at(SECOND_BEGIN), 75);
    // 20 are left, fewer than the most that goes on.
    assert_eq!(
        book.moves(at(THIRD_BEGIN), 5),
        ["rolledout plan.2.credits 20", "rolledin rollover.3.credits 20", "granted plan.3.credits 100"]
    );
}

#[test]
fn what_rolls_over_is_at_least_the_min() {
    let mut book =
        monthly(&json!({ "allotments": [{ "amount": "100", "rollover": { "min": "20", "max": "50" } }] }));
    book.spend(at(BEGIN), 95);
    let expected = [
        "rolledout plan.1.credits 5",
        "rolledin rollover.2.credits 5",
        "granted rollover.2.credits 15",
        "granted plan.2.credits 100",
    ];
    assert_eq!(book.moves(at(SECOND_BEGIN), 1), expected);
    assert_eq!(book.holds(at(SECOND_BEGIN), "rollover.2.credits"), ("20".into(), "20".into()));
    // Two grants are left of the cycle, 15 and 100: 50 of 115 go on, from the one that burns first on.
    book.spend(at(SECOND_BEGIN), 5);
    let expected = [
        "rolledout rollover.2.credits 15",
        "rolledout plan.2.credits 35",
        "expired plan.2.credits 65",
        "rolledin rollover.3.credits 50",
        "granted plan.3.credits 100",
    ];
    assert_eq!(book.moves(at(THIRD_BEGIN), 5), expected);
}

#[test]
fn overage_that_is_kept_is_covered_by_the_new_allotment() {
    let mut book = monthly(&json!({}));
    book.spend(at(BEGIN), 130);
    let credits = book.credits(at(SECOND_BEGIN));
    assert_eq!((credits.available, credits.covered, credits.dropped), (70 * CREDIT, 30 * CREDIT, 0));
    assert_eq!(book.moves(at(SECOND_BEGIN), 1), ["granted plan.2.credits 100", "covered plan.2.credits 30"]);
}

#[test]
fn overage_that_is_dropped_is_forgiven_and_a_void_takes_it_out_of_what_was() {
    let mut book = monthly(&json!({ "overage_at_reset": "drop" }));
    let big = json!({ "type": "action", "id": "big", "action": "one", "quantity": 130 });
    book.event(at(BEGIN), big);
    assert_eq!(book.moves(at(SECOND_BEGIN), 1), ["dropped credits 30", "granted plan.2.credits 100"]);
    let credits = book.credits(at(SECOND_BEGIN));
    assert_eq!(
        (credits.available, credits.overage, credits.dropped),
        (100 * CREDIT, 30 * CREDIT, 30 * CREDIT)
    );
    book.spend(at(SECOND_BEGIN), 110);
    // Of the 130, 10 are forgiven that others owe now, 20 of the dropped are no more, 100 expire.
    book.event(at(SECOND_BEGIN), json!({ "type": "void", "voids": { "id": "big" } }));
    let credits = book.credits(at(SECOND_BEGIN));
    assert_eq!((credits.charged, credits.overage, credits.dropped), (110 * CREDIT, 10 * CREDIT, 10 * CREDIT));
    assert_eq!((credits.available, credits.expired, credits.outstanding), (0, 100 * CREDIT, 0));
}

#[test]
fn a_grant_with_a_rollover_of_its_own_is_brought_between_its_bounds() {
    let mut book = monthly(&json!({ "allotments": [] }));
    let bounds = json!({ "amount": "100", "rollover": { "min": "10", "max": "40" } });
    book.grant(at(BEGIN), "bounded", bounds);
    assert_eq!(book.moves(at(SECOND_BEGIN), 1), ["expired bounded 60"]);
    book.spend(at(SECOND_BEGIN), 15);
    assert_eq!(book.moves(at(THIRD_BEGIN), 2), [""; 0], "25 are between 10 and 40");
    book.spend(at(THIRD_BEGIN), 23);
    assert_eq!(book.moves(at("2026-04-30T10:00:00Z"), 2), ["granted bounded 8"]);
    assert_eq!(book.holds(at("2026-04-30T10:00:00Z"), "bounded"), ("100".into(), "10".into()));
}

#[test]
fn at_one_instant_ends_come_first_then_the_reset_refills_starts_and_what_is_owed() {
    let mut book = monthly(&json!({}));
    let start = at(BEGIN);
    book.grant(start, "ending", json!({ "amount": "10", "priority": 200, "expires": SECOND_BEGIN }));
    book.grant(start, "starting", json!({ "amount": "5", "effective": SECOND_BEGIN, "priority": 1 }));
    let recurrence = json!({ "every": "month", "anchor": SECOND_BEGIN });
    book.grant(start, "refilled", json!({ "amount": "7", "recurrence": recurrence, "priority": 150 }));
    book.spend(start, 123); // 100 of the plan, 7 and 10; 6 are owed
    let expected = [
        "granted plan.2.credits 100",
        "granted refilled 7",
        "covered starting 5",
        "covered plan.2.credits 1",
    ];
    assert_eq!(book.moves(at(SECOND_BEGIN), 4), expected);
    assert_eq!(book.credits(at(SECOND_BEGIN)).available, 106 * CREDIT);
}

#[test]
fn an_organization_that_enters_between_two_begins_gets_the_allotment_whole_or_in_part() {
    let join = at("2026-01-16T00:00:00Z");
    for (prorate, amount) in [(false, "100"), (true, "51.612903")] {
        let mut book = Book::carded(&ones());
        book.plan(0, "base", 1, &json!({ "cycle": "month", "allotments": [{ "amount": "100" }] }));
        book.put(join, "base", json!({ "cycle_anchor": "2025-12-01T00:00:00Z", "prorate": prorate }));
        // 16 of the 31 days of January are left: 100 × 16 ÷ 31 = 51.6129032…
        assert_eq!(book.holds(join, "plan.1.credits"), (amount.into(), amount.into()));
        let january = (1, "2026-01-01T00:00:00Z".to_string(), "2026-02-01T00:00:00Z".to_string());
        assert_eq!(book.cycle(join), Some(january));
        let february = at("2026-02-01T00:00:00Z");
        assert_eq!(book.holds(february, "plan.2.credits"), ("100".into(), "100".into()));
    }
}

#[test]
fn cycles_follow_the_clocks_of_the_organization() {
    let mut book = Book::carded(&ones());
    book.plan(0, "base", 1, &json!({ "cycle": "month" }));
    let anchor = "2026-03-01T00:00:00+01:00";
    book.put(at(anchor), "base", json!({ "time_zone": "Europe/Berlin", "cycle_anchor": anchor }));
    // Midnight in Berlin: at 23:00 UTC in winter, at 22:00 in summer.
    let march = (1, "2026-02-28T23:00:00Z".to_string(), "2026-03-31T22:00:00Z".to_string());
    assert_eq!(book.cycle(at(anchor)), Some(march));
    // Another zone moves the end, not the begin.
    book.put(at("2026-03-10T00:00:00Z"), "base", json!({ "time_zone": "UTC" }));
    let march = (1, "2026-02-28T23:00:00Z".to_string(), "2026-03-28T23:00:00Z".to_string());
    assert_eq!(book.cycle(at("2026-03-10T00:00:00Z")), Some(march));
    // An anchor in the future is counted back from: to 20 March.
    book.put(at("2026-03-11T00:00:00Z"), "base", json!({ "cycle_anchor": "2030-01-20T00:00:00Z" }));
    let march = (1, "2026-02-28T23:00:00Z".to_string(), "2026-03-20T00:00:00Z".to_string());
    assert_eq!(book.cycle(at("2026-03-11T00:00:00Z")), Some(march));
}

#[test]
fn a_reset_raises_its_alerts_once_after_all_of_it() {
    let mut book = monthly(&json!({ "alerts": [{ "below": "50" }] }));
    book.grant(at(BEGIN), "bought", json!({ "amount": "60", "expires": SECOND_BEGIN }));
    book.plan(
        at(BEGIN) + 1,
        "base",
        2,
        &json!({ "cycle": "month", "allotments": [{ "amount": "40" }],
                                                 "alerts": [{ "below": "50" }] }),
    );
    let alerts = book.acme(at(SECOND_BEGIN)).alerts;
    assert_eq!(alerts.len(), 1);
    assert_eq!((&*alerts[0].rule, alerts[0].position), ("a50", None));
}

#[test]
fn without_a_cycle_nothing_waits_for_one() {
    let mut book = Book::priced(&ones());
    let put = json!({ "type": "creditd.org.put.v1", "plan": "base", "change": "next_cycle" });
    assert_eq!(book.command(0, &put), Outcome::Rejected("invalid_field"));
    assert_eq!(book.cycle(0), None);
}
