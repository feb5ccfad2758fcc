//! The grants of one organization: what is drawn from them, in which order, and what is given back.

mod looking;

use std::collections::{BTreeMap, BTreeSet};

use super::calendar::Zone;
use super::commands::{Adjustment, Order};
use super::grant::{Grant, goodwill, same};
use super::rating::Line;
use super::report::{Moved, Movement, Phase};
use super::scope::Spender;
use super::{Instant, LARGEST_TOTAL, Micros, Position, Reason};

/// How long the name of something that is over is known.
const MEMORY: Instant = 400 * 86_400_000_000;

/// Sums of one credit type over all charges that were not voided.
#[derive(Debug, Default)]
pub struct Sums {
    /// All that was charged.
    pub charged: Micros,
    /// Of it, what no grant could pay at the time.
    pub overage: Micros,
    /// Of the overage, what grants covered later.
    pub covered: Micros,
    /// Of the overage, what a reset forgave.
    pub dropped: Micros,
}

impl Sums {
    /// The overage that is still owed.
    pub fn outstanding(&self) -> Micros {
        self.overage - self.covered - self.dropped
    }
}

/// What one line of a charge took.
#[derive(Debug)]
pub struct Draw {
    /// The kind of credit.
    pub credit_type: String,
    from: Vec<(usize, Micros)>,
    overage: Micros,
}

impl Draw {
    /// All of it.
    pub fn amount(&self) -> Micros {
        self.overage + self.from.iter().map(|(_, taken)| taken).sum::<Micros>()
    }
}

/// All grants of an organization, in the order of their creation, and the sums of its charges.
#[derive(Debug, Default)]
pub struct Grants {
    /// The grants.
    pub list: Vec<Grant>,
    /// The sums by credit type.
    pub sums: BTreeMap<String, Sums>,
    /// What moved beside charges and voids of events.
    pub movements: Vec<Movement>,
    /// Those that have not ended, so that the others need not be looked at.
    living: Vec<usize>,
    /// The credit types that ever got a grant.
    types: BTreeSet<String>,
    /// The adjustments that were made: type and amount.
    adjusted: BTreeMap<String, (Instant, (String, Micros))>,
    /// What the usable grants amounted to when last added up, by credit type.
    totals: BTreeMap<String, Micros>,
    /// Credit types in which a grant started, ended or was refilled since.
    stale: BTreeSet<String>,
}

// What is told from outside.
impl Grants {
    /// Takes a grant into the books. One that is known already changes nothing if it is the same.
    pub fn add(&mut self, order: Order, created: Position, now: Instant) -> Result<(), Reason> {
        let id = order.id.clone().unwrap_or_else(|| format!("g{}.{}", created.0, created.1));
        if let Some(known) = self.named(&id, now).map(|index| &self.list[index]) {
            return if same(&order, &known.order) { Ok(()) } else { Err("conflict") };
        }
        let effective = order.effective.unwrap_or(now);
        if order.expires.is_some_and(|expires| expires <= effective || expires <= now) {
            return Err("invalid_field");
        }
        if self.granted(&order.credit_type) + order.amount > LARGEST_TOTAL {
            return Err("amount_too_large");
        }
        let amount = order.amount;
        let index = self.open(Grant::new(id, order, effective), now);
        self.list[index].amount = amount;
        self.give(index, amount, now);
        self.settle(now);
        Ok(())
    }

    /// Takes back what is left of a grant.
    pub fn void(&mut self, id: &str, cycles: u64, now: Instant) -> Result<(), Reason> {
        let Some(index) = self.named(id, now) else {
            let of_earlier = cycle_in(id).is_some_and(|number| (1..cycles).contains(&number));
            return if of_earlier { Ok(()) } else { Err("unknown_grant") };
        };
        if self.list[index].phase != Phase::Ended {
            self.end(index, Moved::Voided, now);
        }
        self.settle(now);
        Ok(())
    }

    /// Moves credits by hand.
    pub fn adjust(&mut self, change: &Adjustment, position: Position, now: Instant) -> Result<(), Reason> {
        let id = change.id.clone().unwrap_or_else(|| format!("a{}.{}", position.0, position.1));
        let content = (change.credit_type.clone(), change.amount);
        if let Some((_, known)) = self.adjusted.get(&id).filter(|(at, _)| *at >= now - MEMORY) {
            return if *known == content { Ok(()) } else { Err("conflict") };
        }
        if self.named(&id, now).is_some() {
            return Err("conflict");
        }
        if change.amount > 0 {
            self.add(goodwill(&id, change), position, now)?;
        } else {
            if self.usable(&change.credit_type) < -change.amount {
                return Err("insufficient_credits");
            }
            let mut left = -change.amount;
            for index in self.burn_order(&change.credit_type) {
                let taken = left.min(self.list[index].remaining);
                self.lose(index, taken, Moved::Voided, now);
                left -= taken;
            }
        }
        self.adjusted.insert(id, (now, content));
        Ok(())
    }

    /// Draws the lines of a charge, one after the other; what no grant can pay is overage.
    pub fn charge(&mut self, lines: &[Line], spender: &Spender) -> Vec<Draw> {
        lines.iter().map(|line| self.draw(line, spender)).collect()
    }

    fn draw(&mut self, line: &Line, spender: &Spender) -> Draw {
        let mut left = line.amount;
        let mut from = Vec::new();
        for index in self.burn_order(&line.credit_type) {
            if self.list[index].pays(&line.action, spender) {
                let taken = self.list[index].take(left);
                left -= taken;
                from.push((index, taken));
            }
        }
        let sums = self.sums.entry(line.credit_type.clone()).or_default();
        sums.charged += line.amount;
        sums.overage += left;
        Draw { credit_type: line.credit_type.clone(), from, overage: left }
    }

    /// Whether usable grants pay all these lines, drawn one after the other.
    pub fn covers(&self, lines: &[Line], spender: &Spender) -> bool {
        let mut holds: Vec<Micros> = self.list.iter().map(|grant| grant.remaining).collect();
        lines.iter().all(|line| {
            let mut left = line.amount;
            for index in self.burn_order(&line.credit_type) {
                if self.list[index].pays(&line.action, spender) {
                    let taken = left.min(holds[index]);
                    holds[index] -= taken;
                    left -= taken;
                }
            }
            left == 0
        })
    }

    /// Undoes a charge: the overage first, then the parts, the last first.
    pub fn undo(&mut self, draws: &[Draw], now: Instant) {
        for draw in draws.iter().rev() {
            let drawn: Micros = draw.from.iter().map(|(_, taken)| taken).sum();
            let sums = self.sums.entry(draw.credit_type.clone()).or_default();
            let forgiven = draw.overage.min(sums.outstanding());
            let dropped = (draw.overage - forgiven).min(sums.dropped);
            let mut covered = draw.overage - forgiven - dropped;
            sums.charged -= drawn + draw.overage;
            sums.overage -= draw.overage;
            sums.dropped -= dropped;
            sums.covered -= covered;
            let of_type = self.list.iter_mut().filter(|grant| grant.order.credit_type == draw.credit_type);
            for grant in of_type.rev() {
                let back = covered.min(grant.covered);
                grant.covered -= back;
                covered -= back;
                grant.give_back(back);
            }
        }
        for (index, taken) in draws.iter().rev().flat_map(|draw| draw.from.iter().rev()) {
            self.list[*index].give_back(*taken);
        }
        self.settle(now);
    }
}

// What time brings, in the order in which it does so at one instant. A reset comes after the ends: see `cycles`.
impl Grants {
    /// The next instant after `after`, not after `until`, at which a grant ends, starts or is full again.
    pub fn next_change(&self, after: Instant, until: Instant, zone: &Zone) -> Option<Instant> {
        let alive = || self.living.iter().map(|index| &self.list[*index]);
        let ends = alive().filter_map(|grant| grant.ends);
        let starts = alive().map(|grant| grant.effective);
        let refills = alive().filter_map(|grant| grant.next_refill(after, zone));
        ends.chain(starts).chain(refills).filter(|instant| after < *instant && *instant <= until).min()
    }

    /// Ends the grants whose time it is. Those of the running cycle end with it, at its reset.
    pub fn end_due(&mut self, running: Option<u64>, now: Instant) {
        let due = |grant: &Grant| {
            let held = grant.cycle.is_some() && grant.cycle == running;
            grant.ends.is_some_and(|ends| ends <= now) && !held
        };
        for index in self.in_order(due) {
            self.end(index, Moved::Expired, now);
        }
    }

    /// Fills the recurring grants whose instant it is.
    pub fn refill_due(&mut self, zone: &Zone, now: Instant) {
        for index in self.in_order(|grant| grant.next_refill(now - 1, zone) == Some(now)) {
            let amount = self.list[index].amount;
            self.bring(index, amount, now);
            self.recount(index);
        }
    }

    /// Starts the grants whose time it is.
    pub fn start_due(&mut self, now: Instant) {
        for index in self.in_order(|grant| grant.phase == Phase::Waiting && grant.effective <= now) {
            self.list[index].phase = Phase::Usable;
            self.recount(index);
        }
    }

    /// Covers what is owed, and adds up the totals of the credit types in which something started, ended or was filled.
    pub fn settle(&mut self, now: Instant) {
        let types: Vec<String> = self.sums.keys().cloned().collect();
        for credit_type in types {
            for index in self.burn_order(&credit_type) {
                let Some(sums) = self.sums.get_mut(&credit_type) else { continue };
                let grant = &mut self.list[index];
                if grant.order.scope.is_none() {
                    let taken = grant.take(sums.outstanding());
                    grant.covered += taken;
                    sums.covered += taken;
                    self.moved(index, Moved::Covered, taken, now);
                }
            }
        }
        for credit_type in std::mem::take(&mut self.stale) {
            let counts = self.burn_order(&credit_type).into_iter().map(|index| &self.list[index]);
            let total = counts.filter(|grant| grant.remaining > 0).map(|grant| grant.amount).sum();
            self.totals.insert(credit_type, total);
        }
    }
}

// The single steps, each with its line in the history.
impl Grants {
    /// Takes an empty grant in; it is usable if its time has come.
    pub fn open(&mut self, mut grant: Grant, now: Instant) -> usize {
        if grant.effective <= now {
            grant.phase = Phase::Usable;
            self.stale.insert(grant.order.credit_type.clone());
        }
        self.types.insert(grant.order.credit_type.clone());
        self.list.push(grant);
        self.living.push(self.list.len() - 1);
        self.list.len() - 1
    }

    /// Grants so much through a grant, or what still fits under the largest total; answers how much.
    pub fn give(&mut self, index: usize, amount: Micros, now: Instant) -> Micros {
        let fits = LARGEST_TOTAL - self.granted(&self.list[index].order.credit_type);
        let given = amount.min(fits);
        self.list[index].given += given;
        self.list[index].remaining += given;
        self.moved(index, Moved::Granted, given, now);
        given
    }

    /// So much of what a grant holds is expired or voided, or goes on into the next cycle.
    pub fn lose(&mut self, index: usize, amount: Micros, kind: Moved, now: Instant) {
        let grant = &mut self.list[index];
        grant.remaining -= amount;
        *(match kind {
            Moved::Voided => &mut grant.voided,
            Moved::RolledOut => &mut grant.rolled_out,
            _ => &mut grant.expired,
        }) += amount;
        self.moved(index, kind, amount, now);
    }

    /// Makes a grant hold so much.
    pub fn bring(&mut self, index: usize, amount: Micros, now: Instant) {
        let held = self.list[index].remaining;
        if held < amount {
            self.give(index, amount - held, now);
        } else {
            self.lose(index, held - amount, Moved::Expired, now);
        }
        if held != amount {
            self.recount(index);
        }
    }

    /// Ends a grant; what it holds is expired or voided.
    pub fn end(&mut self, index: usize, kind: Moved, now: Instant) {
        self.lose(index, self.list[index].remaining, kind, now);
        self.list[index].phase = Phase::Ended;
        self.living.retain(|alive| *alive != index);
        self.list[index].ends = Some(now);
        self.recount(index);
    }

    /// Has the total of a grant's credit type added up anew when all is settled.
    pub fn recount(&mut self, index: usize) {
        self.stale.insert(self.list[index].order.credit_type.clone());
    }

    /// Writes a movement down, unless nothing moved.
    pub fn moved(&mut self, index: usize, kind: Moved, amount: Micros, at: Instant) {
        if amount != 0 {
            let grant = &self.list[index];
            let credit_type = grant.order.credit_type.clone();
            self.movements.push(Movement { at, credit_type, kind, grant: Some(grant.id.clone()), amount });
        }
    }
}

/// The cycle that a name `plan.<n>.<credit type>` or `rollover.<n>.<credit type>` is of.
fn cycle_in(id: &str) -> Option<u64> {
    let rest = id.strip_prefix("plan.").or(id.strip_prefix("rollover."))?;
    rest.split('.').next()?.parse().ok()
}
