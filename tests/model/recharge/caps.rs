//! The windows of caps: which requests count in the one that runs, and for how much.

use super::Cap;
use crate::model::limits::{Moment, Window};
use crate::model::{Instant, Micros};

/// A window as it runs.
#[derive(Debug)]
pub(super) struct Running {
    /// How long it is.
    pub(super) window: Window,
    cycle: Option<u64>,
    /// None of what is for life.
    bounds: Option<(Instant, Instant)>,
    /// The requests made in it, by number, and the late grants that came in it.
    counted: Vec<(usize, Micros)>,
}

impl Running {
    /// The window of this length that runs, in which nothing counts yet.
    pub(super) fn begin(window: Window, moment: Moment<'_>) -> Running {
        let cycle = moment.cycle.map(|cycle| cycle.number);
        Running { window, cycle, bounds: window.bounds(moment), counted: Vec::new() }
    }

    /// Lets time pass.
    pub(super) fn pass(&mut self, moment: Moment<'_>) {
        let over = match self.window {
            Window::Cycle => self.cycle != moment.cycle.map(|cycle| cycle.number),
            _ => self.end().is_some_and(|end| end <= moment.at),
        };
        if over {
            *self = Running::begin(self.window, moment);
        } else if self.window == Window::Cycle {
            // Its end may have moved.
            self.bounds = self.window.bounds(moment);
        }
    }

    /// Other clocks: it ends where these have it.
    pub(super) fn move_end(&mut self, moment: Moment<'_>) {
        if let (Some(grid), Some((_, end))) = (self.window.grid(moment.zone), &mut self.bounds) {
            *end = grid.next(moment.at);
        }
    }

    /// When it ends; never what is for life.
    pub(super) fn end(&self) -> Option<Instant> {
        self.bounds.map(|(_, end)| end)
    }

    /// A request counts from now on, or the late grant for one.
    pub(super) fn counts(&mut self, number: usize, amount: Micros) {
        self.counted.push((number, amount));
    }

    /// A request that counts here counts for another amount.
    pub(super) fn amends(&mut self, number: usize, amount: Micros) {
        self.counted.iter_mut().filter(|(of, _)| *of == number).for_each(|(_, counted)| *counted = amount);
    }

    /// A request that failed counts no more.
    pub(super) fn forgets(&mut self, number: usize) {
        self.counted.retain(|(of, _)| *of != number);
    }

    /// The credits and the number of requests that count.
    pub(super) fn used(&self) -> (Micros, i128) {
        (self.counted.iter().map(|(_, amount)| amount).sum(), self.counted.iter().map(|_| 1).sum())
    }

    /// How much a cap leaves; none if all.
    pub(super) fn leaves(&self, cap: &Cap) -> Option<Micros> {
        let (credits, times) = self.used();
        if cap.times.is_some_and(|most| times >= most) {
            return Some(0);
        }
        cap.credits.map(|most| (most - credits).max(0))
    }
}
