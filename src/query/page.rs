//! Pages of lists, and of when an answer is: what every answer about an organization says.

use schemars::JsonSchema;
use serde::Serialize;

use super::balance::{instant, text};
use crate::ledger::org::Org;
use crate::ledger::units::{Position, Timestamp};

/// The most lines on one page.
const MOST_ON_A_PAGE: usize = 1_000;

/// So many where nothing is said.
const USUALLY_ON_A_PAGE: usize = 100;

/// Why a page cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// A page without a line, or too long.
    #[error("limit={0} is not possible; write 1 to {MOST_ON_A_PAGE}")]
    Length(usize),
    /// A cursor that no page told.
    #[error("cursor: {0:?} is none; take it from meta.next of the page before")]
    Cursor(String),
    /// A choice that there is for entities alone.
    #[error("{0}: only entities can be chosen by it; leave it out")]
    OnlyEntities(&'static str),
}

/// The most lines on a page that is so long, or of the usual length where nothing is said.
pub(super) fn page_length(limit: Option<usize>) -> Result<usize, PageError> {
    let most = limit.unwrap_or(USUALLY_ON_A_PAGE);
    if (1..=MOST_ON_A_PAGE).contains(&most) { Ok(most) } else { Err(PageError::Length(most)) }
}

/// Of when an answer about an organization is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AsOf {
    /// The record and item of the organization's last entry.
    #[serde(serialize_with = "text")]
    pub seq: Position,
    /// The instant of the answer.
    #[serde(serialize_with = "instant")]
    pub as_of: Timestamp,
    /// The zone of the organization's days and months.
    pub zone: String,
}

impl AsOf {
    /// As an organization stands at `now`, or at its last entry where that is later.
    #[must_use]
    pub fn of(org: &Org, now: Timestamp) -> AsOf {
        AsOf { seq: org.position(), as_of: now.max(org.at()), zone: org.zone().to_string() }
    }
}

/// One thing, and of when that is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "{T}AsOf")]
pub struct Dated<T> {
    /// What it is.
    #[serde(flatten)]
    pub told: T,
    /// Of when.
    #[serde(flatten)]
    pub as_of: AsOf,
}

/// Where the next page is, and of when this one is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PageMeta {
    /// The cursor of the next page; none where this is the last.
    pub next: Option<String>,
    /// Of when it is.
    #[serde(flatten)]
    pub as_of: AsOf,
}
