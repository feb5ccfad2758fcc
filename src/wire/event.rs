//! Events: from a record's payload to checked [`Event`]s, each item on its own.

mod call;

use percent_encoding::percent_decode_str;
use serde::de::{DeserializeSeed, SeqAccess, Visitor};
use serde_json::value::RawValue;
use smallvec::SmallVec;

use super::fields::{Entity, Fields, Place, Reading};
use super::items::{Layout, layout, lines};
use super::text::{LONGEST_TEXT, Text};
use super::time;
use super::types::{EventType, known_part};
use crate::ledger::entry::{Dimensions, Event, Kind, LARGEST_QUANTITY, Restarted, Stage, Void};
use crate::ledger::rejection::{Reason, Rejection};
use crate::ledger::units::{EventId, Timestamp};

/// The most items of one record.
pub const MOST_ITEMS: usize = 10_000;

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
        if self.header("ce-type").or(self.header("ce-specversion")).is_some() {
            return self.binary(text, visit);
        }
        match layout(text) {
            Layout::Single => self.item(0, true, text, visit),
            Layout::Lines if lines(text).nth(MOST_ITEMS).is_some() => visit(0, Err(too_many())),
            Layout::Lines => {
                for (index, line) in (0..).zip(lines(text)) {
                    self.item(index, false, line, visit);
                }
            }
            Layout::Array => self.array(text, visit),
        }
    }

    fn header(&self, name: &str) -> Option<&'a str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// A CloudEvent in binary mode: the envelope in headers, the payload is its data.
    fn binary(&self, text: &str, visit: Visit<'_>) {
        match self.envelope() {
            Ok(envelope) => self.single(0, true, text, Some(&envelope), visit),
            Err(rejection) => visit(0, Err(rejection)),
        }
    }

    /// The envelope that the headers hold. Their values are percent-encoded, as the CloudEvents binding says.
    fn envelope(&self) -> Result<Fields<'a>, Rejection> {
        let attribute = |field: &'static str, header: &str| {
            let value = self.header(header).map(|value| percent_decode_str(value).decode_utf8());
            value.transpose().map(|value| value.map(Text)).map_err(|_| {
                invalid(field, format!("the header {header} is not UTF-8 once percent-decoded; encode it"))
            })
        };
        Ok(Fields {
            kind: attribute("type", "ce-type")?,
            source: attribute("source", "ce-source")?,
            id: attribute("id", "ce-id")?,
            time: attribute("time", "ce-time")?,
            specversion: attribute("specversion", "ce-specversion")?,
            structured: true,
            ..Fields::default()
        })
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
                    self.item(index, alone, item.get(), visit);
                }
            }
        }
    }

    fn item(&self, index: u32, alone: bool, text: &str, visit: Visit<'_>) {
        self.single(index, alone, text, None, visit);
    }

    /// Reads one item; in binary mode with an `envelope` already, the item is its data.
    fn single(&self, index: u32, alone: bool, text: &str, envelope: Option<&Fields<'a>>, visit: Visit<'_>) {
        let place = if envelope.is_some() { Place::Data } else { Place::Item };
        let mut fields = envelope.cloned().unwrap_or_default();
        if read_item(text, place, &mut fields).is_ok() {
            return self.visit_fields(index, alone, &fields, visit);
        }
        // Off the beaten track: what disturbs may be a field that this type of event does not know.
        let kept = match known_part(text, place, fields.kind.as_ref().filter(|_| envelope.is_some())) {
            Ok(kept) => kept,
            Err(rejection) => return visit(index, Err(rejection)),
        };
        let mut fields = envelope.cloned().unwrap_or_default();
        match read_item(&kept, place, &mut fields) {
            Ok(()) => self.visit_fields(index, alone, &fields, visit),
            Err((at, error)) => {
                visit(index, Err(invalid(at, format!("{error}; see the schema of the type"))))
            }
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
        match fields.specversion.as_ref().map(Text::as_str) {
            None => {}
            Some("1.0") if fields.structured => {}
            Some("1.0") => return Err(missing("data")),
            Some(other) => {
                let shown: String = other.chars().take(40).collect();
                return Err(invalid("specversion", format!("{shown:?} is not read; send CloudEvents 1.0")));
            }
        }
        let kind = name("type", &fields.kind)?.ok_or_else(|| missing("type"))?;
        let event_type = EventType::of(kind).ok_or_else(|| unknown_type(kind))?;
        let given = fields.id.as_ref().map(Text::as_str);
        let given = given.or_else(|| self.header("nats-msg-id").filter(|_| alone));
        // What is told of a live call is known by the call.
        let call = fields.call_id.as_ref().filter(|_| event_type.is_live()).map(Text::as_str);
        let needed = if event_type.is_live() { "call_id" } else { "id" };
        let source = name("source", &fields.source)?;
        // A switch that was started anew is known by its source.
        let switch = source.filter(|_| event_type == EventType::SourceRestarted);
        if event_type == EventType::SourceRestarted && switch.is_none() {
            return Err(missing("source"));
        }
        let id = bounded("id", given.or(call).or(switch).ok_or_else(|| missing(needed))?)?;
        let source = source.unwrap_or(DEFAULT_SOURCE);
        let time = match &fields.time {
            Some(text) => instant("time", text.as_str())?,
            None => self.at,
        };
        let (given, id) = (id, EventId::of(source, id));
        let kind = match event_type {
            EventType::Action => action(fields)?,
            EventType::CallStarted => call::live(fields, source, Stage::Started, add_ons)?,
            EventType::CallAnswered => call::live(fields, source, Stage::Answered, add_ons)?,
            EventType::CallProgress => {
                call::live(fields, source, Stage::Progress(call::duration(fields)?), add_ons)?
            }
            EventType::CallFailed => call::live(fields, source, Stage::Failed, add_ons)?,
            EventType::CallEnded => call::ended(fields, (source, given), time, add_ons)?,
            EventType::SourceRestarted => Kind::Restarted(Restarted { source }),
            EventType::Void => void(fields, id, source)?,
        };
        if let Some(org) = name("org", &fields.org)?
            && org != self.org
        {
            let why =
                format!("the event names {org:?}, its subject {:?}; publish it on its own subject", self.org);
            return Err(Rejection::new(Reason::OrgMismatch, "org", why));
        }
        Ok(Event { id, time, dimensions: dimensions(fields)?, kind })
    }
}

/// Reads one item; on an error tells the field that was being read.
fn read_item<'t>(
    text: &'t str,
    place: Place,
    fields: &mut Fields<'t>,
) -> Result<(), (&'static str, serde_json::Error)> {
    let mut at = "";
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let reading = Reading { fields, at: &mut at, place };
    let read = reading.deserialize(&mut deserializer).and_then(|()| deserializer.end());
    read.map_err(|error| (at, error))
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

fn void<'f>(fields: &'f Fields<'f>, own: EventId, source: &str) -> Result<Kind<'f>, Rejection> {
    let voids = fields.voids.as_ref().ok_or_else(|| missing("voids"))?;
    let id = name("voids.id", &voids.id)?.ok_or_else(|| missing("voids.id"))?;
    let source = name("voids.source", &voids.source)?.unwrap_or(source);
    let target = EventId::of(source, id);
    if target == own {
        return Err(invalid("voids.id", "the void names itself; name the event that did not count"));
    }
    let target_time = match &voids.time {
        Some(text) => Some(instant("voids.time", text.as_str())?),
        None => None,
    };
    Ok(Kind::Void(Void { target, target_time }))
}

fn dimensions<'f>(fields: &'f Fields<'f>) -> Result<Dimensions<'f>, Rejection> {
    let entity = fields.entity.as_ref();
    if let Some(Entity { kind, id, .. }) = entity {
        let absent = if kind.is_none() { "entity.type" } else { "entity.id" };
        kind.as_ref().and(id.as_ref()).ok_or_else(|| missing(absent))?;
    }
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
    text.as_ref().map(|text| bounded(field, text.as_str())).transpose()
}

fn bounded<'t>(field: &'static str, text: &'t str) -> Result<&'t str, Rejection> {
    if text.is_empty() || text.len() > LONGEST_TEXT {
        let why = format!("{} bytes long; write 1 to {LONGEST_TEXT}", text.len());
        return Err(invalid(field, why));
    }
    Ok(text)
}

fn instant(field: &'static str, text: &str) -> Result<Timestamp, Rejection> {
    time::parse(text).map_err(|why| invalid(field, why))
}

pub(super) fn invalid(field: &'static str, why: impl Into<String>) -> Rejection {
    Rejection::new(Reason::InvalidField, field, why)
}

fn missing(field: &'static str) -> Rejection {
    Rejection::new(Reason::MissingField, field, format!("the event has no {field}; add it"))
}

pub(super) fn not_json(why: impl Into<String>) -> Rejection {
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
    let why = format!(
        "{shown:?} is not creditd.action.v1, creditd.call.started.v1, .answered.v1, .progress.v1, .ended.v1 or .failed.v1, creditd.source.restarted.v1, or creditd.void.v1"
    );
    Rejection::new(Reason::UnknownType, "type", why)
}

#[cfg(test)]
mod tests;
