//! One charge explained: what it was, what it cost and why, what paid, and whether it still stands.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::line::{GrantNames, HistoryLine, grants_of};
use super::wanted::read_position;
use super::{Found, HistoryError, Reading, grant_names, zone};
use crate::book::desk::Desk;
use crate::book::row::{Row, What};
use crate::book::stretch::{Place, Start};
use crate::ledger::catalog::Catalog;
use crate::ledger::charge::Charge;
use crate::ledger::price::CreditType;
use crate::ledger::units::{EventId, Position, Timestamp};
use crate::store::codec;
use crate::wire;
use crate::wire::time;

/// The charge that an entry made, explained. The outer `None` is for an organization that is not known, the inner one for an entry that
/// made no charge. Reads all that is newer, and waits: not for the threads of a runtime.
///
/// # Errors
/// [`HistoryError`] where the position is none, or the history cannot be read.
pub fn charge(
    desk: &Desk,
    org: &str,
    seq: &str,
    now: Timestamp,
) -> Result<Option<Option<Value>>, HistoryError> {
    let position = read_position(seq)?;
    let place = Some(Place { position, rows: 0, block: None });
    let Some(mut reading) = Reading::begin(desk, org, Start { place, ..Start::default() })? else {
        return Ok(None);
    };
    let found = loop {
        match reading.next()? {
            Some(found) if found.position < position => return Ok(Some(None)),
            Some(found) if !desk.itemise().shows(&found.row) => return Ok(Some(None)),
            Some(found) if charge_of(&found.row).is_some() => break found,
            Some(_) => {}
            None => return Ok(Some(None)),
        }
    };
    let some = [found];
    let mut names = grant_names(desk, org, &some);
    let [found] = some;
    let mut missing = BTreeSet::new();
    grants_of(&found.row, &mut missing);
    missing.retain(|grant| !names.contains_key(grant));
    let undone = newer(desk, org, &found, &mut missing, &mut names)?;
    name_older(&mut reading, &mut missing, &mut names)?;
    let told = tell(&found, undone, &names, &desk.book.catalog());
    let (as_of, limits) = (time::format(now.max(reading.at)), counted(desk, org, &found.row));
    Ok(Some(Some(json!({
        "org": org, "seq": reading.seq.to_string(), "as_of": as_of, "zone": zone(desk, org),
        "data": with(told, "limits", limits),
    }))))
}

fn charge_of(row: &Row) -> Option<&Charge> {
    match &row.what {
        What::Charge { charge, .. } | What::Orphan { charge, .. } => Some(charge),
        What::Void { .. } | What::Moved(_) | What::OrphanReturned { .. } => None,
    }
}

/// Looks through what is newer for the entry that took a charge back, and for the names of grants.
fn newer(
    desk: &Desk,
    org: &str,
    found: &Found,
    missing: &mut BTreeSet<(CreditType, u32)>,
    names: &mut GrantNames,
) -> Result<Option<Position>, HistoryError> {
    let Some(mut reading) = Reading::begin(desk, org, Start::default())? else { return Ok(None) };
    let mut undone = None;
    // Only voids of that event and rows of no event are read: the others are told apart by their ids.
    let void = found.id.void();
    while let Some((known, bytes)) = reading.next_stored()? {
        if known.position < found.position {
            break;
        }
        if known.id != void && known.id != EventId::default() {
            continue;
        }
        let Ok(row) = codec::decode::<Row>(&bytes) else { continue };
        let took_back = match (&row.what, charge_of(&found.row)) {
            (What::Void { target, .. }, _) => *target == Some(found.position),
            (What::OrphanReturned { call, .. }, Some(charge)) => {
                let of_call = charge.call.as_ref().is_some_and(|own| own.key == *call);
                of_call && matches!(found.row.what, What::Orphan { .. })
            }
            _ => false,
        };
        if took_back && row.stood(known.position, reading.seq, reading.at) {
            // The oldest of them: a call of that name may have been closed again.
            undone = Some(known.position);
        }
        name(&row, missing, names);
    }
    Ok(undone)
}

/// Looks through what is older for the names of grants that are not kept any more: what gave them says them.
fn name_older(
    reading: &mut Reading<'_>,
    missing: &mut BTreeSet<(CreditType, u32)>,
    names: &mut GrantNames,
) -> Result<(), HistoryError> {
    while !missing.is_empty() {
        let Some((known, bytes)) = reading.next_stored()? else { break };
        if known.id == EventId::default()
            && let Ok(row) = codec::decode::<Row>(&bytes)
        {
            name(&row, missing, names);
        }
    }
    Ok(())
}

fn name(row: &Row, missing: &mut BTreeSet<(CreditType, u32)>, names: &mut GrantNames) {
    if let What::Moved(movement) = &row.what
        && let Some((number, name)) = &movement.grant
        && missing.remove(&(movement.credit_type, *number))
    {
        names.insert((movement.credit_type, *number), name.to_string());
    }
}

/// The row as the history shows it, with all that explains it.
fn tell(
    found: &Found,
    undone: Option<Position>,
    names: &GrantNames,
    catalog: &Catalog,
) -> Map<String, Value> {
    let line = HistoryLine::of(found.position, &found.row, None, names);
    let mut told = match serde_json::to_value(&line) {
        Ok(Value::Object(told)) => told,
        _ => Map::new(),
    };
    if let Some(charge) = charge_of(&found.row) {
        let grant = |kind: CreditType, number: u32| names.get(&(kind, number)).cloned();
        told.insert("charge".to_owned(), wire::charge_json(charge, catalog, grant));
    }
    told.insert("voided".to_owned(), json!(undone.is_some()));
    told.insert("voided_by".to_owned(), json!(undone.map(|position| position.to_string())));
    told
}

/// The limits that it counts in; those are named whose windows still run.
fn counted(desk: &Desk, org: &str, row: &Row) -> Value {
    let Some(counted) = charge_of(row).and_then(|charge| charge.counted.as_ref()) else { return json!([]) };
    let catalog = desk.book.catalog();
    let told = desk.book.read(org, |slot| {
        let limits = slot.org.limits_in_force(&catalog);
        let one = |(window, value, amount)| {
            let count = limits.counts().iter().find(|count| count.is_of_window(window));
            let value = Some(value).filter(|value: &&str| !value.is_empty());
            json!({
                "id": count.map(|count| &*count.limit.id),
                "value": value,
                "amount": count.map(|count| count.limit.unit.show(amount)),
                "window_is_over": count.is_none(),
            })
        };
        counted.uses().map(one).collect::<Value>()
    });
    told.unwrap_or_default()
}

fn with(mut told: Map<String, Value>, name: &str, value: Value) -> Map<String, Value> {
    told.insert(name.to_owned(), value);
    told
}
