//! From an item on a commands subject to a command.

use std::collections::BTreeMap;

use serde_json::Value;

use super::catalog::{Destination, Increment, Minute, Plan, Price, Prices, Release, Tariff, Tariffed};
use super::fields::{self, Object, needed};
use super::read::{Item, is_digits};
use super::watch::{Limit, Rule};
use super::{Instant, Micros, Reason};

const INVALID: Reason = "invalid_field";

/// Something we are told.
pub enum Command {
    /// A version of a rate card.
    Card {
        /// The card.
        id: String,
        /// Its version.
        release: Release,
        /// The prices by action.
        prices: Prices,
    },
    /// A version of a plan.
    Plan {
        /// The plan.
        id: String,
        /// Its version.
        release: Release,
        /// What it says.
        plan: Plan,
    },
    /// An organization's terms.
    Org(Terms),
    /// Credits given.
    Grant(Order),
}

/// The plan of an organization and its own deviations.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    /// The plan.
    pub plan: String,
    /// Stronger than the plan's.
    pub increment: Option<Increment>,
    /// Stronger than the card's, action by action.
    pub prices: Prices,
    /// Instead of the plan's.
    pub alerts: Option<Vec<Rule>>,
}

/// Credits to be given.
#[derive(Clone, Debug)]
pub struct Order {
    /// The grant's name, if it has one.
    pub id: Option<String>,
    /// The kind of credit.
    pub credit_type: String,
    /// How much.
    pub amount: Micros,
    /// `plan`, `bonus` or `purchased`.
    pub kind: &'static str,
    /// Lower burns first.
    pub priority: i128,
    /// Usable from; from now on if not given.
    pub effective: Option<Instant>,
    /// Usable until.
    pub expires: Option<Instant>,
}

/// The command that an item on the subject of `org` (or of `_catalog`) is.
pub fn command(item: &Item, org: &str) -> Result<Command, Reason> {
    let envelope = item.as_ref().map_err(|reason| *reason)?;
    let data = &envelope.data;
    match (envelope.kind(), org == "_catalog") {
        ("creditd.rate_card.put.v1", true) => {
            fields::only(data, &["id", "version", "effective_from", "prices"])?;
            let prices = prices(needed(fields::object(data, "prices")?)?)?;
            Ok(Command::Card { id: needed(fields::text(data, "id")?)?, release: release(data)?, prices })
        }
        ("creditd.plan.put.v1", true) => Ok(Command::Plan {
            id: needed(fields::text(data, "id")?)?,
            release: release(data)?,
            plan: plan(data)?,
        }),
        ("creditd.org.put.v1", false) => terms(data, org).map(Command::Org),
        ("creditd.grant.v1", false) => grant(data, org).map(Command::Grant),
        _ => Err("unknown_type"),
    }
}

fn same_org(data: &Object, org: &str) -> Result<(), Reason> {
    let other = fields::text(data, "org")?.is_some_and(|named| named != org);
    if other { Err("org_mismatch") } else { Ok(()) }
}

fn release(data: &Object) -> Result<Release, Reason> {
    let number = needed(fields::integer(data, "version", 1..=4_294_967_295)?)?;
    Ok(Release { number, effective_from: fields::instant(data, "effective_from")? })
}

fn plan(data: &Object) -> Result<Plan, Reason> {
    let known = ["id", "version", "effective_from", "rate_card", "increment", "when_exhausted", "alerts"];
    fields::only(data, &known)?;
    let policy = fields::word(data, "when_exhausted", &["overage", "reject"])?;
    let standard =
        || [60, 30, 10, 0].map(|percent| Rule { limit: Limit::Percent(percent), credit_type: None });
    Ok(Plan {
        card: needed(fields::text(data, "rate_card")?)?,
        increment: increment(data)?,
        reject: policy == Some("reject"),
        alerts: alerts(data)?.unwrap_or_else(|| standard().to_vec()),
    })
}

fn terms(data: &Object, org: &str) -> Result<Terms, Reason> {
    let nothing = Object::new();
    let overrides = fields::object(data, "overrides")?.unwrap_or(&nothing);
    let own_prices = fields::object(overrides, "prices")?.unwrap_or(&nothing);
    fields::only(data, &["plan", "overrides", "org"])?;
    fields::only(overrides, &["increment", "prices", "alerts"])?;
    let terms = Terms {
        plan: needed(fields::text(data, "plan")?)?,
        increment: increment(overrides)?,
        prices: prices(own_prices)?,
        alerts: alerts(overrides)?,
    };
    same_org(data, org)?;
    Ok(terms)
}

fn grant(data: &Object, org: &str) -> Result<Order, Reason> {
    let known = ["id", "credit_type", "amount", "kind", "priority", "effective", "expires", "org"];
    fields::only(data, &known)?;
    let order = Order {
        id: fields::text(data, "id")?,
        credit_type: credit_type(data)?.unwrap_or("credits".to_string()),
        amount: needed(fields::amount(data, "amount")?)?,
        kind: fields::word(data, "kind", &["plan", "bonus", "purchased"])?.unwrap_or("purchased"),
        priority: fields::integer(data, "priority", 0..=255)?.unwrap_or(100),
        effective: fields::instant(data, "effective")?,
        expires: fields::instant(data, "expires")?,
    };
    let backwards =
        order.expires.zip(order.effective).is_some_and(|(expires, effective)| expires <= effective);
    if order.amount == 0 || backwards {
        return Err(INVALID);
    }
    same_org(data, org)?;
    Ok(order)
}

fn credit_type(data: &Object) -> Result<Option<String>, Reason> {
    let name = fields::text(data, "credit_type")?;
    let plain = |name: &String| {
        let sound = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        name.len() <= 16 && name.bytes().all(sound)
    };
    if name.as_ref().is_none_or(plain) { Ok(name) } else { Err(INVALID) }
}

fn alerts(data: &Object) -> Result<Option<Vec<Rule>>, Reason> {
    let Some(list) = fields::list(data, "alerts")? else { return Ok(None) };
    list.iter().map(rule).collect::<Result<_, _>>().map(Some)
}

fn rule(value: &Value) -> Result<Rule, Reason> {
    let data = value.as_object().ok_or(INVALID)?;
    fields::only(data, &["below_percent", "below", "credit_type"])?;
    let limit = match (fields::integer(data, "below_percent", 0..=100)?, fields::amount(data, "below")?) {
        (Some(percent), None) => Limit::Percent(percent),
        (None, Some(amount)) => Limit::Amount(amount),
        _ => return Err(INVALID),
    };
    Ok(Rule { limit, credit_type: credit_type(data)? })
}

fn prices(data: &Object) -> Result<Prices, Reason> {
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
fn increment(data: &Object) -> Result<Option<Increment>, Reason> {
    let Some(text) = fields::text(data, "increment")? else { return Ok(None) };
    let (initial, next) = text.split_once('/').ok_or(INVALID)?;
    let seconds = |text: &str| match text.parse() {
        Ok(seconds @ 1..=86_400) if is_digits(text, 32) => Ok(seconds),
        _ => Err(INVALID),
    };
    Ok(Some(Increment { initial: seconds(initial)?, next: seconds(next)? }))
}
