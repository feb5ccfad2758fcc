//! Auto-recharges: what is ordered, and where each stands, in words.

use schemars::JsonSchema;
use serde::Serialize;

use super::page::AsOf;
use crate::book::Book;
use crate::ledger::limits::Window;
use crate::ledger::org::Org;
use crate::ledger::price::CreditType;
use crate::ledger::recharge::{Cap, InWindow, Recharge, Refill, Standing, State, request_name};
use crate::ledger::units::{Credits, Millis, Timestamp};
use crate::wire::time;

/// The recharges of an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Recharges {
    /// One for each kind of credits that has one.
    pub data: Vec<RechargeState>,
    /// Of when they are.
    pub meta: AsOf,
}

/// A recharge as it is ordered, and as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RechargeState {
    /// The kind of credits.
    pub credit_type: CreditType,
    /// Where it stands, in the words of `docs/EVENTS.md`.
    pub state: String,
    /// Since when a request is in flight.
    #[schemars(extend("format" = "date-time"))]
    pub since: Option<String>,
    /// Until when it stands like this: a request has failed from here on, a rest or a cap ends.
    #[schemars(extend("format" = "date-time"))]
    pub until: Option<String>,
    /// The name of the request in flight.
    pub request: Option<String>,
    /// How much the request in flight asks for.
    pub requested: Option<Credits>,
    /// How many requests failed in a row.
    pub failures: u32,
    /// It is asked for more when the available credits are at this or less.
    pub below: Credits,
    /// By so many credits at a time.
    pub amount: Option<Credits>,
    /// To this level.
    pub up_to: Option<Credits>,
    /// One request asks for no less.
    pub min: Option<Credits>,
    /// One request asks for no more.
    pub max: Option<Credits>,
    /// Each of another window, in the order of their lengths.
    pub caps: Vec<CapState>,
    /// For so many seconds after a grant nothing is asked for.
    pub cooldown_s: u64,
    /// A request that is not answered in so many seconds has failed.
    pub answer_within_s: u64,
    /// Whether anything is asked for.
    pub enabled: bool,
    /// Why it was put.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Box<str>>,
    /// Who put it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<Box<str>>,
}

/// A cap, and what was asked for within its window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CapState {
    /// The window.
    pub window: Window,
    /// So many credits may be asked for.
    pub credits: Option<Credits>,
    /// So many requests may be made.
    pub times: Option<u64>,
    /// How many credits were asked for.
    pub used_credits: Credits,
    /// How many requests were made.
    pub used_times: u64,
    /// The end of the window that runs; none for life.
    #[schemars(extend("format" = "date-time"))]
    pub resets_at: Option<String>,
}

impl CapState {
    fn of(cap: &Cap, used: &InWindow) -> CapState {
        CapState {
            window: cap.window,
            credits: cap.credits,
            times: cap.times,
            used_credits: used.credits,
            used_times: used.times,
            resets_at: instant(used.ends),
        }
    }
}

impl RechargeState {
    fn of(standing: &Standing, recharge: &Recharge) -> RechargeState {
        let (state, since, until) = in_words(standing.state());
        let request = match standing.state() {
            State::InFlight(request) => Some(request),
            _ => None,
        };
        let (amount, up_to) = match recharge.refill {
            Refill::Steps(amount) => (Some(amount), None),
            Refill::UpTo(level) => (None, Some(level)),
        };
        let caps = recharge.caps.iter().map(|cap| CapState::of(cap, standing.asked().of(cap.window)));
        RechargeState {
            credit_type: standing.credit_type,
            state,
            since: since.and_then(instant),
            until: until.and_then(instant),
            request: request.map(|request| request_name(standing.credit_type, request.number)),
            requested: request.map(|request| request.amount),
            failures: standing.failures(),
            below: recharge.below,
            amount,
            up_to,
            min: recharge.min,
            max: recharge.max,
            caps: caps.collect(),
            cooldown_s: seconds(recharge.cooldown),
            answer_within_s: seconds(recharge.answer_within),
            enabled: recharge.enabled,
            reason: standing.note().reason.clone(),
            by: standing.note().by.clone(),
        }
    }
}

/// A state in words, with its begin and its end.
fn in_words(state: State) -> (String, Option<Timestamp>, Option<Timestamp>) {
    let until = |what: &str, end: Timestamp| (format!("{what} until {}", time::format(end)), None, Some(end));
    match state {
        State::InFlight(request) => {
            let words = format!("in flight since {}", time::format(request.since));
            (words, Some(request.since), Some(request.deadline))
        }
        State::Off => ("off".to_owned(), None, None),
        State::BackingOff(end) => until("backing off", end),
        State::CoolingDown(end) => until("cooling down", end),
        State::Capped(Timestamp::MAX) => ("capped".to_owned(), None, None),
        State::Capped(end) => until("capped", end),
        State::Armed => ("armed".to_owned(), None, None),
    }
}

fn instant(instant: Timestamp) -> Option<String> {
    (instant != Timestamp::MAX).then(|| time::format(instant))
}

fn seconds(Millis(span): Millis) -> u64 {
    span.div_euclid(1_000)
}

/// The recharges of an organization by their kinds of credits, as they are at `now`, or at its last entry where that is later;
/// `None` for one that was never created.
#[must_use]
pub fn recharges(book: &Book, org: &str, now: Timestamp) -> Option<Recharges> {
    let (mut ahead, at) = book.read(org, |slot| (slot.org.without_ids(), now.max(slot.org.at())))?;
    ahead.advance(at, &book.catalog(), &mut Vec::new());
    Some(Recharges { data: recharges_of(&ahead), meta: AsOf::of(&ahead, at) })
}

/// The recharges at the instant that an organization stands at.
pub(super) fn recharges_of(org: &Org) -> Vec<RechargeState> {
    org.recharges().ordered().map(|(standing, recharge)| RechargeState::of(standing, recharge)).collect()
}
