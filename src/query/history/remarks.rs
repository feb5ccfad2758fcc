//! What a row of the history was, in words.

use std::fmt::Write;

use super::line::HistoryLine;
use crate::book::row::{Row, What};
use crate::ledger::grants::Origin;
use crate::ledger::movement::{Movement, MovementKind};
use crate::ledger::price::Direction;

pub(super) fn of(row: &Row, line: &HistoryLine) -> String {
    match &row.what {
        What::Charge { .. } => thing(line) + &beyond(line),
        What::Orphan { why, .. } => {
            format!(
                "{}, closed without its end ({}){}",
                thing(line),
                why.slug().replace('_', " "),
                beyond(line)
            )
        }
        What::Void { target: Some(target), .. } if line.action.is_some() => {
            format!("takes back {} of {target}", thing(line))
        }
        What::Void { target: Some(target), .. } => format!("takes back what {target} took"),
        What::Void { target: None, .. } => "takes back an event that has yet to come".to_owned(),
        What::OrphanReturned { name: (_, id), .. } => {
            format!("what the closing of the call {id} took is given back: how it ended was told")
        }
        What::Moved(movement) => moved(movement, line),
    }
}

/// What was charged.
fn thing(line: &HistoryLine) -> String {
    let action = line.action.as_deref().unwrap_or("it");
    let mut words = match (&line.call, line.quantity) {
        (Some(call), _) => {
            let direction = match call.direction {
                Some(Direction::Inbound) => "inbound ",
                Some(Direction::Outbound) => "outbound ",
                None => "",
            };
            let to = call.destination.as_ref().map(|number| format!(" to {number}")).unwrap_or_default();
            let (talked, billed) = (call.duration_ms, call.billed_seconds);
            format!("{direction}{action}{to}, {talked} ms talked, {billed} s billed")
        }
        (None, Some(quantity)) if quantity != 1 => format!("{quantity} × {action}"),
        (None, _) => action.to_owned(),
    };
    if !line.add_ons.is_empty() {
        words = words + ", with " + &line.add_ons.join(", ");
    }
    words
}

/// What of a charge no grant paid, and the limits that it went past.
fn beyond(line: &HistoryLine) -> String {
    let mut words = String::new();
    for part in line.parts.iter().filter(|part| part.how == "overage") {
        // Writing to a text cannot fail.
        let _written = write!(words, "; {} {} owed", part.amount, part.credit_type);
    }
    if !line.past_limits.is_empty() {
        words = words + "; past " + &line.past_limits.join(", ");
    }
    words
}

fn moved(movement: &Movement, line: &HistoryLine) -> String {
    let grant = movement.grant.as_ref().map_or("", |(_, name)| &**name);
    let cycle = Origin::cycle_of(grant);
    let words = match (movement.kind, movement.due, cycle) {
        (MovementKind::Granted | MovementKind::Voided, _, _) if movement.adjustment.is_some() => {
            format!("adjusted by hand, {grant}")
        }
        (MovementKind::Granted, _, Some(cycle)) => format!("{grant}: given for cycle {cycle}"),
        (MovementKind::Granted, true, None) => format!("{grant} is refilled"),
        (MovementKind::Granted, false, None) => format!("{grant} is given"),
        (MovementKind::Expired, _, Some(cycle)) => {
            format!("what was left of {grant} at the end of cycle {cycle}")
        }
        (MovementKind::Expired, _, None) => format!("what was left of {grant} has expired"),
        (MovementKind::Voided, _, _) => format!("{grant} is taken back"),
        (MovementKind::RolledOut, _, _) => format!("goes on from {grant} into the next cycle"),
        (MovementKind::RolledIn, _, _) => format!("comes from the cycle before, as {grant}"),
        (MovementKind::Covered, _, _) => format!("{grant} repays what was owed"),
        (MovementKind::Dropped, _, _) => "what was owed is forgiven at the reset".to_owned(),
    };
    let reason = line.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let by = line.by.as_ref().map(|by| format!(" ({by})")).unwrap_or_default();
    words + &reason + &by
}
