//! One organization: its terms over time, what it was charged, and its grants.

use std::collections::{BTreeMap, HashMap};

use super::catalog::{Catalog, Increment, Plan};
use super::commands::{Order, Terms};
use super::grants::{Draw, Grants};
use super::rating::PriceList;
use super::read::{Event, What, out_of_range};
use super::report::{Balance, GrantReport, OrgReport, Tally};
use super::watch::Watch;
use super::{Instant, LARGEST_TOTAL, Micros, Outcome, Position, Reason, rating};

/// How far back events are rated.
const OLDEST: Instant = 400 * 86_400_000_000;
/// The most changes of terms within that time.
const MOST_TERMS: usize = 64;

/// What became of an event whose identity is known.
#[derive(Debug)]
enum Fate {
    /// Charged: these draws.
    Charged(Vec<Draw>),
    /// Charged, and taken back.
    Voided,
    /// Taken back before it came.
    Swallowed,
}

/// One organization.
#[derive(Debug)]
pub struct Org {
    name: String,
    /// Since when, and what; the first has always been so.
    terms: Vec<(Instant, Terms)>,
    now: Instant,
    fates: HashMap<(String, String), Fate>,
    grants: Grants,
    watch: Watch,
    /// What became of its events.
    pub tally: Tally,
}

impl Org {
    /// A new organization. [`Org::put`] follows.
    pub fn new(name: &str, now: Instant) -> Org {
        Org {
            name: name.to_string(),
            terms: Vec::new(),
            now,
            fates: HashMap::new(),
            grants: Grants::default(),
            watch: Watch::default(),
            tally: Tally::default(),
        }
    }

    /// Lets log time pass: every expiry, activation and change of the plan at its own instant. Of one instant,
    /// the plan's new rules come first and the grants after.
    pub fn advance(&mut self, to: Instant, catalog: &Catalog) {
        self.follow(catalog);
        while let Some(instant) = self.next_change(to, catalog) {
            // The rules of this instant find the level before what happens to the grants.
            self.follow_at(instant, catalog);
            self.now = instant;
            self.grants.turn(instant);
            self.watch.look(&self.name, &self.grants.gauges(instant), instant, None);
        }
        self.now = to;
    }

    fn next_change(&self, to: Instant, catalog: &Catalog) -> Option<Instant> {
        let (_, terms) = self.terms.last()?;
        let plan = catalog.next_change(&terms.plan, self.now, to);
        let grants = self.grants.next_change(self.now, to);
        plan.into_iter().chain(grants).min()
    }

    /// Takes over the rules in force now.
    fn follow(&mut self, catalog: &Catalog) {
        self.follow_at(self.now, catalog);
    }

    /// Takes over the rules in force at an instant, which look at the level as it is.
    fn follow_at(&mut self, instant: Instant, catalog: &Catalog) {
        let Some((_, terms)) = self.terms.last() else { return };
        let planned = catalog.plan(&terms.plan, instant).map(|plan| &plan.alerts);
        if let Some(rules) = terms.alerts.as_ref().or(planned) {
            self.watch.follow(rules, &self.grants.gauges(self.now));
        }
    }

    /// Takes new terms, in force from now on. Those that no event can be rated by any more do not count as changes.
    pub fn put(&mut self, terms: Terms, catalog: &Catalog) -> Result<(), Reason> {
        let from = if self.terms.is_empty() { Instant::MIN } else { self.now };
        if self.terms.last().is_some_and(|(_, known)| *known == terms) {
            return Ok(());
        }
        let past = self.terms.iter().skip(1).filter(|(from, _)| *from < self.now - OLDEST).count();
        if self.terms.len() - past >= MOST_TERMS {
            return Err("too_many");
        }
        self.terms.push((from, terms));
        self.follow(catalog);
        Ok(())
    }

    /// Takes a grant.
    pub fn grant(&mut self, order: Order, position: Position, catalog: &Catalog) -> Result<(), Reason> {
        catalog.knows(&order.credit_type)?;
        self.grants.add(order, position, self.now)?;
        self.follow(catalog);
        self.look(position);
        Ok(())
    }

    fn look(&mut self, position: Position) {
        self.watch.look(&self.name, &self.grants.gauges(self.now), self.now, Some(position));
    }

    /// Judges an event, in the order of the checks of `docs/EVENTS.md`.
    pub fn event(&mut self, event: &Event, position: Position, catalog: &Catalog) -> Result<Outcome, Reason> {
        if out_of_range(event.time, self.now) {
            return Err("time_out_of_range");
        }
        if self.fates.contains_key(&event.identity) {
            return Ok(Outcome::Duplicate);
        }
        if let What::Void(target, time) = &event.what {
            return self.void(target, *time, position);
        }
        let amounts = self.rate(event, catalog)?;
        let draws = self.charge(&amounts, catalog)?;
        self.fates.insert(event.identity.clone(), Fate::Charged(draws));
        self.look(position);
        Ok(Outcome::Charged)
    }

    /// The terms and the plan in force at an instant.
    fn agreement<'a>(&'a self, at: Instant, catalog: &'a Catalog) -> Result<(&'a Terms, &'a Plan), Reason> {
        let (_, terms) = self.terms.iter().rev().find(|(from, _)| *from <= at).ok_or("unknown_plan")?;
        let plan = catalog.plan(&terms.plan, at).ok_or("unknown_plan")?;
        Ok((terms, plan))
    }

    /// What an event costs by credit type, at the prices of its own time.
    fn rate(&self, event: &Event, catalog: &Catalog) -> Result<BTreeMap<String, Micros>, Reason> {
        let at = if let What::Call(call) = &event.what { call.answered_at } else { event.time };
        let (terms, plan) = self.agreement(at, catalog)?;
        let prices =
            PriceList { own: &terms.prices, card: catalog.prices(&plan.card, at).ok_or("unknown_plan")? };
        let increment: Option<Increment> = terms.increment.or(plan.increment);
        let parts = match &event.what {
            What::Action(action, quantity) => rating::action(&prices, action, *quantity)?,
            What::Call(call) => rating::call(&prices, increment, call)?,
            What::Void(..) => Vec::new(),
        };
        let mut amounts = BTreeMap::new();
        for (credit_type, amount) in parts {
            *amounts.entry(credit_type).or_default() += amount;
        }
        Ok(amounts)
    }

    fn charge(&mut self, amounts: &BTreeMap<String, Micros>, catalog: &Catalog) -> Result<Vec<Draw>, Reason> {
        let charged = |credit_type| self.grants.sums.get(credit_type).map_or(0, |sums| sums.charged);
        if amounts.iter().any(|(credit_type, amount)| charged(credit_type) + amount > LARGEST_TOTAL) {
            return Err("amount_too_large");
        }
        let (_, plan) = self.agreement(self.now, catalog)?;
        let short =
            |(credit_type, amount): (&String, &Micros)| *amount > self.grants.usable(credit_type, self.now);
        if plan.reject && amounts.iter().any(short) {
            return Err("insufficient_credits");
        }
        let now = self.now;
        Ok(amounts.iter().map(|(credit_type, amount)| self.grants.draw(credit_type, *amount, now)).collect())
    }

    fn void(
        &mut self,
        target: &(String, String),
        time: Option<Instant>,
        position: Position,
    ) -> Result<Outcome, Reason> {
        if time.is_some_and(|time| out_of_range(time, self.now)) {
            return Err("time_out_of_range");
        }
        match self.fates.get(target) {
            Some(Fate::Voided) => return Ok(Outcome::Duplicate),
            // Nobody knows where to look for an event that never came, unless its time is given.
            Some(Fate::Swallowed) | None if time.is_none() => return Err("unknown_event"),
            Some(Fate::Swallowed) => return Ok(Outcome::Duplicate),
            None => {
                self.fates.insert(target.clone(), Fate::Swallowed);
            }
            Some(Fate::Charged(_)) => {
                if let Some(Fate::Charged(draws)) = self.fates.insert(target.clone(), Fate::Voided) {
                    draws.iter().rev().for_each(|draw| self.grants.undo(draw, self.now));
                }
            }
        }
        self.look(position);
        Ok(Outcome::Voided)
    }

    /// Its numbers as they stand.
    pub fn report(&self) -> OrgReport {
        let gauges = self.grants.gauges(self.now);
        let mut credits: BTreeMap<String, Balance> = BTreeMap::new();
        for grant in &self.grants.list {
            let balance = credits.entry(grant.order.credit_type.clone()).or_default();
            balance.granted += grant.order.amount;
            balance.remaining += grant.remaining;
            balance.consumed += grant.consumed;
            balance.expired += grant.expired;
        }
        for (credit_type, sums) in &self.grants.sums {
            let balance = credits.entry(credit_type.clone()).or_default();
            balance.charged = sums.charged;
            balance.overage = sums.overage;
            balance.covered = sums.covered;
            balance.outstanding = sums.outstanding();
        }
        for (credit_type, balance) in &mut credits {
            balance.available = gauges.get(credit_type).map_or(-balance.outstanding, |gauge| gauge.level);
        }
        let grants = self.grants.list.iter().map(|grant| {
            let row = GrantReport {
                credit_type: grant.order.credit_type.clone(),
                amount: grant.order.amount,
                remaining: grant.remaining,
            };
            (grant.id.clone(), row)
        });
        OrgReport { credits, grants: grants.collect(), tally: self.tally, alerts: self.watch.alerts.clone() }
    }
}
