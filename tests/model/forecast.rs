//! When credits run out: the grants of one credit type as they will be, from instant to instant.

use super::burn::Rate;
use super::calendar::Zone;
use super::grant::Grant;
use super::report::Phase;
use super::{Instant, Micros};

/// How far the reckoning goes.
pub const FARTHEST: Instant = 400 * 86_400_000_000;

/// What the reckoning starts from.
pub struct Outlook<'a> {
    /// The grants of the type that have not ended, in the order of their creation.
    pub grants: Vec<Grant>,
    /// What is owed.
    pub owed: Micros,
    /// How fast it burns.
    pub rate: Rate,
    /// The clocks by which grants are full again.
    pub zone: &'a Zone,
}

impl Outlook<'_> {
    /// The first microsecond from `now` on, before `until`, at which nothing is available.
    pub fn runs_out(mut self, now: Instant, until: Instant) -> Option<Instant> {
        let mut at = now;
        while self.available() > 0 {
            let next = self.next(at).filter(|next| *next < until).unwrap_or(until);
            let taken = |then: Instant| self.rate.takes(then - now) - self.rate.takes(at - now);
            // Halved again and again: nothing is left at `late`, something is at `early`.
            if next > at && self.available() <= taken(next - 1) {
                let (mut early, mut late) = (at, next - 1);
                while late - early > 1 {
                    let middle = early + (late - early) / 2;
                    if self.available() <= taken(middle) { late = middle } else { early = middle }
                }
                return Some(late);
            }
            if next >= until {
                return None;
            }
            let taken = taken(next);
            self.burn(taken);
            self.turn(next);
            at = next;
        }
        Some(at)
    }

    fn usable(&self) -> Vec<usize> {
        let mut order: Vec<usize> =
            (0..self.grants.len()).filter(|place| self.grants[*place].usable()).collect();
        order.sort_by_key(|place| (self.grants[*place].burn_rank(), *place));
        order
    }

    fn available(&self) -> Micros {
        let held = self.grants.iter().filter(|grant| grant.usable()).map(|grant| grant.remaining);
        held.sum::<Micros>() - self.owed
    }

    fn next(&self, after: Instant) -> Option<Instant> {
        let of = |grant: &Grant| {
            let starts = Some(grant.effective).filter(|_| grant.phase == Phase::Waiting);
            [starts, grant.ends, grant.next_refill(after, self.zone)].into_iter().flatten()
        };
        self.grants.iter().flat_map(of).filter(|at| *at > after).min()
    }

    fn burn(&mut self, mut amount: Micros) {
        for place in self.usable() {
            amount -= self.grants[place].take(amount);
        }
        self.owed += amount;
    }

    /// What happens at one instant: ends, refills, starts, and then what is owed is covered.
    fn turn(&mut self, now: Instant) {
        self.grants.retain(|grant| grant.ends.is_none_or(|ends| ends > now));
        for grant in &mut self.grants {
            if grant.next_refill(now - 1, self.zone) == Some(now) {
                grant.remaining = grant.amount;
            }
        }
        for grant in &mut self.grants {
            if grant.phase == Phase::Waiting && grant.effective <= now {
                grant.phase = Phase::Usable;
            }
        }
        for place in self.usable() {
            if self.grants[place].order.scope.is_none() {
                self.owed -= self.grants[place].take(self.owed);
            }
        }
    }
}
