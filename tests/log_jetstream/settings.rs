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

#[tokio::test]
async fn credentials_open_what_is_closed_without_them() {
    let password = Credentials::Password { user: "meter".to_owned(), password: "s3cret".to_owned() };
    let token = Credentials::Token("t0ken".to_owned());
    let guarded: [(&[&str], Credentials); 2] =
        [(&["--user", "meter", "--pass", "s3cret"], password), (&["--auth", "t0ken"], token)];
    for (arguments, credentials) in guarded {
        let server = NatsServer::start_with(arguments);
        let why = refusal(options(&server)).await;
        assert!(why.contains("authorization violation"), "{why}");
        let mut options = options(&server);
        options.access.credentials = credentials;
        JetStreamLog::connect(options).await.unwrap();
    }
}

/// Only a server that is too old can show this, and none that old is at hand: one that says so in its greeting.
#[tokio::test]
async fn a_server_that_is_too_old_is_named_with_the_version_needed() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("nats://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let greeting =
            r#"INFO {"server_id":"old","version":"2.10.22","max_payload":1048576,"proto":1,"headers":true}"#;
        socket.write_all(format!("{greeting}\r\n").as_bytes()).await.unwrap();
        let mut heard = [0; 4_096];
        while socket.read(&mut heard).await.unwrap() > 0 {
            socket.write_all(b"PONG\r\n").await.unwrap();
        }
    });
    let access = Access { urls: vec![url], ..Access::default() };
    let why = refusal(Options { access, ..Options::default() }).await;
    assert!(why.contains("\"2.10.22\"") && why.contains("2.10.23"), "{why}");
}
