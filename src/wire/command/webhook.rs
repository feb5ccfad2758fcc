//! Webhooks, as commands ask for them.

use serde::Deserialize;

use super::invalid;
use super::quiet::WrittenQuiet;
use crate::ledger::rejection::Rejection;
use crate::ledger::webhooks::{ALERT_KINDS, SecretText, WebhookOrder};
use crate::wire::webhook::{endpoint_url, secret_bytes, webhook_name};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenWebhook {
    id: Box<str>,
    url: Box<str>,
    #[serde(default)]
    kinds: Option<Vec<Box<str>>>,
    #[serde(default)]
    quiet: Option<WrittenQuiet>,
    #[serde(default)]
    secret: Option<Box<str>>,
    #[serde(default)]
    enabled: Option<bool>,
}

impl WrittenWebhook {
    pub(super) fn check(self) -> Result<WebhookOrder, Rejection> {
        let WrittenWebhook { id, url, kinds, quiet, secret, enabled } = self;
        endpoint_url(&url).map_err(|error| invalid("url", error.to_string()))?;
        if let Some(secret) = &secret {
            secret_bytes(secret).map_err(|error| invalid("secret", error.to_string()))?;
        }
        Ok(WebhookOrder {
            id: checked(id)?,
            url,
            kinds: kinds.map_or_else(|| Ok(Vec::new()), check_kinds)?,
            quiet: quiet.map(WrittenQuiet::check).transpose()?,
            secret: secret.map(SecretText),
            enabled: enabled.unwrap_or(true),
        })
    }
}

fn check_kinds(mut kinds: Vec<Box<str>>) -> Result<Vec<Box<str>>, Rejection> {
    if kinds.is_empty() {
        return Err(invalid("kinds", "it is empty; leave it out for all kinds of alerts"));
    }
    if let Some(other) = kinds.iter().find(|kind| !ALERT_KINDS.contains(&&***kind)) {
        let shown: String = other.chars().take(40).collect();
        let why = format!("{shown:?} is no kind of alert; write some of {}", ALERT_KINDS.join(", "));
        return Err(invalid("kinds", why));
    }
    kinds.sort_unstable();
    kinds.dedup();
    Ok(kinds)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenWebhookRemoval {
    id: Box<str>,
}

impl WrittenWebhookRemoval {
    pub(super) fn check(self) -> Result<Box<str>, Rejection> {
        checked(self.id)
    }
}

fn checked(id: Box<str>) -> Result<Box<str>, Rejection> {
    webhook_name(&id).map_err(|error| invalid("id", error.to_string()))?;
    Ok(id)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::{AnyCommand, decode_one};
    use super::*;
    use crate::ledger::entry::Command;
    use crate::ledger::rejection::Reason;
    use crate::wire::Subject;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn decode(kind: &str, data: Value) -> Result<Command, Rejection> {
        let text = json!({ "type": kind, "data": data }).to_string();
        match decode_one(Subject::Commands("acme"), &text)? {
            AnyCommand::Org(command) => Ok(command),
            AnyCommand::Catalog(_) => unreachable!("it was sent to an organization"),
        }
    }

    #[test]
    fn a_webhook_is_read_with_what_it_says_and_what_it_leaves_out() {
        let put = decode("creditd.webhook.put.v1", json!({ "id": "ops", "url": "https://example.com/x" }));
        let Ok(Command::PutWebhook(order)) = put else { panic!("{put:?}") };
        assert_eq!((order.kinds.len(), &order.secret, order.enabled), (0, &None, true));
        let full = json!({ "id": "ops", "url": "https://example.com/x", "secret": SECRET, "enabled": false,
            "kinds": ["limit_near", "balance_low", "limit_near"] });
        let Ok(Command::PutWebhook(order)) = decode("webhook.put", full) else { panic!() };
        assert_eq!(order.kinds, ["balance_low".into(), "limit_near".into()] as [Box<str>; 2]);
        assert_eq!((order.secret.unwrap().0.as_ref(), order.enabled), (SECRET, false));
        let Ok(Command::RemoveWebhook(id)) = decode("webhook.remove", json!({ "id": "ops" })) else {
            panic!()
        };
        assert_eq!(&*id, "ops");
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_field() {
        let refused = |field: &str, value: Value| {
            let mut data = json!({ "id": "ops", "url": "https://example.com/x" });
            data[field] = value;
            decode("webhook.put", data).unwrap_err()
        };
        let cases = [
            ("id", json!("a/b")),
            ("url", json!("ftp://example.com")),
            ("url", json!("https://me:pass@example.com")),
            ("kinds", json!([])),
            ("kinds", json!(["weather"])),
            ("secret", json!("hush")),
            ("secret", json!("whsec_AAAA")),
            ("enabled", json!("yes")),
            ("links", json!(1)),
        ];
        for (field, value) in cases {
            let rejection = refused(field, value);
            assert_eq!((rejection.reason, &*rejection.field), (Reason::InvalidField, field), "{rejection}");
            assert!(!rejection.detail.contains("hush") && !rejection.detail.contains("pass@"), "{rejection}");
        }
        let missing = decode("webhook.put", json!({ "id": "ops" })).unwrap_err();
        assert_eq!((missing.reason, &*missing.field), (Reason::MissingField, "url"));
    }
}
