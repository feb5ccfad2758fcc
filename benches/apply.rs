//! `Org::apply` with dedupe over a million organizations, skewed as real ones are: entries per second and core,
//! allocations per entry, and the memory of an idle organization.

#![allow(
    missing_docs,
    clippy::print_stdout,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a benchmark"
)]

use std::alloc::System;

use creditd::book::OrgName;
use creditd::book::lookahead::AHEAD;
use creditd::clock::Stopwatch;
use creditd::ledger::catalog::{Catalog, Plan, RateCard, WhenExhausted};
use creditd::ledger::effect::{Effect, Outcome, Recall};
use creditd::ledger::entry::{
    CatalogCommand, Command, Dimensions, Entry, Event, GrantKind, GrantOrder, Kind, OrgTerms, Versioned, What,
};
use creditd::ledger::org::Org;
use creditd::ledger::price::{CreditType, Price, Tariff};
use creditd::ledger::units::{Credits, EventId, Position, Timestamp};
use dashmap::DashMap;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

type Map = DashMap<OrgName, Box<Org>, foldhash::fast::RandomState>;

const ORGS: usize = 1_000_000;
const PER_HOUR: usize = 2_000_000;
const MEASURED_HOURS: usize = 4;
/// After a day the ids' tables have their size; after a week, with the argument `week`, the lists of burnt hours too.
const WARM_HOURS: usize = 24;
const WARM_HOURS_OF_A_WEEK: usize = 168;
const HOUR: i64 = 3_600_000_000;
const START: i64 = 1_767_607_200_000_000 / HOUR * HOUR;

fn main() {
    let catalog = catalog();
    let region = Region::new(ALLOCATOR);
    let (map, names) = orgs(&catalog);
    let made = region.change();
    let bytes = (made.bytes_allocated - made.bytes_deallocated) / ORGS;
    println!("memory of an idle organization with one grant, map and name included: {bytes} B");

    let choice = Zipf::new(ORGS);
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let (mut effects, recall) = (Vec::new(), Recall::default());
    let (mut seq, mut entries, mut seconds, mut allocations) = (1_u64, 0_usize, 0.0, 0_usize);
    let week = std::env::args().any(|argument| argument == "week");
    let warm = if week { WARM_HOURS_OF_A_WEEK } else { WARM_HOURS };
    for hour in 0..warm + MEASURED_HOURS {
        // Steady state: in the first hour every organization has had an event once.
        let mut pick = |n: usize| if hour == 0 { n % ORGS } else { choice.pick(rng.random()) };
        // A record carries the name of its organization.
        let chosen: Vec<OrgName> = (0..PER_HOUR).map(|n| names[pick(n)].clone()).collect();
        let ids: Vec<EventId> = (0..PER_HOUR).map(|n| EventId::of("bench", &format!("{hour}-{n}"))).collect();
        let region = Region::new(ALLOCATOR);
        let watch = Stopwatch::start();
        for (n, (org, id)) in chosen.iter().zip(&ids).enumerate() {
            seq += 1;
            let at = START + signed(hour) * HOUR + signed(n) * HOUR / signed(PER_HOUR);
            let at = Timestamp::from_micros(at);
            let entry = Entry { position: Position { seq, item: 0 }, at, what: What::Event(event(*id, at)) };
            // As the pipeline does, which has the records that come next at hand.
            if let Some(next) = chosen.get(n + AHEAD).and_then(|next| map.get(next)) {
                next.approach();
            }
            let mut slot = map.get_mut(org.as_str()).expect("made above");
            let outcome = slot.apply(&entry, &catalog, &recall, &mut effects);
            assert!(matches!(outcome, Outcome::Charged(_)), "{outcome:?}");
            effects.clear();
        }
        let spent = watch.elapsed().as_secs_f64();
        let change = region.change();
        if hour >= warm {
            entries += PER_HOUR;
            seconds += spent;
            allocations += change.allocations + change.reallocations;
        }
        println!("hour {hour}: {:.2} M entries/s", PER_HOUR as f64 / spent / 1e6);
        // As the keeper does: ids of closed hours are in the history.
        let closed = Timestamp::from_micros(START + (signed(hour) + 1) * HOUR).hour().back(2);
        for mut slot in map.iter_mut() {
            slot.forget_ids(closed, Position { seq, item: u32::MAX });
        }
    }
    println!(
        "Org::apply, {ORGS} organizations, Zipf: {:.2} M entries/s/core, {:.2} allocations per 1,000 entries",
        entries as f64 / seconds / 1e6,
        allocations as f64 * 1e3 / entries as f64
    );
}

fn signed(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn event(id: EventId, at: Timestamp) -> Event<'static> {
    let dimensions = Dimensions { user: Some("u1"), entity_type: Some("campaign"), ..Dimensions::default() };
    Event { id, time: at, dimensions, kind: Kind::Action { action: "email_sent", quantity: 1 } }
}

fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    let email = Price {
        credit_type: CreditType::default(),
        tariff: Tariff::PerAction(Credits::from_micros(1_000_000)),
    };
    let mut prices: std::collections::BTreeMap<Box<str>, Price> = Default::default();
    for action in
        ["connection_request", "email_sent", "linkedin_message", "person_enrichment", "profile_view"]
    {
        prices.insert(action.into(), email.clone());
    }
    let card =
        Versioned { id: "card".into(), version: 1, effective_from: None, content: RateCard { prices } };
    catalog.apply(CatalogCommand::PutRateCard(card), Timestamp::from_micros(0)).expect("a card");
    let plan = Plan {
        when_exhausted: WhenExhausted::Overage,
        alerts: creditd::ledger::alerts::Rule::defaults(),
        ..Plan::default()
    };
    let plan = Versioned { id: "plan".into(), version: 1, effective_from: None, content: plan };
    catalog.apply(CatalogCommand::PutPlan(plan, "card".into()), Timestamp::from_micros(0)).expect("a plan");
    catalog
}

fn orgs(catalog: &Catalog) -> (Map, Vec<OrgName>) {
    let map: Map = DashMap::with_capacity_and_hasher_and_shard_amount(0, Default::default(), 1024);
    let mut names = Vec::with_capacity(ORGS);
    let mut effects: Vec<Effect> = Vec::new();
    for n in 0..ORGS {
        let name = OrgName::from(format!("org-{n}"));
        let mut org = Org::default();
        let terms = OrgTerms { plan: "plan".into(), ..OrgTerms::default() };
        let grant = GrantOrder {
            id: None,
            credit_type: CreditType::default(),
            amount: Credits::from_micros(1_000_000_000_000),
            kind: GrantKind::Purchased,
            priority: 100,
            effective: None,
            expires: None,
            scope: Default::default(),
            recurrence: None,
            rollover: None,
            note: Default::default(),
        };
        for (item, command) in (0..).zip([Command::PutOrg(terms), Command::Grant(grant)]) {
            let entry = Entry {
                position: Position { seq: 1, item },
                at: Timestamp::from_micros(START),
                what: What::Command(command),
            };
            let outcome = org.apply(&entry, catalog, &Recall::default(), &mut effects);
            assert_eq!(outcome, Outcome::Done);
        }
        names.push(name.clone());
        map.insert(name, Box::new(org));
    }
    (map, names)
}

/// Zipf with exponent 1 over `n` ranks, by the inverse of its distribution.
struct Zipf(Vec<f64>);

impl Zipf {
    fn new(n: usize) -> Self {
        let mut sum = 0.0;
        let mut below: Vec<f64> = (1..=n)
            .map(|rank| {
                sum += 1.0 / rank as f64;
                sum
            })
            .collect();
        below.iter_mut().for_each(|share| *share /= sum);
        Zipf(below)
    }

    fn pick(&self, share: f64) -> usize {
        self.0.partition_point(|below| *below < share).min(self.0.len() - 1)
    }
}
