//! A Kamailio that was killed has forgotten its calls. Started again it says so, and creditd closes them.

use std::net::Ipv4Addr;

use creditd::clock;
use creditd::ledger::units::{Credits, Millis};
use creditd::wire::time;
use serde_json::{Value, json};

use crate::accounts::Customer;
use crate::kamailio::SOURCE;
use crate::sipp::Sipp;
use crate::told::Told;
use crate::{Scene, until};

/// Of its calls nobody says that they are over.
const OTHER_SOURCE: &str = "sbc-2";

#[tokio::test(flavor = "multi_thread")]
async fn the_calls_of_a_kamailio_that_was_killed_are_closed_when_it_is_started_again() {
    let mut scene = Scene::start(vec![Customer::new(1), Customer::new(2)]).await;
    let _talking = talking(&scene).await;
    scene.kamailio.kill9();
    scene.kamailio.start_again().await;
    closed(&scene).await;

    // What it knows of afterwards is charged as ever, and so is the true end of a call that was closed.
    let (first, second) = (scene.customers[0].clone(), scene.customers[1].clone());
    let mut caller = scene.calls("talks", second.address, "+4940555", (1, 1));
    assert_eq!(scene.seen(&mut caller).await.successful, 1, "{}", scene.logs());
    let told = Told::read(&scene.jetstream).await.unwrap();
    let ((_, call_id), call) = told.calls.iter().find(|((org, _), _)| *org == first.org).unwrap();
    let ended_at = time::format(call.answered.unwrap().plus(Millis(20_000)));
    let end = json!({ "type": "call.ended", "source": SOURCE, "call_id": call_id, "id": call_id, "time": ended_at,
                      "direction": "outbound", "duration_ms": 20_000 });
    publish(&scene, &first.org, &end).await;
    let ends = scene.told(2).await;
    let later = ends.ends(&second.org).next().unwrap();
    let corrected = explained(&scene, &first.org, call_id).await;
    assert_eq!(corrected["state"], "ended", "{corrected}");
    let costs = [first.prices.cost(false, 20_000), proven(&first, false)];
    assert_eq!(scene.balance(&first.org, "settled").await, left(&first, costs));
    let costs = [proven(&second, true), second.prices.cost(false, later.duration_ms)];
    assert_eq!(scene.balance(&second.org, "settled").await, left(&second, costs));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creditd_that_cannot_be_reached_is_told_of_the_restart_once_it_can() {
    let mut scene = Scene::start(vec![Customer::new(1), Customer::new(2)]).await;
    let _talking = talking(&scene).await;
    scene.daemon.kill9();
    scene.kamailio.kill9();
    scene.kamailio.start_again().await;
    let tried = until("Kamailio to say that it was not heard", async || {
        scene.kamailio.log().contains("creditd does not close the calls of before").then_some(())
    });
    tried.await.unwrap_or_else(|error| panic!("{error}\n{}", scene.logs()));

    scene.daemon.start_again(&[]);
    scene.daemon.ready().await;
    closed(&scene).await;
}

/// The first customer makes two calls, and one of another source; the second gets one. All are talked until somebody hangs up.
async fn talking(scene: &Scene) -> [Sipp; 3] {
    let (first, second) = (&scene.customers[0], &scene.customers[1]);
    let callee = scene.called(4);
    let outbound = scene.calls("stays", first.address, "+4940555", (2, 2));
    let inbound = scene.calls("stays", Ipv4Addr::new(127, 0, 2, 1), &second.number, (1, 1));
    let answer = json!({ "type": "call.answered", "source": OTHER_SOURCE, "call_id": "9c3f",
                         "time": time::format(clock::now()), "direction": "outbound" });
    publish(scene, &first.org, &answer).await;
    scene.talked(&first.org, 3).await;
    scene.talked(&second.org, 1).await;
    [callee, outbound, inbound]
}

async fn publish(scene: &Scene, org: &str, event: &Value) {
    let sent = scene.jetstream.publish(format!("credits.events.{org}"), event.to_string().into()).await;
    sent.unwrap().await.unwrap();
}

/// Waits until the calls of Kamailio are closed, and those of the other source are not: each costs what was proven of it.
async fn closed(scene: &Scene) {
    let (first, second) = (&scene.customers[0], &scene.customers[1]);
    live(scene, first, &[OTHER_SOURCE]).await;
    live(scene, second, &[]).await;
    let told = Told::read(&scene.jetstream).await.unwrap();
    assert_eq!((told.calls.len(), told.over()), (3, 0), "{told:#?}");
    for (org, call_id) in told.calls.keys() {
        let closed = explained(scene, org, call_id).await;
        let why = (&closed["state"], &closed["reason"]);
        assert_eq!(why, (&json!("orphaned"), &json!("source_restarted")), "{closed}");
    }
    let costs = [proven(first, false), proven(first, false)];
    assert_eq!(scene.balance(&first.org, "settled").await, left(first, costs));
    assert_eq!(scene.balance(&second.org, "settled").await, left(second, [proven(second, true)]));
}

/// Waits until a customer's live calls are of these sources.
async fn live(scene: &Scene, customer: &Customer, sources: &[&str]) {
    let live = until("the calls to be closed", async || {
        let calls = scene.get(&format!("/v1/orgs/{}/calls", customer.org)).await;
        let live: Vec<&str> =
            calls["data"].as_array()?.iter().filter_map(|call| call["source"].as_str()).collect();
        (live == sources).then_some(())
    });
    live.await.unwrap_or_else(|error| panic!("{error}\n{}", scene.logs()));
}

/// What is known of a call of Kamailio's.
async fn explained(scene: &Scene, org: &str, call_id: &str) -> Value {
    scene.get(&format!("/v1/orgs/{org}/calls/{call_id}?source={SOURCE}")).await
}

/// What is proven of a call of which nothing was told after the answer: one increment, in which an inbound one rang.
fn proven(customer: &Customer, inbound: bool) -> Credits {
    customer.prices.cost(inbound, 1)
}

/// What a customer has left, after these costs.
fn left(customer: &Customer, costs: impl IntoIterator<Item = Credits>) -> Credits {
    let given: Credits = customer.credits.unwrap().parse().unwrap();
    costs.into_iter().fold(given, Credits::minus)
}
