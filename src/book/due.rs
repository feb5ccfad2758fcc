//! What falls due by itself: when each organization is to be looked at next.

use std::collections::BTreeSet;

use super::{Book, Slot};
use crate::ledger::alerts::Rule;
use crate::ledger::catalog::Catalog;
use crate::ledger::units::Timestamp;
use crate::store::OrgKey;

/// Organizations by the instant at which something happens to them, each at most once.
#[derive(Debug, Default)]
pub(super) struct Due(BTreeSet<(Timestamp, OrgKey)>);

impl Due {
    /// The next instant at which something happens.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.0.first().map(|(instant, _)| *instant)
    }

    /// Takes out the organization that is due first, if it is by that instant.
    pub(super) fn take(&mut self, by: Timestamp) -> Option<(Timestamp, OrgKey)> {
        self.0.first().filter(|(instant, _)| *instant <= by)?;
        self.0.pop_first()
    }

    /// Notes when something happens to an organization next, in place of what was noted of it.
    pub(super) fn note(&mut self, slot: &mut Slot, catalog: &Catalog) {
        let next = slot.org.next_change(catalog);
        if next != slot.due {
            self.0.remove(&(slot.due, slot.key));
            slot.due = next;
            if next != Timestamp::MAX {
                self.0.insert((next, slot.key));
            }
        }
    }

    /// Notes anew when something happens to the organizations on a plan, where its newest version may make a difference to that:
    /// where it has rules about the end of grants.
    pub(super) fn note_orgs_on(&mut self, plan: &str, book: &Book, catalog: &Catalog) {
        let Some(index) = catalog.plan_index(plan) else { return };
        let newest = catalog.plan(index).and_then(|plan| plan.version(plan.newest()));
        if newest.is_some_and(|plan| plan.alerts.iter().any(Rule::is_of_ends)) {
            for mut slot in book.slots.iter_mut().filter(|slot| slot.org.plan() == Some(index)) {
                self.note(&mut slot, catalog);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;
    use crate::book::commons::Commons;
    use crate::book::outbox;
    use crate::book::partition::{Item, Listener, Partition};
    use crate::book::shelf::{History, Shelf};
    use crate::ledger::effect::{Effect, Outcome};
    use crate::log::{Draft, Record};
    use crate::store::history::Limits;
    use crate::wire::{Subject, time};

    /// The ids of notices.
    #[derive(Default)]
    struct Heard(Vec<String>);

    impl Listener for Heard {
        fn outcome(&mut self, record: &Record, _: Item<'_>, outcome: &Outcome) {
            assert_eq!(*outcome, Outcome::Done, "{record:?}");
        }

        fn effect(&mut self, org: &str, effect: &Effect) {
            if let Effect::Notice(notice) = effect {
                self.0.push(outbox::notice(org, notice).id);
            }
        }
    }

    fn day(day: u32) -> Timestamp {
        time::parse(&format!("2026-01-{day:02}T00:00:00Z")).unwrap()
    }

    #[test]
    fn a_version_of_a_plan_that_brings_rules_wakes_its_organizations() {
        let history = History::new(Arc::new(Shelf::in_memory()), Limits::default(), 0);
        let mut partition = Partition::new(Arc::new(Book::default()), Commons::default(), history);
        let mut heard = Heard::default();
        let mut tell = |partition: &mut Partition, on: u32, subject: Subject<'_>, item: Value| {
            let payload = if item.is_null() { String::new() } else { item.to_string() };
            let draft = Draft { subject: subject.to_string(), payload: payload.into(), ..Draft::default() };
            let record = Record { seq: partition.commons().seq + 1, at: day(on), draft };
            partition.apply(&record, &mut heard).unwrap();
            heard.0.clone()
        };
        let acme = Subject::Commands("acme");
        let card = json!({ "type": "rate_card.put", "id": "c", "version": 1, "prices": {} });
        tell(&mut partition, 1, Subject::Catalog, card);
        tell(
            &mut partition,
            1,
            Subject::Catalog,
            json!({ "type": "plan.put", "id": "p", "version": 1, "rate_card": "c" }),
        );
        tell(&mut partition, 1, acme, json!({ "type": "org.put", "data": { "plan": "p" } }));
        let grant = json!({ "id": "g", "amount": "5", "expires": "2026-01-20T00:00:00Z" });
        tell(&mut partition, 1, acme, json!({ "type": "grant", "data": grant }));
        assert_eq!(partition.next_due(), Some(day(20)));

        let rules = json!([{ "expires_within_days": 7 }]);
        let plan = json!({
            "type": "plan.put", "id": "p", "version": 2, "rate_card": "c", "alerts": rules,
            "effective_from": "2026-01-10T00:00:00Z",
        });
        tell(&mut partition, 2, Subject::Catalog, plan);
        assert_eq!(partition.next_due(), Some(day(10)));
        // A start finds the same.
        let started = Partition::new(
            Arc::clone(partition.book()),
            partition.commons().clone(),
            History::new(Arc::new(Shelf::in_memory()), Limits::default(), 0),
        );
        assert_eq!(started.next_due(), Some(day(10)));
        assert_eq!(tell(&mut partition, 10, Subject::Tick, Value::Null), [""; 0]);
        assert_eq!(partition.next_due(), Some(day(13)));
        assert_eq!(tell(&mut partition, 13, Subject::Tick, Value::Null), ["acme.credits.expires7.g"]);
        assert_eq!(partition.next_due(), Some(day(20)));
    }
}
