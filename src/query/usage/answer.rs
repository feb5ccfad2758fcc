//! The answer about usage, as the faces show it.

use std::borrow::Cow;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value as Json, json};

use super::dimension::Dimension;
use super::names::Shown;
use super::range::Span;
use super::sums::{Compared, Sums};
use crate::ledger::calendar::Zone;
use crate::ledger::units::{Position, Timestamp};
use crate::query::balance::{instant, instant_or_null, text};
use crate::wire::time;

/// What was used.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Usage {
    /// The organization.
    pub org: String,
    /// The record and item of the last entry that is counted.
    #[serde(serialize_with = "text")]
    pub seq: Position,
    /// The instant of the answer, or of its first page.
    #[serde(serialize_with = "instant")]
    pub as_of: Timestamp,
    /// What was before cannot be told any more; none where everything can.
    #[serde(serialize_with = "instant_or_null")]
    pub kept_from: Option<Timestamp>,
    /// The zone whose days these are.
    pub zone: String,
    /// What was asked about.
    pub range: RangeState,
    /// What it is compared with.
    pub compared_with: Option<RangeState>,
    /// The dimensions by which it is grouped.
    pub group_by: Vec<&'static str>,
    /// How long the points of series are.
    pub interval: Option<&'static str>,
    /// All groups together, those of other pages too.
    pub totals: UsageLine,
    /// The groups of this page, in the order that was asked for.
    pub data: Vec<GroupLine>,
    /// Where the next page is.
    pub meta: Meta,
}

/// A range of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RangeState {
    /// By which it was asked for, where it has a name.
    pub name: Option<&'static str>,
    /// From here on.
    #[schemars(extend("format" = "date-time"))]
    pub from: String,
    /// Up to here, exclusive.
    #[schemars(extend("format" = "date-time"))]
    pub to: String,
}

/// What was used of something.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct UsageLine {
    /// The figures.
    #[serde(flatten)]
    pub figures: Sums,
    /// What they were before, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compared: Option<Compared>,
    /// Point by point, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub series: Option<Vec<Point>>,
}

/// What was used of a group.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct GroupLine {
    /// Its values.
    pub group: Values,
    /// What was used.
    #[serde(flatten)]
    pub line: UsageLine,
}

/// The figures of a point of time.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Point {
    /// From here on. The points of all series share it.
    #[schemars(extend("format" = "date-time"))]
    pub from: Arc<str>,
    /// Up to here, exclusive.
    #[schemars(extend("format" = "date-time"))]
    pub to: Arc<str>,
    /// The figures.
    #[serde(flatten)]
    pub figures: Sums,
    /// What they were in the point of the same number before; null where there is none. Absent where that was not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compared: Option<Option<Compared>>,
}

/// Where the next page is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "UsageMeta")]
pub struct Meta {
    /// The cursor of the next page; none where this is the last.
    pub next: Option<String>,
    /// How many groups there are on all pages.
    pub groups: usize,
}

/// The value of each dimension by which usage is grouped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Values(Vec<Value>);

/// The value of a dimension, with its name where it can have one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) dimension: Dimension,
    pub(super) entity_type: Box<str>,
    pub(super) id: Option<Box<str>>,
    pub(super) name: Option<Box<str>>,
}

impl Values {
    pub(super) fn of(shown: &[Shown<'_>]) -> Values {
        let value = |shown: &Shown<'_>| Value {
            dimension: shown.dimension,
            entity_type: shown.entity_type.into(),
            id: shown.id.map(Box::from),
            name: shown.name.map(Box::from),
        };
        Values(shown.iter().map(value).collect())
    }

    pub(super) fn all(&self) -> &[Value] {
        &self.0
    }
}

impl Serialize for Values {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|value| (value.dimension.name(), value)))
    }
}

impl Serialize for Value {
    /// What can have a name as an object, everything else as a text.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(id) = &self.id else { return serializer.serialize_none() };
        if self.dimension.kind().is_none() {
            return serializer.serialize_str(id);
        }
        let mut map = serializer.serialize_map(None)?;
        if self.dimension == Dimension::Entity {
            map.serialize_entry("type", &self.entity_type)?;
        }
        map.serialize_entry("id", id)?;
        map.serialize_entry("name", &self.name)?;
        map.end()
    }
}

impl RangeState {
    pub(super) fn of(name: Option<&'static str>, span: Span, zone: &Zone) -> RangeState {
        RangeState { name, from: local(span.from, zone), to: local(span.to, zone) }
    }
}

/// Writes an instant as RFC 3339, as the clocks of a zone show it.
pub(super) fn local(instant: Timestamp, zone: &Zone) -> String {
    match (zone.offset(instant), jiff::Timestamp::from_microsecond(instant.micros())) {
        (Some(offset), Ok(timestamp)) if !offset.is_zero() => {
            timestamp.display_with_offset(offset).to_string()
        }
        _ => time::format(instant),
    }
}

impl JsonSchema for Values {
    fn schema_name() -> Cow<'static, str> {
        "GroupValues".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let plain = || json!({ "type": ["string", "null"], "description": "As events told it." });
        let text = |what: &str| json!({ "type": "string", "description": what });
        let named = |more: Option<&str>| {
            let name = json!({ "type": ["string", "null"], "description": "Its name for people." });
            let mut fields = json!({ "id": text("Its id."), "name": name });
            if let Some(more) = more {
                fields[more] = text("Its type.");
            }
            let required: Vec<&String> = fields.as_object().into_iter().flat_map(Map::keys).collect();
            let what = "By its id.";
            json!({ "type": ["object", "null"], "required": required, "properties": fields, "description": what })
        };
        let value = |dimension: Dimension| match dimension {
            Dimension::Entity => named(Some("type")),
            other if other.kind().is_some() => named(None),
            _ => plain(),
        };
        let all: Map<String, Json> =
            Dimension::ALL.into_iter().map(|one| (one.name().to_owned(), value(one))).collect();
        json_schema!({
            "type": "object",
            "description": "The value of each dimension of group_by; null for what has none.",
            "properties": all,
            "additionalProperties": false,
        })
    }
}
