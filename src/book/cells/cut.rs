//! A charge cut into parts.
//!
//! A part was taken for one action, in one kind of credits, from one kind of grant. What is counted of a charge stands in one of its
//! parts alone, so that parts add up in any grouping.

use smallvec::SmallVec;

use super::spent::{PaidBy, Spent};
use crate::book::row::TakenBack;
use crate::ledger::charge::{Charge, Draw, Source};
use crate::ledger::price::Direction;
use crate::ledger::units::{Credits, Millis, Timestamp};

/// What is counted of a part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Credits taken.
    pub credits: Credits,
    /// How many things, a call being one.
    pub quantity: u64,
    /// Calls that were made, and talked.
    pub calls_made: u64,
    /// Calls that were received, and talked.
    pub calls_received: u64,
    /// The seconds of calls that were billed.
    pub billed_seconds: u64,
    /// How long calls were talked, in milliseconds.
    pub talked_ms: u64,
    /// Events that were charged.
    pub charges: u64,
}

/// A charge with what it was for.
#[derive(Clone, Debug)]
pub struct Charged<'r> {
    /// When it happened.
    pub time: Timestamp,
    /// Account, entity type, id and name, user, team, feature.
    pub dimensions: [Option<&'r str>; 7],
    /// The action, then its add-ons, in the order of the charge's lines.
    pub actions: SmallVec<[&'r str; 2]>,
    /// The charge.
    pub charge: &'r Charge,
}

impl<'r> Charged<'r> {
    /// A charge that does not count any more.
    #[must_use]
    pub fn of(taken_back: &'r TakenBack) -> Charged<'r> {
        let TakenBack { time, dimensions, actions, charge } = taken_back;
        Charged {
            time: *time,
            dimensions: std::array::from_fn(|nth| dimensions[nth].as_deref()),
            actions: actions.iter().map(|action| &**action).collect(),
            charge,
        }
    }
}

impl Charged<'_> {
    /// Hands over its parts, as long as `visit` wants more. Answers whether it did to the end.
    pub fn parts(&self, visit: &mut dyn FnMut(Spent<'_>, Counted) -> bool) -> bool {
        let Charged { dimensions, actions, charge, .. } = self;
        let [account, entity_type, entity_id, _, user, team, feature] = *dimensions;
        let mut draws = Draws::of(charge);
        charge.lines.iter().enumerate().all(|(nth, line)| {
            let mut spent = Spent {
                account,
                entity: entity_type.zip(entity_id),
                user,
                team,
                feature,
                action: actions.get(nth).copied().unwrap_or_default(),
                credit_type: line.credit_type,
                paid_by: None,
            };
            let mut counted = counted(charge, nth);
            let mut left = line.amount;
            loop {
                let (from, part) = draws.next(|draw| draw.credit_type == line.credit_type, left);
                left = left.minus(part);
                spent.paid_by = from;
                counted.credits = part;
                if !visit(spent, counted) {
                    return false;
                }
                if left == Credits::ZERO {
                    return true;
                }
                counted = Counted::default();
            }
        })
    }
}

/// What is counted with a line of a charge: things with each, everything else with the first.
fn counted(charge: &Charge, nth: usize) -> Counted {
    let Some(line) = charge.lines.get(nth) else { return Counted::default() };
    let counted = Counted { quantity: line.basis.things(), ..Counted::default() };
    if nth > 0 {
        return counted;
    }
    let Millis(talked_ms) = line.talked();
    let went = |direction| u64::from(line.talked_direction() == Some(direction));
    Counted {
        charges: 1,
        calls_made: went(Direction::Outbound),
        calls_received: went(Direction::Inbound),
        talked_ms,
        billed_seconds: line.billed_seconds(),
        ..counted
    }
}

/// What paid a charge, dealt out to its lines: each kind of credits was drawn line by line.
struct Draws<'c> {
    charge: &'c Charge,
    /// Of each draw, what was dealt out.
    dealt: SmallVec<[Credits; 4]>,
}

impl<'c> Draws<'c> {
    fn of(charge: &'c Charge) -> Draws<'c> {
        Draws { charge, dealt: smallvec::smallvec![Credits::ZERO; charge.draws.len()] }
    }

    /// The next part of what is still to be paid, and what paid it.
    fn next(&mut self, of_type: impl Fn(&Draw) -> bool, wanted: Credits) -> (Option<PaidBy>, Credits) {
        let draws = self.charge.draws.iter().zip(&mut self.dealt);
        let mut left = draws.filter(|(draw, dealt)| of_type(draw) && **dealt < draw.amount);
        match left.next() {
            Some((draw, dealt)) if wanted > Credits::ZERO => {
                let part = wanted.min(draw.amount.minus(*dealt));
                *dealt = dealt.plus(part);
                (paid_by(draw), part)
            }
            _ => (None, wanted),
        }
    }
}

fn paid_by(draw: &Draw) -> Option<PaidBy> {
    match draw.from {
        Source::Overage => Some(PaidBy::Overage),
        Source::Grant(_) => draw.kind.map(PaidBy::Grant),
    }
}

#[cfg(test)]
mod tests;
