//! From the outbox to those who asked to be told: every alert is kept, and handed over to the endpoints that want it.
//!
//! What an endpoint makes of it is not waited for: an alert is handed over once its queue has it on disk. One that was
//! handed over already is known by its id; so whatever is cut off here is done again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use serde::Deserialize;
use tokio::sync::watch;

use super::alerts::Alerts;
use super::roll::Roll;
use super::webhooks::{Endpoint, EndpointKey, Message, WebhookError, Webhooks};
use super::{Channels, message_id};
use crate::book::desk::Desk;
use crate::book::outbox::{Outbox, Outgoing, Way};
use crate::book::progress::Progress;
use crate::clock;
use crate::ledger::units::{Position, Timestamp};
use crate::log::LogError;
use crate::wire::time;

/// The most alerts that are taken at once.
const WINDOW: usize = 256;
/// The most endpoints that are handed over to at once: fewer than the queue lets wait.
const AT_ONCE: usize = 32;
/// How often a start that still replays is looked at.
const LOOK: Duration = Duration::from_millis(20);
/// How long to wait before what failed is tried again.
const RETRY: Duration = Duration::from_millis(500);
/// The longest sleep until a replaced secret ends: the wall clock may be set.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// Forwards alerts until told to stop.
pub async fn forward(desk: Arc<Desk>, channels: Channels, mut stop: watch::Receiver<bool>) {
    let Channels { alerts, webhooks, .. } = channels;
    let roll = Roll::new(Arc::clone(&desk.book), Arc::clone(&webhooks));
    let (outbox, progress) = (Arc::clone(&desk.outbox), Arc::clone(&desk.progress));
    let mut forwarder =
        Forwarder { outbox, progress, alerts: Arc::clone(&alerts), webhooks, roll, sent: None };
    // Whoever could say stop being gone means stop, too.
    tokio::select! {
        _ = stop.wait_for(|stop| *stop) => {}
        () = forwarder.run() => {}
    }
    alerts.hush();
}

/// Why alerts cannot be forwarded at the moment.
#[derive(Debug, thiserror::Error)]
enum ForwardError {
    #[error("they cannot be kept: {0}")]
    Alerts(#[from] LogError),
    #[error(transparent)]
    Webhooks(#[from] WebhookError),
}

struct Forwarder {
    outbox: Arc<Outbox>,
    progress: Arc<Progress>,
    alerts: Arc<Alerts>,
    webhooks: Arc<Webhooks>,
    roll: Roll,
    /// The last message that is forwarded.
    sent: Option<u64>,
}

/// What an alert says about itself.
#[derive(Default, Deserialize)]
struct Said {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    time: String,
    #[serde(default)]
    data: SaidInside,
}

#[derive(Default, Deserialize)]
struct SaidInside {
    #[serde(default)]
    position: String,
}

/// An endpoint, and the messages for it in their order.
type Lots = BTreeMap<EndpointKey, (Endpoint, Vec<Arc<Message>>)>;

impl Forwarder {
    async fn run(&mut self) {
        loop {
            if !self.roll.is_called() && self.progress.is_caught_up() {
                self.roll.call(clock::now()).await;
            }
            let called = self.roll.is_called();
            let sleep = if called { self.until_end() } else { LOOK };
            tokio::select! {
                orgs = self.outbox.changed_webhooks(), if called => self.roll.follow(orgs, clock::now()).await,
                messages = self.outbox.after(Way::Subscribers, self.sent, WINDOW) => self.take(messages).await,
                () = tokio::time::sleep(sleep) => self.roll.end(clock::now()).await,
            }
        }
    }

    fn until_end(&self) -> Duration {
        let now = clock::now().micros();
        let left =
            self.roll.next_end().map(|end| u64::try_from(end.micros().saturating_sub(now)).unwrap_or(0));
        left.map_or(LONGEST_SLEEP, |left| Duration::from_micros(left).clamp(LOOK, LONGEST_SLEEP))
    }

    async fn take(&mut self, messages: Vec<(u64, Outgoing)>) {
        let kept = self.alerts.keep(messages.iter().map(|(_, message)| message)).await;
        let handed = self.hand_over(&messages).await;
        match kept.map_err(ForwardError::from).and(handed.map_err(ForwardError::from)) {
            Ok(()) => {
                for (number, _) in &messages {
                    self.outbox.arrived(Way::Subscribers, *number);
                }
                self.sent = messages.last().map(|(number, _)| *number);
            }
            Err(error) => {
                tracing::warn!(%error, "alerts wait for those who asked to be told; it will be tried again");
                self.sent = None;
                tokio::time::sleep(RETRY).await;
            }
        }
    }

    /// Hands messages over to the endpoints that want them: one after the other to each, to all at the same time.
    async fn hand_over(&self, messages: &[(u64, Outgoing)]) -> Result<(), WebhookError> {
        let lots = self.sort(messages, clock::now());
        let webhooks = || Arc::clone(&self.webhooks);
        let handing =
            stream::iter(lots.into_values()).map(|(endpoint, lot)| hand_lot(webhooks(), endpoint, lot));
        let results: Vec<_> = handing.buffer_unordered(AT_ONCE).collect().await;
        results.into_iter().collect()
    }

    /// Who gets what.
    fn sort(&self, messages: &[(u64, Outgoing)], now: Timestamp) -> Lots {
        let mut lots = Lots::new();
        for (_, outgoing) in messages {
            let Some((org, kind)) = outgoing.alert() else { continue };
            let said: Said = serde_json::from_slice(&outgoing.payload).unwrap_or_default();
            let wanting = self.roll.who_wants(org, kind, position(&said.data.position), now);
            let Some(id) = message_id(org, &outgoing.id).filter(|_| !wanting.is_empty()) else { continue };
            let at = time::parse(&said.time).unwrap_or(now);
            let message = Message { id, kind: said.kind, at, payload: outgoing.payload.clone() };
            let message = Arc::new(message);
            for endpoint in wanting {
                let lot = lots.entry(endpoint.key.clone()).or_insert_with(|| (endpoint, Vec::new()));
                lot.1.push(Arc::clone(&message));
            }
        }
        lots
    }
}

async fn hand_lot(
    webhooks: Arc<Webhooks>,
    endpoint: Endpoint,
    messages: Vec<Arc<Message>>,
) -> Result<(), WebhookError> {
    for message in messages {
        match webhooks.hand_over(&endpoint, &message).await {
            Ok(_) => {}
            // To wait would not help, and would hold up all others.
            Err(error @ (WebhookError::TooMany { .. } | WebhookError::TooLarge { .. })) => {
                tracing::error!(endpoint = %endpoint.key, message = %message.id, %error, "an alert is not sent");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads the position of the entry at which an alert was raised; the last there can be where it names none.
fn position(text: &str) -> Position {
    let read = || {
        let (seq, item) = text.split_once('.')?;
        Some(Position { seq: seq.parse().ok()?, item: item.parse().ok()? })
    };
    read().unwrap_or(Position { seq: u64::MAX, item: u32::MAX })
}
