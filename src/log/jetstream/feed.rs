//! One consumer, asked for messages in bulk and watched for gaps.
//!
//! The requests are raw pulls: fewest instructions per message of all ways to read a stream. A request names how
//! many messages it wants; the next one is sent when half of them came, so that the server never waits for us.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_nats::{Message, StatusCode, Subject, Subscriber};
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};

use super::delivery::Delivery;
use super::{Link, headers, lineage};
use crate::log::{Draft, Fingerprint, LogError, Record};

/// Messages asked for at a time while there is much to catch up with.
const CATCH_UP: u64 = 10_000;
/// Messages asked for at a time otherwise: a shorter queue keeps other requests to the server fast.
const LIVE: u64 = 1_000;
/// The most bytes that one request may bring.
const REQUEST_BYTES: usize = 32 << 20;
/// How long a request waits at the server.
const EXPIRES: Duration = Duration::from_secs(30);
/// How often the server tells that it is alive when it has nothing to deliver.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// After this long without a word the feed is taken for dead.
pub(super) const SILENCE: Duration = Duration::from_secs(12);

/// An open consumer.
pub(super) struct Feed {
    link: Arc<Link>,
    inbox: Subscriber,
    reply: Subject,
    next: Subject,
    /// How often the client had connected when the feed was opened.
    connects: u64,
    created_ns: i128,
    /// The sequence numbers that the next message must have, in the stream and in the consumer.
    stream_seq: u64,
    consumer_seq: u64,
    /// What the consumer has still to deliver, as of the last message.
    pending: u64,
    /// Messages asked for that did not come yet.
    outstanding: u64,
}

/// Why a feed brings no more.
pub(super) enum Broken {
    /// The consumer must be opened anew at the position reached.
    Reopen(String),
    /// The log itself is not what it was.
    Log(LogError),
}

impl Feed {
    /// Makes a consumer right after `position` and recognises the log.
    ///
    /// # Errors
    /// [`LogError::Lineage`] when the log is another or records are gone; [`LogError::Nats`] otherwise.
    pub(super) async fn open(link: Arc<Link>, position: Fingerprint) -> Result<Feed, LogError> {
        let connects = link.client.statistics().connects.load(Ordering::Relaxed);
        let reply = link.client.new_inbox();
        let inbox = link
            .client
            .subscribe(reply.clone())
            .await
            .map_err(|error| LogError::Nats(format!("cannot subscribe to {reply}: {error}")))?;
        let consumer = match link.api.create_consumer(position.seq.saturating_add(1)).await {
            Err(error) if error.is_stream_missing() => return Err(lineage::missing(link.api.stream())),
            other => other?,
        };
        let created_ns = lineage::recognise(&link, &position).await?;
        // The server moves a start that is too low up to its first record and says so here only.
        let start = consumer.delivered.stream_sequence;
        if start > position.seq {
            if position.seq == 0 {
                tracing::warn!(
                    first = start + 1,
                    "the log's first records are gone; reading starts after them"
                );
            } else {
                lineage::pass_over(&link, position.seq + 1, start + 1)?;
            }
        }
        Ok(Feed {
            next: Subject::from(link.api.next_subject(&consumer.name)),
            reply: Subject::from(reply),
            link,
            inbox,
            connects,
            created_ns,
            stream_seq: start.saturating_add(1),
            consumer_seq: 1,
            pending: consumer.num_pending,
            outstanding: 0,
        })
    }

    /// When the stream was created, in nanoseconds since the epoch.
    pub(super) fn created_ns(&self) -> i128 {
        self.created_ns
    }

    /// Whether the connection was lost since the feed was opened: the consumer may be gone, and the log another.
    pub(super) fn is_stale(&self) -> bool {
        self.link.client.statistics().connects.load(Ordering::Relaxed) != self.connects
    }

    /// Sees to it that enough messages are asked for. Cancel safe.
    pub(super) async fn ask(&mut self) -> Result<(), Broken> {
        let batch = if self.pending > LIVE { CATCH_UP } else { LIVE };
        if self.outstanding > batch / 2 {
            return Ok(());
        }
        // The largest message must fit, or it would never come.
        let bytes = REQUEST_BYTES.max(self.link.client.max_payload().saturating_mul(2));
        let request = format!(
            r#"{{"batch":{batch},"max_bytes":{bytes},"expires":{},"idle_heartbeat":{}}}"#,
            EXPIRES.as_nanos(),
            HEARTBEAT.as_nanos()
        );
        self.link
            .client
            .publish_with_reply(self.next.clone(), self.reply.clone(), Bytes::from(request))
            .await
            .map_err(|error| Broken::Reopen(format!("cannot ask for messages: {error}")))?;
        self.outstanding += batch;
        Ok(())
    }

    /// Waits for a message. Cancel safe; `None` when the connection was closed for good.
    pub(super) async fn wait(&mut self) -> Option<Message> {
        self.inbox.next().await
    }

    /// A message that is there already.
    pub(super) fn ready(&mut self) -> Option<Message> {
        // Unconstrained: the runtime's budget would end the batch after 128 messages.
        tokio::task::unconstrained(self.inbox.next()).now_or_never().flatten()
    }

    /// Makes a record of a message; `None` when it is only a word from the server.
    ///
    /// # Errors
    /// [`Broken`] when a message is missing before this one; the message is not taken then.
    pub(super) fn take(&mut self, message: Message) -> Result<Option<Record>, Broken> {
        if let Some(status) = message.status {
            return self.heed(status, &message).map(|()| None);
        }
        let reply = message.reply.as_deref().unwrap_or_default();
        let Some(delivery) = Delivery::parse(reply) else {
            return Err(Broken::Reopen(format!(
                "a message came without its position (reply subject {reply:?})"
            )));
        };
        if delivery.consumer_seq != self.consumer_seq {
            return Err(Broken::Reopen(format!(
                "deliveries were lost on the way: expected the consumer's {}, got {}",
                self.consumer_seq, delivery.consumer_seq
            )));
        }
        self.consumer_seq += 1;
        self.outstanding = self.outstanding.saturating_sub(1);
        self.pending = delivery.pending;
        if delivery.stream_seq < self.stream_seq {
            return Ok(None);
        }
        if delivery.stream_seq > self.stream_seq {
            lineage::pass_over(&self.link, self.stream_seq, delivery.stream_seq).map_err(Broken::Log)?;
        }
        self.stream_seq = delivery.stream_seq.saturating_add(1);
        Ok(Some(record(delivery, message)))
    }

    /// Heeds a status message: a heartbeat, a request that ended, or the consumer's end.
    fn heed(&mut self, status: StatusCode, message: &Message) -> Result<(), Broken> {
        let text = message.description.as_deref().unwrap_or_default();
        let headers = message.headers.as_ref();
        let unmet = || headers?.get("Nats-Pending-Messages")?.as_str().parse::<u64>().ok();
        match (status, unmet()) {
            (StatusCode::IDLE_HEARTBEAT, _) => Ok(()),
            (StatusCode::REQUEST_TERMINATED, _) if text == "Batch Completed" => Ok(()),
            // What a request has not brought, when its time or its bytes are used up, is asked for again.
            (StatusCode::TIMEOUT, Some(unmet)) => self.ask_again_for(unmet),
            (StatusCode::REQUEST_TERMINATED, Some(unmet)) if text.contains("MaxBytes") => {
                self.ask_again_for(unmet)
            }
            (StatusCode::NO_RESPONDERS, _) => Err(Broken::Reopen("the consumer is gone".to_owned())),
            (other, _) => Err(Broken::Reopen(format!("the server ended the consumer: {other} {text}"))),
        }
    }

    fn ask_again_for(&mut self, unmet: u64) -> Result<(), Broken> {
        self.outstanding = self.outstanding.saturating_sub(unmet);
        Ok(())
    }
}

fn record(delivery: Delivery, message: Message) -> Record {
    let (request, headers) = message.headers.as_ref().map_or((0, None), headers::decode);
    let draft =
        Draft { subject: message.subject.as_str().to_owned(), headers, request, payload: message.payload };
    Record { seq: delivery.stream_seq, at: delivery.at, draft }
}
