//! Addresses that are not reached, and endpoints that cannot be.

use std::time::Duration;

use creditd::notify::webhooks::{EndpointUrl, Options, Outcome};
use tokio::net::TcpListener;

use crate::receiver::Receiver;
use crate::{Bench, endpoint, quick};

fn guarded() -> Options {
    Options { allowed_networks: Vec::new(), ..quick() }
}

#[tokio::test]
async fn private_addresses_are_refused_by_number_and_by_name() {
    let receiver = Receiver::willing().await;
    let port = receiver.url.rsplit(':').next().unwrap().to_owned();
    let bench = Bench::open(guarded());
    let hosts =
        ["127.0.0.1", "2130706433", "0x7f000001", "localhost", "LOCALHOST", "[::ffff:127.0.0.1]", "0.0.0.0"];
    for (nth, host) in hosts.into_iter().enumerate() {
        let endpoint = endpoint(&nth.to_string(), &format!("http://{host}:{port}/"));
        bench.hand_over(&endpoint, "one").await;
        let reason = bench.reason(&endpoint).await;
        assert!(reason.contains("which is not reached"), "{host}: {reason}");
    }
    assert_eq!(receiver.count(), 0);
    let literal = EndpointUrl::parse("http://169.254.169.254/latest").unwrap();
    assert!(bench.webhooks.check(&literal).is_err());
    assert!(bench.webhooks.check(&EndpointUrl::parse("https://example.com/").unwrap()).is_ok());
}

/// The same addresses are reached once they are allowed: it was the guard that refused them.
#[tokio::test]
async fn allowed_addresses_are_reached_by_number_and_by_name() {
    let receiver = Receiver::willing().await;
    let port = receiver.url.rsplit(':').next().unwrap().to_owned();
    let bench = Bench::open(quick());
    for (nth, host) in ["127.0.0.1", "localhost"].into_iter().enumerate() {
        let endpoint = endpoint(&nth.to_string(), &format!("http://{host}:{port}/"));
        let attempt = bench.webhooks.test(&endpoint).await.unwrap();
        assert_eq!(attempt.outcome, Outcome::Delivered { status: 204 }, "{host}");
    }
    assert_eq!(receiver.count(), 2);
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_reached_says_why() {
    let bench = Bench::open(Options { attempt_limit: Duration::from_secs(10), ..quick() });
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let plain = Receiver::willing().await;
    for (nth, (url, says)) in [
        (format!("http://{closed}/"), "it cannot be connected to"),
        (plain.url.replace("http:", "https:"), "it cannot be connected to"),
        ("http://no-such-host.invalid/".to_owned(), "no-such-host.invalid has no address"),
    ]
    .into_iter()
    .enumerate()
    {
        let endpoint = endpoint(&nth.to_string(), &url);
        let attempt = bench.webhooks.test(&endpoint).await.unwrap();
        let Outcome::Failed { status: None, reason } = attempt.outcome else {
            panic!("{url} answered: {attempt:?}")
        };
        assert!(reason.contains(says), "{url}: {reason}");
    }
    assert_eq!(plain.count(), 0);
}
