//! Where the figures come from: what was charged, cut into cells.
//!
//! A cell is the part of a charge that was taken for one action, in one kind of credits, from one kind of grant. What is counted of a
//! charge stands in one of its cells alone, so that cells can be added up in any way. Today they are made of the history's rows; whatever
//! keeps them added up by hours and days can hand them over in the same way.

use std::collections::HashMap;

use super::range::Span;
use super::sums::Sums;
use crate::book::pipeline::Look;
use crate::ledger::charge::{Charge, Source};
use crate::ledger::entry::GrantKind;
use crate::ledger::grants::Pool;
use crate::ledger::org::Org;
use crate::ledger::price::CreditType;
use crate::ledger::units::{Credits, Millis, Timestamp};
use crate::query::charged::{Charged, Standing, each_charge};
use crate::store::StoreError;

/// What was used at one time, by someone, for something.
#[derive(Clone, Debug)]
pub(super) struct Cell<'a> {
    /// When it happened.
    pub(super) time: Timestamp,
    pub(super) account: Option<&'a str>,
    /// The type of what spent, and its id.
    pub(super) entity: Option<(&'a str, &'a str)>,
    pub(super) user: Option<&'a str>,
    pub(super) team: Option<&'a str>,
    pub(super) feature: Option<&'a str>,
    pub(super) action: &'a str,
    pub(super) credit_type: CreditType,
    /// What paid; none for what was free.
    pub(super) paid_by: Option<PaidBy>,
    pub(super) sums: Sums,
}

/// What kind of grant paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PaidBy {
    Grant(GrantKind),
    /// None: it is counted apart.
    Overage,
    /// One that ended so long ago that nothing is known of it any more.
    Forgotten,
}

impl PaidBy {
    pub(super) const ALL: [PaidBy; 5] = [
        PaidBy::Grant(GrantKind::Plan),
        PaidBy::Grant(GrantKind::Bonus),
        PaidBy::Grant(GrantKind::Purchased),
        PaidBy::Overage,
        PaidBy::Forgotten,
    ];

    pub(super) const fn slug(self) -> &'static str {
        match self {
            PaidBy::Grant(GrantKind::Plan) => "plan",
            PaidBy::Grant(GrantKind::Bonus) => "bonus",
            PaidBy::Grant(GrantKind::Purchased) => "purchased",
            PaidBy::Overage => "overage",
            PaidBy::Forgotten => "forgotten",
        }
    }
}

/// The cells of an organization's history, as it stood.
pub(super) struct Cells<'a> {
    look: &'a Look,
    standing: Standing,
    kinds: Kinds,
}

/// The kinds of grants, by the numbers that they have in the pools of their credits.
type Kinds = HashMap<(CreditType, u32), GrantKind>;

fn kinds_of(org: &Org) -> Kinds {
    let of_pool = |pool: &'_ Pool| {
        let of = pool.credit_type;
        pool.grants().iter().map(move |grant| ((of, grant.serial), grant.kind)).collect::<Vec<_>>()
    };
    org.pools().flat_map(of_pool).collect()
}

impl<'a> Cells<'a> {
    pub(super) fn of(look: &'a Look, standing: Standing) -> Cells<'a> {
        Cells { look, standing, kinds: kinds_of(&look.org) }
    }

    /// Hands over every cell of a span, in any order, as long as `visit` wants more.
    ///
    /// # Errors
    /// [`StoreError`] where the history cannot be read.
    pub(super) fn each(
        &self,
        span: Span,
        visit: &mut dyn FnMut(&Cell<'_>) -> bool,
    ) -> Result<(), StoreError> {
        each_charge(self.look, self.standing, span.from, &mut |charged| {
            !span.contains(charged.time) || cut_by(&self.kinds, charged, visit)
        })
    }
}

/// Hands over the cells of a charge. Answers whether more are wanted.
fn cut_by(kinds: &Kinds, charged: Charged<'_>, visit: &mut dyn FnMut(&Cell<'_>) -> bool) -> bool {
    let Charged { time, dimensions, actions, charge } = charged;
    let [account, entity_type, entity_id, _, user, team, feature] = dimensions;
    let mut draws = Draws::of(charge);
    charge.lines.iter().enumerate().all(|(nth, line)| {
        let mut cell = Cell {
            time,
            account: account.as_deref(),
            entity: entity_type.as_deref().zip(entity_id.as_deref()),
            user: user.as_deref(),
            team: team.as_deref(),
            feature: feature.as_deref(),
            action: actions.get(nth).map_or("", |action| &**action),
            credit_type: line.credit_type,
            paid_by: None,
            sums: counted(charge, nth),
        };
        let mut left = line.amount;
        loop {
            let (from, part) = draws.next(line.credit_type, left);
            left = left.minus(part);
            cell.paid_by = from.map(|source| paid_by(kinds, line.credit_type, source));
            cell.sums.credits = [(line.credit_type, part)].into_iter().collect();
            if !visit(&cell) {
                return false;
            }
            if left == Credits::ZERO {
                return true;
            }
            cell.sums = Sums::default();
        }
    })
}

fn paid_by(kinds: &Kinds, credit_type: CreditType, source: Source) -> PaidBy {
    match source {
        Source::Overage => PaidBy::Overage,
        Source::Grant(serial) => {
            kinds.get(&(credit_type, serial)).map_or(PaidBy::Forgotten, |kind| PaidBy::Grant(*kind))
        }
    }
}

/// What is counted with a line of a charge: things with each, everything else with the first.
fn counted(charge: &Charge, nth: usize) -> Sums {
    let Some(line) = charge.lines.get(nth) else { return Sums::default() };
    let counted = Sums { quantity: line.basis.things(), ..Sums::default() };
    if nth > 0 {
        return counted;
    }
    let Millis(talked_ms) = line.talked();
    let calls = u64::from(talked_ms > 0);
    Sums { charges: 1, calls, talked_ms, billed_seconds: line.billed_seconds(), ..counted }
}

/// What paid a charge, dealt out to its lines: each kind of credits was drawn line by line.
struct Draws<'c> {
    charge: &'c Charge,
    /// Of each draw, what was dealt out.
    dealt: Vec<Credits>,
}

impl<'c> Draws<'c> {
    fn of(charge: &'c Charge) -> Draws<'c> {
        Draws { charge, dealt: vec![Credits::ZERO; charge.draws.len()] }
    }

    /// The next part of what is still to be paid, and where it came from.
    fn next(&mut self, credit_type: CreditType, wanted: Credits) -> (Option<Source>, Credits) {
        let draws = self.charge.draws.iter().zip(&mut self.dealt);
        let mut left = draws.filter(|(draw, dealt)| draw.credit_type == credit_type && **dealt < draw.amount);
        match left.next() {
            Some((draw, dealt)) if wanted > Credits::ZERO => {
                let part = wanted.min(draw.amount.minus(*dealt));
                *dealt = dealt.plus(part);
                (Some(draw.from), part)
            }
            _ => (None, wanted),
        }
    }
}

#[cfg(test)]
mod tests;
