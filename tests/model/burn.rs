//! The burn: what was charged and taken back, one by one. Every sum is added up anew from the whole list.

use super::report::further::BurnReport;
use super::{Instant, Micros};

const HOUR: Instant = 3_600_000_000;

/// All that ever changed what was charged in one credit type.
#[derive(Debug, Default)]
pub struct Burn {
    /// In the order of log time; voids are below 0.
    changes: Vec<(Instant, Micros)>,
    /// When something was charged for the first time.
    first: Option<Instant>,
}

/// How fast credits go: so much in so many hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// So much.
    pub sum: Micros,
    /// In so many whole hours.
    pub hours: i64,
}

fn hour(at: Instant) -> Instant {
    at.div_euclid(HOUR)
}

impl Burn {
    /// Something was charged, which cost something. Answers whether it is the first in its hour that did.
    pub fn charge(&mut self, amount: Micros, now: Instant) -> bool {
        let this_hour = self.changes.iter().rev().take_while(|(at, _)| hour(*at) == hour(now));
        let first = !this_hour.into_iter().any(|(_, amount)| *amount > 0);
        self.first = self.first.or(Some(now));
        self.changes.push((now, amount));
        first
    }

    /// So much was taken back.
    pub fn void(&mut self, amount: Micros, now: Instant) {
        self.changes.push((now, -amount));
    }

    /// What the last so many whole hours before the running one burnt.
    fn before(&self, hours: i64, now: Instant) -> Micros {
        let (from, until) = (hour(now) - hours, hour(now));
        let late = self.changes.iter().rev().take_while(|(at, _)| hour(*at) >= from);
        late.filter(|(at, _)| hour(*at) < until).map(|(_, amount)| amount).sum()
    }

    /// The whole hours since the first charge, but no more than these.
    fn hours(&self, most: i64, now: Instant) -> i64 {
        self.first.map_or(0, |first| (hour(now) - hour(first)).min(most))
    }

    /// How fast credits went lately.
    pub fn rate(&self, now: Instant) -> Rate {
        let hours = self.hours(24, now);
        Rate { sum: self.before(hours, now).max(0), hours }
    }

    /// What the running hour burnt so far.
    pub fn running(&self, now: Instant) -> Micros {
        let this_hour = self.changes.iter().rev().take_while(|(at, _)| hour(*at) == hour(now));
        this_hour.map(|(_, amount)| amount).sum()
    }

    /// Whether the running hour burns more than so many percent of the usual one, and at least so much.
    pub fn spikes(&self, percent: i128, at_least: Micros, now: Instant) -> bool {
        let hours = self.hours(168, now);
        let (usual, running) = (self.before(hours, now), self.running(now));
        hours >= 24
            && usual > 0
            && running >= at_least
            && running * Micros::from(hours) * 100 > percent * usual
    }

    /// How it stands.
    pub fn report(&self, now: Instant) -> BurnReport {
        let Rate { sum, hours } = self.rate(now);
        BurnReport { sum, hours, running: self.running(now) }
    }
}

impl Rate {
    /// Whether it says enough.
    pub fn is_known(self) -> bool {
        self.hours >= 3
    }

    /// What goes in so many microseconds.
    pub fn takes(self, micros: Instant) -> Micros {
        self.sum * Micros::from(micros) / (Micros::from(self.hours) * Micros::from(HOUR))
    }
}
