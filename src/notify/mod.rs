//! What leaves on its own: alerts to whoever asked to be told, and reports by mail.
//!
//! ```text
//! outbox ─► forward ─┬─► alerts: kept in a log of their own ─► listings, live listeners
//!                    └─► webhooks: a durable queue for each endpoint ─► HTTP
//! ```
//!
//! An alert is out of the [outbox](crate::book::outbox) once both have it on disk. Whether an endpoint takes it, and when, is
//! the queue's business and holds up nobody. [`reports`] have nothing to do with alerts: they are due by the calendar.

pub mod alerts;
pub mod forward;
pub mod reports;
pub mod roll;
pub mod webhooks;

use std::path::Path;
use std::sync::Arc;

use self::alerts::Alerts;
use self::reports::{Reports, ReportsError};
use self::webhooks::{MessageId, WebhookError, Webhooks};
use crate::config::Mail;
use crate::log::LogError;

/// By which those who asked to be told are told.
#[derive(Clone, Debug)]
pub struct Channels {
    /// The last alerts, kept and live.
    pub alerts: Arc<Alerts>,
    /// Webhooks.
    pub webhooks: Arc<Webhooks>,
    /// Reports by mail.
    pub reports: Arc<Reports>,
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
    /// What was sent of reports cannot be read, or the mail server's settings make no sense.
    #[error("reports by mail: {0}")]
    Reports(#[from] ReportsError),
}

impl Channels {
    /// Opens what is kept in the folders `alerts`, `webhooks` and `reports` of `data`, and goes on delivering what was queued.
    ///
    /// # Errors
    /// [`ChannelsError`] when the disk refuses, or what stands on it cannot be read.
    pub async fn open(
        data: &Path,
        options: webhooks::Options,
        mail: Option<&Mail>,
    ) -> Result<Channels, ChannelsError> {
        let alerts = Alerts::open(&data.join("alerts")).await?;
        let (webhooks, _) = Webhooks::open(&data.join("webhooks"), options)?;
        let reports = Reports::open(&data.join("reports"), mail)?;
        Ok(Channels { alerts: Arc::new(alerts), webhooks: Arc::new(webhooks), reports: Arc::new(reports) })
    }
}

/// The id of an alert as a message to endpoints: the alert's own, or a digest of one that is too long or has other
/// characters in it than such an id may have.
#[must_use]
pub fn message_id(org: &str, alert: &str) -> Option<MessageId> {
    let digest = || format!("{org}.{:032x}", xxhash_rust::xxh3::xxh3_128(alert.as_bytes()));
    MessageId::new(alert).or_else(|_| MessageId::new(digest())).ok()
}
