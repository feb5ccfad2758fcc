//! Rate cards and plans as people write them: in TOML files and in the JSON of commands.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde_json::{Value, json};

use super::rule::{WrittenRule, check_rules};
use super::text::LONGEST_TEXT;
use crate::ledger::catalog::Catalog;
use crate::ledger::entry::{LARGEST_QUANTITY, Overrides};
use crate::ledger::price::{
    CreditType, DestinationRates, Direction, Increment, LONGEST_PREFIX, PerMinute, Price, Rate, Tariff,
};
use crate::ledger::rejection::{Reason, Rejection};
use crate::ledger::units::Credits;

/// The most prices of one rate card, and the most destinations of one price.
const MOST_PRICES: usize = 100_000;

/// A price, an amount that is not negative: a decimal string, or a whole number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Amount(pub(super) Credits);

/// An amount that may be negative, written alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SignedAmount(pub(super) Credits);

struct AmountVisitor {
    signed: bool,
}

impl Visitor<'_> for AmountVisitor {
    type Value = Credits;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an amount of credits, a decimal string such as \"12.5\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Credits, E> {
        let credits: Credits = text.parse().map_err(E::custom)?;
        if (text.starts_with('-') && !self.signed) || text.len() > LONGEST_TEXT {
            return Err(E::custom(format!(
                "{credits} is negative or too long; write an amount of 0 or more"
            )));
        }
        Ok(credits)
    }

    fn visit_u64<E: Error>(self, whole: u64) -> Result<Credits, E> {
        self.visit_str(&whole.to_string())
    }

    fn visit_i64<E: Error>(self, whole: i64) -> Result<Credits, E> {
        self.visit_str(&whole.to_string())
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AmountVisitor { signed: false }).map(Amount)
    }
}

impl<'de> Deserialize<'de> for SignedAmount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AmountVisitor { signed: true }).map(SignedAmount)
    }
}

/// A price as it is written.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WrittenPrice {
    credit_type: Option<CreditType>,
    per_action: Option<Amount>,
    per_units: Option<Amount>,
    units: Option<u64>,
    started: Option<bool>,
    per_minute: Option<Amount>,
    increment: Option<Increment>,
    connect_fee: Option<Amount>,
    minimum: Option<Amount>,
    inbound: Option<WrittenRate>,
    outbound: Option<WrittenRate>,
    destinations: Vec<WrittenDestination>,
}

#[derive(Clone, Copy, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WrittenRate {
    per_minute: Option<Amount>,
    connect_fee: Option<Amount>,
}

#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenDestination {
    prefix: String,
    #[serde(default)]
    direction: Option<Direction>,
    per_minute: Amount,
    #[serde(default)]
    connect_fee: Option<Amount>,
}

/// What an organization has of its own, as it is written.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WrittenOverrides {
    increment: Option<Increment>,
    prices: BTreeMap<Box<str>, WrittenPrice>,
    alerts: Option<Vec<WrittenRule>>,
}

fn invalid(field: String, why: impl Into<String>) -> Rejection {
    Rejection::new(Reason::InvalidField, field, why)
}

impl WrittenPrice {
    fn check(self, field: &str) -> Result<Price, Rejection> {
        let given = [self.per_action.is_some(), self.per_units.is_some(), self.per_minute.is_some()];
        if given.into_iter().filter(|yes| *yes).count() != 1 {
            let why = "give exactly one of per_action, per_units and per_minute";
            return Err(invalid(field.to_owned(), why));
        }
        let of_minutes = [self.increment.is_some(), self.connect_fee.is_some(), self.minimum.is_some()];
        let of_minutes = of_minutes.contains(&true)
            || self.inbound.is_some()
            || self.outbound.is_some()
            || !self.destinations.is_empty();
        if self.per_minute.is_none() && of_minutes {
            let why =
                "increment, connect_fee, minimum, inbound, outbound and destinations go with per_minute";
            return Err(invalid(field.to_owned(), why));
        }
        if self.per_units.is_none() && (self.units.is_some() || self.started.is_some()) {
            return Err(invalid(field.to_owned(), "units and started go with per_units"));
        }
        let credit_type = self.credit_type.unwrap_or_default();
        let tariff = match (self.per_action, self.per_units) {
            (Some(each), _) => Tariff::PerAction(each.0),
            (None, Some(price)) => {
                let field = format!("{field}.units");
                let Some(units) = self.units else {
                    let why = "give how many units the price buys";
                    return Err(Rejection::new(Reason::MissingField, field, why));
                };
                if !(1..=LARGEST_QUANTITY).contains(&units) {
                    let why = format!("{units} is not a number of units; write 1 to {LARGEST_QUANTITY}");
                    return Err(invalid(field, why));
                }
                Tariff::PerUnits { price: price.0, units, started: self.started.unwrap_or(false) }
            }
            (None, None) => Tariff::PerMinute(Box::new(self.minutes(field)?)),
        };
        Ok(Price { credit_type, tariff })
    }

    fn minutes(self, field: &str) -> Result<PerMinute, Rejection> {
        let amount = |written: Option<Amount>| written.unwrap_or_default().0;
        let base = Rate { per_minute: amount(self.per_minute), connect_fee: amount(self.connect_fee) };
        let rate = |written: WrittenRate| Rate {
            per_minute: written.per_minute.map_or(base.per_minute, |a| a.0),
            connect_fee: written.connect_fee.map_or(base.connect_fee, |a| a.0),
        };
        if self.destinations.len() > MOST_PRICES {
            return Err(invalid(format!("{field}.destinations"), format!("list up to {MOST_PRICES}")));
        }
        let (inbound, outbound) = (self.inbound.map(rate), self.outbound.map(rate));
        let by_direction = [inbound.unwrap_or(base), outbound.unwrap_or(base)];
        let destinations = destinations(field, self.destinations, by_direction)?;
        Ok(PerMinute {
            base,
            minimum: amount(self.minimum),
            increment: self.increment.unwrap_or(Increment::MINUTE),
            inbound,
            outbound,
            destinations,
        })
    }
}

/// The rates of destinations, by prefix. One without a fee of its own has the fee of the call's direction; one that names a
/// direction goes before one that does not.
fn destinations(
    field: &str,
    written: Vec<WrittenDestination>,
    by_direction: [Rate; 2],
) -> Result<BTreeMap<Box<str>, DestinationRates>, Rejection> {
    let mut listed: BTreeMap<(String, Option<Direction>), WrittenDestination> = BTreeMap::new();
    for destination in written {
        let prefix = &destination.prefix;
        let digits = prefix.bytes().all(|b| b.is_ascii_digit());
        if !digits || !(1..=LONGEST_PREFIX).contains(&prefix.len()) {
            let shown: String = prefix.chars().take(40).collect();
            let why = format!("{shown:?} is not a prefix; write 1 to {LONGEST_PREFIX} digits");
            return Err(invalid(format!("{field}.destinations.prefix"), why));
        }
        let key = (prefix.clone(), destination.direction);
        if let Some(twice) = listed.insert(key, destination) {
            let why = format!("prefix {:?} is listed twice; keep one", twice.prefix);
            return Err(invalid(format!("{field}.destinations"), why));
        }
    }
    let [inbound, outbound] = by_direction;
    let mut rates: BTreeMap<Box<str>, DestinationRates> = BTreeMap::new();
    // In the order of the keys: what names no direction comes first and is then overruled.
    for ((prefix, direction), written) in listed {
        let rate = |of: Rate| Rate {
            per_minute: written.per_minute.0,
            connect_fee: written.connect_fee.map_or(of.connect_fee, |fee| fee.0),
        };
        let slot = rates.entry(prefix.into()).or_default();
        if direction != Some(Direction::Outbound) {
            slot.inbound = Some(rate(inbound));
        }
        if direction != Some(Direction::Inbound) {
            slot.outbound = Some(rate(outbound));
        }
    }
    Ok(rates)
}

/// Checks a list of prices.
pub(super) fn check_prices(
    written: BTreeMap<Box<str>, WrittenPrice>,
) -> Result<BTreeMap<Box<str>, Price>, Rejection> {
    if written.len() > MOST_PRICES {
        return Err(invalid("prices".to_owned(), format!("list up to {MOST_PRICES} prices")));
    }
    let checked = written.into_iter().map(|(action, price)| {
        if action.is_empty() || action.len() > LONGEST_TEXT {
            let why = format!("{action:?} is not an action; write 1 to {LONGEST_TEXT} bytes");
            return Err(invalid("prices".to_owned(), why));
        }
        let price = price.check(&format!("prices.{action}"))?;
        Ok((action, price))
    });
    checked.collect()
}

/// Checks what an organization has of its own; nothing at all is none.
pub(super) fn check_overrides(written: WrittenOverrides) -> Result<Option<Box<Overrides>>, Rejection> {
    let overrides = Overrides {
        increment: written.increment,
        prices: check_prices(written.prices)?,
        alerts: written.alerts.map(check_rules).transpose()?,
    };
    Ok((overrides != Overrides::default()).then(|| Box::new(overrides)))
}

/// Reads a catalog file: the commands that publish its rate cards, then its plans, each as the JSON of a command.
///
/// # Errors
/// What TOML or a command has to say about the text.
pub fn catalog_commands_from_toml(text: &str) -> Result<Vec<String>, String> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        #[serde(default)]
        rate_cards: Vec<serde_json::Map<String, Value>>,
        #[serde(default)]
        plans: Vec<serde_json::Map<String, Value>>,
    }
    let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
    let command = |kind: &str, data: serde_json::Map<String, Value>| {
        let text = json!({ "type": kind, "data": data }).to_string();
        match super::command::decode_one(super::Subject::Catalog, &text) {
            Ok(_) => Ok(text),
            Err(rejection) => Err(rejection.to_string()),
        }
    };
    let cards = file.rate_cards.into_iter().map(|card| command("creditd.rate_card.put.v1", card));
    let plans = file.plans.into_iter().map(|plan| command("creditd.plan.put.v1", plan));
    cards.chain(plans).collect()
}

/// The names in the catalog with their newest versions.
#[must_use]
pub fn catalog_json(catalog: &Catalog) -> Value {
    let cards: BTreeMap<&str, usize> =
        catalog.cards().iter().map(|h| (&*h.id, h.versions().count())).collect();
    let plans: BTreeMap<&str, usize> =
        catalog.plans().iter().map(|h| (&*h.id, h.versions().count())).collect();
    json!({ "credit_types": catalog.credit_types(), "rate_cards": cards, "plans": plans })
}
