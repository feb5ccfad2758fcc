//! The types of events, and which fields each of them knows.

use serde_json::Value;

use super::event::{invalid, not_json};
use super::fields::Place;
use super::text::Text;
use crate::ledger::rejection::Rejection;

/// The types of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EventType {
    Action,
    CallStarted,
    CallAnswered,
    CallProgress,
    CallFailed,
    CallEnded,
    SourceRestarted,
    Void,
}

impl EventType {
    /// Whether it tells of a call that goes on: a call and a type are enough to know it by.
    pub(super) fn is_live(self) -> bool {
        use EventType::{CallAnswered, CallFailed, CallProgress, CallStarted};
        matches!(self, CallStarted | CallAnswered | CallProgress | CallFailed)
    }

    pub(super) fn of(name: &str) -> Option<EventType> {
        match name {
            "creditd.action.v1" | "action" => Some(EventType::Action),
            "creditd.call.started.v1" | "call.started" => Some(EventType::CallStarted),
            "creditd.call.answered.v1" | "call.answered" => Some(EventType::CallAnswered),
            "creditd.call.progress.v1" | "call.progress" => Some(EventType::CallProgress),
            "creditd.call.failed.v1" | "call.failed" => Some(EventType::CallFailed),
            "creditd.call.ended.v1" | "call.ended" => Some(EventType::CallEnded),
            "creditd.source.restarted.v1" | "source.restarted" => Some(EventType::SourceRestarted),
            "creditd.void.v1" | "void" => Some(EventType::Void),
            _ => None,
        }
    }
}

/// The attributes of the envelope.
const ENVELOPE: [&str; 5] = ["specversion", "type", "source", "id", "time"];
/// The data of every event.
const COMMON: [&str; 6] = ["org", "account", "user", "team", "feature", "entity"];

/// Whether a type of event says something by the field `name` of its data.
fn is_known(kind: EventType, name: &str) -> bool {
    let own: &[&str] = match kind {
        EventType::Action => &["action", "quantity"],
        EventType::CallStarted | EventType::CallAnswered | EventType::CallFailed => {
            &["call_id", "action", "direction", "destination", "add_ons"]
        }
        EventType::CallProgress => {
            &["call_id", "action", "direction", "destination", "add_ons", "duration_ms"]
        }
        EventType::CallEnded => &[
            "call_id",
            "action",
            "direction",
            "destination",
            "add_ons",
            "duration_ms",
            "answered",
            "answered_at",
        ],
        EventType::SourceRestarted => &[],
        EventType::Void => &["voids"],
    };
    COMMON.contains(&name) || own.contains(&name)
}

/// An item without what its type of event does not know: unknown fields may have any value.
pub(super) fn known_part(text: &str, place: Place, kind: Option<&Text<'_>>) -> Result<String, Rejection> {
    let value: Value = serde_json::from_str(text).map_err(|error| {
        not_json(format!("not JSON: {error}; send one object, an array or one object a line"))
    })?;
    let Value::Object(mut item) = value else { return Err(not_json("not an event; send a JSON object")) };
    let named = kind.map(Text::as_str).or_else(|| item.get("type").and_then(Value::as_str));
    let kind = named.and_then(EventType::of);
    let known = |name: &str| kind.is_some_and(|kind| is_known(kind, name));
    if place == Place::Data {
        item.retain(|name, _| known(name));
        return Ok(Value::Object(item).to_string());
    }
    match item.get_mut("data") {
        None | Some(Value::Null) => item.retain(|name, _| ENVELOPE.contains(&name.as_str()) || known(name)),
        Some(Value::Object(data)) => {
            data.retain(|name, _| known(name));
            item.retain(|name, _| name == "data" || ENVELOPE.contains(&name.as_str()));
        }
        Some(_) => return Err(invalid("data", "data is not a JSON object; see the schema of the type")),
    }
    Ok(Value::Object(item).to_string())
}
