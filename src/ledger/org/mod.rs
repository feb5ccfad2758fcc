//! The organization: the aggregate that everything is applied to, one entry at a time.

mod authorizing;
mod burning;
mod calling;
mod charging;
mod commands;
mod corrections;
mod cycles;
mod foreseeing;
mod limiting;
mod naming;
mod needing;
mod orphaning;
mod recharging;
mod time;
mod watching;

use prefetch_index::prefetch_index;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::balance::{Balance, Moment};
use super::calls::Calls;
use super::catalog::{Catalog, PlanIndex};
use super::effect::{Effect, Outcome, Recall, Tally};
use super::entry::{CLOCK_SKEW, Entry, Event, Kind, OLDEST_EVENT, What};
use super::grants::{Booking, Pool};
use super::ids::{Ids, Seen};
use super::limits::Limits;
use super::names::{Digest, Names};
use super::price::CreditType;
use super::recharge::Recharges;
use super::refusals::out_of_range;
use super::rejection::Rejection;
use super::reports::{Report, Reports};
use super::terms::{Terms, rules_in_force};
use super::units::{EventId, Hour, Position, Timestamp};
use super::webhooks::{Webhook, Webhooks};
pub use burning::CallBurn;
use corrections::Adjusted;
pub use cycles::Cycle;
use cycles::{Period, Turn};
pub use foreseeing::Burnt;

/// A paying customer: balances, terms, and the memory of what was charged.
///
/// The state is a pure fold of the organization's entries: [`Org::apply`] and [`Org::advance`] are the only
/// ways to change it. The memory of ids is not part of the encoded state; it is recalled from the history.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[repr(C)]
pub struct Org {
    position: Position,
    at: Timestamp,
    tally: Tally,
    terms: SmallVec<[Terms; 1]>,
    /// In the order of the names of their kinds.
    balances: SmallVec<[Balance; 1]>,
    /// The end of the running cycle.
    next_reset: Timestamp,
    period: Option<Box<Period>>,
    adjusted: Option<Box<Adjusted>>,
    /// Few have any.
    limits: Option<Box<Limits>>,
    recharges: Option<Box<Recharges>>,
    webhooks: Option<Box<Webhooks>>,
    reports: Option<Box<Reports>>,
    names: Option<Box<Names>>,
    calls: Option<Box<Calls>>,
    /// The latest hour that an id belongs to; [`Hour::MIN`] where there is none.
    latest_hour: Hour,
    /// Events up to this hour may have been voided before they arrived; [`Hour::MIN`] where none was.
    voided_ahead: Hour,
    /// What the latest event named that was learnt: the same again is no news.
    #[serde(skip)]
    learnt: Option<Digest>,
    #[serde(skip)]
    ids: Ids,
}

impl Default for Org {
    fn default() -> Self {
        Org {
            position: Position::START,
            at: Timestamp::default(),
            tally: Tally::default(),
            terms: SmallVec::new(),
            balances: SmallVec::new(),
            next_reset: Timestamp::MAX,
            period: None,
            adjusted: None,
            limits: None,
            recharges: None,
            webhooks: None,
            reports: None,
            names: None,
            calls: None,
            latest_hour: Hour::MIN,
            voided_ahead: Hour::MIN,
            learnt: None,
            ids: Ids::default(),
        }
    }
}

/// An organization without events for so many hours gives back the room of its ids.
const IDLE_HOURS: i32 = 24;

/// The length of an organization in words of 8 bytes, and how many of them a processor fetches at once.
const WORDS: usize = size_of::<Org>() / 8;
const WORDS_FETCHED_AT_ONCE: usize = 8;

impl Org {
    /// The last entry it contains.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// The log's time it has been advanced to.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// How many events came to which end.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// The plan in force now.
    #[must_use]
    pub fn plan(&self) -> Option<PlanIndex> {
        self.terms.last().map(|terms| terms.plan)
    }

    /// The pools of credits.
    pub fn pools(&self) -> impl Iterator<Item = &Pool> {
        self.balances.iter().map(|balance| &balance.pool)
    }

    /// The pool of one kind of credits, where there is one.
    #[must_use]
    pub fn pool(&self, credit_type: CreditType) -> Option<&Pool> {
        pool_of(&self.balances, credit_type)
    }

    /// Where its alerts are to be sent, by name.
    pub fn webhooks(&self) -> impl Iterator<Item = (&str, &Webhook)> {
        self.webhooks.iter().flat_map(|webhooks| webhooks.iter())
    }

    /// What is mailed of it, by name.
    pub fn reports(&self) -> impl Iterator<Item = (&str, &Report)> {
        self.reports.iter().flat_map(|reports| reports.iter())
    }

    /// The report of that name, where there is one.
    #[must_use]
    pub fn report(&self, id: &str) -> Option<&Report> {
        self.reports.as_ref()?.get(id)
    }

    /// The memory of ids.
    #[must_use]
    pub fn ids(&self) -> &Ids {
        &self.ids
    }

    /// Marks the memory of ids as empty, for an organization that was just decoded.
    pub fn ids_are_elsewhere(&mut self) {
        self.ids = Ids::forgotten(self.latest_hour);
    }

    /// A copy to look ahead with: the memory of ids is left out, what is used of limits, and what no time changes.
    #[must_use]
    pub fn without_ids(&self) -> Org {
        Org { calls: self.calls.clone(), ..self.without_calls() }
    }

    /// The same without what its calls do, and with all that is used of limits: to decide whether they leave room.
    #[must_use]
    pub fn without_calls_with_limits(&self) -> Org {
        Org { limits: self.limits.clone(), ..self.without_calls() }
    }

    /// The same without what its calls do.
    #[must_use]
    pub fn without_calls(&self) -> Org {
        Org {
            terms: self.terms.clone(),
            balances: self.balances.clone(),
            period: self.period.clone(),
            adjusted: self.adjusted.clone(),
            limits: self.limits.as_ref().map(|limits| Box::new(limits.without_values())),
            recharges: self.recharges.clone(),
            webhooks: None,
            reports: None,
            names: None,
            calls: None,
            learnt: None,
            ids: Ids::default(),
            ..*self
        }
    }

    /// Answers [`Need::Hour`](super::effect::Need::Hour): takes an hour's ids back in. Changes no result.
    pub fn reopen(&mut self, hour: Hour, ids: impl IntoIterator<Item = (EventId, Seen)>) {
        self.ids.reopen(hour, ids);
    }

    /// Lets go of the ids of hours before `hour`, provided that the history holds every entry up to `written`.
    /// Changes no result. Answers whether it did.
    pub fn forget_ids(&mut self, hour: Hour, written: Position) -> bool {
        if self.latest_hour < hour.back(IDLE_HOURS) {
            self.ids.release();
            self.names.iter_mut().for_each(|names| names.release());
        }
        self.ids.forget(hour, written)
    }

    /// Has the processor fetch it before an entry is applied: of many organizations, most are far from its caches. Changes nothing.
    pub fn approach(&self) {
        let words = std::slice::from_ref(&self.position.seq);
        // One more than its length has: it may begin within one.
        for word in (0..WORDS.saturating_add(WORDS_FETCHED_AT_ONCE)).step_by(WORDS_FETCHED_AT_ONCE) {
            prefetch_index(words, word);
        }
    }

    /// Applies an entry. An entry that it contains already changes nothing.
    pub fn apply(
        &mut self,
        entry: &Entry<'_>,
        catalog: &Catalog,
        recall: &Recall,
        out: &mut Vec<Effect>,
    ) -> Outcome {
        if entry.position <= self.position {
            return Outcome::Contained;
        }
        if let What::Event(event) = &entry.what {
            // On its way from memory until the event is priced.
            self.ids.approach(event.id);
        }
        if let Some(need) = self.need(&entry.what, entry.at, recall) {
            return Outcome::Needs(need);
        }
        self.advance(entry.at, catalog, out);
        self.position = entry.position;
        let outcome = match &entry.what {
            What::Event(event) => {
                let outcome = self.event(event, catalog, recall, out).unwrap_or_else(Outcome::Rejected);
                self.count(&outcome);
                outcome
            }
            What::Command(command) => match self.command(command, catalog, out) {
                Ok(()) => Outcome::Done,
                Err(rejection) => Outcome::Rejected(rejection),
            },
        };
        if outcome.is_applied() {
            self.look_at_recharges(self.at, out);
        }
        // The end of a call that was voided before it came is a duplicate, and takes the call off.
        if self.calls.is_some() && !matches!(outcome, Outcome::Rejected(_)) {
            self.look_at_calls(catalog, out);
            self.follow_claims(catalog);
        }
        outcome
    }

    /// Changes every pool and looks at the rules before and after it.
    fn each_balance(
        &mut self,
        turn: Turn<'_>,
        catalog: &Catalog,
        out: &mut Vec<Effect>,
        mut change: impl FnMut(&mut Pool, Position, &mut Booking<'_>),
    ) {
        let (zone, moment) = (self.zone(), Moment { at: turn.at, position: self.position });
        let Org { balances, terms, .. } = self;
        let rules = rules_in_force(terms, turn.at, catalog);
        for balance in balances.iter_mut() {
            balance.follow(rules, turn.at);
            change(&mut balance.pool, moment.position, &mut Booking { at: turn.at, note: turn.note, out });
            balance.go_on(rules, moment, &zone, turn.note, out);
        }
    }

    fn count(&mut self, outcome: &Outcome) {
        let counter = match outcome {
            Outcome::Charged(_) => &mut self.tally.charged,
            Outcome::Voided(_) => &mut self.tally.voided,
            Outcome::Noted => &mut self.tally.noted,
            Outcome::Duplicate { .. } => &mut self.tally.duplicate,
            Outcome::Rejected(_) => &mut self.tally.rejected,
            Outcome::Contained | Outcome::Needs(_) | Outcome::Done => return,
        };
        *counter = counter.saturating_add(1);
    }

    fn event(
        &mut self,
        event: &Event<'_>,
        catalog: &Catalog,
        recall: &Recall,
        out: &mut Vec<Effect>,
    ) -> Result<Outcome, Rejection> {
        if !in_range(event.time, self.at) {
            return Err(out_of_range("time", event.time, self.at));
        }
        match &event.kind {
            Kind::Live(live) => return self.live(event, live, catalog, out),
            Kind::End(end) => return self.end(event, end, catalog, out),
            Kind::Restarted(restarted) => return Ok(self.restarted(event, restarted, catalog, out)),
            Kind::Action { .. } | Kind::Call(_) | Kind::Void(_) => {}
        }
        let hour = event.time.hour();
        let news = self.news(event);
        // Before the id is looked up, which is on its way from memory: most are no repeats.
        let priced = self.price(event, catalog);
        self.approach_news(news);
        if let Some(seen) = self.ids.find(event.id, hour) {
            return Ok(Outcome::Duplicate { of: seen.position });
        }
        if let Kind::Void(void) = &event.kind {
            return self.void(void, catalog, recall, out);
        }
        if let Some(void) = self.voided_before(event) {
            return Ok(void);
        }
        let mut charge = priced?;
        self.take(event, &mut charge, false, catalog, out)?;
        self.remember(event.id, hour);
        self.learn_names(event, news);
        self.release_hold(event.id);
        Ok(Outcome::Charged(charge))
    }

    /// The outcome of an event that was voided before it came.
    fn voided_before(&self, event: &Event<'_>) -> Option<Outcome> {
        let hour = event.time.hour();
        let seen = (self.voided_ahead >= hour).then(|| self.ids.find(event.id.void(), hour))??;
        Some(Outcome::Duplicate { of: seen.position })
    }

    fn remember(&mut self, id: EventId, hour: Hour) {
        self.ids.insert(id, Seen { position: self.position, hour });
        self.latest_hour = self.latest_hour.max(hour);
    }

    /// When and where the entry being applied happens.
    fn moment(&self) -> Moment {
        Moment { at: self.at, position: self.position }
    }

    fn balance_place(&mut self, credit_type: CreditType) -> usize {
        let place = self.balances.partition_point(|balance| balance.pool.credit_type < credit_type);
        if self.balances.get(place).is_none_or(|balance| balance.pool.credit_type != credit_type) {
            self.balances.insert(place, Balance::new(credit_type));
        }
        place
    }
}

fn pool_of(balances: &[Balance], credit_type: CreditType) -> Option<&Pool> {
    balances.iter().map(|balance| &balance.pool).find(|pool| pool.credit_type == credit_type)
}

fn in_range(time: Timestamp, at: Timestamp) -> bool {
    at.minus(OLDEST_EVENT) <= time && time <= at.plus(CLOCK_SKEW)
}

#[cfg(test)]
mod tests;
