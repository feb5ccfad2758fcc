//! Many calls at once on credits for a few.

use creditd::ledger::units::Credits;

use crate::Scene;
use crate::accounts::Customer;
use crate::cut_off::worst_case;

#[tokio::test(flavor = "multi_thread")]
async fn of_thirty_calls_on_credits_for_five_five_are_let_through_and_overspend_no_more_than_was_said() {
    const CALLS: u32 = 30;
    const COVERED: usize = 5;
    let prepaid = Customer { credits: Some("5"), slice_s: 6, ..Customer::new(1) };
    let mut scene = Scene::start(vec![prepaid.clone()]).await;
    let _callee = scene.called(CALLS);
    let mut callers = scene.calls("stays", prepaid.address, "+4940555", (CALLS, 60));
    let worst = worst_case(&scene, &prepaid.org, COVERED as u64).await;
    // An increment of each, and what rounding may add to it.
    assert_eq!(worst, Credits::from_micros(5 * 1_000_002));
    let seen = scene.seen(&mut callers).await;
    let outcome = (seen.counted("answered"), seen.counted("cut_off"), seen.counted("refused"));
    assert_eq!(outcome, (COVERED, COVERED, CALLS as usize - COVERED), "{}", scene.logs());

    let told = scene.told(COVERED).await;
    let ends: Vec<_> = told.ends(&prepaid.org).collect();
    assert!(ends.iter().all(|end| (6_000..12_000).contains(&end.duration_ms)), "{ends:?}\n{}", scene.logs());
    let given: Credits = prepaid.credits.unwrap().parse().unwrap();
    let left = ends.iter().fold(given, |left, end| left.minus(prepaid.prices.cost(false, end.duration_ms)));
    assert_eq!(scene.balance(&prepaid.org, "available").await, left);
    assert!(!left.plus(worst).is_negative(), "{left} and {worst}");
}
