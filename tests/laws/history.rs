//! Histories of one organization: entries in order, as a strategy that shrinks.

use creditd::ledger::alerts::{Days, Hours, Rule, Spike, Threshold, When};
use creditd::ledger::catalog::{Catalog, Plan, RateCard, WhenExhausted};
use creditd::ledger::entry::{
    Call, CatalogCommand, Command, Dimensions, Entry, Event, GrantKind, GrantOrder, Kind, OrgTerms,
    Overrides, Versioned, Void, What,
};
use creditd::ledger::price::{CreditType, Direction, Increment, PerMinute, Price, Rate, Tariff};
use creditd::ledger::units::{Credits, EventId, Millis, Position, Timestamp};
use proptest::prelude::*;

/// 2026-01-05T10:00:00Z.
const START: i64 = 1_767_607_200_000_000;
const MINUTE: i64 = 60_000_000;

/// One step of a history; times are in minutes.
#[derive(Clone, Debug)]
pub enum Step {
    /// A grant.
    Grant {
        /// Micro-credits.
        amount: i64,
        /// The credit type, of two.
        email: bool,
        /// Burns first where low.
        priority: u8,
        /// Where it comes from.
        kind: GrantKind,
        /// Usable so long after the entry.
        starts: Option<i64>,
        /// Usable so long.
        lasts: Option<i64>,
    },
    /// An action: which, of three, and how many.
    Action(usize, u64),
    /// A call of so many milliseconds, with or without an add-on.
    Call(u64, bool),
    /// The event of the step so many before is sent again.
    Again(usize),
    /// The event of the step so many before is taken back; whether its time is told.
    Void(usize, bool),
    /// New terms: the plan, of two, and own alert rules.
    Terms(bool, Option<u8>),
    /// Nothing but time.
    Nothing,
}

/// A step, and the minutes since the one before.
pub type Timed = (i64, Step);

fn step() -> impl Strategy<Value = Step> {
    let kind = prop_oneof![Just(GrantKind::Plan), Just(GrantKind::Bonus), Just(GrantKind::Purchased)];
    let grant = (
        1_i64..60_000_000,
        any::<bool>(),
        0_u8..3,
        kind,
        proptest::option::of(-60_i64..200),
        proptest::option::of(prop_oneof![3 => 1_i64..400, 1 => 1_400_i64..4_500]),
    );
    let grant = grant.prop_map(|(amount, email, priority, kind, starts, lasts)| Step::Grant {
        amount,
        email,
        priority,
        kind,
        starts,
        lasts,
    });
    prop_oneof![
        3 => grant,
        5 => (0_usize..3, 1_u64..40).prop_map(|(which, quantity)| Step::Action(which, quantity)),
        3 => (0_u64..400_000, any::<bool>()).prop_map(|(ms, add_on)| Step::Call(ms, add_on)),
        2 => (1_usize..12).prop_map(Step::Again),
        3 => (1_usize..12, any::<bool>()).prop_map(|(back, timed)| Step::Void(back, timed)),
        1 => (any::<bool>(), proptest::option::of(0_u8..100)).prop_map(|(plan, own)| Step::Terms(plan, own)),
        1 => Just(Step::Nothing),
    ]
}

/// Histories of up to `most` steps.
pub fn histories(most: usize) -> impl Strategy<Value = Vec<Timed>> {
    proptest::collection::vec((0_i64..90, step()), 1..most)
}

fn credits(micros: i64) -> Credits {
    Credits::from_micros(micros)
}

fn email() -> CreditType {
    CreditType::new("email").unwrap()
}

fn card() -> RateCard {
    let price = |credit_type, tariff| Price { credit_type, tariff };
    let minutes = |per_minute, minimum| {
        Tariff::PerMinute(Box::new(PerMinute {
            base: Rate { per_minute: credits(per_minute), connect_fee: credits(70_001) },
            minimum: credits(minimum),
            increment: Increment::new(30, 6).unwrap(),
            inbound: None,
            outbound: None,
            destinations: [].into(),
        }))
    };
    let tokens = Tariff::PerUnits { price: credits(700_001), units: 7, started: false };
    let prices = [
        ("message", price(CreditType::default(), Tariff::PerAction(credits(1_250_000)))),
        ("email_sent", price(email(), Tariff::PerAction(credits(900_001)))),
        ("tokens", price(CreditType::default(), tokens)),
        ("phone_call", price(CreditType::default(), minutes(2_000_003, 500_000))),
        ("translation", price(email(), minutes(333_333, 0))),
    ];
    RateCard { prices: prices.map(|(name, price)| (name.into(), price)).into() }
}

/// The catalog of all histories: one card, a plan for each policy, the second version of one of them after an hour.
pub fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    let versioned = |id: &str, version| (Box::<str>::from(id), version);
    let mut put = |command| catalog.apply(command, Timestamp::MIN).unwrap();
    let (id, version) = versioned("card", 1);
    put(CatalogCommand::PutRateCard(Versioned { id, version, effective_from: None, content: card() }));
    let later = Some(Timestamp::from_micros(START + 60 * MINUTE));
    let rule = |when| Rule { when, credit_type: None };
    let ahead = |days, hours, percent| {
        let spike = Spike { percent, at_least: credits(0) };
        [When::ExpiresWithin(Days(days)), When::RunsOutWithin(Hours(hours)), When::Spike(spike)].map(rule)
    };
    let first = Rule::defaults().into_iter().chain(ahead(1, 12, 150)).collect();
    let mut some = vec![
        Rule::below(Threshold::Percent(50), None),
        Rule::below(Threshold::Amount(credits(5_000_000)), None),
    ];
    some.extend(ahead(2, 12, 120));
    let plans = [
        ("overage", 1, WhenExhausted::Overage, first),
        ("reject", 1, WhenExhausted::Reject, Rule::defaults()),
        ("overage", 2, WhenExhausted::Overage, some),
    ];
    for (id, version, when_exhausted, alerts) in plans {
        let content = Plan { when_exhausted, alerts, ..Plan::default() };
        let (id, version) = versioned(id, version);
        let effective_from = later.filter(|_| version > 1);
        put(CatalogCommand::PutPlan(Versioned { id, version, effective_from, content }, "card".into()));
    }
    catalog
}

/// An event of a history, to be sent, sent again and taken back.
fn event(number: usize, step: &Step, at: Timestamp) -> Option<Event<'static>> {
    const ACTIONS: [&str; 3] = ["message", "email_sent", "tokens"];
    let kind = match step {
        Step::Action(which, quantity) => Kind::Action { action: ACTIONS[*which], quantity: *quantity },
        Step::Call(ms, add_on) => Kind::Call(Call {
            name: None,
            action: "phone_call",
            direction: Direction::Outbound,
            destination: Some("49301234"),
            duration: Millis(*ms),
            answered: true,
            answered_at: None,
            add_ons: if *add_on { &["translation"] } else { &[] },
        }),
        _ => return None,
    };
    let id = EventId::of("law", &number.to_string());
    Some(Event { id, time: at, dimensions: Dimensions::default(), kind })
}

/// The entries of a history, ready to be applied.
pub fn entries(history: &[Timed]) -> Vec<Entry<'static>> {
    let mut at = START;
    let mut entries = vec![command(0, START, terms(true, None))];
    let times: Vec<i64> = history
        .iter()
        .map(|(wait, _)| {
            at += wait * MINUTE;
            at
        })
        .collect();
    for (number, ((_, step), at)) in history.iter().zip(&times).enumerate() {
        let earlier = |back: usize| {
            let place = number.checked_sub(back)?;
            event(place, &history[place].1, Timestamp::from_micros(times[place]))
        };
        let what = match step {
            Step::Grant { .. } => Some(What::Command(Command::Grant(order(step, *at)))),
            Step::Terms(plan, own) => Some(What::Command(terms(*plan, *own))),
            Step::Again(back) => earlier(*back).map(What::Event),
            Step::Void(back, timed) => {
                earlier(*back).map(|target| What::Event(void(number, &target, *timed, *at)))
            }
            Step::Nothing => None,
            _ => event(number, step, Timestamp::from_micros(*at)).map(What::Event),
        };
        let position = Position { seq: number as u64 + 2, item: 0 };
        entries.extend(what.map(|what| Entry { position, at: Timestamp::from_micros(*at), what }));
    }
    entries
}

fn command(number: u64, at: i64, command: Command) -> Entry<'static> {
    let position = Position { seq: number + 1, item: 0 };
    Entry { position, at: Timestamp::from_micros(at), what: What::Command(command) }
}

fn terms(overage: bool, own: Option<u8>) -> Command {
    let alerts = own.map(|percent| vec![Rule::below(Threshold::Percent(percent), None)]);
    let overrides = alerts.map(|alerts| Box::new(Overrides { alerts: Some(alerts), ..Overrides::default() }));
    Command::PutOrg(OrgTerms {
        plan: if overage { "overage" } else { "reject" }.into(),
        overrides,
        ..OrgTerms::default()
    })
}

fn order(step: &Step, at: i64) -> GrantOrder {
    let Step::Grant { amount, email: of_email, priority, kind, starts, lasts } = step else { unreachable!() };
    let effective = starts.map(|starts| at + starts * MINUTE);
    let expires = lasts.map(|lasts| at.max(effective.unwrap_or(at)) + lasts * MINUTE);
    let credit_type = if *of_email { email() } else { CreditType::default() };
    GrantOrder {
        kind: *kind,
        priority: *priority,
        effective: effective.map(Timestamp::from_micros),
        expires: expires.map(Timestamp::from_micros),
        ..GrantOrder::of(credit_type, credits(*amount))
    }
}

fn void(number: usize, target: &Event<'_>, timed: bool, at: i64) -> Event<'static> {
    let void = Void { target: target.id, target_time: timed.then_some(target.time) };
    let id = EventId::of("law", &format!("void {number}"));
    Event { id, time: Timestamp::from_micros(at), dimensions: Dimensions::default(), kind: Kind::Void(void) }
}

/// An entry that takes an event back.
pub fn void_of(number: usize, target: &Event<'_>, at: Timestamp) -> Entry<'static> {
    let what = What::Event(void(1_000 + number, target, true, at.micros()));
    Entry { position: Position::START, at, what }
}
