//! The outbox: what has left the ledger and has not yet arrived outside.
//!
//! A message leaves by one or two [ways](Way), each with a receiver of its own, and stays here until every one of them has
//! confirmed it; a checkpoint holds what is still here. So a message whose entry will not be replayed is not lost, and one
//! that is sent again goes out under the same id. No way waits for another.
//!
//! What was refused before it reached the log has no entry that a replay would find: until a checkpoint holds its copy, or the copy
//! has left, it is nowhere else. Whoever can have it again waits for [`Outbox::left`] before letting go of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::{Notify, oneshot};

use super::changes::Changes;
use super::partition::Item;
use crate::ledger::calls::CallNews;
use crate::ledger::effect::{LimitAlert, LowBalance, Orphaned, RechargeAlert};
use crate::ledger::notice::Notice;
use crate::ledger::rejection::Rejection;
use crate::ledger::units::Timestamp;
use crate::ledger::webhooks::ALERT_KINDS;
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

impl Outgoing {
    /// The organization and the kind of an alert; `None` for any other message.
    #[must_use]
    pub fn alert(&self) -> Option<(&str, &str)> {
        if let Some((org, news)) = self.subject.strip_prefix(CALLS).and_then(|rest| rest.split_once('.')) {
            let of_calls = |kind: &&str| kind.strip_prefix("call_") == Some(news);
            return Some((org, ALERT_KINDS.into_iter().find(of_calls)?));
        }
        self.subject.strip_prefix(ALERTS)?.split_once('.')
    }
}

/// What the subjects of alerts begin with.
const ALERTS: &str = "credits.alerts.";

/// What the subjects of what calls are told begin with.
const CALLS: &str = "credits.calls.";

/// The most messages that wait. Past it the pipeline waits too.
pub const MOST_WAITING: usize = 65_536;

/// How a message leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To the stream of alerts and refusals, or the daemon's own log. Every message.
    Stream,
    /// To those who asked to be told: webhooks, whoever listens. Alerts alone.
    Subscribers,
}

/// Messages on their way, in order.
#[derive(Debug, Default)]
pub struct Outbox {
    waiting: Mutex<Waiting>,
    /// One for each way: there is more.
    more: [Notify; 2],
    webhooks: Changes,
    reports: Changes,
}

#[derive(Debug, Default)]
struct Waiting {
    messages: BTreeMap<u64, Held>,
    /// Their numbers by their ids.
    numbers: HashMap<String, u64>,
    next: u64,
}

/// A message, the ways that have not confirmed it, and who waits for the last of them.
#[derive(Debug)]
struct Held {
    message: Outgoing,
    open: [bool; 2],
    watched: Vec<oneshot::Sender<()>>,
}

impl Outbox {
    /// Adds a message, unless one of that id is waiting already. Answers whether it was added.
    pub fn push(&self, message: Outgoing) -> bool {
        let open = [true, message.alert().is_some()];
        let mut waiting = self.waiting.lock();
        if waiting.numbers.contains_key(&message.id) {
            return false;
        }
        let number = waiting.next;
        waiting.next = number.saturating_add(1);
        waiting.numbers.insert(message.id.clone(), number);
        waiting.messages.insert(number, Held { message, open, watched: Vec::new() });
        drop(waiting);
        for (more, open) in self.more.iter().zip(open) {
            if open {
                more.notify_one();
            }
        }
        true
    }

    /// Is told once no message of that id waits any more: at once, where none does.
    pub fn left(&self, id: &str) -> oneshot::Receiver<()> {
        let (told, left) = oneshot::channel();
        let mut waiting = self.waiting.lock();
        let number = waiting.numbers.get(id).copied();
        match number.and_then(|number| waiting.messages.get_mut(&number)) {
            Some(held) => {
                held.watched.retain(|told| !told.is_closed());
                held.watched.push(told);
            }
            None => {
                // The receiver is here.
                let _told = told.send(());
            }
        }
        left
    }

    /// How many messages were ever added.
    #[must_use]
    pub fn added(&self) -> u64 {
        self.waiting.lock().next
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
        self.waiting.lock().messages.values().map(|held| held.message.clone()).collect()
    }

    /// Waits for messages after number `after` that have not arrived by that way, and answers up to `most` of them, oldest
    /// first. Each way has one receiver.
    pub async fn after(&self, way: Way, after: Option<u64>, most: usize) -> Vec<(u64, Outgoing)> {
        loop {
            let found: Vec<_> = {
                let waiting = self.waiting.lock();
                let from = after.map_or(0, |n| n.saturating_add(1));
                let open = waiting.messages.range(from..).filter(|(_, held)| held.open[way as usize]);
                open.take(most).map(|(number, held)| (*number, held.message.clone())).collect()
            };
            if !found.is_empty() {
                return found;
            }
            self.more[way as usize].notified().await;
        }
    }

    /// A message has arrived by that way; once it has by all, it is taken out.
    pub fn arrived(&self, way: Way, number: u64) {
        let mut waiting = self.waiting.lock();
        let Some(held) = waiting.messages.get_mut(&number) else { return };
        held.open[way as usize] = false;
        if held.open == [false; 2]
            && let Some(held) = waiting.messages.remove(&number)
        {
            waiting.numbers.remove(&held.message.id);
            for told in held.watched {
                // Who has given up waiting is not told.
                let _gone = told.send(());
            }
        }
    }

    /// The webhooks of an organization are others now.
    pub fn webhooks_changed(&self, org: &str) {
        self.webhooks.note(org);
    }

    /// Waits for organizations whose webhooks are others now, and takes their names.
    pub async fn changed_webhooks(&self) -> BTreeSet<String> {
        self.webhooks.take().await
    }

    /// The reports of an organization, or their times, are others now.
    pub fn reports_changed(&self, org: &str) {
        self.reports.note(org);
    }

    /// Waits for organizations whose reports are others now, and takes their names.
    pub async fn changed_reports(&self) -> BTreeSet<String> {
        self.reports.take().await
    }
}

/// The message of a low-balance alert.
#[must_use]
pub fn alert(org: &str, alert: &LowBalance) -> Outgoing {
    Outgoing {
        id: wire::alert_id(org, alert.credit_type, alert.crossing),
        subject: format!("{ALERTS}{org}.balance_low"),
        payload: wire::alert_json(org, alert).to_string().into_bytes(),
    }
}

/// The message of an alert about a limit.
#[must_use]
pub fn limit_alert(org: &str, alert: &LimitAlert) -> Outgoing {
    Outgoing {
        id: wire::limit_alert_id(org, alert),
        subject: format!("{ALERTS}{org}.limit_{}", alert.level.slug()),
        payload: wire::limit_alert_json(org, alert).to_string().into_bytes(),
    }
}

/// The message of an alert about a request of the auto-recharge.
#[must_use]
pub fn recharge_alert(org: &str, alert: &RechargeAlert) -> Outgoing {
    Outgoing {
        id: wire::recharge_alert_id(org, alert),
        subject: format!("{ALERTS}{org}.recharge_{}", alert.news.slug()),
        payload: wire::recharge_alert_json(org, alert).to_string().into_bytes(),
    }
}

/// The message of a notice.
#[must_use]
pub fn notice(org: &str, notice: &Notice) -> Outgoing {
    Outgoing {
        id: wire::notice_id(org, notice),
        subject: format!("{ALERTS}{org}.{}", notice.about.slug()),
        payload: wire::notice_json(org, notice).to_string().into_bytes(),
    }
}

/// The message of what running calls are told.
#[must_use]
pub fn call_news(org: &str, news: &CallNews) -> Outgoing {
    Outgoing {
        id: wire::call_message_id(org, news.number),
        subject: format!("{CALLS}{org}.{}", news.news.slug()),
        payload: wire::call_news_json(org, news).to_string().into_bytes(),
    }
}

/// The message of a call that was closed without its end, by its number.
#[must_use]
pub fn orphaned(org: &str, number: u64, orphaned: &Orphaned) -> Outgoing {
    Outgoing {
        id: wire::call_message_id(org, number),
        subject: format!("{CALLS}{org}.orphaned"),
        payload: wire::orphaned_json(org, number, orphaned).to_string().into_bytes(),
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
        let sent = outbox.after(Way::Stream, None, 10).await;
        assert_eq!(sent.iter().map(|(_, m)| m.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        outbox.arrived(Way::Stream, sent[0].0);
        assert_eq!(outbox.waiting(), [message("b")]);
        outbox.push(message("a"));
        assert_eq!(outbox.after(Way::Stream, Some(sent[1].0), 10).await[0].1, message("a"));
    }

    #[tokio::test]
    async fn who_watches_a_message_is_told_once_it_has_left_by_all_its_ways() {
        let outbox = Outbox::default();
        let alert = Outgoing { subject: "credits.alerts.acme.balance_low".to_owned(), ..message("a") };
        assert!(outbox.push(alert.clone()));
        let (mut first, mut second) = (outbox.left("a"), outbox.left("a"));
        assert!(!outbox.push(alert));
        outbox.arrived(Way::Stream, 0);
        assert!(first.try_recv().is_err() && second.try_recv().is_err());
        outbox.arrived(Way::Subscribers, 0);
        assert!(first.try_recv().is_ok() && second.try_recv().is_ok());
        assert!(outbox.left("a").try_recv().is_ok(), "nothing of that id waits");
        assert_eq!(outbox.added(), 1);
    }

    #[tokio::test]
    async fn an_alert_stays_until_it_arrived_by_both_ways_whichever_is_first() {
        for (first, second) in [(Way::Stream, Way::Subscribers), (Way::Subscribers, Way::Stream)] {
            let outbox = Outbox::default();
            let alert = Outgoing { subject: "credits.alerts.acme.balance_low".to_owned(), ..message("a") };
            assert_eq!(alert.alert(), Some(("acme", "balance_low")));
            outbox.push(message("refusal"));
            outbox.push(alert.clone());
            let stream = outbox.after(Way::Stream, None, 10).await;
            assert_eq!(stream.len(), 2);
            assert_eq!(outbox.after(Way::Subscribers, None, 10).await, stream[1..]);
            outbox.arrived(Way::Stream, stream[0].0);
            outbox.arrived(first, stream[1].0);
            outbox.arrived(first, stream[1].0);
            assert_eq!(outbox.waiting(), [alert]);
            assert_eq!(outbox.after(second, None, 10).await, stream[1..]);
            outbox.arrived(second, stream[1].0);
            assert!(outbox.is_empty());
        }
    }

    #[test]
    fn what_calls_are_told_is_an_alert() {
        let told = |kind: &str| Outgoing { subject: format!("credits.calls.acme.{kind}"), ..message("a") };
        assert_eq!(told("orphaned").alert(), Some(("acme", "call_orphaned")));
        assert_eq!(told("cutoff").alert(), Some(("acme", "call_cutoff")));
        assert_eq!(told("other").alert(), None);
    }

    #[tokio::test]
    async fn changes_of_webhooks_are_told_once_each() {
        let outbox = Outbox::default();
        for org in ["b", "a", "b"] {
            outbox.webhooks_changed(org);
        }
        let told: Vec<String> = outbox.changed_webhooks().await.into_iter().collect();
        assert_eq!(told, ["a", "b"]);
        outbox.webhooks_changed("a");
        assert_eq!(outbox.changed_webhooks().await.len(), 1);
    }
}
