//! Price lists worked out by hand.

use serde_json::{Value, json};

use super::{Book, ones};
use crate::model::catalog::Increment;
use crate::model::{Micros, Outcome, rating};

/// What one event is charged, in micro-credits.
fn charged(book: &mut Book, item: Value) -> Micros {
    let before = book.credits(0).charged;
    assert_eq!(book.event(0, item), Outcome::Charged);
    book.credits(0).charged - before
}

fn call(ms: i64, direction: &str) -> Value {
    json!({ "type": "call.ended", "duration_ms": ms, "direction": direction })
}

fn to(number: &str, direction: &str) -> Value {
    let mut call = call(60_000, direction);
    call["destination"] = json!(number);
    call
}

#[test]
fn the_outreach_list_charges_by_the_action_and_ten_a_minute() {
    let mut book = Book::priced(&json!({
        "email_sent": { "per_action": "1" }, "profile_view": { "per_action": "1" }, "reaction": { "per_action": "2" },
        "message": { "per_action": "5" }, "phone_call": { "per_minute": "10" }
    }));
    assert_eq!(
        charged(&mut book, json!({ "type": "action", "action": "email_sent", "quantity": 50 })),
        50_000_000
    );
    assert_eq!(charged(&mut book, json!({ "type": "action", "action": "reaction" })), 2_000_000);
    assert_eq!(
        charged(&mut book, json!({ "type": "action", "action": "message", "quantity": 3 })),
        15_000_000
    );
    // Five call minutes cost what fifty e-mails cost.
    assert_eq!(charged(&mut book, call(300_000, "outbound")), 50_000_000);
    // 4 min 0.001 s is five started minutes.
    assert_eq!(charged(&mut book, call(240_001, "inbound")), 50_000_000);
}

#[test]
fn billed_seconds_follow_the_increments_of_the_trade() {
    let cases = [
        (1, 60, 60, 60),
        (60_000, 60, 60, 60),
        (60_001, 60, 60, 120),
        (61_000, 30, 30, 90),
        (61_000, 30, 6, 66),
        (66_000, 30, 6, 66),
        (66_001, 30, 6, 72),
        (36_000, 30, 6, 36),
        (1_500, 1, 1, 2),
        (61_000, 60, 1, 61),
        (10_000, 18, 6, 18),
    ];
    for (ms, initial, next, seconds) in cases {
        assert_eq!(
            rating::billed_seconds(ms, Increment { initial, next }),
            seconds,
            "{ms} ms at {initial}/{next}"
        );
    }
}

#[test]
fn an_unanswered_or_empty_call_is_charged_with_nothing() {
    let price = json!({ "per_minute": "10", "connect_fee": "1", "minimum": "5" });
    let mut book = Book::priced(&json!({ "phone_call": price, "recording": { "per_action": "2" } }));
    let mut unanswered = call(42_000, "outbound");
    unanswered["answered"] = json!(false);
    unanswered["add_ons"] = json!(["recording"]);
    assert_eq!(charged(&mut book, unanswered), 0);
    assert_eq!(charged(&mut book, call(0, "outbound")), 0);
    // One millisecond is a minute: 10, and 1 to connect.
    assert_eq!(charged(&mut book, call(1, "outbound")), 11_000_000);
}

#[test]
fn direction_and_the_longest_prefix_choose_the_minute() {
    let mut book = Book::priced(&json!({ "phone_call": {
        "per_minute": "6", "connect_fee": "0.5", "minimum": "1.25",
        "inbound": { "per_minute": "2", "connect_fee": "0" },
        "destinations": [
            { "prefix": "49", "per_minute": "4" },
            { "prefix": "4917", "per_minute": "11", "connect_fee": "1", "direction": "outbound" },
            { "prefix": "1", "per_minute": "0.01" }
        ]
    } }));
    assert_eq!(charged(&mut book, call(60_000, "outbound")), 6_500_000);
    assert_eq!(charged(&mut book, call(60_000, "inbound")), 2_000_000);
    // The destination's rate with the direction's fee.
    assert_eq!(charged(&mut book, to("+4930", "outbound")), 4_500_000);
    assert_eq!(charged(&mut book, to("4930", "inbound")), 4_000_000);
    // The longer prefix, with its own fee, for outbound only.
    assert_eq!(charged(&mut book, to("+49170", "outbound")), 12_000_000);
    assert_eq!(charged(&mut book, to("+49170", "inbound")), 4_000_000);
    assert_eq!(charged(&mut book, to("+33", "outbound")), 6_500_000);
    // 0.01 + 0.5 is less than the minimum.
    assert_eq!(charged(&mut book, to("+1212", "outbound")), 1_250_000);
}

#[test]
fn units_are_shared_out_or_sold_in_lots() {
    let mut book = Book::priced(&json!({
        "tokens": { "per_units": "0.7", "units": 1000 }, "thirds": { "per_units": "1", "units": 3 },
        "halves": { "per_units": "0.000001", "units": 2 }, "lots": { "per_units": "2", "units": 1000, "started": true }
    }));
    let mut tokens = |action: &str, quantity: i64| {
        charged(&mut book, json!({ "type": "action", "action": action, "quantity": quantity }))
    };
    assert_eq!(tokens("tokens", 1_234), 863_800);
    assert_eq!(tokens("thirds", 1), 333_333);
    assert_eq!(tokens("thirds", 2), 666_667);
    // Half a micro-credit rounds up.
    assert_eq!(tokens("halves", 1), 1);
    assert_eq!(tokens("lots", 1), 2_000_000);
    assert_eq!(tokens("lots", 1_000), 2_000_000);
    assert_eq!(tokens("lots", 1_001), 4_000_000);
}

#[test]
fn the_organizations_increment_beats_the_plans_which_beats_the_prices() {
    let prices = json!({ "phone_call": { "per_minute": "6", "increment": "60/60" }, "translation": { "per_minute": "3" } });
    let mut book = Book::planned(&prices, &json!({ "increment": "30/30" }));
    // 61 s at 30/30 is 90 s.
    assert_eq!(charged(&mut book, call(61_000, "outbound")), 9_000_000);
    let mut translated = call(61_000, "outbound");
    translated["add_ons"] = json!(["translation"]);
    // The add-on shares the 90 s: 9 + 4.5.
    assert_eq!(charged(&mut book, translated), 13_500_000);
    let overrides = json!({ "increment": "1/1", "prices": { "phone_call": { "per_minute": "5" } } });
    let put = json!({ "type": "creditd.org.put.v1", "plan": "base", "overrides": overrides });
    assert_eq!(book.command(0, &put), Outcome::Accepted);
    // Answered now, so at the new terms: 61 s at 5 a minute = 5.083333… .
    let mut now = call(61_000, "outbound");
    now["answered_at"] = json!("2026-01-05T10:00:00Z");
    assert_eq!(charged(&mut book, now), 5_083_333);
    // The same call that ended now was answered before the new terms.
    assert_eq!(charged(&mut book, call(61_000, "outbound")), 9_000_000);
}

#[test]
fn a_new_version_counts_from_its_day_and_not_before() {
    let mut book = Book::priced(&ones());
    let mut card = json!({ "type": "creditd.rate_card.put.v1", "id": "card", "version": 2,
        "effective_from": "2026-01-05T10:01:00Z", "prices": { "one": { "per_action": "3" } } });
    assert_eq!(book.command(0, &card), Outcome::Accepted);
    assert_eq!(book.command(5, &card), Outcome::Accepted, "the same again changes nothing");
    card["prices"]["one"]["per_action"] = json!("4");
    assert_eq!(book.command(5, &card), Outcome::Rejected("conflict"));
    card["version"] = json!(4);
    assert_eq!(book.command(5, &card), Outcome::Rejected("conflict"));
    card["version"] = json!(3);
    assert_eq!(book.command(61, &card), Outcome::Rejected("invalid_field"), "it would change what is past");
    book.spend(61, 1);
    book.event(61, json!({ "type": "action", "action": "one", "time": "2026-01-05T10:00:59.999999Z" }));
    assert_eq!(book.credits(61).charged, 3_000_000 + 1_000_000);
}

#[test]
fn an_amount_beyond_the_largest_is_refused_whole() {
    let mut book = Book::priced(&json!({ "moon": { "per_action": "2000000000000" } }));
    let moon = json!({ "type": "action", "action": "moon" });
    assert_eq!(book.event(0, moon.clone()), Outcome::Charged);
    assert_eq!(book.event(0, moon), Outcome::Rejected("amount_too_large"), "the sum would not fit");
    assert_eq!(book.credits(0).charged, 2_000_000_000_000_000_000);
}
