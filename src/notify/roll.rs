//! The roll of endpoints: what organizations say about their webhooks, as the queue is to know it.
//!
//! The book is the truth. While a start still replays the log, the book tells of the past, and the queue knows better where
//! an endpoint is and whether it is still there; so the roll is called once the book has caught up, and followed from then on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::{StreamExt, stream};

use super::webhooks::{
    Endpoint, EndpointKey, EndpointUrl, EndpointUrlError, Secret, SecretError, Secrets, WebhookError,
    Webhooks,
};
use crate::book::{Book, Slot};
use crate::ledger::units::{Position, Timestamp};
use crate::ledger::webhooks::Webhook;

/// The most changes that are on their way to the disk at once: fewer than the queue lets wait.
const AT_ONCE: usize = 32;

/// Why a webhook is no endpoint. What passes a command always is one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum NoEndpoint {
    #[error(transparent)]
    Url(#[from] EndpointUrlError),
    #[error(transparent)]
    Secret(#[from] SecretError),
}

/// The roll of endpoints.
#[derive(Debug)]
pub struct Roll {
    book: Arc<Book>,
    webhooks: Arc<Webhooks>,
    /// When replaced secrets end, and whose.
    ends: BTreeMap<Timestamp, BTreeSet<String>>,
    called: bool,
}

impl Roll {
    /// The roll of a book, not called yet.
    #[must_use]
    pub fn new(book: Arc<Book>, webhooks: Arc<Webhooks>) -> Roll {
        Roll { book, webhooks, ends: BTreeMap::new(), called: false }
    }

    /// Whether the roll was called: whether the book tells of the present.
    #[must_use]
    pub fn is_called(&self) -> bool {
        self.called
    }

    /// Puts every endpoint of the book as it is at `now`, and forgets those of the queue that the book does not have.
    pub async fn call(&mut self, now: Timestamp) {
        let (mut wanted, mut ends) = (Vec::new(), Vec::new());
        self.book.each(|org, slot| {
            ends.extend(next_end(slot, now).map(|end| (end, org.to_string())));
            wanted.extend(endpoints(org, slot, now));
        });
        self.called = true;
        self.note(ends);
        self.settle(self.webhooks.endpoints(), wanted).await;
    }

    /// Brings the endpoints of organizations in line with the book.
    pub async fn follow(&mut self, orgs: BTreeSet<String>, now: Timestamp) {
        let known = self.webhooks.endpoints().into_iter().filter(|key| orgs.contains(&key.org)).collect();
        let (mut wanted, mut ends) = (Vec::new(), Vec::new());
        for org in orgs {
            let found = self.book.read(&org, |slot| (next_end(slot, now), endpoints(&org, slot, now)));
            let Some((end, found)) = found else { continue };
            wanted.extend(found);
            ends.extend(end.map(|end| (end, org)));
        }
        self.note(ends);
        self.settle(known, wanted).await;
    }

    /// When the next of the replaced secrets ends.
    #[must_use]
    pub fn next_end(&self) -> Option<Timestamp> {
        self.ends.first_key_value().map(|(end, _)| *end)
    }

    /// Lets the replaced secrets go whose time is over.
    pub async fn end(&mut self, now: Timestamp) {
        let mut over = BTreeSet::new();
        while let Some(first) = self.ends.first_entry().filter(|first| *first.key() <= now) {
            over.extend(first.remove());
        }
        if !over.is_empty() {
            self.follow(over, now).await;
        }
    }

    /// The endpoints of an organization that want an alert of that kind, raised at that entry.
    #[must_use]
    pub fn who_wants(&self, org: &str, kind: &str, raised: Position, now: Timestamp) -> Vec<Endpoint> {
        let wants = |webhook: &Webhook| webhook.wants(kind, raised);
        let found = self.book.read(org, |slot| {
            let own = slot.org.webhooks().filter(|(_, webhook)| wants(webhook));
            own.filter_map(|(id, webhook)| endpoint(org, id, webhook, now)).collect::<Vec<_>>()
        });
        let mut endpoints = found.unwrap_or_default();
        if !self.called {
            for endpoint in &mut endpoints {
                match self.webhooks.endpoint(&endpoint.key) {
                    Some(known) => *endpoint = Endpoint::clone(&known),
                    // It may be gone by now: what it is to get waits until the roll is called.
                    None => endpoint.enabled = false,
                }
            }
        }
        endpoints
    }

    fn note(&mut self, ends: Vec<(Timestamp, String)>) {
        for (end, org) in ends {
            self.ends.entry(end).or_default().insert(org);
        }
    }

    /// Forgets those that are known and not wanted, and puts those that are wanted.
    async fn settle(&self, known: Vec<EndpointKey>, wanted: Vec<Endpoint>) {
        let keys: BTreeSet<EndpointKey> = wanted.iter().map(|endpoint| endpoint.key.clone()).collect();
        let gone = known.into_iter().filter(|key| !keys.contains(key)).collect::<Vec<_>>();
        let forgetting = stream::iter(gone).map(|key| forget(Arc::clone(&self.webhooks), key));
        forgetting.buffer_unordered(AT_ONCE).collect::<()>().await;
        let putting = stream::iter(wanted).map(|endpoint| put(Arc::clone(&self.webhooks), endpoint));
        putting.buffer_unordered(AT_ONCE).collect::<()>().await;
    }
}

async fn forget(webhooks: Arc<Webhooks>, key: EndpointKey) {
    match webhooks.forget(&key).await {
        Ok(0) => {}
        Ok(waiting) => {
            tracing::info!(endpoint = %key, waiting, "a webhook was removed; what waited for it is sent nowhere");
        }
        Err(error) => report(&key, &error),
    }
}

async fn put(webhooks: Arc<Webhooks>, endpoint: Endpoint) {
    if let Err(error) = webhooks.put(&endpoint).await {
        report(&endpoint.key, &error);
    }
}

fn report(key: &EndpointKey, error: &WebhookError) {
    tracing::warn!(endpoint = %key, %error, "the queue of webhooks does not know this endpoint as it is");
}

/// An organization's endpoints as they are at `now`.
fn endpoints(org: &str, slot: &Slot, now: Timestamp) -> Vec<Endpoint> {
    slot.org.webhooks().filter_map(|(id, webhook)| endpoint(org, id, webhook, now)).collect()
}

fn next_end(slot: &Slot, now: Timestamp) -> Option<Timestamp> {
    slot.org.webhooks().filter_map(|(_, webhook)| webhook.next_end(now)).min()
}

/// A webhook as an endpoint at `now`.
#[must_use]
pub fn endpoint(org: &str, id: &str, webhook: &Webhook, now: Timestamp) -> Option<Endpoint> {
    let key = EndpointKey { org: org.to_owned(), id: id.to_owned() };
    match parts(webhook, now) {
        Ok((url, secrets)) => {
            Some(Endpoint { key, url, secrets, quiet: webhook.quiet.clone(), enabled: webhook.enabled })
        }
        Err(error) => {
            tracing::error!(endpoint = %key, %error, "a webhook cannot be sent to; put it anew");
            None
        }
    }
}

fn parts(webhook: &Webhook, now: Timestamp) -> Result<(EndpointUrl, Secrets), NoEndpoint> {
    let url = EndpointUrl::parse(&webhook.url)?;
    let secrets: Result<Vec<Secret>, _> =
        webhook.secrets(now).map(|secret| Secret::parse(&secret.0)).collect();
    // Oldest first: each takes the place of the one before it.
    let mut secrets = secrets?.into_iter().rev();
    let oldest = secrets.next().ok_or(SecretError::Form)?;
    Ok((url, secrets.fold(Secrets::new(oldest), Secrets::rotated)))
}

#[cfg(test)]
mod tests;
