//! Limits, as commands and plans spell them.

use std::collections::BTreeMap;

use super::{INVALID, credit_type};
use crate::model::Reason;
use crate::model::fields::{self, Object, needed};
use crate::model::limits::{Dimension, Limit, Measure, Unit, Window};

/// The most limits of a plan.
const MOST: usize = 32;
/// What a limit says, wherever it stands.
const FIELDS: [&str; 7] = ["id", "on", "credits", "quantity", "credit_type", "window", "hard"];

/// The limits of a plan by their names, none of them twice.
pub fn of_plan(data: &Object) -> Result<BTreeMap<String, Limit>, Reason> {
    let mut limits = BTreeMap::new();
    for value in fields::list(data, "limits")?.into_iter().flatten() {
        let data = value.as_object().ok_or(INVALID)?;
        fields::only(data, &FIELDS)?;
        let id = needed(fields::text(data, "id")?)?;
        if limits.insert(id, limit(data, false)?.ok_or(INVALID)?).is_some() || limits.len() > MOST {
            return Err(INVALID);
        }
    }
    Ok(limits)
}

/// A limit of an organization's own; none where it is switched off.
pub fn put(data: &Object) -> Result<(String, Option<Limit>), Reason> {
    fields::only(data, &[&FIELDS[..], &["off", "reason", "by", "org"]].concat())?;
    let id = needed(fields::text(data, "id")?)?;
    let off = fields::boolean(data, "off")?.unwrap_or(false);
    Ok((id, limit(data, off)?))
}

/// What is switched off need not say how much, but what it says must be well formed.
fn limit(data: &Object, off: bool) -> Result<Option<Limit>, Reason> {
    let on = fields::object(data, "on")?.map(on).transpose()?.unwrap_or_default();
    let much = much(data)?;
    let hard = fields::boolean(data, "hard")?.unwrap_or(false);
    let window = window(data)?;
    if off {
        return Ok(None);
    }
    let (unit, max) = much.ok_or(INVALID)?;
    let window = needed(window)?;
    Ok(Some(Limit { measure: Measure { on, unit, window }, max, hard }))
}

fn much(data: &Object) -> Result<Option<(Unit, i128)>, Reason> {
    let kind = credit_type(data)?;
    let quantity = fields::integer(data, "quantity", 0..=i128::from(i64::MAX))?;
    match (fields::amount(data, "credits")?, quantity, kind) {
        (None, None, None) => Ok(None),
        (None, Some(things), None) => Ok(Some((Unit::Quantity, things))),
        (Some(amount), None, kind) => {
            Ok(Some((Unit::Credits(kind.unwrap_or("credits".to_string())), amount)))
        }
        _ => Err(INVALID),
    }
}

/// How long is counted.
pub(super) fn window(data: &Object) -> Result<Option<Window>, Reason> {
    let word = fields::word(data, "window", &["day", "week", "month", "cycle", "life"])?;
    Ok(word.map(|word| match word {
        "day" => Window::Day,
        "week" => Window::Week,
        "month" => Window::Month,
        "cycle" => Window::Cycle,
        _ => Window::Life,
    }))
}

/// Whose use: none, one or two of these.
fn on(data: &Object) -> Result<BTreeMap<Dimension, Option<String>>, Reason> {
    let named = [
        ("account", Dimension::Account),
        ("user", Dimension::User),
        ("team", Dimension::Team),
        ("feature", Dimension::Feature),
        ("action", Dimension::Action),
    ];
    fields::only(data, &["account", "user", "team", "feature", "action", "entity"])?;
    let mut on = BTreeMap::new();
    for (name, dimension) in named {
        if let Some(value) = fields::text(data, name)? {
            on.insert(dimension, one_or_each(value));
        }
    }
    if let Some(entity) = fields::object(data, "entity")? {
        fields::only(entity, &["type", "id"])?;
        let kind = needed(fields::text(entity, "type")?)?;
        on.insert(Dimension::Entity(kind), one_or_each(needed(fields::text(entity, "id")?)?));
    }
    if on.len() > 2 { Err(INVALID) } else { Ok(on) }
}

/// `*` is each by itself.
fn one_or_each(value: String) -> Option<String> {
    (value != "*").then_some(value)
}
