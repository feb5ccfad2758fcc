//! Auto-recharge, worked out by hand. Available credits are what was granted less what was spent, at one credit each.

use serde_json::{Value, json};

use super::{Book, CREDIT, SECOND, TEN, at, ones};
use crate::model::Instant;
use crate::model::Outcome::{self, Accepted, Rejected};
use crate::model::report::further::RechargeReport;

const DAY: Instant = 86_400;

impl Book {
    fn recharge(&mut self, second: Instant, order: &Value) -> Outcome {
        let put = json!({ "type": "creditd.recharge.put.v1" });
        self.command(second, &super::with(put, order))
    }

    fn pay(&mut self, second: Instant, number: i64, amount: &str) -> Outcome {
        let id = format!("recharge.credits.{number}");
        self.command(second, &json!({ "type": "creditd.grant.v1", "id": id, "amount": amount }))
    }

    fn decline(&mut self, second: Instant, number: i64) -> Outcome {
        let id = format!("recharge.credits.{number}");
        self.command(second, &json!({ "type": "creditd.recharge.failed.v1", "id": id, "reason": "declined" }))
    }

    /// The state in words, an instant as the seconds after ten o'clock.
    fn state(&mut self, second: Instant) -> String {
        let RechargeReport { state, instant, .. } = self.of_credits(second);
        let instant = instant.map(|instant| (instant - TEN) / SECOND);
        instant.map_or(state.clone(), |instant| format!("{state} {instant}"))
    }

    fn of_credits(&mut self, second: Instant) -> RechargeReport {
        let further = self.model.further_of("acme", TEN + second * SECOND).unwrap();
        further.recharges["credits"].clone()
    }

    /// Credits and requests that count against the cap of a window.
    fn counted(&mut self, second: Instant, window: &str) -> (i128, i128) {
        let cap = self.of_credits(second).caps[window];
        (cap.credits / CREDIT, cap.times)
    }

    /// What was told of recharges, as `1.requested`, and the amount asked for last.
    fn told(&mut self, second: Instant) -> (Vec<String>, String) {
        self.acme(second);
        let short = |id: &str| id.strip_prefix("acme.recharge.credits.").map(str::to_string);
        let told = self.model.notices_of("acme").iter().filter_map(|notice| short(&notice.id)).collect();
        let asked = self.model.asked_of("acme").get("credits").map_or(0, |(_, amount)| *amount);
        (told, super::show(asked))
    }
}

/// 100 credits, and this recharge.
fn book(order: &Value) -> Book {
    let mut book = Book::priced(&ones());
    book.grant(0, "a", json!({ "amount": "100" }));
    assert_eq!(book.recharge(0, order), Accepted);
    book
}

fn told(expected: &[&str], asked: &str) -> (Vec<String>, String) {
    (expected.iter().map(ToString::to_string).collect(), asked.to_string())
}

#[test]
fn it_asks_at_its_level_and_in_whole_steps() {
    // Left, what is asked for below 20 in steps of 50: 20 is at the level, and 20 + 50 is above it.
    for (spent, asked) in
        [(79, "0"), (80, "50"), (100, "50"), (129, "50"), (130, "100"), (131, "100"), (180, "150")]
    {
        let mut book = book(&json!({ "below": "20", "amount": "50" }));
        book.spend(1, spent);
        assert_eq!(book.told(1).1, asked, "{spent} spent");
    }
}

#[test]
fn up_to_asks_for_what_is_missing_within_its_bounds() {
    for (spent, bounds, asked) in [
        (80, json!({}), "180"),
        (250, json!({}), "350"),
        (80, json!({ "min": "181" }), "181"),
        (250, json!({ "max": "300", "min": "200" }), "300"),
    ] {
        let mut book = book(&super::with(json!({ "below": "20", "up_to": "200" }), &bounds));
        book.spend(1, spent);
        assert_eq!(book.told(1).1, asked, "{spent} spent within {bounds}");
    }
    // Steps of 30 are three for a minimum of 70, and two for a maximum of 80 where six were needed.
    for (spent, bounds, asked) in [
        (80, json!({ "min": "70" }), "90"),
        (250, json!({ "max": "80" }), "60"),
        (80, json!({ "max": "30" }), "30"),
    ] {
        let mut book = book(&super::with(json!({ "below": "20", "amount": "30" }), &bounds));
        book.spend(1, spent);
        assert_eq!(book.told(1).1, asked, "{spent} spent within {bounds}");
    }
}

#[test]
fn it_asks_also_where_no_grant_ever_came() {
    let mut book = Book::priced(&ones());
    assert_eq!(book.recharge(5, &json!({ "below": "0", "amount": "10" })), Accepted);
    assert_eq!(
        (book.told(5), book.state(5)),
        (told(&["1.requested"], "10"), "in flight since 5".to_string())
    );
}

#[test]
fn an_answer_cools_down_for_its_time_and_not_a_microsecond_more() {
    let mut book = book(&json!({ "below": "20", "amount": "50", "cooldown_s": 600 }));
    book.spend(1, 90);
    book.spend(2, 30);
    assert_eq!(
        (book.told(9), book.state(9)),
        (told(&["1.requested"], "50"), "in flight since 1".to_string())
    );
    assert_eq!(book.pay(10, 1, "50"), Accepted);
    // 30 are left, then 20.
    book.spend(20, 10);
    assert_eq!(book.state(609), "cooling down until 610");
    assert_eq!(book.told(609), told(&["1.requested", "1.succeeded"], "50"));
    assert_eq!(book.told(610), told(&["1.requested", "1.succeeded", "2.requested"], "50"));
    assert_eq!(book.state(610), "in flight since 610");
    // The answer again is known as any grant.
    assert_eq!((book.pay(611, 1, "50"), book.pay(612, 1, "51")), (Accepted, Rejected("conflict")));
    assert_eq!(book.decline(613, 1), Rejected("conflict"));
    assert_eq!(book.told(613).0.len(), 3);
}

#[test]
fn without_a_cooldown_it_asks_again_with_the_answer() {
    let mut book = book(&json!({ "below": "20", "amount": "50", "cooldown_s": 0 }));
    book.spend(1, 100);
    book.pay(2, 1, "20");
    assert_eq!((book.told(2).0.len(), book.state(2)), (3, "in flight since 2".to_string()));
    book.pay(3, 2, "0.000001");
    assert_eq!((book.told(3).0.len(), book.state(3)), (4, "armed".to_string()));
}

#[test]
fn failures_in_a_row_back_off_twice_as_long_up_to_a_day() {
    let mut book = book(&json!({ "below": "20", "amount": "50" }));
    book.spend(0, 90);
    let (mut now, minutes) = (0, [5, 10, 20, 40, 80, 160, 320, 640, 1_280, 1_440, 1_440]);
    for (number, pause) in (1..).zip(minutes) {
        assert_eq!(book.state(now), format!("in flight since {now}"));
        assert_eq!((book.decline(now + 1, number), book.decline(now + 2, number)), (Accepted, Accepted));
        let until = now + 1 + pause * 60;
        assert_eq!(book.state(until - 1), format!("backing off until {until}"));
        now = until;
    }
    assert_eq!(book.of_credits(now).failures, 11);
    // A grant ends the row.
    book.pay(now + 1, 12, "5");
    assert_eq!(book.of_credits(now + 1).failures, 0);
    assert_eq!(book.state(now + 61), format!("in flight since {}", now + 61));
    book.decline(now + 62, 13);
    assert_eq!(book.state(now + 62), format!("backing off until {}", now + 62 + 300));
}

#[test]
fn an_unanswered_request_fails_at_its_deadline_and_its_late_grant_is_taken() {
    let mut book = book(&json!({ "below": "20", "amount": "50", "answer_within_s": 3600 }));
    book.spend(0, 90);
    assert_eq!(book.state(3_599), "in flight since 0");
    assert_eq!((book.state(3_600), book.told(3_600).0.len()), ("backing off until 3900".to_string(), 2));
    assert_eq!(book.pay(3_700, 1, "5"), Accepted);
    assert_eq!(book.told(3_700), told(&["1.requested", "1.failed", "1.succeeded"], "50"));
    assert_eq!(
        (book.state(3_700), book.of_credits(3_700).failures),
        ("cooling down until 3760".to_string(), 0)
    );
    // While another is in flight a late one ends the row of failures, and nothing cools down.
    assert_eq!(book.state(3_760), "in flight since 3760");
    book.decline(3_761, 2);
    assert_eq!(book.state(4_061), "in flight since 4061");
    assert_eq!(book.pay(4_062, 2, "1"), Accepted);
    assert_eq!((book.state(4_062), book.of_credits(4_062).failures), ("in flight since 4061".to_string(), 0));
}

#[test]
fn caps_lower_a_request_by_whole_steps_and_then_forbid_it() {
    let caps = json!([{ "window": "day", "credits": "120" }, { "window": "life", "times": 3 }]);
    let mut book = book(&json!({ "below": "20", "amount": "50", "cooldown_s": 0, "caps": caps }));
    book.spend(0, 90);
    book.pay(1, 1, "50");
    // 60 − 200 = −140 need four steps; 70 of the cap are left, which is one.
    book.spend(2, 200);
    assert_eq!((book.told(2).1, book.counted(2, "day")), ("50".to_string(), (100, 2)));
    // More than was asked for came, and counts.
    book.pay(3, 2, "60");
    assert_eq!(book.counted(3, "day"), (110, 2));
    // 10 are left of the cap: no step. The day ends at midnight, fourteen hours after ten.
    assert_eq!(book.state(3), "capped until 50400");
    assert_eq!(book.told(50_399).0.len(), 4);
    assert_eq!((book.told(50_400).0.len(), book.counted(50_400, "life").1), (5, 3));
    // Three requests for life, and no more.
    book.pay(50_401, 3, "50");
    assert_eq!((book.state(50_401), book.told(50_401 + 900 * DAY).0.len()), ("capped until".to_string(), 6));
}

#[test]
fn less_than_the_minimum_is_capped_and_what_failed_counts_no_more() {
    let caps = json!([{ "window": "month", "credits": "150" }]);
    let order = json!({ "below": "20", "up_to": "120", "min": "60", "cooldown_s": 0, "caps": caps });
    let mut book = book(&order);
    book.spend(0, 90);
    assert_eq!((book.told(0).1, book.counted(0, "month")), ("110".to_string(), (110, 1)));
    book.decline(1, 1);
    assert_eq!(book.counted(1, "month"), (0, 0));
    assert_eq!(book.counted(301, "month"), (110, 1));
    book.pay(302, 2, "100");
    assert_eq!(book.counted(302, "month"), (100, 1));
    // 50 are left, less than 60: until the first of February.
    book.spend(303, 90);
    assert_eq!(book.state(303), format!("capped until {}", at("2026-02-01T00:00:00Z")));
    // A put with a lower minimum asks at once, for what the cap leaves; the window keeps what it counted.
    book.recharge(304, &super::with(order, &json!({ "min": "50" })));
    assert_eq!((book.told(304).1, book.counted(304, "month")), ("50".to_string(), (150, 2)));
}

#[test]
fn a_put_ends_a_back_off_and_leaves_a_cooling_down() {
    let order = json!({ "below": "20", "amount": "50", "cooldown_s": 100 });
    let mut book = book(&order);
    book.spend(0, 90);
    book.decline(1, 1);
    book.recharge(
        2,
        &super::with(order.clone(), &json!({ "reason": "again", "credit_type": "credits", "enabled": true })),
    );
    assert_eq!(book.state(2), "backing off until 301", "the same content");
    book.recharge(3, &super::with(order.clone(), &json!({ "max": "100" })));
    assert_eq!((book.state(3), book.of_credits(3).failures), ("in flight since 3".to_string(), 0));
    book.pay(4, 2, "1");
    book.recharge(5, &order);
    assert_eq!(book.state(5), "cooling down until 104");
}

#[test]
fn what_is_off_or_taken_away_still_takes_its_answer() {
    let order = json!({ "below": "20", "amount": "50", "cooldown_s": 0 });
    let mut book = book(&order);
    book.spend(0, 90);
    book.recharge(1, &super::with(order.clone(), &json!({ "enabled": false })));
    assert_eq!(book.state(1), "in flight since 0");
    book.decline(2, 1);
    assert_eq!(book.state(2), "off", "off goes before backing off");
    let remove = json!({ "type": "creditd.recharge.remove.v1" });
    assert_eq!(
        (book.command(3, &remove), book.command(4, &remove)),
        (Accepted, Rejected("unknown_recharge"))
    );
    assert_eq!(book.told(5 * DAY).0.len(), 2);
    assert_eq!(book.pay(5 * DAY, 1, "5"), Accepted);
    // The numbers go on.
    book.recharge(5 * DAY + 1, &order);
    assert_eq!(
        book.told(5 * DAY + 1),
        told(&["1.requested", "1.failed", "1.succeeded", "2.requested"], "50")
    );
}

#[test]
fn an_answer_to_nothing_is_refused() {
    let mut book = book(&json!({ "below": "20", "amount": "50" }));
    let unknown = Rejected("unknown_recharge");
    assert_eq!((book.pay(1, 1, "50"), book.decline(1, 1)), (unknown, unknown));
    book.spend(2, 90);
    assert_eq!((book.pay(3, 2, "50"), book.decline(3, 0)), (unknown, unknown));
    for id in ["recharge.credits.01", "recharge.credits", "recharge.", "recharge.other.1", "invoice-1"] {
        let failed = json!({ "type": "creditd.recharge.failed.v1", "id": id, "reason": "declined" });
        assert_eq!(book.command(4, &failed), unknown, "{id}");
    }
    let other = json!({ "type": "creditd.grant.v1", "id": "recharge.credits.1", "amount": "5", "credit_type": "other" });
    assert_eq!(book.command(5, &other), Rejected("invalid_field"));
    assert_eq!(book.pay(6, 1, "50"), Accepted);
}
