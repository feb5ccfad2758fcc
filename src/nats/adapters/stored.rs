//! Messages of a stream, by a consumer that remembers which are done.
//!
//! A message is confirmed once what was made of it is safe: its event is in the log, or the copy of its refusal in the stream of
//! refusals. Until then it comes again, and becomes the same event, or the same copy.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, pull};
use async_nats::jetstream::{self, AckKind};
use futures_util::StreamExt;

use super::{Inlet, LATER, MOST_AT_ONCE, RETRY, listed};
use crate::book::desk::SubmitError;
use crate::clock;
use crate::ledger::rejection::Rejection;
use crate::ledger::units::Timestamp;
use crate::wire::adapter::Message;

/// How long a message of a stream may take before it is delivered anew.
const ACK_WAIT: Duration = Duration::from_secs(10);
/// How long the copy of a refusal may take to leave before its message is given back.
const LEAVES_WITHIN: Duration = Duration::from_secs(5);

impl Inlet {
    /// Reads the messages of the subject from a stream until told to stop.
    pub(super) async fn read(&self, stream: &str) {
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
        let (at, seq, copy) = match message.info() {
            Ok(info) => {
                let micros = info.published.unix_timestamp_nanos().div_euclid(1_000);
                let at = Timestamp::from_micros(i64::try_from(micros).unwrap_or_default());
                // A stream that was made anew counts from 1 again.
                (
                    at,
                    info.stream_sequence,
                    format!("rejected.{}.{}.{micros}", info.stream, info.stream_sequence),
                )
            }
            Err(error) => {
                return tracing::warn!(%error, "a message of a stream has no number; it is passed over");
            }
        };
        let headers = listed(message.headers.as_ref());
        let told = Message {
            subject: Some(&message.subject),
            headers: &headers,
            at,
            seq: Some(seq),
            body: &message.payload,
        };
        let taken = match self.take(&told).await {
            Ok(None) => Ok(()),
            Ok(Some(rejection)) => self.refuse_stored(&told, &copy, &rejection).await,
            Err(error) => Err(error.into()),
        };
        let answer = match &taken {
            Ok(()) => AckKind::Ack,
            Err(error) => {
                tracing::debug!(%error, seq, "a message is not done; it comes again");
                AckKind::Nak(Some(RETRY))
            }
        };
        if let Err(error) = message.ack_with(answer).await {
            tracing::debug!(%error, seq, "a message is not confirmed; it comes again, as the same event");
        }
    }

    /// Lets the copy of a refusal leave, and waits until it has.
    async fn refuse_stored(
        &self,
        message: &Message<'_>,
        copy: &str,
        rejection: &Rejection,
    ) -> Result<(), NotDone> {
        let (subject, item) = (message.subject.unwrap_or_default(), String::from_utf8_lossy(message.body));
        let left = self.desk.refuse_delivered(copy, subject, &item, rejection, clock::now());
        tokio::select! {
            left = tokio::time::timeout(LEAVES_WITHIN, left) => left.map_err(|_| NotDone::Waits),
            () = self.stopped() => Err(NotDone::Waits),
        }
    }
}

/// Why a message is not done.
#[derive(Debug, thiserror::Error)]
enum NotDone {
    /// Its event is not in the log.
    #[error(transparent)]
    NotAppended(#[from] SubmitError),
    /// The copy of its refusal has not left.
    #[error("the copy of its refusal waits to leave")]
    Waits,
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
