//! Limits: what counts, what goes past, what is told. Worked out by hand, all within one day.

use serde_json::{Value, json};

use super::{Book, SECOND, TEN, ones};
use crate::model::Outcome::{Accepted, Charged, Rejected, Voided};
use crate::model::report::Level;

fn rejecting() -> Book {
    Book::planned(&ones(), &json!({ "past_limit": "reject" }))
}

fn by(user: &str) -> Value {
    json!({ "user": user })
}

fn things(most: i64) -> Value {
    json!({ "quantity": most, "window": "day", "hard": true })
}

#[test]
fn a_hard_limit_is_full_at_its_maximum_and_rejects_what_is_more() {
    let mut book = rejecting();
    book.limit(0, "all", &things(5));
    assert_eq!(book.act(1, 3, &json!({ "id": "a" })), Charged);
    assert_eq!(book.act(2, 3, &json!({ "id": "b" })), Rejected("limit_reached"), "3 + 3 are more than 5");
    assert_eq!(book.limits(2), ["all - 3 of 5"]);
    assert_eq!(book.act(3, 2, &json!({ "id": "c" })), Charged);
    assert_eq!(book.act(4, 1, &json!({})), Rejected("limit_reached"));
    // What was rejected is not remembered: after a void there is room for it.
    assert_eq!(book.event(5, json!({ "type": "void", "voids": { "id": "a" } })), Voided);
    assert_eq!(book.limits(5), ["all - 2 of 5"]);
    assert_eq!(book.act(6, 3, &json!({ "id": "b" })), Charged);
    assert_eq!((book.limits(6), book.credits(6).charged), (vec!["all - 5 of 5".to_string()], 5_000_000));
}

#[test]
fn soft_limits_and_charging_plans_count_past_the_maximum() {
    for (plan, hard) in [("charge", true), ("charge", false), ("reject", false)] {
        let mut book = Book::planned(&ones(), &json!({ "past_limit": plan }));
        book.limit(0, "all", &json!({ "quantity": 5, "window": "day", "hard": hard }));
        assert_eq!(book.act(1, 8, &json!({})), Charged);
        assert_eq!(
            (book.limits(1), book.warnings(1)),
            (vec!["all - 8 of 5".into()], vec!["reached all -".into()])
        );
    }
}

#[test]
fn the_limit_is_looked_at_before_the_credits_and_a_refusal_of_either_counts_nothing() {
    let mut book = Book::planned(&ones(), &json!({ "past_limit": "reject", "when_exhausted": "reject" }));
    book.limit(0, "all", &things(5));
    assert_eq!(book.act(1, 6, &json!({})), Rejected("limit_reached"));
    assert_eq!(book.act(1, 5, &json!({})), Rejected("insufficient_credits"));
    assert_eq!((book.limits(1), book.warnings(1)), (vec!["all - 0 of 5".to_string()], vec![]));
    // More than can ever be charged comes first.
    let dear = json!({ "huge": { "per_action": "4000000000000" } });
    let mut book = Book::planned(&dear, &json!({ "past_limit": "reject" }));
    book.limit(0, "all", &things(0));
    assert_eq!(book.event(1, json!({ "type": "action", "action": "huge" })), Rejected("amount_too_large"));
}

#[test]
fn each_value_of_a_star_counts_by_itself_and_what_says_none_counts_nowhere() {
    let mut book = rejecting();
    let each = json!({ "on": { "user": "*" }, "quantity": 5, "window": "day", "hard": true });
    book.limit(0, "each-user", &each);
    book.limit(0, "ana", &json!({ "on": { "user": "ana" }, "quantity": 2, "window": "day" }));
    assert_eq!(book.limits(0), ["ana - 0 of 2"], "nobody used anything yet");
    book.act(1, 3, &by("ana"));
    book.act(1, 5, &by("bob"));
    book.act(1, 9, &json!({ "account": "emea" }));
    assert_eq!(book.act(1, 3, &by("ana")), Rejected("limit_reached"));
    assert_eq!(book.limits(1), ["ana - 3 of 2", "each-user ana 3 of 5", "each-user bob 5 of 5"]);
    assert_eq!(book.warnings(1), ["reached ana -", "reached each-user bob"]);
}

#[test]
fn a_pair_counts_what_is_in_both() {
    let mut book = rejecting();
    let on = json!({ "user": "*", "entity": { "type": "campaign", "id": "*" } });
    book.limit(0, "pair", &json!({ "on": on, "quantity": 4, "window": "day", "hard": true }));
    let on = json!({ "team": "sales", "account": "*" });
    book.limit(0, "team", &json!({ "on": on, "quantity": 9, "window": "day" }));
    let of = |user: &str, kind: &str, id: &str| json!({ "user": user, "entity": { "type": kind, "id": id }, "team": "sales", "account": "emea" });
    book.act(1, 4, &of("ana", "campaign", "c1"));
    book.act(1, 1, &of("ana", "campaign", "c2"));
    book.act(1, 1, &of("bob", "campaign", "c1"));
    book.act(1, 1, &of("ana", "pilot", "c1"));
    book.act(1, 1, &json!({ "user": "ana", "team": "support", "account": "emea" }));
    assert_eq!(book.act(1, 1, &of("ana", "campaign", "c1")), Rejected("limit_reached"));
    let expected = ["pair ana/c1 4 of 4", "pair ana/c2 1 of 4", "pair bob/c1 1 of 4", "team emea 7 of 9"];
    assert_eq!(book.limits(1), expected);
}

#[test]
fn credits_count_the_lines_of_their_type_and_action_and_things_only_the_events_own() {
    let prices = json!({ "phone_call": { "per_minute": "6" }, "translation": { "per_minute": "3" },
                         "email": { "per_action": "2", "credit_type": "email" }, "free": { "per_action": "0" } });
    let mut book = Book::planned(&prices, &json!({}));
    let credits = |on: Value| json!({ "on": on, "credits": "100", "window": "day" });
    book.limit(0, "all", &credits(json!({})));
    book.limit(0, "each", &credits(json!({ "action": "*" })));
    book.limit(0, "words", &credits(json!({ "action": "translation" })));
    let email = json!({ "credits": "100", "credit_type": "email", "window": "day" });
    book.limit(0, "email", &email);
    for name in ["phone_call", "translation", "free"] {
        book.limit(
            0,
            &format!("n-{name}"),
            &json!({ "on": { "action": name }, "quantity": 99, "window": "day" }),
        );
    }
    let call = json!({ "type": "call.ended", "duration_ms": 60_000, "direction": "inbound", "add_ons": ["translation"] });
    book.event(1, call);
    book.event(
        1,
        json!({ "type": "call.ended", "duration_ms": 0, "direction": "inbound", "add_ons": ["translation"] }),
    );
    book.event(1, json!({ "type": "action", "action": "email", "quantity": 4 }));
    book.event(1, json!({ "type": "action", "action": "free", "quantity": 7 }));
    // A call of 6 with words of 3, one that nobody paid for, 4 mails at 2 of their own credits.
    let expected = [
        "all - 9 of 100",
        "each phone_call 6 of 100",
        "each translation 3 of 100",
        "email - 8 of 100",
        "n-free - 7 of 99",
        "n-phone_call - 2 of 99",
        "n-translation - 0 of 99",
        "words - 3 of 100",
    ];
    assert_eq!(book.limits(1), expected);
}

#[test]
fn a_plan_that_takes_nothing_counts_things_and_no_credits() {
    let mut book = Book::planned(&ones(), &json!({ "unmetered": true, "past_limit": "reject" }));
    book.limit(0, "things", &things(5));
    book.limit(0, "credits", &json!({ "credits": "5", "window": "day", "hard": true }));
    assert_eq!(book.act(1, 5, &json!({})), Charged);
    assert_eq!(book.act(1, 1, &json!({})), Rejected("limit_reached"));
    assert_eq!(book.limits(1), ["credits - 0 of 5", "things - 5 of 5"]);
}

#[test]
fn near_is_told_at_eighty_percent_and_reached_at_all_once_each() {
    let mut book = Book::priced(&ones());
    book.limit(0, "all", &json!({ "credits": "10", "window": "day" }));
    book.act(1, 7, &json!({}));
    assert_eq!(book.warnings(1), [""; 0]);
    book.act(2, 1, &json!({ "id": "eighth" }));
    assert_eq!(book.warnings(2), ["near all -"]);
    // Back below, and near again: once is enough.
    book.event(3, json!({ "type": "void", "voids": { "id": "eighth" } }));
    book.act(4, 2, &json!({}));
    assert_eq!(book.warnings(4).len(), 1);
    book.act(5, 1, &json!({ "id": "tenth" }));
    assert_eq!(book.warnings(5), ["near all -", "reached all -"]);
    book.event(6, json!({ "type": "void", "voids": { "id": "tenth" } }));
    book.act(7, 50, &json!({}));
    let alerts = book.acme(7).limit_alerts;
    assert_eq!(alerts.len(), 2);
    let day = TEN - 36_000 * SECOND;
    assert_eq!(
        (alerts[1].level, alerts[1].at, alerts[1].window),
        (Level::Reached, TEN + 5 * SECOND, Some(day))
    );
}

#[test]
fn both_at_once_are_reached_alone_and_nothing_less_follows() {
    let mut book = Book::priced(&ones());
    book.limit(0, "all", &things(5));
    book.act(1, 5, &json!({ "id": "five" }));
    book.event(2, json!({ "type": "void", "voids": { "id": "five" } }));
    book.act(3, 4, &json!({}));
    assert_eq!(book.warnings(3), ["reached all -"]);
    // Nothing used is nothing reached, even of nothing.
    book.limit(4, "none", &json!({ "on": { "user": "ana" }, "quantity": 0, "window": "day" }));
    assert_eq!(book.warnings(4).len(), 1);
    book.act(5, 1, &by("ana"));
    assert_eq!(book.warnings(5)[1..], ["reached none -"]);
}

#[test]
fn a_limit_counts_from_its_put_and_on_while_it_measures_the_same() {
    let mut book = rejecting();
    book.act(0, 3, &json!({ "id": "before" }));
    book.limit(1, "all", &things(5));
    book.act(2, 4, &json!({ "id": "four" }));
    assert_eq!((book.limits(2), book.warnings(2)), (vec!["all - 4 of 5".into()], vec!["near all -".into()]));
    book.event(3, json!({ "type": "void", "voids": { "id": "before" } }));
    assert_eq!(book.limits(3), ["all - 4 of 5"], "what was never counted is not taken back");
    // More of it, and soft: it counts on. What is stated is the whole of it.
    book.limit(4, "all", &json!({ "quantity": 50, "window": "day" }));
    assert_eq!(book.limits(4), ["all - 4 of 50"]);
    // Less than what was used: all of it is used now, and only what is free goes on.
    book.limit(5, "all", &things(3));
    assert_eq!((book.limits(5), book.warnings(5).len()), (vec!["all - 4 of 3".to_string()], 1));
    assert_eq!(book.act(5, 1, &json!({})), Rejected("limit_reached"));
    for other in [json!({ "window": "week" }), json!({ "on": { "user": "*" } }), json!({ "window": "day" })] {
        book.limit(6, "all", &super::with(things(3), &other));
        assert!(
            !book.limits(6).contains(&"all - 4 of 3".to_string()),
            "{other}: another measure starts anew"
        );
    }
    assert_eq!(book.limits(6), ["all - 0 of 3"]);
    book.event(7, json!({ "type": "void", "voids": { "id": "four" } }));
    assert_eq!(book.limits(7), ["all - 0 of 3"], "it was counted by another measure");
}

#[test]
fn an_own_limit_goes_before_the_plans_and_counts_on() {
    let each = |most: i64| json!([{ "id": "each", "on": { "user": "*" }, "quantity": most, "window": "day", "hard": true }]);
    let mut book = Book::carded(&ones());
    book.plan(0, "base", 1, &json!({ "past_limit": "reject", "limits": each(5) }));
    book.plan(0, "large", 1, &json!({ "past_limit": "reject", "limits": each(20) }));
    book.put(0, "base", json!({}));
    book.act(1, 5, &by("ana"));
    assert_eq!(book.act(1, 1, &by("ana")), Rejected("limit_reached"));
    book.limit(2, "each", &each(8)[0]);
    assert_eq!(book.act(2, 3, &by("ana")), Charged);
    assert_eq!(book.limits(2), ["each ana 8 of 8"]);
    let remove = json!({ "type": "creditd.limit.remove.v1", "id": "each", "reason": "over", "by": "ana" });
    assert_eq!((book.command(3, &remove), book.command(3, &remove)), (Accepted, Rejected("unknown_limit")));
    assert_eq!(
        book.limits(3),
        ["each ana 8 of 5"],
        "the plan's is back, which is the organization's to keep"
    );
    // A new version and another plan count on, too.
    book.plan(4, "base", 2, &json!({ "past_limit": "reject", "limits": each(9) }));
    assert_eq!((book.act(4, 1, &by("ana")), book.limits(4)), (Charged, vec!["each ana 9 of 9".to_string()]));
    book.put(5, "large", json!({}));
    assert_eq!(book.limits(5), ["each ana 9 of 20"]);
    // Off is gone, and on again starts anew.
    book.limit(6, "each", &json!({ "off": true }));
    assert_eq!((book.limits(6), book.act(6, 90, &by("ana"))), (vec![], Charged));
    assert_eq!(book.command(7, &remove), Accepted);
    book.act(7, 2, &by("ana"));
    assert_eq!(book.limits(7), ["each ana 2 of 20"]);
}

#[test]
fn a_version_that_leaves_less_tells_so_at_the_next_use() {
    let limits = |most: i64| json!({ "limits": [{ "id": "all", "quantity": most, "window": "life" }] });
    let mut book = Book::planned(&ones(), &limits(100));
    book.act(1, 10, &json!({}));
    book.plan(2, "base", 2, &super::with(limits(12), &json!({ "effective_from": "2026-01-05T10:00:30Z" })));
    assert_eq!(book.acme(90).limit_alerts, []);
    book.act(91, 1, &json!({}));
    let alerts = book.acme(91).limit_alerts;
    assert_eq!(alerts.len(), 1);
    assert_eq!((alerts[0].level, alerts[0].at, alerts[0].window), (Level::Near, TEN + 91 * SECOND, None));
}

#[test]
fn what_is_no_limit_is_refused() {
    let mut book = Book::priced(&ones());
    let day = |terms: Value| super::with(json!({ "window": "day" }), &terms);
    for (terms, reason) in [
        (json!({ "quantity": 5 }), "missing_field"),
        (json!({ "quantity": 5, "window": "hour" }), "invalid_field"),
        (day(json!({})), "invalid_field"),
        (day(json!({ "quantity": 5, "credits": "5" })), "invalid_field"),
        (day(json!({ "quantity": -1 })), "invalid_field"),
        (day(json!({ "quantity": 5, "credit_type": "other" })), "invalid_field"),
        (day(json!({ "credits": "5", "credit_type": "never" })), "invalid_field"),
        (day(json!({ "quantity": 5, "on": { "user": "*", "team": "*", "account": "*" } })), "invalid_field"),
        (day(json!({ "quantity": 5, "on": { "users": "*" } })), "invalid_field"),
        (day(json!({ "quantity": 5, "on": { "entity": { "type": "campaign" } } })), "missing_field"),
        (day(json!({ "quantity": 5, "hard": "yes" })), "invalid_field"),
        (json!({ "off": true, "window": "hour" }), "invalid_field"),
        (day(json!({ "quantity": 5, "org": "bravo" })), "org_mismatch"),
    ] {
        assert_eq!(book.try_limit(0, "bad", &terms), Rejected(reason), "{terms}");
    }
    let nameless = json!({ "type": "creditd.limit.put.v1", "quantity": 5, "window": "day" });
    assert_eq!(book.command(0, &nameless), Rejected("missing_field"));
    let plan = |limits: Value| json!({ "type": "creditd.plan.put.v1", "id": "odd", "version": 1, "rate_card": "card", "limits": limits });
    let sound = json!({ "id": "a", "quantity": 5, "window": "day" });
    let other = super::with(sound.clone(), &json!({ "off": true }));
    let many = (0..33).map(|n| super::with(sound.clone(), &json!({ "id": format!("l{n}") }))).collect();
    for limits in
        [json!([other]), json!([sound, sound]), Value::Array(many), json!([5]), json!([{ "id": "a" }])]
    {
        assert_eq!(book.command(0, &plan(limits)), Rejected("invalid_field"));
    }
}

#[test]
fn an_organization_has_256_limits_of_its_own() {
    let mut book = Book::priced(&ones());
    for number in 0..256 {
        book.limit(0, &format!("l{number}"), &things(5));
    }
    assert_eq!(book.try_limit(0, "one-more", &things(5)), Rejected("too_many"));
    assert_eq!(book.try_limit(0, "l7", &json!({ "off": true })), Accepted, "it has that one");
}

#[test]
fn a_hundred_thousand_values_are_counted_and_no_more() {
    let mut book = Book::priced(&ones());
    book.limit(0, "each-user", &json!({ "on": { "user": "*" }, "quantity": 5, "window": "day" }));
    for batch in 0..10 {
        let event = |n: i64| json!({ "type": "action", "id": format!("{batch}-{n}"), "action": "one", "user": format!("u{batch}-{n}") });
        let outcomes = book.send(1, "credits.events.acme", &Value::Array((0..10_000).map(event).collect()));
        assert!(outcomes.iter().all(|outcome| *outcome == Charged));
    }
    assert_eq!(book.act(2, 1, &by("late")), Rejected("too_many"));
    assert_eq!((book.act(2, 1, &by("u0-0")), book.act(2, 1, &json!({}))), (Charged, Charged));
    book.event(3, json!({ "type": "void", "voids": { "id": "9-1" } }));
    assert_eq!(book.act(3, 1, &by("late")), Charged, "what is taken back makes room");
    assert_eq!(book.act(86_400, 1, &by("later")), Charged, "the next day nobody has used any");
}
