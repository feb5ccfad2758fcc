//! What an event costs: a price list and a pencil.

use super::catalog::{Increment, Minute, Price, Prices, Tariff, Tariffed};
use super::read::Call;
use super::{Micros, Reason};

/// Parts of a charge: a credit type and an amount each.
pub type Parts = Vec<(String, Micros)>;

/// The organization's own prices, and the card's for everything else.
pub struct PriceList<'a> {
    /// The organization's.
    pub own: &'a Prices,
    /// The card's.
    pub card: &'a Prices,
}

impl PriceList<'_> {
    fn get(&self, action: &str) -> Result<&Price, Reason> {
        self.own.get(action).or_else(|| self.card.get(action)).ok_or("unknown_action")
    }
}

/// An action done so many times.
pub fn action(prices: &PriceList<'_>, action: &str, quantity: i128) -> Result<Parts, Reason> {
    let price = prices.get(action)?;
    let amount = match &price.tariffed {
        Tariffed::Action(each) => each * quantity,
        Tariffed::Units { amount, units, started: true } => amount * round_up(quantity, *units),
        Tariffed::Units { amount, units, started: false } => round_half_up(amount * quantity, *units),
        Tariffed::Minute(_) => return Err("invalid_field"),
    };
    Ok(vec![(price.credit_type.clone(), amount)])
}

/// A call and what shares its seconds. `increment` is the organization's or the plan's, if they have one.
pub fn call(prices: &PriceList<'_>, increment: Option<Increment>, call: &Call) -> Result<Parts, Reason> {
    let main = prices.get(&call.action)?;
    let add_ons: Vec<&Price> = call.add_ons.iter().map(|name| prices.get(name)).collect::<Result<_, _>>()?;
    let Tariffed::Minute(minute) = &main.tariffed else { return Err("invalid_field") };
    let seconds = billed_seconds(call.duration_ms, increment.unwrap_or(minute.increment));
    let billed = call.answered && call.duration_ms > 0;
    let mut parts = vec![(main.credit_type.clone(), talk(minute, call, seconds))];
    for price in add_ons {
        let amount = match &price.tariffed {
            Tariffed::Action(once) => *once,
            Tariffed::Minute(minute) => talk(minute, call, seconds),
            Tariffed::Units { .. } => return Err("invalid_field"),
        };
        parts.push((price.credit_type.clone(), amount));
    }
    for (_, amount) in &mut parts {
        *amount = if billed { *amount } else { 0 };
    }
    Ok(parts)
}

/// The seconds billed for a call of `duration_ms`, which is more than none.
pub fn billed_seconds(duration_ms: i128, increment: Increment) -> i128 {
    let beyond = duration_ms - increment.initial * 1_000;
    if beyond <= 0 {
        return increment.initial;
    }
    increment.initial + round_up(beyond, increment.next * 1_000) * increment.next
}

fn talk(minute: &Minute, call: &Call, seconds: i128) -> Micros {
    let tariff = tariff(minute, call);
    let amount = round_half_up(tariff.rate * seconds, 60) + tariff.connect_fee;
    amount.max(minute.minimum)
}

/// The rate of the longest prefix of the number called, else of the direction.
fn tariff(minute: &Minute, call: &Call) -> Tariff {
    let directed = if call.direction == "inbound" { minute.inbound } else { minute.outbound };
    let Some(number) = &call.destination else { return directed };
    let fits = minute.destinations.iter().filter(|destination| {
        number.starts_with(&destination.prefix)
            && destination.direction.is_none_or(|only| only == call.direction)
    });
    // Of two entries for one prefix, the one that names the direction is the more exact.
    let best = fits.max_by_key(|destination| (destination.prefix.len(), destination.direction.is_some()));
    best.map_or(directed, |destination| Tariff {
        rate: destination.rate,
        connect_fee: destination.connect_fee.unwrap_or(directed.connect_fee),
    })
}

fn round_up(amount: i128, lot: i128) -> i128 {
    (amount + lot - 1) / lot
}

fn round_half_up(amount: i128, divisor: i128) -> i128 {
    (2 * amount + divisor) / (2 * divisor)
}
