//! What was answered stays.

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use creditd::http::Options;
use reqwest::Client;
use serde_json::json;

use crate::running::Running;
use crate::{Daemon, email, folder};

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_and_a_start_keep_balances_and_the_memory_of_ids() {
    let daemon = Daemon::with_acme().await;
    daemon.post("/v1/events", json!([email("acme", 1), email("acme", 2)])).await;
    let before = daemon.balance("acme").await;
    let Daemon { running, folder, .. } = daemon;
    running.stop().await;
    let running = Running::start(folder.path(), Options::default()).await;
    let daemon = Daemon { running, client: Client::new(), folder };
    let after = daemon.balance("acme").await;
    assert_eq!((&before["seq"], &before["balances"]), (&after["seq"], &after["balances"]));
    let answer = daemon.post("/v1/events", json!([email("acme", 2), email("acme", 3)])).await;
    assert_eq!(answer.statuses(), ["duplicate", "accepted"]);
    assert_eq!(daemon.available("acme").await, "997");
    daemon.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_keeps_everything_that_was_answered() {
    let daemon = Daemon::with_acme().await;
    daemon.post("/v1/events", json!([email("acme", 1), email("acme", 2)])).await;
    let before = daemon.balance("acme").await;
    // The files as a crash at this instant leaves them: no checkpoint was taken.
    let folder = tempfile::tempdir().unwrap();
    folder::copy(daemon.folder.path(), folder.path());
    daemon.running.stop().await;
    let running = Running::start(folder.path(), Options::default()).await;
    let daemon = Daemon { running, client: Client::new(), folder };
    assert_eq!(daemon.balance("acme").await["balances"], before["balances"]);
    assert_eq!(daemon.post("/v1/events", email("acme", 2)).await.statuses(), ["duplicate"]);
    daemon.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_never_ends_does_not_hold_up_the_stop() {
    let options = Options { drain_within: Duration::from_millis(200), ..Options::default() };
    let daemon = Daemon::with(options).await;
    let mut stream = TcpStream::connect(daemon.running.url.strip_prefix("http://").unwrap()).unwrap();
    stream.write_all(b"POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{").unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    tokio::time::timeout(Duration::from_secs(5), daemon.running.stop()).await.unwrap();
}
