//! Calls whose events come one by one: live until their end, and charged there.

use smallvec::SmallVec;

use super::Org;
use crate::ledger::calls::{
    Agreed, Calls, End as CallEnd, LiveCall, MOST_BYTES, MOST_LIVE, PHONE_CALL, STALE, Taken, or_before,
};
use crate::ledger::catalog::Catalog;
use crate::ledger::charge::{Charge, EndedCall};
use crate::ledger::effect::{Effect, Outcome};
use crate::ledger::entry::{Call, CallName, End, Event, Kind, Live, Stage};
use crate::ledger::price::CreditType;
use crate::ledger::refusals::{call_answered, call_ended, not_said, too_many_calls};
use crate::ledger::rejection::Rejection;
use crate::ledger::units::{Credits, EventId, Millis, Timestamp};

/// The names of add-ons, as an event has them.
type AddOns<'a> = SmallVec<[&'a str; 2]>;

impl Org {
    /// The calls that are live, or ended a while ago; `None` where there are none.
    #[must_use]
    pub fn calls(&self) -> Option<&Calls> {
        self.calls.as_deref()
    }

    /// What its live calls have cost so far, of one kind of credits.
    #[must_use]
    pub fn pending(&self, credit_type: CreditType, at: Timestamp) -> Credits {
        self.calls.as_ref().map_or(Credits::ZERO, |calls| calls.pending(credit_type, at))
    }

    /// Takes in what is told of a live call.
    pub(super) fn live(
        &mut self,
        event: &Event<'_>,
        live: &Live<'_>,
        catalog: &Catalog,
        out: &mut Vec<Effect>,
    ) -> Result<Outcome, Rejection> {
        let (key, at) = (live.name.key(), self.at);
        if self.calls().is_some_and(|calls| calls.closed(key, at).is_some()) {
            if live.stage == Stage::Failed {
                self.fail_orphan(key, catalog, out);
            }
            return Ok(Outcome::Noted);
        }
        if event.time < at.minus(STALE) || self.calls().is_some_and(|calls| calls.has_ended(key, at)) {
            return Ok(Outcome::Noted);
        }
        let known = self.live_call(key);
        if live.stage == Stage::Failed {
            if known.is_some_and(|call| call.answered().is_some()) {
                return Err(call_answered(live.name.id));
            }
            self.end_call(key, Some(Millis(0)));
            return Ok(Outcome::Noted);
        }
        if self.calls().is_some_and(|calls| !calls.has_room(live, &event.dimensions)) {
            return Err(too_many_calls(MOST_LIVE, MOST_BYTES));
        }
        let answered_at = match live.stage {
            Stage::Answered => Some(event.time),
            Stage::Progress(duration) => Some(event.time.minus(duration)),
            Stage::Started | Stage::Failed => None,
        };
        let answered_at = answered_at.filter(|_| known.is_none_or(|call| call.answered().is_none()));
        let agreed = match answered_at {
            Some(answered_at) => self.agreed(live, known, answered_at, catalog)?,
            None => Agreed::default(),
        };
        let kinds: SmallVec<[CreditType; 2]> = agreed.price.iter().map(|line| line.credit_type).collect();
        // What is pending is shown in a balance of its own kind, be it empty.
        for credit_type in kinds {
            self.balance_place(credit_type);
        }
        let calls = self.calls_mut();
        calls.forget(at);
        let costs_more = calls.tell(live, &event.dimensions, event.time, agreed);
        // It may be told of too late to be live.
        self.close_calls(at, catalog, out);
        if costs_more {
            self.check_call(key, catalog, out);
        }
        Ok(Outcome::Noted)
    }

    /// What a call costs in its first instant, at the prices in force at its answer, and what its plan says then.
    fn agreed(
        &self,
        live: &Live<'_>,
        known: Option<&LiveCall>,
        answered_at: Timestamp,
        catalog: &Catalog,
    ) -> Result<Agreed, Rejection> {
        let (name, told) = (live.name, &live.told);
        let direction = told.direction.or(known.and_then(LiveCall::direction));
        let said = known.and_then(LiveCall::add_ons);
        let add_ons: AddOns<'_> = told.add_ons.map(Into::into).or(said).unwrap_or_default();
        let call = Call {
            name: None,
            action: told.action.or(known.and_then(LiveCall::said_action)).unwrap_or(PHONE_CALL),
            direction: direction.ok_or_else(|| not_said("direction", name.id))?,
            destination: told.destination.or(known.and_then(LiveCall::destination)),
            duration: Millis(1),
            answered: true,
            answered_at: Some(answered_at),
            add_ons: &add_ons,
        };
        let (id, dimensions) = (name.key(), Default::default());
        let first = Event { id, time: answered_at, dimensions, kind: Kind::Call(call) };
        let price = self.price(&first, catalog)?.lines;
        Ok(Agreed { price, terms: self.call_terms(answered_at, catalog) })
    }

    /// Ends a call and charges it, in one step.
    pub(super) fn end(
        &mut self,
        event: &Event<'_>,
        end: &End<'_>,
        catalog: &Catalog,
        out: &mut Vec<Effect>,
    ) -> Result<Outcome, Rejection> {
        let (key, hour) = (end.name.key(), event.time.hour());
        if let Some(seen) = self.ids.find(event.id, hour) {
            return Ok(Outcome::Duplicate { of: seen.position });
        }
        if let Some(void) = self.voided_before(event) {
            if !self.calls().is_some_and(|calls| calls.has_ended(key, self.at)) {
                self.drop_orphan(key, catalog, out);
                self.end_call(key, None);
            }
            return Ok(void);
        }
        if let Some(first) = self.calls().and_then(|calls| calls.end_of(key, self.at)) {
            let says = if end.answered == Some(false) { Some(Millis(0)) } else { end.duration };
            return match says {
                Some(says) if says != first.duration => {
                    Err(call_ended(end.name.id, first.position, first.duration, says))
                }
                _ => Ok(Outcome::Duplicate { of: first.position }),
            };
        }
        if self.calls().is_some_and(|calls| calls.closed(key, self.at).is_some()) {
            return self.end_orphan(event, end, catalog, out);
        }
        let live = self.calls.as_mut().and_then(|calls| calls.take(key));
        self.expect_pending();
        let outcome = self.charge_call(event, end, (live.as_deref(), None), catalog, out);
        if let (Err(_), Some(live), Some(calls)) = (&outcome, live, &mut self.calls) {
            calls.put_back(key, live);
            self.expect_pending();
        }
        outcome
    }

    /// Charges the end of a call as far as it was live, in place of what was `taken` when it was closed.
    pub(super) fn charge_call(
        &mut self,
        event: &Event<'_>,
        end: &End<'_>,
        (live, taken): (Option<&LiveCall>, Option<&Taken>),
        catalog: &Catalog,
        out: &mut Vec<Effect>,
    ) -> Result<Outcome, Rejection> {
        let said = live.and_then(LiveCall::add_ons);
        let add_ons: AddOns<'_> = end.told.add_ons.map(Into::into).or(said).unwrap_or_default();
        let call = whole(end, event.time, live, &add_ons)?;
        let before = live.map(LiveCall::dimensions).unwrap_or_default();
        let dimensions = or_before(event.dimensions, before);
        let whole = Event { dimensions, kind: Kind::Call(call.clone()), ..*event };
        let started = live.and_then(LiveCall::started);
        let charge = self.bill(&whole, (end.name, started), (live.is_some(), taken), catalog, out)?;
        self.remember(event.id, event.time.hour());
        self.end_call(end.name.key(), Some(if call.answered { call.duration } else { Millis(0) }));
        Ok(Outcome::Charged(charge))
    }

    /// Charges a call of which all is known, in place of what was `taken` for it before.
    pub(super) fn bill(
        &mut self,
        event: &Event<'_>,
        (name, started): (CallName<'_>, Option<Timestamp>),
        (must_pay, taken): (bool, Option<&Taken>),
        catalog: &Catalog,
        out: &mut Vec<Effect>,
    ) -> Result<Charge, Rejection> {
        let news = self.news(event);
        let mut charge = self.price(event, catalog)?;
        if let Kind::Call(call) = &event.kind {
            charge.call = Some(Box::new(EndedCall {
                key: name.key(),
                source: name.source.into(),
                id: name.id.into(),
                destination: call.destination.map(Into::into),
                started,
                answered: call.answered_at.filter(|_| call.answered),
                actions: std::iter::once(call.action)
                    .chain(call.add_ons.iter().copied())
                    .map(Into::into)
                    .collect(),
                who: event.dimensions.into(),
            }));
        }
        if let Some(taken) = taken {
            // What is given back only makes room: what is admitted here is taken below.
            self.admit(event, &charge, must_pay, catalog)?;
            self.return_orphan((name, event.dimensions), taken, catalog, out);
        }
        self.take(event, &mut charge, must_pay, catalog, out)?;
        self.learn_names(event, news);
        Ok(charge)
    }

    fn live_call(&self, key: EventId) -> Option<&LiveCall> {
        self.calls.as_ref()?.get(key)
    }

    /// Remembers that a call has ended: after so long, or that its end was voided before it came.
    pub(super) fn end_call(&mut self, key: EventId, duration: Option<Millis>) {
        let (at, position) = (self.at, self.position);
        let calls = self.calls_mut();
        calls.end(key, duration.map(|duration| CallEnd { position, duration }), at);
        calls.forget(at);
    }
}

/// The call that an end tells of: what it leaves out is as the live call has it.
fn whole<'c>(
    end: &End<'c>,
    time: Timestamp,
    live: Option<&'c LiveCall>,
    add_ons: &'c [&'c str],
) -> Result<Call<'c>, Rejection> {
    let CallName { id, .. } = end.name;
    let answered_at =
        end.answered_at.or(live.and_then(LiveCall::answered)).filter(|answered| *answered <= time);
    let (duration, answered) = match (end.duration, live) {
        (Some(duration), _) => (duration, end.answered.unwrap_or(true)),
        (None, Some(live)) => (live.lasted(time), end.answered.unwrap_or(live.answered().is_some())),
        (None, None) => return Err(not_said("duration_ms", id)),
    };
    let direction = end.told.direction.or(live.and_then(LiveCall::direction));
    Ok(Call {
        name: None,
        action: end.told.action.or(live.and_then(LiveCall::said_action)).unwrap_or(PHONE_CALL),
        direction: direction.ok_or_else(|| not_said("direction", id))?,
        destination: end.told.destination.or(live.and_then(LiveCall::destination)),
        duration,
        answered,
        answered_at,
        add_ons,
    })
}
