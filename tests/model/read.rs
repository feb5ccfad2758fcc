//! From a record to its items, and from an item to an event.

use serde_json::Value;

use super::calls;
use super::calls::told::{End, Facts, Step, Told};
use super::fields::{self, Object, needed};
use super::scope::Spender;
use super::{Instant, Reason, Record};

const DAY: Instant = 86_400_000_000;
const TYPES: [(&str, &str); 23] = [
    ("creditd.action.v1", "action"),
    ("creditd.call.ended.v1", "call.ended"),
    ("creditd.void.v1", "void"),
    ("creditd.call.started.v1", "call.started"),
    ("creditd.call.answered.v1", "call.answered"),
    ("creditd.call.progress.v1", "call.progress"),
    ("creditd.call.failed.v1", "call.failed"),
    ("creditd.source.restarted.v1", "source.restarted"),
    ("creditd.rate_card.put.v1", "rate_card.put"),
    ("creditd.plan.put.v1", "plan.put"),
    ("creditd.org.put.v1", "org.put"),
    ("creditd.grant.v1", "grant"),
    ("creditd.grant.void.v1", "grant.void"),
    ("creditd.adjust.v1", "adjust"),
    ("creditd.limit.put.v1", "limit.put"),
    ("creditd.limit.remove.v1", "limit.remove"),
    ("creditd.recharge.put.v1", "recharge.put"),
    ("creditd.recharge.remove.v1", "recharge.remove"),
    ("creditd.recharge.failed.v1", "recharge.failed"),
    ("creditd.account.put.v1", "account.put"),
    ("creditd.team.put.v1", "team.put"),
    ("creditd.user.put.v1", "user.put"),
    ("creditd.entity.put.v1", "entity.put"),
];
/// How many of them are of events; the last of these need no id.
const EVENTS: usize = 8;
const WITH_ID: usize = 3;
/// How many items one record may hold.
const MOST_ITEMS: usize = 10_000;

/// Whom a record is about.
pub enum Subject {
    /// Events of an organization.
    Events(String),
    /// Commands for an organization, or for `_catalog`.
    Commands(String),
    /// Nothing but the log's time.
    Tick,
    /// None of these.
    Unknown,
}

impl Subject {
    /// The meaning of a subject.
    pub fn of(subject: &str) -> Subject {
        let tokens: Vec<&str> = subject.split('.').collect();
        match tokens[..] {
            ["credits", "events", org] if is_name(org) => Subject::Events(org.to_string()),
            ["credits", "commands", "_tick"] => Subject::Tick,
            ["credits", "commands", org] if is_name(org) || org == "_catalog" => {
                Subject::Commands(org.to_string())
            }
            _ => Subject::Unknown,
        }
    }
}

/// Whether an organization can have this name: 1 to 64 letters, digits, `-` and `_`, the first not `_`.
fn is_name(text: &str) -> bool {
    let sound = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=64).contains(&text.len()) && !text.starts_with('_') && text.bytes().all(sound)
}

/// One item of a record with its envelope opened, or why that failed.
pub type Item = Result<Envelope, Reason>;

/// What an item says about itself, and its data.
#[derive(Clone, Debug)]
pub struct Envelope {
    kind: String,
    /// Source, id and time are read only where they matter: a command's are not.
    attributes: Object,
    /// The header that stands in for the id of a single item.
    spare: Option<String>,
    /// The data object; in plain form the whole item.
    pub data: Object,
}

impl Envelope {
    /// The full type, a short form spelled out.
    pub fn kind(&self) -> &str {
        let short = TYPES.iter().find(|(_, short)| *short == self.kind);
        short.map_or(&self.kind, |(full, _)| full)
    }
}

/// The items of a record, in order.
pub fn items(record: &Record, headers: &[(String, String)]) -> Vec<Item> {
    let header =
        |name: &str| headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    if header("ce-specversion").or(header("ce-type")).is_some() {
        return vec![from_headers(&record.payload, &header)];
    }
    let values = split(&record.payload);
    if values.len() > MOST_ITEMS {
        return vec![Err("too_many")];
    }
    let spare = header("nats-msg-id").filter(|_| values.len() == 1);
    let open = |value: Option<Value>| {
        let Some(Value::Object(object)) = value else { return Err("not_json") };
        from_object(object, spare)
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
    let lines = text.split('\n').filter(|line| !line.trim_matches([' ', '\t', '\r']).is_empty());
    let values: Vec<Option<Value>> = lines.map(|line| serde_json::from_str(line).ok()).collect();
    if values.is_empty() { vec![None] } else { values }
}

fn from_headers<'a>(payload: &[u8], header: &impl Fn(&str) -> Option<&'a String>) -> Item {
    let mut attributes = Object::new();
    for name in ["specversion", "type", "source", "id", "time"] {
        if let Some(value) = header(&format!("ce-{name}")) {
            let decoded = percent_decoded(value).ok_or("invalid_field")?;
            attributes.insert(name.to_string(), Value::String(decoded));
        }
    }
    let Ok(Value::Object(data)) = serde_json::from_slice(payload) else { return Err("not_json") };
    envelope(attributes, data, header("nats-msg-id"))
}

/// `%20` is a space; a percent sign that two hexadecimal digits do not follow stands for itself.
fn percent_decoded(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let (mut decoded, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let hex = bytes.get(at + 1..at + 3).filter(|hex| hex.iter().all(u8::is_ascii_hexdigit));
        let code = hex.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match code.filter(|_| bytes[at] == b'%') {
            Some(code) => {
                decoded.push(code);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8(decoded).ok()
}

fn from_object(object: Object, spare: Option<&String>) -> Item {
    if let Some(data) = fields::object(&object, "data")? {
        return envelope(object.clone(), data.clone(), spare);
    }
    if fields::text(&object, "specversion")?.is_some() {
        return Err("missing_field");
    }
    let beside = ["specversion", "type", "source", "time", "subject", "datacontenttype", "dataschema"];
    let mut data = object.clone();
    data.retain(|name, _| !beside.contains(&name.as_str()));
    envelope(object, data, spare)
}

fn envelope(attributes: Object, data: Object, spare: Option<&String>) -> Item {
    if fields::text(&attributes, "specversion")?.is_some_and(|version| version != "1.0") {
        return Err("invalid_field");
    }
    let kind = needed(fields::text(&attributes, "type")?)?;
    Ok(Envelope { kind, attributes, spare: spare.cloned(), data })
}

/// Something that happened outside.
#[derive(Clone, Debug)]
pub struct Event {
    /// By which it is known: source and id.
    pub identity: (String, String),
    /// When it happened.
    pub time: Instant,
    /// Who spent.
    pub spender: Spender,
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
    /// A call that has a name came so far.
    Live(Told, Step),
    /// It ended.
    End(Told, End),
    /// The switch that is the source was started anew.
    Restarted,
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
    let kind = TYPES[..EVENTS].iter().position(|(full, _)| *full == envelope.kind());
    let kind = kind.ok_or("unknown_type")?;
    let spare = Object::from_iter(envelope.spare.clone().map(|id| ("id".to_string(), Value::String(id))));
    let id = fields::text(&envelope.attributes, "id")?.or(fields::text(&spare, "id")?);
    let id = if kind < WITH_ID { needed(id)? } else { id.unwrap_or_default() };
    let source = fields::text(&envelope.attributes, "source")?;
    let restarted = envelope.kind() == "creditd.source.restarted.v1";
    let source = if restarted { needed(source)? } else { source.unwrap_or("nats".to_string()) };
    let time = fields::instant(&envelope.attributes, "time")?.unwrap_or(now);
    let spender = spender(data)?;
    let identity = (source, id);
    let step = calls::told::step(envelope.kind(), data)?;
    let what = match (envelope.kind(), step) {
        (_, Some(step)) => What::Live(calls::told::told(data, spender.clone())?, step),
        ("creditd.action.v1", _) => {
            let quantity = fields::integer(data, "quantity", 1..=1_000_000_000_000)?.unwrap_or(1);
            What::Action(needed(fields::text(data, "action")?)?, quantity)
        }
        _ if restarted => What::Restarted,
        ("creditd.void.v1", _) => void(data, &identity)?,
        _ if fields::text(data, "call_id")?.is_some() => {
            What::End(calls::told::told(data, spender.clone())?, calls::told::end(data, time)?)
        }
        _ => What::Call(call(data, spender.clone(), time)?),
    };
    if fields::text(data, "org")?.is_some_and(|named| named != org) {
        return Err("org_mismatch");
    }
    Ok(Event { identity, time, spender, what })
}

/// Who spent.
fn spender(data: &Object) -> Result<Spender, Reason> {
    let text = |name| fields::text(data, name);
    let (account, user, team) = (text("account")?, text("user")?, text("team")?);
    let feature = text("feature")?;
    let named = fields::object(data, "entity")?.map(entity).transpose()?;
    let (entity, entity_name) = named.map_or((None, None), |(entity, name)| (Some(entity), name));
    Ok(Spender { account, user, team, feature, entity, entity_name })
}

/// The type and id of what spends, and its name if it has one.
pub fn entity(data: &Object) -> Result<((String, String), Option<String>), Reason> {
    let kind = needed(fields::text(data, "type")?)?;
    let id = needed(fields::text(data, "id")?)?;
    Ok(((kind, id), fields::text(data, "name")?))
}

fn void(data: &Object, own: &(String, String)) -> Result<What, Reason> {
    let voids = needed(fields::object(data, "voids")?)?;
    let source = fields::text(voids, "source")?.unwrap_or(own.0.clone());
    let target = (source, needed(fields::text(voids, "id")?)?);
    if target == *own {
        return Err("invalid_field");
    }
    Ok(What::Void(target, fields::instant(voids, "time")?))
}

/// A call that was not told before says all of it.
fn call(data: &Object, spender: Spender, time: Instant) -> Result<Call, Reason> {
    let (end, facts) = (calls::told::end(data, time)?, Facts::read(data, spender)?);
    let duration_ms = needed(end.duration_ms)?;
    let span = i64::try_from(duration_ms * 1_000).map_err(|_| "invalid_field")?;
    let answered_at = end.answered_at.unwrap_or(time - span);
    Ok(facts.call(needed(facts.direction)?, duration_ms, end.answered.unwrap_or(true), answered_at))
}

/// 1 to `most` digits.
pub fn is_digits(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether an event's time is too far from the log's: 5 minutes ahead, 400 days behind.
pub fn out_of_range(time: Instant, now: Instant) -> bool {
    time > now + 300_000_000 || time < now - 400 * DAY
}
