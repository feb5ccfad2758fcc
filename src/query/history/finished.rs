//! The call log: calls that are over, newest first.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::line::{CallFacts, EntityOf, HistoryLine};
use super::wanted::{HistoryOf, Wanted};
use super::{HistoryError, HistoryPage, gather};
use crate::book::desk::Desk;
use crate::ledger::price::CreditType;
use crate::ledger::units::{Credits, Timestamp};

/// A call that is over, or what became of its charge later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FinishedCall {
    /// The record and item of the entry.
    #[schemars(extend("pattern" = "^[0-9]+\\.[0-9]+$"))]
    pub seq: String,
    /// `ended`; `orphaned` where it was closed without its end; `voided` where its charge was taken back, and `corrected` where what the
    /// closing took was given back.
    #[schemars(extend("enum" = ["ended", "orphaned", "voided", "corrected"]))]
    pub state: &'static str,
    /// The log's time.
    #[schemars(extend("format" = "date-time"))]
    pub at: String,
    /// When it ended, was closed, or was taken back.
    #[schemars(extend("format" = "date-time"))]
    pub time: String,
    /// What it was.
    #[serde(flatten)]
    pub call: CallFacts,
    /// What it cost.
    pub credits: BTreeMap<CreditType, Credits>,
    /// What was given back of it.
    pub credits_back: BTreeMap<CreditType, Credits>,
    /// The kind of action.
    pub action: Option<Box<str>>,
    /// The actions that shared its seconds.
    pub add_ons: Vec<Box<str>>,
    /// Who spent.
    pub account: Option<Box<str>>,
    /// What spent.
    pub entity: Option<EntityOf>,
    /// Who spent.
    pub user: Option<Box<str>>,
    /// Who spent.
    pub team: Option<Box<str>>,
    /// On what.
    pub feature: Option<Box<str>>,
}

impl FinishedCall {
    /// The call of a row of the history; none where that is about none.
    pub(super) fn of(line: HistoryLine) -> Option<FinishedCall> {
        let HistoryLine { seq, kind, at, time, came, went, call, action, add_ons, .. } = line;
        let HistoryLine { account, entity, user, team, feature, .. } = line;
        let state = match kind {
            "charge" => "ended",
            "call_closed" => "orphaned",
            "void" => "voided",
            _ => "corrected",
        };
        let (credits, credits_back) = (went, came);
        let who = (account, entity, user, team, feature);
        let (account, entity, user, team, feature) = who;
        Some(FinishedCall {
            seq,
            state,
            at,
            time,
            call: call?,
            credits,
            credits_back,
            action,
            add_ons,
            account,
            entity,
            user,
            team,
            feature,
        })
    }
}

/// A page of an organization's calls that are over. None for one that is not known. Reads, and waits: not for the threads of a
/// runtime.
///
/// # Errors
/// As [`history`](super::history).
pub fn finished_calls(
    desk: &Desk,
    org: &str,
    of: &HistoryOf,
    now: Timestamp,
) -> Result<Option<HistoryPage<FinishedCall>>, HistoryError> {
    let wanted = Wanted::check(of, true)?;
    let Some(gathered) = gather(desk, org, &wanted)? else { return Ok(None) };
    Ok(Some(gathered.page(org, now, FinishedCall::of)))
}
