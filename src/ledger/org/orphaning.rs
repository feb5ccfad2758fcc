//! Orphans: calls are closed whose end does not come, and corrected once it does.

use super::Org;
use crate::ledger::calls::{CORRECTABLE, LiveCall, Orphan, Taken, Why};
use crate::ledger::catalog::Catalog;
use crate::ledger::charge::Charge;
use crate::ledger::effect::{Effect, OrphanReturned, Orphaned, Outcome};
use crate::ledger::entry::{Call, CallName, Dimensions, End, Event, Kind, Restarted};
use crate::ledger::refusals::call_settled;
use crate::ledger::rejection::Rejection;
use crate::ledger::units::{EventId, Millis, Timestamp};

/// A day of log time, in milliseconds.
const DAY: u64 = 86_400_000;

impl Org {
    /// Closes the calls whose end should have come by an instant, at which everything else of it is done but what other calls do.
    pub(super) fn close_calls(&mut self, to: Timestamp, catalog: &Catalog, out: &mut Vec<Effect>) {
        let due = self.calls().filter(|calls| calls.next_closing() <= to).map(|calls| calls.overdue(to));
        for (key, why) in due.into_iter().flatten() {
            // What is taken then burns from the grants of that instant, and counts for its day, whoever looks first.
            self.at = self.at.max(to);
            self.close_call(key, (why, true), catalog, out);
        }
    }

    /// Closes the calls of a switch that began before it was started anew.
    pub(super) fn restarted(
        &mut self,
        event: &Event<'_>,
        restarted: &Restarted<'_>,
        catalog: &Catalog,
        out: &mut Vec<Effect>,
    ) -> Outcome {
        let keys = self.calls().map(|calls| calls.of_source(restarted.source, event.time));
        for key in keys.into_iter().flatten() {
            self.close_call(key, (Why::SourceRestarted, false), catalog, out);
        }
        Outcome::Noted
    }

    /// Closes a call and charges it for as long as it is proven to have been talked.
    fn close_call(
        &mut self,
        key: EventId,
        (why, due): (Why, bool),
        catalog: &Catalog,
        out: &mut Vec<Effect>,
    ) {
        let Some(call) = self.calls.as_mut().and_then(|calls| calls.take(key)) else { return };
        self.expect_pending();
        let charge = self.charge_proven(&call, catalog, out);
        let (at, position, answered) = (self.at, self.position, call.answered());
        let name = call.name();
        let mut orphaned = Orphaned {
            source: name.source.into(),
            id: name.id.into(),
            why,
            number: None,
            answered,
            proven: answered.map_or(Millis(0), |_| call.proven()),
            charge,
            at,
            due,
            position,
        };
        let calls = self.calls_mut();
        orphaned.number = answered.map(|_| calls.next_number());
        let taken = |charge: &Charge| Taken { closed: at, charge: Box::new(charge.clone()) };
        calls.orphan(key, *call, orphaned.charge.as_ref().map(taken), at);
        out.push(Effect::Orphaned(Box::new(orphaned)));
        self.look_after_calls(at, catalog, out);
    }

    /// Charges a call that was answered as its end would be that says no more than what is proven; not where such an end is rejected.
    fn charge_proven(&mut self, call: &LiveCall, catalog: &Catalog, out: &mut Vec<Effect>) -> Option<Charge> {
        let add_ons = call.add_ons().unwrap_or_default();
        let proven = Call {
            name: None,
            action: call.action(),
            direction: call.direction()?,
            destination: call.destination(),
            duration: call.proven(),
            answered: true,
            answered_at: Some(call.answered()?),
            add_ons: &add_ons,
        };
        let (id, time, dimensions) = (call.name().key(), self.at, call.dimensions());
        let event = Event { id, time, dimensions, kind: Kind::Call(proven) };
        self.bill(&event, (call.name(), call.started()), (true, None), catalog, out).ok()
    }

    /// The end of a call came after it was closed: what was taken then is given back, and the end is charged.
    pub(super) fn end_orphan(
        &mut self,
        event: &Event<'_>,
        end: &End<'_>,
        catalog: &Catalog,
        out: &mut Vec<Effect>,
    ) -> Result<Outcome, Rejection> {
        let (key, at) = (end.name.key(), self.at);
        let orphan = self.calls().and_then(|calls| calls.correctable(key, at)).cloned();
        let Orphan { call, taken } =
            orphan.ok_or_else(|| call_settled(end.name.id, CORRECTABLE.0.div_euclid(DAY)))?;
        let outcome = self.charge_call(event, end, (Some(&call), taken.as_ref()), catalog, out)?;
        self.calls_mut().correct(key);
        Ok(outcome)
    }

    /// A call that was closed had failed: it costs nothing.
    pub(super) fn fail_orphan(&mut self, key: EventId, catalog: &Catalog, out: &mut Vec<Effect>) {
        if self.drop_orphan(key, catalog, out) {
            self.end_call(key, Some(Millis(0)));
        }
    }

    /// Gives back what the closing of a call took that costs nothing. Answers whether it could be.
    pub(super) fn drop_orphan(&mut self, key: EventId, catalog: &Catalog, out: &mut Vec<Effect>) -> bool {
        let at = self.at;
        let Some(orphan) = self
            .calls
            .as_mut()
            .filter(|calls| calls.correctable(key, at).is_some())
            .and_then(|calls| calls.correct(key))
        else {
            return false;
        };
        if let Some(taken) = &orphan.taken {
            self.return_orphan((orphan.call.name(), orphan.call.dimensions()), taken, catalog, out);
            self.look_at_recharges(at, out);
            self.look_at_calls(catalog, out);
        }
        true
    }

    /// Gives back what the closing of a call took, as a void of an event does.
    pub(super) fn return_orphan(
        &mut self,
        (name, who): (CallName<'_>, Dimensions<'_>),
        taken: &Taken,
        catalog: &Catalog,
        out: &mut Vec<Effect>,
    ) {
        let returns = self.give_back(&taken.charge.draws, catalog, out);
        self.take_back_uses(taken.charge.counted.as_deref(), catalog);
        let (call, source, id, who) = (name.key(), name.source.into(), name.id.into(), who.into());
        let Taken { closed, charge } = taken.clone();
        let returned = OrphanReturned { call, source, id, who, closed, charge, returns, at: self.at };
        out.push(Effect::OrphanReturned(Box::new(returned)));
    }
}
