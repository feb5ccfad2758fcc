//! The runner: begins what is due, and sends what waits.
//!
//! The wall clock is looked at every second, whatever it did in between: it may be set. While a start still replays, the book tells of
//! the past, and nothing is begun.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Semaphore, watch};
use tokio::task::{self, JoinSet};

use super::agenda::{Agenda, FallenDue, fallen_due, next_due};
use super::letter::{About, Letter};
use super::sending::Outcome;
use super::{AT_ONCE, Key, Mail, MailState, Reports, Sending, Why};
use crate::book::desk::Desk;
use crate::clock;
use crate::ledger::calendar::Zone;
use crate::ledger::reports::schedule::Schedule;
use crate::ledger::reports::{DIMENSIONS, Report};
use crate::ledger::units::{Millis, Timestamp};
use crate::query::{self, UsageError};

/// How often the clock is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// When a report is looked at again whose billing period is over and has not turned yet, or which could not be begun.
const AGAIN: Millis = Millis(5_000);
/// How long mails that are under way at the stop may take. One that takes longer is sent again after the next start.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);

/// Sends reports until told to stop.
pub async fn run(desk: Arc<Desk>, reports: Arc<Reports>, mut stop: watch::Receiver<bool>) {
    let places = usize::try_from(AT_ONCE).unwrap_or(1);
    let mut runner = Runner {
        desk,
        reports,
        agenda: Agenda::default(),
        called: false,
        under_way: Arc::default(),
        places: Arc::new(Semaphore::new(places)),
        sending: JoinSet::new(),
    };
    // Whoever could say stop being gone means stop, too.
    tokio::select! {
        _ = stop.wait_for(|stop| *stop) => {}
        () = runner.run() => {}
    }
    let ended = async { while runner.sending.join_next().await.is_some() {} };
    if tokio::time::timeout(CLOSE_WITHIN, ended).await.is_err() {
        tracing::info!("reports that are under way are broken off, and sent again after the next start");
    }
}

struct Runner {
    desk: Arc<Desk>,
    reports: Arc<Reports>,
    agenda: Agenda,
    /// Whether the book tells of the present, and all its reports are on the agenda.
    called: bool,
    under_way: Arc<Mutex<BTreeSet<(Key, u64)>>>,
    places: Arc<Semaphore>,
    sending: JoinSet<()>,
}

/// What of a report is to be done, as the book has it.
struct Standing {
    due: Option<FallenDue>,
    next: Option<Timestamp>,
    report: Report,
}

impl Runner {
    async fn run(&mut self) {
        let (desk, reports) = (Arc::clone(&self.desk), Arc::clone(&self.reports));
        loop {
            if !self.called && desk.progress.is_caught_up() {
                self.call().await;
            }
            tokio::select! {
                orgs = desk.outbox.changed_reports(), if self.called => {
                    for org in orgs {
                        self.follow(&org).await;
                    }
                }
                () = reports.more.notified() => {}
                _ = self.sending.join_next(), if !self.sending.is_empty() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
            if self.called {
                self.begin_due(clock::now()).await;
                self.send_waiting(clock::now());
            }
        }
    }

    /// Puts every report of the book on the agenda, and forgets those that the book does not have.
    async fn call(&mut self) {
        let mut keys = BTreeSet::new();
        self.desk.book.each(|org, slot| {
            keys.extend(slot.org.reports().map(|(id, _)| Key { org: org.to_string(), id: id.to_owned() }));
        });
        for gone in self.reports.known().iter().filter(|key| !keys.contains(key)) {
            self.reports.forget(gone).await;
        }
        keys.iter().for_each(|key| self.agenda.note(key, Some(Timestamp::MIN)));
        self.called = true;
    }

    /// Brings the reports of an organization in line with the book.
    async fn follow(&mut self, org: &str) {
        let ids = self
            .desk
            .book
            .read(org, |slot| slot.org.reports().map(|(id, _)| id.to_owned()).collect::<BTreeSet<String>>());
        let ids = ids.unwrap_or_default();
        let known = self.reports.known().into_iter().filter(|key| key.org == org);
        let gone: BTreeSet<Key> =
            self.agenda.of_org(org).into_iter().chain(known).filter(|key| !ids.contains(&key.id)).collect();
        for key in gone {
            self.agenda.note(&key, None);
            self.reports.forget(&key).await;
        }
        for id in ids {
            self.agenda.note(&Key { org: org.to_owned(), id }, Some(Timestamp::MIN));
        }
    }

    /// Begins what is due, and notes when each is due next.
    async fn begin_due(&mut self, now: Timestamp) {
        while let Some(key) = self.agenda.take(now) {
            let Some(Standing { due, next, report }) = self.standing(&key, now) else { continue };
            let mut again = next;
            if let Some(due) = due.filter(|_| self.reports.post.is_some())
                && let Err(error) = self.begin(&key, &report, due, now).await
            {
                tracing::warn!(org = key.org, report = key.id, %error, "a report that is due could not be begun, and is tried again");
                again = Some(now.plus(AGAIN));
            }
            let by_cycles = matches!(report.schedule, Schedule::Cycle { .. }) && report.enabled;
            self.agenda.note(&key, again.or_else(|| by_cycles.then(|| now.plus(AGAIN))));
        }
    }

    fn standing(&self, key: &Key, now: Timestamp) -> Option<Standing> {
        self.desk.book.read(&key.org, |slot| {
            let report = slot.org.report(&key.id)?;
            let handled = self.reports.past(key, report.created).handled;
            let due = fallen_due(report, &slot.org, handled, now);
            Some(Standing { due, next: next_due(report, &slot.org, now), report: report.clone() })
        })?
    }

    async fn begin(
        &self,
        key: &Key,
        report: &Report,
        due: FallenDue,
        now: Timestamp,
    ) -> Result<(), super::ReportsError> {
        let FallenDue { at, period, missed } = due;
        let range = query::within(report, Some(period));
        let sending = Sending::new(Why::Scheduled(at), range, missed, report.recipients(), now);
        self.reports.begin(key, report.created, sending).await.map(drop)
    }

    /// Sends what waits, as far as there are places.
    fn send_waiting(&mut self, now: Timestamp) {
        if self.reports.post.is_none() {
            return;
        }
        for (key, number) in self.reports.due(now) {
            if self.under_way.lock().contains(&(key.clone(), number)) {
                continue;
            }
            let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else { return };
            self.under_way.lock().insert((key.clone(), number));
            let (desk, reports, under_way) =
                (Arc::clone(&self.desk), Arc::clone(&self.reports), Arc::clone(&self.under_way));
            self.sending.spawn(async move {
                deliver(&desk, &reports, &key, number).await;
                under_way.lock().remove(&(key, number));
                drop(place);
            });
        }
    }
}

/// Tries the mails of a sending whose time has come.
async fn deliver(desk: &Arc<Desk>, reports: &Reports, key: &Key, number: u64) {
    let now = clock::now();
    let Some(sending) = reports.past.lock().get_mut(key).and_then(|past| past.sending(number).cloned())
    else {
        return;
    };
    let is_due = |mail: &&Mail| matches!(mail.state, MailState::Waiting(at) if at <= now);
    let due: Vec<String> = sending.mails.iter().filter(is_due).map(|mail| mail.to.clone()).collect();
    let letter = match write(desk, key, &sending).await {
        Ok(letter) => letter,
        Err(outcome) => {
            for to in due {
                reports.note(key, number, &to, outcome.clone(), clock::now()).await;
            }
            return;
        }
    };
    let mut unreachable = None;
    for to in due {
        let outcome = match &unreachable {
            // Who could not be reached a moment ago is not asked for every recipient.
            Some(why) => Outcome::Unreachable(String::clone(why)),
            None => send(desk, reports, key, (&letter, &sending), &to).await,
        };
        if let Outcome::Unreachable(why) = &outcome {
            unreachable = Some(why.clone());
        }
        reports.note(key, number, &to, outcome, clock::now()).await;
    }
}

async fn send(
    desk: &Desk,
    reports: &Reports,
    key: &Key,
    (letter, sending): (&Letter, &Sending),
    to: &str,
) -> Outcome {
    let wanted = desk.book.read(&key.org, |slot| {
        slot.org.report(&key.id).is_some_and(|report| report.recipients().any(|address| address == to))
    });
    let Some(post) = reports.post.as_ref().filter(|_| wanted == Some(true)) else {
        return Outcome::Dropped("the address does not get this report any more".to_owned());
    };
    let leave = reports.links.link(key, to);
    match letter.mail(&post.from, to, sending, leave.as_deref()) {
        Ok(mail) => post.send(mail).await,
        Err(error) => Outcome::Refused(error.to_string()),
    }
}

/// Writes the letter of a sending, with the figures as they are now.
async fn write(desk: &Arc<Desk>, key: &Key, sending: &Sending) -> Result<Letter, Outcome> {
    let unread = |why: String| Outcome::Unreachable(format!("the history cannot be read: {why}"));
    let gone = || Outcome::Dropped("the report is gone".to_owned());
    let found = desk.book.read(&key.org, |slot| {
        let report = slot.org.report(&key.id)?.clone();
        Some((slot.org.name().map(str::to_owned), report.zone_in(slot.org.zone()), report))
    });
    let (org_name, zone, report): (Option<String>, Zone, Report) = found.flatten().ok_or_else(gone)?;
    let question = query::report_question(&report.content, report.zone.as_ref(), &sending.range);
    let (asked, org) = (Arc::clone(desk), key.org.clone());
    let usage = move || query::whole_usage(&asked, &org, question, clock::now());
    let usage = task::spawn_blocking(usage).await.map_err(|error| unread(error.to_string()))?;
    let usage = usage.map_err(|error| match error {
        UsageError::Refused(refused) => Outcome::Refused(refused.why),
        UsageError::Unread(error) => unread(error.to_string()),
        UsageError::Gone(why) => unread(why.to_owned()),
    })?;
    let usage = usage.ok_or_else(gone)?;
    let about = About {
        key,
        created: report.created,
        org_name: org_name.as_deref(),
        title: report.title.as_deref(),
        filters: filters(&report),
        zone: &zone,
    };
    Ok(Letter::new(&about, &usage, sending))
}

/// What a report chooses by, in words.
fn filters(report: &Report) -> Vec<String> {
    let shown = |value: &str| if value.is_empty() { "(none)".to_owned() } else { value.to_owned() };
    let of = |name: &str| report.content.values(name).map(shown).collect::<Vec<_>>().join(", ");
    let names = DIMENSIONS.iter().copied().chain(["search"]);
    names
        .filter(|name| !of(name).is_empty())
        .map(|name| format!("{}: {}", name.replace('_', " "), of(name)))
        .collect()
}
