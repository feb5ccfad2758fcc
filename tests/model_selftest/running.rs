//! What rules and recharges see of calls that run, worked out by hand: ten credits a minute, each from the instant it starts.

use serde_json::{Value, json};

use super::calls::prices;
use super::{Book, SECOND, TEN, at};
use crate::model::{Instant, Outcome};

/// So many credits, and these rules.
fn book(amount: &str, alerts: &Value) -> Book {
    let mut book = Book::planned(&prices(), &json!({ "alerts": alerts }));
    book.grant(0, "a", json!({ "amount": amount }));
    book
}

impl Book {
    /// The call `c` is answered.
    fn answer(&mut self, second: Instant) {
        assert_eq!(self.tell(second, "answered", &json!({ "direction": "outbound" })), Outcome::Noted);
    }

    /// What was told of recharges, as `1.requested at 60`.
    fn bought(&mut self, second: Instant) -> Vec<String> {
        self.acme(second);
        let short = |id: &str| id.strip_prefix("acme.recharge.credits.").map(str::to_string);
        let told = self.model.notices_of("acme").into_iter();
        let told = told.filter_map(|notice| Some((short(&notice.id)?, (notice.at - TEN) / SECOND)));
        told.map(|(id, second)| format!("{id} at {second}")).collect()
    }
}

#[test]
fn a_rule_fires_at_the_instant_an_increment_starts() {
    let mut book = book("100", &json!([{ "below_percent": 60 }, { "below": "40" }]));
    book.answer(7);
    assert_eq!(book.alerts(186), [""; 0], "three minutes leave 70");
    // The fourth minute leaves 60, the sixth 40, whenever somebody looks.
    assert_eq!(book.alerts(400), ["credits.p60.1", "credits.a40.1"]);
    let alerts = book.acme(400).alerts;
    assert_eq!((alerts[0].at, alerts[0].position), (TEN + 187 * SECOND, None));
    assert_eq!((alerts[1].at, alerts[1].position), (TEN + 307 * SECOND, None));
}

#[test]
fn an_answer_is_looked_at_as_any_event_is() {
    let mut book = book("15", &json!([{ "below": "5" }]));
    book.answer(7);
    let alerts = book.acme(7).alerts;
    assert_eq!((&*alerts[0].id, alerts[0].position), ("acme.credits.a5.1", Some((5, 0))));
}

#[test]
fn an_end_is_one_step() {
    let mut book = book("100", &json!([{ "below": "75" }]));
    book.answer(0);
    assert_eq!(book.tell(61, "ended", &json!({})), Outcome::Charged);
    assert_eq!(book.alerts(61), [""; 0], "twenty credits are never pending and charged at once");
}

#[test]
fn a_call_that_ends_shorter_arms_the_rule_again() {
    let mut book = book("100", &json!([{ "below_percent": 60 }]));
    book.answer(0);
    assert_eq!(book.alerts(180), ["credits.p60.1"]);
    assert_eq!(book.tell(190, "ended", &json!({ "duration_ms": 30_000 })), Outcome::Charged);
    book.spend(191, 30);
    assert_eq!(book.alerts(191), ["credits.p60.1", "credits.p60.2"]);
}

#[test]
fn an_end_that_was_voided_before_it_came_arms_the_rule_again() {
    let mut book = book("100", &json!([{ "below_percent": 60 }]));
    book.answer(0);
    let void = json!({ "type": "void", "voids": { "id": "end", "time": "2026-01-05T10:03:10Z" } });
    assert_eq!(book.event(180, void), Outcome::Voided);
    assert_eq!(book.alerts(180), ["credits.p60.1"]);
    assert_eq!(book.tell(190, "ended", &json!({})), Outcome::Duplicate);
    book.spend(191, 40);
    assert_eq!(book.alerts(191), ["credits.p60.1", "credits.p60.2"]);
}

#[test]
fn what_starts_at_an_instant_is_seen_before_the_increment_of_that_instant() {
    let mut book = book("55", &json!([{ "below": "45" }]));
    book.grant(0, "b", json!({ "amount": "4", "effective": "2026-01-05T10:01:00Z" }));
    book.answer(0);
    assert_eq!(book.alerts(59), ["credits.a45.1"]);
    // 49 arm the rule again, and the second minute leaves 39.
    assert_eq!(book.alerts(60), ["credits.a45.1", "credits.a45.2"]);
    assert_eq!(book.acme(60).alerts[1].at, TEN + 60 * SECOND);
}

#[test]
fn a_grant_that_ends_during_a_call_takes_the_level_with_it() {
    let mut book = book("100", &json!([{ "below": "40" }]));
    book.grant(0, "b", json!({ "amount": "50", "expires": "2026-01-05T10:06:30Z" }));
    book.answer(0);
    // Seven minutes leave 80 of 150, and 30 of 100.
    assert_eq!(book.alerts(389), [""; 0]);
    assert_eq!(book.alerts(500), ["credits.a40.1"]);
    assert_eq!(book.acme(500).alerts[0].at, TEN + 390 * SECOND);
}

#[test]
fn new_rules_find_what_live_calls_leave() {
    let mut book = book("100", &json!([]));
    book.answer(0);
    let rules = |below: &str| json!({ "overrides": { "alerts": [{ "below": below }] } });
    book.put(125, "base", rules("70"));
    assert_eq!(book.alerts(125), [""; 0], "it finds 70, which is not above");
    book.put(130, "base", rules("60"));
    assert_eq!(book.alerts(180), ["credits.a60.1"]);
}

#[test]
fn credits_of_another_kind_are_watched_by_themselves() {
    let mut book = book("1000", &json!([{ "below_percent": 50 }]));
    book.grant(0, "b", json!({ "amount": "4", "credit_type": "other" }));
    book.tell(0, "answered", &json!({ "direction": "outbound", "add_ons": ["translation"] }));
    assert_eq!(book.alerts(59), [""; 0]);
    assert_eq!(book.alerts(60), ["other.p50.1"]);
}

#[test]
fn it_is_asked_for_more_during_a_call() {
    let mut book = book("100", &json!([]));
    let order =
        json!({ "type": "creditd.recharge.put.v1", "below": "80", "amount": "10", "answer_within_s": 60 });
    assert_eq!(book.command(0, &order), Outcome::Accepted);
    book.answer(0);
    assert_eq!(book.bought(59), [""; 0]);
    assert_eq!(book.bought(60), ["1.requested at 60"]);
    // Nobody answers within a minute, and five minutes later seven are talked; the eighth comes after that look.
    let all = ["1.requested at 60", "1.failed at 120", "2.requested at 420"];
    assert_eq!(book.bought(420), all);
    let request = "acme.recharge.credits.2.requested";
    assert_eq!(book.model.amount_of("acme", request).map(super::show), Some("60".to_string()));
}

#[test]
fn a_cap_holds_during_a_call_until_its_window_ends() {
    let mut book = book("100", &json!([]));
    let begin = at("2026-01-05T23:50:00Z");
    let order = json!({ "type": "creditd.recharge.put.v1", "below": "80", "amount": "20", "cooldown_s": 0,
                        "caps": [{ "window": "day", "times": 1 }] });
    assert_eq!(book.command(begin, &order), Outcome::Accepted);
    book.answer(begin);
    let paid = json!({ "type": "creditd.grant.v1", "id": "recharge.credits.1", "amount": "20" });
    assert_eq!(book.command(begin + 61, &paid), Outcome::Accepted);
    let state = |book: &mut Book, second| {
        let further = book.model.further_of("acme", TEN + second * SECOND).unwrap();
        further.recharges["credits"].state.clone()
    };
    assert_eq!(state(&mut book, begin + 119), "armed");
    assert_eq!(state(&mut book, begin + 180), "capped until");
    let asked = [format!("1.requested at {}", begin + 60), format!("1.succeeded at {}", begin + 61)];
    assert_eq!(book.bought(begin + 599), asked);
    assert_eq!(book.bought(begin + 600)[2..], [format!("2.requested at {}", begin + 600)]);
}

#[test]
fn whoever_looks_changes_nothing() {
    let told = |looks: &[Instant]| {
        let mut book = book("100", &json!([{ "below": "50" }]));
        book.put(0, "base", json!({ "overrides": { "increment": "7/3" } }));
        book.answer(1);
        looks.iter().for_each(|second| drop(book.acme(*second)));
        book.acme(600).alerts
    };
    let once = told(&[]);
    // 298 seconds after the answer an increment starts with which 301 cost more than 50 credits.
    assert_eq!(once.iter().map(|alert| alert.at).collect::<Vec<_>>(), [TEN + 299 * SECOND]);
    let often: Vec<Instant> = (2..600).collect();
    assert_eq!(told(&often), once);
}
