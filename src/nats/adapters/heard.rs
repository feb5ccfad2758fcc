//! Messages of a plain subject, which nobody would send again.
//!
//! A stop lets go of none: first the subscription ends, then all that came before is appended, for as long as a stop may take. What is
//! not appended by then is told of by its number.

use std::pin::pin;
use std::time::Duration;

use async_nats::{Subscriber, jetstream};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};

use super::{Inlet, LATER, MOST_AT_ONCE, RETRY, listed};
use crate::clock;
use crate::wire::adapter::Message;

/// Daemons that hear the same subject share its messages.
const QUEUE: &str = "creditd-adapters";
/// How long a stop may take to append what was heard.
const STOPS_WITHIN: Duration = Duration::from_secs(10);
/// How long the server may take to say that all is here that it had for us.
const ANSWERS_WITHIN: Duration = Duration::from_secs(1);

impl Inlet {
    /// Hears the subject until told to stop.
    pub(super) async fn hear(&self) {
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
            let lost = self.take_all(heard).await;
            if lost > 0 {
                tracing::error!(
                    subject = self.subject,
                    lost,
                    "stopped before all that was heard was in the log: so many messages are lost"
                );
            }
        }
    }

    /// Takes messages until told to stop, and then those that came before. Answers how many of them were not done in time; an append
    /// that was broken off may have arrived all the same.
    async fn take_all(&self, mut heard: Subscriber) -> usize {
        let mut under_way = FuturesUnordered::new();
        let (mut open, mut stopping) = (true, false);
        let mut stopped = pin!(self.stopped());
        let mut time_is_up = pin!(async {
            self.stopped().await;
            tokio::time::sleep(STOPS_WITHIN).await;
        });
        while open || !under_way.is_empty() {
            tokio::select! {
                () = &mut time_is_up => return under_way.len().saturating_add(waiting(&mut heard)),
                () = &mut stopped, if !stopping => {
                    stopping = true;
                    self.end(&mut heard).await;
                }
                message = heard.next(), if open && under_way.len() < MOST_AT_ONCE => match message {
                    Some(message) => under_way.push(self.take_heard(message)),
                    None => open = false,
                },
                Some(()) = under_way.next() => {}
            }
        }
        0
    }

    /// Ends the subscription, once all is here that the server had for us.
    async fn end(&self, heard: &mut Subscriber) {
        // Its answer, whatever it says, comes after what it sent before. The end of a subscription alone is not waited for.
        let context = jetstream::new(self.client.clone());
        if tokio::time::timeout(ANSWERS_WITHIN, context.get_stream(&self.log)).await.is_err() {
            tracing::debug!(
                subject = self.subject,
                "the server does not answer; what it had for us is missed"
            );
        }
        if let Err(error) = heard.drain().await {
            tracing::debug!(%error, subject = self.subject, "the connection is gone, and the subscription with it");
        }
    }

    /// Takes a message, however long that needs.
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
            tokio::time::sleep(RETRY).await;
        }
    }
}

/// How many messages have come that nobody took.
fn waiting(heard: &mut Subscriber) -> usize {
    let mut messages = 0_usize;
    // Else the runtime would let the others work in between, as if there were no more.
    while let Some(Some(_)) = tokio::task::unconstrained(heard.next()).now_or_never() {
        messages = messages.saturating_add(1);
    }
    messages
}
