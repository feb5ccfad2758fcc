//! Grants, overage and voids, worked out by hand.

use serde_json::{Value, json};

use super::{Book, CREDIT, ones};
use crate::model::Outcome;

fn void(id: &str, target: &str) -> Value {
    json!({ "type": "void", "id": id, "voids": { "id": target } })
}

fn named(id: &str, credits: i64) -> Value {
    json!({ "type": "action", "id": id, "action": "one", "quantity": credits })
}

fn left(book: &mut Book, second: i64, expected: &[(&str, i128)]) {
    let expected: Vec<(String, i128)> = expected.iter().map(|(id, left)| (id.to_string(), *left)).collect();
    assert_eq!(book.left(second), expected);
}

#[test]
fn grants_burn_by_priority_then_kind_then_expiry_then_age() {
    let mut book = Book::priced(&ones());
    book.grant(0, "a-bought", json!({ "amount": "10" }));
    book.grant(0, "b-bought-ending", json!({ "amount": "10", "expires": "2026-02-01T00:00:00Z" }));
    book.grant(0, "c-bonus", json!({ "amount": "10", "kind": "bonus" }));
    book.grant(0, "d-plan", json!({ "amount": "10", "kind": "plan" }));
    book.grant(0, "e-first", json!({ "amount": "10", "priority": 1 }));
    book.grant(0, "f-bought-later", json!({ "amount": "10" }));
    let names = ["a-bought", "b-bought-ending", "c-bonus", "d-plan", "e-first", "f-bought-later"];
    // What is left in each after so many credits were spent, one step at a time.
    for (credits, amounts) in [
        (5, [10, 10, 10, 10, 5, 10]),
        (10, [10, 10, 10, 5, 0, 10]),
        (10, [10, 10, 5, 0, 0, 10]),
        (10, [10, 5, 0, 0, 0, 10]),
        (10, [5, 0, 0, 0, 0, 10]),
        (10, [0, 0, 0, 0, 0, 5]),
    ] {
        book.spend(0, credits);
        left(&mut book, 0, &names.into_iter().zip(amounts).collect::<Vec<_>>());
    }
}

#[test]
fn a_grant_is_usable_from_its_first_instant_until_its_last() {
    let mut book = Book::priced(&ones());
    book.grant(
        0,
        "soon",
        json!({ "amount": "10", "effective": "2026-01-05T10:00:10Z", "expires": "2026-01-05T10:00:20Z" }),
    );
    assert_eq!((book.credits(9).remaining, book.credits(9).available), (10 * CREDIT, 0));
    assert_eq!(book.credits(10).available, 10 * CREDIT);
    book.spend(19, 4);
    book.spend(20, 1);
    let credits = book.credits(20);
    assert_eq!((credits.remaining, credits.expired, credits.consumed), (0, 6 * CREDIT, 4 * CREDIT));
    assert_eq!((credits.charged, credits.overage, credits.available), (5 * CREDIT, CREDIT, -CREDIT));
}

#[test]
fn what_comes_covers_the_overage_first() {
    let mut book = Book::priced(&ones());
    book.grant(0, "a", json!({ "amount": "10" }));
    book.spend(0, 25);
    let credits = book.credits(0);
    assert_eq!(
        (credits.overage, credits.outstanding, credits.available),
        (15 * CREDIT, 15 * CREDIT, -15 * CREDIT)
    );
    book.grant(1, "b", json!({ "amount": "12", "effective": "2026-01-05T10:00:05Z" }));
    assert_eq!(book.credits(4).outstanding, 15 * CREDIT);
    assert_eq!(book.credits(5).outstanding, 3 * CREDIT);
    book.grant(6, "c", json!({ "amount": "5" }));
    let credits = book.credits(6);
    assert_eq!((credits.covered, credits.outstanding, credits.available), (15 * CREDIT, 0, 2 * CREDIT));
    left(&mut book, 6, &[("a", 0), ("b", 0), ("c", 2)]);
}

#[test]
fn a_plan_that_rejects_takes_nothing_of_what_it_cannot_pay_whole() {
    let prices = json!({
        "one": { "per_action": "1" }, "phone_call": { "per_minute": "1" },
        "translation": { "per_minute": "1", "credit_type": "other" }
    });
    let mut book = Book::planned(&prices, &json!({ "when_exhausted": "reject" }));
    book.grant(0, "a", json!({ "amount": "10" }));
    assert_eq!(book.spend(0, 11), Outcome::Rejected("insufficient_credits"));
    let translated = json!({ "type": "call.ended", "id": "t", "duration_ms": 60_000, "direction": "inbound",
                             "add_ons": ["translation"] });
    assert_eq!(book.event(0, translated.clone()), Outcome::Rejected("insufficient_credits"));
    left(&mut book, 0, &[("a", 10)]);
    assert_eq!(book.spend(0, 10), Outcome::Charged);
    // The rejected call is judged anew once both credit types are there.
    book.grant(0, "b", json!({ "amount": "1" }));
    book.grant(0, "c", json!({ "amount": "1", "credit_type": "other" }));
    assert_eq!(book.event(0, translated.clone()), Outcome::Charged);
    assert_eq!(book.event(0, translated), Outcome::Duplicate);
    left(&mut book, 0, &[("a", 0), ("b", 0), ("c", 0)]);
    assert_eq!(book.acme(0).tally.rejected, 2);
}

#[test]
fn a_void_gives_back_to_the_grants_it_took_from() {
    let mut book = Book::priced(&ones());
    book.grant(0, "a", json!({ "amount": "10", "expires": "2026-01-05T10:00:10Z" }));
    book.grant(0, "b", json!({ "amount": "10" }));
    book.event(0, named("call", 14));
    left(&mut book, 0, &[("a", 0), ("b", 6)]);
    assert_eq!(book.event(20, void("v1", "call")), Outcome::Voided);
    // The first grant has ended: what comes back to it is lost.
    left(&mut book, 20, &[("a", 0), ("b", 10)]);
    let credits = book.credits(20);
    assert_eq!((credits.charged, credits.consumed, credits.expired), (0, 0, 10 * CREDIT));
    assert_eq!(book.event(20, void("v1", "call")), Outcome::Duplicate);
    assert_eq!(book.event(20, void("v2", "call")), Outcome::Duplicate);
    assert_eq!(book.event(20, named("call", 14)), Outcome::Duplicate);
    assert_eq!(book.event(20, void("v3", "v1")), Outcome::Rejected("unknown_event"));
    assert_eq!(book.event(20, void("v4", "never")), Outcome::Rejected("unknown_event"));
    let tally = book.acme(20).tally;
    assert_eq!((tally.charged, tally.voided, tally.duplicate, tally.rejected), (1, 1, 3, 2));
}

#[test]
fn a_void_of_overage_forgives_first_and_then_returns_what_was_covered() {
    let mut book = Book::priced(&ones());
    book.grant(0, "a", json!({ "amount": "10" }));
    book.event(0, named("x", 16)); // 10 from a, 6 overage
    book.event(0, named("y", 8)); // 8 overage
    book.grant(1, "b", json!({ "amount": "5" }));
    book.grant(2, "c", json!({ "amount": "7" })); // covered: 5 by b, 7 by c; 2 are still owed
    book.event(3, void("v", "x"));
    // Of x's overage of 6, 2 are forgiven; the 4 covered flow back to c, the newer; then 10 to a.
    left(&mut book, 3, &[("a", 10), ("b", 0), ("c", 4)]);
    let credits = book.credits(3);
    assert_eq!(
        (credits.charged, credits.overage, credits.covered, credits.outstanding),
        (8_000_000, 8_000_000, 8_000_000, 0)
    );
    book.event(4, void("w", "y"));
    // All 8 of y were covered: 3 more to c, then 5 to b.
    left(&mut book, 4, &[("a", 10), ("b", 5), ("c", 7)]);
}

#[test]
fn a_void_pays_what_others_still_owe_with_what_it_returns() {
    let mut book = Book::priced(&ones());
    book.grant(0, "a", json!({ "amount": "10" }));
    book.event(0, named("x", 10));
    book.event(0, named("y", 4)); // all overage
    book.event(1, void("v", "x"));
    left(&mut book, 1, &[("a", 6)]);
    let credits = book.credits(1);
    assert_eq!((credits.overage, credits.covered, credits.outstanding), (4 * CREDIT, 4 * CREDIT, 0));
    book.event(2, void("w", "y"));
    left(&mut book, 2, &[("a", 10)]);
}

#[test]
fn a_void_that_comes_first_swallows_its_event() {
    let mut book = Book::priced(&ones());
    let mut early = void("v", "call");
    early["voids"]["time"] = json!("2026-01-05T10:00:00Z");
    assert_eq!(book.event(1, early), Outcome::Voided);
    assert_eq!(book.event(2, named("call", 5)), Outcome::Duplicate);
    let mut again = void("w", "call");
    assert_eq!(
        book.event(3, again.clone()),
        Outcome::Rejected("unknown_event"),
        "it never came: where to look?"
    );
    again["voids"]["time"] = json!("2026-01-05T10:00:00Z");
    assert_eq!(book.event(3, again), Outcome::Duplicate);
    assert_eq!(book.credits(3).charged, 0);
}

#[test]
fn a_grant_sent_twice_counts_once() {
    let mut book = Book::priced(&ones());
    let grant =
        json!({ "type": "creditd.grant.v1", "id": "g", "amount": "5", "expires": "2026-01-05T10:00:30Z" });
    assert_eq!(book.command(0, &grant), Outcome::Accepted);
    assert_eq!(book.command(60, &grant), Outcome::Accepted);
    assert_eq!(book.credits(60).granted, 5 * CREDIT);
    let mut other = grant.clone();
    other["amount"] = json!("6");
    assert_eq!(book.command(60, &other), Outcome::Rejected("conflict"));
    other["id"] = json!("h");
    assert_eq!(book.command(60, &other), Outcome::Rejected("invalid_field"), "it has expired");
    let nameless = json!({ "type": "creditd.grant.v1", "amount": "1" });
    assert_eq!(book.command(60, &nameless), Outcome::Accepted);
    assert_eq!(book.command(60, &nameless), Outcome::Accepted);
    assert_eq!(book.acme(60).grants.keys().collect::<Vec<_>>(), ["g", "g8.0", "g9.0"]);
}
