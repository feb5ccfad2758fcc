//! Limits: what is used is what was charged, and no more than a hard limit where the plan rejects.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use creditd::ledger::calendar::{Every, Zone};
use creditd::ledger::catalog::{Catalog, Plan};
use creditd::ledger::charge::Charge;
use creditd::ledger::effect::{Effect, Outcome};
use creditd::ledger::entry::{
    Call, CatalogCommand, Command, Dimensions, Entry, Event, Kind, OrgTerms, Versioned, Void, What,
};
use creditd::ledger::limits::{Field, Limit, Measure, On, Own, Part, PastLimit, Unit, Window};
use creditd::ledger::price::{CreditType, Direction};
use creditd::ledger::units::{EventId, Millis, Position, Timestamp};
use creditd::wire::limit_alert_id;
use proptest::prelude::*;

use super::books::Books;
use super::history;

/// 2026-01-05T10:00:00Z, in minutes.
pub(super) const START: i64 = 29_460_120;
const IDS: [&str; 4] = ["each-action", "each-user", "messages", "total"];
const USERS: [&str; 3] = ["ana", "ben", "cem"];
pub(super) const PLANS: [&str; 3] = ["rejects", "charges", "weekly"];
pub(super) const ZONES: [&str; 3] = ["UTC", "Asia/Tokyo", "America/Sao_Paulo"];
pub(super) const WINDOWS: [Window; 5] =
    [Window::Day, Window::Week, Window::Month, Window::Cycle, Window::Life];

#[derive(Clone, Debug)]
enum Step {
    /// So many messages of a user.
    Messages(usize, u64),
    /// A call of a user, with its translation.
    Call(usize),
    /// The charge so many before is taken back.
    Void(usize),
    Put(usize, u64, bool, usize),
    Off(usize),
    Remove(usize),
    Terms(usize, usize),
}

/// A step, and the minutes since the one before.
type Timed = (i64, Step);

fn histories() -> impl Strategy<Value = Vec<Timed>> {
    let put = (0_usize..4, 0_u64..40, any::<bool>(), 0_usize..5);
    let step = prop_oneof![
        8 => (0_usize..3, 1_u64..9).prop_map(|(who, quantity)| Step::Messages(who, quantity)),
        3 => (0_usize..3).prop_map(Step::Call),
        3 => (0_usize..6).prop_map(Step::Void),
        4 => put.prop_map(|(which, max, hard, window)| Step::Put(which, max, hard, window)),
        1 => (0_usize..4).prop_map(Step::Off),
        1 => (0_usize..4).prop_map(Step::Remove),
        1 => (0_usize..3, 0_usize..3).prop_map(|(plan, zone)| Step::Terms(plan, zone)),
    ];
    let minutes = prop_oneof![4 => 1_i64..200, 1 => 200_i64..9_000];
    proptest::collection::vec((minutes, step), 1..60)
}

fn limit(which: usize, max: u64, hard: bool, window: Window) -> Limit {
    let part = |field, value: Option<&str>| Part { field, value: value.map(Box::from) };
    let parts = match which {
        0 => vec![part(Field::Action, None)],
        1 => vec![part(Field::User, None)],
        2 => vec![part(Field::User, None), part(Field::Action, Some("message"))],
        _ => vec![],
    };
    let (unit, max) = match which {
        2 => (Unit::Quantity, max),
        _ => (Unit::Credits(CreditType::default()), max * 1_000_000),
    };
    let (id, on) = (IDS[which].into(), On::new(parts).unwrap());
    Limit { id, on, unit, max: Measure::of_quantity(max), window, hard }
}

pub(super) fn catalog() -> Catalog {
    let mut catalog = history::catalog();
    let limits = |limits: &[Limit]| limits.iter().cloned().map(Arc::new).collect::<Vec<_>>();
    let month = Plan { cycle: Some(Every::Month), ..Plan::default() };
    let week = Plan { cycle: Some(Every::Days(7)), ..Plan::default() };
    let cycle = limits(&[limit(1, 20, true, Window::Cycle), limit(3, 60, true, Window::Week)]);
    let later = limits(&[limit(0, 30, true, Window::Day), limit(1, 25, true, Window::Cycle)]);
    let rejects = PastLimit::Reject;
    let plans = [
        ("rejects", 1, Plan { limits: cycle.clone(), past_limit: rejects, ..month.clone() }),
        ("rejects", 2, Plan { limits: later.clone(), past_limit: rejects, ..month.clone() }),
        ("charges", 1, month),
        ("charges", 2, Plan { limits: later, ..week.clone() }),
        ("weekly", 1, Plan { limits: cycle, ..week }),
    ];
    for (id, version, content) in plans {
        let effective_from = (version > 1).then(|| minute(START + 9 * 24 * 60));
        let plan = Versioned { id: id.into(), version, effective_from, content };
        catalog.apply(CatalogCommand::PutPlan(plan, "card".into()), Timestamp::MIN).unwrap();
    }
    catalog
}

pub(super) fn minute(minute: i64) -> Timestamp {
    Timestamp::from_micros(minute * 60_000_000)
}

/// An event that was charged, as an accountant notes it.
struct Noted {
    id: EventId,
    at: Timestamp,
    /// What it uses of each limit, by value.
    uses: [Vec<(String, u64)>; 4],
    counts: bool,
}

impl Noted {
    fn of(entry: &Entry<'_>, event: &Event<'_>, charge: &Charge) -> Noted {
        let user = event.dimensions.user.unwrap().to_owned();
        let actions: &[&str] = match &event.kind {
            Kind::Action { .. } => &["message"],
            _ => &["phone_call", "translation"],
        };
        let lines = actions.iter().zip(&charge.lines);
        let credits: Vec<(String, u64)> = lines
            .filter(|(_, line)| line.credit_type == CreditType::default())
            .map(|(action, line)| ((*action).to_owned(), line.amount.micros().cast_unsigned()))
            .collect();
        let sum: u64 = credits.iter().map(|(_, amount)| amount).sum();
        let messages = match event.kind {
            Kind::Action { quantity, .. } => vec![(user.clone(), quantity)],
            _ => vec![],
        };
        let uses = [credits, vec![(user, sum)], messages, vec![(String::new(), sum)]];
        Noted { id: event.id, at: entry.at, uses, counts: true }
    }
}

/// An organization, and the accountant's notes beside it.
struct Ledger {
    books: Books,
    notes: Vec<Noted>,
    rejects: bool,
    at: i64,
    seq: u64,
}

/// A limit, the begin of its window, and a value.
type Key = (String, Timestamp, String);

/// What is used, and what may be where the limit is hard.
type Used = BTreeMap<Key, (Measure, Option<Measure>)>;

impl Ledger {
    fn new() -> Ledger {
        let books = Books::new(catalog());
        let mut ledger = Ledger { books, notes: Vec::new(), rejects: true, at: START, seq: 0 };
        ledger.step(&(0, Step::Terms(0, 0)));
        ledger
    }

    fn fold(history: &[Timed]) -> Ledger {
        let mut ledger = Ledger::new();
        history.iter().for_each(|step| drop(ledger.step(step)));
        ledger
    }

    fn step(&mut self, (minutes, step): &Timed) -> Outcome {
        self.at += minutes;
        self.seq += 1;
        let time = minute(self.at);
        let id = EventId::of("law", &self.seq.to_string());
        let event = |user: Option<usize>, kind| {
            let user = user.map(|user| USERS[user]);
            What::Event(Event { id, time, dimensions: Dimensions { user, ..Dimensions::default() }, kind })
        };
        let what = match step {
            Step::Messages(who, quantity) => {
                event(Some(*who), Kind::Action { action: "message", quantity: *quantity })
            }
            Step::Call(who) => event(Some(*who), Kind::Call(call())),
            Step::Void(back) => {
                let Some(note) = self.notes.iter().rev().nth(*back) else { return Outcome::Contained };
                event(None, Kind::Void(Void { target: note.id, target_time: Some(note.at) }))
            }
            Step::Put(which, max, hard, window) => {
                let limit = Some(Arc::new(limit(*which, *max, *hard, WINDOWS[*window])));
                What::Command(Command::PutLimit(Own { id: IDS[*which].into(), limit, note: None }))
            }
            Step::Off(which) => {
                What::Command(Command::PutLimit(Own { id: IDS[*which].into(), limit: None, note: None }))
            }
            Step::Remove(which) => What::Command(Command::RemoveLimit(IDS[*which].into())),
            Step::Terms(plan, zone) => {
                self.rejects = *plan == 0;
                let (plan, time_zone) = (PLANS[*plan].into(), Zone::named(ZONES[*zone]));
                What::Command(Command::PutOrg(OrgTerms { plan, time_zone, ..OrgTerms::default() }))
            }
        };
        let entry = Entry { position: Position { seq: self.seq, item: 0 }, at: time, what };
        let outcome = self.books.apply(&entry);
        match (&entry.what, &outcome) {
            (What::Event(event), Outcome::Charged(charge)) => {
                self.notes.push(Noted::of(&entry, event, charge));
            }
            (What::Event(Event { kind: Kind::Void(void), .. }), Outcome::Voided(_)) => {
                self.notes
                    .iter_mut()
                    .filter(|note| note.id == void.target)
                    .for_each(|note| note.counts = false);
            }
            _ => {}
        }
        outcome
    }

    fn used(&self) -> Used {
        let limits = self.books.org.limits();
        let used = limits.counts().iter().flat_map(|count| {
            let max = count.limit.hard.then_some(count.limit.max);
            let name = |value: &str| (count.limit.id.to_string(), count.begin(), value.to_owned());
            count.used().iter().map(move |(value, used)| (name(value), (used.amount, max)))
        });
        used.filter(|(_, (used, _))| *used > Measure::ZERO).collect()
    }

    /// What is used by the accountant's notes: everything that counts since each limit's window began.
    fn noted(&self) -> Used {
        let mut noted: BTreeMap<Key, (u64, Option<Measure>)> = BTreeMap::new();
        for count in self.books.org.limits().counts() {
            let which = IDS.iter().position(|id| **id == *count.limit.id).unwrap();
            let max = count.limit.hard.then_some(count.limit.max);
            for note in self.notes.iter().filter(|note| note.counts && note.at >= count.begin()) {
                for (value, amount) in &note.uses[which] {
                    let key = (count.limit.id.to_string(), count.begin(), value.clone());
                    noted.entry(key).or_insert((0, max)).0 += amount;
                }
            }
        }
        noted.into_iter().map(|(key, (sum, max))| (key, (Measure::of_quantity(sum), max))).collect()
    }
}

fn call() -> Call<'static> {
    Call {
        name: None,
        action: "phone_call",
        direction: Direction::Outbound,
        destination: None,
        duration: Millis(90_000),
        answered: true,
        answered_at: None,
        add_ons: &["translation"],
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_used_is_what_was_charged_in_the_window_and_not_taken_back(history in histories()) {
        let mut ledger = Ledger::new();
        for step in &history {
            ledger.step(step);
            prop_assert_eq!(ledger.used(), ledger.noted(), "after {:?}", step);
        }
    }

    #[test]
    fn a_plan_that_rejects_lets_nothing_past_a_hard_limit(history in histories()) {
        let mut ledger = Ledger::new();
        for step in &history {
            let before = ledger.used();
            let outcome = ledger.step(step);
            let Outcome::Charged(charge) = &outcome else { continue };
            let mut past: Vec<String> = ledger.used().into_iter().filter(|(key, (used, max))| {
                max.is_some_and(|max| *used > max) && before.get(key).is_none_or(|(before, _)| before < used)
            }).map(|((id, ..), _)| id).collect();
            past.dedup();
            prop_assert!(past.is_empty() || !ledger.rejects, "{:?} after {:?}", past, step);
            let named: Vec<&str> = charge.past_limits().iter().map(|id| &**id).collect();
            prop_assert_eq!(past, named, "after {:?}", step);
        }
    }

    #[test]
    fn restarts_and_looks_in_between_leave_the_same_bytes(
        history in histories(),
        turns in proptest::collection::vec((any::<bool>(), 0_i64..9_000), 60),
    ) {
        let mut plain = Ledger::fold(&history);
        let mut other = Ledger::new();
        for (place, step) in history.iter().enumerate() {
            let (restarts, minutes) = turns[place];
            if minutes < step.0 {
                let until = minute(other.at + minutes);
                other.books.advance(until);
            }
            if restarts {
                other.books.restart();
            }
            other.step(step);
        }
        let end = minute(plain.at);
        plain.books.advance(end);
        other.books.advance(end);
        prop_assert_eq!(plain.books.bytes(), other.books.bytes());
        prop_assert_eq!(plain.books.effects, other.books.effects);
    }

    #[test]
    fn no_alert_about_a_limit_has_the_id_of_another(history in histories()) {
        let ledger = Ledger::fold(&history);
        let mut seen = BTreeSet::new();
        for effect in &ledger.books.effects {
            let Effect::Limit(alert) = effect else { continue };
            prop_assert!(seen.insert(limit_alert_id("acme", alert)), "{:?}", alert);
        }
    }
}
