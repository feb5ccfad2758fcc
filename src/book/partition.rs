//! The fold of a partition: records in, outcomes and effects out. No clock, no waiting, no broker.
//!
//! The daemon's pipeline and the offline `replay` both go through here, so that what is replayed is what was run.

mod recalling;

use std::sync::Arc;

use self::recalling::Applied;
use super::commons::Commons;
use super::due::Due;
use super::promises::Held;
use super::row;
use super::shelf::History;
use super::{Book, OrgName, Slot};
use crate::ledger::catalog::Catalog;
use crate::ledger::effect::{Effect, Outcome, Recall};
use crate::ledger::entry::{CatalogCommand, Command, Entry, Event, What};
use crate::ledger::org::Org;
use crate::ledger::refusals::unknown_org;
use crate::ledger::rejection::{Reason, Rejection};
use crate::ledger::units::{EventId, Millis, Position, Timestamp};
use crate::log::Record;
use crate::store::history::Row as StoredRow;
use crate::store::{OrgKey, StoreError};
use crate::wire::{AnyCommand, Decoder, Subject, decode_command};

/// What listens to a fold.
pub trait Listener {
    /// An item came to an end.
    fn outcome(&mut self, record: &Record, item: Item<'_>, outcome: &Outcome);
    /// Something leaves.
    fn effect(&mut self, org: &str, effect: &Effect);
}

/// An event older than this, when it arrives, is late.
const LATE: Millis = Millis(3_600_000);

/// An item of a record.
#[derive(Clone, Copy, Debug)]
pub struct Item<'a> {
    /// Where it stands.
    pub position: Position,
    /// The organization its subject names, if it names one.
    pub org: Option<&'a str>,
    /// Whether it is an event, not a command.
    pub is_event: bool,
    /// Whether the event is over an hour older than its record.
    pub late: bool,
}

/// An organization that changed since it was last written.
pub type Dirty = (OrgKey, OrgName);

/// A partition being folded.
#[derive(Debug)]
pub struct Partition {
    book: Arc<Book>,
    commons: Commons,
    history: History,
    /// Organizations by number.
    names: Vec<OrgName>,
    dirty: Vec<Dirty>,
    due: Due,
    effects: Vec<Effect>,
    row: Vec<u8>,
}

impl Partition {
    /// A partition that goes on from `commons`, over what the book holds.
    #[must_use]
    pub fn new(book: Arc<Book>, commons: Commons, history: History) -> Self {
        let mut names = vec![OrgName::default(); commons.next_key as usize];
        let mut due = Due::default();
        for mut slot in book.slots.iter_mut() {
            let (name, slot) = slot.pair_mut();
            if let Some(place) = names.get_mut(slot.key.0 as usize) {
                *place = name.clone();
            }
            slot.due = Timestamp::MAX;
            due.note(slot, &commons.catalog);
        }
        *book.catalog.write() = Arc::clone(&commons.catalog);
        Partition {
            book,
            commons,
            history,
            names,
            dirty: Vec::new(),
            due,
            effects: Vec::new(),
            row: Vec::new(),
        }
    }

    /// What belongs to no organization.
    #[must_use]
    pub fn commons(&self) -> &Commons {
        &self.commons
    }

    /// The history's open end.
    pub fn history(&mut self) -> &mut History {
        &mut self.history
    }

    /// The history, to look back.
    #[must_use]
    pub fn past(&self) -> &History {
        &self.history
    }

    /// The organizations.
    #[must_use]
    pub fn book(&self) -> &Arc<Book> {
        &self.book
    }

    /// Takes the list of organizations that changed since it was taken last.
    pub fn take_dirty(&mut self) -> Vec<Dirty> {
        std::mem::take(&mut self.dirty)
    }

    /// Puts organizations back on the list, because they could not be written.
    pub fn still_dirty(&mut self, orgs: Vec<Dirty>) {
        self.dirty.extend(orgs);
    }

    /// The names of all organizations, by number.
    #[must_use]
    pub fn names(&self) -> &[OrgName] {
        &self.names
    }

    /// The next instant at which something happens by itself.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.due.next()
    }

    /// Applies a record.
    ///
    /// # Errors
    /// [`StoreError`] when the history cannot be recalled or kept: the record is then applied in part and the
    /// partition must not go on.
    pub fn apply(&mut self, record: &Record, listener: &mut dyn Listener) -> Result<(), StoreError> {
        if record.seq <= self.commons.seq {
            return Ok(());
        }
        let at = self.commons.at.max(record.at);
        self.commons.at = at;
        let mut failure = self.pass_time(record, listener);
        match Subject::parse(&record.draft.subject) {
            Err(error) => {
                let rejection = Rejection::new(Reason::UnknownSubject, "subject", error.to_string());
                self.stray(record, 0, None, true, rejection, listener);
            }
            Ok(Subject::Tick) => {}
            Ok(Subject::Events(org)) => {
                let headers = record.draft.headers.as_deref().map_or(&[][..], Vec::as_slice);
                let decoder = Decoder { org, headers, at };
                decoder.decode(&record.draft.payload, &mut |item, event| {
                    if failure.is_ok() {
                        failure = match event {
                            Ok(event) => self.event(record, item, org, event, listener),
                            Err(rejection) => {
                                self.stray(record, item, Some(org), true, rejection, listener);
                                Ok(())
                            }
                        };
                    }
                });
            }
            Ok(subject @ (Subject::Commands(_) | Subject::Catalog)) => {
                decode_command(subject, &record.draft.payload, &mut |item, command| {
                    if failure.is_ok() {
                        failure = self.command(record, item, subject, command, listener);
                    }
                });
            }
        }
        self.commons.seq = record.seq;
        failure
    }

    /// Lets the log's time pass: what falls due by itself happens at its own instant.
    fn pass_time(&mut self, record: &Record, listener: &mut dyn Listener) -> Result<(), StoreError> {
        let (at, position) = (self.commons.at, Position { seq: record.seq, item: 0 });
        while let Some((instant, key)) = self.due.take(at) {
            let Some(name) = self.names.get(key.0 as usize).cloned() else { continue };
            let Some(mut slot) = self.book.slots.get_mut(&name) else { continue };
            slot.due = Timestamp::MAX;
            // What was due may have moved on since: then nothing happens now.
            if slot.org.next_change(&self.commons.catalog) <= instant {
                slot.org.advance(instant, &self.commons.catalog, &mut self.effects);
            }
            note(&mut slot, &self.names, &mut self.dirty, &mut self.due, &self.commons.catalog);
            drop(slot);
            self.tell(&name, Some(key), position, listener)?;
        }
        Ok(())
    }

    fn event(
        &mut self,
        record: &Record,
        item: u32,
        org: &str,
        event: &Event<'_>,
        listener: &mut dyn Listener,
    ) -> Result<(), StoreError> {
        let position = Position { seq: record.seq, item };
        let entry = Entry { position, at: self.commons.at, what: What::Event(event.clone()) };
        let Some(Applied { key, outcome, recalled }) = self.apply_to(org, &entry)? else {
            self.stray(record, item, Some(org), true, unknown_org(org), listener);
            return Ok(());
        };
        self.row.clear();
        if let Some((id, hour)) =
            row::encode(self.commons.at, event, &outcome, recalled.as_deref(), &mut self.row)
                .map_err(|source| StoreError::Row { key, position, source })?
        {
            self.history.push(StoredRow {
                key,
                position,
                at: self.commons.at,
                id,
                hour,
                bytes: &self.row,
            })?;
        }
        let late = event.time.plus(LATE) < self.commons.at;
        listener.outcome(record, Item { position, org: Some(org), is_event: true, late }, &outcome);
        self.tell(org, Some(key), position, listener)
    }

    fn command(
        &mut self,
        record: &Record,
        item: u32,
        subject: Subject<'_>,
        command: Result<AnyCommand, Rejection>,
        listener: &mut dyn Listener,
    ) -> Result<(), StoreError> {
        let position = Position { seq: record.seq, item };
        let org = match subject {
            Subject::Commands(org) => Some(org),
            _ => None,
        };
        let outcome = match (command, org) {
            (Err(rejection), _) => Outcome::Rejected(rejection),
            (Ok(AnyCommand::Catalog(command)), _) => {
                self.catalog_command(command).map_or_else(Outcome::Rejected, |()| Outcome::Done)
            }
            (Ok(AnyCommand::Org(command)), Some(org)) => self.org_command(position, org, command)?,
            (Ok(AnyCommand::Org(_)), None) => return Ok(()),
        };
        listener.outcome(record, Item { position, org, is_event: false, late: false }, &outcome);
        let org = org.unwrap_or_default();
        let key = self.book.read(org, |slot| slot.key);
        self.tell(org, key, position, listener)
    }

    /// Passes on what left an organization, and keeps in the history how its credits moved.
    fn tell(
        &mut self,
        org: &str,
        key: Option<OrgKey>,
        position: Position,
        listener: &mut dyn Listener,
    ) -> Result<(), StoreError> {
        let at = self.commons.at;
        for effect in self.effects.drain(..) {
            self.row.clear();
            if let Some(key) = key
                && row::encode_effect(at, &effect, &mut self.row).map_err(|source| StoreError::Row {
                    key,
                    position,
                    source,
                })?
            {
                let (id, hour) = (EventId::default(), at.hour());
                self.history.push(StoredRow { key, position, at, id, hour, bytes: &self.row })?;
            }
            listener.effect(org, &effect);
        }
        Ok(())
    }

    fn catalog_command(&mut self, command: CatalogCommand) -> Result<(), Rejection> {
        // On a copy: a refused command leaves nothing behind.
        let mut catalog = Catalog::clone(&self.commons.catalog);
        let plan = match &command {
            CatalogCommand::PutPlan(plan, _) => Some(plan.id.clone()),
            CatalogCommand::PutRateCard(_) => None,
        };
        catalog.apply(command, self.commons.at)?;
        self.commons.catalog = Arc::new(catalog);
        *self.book.catalog.write() = Arc::clone(&self.commons.catalog);
        if let Some(plan) = plan {
            self.due.note_orgs_on(&plan, &self.book, &self.commons.catalog);
        }
        Ok(())
    }

    fn org_command(
        &mut self,
        position: Position,
        org: &str,
        command: Command,
    ) -> Result<Outcome, StoreError> {
        let promised = if let Command::Hold(hold) = &command { Some(Held::from(&**hold)) } else { None };
        let creates = matches!(command, Command::PutOrg(_));
        let entry = Entry { position, at: self.commons.at, what: What::Command(command) };
        let outcome = match self.apply_to(org, &entry)? {
            Some(applied) => applied.outcome,
            None if creates => self.create(org, &entry),
            None => Outcome::Rejected(unknown_org(org)),
        };
        // What was promised is in the books now, or never will be.
        promised.iter().for_each(|hold| self.book.promises.forget(org, hold));
        Ok(outcome)
    }

    /// Makes an organization of the command that creates it.
    fn create(&mut self, org: &str, entry: &Entry<'_>) -> Outcome {
        let mut new = Org::default();
        let outcome = new.apply(entry, &self.commons.catalog, &Recall::default(), &mut self.effects);
        if outcome == Outcome::Done {
            let name = OrgName::from(org);
            let key = OrgKey(self.commons.next_key);
            self.commons.next_key = key.0.saturating_add(1);
            self.names.push(name.clone());
            let mut slot = Box::new(Slot { key, dirty: false, due: Timestamp::MAX, org: new });
            note(&mut slot, &self.names, &mut self.dirty, &mut self.due, &self.commons.catalog);
            self.book.slots.insert(name, slot);
        }
        outcome
    }

    /// Refuses an item that reaches no organization.
    fn stray(
        &mut self,
        record: &Record,
        item: u32,
        org: Option<&str>,
        is_event: bool,
        rejection: Rejection,
        listener: &mut dyn Listener,
    ) {
        let count = self.commons.stray.entry(rejection.reason).or_default();
        *count = count.saturating_add(1);
        let position = Position { seq: record.seq, item };
        let item = Item { position, org, is_event, late: false };
        listener.outcome(record, item, &Outcome::Rejected(rejection));
    }
}

/// Notes that an organization changed, and when it is to be looked at by itself.
fn note(slot: &mut Slot, names: &[OrgName], dirty: &mut Vec<Dirty>, due: &mut Due, catalog: &Catalog) {
    if !slot.dirty
        && let Some(name) = names.get(slot.key.0 as usize)
    {
        slot.dirty = true;
        dirty.push((slot.key, name.clone()));
    }
    due.note(slot, catalog);
}
