//! Many endpoints: those that hang or fail delay nobody else.

use std::time::Duration;

use creditd::notify::webhooks::{Endpoint, Options};
use tokio::sync::watch;

use crate::receiver::{Answer, Receiver};
use crate::{Bench, endpoint, quick, until};

/// Endpoints of one receiver, by path.
fn endpoints(receiver: &Receiver, prefix: &str, count: usize) -> Vec<Endpoint> {
    (0..count)
        .map(|nth| endpoint(&format!("{prefix}-{nth}"), &format!("{}/{prefix}-{nth}", receiver.url)))
        .collect()
}

async fn hand_over_to_all(bench: &Bench, endpoints: &[Endpoint], messages: usize) {
    for nth in 0..messages {
        for endpoint in endpoints {
            bench.hand_over(endpoint, &format!("m{nth}")).await;
        }
    }
}

fn answer_by_name(path: &str) -> Answer {
    match path.split('-').next() {
        Some("hanging") => Answer::Hang,
        Some("failing") => Answer::Status(500),
        _ => Answer::Status(200),
    }
}

#[tokio::test]
async fn of_fifty_endpoints_five_hang_and_the_others_get_everything() {
    let receiver = Receiver::start(|_, seen| answer_by_name(&seen.path)).await;
    // Those that hang hold their places to the end of the test.
    let bench = Bench::open(Options { in_flight: 8, attempt_limit: Duration::from_secs(600), ..quick() });
    let hanging = endpoints(&receiver, "hanging", 5);
    let sound = endpoints(&receiver, "sound", 45);
    hand_over_to_all(&bench, &hanging, 4).await;
    hand_over_to_all(&bench, &sound, 4).await;

    until("everything", || bench.webhooks.counts().delivered == 180).await;
    for endpoint in &sound {
        let path = &endpoint.key.id;
        let seen = receiver.seen();
        let ids: Vec<&str> = seen.iter().filter(|seen| seen.path == *path).map(|seen| seen.id()).collect();
        assert_eq!(ids, ["m0", "m1", "m2", "m3"], "{path}");
    }
    assert_eq!(receiver.seen().iter().filter(|seen| seen.path.starts_with("hanging")).count(), 5);
    assert_eq!(receiver.most_open(), 1, "an endpoint had more than one request in flight");
    let counts = bench.webhooks.counts();
    assert_eq!((counts.endpoints, counts.queued, counts.in_flight), (50, 20, 5));
}

/// More endpoints hang than there are places: once each has failed, they share places of their own.
#[tokio::test]
async fn more_than_there_are_places_for_may_hang() {
    let receiver = Receiver::start(|_, seen| answer_by_name(&seen.path)).await;
    let bench = Bench::open(Options {
        in_flight: 2,
        in_flight_failing: 1,
        attempt_limit: Duration::from_millis(400),
        ..quick()
    });
    let hanging = endpoints(&receiver, "hanging", 8);
    hand_over_to_all(&bench, &hanging, 1).await;
    until("eight failures", || bench.webhooks.counts().failing == 8).await;
    let before = bench.webhooks.counts().attempts;
    let sound = endpoints(&receiver, "sound", 20);
    hand_over_to_all(&bench, &sound, 5).await;
    until("everything", || bench.webhooks.counts().delivered == 100).await;
    // One place for those that hang: they had no more attempts than fit into the time one after the other. Had they the
    // places of all, a hundred deliveries would have waited for many more.
    let hung = bench.webhooks.counts().attempts - before - 100;
    assert!(hung <= 8, "{hung} attempts hung while 100 messages were delivered");
    assert_eq!(receiver.most_open(), 1);
}

#[tokio::test]
async fn turns_are_fair_among_those_with_much_and_with_little() {
    let (open, gate) = watch::channel(false);
    let receiver = Receiver::start(move |_, _| Answer::Hold(gate.clone())).await;
    let bench = Bench::open(Options { in_flight: 1, ..quick() });
    let busy = endpoints(&receiver, "busy", 2);
    hand_over_to_all(&bench, &busy, 50).await;
    until("the first", || receiver.count() == 1).await;
    let few = endpoints(&receiver, "few", 5);
    hand_over_to_all(&bench, &few, 1).await;
    open.send_replace(true);
    until("everything", || bench.webhooks.counts().delivered == 105).await;

    // Whoever came while the first request was in flight is served before the first has a second turn; then the two take
    // turns one by one.
    let paths: Vec<String> = receiver.seen().into_iter().map(|seen| seen.path).collect();
    assert_eq!(paths[..7], ["busy-0", "busy-1", "few-0", "few-1", "few-2", "few-3", "few-4"]);
    for pair in paths[7..].chunks(2).take(49) {
        assert_eq!(pair, ["busy-0", "busy-1"]);
    }
}
