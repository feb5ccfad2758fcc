//! The daemon's books and its log, laid out as the model reads them.

use std::collections::BTreeMap;

use creditd::book::Slot;
use creditd::book::partition::Partition;
use creditd::book::recount::Recount;
use creditd::book::row::What;
use creditd::ledger::catalog::Catalog;
use creditd::ledger::entry::GrantKind;
use creditd::ledger::grants::{self, Grant};
use creditd::ledger::limits::{Limits, Measure, Unit};
use creditd::ledger::movement::MovementKind;
use creditd::ledger::org::Org;
use creditd::ledger::units::Credits;
use creditd::log::{Fingerprint, Log};

use crate::model::report::{
    Balance, CycleReport, GrantReport, Level, LimitAlert, LimitReport, Moved, Movement, OrgReport, Phase,
    Tally,
};
use crate::model::{Micros, Record};

/// An organization's books at the log's time.
pub fn org_report(partition: &Partition, name: &str) -> Option<OrgReport> {
    let commons = partition.commons();
    let mut org = partition.book().read(name, |slot| slot.org.with_limits_from(("", ""), usize::MAX))?;
    org.advance(commons.at, &commons.catalog, &mut Vec::new());
    Some(report_of(&org, &commons.catalog))
}

fn report_of(org: &Org, catalog: &Catalog) -> OrgReport {
    let micros = |credits: Credits| Micros::from(credits.micros());
    let mut report = OrgReport::default();
    for pool in org.pools() {
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
            pending: micros(org.pending(pool.credit_type, org.at())),
            available: micros(pool.level().minus(org.pending(pool.credit_type, org.at()))),
        };
        for grant in pool.grants() {
            report.grants.insert(grant.name(pool.credit_type), grant_report(grant, &name));
        }
        report.credits.insert(name, balance);
    }
    let tally = org.tally();
    report.tally = Tally {
        charged: tally.charged,
        voided: tally.voided,
        noted: tally.noted,
        duplicate: tally.duplicate,
        rejected: tally.rejected,
    };
    report.limits = limits(&org.limits_in_force(catalog));
    report.cycle = org.cycle().map(|cycle| CycleReport {
        number: cycle.number.into(),
        start: cycle.start.micros(),
        end: cycle.end.micros(),
    });
    report
}

/// The limits in force, and of those that count values one by one the values in use.
fn limits(limits: &Limits) -> BTreeMap<(String, String), LimitReport> {
    let mut report = BTreeMap::new();
    for count in limits.counts() {
        let (limit, span) = (&count.limit, count.span());
        let plain = |measure| match limit.unit {
            Unit::Credits(_) => Micros::from(limit.unit.show(measure).parse::<Credits>().unwrap().micros()),
            Unit::Quantity => limit.unit.show(measure).parse().unwrap(),
        };
        let (start, end) =
            Some((span.start.micros(), span.end.micros())).filter(|(_, end)| *end != i64::MAX).unzip();
        let mut line = |value: &str, used| {
            report.insert(
                (limit.id.to_string(), value.to_owned()),
                LimitReport { used, max: plain(limit.max), start, end },
            );
        };
        if !limit.on.is_each() {
            line("-", 0);
        }
        for (value, used) in count.used() {
            // After a void nothing may be used of a value that is still known.
            if !value.is_empty() && used.amount == Measure::default() {
                continue;
            }
            line(if value.is_empty() { "-" } else { value }, plain(used.amount));
        }
    }
    report
}

/// An alert of a limit, in the model's words.
pub fn limit_alert(alert: &creditd::ledger::effect::LimitAlert) -> LimitAlert {
    LimitAlert {
        limit: alert.limit.id.to_string(),
        value: alert.value.as_deref().unwrap_or("-").to_owned(),
        level: if alert.level == creditd::ledger::limits::Level::Near { Level::Near } else { Level::Reached },
        window: Some(alert.start.micros()).filter(|_| alert.end.micros() != i64::MAX),
        at: alert.at.micros(),
    }
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
            grants::Phase::Ahead => Phase::Waiting,
            grants::Phase::Usable => Phase::Usable,
            grants::Phase::Ended => Phase::Ended,
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
        _ => None,
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
