//! Reports by mail: what organizations ordered, sent when it is due, tried for a day, and what became of it.
//!
//! ```text
//! book ─► agenda: what is due ─► journal: it is begun ─► letter: figures, HTML, CSV ─► post: SMTP
//!                                   ▲                                                     │
//!                                   └───────────────── what came of it ───────────────────┘
//! ```
//!
//! - `agenda` tells what is due, from an organization and an instant.
//! - `sending` is one report about one period: a mail for each recipient. `journal` keeps them on disk.
//! - `letter` writes the mail, `post` hands it to the SMTP server, `links` let its reader leave.
//! - `runner` drives all of it.
//!
//! What holds:
//!
//! - A report that fell due is begun once: on disk before anything is sent, with the time it was due.
//! - A mail is sent until the server takes it or refuses it, for a day. One that a crash cut off goes out again under the same Message-ID.
//! - After a downtime a report is sent once, about its last period, and says which times it missed.
//! - What is sent is what the history tells at that moment; what arrives later counts at its own time.

pub mod agenda;
mod journal;
mod letter;
mod links;
mod post;
mod runner;
mod sending;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::task;

use self::journal::Journal;
pub use self::journal::JournalError;
use self::links::Links;
pub use self::post::{Post, PostError};
pub use self::runner::run;
use self::sending::Outcome;
pub use self::sending::{Mail, MailState, Past, Sending, Why};
use crate::config;
use crate::ledger::units::{Millis, Position, Timestamp};

/// The most mails that are sent at once.
const AT_ONCE: u32 = 4;

/// The most sendings of a report that may be under way.
pub const MOST_UNDER_WAY: usize = 5;

/// A report: its organization and its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The organization.
    pub org: String,
    /// The report's name within it.
    pub id: String,
}

/// Why reports cannot be sent or kept.
#[derive(Debug, thiserror::Error)]
pub enum ReportsError {
    /// What was sent cannot be read or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The key of the links cannot be read or written.
    #[error("the key of the links by which reports are left, {path}: {source}")]
    Links {
        /// Its file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// The settings of the mail server make no sense.
    #[error(transparent)]
    Post(#[from] PostError),
    /// A task was broken off.
    #[error("what was sent could not be kept: {0}")]
    Broken(#[from] task::JoinError),
    /// Too many of one report wait.
    #[error("{MOST_UNDER_WAY} sendings of this report are under way; wait until one has ended")]
    TooMany,
}

/// What is counted, since the start of the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Mails that the server took.
    pub sent: u64,
    /// Attempts that failed for the moment.
    pub failed: u64,
    /// Mails that the server refused, or that could not be made.
    pub refused: u64,
    /// Mails that were given up after a day.
    pub given_up: u64,
    /// Mails that wait.
    pub waiting: usize,
}

/// What became of mails, counted.
#[derive(Debug, Default)]
struct Tally {
    sent: AtomicU64,
    failed: AtomicU64,
    refused: AtomicU64,
    given_up: AtomicU64,
}

/// Reports by mail.
#[derive(Debug)]
pub struct Reports {
    post: Option<Post>,
    links: Links,
    give_up_after: Millis,
    journal: Arc<Journal>,
    /// Held while something is brought to the disk: one after the other.
    writing: tokio::sync::Mutex<()>,
    past: Mutex<BTreeMap<Key, Past>>,
    /// When the next mail of each sending under way is to be tried.
    waiting: Mutex<BTreeMap<(Key, u64), Timestamp>>,
    more: Notify,
    tally: Tally,
}

impl Reports {
    /// Opens what is kept in a folder. Without settings of a mail server nothing is sent.
    ///
    /// # Errors
    /// [`ReportsError`] where the disk refuses, or the settings make no sense.
    pub fn open(folder: &Path, mail: Option<&config::Mail>) -> Result<Reports, ReportsError> {
        let (journal, past) = Journal::open(folder)?;
        let key = folder.join("links.key");
        let links = Links::open(&key, mail.and_then(|mail| mail.public_url.clone()));
        let links =
            links.map_err(|source| ReportsError::Links { path: key.display().to_string(), source })?;
        let reports = Reports {
            post: mail.map(Post::new).transpose()?,
            links,
            give_up_after: mail.map_or(Millis(0), |mail| mail.give_up_after),
            journal: Arc::new(journal),
            writing: tokio::sync::Mutex::default(),
            past: Mutex::default(),
            waiting: Mutex::default(),
            more: Notify::new(),
            tally: Tally::default(),
        };
        past.into_iter().for_each(|(key, past)| reports.know(&key, past));
        Ok(reports)
    }

    /// Who mails are from; none where none are sent.
    #[must_use]
    pub fn sender(&self) -> Option<String> {
        self.post.as_ref().map(|post| post.from.to_string())
    }

    /// What is kept of a report's sendings: of the one that was defined by that entry.
    #[must_use]
    pub fn past(&self, key: &Key, created: Position) -> Past {
        let known = self.past.lock().get(key).filter(|past| past.created == created).cloned();
        known.unwrap_or(Past { created, ..Past::default() })
    }

    /// Begins a sending: from here on it is known. Answers its number.
    ///
    /// # Errors
    /// [`ReportsError`] where it cannot be kept, or where too many are under way.
    pub async fn begin(&self, key: &Key, created: Position, sending: Sending) -> Result<u64, ReportsError> {
        let turn = self.writing.lock().await;
        let mut past = self.past(key, created);
        let under_way = past.sendings.iter().filter(|sending| sending.next_attempt().is_some()).count();
        if sending.why == Why::OnDemand && under_way >= MOST_UNDER_WAY {
            return Err(ReportsError::TooMany);
        }
        let number = past.begin(sending);
        self.write(key, past.clone()).await?;
        self.know(key, past);
        drop(turn);
        self.more.notify_one();
        Ok(number)
    }

    /// The report that a link leaves, and for which address, if the link is one of ours.
    #[must_use]
    pub fn leaving(&self, token: &str) -> Option<(Key, String)> {
        self.links.read(token)
    }

    /// How many mails came to which end.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let past = self.past.lock();
        let waits = |mail: &&Mail| matches!(mail.state, MailState::Waiting(_));
        let open = self.waiting.lock();
        let of = |(key, number): &(Key, u64)| {
            let sending = past.get(key)?.sendings.iter().find(|sending| sending.number == *number)?;
            Some(sending.mails.iter().filter(waits).count())
        };
        Counts {
            sent: count(&self.tally.sent),
            failed: count(&self.tally.failed),
            refused: count(&self.tally.refused),
            given_up: count(&self.tally.given_up),
            waiting: open.keys().filter_map(of).sum(),
        }
    }

    /// Takes in what came of an attempt at a mail. It is known from now on, also where the disk does not take it.
    async fn note(&self, key: &Key, number: u64, to: &str, outcome: Outcome, now: Timestamp) {
        let turn = self.writing.lock().await;
        let Some(mut past) = self.past.lock().get(key).cloned() else { return };
        let Some(sending) = past.sending(number) else { return };
        let give_up = sending.begun.plus(self.give_up_after);
        let Some(mail) = sending.mails.iter_mut().find(|mail| mail.to == to) else { return };
        let waits_on = matches!(outcome, Outcome::Failed(_) | Outcome::Unreachable(_));
        mail.tried(outcome, now, give_up);
        let counter = match mail.state {
            MailState::Sent(_) => Some(&self.tally.sent),
            MailState::Refused(_) => Some(&self.tally.refused),
            MailState::GivenUp(_) => Some(&self.tally.given_up),
            MailState::Waiting(_) | MailState::Dropped(_) => None,
        };
        let failed = waits_on.then_some(&self.tally.failed);
        counter.into_iter().chain(failed).for_each(|counter| {
            counter.fetch_add(1, Ordering::Relaxed);
        });
        say(key, mail);
        self.know(key, past.clone());
        if let Err(error) = self.write(key, past).await {
            tracing::warn!(org = key.org, report = key.id, %error, "what became of a mail is not on disk; after a crash it is sent again");
        }
        drop(turn);
    }

    /// Forgets a report that is no more.
    async fn forget(&self, key: &Key) {
        let turn = self.writing.lock().await;
        let known = self.past.lock().remove(key).is_some();
        self.waiting.lock().retain(|(of, _), _| of != key);
        if known && let Err(error) = self.journal.remove(key) {
            tracing::warn!(org = key.org, report = key.id, %error, "what was sent of a report that is gone is still on disk");
        }
        drop(turn);
    }

    async fn write(&self, key: &Key, past: Past) -> Result<(), ReportsError> {
        let (journal, key) = (Arc::clone(&self.journal), key.clone());
        Ok(task::spawn_blocking(move || journal.write(&key, &past)).await??)
    }

    fn know(&self, key: &Key, past: Past) {
        let mut waiting = self.waiting.lock();
        waiting.retain(|(of, _), _| of != key);
        for sending in &past.sendings {
            waiting.extend(sending.next_attempt().map(|at| ((key.clone(), sending.number), at)));
        }
        drop(waiting);
        self.past.lock().insert(key.clone(), past);
    }

    /// The sendings of which a mail is to be tried by an instant.
    fn due(&self, by: Timestamp) -> Vec<(Key, u64)> {
        let waiting = self.waiting.lock();
        waiting.iter().filter(|(_, at)| **at <= by).map(|(which, _)| which.clone()).collect()
    }

    /// The reports of which something is kept.
    fn known(&self) -> Vec<Key> {
        self.past.lock().keys().cloned().collect()
    }
}

/// What became of a mail, as a line of the daemon's own log. Addresses are not in it.
fn say(key: &Key, mail: &Mail) {
    let (org, report, tries) = (&key.org, &key.id, mail.tries);
    let reason = mail.reason.as_deref().unwrap_or_default();
    match mail.state {
        MailState::Sent(_) => tracing::debug!(org, report, tries, "a report was sent"),
        MailState::Waiting(_) => {
            tracing::warn!(org, report, tries, reason, "a report could not be sent, and is tried again")
        }
        MailState::Refused(_) | MailState::GivenUp(_) => {
            tracing::warn!(org, report, tries, reason, "a report is not sent to one of its recipients");
        }
        MailState::Dropped(_) => {
            tracing::info!(org, report, reason, "a report is no longer sent to one of its recipients")
        }
    }
}
