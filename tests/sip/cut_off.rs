//! A call whose credits end is hung up, and only that one.

use std::net::Ipv4Addr;

use creditd::ledger::units::Credits;
use serde_json::{Value, json};

use crate::Scene;
use crate::accounts::Customer;
use crate::kamailio::SOURCE;
use crate::told::Told;

#[tokio::test(flavor = "multi_thread")]
async fn the_call_that_has_used_up_its_credits_is_hung_up_and_no_other() {
    const OTHERS: u32 = 20;
    // One increment of six seconds.
    let prepaid = Customer { credits: Some("1"), slice_s: 6, ..Customer::new(1) };
    let mut scene = Scene::start(vec![prepaid.clone(), Customer::new(2)]).await;
    let mut callee = scene.called(OTHERS + 1);
    // They hang up themselves: a call of theirs that somebody else ends has failed.
    let mut others = scene.calls("talks", Ipv4Addr::new(127, 0, 1, 2), "+4940555", (OTHERS, 20));
    let mut caller = scene.calls("stays", prepaid.address, "+4940555", (1, 1));
    let worst = worst_case(&scene, &prepaid.org, 1).await;
    let seen = scene.seen(&mut caller).await;
    assert_eq!((seen.counted("answered"), seen.counted("cut_off")), (1, 1), "{}", scene.logs());
    assert_eq!(scene.seen(&mut others).await.successful, OTHERS as usize);
    assert_eq!(scene.seen(&mut callee).await.successful, OTHERS as usize + 1);

    let told = scene.told(OTHERS as usize + 1).await;
    let end = told.ends(&prepaid.org).next().unwrap();
    // Within the increment that was not covered any more.
    assert!((6_000..12_000).contains(&end.duration_ms), "{end:?}\n{}", scene.logs());
    assert!(told.talked_at(end.at) > 0, "no other call was talked at the cut-off: {told:#?}");
    let given: Credits = prepaid.credits.unwrap().parse().unwrap();
    let left = given.minus(prepaid.prices.cost(false, end.duration_ms));
    assert_eq!(scene.balance(&prepaid.org, "available").await, left);
    assert!(!left.plus(worst).is_negative(), "{left} and {worst}");
    assert_eq!(cut_off(&scene).await, [prepaid.org]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_the_most_calls_that_one_cut_off_may_name_the_last_is_hung_up() {
    let mut scene = Scene::start(vec![Customer::new(1)]).await;
    let customer = scene.customers[0].clone();
    let _callee = scene.called(1);
    let mut caller = scene.calls("stays", customer.address, "+4940555", (1, 1));
    scene.talked(&customer.org, 1).await;
    let told = Told::read(&scene.jetstream).await.unwrap();
    let (_, call_id) = told.calls.keys().next().unwrap();
    let mut calls: Vec<Value> = (1..500)
        .map(|n| json!({ "source": SOURCE, "call_id": format!("{n}-5c1f9e6e-8a8b-4f0e-9b55-0242ac120002@192.0.2.21") }))
        .collect();
    calls.push(json!({ "source": SOURCE, "call_id": call_id }));
    let cut_off = json!({ "type": "creditd.call.cutoff.v1", "data": { "calls": calls } });
    // No stream takes it, so nobody confirms it.
    drop(scene.jetstream.publish("creditd-cutoff", cut_off.to_string().into()).await.unwrap());
    assert_eq!(scene.seen(&mut caller).await.counted("cut_off"), 1, "{}", scene.logs());
    scene.told(1).await;
}

/// By how much an organization's calls may overspend, as the daemon says while so many of them are talked.
pub(crate) async fn worst_case(scene: &Scene, org: &str, running: u64) -> Credits {
    let burn = scene.talked(org, running).await;
    burn["worst_case_overspend"].as_str().unwrap().parse().unwrap()
}

/// The organizations of the cut-offs that left, one for each call.
async fn cut_off(scene: &Scene) -> Vec<String> {
    let mut stream = scene.jetstream.get_stream("CREDIT_ALERTS").await.unwrap();
    let mut orgs = Vec::new();
    for seq in 1..=stream.info().await.unwrap().state.last_sequence {
        let message = stream.get_raw_message(seq).await.unwrap();
        if message.subject.ends_with(".cutoff") {
            let event: Value = serde_json::from_slice(&message.payload).unwrap();
            let calls = event["data"]["calls"].as_array().unwrap();
            orgs.extend(calls.iter().map(|_| event["subject"].as_str().unwrap().to_owned()));
        }
    }
    orgs
}
