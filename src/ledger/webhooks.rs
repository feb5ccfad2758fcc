//! Webhooks: where an organization's alerts are to be sent. Definitions alone; who sends is outside.
//!
//! A secret that is replaced stays valid beside the new one for a day of log time, so that a receiver can change over
//! without refusing anything. When it ends is a matter of looking ([`Webhook::secrets`]): nothing happens at that instant.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::balance::Moment;
use super::calendar::Zone;
use super::quiet::{Hours, Quiet};
use super::rejection::{Reason, Rejection};
use super::units::{Millis, Position, Timestamp};

/// The most webhooks of one organization.
pub const MOST_WEBHOOKS: usize = 16;

/// The kinds of alerts there are, as subjects name them.
pub const ALERT_KINDS: [&str; 14] = [
    "balance_low",
    "grant_expiring",
    "run_out",
    "spike",
    "cycle_reset",
    "limit_near",
    "limit_reached",
    "recharge_requested",
    "recharge_succeeded",
    "recharge_failed",
    "call_warning",
    "call_cutoff",
    "call_extended",
    "call_orphaned",
];

/// How long a secret stays valid after it was replaced.
pub const ROTATION: Millis = Millis(86_400_000);

/// The most replaced secrets that are valid at once: the oldest goes first.
const MOST_REPLACED: usize = 3;

/// A secret shared with a receiver, as text. It never shows itself in logs.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretText(pub Box<str>);

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(…)")
    }
}

/// A webhook as it is to be from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookOrder {
    /// Its name within the organization.
    pub id: Box<str>,
    /// Where it is, checked.
    pub url: Box<str>,
    /// The kinds of alerts it gets; all where none is named.
    pub kinds: Vec<Box<str>>,
    /// When nothing is sent, and whose clocks count; the organization's where no zone is given.
    pub quiet: Option<(Hours, Option<Zone>)>,
    /// What is shared with it, checked; as it was where none is given.
    pub secret: Option<SecretText>,
    /// Whether anything is sent.
    pub enabled: bool,
}

/// A webhook of an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// The entry that defined it first: it gets the alerts raised there and later.
    pub created: Position,
    /// Where it is.
    pub url: Box<str>,
    /// The kinds of alerts it gets; all where none is named.
    pub kinds: Vec<Box<str>>,
    /// When nothing is sent.
    pub quiet: Option<Quiet>,
    /// Whether anything is sent.
    pub enabled: bool,
    secret: SecretText,
    /// Newest first.
    replaced: Vec<Replaced>,
}

/// A secret that another took the place of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Replaced {
    secret: SecretText,
    /// Valid until just before.
    until: Timestamp,
}

impl Webhook {
    /// Whether an alert of that kind, raised at that entry, goes here.
    #[must_use]
    pub fn wants(&self, kind: &str, raised: Position) -> bool {
        let fits = self.kinds.is_empty() || self.kinds.iter().any(|own| **own == *kind);
        self.enabled && fits && raised >= self.created
    }

    /// The secrets that are valid at an instant of log time: the current one, then those it replaced, newest first.
    pub fn secrets(&self, at: Timestamp) -> impl Iterator<Item = &SecretText> {
        let replaced = self.replaced.iter().filter(move |replaced| at < replaced.until);
        std::iter::once(&self.secret).chain(replaced.map(|replaced| &replaced.secret))
    }

    /// When the next of the replaced secrets ends that are valid at an instant; none where only the current one is.
    #[must_use]
    pub fn next_end(&self, at: Timestamp) -> Option<Timestamp> {
        self.replaced.iter().map(|replaced| replaced.until).filter(|until| at < *until).min()
    }

    fn replace_secret(&mut self, new: SecretText, at: Timestamp) {
        if new == self.secret {
            return;
        }
        self.replaced.retain(|replaced| at < replaced.until && replaced.secret != new);
        let secret = std::mem::replace(&mut self.secret, new);
        self.replaced.insert(0, Replaced { secret, until: at.plus(ROTATION) });
        self.replaced.truncate(MOST_REPLACED);
    }
}

/// The webhooks of an organization, by name. Those without any have none of this.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Webhooks(BTreeMap<Box<str>, Webhook>);

impl Webhooks {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Webhook)> {
        self.0.iter().map(|(id, webhook)| (&**id, webhook))
    }
}

/// Defines a webhook, or defines it anew. `zone` is the organization's.
pub(super) fn put(
    all: &mut Option<Box<Webhooks>>,
    order: &WebhookOrder,
    zone: &Zone,
    moment: Moment,
) -> Result<(), Rejection> {
    let WebhookOrder { id, url, kinds, quiet, secret, enabled } = order.clone();
    let quiet = quiet.map(|(hours, own)| Quiet { hours, zone: own.unwrap_or_else(|| zone.clone()) });
    if let Some(known) = all.as_deref_mut().and_then(|all| all.0.get_mut(&id)) {
        (known.url, known.kinds, known.quiet, known.enabled) = (url, kinds, quiet, enabled);
        if let Some(secret) = secret {
            known.replace_secret(secret, moment.at);
        }
        return Ok(());
    }
    let Some(secret) = secret else {
        let why = format!("webhook {id:?} is new and has no secret; add one, whsec_ and base64");
        return Err(Rejection::new(Reason::MissingField, "secret", why));
    };
    if all.as_ref().is_some_and(|all| all.0.len() >= MOST_WEBHOOKS) {
        let why = format!("the organization has {MOST_WEBHOOKS} webhooks already; remove one first");
        return Err(Rejection::new(Reason::TooMany, "id", why));
    }
    let created = moment.position;
    let new = Webhook { created, url, kinds, quiet, enabled, secret, replaced: Vec::new() };
    all.get_or_insert_default().0.insert(id, new);
    Ok(())
}

/// Takes a webhook away.
pub(super) fn remove(all: &mut Option<Box<Webhooks>>, id: &str) -> Result<(), Rejection> {
    let removed = all.as_deref_mut().and_then(|all| all.0.remove(id));
    if all.as_ref().is_some_and(|all| all.0.is_empty()) {
        *all = None;
    }
    removed.map(drop).ok_or_else(|| {
        let why = format!("there is no webhook {id:?}; compare with the organization's webhooks");
        Rejection::new(Reason::UnknownWebhook, "id", why)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::quiet::{Days, Minute};

    const DAY: i64 = 86_400_000_000;

    fn at(micros: i64, seq: u64) -> Moment {
        Moment { at: Timestamp::from_micros(micros), position: Position { seq, item: 0 } }
    }

    fn order(id: &str, secret: Option<&str>) -> WebhookOrder {
        WebhookOrder {
            id: id.into(),
            url: "https://example.com/".into(),
            kinds: Vec::new(),
            quiet: None,
            secret: secret.map(|secret| SecretText(secret.into())),
            enabled: true,
        }
    }

    fn secrets(all: &Option<Box<Webhooks>>, micros: i64) -> Vec<&str> {
        let (_, webhook) = all.as_ref().unwrap().iter().next().unwrap();
        webhook.secrets(Timestamp::from_micros(micros)).map(|secret| &*secret.0).collect()
    }

    #[test]
    fn a_replaced_secret_is_valid_for_a_day_beside_the_new_one() {
        let mut all = None;
        put(&mut all, &order("a", Some("one")), &Zone::default(), at(0, 1)).unwrap();
        put(&mut all, &order("a", Some("two")), &Zone::default(), at(10, 2)).unwrap();
        assert_eq!(secrets(&all, DAY + 9), ["two", "one"]);
        assert_eq!(secrets(&all, DAY + 10), ["two"]);
        // A put without a secret, or with the same, replaces nothing.
        put(&mut all, &order("a", None), &Zone::default(), at(20, 3)).unwrap();
        put(&mut all, &order("a", Some("two")), &Zone::default(), at(30, 4)).unwrap();
        assert_eq!(secrets(&all, 30), ["two", "one"]);
        let (_, webhook) = all.as_ref().unwrap().iter().next().unwrap();
        assert_eq!(webhook.next_end(Timestamp::from_micros(30)), Some(Timestamp::from_micros(DAY + 10)));
        assert_eq!(webhook.next_end(Timestamp::from_micros(DAY + 10)), None);
        assert_eq!(webhook.created, Position { seq: 1, item: 0 });
    }

    #[test]
    fn a_secret_that_comes_back_is_there_once_and_only_three_are_kept_beside_it() {
        let mut all = None;
        for (n, secret) in (0..).zip(["one", "two", "one", "three", "four", "five"]) {
            put(&mut all, &order("a", Some(secret)), &Zone::default(), at(n, 1)).unwrap();
        }
        assert_eq!(secrets(&all, 10), ["five", "four", "three", "one"]);
    }

    #[test]
    fn what_is_refused_leaves_nothing() {
        let mut all = None;
        let refused = put(&mut all, &order("a", None), &Zone::default(), at(0, 1)).unwrap_err();
        assert_eq!((refused.reason, &*refused.field), (Reason::MissingField, "secret"));
        assert_eq!(remove(&mut all, "a").unwrap_err().reason, Reason::UnknownWebhook);
        assert_eq!(all, None);
        for n in 0..MOST_WEBHOOKS {
            put(&mut all, &order(&n.to_string(), Some("one")), &Zone::default(), at(0, 1)).unwrap();
        }
        let before = all.clone();
        let refused = put(&mut all, &order("more", Some("one")), &Zone::default(), at(0, 1)).unwrap_err();
        assert_eq!((refused.reason, &all), (Reason::TooMany, &before));
        for n in 0..MOST_WEBHOOKS {
            remove(&mut all, &n.to_string()).unwrap();
        }
        assert_eq!(all, None);
    }

    #[test]
    fn an_alert_goes_where_it_is_wanted_and_never_to_one_that_came_later() {
        let mut all = None;
        let own = WebhookOrder { kinds: vec!["balance_low".into()], ..order("a", Some("one")) };
        put(&mut all, &own, &Zone::default(), at(0, 5)).unwrap();
        let wants = |all: &Option<Box<Webhooks>>, kind, seq| {
            let (_, webhook) = all.as_ref().unwrap().iter().next().unwrap();
            webhook.wants(kind, Position { seq, item: 0 })
        };
        assert!(wants(&all, "balance_low", 5) && !wants(&all, "balance_low", 4));
        assert!(!wants(&all, "limit_near", 5));
        put(&mut all, &order("a", None), &Zone::default(), at(0, 9)).unwrap();
        assert!(wants(&all, "limit_near", 5));
        put(&mut all, &WebhookOrder { enabled: false, ..order("a", None) }, &Zone::default(), at(0, 9))
            .unwrap();
        assert!(!wants(&all, "limit_near", 9));
    }

    #[test]
    fn quiet_hours_are_by_the_zone_of_the_moment_they_were_put() {
        let minute = |text| Minute::parse(text).unwrap();
        let hours = Hours { from: minute("22:00"), to: minute("08:00"), days: Days::ALL };
        let zone = |name| Zone::named(name).unwrap();
        let mut all = None;
        let mut put_quiet = |quiet, of_org| {
            put(&mut all, &WebhookOrder { quiet, ..order("a", Some("one")) }, &zone(of_org), at(0, 1))
                .unwrap();
            let (_, webhook) = all.as_ref().unwrap().iter().next().unwrap();
            webhook.quiet.clone().map(|quiet| quiet.zone)
        };
        assert_eq!(put_quiet(Some((hours, None)), "Asia/Tokyo"), Some(zone("Asia/Tokyo")));
        assert_eq!(put_quiet(Some((hours, None)), "UTC"), Some(zone("UTC")));
        assert_eq!(put_quiet(Some((hours, Some(zone("Europe/Berlin")))), "UTC"), Some(zone("Europe/Berlin")));
        assert_eq!(put_quiet(None, "UTC"), None, "a put states it whole");
    }

    #[test]
    fn a_secret_does_not_show_itself() {
        assert!(!format!("{:?}", order("a", Some("whsec_hush"))).contains("hush"));
    }
}
