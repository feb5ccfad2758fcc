//! The agenda: which report is due next, and what about.
//!
//! What is due is reckoned from an organization as it stands and an instant that is handed in; nobody here looks at a clock. After a
//! time in which nothing could be sent, a report is due once, about its last period, and the times that were missed are told with it.

use std::collections::{BTreeMap, BTreeSet};

use super::Key;
use crate::ledger::org::Org;
use crate::ledger::reports::Report;
use crate::ledger::reports::schedule::{Period, Schedule};
use crate::ledger::units::Timestamp;

/// The most missed times that are told.
const MOST_MISSED: usize = 60;

/// Cycles end a day apart at least, and a report about one is due a day after its end at most: so few may be ahead.
const CYCLES_AHEAD: u32 = 3;

/// A report that fell due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FallenDue {
    /// When.
    pub at: Timestamp,
    /// What it is about.
    pub period: Period,
    /// The times since it was sent last at which it was not, newest first.
    pub missed: Vec<Timestamp>,
}

/// What of a report is due at `now` and was not sent: not before `handled`, when it was last.
#[must_use]
pub fn fallen_due(
    report: &Report,
    org: &Org,
    handled: Option<Timestamp>,
    now: Timestamp,
) -> Option<FallenDue> {
    let after = handled.map_or(report.since, |handled| handled.max(report.since));
    let mut past = times(report, org, now);
    let (at, period) = past.next().filter(|(at, _)| report.enabled && *at > after)?;
    let missed = past.map(|(at, _)| at).take_while(|at| *at > after).take(MOST_MISSED).collect();
    Some(FallenDue { at, period, missed })
}

/// The last period that a report is about at `now`, whether it was due since it was defined or not.
#[must_use]
pub fn last_period(report: &Report, org: &Org, now: Timestamp) -> Option<Period> {
    if let Schedule::Cycle { .. } = report.schedule {
        let running = org.cycle()?;
        return running.number.checked_sub(1).filter(|last| *last > 0).map(Period::Cycle);
    }
    times(report, org, now).next().map(|(_, period)| period)
}

/// When a report is due next after `now`.
#[must_use]
pub fn next_due(report: &Report, org: &Org, now: Timestamp) -> Option<Timestamp> {
    let zone = report.zone_in(org.zone());
    if !report.enabled {
        return None;
    }
    let Schedule::Cycle { .. } = report.schedule else {
        return report.schedule.due_after(&zone, now).map(|due| due.at);
    };
    let running = org.cycle()?.number;
    let near = running.saturating_sub(CYCLES_AHEAD).max(1)..=running;
    let due = |number| report.schedule.due_for_cycle(&zone, org.cycle_numbered(number)?.1);
    near.filter_map(due).find(|due| *due > now)
}

/// The times up to `now` at which a report is due by its schedule, newest first, each with what it is about.
fn times(report: &Report, org: &Org, now: Timestamp) -> Box<dyn Iterator<Item = (Timestamp, Period)>> {
    let (schedule, zone) = (report.schedule, report.zone_in(org.zone()));
    if let Schedule::Cycle { .. } = schedule {
        let ended = org.cycle().map_or(0, |running| running.number.saturating_sub(1));
        let mut begin = org.cycle().map(|running| running.start);
        let mut times = Vec::new();
        for number in (1..=ended).rev().take(MOST_MISSED) {
            let Some(end) = begin else { break };
            times.extend(schedule.due_for_cycle(&zone, end).map(|due| (due, Period::Cycle(number))));
            begin = org.period_before(end).map(|(begin, _)| begin);
        }
        return Box::new(times.into_iter().filter(move |(due, _)| *due <= now));
    }
    let mut next = schedule.due_by(&zone, now);
    Box::new(std::iter::from_fn(move || {
        let due = next?;
        next = schedule.due_before(&zone, due);
        Some((due.at, schedule.period(due)?))
    }))
}

/// Reports by the instant at which each is looked at next.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    places: BTreeMap<Key, Timestamp>,
    order: BTreeSet<(Timestamp, Key)>,
}

impl Agenda {
    /// Notes when a report is looked at next, in place of what was noted of it; never where there is no instant.
    pub(super) fn note(&mut self, key: &Key, at: Option<Timestamp>) {
        if let Some(before) = self.places.remove(key) {
            self.order.remove(&(before, key.clone()));
        }
        if let Some(at) = at {
            self.places.insert(key.clone(), at);
            self.order.insert((at, key.clone()));
        }
    }

    /// Takes out the report that is looked at first, if it is by that instant.
    pub(super) fn take(&mut self, by: Timestamp) -> Option<Key> {
        self.order.first().filter(|(at, _)| *at <= by)?;
        let (_, key) = self.order.pop_first()?;
        self.places.remove(&key);
        Some(key)
    }

    /// The reports of an organization that are on it.
    pub(super) fn of_org(&self, org: &str) -> Vec<Key> {
        let from = Key { org: org.to_owned(), id: String::new() };
        self.places.range(from..).map(|(key, _)| key).take_while(|key| key.org == org).cloned().collect()
    }
}

#[cfg(test)]
mod tests;
