//! A stream that is no longer the one the balances came from is never taken for it.

use std::time::Duration;

use async_nats::jetstream::stream::Config;

use crate::Scene;

const SOON: Duration = Duration::from_secs(30);

/// Deletes the stream and makes it anew under the same name, with another history in it.
async fn recreate(scene: &Scene) -> u64 {
    let jetstream = scene.jetstream();
    jetstream.delete_stream("CREDITS").await.unwrap();
    let subjects = vec!["credits.events.>".to_owned(), "credits.commands.>".to_owned()];
    let config = Config { name: "CREDITS".to_owned(), subjects, ..Config::default() };
    jetstream.create_stream(config).await.unwrap();
    for (subject, payload) in crate::ACME {
        scene.publish(subject, payload).await;
    }
    scene.spend("another", 1).await
}

/// Waits until a checkpoint contains a record.
async fn checkpointed(scene: &Scene, seq: u64) {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    while scene
        .daemon
        .metric("creditd_checkpoint_position")
        .await
        .is_none_or(|position| position < seq as f64)
    {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// It refuses to start, says why and what to do; and starts when told to roll back.
async fn refuses_until_told(scene: &mut Scene, last: u64) {
    scene.daemon.start_again(&[]);
    let status = scene.daemon.ended(SOON).await;
    assert_eq!(status.code(), Some(1), "{}", scene.daemon.log());
    let log = scene.daemon.log();
    assert!(log.contains("the log was recreated") && log.contains("start once with --roll-back"), "{log}");

    scene.daemon.start_again(&["--roll-back"]);
    scene.daemon.ready().await;
    scene.daemon.wait_for(last, SOON).await;
    let url = format!("{}/v1/orgs/acme/balance", scene.daemon.url());
    let balance: serde_json::Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    assert_eq!(balance["balances"][0]["available"], "99", "{balance}");

    // Once is enough: with the next checkpoint this is the log.
    checkpointed(scene, last).await;
    scene.daemon.kill9_and_restart();
    scene.daemon.ready().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_was_recreated_while_it_was_down_is_refused_until_told_to_roll_back() {
    let mut scene = Scene::start().await;
    scene.publish_acme().await;
    let seq = scene.spend("m1", 7).await;
    scene.daemon.wait_for(seq, SOON).await;
    checkpointed(&scene, seq).await;
    scene.daemon.kill9();
    let last = recreate(&scene).await;
    refuses_until_told(&mut scene, last).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_recreated_under_it_ends_it() {
    let mut scene = Scene::start().await;
    scene.publish_acme().await;
    let seq = scene.spend("m1", 7).await;
    scene.daemon.wait_for(seq, SOON).await;
    checkpointed(&scene, seq).await;
    let last = recreate(&scene).await;
    let status = scene.daemon.ended(Duration::from_secs(60)).await;
    assert_eq!(status.code(), Some(1), "{}", scene.daemon.log());
    assert!(scene.daemon.log().contains("the pipeline stopped"), "{}", scene.daemon.log());
    refuses_until_told(&mut scene, last).await;
}
