//! Auto-recharge: more credits are asked for when they run low, once, and the answer is awaited.
//!
//! Each kind of credits of an organization has a recharge of its own. Money is nobody's business here: a request leaves as
//! an effect with a stable name, and a grant of that name, a failure, or the time that was allowed ends it. How many
//! requests there were, what was asked for in the windows that run and a request in flight outlive what was ordered.

mod asked;
mod order;
mod standing;

use serde::{Deserialize, Serialize};

use super::balance::Moment;
use super::effect::Effect;
use super::limits::Place;
use super::movement::Note;
use super::price::CreditType;
use super::refusals::{too_many_recharges, unknown_recharge};
use super::rejection::Rejection;
use super::units::{Credits, Timestamp};

pub use asked::{Asked, InWindow};
pub use order::{Cap, MOST_CAPS, Recharge, RechargeOrder, Refill};
pub use standing::{Request, Standing, State};

/// The most recharges that are ordered for one organization.
pub const MOST_RECHARGES: usize = 16;

/// The most kinds of credits of one organization that were ever asked for.
const MOST_REMEMBERED: usize = 256;

/// What the names of requests begin with.
pub const REQUESTS: &str = "recharge.";

/// The name of a request: which one it is of its kind of credits, from 1.
#[must_use]
pub fn request_name(credit_type: CreditType, number: u64) -> String {
    format!("{REQUESTS}{credit_type}.{number}")
}

/// The kind of credits and the number of a request of that name.
fn request_of(name: &str) -> Option<(CreditType, u64)> {
    let (credit_type, number) = name.strip_prefix(REQUESTS)?.split_once('.')?;
    let request = (CreditType::new(credit_type)?, number.parse().ok()?);
    // One name for one request: neither +1 nor 01.
    (request_name(request.0, request.1) == name).then_some(request)
}

/// What there is of one kind of credits, as a recharge looks at it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Funds {
    pub(super) available: Credits,
    /// How much more can be granted.
    pub(super) room: Credits,
}

/// The recharges of an organization. Those without any have none of this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recharges {
    /// By the names of their kinds of credits.
    all: Vec<Standing>,
    next_change: Timestamp,
}

impl Default for Recharges {
    fn default() -> Self {
        Recharges { all: Vec::new(), next_change: Timestamp::MAX }
    }
}

impl Recharges {
    /// Those that are ordered, by the names of their kinds of credits, with what is ordered.
    pub fn ordered(&self) -> impl Iterator<Item = (&Standing, &Recharge)> {
        self.all.iter().filter_map(|standing| Some((standing, standing.recharge()?)))
    }

    /// The next instant at which something happens by itself.
    pub(super) fn next_change(&self) -> Timestamp {
        self.next_change
    }

    /// At which level it would ask for more of one kind of credits, as far as that only depends on the level.
    pub(super) fn floor(&self, credit_type: CreditType) -> Option<Credits> {
        self.all.get(self.find(credit_type).ok()?)?.floor()
    }

    fn find(&self, credit_type: CreditType) -> Result<usize, usize> {
        self.all.binary_search_by_key(&credit_type, |standing| standing.credit_type)
    }

    fn get_mut(&mut self, credit_type: CreditType) -> Option<&mut Standing> {
        let place = self.find(credit_type).ok()?;
        self.all.get_mut(place)
    }

    /// Whether a recharge can be put.
    pub(super) fn has_room_for(&self, credit_type: CreditType) -> Result<(), Rejection> {
        let known = self.find(credit_type).ok().and_then(|place| self.all.get(place));
        if known.is_some_and(|standing| standing.recharge().is_some()) {
            return Ok(());
        }
        let full = known.is_none() && self.all.len() >= MOST_REMEMBERED;
        if full || self.ordered().count() >= MOST_RECHARGES {
            return Err(too_many_recharges(MOST_RECHARGES));
        }
        Ok(())
    }

    /// Puts a recharge, in the place of the one of its kind of credits.
    pub(super) fn put(&mut self, order: RechargeOrder, at: Timestamp, place: &Place) {
        let new = match self.find(order.credit_type) {
            Ok(known) => known,
            Err(new) => {
                self.all.insert(new, Standing::new(order.credit_type, at, place));
                new
            }
        };
        if let Some(standing) = self.all.get_mut(new) {
            standing.put(order.recharge, order.note);
        }
    }

    /// Takes a recharge away. One that never asked leaves nothing behind.
    pub(super) fn remove(&mut self, credit_type: CreditType) -> Result<(), Rejection> {
        let standing = self.get_mut(credit_type).filter(|standing| standing.recharge().is_some());
        standing.ok_or_else(|| unknown_recharge("credit_type", credit_type.name()))?.remove();
        self.all.retain(|standing| standing.recharge().is_some() || standing.requests() > 0);
        Ok(())
    }

    /// Whether nothing is left to know.
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The kind of credits and the number of a request that was made.
    ///
    /// # Errors
    /// A refusal of the name where none was made under it.
    pub(super) fn request(&self, name: &str) -> Result<(CreditType, u64), Rejection> {
        let request = request_of(name).filter(|(credit_type, number)| {
            let known = self.find(*credit_type).ok().and_then(|place| self.all.get(place));
            known.is_some_and(|standing| (1..=standing.requests()).contains(number))
        });
        request.ok_or_else(|| unknown_recharge("id", name))
    }

    /// A request was answered with credits.
    pub(super) fn succeed(
        &mut self,
        (credit_type, number): (CreditType, u64),
        granted: Credits,
        (available, moment): (Credits, Moment),
        place: &Place,
        out: &mut Vec<Effect>,
    ) {
        if let Some(standing) = self.get_mut(credit_type) {
            standing.turn(moment.at, place);
            standing.succeed(number, granted, available, moment, out);
        }
    }

    /// A request was answered: no credits come. Answers whether it was in flight.
    pub(super) fn fail(
        &mut self,
        (credit_type, number): (CreditType, u64),
        note: &Note,
        (available, moment): (Credits, Moment),
        place: &Place,
        out: &mut Vec<Effect>,
    ) -> bool {
        let standing = self.get_mut(credit_type).filter(|standing| standing.awaits(number));
        let Some(standing) = standing else { return false };
        standing.turn(moment.at, place);
        standing.fail(note, available, moment, out);
        true
    }

    /// What is due happens, and those that may ask look whether to.
    pub(super) fn look(
        &mut self,
        moment: Moment,
        funds: impl Fn(CreditType) -> Funds,
        place: impl Fn() -> Place,
        out: &mut Vec<Effect>,
    ) {
        self.next_change = Timestamp::MAX;
        for standing in &mut self.all {
            standing.look(funds(standing.credit_type), moment, &place, out);
            self.next_change = self.next_change.min(standing.next_change());
        }
    }

    /// Begins the windows of the calendar that are over.
    pub(super) fn turn(&mut self, at: Timestamp, place: &Place) {
        self.all.iter_mut().for_each(|standing| standing.turn(at, place));
    }

    /// Begins the windows of a cycle that has just begun, or of the time without one.
    pub(super) fn turn_cycle(&mut self, at: Timestamp, place: &Place) {
        self.all.iter_mut().for_each(|standing| standing.turn_cycle(at, place));
    }

    /// Moves the ends of the windows that run to where another calendar has them.
    pub(super) fn move_ends(&mut self, at: Timestamp, place: &Place) {
        self.all.iter_mut().for_each(|standing| standing.move_ends(at, place));
    }
}

#[cfg(test)]
mod tests;
