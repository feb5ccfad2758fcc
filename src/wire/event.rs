//! Events: from a record's payload to checked [`Event`]s, each item on its own.

use serde::de::{DeserializeSeed, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;
use smallvec::SmallVec;

use super::fields::{Entity, Fields, Place, Reading};
use super::items::{Layout, layout, lines};
use super::text::Text;
use super::time;
use crate::ledger::entry::{
    Call, Dimensions, Event, Kind, LARGEST_QUANTITY, LONGEST_CALL, MOST_ADD_ONS, Void,
};
use crate::ledger::price::Direction;
use crate::ledger::rejection::{Reason, Rejection};
use crate::ledger::units::{EventId, Millis, Timestamp};

/// The most items of one record.
pub const MOST_ITEMS: usize = 10_000;

/// The longest id or source, in bytes.
const LONGEST_ID: usize = 512;
/// The longest name in a dimension, in bytes.
const LONGEST_NAME: usize = 256;

/// The source of an event that names none.
const DEFAULT_SOURCE: &str = "nats";

/// Reads the events of one record.
#[derive(Clone, Copy, Debug)]
pub struct Decoder<'a> {
    /// The organization that the subject names.
    pub org: &'a str,
    /// The record's headers.
    pub headers: &'a [(String, String)],
    /// The log's time: the time of an event that has none.
    pub at: Timestamp,
}

/// What takes the events of a record, item by item.
type Visit<'v> = &'v mut dyn FnMut(u32, Result<&Event<'_>, Rejection>);

impl<'a> Decoder<'a> {
    /// Hands over every item of the payload in order, decoded or refused.
    pub fn decode(&self, payload: &[u8], visit: Visit<'_>) {
        let Ok(text) = std::str::from_utf8(payload) else {
            return visit(0, Err(not_json("the record is not UTF-8; send JSON in UTF-8")));
        };
        if self.header("ce-type").is_some() {
            return self.item(0, true, text, Place::Data, visit);
        }
        match layout(text) {
            Layout::Single => self.item(0, true, text, Place::Item, visit),
            Layout::Lines => {
                for (index, line) in (0..).zip(lines(text)) {
                    if usize::try_from(index).is_ok_and(|i| i >= MOST_ITEMS) {
                        return visit(index, Err(too_many()));
                    }
                    self.item(index, false, line, Place::Item, visit);
                }
            }
            Layout::Array => self.array(text, visit),
        }
    }

    fn header(&self, name: &str) -> Option<&'a str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// An array whose items are all sound is read in one pass; else it is split and each item read alone.
    fn array(&self, text: &str, visit: Visit<'_>) {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let sound = serde::Deserializer::deserialize_seq(&mut deserializer, Items).and_then(|items| {
            deserializer.end()?;
            Ok(items)
        });
        if let Ok(items) = sound
            && !items.is_empty()
            && items.len() <= MOST_ITEMS
        {
            let alone = items.len() == 1;
            for (index, fields) in (0..).zip(&items) {
                self.visit_fields(index, alone, fields, visit);
            }
            return;
        }
        match serde_json::from_str::<Vec<&RawValue>>(text) {
            Err(error) => {
                visit(0, Err(not_json(format!("the array is not JSON: {error}; send a JSON array"))))
            }
            Ok(items) if items.is_empty() => {
                visit(0, Err(not_json("the array is empty; send at least one event")))
            }
            Ok(items) if items.len() > MOST_ITEMS => visit(0, Err(too_many())),
            Ok(items) => {
                let alone = items.len() == 1;
                for (index, item) in (0..).zip(items) {
                    self.item(index, alone, item.get(), Place::Item, visit);
                }
            }
        }
    }

    fn item(&self, index: u32, alone: bool, text: &str, place: Place, visit: Visit<'_>) {
        let mut fields = Fields::default();
        let mut at = "";
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let reading = Reading { fields: &mut fields, at: &mut at, place };
        match reading.deserialize(&mut deserializer).and_then(|()| deserializer.end()) {
            Ok(()) => self.visit_fields(index, alone, &fields, visit),
            Err(error) => visit(index, Err(unreadable(text, at, &error))),
        }
    }

    fn visit_fields(&self, index: u32, alone: bool, fields: &Fields<'_>, visit: Visit<'_>) {
        let add_ons: SmallVec<[&str; 2]> = fields.add_ons.iter().flatten().map(Text::as_str).collect();
        match self.event(fields, alone, &add_ons) {
            Ok(event) => visit(index, Ok(&event)),
            Err(rejection) => visit(index, Err(rejection)),
        }
    }

    /// The checked event of an item's fields.
    fn event<'f>(
        &self,
        fields: &'f Fields<'f>,
        alone: bool,
        add_ons: &'f [&'f str],
    ) -> Result<Event<'f>, Rejection>
    where
        'a: 'f,
    {
        let attribute = |field: &'f Option<Text<'f>>, header: &str| {
            field.as_ref().map(Text::as_str).or_else(|| self.header(header))
        };
        match attribute(&fields.specversion, "ce-specversion") {
            None | Some("1.0") => {}
            Some(other) => {
                return Err(invalid("specversion", format!("{other:?} is not read; send CloudEvents 1.0")));
            }
        }
        let kind = attribute(&fields.kind, "ce-type").ok_or_else(|| missing("type"))?;
        let id = attribute(&fields.id, "ce-id").or_else(|| self.header("nats-msg-id").filter(|_| alone));
        let id = bounded("id", id.ok_or_else(|| missing("id"))?, LONGEST_ID)?;
        let source = attribute(&fields.source, "ce-source").unwrap_or(DEFAULT_SOURCE);
        let source = bounded("source", source, LONGEST_ID)?;
        let time = match attribute(&fields.time, "ce-time") {
            Some(text) => instant("time", text)?,
            None => self.at,
        };
        let kind = match kind {
            "creditd.action.v1" | "action" => action(fields)?,
            "creditd.call.ended.v1" | "call.ended" => call(fields, time, add_ons)?,
            "creditd.void.v1" | "void" => void(fields, source)?,
            other => return Err(unknown_type(other)),
        };
        if let Some(org) = &fields.org
            && org.as_str() != self.org
        {
            let why = format!(
                "the event names {:?}, its subject {:?}; publish it on its own subject",
                org.0, self.org
            );
            return Err(Rejection::new(Reason::OrgMismatch, "org", why));
        }
        Ok(Event { id: EventId::of(source, id), time, dimensions: dimensions(fields)?, kind })
    }
}

struct Items;

impl<'de> Visitor<'de> for Items {
    type Value = Vec<Fields<'de>>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array of events")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut items: S) -> Result<Self::Value, S::Error> {
        let mut all = Vec::with_capacity(128);
        loop {
            let (mut fields, mut at) = (Fields::default(), "");
            let reading = Reading { fields: &mut fields, at: &mut at, place: Place::Item };
            if items.next_element_seed(reading)?.is_none() || all.len() > MOST_ITEMS {
                return Ok(all);
            }
            all.push(fields);
        }
    }
}

fn action<'f>(fields: &'f Fields<'f>) -> Result<Kind<'f>, Rejection> {
    let action = name("action", &fields.action)?.ok_or_else(|| missing("action"))?;
    let quantity = fields.quantity.unwrap_or(1);
    if !(1..=LARGEST_QUANTITY).contains(&quantity) {
        let why = format!("{quantity} is not a quantity; write a whole number from 1 to {LARGEST_QUANTITY}");
        return Err(invalid("quantity", why));
    }
    Ok(Kind::Action { action, quantity })
}

fn call<'f>(fields: &'f Fields<'f>, time: Timestamp, add_ons: &'f [&'f str]) -> Result<Kind<'f>, Rejection> {
    let duration = Millis(fields.duration_ms.ok_or_else(|| missing("duration_ms"))?);
    if duration > LONGEST_CALL {
        let why = format!("{} ms is longer than a week; check the unit", duration.0);
        return Err(invalid("duration_ms", why));
    }
    let direction = match fields.direction.as_ref().ok_or_else(|| missing("direction"))?.as_str() {
        "inbound" => Direction::Inbound,
        "outbound" => Direction::Outbound,
        other => return Err(invalid("direction", format!("{other:?} is not inbound or outbound"))),
    };
    let destination = fields.destination.as_ref().map(Text::as_str);
    if let Some(number) = destination {
        let digits = number.strip_prefix('+').unwrap_or(number);
        if digits.is_empty() || digits.len() > 32 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            let why =
                format!("{number:?} is not a number; write up to 32 digits, with or without a leading +");
            return Err(invalid("destination", why));
        }
    }
    let answered_at = match &fields.answered_at {
        Some(text) => Some(instant("answered_at", text.as_str())?),
        None => None,
    };
    if answered_at.is_some_and(|answered| answered > time) {
        return Err(invalid(
            "answered_at",
            "the call would have been answered after it ended; check the times",
        ));
    }
    let repeated =
        add_ons.iter().enumerate().any(|(i, one)| add_ons.iter().skip(i).skip(1).any(|o| o == one));
    if add_ons.len() > MOST_ADD_ONS || repeated {
        return Err(invalid("add_ons", format!("name up to {MOST_ADD_ONS} add-ons, each once")));
    }
    let action = name("action", &fields.action)?.unwrap_or("phone_call");
    let answered = fields.answered.unwrap_or(true);
    Ok(Kind::Call(Call { action, direction, destination, duration, answered, answered_at, add_ons }))
}

fn void<'f>(fields: &'f Fields<'f>, source: &str) -> Result<Kind<'f>, Rejection> {
    let voids = fields.voids.as_ref().ok_or_else(|| missing("voids"))?;
    let id = bounded("voids.id", voids.id.as_ref().ok_or_else(|| missing("voids.id"))?.as_str(), LONGEST_ID)?;
    let source = bounded("voids.source", voids.source.as_ref().map_or(source, Text::as_str), LONGEST_ID)?;
    let target_time = match &voids.time {
        Some(text) => Some(instant("voids.time", text.as_str())?),
        None => None,
    };
    Ok(Kind::Void(Void { target: EventId::of(source, id), target_time }))
}

fn dimensions<'f>(fields: &'f Fields<'f>) -> Result<Dimensions<'f>, Rejection> {
    let entity = fields.entity.as_ref();
    let of = |name, part: fn(&'f Entity<'f>) -> &'f Option<Text<'f>>| match entity {
        Some(entity) => self::name(name, part(entity)),
        None => Ok(None),
    };
    Ok(Dimensions {
        account: name("account", &fields.account)?,
        entity_type: of("entity.type", |entity| &entity.kind)?,
        entity_id: of("entity.id", |entity| &entity.id)?,
        entity_name: of("entity.name", |entity| &entity.name)?,
        user: name("user", &fields.user)?,
        team: name("team", &fields.team)?,
        feature: name("feature", &fields.feature)?,
    })
}

fn name<'f>(field: &'static str, text: &'f Option<Text<'f>>) -> Result<Option<&'f str>, Rejection> {
    text.as_ref().map(|text| bounded(field, text.as_str(), LONGEST_NAME)).transpose()
}

fn bounded<'t>(field: &'static str, text: &'t str, longest: usize) -> Result<&'t str, Rejection> {
    if text.is_empty() || text.len() > longest {
        let why = format!("{} bytes long; write 1 to {longest}", text.len());
        return Err(invalid(field, why));
    }
    Ok(text)
}

fn instant(field: &'static str, text: &str) -> Result<Timestamp, Rejection> {
    time::parse(text).map_err(|why| invalid(field, why))
}

fn invalid(field: &'static str, why: impl Into<String>) -> Rejection {
    Rejection::new(Reason::InvalidField, field, why)
}

fn missing(field: &'static str) -> Rejection {
    Rejection::new(Reason::MissingField, field, format!("the event has no {field}; add it"))
}

fn not_json(why: impl Into<String>) -> Rejection {
    Rejection::new(Reason::NotJson, "", why)
}

fn too_many() -> Rejection {
    Rejection::new(
        Reason::TooMany,
        "",
        format!("a record holds up to {MOST_ITEMS} events; send several records"),
    )
}

fn unknown_type(kind: &str) -> Rejection {
    let shown: String = kind.chars().take(80).collect();
    let why = format!("{shown:?} is not creditd.action.v1, creditd.call.ended.v1 or creditd.void.v1");
    Rejection::new(Reason::UnknownType, "type", why)
}

/// What is wrong with a text that could not be read as an event.
fn unreadable(text: &str, at: &'static str, error: &serde_json::Error) -> Rejection {
    let whole = serde_json::from_str::<IgnoredAny>(text);
    match whole {
        Err(error) => not_json(format!("not JSON: {error}; send one object, an array or one object a line")),
        Ok(_) if at.is_empty() => not_json(format!("not an event: {error}; send a JSON object")),
        Ok(_) => invalid(at, format!("{error}; see the schema of the type")),
    }
}
