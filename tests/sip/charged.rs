//! Hundreds of calls at once, and every balance right.

use std::net::Ipv4Addr;

use creditd::ledger::units::Credits;

use crate::Scene;
use crate::accounts::{Customer, Prices};
use crate::told::End;

/// Six customers: three are billed by the second, three in blocks, with a fee for each call.
fn customers() -> Vec<Customer> {
    let by_the_second = Prices { increment: (1, 1), outbound: 7, inbound: 3, connect_fee: 0 };
    let in_blocks = Prices { increment: (10, 6), outbound: 11, inbound: 4, connect_fee: 25 };
    let prices = [by_the_second, in_blocks].into_iter().cycle();
    (1..=6).zip(prices).map(|(n, prices)| Customer { prices, ..Customer::new(n) }).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_calls_at_once_cost_what_the_prices_say() {
    const OUTBOUND: u32 = 45;
    const INBOUND: u32 = 30;
    const BUSY: u32 = 20;
    let mut scene = Scene::start(customers()).await;
    let (first, last) = (scene.customers[0].clone(), scene.customers[5].clone());
    let mut callee = scene.called(6 * OUTBOUND + INBOUND + BUSY);
    let mut callers: Vec<_> = scene
        .customers
        .iter()
        .map(|customer| scene.calls("talks", customer.address, "+4940555", (OUTBOUND, 10)))
        .collect();
    callers.push(scene.calls("talks", Ipv4Addr::new(127, 0, 2, 1), &first.number, (INBOUND, 10)));
    let mut busy = scene.calls("busy", last.address, "+490555", (BUSY, 10));

    let mut talked = 0;
    for caller in &mut callers {
        talked += scene.seen(caller).await.successful;
    }
    let busy = scene.seen(&mut busy).await.successful;
    assert_eq!(scene.seen(&mut callee).await.successful, talked + busy);

    let told = scene.told(talked + busy).await;
    assert!(told.most_at_once() >= 200, "{} at once", told.most_at_once());
    assert_eq!(told.calls.values().filter(|call| call.failed.is_some()).count(), busy);
    for customer in scene.customers.clone() {
        let given: Credits = customer.credits.unwrap().parse().unwrap();
        let left = told.ends(&customer.org).fold(given, |left, end| left.minus(cost(&customer, end)));
        assert_eq!(scene.balance(&customer.org, "settled").await, left, "{}", customer.org);
        assert_eq!(scene.balance(&customer.org, "available").await, left, "{}", customer.org);
    }
    // What SIPp saw completed, the daemon has charged, and nothing else; each was told to start and to be answered.
    #[expect(clippy::cast_precision_loss, reason = "some hundreds")]
    let count = |calls: usize| Some(calls as f64);
    assert_eq!(scene.daemon.metric("creditd_events_charged_total").await, count(talked));
    assert_eq!(scene.daemon.metric("creditd_events_rejected_total").await.unwrap_or(0.0), 0.0);
    assert_eq!(scene.daemon.metric("creditd_events_noted_total").await, count(2 * talked + 2 * busy));
}

/// What a call must have cost. None is shorter than the callers talked.
fn cost(customer: &Customer, end: &End) -> Credits {
    assert!(end.duration_ms >= 6_990, "{end:?}");
    customer.prices.cost(end.inbound, end.duration_ms)
}
