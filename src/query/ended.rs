//! A finished call: what it was, and why it cost what it cost.

use serde_json::{Value, json};

use crate::book::pipeline::Look;
use crate::book::row::What;
use crate::ledger::catalog::Catalog;
use crate::ledger::charge::Charge;
use crate::ledger::price::CreditType;
use crate::ledger::units::{EventId, Position};
use crate::store::StoreError;
use crate::wire::{self, time};

/// The last charge of a finished call, found by the id of the call, or of its one event, where it came from; and whether it was voided
/// since. None where the history has no such call. Reads the history up to there: not for the threads of a runtime.
///
/// # Errors
/// [`StoreError`] where the history cannot be read.
pub fn ended_call(
    look: &Look,
    catalog: &Catalog,
    source: &str,
    id: &str,
) -> Result<Option<Value>, StoreError> {
    let key = EventId::of(source, id);
    let (mut found, mut voids) = (None, Vec::new());
    look.past.until(&mut |position, event, row| {
        match row.what {
            What::Charge { charge, actions } if is_of(&charge, event, key) => {
                let told = call_json(look, catalog, (position, &charge), &actions);
                let who = row.dimensions.map(|text| json!(text));
                found = Some((position, told, time::format(row.time), time::format(row.at), who));
            }
            What::Void { target, .. } => voids.extend(target),
            What::Charge { .. } | What::Moved(_) => {}
        }
        found.is_none()
    })?;
    Ok(found.map(|(position, mut told, ended, charged, who)| {
        let [account, entity_type, entity_id, entity_name, user, team, feature] = who;
        if let Some(object) = told.as_object_mut() {
            object.insert("source".into(), json!(source));
            object.insert("call_id".into(), json!(id));
            object.insert("time".into(), json!(ended));
            object.insert("charged_at".into(), json!(charged));
            object.insert("voided".into(), json!(voids.contains(&position)));
            let entity = json!({ "type": entity_type, "id": entity_id, "name": entity_name });
            let who = json!({ "account": account, "entity": entity, "user": user, "team": team, "feature": feature });
            object.insert("who".into(), who);
        }
        told
    }))
}

/// Whether a charge is that of a call.
fn is_of(charge: &Charge, event: EventId, key: EventId) -> bool {
    charge.call.as_ref().map_or(event == key, |call| call.key == key)
}

fn call_json(
    look: &Look,
    catalog: &Catalog,
    (position, charge): (Position, &Charge),
    actions: &[Box<str>],
) -> Value {
    let grant = |kind: CreditType, number: u32| {
        let pool = look.org.pools().find(|pool| pool.credit_type == kind)?;
        let grant = pool.grants().iter().find(|grant| grant.serial == number)?;
        Some(grant.name(kind))
    };
    let call = charge.call.as_ref();
    json!({
        "state": "ended",
        "position": position.to_string(),
        "started_at": call.and_then(|call| call.started).map(time::format),
        "answered_at": call.and_then(|call| call.answered).map(time::format),
        "actions": actions,
        "charge": wire::charge_json(charge, catalog, grant),
    })
}
