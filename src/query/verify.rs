//! Verification: an organization's books against its history.

use schemars::JsonSchema;
use serde::Serialize;

use super::balance::{instant, text};
use crate::book::pipeline::Look;
use crate::book::recount::{Difference, Recount};
use crate::ledger::units::{Position, Timestamp};
use crate::store::StoreError;

/// What adding up an organization's history came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Verified {
    /// The organization.
    pub org: String,
    /// The record and item of its last entry.
    #[serde(serialize_with = "text")]
    pub seq: Position,
    /// The instant its books stand at.
    #[serde(serialize_with = "instant")]
    pub as_of: Timestamp,
    /// How many rows were added up.
    pub rows: u64,
    /// Whether every figure is the same. None where that cannot be told: some rows were deleted for their age.
    pub ok: Option<bool>,
    /// The figures that are not.
    pub differences: Vec<Difference>,
}

/// Adds up the history of an organization and compares. Reads all of it: not for the threads of a runtime.
///
/// # Errors
/// [`StoreError`] where the history cannot be read.
pub fn verify(name: &str, look: &Look) -> Result<Verified, StoreError> {
    if look.past.is_cut_off()? {
        let (org, seq, as_of) = (name.to_owned(), look.org.position(), look.org.at());
        return Ok(Verified { org, seq, as_of, rows: 0, ok: None, differences: Vec::new() });
    }
    let rows = look.past.rows()?;
    let recount = Recount::of(&look.org, &rows);
    let differences = recount.differences(&look.org);
    Ok(Verified {
        org: name.to_owned(),
        seq: look.org.position(),
        as_of: look.org.at(),
        rows: recount.rows,
        ok: Some(differences.is_empty()),
        differences,
    })
}
