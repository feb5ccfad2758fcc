//! Live calls: which there are, and what each has cost so far.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::limits::{PageError, PageMeta, page_length};
use crate::book::Book;
use crate::ledger::calls::LiveCall;
use crate::ledger::entry::Dimensions;
use crate::ledger::price::Direction;
use crate::ledger::units::{EventId, Timestamp};
use crate::wire::{self, time};

/// Which part of an organization's live calls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CallsOf {
    /// Where the page begins: `next` of the one before.
    pub cursor: Option<String>,
    /// The most calls on it: 1 to 1,000, 100 where nothing is said.
    pub limit: Option<usize>,
}

/// A page of live calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CallPage {
    /// In an order that stays, and means nothing.
    pub data: Vec<CallState>,
    /// Where the next page is.
    pub meta: PageMeta,
}

/// A live call as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CallState {
    /// Who tells of it.
    pub source: String,
    /// Its id there.
    pub call_id: String,
    /// `ringing` or `answered`.
    pub state: &'static str,
    /// Whether it was cut off: its credits have ended, and it is to be over.
    pub cut_off: bool,
    /// When it began to ring, if that was told.
    pub started_at: Option<String>,
    /// When it was answered.
    pub answered_at: Option<String>,
    /// How long it has lasted, as far as it counts.
    pub duration_ms: u64,
    /// What it has cost so far, by kind of credits.
    pub credits: Map<String, Value>,
    /// Who called whom, if that was told.
    pub direction: Option<Direction>,
    /// The number called, if that was told.
    pub destination: Option<String>,
    /// The kind of action.
    pub action: String,
    /// The actions that share its seconds.
    pub add_ons: Vec<String>,
    /// Who spends: what was told of it.
    #[serde(flatten)]
    pub who: Map<String, Value>,
}

impl CallState {
    fn of(call: &LiveCall, cut_off: bool, now: Timestamp) -> CallState {
        let name = call.name();
        let credits = call.credit_types().map(|kind| (kind.to_string(), json!(call.cost(kind, now))));
        CallState {
            source: name.source.to_owned(),
            call_id: name.id.to_owned(),
            state: if call.answered().is_some() { "answered" } else { "ringing" },
            cut_off,
            started_at: call.started().map(time::format),
            answered_at: call.answered().map(time::format),
            duration_ms: call.lasted(now).0,
            credits: credits.collect(),
            direction: call.direction(),
            destination: call.destination().map(str::to_owned),
            action: call.action().to_owned(),
            add_ons: call.add_ons().unwrap_or_default().into_iter().map(str::to_owned).collect(),
            who: who(call.dimensions()),
        }
    }
}

/// The dimensions that were told, as an event has them.
fn who(of: Dimensions<'_>) -> Map<String, Value> {
    let texts = [("account", of.account), ("user", of.user), ("team", of.team), ("feature", of.feature)];
    let told = texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), json!(text?))));
    let entity = of.entity_type.map(|kind| {
        let entity = json!({ "type": kind, "id": of.entity_id, "name": of.entity_name });
        ("entity".to_owned(), entity)
    });
    told.chain(entity).collect()
}

/// A page of an organization's live calls, as they are at `now`. None for one that is not known.
///
/// # Errors
/// [`PageError`] for a page that cannot be.
pub fn calls(book: &Book, org: &str, page: &CallsOf, now: Timestamp) -> Result<Option<CallPage>, PageError> {
    let most = page_length(page.limit)?;
    let from = match &page.cursor {
        Some(cursor) => {
            wire::read_hold_id(cursor).ok_or_else(|| PageError::Cursor(cursor.chars().take(80).collect()))?
        }
        None => EventId::default(),
    };
    let page = book.read(org, |slot| {
        let at = now.max(slot.org.at());
        let known = slot.org.calls();
        let cut_off = |key| known.is_some_and(|calls| calls.is_cut_off(key));
        let mut calls = known.into_iter().flat_map(|calls| calls.live_from(from));
        let data =
            calls.by_ref().take(most).map(|(key, call)| CallState::of(call, cut_off(key), at)).collect();
        let next = calls.next().map(|(key, _)| wire::hold_id(key));
        CallPage { data, meta: PageMeta { next } }
    });
    Ok(page)
}
