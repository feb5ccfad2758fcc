//! Commands: what we are told, from JSON to checked orders.
//!
//! A command is a CloudEvent with its content in `data`, or one flat object. Unlike an event's, its unknown
//! fields are refused: a misspelt price must not pass for none.

mod call_terms;
mod hold;
mod limit;
mod naming;
mod objects;
mod org;
mod published;
mod quiet;
mod recharge;
mod report;
mod webhook;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::event::MOST_ITEMS;
use super::items::{Layout, layout, lines};
use super::subject::Subject;
use super::text::LONGEST_TEXT;
use super::time;
use crate::ledger::entry::{CatalogCommand, Command};
use crate::ledger::rejection::{Reason, Rejection};
use crate::ledger::units::Timestamp;
use hold::{WrittenHold, WrittenHoldRelease};
use limit::{WrittenLimit, WrittenLimitRemoval};
use naming::Named;
use objects::Objects;
use org::{WrittenAdjustment, WrittenGrant, WrittenGrantVoid, WrittenOrg};
use published::{WrittenCard, WrittenPlanVersion};
use recharge::{WrittenRecharge, WrittenRechargeFailure, WrittenRechargeRemoval};
use report::AboutReport;
use webhook::{WrittenWebhook, WrittenWebhookRemoval};

/// A command, to the catalog or to an organization.
#[derive(Clone, Debug)]
pub enum AnyCommand {
    /// Changes the catalog.
    Catalog(CatalogCommand),
    /// Concerns one organization.
    Org(Command),
}

/// Hands over every command of a record in order, decoded or refused.
pub fn decode_command(
    subject: Subject<'_>,
    payload: &[u8],
    visit: &mut dyn FnMut(u32, Result<AnyCommand, Rejection>),
) {
    let Ok(text) = std::str::from_utf8(payload) else {
        return visit(
            0,
            Err(Rejection::new(Reason::NotJson, "", "the record is not UTF-8; send JSON in UTF-8")),
        );
    };
    match layout(text) {
        Layout::Single => visit(0, decode_one(subject, text)),
        Layout::Lines if lines(text).nth(MOST_ITEMS).is_some() => visit(0, Err(too_many())),
        Layout::Lines => {
            for (index, line) in (0..).zip(lines(text)) {
                visit(index, decode_one(subject, line));
            }
        }
        Layout::Array => match serde_json::from_str::<Vec<&RawValue>>(text) {
            Ok(items) if items.len() > MOST_ITEMS => visit(0, Err(too_many())),
            Ok(items) if !items.is_empty() => {
                for (index, item) in (0..).zip(items) {
                    visit(index, decode_one(subject, item.get()));
                }
            }
            _ => visit(
                0,
                Err(Rejection::new(Reason::NotJson, "", "not a JSON array of commands; send at least one")),
            ),
        },
    }
}

/// Reads one command.
pub(super) fn decode_one(subject: Subject<'_>, text: &str) -> Result<AnyCommand, Rejection> {
    let mut object: Map<String, Value> = serde_json::from_str(text)
        .map_err(|error| Rejection::new(Reason::NotJson, "", format!("not a JSON object: {error}")))?;
    let kind = match object.remove("type") {
        Some(Value::String(kind)) => name("type", kind.into())?,
        Some(Value::Null) | None => {
            return Err(Rejection::new(Reason::MissingField, "type", "the command has no type; add it"));
        }
        Some(_) => return Err(invalid("type", "the type is not a string")),
    };
    let structured = match object.remove("specversion") {
        None | Some(Value::Null) => false,
        Some(version) if version == "1.0" => true,
        Some(_) => return Err(invalid("specversion", "another version is not read; send CloudEvents 1.0")),
    };
    for envelope in ["source", "time", "subject", "datacontenttype", "dataschema"] {
        object.remove(envelope);
    }
    let mut data = match object.remove("data") {
        Some(Value::Object(data)) => data,
        None | Some(Value::Null) if structured => {
            return Err(Rejection::new(Reason::MissingField, "data", "the command has no data; add it"));
        }
        None | Some(Value::Null) => object,
        Some(_) => return Err(invalid("data", "data is not an object")),
    };
    same_org(subject, data.remove("org"))?;
    drop_nulls(&mut data);
    decode_data(subject, &kind, data)
}

/// A command may say which organization it is for, as long as its subject says the same.
fn same_org(subject: Subject<'_>, named: Option<Value>) -> Result<(), Rejection> {
    match (subject, named) {
        (_, None | Some(Value::Null)) => Ok(()),
        (Subject::Commands(org), Some(Value::String(named))) => {
            let named = name("org", named.into())?;
            if *named == *org {
                return Ok(());
            }
            let why = format!("the command names {named:?}, its subject {org:?}; send it to its own");
            Err(Rejection::new(Reason::OrgMismatch, "org", why))
        }
        _ => Err(invalid("org", "only a command to an organization names one, as a text")),
    }
}

/// `null` is the same as absent, except for a price: a price that is not there must be left out.
fn drop_nulls(object: &mut Map<String, Value>) {
    object.retain(|_, value| !value.is_null());
    for (name, value) in object {
        match value {
            Value::Object(prices) if name == "prices" => {
                prices.values_mut().filter_map(Value::as_object_mut).for_each(drop_nulls);
            }
            Value::Object(inner) => drop_nulls(inner),
            Value::Array(items) => items.iter_mut().filter_map(Value::as_object_mut).for_each(drop_nulls),
            _ => {}
        }
    }
}

fn too_many() -> Rejection {
    let why = format!("a record holds up to {MOST_ITEMS} commands; send several records");
    Rejection::new(Reason::TooMany, "", why)
}

fn decode_data(subject: Subject<'_>, kind: &str, data: Map<String, Value>) -> Result<AnyCommand, Rejection> {
    match (subject, kind) {
        (Subject::Catalog, "creditd.rate_card.put.v1" | "rate_card.put") => {
            read::<WrittenCard>(data)?.check().map(CatalogCommand::PutRateCard).map(AnyCommand::Catalog)
        }
        (Subject::Catalog, "creditd.plan.put.v1" | "plan.put") => {
            let (plan, card) = read::<WrittenPlanVersion>(data)?.check()?;
            Ok(AnyCommand::Catalog(CatalogCommand::PutPlan(plan, card)))
        }
        (Subject::Commands(_), "creditd.org.put.v1" | "org.put") => {
            read::<WrittenOrg>(data)?.check().map(Command::PutOrg).map(AnyCommand::Org)
        }
        (Subject::Commands(_), "creditd.grant.v1" | "grant") => {
            read::<WrittenGrant>(data)?.check().map(Command::Grant).map(AnyCommand::Org)
        }
        (Subject::Commands(_), "creditd.grant.void.v1" | "grant.void") => {
            read::<WrittenGrantVoid>(data)?.check().map(Command::VoidGrant).map(AnyCommand::Org)
        }
        (Subject::Commands(_), "creditd.adjust.v1" | "adjust") => {
            read::<WrittenAdjustment>(data)?.check().map(Command::Adjust).map(AnyCommand::Org)
        }
        (Subject::Commands(_), "creditd.limit.put.v1" | "limit.put") => {
            read::<WrittenLimit>(data)?.check().map(Command::PutLimit).map(AnyCommand::Org)
        }
        (Subject::Commands(_), "creditd.limit.remove.v1" | "limit.remove") => {
            read::<WrittenLimitRemoval>(data)?.check().map(Command::RemoveLimit).map(AnyCommand::Org)
        }
        (Subject::Commands(_), "creditd.recharge.put.v1" | "recharge.put") => {
            let order = read::<WrittenRecharge>(data)?.check()?;
            Ok(AnyCommand::Org(Command::PutRecharge(Box::new(order))))
        }
        (Subject::Commands(_), "creditd.recharge.remove.v1" | "recharge.remove") => {
            read::<WrittenRechargeRemoval>(data)?.check().map(Command::RemoveRecharge).map(AnyCommand::Org)
        }
        (Subject::Commands(_), "creditd.recharge.failed.v1" | "recharge.failed") => {
            read::<WrittenRechargeFailure>(data)?.check().map(Command::FailRecharge).map(AnyCommand::Org)
        }
        (Subject::Commands(_), "creditd.hold.v1" | "hold") => {
            read::<WrittenHold>(data)?.check().map(Box::new).map(Command::Hold).map(AnyCommand::Org)
        }
        (Subject::Commands(_), "creditd.hold.release.v1" | "hold.release") => {
            read::<WrittenHoldRelease>(data)?.check().map(Command::ReleaseHold).map(AnyCommand::Org)
        }
        (Subject::Commands(_), "creditd.webhook.put.v1" | "webhook.put") => {
            read::<WrittenWebhook>(data)?.check().map(Command::PutWebhook).map(AnyCommand::Org)
        }
        (Subject::Commands(_), "creditd.webhook.remove.v1" | "webhook.remove") => {
            read::<WrittenWebhookRemoval>(data)?.check().map(Command::RemoveWebhook).map(AnyCommand::Org)
        }
        (Subject::Commands(_), _) if let Some(about) = AboutReport::of(kind) => {
            about.read(data).map(AnyCommand::Org)
        }
        (Subject::Commands(_), _) if let Some(named) = Named::of(kind) => {
            named.read(data).map(Command::PutName).map(AnyCommand::Org)
        }
        _ => Err(unknown_type(kind)),
    }
}

fn unknown_type(kind: &str) -> Rejection {
    let why = format!(
        "{kind:?} is not a command on this subject; organizations take creditd.org.put.v1, creditd.grant.v1, creditd.grant.void.v1, creditd.adjust.v1, creditd.limit.put.v1, creditd.limit.remove.v1, creditd.recharge.put.v1, creditd.recharge.remove.v1, creditd.recharge.failed.v1, creditd.hold.v1, creditd.hold.release.v1, creditd.account.put.v1, creditd.team.put.v1, creditd.user.put.v1, creditd.entity.put.v1, creditd.webhook.put.v1, creditd.webhook.remove.v1, creditd.report.put.v1, creditd.report.remove.v1 and creditd.report.unsubscribe.v1, the catalog creditd.rate_card.put.v1 and creditd.plan.put.v1"
    );
    Rejection::new(Reason::UnknownType, "type", why)
}

fn read<T: DeserializeOwned>(data: Map<String, Value>) -> Result<T, Rejection> {
    let data = Value::Object(data);
    T::deserialize(Objects(&data)).map_err(|error| {
        let text = error.to_string();
        let reason =
            if text.starts_with("missing field") { Reason::MissingField } else { Reason::InvalidField };
        let named = ["missing field `", "unknown field `", "duplicate field `"]
            .iter()
            .find_map(|start| text.strip_prefix(start)?.split('`').next());
        let field = named.map(str::to_owned).or_else(|| at_fault::<T>(&data, &text));
        Rejection::new(reason, field.unwrap_or_else(|| "data".to_owned()), text)
    })
}

/// The field without which the text of the error is another one. Fields are read in order and unknown ones refused at
/// once, so that few are tried.
fn at_fault<T: DeserializeOwned>(data: &Value, text: &str) -> Option<String> {
    data.as_object()?.keys().find_map(|field| {
        let mut rest = data.clone();
        rest.as_object_mut()?.remove(field);
        let other = T::deserialize(Objects(&rest)).err().is_none_or(|error| error.to_string() != text);
        other.then(|| field.clone())
    })
}

fn invalid(field: &'static str, why: impl Into<String>) -> Rejection {
    Rejection::new(Reason::InvalidField, field, why)
}

fn missing(field: &'static str) -> Rejection {
    Rejection::new(Reason::MissingField, field, format!("the command has no {field}; add it"))
}

fn instant(field: &'static str, text: Option<String>) -> Result<Option<Timestamp>, Rejection> {
    text.map(|text| time::parse(&text).map_err(|why| invalid(field, why))).transpose()
}

fn name(field: &'static str, text: Box<str>) -> Result<Box<str>, Rejection> {
    if text.is_empty() || text.len() > LONGEST_TEXT {
        return Err(invalid(field, format!("{} bytes long; write 1 to {LONGEST_TEXT}", text.len())));
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
