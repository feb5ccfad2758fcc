//! What an event costs: a price list and a pencil.

use super::catalog::{Increment, Minute, Price, Prices, Tariff, Tariffed};
use super::read::Call;
use super::{Micros, Reason};

/// One line of a charge.
#[derive(Clone, Debug)]
pub struct Line {
    /// The action, or the add-on.
    pub action: String,
    /// The kind of credit.
    pub credit_type: String,
    /// How much.
    pub amount: Micros,
}

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
pub fn action(prices: &PriceList<'_>, action: &str, quantity: i128) -> Result<Vec<Line>, Reason> {
    let price = prices.get(action)?;
    let amount = match &price.tariffed {
        Tariffed::Action(each) => each * quantity,
        Tariffed::Units { amount, units, started: true } => amount * round_up(quantity, *units),
        Tariffed::Units { amount, units, started: false } => round_half_up(amount * quantity, *units),
        Tariffed::Minute(_) => return Err("invalid_field"),
    };
    Ok(vec![line(action, price, amount)])
}

/// A call and what shares its seconds. `increment` is the organization's or the plan's, if they have one.
pub fn call(prices: &PriceList<'_>, increment: Option<Increment>, call: &Call) -> Result<Vec<Line>, Reason> {
    let main = prices.get(&call.action)?;
    let add_on = |name: &String| Ok((name.clone(), prices.get(name)?));
    let add_ons: Vec<(String, &Price)> = call.add_ons.iter().map(add_on).collect::<Result<_, Reason>>()?;
    let Tariffed::Minute(minute) = &main.tariffed else { return Err("invalid_field") };
    let seconds = billed_seconds(call.duration_ms, increment.unwrap_or(minute.increment));
    let billed = call.answered && call.duration_ms > 0;
    let mut lines = vec![line(&call.action, main, talk(minute, call, seconds))];
    for (name, price) in add_ons {
        let amount = match &price.tariffed {
            Tariffed::Action(once) => *once,
            Tariffed::Minute(minute) => talk(minute, call, seconds),
            Tariffed::Units { .. } => return Err("invalid_field"),
        };
        lines.push(line(&name, price, amount));
    }
    for line in &mut lines {
        line.amount = if billed { line.amount } else { 0 };
    }
    Ok(lines)
}

fn line(action: &str, price: &Price, amount: Micros) -> Line {
    Line { action: action.to_string(), credit_type: price.credit_type.clone(), amount }
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

/// Half is rounded up, below zero too: −0.5 becomes 0.
pub fn round_half_up(amount: i128, divisor: i128) -> i128 {
    (2 * amount + divisor).div_euclid(2 * divisor)
}
