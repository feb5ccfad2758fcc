//! What an endpoint answers, and what follows from it.

use std::time::Duration;

use creditd::clock::{self, Stopwatch};
use creditd::notify::webhooks::{Delivery, EndpointState, Handed, Options, Outcome, Secret, Secrets};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::receiver::{Answer, Receiver};
use crate::{Bench, endpoint, message, quick, until};

#[tokio::test]
async fn a_message_arrives_signed_and_once() {
    let receiver = Receiver::willing().await;
    let bench = Bench::open(quick());
    let secret = Secret::generate().unwrap();
    let mut endpoint = endpoint("a", &receiver.url);
    endpoint.secrets = Secrets::new(secret.clone());

    assert_eq!(
        bench.webhooks.hand_over(&endpoint, &message("acme.credits.60%.1")).await.unwrap(),
        Handed::Queued
    );
    until("the message", || receiver.count() == 1).await;
    until("the outcome", || bench.health(&endpoint).delivered == 1).await;
    assert_eq!(
        bench.webhooks.hand_over(&endpoint, &message("acme.credits.60%.1")).await.unwrap(),
        Handed::Known
    );
    bench.hand_over(&endpoint, "sentinel").await;
    until("the sentinel", || receiver.count() == 2).await;
    assert_eq!(receiver.ids(), ["acme~credits~60%~1", "sentinel"]);

    let seen = &receiver.seen()[0];
    assert_eq!(seen.body.as_bytes(), message("acme.credits.60%.1").payload);
    assert_eq!(seen.header("content-type"), "application/cloudevents+json");
    assert!(seen.header("user-agent").starts_with("creditd/"));
    assert_eq!(seen.signatures_of(&secret), 1);
    assert_eq!(seen.signatures_of(&Secret::generate().unwrap()), 0);
    let age = clock::now().micros() / 1_000_000 - seen.header("webhook-timestamp").parse::<i64>().unwrap();
    assert!((0..=30).contains(&age), "{age}");
    assert_eq!(bench.health(&endpoint).state, EndpointState::Healthy);
    let delivery = bench.delivery(&endpoint, "acme.credits.60%.1");
    assert!(matches!(delivery, Some(Delivery::Delivered { tries: 1, status: 204, .. })), "{delivery:?}");
}

#[tokio::test]
async fn what_fails_is_tried_again_in_order_until_it_arrives() {
    let receiver = Receiver::start(|nth, _| match nth {
        0..3 => Answer::With(500, "x-why", "none".to_owned()),
        _ => Answer::Status(200),
    })
    .await;
    let bench = Bench::open(Options { first_pause: Duration::from_millis(150), ..quick() });
    let endpoint = endpoint("a", &receiver.url);
    for id in ["one", "two"] {
        bench.hand_over(&endpoint, id).await;
    }
    assert_eq!(bench.reason(&endpoint).await, "it answered 500 Internal Server Error: said so");
    let health = bench.health(&endpoint);
    assert!(matches!(health.state, EndpointState::FailingSince(_)), "{health:?}");
    assert!(health.state.to_string().starts_with("failing since 20"), "{}", health.state);
    assert!(health.consecutive_failures >= 1 && health.queued == 2, "{health:?}");
    assert_eq!(bench.webhooks.counts().failing, 1);
    let Some(Delivery::Waiting { tries, attempts }) = bench.delivery(&endpoint, "one") else {
        panic!("it waits no more")
    };
    assert_eq!(attempts.len(), usize::try_from(tries).unwrap());
    assert!(matches!(&attempts[0].outcome, Outcome::Failed { status: Some(500), .. }), "{attempts:?}");

    until("both", || bench.health(&endpoint).delivered == 2).await;
    assert_eq!(receiver.ids(), ["one", "one", "one", "one", "two"]);
    let health = bench.health(&endpoint);
    assert_eq!((health.state, health.consecutive_failures, health.queued), (EndpointState::Healthy, 0, 0));
    assert!(matches!(bench.delivery(&endpoint, "one"), Some(Delivery::Delivered { tries: 4, .. })));
    assert_eq!(bench.webhooks.counts().attempts, 5);
}

#[tokio::test]
async fn one_that_hangs_is_left_after_the_limit() {
    let receiver = Receiver::start(|nth, _| if nth == 0 { Answer::Hang } else { Answer::Status(200) }).await;
    let bench = Bench::open(Options { attempt_limit: Duration::from_millis(200), ..quick() });
    let endpoint = endpoint("a", &receiver.url);
    bench.hand_over(&endpoint, "one").await;
    assert_eq!(bench.reason(&endpoint).await, "no answer within 200ms");
    until("the message", || bench.health(&endpoint).delivered == 1).await;
    assert_eq!(receiver.ids(), ["one", "one"]);
}

#[tokio::test]
async fn an_answer_that_trickles_is_left_after_the_limit() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 1_024];
        assert!(stream.read(&mut request).await.unwrap() > 0);
        for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" {
            tokio::time::sleep(Duration::from_millis(50)).await;
            // Once it was left, nobody reads.
            if stream.write_all(&[*byte]).await.is_err() {
                break;
            }
        }
    });
    let bench = Bench::open(Options { attempt_limit: Duration::from_millis(300), ..quick() });
    let endpoint = endpoint("a", &url);
    bench.hand_over(&endpoint, "one").await;
    assert_eq!(bench.reason(&endpoint).await, "no answer within 300ms");
    assert_eq!(bench.health(&endpoint).delivered, 0);
}

#[tokio::test]
async fn of_an_endless_answer_a_little_is_read_and_the_status_counts() {
    let watch = Stopwatch::start();
    // Four kilobytes are there after one piece, or never within the limit.
    for (bytes, limit) in [(8_192, Duration::from_secs(20)), (1, Duration::from_millis(200))] {
        let receiver = Receiver::start(move |_, _| Answer::Endless(500, bytes)).await;
        let bench = Bench::open(Options { attempt_limit: limit, ..quick() });
        let endpoint = endpoint("a", &receiver.url);
        bench.hand_over(&endpoint, "one").await;
        let reason = bench.reason(&endpoint).await;
        assert!(reason.starts_with("it answered 500 Internal Server Error: x"), "{reason}");
        assert!(reason.len() < 300, "{reason}");
    }
    // A message that was taken is taken, whatever its answer goes on to say.
    let receiver = Receiver::start(|_, _| Answer::Endless(200, 1)).await;
    let bench = Bench::open(quick());
    let endpoint = endpoint("a", &receiver.url);
    bench.hand_over(&endpoint, "one").await;
    until("the message", || bench.health(&endpoint).delivered == 1).await;
    assert!(watch.elapsed() < Duration::from_secs(15), "an answer was read to its end, or to the limit");
}

#[tokio::test]
async fn a_redirect_is_a_failure_and_is_not_followed() {
    let elsewhere = Receiver::willing().await;
    let target = format!("{}/there", elsewhere.url);
    let to = target.clone();
    let receiver = Receiver::start(move |nth, _| match nth {
        0..2 => Answer::With(if nth == 0 { 302 } else { 308 }, "location", to.clone()),
        _ => Answer::Status(200),
    })
    .await;
    let bench = Bench::open(quick());
    let endpoint = endpoint("a", &receiver.url);
    bench.hand_over(&endpoint, "one").await;
    let reason = bench.reason(&endpoint).await;
    assert!(reason.contains("redirects are not followed") && reason.contains(&target), "{reason}");
    until("the message", || bench.health(&endpoint).delivered == 1).await;
    assert_eq!((receiver.count(), elsewhere.count()), (3, 0));
}

#[tokio::test]
async fn one_that_is_gone_is_left_alone_until_it_is_enabled() {
    let receiver =
        Receiver::start(|nth, _| if nth == 0 { Answer::Status(410) } else { Answer::Status(200) }).await;
    let bench = Bench::open(quick());
    let endpoint = endpoint("a", &receiver.url);
    bench.hand_over(&endpoint, "one").await;
    until("the end", || matches!(bench.health(&endpoint).state, EndpointState::Gone { .. })).await;
    bench.hand_over(&endpoint, "two").await;
    // Several pauses long nothing comes.
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(receiver.ids(), ["one"]);
    let health = bench.health(&endpoint);
    assert_eq!((health.queued, health.next_attempt), (2, None));
    assert!(health.state.to_string().ends_with("it answered 410 Gone"), "{}", health.state);
    assert_eq!(bench.webhooks.counts().disabled, 1);

    bench.webhooks.enable(&endpoint.key).await.unwrap();
    until("both", || bench.health(&endpoint).delivered == 2).await;
    assert_eq!(receiver.ids(), ["one", "one", "two"]);
}

#[tokio::test]
async fn a_pause_that_is_asked_for_is_kept_within_bounds() {
    for (status, header, longest, at_least) in [
        (429, "1", 5_000, 1_000),
        (503, "1", 5_000, 1_000),
        (429, "86400", 400, 400),
        (500, "86400", 5_000, 0),
    ] {
        let receiver = Receiver::start(move |nth, _| match nth {
            0 => Answer::With(status, "retry-after", header.to_owned()),
            _ => Answer::Status(200),
        })
        .await;
        let bench = Bench::open(Options { longest_retry_after: Duration::from_millis(longest), ..quick() });
        let endpoint = endpoint("a", &receiver.url);
        let watch = Stopwatch::start();
        bench.hand_over(&endpoint, "one").await;
        until("the message", || bench.health(&endpoint).delivered == 1).await;
        let took = watch.elapsed();
        assert!(took >= Duration::from_millis(at_least), "{status} {header}: after {took:?}");
        assert!(took < Duration::from_secs(20), "{status} {header}: after {took:?}");
    }
}

#[tokio::test]
async fn while_a_secret_is_replaced_both_sign() {
    let receiver = Receiver::start(|nth, _| Answer::Status(if nth == 0 { 500 } else { 200 })).await;
    let bench = Bench::open(Options { first_pause: Duration::from_millis(400), ..quick() });
    let (old, new) = (Secret::generate().unwrap(), Secret::generate().unwrap());
    let mut endpoint = endpoint("a", &receiver.url);
    endpoint.secrets = Secrets::new(old.clone());
    bench.hand_over(&endpoint, "one").await;
    until("a failure", || bench.health(&endpoint).consecutive_failures == 1).await;
    // What waits already is signed with both from now on.
    endpoint.secrets = endpoint.secrets.rotated(new.clone());
    bench.webhooks.put(&endpoint).await.unwrap();
    until("the message", || bench.health(&endpoint).delivered == 1).await;
    endpoint.secrets = endpoint.secrets.settled();
    bench.hand_over(&endpoint, "two").await;
    until("the second", || receiver.count() == 3).await;
    let signed: Vec<(usize, usize)> =
        receiver.seen().iter().map(|seen| (seen.signatures_of(&old), seen.signatures_of(&new))).collect();
    assert_eq!(signed, [(1, 0), (1, 1), (0, 1)]);
}
