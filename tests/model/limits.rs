//! Limits: how much of something may be used in a window of time.
//!
//! A limit counts from when it comes into force, in one window after the other. It counts on as long as it stays in
//! force without a break and measures the same, whoever states it: the plan, another plan, or the organization itself.

mod measure;

use std::collections::BTreeMap;

use super::calendar::Zone;
use super::cycles::Cycle;
use super::rating::Line;
use super::read::Event;
use super::report::{Level, LimitAlert, LimitReport};
use super::{Instant, Reason};
use measure::Value;
pub use measure::{Dimension, Measure, Unit, Window};

/// The most limits of an organization's own.
const MOST_OWN: usize = 256;
/// The most values of `*` that are in use at a time.
const MOST_VALUES: usize = 100_000;

/// How much may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Of what.
    pub measure: Measure,
    /// So much: micro-credits or things.
    pub max: i128,
    /// Whether the plan may reject what is past it.
    pub hard: bool,
}

/// What one event uses of one limit.
#[derive(Clone, Debug)]
pub struct Use {
    limit: String,
    window: u64,
    value: Value,
    amount: i128,
}

/// A stretch of time in which use is added up.
#[derive(Clone, Copy, Debug)]
struct Span {
    /// Never given twice.
    number: u64,
    cycle: Option<u64>,
    /// None for what is for life.
    bounds: Option<(Instant, Instant)>,
}

/// What was used of a limit in its running window.
#[derive(Debug)]
struct Count {
    limit: Limit,
    span: Span,
    /// By value, never 0.
    used: BTreeMap<Value, i128>,
    /// The worst that was told of each value.
    told: BTreeMap<Value, Level>,
}

/// What time it is for an organization.
#[derive(Clone, Copy)]
pub struct Moment<'a> {
    /// The log time.
    pub at: Instant,
    /// The clocks it goes by.
    pub zone: &'a Zone,
    /// The billing period it is in.
    pub cycle: Option<&'a Cycle>,
}

/// The limits of one organization.
#[derive(Debug, Default)]
pub struct Limits {
    /// Its own; none for what is switched off.
    own: BTreeMap<String, Option<Limit>>,
    /// Those in force.
    counts: BTreeMap<String, Count>,
    /// How many windows there were.
    windows: u64,
    /// All alerts raised so far.
    pub alerts: Vec<LimitAlert>,
}

impl Count {
    fn new(limit: Limit, span: Span) -> Count {
        Count { limit, span, used: BTreeMap::new(), told: BTreeMap::new() }
    }

    /// Whether its window is over.
    fn is_over(&self, moment: Moment<'_>) -> bool {
        match self.limit.measure.window {
            Window::Cycle => self.span.cycle != moment.cycle.map(|cycle| cycle.number),
            _ => self.span.bounds.is_some_and(|(_, end)| end <= moment.at),
        }
    }

    fn level(&self, used: i128) -> Option<Level> {
        match used {
            0 => None,
            used if used >= self.limit.max => Some(Level::Reached),
            used if used * 100 >= self.limit.max * 80 => Some(Level::Near),
            _ => None,
        }
    }
}

// What is told from outside, and what time brings.
impl Limits {
    /// States one of the organization's own limits; none switches off the plan's.
    pub fn put(&mut self, id: String, limit: Option<Limit>) -> Result<(), Reason> {
        if !self.own.contains_key(&id) && self.own.len() >= MOST_OWN {
            return Err("too_many");
        }
        self.own.insert(id, limit);
        Ok(())
    }

    /// Takes one of its own limits away.
    pub fn remove(&mut self, id: &str) -> Result<(), Reason> {
        self.own.remove(id).map(|_| ()).ok_or("unknown_limit")
    }

    /// Takes over the limits now in force, over those that the plan has. Those that measure the same count on.
    pub fn follow(&mut self, planned: &BTreeMap<String, Limit>, moment: Moment<'_>) {
        self.pass(moment);
        let mut in_force = planned.clone();
        for (id, own) in &self.own {
            match own {
                Some(limit) => in_force.insert(id.clone(), limit.clone()),
                None => in_force.remove(id),
            };
        }
        let mut before = std::mem::take(&mut self.counts);
        for (id, limit) in in_force {
            let count = match before.remove(&id).filter(|known| known.limit.measure == limit.measure) {
                Some(known) => Count { limit, ..known },
                None => Count::new(limit.clone(), self.begin(limit.measure.window, moment)),
            };
            self.counts.insert(id, count);
        }
    }

    /// Lets time pass: a window that is over gives way to the one that runs.
    pub fn pass(&mut self, moment: Moment<'_>) {
        let mut counts = std::mem::take(&mut self.counts);
        for count in counts.values_mut() {
            if count.is_over(moment) {
                let span = self.begin(count.limit.measure.window, moment);
                *count = Count::new(count.limit.clone(), span);
            } else if count.limit.measure.window == Window::Cycle {
                // Its end may have moved.
                count.span.bounds = count.limit.measure.window.bounds(moment);
            }
        }
        self.counts = counts;
    }

    fn begin(&mut self, window: Window, moment: Moment<'_>) -> Span {
        self.windows += 1;
        let cycle = moment.cycle.map(|cycle| cycle.number);
        Span { number: self.windows, cycle, bounds: window.bounds(moment) }
    }

    /// Other clocks: the running windows end where these have it, as cycles do.
    pub fn move_ends(&mut self, moment: Moment<'_>) {
        for count in self.counts.values_mut() {
            if let (Some(grid), Some((_, end))) =
                (count.limit.measure.window.grid(moment.zone), &mut count.span.bounds)
            {
                *end = grid.next(moment.at);
            }
        }
    }
}

// What events do.
impl Limits {
    /// What an event would use of the limits in force.
    pub fn uses(&self, event: &Event, lines: &[Line]) -> Vec<Use> {
        let of = |(id, count): (&String, &Count)| {
            let used = count.limit.measure.of(event, lines).into_iter();
            let (limit, window) = (id.clone(), count.span.number);
            used.map(move |(value, amount)| Use { limit: limit.clone(), window, value, amount })
                .collect::<Vec<_>>()
        };
        self.counts.iter().flat_map(of).collect()
    }

    fn used(&self, of: &Use) -> i128 {
        self.counts.get(&of.limit).and_then(|count| count.used.get(&of.value)).copied().unwrap_or(0)
    }

    /// Whether any of this would go past a hard limit.
    pub fn is_past(&self, uses: &[Use]) -> bool {
        let past = |count: &Count, of: &Use| count.limit.hard && self.used(of) + of.amount > count.limit.max;
        uses.iter().any(|of| self.counts.get(&of.limit).is_some_and(|count| past(count, of)))
    }

    /// Whether all values that this brings can still be counted.
    pub fn has_room(&self, uses: &[Use]) -> bool {
        let split = |count: &&Count| count.limit.measure.is_split();
        let known: usize = self.counts.values().filter(split).map(|count| count.used.len()).sum();
        let is_new = |of: &&Use| !of.value.is_empty() && self.used(of) == 0;
        let new = uses.iter().filter(is_new).count();
        new == 0 || known + new <= MOST_VALUES
    }

    /// Counts the use of an event that is charged.
    pub fn count(&mut self, uses: &[Use], at: Instant) {
        for of in uses {
            if let Some(count) = self.counts.get_mut(&of.limit) {
                *count.used.entry(of.value.clone()).or_default() += of.amount;
            }
            self.tell(&of.limit, &of.value, at);
        }
    }

    /// Takes the use of an event back, where the window it was counted in still runs.
    pub fn take_back(&mut self, uses: &[Use]) {
        for of in uses {
            let running = self.counts.get_mut(&of.limit).filter(|count| count.span.number == of.window);
            if let Some(count) = running {
                let left = count.used.remove(&of.value).unwrap_or(0) - of.amount;
                if left > 0 {
                    count.used.insert(of.value.clone(), left);
                }
            }
        }
    }

    /// Raises the alert of a value if it is due: in a window each level once, and nothing less once all is used.
    fn tell(&mut self, id: &str, value: &Value, at: Instant) {
        let Some(count) = self.counts.get_mut(id) else { return };
        let level = count.used.get(value).and_then(|used| count.level(*used));
        if let Some(level) = level.filter(|level| count.told.get(value) < Some(level)) {
            let window = count.span.bounds.map(|(start, _)| start);
            self.alerts.push(LimitAlert { limit: id.to_string(), value: shown(value), level, window, at });
            count.told.insert(value.clone(), level);
        }
    }

    /// What was used of each limit in force: of what is counted each by itself, the values in use.
    pub fn report(&self) -> BTreeMap<(String, String), LimitReport> {
        let mut report = BTreeMap::new();
        for (id, count) in &self.counts {
            let max = count.limit.max;
            let (start, end) = count.span.bounds.unzip();
            let mut line = |value: &Value, used| {
                report.insert((id.clone(), shown(value)), LimitReport { used, max, start, end });
            };
            if !count.limit.measure.is_split() {
                line(&Value::new(), 0);
            }
            count.used.iter().for_each(|(value, used)| line(value, *used));
        }
        report
    }

    /// Where what was used is not the use of the events that are charged, a line each.
    pub fn breaches<'a>(&self, charged: impl Iterator<Item = &'a Use>) -> Vec<String> {
        let mut sums: BTreeMap<(u64, &Value), i128> = BTreeMap::new();
        for of in charged {
            *sums.entry((of.window, &of.value)).or_default() += of.amount;
        }
        let mut lines = Vec::new();
        for (id, count) in &self.counts {
            let number = count.span.number;
            let in_window = sums.iter().filter(|((window, _), _)| *window == number);
            let found: BTreeMap<Value, i128> =
                in_window.map(|((_, value), amount)| ((*value).clone(), *amount)).collect();
            if found != count.used {
                lines.push(format!("limit {id}: {:?} is not what was charged: {found:?}", count.used));
            }
        }
        lines
    }
}

/// A value as it is written: `ana`, `ana/message`, or `-` where nothing is counted each by itself.
fn shown(value: &Value) -> String {
    if value.is_empty() { "-".to_string() } else { value.join("/") }
}
