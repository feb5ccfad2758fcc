//! What entities used, and what they will have used at the end of their lives, as their history tells it.

use std::collections::{BTreeMap, HashMap};

use schemars::JsonSchema;
use serde::Serialize;

use super::balance::instant_or_null;
use super::charged::{Charged, Standing, each_charge};
use super::names::{self, Copied, NamePage, NameState, NamesOf};
use super::page::PageError;
use crate::book::Book;
use crate::book::pipeline::Look;
use crate::ledger::names::{Card, Key, Kind};
use crate::ledger::price::CreditType;
use crate::ledger::units::{Credits, Timestamp};
use crate::store::StoreError;
use crate::wire::time;

/// What an entity used, and is going to use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Spent {
    /// What it used until now.
    pub used: Used,
    /// What it will have used at the end of its life.
    pub projection: Option<Projection>,
    /// Why there is no projection, in words.
    pub why_not: Option<String>,
}

/// What was charged to an entity, without what was taken back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Used {
    /// Of each kind that something was charged in.
    pub credits: BTreeMap<CreditType, Credits>,
    /// How many things: of the planned action where one is named, each call being one.
    pub quantity: u64,
    /// How many events were charged.
    pub charges: u64,
    /// When the earliest of them happened.
    #[serde(serialize_with = "instant_or_null")]
    pub first_charge: Option<Timestamp>,
    /// When the latest of them happened.
    #[serde(serialize_with = "instant_or_null")]
    pub last_charge: Option<Timestamp>,
}

/// What an entity will have used at the end of its life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Projection {
    /// Of each kind that something was charged in.
    pub credits: BTreeMap<CreditType, Credits>,
    /// By what it was reckoned, in words.
    pub basis: String,
}

impl Used {
    fn add(&mut self, charged: &Charged<'_>, planned_action: Option<&str>) {
        let Charged { time, ref actions, charge, .. } = *charged;
        self.charges = self.charges.saturating_add(1);
        self.first_charge = Some(self.first_charge.map_or(time, |first| first.min(time)));
        self.last_charge = self.last_charge.max(Some(time));
        for line in &charge.lines {
            let sum = self.credits.entry(line.credit_type).or_default();
            *sum = sum.plus(line.amount);
        }
        // The event's own action comes first; add-ons are no things of their own.
        let counts =
            planned_action.is_none_or(|planned| actions.first().is_some_and(|own| **own == *planned));
        if let Some(line) = charge.lines.first().filter(|_| counts) {
            self.quantity = self.quantity.saturating_add(line.basis.things());
        }
    }

    /// Every sum, times so much of so much.
    fn scaled(&self, numerator: u64, denominator: u64) -> Option<BTreeMap<CreditType, Credits>> {
        let scale = |(kind, sum): (&CreditType, &Credits)| Some((*kind, sum.scale(numerator, denominator)?));
        self.credits.iter().map(scale).collect()
    }
}

/// What an entity used and is going to use, as it is at `now`. The outer `None` is for an organization that is not known. Reads all of
/// its history: not for the threads of a runtime.
///
/// # Errors
/// [`StoreError`] where the history cannot be read.
pub fn spent(
    book: &Book,
    org: &str,
    key: Key<'_>,
    look: &Look,
    now: Timestamp,
) -> Result<Option<Option<NameState>>, StoreError> {
    let Some(found) = names::copy(book, org, key) else { return Ok(None) };
    let Some(copied) = found else { return Ok(Some(None)) };
    let mut told = tell(std::slice::from_ref(&copied), look, now)?;
    Ok(Some(told.pop()))
}

/// A page of entities, each with what it used and is going to use. None for an organization that is not known. Reads all
/// of its history, once: not for the threads of a runtime.
///
/// # Errors
/// [`StoreError`] where the history cannot be read; within, [`PageError`] for a page that cannot be.
pub fn spent_by_page(
    book: &Book,
    org: &str,
    wanted: &NamesOf,
    look: &Look,
    now: Timestamp,
) -> Result<Result<Option<NamePage>, PageError>, StoreError> {
    match names::find(book, org, Kind::Entity, wanted, now) {
        Ok(Some((found, meta))) => Ok(Ok(Some(NamePage { data: tell(&found, look, now)?, meta }))),
        Ok(None) => Ok(Ok(None)),
        Err(error) => Ok(Err(error)),
    }
}

fn tell(entities: &[Copied], look: &Look, now: Timestamp) -> Result<Vec<NameState>, StoreError> {
    let now = now.max(look.org.at());
    let used = add_up(entities, look)?;
    let told = entities.iter().zip(used).map(|(entity, used)| {
        let (projection, why_not) = match project(&used, entity.record.said(), now) {
            Ok(projection) => (Some(projection), None),
            Err(why) => (None, Some(why)),
        };
        entity.state(Some(Spent { used, projection, why_not }))
    });
    Ok(told.collect())
}

/// What each of them used, in one pass over the history.
fn add_up(entities: &[Copied], look: &Look) -> Result<Vec<Used>, StoreError> {
    let keys = entities.iter().map(|entity| (&*entity.entity_type, &*entity.id));
    let places: HashMap<(&str, &str), usize> = keys.zip(0..).collect();
    let mut used = vec![Used::default(); entities.len()];
    each_charge(look, Standing::of(&look.org), Timestamp::MIN, &mut |charged| {
        let [_, entity_type, entity_id, ..] = charged.dimensions;
        let key = entity_type.zip(entity_id);
        let place = key.and_then(|key| places.get(&key).copied());
        let found = place.and_then(|place| Some((used.get_mut(place)?, entities.get(place)?)));
        if let Some((used, entity)) = found {
            let planned = entity.record.said().and_then(|said| said.planned_action.as_deref());
            used.add(&charged, planned);
        }
        true
    })?;
    Ok(used)
}

/// What it will have used at the end of its life, or why that cannot be told.
fn project(used: &Used, card: Option<&Card>, now: Timestamp) -> Result<Projection, String> {
    let plan = card.and_then(|card| card.planned_quantity);
    let end = card.and_then(|card| card.end);
    if plan.is_none() && end.is_none() {
        return Err("neither a planned quantity nor an end is known".to_owned());
    }
    if used.charges == 0 {
        return Err("nothing was charged yet".to_owned());
    }
    let (numerator, denominator, basis) = match (plan.filter(|_| used.quantity > 0), end) {
        (Some(plan), _) => by_plan(used.quantity, plan),
        (None, Some(end)) => by_time(used, card.and_then(|card| card.start), end, now)?,
        (None, None) => return Err("nothing of what is planned was done yet".to_owned()),
    };
    let credits = used.scaled(numerator, denominator);
    let credits = credits.ok_or_else(|| "the figure is too large".to_owned())?;
    Ok(Projection { credits, basis })
}

/// In proportion to what is planned. More than that may have been done already.
fn by_plan(done: u64, plan: u64) -> (u64, u64, String) {
    if done >= plan {
        return (1, 1, format!("{done} of {plan} planned are done: what was used"));
    }
    (plan, done, format!("{done} of {plan} planned are done: used × {plan} ÷ {done}"))
}

/// In proportion to the time that has passed of its life.
fn by_time(
    used: &Used,
    start: Option<Timestamp>,
    end: Timestamp,
    now: Timestamp,
) -> Result<(u64, u64, String), String> {
    if now >= end {
        return Ok((1, 1, format!("it ended at {}: what was used", time::format(end))));
    }
    // Whoever has no start began with the first charge.
    let begin = start.or(used.first_charge).unwrap_or(now);
    if begin >= now {
        return Err(format!("it has not begun: it begins at {}", time::format(begin)));
    }
    let span = |to: Timestamp| to.micros().abs_diff(begin.micros());
    let from = if start.is_some() { "its start" } else { "its first charge" };
    let basis = format!("from {from} at {} to its end at {}", time::format(begin), time::format(end));
    Ok((span(end), span(now), format!("{basis}: used × its length ÷ what has passed of it")))
}

#[cfg(test)]
mod tests;
