//! Who has no credits is told so before anything rings.

use crate::Scene;
use crate::accounts::Customer;

#[tokio::test(flavor = "multi_thread")]
async fn without_credits_a_call_is_answered_402_and_nothing_rings() {
    const CALLS: u32 = 20;
    let poor = Customer { credits: None, ..Customer::new(1) };
    let mut scene = Scene::start(vec![poor.clone(), Customer::new(2)]).await;
    let mut callee = scene.called(1);
    let mut refused = scene.calls("stays", poor.address, "+4940555", (CALLS, 20));
    let seen = scene.seen(&mut refused).await;
    assert_eq!((seen.counted("refused"), seen.counted("answered")), (CALLS as usize, 0));

    // Of somebody else's call it rings: the first that the callee hears of.
    let mut let_through = scene.calls("talks", scene.customers[1].address, "+4940555", (1, 1));
    assert_eq!(scene.seen(&mut let_through).await.successful, 1);
    assert_eq!(scene.seen(&mut callee).await.rang(), 1);

    let told = scene.told(1).await;
    assert_eq!(told.of(&poor.org).count(), 0, "{told:#?}");
    assert_eq!(scene.get(&format!("/v1/orgs/{}/holds", poor.org)).await["data"], serde_json::json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_number_is_answered_484_and_not_priced_as_one() {
    let scene = Scene::start(vec![Customer::new(1)]).await;
    let address = scene.customers[0].address;
    let mut odd = scene.calls("no_number", address, "+49-40555", (3, 3));
    assert_eq!(scene.seen(&mut odd).await.successful, 3);
    let org = scene.customers[0].org.clone();
    assert_eq!(scene.get(&format!("/v1/orgs/{org}/holds")).await["data"], serde_json::json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_further_invite_of_a_call_that_kamailio_does_not_know_is_answered_481() {
    let scene = Scene::start(vec![Customer::new(1)]).await;
    let address = scene.customers[0].address;
    let mut stranger = scene.calls("stranger", address, "+4940555", (1, 1));
    assert_eq!(scene.seen(&mut stranger).await.successful, 1);
}
