//! Messages of telephony systems: heard where they are published, or read from the stream that keeps them; translated, and appended
//! to the log as events.
//!
//! What is heard while nobody listens is missed. A stream misses nothing: a message of it comes again until it is done. A message
//! that comes twice is one event, as its ids are made from what it says.

mod stored;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_nats::{Client, HeaderMap};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::join_all;
use tokio::sync::watch;

use crate::book::desk::{Desk, SubmitError, Wait};
use crate::clock;
use crate::ledger::rejection::Rejection;
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
            until_stopped.for_each_concurrent(MOST_AT_ONCE, |message| self.take_heard(message)).await;
        }
    }

    /// Takes a message that nobody would send again.
    async fn take_heard(&self, message: async_nats::Message) {
        let headers = listed(message.headers.as_ref());
        let told = Message {
            subject: Some(&message.subject),
            headers: &headers,
            at: clock::now(),
            seq: None,
            body: &message.payload,
        };
        loop {
            match self.take(&told).await {
                Ok(None) => return,
                Ok(Some(rejection)) => {
                    let item = String::from_utf8_lossy(&message.payload);
                    return self.desk.refuse(told.subject, &item, &rejection, clock::now());
                }
                Err(error) => tracing::debug!(%error, "an event waits to be appended"),
            }
            if *self.stop.borrow() {
                return tracing::warn!(subject = %message.subject, "stopped before a message was appended; it is lost");
            }
            self.pause(RETRY).await;
        }
    }

    /// Appends what a message becomes. Answers why it is refused, if it is: a copy of it has to leave then.
    async fn take(&self, message: &Message<'_>) -> Result<Option<Rejection>, SubmitError> {
        match self.adapters.translate(message) {
            Ok(Translation::Event(event)) => self.append(&event).await.map(|()| None),
            Ok(Translation::Ignored { adapter, why }) => {
                tracing::trace!(adapter, why, "a message is ignored");
                Ok(None)
            }
            Err(_) if self.desk.outbox.is_full() => Err(SubmitError::Busy),
            Err(rejection) => Ok(Some(rejection)),
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

/// Headers as adapters look them up.
fn listed(headers: Option<&HeaderMap>) -> Vec<(String, String)> {
    let each = headers.into_iter().flat_map(|headers| headers.iter());
    each.flat_map(|(name, values)| {
        values.iter().map(move |value| (name.to_string(), value.as_str().to_owned()))
    })
    .collect()
}
