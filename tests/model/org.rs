//! One organization: its terms over time, what it was charged, its grants and its limits.

mod books;

use std::collections::{BTreeMap, HashMap};

use super::calendar::{Grid, Period, Zone};
use super::catalog::{Catalog, Increment, Plan};
use super::commands::{Put, Terms};
use super::cycles::Cycle;
use super::grants::{Draw, Grants};
use super::limits::{Limits, Moment, Use};
use super::rating::{Line, PriceList};
use super::read::{Event, What, out_of_range};
use super::report::Tally;
use super::watch::Watch;
use super::{Instant, LARGEST_TOTAL, Micros, Outcome, Position, Reason, rating};

/// How far back events are rated.
const OLDEST: Instant = 400 * 86_400_000_000;
/// The most changes of terms within that time.
const MOST_TERMS: usize = 64;

/// What became of an event whose identity is known.
#[derive(Debug)]
enum Fate {
    /// Charged: these draws, and this use of limits.
    Charged(Vec<Draw>, Vec<Use>),
    /// Charged, and taken back.
    Voided,
    /// Taken back before it came.
    Swallowed,
}

/// Terms that wait for the next reset.
#[derive(Debug)]
struct Waiting {
    terms: Terms,
    /// Whether an anchor was given with them, which then stays.
    anchored: bool,
}

/// One organization.
#[derive(Debug)]
pub struct Org {
    name: String,
    /// Since when, and what; the first has always been so.
    terms: Vec<(Instant, Terms)>,
    waiting: Option<Waiting>,
    zone: Zone,
    anchor: Option<Instant>,
    cycle: Option<Cycle>,
    /// How many cycles it has been in.
    pub cycles: u64,
    now: Instant,
    fates: HashMap<(String, String), Fate>,
    /// Its grants.
    pub grants: Grants,
    /// Its limits.
    pub limits: Limits,
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
            waiting: None,
            zone: Zone::utc(),
            anchor: None,
            cycle: None,
            cycles: 0,
            now,
            fates: HashMap::new(),
            grants: Grants::default(),
            limits: Limits::default(),
            watch: Watch::default(),
            tally: Tally::default(),
        }
    }

    /// Lets log time pass: all that time brings, at its own instant.
    pub fn advance(&mut self, to: Instant, catalog: &Catalog) {
        self.follow(catalog);
        while let Some(instant) = self.next_change(to, catalog) {
            self.turn(instant, catalog);
        }
        self.now = to;
        self.limits.pass(moment(self.now, &self.zone, self.cycle.as_ref()));
    }

    fn next_change(&self, to: Instant, catalog: &Catalog) -> Option<Instant> {
        let (_, terms) = self.terms.last()?;
        let plan = catalog.next_change(&terms.plan, self.now, to);
        let grants = self.grants.next_change(self.now, to, &self.zone);
        let reset = self.cycle.as_ref().map(|cycle| cycle.end).filter(|end| *end <= to);
        plan.into_iter().chain(grants).chain(reset).min()
    }

    /// What happens at one instant, in the order of `docs/EVENTS.md`.
    fn turn(&mut self, instant: Instant, catalog: &Catalog) {
        self.now = instant;
        let ending = self.cycle.take_if(|cycle| cycle.end == instant);
        let waiting = self.waiting.take_if(|_| ending.is_some());
        let anchored = waiting.as_ref().is_some_and(|waiting| waiting.anchored);
        if let Some(waiting) = waiting {
            self.terms.push((instant, waiting.terms));
        }
        // The rules of this instant find the level before what happens to the grants.
        self.follow(catalog);
        let running = ending.as_ref().or(self.cycle.as_ref()).map(|cycle| cycle.number);
        self.grants.end_due(running, instant);
        if let Some(ending) = ending {
            self.next_cycle(&ending, anchored, catalog);
        }
        self.grants.refill_due(&self.zone, instant);
        self.grants.start_due(instant);
        self.settle(None, catalog);
    }

    /// After a change: what is owed is covered, and the rules look at what came of it.
    fn settle(&mut self, position: Option<Position>, catalog: &Catalog) {
        self.grants.settle(self.now);
        // A credit type that is new with this change is watched from the level it has now.
        self.follow(catalog);
        self.look(position);
    }

    /// Takes over the rules in force now, which look at the level as it is, and the limits.
    fn follow(&mut self, catalog: &Catalog) {
        let Some((_, terms)) = self.terms.last() else { return };
        let Some(plan) = catalog.plan(&terms.plan, self.now) else { return };
        self.watch.follow(terms.alerts.as_ref().unwrap_or(&plan.alerts), &self.grants.gauges());
        self.limits.follow(&plan.limits, moment(self.now, &self.zone, self.cycle.as_ref()));
    }

    fn look(&mut self, position: Option<Position>) {
        self.watch.look(&self.name, &self.grants.gauges(), self.now, position);
    }

    /// The begin of the next cycle at the end of one, by the plan now in force.
    fn next_cycle(&mut self, ending: &Cycle, anchored: bool, catalog: &Catalog) {
        let plan = self.agreement(self.now, catalog).map(|(_, plan)| plan.clone()).ok();
        let next = plan.and_then(|plan| {
            let period = plan.cycle?;
            // Another length starts a count of its own, from here.
            if ending.plan.cycle != Some(period) && !anchored {
                self.anchor = Some(self.now);
            }
            let end = self.grid(period).next(self.now);
            self.cycles += 1;
            Some(Cycle { number: self.cycles, start: self.now, end, plan })
        });
        self.grants.reset(ending, next.as_ref(), false, self.now);
        self.cycle = next;
    }

    fn grid(&self, period: Period) -> Grid {
        Grid { zone: self.zone.clone(), anchor: self.anchor.unwrap_or(self.now), period }
    }

    /// Takes new terms, in force from now on or from the next reset. Those that no event can be rated by any more do
    /// not count as changes.
    pub fn put(&mut self, put: Put, position: Position, catalog: &Catalog) -> Result<(), Reason> {
        if put.waits && self.cycle.is_none() {
            return Err("invalid_field");
        }
        let in_force = self.terms.last().map(|(_, terms)| terms);
        let known = in_force == Some(&put.terms);
        let other_plan = in_force.is_some_and(|terms| terms.plan != put.terms.plan);
        let past = self.terms.iter().skip(1).filter(|(from, _)| *from < self.now - OLDEST).count();
        if !known && self.terms.len() - past >= MOST_TERMS {
            return Err("too_many");
        }
        if let Some(zone) = put.zone {
            self.zone = zone;
            self.limits.move_ends(moment(self.now, &self.zone, self.cycle.as_ref()));
        }
        self.anchor = put.anchor.or(self.anchor);
        self.waiting = None;
        if put.waits {
            self.waiting = (!known).then_some(Waiting { terms: put.terms, anchored: put.anchor.is_some() });
            self.move_end();
        } else {
            let from = if self.terms.is_empty() { Instant::MIN } else { self.now };
            if !known {
                self.terms.push((from, put.terms));
            }
            self.follow(catalog);
            self.change_cycle(other_plan, put.anchor.is_some(), put.prorate, catalog);
        }
        self.settle(Some(position), catalog);
        Ok(())
    }

    /// The cycle after a put that counts at once.
    fn change_cycle(&mut self, other_plan: bool, anchored: bool, prorate: bool, catalog: &Catalog) {
        let Ok(plan) = self.agreement(self.now, catalog).map(|(_, plan)| plan.clone()) else { return };
        match (self.cycle.take(), plan.cycle) {
            (None, Some(period)) => {
                self.anchor = self.anchor.or(Some(self.now));
                let cycle = self.enter(period, plan);
                self.grants.allot(&cycle, prorate, self.now);
                self.cycle = Some(cycle);
            }
            (Some(running), _) if !other_plan => {
                self.cycle = Some(running);
                self.move_end();
            }
            (Some(running), cycle) if cycle == running.plan.cycle => {
                let old = running.plan.clone();
                self.cycle = Some(Cycle { plan, ..running });
                self.move_end();
                if let Some(cycle) = &self.cycle {
                    self.grants.change_allotments(cycle, &old, prorate, self.now);
                }
            }
            (Some(running), Some(period)) => {
                self.anchor = if anchored { self.anchor } else { Some(self.now) };
                let cycle = self.enter(period, plan);
                self.grants.reset(&running, Some(&cycle), prorate, self.now);
                self.cycle = Some(cycle);
            }
            // Its grants live on until their end.
            (_, None) => {}
        }
    }

    /// The next cycle, entered now, wherever in the calendar's period that is.
    fn enter(&mut self, period: Period, plan: Plan) -> Cycle {
        let grid = self.grid(period);
        self.cycles += 1;
        Cycle { number: self.cycles, start: grid.last(self.now), end: grid.next(self.now), plan }
    }

    /// Moves the end of the running cycle to where the calendar has it.
    fn move_end(&mut self) {
        let Some(period) = self.cycle.as_ref().and_then(|cycle| cycle.plan.cycle) else { return };
        let end = self.grid(period).next(self.now);
        if let Some(cycle) = &mut self.cycle {
            cycle.end = end;
            self.grants.move_end(cycle);
        }
    }

    /// Changes its grants or its limits by a command.
    pub fn change(
        &mut self,
        position: Position,
        catalog: &Catalog,
        how: impl FnOnce(&mut Org) -> Result<(), Reason>,
    ) -> Result<(), Reason> {
        how(self)?;
        self.settle(Some(position), catalog);
        Ok(())
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
        let lines = self.rate(event, catalog)?;
        let (draws, uses) = self.charge(&lines, event, catalog)?;
        self.fates.insert(event.identity.clone(), Fate::Charged(draws, uses));
        self.look(Some(position));
        Ok(Outcome::Charged)
    }

    /// The terms and the plan in force at an instant.
    fn agreement<'a>(&'a self, at: Instant, catalog: &'a Catalog) -> Result<(&'a Terms, &'a Plan), Reason> {
        let (_, terms) = self.terms.iter().rev().find(|(from, _)| *from <= at).ok_or("unknown_plan")?;
        let plan = catalog.plan(&terms.plan, at).ok_or("unknown_plan")?;
        Ok((terms, plan))
    }

    /// What an event costs, line by line, at the prices of its own time.
    fn rate(&self, event: &Event, catalog: &Catalog) -> Result<Vec<Line>, Reason> {
        let at = if let What::Call(call) = &event.what { call.answered_at } else { event.time };
        let (terms, plan) = self.agreement(at, catalog)?;
        if plan.unmetered {
            return Ok(Vec::new());
        }
        let prices =
            PriceList { own: &terms.prices, card: catalog.prices(&plan.card, at).ok_or("unknown_plan")? };
        let increment: Option<Increment> = terms.increment.or(plan.increment);
        match &event.what {
            What::Action(action, quantity) => rating::action(&prices, action, *quantity),
            What::Call(call) => rating::call(&prices, increment, call),
            What::Void(..) => Ok(Vec::new()),
        }
    }

    fn charge(
        &mut self,
        lines: &[Line],
        event: &Event,
        catalog: &Catalog,
    ) -> Result<(Vec<Draw>, Vec<Use>), Reason> {
        let mut sums: BTreeMap<&str, Micros> = BTreeMap::new();
        for line in lines {
            *sums.entry(&line.credit_type).or_default() += line.amount;
        }
        let charged = |credit_type| self.grants.sums.get(credit_type).map_or(0, |sums| sums.charged);
        if sums.iter().any(|(credit_type, amount)| charged(*credit_type) + amount > LARGEST_TOTAL) {
            return Err("amount_too_large");
        }
        let (_, plan) = self.agreement(self.now, catalog)?;
        let uses = self.limits.uses(event, lines);
        if plan.reject_past_limit && self.limits.is_past(&uses) {
            return Err("limit_reached");
        }
        if plan.reject && !self.grants.covers(lines, &event.spender) {
            return Err("insufficient_credits");
        }
        if !self.limits.has_room(&uses) {
            return Err("too_many");
        }
        self.limits.count(&uses, self.now);
        Ok((self.grants.charge(lines, &event.spender), uses))
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
            Some(Fate::Charged(..)) => {
                if let Some(Fate::Charged(draws, uses)) = self.fates.insert(target.clone(), Fate::Voided) {
                    self.grants.undo(&draws, self.now);
                    self.limits.take_back(&uses);
                }
            }
        }
        self.look(Some(position));
        Ok(Outcome::Voided)
    }
}

fn moment<'a>(at: Instant, zone: &'a Zone, cycle: Option<&'a Cycle>) -> Moment<'a> {
    Moment { at, zone, cycle }
}
