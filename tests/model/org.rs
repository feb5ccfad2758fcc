//! One organization: its terms over time, what it was charged, its grants and its limits.

mod books;
mod calls;
mod orphans;
mod terms;
mod time;

use std::collections::{BTreeMap, HashMap};

use super::burn::Burn;
use super::calendar::Zone;
use super::calls::Calls;
use super::catalog::{Catalog, Increment, Plan};
use super::commands::{Order, Terms};
use super::cycles::Cycle;
use super::grants::{Draw, Grants};
use super::limits::{Limits, Moment, Use};
use super::names::Names;
use super::notices::Notices;
use super::rating::{Line, PriceList};
use super::read::{Event, What, out_of_range};
use super::recharge::{self, Recharges};
use super::report::Tally;
use super::watch::Watch;
use super::{Instant, LARGEST_TOTAL, Micros, Outcome, Position, Reason, rating};

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
    /// Until when increments of live calls were looked at: of what happens at one instant they come last.
    counted: Instant,
    fates: HashMap<(String, String), Fate>,
    /// Its grants.
    pub grants: Grants,
    /// Its limits.
    pub limits: Limits,
    calls: Calls,
    /// What is to be bought by itself.
    pub recharges: Recharges,
    /// Who and what there is.
    pub names: Names,
    burns: BTreeMap<String, Burn>,
    watch: Watch,
    notices: Notices,
    /// How many grants the rules have seen.
    seen: usize,
    /// The cycle that a reset has begun and that nobody was told of yet.
    begun: Option<u64>,
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
            counted: now,
            fates: HashMap::new(),
            grants: Grants::default(),
            limits: Limits::default(),
            calls: Calls::default(),
            recharges: Recharges::default(),
            names: Names::default(),
            burns: BTreeMap::new(),
            watch: Watch::default(),
            notices: Notices::default(),
            seen: 0,
            begun: None,
            tally: Tally::default(),
        }
    }

    /// Changes its grants, its limits, its recharges or its names by a command.
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

    /// Takes a grant into the books; one with the name of a request answers it.
    pub fn give(&mut self, order: Order, position: Position) -> Result<(), Reason> {
        let id = order.id.clone().filter(|id| id.starts_with("recharge."));
        let unknown = |id: &String| self.grants.named(id, self.now).is_none();
        // One that is known already is what any grant is.
        let Some(id) = id.filter(unknown) else { return self.grants.add(order, position, self.now) };
        let request = self.recharges.request(&id)?;
        if request.0 != order.credit_type {
            return Err("invalid_field");
        }
        let amount = order.amount;
        self.grants.add(order, position, self.now)?;
        let told = self.recharges.granted(request, amount, self.now);
        self.tell(told);
        Ok(())
    }

    /// States what is to be bought by itself.
    pub fn recharge(&mut self, credit_type: String, order: recharge::Order) -> Result<(), Reason> {
        self.recharges.put(credit_type, order, moment(self.now, &self.zone, self.cycle.as_ref()))
    }

    /// A request was not answered with credits.
    pub fn not_paid(&mut self, id: &str) -> Result<(), Reason> {
        let told = self.recharges.failed(self.recharges.request(id)?, self.now)?;
        self.tell(told);
        Ok(())
    }

    /// Takes an event, and has the rules look at what came of it, once.
    pub fn event(&mut self, event: &Event, position: Position, catalog: &Catalog) -> Result<Outcome, Reason> {
        let outcome = self.judge(event, catalog)?;
        self.look(Some(position));
        Ok(outcome)
    }

    /// Judges an event, in the order of the checks of `docs/EVENTS.md`.
    fn judge(&mut self, event: &Event, catalog: &Catalog) -> Result<Outcome, Reason> {
        if out_of_range(event.time, self.now) {
            return Err("time_out_of_range");
        }
        // What is told of a call before its end has no id by which it is known.
        if let What::Live(told, step) = &event.what {
            return self.note(event, (told, step), catalog);
        }
        if let What::Restarted = event.what {
            return Ok(self.restarted(event, catalog));
        }
        if let Some(outcome) = self.known(event) {
            return Ok(outcome);
        }
        match &event.what {
            What::Void(target, time) => self.void(target, *time),
            What::End(told, end) => self.end(event, (told, end), catalog),
            _ => self.take(event, false, catalog),
        }
    }

    /// Charges an action, or a call whose end is whole. The end of a call that was live is never refused for want of credits or
    /// by a limit.
    fn take(&mut self, event: &Event, was_live: bool, catalog: &Catalog) -> Result<Outcome, Reason> {
        let (draws, uses) = self.bill(event, was_live, catalog)?;
        self.fates.insert(event.identity.clone(), Fate::Charged(draws, uses));
        Ok(Outcome::Charged)
    }

    /// Charges something, at an entry or at the instant of a call that is closed; answers what it took.
    fn bill(
        &mut self,
        event: &Event,
        was_live: bool,
        catalog: &Catalog,
    ) -> Result<(Vec<Draw>, Vec<Use>), Reason> {
        let lines = self.rate(event, catalog)?;
        let (draws, uses) = self.charge(&lines, event, was_live, catalog)?;
        self.names.hear(&event.spender);
        self.look_at_burn(&costs(&draws));
        Ok((draws, uses))
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
            What::Void(..) | What::Live(..) | What::End(..) | What::Restarted => Ok(Vec::new()),
        }
    }

    fn charge(
        &mut self,
        lines: &[Line],
        event: &Event,
        was_live: bool,
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
        if plan.reject_past_limit && !was_live && self.limits.is_past(&uses) {
            return Err("limit_reached");
        }
        if plan.reject && !was_live && !self.grants.covers(lines, &event.spender) {
            return Err("insufficient_credits");
        }
        if !self.limits.has_room(&uses) {
            return Err("too_many");
        }
        self.limits.count(&uses, self.now);
        Ok((self.grants.charge(lines, &event.spender), uses))
    }

    fn void(&mut self, target: &(String, String), time: Option<Instant>) -> Result<Outcome, Reason> {
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
                    self.undo(&draws, &uses);
                    self.calls.void(target);
                }
            }
        }
        Ok(Outcome::Voided)
    }

    /// Gives back what a charge took.
    fn undo(&mut self, draws: &[Draw], uses: &[Use]) {
        self.grants.undo(draws, self.now);
        for (credit_type, amount) in costs(draws) {
            self.burns.entry(credit_type).or_default().void(amount, self.now);
        }
        self.limits.take_back(uses);
    }
}

/// What a charge costs, by credit type; nothing of what costs nothing.
fn costs(draws: &[Draw]) -> BTreeMap<String, Micros> {
    let mut costs = BTreeMap::new();
    for draw in draws.iter().filter(|draw| draw.amount() > 0) {
        *costs.entry(draw.credit_type.clone()).or_default() += draw.amount();
    }
    costs
}

fn moment<'a>(at: Instant, zone: &'a Zone, cycle: Option<&'a Cycle>) -> Moment<'a> {
    Moment { at, zone, cycle }
}
