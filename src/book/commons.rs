//! What of a partition belongs to no organization.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ledger::catalog::Catalog;
use crate::ledger::rejection::Reason;
use crate::ledger::units::Timestamp;

/// What of a partition belongs to no organization: the rest of a checkpoint's position.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commons {
    /// The last record that was applied.
    pub seq: u64,
    /// The log's time: never earlier than that of an earlier record.
    pub at: Timestamp,
    /// Events that were refused before they reached an organization.
    pub stray: BTreeMap<Reason, u64>,
    /// The rate cards and plans.
    pub catalog: Arc<Catalog>,
    /// The number of the next organization.
    pub next_key: u32,
}
