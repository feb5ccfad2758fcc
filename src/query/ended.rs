//! A finished call: what it was, and why it cost what it cost.

use serde_json::{Value, json};

use crate::book::itemise::Itemise;
use crate::book::pipeline::Look;
use crate::book::row::{Row, What};
use crate::ledger::calls::Why;
use crate::ledger::catalog::Catalog;
use crate::ledger::charge::Charge;
use crate::ledger::price::CreditType;
use crate::ledger::units::{EventId, Position, Timestamp};
use crate::store::StoreError;
use crate::wire::{self, time};

/// The last charge of a finished call, found by the id of the call, or of its one event, where it came from; and whether it was taken back
/// since. A call that was closed without its end is `orphaned`, until its end has corrected it. None where the history has no such
/// call. Reads the history up to there: not for the threads of a runtime.
///
/// # Errors
/// [`StoreError`] where the history cannot be read.
pub fn ended_call(
    look: &Look,
    catalog: &Catalog,
    itemise: Itemise,
    source: &str,
    id: &str,
    now: Timestamp,
) -> Result<Option<Value>, StoreError> {
    let key = EventId::of(source, id);
    let mut search = Search { key, itemise, found: None, voids: Vec::new(), corrected: None };
    look.past.until(&mut |position, event, row| search.take(position, event, row))?;
    Ok(search.found.map(|found| found.tell(look, catalog, (source, id), now)))
}

/// A search through a history, newest first, for the charge of a call.
struct Search {
    /// Which charges are told one by one.
    itemise: Itemise,
    key: EventId,
    found: Option<Found>,
    /// The charges that were voided since.
    voids: Vec<Position>,
    /// Where the charge of a call that was closed without its end was given back.
    corrected: Option<Position>,
}

/// A charge of a call.
struct Found {
    position: Position,
    charge: Box<Charge>,
    actions: Vec<Box<str>>,
    /// When the call ended, or was closed.
    ended: Timestamp,
    /// When it was charged.
    at: Timestamp,
    who: [Option<Box<str>>; 7],
    /// Why it was closed, where that was without its end.
    why: Option<Why>,
    taken_back: bool,
}

impl Search {
    /// Takes a row in. Answers whether to go on.
    fn take(&mut self, position: Position, event: EventId, row: Row) -> bool {
        let is_charge = matches!(row.what, What::Charge { .. } | What::Orphan { .. });
        if is_charge && !self.itemise.shows(&row) {
            return true;
        }
        let Row { at, time: ended, dimensions: who, what } = row;
        match what {
            What::Charge { charge, actions, .. } if is_of(&charge, event, self.key) => {
                let taken_back = self.voids.contains(&position);
                self.found = Some(Found { position, charge, actions, ended, at, who, why: None, taken_back });
                return false;
            }
            What::Orphan { charge, why, .. } if is_of(&charge, event, self.key) => {
                let actions = charge.call.as_ref().map(|call| call.actions.clone()).unwrap_or_default();
                let (why, taken_back) = (Some(why), self.corrected.is_some());
                self.found = Some(Found { position, charge, actions, ended, at, who, why, taken_back });
            }
            What::Void { target, .. } => self.voids.extend(target),
            What::OrphanReturned { call, .. } if call == self.key => self.corrected = Some(position),
            _ => {}
        }
        // The charge that corrected it stands at the same place.
        self.found.is_none() || self.corrected == Some(position)
    }
}

impl Found {
    fn tell(self, look: &Look, catalog: &Catalog, (source, id): (&str, &str), now: Timestamp) -> Value {
        let grant = |kind: CreditType, number: u32| {
            let pool = look.org.pool(kind)?;
            let grant = pool.grants().iter().find(|grant| grant.serial == number)?;
            Some(grant.name(kind))
        };
        let call = self.charge.call.as_ref();
        let [account, entity_type, entity_id, entity_name, user, team, feature] = self.who;
        let entity = json!({ "type": entity_type, "id": entity_id, "name": entity_name });
        let mut told = json!({
            "source": source,
            "call_id": id,
            "state": if self.why.is_some() { "orphaned" } else { "ended" },
            "position": self.position.to_string(),
            "started_at": call.and_then(|call| call.started).map(time::format),
            "answered_at": call.and_then(|call| call.answered).map(time::format),
            "time": time::format(self.ended),
            "charged_at": time::format(self.at),
            "voided": self.taken_back,
            "actions": self.actions,
            "charge": wire::charge_json(&self.charge, catalog, grant),
            "seq": look.org.position().to_string(),
            "as_of": time::format(now.max(look.org.at())),
            "zone": look.org.zone().to_string(),
            "who": { "account": account, "entity": entity, "user": user, "team": team, "feature": feature },
        });
        if let (Some(why), Some(object)) = (self.why, told.as_object_mut()) {
            object.insert("reason".into(), json!(why.slug()));
        }
        told
    }
}

/// Whether a charge is that of a call.
fn is_of(charge: &Charge, event: EventId, key: EventId) -> bool {
    charge.call.as_ref().map_or(event == key, |call| call.key == key)
}
