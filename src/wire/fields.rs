//! The fields of an event, read from JSON in one pass without building a tree.
//!
//! The envelope (CloudEvents attributes) and the data share one struct: in a structured CloudEvent the data stands
//! in `data`, in a plain event beside the envelope, in binary mode it is the whole payload. Unknown fields are
//! skipped without being kept.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::object::Object;
use super::text::Text;

/// Everything an event may say.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields<'a> {
    /// Whether the data stood in a member of its own.
    pub(super) structured: bool,
    pub(super) kind: Option<Text<'a>>,
    pub(super) source: Option<Text<'a>>,
    pub(super) id: Option<Text<'a>>,
    pub(super) time: Option<Text<'a>>,
    pub(super) specversion: Option<Text<'a>>,
    pub(super) org: Option<Text<'a>>,
    pub(super) account: Option<Text<'a>>,
    pub(super) user: Option<Text<'a>>,
    pub(super) team: Option<Text<'a>>,
    pub(super) feature: Option<Text<'a>>,
    pub(super) entity: Option<Entity<'a>>,
    pub(super) call_id: Option<Text<'a>>,
    pub(super) action: Option<Text<'a>>,
    pub(super) quantity: Option<u64>,
    pub(super) duration_ms: Option<u64>,
    pub(super) direction: Option<Text<'a>>,
    pub(super) destination: Option<Text<'a>>,
    pub(super) answered: Option<bool>,
    pub(super) answered_at: Option<Text<'a>>,
    pub(super) add_ons: Option<Vec<Text<'a>>>,
    pub(super) voids: Option<Voids<'a>>,
}

/// What spends.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Entity<'a> {
    #[serde(borrow, rename = "type", default)]
    pub(super) kind: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) id: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) name: Option<Text<'a>>,
}

/// The event that a void is about.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Voids<'a> {
    #[serde(borrow, default)]
    pub(super) source: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) id: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) time: Option<Text<'a>>,
}

impl Fields<'_> {
    /// Forgets all data, and keeps the envelope.
    fn clear_data(&mut self) {
        let Fields { kind, source, id, time, specversion, .. } = std::mem::take(self);
        *self = Fields { structured: true, kind, source, id, time, specversion, ..Fields::default() };
    }
}

/// Where the object being read stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The item itself: envelope and, unless it stands in `data`, the data.
    Item,
    /// The data alone.
    Data,
}

/// Reads an object into `fields`; on an error, `at` names the field.
pub(super) struct Reading<'f, 'a> {
    pub(super) fields: &'f mut Fields<'a>,
    pub(super) at: &'f mut &'static str,
    pub(super) place: Place,
}

impl<'de: 'a, 'a> DeserializeSeed<'de> for Reading<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de: 'a, 'a> Visitor<'de> for Reading<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        let Reading { fields, at, place } = self;
        let mut beside = false;
        while let Some(key) = map.next_key::<Text<'de>>()? {
            match (place, key.as_str()) {
                (Place::Item, "type") => read(&mut map, at, "type", &mut fields.kind)?,
                (Place::Item, "source") => read(&mut map, at, "source", &mut fields.source)?,
                (Place::Item, "id") => read(&mut map, at, "id", &mut fields.id)?,
                (Place::Item, "time") => read(&mut map, at, "time", &mut fields.time)?,
                (Place::Item, "specversion") => read(&mut map, at, "specversion", &mut fields.specversion)?,
                (Place::Item, "data") => {
                    *at = "data";
                    beside |= map.next_value_seed(DataMember(Reading { fields, at, place: Place::Data }))?;
                    *at = "";
                }
                // Beside `data` stand attributes, whatever their names.
                _ if beside => map.next_value::<IgnoredAny>().map(|_| ())?,
                (_, key) => read_data(&mut map, at, key, fields)?,
            }
        }
        Ok(())
    }
}

/// The member `data`: an object, or `null` for none. Answers whether there is one.
struct DataMember<'f, 'a>(Reading<'f, 'a>);

impl<'de: 'a, 'a> DeserializeSeed<'de> for DataMember<'_, 'a> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de: 'a, 'a> Visitor<'de> for DataMember<'_, 'a> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_none<E>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        self.0.fields.clear_data();
        deserializer.deserialize_map(self.0).map(|()| true)
    }
}

fn read_data<'de: 'a, 'a, M: MapAccess<'de>>(
    map: &mut M,
    at: &mut &'static str,
    key: &str,
    fields: &mut Fields<'a>,
) -> Result<(), M::Error> {
    match key {
        "org" => read(map, at, "org", &mut fields.org),
        "account" => read(map, at, "account", &mut fields.account),
        "user" => read(map, at, "user", &mut fields.user),
        "team" => read(map, at, "team", &mut fields.team),
        "feature" => read(map, at, "feature", &mut fields.feature),
        "entity" => read_object(map, at, "entity", &mut fields.entity),
        "call_id" => read(map, at, "call_id", &mut fields.call_id),
        "action" => read(map, at, "action", &mut fields.action),
        "quantity" => read(map, at, "quantity", &mut fields.quantity),
        "duration_ms" => read(map, at, "duration_ms", &mut fields.duration_ms),
        "direction" => read(map, at, "direction", &mut fields.direction),
        "destination" => read(map, at, "destination", &mut fields.destination),
        "answered" => read(map, at, "answered", &mut fields.answered),
        "answered_at" => read(map, at, "answered_at", &mut fields.answered_at),
        "add_ons" => read(map, at, "add_ons", &mut fields.add_ons),
        "voids" => read_object(map, at, "voids", &mut fields.voids),
        _ => map.next_value::<IgnoredAny>().map(|_| ()),
    }
}

fn read_object<'de, T: Deserialize<'de>, M: MapAccess<'de>>(
    map: &mut M,
    at: &mut &'static str,
    name: &'static str,
    field: &mut Option<T>,
) -> Result<(), M::Error> {
    let mut found: Option<Object<T>> = None;
    read(map, at, name, &mut found)?;
    *field = found.map(|Object(read)| read);
    Ok(())
}

fn read<'de, T: Deserialize<'de>, M: MapAccess<'de>>(
    map: &mut M,
    at: &mut &'static str,
    name: &'static str,
    field: &mut Option<T>,
) -> Result<(), M::Error> {
    *at = name;
    *field = map.next_value::<Option<T>>()?;
    *at = "";
    Ok(())
}
