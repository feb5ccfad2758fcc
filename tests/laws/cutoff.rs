//! Prepaid calls: authorized, held, answered, and cut off when the ledger says so. Whatever happens at once, they overspend by an
//! increment each at most, nothing stays held, and it does not matter who looks when.

use std::collections::{BTreeMap, BTreeSet};

use creditd::ledger::authorization::{Promised, Request, Wanted};
use creditd::ledger::calls::{Hold, News};
use creditd::ledger::effect::{Effect, Outcome};
use creditd::ledger::entry::{
    CallName, Command, Dimensions, End, Entry, Event, GrantOrder, Kind, Live, OrgTerms, Overrides, Stage,
    Told, What,
};
use creditd::ledger::grants::Scope;
use creditd::ledger::price::{CreditType, Direction, Increment};
use creditd::ledger::units::{Credits, EventId, Millis, Position, Timestamp};
use proptest::prelude::*;

use super::books::Books;
use super::history;

const START: Timestamp = Timestamp::from_micros(1_767_607_200_000_000);
const IDS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
const ENDS: [&str; 8] = ["A", "B", "C", "D", "E", "F", "G", "H"];

/// A call that somebody is going to make.
#[derive(Clone, Debug)]
struct Plan {
    /// When it is asked for, in milliseconds.
    asks: u64,
    /// How long it rings.
    rings: u64,
    /// How long it would be talked.
    talks: u64,
    /// How long it takes to hang up once it is cut off.
    lags: u64,
    inbound: bool,
    /// Whether a grant pays for it that pays for no other.
    vip: bool,
}

#[derive(Clone, Debug)]
struct World {
    calls: Vec<Plan>,
    /// What is there at first, in thousandths of a credit.
    credits: i64,
    /// What is there for some calls only, and whether it burns last.
    vip: (i64, bool),
    /// What is there for what is no call.
    apart: i64,
    /// What is topped up, and when.
    top_ups: Vec<(u64, i64)>,
    increment: (u32, u32),
    /// When somebody looks.
    looks: Vec<u64>,
}

prop_compose! {
    fn plan()(asks in 0_u64..120_000, rings in 0_u64..20_000, talks in 1_u64..400_000, lags in 0_u64..900,
              inbound in any::<bool>(), vip in any::<bool>()) -> Plan {
        Plan { asks, rings, talks, lags, inbound, vip }
    }
}

prop_compose! {
    fn world()(calls in prop::collection::vec(plan(), 1..=8), credits in 0_i64..40_000,
               vip in (prop_oneof![Just(0_i64), 0_i64..40_000], any::<bool>()), apart in prop_oneof![Just(0_i64), 1_i64..100_000],
               top_ups in prop::collection::vec((0_u64..400_000, 1_i64..20_000), 0..3),
               increment in prop::sample::select(vec![(60, 60), (30, 6), (1, 1), (6, 6), (60, 1), (10, 40)]),
               looks in prop::collection::vec(0_u64..500_000, 0..12)) -> World {
        World { calls, credits, vip, apart, top_ups, increment, looks }
    }
}

/// What happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Next {
    TopUp(i64),
    Ask(usize),
    Answer(usize),
    HangUp(usize),
}

struct Run {
    books: Books,
    entries: Vec<Entry<'static>>,
    queue: BTreeSet<(Timestamp, Next)>,
    /// The calls that were allowed, by their first increment.
    allowed: BTreeSet<usize>,
    over: BTreeSet<usize>,
    /// How often each was cut off.
    cuts: BTreeMap<usize, usize>,
    /// How much may be owed in the end, as it was told when calls were allowed.
    most_owed: Credits,
}

fn at(ms: u64) -> Timestamp {
    START.plus(Millis(ms))
}

fn vips() -> Scope {
    Scope { features: vec!["vip".into()], ..Scope::default() }
}

fn who(plan: &Plan) -> Dimensions<'static> {
    Dimensions { feature: plan.vip.then_some("vip"), ..Dimensions::default() }
}

fn name(call: usize) -> CallName<'static> {
    CallName { source: "sbc", id: IDS[call] }
}

impl Run {
    fn new(world: &World) -> Run {
        let books = Books::new(history::catalog());
        let mut queue: BTreeSet<_> =
            world.calls.iter().enumerate().map(|(call, plan)| (at(plan.asks), Next::Ask(call))).collect();
        queue.extend(world.top_ups.iter().map(|(ms, credits)| (at(*ms), Next::TopUp(*credits))));
        let (allowed, over, cuts) = (BTreeSet::new(), BTreeSet::new(), BTreeMap::new());
        let mut run =
            Run { books, entries: Vec::new(), queue, allowed, over, cuts, most_owed: Credits::ZERO };
        let (initial, next) = world.increment;
        let overrides = Overrides { increment: Increment::new(initial, next), ..Overrides::default() };
        let terms =
            OrgTerms { plan: "reject".into(), overrides: Some(Box::new(overrides)), ..OrgTerms::default() };
        run.apply(START, What::Command(Command::PutOrg(terms)));
        run.grant(START, world.credits, 100, Scope::default());
        let (vip, burns_last) = world.vip;
        run.grant(START, vip, if burns_last { 101 } else { 100 }, vips());
        run.grant(START, world.apart, 0, Scope { actions: vec!["sms".into()], ..Scope::default() });
        run
    }

    fn grant(&mut self, at: Timestamp, thousandths: i64, priority: u8, scope: Scope) {
        if thousandths > 0 {
            let order = GrantOrder {
                priority,
                scope,
                ..GrantOrder::of(CreditType::default(), Credits::from_micros(thousandths * 1_000))
            };
            self.apply(at, What::Command(Command::Grant(order)));
        }
    }

    fn apply(&mut self, at: Timestamp, what: What<'static>) {
        let seq = u64::try_from(self.entries.len()).unwrap() + 1;
        let entry = Entry { position: Position { seq, item: 0 }, at, what };
        let outcome = self.books.apply(&entry);
        assert!(
            matches!(outcome, Outcome::Done | Outcome::Noted | Outcome::Charged(_)),
            "{outcome:?} of {entry:?}"
        );
        self.entries.push(entry);
    }

    /// As the daemon does: to the next thing that happens outside, or that falls due inside.
    fn go_on(&mut self, world: &World) {
        let mut heard = 0;
        loop {
            for effect in self.books.effects.split_off(heard) {
                if let Effect::Calls(news) = &effect
                    && news.news == News::Cutoff
                {
                    for (_, id) in &news.calls {
                        let call = IDS.iter().position(|known| **known == **id).unwrap();
                        *self.cuts.entry(call).or_default() += 1;
                        let lag = Millis(world.calls[call].lags);
                        self.queue.insert((news.at.plus(lag), Next::HangUp(call)));
                    }
                }
                self.books.effects.push(effect);
            }
            heard = self.books.effects.len();
            let due = self.books.org.next_change(self.books.catalog());
            match self.queue.first().copied() {
                Some((instant, _)) if due < instant => self.books.advance(due),
                Some((instant, next)) => {
                    self.queue.pop_first();
                    self.books.advance(instant);
                    if self.books.effects.len() == heard {
                        self.happen(instant, next, world);
                    } else {
                        self.queue.insert((instant, next));
                    }
                }
                None => break,
            }
        }
    }

    fn happen(&mut self, at: Timestamp, next: Next, world: &World) {
        match next {
            Next::TopUp(credits) => self.grant(at, credits, 100, Scope::default()),
            Next::Ask(call) => self.ask(at, call, &world.calls[call]),
            Next::Answer(call) => {
                self.live(at, call, Stage::Answered, &world.calls[call]);
                self.queue.insert((at.plus(Millis(world.calls[call].talks)), Next::HangUp(call)));
            }
            Next::HangUp(call) if self.over.insert(call) => {
                let told = Told { direction: None, ..Told::default() };
                let end = End { name: name(call), told, duration: None, answered: None, answered_at: None };
                let id = EventId::of("sbc", ENDS[call]);
                let (dimensions, kind) = (who(&world.calls[call]), Kind::End(end));
                self.apply(at, What::Event(Event { id, time: at, dimensions, kind }));
            }
            Next::HangUp(_) => {}
        }
    }

    fn ask(&mut self, at: Timestamp, call: usize, plan: &Plan) {
        let direction = if plan.inbound { Direction::Inbound } else { Direction::Outbound };
        let wanted =
            Wanted::Call { action: "phone_call", direction, destination: Some("49301234"), add_ons: &[] };
        let request = Request { name: name(call), dimensions: who(plan), wanted, most: None };
        let org = &self.books.org;
        let answer = org.authorize(&request, org.calls(), &Promised::default(), (at, self.books.catalog()));
        let Ok(granted) = answer.verdict else { return };
        assert!(granted.quantity > 0 && granted.first <= granted.held, "{granted:?}");
        self.allowed.insert(call);
        let worst = answer.worst_case.unwrap();
        let worst = worst.iter().find(|(kind, _)| *kind == CreditType::default());
        // What is owed already is not what these calls are going to overspend.
        let most = self.owed().plus(worst.map_or(Credits::ZERO, |(_, most)| *most));
        self.most_owed = self.most_owed.max(most);
        let hold = Hold {
            source: "sbc".into(),
            id: IDS[call].into(),
            action: "phone_call".into(),
            quantity: 1,
            who: who(plan).into(),
            amounts: granted.held,
            increment: granted.increment,
            until: at.plus(Millis(180_000)),
        };
        self.apply(at, What::Command(Command::Hold(Box::new(hold))));
        self.live(at, call, Stage::Started, plan);
        // Ringing counts for inbound calls once they are answered; here they are at once.
        let rings = if plan.inbound { 0 } else { plan.rings };
        self.queue.insert((at.plus(Millis(rings)), Next::Answer(call)));
    }

    fn owed(&self) -> Credits {
        self.books.org.pools().next().map_or(Credits::ZERO, |pool| pool.totals().owed())
    }

    fn live(&mut self, at: Timestamp, call: usize, stage: Stage, plan: &Plan) {
        let direction = if plan.inbound { Direction::Inbound } else { Direction::Outbound };
        let told = Told {
            action: Some("phone_call"),
            direction: Some(direction),
            destination: Some("49301234"),
            add_ons: None,
        };
        let kind = Kind::Live(Live { name: name(call), stage, told });
        let (id, dimensions) = (name(call).key(), who(plan));
        self.apply(at, What::Event(Event { id, time: at, dimensions, kind }));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn concurrent_calls_overspend_by_an_increment_each_at_most(world in world()) {
        // Where what pays for some only burns after what pays for all, it depends on who ends first whether all are paid.
        let world = World { vip: (world.vip.0, false), ..world };
        let mut run = Run::new(&world);
        run.go_on(&world);
        prop_assert_eq!(&run.over, &run.allowed, "every call that was allowed is over");
        prop_assert_eq!(run.books.breaches(), Vec::<String>::new());
        let calls = run.books.org.calls();
        prop_assert_eq!(calls.map_or(0, |calls| calls.holds() + calls.count()), 0, "nothing stays held");
        let (owed, most) = (run.owed(), run.most_owed);
        prop_assert!(owed <= most, "{owed} owed after {:?} cut-offs, at worst {most}", run.cuts);
        if run.cuts.is_empty() {
            prop_assert_eq!(owed, Credits::ZERO, "nobody was cut off");
        }
    }

    #[test]
    fn it_does_not_matter_who_looks_when(world in world()) {
        let mut run = Run::new(&world);
        run.go_on(&world);
        let last = run.books.org.at().plus(Millis(600_000));
        let mut looked = Books::new(history::catalog());
        let mut looks: Vec<Timestamp> = world.looks.iter().map(|ms| at(*ms)).collect();
        looks.sort_unstable();
        let mut looks = looks.into_iter().peekable();
        for (place, entry) in run.entries.iter().enumerate() {
            while let Some(look) = looks.next_if(|look| *look <= entry.at) {
                looked.advance(look);
                if place % 3 == 0 {
                    looked.restart();
                }
            }
            looked.apply(entry);
        }
        // Once with every entry and nothing between, and once as the daemon saw it.
        let mut plain = Books::fold(history::catalog(), &run.entries);
        for books in [&mut plain, &mut looked, &mut run.books] {
            books.advance(last);
        }
        prop_assert_eq!(plain.bytes(), looked.bytes());
        prop_assert_eq!(plain.bytes(), run.books.bytes());
        prop_assert_eq!(&plain.effects, &looked.effects);
        prop_assert_eq!(&plain.effects, &run.books.effects);
    }
}
