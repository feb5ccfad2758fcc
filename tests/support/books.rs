//! The daemon's books and its log, laid out as the model reads them.

use creditd::book::Slot;
use creditd::ledger::units::Credits;
use creditd::log::{Fingerprint, Log};

use crate::model::report::{Balance, GrantReport, OrgReport, Tally};
use crate::model::{Micros, Record};

/// An organization's books.
pub fn org_report(slot: &Slot) -> OrgReport {
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
            report.grants.insert(
                grant.name(pool.credit_type),
                GrantReport { credit_type: name.clone(), amount, remaining },
            );
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

/// Hands over every record that stands in a log now.
///
/// # Panics
/// Where the log cannot be read.
pub async fn each_record(log: &dyn Log, mut take: impl FnMut(&Record)) {
    let last = log.extent().await.unwrap().last;
    let mut reader = log.reader(Fingerprint::default()).await.unwrap();
    let (mut batch, mut seq) = (Vec::new(), 0);
    while seq < last {
        reader.next(&mut batch).await.unwrap();
        for record in batch.drain(..) {
            seq = record.seq;
            take(&Record {
                seq,
                at: record.at.micros(),
                subject: record.draft.subject,
                headers: record.draft.headers.map(|headers| *headers).unwrap_or_default(),
                payload: record.draft.payload.to_vec(),
            });
        }
    }
}
