//! Connecting: what is made, what is taken as it is, and what is refused by name.

use async_nats::jetstream::stream::{self, DiscardPolicy, RetentionPolicy, StorageType};
use creditd::log::LogError;
use creditd::log::jetstream::{Access, Credentials, JetStreamLog, Options};

use crate::nats::NatsServer;
use crate::{connect, loose_config, operator, options};

/// What a connection is refused with.
async fn refusal(options: Options) -> String {
    match JetStreamLog::connect(options).await {
        Err(LogError::Nats(why)) => why,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was accepted"),
    }
}

#[tokio::test]
async fn a_missing_stream_is_made_with_sane_limits_once() {
    let server = NatsServer::start();
    connect(&server).await;
    connect(&server).await;
    let info = operator(&server).await.get_stream("CREDITS").await.unwrap().get_info().await.unwrap();
    let made = info.config;
    assert_eq!(made.subjects, ["credits.events.*", "credits.commands.*"]);
    assert_eq!((made.storage, made.retention), (StorageType::File, RetentionPolicy::Limits));
    assert_eq!((made.discard, made.deny_delete, made.deny_purge), (DiscardPolicy::New, true, true));
    assert_eq!((made.max_bytes, made.max_age.as_secs()), (8 << 30, 7 * 24 * 3_600));
    assert_eq!(made.duplicate_window.as_secs(), 120);
}

#[tokio::test]
async fn a_missing_stream_of_the_operators_is_named() {
    let server = NatsServer::start();
    let why = refusal(Options { manage: false, ..options(&server) }).await;
    assert!(why.contains("\"CREDITS\" does not exist") && why.contains("credits.events.*"), "{why}");
}

#[tokio::test]
async fn an_operators_stream_is_taken_as_it_is() {
    let server = NatsServer::start();
    let jetstream = operator(&server).await;
    let before = jetstream.create_stream(loose_config()).await.unwrap().get_info().await.unwrap().config;
    JetStreamLog::connect(Options { manage: false, ..options(&server) }).await.unwrap();
    let after = jetstream.get_stream("CREDITS").await.unwrap().get_info().await.unwrap().config;
    assert_eq!(after, before);
}

#[tokio::test]
async fn each_setting_that_would_lose_records_is_named() {
    let server = NatsServer::start();
    let jetstream = operator(&server).await;
    let wrong = [
        (
            stream::Config { subjects: vec!["credits.events.acme".to_owned()], ..loose_config() },
            "does not capture",
        ),
        (stream::Config { retention: RetentionPolicy::WorkQueue, ..loose_config() }, "retention"),
        (stream::Config { retention: RetentionPolicy::Interest, ..loose_config() }, "retention"),
        (stream::Config { max_messages_per_subject: 5, ..loose_config() }, "max_msgs_per_subject 5"),
        (stream::Config { no_ack: true, ..loose_config() }, "no_ack"),
    ];
    for (config, named) in wrong {
        jetstream.create_stream(config).await.unwrap();
        let why = refusal(options(&server)).await;
        assert!(why.contains("cannot be used") && why.contains(named), "{named}: {why}");
        jetstream.delete_stream("CREDITS").await.unwrap();
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_and_a_file_that_is_not_there_are_named() {
    let nowhere = Access { urls: vec!["nats://127.0.0.1:1".to_owned()], ..Access::default() };
    let why = refusal(Options { access: nowhere, ..Options::default() }).await;
    assert!(why.contains("cannot connect to nats://127.0.0.1:1"), "{why}");

    let server = NatsServer::start();
    let mut access = options(&server).access;
    access.credentials = Credentials::File("/nowhere/creditd.creds".into());
    let why = refusal(Options { access, ..Options::default() }).await;
    assert!(why.contains("/nowhere/creditd.creds"), "{why}");
}
