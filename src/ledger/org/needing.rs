//! What memory alone does not tell: the hours, charges and whereabouts that the history is asked for.

use super::{Org, in_range};
use crate::ledger::effect::{Need, Recall};
use crate::ledger::entry::{Command, Event, Kind, What};
use crate::ledger::units::{EventId, Hour, Timestamp};

impl Org {
    /// What must be recalled before an entry can be decided.
    pub(super) fn need(&self, what: &What<'_>, at: Timestamp, recall: &Recall) -> Option<Need> {
        match what {
            What::Event(event) => self.need_of_event(event, at.max(self.at), recall),
            What::Command(Command::Hold(_)) => {
                let now = at.max(self.at).hour();
                self.closed([now.next(), now, now.back(1)]).map(Need::Hour)
            }
            What::Command(_) => None,
        }
    }

    /// Whether an event of that name has come that happened about now: there is nothing to hold for it any more.
    pub(super) fn has_come(&self, id: EventId) -> bool {
        let now = self.at.hour();
        [now, now.next()].into_iter().any(|hour| self.ids.find(id, hour).is_some())
    }

    /// The first of some hours of which not every id is here.
    fn closed(&self, hours: impl IntoIterator<Item = Hour>) -> Option<Hour> {
        hours.into_iter().find(|hour| !self.ids.is_complete(*hour))
    }

    fn need_of_event(&self, event: &Event<'_>, at: Timestamp, recall: &Recall) -> Option<Need> {
        if let Kind::Live(_) | Kind::Restarted(_) = event.kind {
            return None;
        }
        let closed = |hour: Hour| self.closed([hour, hour.back(1)]);
        if in_range(event.time, at)
            && let Some(hour) = closed(event.time.hour())
        {
            return Some(Need::Hour(hour));
        }
        let Kind::Void(void) = &event.kind else { return None };
        let hour = match void.target_time {
            Some(time) if in_range(time, at) => time.hour(),
            Some(_) => return None,
            None => match (self.ids.find_anywhere(void.target), recall.whereabouts) {
                (Some(seen), _) => seen.hour,
                (None, Some(answer)) => answer?,
                (None, None) => return Some(Need::Whereabouts(void.target)),
            },
        };
        if let Some(hour) = closed(hour) {
            return Some(Need::Hour(hour));
        }
        let seen = self.ids.find(void.target, hour)?;
        let recalled = recall.charge.as_ref().is_some_and(|(position, _)| *position == seen.position);
        let voided = self.ids.find(void.target.void(), hour).is_some();
        (!recalled && !voided).then_some(Need::Charge(seen.position))
    }
}
