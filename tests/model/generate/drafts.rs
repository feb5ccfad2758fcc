//! An event before it is written: one event, several spellings.

use serde_json::{Value, json};

use super::random::Random;
use crate::model::Instant;
use crate::model::fields::Object;

/// An event that can be sent, and sent again in another spelling.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The full type.
    pub kind: &'static str,
    /// Its source, or none for the default.
    pub source: Option<&'static str>,
    /// Its id; none only where that is the fault.
    pub id: Option<String>,
    /// Its time, spelled out.
    pub time: Option<String>,
    /// Its data.
    pub data: Object,
    /// The CloudEvents version claimed.
    pub specversion: &'static str,
}

/// How an event is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Spelling {
    /// One flat object.
    Plain,
    /// One flat object with the short type.
    Short,
    /// A CloudEvent as one JSON object.
    Structured,
}

impl Draft {
    /// The event as a JSON object.
    pub fn item(&self, spelling: Spelling) -> Value {
        let mut item = if spelling == Spelling::Structured { Object::new() } else { self.data.clone() };
        let short = self.kind.trim_start_matches("creditd.").trim_end_matches(".v1");
        let kind = if spelling == Spelling::Short { short } else { self.kind };
        item.insert("type".to_string(), json!(kind));
        let attributes =
            [("source", self.source), ("id", self.id.as_deref()), ("time", self.time.as_deref())];
        for (name, value) in attributes {
            if let Some(value) = value {
                item.insert(name.to_string(), json!(value));
            }
        }
        if spelling == Spelling::Structured {
            item.insert("specversion".to_string(), json!(self.specversion));
            item.insert("data".to_string(), Value::Object(self.data.clone()));
        }
        Value::Object(item)
    }

    /// The event in binary mode: headers, and the data as payload.
    pub fn binary(&self) -> (Vec<(String, String)>, Value) {
        let attributes = [
            ("ce-specversion", Some(self.specversion)),
            ("ce-type", Some(self.kind)),
            ("ce-source", self.source),
            ("ce-id", self.id.as_deref()),
            ("ce-time", self.time.as_deref()),
        ];
        let headers = attributes
            .iter()
            .filter_map(|(name, value)| Some((name.to_string(), value.as_ref()?.to_string())));
        (headers.collect(), Value::Object(self.data.clone()))
    }
}

/// An instant in RFC 3339, in UTC or two hours east of it.
pub fn spell(instant: Instant, random: &mut Random) -> String {
    let Ok(instant) = jiff::Timestamp::from_microsecond(instant) else { return String::new() };
    if random.chance(25) {
        return instant.display_with_offset(jiff::tz::Offset::constant(2)).to_string();
    }
    instant.to_string()
}

/// An object from its fields.
pub fn object(value: Value) -> Object {
    if let Value::Object(object) = value { object } else { Object::new() }
}

/// A fresh action: what people and robots do all day.
pub fn action(random: &mut Random) -> Object {
    let actions = [
        "email_sent",
        "reaction",
        "message",
        "person_enrichment",
        "ai_tokens",
        "tokens_in_lots",
        "lead_sourced",
    ];
    let name = *random.pick(&actions);
    let mut data = object(json!({ "action": name }));
    if name.contains("tokens") {
        data.insert("quantity".to_string(), json!(random.between(1, 900)));
    } else if random.chance(20) {
        data.insert("quantity".to_string(), json!(random.between(1, 12)));
    }
    data
}

/// A fresh call, of a length that hurts.
pub fn call(random: &mut Random) -> Object {
    let odd =
        [0, 1, 999, 1_000, 29_999, 30_000, 30_001, 59_999, 60_000, 60_001, 61_000, 119_999, 120_000, 120_001];
    let length = if random.chance(60) { *random.pick(&odd) } else { random.between(0, 900_000) };
    let direction = *random.pick(&["inbound", "outbound"]);
    let mut data = object(json!({ "duration_ms": length, "direction": direction }));
    if random.chance(60) {
        let number = *random.pick(&["+4930123456", "49170555", "+1212555", "33155", "+44", "4"]);
        data.insert("destination".to_string(), json!(number));
    }
    if random.chance(10) {
        data.insert("answered".to_string(), json!(false));
    }
    if random.chance(25) {
        data.insert(
            "add_ons".to_string(),
            json!(random.pick(&[vec!["translation"], vec!["recording", "translation"]])),
        );
    }
    if random.chance(15) {
        data.insert("action".to_string(), json!("support_call"));
    }
    data
}

/// Who spent, sometimes.
pub fn dimensions(data: &mut Object, random: &mut Random) {
    if random.chance(50) {
        data.insert("account".to_string(), json!(random.pick(&["emea", "apac"])));
        data.insert("user".to_string(), json!(format!("user-{}", random.between(1, 5))));
    }
    if random.chance(50) {
        let entity = json!({ "type": "campaign", "id": format!("c{}", random.between(1, 9)), "name": "Spring — Frühling" });
        data.insert("entity".to_string(), entity);
        data.insert("extra".to_string(), json!({ "unknown": ["fields", "are", "ignored", null] }));
    }
}
