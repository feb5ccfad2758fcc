//! The burn: what charges cost, hour by hour of log time, for the last week.
//!
//! The running hour is kept in place, so that a charge compares the hour and adds. Hours that are over are kept where
//! something was burnt in them.

use serde::{Deserialize, Serialize};
use thin_vec::ThinVec;

use super::units::{Credits, Hour};

/// What is burnt of one kind of credits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Burn {
    /// The hour of the first charge that cost something.
    since: Option<Hour>,
    /// The latest hour in which something was charged or given back, and how much: it may be negative.
    hour: Hour,
    sum: Credits,
    costs: Costs,
    /// The hours before the latest one in which something was burnt, oldest first.
    past: ThinVec<(Hour, Credits)>,
}

/// Whether a charge of the latest hour cost something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Costs {
    /// None did: there were voids alone.
    Nothing,
    /// The first one did just now.
    Fresh,
    /// And what follows from it was looked at.
    Seen,
}

/// So many whole hours are kept: a week.
const KEPT_HOURS: i32 = 168;
/// The rate is that of so many whole hours, or of those there were.
const RATE_HOURS: i32 = 24;
/// With fewer whole hours there is no rate.
const LEAST_RATE_HOURS: i32 = 3;
/// With fewer whole hours nothing is usual.
const LEAST_USUAL_HOURS: i32 = 24;

const MICROS_PER_HOUR: i128 = 3_600_000_000;

impl Default for Burn {
    fn default() -> Self {
        Burn { since: None, hour: Hour::MIN, sum: Credits::ZERO, costs: Costs::Nothing, past: ThinVec::new() }
    }
}

impl Burn {
    /// Adds what a charge cost. Answers whether it is the first of its hour that cost something.
    pub(super) fn charge(&mut self, hour: Hour, amount: Credits) -> bool {
        let goes_on = self.hour == hour && self.costs != Costs::Nothing;
        if !goes_on {
            self.turn(hour);
            self.since.get_or_insert(hour);
            self.costs = Costs::Fresh;
        }
        self.sum = self.sum.plus(amount);
        !goes_on
    }

    /// Subtracts what a void gave back. Answers whether it is the first thing to happen in its hour.
    pub(super) fn give_back(&mut self, hour: Hour, amount: Credits) -> bool {
        let turns = self.hour < hour;
        self.turn(hour);
        self.sum = self.sum.minus(amount);
        turns
    }

    /// Whether the first charge of its hour that cost something was not looked at yet; from now on it was.
    pub(super) fn take_fresh(&mut self) -> bool {
        let fresh = self.costs == Costs::Fresh;
        if fresh {
            self.costs = Costs::Seen;
        }
        fresh
    }

    /// Goes on to a later hour.
    fn turn(&mut self, hour: Hour) {
        if hour <= self.hour {
            return;
        }
        let oldest = hour.back(KEPT_HOURS);
        let over = self.past.iter().take_while(|(past, _)| *past < oldest).count();
        self.past.drain(..over);
        if self.sum != Credits::ZERO && self.hour >= oldest {
            self.past.push((self.hour, self.sum));
        }
        (self.hour, self.sum, self.costs) = (hour, Credits::ZERO, Costs::Nothing);
    }

    /// What was burnt in the running hour so far.
    pub(super) fn running(&self, now: Hour) -> Credits {
        if self.hour == now { self.sum } else { Credits::ZERO }
    }

    /// The rate of the last whole hours before the running one, of however few there were.
    pub(super) fn lately(&self, now: Hour) -> Rate {
        self.over(now, RATE_HOURS)
    }

    /// The rate at which credits are burnt; none where there is not enough history.
    pub(super) fn rate(&self, now: Hour) -> Option<Rate> {
        Some(self.lately(now)).filter(|rate| rate.hours >= LEAST_RATE_HOURS.unsigned_abs())
    }

    /// What is usual; none where there is not enough history, or nothing was burnt.
    pub(super) fn usual(&self, now: Hour) -> Option<Rate> {
        let usual = self.over(now, KEPT_HOURS);
        let enough = usual.hours >= LEAST_USUAL_HOURS.unsigned_abs();
        Some(usual).filter(|usual| enough && usual.sum > Credits::ZERO)
    }

    /// What was burnt in the last whole hours before the running one, at most so many.
    fn over(&self, now: Hour, most: i32) -> Rate {
        let there_were = self.since.map_or(0, |since| now.0.saturating_sub(since.0));
        let hours = there_were.clamp(0, most);
        let from = now.back(hours);
        let latest = [(self.hour, self.sum)];
        let counted = self.past.iter().chain(&latest).filter(|(hour, _)| (from..now).contains(hour));
        let sum = counted.fold(Credits::ZERO, |sum, (_, burnt)| sum.plus(*burnt));
        Rate { sum: sum.max(Credits::ZERO), hours: hours.unsigned_abs() }
    }
}

/// So many credits in so many hours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// How many credits; never negative.
    pub sum: Credits,
    /// In how many hours.
    pub hours: u32,
}

impl Rate {
    /// Credits an hour, rounded half up to a micro-credit.
    #[must_use]
    pub fn per_hour(self) -> Credits {
        self.sum.scale(1, u64::from(self.hours)).unwrap_or_default()
    }

    /// Credits in 24 hours, rounded half up to a micro-credit.
    #[must_use]
    pub fn per_day(self) -> Credits {
        let most = if self.hours == 0 { Credits::ZERO } else { Credits::from_micros(i64::MAX) };
        self.sum.scale(24, u64::from(self.hours)).unwrap_or(most)
    }

    /// What is burnt within so many microseconds, without fractions of a micro-credit.
    pub(super) fn within(self, micros: i128) -> Credits {
        let burnt = i128::from(self.sum.micros()).saturating_mul(micros);
        let burnt = burnt.checked_div(self.span()).unwrap_or(0);
        Credits::from_micros(i64::try_from(burnt).unwrap_or(i64::MAX))
    }

    /// After how many microseconds so much is burnt; never where nothing is.
    pub(super) fn lasts(self, amount: Credits) -> Option<i128> {
        let wanted = i128::from(amount.micros()).saturating_mul(self.span());
        let sum = i128::from(self.sum.micros());
        wanted.saturating_add(sum).saturating_sub(1).checked_div(sum)
    }

    /// The least that is more than so many percent of an hour at this rate.
    pub(super) fn more_than(self, percent: u16) -> Credits {
        let share = i128::from(self.sum.micros()).saturating_mul(i128::from(percent));
        let share = share.checked_div(i128::from(self.hours).saturating_mul(100)).unwrap_or(0);
        Credits::from_micros(i64::try_from(share).unwrap_or(i64::MAX).saturating_add(1))
    }

    /// Its hours in microseconds.
    fn span(self) -> i128 {
        i128::from(self.hours).saturating_mul(MICROS_PER_HOUR)
    }
}

#[cfg(test)]
mod tests;
