//! Limits, as commands put them and plans list them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::org::note;
use super::{invalid, missing, name};
use crate::ledger::limits::{Field, Limit, MOST_PARTS, Measure, On, Own, Part, Unit, Window};
use crate::ledger::movement::Note;
use crate::ledger::price::CreditType;
use crate::ledger::rejection::Rejection;
use crate::wire::catalog::Amount;

/// The most limits of a plan.
const MOST_OF_A_PLAN: usize = 32;

/// What stands for each value by itself.
const EACH: &str = "*";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenLimit {
    id: Box<str>,
    #[serde(default)]
    on: WrittenOn,
    #[serde(default)]
    credits: Option<Amount>,
    #[serde(default)]
    credit_type: Option<CreditType>,
    #[serde(default)]
    quantity: Option<u64>,
    #[serde(default)]
    window: Option<Window>,
    #[serde(default)]
    hard: bool,
    #[serde(default)]
    off: Option<bool>,
    #[serde(default)]
    reason: Option<Box<str>>,
    #[serde(default)]
    by: Option<Box<str>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WrittenOn {
    account: Option<Box<str>>,
    user: Option<Box<str>>,
    team: Option<Box<str>>,
    feature: Option<Box<str>>,
    action: Option<Box<str>>,
    entity: Option<WrittenEntity>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenEntity {
    #[serde(rename = "type")]
    kind: Box<str>,
    id: Box<str>,
}

impl WrittenLimit {
    pub(super) fn check(mut self) -> Result<Own, Rejection> {
        let note = note(self.reason.take(), self.by.take())?;
        let off = self.off == Some(true);
        // Whoever switches a limit off need not say what it was.
        let says_how_much = self.credits.is_some() || self.quantity.is_some();
        let (id, limit) = if off && !says_how_much && self.window.is_none() {
            self.on.check()?;
            (name("id", self.id)?, None)
        } else {
            let limit = self.limit()?;
            (limit.id.clone(), (!off).then(|| Arc::new(limit)))
        };
        Ok(Own { id, limit, note: (note != Note::default()).then(|| Box::new(note)) })
    }

    fn limit(self) -> Result<Limit, Rejection> {
        let id = name("id", self.id)?;
        let (unit, max) = match (self.credits, self.quantity) {
            (Some(credits), None) => {
                (Unit::Credits(self.credit_type.unwrap_or_default()), Measure::of_credits(credits.0))
            }
            (None, Some(_)) if self.credit_type.is_some() => {
                return Err(invalid("credit_type", "a quantity is of things, not of credits; leave it out"));
            }
            (None, Some(quantity)) => (Unit::Quantity, Measure::of_quantity(quantity)),
            (None, None) => return Err(invalid("credits", "give exactly one of credits and quantity")),
            (Some(_), Some(_)) => {
                return Err(invalid("quantity", "give exactly one of credits and quantity"));
            }
        };
        let window = self.window.ok_or_else(|| missing("window"))?;
        Ok(Limit { id, on: self.on.check()?, unit, max, window, hard: self.hard })
    }
}

impl WrittenOn {
    fn check(self) -> Result<On, Rejection> {
        let mut parts = Vec::new();
        let mut add = |field: Field, value: Box<str>| {
            let value = name("on", value)?;
            parts.push(Part { field, value: Some(value).filter(|value| **value != *EACH) });
            Ok::<(), Rejection>(())
        };
        let texts = [
            (Field::Account, self.account),
            (Field::User, self.user),
            (Field::Team, self.team),
            (Field::Feature, self.feature),
            (Field::Action, self.action),
        ];
        for (field, value) in texts {
            value.map_or(Ok(()), |value| add(field, value))?;
        }
        if let Some(WrittenEntity { kind, id }) = self.entity {
            let kind = name("on", kind)?;
            if *kind == *EACH {
                return Err(invalid(
                    "on",
                    "the type of an entity cannot be \"*\"; name one, or leave it out",
                ));
            }
            add(Field::Entity(kind), id)?;
        }
        let named = parts.len();
        On::new(parts).ok_or_else(|| invalid("on", format!("{named} fields; name up to {MOST_PARTS}")))
    }
}

/// The limits of a plan in the order of their names.
pub(super) fn check_limits(written: Vec<WrittenLimit>) -> Result<Vec<Arc<Limit>>, Rejection> {
    if written.len() > MOST_OF_A_PLAN {
        return Err(invalid("limits", format!("list up to {MOST_OF_A_PLAN}")));
    }
    let of_limits = |rejection: Rejection| {
        let Rejection { reason, field, detail } = rejection;
        Rejection::new(reason, "limits", format!("{field}: {detail}"))
    };
    let mut limits = BTreeMap::new();
    for limit in written {
        if limit.off.is_some() || limit.reason.is_some() || limit.by.is_some() {
            let why = "off, reason and by are for the limits of an organization; leave them out";
            return Err(invalid("limits", why));
        }
        let limit = limit.limit().map_err(of_limits)?;
        if let Some(twice) = limits.insert(limit.id.clone(), Arc::new(limit)) {
            return Err(invalid("limits", format!("{:?} is listed twice; keep one", twice.id)));
        }
    }
    Ok(limits.into_values().collect())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenLimitRemoval {
    id: Box<str>,
    #[serde(default)]
    reason: Option<Box<str>>,
    #[serde(default)]
    by: Option<Box<str>>,
}

impl WrittenLimitRemoval {
    pub(super) fn check(self) -> Result<Box<str>, Rejection> {
        note(self.reason, self.by)?;
        name("id", self.id)
    }
}
