//! The outbox: what has left the ledger and has not yet arrived outside.
//!
//! A message stays here until its receiver has confirmed it; a checkpoint holds what is still here. So a message whose
//! entry will not be replayed is not lost, and one that is sent again goes out under the same id.

use std::collections::{BTreeMap, HashSet};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Notify;

use super::partition::Item;
use crate::ledger::effect::{LimitAlert, LowBalance};
use crate::ledger::rejection::Rejection;
use crate::ledger::units::Timestamp;
use crate::log::Record;
use crate::wire;

/// A message that leaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outgoing {
    /// Its stable id: a receiver that saw it drops a repeat.
    pub id: String,
    /// Where it goes.
    pub subject: String,
    /// A CloudEvent as JSON.
    pub payload: Vec<u8>,
}

/// The most messages that wait. Past it the pipeline waits too.
pub const MOST_WAITING: usize = 65_536;

/// Messages on their way, in order.
#[derive(Debug, Default)]
pub struct Outbox {
    waiting: Mutex<Waiting>,
    more: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    messages: BTreeMap<u64, Outgoing>,
    ids: HashSet<String>,
    next: u64,
}

impl Outbox {
    /// Adds a message, unless one of that id is waiting already.
    pub fn push(&self, message: Outgoing) {
        let mut waiting = self.waiting.lock();
        if waiting.ids.insert(message.id.clone()) {
            let number = waiting.next;
            waiting.next = number.saturating_add(1);
            waiting.messages.insert(number, message);
            drop(waiting);
            self.more.notify_one();
        }
    }

    /// Whether no more should be added before some are gone.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.len() >= MOST_WAITING
    }

    /// How many messages wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.lock().messages.len()
    }

    /// Whether no message waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All messages that wait, for a checkpoint.
    #[must_use]
    pub fn waiting(&self) -> Vec<Outgoing> {
        self.waiting.lock().messages.values().cloned().collect()
    }

    /// Waits for messages after number `after` and answers up to `most` of them, oldest first.
    pub async fn after(&self, after: Option<u64>, most: usize) -> Vec<(u64, Outgoing)> {
        loop {
            let found: Vec<_> = {
                let waiting = self.waiting.lock();
                let from = after.map_or(0, |n| n.saturating_add(1));
                waiting.messages.range(from..).take(most).map(|(n, m)| (*n, m.clone())).collect()
            };
            if !found.is_empty() {
                return found;
            }
            self.more.notified().await;
        }
    }

    /// Takes out a message that has arrived.
    pub fn arrived(&self, number: u64) {
        let mut waiting = self.waiting.lock();
        if let Some(message) = waiting.messages.remove(&number) {
            waiting.ids.remove(&message.id);
        }
    }
}

/// The message of a low-balance alert.
#[must_use]
pub fn alert(org: &str, alert: &LowBalance) -> Outgoing {
    Outgoing {
        id: wire::alert_id(org, alert.credit_type, alert.crossing),
        subject: format!("credits.alerts.{org}.balance_low"),
        payload: wire::alert_json(org, alert).to_string().into_bytes(),
    }
}

/// The message of an alert about a limit.
#[must_use]
pub fn limit_alert(org: &str, alert: &LimitAlert) -> Outgoing {
    Outgoing {
        id: wire::limit_alert_id(org, alert),
        subject: format!("credits.alerts.{org}.limit_{}", alert.level.slug()),
        payload: wire::limit_alert_json(org, alert).to_string().into_bytes(),
    }
}

/// The copy of a refused item.
#[must_use]
pub fn rejected(record: &Record, item: Item<'_>, rejection: &Rejection) -> Outgoing {
    let (position, subject) = (item.position, &record.draft.subject);
    let id = format!("rejected.{position}");
    let text = wire::item_text(&record.draft.payload, position.item);
    let payload = wire::rejected_json(&id, Some(subject), Some(position), &text, record.at, rejection);
    refusal(id, &payload, rejection)
}

/// The copy of an item that was refused before it reached the log; `subject` is where it would have gone, if that is known.
#[must_use]
pub fn refused(
    id: String,
    subject: Option<&str>,
    item: &str,
    at: Timestamp,
    rejection: &Rejection,
) -> Outgoing {
    let payload = wire::rejected_json(&id, subject, None, item, at, rejection);
    refusal(id, &payload, rejection)
}

fn refusal(id: String, payload: &Value, rejection: &Rejection) -> Outgoing {
    let subject = format!("credits.rejected.{}", rejection.reason.slug());
    Outgoing { id, subject, payload: payload.to_string().into_bytes() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: &str) -> Outgoing {
        Outgoing { id: id.to_owned(), subject: "s".to_owned(), payload: Vec::new() }
    }

    #[tokio::test]
    async fn a_message_stays_until_it_arrived_and_is_not_doubled() {
        let outbox = Outbox::default();
        outbox.push(message("a"));
        outbox.push(message("b"));
        outbox.push(message("a"));
        let sent = outbox.after(None, 10).await;
        assert_eq!(sent.iter().map(|(_, m)| m.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        outbox.arrived(sent[0].0);
        assert_eq!(outbox.waiting(), [message("b")]);
        outbox.push(message("a"));
        assert_eq!(outbox.after(Some(sent[1].0), 10).await[0].1, message("a"));
    }
}
