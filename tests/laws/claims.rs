//! What calls and holds claim of limits: as much as a walk over all of them finds, after whatever happened, and so do verdicts.

#[path = "claims/walk.rs"]
mod walk;

use std::collections::BTreeSet;
use std::sync::Arc;

use creditd::ledger::authorization::{Promised, Request, Wanted};
use creditd::ledger::calendar::Zone;
use creditd::ledger::calls::Hold;
use creditd::ledger::entry::{
    Command, End, Entry, Event, GrantOrder, Kind, Live, OrgTerms, Stage, Told, What,
};
use creditd::ledger::grants::Scope;
use creditd::ledger::limits::{Limit, Measure, Own, PastLimit, Unit, Window};
use creditd::ledger::org::Org;
use creditd::ledger::price::{CreditType, Direction};
use creditd::ledger::rejection::Reason;
use creditd::ledger::units::{Credits, EventId, Millis, Position, Timestamp};
use proptest::prelude::*;

use super::books::Books;
use super::limits::{PLANS, START, WINDOWS, ZONES, catalog, minute};
use walk::{OWN, Somebody, hold, limit, name, of_hold, value, walked};

/// What a message costs by the card.
const MESSAGE: u64 = 1_250_000;

#[derive(Clone, Debug)]
enum Step {
    /// Something is told of a call, of so many seconds before; with or without a translation.
    Told(usize, Stage, Somebody, bool, u64),
    Ended(usize),
    /// So many thousandths of one of two kinds of credits are set aside for some seconds: for a call, or for so many messages.
    Hold(usize, Somebody, i64, bool, u64, Option<u64>),
    Release(usize),
    Messages(Somebody, u64),
    Put(usize, u64, bool, usize),
    Off(usize),
    Remove(usize),
    Terms(usize, usize),
    /// For anything, or for messages alone.
    Grant(i64, bool),
    Restart,
}

/// Who asks whether one more message may start, under which name.
type Asking = (usize, Somebody);

/// A step, and the seconds since the one before.
type Timed = (u64, Step);

fn somebody() -> impl Strategy<Value = Somebody> {
    (0_usize..4, any::<bool>(), 0_usize..4).prop_map(|(user, team, entity)| Somebody(user, team, entity))
}

fn stage() -> impl Strategy<Value = Stage> {
    prop_oneof![
        2 => Just(Stage::Started),
        5 => Just(Stage::Answered),
        2 => (1_000_u64..200_000).prop_map(|ms| Stage::Progress(Millis(ms))),
        1 => Just(Stage::Failed),
    ]
}

fn histories() -> impl Strategy<Value = Vec<Timed>> {
    let told = (0_usize..7, stage(), somebody(), any::<bool>(), 0_u64..30);
    let hold = (0_usize..8, somebody(), 0_i64..9_000, any::<bool>(), 1_u64..200, prop::option::of(1_u64..5));
    let step = prop_oneof![
        9 => told.prop_map(|(call, stage, who, add_on, late)| Step::Told(call, stage, who, add_on, late)),
        3 => (0_usize..7).prop_map(Step::Ended),
        5 => hold.prop_map(|(id, who, amount, email, lasts, messages)| Step::Hold(id, who, amount, email, lasts, messages)),
        2 => (0_usize..8).prop_map(Step::Release),
        2 => (somebody(), 1_u64..5).prop_map(|(who, quantity)| Step::Messages(who, quantity)),
        5 => (0_usize..OWN.len(), 0_u64..30, prop::bool::weighted(0.8), 0_usize..5)
            .prop_map(|(which, max, hard, window)| Step::Put(which, max, hard, window)),
        1 => (0_usize..OWN.len()).prop_map(Step::Off),
        1 => (0_usize..OWN.len()).prop_map(Step::Remove),
        2 => (0_usize..3, 0_usize..3).prop_map(|(plan, zone)| Step::Terms(plan, zone)),
        1 => (1_i64..50_000, any::<bool>()).prop_map(|(amount, scoped)| Step::Grant(amount, scoped)),
        1 => Just(Step::Restart),
    ];
    let seconds = prop_oneof![3 => Just(0_u64), 6 => 0_u64..90, 2 => 90_u64..3_000, 1 => 3_000_u64..500_000];
    prop::collection::vec((seconds, step), 1..40)
}

struct Ledger {
    books: Books,
    at: Timestamp,
    seq: u64,
}

impl Ledger {
    fn new() -> Ledger {
        let mut ledger = Ledger { books: Books::new(catalog()), at: minute(START), seq: 0 };
        ledger.step(&(0, Step::Terms(0, 0)));
        ledger
    }

    fn step(&mut self, (seconds, step): &Timed) {
        self.at = self.at.plus(Millis(seconds * 1_000));
        let what = match step {
            Step::Told(call, stage, who, add_on, late) => {
                let add_ons: &[&str] = if *add_on { &["translation"] } else { &[] };
                let told =
                    Told { direction: Some(Direction::Outbound), add_ons: Some(add_ons), ..Told::default() };
                let kind = Kind::Live(Live { name: name(*call), stage: *stage, told });
                self.event(*who, self.at.minus(Millis(late * 1_000)), kind)
            }
            Step::Ended(call) => {
                let told = Told { direction: Some(Direction::Outbound), ..Told::default() };
                let duration = Some(Millis(30_000));
                let end = End { name: name(*call), told, duration, answered: None, answered_at: None };
                self.event(Somebody(0, false, 3), self.at, Kind::End(end))
            }
            Step::Hold(id, who, thousandths, is_email, lasts, messages) => {
                let hold = hold(
                    *id,
                    *who,
                    (*thousandths, *is_email),
                    self.at.plus(Millis(lasts * 1_000)),
                    *messages,
                );
                What::Command(Command::Hold(Box::new(hold)))
            }
            Step::Release(id) => What::Command(Command::ReleaseHold(name(*id).key())),
            Step::Messages(who, quantity) => {
                self.event(*who, self.at, Kind::Action { action: "message", quantity: *quantity })
            }
            Step::Put(which, max, hard, window) => {
                let limit = Some(Arc::new(limit(*which, *max, *hard, WINDOWS[*window])));
                What::Command(Command::PutLimit(Own { id: OWN[*which].into(), limit, note: None }))
            }
            Step::Off(which) => {
                What::Command(Command::PutLimit(Own { id: OWN[*which].into(), limit: None, note: None }))
            }
            Step::Remove(which) => What::Command(Command::RemoveLimit(OWN[*which].into())),
            Step::Terms(plan, zone) => {
                let (plan, time_zone) = (PLANS[*plan].into(), Zone::named(ZONES[*zone]));
                What::Command(Command::PutOrg(OrgTerms { plan, time_zone, ..OrgTerms::default() }))
            }
            Step::Grant(thousandths, scoped) => {
                let actions = if *scoped { vec!["message".into()] } else { vec![] };
                let scope = Scope { actions, ..Scope::default() };
                let amount = Credits::from_micros(thousandths * 1_000);
                What::Command(Command::Grant(GrantOrder {
                    scope,
                    ..GrantOrder::of(CreditType::default(), amount)
                }))
            }
            Step::Restart => return self.books.restart(),
        };
        self.seq += 1;
        let position = Position { seq: self.seq, item: 0 };
        self.books.apply(&Entry { position, at: self.at, what });
    }

    fn event(&self, who: Somebody, time: Timestamp, kind: Kind<'static>) -> What<'static> {
        let id = EventId::of("law", &self.seq.to_string());
        What::Event(Event { id, time, dimensions: who.dimensions(), kind })
    }

    /// All limits that are looked at: those in force, and one that nobody put.
    fn limits(&self, org: &Org) -> Vec<Arc<Limit>> {
        let limits = org.limits_in_force(self.books.catalog());
        let in_force = limits.counts().iter().map(|count| Arc::clone(&count.limit));
        in_force.chain([Arc::new(limit(4, 1, true, Window::Day))]).collect()
    }

    /// The organization as it is at an instant, without its calls.
    fn ahead(&self, at: Timestamp) -> Org {
        let mut ahead = self.books.org.without_calls_with_limits();
        ahead.advance(at, self.books.catalog(), &mut Vec::new());
        ahead
    }

    /// What the verdict on one message of somebody says of limits.
    fn verdict(&self, (asks, who): Asking, promised: &[&Hold], at: Timestamp) -> Option<String> {
        let (wanted, dimensions) = (Wanted::Action("message"), who.dimensions());
        let request = Request { name: name(asks), dimensions, wanted, most: None };
        let promised = Promised { holds: promised.to_vec(), unchecked: false };
        let (org, catalog) = (&self.books.org, self.books.catalog());
        let when = (at, catalog);
        let answer = if org.next_of_credits(catalog) > at {
            org.authorize(&request, org.calls(), &promised, when)
        } else {
            self.ahead(at).authorize(&request, org.calls(), &promised, when)
        };
        let refusal = answer.verdict.err().filter(|refusal| refusal.reason == Reason::LimitReached);
        refusal.map(|refusal| refusal.detail)
    }

    /// The same by the limits and a walk.
    fn expected(&self, (asks, who): Asking, promised: &[&Hold], at: Timestamp) -> Option<String> {
        let asks = name(asks).key();
        let (ahead, catalog) = (self.ahead(at), self.books.catalog());
        let rejects = ahead.plan().and_then(|plan| catalog.plan(plan)?.at(at)).unwrap().1.past_limit;
        if rejects != PastLimit::Reject {
            return None;
        }
        if self.books.org.calls().is_some_and(|calls| calls.is_talked(asks)) {
            return None;
        }
        let others: Vec<&Hold> = promised.iter().copied().filter(|hold| hold.key() != asks).collect();
        let but: Vec<EventId> = others.iter().map(|hold| hold.key()).chain([asks]).collect();
        let limits = ahead.limits_in_force(catalog);
        limits.counts().iter().filter(|count| count.limit.hard).find_map(|count| {
            let limit = &*count.limit;
            let own = match limit.unit {
                Unit::Quantity => 1,
                Unit::Credits(kind) if kind == CreditType::default() => MESSAGE,
                Unit::Credits(_) => return None,
            };
            let of = value(limit, &who.dimensions(), "message")?;
            let calls = self.books.org.calls();
            let claimed = calls.map_or(0, |calls| walked(calls, limit, &of, at, &but));
            let promised: u64 = others.iter().map(|hold| of_hold(hold, limit, &of)).sum();
            let amount = Measure::of_quantity(own + claimed + promised);
            let used = count.used().get(&*of).map_or(Measure::ZERO, |used| used.amount);
            (used.checked_add(amount).unwrap() > limit.max).then(|| {
                let of = if of.is_empty() { String::new() } else { format!(" of {of:?}") };
                let [max, used, amount] = [limit.max, used, amount].map(|measure| limit.unit.show(measure));
                let (id, unit) = (&limit.id, limit.unit);
                format!("the limit {id:?}{of} is {max} {unit}, {used} are used and the event would use {amount}; raise the limit or wait for its next window")
            })
        })
    }
}

/// Instants that are looked at: now, soon, after some increments and holds, and on another day.
fn instants(now: Timestamp) -> [Timestamp; 4] {
    [0, 7_000, 100_000, 90_000_000].map(|ms| now.plus(Millis(ms)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_claimed_is_what_a_walk_over_calls_and_holds_finds(history in histories()) {
        let mut ledger = Ledger::new();
        for step in &history {
            ledger.step(step);
            let org = &ledger.books.org;
            let Some(calls) = org.calls() else { continue };
            let held: Vec<EventId> = calls.holds_from(EventId::default()).map(|(key, _)| key).take(1).collect();
            for limit in ledger.limits(org) {
                let of_calls = calls.live().filter_map(|call| value(&limit, &call.dimensions(), call.action()));
                let holds = calls.holds_from(EventId::default()).map(|(_, hold)| hold);
                let of_holds = holds.filter_map(|hold| value(&limit, &hold.who.dimensions(), &hold.action));
                let values: BTreeSet<String> = of_calls.chain(of_holds).chain(["nobody".into()]).collect();
                for (of, at) in values.iter().flat_map(|of| instants(org.at()).map(|at| (of, at))) {
                    for but in [&[][..], &held] {
                        let found = Measure::of_quantity(walked(calls, &limit, of, at, but));
                        prop_assert_eq!(calls.claimed(&limit, of, at, but), found, "{:?} {:?} after {:?}", limit, of, step);
                    }
                }
            }
        }
    }

    #[test]
    fn a_hard_limit_is_reached_where_a_walk_finds_it_is(
        history in histories(),
        asking in (0_usize..8, somebody()),
        promises in prop::collection::vec((0_usize..8, somebody(), 0_i64..9_000, any::<bool>()), 0..3),
    ) {
        let mut ledger = Ledger::new();
        let mut promises: Vec<Hold> = promises
            .into_iter()
            .map(|(id, who, amount, email)| hold(id, who, (amount, email), Timestamp::MAX, None))
            .collect();
        promises.sort_by_key(Hold::key);
        promises.dedup_by_key(|hold| hold.key());
        let promised: Vec<&Hold> = promises.iter().collect();
        for step in &history {
            ledger.step(step);
            for at in instants(ledger.books.org.at()) {
                let (verdict, expected) = (ledger.verdict(asking, &promised, at), ledger.expected(asking, &promised, at));
                prop_assert_eq!(verdict, expected, "after {:?}", step);
            }
        }
    }
}
