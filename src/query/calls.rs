//! Live calls: which there are, and what each has cost so far.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::history::EntityOf;
use super::page::{AsOf, Dated, PageError, PageMeta, page_length};
use crate::book::Book;
use crate::ledger::calls::{Calls, LiveCall};
use crate::ledger::entry::Dimensions;
use crate::ledger::org::CallBurn;
use crate::ledger::price::{CreditType, Direction};
use crate::ledger::units::{Credits, EventId, Timestamp};
use crate::wire::{self, time};

/// Which part of an organization's live calls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CallsOf {
    /// `live`, or nothing: those that are over are part of the history.
    pub state: Option<String>,
    /// Where the page begins: `next` of the one before.
    pub cursor: Option<String>,
    /// The most calls on it: 1 to 1,000, 100 where nothing is said.
    pub limit: Option<usize>,
}

/// A page of live calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CallPage {
    /// How many are live, be they talked or ringing.
    pub live: usize,
    /// What those that are talked do to each kind of credits.
    pub burn: Vec<BurnLine>,
    /// In an order that stays, and means nothing.
    pub data: Vec<CallState>,
    /// Where the next page is, and of when this one is.
    pub meta: PageMeta,
}

/// What running calls do to one kind of credits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct BurnLine {
    /// The kind.
    pub credit_type: CreditType,
    /// How many calls are talked that cost such credits.
    pub running: u64,
    /// What they burn a minute.
    pub per_minute: Credits,
    /// What they have cost so far.
    pub pending: Credits,
    /// What is set aside for others.
    pub held: Credits,
    /// What they may still take; none where calls are not bounded.
    pub headroom: Option<Credits>,
    /// How many seconds that lasts at this rate; none where it has no end.
    pub seconds_left: Option<u64>,
    /// By how much they may overspend; none where calls are not bounded.
    pub worst_case_overspend: Option<Credits>,
}

impl From<CallBurn> for BurnLine {
    fn from(burn: CallBurn) -> BurnLine {
        let CallBurn { credit_type, running, per_minute, pending, held, headroom, seconds_left, worst_case } =
            burn;
        let worst_case_overspend = worst_case;
        BurnLine {
            credit_type,
            running,
            per_minute,
            pending,
            held,
            headroom,
            seconds_left,
            worst_case_overspend,
        }
    }
}

/// A live call as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CallState {
    /// Who tells of it.
    pub source: String,
    /// Its id there.
    pub call_id: String,
    /// `ringing` or `answered`.
    #[schemars(extend("enum" = ["ringing", "answered"]))]
    pub state: &'static str,
    /// Whether it was cut off: its credits have ended, and it is to be over.
    pub cut_off: bool,
    /// When it began to ring, if that was told.
    #[schemars(extend("format" = "date-time"))]
    pub started_at: Option<String>,
    /// When it was answered.
    #[schemars(extend("format" = "date-time"))]
    pub answered_at: Option<String>,
    /// How long it has lasted, as far as it counts.
    pub duration_ms: u64,
    /// What it has cost so far, by kind of credits.
    pub credits: BTreeMap<CreditType, Credits>,
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
    pub who: Who,
}

impl CallState {
    fn of(call: &LiveCall, cut_off: bool, now: Timestamp) -> CallState {
        let name = call.name();
        let credits = call.credit_types().map(|kind| (kind, call.cost(kind, now)));
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
            who: Who::of(call.dimensions()),
        }
    }
}

/// The dimensions that were told, as an event has them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Who {
    /// Who spends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// What spends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entity: Option<EntityOf>,
    /// On what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feature: Option<String>,
    /// Who spends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// Who spends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

impl Who {
    fn of(of: Dimensions<'_>) -> Who {
        let text = |text: Option<&str>| text.map(str::to_owned);
        let short = |text: Option<&str>| text.map(Box::from);
        let entity = of.entity_type.map(|kind| EntityOf {
            entity_type: kind.into(),
            id: short(of.entity_id),
            name: short(of.entity_name),
        });
        let (account, feature) = (text(of.account), text(of.feature));
        Who { account, entity, feature, team: text(of.team), user: text(of.user) }
    }
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
    let catalog = book.catalog();
    let page = book.read(org, |slot| {
        let at = now.max(slot.org.at());
        let known = slot.org.calls();
        let cut_off = |key| known.is_some_and(|calls| calls.is_cut_off(key));
        let mut calls = known.into_iter().flat_map(|calls| calls.live_from(from));
        let data =
            calls.by_ref().take(most).map(|(key, call)| CallState::of(call, cut_off(key), at)).collect();
        let next = calls.next().map(|(key, _)| wire::hold_id(key));
        let live = known.map_or(0, Calls::count);
        let burn = slot.org.call_burns(at, &catalog).into_iter().map(BurnLine::from).collect();
        CallPage { live, burn, data, meta: PageMeta { next, as_of: AsOf::of(&slot.org, now) } }
    });
    Ok(page)
}

/// A live call of that identity as it is at `now`.
#[must_use]
pub fn live_call(book: &Book, org: &str, key: EventId, now: Timestamp) -> Option<Dated<CallState>> {
    book.read(org, |slot| {
        let (at, calls) = (now.max(slot.org.at()), slot.org.calls()?);
        let call = calls.live_from(key).next().filter(|(known, _)| *known == key);
        call.map(|(_, call)| Dated {
            told: CallState::of(call, calls.is_cut_off(key), at),
            as_of: AsOf::of(&slot.org, now),
        })
    })?
}
