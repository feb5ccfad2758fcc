//! Thresholds: fluttering, jumped over, coming and going.

use super::*;
use crate::ledger::price::CreditType;

fn credits(n: i64) -> Credits {
    n.to_string().parse().unwrap()
}

/// Watches with the rules that they follow.
#[derive(Default)]
struct Watched {
    watches: Watches,
    thresholds: Thresholds,
}

impl Watched {
    fn follow(&mut self, rules: &[Rule]) {
        let new = thresholds(rules, CreditType::default());
        self.watches.follow(&self.thresholds, &new);
        self.thresholds = new;
    }

    fn floor(&mut self, level: i64) -> Credits {
        self.watches.look(&self.thresholds, credits(level), credits(100), |_| ())
    }
}

fn crossings(watched: &mut Watched, level: i64, total: i64) -> Vec<String> {
    let mut seen = Vec::new();
    let told = |c: Crossing| seen.push(format!("{}.{}", c.threshold, c.nth));
    watched.watches.look(&watched.thresholds, credits(level), credits(total), told);
    seen
}

#[test]
fn a_fluttering_balance_raises_one_alert() {
    let mut watches = Watched::default();
    watches.follow(&Rule::defaults());
    assert!(crossings(&mut watches, 100, 100).is_empty());
    assert_eq!(crossings(&mut watches, 60, 100), ["p60.1"]);
    assert!(crossings(&mut watches, 64, 100).is_empty());
    assert!(crossings(&mut watches, 59, 100).is_empty());
    assert!(crossings(&mut watches, 65, 100).is_empty());
    assert_eq!(crossings(&mut watches, 60, 100), ["p60.2"]);
}

#[test]
fn thresholds_jumped_at_once_come_worst_first() {
    let mut watches = Watched::default();
    watches.follow(&Rule::defaults());
    crossings(&mut watches, 100, 100);
    assert_eq!(crossings(&mut watches, -5, 100), ["p0.1", "p10.1", "p30.1", "p60.1"]);
}

#[test]
fn nothing_to_look_at_above_the_next_threshold() {
    let mut watches = Watched::default();
    watches.follow(&Rule::defaults());
    assert_eq!(watches.floor(100), credits(60));
    assert_eq!(watches.floor(59), credits(30));
    assert_eq!(watches.floor(0), Credits::from_micros(i64::MIN));
}

#[test]
fn an_organization_that_never_had_credits_hears_nothing() {
    let mut watches = Watched::default();
    watches.follow(&Rule::defaults());
    assert!(crossings(&mut watches, 0, 0).is_empty());
    assert!(crossings(&mut watches, -10, 0).is_empty());
}

#[test]
fn a_rule_that_stays_keeps_what_it_remembers() {
    let mut watches = Watched::default();
    watches.follow(&Rule::defaults());
    crossings(&mut watches, 100, 100);
    crossings(&mut watches, 25, 100);
    let amount = Rule::below(Threshold::Amount(credits(20)), None);
    let kept = Rule::below(Threshold::Percent(30), None);
    watches.follow(&[amount, kept]);
    assert!(crossings(&mut watches, 25, 100).is_empty());
    assert_eq!(crossings(&mut watches, 20, 100), ["a20.1"]);
    assert!(crossings(&mut watches, 20, 100).is_empty());
    assert!(crossings(&mut watches, 21, 100).is_empty());
    assert_eq!(crossings(&mut watches, 20, 100), ["a20.2"]);
}

#[test]
fn the_count_of_a_rule_outlives_its_absence() {
    let rule = |amount| Rule::below(Threshold::Amount(credits(amount)), None);
    let mut watches = Watched::default();
    watches.follow(&[rule(20)]);
    crossings(&mut watches, 100, 100);
    assert_eq!(crossings(&mut watches, 10, 100), ["a20.1"]);
    watches.follow(&[rule(5)]);
    watches.follow(&[rule(20)]);
    // It is new again: it waits to see the level above, and then counts on.
    assert!(crossings(&mut watches, 10, 100).is_empty());
    assert!(crossings(&mut watches, 20, 100).is_empty());
    crossings(&mut watches, 50, 100);
    assert_eq!(crossings(&mut watches, 10, 100), ["a20.2"]);
}

#[test]
fn only_so_many_absent_rules_are_remembered() {
    let mut watches = Watched::default();
    for amount in 1..1_000 {
        let rule = Rule::below(Threshold::Amount(credits(amount)), None);
        watches.follow(&[rule]);
        crossings(&mut watches, 2_000, 2_000);
        assert_eq!(crossings(&mut watches, 0, 2_000), [format!("a{amount}.1")]);
    }
    let kept = watches.watches.fired.map(|fired| fired.0.len());
    assert_eq!(kept, Some(MOST_DORMANT + 1));
}
