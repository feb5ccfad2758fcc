//! The daemon's books and its log, laid out as the model reads them.

use creditd::book::Slot;
use creditd::book::partition::Partition;
use creditd::book::recount::Recount;
use creditd::book::row::What;
use creditd::ledger::entry::GrantKind;
use creditd::ledger::grants::{self as ledger, Grant};
use creditd::ledger::movement::MovementKind;
use creditd::ledger::units::Credits;
use creditd::log::{Fingerprint, Log};

use crate::model::report::{Balance, CycleReport, GrantReport, Moved, Movement, OrgReport, Phase, Tally};
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
            dropped: micros(totals.dropped),
            outstanding: micros(totals.owed()),
            available: micros(pool.level()),
        };
        for grant in pool.grants() {
            report.grants.insert(grant.name(pool.credit_type), grant_report(grant, &name));
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
    report.cycle = slot.org.cycle().map(|cycle| CycleReport {
        number: cycle.number.into(),
        start: cycle.start.micros(),
        end: cycle.end.micros(),
    });
    report
}

fn grant_report(grant: &Grant, credit_type: &str) -> GrantReport {
    let micros = |credits: Credits| Micros::from(credits.micros());
    GrantReport {
        credit_type: credit_type.to_owned(),
        kind: match grant.kind {
            GrantKind::Plan => "plan",
            GrantKind::Bonus => "bonus",
            GrantKind::Purchased => "purchased",
        },
        amount: micros(grant.amount),
        remaining: micros(grant.remaining),
        phase: match grant.phase {
            ledger::Phase::Ahead => Phase::Waiting,
            ledger::Phase::Usable => Phase::Usable,
            ledger::Phase::Ended => Phase::Ended,
        },
        effective: grant.effective.micros(),
        expires: Some(grant.ends().micros()).filter(|end| *end != i64::MAX),
    }
}

/// How an organization's credits moved, as its history tells. Added up, the history must give the organization's books.
pub fn movements(partition: &Partition, name: &str) -> Vec<Movement> {
    let key = partition.book().read(name, |slot| slot.key).unwrap();
    let rows = partition.past().rows(key).unwrap();
    let wrong = |slot: &Slot| Recount::of(&slot.org, &rows).differences(&slot.org);
    assert_eq!(
        partition.book().read(name, wrong).unwrap(),
        [],
        "the history of {name} adds up to something else"
    );
    let moved = rows.iter().rev().filter_map(|(_, row)| match &row.what {
        What::Moved(moved) => Some(movement(moved)),
        What::Charge { .. } | What::Void { .. } => None,
    });
    moved.collect()
}

fn movement(movement: &creditd::ledger::movement::Movement) -> Movement {
    Movement {
        at: movement.at.micros(),
        credit_type: movement.credit_type.to_string(),
        kind: match movement.kind {
            MovementKind::Granted => Moved::Granted,
            MovementKind::Expired => Moved::Expired,
            MovementKind::Voided => Moved::Voided,
            MovementKind::RolledOut => Moved::RolledOut,
            MovementKind::RolledIn => Moved::RolledIn,
            MovementKind::Covered => Moved::Covered,
            MovementKind::Dropped => Moved::Dropped,
        },
        grant: movement.grant.as_ref().map(|(_, name)| name.to_string()),
        amount: Micros::from(movement.amount.micros()),
    }
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
