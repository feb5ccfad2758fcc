//! Limits: how much of something may be used in a window of time.
//!
//! An organization has limits of its own and those of its plan; of one name its own counts. What is used is counted for
//! each limit in force, in the window that runs, by value where the limit says "each by itself". Windows turn when
//! an event finds them over; those of the cycle turn with it.

mod count;
mod rule;
mod usage;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::balance::{RulesInForce, RulesVersion};
use super::catalog::Plan;
use super::movement::Note;
use super::units::Timestamp;

pub(super) use count::Place;
pub use count::{Count, Span, Used};
pub use rule::{Field, Level, Limit, MOST_PARTS, Measure, On, Part, PastLimit, Unit, Window};
pub use usage::Counted;
pub(super) use usage::{Spending, Uses};

/// The most limits of an organization's own.
pub const MOST_LIMITS: usize = 256;

/// The most values that are counted one by one for an organization, over all its limits and the windows that run.
pub const MOST_VALUES: usize = 100_000;

/// The limits of an organization and what was used against them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// By name.
    own: Vec<Own>,
    /// In force, by name.
    counts: Vec<Count>,
    /// Which version of the plan's limits is followed.
    followed: RulesVersion,
    /// How many windows there were.
    windows: u64,
}

/// A limit of an organization's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Own {
    /// Its name.
    pub id: Box<str>,
    /// The limit; none where nothing is limited under this name.
    pub limit: Option<Arc<Limit>>,
    /// Why it was put, and by whom.
    pub note: Option<Box<Note>>,
}

impl Limits {
    /// The limits in force, by name.
    #[must_use]
    pub fn counts(&self) -> &[Count] {
        &self.counts
    }

    /// The organization's own limit of that name, whether it is in force or off.
    #[must_use]
    pub fn own(&self, id: &str) -> Option<&Own> {
        self.find(id).ok().and_then(|place| self.own.get(place))
    }

    fn find(&self, id: &str) -> Result<usize, usize> {
        self.own.binary_search_by(|known| (*known.id).cmp(id))
    }

    /// Whether one more limit of its own would be too many.
    pub(super) fn is_full_for(&self, id: &str) -> bool {
        self.own.len() >= MOST_LIMITS && self.find(id).is_err()
    }

    /// Puts a limit of the organization's own, in the place of one of that name.
    pub(super) fn put(&mut self, new: Own) {
        match self.find(&new.id) {
            Ok(place) => {
                if let Some(known) = self.own.get_mut(place) {
                    *known = new;
                }
            }
            Err(place) => self.own.insert(place, new),
        }
    }

    /// Takes a limit of the organization's own away. Answers whether there was one.
    pub(super) fn remove(&mut self, id: &str) -> bool {
        let found = self.find(id);
        found.map(|place| self.own.remove(place)).is_ok()
    }

    /// Follows the plan's versions up to the one in force, each from its own instant on.
    pub(super) fn follow(&mut self, in_force: RulesInForce<'_>, place: &Place) {
        let (known, now) = (self.followed, in_force.version);
        if known == now {
            return;
        }
        let on = known.plan_version > 0 && known.terms_from == now.terms_from;
        let seen = if on { known.plan_version } else { 0 };
        let until_now = in_force.plan.versions().take_while(|(version, ..)| *version <= now.plan_version);
        for (_, from, plan) in until_now.filter(|(version, ..)| *version > seen) {
            // The first version and the first terms have always been in force: no log is as old as this.
            let from = from.max(now.terms_from).max(Timestamp::default());
            self.bring(plan, from, place);
        }
        self.followed = now;
    }

    /// Whether these are the limits in force at an instant, each in the window that runs then.
    pub(super) fn are_of(&self, in_force: RulesInForce<'_>, at: Timestamp) -> bool {
        self.followed == in_force.version && !self.counts.iter().any(|count| count.is_over(at))
    }

    /// Takes over the limits of new terms, or a change of its own, from an instant on.
    pub(super) fn follow_anew(&mut self, in_force: RulesInForce<'_>, at: Timestamp, place: &Place) {
        if let Some(plan) = in_force.plan.version(in_force.version.plan_version) {
            self.bring(plan, at, place);
        }
        self.followed = in_force.version;
    }

    /// Brings what is counted in line with the limits in force: what was used counts on where a limit of that name
    /// counts the same.
    fn bring(&mut self, plan: &Plan, at: Timestamp, place: &Place) {
        let wanted = in_force(plan, &self.own);
        let mut known = std::mem::take(&mut self.counts).into_iter().peekable();
        for (id, (limit, own)) in wanted {
            while known.next_if(|count| *count.limit.id < *id).is_some() {}
            let same = known.next_if(|count| *count.limit.id == *id && count.limit.counts_as(limit));
            let limit = Arc::clone(limit);
            self.counts.push(match same {
                Some(count) => Count { limit, own, ..count },
                None => {
                    self.windows = self.windows.saturating_add(1);
                    Count::new(limit, own, at, self.windows, place)
                }
            });
        }
    }

    /// The hard limits that are in force beside a plan's.
    pub(super) fn hard(&self, plan: &Plan) -> Vec<Arc<Limit>> {
        let all = in_force(plan, &self.own).into_values().map(|(limit, _)| limit);
        all.filter(|limit| limit.hard).cloned().collect()
    }

    /// Begins the windows of the calendar that are over.
    pub(super) fn turn(&mut self, at: Timestamp, place: &Place) {
        for count in self.counts.iter_mut().filter(|count| count.is_over(at)) {
            self.windows = self.windows.saturating_add(1);
            count.turn(at, self.windows, place);
        }
    }

    /// Begins the windows of a cycle that has just begun, or of the time without one.
    pub(super) fn turn_cycle(&mut self, at: Timestamp, place: &Place) {
        for count in self.counts.iter_mut().filter(|count| count.limit.window == Window::Cycle) {
            self.windows = self.windows.saturating_add(1);
            count.turn_cycle(at, self.windows, place);
        }
    }

    /// Moves the ends of the windows that run to where another calendar has them: what was used counts on until then.
    pub(super) fn move_ends(&mut self, at: Timestamp, place: &Place) {
        self.counts.iter_mut().for_each(|count| count.move_end(at, place));
    }

    /// A copy without what is used.
    pub(super) fn without_values(&self) -> Limits {
        self.part(("", ""), 0)
    }

    /// A copy for looking at the limits from a name and a value on: of at most so many values, in order.
    pub(super) fn part(&self, from: (&str, &str), most: usize) -> Limits {
        let mut left = most;
        let counts = self.counts.iter().map(|count| {
            let part = count.part(from, left);
            left = left.saturating_sub(part.used.len());
            part
        });
        let (counts, own) = (counts.collect(), self.own.clone());
        Limits { own, counts, followed: self.followed, windows: self.windows }
    }
}

/// The limits of a plan and an organization's own by their names, and whether each is its own: of one name its own counts.
fn in_force<'a>(plan: &'a Plan, own: &'a [Own]) -> BTreeMap<&'a str, (&'a Arc<Limit>, bool)> {
    let mut all: BTreeMap<&str, (&Arc<Limit>, bool)> = BTreeMap::new();
    all.extend(plan.limits.iter().map(|limit| (&*limit.id, (limit, false))));
    for own in own {
        match &own.limit {
            Some(limit) => all.insert(&own.id, (limit, true)),
            None => all.remove(&*own.id),
        };
    }
    all
}

#[cfg(test)]
mod tests;
