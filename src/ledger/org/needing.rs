//! What memory alone does not tell: the hours, charges and whereabouts that the history is asked for.

use super::{Org, in_range};
use crate::ledger::effect::{Need, Recall};
use crate::ledger::entry::{Event, Kind};
use crate::ledger::units::{Hour, Timestamp};

impl Org {
    /// What must be recalled before an event can be decided.
    pub(super) fn need(&self, event: &Event<'_>, at: Timestamp, recall: &Recall) -> Option<Need> {
        if let Kind::Live(_) | Kind::Restarted(_) = event.kind {
            return None;
        }
        let at = at.max(self.at);
        let closed = |hour: Hour| [hour, hour.back(1)].into_iter().find(|h| !self.ids.is_complete(*h));
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
