//! A caller who calls again and again under the same Call-ID and From tag: each attempt is a call of its own.

use creditd::ledger::units::Credits;
use serde_json::json;

use crate::accounts::{Customer, Prices};
use crate::sipp::{Seen, Sipp};
use crate::told::End;
use crate::{Scene, until};

/// The caller's Call-ID is always this one.
const CALL_ID: &str = "9c3f@pbx.example";

/// Numbers whose phone is answered, and is busy.
const ANSWERS: &str = "+4940555";
const IS_BUSY: &str = "+490555";

#[tokio::test(flavor = "multi_thread")]
async fn who_was_refused_was_busy_or_has_talked_calls_again_and_each_call_is_charged_on_its_own() {
    let poor = Customer { credits: None, ..Customer::new(1) };
    let mut scene = Scene::start(vec![poor.clone()]).await;
    let mut callee = scene.called(4);
    assert_eq!(attempt(&scene, ANSWERS, (CALL_ID, 1)).await.counted("refused"), 1);
    poor.top_up(&scene.http, &scene.daemon.url(), "100").await;
    assert_eq!(attempt(&scene, IS_BUSY, (CALL_ID, 2)).await.counted("busy"), 1);
    assert_eq!(attempt(&scene, ANSWERS, (CALL_ID, 3)).await.counted("answered"), 1);
    // Its BYE had the number after.
    assert_eq!(attempt(&scene, ANSWERS, (CALL_ID, 5)).await.counted("answered"), 1);
    let long = "x".repeat(300);
    assert_eq!(attempt(&scene, ANSWERS, (&long, 1)).await.counted("answered"), 1);
    assert_eq!(scene.seen(&mut callee).await.successful, 4);

    let told = scene.told(4).await;
    let named = told.calls.keys().filter(|(_, id)| id.starts_with(&format!("{CALL_ID};"))).count();
    let ends: Vec<&End> = told.ends(&poor.org).collect();
    assert_eq!((named, ends.len()), (3, 3), "{told:#?}");
    assert!(ends.iter().all(|end| (3_990..6_000).contains(&end.duration_ms)), "{ends:#?}");
    let given: Credits = "100".parse().unwrap();
    let left = ends.iter().fold(given, |left, end| left.minus(poor.prices.cost(false, end.duration_ms)));
    assert_eq!(left, "97".parse().unwrap());
    assert_eq!(scene.balance(&poor.org, "settled").await, left);
    assert_eq!(scene.balance(&poor.org, "available").await, left);
    assert_eq!(scene.get(&format!("/v1/orgs/{}/holds", poor.org)).await["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_whose_credits_end_is_hung_up_also_right_after_one_that_was_busy() {
    let prices = Prices { increment: (1, 1), outbound: 60, inbound: 60, connect_fee: 0 };
    let prepaid = Customer { prices, credits: Some("1"), slice_s: 1, ..Customer::new(1) };
    let mut scene = Scene::start(vec![prepaid]).await;
    let _callee = scene.called(2);
    assert_eq!(attempt(&scene, IS_BUSY, (CALL_ID, 1)).await.counted("busy"), 1);
    let seen = attempt(&scene, ANSWERS, (CALL_ID, 2)).await;
    assert_eq!((seen.counted("answered"), seen.counted("cut_off")), (1, 1), "{}", scene.logs());
    scene.told(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_talked_on_the_charge_of_another_invite_of_the_same_call_id() {
    let customer = Customer::new(1);
    let mut scene = Scene::start(vec![customer.clone()]).await;
    let _callee = scene.called_after(5_000, 2);
    let mut first = caller(&scene, ANSWERS, (CALL_ID, 1));
    let rings = until("the call to ring", async || {
        let calls = scene.get(&format!("/v1/orgs/{}/calls", customer.org)).await;
        (calls["data"].as_array()?.len() == 1).then_some(())
    });
    rings.await.unwrap_or_else(|error| panic!("{error}\n{}", scene.logs()));
    // The same once more by another way, and another.
    assert_eq!(attempt(&scene, ANSWERS, (CALL_ID, 1)).await.counted("merged"), 1);
    assert_eq!(attempt(&scene, ANSWERS, (CALL_ID, 2)).await.counted("merged"), 1);
    assert_eq!(scene.get(&format!("/v1/orgs/{}/holds", customer.org)).await["data"][1], json!(null));
    assert_eq!(scene.seen(&mut first).await.counted("answered"), 1);
    assert_eq!(attempt(&scene, ANSWERS, (CALL_ID, 1)).await.counted("answered"), 1);

    let told = scene.told(2).await;
    let given: Credits = customer.credits.unwrap().parse().unwrap();
    let cost = |end: &End| customer.prices.cost(false, end.duration_ms);
    let left = told.ends(&customer.org).fold(given, |left, end| left.minus(cost(end)));
    assert_eq!(left, given.minus("2".parse().unwrap()));
    assert_eq!(scene.balance(&customer.org, "settled").await, left);
}

/// What came of an attempt of the first customer to call a number.
async fn attempt(scene: &Scene, number: &str, name: (&str, u32)) -> Seen {
    scene.seen(&mut caller(scene, number, name)).await
}

fn caller(scene: &Scene, number: &str, name: (&str, u32)) -> Sipp {
    let way = (scene.customers[0].address, scene.kamailio.port());
    Sipp::attempt(scene.folder.path(), way, number, name)
}
