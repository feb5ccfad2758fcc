//! An entry that cannot be decided from memory alone: the history is asked, and the entry applied again.

use super::{Partition, note};
use crate::book::row::TakenBack;
use crate::ledger::effect::{Need, Outcome, Recall};
use crate::ledger::entry::Entry;
use crate::store::{OrgKey, StoreError};

/// What became of an organization's entry.
pub(super) struct Applied {
    pub(super) key: OrgKey,
    pub(super) outcome: Outcome,
    /// The charge that was looked up, which a void takes back.
    pub(super) recalled: Option<Box<TakenBack>>,
}

impl Partition {
    /// Applies an entry to an organization, with what it needs of the history. None where there is no such organization.
    pub(super) fn apply_to(&mut self, org: &str, entry: &Entry<'_>) -> Result<Option<Applied>, StoreError> {
        let (mut recall, mut recalled) = (Recall::default(), None);
        loop {
            let Some(mut slot) = self.book.slots.get_mut(org) else { return Ok(None) };
            let outcome = slot.org.apply(entry, &self.commons.catalog, &recall, &mut self.effects);
            let (key, upto) = (slot.key, slot.org.position());
            let Outcome::Needs(need) = outcome else {
                if outcome != Outcome::Contained {
                    note(&mut slot, &self.names, &mut self.dirty, &mut self.due, &self.commons.catalog);
                }
                return Ok(Some(Applied { key, outcome, recalled }));
            };
            drop(slot);
            match need {
                Need::Hour(hour) => {
                    let ids = self.history.ids(key, hour, upto)?;
                    if let Some(mut slot) = self.book.slots.get_mut(org) {
                        slot.org.reopen(hour, ids);
                    }
                }
                Need::Charge(of) => {
                    let missing = StoreError::RowMissing { key, position: of };
                    let charged = self.history.charged(key, of)?.ok_or(missing)?;
                    recall.charge = Some((of, (*charged.charge).clone()));
                    recalled = Some(Box::new(charged));
                }
                Need::Whereabouts(id) => recall.whereabouts = Some(self.history.whereabouts(key, id, upto)?),
            }
        }
    }
}
