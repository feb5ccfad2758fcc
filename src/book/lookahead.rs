//! Looking ahead: the organizations of the records that come next are on their way from memory while others are applied.
//!
//! With many organizations most are far from the processor's caches, and fetching one takes longer than applying an event to it.

use super::partition::Partition;
use crate::log::Record;
use crate::wire::Subject;

/// So many records ahead of the one that is applied, [`approach`] is worth its while.
pub const AHEAD: usize = 16;

/// Fewer organizations stay in the processor's caches by themselves.
const MANY: usize = 4_096;

/// Has the processor fetch the organization of a record that is to be applied soon. Changes nothing.
pub fn approach(partition: &Partition, record: &Record) {
    if partition.names().len() >= MANY
        && let Ok(Subject::Events(org)) = Subject::parse(&record.draft.subject)
    {
        partition.book().read(org, |slot| slot.org.approach());
    }
}
