//! The daemon's books and the accountant's are the same, after every record of logs that hold everything that can go wrong.
#![expect(clippy::unwrap_used, clippy::panic, reason = "what cannot go on fails the test")]

pub mod model;

#[path = "support/books.rs"]
pub mod books;
#[path = "model_agrees/meter.rs"]
pub mod meter;
#[path = "model_agrees/restarts.rs"]
mod restarts;

use meter::Meter;
use model::generate::Recipe;
use model::report::{Balance, OrgReport, Phase, Report};
use model::{Model, Outcome, Record};

/// Fails with every difference between the two books.
fn agree(expected: &Report, mut found: Report, place: &str) {
    let expected = &mut expected.clone();
    // Kinds of credits do not touch each other: which of them moves first at an instant says nothing.
    for org in expected.orgs.values_mut().chain(found.orgs.values_mut()) {
        org.movements.sort_by_key(|moved| (moved.at, moved.credit_type.clone()));
    }
    // The daemon names the entry before an expiry that raised an alert; the accountant names none.
    for (name, org) in &expected.orgs {
        let raised = found.orgs.get_mut(name).into_iter().flat_map(|org| &mut org.alerts);
        for alert in raised {
            if org.alerts.iter().any(|ours| ours.id == alert.id && ours.position.is_none()) {
                alert.position = None;
            }
        }
    }
    // The accountant never forgets a grant.
    for (name, org) in &mut expected.orgs {
        let theirs = found.orgs.get(name).map(|org| &org.grants);
        org.grants.retain(|id, grant| {
            grant.phase != Phase::Ended || theirs.is_none_or(|theirs| theirs.contains_key(id))
        });
    }
    let differences = expected.differences(&found);
    assert!(differences.is_empty(), "{place}: {differences:#?}");
}

fn shown(record: &Record) -> String {
    format!("record {} on {}: {}", record.seq, record.subject, String::from_utf8_lossy(&record.payload))
}

fn same_outcomes(expected: &[Outcome], found: &[Outcome], record: &Record, seed: u64) {
    assert_eq!(expected, found, "seed {seed}, {}", shown(record));
}

#[test]
fn every_record_leaves_the_same_books() {
    for seed in 0..24 {
        let (mut model, mut meter) = (Model::new(), Meter::in_memory());
        for record in Recipe::nasty(seed).log() {
            same_outcomes(&model.apply(&record), &meter.apply(&record), &record, seed);
            agree(&model.report(record.at), meter.report(), &format!("seed {seed}, {}", shown(&record)));
        }
    }
}

#[test]
fn years_of_cycles_leave_the_same_books() {
    for seed in 200..224 {
        let (mut model, mut meter) = (Model::new(), Meter::in_memory());
        for record in Recipe::years(seed, 400, 3).log() {
            same_outcomes(&model.apply(&record), &meter.apply(&record), &record, seed);
            agree(&model.report(record.at), meter.report(), &format!("seed {seed}, {}", shown(&record)));
        }
    }
}

/// A kind of credits that is not there is all zeros.
fn without_zeros(mut report: OrgReport) -> OrgReport {
    report.credits.retain(|_, balance| *balance != Balance::default());
    report
}

#[test]
fn a_hundred_thousand_entries_over_years_agree_after_every_one() {
    let recipe = Recipe { orgs: 40, ..Recipe::years(300, 100_000, 10) };
    let (mut model, mut meter) = (Model::new(), Meter::in_memory());
    for (nth, record) in recipe.log().iter().enumerate() {
        same_outcomes(&model.apply(record), &meter.apply(record), record, 300);
        let org = record.subject.rsplit('.').next().unwrap();
        let (expected, found) = (model.sums_of(org, record.at), meter.sums_of(org));
        assert_eq!(expected.map(without_zeros), found.map(without_zeros), "{}", shown(record));
        if nth % 20_000 == 0 {
            agree(&model.report(record.at), meter.report(), &shown(record));
        }
    }
    agree(&model.report(0), meter.report(), "the end");
    assert_eq!(model.breaches(), [""; 0]);
}

#[test]
fn long_logs_end_with_the_same_books() {
    for seed in 1_000..1_004 {
        let recipe = Recipe { orgs: 12, records: 6_000, step: 9_000_000, ..Recipe::nasty(seed) };
        let (mut model, mut meter) = (Model::new(), Meter::in_memory());
        for record in recipe.log() {
            same_outcomes(&model.apply(&record), &meter.apply(&record), &record, seed);
        }
        agree(&model.report(0), meter.report(), &format!("seed {seed}"));
    }
}

#[test]
fn a_daemon_that_lost_an_event_is_found_out() {
    let log = Recipe::nasty(3).log();
    let (mut model, mut meter) = (Model::fold(&log), Meter::in_memory());
    let lost = log.iter().rposition(|record| record.subject.starts_with("credits.events.org-")).unwrap();
    for (place, record) in log.iter().enumerate() {
        if place != lost {
            meter.apply(record);
        }
    }
    assert!(!model.report(0).differences(&meter.report()).is_empty());
}
