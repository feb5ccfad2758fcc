//! Alerts and refusals, published to a stream of their own.
//!
//! A message leaves the outbox when the stream has confirmed it. One that is sent again carries the same
//! `Nats-Msg-Id`, which the stream drops inside its duplicate window.

use std::sync::Arc;
use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::context::PublishAckFuture;
use async_nats::jetstream::stream::{Config, DiscardPolicy, StorageType};
use async_nats::jetstream::{self, Context};
use futures_util::future::join_all;
use tokio::sync::watch;

use crate::book::outbox::{Outbox, Outgoing, Way};

/// The stream that takes alerts and refusals.
#[derive(Clone, Debug)]
pub struct OutStream {
    /// Its name.
    pub name: String,
    /// Whether we make it when it is missing. A stream that exists is never changed.
    pub manage: bool,
    /// How many servers keep a copy of a stream that we make.
    pub replicas: usize,
}

/// How long the stream remembers ids: a message that is sent again within it is dropped.
const DUPLICATE_WINDOW: Duration = Duration::from_secs(24 * 3_600);
/// How long the stream keeps messages.
const MAX_AGE: Duration = Duration::from_secs(90 * 86_400);
/// What it takes.
const SUBJECTS: [&str; 3] = ["credits.alerts.>", "credits.rejected.>", "credits.calls.>"];
/// How many bytes the stream keeps; the oldest go first.
const MAX_BYTES: i64 = 1 << 30;
/// The most messages that are sent before the first is confirmed.
const WINDOW: usize = 256;
/// How long to wait before a message is sent again.
const RETRY: Duration = Duration::from_millis(500);

/// Publishes what is in the outbox until told to stop.
pub async fn publish(
    client: Client,
    stream: OutStream,
    outbox: Arc<Outbox>,
    mut stop: watch::Receiver<bool>,
) {
    let context = jetstream::new(client);
    let mut ready = false;
    let mut sent = None;
    while !*stop.borrow() {
        if !ready {
            ready = prepare(&context, &stream).await;
            if !ready {
                pause(&mut stop).await;
                continue;
            }
        }
        let messages = tokio::select! {
            _ = stop.changed() => break,
            messages = outbox.after(Way::Stream, sent, WINDOW) => messages,
        };
        let last = messages.last().map(|(number, _)| *number);
        if confirm_all(&context, messages, &outbox).await {
            sent = last;
        } else {
            // What was confirmed is out of the outbox; the rest is sent again, from the oldest on.
            sent = None;
            pause(&mut stop).await;
        }
    }
}

async fn pause(stop: &mut watch::Receiver<bool>) {
    tokio::select! {
        _ = stop.changed() => {}
        () = tokio::time::sleep(RETRY) => {}
    }
}

/// Makes the stream if it is missing and ours to make.
async fn prepare(context: &Context, stream: &OutStream) -> bool {
    if let Ok(known) = context.get_stream(&stream.name).await {
        return take_more(context, stream, &known.cached_info().config).await;
    }
    if !stream.manage {
        tracing::warn!(
            stream = stream.name,
            "the stream for alerts is missing and not ours to make; alerts wait"
        );
        return false;
    }
    let config = Config {
        name: stream.name.clone(),
        subjects: SUBJECTS.map(str::to_owned).to_vec(),
        storage: StorageType::File,
        num_replicas: stream.replicas,
        discard: DiscardPolicy::Old,
        max_age: MAX_AGE,
        max_bytes: MAX_BYTES,
        duplicate_window: DUPLICATE_WINDOW,
        ..Config::default()
    };
    match context.create_stream(config).await {
        Ok(_) => true,
        Err(error) => {
            tracing::warn!(%error, stream = stream.name, "the stream for alerts cannot be made; alerts wait");
            false
        }
    }
}

/// Lets a stream of ours, which an earlier version made, take what is published now. What else is set of it stays.
async fn take_more(context: &Context, stream: &OutStream, known: &Config) -> bool {
    let missing: Vec<String> = SUBJECTS
        .iter()
        .filter(|subject| !known.subjects.iter().any(|has| has == *subject))
        .map(|s| (*s).to_owned())
        .collect();
    if missing.is_empty() || !stream.manage {
        return true;
    }
    let config = Config { subjects: [known.subjects.clone(), missing].concat(), ..known.clone() };
    match context.update_stream(config).await {
        Ok(_) => true,
        Err(error) => {
            tracing::warn!(%error, stream = stream.name, "the stream for alerts cannot take what calls are told; they wait");
            false
        }
    }
}

/// Sends messages and waits until each is confirmed. Answers whether all were.
async fn confirm_all(context: &Context, messages: Vec<(u64, Outgoing)>, outbox: &Outbox) -> bool {
    let mut acks: Vec<(u64, PublishAckFuture)> = Vec::with_capacity(messages.len());
    let mut all = true;
    for (number, message) in messages {
        let mut headers = async_nats::HeaderMap::new();
        headers.insert("Nats-Msg-Id", message.id.as_str());
        headers.insert("content-type", "application/cloudevents+json");
        match context.publish_with_headers(message.subject, headers, message.payload.into()).await {
            Ok(ack) => acks.push((number, ack)),
            Err(error) => {
                tracing::warn!(%error, "an alert could not be published; it will be tried again");
                all = false;
                break;
            }
        }
    }
    let confirmed = join_all(acks.into_iter().map(|(number, ack)| async move { (number, ack.await) })).await;
    for (number, result) in confirmed {
        match result {
            Ok(_) => outbox.arrived(Way::Stream, number),
            Err(error) => {
                tracing::warn!(%error, "an alert was not confirmed; it will be sent again under the same id");
                all = false;
            }
        }
    }
    all
}
