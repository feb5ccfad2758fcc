//! Auto-recharges, as commands spell them.

use std::ops::RangeInclusive;

use serde_json::Value;

use super::limits::window;
use super::{INVALID, credit_type};
use crate::model::fields::{self, Object, needed};
use crate::model::limits::Window;
use crate::model::recharge::{Cap, Measure, Order};
use crate::model::{Instant, Micros, Reason};

const SECOND: Instant = 1_000_000;
/// The longest time that anything here takes, in seconds.
const LONGEST: i128 = 2_592_000;

/// What is to be bought by itself, and of which credit type.
pub fn put(data: &Object) -> Result<(String, Order), Reason> {
    let known = [
        "credit_type",
        "below",
        "amount",
        "up_to",
        "min",
        "max",
        "caps",
        "cooldown_s",
        "answer_within_s",
        "enabled",
        "reason",
        "by",
        "org",
    ];
    fields::only(data, &known)?;
    let below = needed(fields::amount(data, "below")?)?;
    let (amount, up_to) = (above_0(data, "amount")?, fields::amount(data, "up_to")?);
    let (min, max) = (above_0(data, "min")?, above_0(data, "max")?);
    let measure = match (amount, up_to) {
        (Some(amount), None) if max.is_none_or(|max| max >= amount) => Measure::Steps(amount),
        (None, Some(level)) if level > below => Measure::UpTo(level),
        _ => return Err(INVALID),
    };
    if min.zip(max).is_some_and(|(min, max)| max < min) {
        return Err(INVALID);
    }
    let order = Order {
        below,
        measure,
        min,
        max,
        caps: caps(data)?,
        cooldown: seconds(data, "cooldown_s", 0..=LONGEST, 60)?,
        answer_within: seconds(data, "answer_within_s", 60..=LONGEST, 86_400)?,
        enabled: fields::boolean(data, "enabled")?.unwrap_or(true),
    };
    Ok((credit_type(data)?.unwrap_or("credits".to_string()), order))
}

fn above_0(data: &Object, name: &str) -> Result<Option<Micros>, Reason> {
    let amount = fields::amount(data, name)?;
    if amount == Some(0) { Err(INVALID) } else { Ok(amount) }
}

fn seconds(data: &Object, name: &str, range: RangeInclusive<i128>, usual: i64) -> Result<Instant, Reason> {
    let given = fields::integer(data, name, range)?;
    let given = given.map(|seconds| i64::try_from(seconds).map_err(|_| INVALID)).transpose()?;
    Ok(given.unwrap_or(usual) * SECOND)
}

/// No window twice; which stands first says nothing.
fn caps(data: &Object) -> Result<Vec<Cap>, Reason> {
    let mut caps = Vec::new();
    for value in fields::list(data, "caps")?.into_iter().flatten() {
        caps.push(cap(value)?);
    }
    let order = [Window::Day, Window::Week, Window::Month, Window::Cycle, Window::Life];
    caps.sort_by_key(|cap| order.iter().position(|window| *window == cap.window));
    let twice = caps.windows(2).any(|pair| pair[0].window == pair[1].window);
    if twice || caps.len() > 4 { Err(INVALID) } else { Ok(caps) }
}

fn cap(value: &Value) -> Result<Cap, Reason> {
    let data = value.as_object().ok_or(INVALID)?;
    fields::only(data, &["window", "credits", "times"])?;
    let cap = Cap {
        window: needed(window(data)?)?,
        credits: above_0(data, "credits")?,
        times: fields::integer(data, "times", 1..=i128::from(u32::MAX))?,
    };
    if cap.credits.or(cap.times).is_none() { Err(INVALID) } else { Ok(cap) }
}
