//! One recharge, look by look: every state, and every instant at which one ends.
#![expect(clippy::arithmetic_side_effects, reason = "small numbers, written out")]

mod amounts;
mod caps;

use super::*;
use crate::ledger::calendar::Zone;
use crate::ledger::effect::{RechargeAlert, RechargeNews};
use crate::ledger::limits::Window;
use crate::ledger::org::Cycle;
use crate::ledger::rejection::Reason;
use crate::ledger::units::{Millis, Position};

/// 2026-01-05T10:00:00Z, a Monday.
const TEN: i64 = 1_767_607_200_000_000;
const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

fn credits(n: i64) -> Credits {
    Credits::from_micros(n * 1_000_000)
}

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(TEN + micros)
}

/// 500 at a time below 100, a minute of cooling down, an hour to answer.
fn usual() -> Recharge {
    Recharge {
        below: credits(100),
        refill: Refill::Steps(credits(500)),
        min: None,
        max: None,
        caps: vec![],
        cooldown: Millis(60_000),
        answer_within: Millis(3_600_000),
        enabled: true,
    }
}

fn capped(caps: &[Cap]) -> Recharge {
    Recharge { caps: caps.to_vec(), ..usual() }
}

fn cap(window: Window, credits: Option<Credits>, times: Option<u64>) -> Cap {
    Cap { window, credits, times }
}

/// The recharges of an organization, with what is available and where it stands in its calendar.
struct Acme {
    recharges: Recharges,
    available: Credits,
    room: Credits,
    at: i64,
    cycle: Option<Cycle>,
    told: Vec<RechargeAlert>,
}

impl Acme {
    fn new(recharge: Recharge) -> Acme {
        let (recharges, told) = (Recharges::default(), Vec::new());
        let (available, room) = (credits(1_000), Credits::LARGEST_TOTAL);
        let mut acme = Acme { recharges, available, room, at: 0, cycle: None, told };
        acme.put(recharge);
        acme
    }

    fn place(&self) -> Place {
        Place { zone: Zone::default(), cycle: self.cycle }
    }

    fn moment(&self) -> Moment {
        Moment { at: at(self.at), position: Position::START }
    }

    /// Lets time pass until an instant, from change to change.
    fn pass(&mut self, to: i64) {
        while self.recharges.next_change() <= at(to) {
            self.at = self.recharges.next_change().micros() - TEN;
            self.look();
        }
        self.at = self.at.max(to);
    }

    fn look(&mut self) {
        let (mut out, place) = (Vec::new(), self.place());
        let funds = Funds { available: self.available, room: self.room };
        self.recharges.look(self.moment(), |_| funds, || place.clone(), &mut out);
        self.keep(out);
    }

    fn keep(&mut self, out: Vec<Effect>) {
        self.told.extend(out.into_iter().map(|effect| match effect {
            Effect::Recharge(alert) => *alert,
            other => panic!("{other:?}"),
        }));
    }

    fn put(&mut self, recharge: Recharge) {
        let order = RechargeOrder { credit_type: CreditType::default(), recharge, note: Note::default() };
        self.recharges.put(order, at(self.at), &self.place());
        self.look();
    }

    fn remove(&mut self) -> Result<(), Rejection> {
        self.recharges.remove(CreditType::default())?;
        self.look();
        Ok(())
    }

    /// So much is available from an instant on.
    fn has(&mut self, micros: i64, available: i64) {
        self.pass(micros);
        self.available = credits(available);
        self.look();
    }

    /// A grant of so much answers a request.
    fn grant(&mut self, micros: i64, number: u64, granted: i64) {
        self.pass(micros);
        self.available = self.available.plus(credits(granted));
        let (mut out, place, moment) = (Vec::new(), self.place(), self.moment());
        let request = (CreditType::default(), number);
        self.recharges.succeed(request, credits(granted), (self.available, moment), &place, &mut out);
        self.keep(out);
        self.look();
    }

    fn fail(&mut self, micros: i64, number: u64) -> bool {
        self.pass(micros);
        let (mut out, place, moment) = (Vec::new(), self.place(), self.moment());
        let note = Note { reason: Some("declined".into()), by: None };
        let request = (CreditType::default(), number);
        let failed = self.recharges.fail(request, &note, (self.available, moment), &place, &mut out);
        self.keep(out);
        self.look();
        failed
    }

    fn standing(&self) -> &Standing {
        self.recharges.ordered().next().unwrap().0
    }

    fn state(&self) -> State {
        self.standing().state()
    }

    fn in_flight(&self) -> Option<u64> {
        if let State::InFlight(request) = self.state() { Some(request.number) } else { None }
    }

    /// What it told since it was asked last, in short.
    fn news(&mut self) -> Vec<String> {
        let short = |alert: RechargeAlert| {
            let amount = alert.amount.map_or("-".to_owned(), |amount| amount.to_string());
            let minutes = (alert.at.micros() - TEN) / MINUTE;
            format!("{} {} {amount} at {minutes}", alert.number, alert.news.slug())
        };
        self.told.drain(..).map(short).collect()
    }
}

#[test]
fn it_asks_at_the_level_and_once() {
    let mut acme = Acme::new(usual());
    assert_eq!((acme.state(), acme.recharges.next_change()), (State::Armed, Timestamp::MAX));
    acme.available = credits(100).plus(Credits::from_micros(1));
    acme.look();
    assert_eq!(acme.state(), State::Armed);
    acme.has(MINUTE, 100);
    assert_eq!(acme.in_flight(), Some(1));
    let RechargeAlert { amount, below, available, ref news, .. } = acme.told[0];
    assert_eq!((amount, below, available), (Some(credits(500)), Some(credits(100)), credits(100)));
    assert_eq!(*news, RechargeNews::Requested { deadline: at(MINUTE + HOUR) });
    acme.has(2 * MINUTE, -3_000);
    assert_eq!(acme.news(), ["1 requested 500 at 1"]);
}

#[test]
fn it_asks_at_the_put_where_credits_are_low_already() {
    let mut acme = Acme::new(Recharge { enabled: false, ..usual() });
    acme.has(0, 0);
    assert_eq!(acme.state(), State::Off);
    acme.put(usual());
    assert_eq!(acme.news(), ["1 requested 500 at 0"]);
}

#[test]
fn a_grant_cools_down_until_the_instant() {
    let mut acme = Acme::new(usual());
    acme.has(0, 0);
    acme.grant(3 * MINUTE, 1, 50);
    assert_eq!(acme.news(), ["1 requested 500 at 0", "1 succeeded 500 at 3"]);
    assert_eq!(acme.state(), State::CoolingDown(at(4 * MINUTE)));
    acme.pass(4 * MINUTE - 1);
    assert_eq!(acme.state(), State::CoolingDown(at(4 * MINUTE)));
    acme.pass(4 * MINUTE);
    assert_eq!((acme.in_flight(), acme.news()), (Some(2), vec!["2 requested 500 at 4".to_owned()]));
    // Without a cooling down it asks again at once.
    acme.put(Recharge { cooldown: Millis(0), ..usual() });
    acme.grant(5 * MINUTE, 2, 1);
    assert_eq!(acme.news(), ["2 succeeded 500 at 5", "3 requested 500 at 5"]);
    acme.grant(6 * MINUTE, 3, 900);
    assert_eq!(acme.state(), State::Armed);
}

#[test]
fn what_nobody_answers_fails_at_the_deadline() {
    let mut acme = Acme::new(usual());
    acme.has(0, 0);
    acme.pass(HOUR - 1);
    assert_eq!(acme.in_flight(), Some(1));
    acme.pass(HOUR);
    assert_eq!(acme.state(), State::BackingOff(at(HOUR + 5 * MINUTE)));
    let note = Note { reason: Some("no answer in time".into()), by: None };
    let next_attempt = Some(at(HOUR + 5 * MINUTE));
    assert_eq!(acme.told[1].news, RechargeNews::Failed { note, next_attempt });
    acme.pass(HOUR + 5 * MINUTE - 1);
    assert_eq!((acme.in_flight(), acme.standing().failures()), (None, 1));
    acme.pass(HOUR + 5 * MINUTE);
    assert_eq!(acme.in_flight(), Some(2));
}

#[test]
fn each_failure_in_a_row_waits_twice_as_long_up_to_a_day() {
    let mut acme = Acme::new(usual());
    acme.has(0, 0);
    for (number, minutes) in (1..).zip([5, 10, 20, 40, 80, 160, 320, 640, 1_280, 1_440, 1_440]) {
        assert!(acme.fail(acme.at + MINUTE, number));
        let until = acme.at + minutes * MINUTE;
        assert_eq!(acme.state(), State::BackingOff(at(until)));
        acme.pass(until);
        assert_eq!(acme.in_flight(), Some(number + 1));
    }
    acme.grant(acme.at, 12, 1);
    assert_eq!(acme.standing().failures(), 0);
    acme.pass(acme.at + MINUTE);
    assert!(acme.fail(acme.at, 13));
    assert_eq!(acme.state(), State::BackingOff(at(acme.at + 5 * MINUTE)), "the row has ended");
}

#[test]
fn a_failure_that_is_said_again_changes_nothing() {
    let mut acme = Acme::new(usual());
    acme.has(0, 0);
    assert!(acme.fail(MINUTE, 1));
    let before = acme.recharges.clone();
    assert!(!acme.fail(2 * MINUTE, 1));
    assert_eq!(acme.recharges, before);
    acme.pass(6 * MINUTE);
    assert!(!acme.fail(6 * MINUTE, 1), "another one is in flight now");
    assert_eq!(acme.in_flight(), Some(2));
}

#[test]
fn a_put_of_other_content_ends_a_back_off_and_leaves_a_cooling_down() {
    let mut acme = Acme::new(usual());
    acme.has(0, 0);
    acme.fail(MINUTE, 1);
    acme.put(usual());
    assert_eq!((acme.state(), acme.standing().failures()), (State::BackingOff(at(6 * MINUTE)), 1));
    let wider = Recharge { refill: Refill::Steps(credits(700)), ..usual() };
    acme.put(wider.clone());
    assert_eq!((acme.in_flight(), acme.standing().failures()), (Some(2), 0));
    acme.grant(2 * MINUTE, 2, 1);
    acme.put(usual());
    assert_eq!(acme.state(), State::CoolingDown(at(3 * MINUTE)));
    acme.pass(3 * MINUTE);
    // In flight it changes what comes after.
    acme.put(Recharge { answer_within: Millis(60_000), cooldown: Millis(120_000), ..wider });
    acme.pass(10 * MINUTE);
    assert_eq!(acme.in_flight(), Some(3));
    acme.grant(11 * MINUTE, 3, 1);
    assert_eq!(acme.state(), State::CoolingDown(at(13 * MINUTE)));
    acme.pass(14 * MINUTE);
    let news = acme.news();
    assert_eq!(news.last().unwrap(), "4 failed 700 at 14");
}

#[test]
fn a_put_in_flight_ends_the_row_of_failures() {
    let mut acme = Acme::new(usual());
    acme.has(0, 0);
    acme.fail(MINUTE, 1);
    acme.pass(6 * MINUTE);
    acme.put(Recharge { below: credits(10), ..usual() });
    assert_eq!((acme.in_flight(), acme.standing().failures()), (Some(2), 0));
    acme.fail(7 * MINUTE, 2);
    assert_eq!(acme.state(), State::BackingOff(at(12 * MINUTE)));
}

#[test]
fn after_a_removal_the_answer_is_taken_and_the_count_goes_on() {
    let mut acme = Acme::new(usual());
    acme.has(0, 0);
    acme.remove().unwrap();
    assert_eq!(acme.remove().unwrap_err().reason, Reason::UnknownRecharge);
    assert_eq!(acme.recharges.ordered().count(), 0);
    acme.grant(MINUTE, 1, 50);
    acme.put(usual());
    assert_eq!(acme.in_flight(), Some(2));
    acme.remove().unwrap();
    acme.pass(2 * DAY);
    let news = ["1 requested 500 at 0", "1 succeeded 500 at 1", "2 requested 500 at 1", "2 failed 500 at 61"];
    assert_eq!(acme.news(), news);
    acme.put(usual());
    assert_eq!(acme.in_flight(), Some(3), "nothing is left of the failure");
}

#[test]
fn a_recharge_that_never_asked_leaves_nothing_behind() {
    let mut acme = Acme::new(usual());
    acme.remove().unwrap();
    assert!(acme.recharges.is_empty());
}

#[test]
fn switched_off_it_still_takes_the_answer() {
    let off = Recharge { enabled: false, ..usual() };
    let mut acme = Acme::new(usual());
    acme.has(0, 0);
    acme.put(off.clone());
    assert_eq!(acme.in_flight(), Some(1));
    assert!(acme.fail(MINUTE, 1));
    assert_eq!((acme.state(), acme.standing().failures()), (State::Off, 1));
    assert!(matches!(acme.told[1].news, RechargeNews::Failed { next_attempt: None, .. }));
    acme.pass(DAY);
    assert_eq!(acme.told.len(), 2);
    acme.put(usual());
    acme.put(off);
    acme.grant(DAY, 2, 1);
    acme.put(usual());
    assert_eq!(acme.state(), State::CoolingDown(at(DAY + MINUTE)));
}

#[test]
fn credits_for_a_request_that_had_failed_end_the_back_off() {
    let mut acme = Acme::new(usual());
    acme.has(0, 0);
    acme.fail(MINUTE, 1);
    acme.grant(2 * MINUTE, 1, 5);
    assert_eq!((acme.state(), acme.standing().failures()), (State::CoolingDown(at(3 * MINUTE)), 0));
    assert_eq!(acme.news(), ["1 requested 500 at 0", "1 failed 500 at 1", "1 succeeded - at 2"]);
    acme.pass(3 * MINUTE);
    acme.fail(4 * MINUTE, 2);
    acme.pass(9 * MINUTE);
    // While another is in flight there is no cooling down.
    acme.grant(10 * MINUTE, 2, 5);
    assert_eq!((acme.in_flight(), acme.standing().failures()), (Some(3), 0));
    acme.fail(11 * MINUTE, 3);
    assert_eq!(acme.state(), State::BackingOff(at(16 * MINUTE)));
}

#[test]
fn a_name_is_that_of_one_request() {
    let credits = CreditType::default();
    assert_eq!(request_of("recharge.credits.3"), Some((credits, 3)));
    assert_eq!(request_name(credits, 3), "recharge.credits.3");
    for other in
        ["recharge.credits", "recharge.credits.03", "recharge.credits.+3", "recharge.E.3", "plan.1.a"]
    {
        assert_eq!(request_of(other), None, "{other}");
    }
    let mut acme = Acme::new(usual());
    acme.has(0, 0);
    assert_eq!(acme.recharges.request("recharge.credits.1"), Ok((credits, 1)));
    for unknown in ["recharge.credits.0", "recharge.credits.2", "recharge.email.1", "recharge.x"] {
        assert_eq!(acme.recharges.request(unknown).unwrap_err().reason, Reason::UnknownRecharge);
    }
}

#[test]
fn an_organization_has_so_many_recharges_and_no_more() {
    let mut acme = Acme::new(usual());
    let kind = |n: usize| CreditType::new(&format!("kind_{n}")).unwrap();
    for n in 1..MOST_RECHARGES {
        acme.recharges.has_room_for(kind(n)).unwrap();
        let order = RechargeOrder { credit_type: kind(n), recharge: usual(), note: Note::default() };
        acme.recharges.put(order, at(0), &acme.place());
    }
    assert_eq!(acme.recharges.has_room_for(kind(16)).unwrap_err().reason, Reason::TooMany);
    acme.recharges.has_room_for(kind(3)).unwrap();
    acme.remove().unwrap();
    acme.recharges.has_room_for(kind(16)).unwrap();
}
