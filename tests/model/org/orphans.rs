//! Calls that are closed because their end does not come.

use super::Org;
use crate::model::Outcome;
use crate::model::calls::told::Facts;
use crate::model::calls::{Live, Name};
use crate::model::catalog::Catalog;
use crate::model::read::{Call, Event, What};

impl Org {
    /// Closes the calls whose time it is, each at its own instant.
    pub(super) fn close_calls(&mut self, catalog: &Catalog) {
        self.follow(catalog);
        while let Some((name, live)) = self.calls.overdue(self.now) {
            self.close(name, live, catalog);
        }
    }

    /// A switch was started anew: its calls of before are closed.
    pub(super) fn restarted(&mut self, event: &Event, catalog: &Catalog) -> Outcome {
        self.calls.forget(self.now);
        while let Some((name, live)) = self.calls.of_source(&event.identity.0, event.time) {
            self.close(name, live, catalog);
        }
        Outcome::Noted
    }

    /// It is charged for as long as is proven, as its end would be; not where that would be rejected.
    fn close(&mut self, name: Name, live: Live, catalog: &Catalog) {
        let proven = live.proven().map(|(call, facts)| self.event_of(&name, call, facts));
        let taken = proven.and_then(|event| self.bill(&event, true, catalog).ok());
        self.calls.keep(name, live, taken, self.now);
        self.look(None);
    }

    fn event_of(&self, name: &Name, call: Call, facts: &Facts) -> Event {
        let what = What::Call(call);
        Event { identity: name.clone(), time: self.now, spender: facts.spender.clone(), what }
    }

    /// Gives back what a closing took, as a void does. The rules look at what came of it.
    pub(super) fn give_back_closing(&mut self, name: &Name) {
        if let Some((draws, uses)) = self.calls.correct(name) {
            self.undo(&draws, &uses);
            let gauges = self.grants.gauges(&self.calls.pending(self.counted));
            self.watch.look(&self.name, &gauges, self.now, None);
        }
    }
}
