//! The bodies of requests. Those of commands are what the schemas of the commands say, without what the path says already.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::told::{MONTH, RANGES};
use crate::ledger::entry::MOST_ADD_ONS;

/// A schema as it is published, by its name.
type Published = (&'static str, &'static str);

macro_rules! published {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../../docs/schemas/", $name, ".json")))),*]
    };
}

/// First what the schemas of the commands and events have in common, then the events: components of the document, whole.
const COMPONENTS: [Published; 9] = published![
    "common.v1",
    "creditd.action.v1",
    "creditd.call.started.v1",
    "creditd.call.progress.v1",
    "creditd.call.answered.v1",
    "creditd.call.ended.v1",
    "creditd.call.failed.v1",
    "creditd.source.restarted.v1",
    "creditd.void.v1",
];

/// The commands that routes take.
const COMMANDS: [Published; 17] = published![
    "creditd.org.put.v1",
    "creditd.grant.v1",
    "creditd.grant.void.v1",
    "creditd.adjust.v1",
    "creditd.rate_card.put.v1",
    "creditd.plan.put.v1",
    "creditd.limit.put.v1",
    "creditd.limit.remove.v1",
    "creditd.recharge.put.v1",
    "creditd.recharge.remove.v1",
    "creditd.recharge.failed.v1",
    "creditd.account.put.v1",
    "creditd.team.put.v1",
    "creditd.user.put.v1",
    "creditd.entity.put.v1",
    "creditd.webhook.put.v1",
    "creditd.report.put.v1",
];

const EVENT: &str = "Event";

/// The component that a part of a published schema is.
fn component(name: &str, part: &str) -> String {
    format!("{name}.{part}")
}

fn reference(component: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{component}") })
}

/// A published schema whose references lead to components.
fn rooted(name: &str, text: &str) -> Value {
    let mut schema = serde_json::from_str(text).unwrap_or_default();
    root(&mut schema, name);
    schema
}

fn root(value: &mut Value, name: &str) {
    match value {
        Value::Object(fields) => {
            for (field, value) in fields {
                match value {
                    Value::String(to) if field == "$ref" => *to = rooted_reference(to, name),
                    other => root(other, name),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| root(value, name)),
        _ => {}
    }
}

/// `common.v1.json#/$defs/text`, or `#/$defs/data` of the schema itself.
fn rooted_reference(to: &str, name: &str) -> String {
    let (file, part) = to.split_once("#/$defs/").unwrap_or((to, ""));
    let of = file.strip_suffix(".json").unwrap_or(name);
    format!("#/components/schemas/{}", component(of, part))
}

/// Fields that need not be there may be `null`, which is the same (docs/EVENTS.md); what a condition says must be there must be more than that.
fn let_be_null(schema: &mut Value, is_condition: bool) {
    let Some(parts) = schema.as_object_mut() else { return };
    let is_condition = is_condition && parts.get("type").is_none_or(|kind| kind != "object");
    for (word, part) in parts.iter_mut() {
        match (word.as_str(), part) {
            ("properties", Value::Object(fields)) => {
                fields.values_mut().for_each(|field| let_be_null(field, false));
            }
            ("not" | "if" | "then" | "else", part) => let_be_null(part, true),
            ("allOf" | "anyOf" | "oneOf", Value::Array(all)) => {
                all.iter_mut().for_each(|one| let_be_null(one, true));
            }
            ("items" | "additionalProperties", part) => let_be_null(part, false),
            _ => {}
        }
    }
    let required = parts.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    let required: BTreeSet<&str> = required.iter().filter_map(Value::as_str).collect();
    if is_condition {
        let Some(fields) = parts.entry("properties").or_insert_with(|| json!({})).as_object_mut() else {
            return;
        };
        for name in required {
            fields.entry(name).or_insert_with(|| json!({ "not": { "type": "null" } }));
        }
        return;
    }
    let fields = parts.get_mut("properties").and_then(Value::as_object_mut);
    for (_, field) in fields.into_iter().flatten().filter(|(name, _)| !required.contains(name.as_str())) {
        let mut own = field.take();
        let description = own.as_object_mut().and_then(|own| own.remove("description"));
        *field = json!({ "anyOf": [own, { "type": "null" }] });
        if let Some(description) = description {
            field["description"] = description;
        }
    }
}

/// The components that bodies refer to.
pub(super) fn components() -> Map<String, Value> {
    let mut all = Map::new();
    for (name, text) in COMPONENTS {
        let mut schema = rooted(name, text);
        let Some(fields) = schema.as_object_mut() else { continue };
        let parts = fields.remove("$defs").unwrap_or_default();
        for (part, content) in parts.as_object().into_iter().flatten() {
            let mut content = content.clone();
            let_be_null(&mut content, false);
            all.insert(component(name, part), content);
        }
        fields.remove("$schema");
        fields.remove("$id");
        let_be_null(&mut schema, true);
        if schema.get("oneOf").is_some() {
            all.insert(name.to_owned(), schema);
        }
    }
    let events: Vec<Value> = COMPONENTS.iter().skip(1).map(|(name, _)| reference(name)).collect();
    let what = "An event, as docs/EVENTS.md has it: in the structured form of CloudEvents 1.0, or plain.";
    all.insert(EVENT.to_owned(), json!({ "description": what, "anyOf": events }));
    all
}

/// The content of a command, without the fields that the path says.
pub(super) fn command(kind: &str, in_path: &[&str]) -> Value {
    static ALL: LazyLock<Vec<(&str, Value)>> =
        LazyLock::new(|| COMMANDS.iter().map(|(name, text)| (*name, rooted(name, text))).collect());
    let found = ALL.iter().find(|(name, _)| name.strip_prefix("creditd.") == Some(kind));
    let mut data = found.map_or(Value::Null, |(_, schema)| schema["$defs"]["data"].clone());
    let said = |name: &str| name == "org" || in_path.contains(&name);
    if let Some(fields) = data.get_mut("properties").and_then(Value::as_object_mut) {
        fields.retain(|name, _| !said(name));
    }
    if let Some(required) = data.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|name| !name.as_str().is_some_and(said));
    }
    let_be_null(&mut data, false);
    // Unknown fields of commands are refused.
    data["unevaluatedProperties"] = json!(false);
    data
}

/// One event, or several.
pub(super) fn events() -> Value {
    let event = reference(EVENT);
    json!({
        "required": true,
        "description": "One event, an array of them, or one a line. Each stands alone: what cannot be read of an array is told in its result.",
        "content": {
            "application/json": { "schema": { "anyOf": [event, { "type": "array", "minItems": 1, "maxItems": 10_000 }] } },
            "application/x-ndjson": { "schema": { "type": "string" } },
        },
    })
}

/// A message as another system sends it.
pub(super) fn message_of_adapter() -> Value {
    let message = json!({ "schema": { "type": "object", "description": "As the system sends it: its adapter says what is read of it." } });
    let content = json!({ "application/json": message, "application/x-www-form-urlencoded": message });
    json!({ "required": true, "content": content })
}

/// An object whose fields are these, and no other.
fn object(required: &[&str], fields: &Value) -> Value {
    json!({ "type": "object", "required": required, "properties": fields, "additionalProperties": false })
}

fn text(what: &str) -> Value {
    json!({ "type": ["string", "null"], "minLength": 1, "maxLength": 256, "description": what })
}

fn number(most: u64, what: &str) -> Value {
    json!({ "type": ["integer", "null"], "minimum": 1, "maximum": most, "description": what })
}

/// What a switch asks.
pub(super) fn authorization() -> Value {
    let name =
        |what: &str| json!({ "type": "string", "minLength": 1, "maxLength": 256, "description": what });
    let entity =
        json!({ "type": name("Its type."), "id": name("Its id."), "name": text("Its name for people.") });
    let mut entity = object(&["type", "id"], &entity);
    entity["type"] = json!(["object", "null"]);
    let fields = json!({
        "kind": { "enum": ["call", "action"], "default": "call" },
        "source": text("Who will tell of it, as its events say; `nats` if absent."),
        "call_id": text("Of a call: as its events will name it."),
        "id": text("Of an action: as its event will name it."),
        "direction": { "enum": ["inbound", "outbound", null], "description": "Of a call." },
        "destination": text("The number called."),
        "action": text("The kind of action; `phone_call` of a call if absent."),
        "add_ons": { "type": "array", "items": name("An action."), "maxItems": MOST_ADD_ONS },
        "account": text("Who spends."),
        "user": text("Who spends."),
        "team": text("Who spends."),
        "feature": text("On what."),
        "entity": entity,
        "requested_seconds": number(86_400, "Of a call: the most that is wanted; the plan's slice if absent."),
        "requested_quantity": number(1_000_000_000_000, "Of an action: the most that is wanted; 1 if absent."),
    });
    let (said, none) = (json!({ "not": { "type": "null" } }), json!({ "type": "null" }));
    let mut asked = object(&[], &fields);
    asked["if"] = json!({ "properties": { "kind": { "const": "action" } }, "required": ["kind"] });
    asked["then"] = json!({ "required": ["id", "action"], "properties": { "id": said, "action": said, "requested_seconds": none } });
    asked["else"] = json!({ "required": ["call_id", "direction"], "properties": { "call_id": said, "direction": said, "requested_quantity": none } });
    asked
}

/// A token that is wanted.
pub(super) fn token() -> Value {
    let names = |what: &str| json!({ "type": ["array", "null"], "items": { "type": "string" }, "minItems": 1, "description": what });
    let fields = json!({
        "name": { "type": "string", "minLength": 1, "description": "What it is called." },
        "role": { "enum": ["viewer", "manager", "publisher", "switch", "admin"] },
        "orgs": names("For these organizations alone."),
        "accounts": names("For these accounts alone."),
        "expires": { "type": ["string", "null"], "format": "date-time", "description": "Good until then." },
        "per_second": number(u64::from(u32::MAX), "So many requests a second."),
    });
    object(&["name", "role"], &fields)
}

/// How a token is given another secret.
pub(super) fn rotation() -> Value {
    let overlap = json!({ "type": "integer", "minimum": 0, "default": 0, "description": "For so many seconds the secret before is good, too." });
    object(&[], &json!({ "overlap_s": overlap }))
}

/// A portal link that is wanted.
pub(super) fn portal_link() -> Value {
    let fields = json!({
        "name": text("What it is called."),
        "role": { "enum": ["viewer", null] },
        "accounts": { "type": ["array", "null"], "items": { "type": "string" }, "minItems": 1, "description": "For these accounts alone." },
        "expires_in_s": { "type": ["integer", "null"], "minimum": 60, "maximum": 7_776_000, "default": 3_600 },
    });
    object(&[], &fields)
}

/// The fields that choose a range of time, each of which may be null.
fn of_range(fields: &mut Value) {
    let words: Vec<Value> = RANGES.iter().map(|word| json!(word)).chain([Value::Null]).collect();
    let cycle =
        json!([{ "type": "integer", "minimum": 1, "maximum": 999_999_999 }, { "enum": ["previous", null] }]);
    fields["range"] = json!({ "enum": words, "description": "A range by its name." });
    fields["month"] =
        json!({ "type": ["string", "null"], "pattern": MONTH, "description": "A month, such as 2026-01." });
    fields["cycle"] =
        json!({ "anyOf": cycle, "description": "The billing period of that number, or `previous`." });
    for (field, what) in
        [("from", "From that day or instant on."), ("to", "Up to that day or instant, exclusive.")]
    {
        let any = json!([{ "format": "date", "type": "string" }, { "format": "date-time", "type": "string" }, { "type": "null" }]);
        fields[field] = json!({ "anyOf": any, "description": what });
    }
}

/// One way to choose a range alone: two that are there contradict each other, and an end needs a begin.
fn one_range(schema: &mut Value) {
    let said = json!({ "not": { "type": "null" } });
    let both = |one: &str, other: &str| json!({ "required": [one, other], "properties": { one: said, other: said } });
    let pairs = [
        ("range", "month"),
        ("range", "cycle"),
        ("range", "from"),
        ("month", "cycle"),
        ("month", "from"),
        ("cycle", "from"),
    ];
    let contradictions: Vec<Value> = pairs.iter().map(|(one, other)| both(one, other)).collect();
    schema["not"] = json!({ "anyOf": contradictions });
    schema["dependentSchemas"] = json!({ "to": {
        "if": { "properties": { "to": said } },
        "then": { "required": ["from"], "properties": { "from": said } },
    }});
}

/// What of a report is to be sent.
pub(super) fn sending() -> Value {
    let mut fields = json!({
        "recipients": { "type": ["array", "null"], "items": { "type": "string" }, "minItems": 1, "description": "Only these of the report's addresses." },
    });
    of_range(&mut fields);
    let mut wanted = object(&[], &fields);
    one_range(&mut wanted);
    wanted
}

/// The message that is to be sent again.
pub(super) fn message() -> Value {
    object(&["message"], &json!({ "message": { "type": "string", "description": "The `id` of an alert." } }))
}

/// A switch that was started anew.
pub(super) fn restart() -> Value {
    let fields = json!({
        "time": { "type": ["string", "null"], "format": "date-time", "description": "When; now if absent." },
    });
    object(&[], &fields)
}

/// Other prices, over which time, of whom.
pub(super) fn what_if() -> Value {
    let name = json!({ "type": "string", "minLength": 1, "description": "The id of one that is published." });
    let version = json!({ "type": ["integer", "null"], "minimum": 1, "maximum": u32::MAX, "description": "The newest if absent." });
    let published = object(&["id"], &json!({ "id": name, "version": version }));
    let given = |kind: &str, what: &str| {
        let content = command(kind, &["id", "version"]);
        json!({ "anyOf": [name, published, content, { "type": "null" }], "description": what })
    };
    let mut fields = json!({
        "rate_card": given("rate_card.put.v1", "One that is published, by its id alone or with a version, or the content of one."),
        "plan": given("plan.put.v1", "One that is published, by its id alone or with a version, or the content of one."),
        "own_prices": { "type": ["boolean", "null"], "default": true, "description": "Whether what an organization has of its own stays." },
        "orgs": { "type": ["array", "null"], "items": { "type": "string", "minLength": 1 }, "minItems": 1, "description": "Only these; all if absent." },
        "zone": text("An IANA name: whose days these are; that of each organization if absent."),
    });
    of_range(&mut fields);
    let mut asked = object(&[], &fields);
    one_range(&mut asked);
    let said =
        |field: &str| json!({ "required": [field], "properties": { field: { "not": { "type": "null" } } } });
    asked["anyOf"] = json!([said("rate_card"), said("plan")]);
    asked
}
