//! The events of a call: one final one, or one by one while it is live.

use super::{bounded, instant, invalid, missing, name};
use crate::ledger::calls::PHONE_CALL;
use crate::ledger::entry::{Call, CallName, End, Kind, LONGEST_CALL, Live, MOST_ADD_ONS, Stage, Told};
use crate::ledger::price::Direction;
use crate::ledger::rejection::Rejection;
use crate::ledger::units::{Millis, Timestamp};
use crate::wire::fields::Fields;
use crate::wire::text::Text;

/// What is told of a call that is live.
pub(super) fn live<'f>(
    fields: &'f Fields<'f>,
    source: &'f str,
    stage: Stage,
    add_ons: &'f [&'f str],
) -> Result<Kind<'f>, Rejection> {
    let id = name("call_id", &fields.call_id)?.ok_or_else(|| missing("call_id"))?;
    Ok(Kind::Live(Live { name: CallName { source, id }, stage, told: told(fields, add_ons)? }))
}

/// A call that ended: of one that was live, or was to be, it need not say all.
pub(super) fn ended<'f>(
    fields: &'f Fields<'f>,
    (source, id): (&'f str, &'f str),
    time: Timestamp,
    add_ons: &'f [&'f str],
) -> Result<Kind<'f>, Rejection> {
    let call_id = name("call_id", &fields.call_id)?;
    let length = || duration(fields);
    let length = if call_id.is_none() || fields.duration_ms.is_some() { Some(length()?) } else { None };
    let told = told(fields, add_ons)?;
    let answered_at =
        fields.answered_at.as_ref().map(|text| instant("answered_at", text.as_str())).transpose()?;
    if answered_at.is_some_and(|answered| answered > time) {
        return Err(invalid(
            "answered_at",
            "the call would have been answered after it ended; check the times",
        ));
    }
    if let Some(call_id) = call_id {
        let name = CallName { source, id: call_id };
        return Ok(Kind::End(End { name, told, duration: length, answered: fields.answered, answered_at }));
    }
    Ok(Kind::Call(Call {
        name: Some(CallName { source, id }),
        action: told.action.unwrap_or(PHONE_CALL),
        direction: told.direction.ok_or_else(|| missing("direction"))?,
        destination: told.destination,
        duration: length.ok_or_else(|| missing("duration_ms"))?,
        answered: fields.answered.unwrap_or(true),
        answered_at,
        add_ons,
    }))
}

/// How long a call was talked.
pub(super) fn duration(fields: &Fields<'_>) -> Result<Millis, Rejection> {
    let duration = Millis(fields.duration_ms.ok_or_else(|| missing("duration_ms"))?);
    if duration > LONGEST_CALL {
        let why = format!("{} ms is longer than a week; check the unit", duration.0);
        return Err(invalid("duration_ms", why));
    }
    Ok(duration)
}

/// What an event says of its call.
fn told<'f>(fields: &'f Fields<'f>, add_ons: &'f [&'f str]) -> Result<Told<'f>, Rejection> {
    let direction = match fields.direction.as_ref().map(Text::as_str) {
        None => None,
        Some("inbound") => Some(Direction::Inbound),
        Some("outbound") => Some(Direction::Outbound),
        Some(other) => return Err(invalid("direction", format!("{other:?} is not inbound or outbound"))),
    };
    let destination = fields.destination.as_ref().map(Text::as_str);
    if let Some(number) = destination {
        let digits = number.strip_prefix('+').unwrap_or(number);
        if digits.is_empty() || digits.len() > 32 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            let why =
                format!("{number:?} is not a number; write up to 32 digits, with or without a leading +");
            return Err(invalid("destination", why));
        }
    }
    add_ons.iter().try_for_each(|add_on| bounded("add_ons", add_on).map(|_| ()))?;
    let repeated =
        add_ons.iter().enumerate().any(|(i, one)| add_ons.iter().skip(i).skip(1).any(|o| o == one));
    if add_ons.len() > MOST_ADD_ONS || repeated {
        return Err(invalid("add_ons", format!("name up to {MOST_ADD_ONS} add-ons, each once")));
    }
    let add_ons = fields.add_ons.as_ref().map(|_| add_ons);
    Ok(Told { action: name("action", &fields.action)?, direction, destination, add_ons })
}
