//! Calls that are closed without their end: whatever was told of them, whoever looked when, and however late the end comes, they cost in the
//! end what their ends cost, and the limits stand as if nothing had been closed.

use std::sync::Arc;

use creditd::ledger::calls::CallTerms;
use creditd::ledger::catalog::{Catalog, Plan, RateCard};
use creditd::ledger::effect::{Effect, Outcome};
use creditd::ledger::entry::{
    Call, CallName, CatalogCommand, Command, Dimensions, End, Entry, Event, GrantOrder, Kind, Live, OrgTerms,
    Restarted, Stage, Told, Versioned, What,
};
use creditd::ledger::limits::{Limit, Measure, On, Unit, Window};
use creditd::ledger::price::{CreditType, Direction, Increment, PerMinute, Price, Rate, Tariff};
use creditd::ledger::units::{Credits, EventId, Millis, Position, Timestamp};
use proptest::prelude::*;

use super::books::Books;

const START: Timestamp = Timestamp::from_micros(1_767_607_200_000_000);
const IDS: [&str; 5] = ["a", "b", "c", "d", "e"];
const ENDS: [&str; 5] = ["A", "B", "C", "D", "E"];
/// Ten minutes, the longest call of the plan, in milliseconds.
const LONGEST: u64 = 600_000;

/// What becomes of a call in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Its end comes so long after it, in milliseconds.
    Ends(u64),
    /// It had failed, which is told so long after it should have been closed.
    Failed(u64),
    /// Nobody tells.
    Never,
}

#[derive(Clone, Debug)]
struct Plot {
    begins: u64,
    rings: u64,
    talks: u64,
    inbound: bool,
    /// When something is told of how far it is, in milliseconds of talk.
    progress: Vec<u64>,
    fate: Fate,
}

#[derive(Clone, Debug)]
struct World {
    calls: Vec<Plot>,
    silence_s: Option<u32>,
    /// When their switch is started anew.
    restarts: Vec<u64>,
    looks: Vec<u64>,
    /// What is there, in thousandths of a credit.
    credits: i64,
}

prop_compose! {
    fn plot()(begins in 0_u64..300_000, rings in 0_u64..40_000, talks in 0_u64..1_500_000, inbound in any::<bool>(),
              progress in prop::collection::vec(0_u64..1_500_000, 0..4), fails in 0..6, late in 0_u64..2_500_000_000,
              on_time in any::<bool>()) -> Plot {
        let late = if on_time { late % 1_000 } else { late };
        let fate = match fails { 0 => Fate::Failed(late), 1 => Fate::Never, _ => Fate::Ends(late) };
        Plot { begins, rings, talks, inbound, progress, fate }
    }
}

prop_compose! {
    fn world()(calls in prop::collection::vec(plot(), 1..=5), silence_s in prop::option::of(30_u32..400),
               restarts in prop::collection::vec(0_u64..1_000_000, 0..3),
               looks in prop::collection::vec(0_u64..3_000_000, 0..12), credits in 1_i64..100_000) -> World {
        World { calls, silence_s, restarts, looks, credits }
    }
}

impl Plot {
    fn answered_at(&self) -> Timestamp {
        at(self.begins + self.rings)
    }

    fn ended_at(&self) -> Timestamp {
        self.answered_at().plus(Millis(self.talks))
    }

    fn duration(&self) -> Millis {
        Millis(if self.inbound { self.rings + self.talks } else { self.talks })
    }

    fn told(&self) -> Told<'static> {
        let direction = if self.inbound { Direction::Inbound } else { Direction::Outbound };
        Told { direction: Some(direction), ..Told::default() }
    }

    fn live(&self, call: usize, stage: Stage, time: Timestamp) -> Event<'static> {
        let kind = Kind::Live(Live { name: name(call), stage, told: self.told() });
        Event { id: name(call).key(), time, dimensions: Dimensions::default(), kind }
    }

    /// All that is told of it, and when.
    fn events(&self, call: usize) -> Vec<(Timestamp, Event<'static>)> {
        let mut events = vec![
            (at(self.begins), self.live(call, Stage::Started, at(self.begins))),
            (self.answered_at(), self.live(call, Stage::Answered, self.answered_at())),
        ];
        for talked in self.progress.iter().filter(|talked| **talked <= self.talks) {
            let time = self.answered_at().plus(Millis(*talked));
            events.push((time, self.live(call, Stage::Progress(Millis(*talked)), time)));
        }
        match self.fate {
            Fate::Ends(late) => {
                let duration = Some(self.duration());
                let (answered, answered_at) = (Some(true), Some(self.answered_at()));
                let end = End { name: name(call), told: self.told(), duration, answered, answered_at };
                let (id, dimensions) = (EventId::of("sbc", ENDS[call]), Dimensions::default());
                let event = Event { id, time: self.ended_at(), dimensions, kind: Kind::End(end) };
                events.push((self.ended_at().plus(Millis(late)), event));
            }
            Fate::Failed(late) => {
                let told = self.answered_at().plus(Millis(LONGEST + late));
                events.push((told, self.live(call, Stage::Failed, at(self.begins))));
            }
            Fate::Never => {}
        }
        events
    }

    /// As one event, of a call that was never live.
    fn at_once(&self, call: usize) -> Event<'static> {
        let kind = Kind::Call(Call {
            name: None,
            action: "phone_call",
            direction: self.told().direction.unwrap(),
            destination: None,
            duration: self.duration(),
            answered: true,
            answered_at: Some(self.answered_at()),
            add_ons: &[],
        });
        let (id, dimensions) = (EventId::of("sbc", ENDS[call]), Dimensions::default());
        Event { id, time: self.ended_at(), dimensions, kind }
    }
}

fn at(ms: u64) -> Timestamp {
    START.plus(Millis(ms))
}

fn name(call: usize) -> CallName<'static> {
    CallName { source: "sbc", id: IDS[call] }
}

fn catalog(silence_s: Option<u32>) -> Catalog {
    let mut catalog = Catalog::default();
    let minutes = PerMinute {
        base: Rate {
            per_minute: Credits::from_micros(3_000_000),
            connect_fee: Credits::from_micros(500_001),
        },
        minimum: Credits::ZERO,
        increment: Increment::new(30, 6).unwrap(),
        inbound: None,
        outbound: None,
        destinations: [].into(),
    };
    let price = Price { credit_type: CreditType::default(), tariff: Tariff::PerMinute(Box::new(minutes)) };
    let content = RateCard { prices: [("phone_call".into(), price)].into() };
    let card = Versioned { id: "card".into(), version: 1, effective_from: None, content };
    catalog.apply(CatalogCommand::PutRateCard(card), START).unwrap();
    let limit = |id: &str, unit, max| {
        let max = Measure::of_quantity(max);
        Arc::new(Limit { id: id.into(), on: On::default(), unit, max, window: Window::Life, hard: true })
    };
    let limits =
        vec![limit("calls", Unit::Quantity, 3), limit("spent", Unit::Credits(CreditType::default()), 9)];
    let calls = CallTerms { longest_s: 600, silence_s, ..CallTerms::default() };
    let plan = Plan { limits, calls, ..Plan::default() };
    let plan = Versioned { id: "plan".into(), version: 1, effective_from: None, content: plan };
    catalog.apply(CatalogCommand::PutPlan(plan, "card".into()), START).unwrap();
    catalog
}

impl World {
    /// All that is told, in its order.
    fn entries(&self) -> Vec<Entry<'static>> {
        let events = self.calls.iter().enumerate().flat_map(|(call, plot)| plot.events(call));
        let restarts = self.restarts.iter().map(|ms| {
            let kind = Kind::Restarted(Restarted { source: "sbc" });
            let id = EventId::of("sbc", "sbc");
            (at(*ms), Event { id, time: at(*ms), dimensions: Dimensions::default(), kind })
        });
        let mut told: Vec<_> = events.chain(restarts).collect();
        told.sort_by_key(|(at, _)| *at);
        let told = told.into_iter().map(|(at, event)| (at, What::Event(event)));
        self.opening().into_iter().chain(told).zip(1..).map(entry).collect()
    }

    /// The ends alone of all that really was a call.
    fn at_once(&self) -> Vec<Entry<'static>> {
        let calls = self.calls.iter().enumerate().filter(|(_, plot)| matches!(plot.fate, Fate::Ends(_)));
        let last = at(10_000_000);
        let told = calls.map(|(call, plot)| (last, What::Event(plot.at_once(call))));
        self.opening().into_iter().chain(told).zip(1..).map(entry).collect()
    }

    fn opening(&self) -> [(Timestamp, What<'static>); 2] {
        let order = GrantOrder::of(CreditType::default(), Credits::from_micros(self.credits * 1_000));
        let terms = OrgTerms { plan: "plan".into(), ..OrgTerms::default() };
        [(START, What::Command(Command::PutOrg(terms))), (START, What::Command(Command::Grant(order)))]
    }
}

fn entry(((at, what), seq): ((Timestamp, What<'static>), u64)) -> Entry<'static> {
    Entry { position: Position { seq, item: 0 }, at, what }
}

/// What is charged and left, and what is used of each limit.
fn standing(books: &Books) -> (Credits, Credits, Vec<Measure>) {
    let pool = books.org.pools().next().unwrap();
    let limits = books.org.limits_in_force(books.catalog());
    let used = limits
        .counts()
        .iter()
        .map(|count| count.used().values().map(|used| used.amount).max().unwrap_or_default());
    let used = used.collect();
    (pool.totals().charged, pool.level(), used)
}

/// What all charges that were told add up to, less what was given back of those that were closed.
fn charged(books: &Books, outcomes: &[Outcome]) -> Credits {
    let kind = CreditType::default();
    let ended = outcomes.iter().map(|outcome| match outcome {
        Outcome::Charged(charge) => charge.amount(kind),
        _ => Credits::ZERO,
    });
    let closed = books.effects.iter().map(|effect| match effect {
        Effect::Orphaned(orphaned) => {
            orphaned.charge.as_ref().map_or(Credits::ZERO, |charge| charge.amount(kind))
        }
        Effect::OrphanReturned(returned) => {
            returned.returns.iter().fold(Credits::ZERO, |sum, back| sum.minus(back.amount))
        }
        _ => Credits::ZERO,
    });
    ended.chain(closed).fold(Credits::ZERO, Credits::plus)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn after_its_end_a_call_costs_what_its_end_costs_whenever_it_was_closed(world in world()) {
        let calls = world.calls.iter().filter(|plot| plot.fate != Fate::Never).cloned().collect();
        let world = World { calls, ..world };
        let mut books = Books::new(catalog(world.silence_s));
        let mut outcomes = Vec::new();
        for entry in world.entries() {
            let outcome = books.apply(&entry);
            prop_assert!(!matches!(outcome, Outcome::Rejected(_) | Outcome::Duplicate { .. }), "{outcome:?}");
            outcomes.push(outcome);
            prop_assert_eq!(books.breaches(), Vec::<String>::new());
            let pool = books.org.pools().next();
            prop_assert_eq!(pool.map_or(Credits::ZERO, |pool| pool.totals().charged), charged(&books, &outcomes));
        }
        let alone = Books::fold(catalog(world.silence_s), &world.at_once());
        prop_assert_eq!(standing(&books), standing(&alone));
        prop_assert_eq!(books.org.calls().map_or(0, |calls| calls.count()), 0);
    }

    #[test]
    fn it_does_not_matter_who_looks_when_and_nothing_stays_live(world in world()) {
        let entries = world.entries();
        let last = at(10_000_000).max(entries.last().map_or(START, |entry| entry.at));
        let mut looked = Books::new(catalog(world.silence_s));
        let mut looks = world.looks.clone();
        looks.sort_unstable();
        let mut looks = looks.into_iter().map(at).peekable();
        for (place, entry) in entries.iter().enumerate() {
            while let Some(look) = looks.next_if(|look| *look <= entry.at) {
                looked.advance(look);
                if place % 2 == 0 {
                    looked.restart();
                }
            }
            looked.apply(entry);
        }
        let mut plain = Books::fold(catalog(world.silence_s), &entries);
        for books in [&mut plain, &mut looked] {
            books.advance(last);
            prop_assert_eq!(books.org.calls().map_or(0, |calls| calls.count()), 0, "nothing stays live");
            let kind = CreditType::default();
            prop_assert_eq!(books.org.pending(kind, last), Credits::ZERO);
        }
        prop_assert_eq!(plain.bytes(), looked.bytes());
        prop_assert_eq!(&plain.effects, &looked.effects);
    }
}
