//! Calls told one by one: in any order, repeated, and with anything but the end lost, they cost what the end alone costs.

use creditd::ledger::effect::Outcome;
use creditd::ledger::entry::{
    Call, CallName, Command, Dimensions, End, Entry, Event, Kind, Live, OrgTerms, Stage, Told, What,
};
use creditd::ledger::price::{CreditType, Direction};
use creditd::ledger::units::{Credits, EventId, Millis, Position, Timestamp};
use proptest::prelude::*;
use proptest::sample::Index;

use super::books::Books;
use super::history;

const START: Timestamp = Timestamp::from_micros(1_767_607_200_000_000);
const NAME: CallName<'static> = CallName { source: "sbc", id: "call" };
const ADD_ONS: &[&str] = &["translation"];

/// A call as it was in truth.
#[derive(Clone, Debug)]
struct Truth {
    direction: Direction,
    /// How long it rang, in milliseconds.
    rang: u64,
    /// How long it was talked, in milliseconds.
    talked: u64,
    translated: bool,
    /// When something was told of how far it is, in milliseconds of talk.
    progress: Vec<u64>,
}

impl Truth {
    fn answered_at(&self) -> Timestamp {
        START.plus(Millis(self.rang))
    }

    fn ended_at(&self) -> Timestamp {
        self.answered_at().plus(Millis(self.talked))
    }

    fn duration(&self) -> Millis {
        match self.direction {
            Direction::Inbound => Millis(self.rang + self.talked),
            Direction::Outbound => Millis(self.talked),
        }
    }

    fn add_ons(&self) -> &'static [&'static str] {
        if self.translated { ADD_ONS } else { &[] }
    }

    fn told(&self) -> Told<'static> {
        Told {
            action: Some("phone_call"),
            direction: Some(self.direction),
            destination: Some("49301234"),
            add_ons: Some(self.add_ons()),
        }
    }

    fn live(&self, stage: Stage, time: Timestamp) -> Event<'static> {
        let kind = Kind::Live(Live { name: NAME, stage, told: self.told() });
        Event { id: NAME.key(), time, dimensions: Dimensions::default(), kind }
    }

    /// What is told before the end.
    fn before_the_end(&self) -> Vec<Event<'static>> {
        let mut told = vec![self.live(Stage::Started, START), self.live(Stage::Answered, self.answered_at())];
        told.extend(self.progress.iter().map(|talked| {
            let talked = (*talked).min(self.talked);
            self.live(Stage::Progress(Millis(talked)), self.answered_at().plus(Millis(talked)))
        }));
        told
    }

    fn end(&self) -> Event<'static> {
        let kind = Kind::End(End {
            name: NAME,
            told: self.told(),
            duration: Some(self.duration()),
            answered: Some(true),
            answered_at: Some(self.answered_at()),
        });
        Event {
            id: EventId::of("sbc", "end"),
            time: self.ended_at(),
            dimensions: Dimensions::default(),
            kind,
        }
    }

    /// The end alone, of a call that was never live.
    fn at_once(&self) -> Event<'static> {
        let kind = Kind::Call(Call {
            name: None,
            action: "phone_call",
            direction: self.direction,
            destination: Some("49301234"),
            duration: self.duration(),
            answered: true,
            answered_at: Some(self.answered_at()),
            add_ons: self.add_ons(),
        });
        Event { kind, ..self.end() }
    }
}

prop_compose! {
    fn truth()(outbound in any::<bool>(), rang in 0_u64..120_000, talked in 0_u64..1_200_000,
               translated in any::<bool>(), progress in prop::collection::vec(0_u64..1_200_000, 0..4)) -> Truth {
        let direction = if outbound { Direction::Outbound } else { Direction::Inbound };
        Truth { direction, rang, talked, translated, progress }
    }
}

struct Meter {
    books: Books,
    seq: u64,
}

impl Meter {
    fn new(plan: &str) -> Meter {
        let mut meter = Meter { books: Books::new(history::catalog()), seq: 0 };
        let terms = OrgTerms { plan: plan.into(), ..OrgTerms::default() };
        meter.apply(START, What::Command(Command::PutOrg(terms)));
        meter
    }

    fn apply(&mut self, at: Timestamp, what: What<'_>) -> Outcome {
        self.seq += 1;
        self.books.apply(&Entry { position: Position { seq: self.seq, item: 0 }, at, what })
    }

    /// What was charged, and what is pending, in all kinds of credits.
    fn sums(&self, at: Timestamp) -> Vec<(CreditType, Credits, Credits)> {
        let pools = self.books.org.pools();
        let sums = pools.map(|pool| {
            let kind = pool.credit_type;
            (kind, pool.totals().charged, self.books.org.pending(kind, at))
        });
        sums.filter(|(_, charged, pending)| *charged != Credits::ZERO || *pending != Credits::ZERO).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn whatever_else_is_told_a_call_costs_what_its_end_costs(
        truth in truth(),
        picks in prop::collection::vec(any::<Index>(), 0..12),
        end_at in any::<Index>(),
        twice in any::<bool>(),
        restarts in any::<bool>(),
        plan in prop::sample::select(vec!["overage", "reject"]),
    ) {
        let told = truth.before_the_end();
        let mut events: Vec<Event<'static>> = picks.iter().map(|pick| pick.get(&told).clone()).collect();
        let place = end_at.index(events.len() + 1);
        events.insert(place, truth.end());
        if twice {
            events.push(truth.end());
        }
        // All of it arrives once the call is over, within the hour.
        let arrives = |n: usize| truth.ended_at().plus(Millis(n as u64 * 60_000));
        let mut live = Meter::new(plan);
        let mut charged = 0;
        for (n, event) in events.iter().enumerate() {
            if restarts {
                live.books.restart();
            }
            let outcome = live.apply(arrives(n), What::Event(event.clone()));
            charged += usize::from(matches!(outcome, Outcome::Charged(_)));
            prop_assert!(!matches!(outcome, Outcome::Needs(_) | Outcome::Contained), "{outcome:?}");
            prop_assert_eq!(live.books.breaches(), Vec::<String>::new());
        }
        let mut alone = Meter::new("overage");
        let at_once = alone.apply(arrives(0), What::Event(truth.at_once()));
        prop_assert!(matches!(at_once, Outcome::Charged(_)), "{at_once:?}");
        let last = arrives(events.len());
        if plan == "overage" || place > 0 {
            prop_assert_eq!(charged, 1);
            prop_assert_eq!(live.sums(last), alone.sums(last));
            prop_assert_eq!(live.books.org.calls().map_or(0, |calls| calls.live().count()), 0);
        } else {
            // Nobody gave credits: what was not live is refused, and what only then becomes live is charged by a second end.
            prop_assert!(charged <= usize::from(twice && events.len() > 2), "{charged}");
        }
    }

    #[test]
    fn so_far_a_call_costs_what_it_would_if_it_ended_a_millisecond_later(truth in truth(), cut in any::<Index>()) {
        let mut live = Meter::new("overage");
        for event in truth.before_the_end().into_iter().take(2) {
            live.apply(event.time, What::Event(event));
        }
        let talked = Millis(cut.index(usize::try_from(truth.talked).unwrap() + 1) as u64);
        let now = truth.answered_at().plus(talked);
        let pending: Vec<_> = live.sums(now).into_iter().map(|(kind, _, pending)| (kind, pending)).collect();
        let cut = Truth { talked: talked.0 + 1, ..truth.clone() };
        let mut alone = Meter::new("overage");
        alone.apply(cut.ended_at(), What::Event(cut.at_once()));
        let charged: Vec<_> = alone.sums(now).into_iter().map(|(kind, charged, _)| (kind, charged)).collect();
        prop_assert_eq!(pending, charged);
    }
}
