//! Cycles: where an organization stands in its calendar, and what happens between two periods.

use serde::{Deserialize, Serialize};

use super::Org;
use crate::ledger::alerts::watch_resets;
use crate::ledger::balance::rules_of;
use crate::ledger::calendar::{Calendar, Every, Zone};
use crate::ledger::catalog::{Catalog, OverageAtReset, Plan, PlanIndex};
use crate::ledger::effect::Effect;
use crate::ledger::entry::Overrides;
use crate::ledger::grants::Term;
use crate::ledger::movement::Note;
use crate::ledger::notice::{About, Notice};
use crate::ledger::terms::{Terms, plan_at, rules_in_force};
use crate::ledger::units::{Credits, Timestamp};

/// Where an organization stands in its calendar.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Period {
    pub(super) zone: Zone,
    /// A begin of its cycles.
    pub(super) anchor: Option<Timestamp>,
    /// How many cycles there were.
    number: u32,
    pub(super) running: Option<Cycle>,
    /// What comes into force at the next reset.
    pub(super) pending: Option<Pending>,
}

/// A billing period of an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cycle {
    /// 1 for its first one.
    pub number: u32,
    /// Its begin in the calendar.
    pub start: Timestamp,
    /// Its end, the begin of the next.
    pub end: Timestamp,
    /// How long a period is.
    pub every: Every,
    /// The plan that its allotments are of, and its version.
    pub plan: (PlanIndex, u32),
}

/// Terms that wait for the next cycle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pending {
    pub(super) plan: PlanIndex,
    pub(super) overrides: Option<Box<Overrides>>,
    /// Whether a begin of its cycles was named with them.
    pub(super) anchored: bool,
}

/// Why and when a cycle turns.
#[derive(Clone, Copy)]
pub(super) struct Turn<'a> {
    pub(super) at: Timestamp,
    /// Whether allotments count for the rest of the cycle only.
    pub(super) prorate: bool,
    /// Whether a begin of its cycles was named just now.
    pub(super) anchored: bool,
    pub(super) note: Option<&'a Note>,
}

impl Cycle {
    /// The part of an amount that falls on the rest of the cycle, rounded half up.
    fn rest(&self, amount: Credits, at: Timestamp) -> Credits {
        let span = |from: Timestamp| i128::from(self.end.micros()).saturating_sub(i128::from(from.micros()));
        let (rest, whole) = (span(at), span(self.start).max(1));
        let doubled =
            i128::from(amount.micros()).saturating_mul(rest).saturating_mul(2).saturating_add(whole);
        let part = doubled.div_euclid(whole.saturating_mul(2));
        Credits::from_micros(i64::try_from(part).unwrap_or(amount.micros()))
    }
}

impl Org {
    /// The billing period it is in.
    #[must_use]
    pub fn cycle(&self) -> Option<Cycle> {
        self.period.as_ref()?.running
    }

    /// The begin and end of the period before one that begins at an instant, as its calendar has it now.
    #[must_use]
    pub fn period_before(&self, start: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let Period { zone, anchor, running, .. } = self.period.as_deref()?;
        let every = (*running)?.every;
        let last = Timestamp::from_micros(start.micros().saturating_sub(1));
        let (begin, _) = Calendar { zone, anchor: (*anchor)?, every }.period_at(last);
        Some((begin, start))
    }

    /// The begin and end of the cycle of that number: the running one, or one before it, counted back in its calendar as it is now.
    #[must_use]
    pub fn cycle_numbered(&self, number: u32) -> Option<(Timestamp, Timestamp)> {
        let running = self.cycle()?;
        let back = running.number.checked_sub(number.max(1)).filter(|_| number > 0)?;
        let mut span = (running.start, running.end);
        for _ in 0..back {
            span = self.period_before(span.0)?;
        }
        Some(span)
    }

    /// How many cycles there were, the running one included.
    pub(super) fn cycles(&self) -> u32 {
        self.period.as_ref().map_or(0, |period| period.number)
    }

    /// The zone of its calendar.
    #[must_use]
    pub fn zone(&self) -> Zone {
        self.period.as_ref().map_or_else(Zone::default, |period| period.zone.clone())
    }

    /// What waited for the reset comes into force, before anything happens to the credits: new rules look at the level they
    /// find. Answers whether a begin of its cycles was named with it.
    pub(super) fn take_pending(&mut self, at: Timestamp, catalog: &Catalog) -> bool {
        let Some(pending) = self.period.as_mut().and_then(|period| period.pending.take()) else {
            return false;
        };
        let Pending { plan, overrides, anchored } = pending;
        self.turn_to(Terms { from: at, plan, overrides }, at, catalog);
        anchored
    }

    /// Ends the running cycle, if there is one, and begins that of the plan in force, if it has one.
    pub(super) fn turn_cycle(&mut self, turn: Turn<'_>, catalog: &Catalog, out: &mut Vec<Effect>) {
        self.follow_limits(turn.at, catalog);
        let Some((index, version, plan)) = plan_at(&self.terms, turn.at, catalog) else { return };
        if self.period.is_none() && plan.cycle.is_none() {
            return;
        }
        let period = self.period.get_or_insert_default();
        let ended = period.running.take();
        let begun = plan.cycle.map(|every| {
            // Another length is counted from here, unless a begin was given with it.
            if ended.is_some_and(|cycle| cycle.every != every) && !turn.anchored {
                period.anchor = Some(turn.at);
            }
            let anchor = *period.anchor.get_or_insert(turn.at);
            let (begin, end) = Calendar { zone: &period.zone, anchor, every }.period_at(turn.at);
            let start = if ended.is_some_and(|cycle| cycle.end == turn.at) { turn.at } else { begin };
            period.number = period.number.saturating_add(1);
            Cycle { number: period.number, start, end, every, plan: (index, version) }
        });
        period.running = begun;
        self.next_reset = begun.map_or(Timestamp::MAX, |cycle| cycle.end);
        self.turn_limits(turn.at);
        if begun.is_some() {
            self.make_room_for(plan);
        }
        let old = ended.and_then(|cycle| Some((cycle.number, plan_of(&cycle, catalog)?)));
        self.each_balance(turn, catalog, out, |pool, position, booking| {
            let term = begun.map(|cycle| Term { number: cycle.number, end: cycle.end, position });
            if let Some((number, old)) = old {
                pool.roll_over(number, old.allotment(pool.credit_type), term, booking);
                pool.roll_grants(booking);
                if old.overage_at_reset == OverageAtReset::Drop {
                    pool.drop_overage(booking);
                }
            }
            if let (Some(term), Some(cycle), Some(allotment)) =
                (term, begun, plan.allotment(pool.credit_type))
            {
                let whole = allotment.amount;
                let amount = if turn.prorate { cycle.rest(whole, turn.at) } else { whole };
                pool.allot(amount, allotment.priority, term, booking);
            }
        });
        if let (Some(_), Some(cycle)) = (ended, begun) {
            self.tell_of_reset(cycle, turn.at, catalog, out);
        }
    }

    fn tell_of_reset(&self, cycle: Cycle, at: Timestamp, catalog: &Catalog, out: &mut Vec<Effect>) {
        if watch_resets(rules_of(rules_in_force(&self.terms, at, catalog))) {
            let notice = Notice { about: About::CycleReset(cycle), at, position: self.position };
            out.push(Effect::Notice(Box::new(notice)));
        }
    }

    /// Changes the allotments of the running cycle to those of the plan now in force.
    pub(super) fn swap_allotments(&mut self, turn: Turn<'_>, catalog: &Catalog, out: &mut Vec<Effect>) {
        let Some((index, version, plan)) = plan_at(&self.terms, turn.at, catalog) else { return };
        let Some(cycle) = self.period.as_mut().and_then(|period| period.running.as_mut()) else { return };
        let Some(old) = plan_of(cycle, catalog) else { return };
        cycle.plan = (index, version);
        let cycle = *cycle;
        self.make_room_for(plan);
        self.each_balance(turn, catalog, out, |pool, position, booking| {
            let amount = |plan: &Plan| {
                plan.allotment(pool.credit_type).map_or(Credits::ZERO, |allotment| allotment.amount)
            };
            let by = amount(plan).minus(amount(old));
            let by = if turn.prorate { cycle.rest(by, turn.at) } else { by };
            let priority = plan.allotment(pool.credit_type).map_or(0, |allotment| allotment.priority);
            let term = Term { number: cycle.number, end: cycle.end, position };
            pool.change_allotment(by, priority, term, booking);
        });
    }

    /// Every kind of credits that a plan allots has a balance.
    fn make_room_for(&mut self, plan: &Plan) {
        for allotment in &plan.allotments {
            self.balance_place(allotment.credit_type);
        }
    }

    /// Lets the running cycle be the last.
    pub(super) fn leave_cycle(&mut self) {
        if let Some(period) = self.period.as_deref_mut() {
            period.running = None;
            self.next_reset = Timestamp::MAX;
            self.turn_limits(self.at);
        }
    }

    /// Takes over another zone or anchor.
    pub(super) fn place(&mut self, zone: Option<&Zone>, anchor: Option<Timestamp>) {
        if zone.is_some() || anchor.is_some() {
            let period = self.period.get_or_insert_default();
            period.zone = zone.unwrap_or(&period.zone).clone();
            period.anchor = anchor.or(period.anchor);
            let (at, zone) = (self.at, &period.zone);
            self.balances.iter_mut().for_each(|balance| balance.pool.follow_zone(at, zone));
            self.move_limits();
        }
    }

    /// Moves the end of the running cycle to the first begin of the calendar after now.
    pub(super) fn move_end(&mut self) {
        let at = self.at;
        let Some(period) = self.period.as_deref_mut() else { return };
        if let (Some(cycle), Some(anchor)) = (period.running.as_mut(), period.anchor) {
            cycle.end = Calendar { zone: &period.zone, anchor, every: cycle.every }.next_after(at);
            self.next_reset = cycle.end;
            let Cycle { number, end, .. } = *cycle;
            self.balances.iter_mut().for_each(|balance| balance.pool.move_end(number, end));
            self.move_limits();
        }
    }
}

/// The plan that a cycle's allotments are of.
pub(super) fn plan_of<'c>(cycle: &Cycle, catalog: &'c Catalog) -> Option<&'c Plan> {
    let (index, version) = cycle.plan;
    catalog.plan(index)?.version(version)
}
