//! One organization: its terms over time, what it was charged, and its grants.

use std::collections::{BTreeMap, HashMap};

use super::catalog::{Catalog, Increment, Plan};
use super::commands::{Order, Terms};
use super::grants::{Draw, Grants};
use super::rating::PriceList;
use super::read::{Event, What, out_of_range};
use super::report::{Balance, GrantReport, OrgReport, Tally};
use super::watch::Watch;
use super::{Instant, LARGEST, Micros, Outcome, Position, Reason, rating};

/// What became of an event whose identity is known.
#[derive(Debug)]
enum Fate {
    /// Charged: these draws.
    Charged(Vec<Draw>),
    /// Charged, and taken back.
    Voided,
    /// Taken back before it came.
    Swallowed,
    /// It was a void itself.
    Void,
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
    /// the grants come first and the plan's new rules after.
    pub fn advance(&mut self, to: Instant, catalog: &Catalog) {
        self.follow(catalog);
        while let Some(instant) = self.next_change(to, catalog) {
            self.now = instant;
            self.grants.turn(instant);
            self.watch.look(&self.name, &self.grants.gauges(instant), instant, None);
            self.follow(catalog);
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
        let Some((_, terms)) = self.terms.last() else { return };
        let planned = catalog.plan(&terms.plan, self.now).map(|plan| &plan.alerts);
        if let Some(rules) = terms.alerts.as_ref().or(planned) {
            self.watch.follow(rules, &self.grants.gauges(self.now));
        }
    }

    /// Takes new terms, in force from now on.
    pub fn put(&mut self, terms: Terms, catalog: &Catalog) {
        let from = if self.terms.is_empty() { Instant::MIN } else { self.now };
        self.terms.push((from, terms));
        self.follow(catalog);
    }

    /// Takes a grant.
    pub fn grant(&mut self, order: Order, position: Position, catalog: &Catalog) -> Result<(), Reason> {
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
        let target_time = if let What::Void(_, time) = event.what { time } else { None };
        if [event.time, target_time.unwrap_or(event.time)].iter().any(|time| out_of_range(*time, self.now)) {
            return Err("time_out_of_range");
        }
        if self.fates.contains_key(&event.identity) {
            return Ok(Outcome::Duplicate);
        }
        if let What::Void(target, time) = &event.what {
            return self.void(event, target, time.is_some(), position);
        }
        let amounts = self.rate(event, catalog)?;
        let draws = self.charge(&amounts, catalog)?;
        self.fates.insert(event.identity.clone(), Fate::Charged(draws));
        self.look(position);
        Ok(Outcome::Charged)
    }

    /// The terms and the plan in force at an instant.
    fn agreement<'a>(&'a self, at: Instant, catalog: &'a Catalog) -> Result<(&'a Terms, &'a Plan), Reason> {
        let (_, terms) = self.terms.iter().rev().find(|(from, _)| *from <= at).ok_or("no_plan")?;
        let plan = catalog.plan(&terms.plan, at).ok_or("no_plan")?;
        Ok((terms, plan))
    }

    /// What an event costs by credit type, at the prices of its own time.
    fn rate(&self, event: &Event, catalog: &Catalog) -> Result<BTreeMap<String, Micros>, Reason> {
        let at = if let What::Call(call) = &event.what { call.answered_at } else { event.time };
        let (terms, plan) = self.agreement(at, catalog)?;
        let prices = PriceList { own: &terms.prices, card: catalog.prices(&plan.card, at).ok_or("no_plan")? };
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
        if amounts.iter().any(|(credit_type, amount)| charged(credit_type) + amount > LARGEST) {
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
        event: &Event,
        target: &(String, String),
        may_come: bool,
        position: Position,
    ) -> Result<Outcome, Reason> {
        match self.fates.get(target) {
            Some(Fate::Voided | Fate::Swallowed) => return Ok(Outcome::Duplicate),
            Some(Fate::Void) => return Err("unknown_event"),
            None if !may_come => return Err("unknown_event"),
            None => {
                self.fates.insert(target.clone(), Fate::Swallowed);
            }
            Some(Fate::Charged(_)) => {
                if let Some(Fate::Charged(draws)) = self.fates.insert(target.clone(), Fate::Voided) {
                    draws.iter().rev().for_each(|draw| self.grants.undo(draw, self.now));
                }
            }
        }
        self.fates.insert(event.identity.clone(), Fate::Void);
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
                expired: grant.expired,
            };
            (grant.id.clone(), row)
        });
        OrgReport { credits, grants: grants.collect(), tally: self.tally, alerts: self.watch.alerts.clone() }
    }
}
