//! The daemon's books, laid out as the model's report.

use creditd::book::Slot;
use creditd::ledger::units::Credits;

use crate::model::Micros;
use crate::model::report::{Balance, GrantReport, OrgReport, Tally};

/// An organization's books.
pub(crate) fn org_report(slot: &Slot) -> OrgReport {
    let micros = |credits: Credits| Micros::from(credits.micros());
    let mut report = OrgReport::default();
    for pool in slot.org.pools() {
        let totals = pool.totals();
        let name = pool.credit_type.to_string();
        let balance = Balance {
            granted: micros(totals.granted),
            remaining: pool.grants().iter().map(|grant| micros(grant.remaining)).sum(),
            consumed: micros(totals.consumed),
            expired: micros(totals.expired),
            voided: micros(totals.voided),
            charged: micros(totals.charged),
            overage: micros(totals.overage),
            covered: micros(totals.covered),
            outstanding: micros(totals.owed()),
            available: micros(pool.level()),
        };
        for grant in pool.grants() {
            let (amount, remaining) = (micros(grant.amount), micros(grant.remaining));
            report.grants.insert(grant.name(), GrantReport { credit_type: name.clone(), amount, remaining });
        }
        report.credits.insert(name, balance);
    }
    let tally = slot.org.tally();
    report.tally = Tally {
        charged: tally.charged,
        voided: tally.voided,
        duplicate: tally.duplicate,
        rejected: tally.rejected,
    };
    report
}
