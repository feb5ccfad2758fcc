//! What is told of live calls, and their ends.

use super::{Fate, Org};
use crate::model::calls::told::{End, Facts, Step, Told};
use crate::model::calls::{Calls, Name, Quote, Whole};
use crate::model::catalog::Catalog;
use crate::model::read::{Event, What};
use crate::model::{Instant, Outcome, Reason};

impl Org {
    /// Takes in what is told of a call before its end: it costs nothing.
    pub(super) fn note(
        &mut self,
        event: &Event,
        (told, step): (&Told, &Step),
        catalog: &Catalog,
    ) -> Result<Outcome, Reason> {
        let name = name(event, told);
        self.calls.forget(self.now);
        if self.calls.is_closed(&name) {
            if matches!(step, Step::Failed) && self.calls.orphan(&name, self.now).is_some() {
                self.give_back_closing(&name);
                self.calls.fail(name, self.now);
            }
            return Ok(Outcome::Noted);
        }
        if Calls::is_stale(event.time, self.now) || self.calls.is_over(&name) {
            return Ok(Outcome::Noted);
        }
        let answered = self.calls.live(&name).is_some_and(|live| live.is_answered());
        match step {
            Step::Started => self.calls.start(&name, event.time, &told.facts),
            Step::Failed if answered => return Err("call_answered"),
            Step::Failed => self.calls.fail(name.clone(), self.now),
            Step::Answered if answered => self.calls.further(&name, 0, &told.facts),
            Step::Answered => self.answer(&name, event.time, &told.facts, catalog)?,
            Step::Progress(duration_ms) => {
                if !answered {
                    // It has been talked for as long as this.
                    let at = event.time - i64::try_from(duration_ms * 1_000).map_err(|_| "invalid_field")?;
                    self.answer(&name, at, &told.facts, catalog)?;
                }
                self.calls.further(&name, *duration_ms, &told.facts);
            }
        }
        self.calls.heard(&name, self.now);
        // It may be told of too late to be live.
        self.close_calls(catalog);
        Ok(Outcome::Noted)
    }

    /// An answer needs a direction and a price.
    fn answer(&mut self, name: &Name, at: Instant, said: &Facts, catalog: &Catalog) -> Result<(), Reason> {
        let facts = self.calls.facts(name, said);
        let call = facts.call(facts.direction.ok_or("missing_field")?, 0, true, at);
        let (terms, plan) = self.agreement(at, catalog)?;
        let increment = terms.increment.or(plan.increment);
        let card = catalog.prices(&plan.card, at).ok_or("unknown_plan")?.clone();
        let quote = (!plan.unmetered).then(|| Quote { own: terms.prices.clone(), card, increment, call });
        if let Some(quote) = &quote {
            quote.lines(0)?;
        }
        let closes = plan.closes;
        self.calls.answer(name, at, facts, (quote, closes));
        Ok(())
    }

    /// The end of a call that has a name. It is charged as any call is, but never refused for want of credits or by a limit
    /// where the call was live.
    pub(super) fn end(
        &mut self,
        event: &Event,
        (told, end): (&Told, &End),
        catalog: &Catalog,
    ) -> Result<Outcome, Reason> {
        let name = name(event, told);
        self.calls.forget(self.now);
        if let Some(outcome) = self.calls.further_end(&name, end) {
            return outcome;
        }
        let is_closed = self.calls.is_closed(&name);
        if is_closed && self.calls.orphan(&name, self.now).is_none() {
            return Err("call_ended");
        }
        let was_live = is_closed || self.calls.live(&name).is_some();
        let said = (end, &told.facts);
        let Whole { call, spender } = self.calls.whole(&name, said, (event.time, self.now))?;
        let whole = Event { spender, what: What::Call(call.clone()), ..event.clone() };
        if is_closed {
            // An end that would be rejected corrects nothing.
            self.rate(&whole, catalog)?;
            self.give_back_closing(&name);
        }
        self.take(&whole, was_live, catalog)?;
        self.calls.end(name, event.identity.clone(), &call, self.now);
        Ok(Outcome::Charged)
    }

    /// An event that is known already: of an end that was voided before it came, the call is over with it.
    pub(super) fn known(&mut self, event: &Event) -> Option<Outcome> {
        let fate = self.fates.get(&event.identity)?;
        if let (Fate::Swallowed, What::End(told, _)) = (fate, &event.what) {
            self.calls.forget(self.now);
            let name = name(event, told);
            if self.calls.orphan(&name, self.now).is_some() && !self.calls.is_over(&name) {
                self.give_back_closing(&name);
            }
            self.calls.swallow(name, event.identity.clone(), self.now);
        }
        Some(Outcome::Duplicate)
    }
}

fn name(event: &Event, told: &Told) -> Name {
    (event.identity.0.clone(), told.call_id.clone())
}
