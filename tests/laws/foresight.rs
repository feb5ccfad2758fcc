//! Forecasts come true when credits are really burnt at the rate, and a spike is told of once for each run of such hours.

use creditd::ledger::alerts::{Rule, Spike, When};
use creditd::ledger::calendar::Every;
use creditd::ledger::catalog::{Catalog, Plan, RateCard};
use creditd::ledger::effect::{Effect, Outcome};
use creditd::ledger::entry::{
    CatalogCommand, Command, Dimensions, Entry, Event, GrantOrder, Kind, OrgTerms, Versioned, What,
};
use creditd::ledger::forecast::{self, Loss};
use creditd::ledger::grants::Recurrence;
use creditd::ledger::movement::MovementKind;
use creditd::ledger::notice::About;
use creditd::ledger::price::{CreditType, Price, Tariff};
use creditd::ledger::units::{Credits, EventId, Millis, Position, Timestamp};
use proptest::prelude::*;

use super::books::Books;

/// 2026-01-05T10:00:00Z: an hour begins.
const START: Timestamp = Timestamp::from_micros(1_767_607_200_000_000);

fn hours(n: usize) -> Timestamp {
    START.plus(Millis(n as u64 * 3_600_000))
}

/// Books of an organization whose every action costs a micro-credit.
struct Acme {
    books: Books,
    seq: u64,
}

impl Acme {
    fn new(alerts: Vec<Rule>) -> Acme {
        let mut catalog = Catalog::default();
        let tariff = Tariff::PerAction(Credits::from_micros(1));
        let prices = [("one".into(), Price { credit_type: CreditType::default(), tariff })].into();
        let content = RateCard { prices };
        let card = Versioned { id: "card".into(), version: 1, effective_from: None, content };
        catalog.apply(CatalogCommand::PutRateCard(card), START).unwrap();
        let content = Plan { alerts, ..Plan::default() };
        let plan = Versioned { id: "plan".into(), version: 1, effective_from: None, content };
        catalog.apply(CatalogCommand::PutPlan(plan, "card".into()), START).unwrap();
        let mut acme = Acme { books: Books::new(catalog), seq: 0 };
        let terms = OrgTerms { plan: "plan".into(), ..OrgTerms::default() };
        acme.apply(START, What::Command(Command::PutOrg(terms)));
        acme
    }

    fn apply(&mut self, at: Timestamp, what: What<'_>) {
        self.seq += 1;
        let outcome = self.books.apply(&Entry { position: Position { seq: self.seq, item: 0 }, at, what });
        assert!(matches!(outcome, Outcome::Done | Outcome::Charged(_)), "{outcome:?}");
    }

    fn burn(&mut self, at: Timestamp, micros: i64) {
        let kind = Kind::Action { action: "one", quantity: micros.unsigned_abs() };
        let id = EventId::of("law", &self.seq.to_string());
        self.apply(at, What::Event(Event { id, time: at, dimensions: Dimensions::default(), kind }));
    }

    fn grant(&mut self, at: Timestamp, given: &Given) {
        let Given { micros, starts, lasts, daily } = *given;
        let effective = starts.map_or(at, |starts| at.plus(Millis(starts * 60_000)));
        let order = GrantOrder {
            effective: starts.map(|_| effective),
            expires: lasts.map(|lasts| effective.plus(Millis(lasts * 60_000))),
            recurrence: daily.then_some(Recurrence { every: Every::Days(1), anchor: None }),
            ..GrantOrder::of(CreditType::default(), Credits::from_micros(micros))
        };
        self.apply(at, What::Command(Command::Grant(order)));
    }

    fn level(&self) -> Credits {
        self.books.org.pools().next().unwrap().level()
    }
}

/// A grant: times in minutes.
#[derive(Clone, Copy, Debug)]
struct Given {
    micros: i64,
    starts: Option<u64>,
    lasts: Option<u64>,
    daily: bool,
}

fn grants() -> impl Strategy<Value = Vec<Given>> {
    let given = (
        1_i64..30_000_000,
        proptest::option::of(1_u64..2_000),
        proptest::option::of(1_u64..2_000),
        any::<bool>(),
    );
    let given = given.prop_map(|(micros, starts, lasts, daily)| Given { micros, starts, lasts, daily });
    proptest::collection::vec(given, 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_forecast_comes_true_when_credits_are_burnt_at_the_rate(
        burnt in proptest::collection::vec(1_i64..8_000_000, 3..6),
        given in grants(),
    ) {
        const WATCHED: i64 = 3_000;
        let mut acme = Acme::new(Vec::new());
        acme.grant(START, &Given { micros: 90_000_000, starts: None, lasts: None, daily: false });
        for (hour, amount) in burnt.iter().enumerate() {
            acme.burn(hours(hour), *amount);
        }
        let (count, sum) = (burnt.len() as i128, burnt.iter().sum::<i64>());
        let now = hours(burnt.len());
        given.iter().for_each(|given| acme.grant(now, given));
        let org = acme.books.org.clone();
        let (_, rate, foreseen) = org.forecasts(acme.books.catalog()).remove(0);
        prop_assert_eq!(rate.map(|rate| (i128::from(rate.hours), rate.sum.micros())), Some((count, sum)));
        acme.books.effects.clear();

        // Each minute's burn is charged just before the minute is over, so that what ends with it has paid its part: first what is
        // burnt by then, and then what is burnt in the last microsecond.
        let due = |micros: i64| i64::try_from(i128::from(sum) * i128::from(micros) / (count * 3_600_000_000)).unwrap();
        let mut taken = 0;
        let mut ran_out = None;
        for minute in 1..=WATCHED {
            let micros = minute * 60_000_000;
            let end = Timestamp::from_micros(now.micros() + micros);
            for upto in [micros - 1, micros] {
                if due(upto) > taken {
                    acme.burn(Timestamp::from_micros(end.micros() - 1), due(upto) - taken);
                    taken = due(upto);
                }
                if upto == micros {
                    acme.books.advance(end);
                }
                ran_out = ran_out.or(Some(end).filter(|_| acme.level() <= Credits::ZERO));
                if ran_out.is_some() {
                    break;
                }
            }
            if ran_out.is_some() {
                break;
            }
        }
        match (foreseen.outcome, ran_out) {
            (forecast::Outcome::RunsOut(at), Some(end)) => {
                prop_assert!(at <= end && at > end.minus(Millis(60_000)), "{:?} and {:?}", at, end);
            }
            (forecast::Outcome::RunsOut(at), None) => prop_assert!(at > now.plus(Millis(WATCHED.unsigned_abs() * 60_000))),
            (outcome, None) => prop_assert!(matches!(outcome, forecast::Outcome::Beyond(_)), "{:?}", outcome),
            (outcome, Some(end)) => prop_assert!(false, "{:?}, and it ran out before {:?}", outcome, end),
        }
        let watched = ran_out.unwrap_or(now.plus(Millis(WATCHED.unsigned_abs() * 60_000)));
        let lost = acme.books.effects.iter().filter_map(|effect| {
            let Effect::Moved(moved) = effect else { return None };
            let (_, grant) = moved.grant.clone().filter(|_| moved.kind == MovementKind::Expired)?;
            Some(Loss { grant, at: moved.at, amount: moved.amount })
        });
        let foreseen: Vec<Loss> = foreseen.losses.into_iter().filter(|loss| loss.at <= watched).collect();
        prop_assert_eq!(foreseen, lost.collect::<Vec<_>>());
    }

    #[test]
    fn a_spike_is_told_of_once_for_each_run_of_such_hours(
        burnt in proptest::collection::vec(prop_oneof![3 => 0_i64..20, 1 => 20_i64..120], 24..260),
        percent in 101_u16..400,
        least in 0_i64..60,
    ) {
        let at_least = Credits::from_micros(least);
        let when = When::Spike(Spike { percent, at_least });
        let mut acme = Acme::new(vec![Rule { when, credit_type: None }]);
        acme.grant(START, &Given { micros: 90_000_000, starts: None, lasts: None, daily: false });
        for (hour, amount) in burnt.iter().enumerate() {
            // In two events, of which either may be the one.
            for part in [amount / 2, amount - amount / 2].into_iter().filter(|part| *part > 0) {
                acme.burn(hours(hour), part);
            }
        }
        let Some(first) = burnt.iter().position(|amount| *amount > 0) else { return Ok(()) };
        let is_spike = |hour: usize| {
            let from = first.max(hour.saturating_sub(168));
            let usual: i64 = burnt[from..hour.max(from)].iter().sum();
            let hours = i64::try_from(hour.saturating_sub(from)).unwrap();
            hours >= 24 && usual > 0 && burnt[hour] > 0 && burnt[hour] >= least
                && burnt[hour] * 100 * hours > i64::from(percent) * usual
        };
        let begins = |hour: &usize| is_spike(*hour) && !(*hour > 0 && is_spike(*hour - 1));
        let expected: Vec<i32> = (0..burnt.len()).filter(begins).map(|hour| i32::try_from(hour).unwrap()).collect();
        let told = acme.books.effects.iter().filter_map(|effect| {
            let Effect::Notice(notice) = effect else { return None };
            let About::Spike(spike) = &notice.about else { return None };
            Some(spike.hour.0 - START.hour().0)
        });
        prop_assert_eq!(told.collect::<Vec<_>>(), expected);
    }
}
