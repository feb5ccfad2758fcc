//! Auto-recharge: one request at a time, within its caps, and never forgotten, whatever the payment side answers.

use std::collections::{BTreeMap, BTreeSet};

use creditd::ledger::calendar::Zone;
use creditd::ledger::effect::{Effect, Outcome, RechargeAlert, RechargeNews};
use creditd::ledger::entry::{
    Command, Dimensions, Entry, Event, GrantOrder, Kind, OrgTerms, RechargeFailure, What,
};
use creditd::ledger::grants::Pool;
use creditd::ledger::limits::Window;
use creditd::ledger::movement::Note;
use creditd::ledger::price::CreditType;
use creditd::ledger::recharge::{Cap, Recharge, RechargeOrder, Refill, State, request_name};
use creditd::ledger::units::{Credits, EventId, Millis, Position, Timestamp};
use creditd::wire::recharge_alert_id;
use proptest::prelude::*;

use super::books::Books;
use super::history;

/// 2026-01-05T10:00:00Z.
const START: i64 = 1_767_607_200_000_000;
const MINUTE: i64 = 60_000_000;
const DAY: i64 = 24 * 60 * MINUTE;
const WINDOWS: [Window; 4] = [Window::Day, Window::Week, Window::Month, Window::Life];
const ZONES: [&str; 3] = ["UTC", "Asia/Tokyo", "America/Sao_Paulo"];

#[derive(Clone, Debug)]
enum Step {
    /// So many messages, at 1.25 credits each.
    Spend(u64),
    /// Credits that answer nothing.
    TopUp(i64),
    /// Credits for the request so many before the last.
    Grant(u64, i64),
    /// The request so many before the last brings nothing.
    Fail(u64),
    Put(Box<Recharge>),
    Remove,
    Zone(usize),
    Nothing,
}

/// A step, and the minutes since the one before.
type Timed = (i64, Step);

fn credits(n: i64) -> Credits {
    Credits::from_micros(n * 1_000_000)
}

fn caps() -> impl Strategy<Value = Vec<Cap>> {
    let cap = (proptest::option::of(1_i64..400), proptest::option::of(1_u64..5));
    proptest::collection::btree_map(0_usize..4, cap, 0..4).prop_map(|caps| {
        let cap = |(window, (amount, times)): (usize, (Option<i64>, Option<u64>))| {
            let times = if amount.is_none() { Some(times.unwrap_or(2)) } else { times };
            Cap { window: WINDOWS[window], credits: amount.map(credits), times }
        };
        caps.into_iter().map(cap).collect()
    })
}

fn recharges() -> impl Strategy<Value = Box<Recharge>> {
    let refill = prop_oneof![
        (1_i64..60).prop_map(|n| Refill::Steps(credits(n))),
        (51_i64..150).prop_map(|n| Refill::UpTo(credits(n)))
    ];
    let bounds = (proptest::option::of(1_i64..70), proptest::option::of(70_i64..200));
    let waits = (0_u64..200, 1_u64..3_000);
    let whole = (0_i64..50, refill, bounds, caps(), waits, 0_u8..8);
    whole.prop_map(|(below, refill, (min, max), caps, (cooldown, answer), off)| {
        Box::new(Recharge {
            below: credits(below),
            refill,
            min: min.map(credits),
            max: max.map(credits),
            caps,
            cooldown: Millis(cooldown * 60_000),
            answer_within: Millis(answer * 60_000),
            enabled: off > 0,
        })
    })
}

fn histories(zones: bool) -> impl Strategy<Value = Vec<Timed>> {
    let step = prop_oneof![
        8 => (1_u64..60).prop_map(Step::Spend),
        2 => (1_i64..80).prop_map(Step::TopUp),
        5 => (0_u64..3, 1_i64..150).prop_map(|(back, amount)| Step::Grant(back, amount)),
        4 => (0_u64..3).prop_map(Step::Fail),
        4 => recharges().prop_map(Step::Put),
        1 => Just(Step::Remove),
        u32::from(zones) => (0_usize..3).prop_map(Step::Zone),
        1 => Just(Step::Nothing),
    ];
    let minutes = prop_oneof![4 => 0_i64..90, 2 => 90_i64..3_000, 1 => 3_000_i64..30_000];
    let first = recharges().prop_map(|recharge| (0, Step::Put(recharge)));
    (first, proptest::collection::vec((minutes, step), 1..60)).prop_map(|(first, mut rest)| {
        rest.insert(0, first);
        rest
    })
}

/// The begin of a window in UTC.
fn begin(window: Window, at: i64) -> i64 {
    match window {
        Window::Day => at - at.rem_euclid(DAY),
        // 1 January 1970 was a Thursday.
        Window::Week => at - (at + 3 * DAY).rem_euclid(7 * DAY),
        Window::Month => {
            let now = jiff::Timestamp::from_microsecond(at).unwrap().to_zoned(jiff::tz::TimeZone::UTC);
            now.first_of_month().unwrap().start_of_day().unwrap().timestamp().as_microsecond()
        }
        Window::Cycle | Window::Life => i64::MIN,
    }
}

/// A request, as an accountant notes it.
#[derive(Clone, Copy, Debug)]
struct Noted {
    /// Since when it counts: since it was made, or since late credits came.
    at: i64,
    /// What it asked for, or brought.
    amount: Credits,
    state: Answered,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Answered {
    Not,
    With,
    Without,
}

/// An organization, and the accountant's notes beside it.
struct Ledger {
    books: Books,
    notes: BTreeMap<u64, Noted>,
    ordered: Option<Box<Recharge>>,
    /// How many effects are in the notes.
    read: usize,
    at: i64,
    seq: u64,
}

impl Ledger {
    fn new() -> Ledger {
        let books = Books::new(history::catalog());
        let mut ledger = Ledger { books, notes: BTreeMap::new(), ordered: None, read: 0, at: START, seq: 0 };
        ledger.apply(&(0, Step::Zone(0)));
        ledger
    }

    /// Applies a step. Answers what was wrong about the requests it made.
    fn step(&mut self, step: &Timed) -> Vec<String> {
        // What falls due before the step does so by what was ordered then.
        self.books.advance(Timestamp::from_micros(self.at + step.0 * MINUTE));
        let mut wrong = self.note();
        let outcome = self.apply(step);
        match (&step.1, outcome) {
            (Step::Put(recharge), Outcome::Done) => self.ordered = Some(recharge.clone()),
            (Step::Remove, Outcome::Done) => self.ordered = None,
            _ => {}
        }
        wrong.extend(self.note());
        wrong
    }

    fn apply(&mut self, (minutes, step): &Timed) -> Outcome {
        self.at += minutes * MINUTE;
        self.seq += 1;
        let time = Timestamp::from_micros(self.at);
        let last = self.notes.len() as u64;
        let request = |back: u64| request_name(CreditType::default(), last.saturating_sub(back));
        let what = match step {
            Step::Spend(quantity) => What::Event(Event {
                id: EventId::of("law", &self.seq.to_string()),
                time,
                dimensions: Dimensions::default(),
                kind: Kind::Action { action: "message", quantity: *quantity },
            }),
            Step::TopUp(amount) => What::Command(Command::Grant(order(None, *amount))),
            Step::Grant(back, amount) => What::Command(Command::Grant(order(Some(request(*back)), *amount))),
            Step::Fail(back) => {
                let (id, note) = (request(*back).into(), Note::default());
                What::Command(Command::FailRecharge(RechargeFailure { id, note }))
            }
            Step::Put(recharge) => {
                let (credit_type, recharge) = (CreditType::default(), (**recharge).clone());
                let order = RechargeOrder { credit_type, recharge, note: Note::default() };
                What::Command(Command::PutRecharge(Box::new(order)))
            }
            Step::Remove => What::Command(Command::RemoveRecharge(CreditType::default())),
            Step::Zone(zone) => {
                let (plan, time_zone) = ("overage".into(), Zone::named(ZONES[*zone]));
                What::Command(Command::PutOrg(OrgTerms { plan, time_zone, ..OrgTerms::default() }))
            }
            Step::Nothing => {
                self.books.advance(time);
                return Outcome::Contained;
            }
        };
        let position = Position { seq: self.seq, item: 0 };
        self.books.apply(&Entry { position, at: time, what })
    }

    /// Notes what was told since the last time, and answers what should not have been.
    fn note(&mut self) -> Vec<String> {
        let new = self.books.effects[self.read..].to_vec();
        self.read = self.books.effects.len();
        let alerts = new
            .iter()
            .filter_map(|effect| if let Effect::Recharge(alert) = effect { Some(&**alert) } else { None });
        alerts.flat_map(|alert| self.note_one(alert)).collect()
    }

    fn note_one(&mut self, alert: &RechargeAlert) -> Vec<String> {
        let (at, number) = (alert.at.micros(), alert.number);
        let mut wrong = Vec::new();
        match &alert.news {
            RechargeNews::Requested { .. } => {
                let amount = alert.amount.unwrap();
                let one_more = number == self.notes.len() as u64 + 1;
                if !one_more || self.notes.values().any(|note| note.state == Answered::Not) {
                    wrong.push(format!("{alert:?} while another is in flight, or out of turn"));
                }
                self.notes.insert(number, Noted { at, amount, state: Answered::Not });
                let caps = self.ordered.iter().flat_map(|recharge| &recharge.caps);
                let passed = caps.filter(|cap| {
                    let (used, times) = self.used(cap.window, at);
                    cap.credits.is_some_and(|most| used > most) || cap.times.is_some_and(|most| times > most)
                });
                wrong.extend(passed.map(|cap| format!("{alert:?} is past {cap:?}")));
                let ordered = self.ordered.as_ref();
                if amount <= Credits::ZERO
                    || ordered.is_some_and(|own| own.max.is_some_and(|max| amount > max))
                {
                    wrong.push(format!("{alert:?} asks for too much or for nothing"));
                }
            }
            RechargeNews::Succeeded { granted } => {
                let note = self.notes.get_mut(&number).unwrap();
                let at = if note.state == Answered::Not { note.at } else { at };
                *note = Noted { at, amount: *granted, state: Answered::With };
            }
            RechargeNews::Failed { .. } => {
                let note = self.notes.get_mut(&number).unwrap();
                if std::mem::replace(&mut note.state, Answered::Without) != Answered::Not {
                    wrong.push(format!("{alert:?} was answered before"));
                }
            }
        }
        wrong
    }

    /// What counts in the window at an instant by the accountant's notes.
    fn used(&self, window: Window, at: i64) -> (Credits, u64) {
        let counts = |note: &&Noted| note.state != Answered::Without && note.at >= begin(window, at);
        let notes = self.notes.values().filter(counts);
        notes.fold((Credits::ZERO, 0), |(sum, times), note| (sum.plus(note.amount), times + 1))
    }

    fn available(&self) -> Credits {
        let pool = self.books.org.pools().find(|pool| pool.credit_type == CreditType::default());
        pool.map_or(Credits::ZERO, Pool::level)
    }
}

fn order(id: Option<String>, amount: i64) -> GrantOrder {
    GrantOrder { id: id.map(Into::into), ..GrantOrder::of(CreditType::default(), credits(amount)) }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_request_is_in_flight_at_a_time_and_none_goes_past_a_cap(history in histories(false)) {
        let mut ledger = Ledger::new();
        for step in &history {
            prop_assert_eq!(ledger.step(step), Vec::<String>::new(), "after {:?}", step);
            for (standing, _) in ledger.books.org.recharges().ordered() {
                let asked = standing.asked();
                let counted = WINDOWS.map(|window| (asked.of(window).credits, asked.of(window).times));
                let at = ledger.books.org.at().micros();
                prop_assert_eq!(counted, WINDOWS.map(|window| ledger.used(window, at)), "after {:?}", step);
            }
        }
    }

    #[test]
    fn where_credits_are_low_it_asks_or_says_why_not(history in histories(true)) {
        let mut ledger = Ledger::new();
        for step in &history {
            ledger.step(step);
            let (at, available) = (ledger.books.org.at(), ledger.available());
            for (standing, recharge) in ledger.books.org.recharges().ordered() {
                let holds = match standing.state() {
                    State::Armed => available > recharge.below,
                    State::Capped(until) => available <= recharge.below && until > at,
                    State::InFlight(request) => request.deadline > at && request.amount > Credits::ZERO,
                    State::BackingOff(until) => until > at && standing.failures() > 0,
                    State::CoolingDown(until) => until > at && standing.failures() == 0,
                    State::Off => !recharge.enabled,
                };
                prop_assert!(holds, "{:?} with {} after {:?}", standing.state(), available, step);
            }
        }
    }

    #[test]
    fn restarts_and_looks_in_between_leave_the_same_bytes_and_news(
        history in histories(true),
        turns in proptest::collection::vec((any::<bool>(), 0_i64..30_000), 61),
    ) {
        let (mut plain, mut other) = (Ledger::new(), Ledger::new());
        for (step, (restarts, minutes)) in history.iter().zip(turns) {
            plain.apply(step);
            plain.note();
            if minutes < step.0 {
                other.books.advance(Timestamp::from_micros(other.at + minutes * MINUTE));
            }
            if restarts {
                other.books.restart();
            }
            other.apply(step);
            other.note();
        }
        let end = Timestamp::from_micros(plain.at);
        plain.books.advance(end);
        other.books.advance(end);
        prop_assert_eq!(plain.books.bytes(), other.books.bytes());
        prop_assert_eq!(plain.books.effects, other.books.effects);
    }

    #[test]
    fn no_alert_about_a_request_has_the_id_of_another(history in histories(true)) {
        let mut ledger = Ledger::new();
        history.iter().for_each(|step| drop(ledger.step(step)));
        let mut seen = BTreeSet::new();
        for effect in &ledger.books.effects {
            let Effect::Recharge(alert) = effect else { continue };
            prop_assert!(seen.insert(recharge_alert_id("acme", alert)), "{:?}", alert);
        }
    }
}
