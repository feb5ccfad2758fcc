//! Recount: an organization's books added up anew from its history, and laid beside what the ledger holds.
//!
//! The history says of every charge what paid, of every void what came back, the same of calls that were closed without their end, and of every
//! other movement what happened to which grant. So the books are plain sums over its rows; no rule of the ledger is carried out again.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::row::{Row, What};
use crate::ledger::charge::{Charge, Destination, Return, Source};
use crate::ledger::grants::Totals;
use crate::ledger::movement::{Movement, MovementKind};
use crate::ledger::org::Org;
use crate::ledger::price::CreditType;
use crate::ledger::units::{Credits, Position};

/// An organization's books as its history tells them.
#[derive(Clone, Debug, Default)]
pub struct Recount {
    /// How many rows were added up.
    pub rows: u64,
    pools: BTreeMap<CreditType, Sums>,
}

/// The sums of one kind of credits.
#[derive(Clone, Debug, Default)]
struct Sums {
    totals: Totals,
    /// What is left of each grant, by its number within the pool.
    grants: BTreeMap<u32, Credits>,
}

/// A figure that the history tells otherwise than the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Difference {
    /// The kind of credits.
    pub credit_type: CreditType,
    /// The total, or the grant's name.
    pub figure: String,
    /// What the ledger holds.
    pub ledger: Credits,
    /// What the history adds up to.
    pub history: Credits,
}

impl Sums {
    fn grant(&mut self, serial: u32) -> &mut Credits {
        self.grants.entry(serial).or_default()
    }

    fn take(&mut self, from: Source, amount: Credits) {
        match from {
            Source::Grant(serial) => {
                self.totals.consumed = self.totals.consumed.plus(amount);
                *self.grant(serial) = self.grant(serial).minus(amount);
            }
            Source::Overage => self.totals.overage = self.totals.overage.plus(amount),
        }
    }

    fn give_back(&mut self, back: &Return) {
        let Return { from, to, amount, .. } = *back;
        let totals = &mut self.totals;
        totals.charged = totals.charged.minus(amount);
        let was_paid = matches!(to, Destination::Grant(_) | Destination::Expired);
        if from == Source::Overage {
            totals.overage = totals.overage.minus(amount);
            if was_paid {
                totals.covered = totals.covered.minus(amount);
            }
        }
        if was_paid {
            totals.consumed = totals.consumed.minus(amount);
        }
        match to {
            Destination::Grant(serial) => *self.grant(serial) = self.grant(serial).plus(amount),
            Destination::Expired => totals.expired = totals.expired.plus(amount),
            Destination::Dropped => totals.dropped = totals.dropped.minus(amount),
            Destination::Owed => {}
        }
    }

    fn moved(&mut self, movement: &Movement) {
        let amount = movement.amount;
        let totals = &mut self.totals;
        let comes = matches!(movement.kind, MovementKind::Granted | MovementKind::RolledIn);
        match movement.kind {
            MovementKind::Granted => totals.granted = totals.granted.plus(amount),
            MovementKind::Expired => totals.expired = totals.expired.plus(amount),
            MovementKind::Voided => totals.voided = totals.voided.plus(amount),
            MovementKind::Covered => {
                totals.covered = totals.covered.plus(amount);
                totals.consumed = totals.consumed.plus(amount);
            }
            MovementKind::Dropped => totals.dropped = totals.dropped.plus(amount),
            MovementKind::RolledOut | MovementKind::RolledIn => {}
        }
        if let Some((serial, _)) = movement.grant {
            let left = self.grant(serial);
            *left = if comes { left.plus(amount) } else { left.minus(amount) };
        }
    }
}

impl Recount {
    /// Adds up the rows that an organization contains, in any order. The history may be ahead of it.
    pub fn of<'r>(org: &Org, rows: impl IntoIterator<Item = &'r (Position, Row)>) -> Recount {
        let mut recount = Recount::default();
        for (position, row) in rows {
            if row.is_within(*position, org) {
                recount.add(row);
            }
        }
        recount
    }

    fn add(&mut self, row: &Row) {
        self.rows = self.rows.saturating_add(1);
        match &row.what {
            What::Charge { charge, .. } | What::Orphan { charge, .. } => self.charge(charge),
            What::Void { returns, .. } | What::OrphanReturned { returns, .. } => {
                returns.iter().for_each(|back| self.sums(back.credit_type).give_back(back));
            }
            What::Moved(movement) => self.sums(movement.credit_type).moved(movement),
        }
    }

    fn charge(&mut self, charge: &Charge) {
        for line in charge.lines.iter().filter(|line| line.amount > Credits::ZERO) {
            let totals = &mut self.sums(line.credit_type).totals;
            totals.charged = totals.charged.plus(line.amount);
        }
        for draw in &charge.draws {
            self.sums(draw.credit_type).take(draw.from, draw.amount);
        }
    }

    fn sums(&mut self, credit_type: CreditType) -> &mut Sums {
        self.pools.entry(credit_type).or_default()
    }

    /// Every figure of the organization that the history tells otherwise; none where the books are right.
    #[must_use]
    pub fn differences(&self, org: &Org) -> Vec<Difference> {
        let mut differences = Vec::new();
        let none = Sums::default();
        for pool in org.pools() {
            let credit_type = pool.credit_type;
            let sums = self.pools.get(&credit_type).unwrap_or(&none);
            let mut compare = |figure: &str, ledger, history| {
                if ledger != history {
                    differences.push(Difference { credit_type, figure: figure.to_owned(), ledger, history });
                }
            };
            for ((figure, ledger), (_, history)) in
                figures(pool.totals()).into_iter().zip(figures(&sums.totals))
            {
                compare(figure, ledger, history);
            }
            let mut grants = sums.grants.clone();
            for grant in pool.grants() {
                let history = grants.remove(&grant.serial).unwrap_or_default();
                compare(&grant.name(credit_type), grant.remaining, history);
            }
            // Of a grant that is not kept any more nothing may be left.
            for (serial, history) in grants {
                compare(&format!("grant number {serial}"), Credits::ZERO, history);
            }
        }
        differences
    }
}

fn figures(totals: &Totals) -> [(&'static str, Credits); 8] {
    let Totals { granted, consumed, expired, voided, charged, overage, covered, dropped } = *totals;
    [
        ("granted", granted),
        ("consumed", consumed),
        ("expired", expired),
        ("voided", voided),
        ("charged", charged),
        ("overage", overage),
        ("covered", covered),
        ("dropped", dropped),
    ]
}
