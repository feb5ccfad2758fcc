//! What is ordered: at which level, how much, and within which caps.

use serde::{Deserialize, Serialize};

use super::asked::Asked;
use crate::ledger::limits::Window;
use crate::ledger::movement::Note;
use crate::ledger::price::CreditType;
use crate::ledger::units::{Credits, Millis, Timestamp};

/// The most caps of one recharge.
pub const MOST_CAPS: usize = 4;

/// What is to be bought by itself when credits run low.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recharge {
    /// It is asked for more when the available credits are at this or less; 0 or more.
    pub below: Credits,
    /// How much.
    pub refill: Refill,
    /// One request asks for no less.
    pub min: Option<Credits>,
    /// One request asks for no more; not below `min`, nor below a step.
    pub max: Option<Credits>,
    /// Each of another window, in their order.
    pub caps: Vec<Cap>,
    /// For so long after a grant nothing is asked for.
    pub cooldown: Millis,
    /// A request that is not answered until then has failed.
    pub answer_within: Millis,
    /// Whether anything is asked for.
    pub enabled: bool,
}

/// How much one request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refill {
    /// The least number of such steps that lifts the available credits above the level; more than nothing.
    Steps(Credits),
    /// What is missing to this level, which is above the other.
    UpTo(Credits),
}

/// No more than this is asked for within a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cap {
    /// The window.
    pub window: Window,
    /// So many credits; more than none.
    pub credits: Option<Credits>,
    /// So many requests; 1 or more.
    pub times: Option<u64>,
}

/// A recharge as it is put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RechargeOrder {
    /// The kind of credits.
    pub credit_type: CreditType,
    /// What is ordered.
    pub recharge: Recharge,
    /// Why, and who.
    pub note: Note,
}

/// What comes of a look at credits that are low.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asking {
    /// So much is asked for.
    For(Credits),
    /// A cap forbids it until this instant; [`Timestamp::MAX`] where its window never ends.
    Capped(Timestamp),
    /// The largest total leaves too little.
    TooFull,
}

impl Recharge {
    /// What to ask for when so much is available, at the level or below it.
    pub(super) fn ask(&self, available: Credits, room: Credits, asked: &Asked) -> Asking {
        let Some(wanted) = self.fit(self.wanted(available), micros(room)) else { return Asking::TooFull };
        let forbids = |cap: &&Cap| self.left(cap, asked).is_none_or(|left| self.fit(wanted, left).is_none());
        if let Some(until) = self.caps.iter().filter(forbids).map(|cap| asked.of(cap.window).ends).min() {
            return Asking::Capped(until);
        }
        let left = self.caps.iter().filter_map(|cap| self.left(cap, asked)).fold(wanted, i128::min);
        let amount = self.fit(wanted, left).and_then(|amount| i64::try_from(amount).ok());
        amount.map_or(Asking::TooFull, |amount| Asking::For(Credits::from_micros(amount)))
    }

    /// What is missing, between `min` and `max`; in whole steps, where `max` goes before `min`.
    fn wanted(&self, available: Credits) -> i128 {
        let (min, max) = (self.min.map_or(0, micros), self.max.map_or(i128::MAX, micros));
        match self.refill {
            Refill::UpTo(level) => micros(level).saturating_sub(micros(available)).max(min).min(max),
            Refill::Steps(step) => {
                let step = micros(step).max(1);
                let short = micros(self.below).saturating_sub(micros(available));
                let steps = short.div_euclid(step).saturating_add(1);
                let least = min.saturating_add(step).saturating_sub(1).div_euclid(step);
                steps.max(least).min(max.div_euclid(step)).saturating_mul(step)
            }
        }
    }

    /// An amount, lowered to what is left; `None` where that comes to nothing or to less than `min`.
    fn fit(&self, wanted: i128, left: i128) -> Option<i128> {
        if wanted <= left {
            return Some(wanted);
        }
        let lowered = match self.refill {
            Refill::UpTo(_) => left,
            Refill::Steps(step) => left.saturating_sub(left.rem_euclid(micros(step).max(1))),
        };
        (lowered > 0 && lowered >= self.min.map_or(0, micros)).then_some(lowered)
    }

    /// What a cap leaves in micro-credits; `None` where it leaves no request at all.
    fn left(&self, cap: &Cap, asked: &Asked) -> Option<i128> {
        let used = asked.of(cap.window);
        if cap.times.is_some_and(|times| used.times >= times) {
            return None;
        }
        Some(cap.credits.map_or(i128::MAX, |credits| micros(credits).saturating_sub(micros(used.credits))))
    }
}

fn micros(amount: Credits) -> i128 {
    i128::from(amount.micros())
}
