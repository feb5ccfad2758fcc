//! What leaves on its own: alerts to whoever asked to be told.
//!
//! ```text
//! outbox ─► forward ─┬─► alerts: kept in a log of their own ─► listings, live listeners
//!                    └─► webhooks: a durable queue for each endpoint ─► HTTP
//! ```
//!
//! An alert is out of the [outbox](crate::book::outbox) once both have it on disk. Whether an endpoint takes it, and when, is
//! the queue's business and holds up nobody.

pub mod alerts;
pub mod forward;
pub mod roll;
pub mod webhooks;

use std::path::Path;
use std::sync::Arc;

use self::alerts::Alerts;
use self::webhooks::{MessageId, WebhookError, Webhooks};
use crate::log::LogError;

/// By which those who asked to be told are told.
#[derive(Clone, Debug)]
pub struct Channels {
    /// The last alerts, kept and live.
    pub alerts: Arc<Alerts>,
    /// Webhooks.
    pub webhooks: Arc<Webhooks>,
}

/// Why the channels cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ChannelsError {
    /// The alerts that are kept cannot be read.
    #[error("the alerts that are kept: {0}")]
    Alerts(#[from] LogError),
    /// The queue of webhooks cannot be opened.
    #[error("the queue of webhooks: {0}")]
    Webhooks(#[from] WebhookError),
}

impl Channels {
    /// Opens what is kept in the folders `alerts` and `webhooks` of `data`, and goes on delivering what was queued.
    ///
    /// # Errors
    /// [`ChannelsError`] when the disk refuses, or what stands on it cannot be read.
    pub async fn open(data: &Path, options: webhooks::Options) -> Result<Channels, ChannelsError> {
        let alerts = Alerts::open(&data.join("alerts")).await?;
        let (webhooks, _) = Webhooks::open(&data.join("webhooks"), options)?;
        Ok(Channels { alerts: Arc::new(alerts), webhooks: Arc::new(webhooks) })
    }
}

/// The id of an alert as a message to endpoints: the alert's own, or a digest of one that is too long or has other
/// characters in it than such an id may have.
#[must_use]
pub fn message_id(org: &str, alert: &str) -> Option<MessageId> {
    let digest = || format!("{org}.{:032x}", xxhash_rust::xxh3::xxh3_128(alert.as_bytes()));
    MessageId::new(alert).or_else(|_| MessageId::new(digest())).ok()
}
