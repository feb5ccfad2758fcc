//! Messages of telephony systems: heard where they are published, or read from the stream that keeps them; translated, and appended
//! to the log as events.
//!
//! What is heard while nobody listens is missed. A stream misses nothing: a message of it comes again until it is done. A message
//! that comes twice is one event, as its ids are made from what it says.

mod heard;
mod stored;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_nats::{Client, HeaderMap};
use bytes::Bytes;
use futures_util::future::join_all;
use tokio::sync::watch;

use crate::book::desk::{Desk, SubmitError, Wait};
use crate::ledger::rejection::Rejection;
use crate::wire::Subject;
use crate::wire::adapter::{Adapters, Message, Normalised, Translation};

/// The most messages of a subject that are on their way to the log at once.
const MOST_AT_ONCE: usize = 256;
/// How long to wait before something is tried again.
const RETRY: Duration = Duration::from_millis(500);
/// How long to wait before a place that cannot be heard or read is tried again.
const LATER: Duration = Duration::from_secs(5);

/// Takes what the adapters' systems publish until told to stop; `log` is the stream it goes to.
pub async fn adapt(
    client: Client,
    log: String,
    desk: Arc<Desk>,
    adapters: Arc<Adapters>,
    stop: watch::Receiver<bool>,
) {
    let places: BTreeSet<(Option<String>, String)> = adapters
        .iter()
        .filter_map(|adapter| Some((adapter.stream.clone(), adapter.subject.as_ref()?.to_string())))
        .collect();
    let inlets = places.into_iter().map(|(stream, subject)| {
        let inlet = Inlet {
            client: client.clone(),
            log: log.clone(),
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
    /// The stream that is the log.
    log: String,
    desk: Arc<Desk>,
    adapters: Arc<Adapters>,
    subject: String,
    stop: watch::Receiver<bool>,
}

impl Inlet {
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
