//! Whole logs: the laws, and that time composes.

use std::collections::BTreeSet;

use crate::model::generate::Recipe;
use crate::model::names::Who;
use crate::model::report::further::Further;
use crate::model::report::{Level, LimitAlert, LimitReport, Moved, Movement, OrgReport, Report, Tally};
use crate::model::{Model, Record};

#[test]
fn the_laws_hold_after_every_record() {
    for seed in 0..12 {
        let mut model = Model::new();
        for record in Recipe::nasty(seed).log() {
            model.apply(&record);
            let breaches = model.report(record.at).breaches();
            assert!(breaches.is_empty(), "seed {seed}, record {}: {breaches:#?}", record.seq);
        }
    }
}

#[test]
fn looking_at_every_step_or_only_at_the_end_is_the_same() {
    for seed in 100..112 {
        let log = Recipe::nasty(seed).log();
        let mut often = Model::new();
        for record in &log {
            often.apply(record);
            often.report(record.at);
        }
        let differences = Model::fold(&log).report(0).differences(&often.report(0));
        assert!(differences.is_empty(), "seed {seed}: {differences:#?}");
    }
}

#[test]
fn every_event_is_charged_voided_duplicate_or_rejected() {
    let log = Recipe::nasty(7).log();
    let mut model = Model::new();
    let mut commands = 0;
    for record in &log {
        let outcomes = model.apply(record);
        let told = |outcome: &&crate::model::Outcome| **outcome == crate::model::Outcome::Accepted;
        commands += outcomes.iter().filter(told).count();
    }
    let report = model.report(0);
    let taken = |tally: Tally| tally.charged + tally.voided + tally.duplicate;
    let events: u64 = report.orgs.values().map(|org| taken(org.tally)).sum();
    let rejected: u64 = report.rejected.values().sum();
    assert_eq!(report.items, events + rejected + u64::try_from(commands).unwrap());
}

#[test]
fn the_recipes_reach_every_reason_and_every_kind_of_trouble() {
    let reports: Vec<Report> =
        (0..24).map(|seed| Model::fold(&Recipe::nasty(seed).log()).report(0)).collect();
    let reasons: BTreeSet<&str> =
        reports.iter().flat_map(|report| report.rejected.keys().map(|key| &**key)).collect();
    let expected = [
        "amount_too_large",
        "conflict",
        "insufficient_credits",
        "invalid_field",
        "missing_field",
        "not_json",
        "org_mismatch",
        "time_out_of_range",
        "unknown_action",
        "unknown_event",
        "unknown_org",
        "unknown_plan",
        "unknown_rate_card",
        "unknown_type",
    ];
    assert_eq!(reasons, BTreeSet::from(expected));
    let orgs = || reports.iter().flat_map(|report| report.orgs.values());
    let alerts = || orgs().flat_map(|org| &org.alerts);
    assert!(orgs().any(|org| org.credits.values().any(|balance| balance.covered > 0 && balance.expired > 0)));
    assert!(alerts().any(|alert| alert.position.is_none()), "an expiry raises an alert");
    assert!(alerts().any(|alert| alert.id.ends_with(".3")), "a rule fires three times");
    assert!(alerts().any(|alert| alert.rule.starts_with('a')));
}

#[test]
fn the_recipes_of_live_calls_reach_alerts_at_the_instants_of_increments() {
    let recipe = |seed| Recipe { live_calls: 120, records: 250, ..Recipe::nasty(seed) };
    let reports = (2_000..2_024).map(|seed| Model::fold(&recipe(seed).log()).report(0));
    let by_calls = |org: &OrgReport| {
        let moved = |at| org.movements.iter().any(|moved| moved.at == at);
        let alone = org.alerts.iter().filter(|alert| alert.position.is_none() && !moved(alert.at));
        alone.count()
    };
    let count: usize = reports.map(|report| report.orgs.values().map(by_calls).sum::<usize>()).sum();
    assert!(count > 20, "{count}");
}

#[test]
fn live_calls_are_the_same_whether_looked_at_often_or_only_at_the_end() {
    for seed in 2_100..2_106 {
        let log = Recipe { live_calls: 120, ..Recipe::years(seed, 200, 1) }.log();
        let mut often = Model::new();
        for pair in log.windows(2) {
            often.apply(&pair[0]);
            let between = pair[1].at.saturating_sub(pair[0].at) / 5;
            (1..5).for_each(|part| drop(often.report(pair[0].at + part * between)));
        }
        often.apply(&log[log.len() - 1]);
        let mut once = Model::fold(&log);
        let differences = once.report(0).differences(&often.report(0));
        assert!(differences.is_empty(), "seed {seed}: {differences:#?}");
        for name in ["org-0", "org-1", "org-2", "org-3"] {
            assert_eq!(once.notices_of(name), often.notices_of(name), "seed {seed}");
        }
    }
}

#[test]
fn the_laws_hold_after_every_record_of_years() {
    for seed in 0..8 {
        let mut model = Model::new();
        for record in Recipe::years(seed, 500, 6).log() {
            model.apply(&record);
            let mut breaches = model.report(record.at).breaches();
            breaches.extend(model.breaches());
            assert!(breaches.is_empty(), "seed {seed}, record {}: {breaches:#?}", record.seq);
        }
    }
}

#[test]
fn years_are_the_same_whether_looked_at_day_by_day_or_only_at_the_end() {
    for seed in 100..104 {
        let log = Recipe::years(seed, 400, 5).log();
        let mut often = Model::new();
        for pair in log.windows(2) {
            often.apply(&pair[0]);
            let mut at = pair[0].at;
            while at < pair[1].at {
                often.report(at);
                at += 86_399_000_000;
            }
        }
        often.apply(&log[log.len() - 1]);
        let mut once = Model::fold(&log);
        let differences = once.report(0).differences(&often.report(0));
        assert!(differences.is_empty(), "seed {seed}: {differences:#?}");
        for name in ["org-0", "org-1", "org-2", "org-3"] {
            assert_eq!(once.notices_of(name), often.notices_of(name), "seed {seed}");
            assert_eq!(once.further_of(name, 0), often.further_of(name, 0), "seed {seed}");
        }
    }
}

#[test]
fn the_recipes_of_years_reach_all_that_cycles_bring() {
    let reports: Vec<Report> =
        (0..16).map(|seed| Model::fold(&Recipe::years(seed, 1_000, 8).log()).report(0)).collect();
    let orgs = || reports.iter().flat_map(|report| report.orgs.values());
    let moves = || orgs().flat_map(|org| &org.movements);
    for kind in [
        Moved::Granted,
        Moved::Expired,
        Moved::Voided,
        Moved::RolledOut,
        Moved::RolledIn,
        Moved::Covered,
        Moved::Dropped,
    ] {
        assert!(moves().filter(|moved| moved.kind == kind).count() > 20, "{kind:?}");
    }
    let named = |moved: &&Movement, start: &str| moved.grant.as_ref().is_some_and(|id| id.starts_with(start));
    // A minimum that was filled up, a refill, an allotment that another plan made smaller, an adjustment.
    assert!(moves().any(|moved| moved.kind == Moved::Granted && named(&moved, "rollover.")));
    let filled = |org: &OrgReport| {
        let given = |moved: &&Movement| moved.kind == Moved::Granted && named(moved, "rich-");
        org.movements.iter().filter(given).count()
            > org.grants.keys().filter(|id| id.starts_with("rich-")).count()
    };
    assert!(orgs().any(filled));
    assert!(moves().any(|moved| moved.kind == Moved::Voided && named(&moved, "plan.")));
    assert!(moves().any(|moved| moved.kind == Moved::Voided && named(&moved, "rich-")));
    assert!(moves().any(|moved| moved.kind == Moved::Granted && named(&moved, "ticket-")));
    assert!(
        orgs().any(|org| org.cycle.is_none()) && orgs().any(|org| org.cycle.is_some_and(|c| c.number > 500))
    );
    let alerts = || orgs().flat_map(|org| &org.alerts);
    assert!(alerts().any(|alert| alert.position.is_none()), "a reset raises an alert");
    let rejected =
        |reason: &str| reports.iter().filter_map(|report| report.rejected.get(reason)).sum::<u64>();
    for reason in ["unknown_grant", "insufficient_credits", "conflict", "invalid_field", "time_out_of_range"]
    {
        assert!(rejected(reason) > 5, "{reason}: {}", rejected(reason));
    }
}

#[test]
fn the_recipes_of_years_reach_all_that_limits_bring() {
    let reports: Vec<Report> =
        (0..16).map(|seed| Model::fold(&Recipe::years(seed, 1_000, 8).log()).report(0)).collect();
    let orgs = || reports.iter().flat_map(|report| report.orgs.values());
    let rejected =
        |reason: &str| reports.iter().filter_map(|report| report.rejected.get(reason)).sum::<u64>();
    assert!(rejected("limit_reached") > 100, "{}", rejected("limit_reached"));
    assert!(rejected("unknown_limit") > 20, "{}", rejected("unknown_limit"));
    let limits = || orgs().flat_map(|org| &org.limits);
    assert!(limits().any(|((_, value), _)| value.contains('/')), "a pair");
    assert!(limits().any(|(_, limit)| limit.used > limit.max && limit.max > 0), "charged past it");
    assert!(
        limits().any(|((id, _), limit)| id == "campaign" && limit.end.is_none()),
        "a cycle outside of cycles"
    );
    let alerts = || orgs().flat_map(|org| &org.limit_alerts);
    for level in [Level::Near, Level::Reached] {
        let count = |which: fn(&LimitAlert) -> bool| {
            alerts().filter(|alert| alert.level == level && which(alert)).count()
        };
        let (split, whole, ever) = (
            count(|alert| alert.value != "-"),
            count(|alert| alert.value == "-"),
            count(|alert| alert.window.is_none()),
        );
        assert!(split.min(whole) > 50 && ever > 5, "{level:?}: {split}, {whole}, {ever}");
    }
    let midnight = |limit: &&LimitReport| limit.end.is_some_and(|end| end.rem_euclid(86_400_000_000) != 0);
    assert!(limits().any(|(_, limit)| midnight(&limit)), "midnight of another place");
}

#[test]
fn the_recipes_of_years_reach_all_that_recharges_names_and_further_alerts_bring() {
    let mut models: Vec<Model> =
        (0..16).map(|seed| Model::fold(&Recipe::years(seed, 1_000, 8).log())).collect();
    let names = ["org-0", "org-1", "org-2", "org-3"];
    let raised: Vec<String> = models
        .iter()
        .flat_map(|model| names.iter().flat_map(|name| model.notices_of(name)))
        .map(|notice| notice.id)
        .collect();
    for (part, least) in [
        (".requested", 200),
        (".succeeded", 100),
        (".failed", 100),
        (".expires", 100),
        (".runs_out", 15),
        (".spike", 30),
        (".cycle.", 300),
    ] {
        let count = raised.iter().filter(|id| id.contains(part)).count();
        assert!(count >= least, "{part}: {count}");
    }
    assert!(raised.iter().any(|id| id.contains(".runs_out") && id.ends_with(".2")));
    let reports: Vec<Report> = models.iter_mut().map(|model| model.report(0)).collect();
    let rejected =
        |reason: &str| reports.iter().filter_map(|report| report.rejected.get(reason)).sum::<u64>();
    assert!(rejected("unknown_recharge") > 8, "{}", rejected("unknown_recharge"));
    let further: Vec<Further> =
        models.iter_mut().flat_map(|model| names.map(|name| model.further_of(name, 0))).flatten().collect();
    let states: BTreeSet<String> =
        further.iter().flat_map(|of| of.recharges.values().map(|recharge| recharge.state.clone())).collect();
    let all = ["armed", "backing off until", "capped until", "cooling down until", "in flight since", "off"];
    assert_eq!(states, all.map(str::to_string).into());
    assert!(further.iter().any(|of| of.recharges.values().any(|recharge| recharge.failures > 3)));
    assert!(further.iter().any(|of| of.burn.values().any(|burn| burn.running < 0)), "a void in another hour");
    let rows = || further.iter().flat_map(|of| &of.names);
    assert!(rows().any(|(who, row)| matches!(who, Who::User(_)) && row.contains_key("team")));
    assert!(rows().any(|(_, row)| row.contains_key("planned_quantity")));
    let crossed = reports.iter().flat_map(|report| report.orgs.values()).flat_map(|org| &org.alerts);
    assert!(crossed.filter(|alert| alert.crossed.len() > 2).count() > 20);
}

#[test]
fn an_id_is_never_raised_twice() {
    for seed in 0..8 {
        let model = Model::fold(&Recipe::years(seed, 1_000, 8).log());
        for name in ["org-0", "org-1", "org-2", "org-3"] {
            let raised: Vec<String> = model.notices_of(name).into_iter().map(|notice| notice.id).collect();
            assert_eq!(
                raised.iter().collect::<BTreeSet<_>>().len(),
                raised.len(),
                "seed {seed}, {name}: {raised:#?}"
            );
        }
    }
}

#[test]
fn the_same_recipe_gives_the_same_log() {
    let log = Recipe::nasty(5).log();
    assert_eq!(log, Recipe::nasty(5).log());
    let years = Recipe::years(5, 500, 10);
    assert_eq!(years.log(), years.log());
    let span = years.log().last().map_or(0, |record| record.at - years.start) / 86_400_000_000;
    assert!((5 * 365..20 * 365).contains(&span), "{span} days");
    assert_ne!(log, Recipe::nasty(6).log());
    assert!(log.windows(2).any(|pair| pair[1].at < pair[0].at), "the broker's clock is set back");
}

#[test]
fn a_single_event_left_out_is_seen() {
    let log = Recipe::nasty(9).log();
    let shorter: Vec<Record> = log[..log.len() - 20].to_vec();
    let differences = Model::fold(&log).report(0).differences(&Model::fold(&shorter).report(0));
    assert!(differences.iter().any(|line| line.contains("charged")), "{differences:#?}");
}
