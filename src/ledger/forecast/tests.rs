//! Reckonings, with figures by hand and at each boundary. Times are in hours from the beginning.

use super::*;
use crate::ledger::calendar::Every;
use crate::ledger::catalog::Allotment;
use crate::ledger::entry::GrantKind;
use crate::ledger::grants::{Details, Grant, Origin, Phase, Recurrence, Rollover, Scope};
use crate::ledger::price::CreditType;

fn credits(n: i64) -> Credits {
    Credits::from_micros(n.saturating_mul(1_000_000))
}

fn hours(n: i64) -> Timestamp {
    Timestamp::from_micros(n.saturating_mul(3_600_000_000))
}

/// 10 credits an hour.
const TEN: Rate = Rate { sum: Credits::from_micros(240_000_000), hours: 24 };

/// A grant that is usable within these hours.
fn grant(id: &str, amount: i64, from: i64, until: Option<i64>) -> Grant {
    let details = Details { id: Some(id.into()), ..Details::default() };
    Grant {
        created: Position::START,
        serial: 0,
        kind: GrantKind::Purchased,
        priority: 100,
        phase: Phase::Ahead,
        origin: Origin::Ordered,
        effective: hours(from),
        expires: until.map_or(Timestamp::MAX, hours),
        amount: credits(amount),
        remaining: credits(amount),
        covered: Credits::ZERO,
        details: Some(Box::new(details)),
    }
}

fn pool(grants: impl IntoIterator<Item = Grant>) -> Pool {
    let mut pool = Pool::new(CreditType::default());
    let mut out = Vec::new();
    let mut booking = Booking { at: hours(0), note: None, out: &mut out };
    grants.into_iter().for_each(|grant| pool.add(grant, Credits::ZERO, &mut booking));
    pool.start(hours(0), &Zone::default());
    pool.settle(&mut booking);
    pool
}

fn ahead(reset: Option<Reset<'_>>) -> Ahead<'_> {
    Ahead { zone: Zone::default(), reset }
}

/// The outcome and the losses: grant, hour and amount.
fn reckon(pool: &Pool, rate: Rate, reset: Option<Reset<'_>>) -> (Outcome, Vec<(String, Timestamp, Credits)>) {
    let Forecast { outcome, losses } =
        forecast(pool, Some(rate), hours(0), &ahead(reset), LONGEST, MOST_LOOKS);
    (outcome, losses.into_iter().map(|loss| (loss.grant.into_string(), loss.at, loss.amount)).collect())
}

fn lost(grant: &str, at: i64, amount: i64) -> (String, Timestamp, Credits) {
    (grant.to_owned(), hours(at), credits(amount))
}

#[test]
fn credits_run_out_at_the_first_microsecond_that_leaves_nothing() {
    assert_eq!(reckon(&pool([grant("a", 100, 0, None)]), TEN, None), (Outcome::RunsOut(hours(10)), vec![]));
    let slow = Rate { sum: Credits::from_micros(7), hours: 24 };
    let mut little = grant("a", 0, 0, None);
    (little.amount, little.remaining) = (Credits::from_micros(1), Credits::from_micros(1));
    // A seventh of a day, and the rest of a microsecond.
    let at = Timestamp::from_micros(86_400_000_000_i64.div_euclid(7).saturating_add(1));
    assert_eq!(reckon(&pool([little]), slow, None).0, Outcome::RunsOut(at));
}

#[test]
fn what_is_left_of_a_grant_at_its_end_is_lost_of_it() {
    let short = grant("short", 100, 0, Some(4));
    let found = reckon(&pool([short.clone(), grant("long", 50, 0, None)]), TEN, None);
    assert_eq!(found, (Outcome::RunsOut(hours(9)), vec![lost("short", 4, 60)]));
    // Nothing else is there when it ends.
    assert_eq!(reckon(&pool([short]), TEN, None), (Outcome::RunsOut(hours(4)), vec![lost("short", 4, 60)]));
    // It is used up exactly at its end.
    let exact = [grant("short", 40, 0, Some(4)), grant("long", 50, 0, None)];
    assert_eq!(reckon(&pool(exact), TEN, None), (Outcome::RunsOut(hours(9)), vec![]));
}

#[test]
fn a_grant_that_starts_when_nothing_is_left_is_in_time() {
    let next = |from| [grant("a", 40, 0, None), grant("b", 30, from, None)];
    assert_eq!(reckon(&pool(next(4)), TEN, None).0, Outcome::RunsOut(hours(7)));
    let mut late = next(4);
    late[1].effective = Timestamp::from_micros(hours(4).micros().saturating_add(1));
    assert_eq!(reckon(&pool(late), TEN, None).0, Outcome::RunsOut(hours(4)));
}

#[test]
fn scoped_grants_are_burnt_too_and_overage_counts_against_them() {
    let mut scoped = grant("scoped", 60, 0, None);
    let scope = Scope { features: vec!["ai".into()], ..Scope::default() };
    scoped.details.as_mut().unwrap().scope = scope;
    let mut pool = pool([scoped]);
    assert_eq!(reckon(&pool, TEN, None).0, Outcome::RunsOut(hours(6)));
    // 20 are owed: what is available is 40.
    pool.take(credits(20), Default::default(), &mut Default::default());
    assert_eq!(pool.level(), credits(40));
    assert_eq!(reckon(&pool, TEN, None).0, Outcome::RunsOut(hours(4)));
}

#[test]
fn a_grant_is_refilled_at_its_instants() {
    let mut daily = grant("daily", 100, 0, None);
    daily.details.as_mut().unwrap().recurrence = Some(Recurrence { every: Every::Days(1), anchor: None });
    let pool = |extra| pool([daily.clone(), grant("extra", extra, 0, None)]);
    // A day burns 240, of which 100 come back at its end: the first leaves 10 of 150, after which there are 110.
    assert_eq!(reckon(&pool(150), TEN, None).0, Outcome::RunsOut(hours(24 + 11)));
    // A day that burns 100 lasts for ever.
    let even = Rate { sum: credits(100), hours: 24 };
    assert_eq!(reckon(&pool(1), even, None), (Outcome::Beyond(hours(400 * 24)), vec![]));
}

#[test]
fn a_reckoning_stops_at_the_reset_and_after_400_days() {
    let plan = |rollover| Plan {
        cycle: Some(Every::Month),
        allotments: vec![Allotment {
            credit_type: CreditType::default(),
            amount: credits(100),
            priority: 100,
            rollover,
        }],
        ..Plan::default()
    };
    let mut allotted = grant("x", 100, 0, Some(9));
    (allotted.origin, allotted.details) = (Origin::Allotment(3), None);
    let pool = pool([allotted]);
    let reset = |plan| Some(Reset { at: hours(9), number: 3, plan });
    let until = Outcome::UntilReset(hours(9));
    // 10 are left. What does not go on is lost.
    let (none, some) = (plan(None), plan(Some(Rollover { min: Credits::ZERO, max: Some(credits(4)) })));
    let name = "plan.3.credits";
    assert_eq!(reckon(&pool, TEN, reset(Some(&none))), (until, vec![lost(name, 9, 10)]));
    assert_eq!(reckon(&pool, TEN, reset(Some(&some))), (until, vec![lost(name, 9, 6)]));
    assert_eq!(reckon(&pool, TEN, reset(None)), (until, vec![lost(name, 9, 10)]), "no cycle follows");
    // They would run out with the reset, and a microsecond before it.
    let even = Rate { sum: credits(100), hours: 9 };
    assert_eq!(reckon(&pool, even, reset(Some(&none))), (until, vec![]));
    let later = Timestamp::from_micros(hours(9).micros().saturating_add(1));
    let mut pool = pool;
    pool.move_end(3, later);
    let reset = Some(Reset { at: later, number: 3, plan: Some(&none) });
    assert_eq!(reckon(&pool, even, reset).0, Outcome::RunsOut(hours(9)));
}

#[test]
fn nothing_burnt_still_ends_with_the_grants() {
    let nothing = Rate { sum: Credits::ZERO, hours: 24 };
    let found = reckon(&pool([grant("a", 5, 0, Some(7))]), nothing, None);
    assert_eq!(found, (Outcome::RunsOut(hours(7)), vec![lost("a", 7, 5)]));
    let found = reckon(&pool([grant("a", 5, 0, None)]), nothing, None);
    assert_eq!(found, (Outcome::Beyond(hours(9_600)), vec![]));
}

#[test]
fn without_credits_or_history_nothing_is_reckoned() {
    let spent = |rate| forecast(&pool([]), rate, hours(0), &ahead(None), LONGEST, MOST_LOOKS).outcome;
    assert_eq!(spent(Some(TEN)), Outcome::HasRunOut);
    assert_eq!(spent(None), Outcome::HasRunOut);
    let full = pool([grant("a", 5, 0, None)]);
    assert_eq!(
        forecast(&full, None, hours(0), &ahead(None), LONGEST, MOST_LOOKS).outcome,
        Outcome::NotEnoughHistory
    );
}

#[test]
fn very_many_grants_are_not_looked_at_for_ever() {
    let grants = (1..=9_000).map(|n| grant("a", 1, 0, Some(n)));
    let nothing = Rate { sum: Credits::ZERO, hours: 24 };
    let (outcome, losses) = reckon(&pool(grants), nothing, None);
    // 4,000,000 looks at 9,000 grants and ever the same.
    assert_eq!(outcome, Outcome::AtLeast(hours(445)));
    assert_eq!(losses.len(), 445);
    assert!(outcome.lasts(hours(445)) && !outcome.lasts(hours(446)));
}
