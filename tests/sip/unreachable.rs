//! Who cannot be reached: creditd, and then the plan says whether a call is let through; NATS, and then what was told arrives
//! later. Either way every call is charged.

use creditd::ledger::units::Credits;

use crate::Scene;
use crate::accounts::Customer;
use crate::told::End;

#[tokio::test(flavor = "multi_thread")]
async fn where_creditd_does_not_answer_the_plan_says_whether_a_call_is_let_through() {
    let (strict, lenient) = (Customer::new(1), Customer { on_failure: "allow", ..Customer::new(2) });
    let mut scene = Scene::start(vec![strict.clone(), lenient.clone()]).await;
    let _callee = scene.called(10);
    // From an answer Kamailio knows what the plan says.
    for address in [strict.address, lenient.address] {
        let mut busy = scene.calls("busy", address, "+490555", (1, 1));
        assert_eq!(scene.seen(&mut busy).await.successful, 1);
    }
    scene.daemon.kill9();
    let mut refused = scene.calls("talks", strict.address, "+4940555", (1, 1));
    let mut let_through = scene.calls("talks", lenient.address, "+4940555", (1, 1));
    assert_eq!(scene.seen(&mut let_through).await.successful, 1);
    let seen = refused.ended().await;
    assert_eq!((seen.successful, seen.failed), (0, 1), "{}", scene.logs());
    assert!(refused.log().contains("480 Temporarily Unavailable"), "{}", refused.log());

    scene.daemon.start_again(&[]);
    scene.daemon.ready().await;
    let told = scene.told(3).await;
    let ends: Vec<_> = told.ends(&lenient.org).collect();
    assert_eq!((ends.len(), told.ends(&strict.org).count()), (1, 0), "{told:#?}");
    let cost = lenient.prices.cost(false, ends[0].duration_ms);
    let given: Credits = lenient.credits.unwrap().parse().unwrap();
    assert_eq!(scene.balance(&lenient.org, "available").await, given.minus(cost));
    assert_eq!(scene.balance(&strict.org, "available").await, given);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_while_nats_is_away_arrives_when_it_is_back() {
    const CALLS: u32 = 5;
    let customer = Customer::new(1);
    let mut scene = Scene::start(vec![customer.clone()]).await;
    let _callee = scene.called(CALLS);
    let mut callers = scene.calls("talks", customer.address, "+4940555", (CALLS, 10));
    scene.talked(&customer.org, CALLS.into()).await;
    scene.server.kill9();
    assert_eq!(scene.seen(&mut callers).await.successful, CALLS as usize);

    scene.server.restart();
    scene.daemon.ready().await;
    let told = scene.told(CALLS as usize).await;
    let given: Credits = customer.credits.unwrap().parse().unwrap();
    let cost = |end: &End| customer.prices.cost(false, end.duration_ms);
    let left = told.ends(&customer.org).fold(given, |left, end| left.minus(cost(end)));
    assert_eq!(scene.balance(&customer.org, "available").await, left);
}
