//! Messages of telephony systems: heard where they are published, or read from the stream that keeps them; translated, and appended
//! to the log as events.
//!
//! What is heard while nobody listens is missed. A stream misses nothing: a message of it is done once its event is in the
//! log, and comes again until then. A message that comes twice is one event, as its ids are made from what it says.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, pull};
use async_nats::jetstream::{self, AckKind};
use async_nats::{Client, HeaderMap};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::join_all;
use tokio::sync::watch;

use crate::book::desk::{Desk, SubmitError, Wait};
use crate::clock;
use crate::ledger::units::Timestamp;
use crate::wire::Subject;
use crate::wire::adapter::{Adapters, Message, Normalised, Translation};

/// Daemons that hear the same subject share its messages.
const QUEUE: &str = "creditd-adapters";
/// The most messages of a subject that are on their way to the log at once.
const MOST_AT_ONCE: usize = 256;
/// How long to wait before something is tried again.
const RETRY: Duration = Duration::from_millis(500);
/// How long to wait before a place that cannot be heard or read is tried again.
const LATER: Duration = Duration::from_secs(5);
/// How long a message of a stream may take before it is delivered anew.
const ACK_WAIT: Duration = Duration::from_secs(10);

/// Takes what the adapters' systems publish until told to stop.
pub async fn adapt(client: Client, desk: Arc<Desk>, adapters: Arc<Adapters>, stop: watch::Receiver<bool>) {
    let places: BTreeSet<(Option<String>, String)> = adapters
        .iter()
        .filter_map(|adapter| Some((adapter.stream.clone(), adapter.subject.as_ref()?.to_string())))
        .collect();
    let inlets = places.into_iter().map(|(stream, subject)| {
        let inlet = Inlet {
            client: client.clone(),
            desk: Arc::clone(&desk),
            adapters: Arc::clone(&adapters),
            subject,
            stop: stop.clone(),
        };
        tokio::spawn(async move {
            match stream {
                Some(stream) => inlet.read(&stream).await,
                None => inlet.hear().await,
            }
        })
    });
    for ended in join_all(inlets).await {
        if let Err(error) = ended {
            tracing::error!(%error, "messages of a subject are no longer translated");
        }
    }
}

/// A subject whose messages are taken.
struct Inlet {
    client: Client,
    desk: Arc<Desk>,
    adapters: Arc<Adapters>,
    subject: String,
    stop: watch::Receiver<bool>,
}

impl Inlet {
    /// Hears the subject.
    async fn hear(&self) {
        while !*self.stop.borrow() {
            let heard = match self.client.queue_subscribe(self.subject.clone(), QUEUE.to_owned()).await {
                Ok(heard) => heard,
                Err(error) => {
                    tracing::warn!(%error, subject = self.subject, "cannot be subscribed to; trying again");
                    self.pause(LATER).await;
                    continue;
                }
            };
            tracing::info!(subject = self.subject, "messages are heard and translated");
            let until_stopped = heard.take_until(self.stopped());
            until_stopped
                .for_each_concurrent(MOST_AT_ONCE, |message| async move {
                    let at = clock::now();
                    let headers = listed(message.headers.as_ref());
                    // Nobody would send it again.
                    while let Err(error) = self.take(&message.subject, &headers, &message.payload, at, None).await {
                        tracing::debug!(%error, "an event waits to be appended");
                        if *self.stop.borrow() {
                            tracing::warn!(subject = %message.subject, "stopped before a message was appended; it is lost");
                            return;
                        }
                        self.pause(RETRY).await;
                    }
                })
                .await;
        }
    }

    /// Reads the messages of the subject from a stream, by a consumer that remembers which are done.
    async fn read(&self, stream: &str) {
        while !*self.stop.borrow() {
            let messages = match self.consume(stream).await {
                Ok(messages) => messages,
                Err(error) => {
                    tracing::warn!(error, stream, subject = self.subject, "cannot be read; trying again");
                    self.pause(LATER).await;
                    continue;
                }
            };
            tracing::info!(stream, subject = self.subject, "messages are read and translated");
            messages
                .take_until(self.stopped())
                .for_each_concurrent(MOST_AT_ONCE, |message| async move {
                    match message {
                        Ok(message) => self.take_stored(message).await,
                        Err(error) => tracing::debug!(%error, "reading goes on"),
                    }
                })
                .await;
        }
    }

    async fn consume(&self, stream: &str) -> Result<pull::Stream, String> {
        let context = jetstream::new(self.client.clone());
        let stream = context.get_stream(stream).await.map_err(|error| error.to_string())?;
        let name = consumer_name(&self.subject);
        let config = pull::Config {
            durable_name: Some(name.clone()),
            filter_subject: self.subject.clone(),
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            ..pull::Config::default()
        };
        let consumer =
            stream.get_or_create_consumer(&name, config).await.map_err(|error| error.to_string())?;
        consumer.messages().await.map_err(|error| error.to_string())
    }

    async fn take_stored(&self, message: jetstream::Message) {
        let (at, seq) = match message.info() {
            Ok(info) => {
                let micros = info.published.unix_timestamp_nanos().div_euclid(1_000);
                (Timestamp::from_micros(i64::try_from(micros).unwrap_or_default()), info.stream_sequence)
            }
            Err(error) => {
                return tracing::warn!(%error, "a message of a stream has no number; it is passed over");
            }
        };
        let headers = listed(message.headers.as_ref());
        let taken = self.take(&message.subject, &headers, &message.payload, at, Some(seq)).await;
        let answer = match &taken {
            Ok(()) => AckKind::Ack,
            Err(error) => {
                tracing::debug!(%error, seq, "a message is not appended; it comes again");
                AckKind::Nak(Some(RETRY))
            }
        };
        if let Err(error) = message.ack_with(answer).await {
            tracing::debug!(%error, seq, "a message is not confirmed; it comes again, as the same event");
        }
    }

    /// Appends what a message becomes, or lets it leave as refused.
    async fn take(
        &self,
        subject: &str,
        headers: &[(String, String)],
        body: &Bytes,
        at: Timestamp,
        seq: Option<u64>,
    ) -> Result<(), SubmitError> {
        let message = Message { subject: Some(subject), headers, at, seq, body };
        match self.adapters.translate(&message) {
            Ok(Translation::Event(event)) => self.append(&event).await,
            Ok(Translation::Ignored { adapter, why }) => {
                tracing::trace!(adapter, why, "a message is ignored");
                Ok(())
            }
            // A copy of it has to leave, sooner or later.
            Err(_) if self.desk.outbox.is_full() => Err(SubmitError::Busy),
            Err(rejection) => {
                self.desk.refuse(Some(subject), &String::from_utf8_lossy(body), &rejection, clock::now());
                Ok(())
            }
        }
    }

    async fn append(&self, event: &Normalised) -> Result<(), SubmitError> {
        let id = Box::new(vec![("nats-msg-id".to_owned(), event.message_id.clone())]);
        let payload = Bytes::from(event.json());
        self.desk.submit(Subject::Events(&event.org), Some(id), payload, Wait::Durable).await.map(|_| ())
    }

    async fn stopped(&self) {
        // Whoever could say stop being gone means stop, too.
        drop(self.stop.clone().wait_for(|stop| *stop).await);
    }

    async fn pause(&self, length: Duration) {
        tokio::select! {
            () = self.stopped() => {}
            () = tokio::time::sleep(length) => {}
        }
    }
}

/// The name of the consumer of a subject, of characters that a name may have; no two subjects have the same. What stands for
/// something else is told as `=` and its number: `fs-1.*` is read by `creditd-fs=2D1-any`.
fn consumer_name(subject: &str) -> String {
    let told = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let token = |token: &str| match token {
        "*" => "any".to_owned(),
        ">" => "all".to_owned(),
        // These are taken.
        "any" => "=61ny".to_owned(),
        "all" => "=61ll".to_owned(),
        token => token
            .chars()
            .map(|c| if told(c) { c.to_string() } else { format!("={:02X}", u32::from(c)) })
            .collect(),
    };
    format!("creditd-{}", subject.split('.').map(token).collect::<Vec<_>>().join("-"))
}

/// Headers as adapters look them up.
fn listed(headers: Option<&HeaderMap>) -> Vec<(String, String)> {
    let each = headers.into_iter().flat_map(|headers| headers.iter());
    each.flat_map(|(name, values)| {
        values.iter().map(move |value| (name.to_string(), value.as_str().to_owned()))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::consumer_name;

    #[test]
    fn consumers_are_named_after_their_subjects() {
        assert_eq!(consumer_name("jambonz.call.*"), "creditd-jambonz-call-any");
        assert_eq!(consumer_name("pbx_1.>"), "creditd-pbx_1-all");
        assert_eq!(consumer_name("fs-1.any"), "creditd-fs=2D1-=61ny");
    }

    #[test]
    fn no_two_subjects_have_the_same_consumer() {
        let tokens = [
            "*", ">", "any", "all", "fs", "FS", "1", "fs-1", "fs_1", "fs=2D1", "fs=1", "fs/1", "fs\\1",
            "=61ny", "-", "_",
        ];
        let more = tokens.iter().flat_map(|first| tokens.map(|second| format!("{first}.{second}")));
        let mut names = BTreeMap::new();
        for subject in tokens.map(str::to_owned).into_iter().chain(more) {
            let name = consumer_name(&subject);
            assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || "_-=".contains(c)), "{name}");
            if let Some(other) = names.insert(name, subject.clone()) {
                panic!("{other} and {subject} have one consumer");
            }
        }
    }
}
