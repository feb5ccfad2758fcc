//! What is bounded, what is given up, and what is sent again by hand.

use std::time::Duration;

use creditd::clock;
use creditd::ledger::calendar::Zone;
use creditd::ledger::quiet::{Days, Hours, Minute, Quiet};
use creditd::ledger::units::Timestamp;
use creditd::notify::webhooks::{
    Delivery, Endpoint, EndpointState, Handed, MOST_PAYLOAD, MessageId, Options, Outcome, WebhookError,
    WhyGivenUp,
};

use crate::receiver::{Answer, Receiver};
use crate::{Bench, endpoint, message, quick, until};

fn switched_off(url: &str) -> Endpoint {
    Endpoint { enabled: false, ..endpoint("a", url) }
}

#[tokio::test]
async fn what_is_not_taken_in_time_is_given_up_kept_and_sent_again_by_hand() {
    let receiver = Receiver::start(|_, _| Answer::Status(500)).await;
    let willing = Receiver::willing().await;
    let bench = Bench::open(Options { patience: Duration::from_millis(500), ..quick() });
    let mut endpoint = endpoint("a", &receiver.url);
    bench.hand_over(&endpoint, "one").await;
    until("the end", || bench.health(&endpoint).given_up == 1).await;
    let kept = bench.webhooks.given_up(&endpoint.key);
    assert_eq!((kept.len(), kept[0].id.as_str(), kept[0].why), (1, "one", WhyGivenUp::Patience));
    assert!(kept[0].tries >= 2 && kept[0].at.micros() - kept[0].since.micros() >= 500_000, "{kept:?}");
    assert!(matches!(kept[0].attempts[0].outcome, Outcome::Failed { status: Some(500), .. }));
    assert_eq!(bench.webhooks.hand_over(&endpoint, &message("one")).await.unwrap(), Handed::Known);
    assert_eq!(bench.webhooks.counts().given_up, 1);

    endpoint.url = crate::EndpointUrl::parse(&willing.url).unwrap();
    bench.webhooks.put(&endpoint).await.unwrap();
    bench.webhooks.resend(&endpoint.key, &kept[0].id).await.unwrap();
    until("the message", || bench.health(&endpoint).delivered == 1).await;
    assert_eq!(willing.ids(), ["one"]);
    assert_eq!(bench.webhooks.given_up(&endpoint.key), []);
    let again = bench.webhooks.resend(&endpoint.key, &kept[0].id).await;
    assert!(matches!(again, Err(WebhookError::NotKept { .. })), "{again:?}");
    assert_eq!(bench.webhooks.hand_over_again(&endpoint, &message("one")).await.unwrap(), Handed::Queued);
    until("the message again", || willing.count() == 2).await;
}

#[tokio::test]
async fn past_the_limit_the_oldest_is_lost_and_counted() {
    let receiver = Receiver::willing().await;
    let bench = Bench::open(Options { queued: 3, kept_failed: 2, ..quick() });
    let mut endpoint = switched_off(&receiver.url);
    for id in ["1", "2", "3", "4", "5", "6"] {
        bench.hand_over(&endpoint, id).await;
    }
    let health = bench.health(&endpoint);
    assert_eq!((health.state, health.queued, health.lost), (EndpointState::SwitchedOff, 3, 3));
    let kept: Vec<_> = bench.webhooks.given_up(&endpoint.key).into_iter().map(|k| (k.id, k.why)).collect();
    let lost = |id: &str| (MessageId::new(id).unwrap(), WhyGivenUp::Overflow);
    assert_eq!(kept, [lost("2"), lost("3")]);
    endpoint.enabled = true;
    bench.webhooks.put(&endpoint).await.unwrap();
    until("the newest", || receiver.count() == 3).await;
    assert_eq!(receiver.ids(), ["4", "5", "6"]);
    assert_eq!(bench.webhooks.counts().lost, 3);
}

#[tokio::test]
async fn the_request_in_flight_is_not_the_one_that_is_lost() {
    let receiver = Receiver::start(|_, _| Answer::Hang).await;
    let bench = Bench::open(Options { queued: 2, ..quick() });
    let endpoint = endpoint("a", &receiver.url);
    bench.hand_over(&endpoint, "1").await;
    until("the first", || receiver.count() == 1).await;
    for id in ["2", "3"] {
        bench.hand_over(&endpoint, id).await;
    }
    assert!(matches!(bench.delivery(&endpoint, "1"), Some(Delivery::Waiting { .. })));
    assert!(matches!(bench.delivery(&endpoint, "2"), Some(Delivery::GivenUp(_))));
}

#[tokio::test]
async fn when_all_together_are_too_many_the_one_with_most_loses() {
    let bench = Bench::open(Options { total_bytes: 40_000, ..quick() });
    let (greedy, modest) = (
        switched_off("http://127.0.0.1:1/"),
        Endpoint { key: crate::key("modest"), ..switched_off("http://127.0.0.1:1/") },
    );
    bench.hand_over(&modest, "small").await;
    for nth in 0..20 {
        let mut large = message(&format!("large{nth}"));
        large.payload = vec![b' '; 8_000];
        bench.webhooks.hand_over(&greedy, &large).await.unwrap();
    }
    assert!(bench.webhooks.counts().bytes <= 40_000 + 8_256, "{:?}", bench.webhooks.counts());
    assert_eq!((bench.health(&modest).queued, bench.health(&modest).lost), (1, 0));
    let health = bench.health(&greedy);
    assert!(health.queued >= 4 && health.lost == 20 - u64::try_from(health.queued).unwrap(), "{health:?}");
    assert!(bench.delivery(&greedy, "large19").is_some() && bench.delivery(&greedy, "large0").is_none());
}

#[tokio::test]
async fn what_is_too_much_is_refused_by_name() {
    let bench = Bench::open(Options { endpoints: 1, ..quick() });
    let endpoint = switched_off("http://127.0.0.1:1/");
    let mut large = message("large");
    large.payload = vec![b' '; MOST_PAYLOAD + 1];
    let refused = bench.webhooks.hand_over(&endpoint, &large).await.unwrap_err();
    assert!(refused.to_string().contains("262145 bytes, the most is 262144"), "{refused}");
    assert_eq!(bench.webhooks.endpoints(), []);
    bench.hand_over(&endpoint, "one").await;
    let other = Endpoint { key: crate::key("other"), ..endpoint.clone() };
    let refused = bench.webhooks.hand_over(&other, &message("one")).await.unwrap_err();
    assert!(matches!(refused, WebhookError::TooMany { most: 1, .. }), "{refused}");
    assert_eq!(bench.webhooks.forget(&endpoint.key).await.unwrap(), 1);
    bench.hand_over(&other, "one").await;
    assert_eq!(bench.webhooks.endpoints(), [other.key]);
    assert_eq!(bench.webhooks.health(&endpoint.key), None);
}

#[tokio::test]
async fn a_test_is_sent_at_once_and_changes_nothing() {
    let receiver = Receiver::start(|_, seen| match seen.id().starts_with("webhook_test") {
        true => Answer::Status(200),
        false => Answer::Status(500),
    })
    .await;
    let bench = Bench::open(quick());
    let endpoint = endpoint("a", &receiver.url);
    bench.hand_over(&endpoint, "one").await;
    until("a failure", || bench.health(&endpoint).consecutive_failures >= 1).await;
    for _ in 0..10 {
        let attempt = bench.webhooks.test(&endpoint).await.unwrap();
        assert_eq!(attempt.outcome, Outcome::Delivered { status: 200 });
    }
    let health = bench.health(&endpoint);
    assert_eq!((health.delivered, health.queued, health.last_success), (0, 1, None));
    assert_eq!(receiver.most_open(), 1);
    let seen = receiver.seen().into_iter().find(|seen| seen.id().starts_with("webhook_test")).unwrap();
    let body: serde_json::Value = serde_json::from_str(&seen.body).unwrap();
    assert_eq!((&body["type"], &body["subject"]), (&"creditd.webhook.test".into(), &"acme".into()));
    assert_eq!(body["id"].as_str().unwrap().replace('.', "~"), seen.id());
    until("more attempts", || receiver.ids().iter().filter(|id| *id == "one").count() >= 3).await;
}

/// Quiet hours that began a moment ago and last for two hours or so, and when they end.
fn quiet_now() -> (Quiet, Timestamp) {
    let minutes = clock::now().micros().div_euclid(60_000_000);
    let minute = |minutes: i64| {
        let of_day = minutes.rem_euclid(1_440);
        Minute::parse(&format!("{:02}:{:02}", of_day / 60, of_day % 60)).unwrap()
    };
    let hours = Hours { from: minute(minutes - 1), to: minute(minutes + 120), days: Days::ALL };
    (Quiet { hours, zone: Zone::default() }, Timestamp::from_micros((minutes + 120) * 60_000_000))
}

#[tokio::test]
async fn in_quiet_hours_messages_wait_and_a_test_is_sent_all_the_same() {
    let receiver = Receiver::willing().await;
    let bench = Bench::open(quick());
    let (quiet, end) = quiet_now();
    let mut endpoint = Endpoint { quiet: Some(quiet), ..endpoint("a", &receiver.url) };
    for id in ["one", "two"] {
        bench.hand_over(&endpoint, id).await;
    }
    let attempt = bench.webhooks.test(&endpoint).await.unwrap();
    assert_eq!(attempt.outcome, Outcome::Delivered { status: 204 });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(receiver.count(), 1, "{:?}", receiver.ids());
    let health = bench.health(&endpoint);
    assert_eq!((health.state, health.queued, health.next_attempt), (EndpointState::Healthy, 2, Some(end)));
    // After a restart they still wait.
    let Bench { webhooks, folder } = bench;
    drop(webhooks);
    let bench = Bench { webhooks: crate::open(folder.path(), quick()), folder };
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!((receiver.count(), bench.health(&endpoint).next_attempt), (1, Some(end)));
    endpoint.quiet = None;
    bench.webhooks.put(&endpoint).await.unwrap();
    until("both", || bench.health(&endpoint).delivered == 2).await;
    assert_eq!(receiver.ids()[1..], ["one", "two"]);
}
