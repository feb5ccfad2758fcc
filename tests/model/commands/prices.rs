//! Price lists, as commands spell them.

use std::collections::BTreeMap;

use super::{INVALID, credit_type};
use crate::model::catalog::{Destination, Increment, Minute, Price, Prices, Tariff, Tariffed};
use crate::model::fields::{self, Object, needed};
use crate::model::read::is_digits;
use crate::model::{Micros, Reason};

/// Prices by action.
pub fn prices(data: &Object) -> Result<Prices, Reason> {
    let named = data.iter().map(|(action, value)| {
        let known = (1..=256).contains(&action.len());
        let price = value.as_object().filter(|_| known).ok_or(INVALID)?;
        Ok((action.clone(), self::price(price)?))
    });
    named.collect::<Result<BTreeMap<_, _>, _>>()
}

fn price(data: &Object) -> Result<Price, Reason> {
    let per_action = fields::amount(data, "per_action")?;
    let per_units = fields::amount(data, "per_units")?;
    let per_minute = fields::amount(data, "per_minute")?;
    let known: &[&str] = match (&per_action, &per_units) {
        (Some(_), _) => &["per_action"],
        (_, Some(_)) => &["per_units", "units", "started"],
        _ => &["per_minute", "increment", "connect_fee", "minimum", "inbound", "outbound", "destinations"],
    };
    fields::only(data, &[known, &["credit_type"]].concat())?;
    let tariffed = match (per_action, per_units, per_minute) {
        (Some(amount), None, None) => Tariffed::Action(amount),
        (None, Some(amount), None) => Tariffed::Units {
            amount,
            units: needed(fields::integer(data, "units", 1..=1_000_000_000_000)?)?,
            started: fields::boolean(data, "started")?.unwrap_or(false),
        },
        (None, None, Some(rate)) => Tariffed::Minute(minute(data, rate)?),
        _ => return Err(INVALID),
    };
    Ok(Price { credit_type: credit_type(data)?.unwrap_or("credits".to_string()), tariffed })
}

fn minute(data: &Object, rate: Micros) -> Result<Minute, Reason> {
    let base = Tariff { rate, connect_fee: fields::amount(data, "connect_fee")?.unwrap_or(0) };
    let directed = |name: &str| {
        let nothing = Object::new();
        tariff(fields::object(data, name)?.unwrap_or(&nothing), base)
    };
    let (inbound, outbound) = (directed("inbound")?, directed("outbound")?);
    let mut destinations: Vec<Destination> = Vec::new();
    for value in fields::list(data, "destinations")?.into_iter().flatten() {
        let data = value.as_object().ok_or(INVALID)?;
        fields::only(data, &["prefix", "direction", "per_minute", "connect_fee"])?;
        let prefix = needed(fields::text(data, "prefix")?)?;
        let destination = Destination {
            direction: fields::word(data, "direction", &["inbound", "outbound"])?,
            rate: needed(fields::amount(data, "per_minute")?)?,
            connect_fee: fields::amount(data, "connect_fee")?,
            prefix,
        };
        let twice = |known: &Destination| {
            (&known.prefix, known.direction) == (&destination.prefix, destination.direction)
        };
        if !is_digits(&destination.prefix, 15) || destinations.iter().any(twice) {
            return Err(INVALID);
        }
        destinations.push(destination);
    }
    Ok(Minute {
        increment: increment(data)?.unwrap_or(Increment { initial: 60, next: 60 }),
        minimum: fields::amount(data, "minimum")?.unwrap_or(0),
        inbound,
        outbound,
        destinations,
    })
}

fn tariff(data: &Object, base: Tariff) -> Result<Tariff, Reason> {
    fields::only(data, &["per_minute", "connect_fee"])?;
    Ok(Tariff {
        rate: fields::amount(data, "per_minute")?.unwrap_or(base.rate),
        connect_fee: fields::amount(data, "connect_fee")?.unwrap_or(base.connect_fee),
    })
}

/// `"30/6"`: the first 30 seconds, then steps of 6; each 1 to 86,400.
pub fn increment(data: &Object) -> Result<Option<Increment>, Reason> {
    let Some(text) = fields::text(data, "increment")? else { return Ok(None) };
    let (initial, next) = text.split_once('/').ok_or(INVALID)?;
    let seconds = |text: &str| match text.parse() {
        Ok(seconds @ 1..=86_400) if is_digits(text, 32) => Ok(seconds),
        _ => Err(INVALID),
    };
    Ok(Some(Increment { initial: seconds(initial)?, next: seconds(next)? }))
}
