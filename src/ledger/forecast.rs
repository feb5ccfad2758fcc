//! The forecast: when credits run out at the rate of now, and what grants will have left at their end.
//!
//! The reckoning goes through what is known of a copy of the pool, from one instant at which something falls due to the next,
//! and takes in between what is burnt.

use super::burn::Rate;
use super::calendar::Zone;
use super::catalog::Plan;
use super::effect::Effect;
use super::grants::{Booking, Pool, Term};
use super::movement::MovementKind;
use super::units::{Credits, Millis, Position, Timestamp};

/// What will become of one kind of credits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// How it ends.
    pub outcome: Outcome,
    /// What is left of grants at their end, in the order in which they end.
    pub losses: Vec<Loss>,
}

/// How a reckoning ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing is available now.
    HasRunOut,
    /// There are too few whole hours for a rate.
    NotEnoughHistory,
    /// Nothing is available from this instant on.
    RunsOut(Timestamp),
    /// Something is left when the running cycle ends.
    UntilReset(Timestamp),
    /// Something is left at this instant, beyond which it is not looked.
    Beyond(Timestamp),
    /// The grants are too many to look further than this instant, at which something is left.
    AtLeast(Timestamp),
}

impl Outcome {
    /// Whether something is left just before an instant, as far as it is known.
    pub(super) fn lasts(self, until: Timestamp) -> bool {
        match self {
            Outcome::RunsOut(at) | Outcome::AtLeast(at) => at >= until,
            Outcome::UntilReset(_) | Outcome::Beyond(_) => true,
            Outcome::HasRunOut | Outcome::NotEnoughHistory => false,
        }
    }
}

/// What a grant will have left at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The grant's name.
    pub grant: Box<str>,
    /// When.
    pub at: Timestamp,
    /// How much.
    pub amount: Credits,
}

/// How far a forecast looks ahead.
pub const LONGEST: Millis = Millis::days(400);

/// The most grants that a reckoning looks at, over all of its instants.
pub(super) const MOST_LOOKS: usize = 4_000_000;

/// What lies ahead of a pool.
#[derive(Clone, Debug)]
pub(super) struct Ahead<'a> {
    /// The zone in which grants are refilled.
    pub(super) zone: Zone,
    /// The end of the running cycle.
    pub(super) reset: Option<Reset<'a>>,
}

/// The end of a running cycle.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reset<'a> {
    /// When.
    pub(super) at: Timestamp,
    /// The cycle's number.
    pub(super) number: u32,
    /// The plan by which its allotments go on; none where no cycle follows.
    pub(super) plan: Option<&'a Plan>,
}

/// Reckons from an instant on, for at most so long, and looks at no more than so many grants on the way.
pub(super) fn forecast(
    pool: &Pool,
    rate: Option<Rate>,
    from: Timestamp,
    ahead: &Ahead<'_>,
    longest: Millis,
    most_looks: usize,
) -> Forecast {
    let ended = |outcome| Forecast { outcome, losses: Vec::new() };
    if pool.level() <= Credits::ZERO {
        return ended(Outcome::HasRunOut);
    }
    let Some(rate) = rate else { return ended(Outcome::NotEnoughHistory) };
    let mut reckoning =
        Reckoning { pool: pool.ahead(), rate, from, burnt: Credits::ZERO, losses: Vec::new() };
    let outcome = reckoning.run(ahead, from.plus(longest.min(LONGEST)), most_looks);
    Forecast { outcome, losses: reckoning.losses }
}

/// A reckoning under way.
struct Reckoning {
    pool: Pool,
    rate: Rate,
    from: Timestamp,
    /// What was taken from the pool so far.
    burnt: Credits,
    losses: Vec<Loss>,
}

impl Reckoning {
    fn run(&mut self, ahead: &Ahead<'_>, until: Timestamp, most_looks: usize) -> Outcome {
        let reset = ahead.reset.filter(|reset| reset.at <= until);
        let stop = reset.map_or(until, |reset| reset.at);
        let mut looks = 0_usize;
        loop {
            let next = self.pool.next_change().min(stop);
            if let Some(at) = self.runs_out_before(next) {
                return Outcome::RunsOut(at);
            }
            self.burn_until(next);
            if next == stop {
                let Some(reset) = reset else { return Outcome::Beyond(stop) };
                self.end_cycle(reset);
                return Outcome::UntilReset(stop);
            }
            self.fall_due(next, &ahead.zone);
            if self.pool.level() <= Credits::ZERO {
                return Outcome::RunsOut(next);
            }
            looks = looks.saturating_add(self.pool.grants().len());
            if looks > most_looks {
                return Outcome::AtLeast(next);
            }
        }
    }

    /// The instant before `next` from which on nothing is available.
    fn runs_out_before(&self, next: Timestamp) -> Option<Timestamp> {
        let lasts = self.rate.lasts(self.burnt.plus(self.pool.level()))?;
        let micros = i64::try_from(lasts).ok().filter(|_| lasts < self.micros_until(next))?;
        Some(Timestamp::from_micros(self.from.micros().saturating_add(micros)))
    }

    /// Takes what is burnt up to an instant.
    fn burn_until(&mut self, at: Timestamp) {
        let burnt = self.rate.within(self.micros_until(at));
        self.pool.burn(burnt.minus(self.burnt));
        self.burnt = burnt;
    }

    /// What falls due at an instant, in the order in which it does.
    fn fall_due(&mut self, at: Timestamp, zone: &Zone) {
        let mut out = Vec::new();
        let mut booking = Booking { at, note: None, out: &mut out };
        self.pool.end(at, None, &mut booking);
        self.pool.refill(at, zone, &mut booking);
        self.pool.start(at, zone);
        self.pool.settle(&mut booking);
        self.note_losses(out);
    }

    /// What is lost at the end of a cycle.
    fn end_cycle(&mut self, Reset { at, number, plan }: Reset<'_>) {
        let mut out = Vec::new();
        let mut booking = Booking { at, note: None, out: &mut out };
        self.pool.end(at, Some(number), &mut booking);
        let allotment = plan.and_then(|plan| plan.allotment(self.pool.credit_type));
        let next = Term { number: number.saturating_add(1), end: Timestamp::MAX, position: Position::START };
        self.pool.roll_over(number, allotment, plan.map(|_| next), &mut booking);
        self.pool.roll_grants(&mut booking);
        self.note_losses(out);
    }

    fn note_losses(&mut self, effects: Vec<Effect>) {
        self.losses.extend(effects.into_iter().filter_map(|effect| {
            let Effect::Moved(moved) = effect else { return None };
            let (_, grant) = moved.grant.filter(|_| moved.kind == MovementKind::Expired)?;
            Some(Loss { grant, at: moved.at, amount: moved.amount })
        }));
    }

    fn micros_until(&self, at: Timestamp) -> i128 {
        i128::from(at.micros()).saturating_sub(i128::from(self.from.micros()))
    }
}

#[cfg(test)]
mod tests;
