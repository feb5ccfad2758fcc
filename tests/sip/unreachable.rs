//! creditd does not answer: the plan says what then, and what is let through is charged later.

use crate::Scene;
use crate::accounts::Customer;

#[tokio::test(flavor = "multi_thread")]
async fn where_creditd_does_not_answer_the_plan_says_whether_a_call_is_let_through() {
    let (strict, lenient) = (Customer::new(1), Customer { on_failure: "allow", ..Customer::new(2) });
    let mut scene = Scene::start(vec![strict.clone(), lenient.clone()]).await;
    let _callee = scene.called(10);
    let talk = |scene: &Scene| {
        let callers = [&strict, &lenient].map(|customer| (customer.address, customer.org.clone()));
        callers.map(|(address, _)| scene.calls("talks", address, "+4940555", (1, 1)))
    };
    for mut caller in talk(&scene) {
        assert_eq!(scene.seen(&mut caller).await.successful, 1);
    }
    scene.daemon.kill9();
    let [mut refused, mut let_through] = talk(&scene);
    assert_eq!(scene.seen(&mut let_through).await.successful, 1);
    let seen = refused.ended().await;
    assert_eq!((seen.successful, seen.failed), (0, 1), "{}", scene.logs());
    assert!(refused.log().contains("480 Temporarily Unavailable"), "{}", refused.log());

    scene.daemon.start_again(&[]);
    scene.daemon.ready().await;
    let told = scene.told(3).await;
    for (customer, calls) in [(&strict, 1), (&lenient, 2)] {
        let ends: Vec<_> = told.ends(&customer.org).collect();
        let cost = ends.iter().map(|end| customer.prices.cost(false, end.duration_ms).micros()).sum::<i64>();
        assert_eq!(ends.len(), calls);
        assert_eq!(scene.balance(&customer.org, "available").await.micros(), 100_000_000_000 - cost);
    }
}
