//! From a record to its items, and from an item to an event.

use serde_json::Value;

use super::fields::{self, Object, needed};
use super::{Instant, Reason, Record};

const DAY: Instant = 86_400_000_000;
const TYPES: [(&str, &str); 3] =
    [("creditd.action.v1", "action"), ("creditd.call.ended.v1", "call.ended"), ("creditd.void.v1", "void")];

/// Whom a record is about.
pub enum Subject {
    /// Events of an organization.
    Events(String),
    /// Commands for an organization, or for `_catalog`.
    Commands(String),
    /// Neither.
    Unknown,
}

impl Subject {
    /// The meaning of a subject.
    pub fn of(subject: &str) -> Subject {
        let tokens: Vec<&str> = subject.split('.').collect();
        match tokens[..] {
            ["credits", "events", org] if !org.is_empty() => Subject::Events(org.to_string()),
            ["credits", "commands", org] if !org.is_empty() => Subject::Commands(org.to_string()),
            _ => Subject::Unknown,
        }
    }
}

/// One item of a record with its envelope opened, or why that failed.
pub type Item = Result<Envelope, Reason>;

/// What an item says about itself, and its data.
#[derive(Clone, Debug)]
pub struct Envelope {
    kind: String,
    plain: bool,
    source: String,
    id: Option<String>,
    /// Read only where it matters: a command's is ignored.
    time: Value,
    /// The data object; in plain form the whole item.
    pub data: Object,
}

impl Envelope {
    /// The full type, a short form spelled out where it is allowed.
    pub fn kind(&self) -> &str {
        let short = TYPES.iter().find(|(_, short)| self.plain && *short == self.kind);
        short.map_or(&self.kind, |(full, _)| full)
    }
}

/// The items of a record, in order.
pub fn items(record: &Record) -> Vec<Item> {
    let header =
        |name: &str| record.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, v)| v);
    let binary = header("ce-specversion").is_some();
    let values =
        if binary { vec![serde_json::from_slice(&record.payload).ok()] } else { split(&record.payload) };
    let spare = header("nats-msg-id").filter(|_| values.len() == 1);
    let open = |value: Option<Value>| {
        let Some(Value::Object(object)) = value else { return Err("not_json") };
        let mut envelope = if binary { from_headers(object, &header)? } else { from_object(object)? };
        envelope.id = envelope.id.or(spare.cloned());
        Ok(envelope)
    };
    values.into_iter().map(open).collect()
}

/// One value, the elements of an array, or the lines that are not blank. Never empty.
fn split(payload: &[u8]) -> Vec<Option<Value>> {
    let Ok(text) = std::str::from_utf8(payload) else { return vec![None] };
    match serde_json::from_str(text) {
        Ok(Value::Array(elements)) if !elements.is_empty() => {
            return elements.into_iter().map(Some).collect();
        }
        Ok(value) => return vec![Some(value)],
        Err(_) if text.trim_start().starts_with('[') => return vec![None],
        Err(_) => {}
    }
    let lines = text.split('\n').filter(|line| !line.trim().is_empty());
    let values: Vec<Option<Value>> = lines.map(|line| serde_json::from_str(line).ok()).collect();
    if values.is_empty() { vec![None] } else { values }
}

fn from_headers<'a>(data: Object, header: &impl Fn(&str) -> Option<&'a String>) -> Item {
    let mut attributes = Object::new();
    for name in ["specversion", "type", "source", "id", "time"] {
        if let Some(value) = header(&format!("ce-{name}")) {
            attributes.insert(name.to_string(), Value::String(value.clone()));
        }
    }
    envelope(&attributes, data, false)
}

fn from_object(object: Object) -> Item {
    if object.contains_key("specversion") {
        let data = needed(fields::object(&object, "data")?)?.clone();
        return envelope(&object, data, false);
    }
    envelope(&object.clone(), object, true)
}

fn envelope(attributes: &Object, data: Object, plain: bool) -> Item {
    if !plain && fields::text(attributes, "specversion")?.as_deref() != Some("1.0") {
        return Err("invalid_field");
    }
    Ok(Envelope {
        kind: needed(fields::text(attributes, "type")?)?,
        plain,
        source: fields::text(attributes, "source")?.unwrap_or("nats".to_string()),
        id: fields::text(attributes, "id")?,
        time: attributes.get("time").cloned().unwrap_or_default(),
        data,
    })
}

/// Something that happened outside.
#[derive(Clone, Debug)]
pub struct Event {
    /// By which it is known: source and id.
    pub identity: (String, String),
    /// When it happened.
    pub time: Instant,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum What {
    /// An action, so many times.
    Action(String, i128),
    /// A call that ended.
    Call(Call),
    /// An earlier event is taken back; the time is the earlier event's, where given.
    Void((String, String), Option<Instant>),
}

/// A call that ended.
#[derive(Clone, Debug)]
pub struct Call {
    /// The action it is charged as.
    pub action: String,
    /// Its length in milliseconds.
    pub duration_ms: i128,
    /// `inbound` or `outbound`.
    pub direction: &'static str,
    /// The digits of the number called.
    pub destination: Option<String>,
    /// Whether anyone answered.
    pub answered: bool,
    /// When it was answered: the instant whose prices count.
    pub answered_at: Instant,
    /// Actions that share its seconds.
    pub add_ons: Vec<String>,
}

/// The event that an item on the subject of `org` is.
pub fn event(item: &Item, org: &str, now: Instant) -> Result<Event, Reason> {
    let envelope = item.as_ref().map_err(|reason| *reason)?;
    let data = &envelope.data;
    if TYPES.iter().all(|(full, _)| *full != envelope.kind()) {
        return Err("unknown_type");
    }
    let id = needed(envelope.id.clone())?;
    let stated = Object::from_iter([("time".to_string(), envelope.time.clone())]);
    let time = fields::instant(&stated, "time")?.unwrap_or(now);
    dimensions(data)?;
    let identity = (envelope.source.clone(), id);
    let what = match envelope.kind() {
        "creditd.action.v1" => {
            let quantity = fields::integer(data, "quantity", 1..=1_000_000_000_000)?.unwrap_or(1);
            What::Action(needed(fields::text(data, "action")?)?, quantity)
        }
        "creditd.void.v1" => void(data, &identity)?,
        _ => What::Call(call(data, time)?),
    };
    if fields::text(data, "org")?.is_some_and(|named| named != org) {
        return Err("org_mismatch");
    }
    Ok(Event { identity, time, what })
}

/// Who spent: not part of the balance, but it must be well formed.
fn dimensions(data: &Object) -> Result<(), Reason> {
    for name in ["account", "user", "team", "feature"] {
        fields::text(data, name)?;
    }
    let Some(entity) = fields::object(data, "entity")? else { return Ok(()) };
    needed(fields::text(entity, "type")?)?;
    needed(fields::text(entity, "id")?)?;
    fields::text(entity, "name")?;
    Ok(())
}

fn void(data: &Object, own: &(String, String)) -> Result<What, Reason> {
    let voids = needed(fields::object(data, "voids")?)?;
    let source = fields::text(voids, "source")?.unwrap_or(own.0.clone());
    let target = (source, needed(fields::text(voids, "id")?)?);
    fields::text(data, "reason")?;
    if target == *own {
        return Err("invalid_field");
    }
    Ok(What::Void(target, fields::instant(voids, "time")?))
}

fn call(data: &Object, time: Instant) -> Result<Call, Reason> {
    let duration_ms = needed(fields::integer(data, "duration_ms", 0..=604_800_000)?)?;
    let destination = fields::text(data, "destination")?;
    let digits = destination.map(|text| text.strip_prefix('+').unwrap_or(&text).to_string());
    if digits.as_ref().is_some_and(|digits| !is_digits(digits)) {
        return Err("invalid_field");
    }
    let span = i64::try_from(duration_ms * 1_000).map_err(|_| "invalid_field")?;
    let answered_at = fields::instant(data, "answered_at")?.unwrap_or(time - span);
    if answered_at > time {
        return Err("invalid_field");
    }
    Ok(Call {
        action: fields::text(data, "action")?.unwrap_or("phone_call".to_string()),
        duration_ms,
        direction: needed(fields::word(data, "direction", &["inbound", "outbound"])?)?,
        destination: digits,
        answered: fields::boolean(data, "answered")?.unwrap_or(true),
        answered_at,
        add_ons: add_ons(data)?,
    })
}

fn add_ons(data: &Object) -> Result<Vec<String>, Reason> {
    let mut names = Vec::new();
    for value in fields::list(data, "add_ons")?.into_iter().flatten() {
        let name = value.as_str().filter(|name| (1..=256).contains(&name.len())).ok_or("invalid_field")?;
        if names.len() == 8 || names.iter().any(|known| known == name) {
            return Err("invalid_field");
        }
        names.push(name.to_string());
    }
    Ok(names)
}

/// 1 to 32 digits.
pub fn is_digits(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether an event's time is too far from the log's: 5 minutes ahead, 400 days behind.
pub fn out_of_range(time: Instant, now: Instant) -> bool {
    time > now + 300_000_000 || time < now - 400 * DAY
}
