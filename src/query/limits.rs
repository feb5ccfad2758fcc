//! Limits: what is used of each, what is left, and until when.

use std::iter;

use percent_encoding::percent_decode_str;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::page::{AsOf, PageError, PageMeta, page_length};
use crate::book::Book;
use crate::ledger::catalog::Catalog;
use crate::ledger::limits::{Count, Level, Limits, Unit, Used, Window};
use crate::ledger::movement::Note;
use crate::ledger::org::Org;
use crate::ledger::price::CreditType;
use crate::ledger::units::Timestamp;
use crate::wire::{self, time};

/// Which part of an organization's limits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PageOf {
    /// Only the limit of that name.
    pub id: Option<String>,
    /// Where the page begins: `next` of the one before.
    pub cursor: Option<String>,
    /// The most limits and values on it: 1 to 1,000, 100 where nothing is said.
    pub limit: Option<usize>,
}

/// A page of limits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LimitPage {
    /// By name; the values of one limit, in their order, after the limit itself.
    pub data: Vec<LimitState>,
    /// Where the next page is, and of when this one is.
    pub meta: PageMeta,
}

/// A limit as it stands: for the whole, or for one value of those that it counts one by one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LimitState {
    /// Its name.
    pub id: Box<str>,
    /// Whose use, as it was put.
    pub on: Value,
    /// Whose use this is. None where the limit is for the whole; of one that counts each value by itself also for every value
    /// that was not used yet.
    pub value: Option<Box<str>>,
    /// `credits` or `quantity`.
    #[schemars(extend("enum" = ["credits", "quantity"]))]
    pub unit: &'static str,
    /// The kind of credits; none for a quantity.
    pub credit_type: Option<CreditType>,
    /// How much may be used, a decimal number.
    pub max: String,
    /// How much is used.
    pub used: String,
    /// How much is left; never below 0.
    pub remaining: String,
    /// The window in which it is counted.
    pub window: Window,
    /// The end of the window that runs; none for life.
    #[schemars(extend("format" = "date-time"))]
    pub resets_at: Option<String>,
    /// How far it is used up.
    pub state: Level,
    /// Whether an event past it is held against it.
    pub hard: bool,
    /// `plan` or `org`.
    #[schemars(extend("enum" = ["org", "plan"]))]
    pub whose: &'static str,
    /// Why it was put.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Box<str>>,
    /// Who put it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<Box<str>>,
}

impl LimitState {
    fn of(limits: &Limits, count: &Count, value: &str, used: Used) -> LimitState {
        let limit = &count.limit;
        let note = limits.own(&limit.id).and_then(|own| own.note.as_deref()).cloned();
        let Note { reason, by } = note.unwrap_or_default();
        let (unit, credit_type) = match limit.unit {
            Unit::Credits(credit_type) => ("credits", Some(credit_type)),
            Unit::Quantity => ("quantity", None),
        };
        LimitState {
            id: limit.id.clone(),
            on: wire::on_json(&limit.on),
            value: Some(value).filter(|value| !value.is_empty()).map(Box::from),
            unit,
            credit_type,
            max: limit.unit.show(limit.max),
            used: limit.unit.show(used.amount),
            remaining: limit.unit.show(limit.max.less(used.amount)),
            window: limit.window,
            resets_at: Some(count.span().end).filter(|end| *end != Timestamp::MAX).map(time::format),
            state: Level::of(used.amount, limit.max),
            hard: limit.hard,
            whose: if count.own { "org" } else { "plan" },
            reason,
            by,
        }
    }
}

/// A limit with one of its values, or with the empty one for the whole.
type Line<'a> = (&'a Count, &'a str, Used);

/// Every limit, followed by its values.
fn lines(limits: &Limits) -> impl Iterator<Item = Line<'_>> {
    limits.counts().iter().flat_map(|count| {
        let whole = count.used().get("").copied().unwrap_or_default();
        let values = count.used().iter().filter(|(value, _)| !value.is_empty());
        iter::once((count, "", whole)).chain(values.map(move |(value, used)| (count, &**value, *used)))
    })
}

/// A page of the limits in force as they are at `now`, or at the organization's last entry where that is later. None for an
/// organization that is not known.
///
/// # Errors
/// [`PageError`] for a page that cannot be.
pub fn limits(book: &Book, org: &str, page: &PageOf, now: Timestamp) -> Result<Option<LimitPage>, PageError> {
    let most = page_length(page.limit)?;
    let only = page.id.as_deref();
    let (id, value) = match &page.cursor {
        Some(cursor) => {
            read_cursor(cursor).ok_or_else(|| PageError::Cursor(cursor.chars().take(80).collect()))?
        }
        None => (only.unwrap_or_default().to_owned(), String::new()),
    };
    let from = (&*id, &*value);
    let copy = |org: &Org| org.with_limits_from(from, most.saturating_add(1));
    let Some((mut ahead, at)) = book.read(org, |slot| (copy(&slot.org), now.max(slot.org.at()))) else {
        return Ok(None);
    };
    let catalog = book.catalog();
    ahead.advance(at, &catalog, &mut Vec::new());
    let limits = ahead.limits_in_force(&catalog);
    let wanted = |(count, value, _): &Line<'_>| {
        (&*count.limit.id, *value) >= from && only.is_none_or(|only| *only == *count.limit.id)
    };
    let mut found = lines(&limits).filter(wanted);
    let data =
        found.by_ref().take(most).map(|(count, value, used)| LimitState::of(&limits, count, value, used));
    let data = data.collect();
    let next = found.next().map(|(count, value, _)| cursor(&count.limit.id, value));
    Ok(Some(LimitPage { data, meta: PageMeta { next, as_of: AsOf::of(&ahead, at) } }))
}

/// What is used of the limits at the last entry: without values that were not used, and without what the plan published since.
pub(super) fn used_limits(org: &Org, catalog: &Catalog) -> Vec<LimitState> {
    let limits = org.limits_in_force(catalog);
    let shown = |(count, value, _): &Line<'_>| !value.is_empty() || !count.limit.on.is_each();
    lines(&limits)
        .filter(shown)
        .map(|(count, value, used)| LimitState::of(&limits, count, value, used))
        .collect()
}

/// The cursor of a page that begins with a limit and one of its values.
fn cursor(id: &str, value: &str) -> String {
    format!("{}.{}", wire::token(id), wire::token(value))
}

fn read_cursor(cursor: &str) -> Option<(String, String)> {
    let text = |token: &str| percent_decode_str(token).decode_utf8().ok().map(String::from);
    let (id, value) = cursor.split_once('.')?;
    Some((text(id)?, text(value)?))
}
