//! The last alerts: kept in a log of their own, listed newest first, and told live to whoever listens.
//!
//! The log is a [local log](crate::log::local) as the one of events is: synced before it answers, sound after a crash. What is
//! kept of it is in memory too. An alert that is kept already is not kept twice, so a replay changes nothing.

use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;
use parking_lot::Mutex;
use tokio::sync::mpsc;

use crate::book::outbox::Outgoing;
use crate::clock;
use crate::log::local::{LocalLog, Options};
use crate::log::{Draft, Log, LogError, Record};

/// The most alerts that are kept of one organization: the oldest goes first.
pub const MOST_OF_ORG: usize = 1_000;
/// The most alerts that are kept of all organizations together: the oldest goes first.
pub const MOST_IN_ALL: usize = 100_000;
/// The most alerts that wait for one listener. One that does not keep up is cut off.
pub const MOST_UNHEARD: usize = 64;
/// The most listeners of one organization.
pub const MOST_LISTENERS: usize = 64;
/// The most organizations that are listened to at once.
pub const MOST_LISTENED_TO: usize = 1_024;

/// The size of a file of the log, in bytes: a file goes when nothing in it is kept any more.
const SEGMENT: u64 = 8 << 20;
/// The header of a record that holds the alert's id.
const ID: &str = "id";

/// An alert that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Its place among all: later ones have higher numbers.
    pub number: u64,
    /// Its stable id.
    pub id: String,
    /// Its kind, as `balance_low`.
    pub kind: String,
    /// A CloudEvent as JSON.
    pub payload: Bytes,
}

/// The last alerts.
#[derive(Debug)]
pub struct Alerts {
    log: LocalLog,
    shelf: Mutex<Shelf>,
}

/// What is kept, and who listens.
#[derive(Debug, Default)]
struct Shelf {
    orgs: HashMap<String, VecDeque<Arc<Alert>>>,
    /// The organization of each alert there was, oldest first.
    order: VecDeque<(u64, String)>,
    listeners: HashMap<String, Vec<mpsc::Sender<Arc<Alert>>>>,
    closed: bool,
}

/// What a listener hears: first what it missed, oldest first, then what comes.
#[derive(Debug)]
pub struct Listening {
    /// What is kept and came after the alert it heard last.
    pub missed: Vec<Arc<Alert>>,
    /// What comes from now on. It ends for a listener that does not keep up, and when the daemon stops.
    pub live: mpsc::Receiver<Arc<Alert>>,
}

impl Alerts {
    /// Opens the log in a folder, which is made if it is not there, and reads what is kept.
    ///
    /// # Errors
    /// [`LogError`] when the disk refuses or a file is damaged.
    pub async fn open(folder: &Path) -> Result<Alerts, LogError> {
        let options = Options { segment_bytes: SEGMENT };
        let (log, report) = LocalLog::open(folder, options, Arc::new(clock::now))?;
        if let Some(torn) = &report.torn {
            tracing::warn!(
                ?torn,
                "the last alert was never wholly written; it is kept anew when it is raised again"
            );
        }
        let mut shelf = Shelf::default();
        let last = log.extent().await?.last;
        let mut reader = log.reader(log.start()).await?;
        let (mut batch, mut seen) = (Vec::new(), log.start().seq);
        while seen < last {
            reader.next(&mut batch).await?;
            for record in batch.drain(..) {
                seen = record.seq;
                if let Some((org, alert)) = read(record) {
                    shelf.add(org, alert);
                }
            }
        }
        Ok(Alerts { log, shelf: Mutex::new(shelf) })
    }

    /// Keeps those alerts among messages that are not kept yet, durably once answered, and tells whoever listens.
    ///
    /// # Errors
    /// [`LogError`] when the disk did not take all of them; keep them again later.
    pub async fn keep<'a>(&self, messages: impl Iterator<Item = &'a Outgoing>) -> Result<(), LogError> {
        let new: Vec<(&str, &str, &Outgoing)> = {
            let shelf = self.shelf.lock();
            let alerts =
                messages.filter_map(|message| message.alert().map(|(org, kind)| (org, kind, message)));
            alerts.filter(|(org, _, message)| shelf.find(org, &message.id).is_none()).collect()
        };
        let written = join_all(new.iter().map(|(_, _, message)| self.log.append(draft(message)))).await;
        let (mut kept, mut failed) = (Vec::new(), None);
        for (result, (org, kind, message)) in written.into_iter().zip(new) {
            match result {
                Ok(number) => {
                    let (id, kind) = (message.id.clone(), kind.to_owned());
                    kept.push((org, Alert { number, id, kind, payload: message.payload.clone().into() }));
                }
                Err(error) => failed = Some(error),
            }
        }
        kept.sort_by_key(|(_, alert)| alert.number);
        let oldest = {
            let mut shelf = self.shelf.lock();
            for (org, alert) in kept {
                let alert = shelf.add(org.to_owned(), alert);
                shelf.tell(org, &alert);
            }
            shelf.order.front().map(|(number, _)| *number)
        };
        if let Some(Err(error)) = oldest.map(|oldest| self.log.release(oldest)) {
            tracing::warn!(%error, "old alerts stay on the disk for now");
        }
        failed.map_or(Ok(()), Err)
    }

    /// The newest alerts of an organization, newest first; with `before`, those that came before that number.
    #[must_use]
    pub fn newest(&self, org: &str, before: Option<u64>, most: usize) -> Vec<Arc<Alert>> {
        let shelf = self.shelf.lock();
        let all = shelf.orgs.get(org).into_iter().flatten().rev();
        all.filter(|alert| before.is_none_or(|before| alert.number < before)).take(most).cloned().collect()
    }

    /// An alert of an organization, if it is kept.
    #[must_use]
    pub fn find(&self, org: &str, id: &str) -> Option<Arc<Alert>> {
        self.shelf.lock().find(org, id).cloned()
    }

    /// Listens to an organization's alerts: those after the alert `heard` that are kept, and those that come. All that are
    /// kept, where the alert is not; without one only those that come. `None` while too many listen.
    #[must_use]
    pub fn listen(&self, org: &str, heard: Option<&str>) -> Option<Listening> {
        // Under one lock, so that nothing is missed between what is kept and what comes.
        let mut shelf = self.shelf.lock();
        let missed = heard.map_or_else(Vec::new, |heard| {
            let all: Vec<_> = shelf.orgs.get(org).into_iter().flatten().cloned().collect();
            let behind = all.iter().position(|alert| alert.id == heard).map_or(0, |place| place + 1);
            all.into_iter().skip(behind).collect()
        });
        let (sender, live) = mpsc::channel(MOST_UNHEARD);
        if !shelf.closed {
            shelf.forget_gone();
            let listening = shelf.listeners.get(org).map_or(0, Vec::len);
            if listening >= MOST_LISTENERS || shelf.listeners.len() >= MOST_LISTENED_TO {
                return None;
            }
            shelf.listeners.entry(org.to_owned()).or_default().push(sender);
        }
        Some(Listening { missed, live })
    }

    /// Ends all listening: the daemon stops.
    pub fn hush(&self) {
        let mut shelf = self.shelf.lock();
        shelf.closed = true;
        shelf.listeners.clear();
    }
}

impl Shelf {
    fn find(&self, org: &str, id: &str) -> Option<&Arc<Alert>> {
        self.orgs.get(org)?.iter().rev().find(|alert| alert.id == id)
    }

    /// Adds the newest alert, and lets go of what is too much.
    fn add(&mut self, org: String, alert: Alert) -> Arc<Alert> {
        let alert = Arc::new(alert);
        self.order.push_back((alert.number, org.clone()));
        let own = self.orgs.entry(org).or_default();
        own.push_back(Arc::clone(&alert));
        if own.len() > MOST_OF_ORG {
            own.pop_front();
        }
        while self.order.len() > MOST_IN_ALL
            && let Some((number, org)) = self.order.pop_front()
        {
            let Some(own) = self.orgs.get_mut(&org) else { continue };
            if own.front().is_some_and(|oldest| oldest.number <= number) {
                own.pop_front();
            }
            if own.is_empty() {
                self.orgs.remove(&org);
            }
        }
        alert
    }

    /// Forgets the listeners that went away.
    fn forget_gone(&mut self) {
        self.listeners.retain(|_, listeners| {
            listeners.retain(|listener| !listener.is_closed());
            !listeners.is_empty()
        });
    }

    fn tell(&mut self, org: &str, alert: &Arc<Alert>) {
        let Some(listeners) = self.listeners.get_mut(org) else { return };
        // Whoever does not keep up hears no more: its end of the channel closes once it has heard what waits.
        listeners.retain(|listener| listener.try_send(Arc::clone(alert)).is_ok());
        if listeners.is_empty() {
            self.listeners.remove(org);
        }
    }
}

fn draft(message: &Outgoing) -> Draft {
    Draft {
        subject: message.subject.clone(),
        headers: Some(Box::new(vec![(ID.to_owned(), message.id.clone())])),
        request: 0,
        payload: message.payload.clone().into(),
    }
}

/// The alert in a record, and whose it is.
fn read(record: Record) -> Option<(String, Alert)> {
    let Draft { subject, headers, payload, .. } = record.draft;
    let id = headers?.into_iter().find(|(name, _)| name == ID)?.1;
    let message = Outgoing { id, subject, payload: payload.to_vec() };
    let (org, kind) = message.alert().map(|(org, kind)| (org.to_owned(), kind.to_owned()))?;
    // A payload of its own: the record's shares the memory of all that was read with it.
    Some((org, Alert { number: record.seq, id: message.id, kind, payload: message.payload.into() }))
}

#[cfg(test)]
mod tests;
