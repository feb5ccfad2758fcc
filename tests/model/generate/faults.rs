//! Everything that can be wrong with one event, one thing at a time.

use serde_json::{Value, json};

use super::drafts::{Draft, object};

const ACTION: &str = "creditd.action.v1";
const CALL: &str = "creditd.call.ended.v1";
const VOID: &str = "creditd.void.v1";

/// How many there are.
pub const KINDS: usize = 36;

/// Spoils a sound event in one way; the ways stand under the reason they are rejected for.
pub fn spoil(draft: &Draft, which: usize) -> Draft {
    let mut bad = draft.clone();
    let mut data = |kind: &'static str, data: Value| {
        bad.kind = kind;
        bad.data = object(data);
    };
    let call = |field: &str, value: Value| {
        let mut call = object(json!({ "duration_ms": 61_000, "direction": "outbound" }));
        call.insert(field.to_string(), value);
        Value::Object(call)
    };
    match which {
        // missing_field
        0 => data(ACTION, json!({})),
        1 => data(ACTION, json!({ "action": null })),
        2 => data(CALL, json!({ "direction": "inbound" })),
        3 => data(CALL, json!({ "duration_ms": 5 })),
        4 => data(VOID, json!({ "reason": "wrong number" })),
        5 => data(VOID, json!({ "voids": { "time": "2026-01-05T10:00:00Z" } })),
        6 => data(ACTION, json!({ "action": "message", "entity": { "type": "campaign" } })),
        7 => bad.id = None,
        // invalid_field
        8 => data(ACTION, json!({ "action": "message", "quantity": 0 })),
        9 => data(ACTION, json!({ "action": "message", "quantity": -3 })),
        10 => data(ACTION, json!({ "action": "message", "quantity": 1_000_000_000_001_u64 })),
        11 => data(ACTION, json!({ "action": "message", "quantity": 1.5 })),
        12 => data(ACTION, json!({ "action": "message", "quantity": "2" })),
        13 => data(ACTION, json!({ "action": 7 })),
        14 => data(ACTION, json!({ "action": "message", "account": 5 })),
        15 => data(ACTION, json!({ "action": "message", "entity": "campaign" })),
        16 => data(CALL, call("direction", json!("sideways"))),
        17 => data(CALL, call("duration_ms", json!(-1))),
        18 => data(CALL, call("duration_ms", json!(604_800_001))),
        19 => data(CALL, call("destination", json!("+49 30 1"))),
        20 => data(CALL, call("answered", json!("yes"))),
        21 => data(CALL, call("answered_at", json!("2199-01-01T00:00:00Z"))),
        22 => data(CALL, call("add_ons", json!(["translation", "translation"]))),
        23 => data(CALL, call("add_ons", json!(["1", "2", "3", "4", "5", "6", "7", "8", "9"]))),
        24 => data(VOID, json!({ "voids": "message-1" })),
        25 => bad.time = Some("yesterday".to_string()),
        // invalid_field, found when the price is looked up
        26 => data(ACTION, json!({ "action": "phone_call" })),
        27 => data(CALL, call("action", json!("message"))),
        // unknown_type
        28 => data("creditd.action.v9", json!({ "action": "message" })),
        29 => data("creditd.grant.v1", json!({ "amount": "5" })),
        // org_mismatch
        30 => data(ACTION, json!({ "action": "message", "org": "somebody-else" })),
        // time_out_of_range
        31 => bad.time = Some("1970-01-01T00:00:00Z".to_string()),
        32 => bad.time = Some("2200-01-01T00:00:00Z".to_string()),
        // unknown_action
        33 => data(ACTION, json!({ "action": "teleport" })),
        34 => data(CALL, call("add_ons", json!(["telepathy"]))),
        // amount_too_large
        _ => data(ACTION, json!({ "action": "moon_rock", "quantity": 1_000_000_000_000_u64 })),
    }
    bad
}

/// Payloads that hold no event at all.
pub const GARBAGE: [&[u8]; 9] = [
    b"",
    b"  \n ",
    b"[]",
    b"42",
    b"\"text\"",
    b"{\"type\":\"action\",",
    b"[{\"type\":\"action\",\"id\":\"cut\",\"action\":\"message\"},{\"ty",
    b"\xff\xfe{}",
    b"<xml/>\nnot json\n[1]\n",
];
