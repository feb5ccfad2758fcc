//! Grants for a purpose, grants that come again, their end, and adjustments, worked out by hand.

use serde_json::{Value, json};

use super::{Book, CREDIT, at, ones};
use crate::model::Outcome::{self, Accepted, Charged, Rejected};
use crate::model::report::Phase;

fn copilot(credits: i64) -> Value {
    json!({ "type": "action", "action": "one", "quantity": credits, "feature": "AI Copilot",
            "entity": { "type": "campaign", "id": "c7" } })
}

fn adjust(book: &mut Book, second: i64, id: &str, amount: &str) -> Outcome {
    let order = json!({ "type": "creditd.adjust.v1", "id": id, "amount": amount, "reason": "by hand" });
    book.command(second, &order)
}

fn void(book: &mut Book, second: i64, id: &str) -> Outcome {
    book.command(second, &json!({ "type": "creditd.grant.void.v1", "id": id, "reason": "cancelled" }))
}

#[test]
fn a_grant_with_a_scope_pays_only_what_is_in_all_its_lists() {
    let mut book = Book::priced(&ones());
    let of = |scope: Value| json!({ "amount": "10", "scope": scope });
    book.grant(0, "any", json!({ "amount": "10" }));
    book.grant(0, "feature", of(json!({ "features": ["Platform", "AI Copilot"] })));
    book.grant(0, "both", of(json!({ "features": ["AI Copilot"], "actions": ["other"] })));
    book.grant(0, "entity", of(json!({ "entities": [{ "type": "campaign", "id": "c7" }] })));
    book.grant(0, "kind", of(json!({ "entities": [{ "type": "pilot" }, { "type": "campaign" }] })));
    // In the order of their age, those with a scope before the one without.
    book.event(1, copilot(35));
    let expected = [("any", 5), ("both", 10), ("entity", 0), ("feature", 0), ("kind", 0)];
    assert_eq!(book.left(1), expected.map(|(id, left)| (id.to_string(), left)));
    book.spend(2, 8);
    let credits = book.credits(2);
    assert_eq!(
        (credits.overage, credits.available),
        (3 * CREDIT, 7 * CREDIT),
        "the 10 of both are for others"
    );
}

#[test]
fn a_grant_with_a_scope_covers_nothing_that_is_owed() {
    let mut book = Book::priced(&ones());
    book.event(0, copilot(6));
    book.grant(1, "scoped", json!({ "amount": "10", "scope": { "features": ["AI Copilot"] } }));
    let credits = book.credits(1);
    assert_eq!((credits.covered, credits.outstanding, credits.available), (0, 6 * CREDIT, 4 * CREDIT));
    book.grant(2, "free", json!({ "amount": "10" }));
    assert_eq!(book.moves(2, 1), ["granted free 10", "covered free 6"]);
    assert_eq!(book.credits(2).available, 14 * CREDIT);
}

#[test]
fn each_line_of_a_charge_is_drawn_by_itself() {
    let prices = json!({ "phone_call": { "per_minute": "6" }, "translation": { "per_minute": "3" } });
    let mut book = Book::planned(&prices, &json!({ "when_exhausted": "reject" }));
    book.grant(0, "words", json!({ "amount": "10", "scope": { "actions": ["translation"] } }));
    book.grant(0, "any", json!({ "amount": "7", "kind": "plan" }));
    let call = json!({ "type": "call.ended", "id": "c", "duration_ms": 60_000, "direction": "inbound",
                       "add_ons": ["translation"] });
    // The call takes 6 of the 7; the translation the last one, then 2 of the words, which burn after.
    assert_eq!(book.event(0, call.clone()), Charged);
    assert_eq!(book.left(0), [("any".to_string(), 0), ("words".to_string(), 8)]);
    // 8 are there, but none for the call itself.
    assert_eq!(book.event(0, super::with(call, &json!({ "id": "d" }))), Rejected("insufficient_credits"));
    book.event(1, json!({ "type": "void", "voids": { "id": "c" } }));
    assert_eq!(book.left(1), [("any".to_string(), 7), ("words".to_string(), 10)]);
}

#[test]
fn a_recurring_grant_is_full_again_neither_more_nor_less() {
    let mut book = Book::priced(&ones());
    let start = at("2026-01-31T00:00:00Z");
    let end = "2026-04-30T00:00:00Z";
    book.grant(start, "again", json!({ "amount": "10", "recurrence": { "every": "month" }, "expires": end }));
    book.event(start, json!({ "type": "action", "action": "one", "id": "x", "quantity": 4 }));
    let february = at("2026-02-28T00:00:00Z");
    assert_eq!(book.credits(february - 1).available, 6 * CREDIT);
    assert_eq!(book.moves(february, 1), ["granted again 4"]);
    // 4 come back to the full grant; at the next instant they are too many.
    book.event(february, json!({ "type": "void", "voids": { "id": "x" } }));
    assert_eq!(book.credits(february).available, 14 * CREDIT);
    assert_eq!(book.moves(at("2026-03-31T00:00:00Z"), 2), ["expired again 4"]);
    // It ends at its third instant, which no longer fills it.
    assert_eq!(book.moves(at(end), 3), ["expired again 10"]);
}

#[test]
fn a_refill_covers_what_is_owed_and_its_anchor_may_be_any_instant() {
    let mut book = Book::priced(&ones());
    let recurrence = json!({ "every": { "days": 7 }, "anchor": "2031-01-01T00:00:00Z" });
    book.grant(0, "weekly", json!({ "amount": "10", "recurrence": recurrence }));
    book.spend(0, 13);
    // 1 January 2031 is a Wednesday, and so is 7 January 2026.
    let wednesday = at("2026-01-07T00:00:00Z");
    assert_eq!(book.credits(wednesday - 1).outstanding, 3 * CREDIT);
    assert_eq!(book.moves(wednesday, 1), ["granted weekly 10", "covered weekly 3"]);
    let fourteenth = at("2026-01-14T00:00:00Z");
    assert_eq!(book.moves(fourteenth, 3), ["granted weekly 3"]);
}

#[test]
fn a_recurring_grant_follows_the_clocks_of_the_organization() {
    let mut book = Book::priced(&ones());
    book.put(0, "base", json!({ "time_zone": "Europe/Berlin" }));
    let recurrence = json!({ "every": { "days": 1 }, "anchor": "2026-03-27T02:30:00+01:00" });
    book.grant(
        0,
        "daily",
        json!({ "amount": "5", "effective": "2026-03-28T12:00:00Z", "recurrence": recurrence }),
    );
    book.spend(at("2026-03-28T13:00:00Z"), 5);
    // On the 29th 02:30 is skipped: 03:30 in summer time.
    let skipped = at("2026-03-29T01:30:00Z");
    assert_eq!((book.credits(skipped - 1).available, book.credits(skipped).available), (0, 5 * CREDIT));
}

#[test]
fn the_end_of_a_grant_takes_back_what_is_left() {
    let mut book = Book::priced(&ones());
    book.grant(0, "a", json!({ "amount": "10" }));
    book.grant(0, "later", json!({ "amount": "5", "effective": "2026-02-01T00:00:00Z" }));
    book.event(1, json!({ "type": "action", "action": "one", "id": "x", "quantity": 4 }));
    assert_eq!(void(&mut book, 2, "nobody"), Rejected("unknown_grant"));
    assert_eq!(void(&mut book, 2, "a"), Accepted);
    assert_eq!(void(&mut book, 3, "a"), Accepted, "it has ended and stays as it is");
    assert_eq!(void(&mut book, 3, "later"), Accepted);
    assert_eq!(book.moves(3, 2), ["voided a 6", "voided later 5"]);
    // What comes back to a grant that has ended is expired.
    book.event(4, json!({ "type": "void", "voids": { "id": "x" } }));
    let credits = book.credits(at("2026-03-01T00:00:00Z"));
    assert_eq!((credits.voided, credits.expired, credits.remaining), (11 * CREDIT, 4 * CREDIT, 0));
    assert_eq!(book.acme(5).grants["later"].phase, Phase::Ended);
    book.grant(6, "a", json!({ "amount": "10" }));
    assert_eq!(book.credits(6).granted, 15 * CREDIT, "known, and no more than that");
}

#[test]
fn an_adjustment_gives_or_takes_once() {
    let mut book = Book::priced(&ones());
    book.grant(0, "scoped", json!({ "amount": "5", "scope": { "actions": ["other"] } }));
    book.spend(0, 2);
    assert_eq!(adjust(&mut book, 1, "good", "12.5"), Accepted);
    assert_eq!(adjust(&mut book, 1, "good", "12.500000"), Accepted);
    assert_eq!(adjust(&mut book, 1, "good", "12"), Rejected("conflict"));
    assert_eq!(adjust(&mut book, 1, "scoped", "1"), Rejected("conflict"), "a grant has that name");
    assert_eq!(book.moves(1, 1), ["granted good 12.5", "covered good 2"]);
    assert_eq!(book.acme(1).grants["good"].kind, "bonus");
    assert_eq!(adjust(&mut book, 2, "bad", "-15.500001"), Rejected("insufficient_credits"));
    // A bonus goes before what was bought: 10.5 of the one, 2 of the other.
    assert_eq!(adjust(&mut book, 2, "bad", "-12.5"), Accepted);
    assert_eq!(adjust(&mut book, 2, "bad", "-12.5"), Accepted);
    assert_eq!(book.moves(2, 3), ["voided good 10.5", "voided scoped 2"]);
    let credits = book.credits(2);
    assert_eq!((credits.voided, credits.available), (12_500_000, 3 * CREDIT));
    let nameless = json!({ "type": "creditd.adjust.v1", "amount": -1, "reason": "again" });
    assert_eq!((book.command(3, &nameless), book.command(3, &nameless)), (Accepted, Accepted));
    assert_eq!(book.credits(3).available, CREDIT);
}

#[test]
fn the_total_is_added_up_when_a_grant_starts_ends_or_is_filled() {
    let mut book = Book::planned(&ones(), &json!({ "alerts": [{ "below_percent": 50 }] }));
    book.grant(0, "old", json!({ "amount": "900", "priority": 1 }));
    book.grant(0, "new", json!({ "amount": "100" }));
    book.spend(1, 499);
    book.spend(2, 1);
    assert_eq!(book.alerts(2), ["credits.p50.1"], "500 of 1000");
    // The old one holds nothing any more: with another 10 the total is 110, and 100 of it are well above.
    book.spend(3, 410);
    book.grant(4, "more", json!({ "amount": "10" }));
    book.spend(5, 44);
    assert_eq!(book.alerts(5).len(), 1, "56 of 110");
    book.spend(6, 1);
    assert_eq!(book.alerts(6), ["credits.p50.1", "credits.p50.2"]);
}
