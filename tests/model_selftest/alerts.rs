//! Alerts, worked out by hand: 100 credits, and the default rules at 60, 30, 10 and 0 percent.

use serde_json::{Value, json};

use super::{Book, SECOND, TEN, ones};

fn book(alerts: &Value) -> Book {
    let mut book = Book::planned(&ones(), &json!({ "alerts": alerts }));
    book.grant(0, "a", json!({ "amount": "100" }));
    book
}

#[test]
fn the_default_rules_fire_once_each_on_the_way_down() {
    let mut book = Book::priced(&ones());
    book.grant(0, "a", json!({ "amount": "100" }));
    book.spend(1, 39);
    assert_eq!(book.alerts(1), [""; 0], "61 is above 60 %");
    book.spend(2, 1);
    assert_eq!(book.alerts(2), ["credits.p60.1"], "60 is not above 60 %");
    book.spend(3, 10);
    assert_eq!(book.alerts(3).len(), 1);
    book.spend(4, 50);
    assert_eq!(
        book.alerts(4),
        ["credits.p60.1", "credits.p0.1", "credits.p10.1", "credits.p30.1"],
        "the worst first"
    );
    // What is crossed at once is one alert, named after the worst.
    let alerts = book.acme(4).alerts;
    assert_eq!((alerts.len(), &*alerts[1].id, &*alerts[1].rule), (2, "acme.credits.p0.1", "p0"));
    assert_eq!((alerts[1].at, alerts[1].position), (TEN + 4 * SECOND, Some((8, 0))));
}

#[test]
fn a_rule_fires_again_only_after_five_points_of_recovery() {
    let mut book = book(&json!([{ "below_percent": 30 }]));
    book.spend(1, 70);
    assert_eq!(book.alerts(1), ["credits.p30.1"]);
    // 30 + 6 of 106 is 33.96 %: above, but not recovered.
    book.grant(2, "b", json!({ "amount": "6" }));
    book.spend(3, 6);
    assert_eq!(book.alerts(3).len(), 1);
    // 30 + 10 of 116 is 34.48 %; 30 + 12 of 118 is 35.59 %: recovered.
    book.grant(4, "c", json!({ "amount": "10" }));
    book.grant(5, "d", json!({ "amount": "2" }));
    book.spend(6, 10);
    assert_eq!(book.alerts(6), ["credits.p30.1", "credits.p30.2"]);
}

#[test]
fn an_amount_recovers_a_twentieth_above() {
    let mut book = book(&json!([{ "below": "50" }, { "below": "0" }]));
    book.spend(1, 50);
    assert_eq!(book.alerts(1), ["credits.a50.1"]);
    book.grant(2, "b", json!({ "amount": "2.499999" }));
    book.spend(3, 1);
    assert_eq!(book.alerts(3).len(), 1, "52.499999 is not 52.5");
    book.grant(4, "c", json!({ "amount": "1.000001" }));
    book.spend(5, 100);
    assert_eq!(book.alerts(5), ["credits.a50.1", "credits.a0.1", "credits.a50.2"]);
}

#[test]
fn an_expiry_raises_its_alert_at_its_own_instant() {
    let mut book = Book::planned(&ones(), &json!({ "alerts": [{ "below": "50" }, { "below_percent": 0 }] }));
    book.grant(0, "a", json!({ "amount": "100", "expires": "2026-01-05T10:00:30Z" }));
    book.grant(0, "b", json!({ "amount": "20", "effective": "2026-01-05T10:00:30Z" }));
    book.spend(90, 20);
    let alerts = book.acme(90).alerts;
    assert_eq!(alerts.len(), 2);
    // At 10:00:30 one grant ends and the other starts, and the level goes from 100 to 20: seen once, after both.
    assert_eq!((&*alerts[0].rule, alerts[0].at, alerts[0].position), ("a50", TEN + 30 * SECOND, None));
    assert_eq!((&*alerts[1].rule, alerts[1].at, alerts[1].position), ("p0", TEN + 90 * SECOND, Some((6, 0))));
}

#[test]
fn a_rule_that_was_never_above_stays_silent() {
    let mut book = Book::planned(&ones(), &json!({ "alerts": [{ "below": "50" }, { "below_percent": 50 }] }));
    book.spend(0, 10);
    book.grant(1, "a", json!({ "amount": "14" }));
    book.spend(2, 4);
    assert_eq!(book.alerts(2), [""; 0]);
}

#[test]
fn each_credit_type_is_watched_by_itself() {
    let rules = json!([{ "below_percent": 50 }, { "below": "5" }, { "below": "8", "credit_type": "other" }]);
    let mut book = book(&rules);
    book.grant(0, "o", json!({ "amount": "10", "credit_type": "other" }));
    book.event(1, json!({ "type": "action", "action": "other", "quantity": 6 }));
    assert_eq!(book.alerts(1), ["other.p50.1", "other.a8.1"]);
    book.spend(2, 96);
    assert_eq!(book.alerts(2)[2..], ["credits.p50.1", "credits.a5.1"]);
}

#[test]
fn new_rules_watch_from_the_level_they_find_and_old_ones_keep_their_state() {
    let mut book = book(&json!([{ "below_percent": 60 }]));
    book.spend(1, 40);
    let terms = json!({ "type": "creditd.org.put.v1", "plan": "base",
                        "overrides": { "alerts": [{ "below_percent": 60 }, { "below_percent": 30 }, { "below_percent": 80 }] } });
    book.command(2, &terms);
    book.spend(3, 40);
    // 60 has fired already, 80 was never above, 30 was found at 60 %.
    assert_eq!(book.alerts(3), ["credits.p60.1", "credits.p30.1"]);
    // A rule that went and came back starts fresh, and goes on counting.
    book.command(4, &json!({ "type": "creditd.org.put.v1", "plan": "base", "overrides": { "alerts": [] } }));
    book.grant(5, "b", json!({ "amount": "100" }));
    book.command(6, &terms);
    book.spend(7, 80);
    assert_eq!(book.alerts(7)[2..], ["credits.p30.2"], "60 % of 200 were 120, the level was never above");
}

#[test]
fn a_new_version_of_the_plan_brings_its_rules_at_its_instant() {
    let mut book = book(&json!([]));
    let plan = json!({ "type": "creditd.plan.put.v1", "id": "base", "version": 2, "rate_card": "card",
                       "effective_from": "2026-01-05T10:00:30Z", "alerts": [{ "below": "50" }] });
    book.command(1, &plan);
    book.spend(2, 10);
    book.grant(3, "b", json!({ "amount": "10", "expires": "2026-01-05T10:00:20Z" }));
    book.spend(40, 60);
    assert_eq!(book.alerts(40), ["credits.a50.1"]);
}
