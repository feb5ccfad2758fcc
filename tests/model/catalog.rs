//! Rate cards and plans: what they say, and which version is in force when.

use std::collections::{BTreeMap, BTreeSet};

use super::calendar::Period;
use super::limits::{Limit, Unit};
use super::rules::Rule;
use super::{Instant, Micros, Reason};

/// Prices by action.
pub type Prices = BTreeMap<String, Price>;

/// What one action costs.
#[derive(Clone, Debug, PartialEq)]
pub struct Price {
    /// The kind of credit it is in.
    pub credit_type: String,
    /// How it is counted.
    pub tariffed: Tariffed,
}

/// How a price is counted.
#[derive(Clone, Debug, PartialEq)]
pub enum Tariffed {
    /// So much each.
    Action(Micros),
    /// So much for so many units.
    Units {
        /// So much.
        amount: Micros,
        /// For so many.
        units: i128,
        /// Whether a started lot counts whole.
        started: bool,
    },
    /// By the minutes of a call.
    Minute(Minute),
}

/// The price of a minute.
#[derive(Clone, Debug, PartialEq)]
pub struct Minute {
    /// The steps in which seconds are billed.
    pub increment: Increment,
    /// A billed call costs at least this.
    pub minimum: Micros,
    /// For calls that come in.
    pub inbound: Tariff,
    /// For calls that go out.
    pub outbound: Tariff,
    /// For numbers that start so.
    pub destinations: Vec<Destination>,
}

/// A rate and a fee.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tariff {
    /// For a minute.
    pub rate: Micros,
    /// Once a call.
    pub connect_fee: Micros,
}

/// A rate for numbers that start with `prefix`.
#[derive(Clone, Debug, PartialEq)]
pub struct Destination {
    /// Digits.
    pub prefix: String,
    /// For calls in this direction only.
    pub direction: Option<&'static str>,
    /// For a minute.
    pub rate: Micros,
    /// Instead of the direction's fee.
    pub connect_fee: Option<Micros>,
}

/// Seconds billed at first and in further steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Increment {
    /// At first.
    pub initial: i128,
    /// Each further step.
    pub next: i128,
}

/// One version of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The rate card.
    pub card: String,
    /// Stronger than the price's.
    pub increment: Option<Increment>,
    /// Whether events are rejected once credits run out.
    pub reject: bool,
    /// When to warn.
    pub alerts: Vec<Rule>,
    /// The billing period, if there is one.
    pub cycle: Option<Period>,
    /// What each cycle brings, by credit type.
    pub allotments: BTreeMap<String, Allotment>,
    /// Whether a reset forgives what is owed.
    pub drop_overage: bool,
    /// Whether events take nothing.
    pub unmetered: bool,
    /// The limits of each organization on it.
    pub limits: BTreeMap<String, Limit>,
    /// Whether events past a hard limit are rejected.
    pub reject_past_limit: bool,
    /// How long a call may go on, and how long without a word where that is bounded.
    pub closes: Closes,
}

/// When a call is closed whose end does not come, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Closes {
    /// So long after its answer.
    pub longest: Instant,
    /// So long after anything was told of it.
    pub silence: Option<Instant>,
}

/// What a cycle brings in one credit type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Allotment {
    /// How much.
    pub amount: Micros,
    /// Lower burns first.
    pub priority: i128,
    /// What goes on into the next cycle; nothing if not given.
    pub rollover: Option<Rollover>,
}

/// What is held at a reset is brought between these.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rollover {
    /// At least.
    pub min: Micros,
    /// At most.
    pub max: Micros,
}

impl Rollover {
    /// What becomes of an amount.
    pub fn bring(self, held: Micros) -> Micros {
        self.max.min(self.min.max(held))
    }
}

/// The number of a version and since when it is meant to count.
#[derive(Clone, Copy, Debug)]
pub struct Release {
    /// From 1.
    pub number: i128,
    /// From now on if not given.
    pub effective_from: Option<Instant>,
}

/// All versions of one card or plan, in order.
#[derive(Debug)]
pub struct Versions<T>(Vec<(i128, Instant, T)>);

impl<T> Default for Versions<T> {
    fn default() -> Self {
        Versions(Vec::new())
    }
}

impl<T: PartialEq> Versions<T> {
    /// The version in force at an instant: the last whose time has come. The first has always been there.
    pub fn in_force(&self, at: Instant) -> Option<&T> {
        self.0.iter().rev().find(|(_, from, _)| *from <= at).map(|(_, _, content)| content)
    }

    /// The instants after `after` and not after `until` at which another version comes into force.
    pub fn changes(&self, after: Instant, until: Instant) -> impl Iterator<Item = Instant> {
        self.0.iter().map(|(_, from, _)| *from).filter(move |from| after < *from && *from <= until)
    }

    fn put(&mut self, release: Release, content: T, now: Instant) -> Result<(), Reason> {
        let Some((last, latest, _)) = self.0.last() else {
            if release.number != 1 {
                return Err("conflict");
            }
            self.0.push((release.number, Instant::MIN, content));
            return Ok(());
        };
        if let Some((_, from, known)) = self.0.iter().find(|(number, _, _)| *number == release.number) {
            let restated =
                release.effective_from.is_some_and(|stated| *from != Instant::MIN && stated != *from);
            return if restated || *known != content { Err("conflict") } else { Ok(()) };
        }
        if release.number != last + 1 {
            return Err("conflict");
        }
        let from = release.effective_from.unwrap_or(now);
        if from < now || from < *latest {
            return Err("invalid_field");
        }
        self.0.push((release.number, from, content));
        Ok(())
    }
}

/// All cards and plans.
#[derive(Debug, Default)]
pub struct Catalog {
    cards: BTreeMap<String, Versions<Prices>>,
    plans: BTreeMap<String, Versions<Plan>>,
    kinds: BTreeSet<String>,
}

/// Takes a version of something by its name; a name stays unknown until a version of it was taken.
fn put<T: PartialEq>(
    all: &mut BTreeMap<String, Versions<T>>,
    id: String,
    release: Release,
    content: T,
    now: Instant,
) -> Result<(), Reason> {
    let mut versions = all.remove(&id).unwrap_or_default();
    let taken = versions.put(release, content, now);
    if !versions.0.is_empty() {
        all.insert(id, versions);
    }
    taken
}

impl Catalog {
    /// Takes a version of a card.
    pub fn put_card(
        &mut self,
        id: String,
        release: Release,
        prices: Prices,
        now: Instant,
    ) -> Result<(), Reason> {
        let kinds: Vec<String> = prices.values().map(|price| price.credit_type.clone()).collect();
        put(&mut self.cards, id, release, prices, now)?;
        self.kinds.extend(kinds);
        Ok(())
    }

    /// Takes a version of a plan. Its card must be known.
    pub fn put_plan(&mut self, id: String, release: Release, plan: Plan, now: Instant) -> Result<(), Reason> {
        if !self.cards.contains_key(&plan.card) {
            return Err("unknown_rate_card");
        }
        self.knows_kinds(&Prices::new(), &plan.alerts)?;
        plan.allotments.keys().try_for_each(|kind| self.knows(kind))?;
        plan.limits.values().try_for_each(|limit| self.knows_unit(limit))?;
        put(&mut self.plans, id, release, plan, now)
    }

    /// Whether something was ever priced in this credit type; `credits` always is.
    pub fn knows(&self, credit_type: &str) -> Result<(), Reason> {
        let known = credit_type == "credits" || self.kinds.contains(credit_type);
        if known { Ok(()) } else { Err("invalid_field") }
    }

    /// Whether all credit types that prices and rules name are known.
    pub fn knows_kinds(&self, prices: &Prices, rules: &[Rule]) -> Result<(), Reason> {
        let priced = prices.values().map(|price| &price.credit_type);
        priced
            .chain(rules.iter().filter_map(|rule| rule.credit_type.as_ref()))
            .try_for_each(|kind| self.knows(kind))
    }

    /// Whether the credit type that a limit counts is known.
    pub fn knows_unit(&self, limit: &Limit) -> Result<(), Reason> {
        match &limit.measure.unit {
            Unit::Credits(kind) => self.knows(kind),
            Unit::Quantity => Ok(()),
        }
    }

    /// Whether there is such a plan.
    pub fn has_plan(&self, id: &str) -> bool {
        self.plans.contains_key(id)
    }

    /// The version of a plan in force at an instant.
    pub fn plan(&self, id: &str, at: Instant) -> Option<&Plan> {
        self.plans.get(id)?.in_force(at)
    }

    /// The versions of a card's prices in force at an instant.
    pub fn prices(&self, card: &str, at: Instant) -> Option<&Prices> {
        self.cards.get(card)?.in_force(at)
    }

    /// The next instant after `after`, not after `until`, at which another version of a plan comes into force.
    pub fn next_change(&self, plan: &str, after: Instant, until: Instant) -> Option<Instant> {
        self.plans.get(plan)?.changes(after, until).min()
    }
}
