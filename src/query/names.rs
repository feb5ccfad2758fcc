//! Names: accounts, teams, users and entities, a page at a time.

use percent_encoding::percent_decode_str;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::page::{AsOf, PageError, PageMeta, page_length};
use super::spent::Spent;
use crate::book::Book;
use crate::ledger::names::{Key, Kind, Names, Record};
use crate::ledger::units::Timestamp;
use crate::wire::{self, time};

/// So many names are looked at under an organization's guard before it is let go.
const LOOKED_AT_ONCE: usize = 256;

/// Which part of an organization's names of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NamesOf {
    /// Only those with that in their id or name, in capitals or not.
    pub search: Option<String>,
    /// Only entities of that type.
    #[serde(rename = "type")]
    pub entity_type: Option<String>,
    /// Only entities with that status.
    pub status: Option<String>,
    /// Whether to tell what each entity used.
    pub used: bool,
    /// Where the page begins: `next` of the one before.
    pub cursor: Option<String>,
    /// The most names on it: 1 to 1,000, 100 where nothing is said.
    pub limit: Option<usize>,
    /// Only these accounts, and entities of them: what whoever asks may know of. Nobody asks for it.
    #[serde(skip)]
    pub only_of: Option<Vec<String>>,
}

/// A page of names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NamePage {
    /// By id; entities by type and id.
    pub data: Vec<NameState>,
    /// Where the next page is, and of when this one is.
    pub meta: PageMeta,
}

/// One name as the faces show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NameState {
    /// What is known of it.
    #[serde(flatten)]
    pub named: Named,
    /// When it was first named.
    #[schemars(extend("format" = "date-time"))]
    pub first_seen: String,
    /// When something about it became another.
    #[schemars(extend("format" = "date-time"))]
    pub changed: String,
    /// What it used, where that was asked for.
    #[serde(flatten)]
    pub spent: Option<Spent>,
}

/// What is known of an account, a team, a user or an entity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Named {
    /// An account or a team.
    Plain(PlainName),
    /// A user.
    User(UserName),
    /// What spends.
    Entity(Box<EntityName>),
}

/// What is known of an account or a team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PlainName {
    /// Its id.
    pub id: Box<str>,
    /// Its name.
    pub name: Option<Box<str>>,
    /// Where more can be seen.
    pub link: Option<Box<str>>,
}

/// What is known of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct UserName {
    /// The user's id.
    pub id: Box<str>,
    /// The user's name.
    pub name: Option<Box<str>>,
    /// The user's team.
    pub team: Option<Box<str>>,
    /// Where more can be seen.
    pub link: Option<Box<str>>,
}

/// What is known of an entity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct EntityName {
    /// Its type.
    #[serde(rename = "type")]
    pub entity_type: Box<str>,
    /// Its id.
    pub id: Box<str>,
    /// Its name.
    pub name: Option<Box<str>>,
    /// Its account.
    pub account: Option<Box<str>>,
    /// How it stands, in its sender's words.
    pub status: Option<Box<str>>,
    /// When it begins.
    #[schemars(extend("format" = "date-time"))]
    pub start: Option<String>,
    /// When it ends.
    #[schemars(extend("format" = "date-time"))]
    pub end: Option<String>,
    /// How much it is to do in its life.
    pub planned_quantity: Option<u64>,
    /// Of which action; null for all its actions and calls.
    pub planned_action: Option<Box<str>>,
    /// Where more can be seen.
    pub link: Option<Box<str>>,
}

/// All names of an organization.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NamesState {
    /// Its own.
    pub name: Option<Box<str>>,
    /// By id.
    pub accounts: Vec<Named>,
    /// By id.
    pub teams: Vec<Named>,
    /// By id.
    pub users: Vec<Named>,
    /// By type and id.
    pub entities: Vec<Named>,
}

impl NamesState {
    pub(super) fn of(names: Option<&Names>) -> NamesState {
        let Some(names) = names else { return NamesState::default() };
        let all = |kind| names.from(kind, ("", "")).map(|(key, record)| Named::of(key, record)).collect();
        NamesState {
            name: names.name().map(Box::from),
            accounts: all(Kind::Account),
            teams: all(Kind::Team),
            users: all(Kind::User),
            entities: all(Kind::Entity),
        }
    }
}

impl Named {
    /// The account that an entity is of.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        match self {
            Named::Entity(entity) => entity.account.as_deref(),
            Named::Plain(_) | Named::User(_) => None,
        }
    }

    fn of(key: Key<'_>, record: &Record) -> Named {
        let text = |text: Option<&str>| text.map(Box::from);
        let (id, name, within) = (key.id.into(), text(record.name()), text(record.within()));
        let said = record.said().cloned().unwrap_or_default();
        let link = said.link;
        match key.kind {
            Kind::Account | Kind::Team => Named::Plain(PlainName { id, name, link }),
            Kind::User => Named::User(UserName { id, name, team: within, link }),
            Kind::Entity => Named::Entity(Box::new(EntityName {
                entity_type: key.entity_type.into(),
                id,
                name,
                account: within,
                status: said.status,
                start: said.start.map(time::format),
                end: said.end.map(time::format),
                planned_quantity: said.planned_quantity,
                planned_action: said.planned_action,
                link,
            })),
        }
    }
}

/// A name with its record, copied from under the guard.
#[derive(Clone, Debug)]
pub(super) struct Copied {
    pub(super) entity_type: Box<str>,
    pub(super) id: Box<str>,
    pub(super) record: Record,
    kind: Kind,
}

impl Copied {
    fn of(key: Key<'_>, record: &Record) -> Copied {
        let Key { kind, entity_type, id } = key;
        Copied { entity_type: entity_type.into(), id: id.into(), record: record.clone(), kind }
    }

    fn key(&self) -> Key<'_> {
        Key { kind: self.kind, entity_type: &self.entity_type, id: &self.id }
    }

    pub(super) fn state(&self, spent: Option<Spent>) -> NameState {
        NameState {
            named: Named::of(self.key(), &self.record),
            first_seen: time::format(self.record.first_seen),
            changed: time::format(self.record.changed),
            spent,
        }
    }
}

/// The names on a page, and where the next begins.
pub(super) type Found = (Vec<Copied>, PageMeta);

/// A page of the names of one kind. None for an organization that is not known. Looks at all names where few are wanted: not for
/// the threads of a runtime.
///
/// # Errors
/// [`PageError`] for a page that cannot be.
pub fn names(
    book: &Book,
    org: &str,
    kind: Kind,
    wanted: &NamesOf,
    now: Timestamp,
) -> Result<Option<NamePage>, PageError> {
    let Some((found, meta)) = find(book, org, kind, wanted, now)? else { return Ok(None) };
    let data = found.iter().map(|copied| copied.state(None)).collect();
    Ok(Some(NamePage { data, meta }))
}

/// One of the names. The outer `None` is for an organization that is not known.
#[must_use]
pub fn name(book: &Book, org: &str, key: Key<'_>) -> Option<Option<NameState>> {
    Some(copy(book, org, key)?.map(|copied| copied.state(None)))
}

pub(super) fn copy(book: &Book, org: &str, key: Key<'_>) -> Option<Option<Copied>> {
    book.read(org, |slot| Some(Copied::of(key, slot.org.names()?.get(key)?)))
}

pub(super) fn find(
    book: &Book,
    org: &str,
    kind: Kind,
    wanted: &NamesOf,
    now: Timestamp,
) -> Result<Option<Found>, PageError> {
    let entities =
        [("type", wanted.entity_type.is_some()), ("status", wanted.status.is_some()), ("used", wanted.used)];
    if let Some((field, _)) = entities.iter().find(|(_, given)| *given && kind != Kind::Entity) {
        return Err(PageError::OnlyEntities(field));
    }
    let most = page_length(wanted.limit)?;
    let search = wanted.search.as_ref().map(|text| text.to_lowercase());
    let mut from = match &wanted.cursor {
        Some(cursor) => {
            read_cursor(kind, cursor).ok_or_else(|| PageError::Cursor(cursor.chars().take(80).collect()))?
        }
        None => (wanted.entity_type.clone().unwrap_or_default(), String::new()),
    };
    let mut found = Vec::new();
    let as_of = loop {
        let mut look =
            |names: Option<&Names>| look(names?, kind, &from, wanted, search.as_deref(), &mut found);
        let looked = book.read(org, |slot| (look(slot.org.names()), AsOf::of(&slot.org, now)));
        match looked {
            Some((Some(rest), _)) if found.len() <= most => from = rest,
            Some((_, as_of)) => break as_of,
            None => return Ok(None),
        }
    };
    let next = found.drain(most.min(found.len())..).next().map(|next| cursor(next.key()));
    Ok(Some((found, PageMeta { next, as_of })))
}

/// Copies those that are wanted of the next few. Answers where to look on.
fn look(
    names: &Names,
    kind: Kind,
    (entity_type, id): &(String, String),
    wanted: &NamesOf,
    search: Option<&str>,
    found: &mut Vec<Copied>,
) -> Option<(String, String)> {
    let of_type = |key: &Key<'_>| wanted.entity_type.as_ref().is_none_or(|own| *own == *key.entity_type);
    let mut all = names.from(kind, (entity_type, id)).take_while(|(key, _)| of_type(key));
    for (key, record) in all.by_ref().take(LOOKED_AT_ONCE) {
        if is_wanted(key, record, wanted, search) {
            found.push(Copied::of(key, record));
        }
    }
    all.next().map(|(key, _)| (key.entity_type.to_owned(), key.id.to_owned()))
}

fn is_wanted(key: Key<'_>, record: &Record, wanted: &NamesOf, search: Option<&str>) -> bool {
    let has = |search: &str, text: &str| text.to_lowercase().contains(search);
    let sought = search
        .is_none_or(|search| has(search, key.id) || record.name().is_some_and(|name| has(search, name)));
    let status = || record.said().and_then(|said| said.status.as_deref());
    let account = if key.kind == Kind::Account { Some(key.id) } else { record.within() };
    let may = |only: &Vec<String>| account.is_some_and(|own| only.iter().any(|known| known == own));
    let sought = sought && wanted.only_of.as_ref().is_none_or(may);
    sought && wanted.status.as_ref().is_none_or(|wanted| status() == Some(wanted))
}

/// The cursor of a page that begins with a key.
fn cursor(key: Key<'_>) -> String {
    match key.kind {
        Kind::Entity => format!("{}.{}", wire::token(key.entity_type), wire::token(key.id)),
        Kind::Account | Kind::Team | Kind::User => wire::token(key.id),
    }
}

fn read_cursor(kind: Kind, cursor: &str) -> Option<(String, String)> {
    let text = |token: &str| percent_decode_str(token).decode_utf8().ok().map(String::from);
    match (kind, cursor.split_once('.')) {
        (Kind::Entity, Some((entity_type, id))) => Some((text(entity_type)?, text(id)?)),
        (Kind::Account | Kind::Team | Kind::User, None) => Some((String::new(), text(cursor)?)),
        _ => None,
    }
}
