//! Calls whose end does not come: closed at their own instant, and corrected by what comes late.

use super::*;
use crate::ledger::calls::{CORRECTABLE, Why};
use crate::ledger::effect::Orphaned;
use crate::ledger::entry::{CallName, End, Restarted, Stage, Told};

/// Four hours, in minutes: the longest call.
const LONGEST: u64 = 240;

fn ended(duration: u64) -> Kind<'static> {
    let name = CallName { source: "sbc", id: "a" };
    let duration = Some(Millis(duration));
    Kind::End(End { name, told: Told::default(), duration, answered: None, answered_at: None })
}

impl Acme {
    /// What is told of calls that are closed by then.
    fn advance(&mut self, minute: u64) -> Vec<Orphaned> {
        let mut effects = Vec::new();
        self.org.advance(minutes(minute), &self.catalog, &mut effects);
        let orphaned = |effect| if let Effect::Orphaned(orphaned) = effect { Some(*orphaned) } else { None };
        effects.into_iter().filter_map(orphaned).collect()
    }

    fn restarted(&mut self, minute: u64, source: &str, happened: u64) -> Outcome {
        self.event(minute, source, minutes(happened), Kind::Restarted(Restarted { source }))
    }

    fn live(&self) -> usize {
        self.org.calls().map_or(0, |calls| calls.count())
    }

    /// A call that was answered at the begin, and of which 90 seconds are proven.
    fn with_an_orphan() -> Acme {
        let mut acme = Acme::new(WhenExhausted::Overage);
        acme.grant(0, credits(100));
        acme.call(0, "a", Stage::Answered, 0);
        acme.call(2, "a", Stage::Progress(Millis(90_000)), 2);
        assert_eq!(acme.advance(LONGEST).len(), 1);
        acme
    }
}

#[test]
fn a_call_is_closed_at_what_is_proven_once_it_went_on_for_the_longest() {
    let mut acme = Acme::new(WhenExhausted::Reject);
    acme.grant(0, credits(1));
    acme.call(0, "a", Stage::Answered, 0);
    acme.call(1, "a", Stage::Progress(Millis(61_000)), 1);
    acme.call(1, "b", Stage::Answered, 1);
    assert_eq!((acme.advance(LONGEST - 1), acme.pending(LONGEST - 1)), (vec![], credits(2 * 479)));
    let orphaned = acme.advance(LONGEST + 1_000);
    let shown: Vec<_> =
        orphaned.iter().map(|o| (&*o.id, o.why, o.number.is_some(), o.proven, o.at)).collect();
    let longest = (Why::Longest, true);
    let closed = |minute| minutes(LONGEST + minute);
    assert_eq!(
        shown,
        [
            ("a", longest.0, longest.1, Millis(61_000), closed(0)),
            ("b", longest.0, longest.1, Millis(1), closed(1)),
        ]
    );
    assert_eq!((acme.level(), acme.pending(2_000), acme.live()), (credits(-5), Credits::ZERO, 0));
    assert!(orphaned.iter().all(|orphaned| orphaned.due));
}

#[test]
fn what_a_closing_takes_comes_from_the_grants_of_its_own_instant() {
    let sums = |looks: &[u64]| {
        let mut acme = Acme::new(WhenExhausted::Overage);
        acme.grant_until(0, credits(5), Some("short"), Some(minutes(LONGEST + 1)));
        acme.grant(0, credits(100));
        acme.call(0, "a", Stage::Answered, 0);
        looks.iter().for_each(|minute| drop(acme.advance(*minute)));
        let pool = acme.org.pools().next().unwrap();
        (pool.totals().expired, pool.level())
    };
    assert_eq!(sums(&[5_000]), (credits(3), credits(100)));
    assert_eq!(sums(&[LONGEST - 1, LONGEST, LONGEST + 1, 5_000]), sums(&[5_000]));
}

#[test]
fn a_call_that_only_rings_is_closed_and_costs_nothing() {
    let mut acme = Acme::new(WhenExhausted::Overage);
    acme.call(0, "a", Stage::Started, 0);
    let orphaned = acme.advance(120);
    assert_eq!(orphaned.len(), 1);
    let told = &orphaned[0];
    assert_eq!(
        (told.why, told.number, &told.charge, told.at),
        (Why::NeverAnswered, None, &None, minutes(120))
    );
    assert_eq!(acme.call(121, "a", Stage::Answered, 121), Outcome::Noted);
    assert_eq!(acme.live(), 0, "it stays closed");
    assert!(matches!(acme.hang_up(122, "a", "end", None), Outcome::Charged(_)));
    assert_eq!(acme.level(), Credits::ZERO, "nobody answered it");
}

#[test]
fn a_late_end_gives_back_what_the_closing_took_and_is_charged() {
    let mut acme = Acme::with_an_orphan();
    assert_eq!(acme.level(), credits(96));
    assert_eq!(acme.call(300, "a", Stage::Progress(Millis(120_000)), 300), Outcome::Noted);
    let unknown = Told { action: Some("nothing"), ..Told::default() };
    let end = End {
        told: unknown,
        ..match ended(1) {
            Kind::End(end) => end,
            _ => unreachable!(),
        }
    };
    assert_eq!(reason(&acme.event(300, "bad", minutes(5), Kind::End(end))), Some(Reason::UnknownAction));
    assert_eq!(acme.level(), credits(96), "an end that is rejected corrects nothing");
    assert!(matches!(acme.event(10_000, "end", minutes(5), ended(300_000)), Outcome::Charged(_)));
    assert_eq!(acme.level(), credits(90), "five minutes");
    let pool = acme.org.pools().next().unwrap();
    assert_eq!((pool.totals().charged, pool.totals().consumed), (credits(10), credits(10)));
    assert!(matches!(acme.event(10_001, "again", minutes(5), ended(300_000)), Outcome::Duplicate { .. }));
    let other = acme.event(10_001, "other", minutes(5), ended(300_001));
    assert_eq!(reason(&other), Some(Reason::CallEnded));
}

#[test]
fn an_orphan_that_failed_costs_nothing() {
    let mut acme = Acme::with_an_orphan();
    assert_eq!(acme.call(300, "a", Stage::Failed, 1), Outcome::Noted);
    assert_eq!(acme.level(), credits(100));
    assert_eq!(reason(&acme.event(301, "end", minutes(2), ended(1))), Some(Reason::CallEnded));
    assert_eq!(acme.call(302, "a", Stage::Failed, 1), Outcome::Noted);
    assert_eq!(acme.level(), credits(100), "given back once");
}

#[test]
fn an_end_that_was_voided_before_it_came_gives_back_what_the_closing_took() {
    let mut acme = Acme::with_an_orphan();
    acme.void(300, "end", Some(5));
    assert!(matches!(acme.event(301, "end", minutes(5), ended(300_000)), Outcome::Duplicate { .. }));
    assert_eq!(acme.level(), credits(100));
}

#[test]
fn after_31_days_what_the_closing_took_stays() {
    let days = CORRECTABLE.0 / 60_000;
    let mut acme = Acme::with_an_orphan();
    let late = acme.event(LONGEST + days + 1, "end", minutes(5), ended(300_000));
    assert_eq!((reason(&late), acme.level()), (Some(Reason::CallEnded), credits(96)));
    let mut acme = Acme::with_an_orphan();
    assert!(matches!(acme.event(LONGEST + days, "end", minutes(5), ended(300_000)), Outcome::Charged(_)));
    assert_eq!(acme.level(), credits(90));
}

#[test]
fn a_switch_that_was_started_anew_closes_its_calls_that_began_before() {
    let mut acme = Acme::new(WhenExhausted::Overage);
    acme.call(0, "a", Stage::Answered, 0);
    acme.call(1, "b", Stage::Started, 1);
    acme.call(5, "c", Stage::Answered, 5);
    assert_eq!(acme.restarted(6, "other", 5), Outcome::Noted);
    assert_eq!(acme.live(), 3, "they are of another switch");
    assert_eq!(acme.restarted(6, "sbc", 5), Outcome::Noted);
    assert_eq!((acme.live(), acme.level(), acme.pending(6)), (1, credits(-2), credits(4)));
    assert_eq!(acme.restarted(7, "sbc", 5), Outcome::Noted);
    assert_eq!((acme.live(), acme.level()), (1, credits(-2)));
    assert!(matches!(acme.event(8, "end", minutes(3), ended(180_000)), Outcome::Charged(_)));
    assert_eq!(acme.level(), credits(-6), "three minutes in place of one");
}
