//! The daemon's books and the accountant's are the same, after every record of logs that hold everything that can go wrong.
#![expect(clippy::unwrap_used, clippy::panic, reason = "what cannot go on fails the test")]

pub mod model;

#[path = "support/books.rs"]
pub mod books;
#[path = "model_agrees/further.rs"]
pub mod further;
#[path = "model_agrees/meter.rs"]
pub mod meter;
#[path = "model_agrees/restarts.rs"]
mod restarts;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

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

/// The alerts of both that were raised and not compared yet, by organization.
#[derive(Default)]
struct Alerts {
    compared: BTreeMap<String, [usize; 3]>,
    found: BTreeMap<String, BTreeSet<String>>,
}

impl Alerts {
    /// Fails where the alerts of any kind that an entry has raised are others. An entry that is refused need not have looked
    /// at the clock: what time brought until then is compared at the next one that counts.
    fn agree(&mut self, model: &Model, meter: &mut Meter, org: &str, outcomes: &[Outcome], place: &str) {
        let found = self.found.entry(org.to_string()).or_default();
        found.extend(meter.take_ids(org));
        if outcomes.iter().all(|outcome| matches!(outcome, Outcome::Rejected(_))) {
            return;
        }
        let compared = self.compared.entry(org.to_string()).or_default();
        let (expected, now) = model.ids_of(org, *compared);
        let expected: BTreeSet<String> = expected.into_iter().collect();
        assert_eq!(expected, std::mem::take(found), "{place}");
        *compared = now;
    }
}

/// Fails where recharges, names or burn of an organization are others.
fn further_agree(model: &mut Model, meter: &Meter, org: &str, record: &Record) {
    let Some(mut expected) = model.further_of(org, record.at) else { return };
    let found = further::alike(meter.further_of(org).unwrap_or_default(), &mut expected);
    assert_eq!(expected, found, "{org}, {}", shown(record));
}

fn shown(record: &Record) -> String {
    format!("record {} on {}: {}", record.seq, record.subject, String::from_utf8_lossy(&record.payload))
}

fn same_outcomes(expected: &[Outcome], found: &[Outcome], record: &Record, seed: u64) {
    assert_eq!(expected, found, "seed {seed}, {}", shown(record));
}

/// These seeds, or those of `MODEL_SEEDS`, such as `2000..2400`.
fn seeds(usual: Range<u64>) -> Range<u64> {
    let Ok(wanted) = std::env::var("MODEL_SEEDS") else { return usual };
    let (from, until) = wanted.split_once("..").unwrap();
    from.parse().unwrap()..until.parse().unwrap()
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
fn calls_that_are_told_while_they_run_leave_the_same_books() {
    for seed in seeds(2_000..2_024) {
        let (mut model, mut meter) = (Model::new(), Meter::in_memory());
        let mut alerts = Alerts::default();
        for record in (Recipe { live_calls: 120, records: 250, ..Recipe::nasty(seed) }).log() {
            let outcomes = model.apply(&record);
            same_outcomes(&outcomes, &meter.apply(&record), &record, seed);
            alerts.agree(&model, &mut meter, organization(&record), &outcomes, &shown(&record));
            agree(&model.report(record.at), meter.report(), &format!("seed {seed}, {}", shown(&record)));
        }
        assert_eq!(model.breaches(), [""; 0]);
    }
}

#[test]
fn calls_across_resets_and_recharges_leave_the_same_books() {
    for seed in seeds(3_000..3_008) {
        let (mut model, mut meter) = (Model::new(), Meter::in_memory());
        let mut alerts = Alerts::default();
        for record in (Recipe { live_calls: 120, ..Recipe::years(seed, 300, 1) }).log() {
            let (org, outcomes) = (organization(&record), model.apply(&record));
            same_outcomes(&outcomes, &meter.apply(&record), &record, seed);
            alerts.agree(&model, &mut meter, org, &outcomes, &format!("seed {seed}, {}", shown(&record)));
            further_agree(&mut model, &meter, org, &record);
            agree(&model.report(record.at), meter.report(), &format!("seed {seed}, {}", shown(&record)));
        }
        assert_eq!(model.breaches(), [""; 0]);
    }
}

#[test]
fn years_of_cycles_leave_the_same_books() {
    for seed in 200..224 {
        let (mut model, mut meter) = (Model::new(), Meter::in_memory());
        for record in Recipe::years(seed, 400, 3).log() {
            same_outcomes(&model.apply(&record), &meter.apply(&record), &record, seed);
            agree(&model.report(record.at), meter.report(), &format!("seed {seed}, {}", shown(&record)));
            further_agree(&mut model, &meter, organization(&record), &record);
        }
    }
}

fn organization(record: &Record) -> &str {
    record.subject.rsplit('.').next().unwrap()
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
    let mut alerts = Alerts::default();
    for (nth, record) in recipe.log().iter().enumerate() {
        let outcomes = model.apply(record);
        same_outcomes(&outcomes, &meter.apply(record), record, 300);
        let org = organization(record);
        alerts.agree(&model, &mut meter, org, &outcomes, &shown(record));
        further_agree(&mut model, &meter, org, record);
        let (expected, found) = (model.sums_of(org, record.at), meter.sums_of(org));
        assert_eq!(expected.map(without_zeros), found.map(without_zeros), "{}", shown(record));
        if nth % 20_000 == 0 {
            // Everybody's clock is set to this moment.
            let report = model.report(record.at);
            agree(&report, meter.report(), &shown(record));
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
