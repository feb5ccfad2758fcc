//! Alerts beside the level: grants that end, credits that run out, hours that burn too much, cycles that begin.

use super::*;
use crate::ledger::alerts::{Days, Hours, Spike, When};
use crate::ledger::calendar::Every;
use crate::ledger::entry::GrantVoid;

const HOUR: u64 = 60;
const DAY: u64 = 24 * HOUR;

fn rule(when: When) -> Rule {
    Rule { when, credit_type: None }
}

fn ends(days: u16) -> Rule {
    rule(When::ExpiresWithin(Days(days)))
}

/// An organization with these rules of its own from the beginning on.
fn acme(rules: Vec<Rule>) -> Acme {
    let mut acme = Acme::new(WhenExhausted::Overage);
    acme.all_rules(0, Some(rules));
    acme
}

impl Acme {
    fn pass(&mut self, to: Timestamp) {
        let mut effects = Vec::new();
        self.org.advance(to, &self.catalog, &mut effects);
        self.alerts.extend(effects.iter().filter_map(told));
    }

    /// Charges so much in an hour. Answers the event's id.
    fn burn(&mut self, hour: u64, amount: u64) -> String {
        let id = self.seq.to_string();
        assert!(matches!(self.spend(hour * HOUR, &id, hour * HOUR, amount), Outcome::Charged(_)));
        id
    }

    /// A minute later takes back what was charged in an hour.
    fn take_back(&mut self, hour: u64, id: &str) {
        assert!(matches!(self.void(hour * HOUR + 1, id, Some(hour * HOUR)), Outcome::Voided(_)));
    }

    /// Publishes a version of the plan.
    fn publish(&mut self, version: u32, from: u64, content: Plan) {
        let effective_from = Some(minutes(from)).filter(|_| version > 1);
        let plan = Versioned { id: "plan".into(), version, effective_from, content };
        self.catalog.apply(CatalogCommand::PutPlan(plan, "card".into()), minutes(0)).unwrap();
    }

    fn take_alerts(&mut self) -> Vec<String> {
        std::mem::take(&mut self.alerts)
    }
}

#[test]
fn thresholds_crossed_at_once_are_one_alert() {
    let mut acme = acme(Rule::defaults());
    acme.grant(0, credits(100));
    acme.spend(1, "a", 1, 75);
    acme.spend(2, "b", 2, 30);
    assert_eq!(acme.alerts, ["p30.1 p60.1", "p0.1 p10.1"]);
}

#[test]
fn a_grant_is_told_of_so_many_days_before_its_end() {
    let mut acme = acme(vec![ends(7), ends(2)]);
    acme.grant_until(0, credits(10), Some("a"), Some(minutes(10 * DAY)));
    acme.grant_until(0, credits(10), Some("ever"), None);
    // Given later than a rule asks for: told of at once. By two rules, twice.
    acme.grant_until(1, credits(10), Some("b"), Some(minutes(7 * DAY + 1)));
    assert_eq!(acme.take_alerts(), ["expires7.b at 1"]);
    assert_eq!(acme.org.next_change(&acme.catalog), minutes(3 * DAY));
    acme.pass(minutes(3 * DAY - 1));
    assert_eq!(acme.take_alerts(), [""; 0]);
    acme.pass(minutes(3 * DAY));
    assert_eq!(acme.take_alerts(), [format!("expires7.a at {}", 3 * DAY)]);
    acme.grant_until(3 * DAY, credits(1), Some("c"), Some(minutes(4 * DAY)));
    assert_eq!(acme.take_alerts(), [2, 7].map(|days| format!("expires{days}.c at {}", 3 * DAY)));
    // However far one looks, each at its instant and none twice.
    acme.pass(minutes(100 * DAY));
    assert_eq!(
        acme.take_alerts(),
        [format!("expires2.b at {}", 5 * DAY + 1), format!("expires2.a at {}", 8 * DAY)]
    );
    assert_eq!(acme.org.next_change(&acme.catalog), Timestamp::MAX);
}

#[test]
fn a_grant_that_holds_nothing_or_has_ended_is_not_told_of() {
    let mut acme = acme(vec![ends(7)]);
    acme.grant_until(0, credits(5), Some("spent"), Some(minutes(10 * DAY)));
    acme.spend(1, "a", 1, 5);
    acme.grant_until(2, credits(5), Some("voided"), Some(minutes(10 * DAY)));
    let void = GrantVoid { id: "voided".into(), note: Default::default() };
    acme.apply(3, What::Command(Command::VoidGrant(void)));
    acme.pass(minutes(20 * DAY));
    assert_eq!(acme.alerts, [""; 0]);
}

#[test]
fn the_rules_in_force_at_the_instant_count_also_where_nobody_writes() {
    let mut acme = Acme::new(WhenExhausted::Overage);
    acme.grant_until(0, credits(5), Some("a"), Some(minutes(10 * DAY)));
    acme.grant_until(0, credits(5), Some("b"), Some(minutes(12 * DAY)));
    assert_eq!(acme.org.next_change(&acme.catalog), minutes(10 * DAY));
    // From day 4 on: too late for the one, and in time for the other.
    acme.publish(2, 4 * DAY, Plan { alerts: vec![ends(7)], ..Plan::default() });
    assert_eq!(acme.org.next_change(&acme.catalog), minutes(4 * DAY));
    let mut later = Acme {
        org: acme.org.without_ids(),
        catalog: acme.catalog.clone(),
        seq: 9,
        charges: Vec::new(),
        alerts: Vec::new(),
    };
    acme.pass(minutes(30 * DAY));
    assert_eq!(acme.take_alerts(), [format!("expires7.b at {}", 5 * DAY)]);
    // From exactly then on.
    later.publish(3, 5 * DAY, Plan { alerts: vec![ends(7), ends(6)], ..Plan::default() });
    later.pass(minutes(30 * DAY));
    let told = [(7, "b", 5), (6, "b", 6)]
        .map(|(days, grant, day)| format!("expires{days}.{grant} at {}", day * DAY));
    assert_eq!(later.take_alerts(), told);
}

#[test]
fn rules_that_go_before_the_instant_say_nothing() {
    let mut acme = acme(vec![ends(7)]);
    acme.grant_until(0, credits(5), Some("a"), Some(minutes(10 * DAY)));
    acme.all_rules(DAY, None);
    assert_eq!(acme.org.next_change(&acme.catalog), minutes(10 * DAY));
    acme.all_rules(2 * DAY, Some(vec![ends(8), ends(9)]));
    acme.pass(minutes(11 * DAY));
    assert_eq!(acme.alerts, [""; 0], "the one by a hair, the other by a day");
}

#[test]
fn credits_that_end_soon_are_told_of_once_until_they_last_again() {
    let hours = |hours| rule(When::RunsOutWithin(Hours(hours)));
    let mut acme = acme(vec![hours(96), hours(95)]);
    acme.grant(0, credits(1_000));
    for hour in 0..3 {
        acme.burn(hour, 10);
    }
    assert_eq!(acme.alerts, [""; 0], "there is not enough history");
    // 960 are left, at 10 an hour: exactly 96 hours.
    acme.burn(3, 10);
    assert_eq!(acme.take_alerts(), ["runs_out96.1 at 180"]);
    // Only the first event of an hour is looked at.
    let many = acme.burn(3, 500);
    assert_eq!(acme.take_alerts(), [""; 0]);
    acme.take_back(3, &many);
    // 1,199 are left, not quite a quarter more; then 1,200.
    acme.grant(4 * HOUR, credits(249));
    acme.burn(4, 10);
    assert_eq!(acme.level(), credits(1_199));
    let many = acme.burn(5, 239);
    assert_eq!((acme.level(), acme.take_alerts()), (credits(960), vec![]));
    acme.take_back(5, &many);
    acme.grant(5 * HOUR + 2, credits(1));
    // What hour 5 burnt was given back: 50 in 6 hours.
    acme.burn(6, 10);
    assert_eq!(acme.take_alerts(), [""; 0]);
    // 60 in 7 hours; 823 are left, which last for more than 96; 822.857… would not.
    acme.burn(7, 367);
    assert_eq!((acme.level(), acme.take_alerts()), (credits(823), vec![]));
}

#[test]
fn a_rule_that_fired_fires_again_once_credits_lasted() {
    let mut acme = acme(vec![rule(When::RunsOutWithin(Hours(96)))]);
    acme.grant(0, credits(1_000));
    for hour in 0..4 {
        acme.burn(hour, 10);
    }
    assert_eq!(acme.take_alerts(), ["runs_out96.1 at 180"]);
    acme.grant(4 * HOUR, credits(250));
    acme.burn(4, 10);
    // It lasted exactly 120 hours; now it is 960 again.
    acme.burn(5, 240);
    assert_eq!(acme.take_alerts(), ["runs_out96.2 at 300"]);
    // A rule that was gone is new, but for its count.
    acme.all_rules(5 * HOUR, Some(vec![]));
    acme.all_rules(5 * HOUR, Some(vec![rule(When::RunsOutWithin(Hours(96)))]));
    acme.burn(6, 1);
    assert_eq!(acme.take_alerts(), ["runs_out96.3 at 360"]);
}

#[test]
fn an_hour_far_above_the_usual_is_told_of_once_for_each_run_of_such_hours() {
    let spike = |percent, at_least| rule(When::Spike(Spike { percent, at_least: credits(at_least) }));
    let mut acme = acme(vec![spike(300, 0), spike(200, 35)]);
    acme.grant(0, credits(100_000));
    for hour in 0..23 {
        acme.burn(hour, 10);
    }
    let many = acme.burn(23, 10_000);
    acme.burn(23, 10);
    acme.take_back(23, &many);
    assert_eq!(acme.take_alerts(), [""; 0], "there was no day before it");
    // 10 are usual. Exactly three times as much is not more.
    acme.burn(24, 30);
    assert_eq!(acme.take_alerts(), [""; 0]);
    acme.burn(24, 1);
    assert_eq!(acme.take_alerts(), ["spike300.24 at 1440"]);
    acme.burn(24, 4);
    assert_eq!(acme.take_alerts(), ["spike200.24 at 1440"]);
    // 275 in 25 hours: above 33 is far more, and goes on; then 26 hours with 309, and 35.65… is.
    acme.burn(25, 34);
    acme.burn(26, 35);
    assert_eq!(acme.take_alerts(), ["spike200.26 at 1560"], "hour 25 did not burn 35");
    // 344 in 27 hours.
    acme.burn(27, 39);
    assert_eq!(acme.take_alerts(), ["spike300.27 at 1620"]);
}

#[test]
fn a_type_that_never_got_a_grant_is_not_watched() {
    let mut acme = acme(vec![rule(When::Spike(Spike { percent: 101, at_least: Credits::ZERO }))]);
    for hour in 0..24 {
        acme.burn(hour, 10);
    }
    acme.burn(24, 50);
    assert_eq!(acme.take_alerts(), [""; 0]);
    acme.grant(24 * HOUR, credits(1));
    acme.burn(24, 1);
    assert_eq!(acme.take_alerts(), ["spike101.24 at 1440"]);
}

#[test]
fn a_cycle_that_follows_another_is_told_of() {
    let mut acme = Acme::new(WhenExhausted::Overage);
    let alerts = vec![rule(When::CycleReset)];
    acme.publish(2, 0, Plan { alerts, cycle: Some(Every::Days(1)), ..Plan::default() });
    acme.rules(0, None);
    assert_eq!(acme.take_alerts(), [""; 0], "the first follows none");
    acme.pass(minutes(2 * DAY));
    assert_eq!(acme.take_alerts(), ["cycle.2 at 1440", "cycle.3 at 2880"]);
}
