//! What a switch asks, from JSON to a checked request, and the hold that follows into the log.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::object::{self, Object};
use super::text::LONGEST_TEXT;
use super::time;
use crate::ledger::authorization::{Request, Wanted};
use crate::ledger::calls::{Amounts, Hold, PHONE_CALL};
use crate::ledger::entry::{CallName, Dimensions, LARGEST_QUANTITY, MOST_ADD_ONS};
use crate::ledger::price::Direction;
use crate::ledger::rejection::{Reason, Rejection};
use crate::ledger::units::EventId;

/// The source of a call whose request names none, as of an event.
const DEFAULT_SOURCE: &str = "nats";

/// A request as it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    #[serde(default)]
    kind: What,
    #[serde(default)]
    org: Option<Box<str>>,
    #[serde(default)]
    source: Option<Box<str>>,
    #[serde(default)]
    call_id: Option<Box<str>>,
    #[serde(default)]
    id: Option<Box<str>>,
    #[serde(default)]
    direction: Option<Direction>,
    #[serde(default)]
    destination: Option<Box<str>>,
    #[serde(default)]
    action: Option<Box<str>>,
    #[serde(default)]
    add_ons: Vec<Box<str>>,
    #[serde(default)]
    account: Option<Box<str>>,
    #[serde(default)]
    user: Option<Box<str>>,
    #[serde(default)]
    team: Option<Box<str>>,
    #[serde(default)]
    feature: Option<Box<str>>,
    #[serde(default, deserialize_with = "object::optional")]
    entity: Option<AskedEntity>,
    #[serde(default)]
    requested_seconds: Option<u64>,
    #[serde(default)]
    requested_quantity: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum What {
    #[default]
    Call,
    Action,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedEntity {
    #[serde(rename = "type")]
    kind: Box<str>,
    id: Box<str>,
    #[serde(default)]
    name: Option<Box<str>>,
}

impl Asked {
    /// Reads a request for an organization.
    ///
    /// # Errors
    /// The field at fault, its value, and the remedy.
    pub fn read(payload: &[u8], org: &str) -> Result<Asked, Rejection> {
        let Object(asked) = serde_json::from_slice::<Object<Asked>>(payload).map_err(|error| {
            Rejection::new(Reason::NotJson, "", format!("{error}; see docs/AUTHORIZE.md"))
        })?;
        if let Some(named) = asked.org.as_deref().filter(|named| *named != org) {
            let why = format!("the request names {named:?}, its address {org:?}; ask at its own");
            return Err(Rejection::new(Reason::OrgMismatch, "org", why));
        }
        asked.check()?;
        Ok(asked)
    }

    /// The account that is to spend, if one is named.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }

    fn check(&self) -> Result<(), Rejection> {
        let entity = self.entity.as_ref();
        let texts = [
            ("source", &self.source),
            ("call_id", &self.call_id),
            ("id", &self.id),
            ("destination", &self.destination),
            ("action", &self.action),
            ("account", &self.account),
            ("user", &self.user),
            ("team", &self.team),
            ("feature", &self.feature),
        ];
        for (field, text) in texts.iter().filter_map(|(field, text)| Some((*field, text.as_deref()?))) {
            bounded(field, text)?;
        }
        self.add_ons.iter().try_for_each(|add_on| bounded("add_ons", add_on))?;
        if let Some(AskedEntity { kind, id, name }) = entity {
            bounded("entity.type", kind)?;
            bounded("entity.id", id)?;
            name.as_deref().map_or(Ok(()), |name| bounded("entity.name", name))?;
        }
        if self.add_ons.len() > MOST_ADD_ONS {
            let why = format!("{} add-ons; name up to {MOST_ADD_ONS}", self.add_ons.len());
            return Err(invalid("add_ons", why));
        }
        match self.kind {
            What::Call => {
                self.call_id.as_ref().ok_or_else(|| missing("call_id"))?;
                self.direction.ok_or_else(|| missing("direction"))?;
                nothing(
                    "requested_quantity",
                    self.requested_quantity,
                    "is of actions; a call has requested_seconds",
                )?;
                within("requested_seconds", self.requested_seconds, 86_400)
            }
            What::Action => {
                self.id.as_ref().ok_or_else(|| missing("id"))?;
                self.action.as_ref().ok_or_else(|| missing("action"))?;
                nothing(
                    "requested_seconds",
                    self.requested_seconds,
                    "is of calls; an action has requested_quantity",
                )?;
                within("requested_quantity", self.requested_quantity, LARGEST_QUANTITY)
            }
        }
    }

    /// The names of its add-ons.
    #[must_use]
    pub fn add_ons(&self) -> Vec<&str> {
        self.add_ons.iter().map(|add_on| &**add_on).collect()
    }

    /// The request, with the names of its add-ons.
    #[must_use]
    pub fn request<'a>(&'a self, add_ons: &'a [&'a str]) -> Request<'a> {
        let source = self.source.as_deref().unwrap_or(DEFAULT_SOURCE);
        let action = self.action.as_deref().unwrap_or(PHONE_CALL);
        let (id, wanted, most) = match (self.kind, self.direction) {
            (What::Call, Some(direction)) => {
                let destination = self.destination.as_deref();
                (
                    &self.call_id,
                    Wanted::Call { action, direction, destination, add_ons },
                    self.requested_seconds,
                )
            }
            _ => (&self.id, Wanted::Action(action), self.requested_quantity),
        };
        let entity = self.entity.as_ref();
        let dimensions = Dimensions {
            account: self.account.as_deref(),
            entity_type: entity.map(|entity| &*entity.kind),
            entity_id: entity.map(|entity| &*entity.id),
            entity_name: entity.and_then(|entity| entity.name.as_deref()),
            user: self.user.as_deref(),
            team: self.team.as_deref(),
            feature: self.feature.as_deref(),
        };
        Request { name: CallName { source, id: id.as_deref().unwrap_or_default() }, dimensions, wanted, most }
    }
}

fn bounded(field: &'static str, text: &str) -> Result<(), Rejection> {
    if text.is_empty() || text.len() > LONGEST_TEXT {
        return Err(invalid(field, format!("{} bytes long; write 1 to {LONGEST_TEXT}", text.len())));
    }
    Ok(())
}

fn within(field: &'static str, written: Option<u64>, most: u64) -> Result<(), Rejection> {
    match written.filter(|number| !(1..=most).contains(number)) {
        None => Ok(()),
        Some(number) => Err(invalid(field, format!("{number}; write a whole number from 1 to {most}"))),
    }
}

fn nothing(field: &'static str, written: Option<u64>, why: &str) -> Result<(), Rejection> {
    written.map_or(Ok(()), |_| Err(invalid(field, format!("{field} {why}"))))
}

fn invalid(field: &'static str, why: impl Into<String>) -> Rejection {
    Rejection::new(Reason::InvalidField, field, why)
}

fn missing(field: &'static str) -> Rejection {
    Rejection::new(Reason::MissingField, field, format!("the request has no {field}; add it"))
}

/// A hold's name for people and machines.
#[must_use]
pub fn hold_id(key: EventId) -> String {
    format!("{:032x}", key.to_u128())
}

/// The hold of that name; none where it cannot be one.
#[must_use]
pub fn read_hold_id(id: &str) -> Option<EventId> {
    let digits = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    u128::from_str_radix(id, 16).ok().filter(|_| digits).map(EventId::from_u128)
}

/// The command that sets credits aside.
#[must_use]
pub fn hold_command(hold: &Hold) -> Value {
    let of = hold.who.dimensions();
    let texts = [("account", of.account), ("user", of.user), ("team", of.team), ("feature", of.feature)];
    let mut data: Map<String, Value> =
        texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), json!(text?)))).collect();
    if let Some(kind) = of.entity_type {
        data.insert("entity".into(), json!({ "type": kind, "id": of.entity_id, "name": of.entity_name }));
    }
    let amounts = |amounts: &Amounts| -> Value {
        let amounts = amounts.iter().map(|(kind, amount)| (kind.to_string(), json!(amount)));
        Value::Object(amounts.collect())
    };
    data.insert("for".into(), json!({ "source": hold.source, "id": hold.id }));
    data.insert("action".into(), json!(hold.action));
    data.insert("quantity".into(), json!(hold.quantity));
    data.insert("until".into(), json!(time::format(hold.until)));
    data.insert("amounts".into(), amounts(&hold.amounts));
    data.insert("increment".into(), amounts(&hold.increment));
    json!({ "type": "creditd.hold.v1", "data": data })
}

/// The command that sets nothing aside any more.
#[must_use]
pub fn release_command(hold: &Hold) -> Value {
    json!({ "type": "creditd.hold.release.v1", "data": { "for": { "source": hold.source, "id": hold.id } } })
}
