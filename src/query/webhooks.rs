//! The webhooks of an organization, as they are defined. Secrets are told to nobody.

use schemars::JsonSchema;
use serde::Serialize;

use crate::book::Book;
use crate::ledger::quiet::Quiet;
use crate::ledger::units::Timestamp;
use crate::ledger::webhooks::Webhook;
use crate::wire::time;

/// A webhook as it is defined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WebhookState {
    /// Its name.
    pub id: String,
    /// Where it is.
    pub url: String,
    /// The kinds of alerts it gets; null for all.
    pub kinds: Option<Vec<String>>,
    /// When nothing is sent; null for never.
    pub quiet: Option<QuietState>,
    /// Whether anything is sent.
    pub enabled: bool,
    /// Until when the first of the secrets that were replaced signs beside the current one.
    #[schemars(extend("format" = "date-time"))]
    pub old_secret_until: Option<String>,
}

/// Hours in which nothing is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct QuietState {
    /// From here on.
    pub from: String,
    /// Until just before; on the next day where it is not after `from`.
    pub to: String,
    /// The days on which they begin, Monday first.
    pub days: Vec<&'static str>,
    /// Whose clocks count.
    pub time_zone: String,
}

impl QuietState {
    fn of(quiet: &Quiet) -> QuietState {
        let Quiet { hours, zone } = quiet;
        QuietState {
            from: hours.from.to_string(),
            to: hours.to.to_string(),
            days: hours.days.names().collect(),
            time_zone: zone.to_string(),
        }
    }
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
        quiet: webhook.quiet.as_ref().map(QuietState::of),
        enabled: webhook.enabled,
        old_secret_until: webhook.next_end(now).map(time::format),
    }
}
