//! The JSON schemas of what the ledger's types are outside, beside the types themselves: the ledger knows no JSON.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::ledger::catalog::WhenExhausted;
use crate::ledger::limits::{Level, Window};
use crate::ledger::price::{CreditType, Direction, Increment};
use crate::ledger::units::{Credits, Position, Timestamp};

/// Says what a type is in JSON: its name there, and the schema.
macro_rules! schema {
    ($type:ty, $name:literal, $schema:tt) => {
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

schema!(Credits, "Credits", {
    "type": "string",
    "description": "An amount of credits: a decimal number with at most six decimals.",
    "pattern": "^-?[0-9]+(\\.[0-9]{1,6})?$",
    "examples": ["12.5"],
});

schema!(CreditType, "CreditType", {
    "type": "string",
    "description": "The name of a kind of credits.",
    "pattern": "^[a-z0-9_]{1,16}$",
    "examples": ["credits"],
});

schema!(Timestamp, "Instant", {
    "type": "string",
    "format": "date-time",
    "description": "An instant, as RFC 3339 has it.",
    "examples": ["2026-01-05T10:00:00Z"],
});

schema!(Position, "Position", {
    "type": "string",
    "description": "The record of the log, and the item in it.",
    "pattern": "^[0-9]+\\.[0-9]+$",
    "examples": ["17.2"],
});

schema!(Direction, "Direction", {
    "enum": ["inbound", "outbound"],
    "description": "Who called whom: inbound, the customer was called; outbound, the customer called.",
});

schema!(Window, "Window", {
    "enum": ["day", "week", "month", "cycle", "life"],
    "description": "The window of time in which use is counted.",
});

schema!(Level, "Level", {
    "enum": ["ok", "near", "reached"],
    "description": "How far a limit is used up: near from 80 % on.",
});

schema!(WhenExhausted, "WhenExhausted", {
    "enum": ["overage", "reject"],
    "description": "What happens to an event that the credits do not cover.",
});

schema!(Increment, "Increment", {
    "type": "string",
    "description": "A billing increment in seconds, the first and each that follows.",
    "pattern": "^[0-9]+/[0-9]+$",
    "examples": ["60/60"],
});
