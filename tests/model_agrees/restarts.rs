//! The same books when the history is on disk in small runs and the daemon is stopped again and again, at checkpoints that
//! were taken while it worked.

use creditd::ledger::units::Timestamp;
use creditd::store::history::Limits;

use super::meter::Meter;
use super::{agree, same_outcomes, seeds};
use crate::model::generate::Recipe;
use crate::model::generate::random::Random;
use crate::model::{Model, Outcome, Record};

/// Buffers this small are full all the time: most of what is recalled comes from runs.
const SMALL: Limits = Limits { rows: 16, bytes: 4_096 };

/// Folds a log that is stopped again and again, and compares the books at the end.
fn fold_with_restarts(log: &[Record], seed: u64) {
    let folder = tempfile::tempdir().unwrap();
    let mut chance = Random::new(seed);
    let mut model = Model::fold(log);
    let (mut meter, _) = Meter::recovered(folder.path(), SMALL);
    let (mut done, mut restarts) = (0, 0);
    while done < log.len() {
        let until = (done + chance.index(90) + 1).min(log.len());
        for record in &log[done..until] {
            meter.apply(record);
            if chance.chance(20) {
                meter.write_runs();
            }
        }
        // Each organization is encoded at a record of its own after the cut; then the daemon is gone.
        let (cut, mut orgs, mut ahead) = (meter.cut(), Vec::new(), until);
        let checkpointed = meter.names();
        for name in checkpointed {
            let more = (ahead + chance.index(8)).min(log.len());
            log[ahead..more].iter().for_each(|record| drop(meter.apply(record)));
            ahead = more;
            orgs.push(meter.encoded(&name));
        }
        meter.checkpoint(folder.path(), cut, &orgs);
        let (next, position) = Meter::recovered(folder.path(), SMALL);
        assert_eq!(position, log[until - 1].seq);
        let told = std::mem::take(&mut meter.told);
        meter = next;
        meter.told = told;
        (done, restarts) = (until, restarts + 1);
    }
    assert!(restarts > 3);
    let mut found = meter.report();
    // Replayed items are told twice; the books of the organizations are what counts.
    let expected = model.report(0);
    (found.items, found.rejected) = (expected.items, expected.rejected.clone());
    agree(&expected, found, &format!("seed {seed}"));
}

#[test]
fn restarts_at_fuzzy_checkpoints_change_nothing() {
    for seed in 0..12 {
        fold_with_restarts(&Recipe::nasty(seed).log(), seed);
    }
}

#[test]
fn restarts_while_calls_are_live_change_nothing() {
    for seed in seeds(2_100..2_112) {
        let recipe = Recipe { live_calls: 120, records: 250, ..Recipe::nasty(seed) };
        fold_with_restarts(&recipe.log(), seed);
    }
}

#[test]
fn a_crash_back_to_an_old_checkpoint_is_made_good_by_the_log() {
    for seed in 50..56 {
        let log = Recipe::nasty(seed).log();
        let folder = tempfile::tempdir().unwrap();
        let (mut first, _) = Meter::recovered(folder.path(), SMALL);
        let (old, crash) = (log.len() / 3, log.len() * 2 / 3);
        log[..old].iter().for_each(|record| drop(first.apply(record)));
        let orgs: Vec<_> = first.names().iter().map(|name| first.encoded(name)).collect();
        first.checkpoint(folder.path(), first.cut(), &orgs);
        // More is done, and written to the history, than any checkpoint knows.
        log[old..crash].iter().for_each(|record| drop(first.apply(record)));
        first.write_runs();
        drop(first);

        let (mut meter, position) = Meter::recovered(folder.path(), SMALL);
        assert_eq!(position, log[old - 1].seq);
        let mut model = Model::fold(&log[..old]);
        for record in &log[old..] {
            let expected = model.apply(record);
            same_outcomes(&expected, &meter.apply(record), record, seed);
            assert!(!expected.is_empty() || record.subject.contains("_tick"));
        }
        let (expected, mut found) = (model.report(0), meter.report());
        (found.items, found.rejected) = (expected.items, expected.rejected.clone());
        for (name, org) in &mut found.orgs {
            // Alerts of before the checkpoint were told by the first daemon.
            let told: Vec<_> = expected.orgs[name].alerts.clone();
            let before =
                told.into_iter().filter(|alert| !org.alerts.iter().any(|raised| raised.id == alert.id));
            let cut = Timestamp::from_micros(log[old - 1].at + 180_000_000).micros();
            let before: Vec<_> = before.collect();
            assert!(before.iter().all(|alert| alert.at <= cut), "{before:?}");
            org.alerts.extend(before);
        }
        agree(&expected, found, &format!("seed {seed}"));
    }
}

#[test]
fn applying_a_suffix_again_changes_nothing() {
    for seed in 70..80 {
        let log = Recipe::nasty(seed).log();
        let mut meter = Meter::in_memory();
        let mut chance = Random::new(seed);
        for (place, record) in log.iter().enumerate() {
            meter.apply(record);
            let from = place - chance.index(place.min(20) + 1);
            let again: Vec<Outcome> =
                log[from..=place].iter().flat_map(|record| meter.apply(record)).collect();
            assert_eq!(again, [], "seed {seed}, record {}", record.seq);
        }
        agree(&Model::fold(&log).report(0), meter.report(), &format!("seed {seed}"));
    }
}
