//! How the recharge of one kind of credits stands: armed, in flight, at rest, or capped.

use serde::{Deserialize, Serialize};

use super::Funds;
use super::asked::Asked;
use super::order::{Asking, Recharge};
use crate::ledger::balance::Moment;
use crate::ledger::effect::{Effect, RechargeAlert, RechargeNews};
use crate::ledger::limits::Place;
use crate::ledger::movement::Note;
use crate::ledger::price::CreditType;
use crate::ledger::units::{Credits, Millis, Timestamp};

/// How long nothing is asked for after a failure; twice as long after each further one in a row.
const SHORTEST_BACK_OFF: Millis = Millis(300_000);

/// The longest that nothing is asked for after a failure.
const LONGEST_BACK_OFF: Millis = Millis(86_400_000);

/// Why a request failed that nobody answered.
const NO_ANSWER: &str = "no answer in time";

/// The recharge of one kind of credits: what is ordered, and how it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The kind of credits.
    pub credit_type: CreditType,
    /// None once it was taken away.
    ordered: Option<Recharge>,
    /// Why and by whom it was put.
    note: Note,
    /// How many requests there were. Never starts over.
    requests: u64,
    in_flight: Option<Request>,
    rest: Rest,
    /// How many requests failed in a row.
    failures: u32,
    /// Until when a cap forbids what would be asked for.
    capped: Option<Timestamp>,
    asked: Asked,
}

/// A request that is not answered yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// 1 for the first of its kind of credits.
    pub number: u64,
    /// How much it asks for.
    pub amount: Credits,
    /// The level at which it asked.
    pub below: Credits,
    /// When it was made.
    pub since: Timestamp,
    /// It is answered before this instant, or has failed.
    pub deadline: Timestamp,
}

/// A time in which nothing is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Rest {
    #[default]
    None,
    CoolingDown(Timestamp),
    BackingOff(Timestamp),
}

impl Rest {
    fn until(self) -> Option<Timestamp> {
        match self {
            Rest::None => None,
            Rest::CoolingDown(until) | Rest::BackingOff(until) => Some(until),
        }
    }
}

/// Where a recharge stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// A request waits for its answer.
    InFlight(Request),
    /// Nothing is asked for.
    Off,
    /// A request failed; it may ask again from this instant on.
    BackingOff(Timestamp),
    /// A request was answered with credits; it may ask again from this instant on.
    CoolingDown(Timestamp),
    /// Credits are low and a cap forbids to ask until this instant; [`Timestamp::MAX`] where its window never ends.
    Capped(Timestamp),
    /// It asks when credits are low.
    Armed,
}

impl Standing {
    pub(super) fn new(credit_type: CreditType, at: Timestamp, place: &Place) -> Standing {
        Standing {
            credit_type,
            ordered: None,
            note: Note::default(),
            requests: 0,
            in_flight: None,
            rest: Rest::None,
            failures: 0,
            capped: None,
            asked: Asked::new(at, place),
        }
    }

    /// What is ordered; none where it was taken away.
    #[must_use]
    pub fn recharge(&self) -> Option<&Recharge> {
        self.ordered.as_ref()
    }

    /// Why and by whom it was put.
    #[must_use]
    pub fn note(&self) -> &Note {
        &self.note
    }

    /// How many requests there were.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// How many requests failed in a row.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// What was asked for in the windows that run.
    #[must_use]
    pub fn asked(&self) -> &Asked {
        &self.asked
    }

    /// Where it stands, as its last entry or instant left it.
    #[must_use]
    pub fn state(&self) -> State {
        match (self.in_flight, self.rest) {
            (Some(request), _) => State::InFlight(request),
            _ if !self.is_on() => State::Off,
            (None, Rest::BackingOff(until)) => State::BackingOff(until),
            (None, Rest::CoolingDown(until)) => State::CoolingDown(until),
            (None, Rest::None) => self.capped.map_or(State::Armed, State::Capped),
        }
    }

    fn is_on(&self) -> bool {
        self.ordered.as_ref().is_some_and(|recharge| recharge.enabled)
    }

    /// The level at which it asks, where nothing else keeps it from asking.
    pub(super) fn floor(&self) -> Option<Credits> {
        (self.state() == State::Armed).then_some(self.ordered.as_ref()?.below)
    }

    /// The next instant at which something happens by itself.
    pub(super) fn next_change(&self) -> Timestamp {
        let instants = [self.in_flight.map(|request| request.deadline), self.rest.until(), self.capped];
        instants.into_iter().flatten().min().unwrap_or(Timestamp::MAX)
    }

    /// States it whole. Another content than before begins without failures.
    pub(super) fn put(&mut self, new: Recharge, note: Note) {
        if self.ordered.as_ref() != Some(&new) {
            self.forgive();
        }
        self.ordered = Some(new);
        self.note = note;
    }

    /// Takes it away. A request in flight is still awaited.
    pub(super) fn remove(&mut self) {
        self.forgive();
        self.ordered = None;
        self.note = Note::default();
    }

    /// Ends a back-off and the row of failures.
    fn forgive(&mut self) {
        self.failures = 0;
        if matches!(self.rest, Rest::BackingOff(_)) {
            self.rest = Rest::None;
        }
    }

    /// Whether the request of that number is in flight.
    pub(super) fn awaits(&self, number: u64) -> bool {
        self.in_flight.is_some_and(|request| request.number == number)
    }

    /// What is due happens; then it looks whether to ask. The windows have to be looked up only where it asks, or would.
    pub(super) fn look(
        &mut self,
        funds: Funds,
        moment: Moment,
        place: &impl Fn() -> Place,
        out: &mut Vec<Effect>,
    ) {
        if self.in_flight.is_some_and(|request| request.deadline <= moment.at) {
            let note = Note { reason: Some(NO_ANSWER.into()), by: None };
            self.turn(moment.at, &place());
            self.fail(&note, funds.available, moment, out);
        }
        if self.rest.until().is_some_and(|until| until <= moment.at) {
            self.rest = Rest::None;
        }
        self.capped = None;
        let Some(recharge) = &self.ordered else { return };
        let may = recharge.enabled && self.in_flight.is_none() && self.rest == Rest::None;
        if !may || funds.available > recharge.below {
            return;
        }
        self.asked.turn(moment.at, &place());
        match recharge.ask(funds.available, funds.room, &self.asked) {
            Asking::For(amount) => {
                let (below, deadline) = (recharge.below, moment.at.plus(recharge.answer_within));
                self.requests = self.requests.saturating_add(1);
                let request = Request { number: self.requests, amount, below, since: moment.at, deadline };
                self.in_flight = Some(request);
                self.asked.count(amount);
                let news = RechargeNews::Requested { deadline };
                self.tell(request.number, Some(request), news, funds.available, moment, out);
            }
            Asking::Capped(until) => self.capped = Some(until),
            Asking::TooFull => {}
        }
    }

    /// The request of that number brought credits: it was in flight, or had failed.
    pub(super) fn succeed(
        &mut self,
        number: u64,
        granted: Credits,
        available: Credits,
        moment: Moment,
        out: &mut Vec<Effect>,
    ) {
        let answered = self.in_flight.take_if(|request| request.number == number);
        match answered {
            Some(request) => self.asked.settle(request.amount, granted),
            None => self.asked.add(granted),
        }
        self.forgive();
        if let (Some(recharge), None) = (&self.ordered, self.in_flight) {
            let until = moment.at.plus(recharge.cooldown).max(self.rest.until().unwrap_or(Timestamp::MIN));
            self.rest = if until > moment.at { Rest::CoolingDown(until) } else { Rest::None };
        }
        self.tell(number, answered, RechargeNews::Succeeded { granted }, available, moment, out);
    }

    /// The request in flight brought nothing.
    pub(super) fn fail(&mut self, note: &Note, available: Credits, moment: Moment, out: &mut Vec<Effect>) {
        let Some(request) = self.in_flight.take() else { return };
        self.asked.take_back(request.amount);
        self.failures = self.failures.saturating_add(1);
        // Where it is off nothing is asked for, and whatever switches it on begins without failures.
        let next_attempt = self.is_on().then(|| moment.at.plus(back_off(self.failures)));
        self.rest = next_attempt.map_or(Rest::None, Rest::BackingOff);
        let news = RechargeNews::Failed { note: note.clone(), next_attempt };
        self.tell(request.number, Some(request), news, available, moment, out);
    }

    /// Begins the windows of the calendar that are over.
    pub(super) fn turn(&mut self, at: Timestamp, place: &Place) {
        self.asked.turn(at, place);
    }

    /// Begins the windows of a cycle that has just begun, or of the time without one.
    pub(super) fn turn_cycle(&mut self, at: Timestamp, place: &Place) {
        self.asked.turn_cycle(at, place);
    }

    /// Moves the ends of the windows that run to where another calendar has them.
    pub(super) fn move_ends(&mut self, at: Timestamp, place: &Place) {
        self.asked.move_ends(at, place);
    }

    fn tell(
        &self,
        number: u64,
        request: Option<Request>,
        news: RechargeNews,
        available: Credits,
        moment: Moment,
        out: &mut Vec<Effect>,
    ) {
        let below = request.map(|request| request.below);
        out.push(Effect::Recharge(Box::new(RechargeAlert {
            credit_type: self.credit_type,
            number,
            news,
            amount: request.map(|request| request.amount),
            below: below.or(self.ordered.as_ref().map(|recharge| recharge.below)),
            available,
            at: moment.at,
            position: moment.position,
        })));
    }
}

/// How long nothing is asked for after so many failures in a row.
fn back_off(failures: u32) -> Millis {
    let doublings = failures.saturating_sub(1).min(16);
    let Millis(longest) = LONGEST_BACK_OFF;
    Millis(SHORTEST_BACK_OFF.0.saturating_mul(1 << doublings).min(longest))
}
