//! Names: who and what there is in an organization, for people.
//!
//! An account, a team, a user or an entity is there from the first charged event that names it, or from a put. What puts said
//! and what events told are kept apart: a put is stronger, and what it left out is as the last charged event had it.
//!
//! Most events name what is known already and would change nothing. Which those are a cache knows (`seen.rs`), so that
//! they cost one probe. It changes no result, and no checkpoint holds it.

mod record;
mod seen;

use std::collections::BTreeMap;
use std::iter;
use std::ops::Bound;

use prefetch_index::prefetch_index;
use serde::{Deserialize, Serialize};

use super::entry::Dimensions;
use super::rejection::{Reason, Rejection};
use super::units::Timestamp;
pub use record::{Card, Record};
pub(super) use seen::Digest;
use seen::{Seen, Shelf};

/// The most names of one organization, of all kinds together.
pub const MOST_NAMES: usize = 100_000;

/// The most bytes of all that is said and told of them: an organization is written whole, and not too much at a time.
pub const MOST_BYTES: usize = 8 << 20;

/// The kinds of what has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A unit inside the organization.
    Account,
    /// A group of users.
    Team,
    /// A person who spends.
    User,
    /// What spends: a campaign, an assistant, …
    Entity,
}

/// What something is known by within its organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key<'a> {
    /// What it is.
    pub kind: Kind,
    /// The type of an entity; empty for everything else.
    pub entity_type: &'a str,
    /// Its id.
    pub id: &'a str,
}

impl<'a> Key<'a> {
    /// The key of what is no entity.
    #[must_use]
    pub const fn of(kind: Kind, id: &'a str) -> Self {
        Key { kind, entity_type: "", id }
    }

    /// The key of an entity.
    #[must_use]
    pub const fn of_entity(entity_type: &'a str, id: &'a str) -> Self {
        Key { kind: Kind::Entity, entity_type, id }
    }

    fn bytes(self) -> usize {
        self.entity_type.len().saturating_add(self.id.len())
    }
}

/// What a put says of one account, team, user or entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameOrder {
    /// What it is.
    pub kind: Kind,
    /// The type of an entity; empty for everything else.
    pub entity_type: Box<str>,
    /// Its id.
    pub id: Box<str>,
    /// All that is said of it.
    pub card: Card,
}

impl NameOrder {
    /// Whom it is about.
    #[must_use]
    pub fn key(&self) -> Key<'_> {
        Key { kind: self.kind, entity_type: &self.entity_type, id: &self.id }
    }

    /// What it names beside: a user's team, an entity's account.
    fn within(&self) -> Option<Key<'_>> {
        let kind = if self.kind == Kind::User { Kind::Team } else { Kind::Account };
        self.card.within.as_deref().map(|id| Key::of(kind, id))
    }
}

/// By id. Boxed: most organizations have one or two of a kind, and a node of the map has room for eleven.
type Records = BTreeMap<Box<str>, Box<Record>>;

/// The names of an organization. Those that nothing ever named have none of this.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Names {
    /// The organization's own.
    name: Option<Box<str>>,
    accounts: Records,
    teams: Records,
    users: Records,
    /// By type.
    entities: BTreeMap<Box<str>, Records>,
    /// How many there are, of all kinds.
    len: usize,
    /// The bytes of all their texts.
    bytes: usize,
    #[serde(skip)]
    seen: Seen,
}

impl Names {
    /// The organization's own name.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// How many names there are, of all kinds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What is known under a key.
    #[must_use]
    pub fn get(&self, key: Key<'_>) -> Option<&Record> {
        let records = match key.kind {
            Kind::Account => &self.accounts,
            Kind::Team => &self.teams,
            Kind::User => &self.users,
            Kind::Entity => self.entities.get(key.entity_type)?,
        };
        records.get(key.id).map(|record| &**record)
    }

    /// All of a kind from a type and an id on, in order.
    pub fn from<'n>(
        &'n self,
        kind: Kind,
        (entity_type, id): (&str, &str),
    ) -> Box<dyn Iterator<Item = (Key<'n>, &'n Record)> + 'n> {
        let range = move |records: &'n Records, entity_type: &'n str, id: &str| {
            let records = records.range::<str, _>((Bound::Included(id), Bound::Unbounded));
            records.map(move |(id, record)| (Key { kind, entity_type, id }, &**record))
        };
        match kind {
            Kind::Account => Box::new(range(&self.accounts, "", id)),
            Kind::Team => Box::new(range(&self.teams, "", id)),
            Kind::User => Box::new(range(&self.users, "", id)),
            Kind::Entity => {
                let first = self.entities.get_key_value(entity_type);
                let first = first.map(|(of, records)| range(records, of, id)).into_iter().flatten();
                let after = (Bound::Excluded(entity_type), Bound::Unbounded);
                let others = self.entities.range::<str, _>(after);
                Box::new(first.chain(others.flat_map(move |(of, records)| range(records, of, ""))))
            }
        }
    }

    /// Names the organization itself.
    pub(super) fn rename(&mut self, name: &str) {
        if self.name.as_deref() != Some(name) {
            self.name = Some(name.into());
        }
    }

    /// Has the processor fetch where it stands what is known already. Changes nothing.
    pub(super) fn approach(&self) {
        prefetch_index(std::slice::from_ref(&self.seen), 0);
    }

    /// Has the processor fetch what is noted of an event. Changes nothing.
    pub(super) fn approach_news(&self, digest: Digest) {
        self.seen.approach(digest);
    }

    /// Registers what a charged event names, and takes down what it tells. Answers whether the same again would be no news.
    pub(super) fn learn(&mut self, event: &Dimensions<'_>, digest: Digest, at: Timestamp) -> bool {
        if self.seen.knows(digest) {
            return true;
        }
        let Dimensions { account, user, team, entity_type, entity_id, entity_name, feature: _ } = *event;
        let mut on = [Shelf::NONE; 2];
        let mut fits = true;
        let mut tell = |key: Key<'_>, name: Option<&str>, within: Option<&str>| {
            let told = self.told(key, name, within, at);
            fits &= told.is_some();
            told.unwrap_or(Shelf::NONE)
        };
        if let Some(id) = account {
            tell(Key::of(Kind::Account, id), None, None);
        }
        if let Some(id) = user {
            on[0] = tell(Key::of(Kind::User, id), None, team);
        }
        if let Some(id) = team {
            tell(Key::of(Kind::Team, id), None, None);
        }
        if let Some((of, id)) = entity_type.zip(entity_id) {
            on[1] = tell(Key::of_entity(of, id), entity_name, account);
        }
        // What did not fit is news again: there may be room for it by then.
        if fits {
            self.seen.insert(digest, on);
        }
        fits
    }

    /// Takes down what an event tells of one that it names. Answers what the event is no news by, as long as nothing
    /// turns there; none where it does not fit.
    fn told(
        &mut self,
        key: Key<'_>,
        name: Option<&str>,
        within: Option<&str>,
        at: Timestamp,
    ) -> Option<Shelf> {
        let before = self.register(key, at)?.bytes();
        let heard = name.map_or(0, str::len).saturating_add(within.map_or(0, str::len));
        if self.bytes.saturating_add(heard) > MOST_BYTES {
            return None;
        }
        let record = self.get_mut(key)?;
        let replaced = record.hear(name, within, at);
        let after = record.bytes();
        self.bytes = self.bytes.saturating_add(after).saturating_sub(before);
        let shelf = if name.or(within).is_some() { Shelf::of(key) } else { Shelf::NONE };
        if replaced {
            self.seen.turn(shelf);
        }
        Some(shelf)
    }

    /// The record of a key, a new one where it is not known; none where no more names fit.
    fn register(&mut self, key: Key<'_>, at: Timestamp) -> Option<&mut Record> {
        if self.get(key).is_none() {
            let bytes = self.bytes.saturating_add(key.bytes());
            if self.len >= MOST_NAMES || bytes > MOST_BYTES {
                return None;
            }
            (self.len, self.bytes) = (self.len.saturating_add(1), bytes);
            let records = match key.kind {
                Kind::Account => &mut self.accounts,
                Kind::Team => &mut self.teams,
                Kind::User => &mut self.users,
                Kind::Entity => self.entities.entry(key.entity_type.into()).or_default(),
            };
            records.insert(key.id.into(), Box::new(Record::new(at)));
        }
        self.get_mut(key)
    }

    fn get_mut(&mut self, key: Key<'_>) -> Option<&mut Record> {
        let records = match key.kind {
            Kind::Account => &mut self.accounts,
            Kind::Team => &mut self.teams,
            Kind::User => &mut self.users,
            Kind::Entity => self.entities.get_mut(key.entity_type)?,
        };
        records.get_mut(key.id).map(|record| &mut **record)
    }

    /// Gives back the room of what is no part of the state. Changes no result.
    pub(super) fn release(&mut self) {
        self.seen = Seen::default();
    }
}

/// States one account, team, user or entity whole.
pub(super) fn put(all: &mut Option<Box<Names>>, order: &NameOrder, at: Timestamp) -> Result<(), Rejection> {
    let known = |key: &Key<'_>| all.as_ref().is_some_and(|names| names.get(*key).is_some());
    let new = iter::once(order.key()).chain(order.within()).filter(|key| !known(key)).count();
    let len = all.as_ref().map_or(0, |names| names.len());
    if new > 0 && len.saturating_add(new) > MOST_NAMES {
        let why = format!("the organization has {len} names, the most is {MOST_NAMES}; put known ones only");
        return Err(Rejection::new(Reason::TooMany, "id", why));
    }
    let bytes = all.as_ref().map_or(0, |names| names.bytes);
    let within = order.within().map_or(0, Key::bytes);
    if bytes.saturating_add(order.key().bytes()).saturating_add(order.card.bytes()).saturating_add(within)
        > MOST_BYTES
    {
        let why = format!(
            "the names of the organization are {bytes} bytes, the most is {MOST_BYTES}; say less of them"
        );
        return Err(Rejection::new(Reason::TooMany, "id", why));
    }
    let names = all.get_or_insert_default();
    if let Some(record) = names.register(order.key(), at) {
        let before = record.bytes();
        record.say(&order.card, at);
        let after = record.bytes();
        names.bytes = names.bytes.saturating_add(after).saturating_sub(before);
    }
    if let Some(within) = order.within() {
        names.register(within, at);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
