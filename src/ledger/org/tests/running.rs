//! Calls that run: what is left after them is what rules and recharges look at, at the instant an increment starts.

use super::*;
use crate::ledger::effect::RechargeNews;
use crate::ledger::entry::{CallName, End, Live, Stage, Told};
use crate::ledger::movement::Note;
use crate::ledger::price::Direction;
use crate::ledger::recharge::{Recharge, RechargeOrder, Refill};

/// Two credits a minute, by the minute; told at five credits or less.
fn acme(granted: i64) -> Acme {
    let mut acme = Acme::new(WhenExhausted::Overage);
    acme.rules(0, Some(Threshold::Amount(credits(5))));
    acme.grant(0, credits(granted));
    acme
}

fn a_moment_before(at: Timestamp) -> Timestamp {
    Timestamp::from_micros(at.micros() - 1)
}

impl Acme {
    fn answer(&mut self, minute: u64) -> Outcome {
        let told = Told { direction: Some(Direction::Outbound), ..Told::default() };
        let name = CallName { source: "sbc", id: "a" };
        self.event(minute, "a", minutes(minute), Kind::Live(Live { name, stage: Stage::Answered, told }))
    }

    fn end(&mut self, minute: u64, duration: Millis) -> Outcome {
        let (name, told) = (CallName { source: "sbc", id: "a" }, Told::default());
        let end = End { name, told, duration: Some(duration), answered: None, answered_at: None };
        self.event(minute, "end", minutes(minute), Kind::End(end))
    }

    fn recharge_below(&mut self, below: i64) {
        let (below, refill) = (credits(below), Refill::Steps(credits(100)));
        let (cooldown, answer_within) = (Millis(60_000), Millis(3_600_000));
        let recharge = Recharge {
            below,
            refill,
            min: None,
            max: None,
            caps: Vec::new(),
            cooldown,
            answer_within,
            enabled: true,
        };
        let order = RechargeOrder { credit_type: CreditType::default(), recharge, note: Note::default() };
        assert_eq!(self.apply(0, What::Command(Command::PutRecharge(Box::new(order)))), Outcome::Done);
    }

    /// What happens by itself until then: of alerts and recharges, with the instants.
    fn happens(&mut self, to: Timestamp) -> Vec<(String, Timestamp)> {
        let mut effects = Vec::new();
        self.org.advance(to, &self.catalog, &mut effects);
        let what = |effect: &Effect| match effect {
            Effect::LowBalance(low) => Some((told(effect)?, low.at)),
            Effect::Recharge(alert) if matches!(alert.news, RechargeNews::Requested { .. }) => {
                Some((format!("asks at {}", alert.available), alert.at))
            }
            _ => None,
        };
        effects.iter().filter_map(what).collect()
    }
}

#[test]
fn a_threshold_is_crossed_when_the_increment_starts_that_leads_past_it() {
    let mut acme = acme(10);
    acme.answer(0);
    // 8, 6, and 4 from the third minute on.
    assert_eq!(acme.happens(a_moment_before(minutes(2))), []);
    assert_eq!(acme.org.next_change(&acme.catalog), minutes(2));
    assert_eq!(acme.happens(minutes(2)), [("a5.1".to_owned(), minutes(2))]);
    assert_eq!(acme.happens(minutes(3)), [], "once");
    assert!(matches!(acme.end(4, Millis(150_000)), Outcome::Charged(_)));
    assert_eq!((acme.level(), acme.alerts.len()), (credits(4), 0), "the end is no other crossing");
}

#[test]
fn whoever_looks_first_it_is_told_at_its_own_instant() {
    let (mut once, mut often) = (acme(50), acme(50));
    for acme in [&mut once, &mut often] {
        acme.answer(0);
    }
    let mut told = Vec::new();
    for second in (0..=3_600).step_by(7) {
        told.extend(often.happens(TEN.plus(Millis(second * 1_000))));
    }
    told.extend(often.happens(minutes(60)));
    // 50 less 2 for each minute that has begun: 4 from the 23rd on.
    assert_eq!(told, [("a5.1".to_owned(), minutes(22))]);
    assert_eq!(once.happens(minutes(60)), told);
    assert_eq!(format!("{:?}", once.org), format!("{:?}", often.org));
}

#[test]
fn a_call_that_cost_less_than_it_seemed_lets_a_rule_watch_again() {
    let mut acme = acme(10);
    acme.answer(0);
    assert_eq!(acme.happens(minutes(3)).len(), 1);
    acme.end(4, Millis(60_000));
    assert_eq!(acme.level(), credits(8));
    acme.spend(5, "one", 5, 4);
    assert_eq!(acme.alerts, ["a5.2"], "it has seen 8 since");
}

#[test]
fn a_grant_that_ends_during_a_call_is_judged_by_what_the_call_has_cost_by_then() {
    let (mut once, mut often) = (acme(10), acme(10));
    for acme in [&mut once, &mut often] {
        acme.grant_until(0, credits(20), None, Some(minutes(3)));
        acme.answer(0);
    }
    // 30 less 6 in the third minute; then 10 less 8.
    assert_eq!(often.happens(a_moment_before(minutes(3))), []);
    let told = often.happens(minutes(5));
    assert_eq!(told, [("a5.1".to_owned(), minutes(3))]);
    assert_eq!(once.happens(minutes(5)), told);
    assert_eq!(format!("{:?}", once.org), format!("{:?}", often.org));
}

#[test]
fn more_is_asked_for_while_the_call_runs() {
    let mut acme = acme(10);
    acme.recharge_below(6);
    acme.answer(0);
    assert_eq!(acme.happens(a_moment_before(minutes(1))), []);
    assert_eq!(acme.happens(minutes(1)), [("asks at 6".to_owned(), minutes(1))]);
    assert_eq!(acme.happens(minutes(2)), [("a5.1".to_owned(), minutes(2))], "one is in flight");
    let id = "recharge.credits.1";
    assert_eq!(acme.grant_until(3, credits(100), Some(id), None), Outcome::Done);
    // 110 less 2 for each minute begun since: 6 when the 52nd after the answer starts; and cooled down long since.
    assert_eq!(acme.happens(minutes(60)).first(), Some(&("asks at 6".to_owned(), minutes(51))));
}
