//! Grants that end soon, credits that run out, spikes and resets, worked out by hand.

use serde_json::{Value, json};

use super::{Book, SECOND, TEN, at, ones};
use crate::model::Instant;

const HOUR: Instant = 3_600;
const DAY: Instant = 24 * HOUR;

impl Book {
    /// The ids of further alerts, without the leading `acme.`, and the seconds after ten o'clock.
    fn notices(&mut self, second: Instant) -> Vec<(String, Instant)> {
        self.acme(second);
        let notices = self.model.notices_of("acme").into_iter();
        notices.map(|notice| (notice.id.replacen("acme.", "", 1), (notice.at - TEN) / SECOND)).collect()
    }

    fn ids(&mut self, second: Instant) -> Vec<String> {
        self.notices(second).into_iter().map(|(id, _)| id).collect()
    }
}

fn ruled(rules: &Value) -> Book {
    Book::planned(&ones(), &json!({ "alerts": rules }))
}

#[test]
fn a_grant_that_ends_is_told_so_many_days_before_or_when_it_is_given() {
    let mut book = ruled(&json!([{ "expires_within_days": 7 }, { "expires_within_days": 1 }]));
    let ends = at("2026-01-15T10:00:00Z");
    book.grant(0, "a.b", json!({ "amount": "5", "expires": "2026-01-15T10:00:00Z" }));
    book.grant(1, "spent", json!({ "amount": "5", "expires": "2026-01-15T10:00:00Z" }));
    book.grant(2, "ever", json!({ "amount": "5", "priority": 255 }));
    assert_eq!(book.ids(ends - 7 * DAY - 1), [""; 0]);
    assert_eq!(book.ids(ends - 7 * DAY).len(), 2);
    // Three days before its end, and a waiting one.
    book.grant(
        ends - 3 * DAY,
        "late",
        json!({ "amount": "5", "effective": "2026-01-15T09:00:00Z", "expires": "2026-01-15T10:00:00Z" }),
    );
    book.spend(ends - 2 * DAY, 7);
    // `a.b` holds nothing any more, `spent` holds 3.
    let expected = [
        ("credits.expires7.a%2Eb", ends - 7 * DAY),
        ("credits.expires7.spent", ends - 7 * DAY),
        ("credits.expires7.late", ends - 3 * DAY),
        ("credits.expires1.spent", ends - DAY),
        ("credits.expires1.late", ends - DAY),
    ];
    assert_eq!(book.notices(ends), expected.map(|(id, at)| (id.to_string(), at)));
}

#[test]
fn a_grant_is_told_by_the_rules_of_its_instant() {
    let mut book = ruled(&json!([]));
    book.grant(0, "a", json!({ "amount": "5", "expires": "2026-01-15T10:00:00Z" }));
    let rules =
        json!({ "overrides": { "alerts": [{ "expires_within_days": 9 }, { "expires_within_days": 8 }] } });
    book.put(DAY + 1, "base", rules);
    assert_eq!(book.ids(10 * DAY), ["credits.expires8.a"]);
}

/// 10 credits in each of three hours, of 200 and so much more.
fn ten_an_hour(more: &str) -> Book {
    let mut book = ruled(&json!([{ "runs_out_within_hours": 10 }]));
    book.grant(0, "a", json!({ "amount": "200" }));
    book.grant(0, "m", json!({ "amount": more }));
    for hour in 0..3 {
        book.spend(hour * HOUR, 10);
    }
    book
}

#[test]
fn credits_run_out_at_the_rate_of_the_last_hours() {
    // 30 in three hours: what is left of 171 after 71 more lasts ten hours, and with a micro-credit more it lasts longer.
    for (more, ids) in [("1", vec!["credits.runs_out10.1"]), ("1.000001", vec![])] {
        let mut book = ten_an_hour(more);
        book.spend(3 * HOUR, 71);
        // Only the first event of an hour is looked at.
        book.spend(3 * HOUR + 1, 1);
        assert_eq!(book.ids(3 * HOUR + 1), ids, "{more}");
    }
}

#[test]
fn it_is_told_again_after_they_lasted_a_quarter_longer() {
    // 101 in four hours, 25.25 an hour: of the hundred credits, and 216.625 more, one is spent: 315.625 last twelve and a half
    // hours. Then 102 in five, 204 in ten: the 315.625 less 112 do not last them.
    for (more, ids) in [("216.625", 2), ("216.624999", 1)] {
        let mut book = ten_an_hour("1");
        book.spend(3 * HOUR, 71);
        book.grant(3 * HOUR, "b", json!({ "amount": more }));
        book.spend(4 * HOUR, 1);
        assert_eq!(book.ids(4 * HOUR).len(), 1);
        book.spend(5 * HOUR, 112);
        assert_eq!(book.ids(5 * HOUR).len(), ids, "{more}");
    }
}

#[test]
fn less_than_three_hours_say_nothing() {
    let mut book = ruled(&json!([{ "runs_out_within_hours": 8784 }]));
    book.grant(0, "a", json!({ "amount": "200" }));
    for second in [0, HOUR, 2 * HOUR, 2 * HOUR + 1] {
        book.spend(second, 10);
    }
    assert_eq!(book.ids(2 * HOUR + 1), [""; 0]);
    book.spend(3 * HOUR, 1);
    assert_eq!(book.ids(3 * HOUR).len(), 1);
}

#[test]
fn the_reckoning_knows_what_ends_and_starts_and_stops_at_the_reset() {
    // 10 an hour. What ends in two hours gives 20 of its 100; then 45 are left, for four hours and a half.
    let flow = |grants: &[Value], rules: Value, terms: Value| {
        let mut book = Book::planned(&ones(), &super::with(json!({ "alerts": rules }), &terms));
        book.grant(0, "z", json!({ "amount": "30", "priority": 0 }));
        for (place, grant) in grants.iter().enumerate() {
            book.grant(0, &format!("g{place}"), grant.clone());
        }
        for hour in 0..3 {
            book.spend(hour * HOUR, 10);
        }
        book.event(3 * HOUR, json!({ "type": "action", "action": "one", "quantity": 1 }));
        book.ids(3 * HOUR)
    };
    // Of the first two hours all goes to `g0`, one credit of which went at once.
    let ending = json!({ "amount": "100", "expires": "2026-01-05T15:00:00Z", "priority": 1 });
    let rest = json!({ "amount": "45" });
    let rule = |hours: i64| json!([{ "runs_out_within_hours": hours }]);
    let grants = [ending, rest];
    assert_eq!(flow(&grants, rule(7), json!({})), ["credits.runs_out7.1"], "6.5 hours");
    assert_eq!(flow(&grants, rule(6), json!({})), [""; 0]);
    // With what starts before that, ten hours more.
    let more = json!({ "amount": "100", "effective": "2026-01-05T19:00:00Z" });
    let three = [grants[0].clone(), grants[1].clone(), more.clone()];
    assert_eq!(flow(&three, rule(16), json!({})), [""; 0]);
    assert_eq!(flow(&three, rule(17), json!({})), ["credits.runs_out17.1"]);
    // What starts after that is too late.
    let late = super::with(more, &json!({ "effective": "2026-01-05T19:30:00.000001Z" }));
    assert_eq!(flow(&[grants[0].clone(), grants[1].clone(), late], rule(7), json!({})).len(), 1);
    // A cycle that ends before: they last until the reset.
    let cycle = json!({ "cycle": { "days": 1 } });
    assert_eq!(
        flow(&three, rule(8784), cycle).len(),
        1,
        "the anchor is ten o'clock, 16.5 hours are less than 21"
    );
    let cycle = json!({ "cycle": { "days": 1 }, "allotments": [{ "amount": "50", "priority": 255 }] });
    assert_eq!(flow(&three, rule(8784), cycle), [""; 0]);
}

#[test]
fn a_spike_is_told_once_for_a_row_of_hours() {
    let mut book = ruled(&json!([{ "spike_percent": 200, "at_least": "5" }]));
    book.spend(0, 24);
    book.grant(0, "a", json!({ "amount": "1000" }));
    // 24 in the 24 hours until ten o'clock: one an hour. 2 are 200 %, 2.000001 would be more; but 5 are asked for.
    let day = DAY;
    book.spend(day - 1, 1);
    assert_eq!(book.ids(day - 1), [""; 0], "23 whole hours are too few");
    // 25 in 24 hours: 1.0417 an hour, twice that is 2.08.
    book.spend(day, 4);
    assert_eq!(book.ids(day), [""; 0], "not at least 5");
    book.spend(day + 1, 1);
    assert_eq!(book.notices(day + 1), [("credits.spike200.2026-01-06T10:00:00Z".to_string(), day + 1)]);
    // 30 in 25 hours: 1.2, twice that is 2.4. The next hour is such an hour, too, and the one after is not.
    book.spend(day + HOUR, 6);
    book.spend(day + 2 * HOUR, 2);
    book.spend(day + 3 * HOUR, 6);
    let expected = ["credits.spike200.2026-01-06T10:00:00Z", "credits.spike200.2026-01-06T13:00:00Z"];
    assert_eq!(book.ids(day + 3 * HOUR), expected);
}

#[test]
fn exactly_so_many_percent_are_no_spike() {
    let mut book = ruled(&json!([{ "spike_percent": 200 }]));
    book.grant(0, "a", json!({ "amount": "1000" }));
    book.spend(0, 24);
    book.spend(DAY, 2);
    assert_eq!(book.ids(DAY), [""; 0]);
    book.spend(DAY + 1, 1);
    assert_eq!(book.ids(DAY + 1).len(), 1);
}

#[test]
fn a_reset_that_begins_a_further_cycle_is_told() {
    let rules = json!([{ "cycle_reset": true }]);
    let mut book = Book::carded(&ones());
    let days =
        |days: i64| json!({ "cycle": { "days": days }, "alerts": rules, "allotments": [{ "amount": "10" }] });
    book.plan(0, "ten", 1, &days(10));
    book.plan(0, "five", 1, &days(5));
    book.plan(0, "bare", 1, &json!({ "alerts": rules }));
    book.put(0, "ten", json!({}));
    assert_eq!(book.ids(10 * DAY - 1), [""; 0]);
    assert_eq!(book.notices(10 * DAY), [("cycle.2".to_string(), 10 * DAY)]);
    // Another length resets at once; the end of cycles is none, and the begin of new ones neither.
    book.put(11 * DAY, "five", json!({}));
    assert_eq!(book.ids(11 * DAY), ["cycle.2", "cycle.3"]);
    book.put(12 * DAY, "bare", json!({}));
    book.put(13 * DAY, "five", json!({ "cycle_anchor": "2026-01-18T10:00:00Z" }));
    assert_eq!(book.ids(18 * DAY), ["cycle.2", "cycle.3", "cycle.5"]);
}

#[test]
fn the_burn_counts_charges_and_voids_in_the_hour_of_the_log() {
    let mut book = ruled(&json!([]));
    book.event(1_800, json!({ "type": "action", "id": "a", "action": "one", "quantity": 7, "time": "2026-01-05T08:00:00Z" }));
    book.spend(HOUR, 5);
    let burn = |book: &mut Book, second: Instant| {
        let burn = book.model.further_of("acme", TEN + second * SECOND).unwrap().burn["credits"];
        (burn.sum / 1_000_000, burn.hours, burn.running / 1_000_000)
    };
    assert_eq!(burn(&mut book, HOUR), (7, 1, 5));
    let void = json!({ "type": "void", "voids": { "id": "a", "time": "2026-01-05T08:00:00Z" } });
    book.event(2 * HOUR - 1, void);
    assert_eq!(burn(&mut book, 2 * HOUR - 1), (7, 1, -2));
    assert_eq!(burn(&mut book, 2 * HOUR), (5, 2, 0));
    assert_eq!(burn(&mut book, 24 * HOUR), (5, 24, 0));
    // After 24 hours only the hour that took back more than it burnt counts, and then nothing does.
    assert_eq!((burn(&mut book, 25 * HOUR), burn(&mut book, 26 * HOUR)), ((0, 24, 0), (0, 24, 0)));
}
