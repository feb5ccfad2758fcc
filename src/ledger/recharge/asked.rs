//! What was asked for in the windows that run: one of each kind, whether a cap looks at it or not.

use serde::{Deserialize, Serialize};

use crate::ledger::limits::{Place, Window};
use crate::ledger::units::{Credits, Timestamp};

/// The kinds of windows.
const WINDOWS: [Window; 5] = [Window::Day, Window::Week, Window::Month, Window::Cycle, Window::Life];

/// What was asked for in the windows that run. Each kind of window is counted from the first put on, so that a cap that
/// comes later, or comes back, knows what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked([InWindow; 5]);

/// What was asked for in one window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InWindow {
    /// The end of the window, the begin of the next; [`Timestamp::MAX`] for life.
    pub ends: Timestamp,
    /// How many credits.
    pub credits: Credits,
    /// How many times.
    pub times: u64,
    /// Whether the request in flight is among them.
    in_flight: bool,
}

impl InWindow {
    fn new(window: Window, at: Timestamp, place: &Place) -> InWindow {
        InWindow { ends: place.window(window, at).1, credits: Credits::ZERO, times: 0, in_flight: false }
    }
}

impl Asked {
    /// Nothing yet, in the windows at an instant.
    pub(super) fn new(at: Timestamp, place: &Place) -> Asked {
        Asked(WINDOWS.map(|window| InWindow::new(window, at, place)))
    }

    /// What was asked for in the window of that kind.
    #[must_use]
    pub fn of(&self, window: Window) -> &InWindow {
        let Asked([day, week, month, cycle, life]) = self;
        match window {
            Window::Day => day,
            Window::Week => week,
            Window::Month => month,
            Window::Cycle => cycle,
            Window::Life => life,
        }
    }

    fn each(&mut self) -> impl Iterator<Item = (Window, &mut InWindow)> {
        WINDOWS.into_iter().zip(&mut self.0)
    }

    /// Begins the windows of the calendar that are over.
    pub(super) fn turn(&mut self, at: Timestamp, place: &Place) {
        for (window, own) in self.each() {
            if window.is_over(own.ends, at) {
                *own = InWindow::new(window, at, place);
            }
        }
    }

    /// Begins the window of a cycle that has just begun, or of the time without one.
    pub(super) fn turn_cycle(&mut self, at: Timestamp, place: &Place) {
        for (window, own) in self.each().filter(|(window, _)| *window == Window::Cycle) {
            *own = InWindow::new(window, at, place);
        }
    }

    /// Moves the ends of the windows to where another calendar has them: what was counted counts on until then.
    pub(super) fn move_ends(&mut self, at: Timestamp, place: &Place) {
        for (window, own) in self.each() {
            if window.is_over(own.ends, at) {
                *own = InWindow::new(window, at, place);
            } else {
                own.ends = place.window(window, at).1;
            }
        }
    }

    /// Counts a request that is in flight from now on.
    pub(super) fn count(&mut self, amount: Credits) {
        self.add(amount);
        self.each().for_each(|(_, own)| own.in_flight = true);
    }

    /// Counts credits that nobody waited for any more.
    pub(super) fn add(&mut self, amount: Credits) {
        for (_, own) in self.each() {
            own.credits = own.credits.plus(amount);
            own.times = own.times.saturating_add(1);
        }
    }

    /// The request in flight brought another amount than it asked for.
    pub(super) fn settle(&mut self, asked: Credits, granted: Credits) {
        for own in self.landed() {
            own.credits = own.credits.minus(asked).plus(granted);
        }
    }

    /// The request in flight brought nothing.
    pub(super) fn take_back(&mut self, asked: Credits) {
        for own in self.landed() {
            own.credits = own.credits.minus(asked);
            own.times = own.times.saturating_sub(1);
        }
    }

    /// The windows that still run of those in which the request in flight was made. It is in flight no more.
    fn landed(&mut self) -> impl Iterator<Item = &mut InWindow> {
        self.0.iter_mut().filter_map(|own| std::mem::take(&mut own.in_flight).then_some(own))
    }
}
