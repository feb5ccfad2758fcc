//! The event that a message becomes, as the decoder reads it.

use serde::{Serialize, Serializer};

use crate::ledger::price::Direction;
use crate::ledger::units::{Millis, Timestamp};
use crate::wire::time::Rfc3339;

/// What an event says of its call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) enum Kind {
    /// It rings.
    #[serde(rename = "call.started")]
    Started,
    /// It is talked.
    #[serde(rename = "call.answered")]
    Answered,
    /// It has been talked so long.
    #[serde(rename = "call.progress")]
    Progress,
    /// It is over.
    #[serde(rename = "call.ended")]
    Ended,
    /// It was never answered.
    #[serde(rename = "call.failed")]
    Failed,
}

impl Kind {
    /// All of them, by their names.
    pub(super) const ALL: [(&'static str, Kind); 5] = [
        ("call.started", Kind::Started),
        ("call.answered", Kind::Answered),
        ("call.progress", Kind::Progress),
        ("call.ended", Kind::Ended),
        ("call.failed", Kind::Failed),
    ];

    pub(super) fn named(name: &str) -> Option<Kind> {
        Kind::ALL.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
    }

    pub(super) fn name(self) -> &'static str {
        Kind::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }
}

/// The directions by their names.
pub(super) const DIRECTIONS: [(&str, Direction); 2] =
    [("inbound", Direction::Inbound), ("outbound", Direction::Outbound)];

/// An event about a call, in creditd's own words (`docs/CALLS.md`). What is `None` is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CallEvent {
    #[serde(rename = "type")]
    pub(super) kind: Kind,
    pub(super) source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    pub(super) call_id: String,
    pub(super) org: String,
    #[serde(serialize_with = "instant")]
    pub(super) time: Timestamp,
    #[serde(serialize_with = "direction")]
    pub(super) direction: Direction,
    #[serde(flatten)]
    pub(super) length: Length,
    #[serde(flatten)]
    pub(super) details: Details,
}

/// How long a call was talked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Length {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) duration_ms: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) answered: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "known_instant")]
    pub(super) answered_at: Option<Timestamp>,
}

/// What a call was, and who spent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Details {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) destination: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) action: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) add_ons: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) account: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) team: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) feature: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) entity: Option<Entity>,
}

/// What spends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Entity {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
}

fn instant<S: Serializer>(instant: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&Rfc3339(*instant))
}

fn known_instant<S: Serializer>(known: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match known {
        Some(known) => instant(known, serializer),
        None => serializer.serialize_none(),
    }
}

fn direction<S: Serializer>(direction: &Direction, serializer: S) -> Result<S::Ok, S::Error> {
    let named = DIRECTIONS.iter().find(|(_, known)| known == direction);
    serializer.serialize_str(named.map_or("", |(name, _)| name))
}
