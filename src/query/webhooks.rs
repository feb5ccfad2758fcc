//! The webhooks of an organization, as they are defined. Secrets are told to nobody.

use serde::Serialize;

use crate::book::Book;
use crate::ledger::units::Timestamp;
use crate::ledger::webhooks::Webhook;
use crate::wire::time;

/// A webhook as it is defined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WebhookState {
    /// Its name.
    pub id: String,
    /// Where it is.
    pub url: String,
    /// The kinds of alerts it gets; null for all.
    pub kinds: Option<Vec<String>>,
    /// Whether anything is sent.
    pub enabled: bool,
    /// Until when the first of the secrets that were replaced signs beside the current one.
    pub old_secret_until: Option<String>,
}

/// The webhooks of an organization by name, as they are at `now`; `None` for one that was never created.
#[must_use]
pub fn webhooks(book: &Book, org: &str, now: Timestamp) -> Option<Vec<WebhookState>> {
    book.read(org, |slot| slot.org.webhooks().map(|(id, webhook)| state(id, webhook, now)).collect())
}

fn state(id: &str, webhook: &Webhook, now: Timestamp) -> WebhookState {
    let kinds: Vec<String> = webhook.kinds.iter().map(|kind| kind.to_string()).collect();
    WebhookState {
        id: id.to_owned(),
        url: webhook.url.to_string(),
        kinds: Some(kinds).filter(|kinds| !kinds.is_empty()),
        enabled: webhook.enabled,
        old_secret_until: webhook.next_end(now).map(time::format),
    }
}
