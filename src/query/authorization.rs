//! Answers to whether something may start, and the holds there are.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::balance::{instant, text};
use super::page::{AsOf, PageError, PageMeta, page_length};
use crate::book::Book;
use crate::book::desk::Grounds;
use crate::book::promises::Decision;
use crate::ledger::authorization::Granted;
use crate::ledger::calls::{Amounts, Hold};
use crate::ledger::price::CreditType;
use crate::ledger::units::{Credits, EventId, Position, Timestamp};
use crate::wire::{self, time};

/// Credits of each kind.
type ByKind = BTreeMap<CreditType, Credits>;

/// The answer to whether something may start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Authorized {
    /// Whether it may.
    pub allowed: bool,
    /// `ok`, `unchecked`, `unavailable`, or why not as a rejection says it.
    pub reason: &'static str,
    /// Why not, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// How long the call may be talked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub granted_seconds: Option<u64>,
    /// How many of the action there may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub granted_quantity: Option<u64>,
    /// What is held, by this name; none where nothing is.
    pub hold_id: Option<String>,
    /// How much is held, by kind of credits.
    pub held: ByKind,
    /// Until when.
    #[schemars(extend("format" = "date-time"))]
    pub valid_until: Option<String>,
    /// By how much all running calls may overspend; none where calls are not bounded.
    pub worst_case_overspend: Option<ByKind>,
    /// What may be spent, by kind of credits: without the overdraft.
    pub available: ByKind,
    /// What a switch is to do that gets no answer.
    #[schemars(extend("enum" = ["refuse", "allow"]))]
    pub on_failure: &'static str,
    /// The instant it is for.
    #[serde(serialize_with = "instant")]
    pub as_of: Timestamp,
    /// The last entry it knows of.
    #[serde(serialize_with = "text")]
    pub seq: Position,
}

/// What something would cost, and whether it might start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Quoted {
    /// What the first increment costs, or one action.
    pub first: ByKind,
    /// What all that was asked for costs.
    pub price: ByKind,
    /// The answer there would be.
    #[serde(flatten)]
    pub answer: Authorized,
}

/// A page of holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HoldPage {
    /// In an order that stays, and means nothing.
    pub data: Vec<HoldState>,
    /// Where the next page is, and of when this one is.
    pub meta: PageMeta,
}

/// A hold as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HoldState {
    /// Its name.
    pub hold_id: String,
    /// Who will tell of the call or the action.
    pub source: String,
    /// The id of the call, or of the action's event, there.
    pub id: String,
    /// The kind of action.
    pub action: String,
    /// How much is held, by kind of credits.
    pub held: ByKind,
    /// Until when.
    #[serde(serialize_with = "instant")]
    pub valid_until: Timestamp,
}

/// Which part of an organization's holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HoldsOf {
    /// Where the page begins: `next` of the one before.
    pub cursor: Option<String>,
    /// The most holds on it: 1 to 1,000, 100 where nothing is said.
    pub limit: Option<usize>,
}

/// A decision for people and machines.
#[must_use]
pub fn authorized(decision: &Decision, grounds: Grounds, is_call: bool) -> Authorized {
    let answer = &decision.answer;
    let granted = answer.verdict.as_ref().ok().filter(|_| grounds != Grounds::Unavailable);
    let quantity = granted.map(|granted| granted.quantity);
    let hold = decision.hold.as_ref().filter(|hold| grounds == Grounds::Known && !hold.amounts.is_empty());
    let (reason, detail) = match (&answer.verdict, grounds) {
        (Err(rejection), _) => (rejection.reason.slug(), Some(rejection.to_string())),
        (Ok(_), Grounds::Known) => ("ok", None),
        (Ok(_), Grounds::Unchecked) => ("unchecked", None),
        (Ok(_), Grounds::Unavailable) => {
            let why = "nobody knows the balance now, see /readyz; the plan's calls.on_failure decides";
            ("unavailable", Some(why.to_owned()))
        }
    };
    Authorized {
        allowed: granted.is_some(),
        reason,
        detail,
        granted_seconds: quantity.filter(|_| is_call),
        granted_quantity: quantity.filter(|_| !is_call),
        hold_id: hold.map(|hold| wire::hold_id(hold.key())),
        held: hold.map_or_else(ByKind::new, |hold| amounts(&hold.amounts)),
        valid_until: hold.map(|hold| time::format(hold.until)),
        worst_case_overspend: answer.worst_case.as_ref().map(amounts),
        available: amounts(&answer.available),
        on_failure: decision.terms.on_failure.slug(),
        as_of: decision.at,
        seq: decision.position,
    }
}

/// What something would cost. Nothing is held.
#[must_use]
pub fn quoted(decision: &Decision, is_call: bool) -> Quoted {
    let granted = decision.answer.verdict.as_ref().ok();
    let of = |of: fn(&Granted) -> &Amounts| granted.map(of).map_or_else(ByKind::new, amounts);
    let mut answer = authorized(decision, Grounds::Known, is_call);
    (answer.hold_id, answer.valid_until, answer.held) = (None, None, ByKind::new());
    Quoted { first: of(|granted| &granted.first), price: of(|granted| &granted.price), answer }
}

fn amounts(amounts: &Amounts) -> ByKind {
    amounts.iter().map(|(kind, amount)| (*kind, *amount)).collect()
}

/// A page of an organization's holds at `now`. None for one that is not known.
///
/// # Errors
/// [`PageError`] for a page that cannot be.
pub fn holds(book: &Book, org: &str, page: &HoldsOf, now: Timestamp) -> Result<Option<HoldPage>, PageError> {
    let most = page_length(page.limit)?;
    let from = match &page.cursor {
        Some(cursor) => {
            wire::read_hold_id(cursor).ok_or_else(|| PageError::Cursor(cursor.chars().take(80).collect()))?
        }
        None => EventId::default(),
    };
    let page = book.read(org, |slot| {
        let calls = slot.org.calls().into_iter().flat_map(|calls| calls.holds_from(from));
        let mut held = calls.filter(|(_, hold)| hold.until > now);
        let data = held.by_ref().take(most).map(|(_, hold)| HoldState::of(hold)).collect();
        let next = held.next().map(|(key, _)| wire::hold_id(key));
        HoldPage { data, meta: PageMeta { next, as_of: AsOf::of(&slot.org, now) } }
    });
    Ok(page)
}

impl HoldState {
    /// A hold for people and machines.
    #[must_use]
    pub fn of(hold: &Hold) -> HoldState {
        HoldState {
            hold_id: wire::hold_id(hold.key()),
            source: hold.source.to_string(),
            id: hold.id.to_string(),
            action: hold.action.to_string(),
            held: amounts(&hold.amounts),
            valid_until: hold.until,
        }
    }
}
