//! An organization with a history that recalls what it forgot, and the laws its books keep.

use creditd::ledger::catalog::Catalog;
use creditd::ledger::charge::Charge;
use creditd::ledger::effect::{Effect, Need, Outcome, Recall};
use creditd::ledger::entry::{Entry, What};
use creditd::ledger::grants::{Phase, Pool};
use creditd::ledger::ids::Seen;
use creditd::ledger::org::Org;
use creditd::ledger::units::{Credits, EventId, Hour, Position, Timestamp};
use creditd::store::codec;

/// An organization being folded.
pub struct Books {
    /// The organization.
    pub org: Org,
    catalog: Catalog,
    ids: Vec<(EventId, Seen)>,
    charges: Vec<(Position, Charge)>,
    /// Everything that left.
    pub effects: Vec<Effect>,
}

impl Books {
    /// Before the first entry.
    pub fn new(catalog: Catalog) -> Books {
        let (ids, charges, effects) = (Vec::new(), Vec::new(), Vec::new());
        Books { org: Org::default(), catalog, ids, charges, effects }
    }

    /// After all entries.
    pub fn fold(catalog: Catalog, entries: &[Entry<'_>]) -> Books {
        let mut books = Books::new(catalog);
        for entry in entries {
            books.apply(entry);
        }
        books
    }

    /// Applies an entry and recalls what it needs.
    pub fn apply(&mut self, entry: &Entry<'_>) -> Outcome {
        let mut recall = Recall::default();
        loop {
            let outcome = self.org.apply(entry, &self.catalog, &recall, &mut self.effects);
            match outcome {
                Outcome::Needs(Need::Hour(hour)) => {
                    let ids: Vec<_> =
                        self.ids.iter().copied().filter(|(_, seen)| seen.hour == hour).collect();
                    self.org.reopen(hour, ids);
                }
                Outcome::Needs(Need::Charge(of)) => {
                    recall.charge = self.charges.iter().find(|(position, _)| *position == of).cloned();
                    assert!(recall.charge.is_some(), "{of} was never charged");
                }
                Outcome::Needs(Need::Whereabouts(id)) => {
                    let seen = self.ids.iter().rev().find(|(known, _)| *known == id);
                    recall.whereabouts = Some(seen.map(|(_, seen)| seen.hour));
                }
                outcome => {
                    self.keep(entry, &outcome);
                    return outcome;
                }
            }
        }
    }

    fn keep(&mut self, entry: &Entry<'_>, outcome: &Outcome) {
        let What::Event(event) = &entry.what else { return };
        let position = entry.position;
        match outcome {
            Outcome::Charged(charge) => {
                self.charges.push((position, charge.clone()));
                self.ids.push((event.id, Seen { position, hour: event.time.hour() }));
            }
            Outcome::Voided(voided) => {
                let (id, hour) = voided.remembered;
                self.ids.push((id, Seen { position, hour }));
            }
            _ => {}
        }
    }

    /// What it is charged by.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Lets time pass.
    pub fn advance(&mut self, to: Timestamp) {
        self.org.advance(to, &self.catalog, &mut self.effects);
    }

    /// Lets go of the ids of hours before `hour`.
    pub fn forget(&mut self, hour: Hour) {
        assert!(self.org.forget_ids(hour, self.org.position()), "the history holds everything");
    }

    /// Goes through a checkpoint: encoded, and decoded without its ids.
    pub fn restart(&mut self) {
        self.org = codec::decode(&self.bytes()).unwrap();
        self.org.ids_are_elsewhere();
    }

    /// The organization as a checkpoint holds it.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        codec::encode_into(&self.org, &mut bytes).unwrap();
        bytes
    }

    /// Every breach of the laws that hold after every entry.
    pub fn breaches(&self) -> Vec<String> {
        let mut breaches = Vec::new();
        for pool in self.org.pools() {
            let totals = pool.totals();
            let sum = |of: fn(&creditd::ledger::grants::Grant) -> Credits| {
                pool.grants().iter().fold(Credits::ZERO, |sum, grant| sum.plus(of(grant)))
            };
            let spread = sum(|g| g.remaining).plus(totals.consumed).plus(totals.expired).plus(totals.voided);
            let closed = self.effects.iter().any(|effect| matches!(effect, Effect::Orphaned(_)));
            let charged = closed || !self.charges.is_empty();
            let laws = [
                ("granted = remaining + consumed + expired + voided", totals.granted == spread),
                ("granted is the sum of the grants", totals.granted == sum(|g| g.amount)),
                ("covered is the sum over the grants", totals.covered == sum(|g| g.covered)),
                (
                    "consumed − covered = charged − overage",
                    totals.consumed.minus(totals.covered) == totals.charged.minus(totals.overage),
                ),
                (
                    "nothing is usable for anything while something is owed",
                    open(pool).min(totals.owed()) == Credits::ZERO,
                ),
                (
                    "nothing is negative",
                    !negative(&[totals.consumed, totals.expired, totals.charged, totals.owed()]),
                ),
                ("without a charge nothing is charged", charged || totals.charged == Credits::ZERO),
                (
                    "no grant holds more than was given",
                    pool.grants().iter().all(|g| g.remaining <= g.amount && !g.remaining.is_negative()),
                ),
            ];
            let broken = laws.iter().filter(|(_, holds)| !holds);
            breaches.extend(broken.map(|(law, _)| format!("{}: {law}: {pool:?}", pool.credit_type)));
        }
        breaches
    }
}

fn negative(amounts: &[Credits]) -> bool {
    amounts.iter().any(|amount| amount.is_negative())
}

/// What is left of the usable grants that pay for anything.
fn open(pool: &Pool) -> Credits {
    let grants = pool.grants().iter().filter(|grant| grant.phase == Phase::Usable && !grant.is_scoped());
    grants.fold(Credits::ZERO, |sum, grant| sum.plus(grant.remaining))
}
