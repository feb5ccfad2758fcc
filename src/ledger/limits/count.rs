//! What was used against a limit: one window at a time, each value by itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::rule::{Level, Limit, Measure, Window};
use crate::ledger::calendar::{Calendar, Every, Zone};
use crate::ledger::org::Cycle;
use crate::ledger::units::Timestamp;

/// A limit in force, with what was used against it in the window that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// The limit. Organizations on one plan share it.
    pub limit: Arc<Limit>,
    /// Whether it is the organization's own, not its plan's.
    pub own: bool,
    /// It counts from here on.
    pub(super) since: Timestamp,
    pub(super) span: Span,
    /// By value; by the empty one where values are not counted one by one.
    pub(super) used: BTreeMap<Box<str>, Used>,
}

/// A window that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// No other window of the organization has it: by this number a void finds what its charge used.
    pub(super) number: u64,
    /// Its begin in the calendar; of one for life where the limit begins to count.
    pub start: Timestamp,
    /// Its end, the begin of the next; [`Timestamp::MAX`] for life.
    pub end: Timestamp,
}

/// What was used of one value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// How much.
    pub amount: Measure,
    /// The highest level that an alert was raised for.
    pub(super) raised: Level,
}

/// Where an organization stands in its calendar.
#[derive(Clone, Debug)]
pub(in crate::ledger) struct Place {
    pub(in crate::ledger) zone: Zone,
    pub(in crate::ledger) cycle: Option<Cycle>,
}

impl Place {
    /// The window at an instant: its begin, and its end.
    pub(in crate::ledger) fn window(&self, window: Window, at: Timestamp) -> (Timestamp, Timestamp) {
        let every = match (window, self.cycle) {
            (Window::Day, _) => Every::Days(1),
            (Window::Week, _) => Every::Days(7),
            (Window::Month, _) => Every::Month,
            (Window::Cycle, Some(cycle)) => return (cycle.start, cycle.end),
            (Window::Cycle, None) | (Window::Life, _) => return (at, Timestamp::MAX),
        };
        Calendar { zone: &self.zone, anchor: self.zone.first_monday(), every }.period_at(at)
    }
}

impl Count {
    /// Whether the window of that number is the one that runs.
    #[must_use]
    pub fn is_of_window(&self, number: u64) -> bool {
        self.span.number == number
    }

    /// A limit that begins to count.
    pub(super) fn new(limit: Arc<Limit>, own: bool, since: Timestamp, number: u64, place: &Place) -> Count {
        let (start, end) = place.window(limit.window, since);
        Count { limit, own, since, span: Span { number, start, end }, used: BTreeMap::new() }
    }

    /// The window that runs.
    #[must_use]
    pub fn span(&self) -> Span {
        self.span
    }

    /// Where counting began in the window that runs: what tells its alerts from those of every other window.
    #[must_use]
    pub fn begin(&self) -> Timestamp {
        self.span.start.max(self.since)
    }

    /// What was used: of the whole, or of each value that was used at all.
    #[must_use]
    pub fn used(&self) -> &BTreeMap<Box<str>, Used> {
        &self.used
    }

    /// Whether its window is one of the calendar and has ended.
    pub(super) fn is_over(&self, at: Timestamp) -> bool {
        self.limit.window.is_over(self.span.end, at)
    }

    /// Begins the window of the calendar at an instant, with nothing used.
    pub(super) fn turn(&mut self, at: Timestamp, number: u64, place: &Place) {
        let (start, end) = place.window(self.limit.window, at);
        self.span = Span { number, start, end };
        self.used.clear();
    }

    /// Begins to count in another cycle, or outside of cycles.
    pub(super) fn turn_cycle(&mut self, at: Timestamp, number: u64, place: &Place) {
        self.since = at;
        self.turn(at, number, place);
    }

    /// Moves the end of the window that runs, after the calendar was changed.
    pub(super) fn move_end(&mut self, at: Timestamp, place: &Place) {
        self.span.end = place.window(self.limit.window, at).1;
    }

    /// A copy with at most so many values from a name and a value on.
    pub(super) fn part(&self, from: (&str, &str), most: usize) -> Count {
        let wanted = |value: &str| (&*self.limit.id, value) >= from;
        let used = self.used.iter().filter(|(value, _)| wanted(value)).take(most);
        let used = used.map(|(value, used)| (value.clone(), *used)).collect();
        let (limit, own, since, span) = (Arc::clone(&self.limit), self.own, self.since, self.span);
        Count { limit, own, since, span, used }
    }

    /// Takes back what a charge used.
    pub(super) fn take_back(&mut self, value: &str, amount: Measure) {
        if let Some(used) = self.used.get_mut(value) {
            used.amount = used.amount.less(amount);
            if *used == Used::default() {
                self.used.remove(value);
            }
        }
    }
}
