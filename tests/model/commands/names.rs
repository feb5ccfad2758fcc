//! Names, as commands spell them.

use std::collections::BTreeMap;

use super::INVALID;
use crate::model::Reason;
use crate::model::fields::{self, Object, needed};
use crate::model::names::{Row, Stated, Who};
use crate::model::read::entity;

/// Whether a command of this type states a name.
pub fn is_name(kind: &str) -> bool {
    ["account", "team", "user", "entity"].iter().any(|who| kind == format!("creditd.{who}.put.v1"))
}

/// What a command says about who or what there is.
pub fn stated(kind: &str, data: &Object) -> Result<Stated, Reason> {
    let own: &[&str] = match kind {
        "creditd.user.put.v1" => &["id", "name", "team", "link"],
        "creditd.entity.put.v1" => &[
            "entity",
            "name",
            "account",
            "status",
            "start",
            "end",
            "planned_quantity",
            "planned_action",
            "link",
        ],
        _ => &["id", "name", "link"],
    };
    fields::only(data, &[own, &["org"]].concat())?;
    let who = if kind == "creditd.entity.put.v1" {
        let named = needed(fields::object(data, "entity")?)?;
        fields::only(named, &["type", "id"])?;
        let ((kind, id), _) = entity(named)?;
        Who::Entity(kind, id)
    } else {
        let id = needed(fields::text(data, "id")?)?;
        match kind {
            "creditd.account.put.v1" => Who::Account(id),
            "creditd.team.put.v1" => Who::Team(id),
            _ => Who::User(id),
        }
    };
    Ok(Stated { who, row: row(data)? })
}

/// All that is said, in words.
fn row(data: &Object) -> Result<Row, Reason> {
    let mut row = BTreeMap::new();
    for name in ["name", "team", "account", "status", "planned_action"] {
        row.extend(fields::text(data, name)?.map(|text| (name, text)));
    }
    let (start, end) = (fields::instant(data, "start")?, fields::instant(data, "end")?);
    if start.zip(end).is_some_and(|(start, end)| end <= start) {
        return Err(INVALID);
    }
    row.extend(start.map(|at| ("start", at.to_string())));
    row.extend(end.map(|at| ("end", at.to_string())));
    let planned = fields::integer(data, "planned_quantity", 1..=1_000_000_000_000)?;
    row.extend(planned.map(|quantity| ("planned_quantity", quantity.to_string())));
    row.extend(link(data)?.map(|link| ("link", link)));
    Ok(row)
}

fn link(data: &Object) -> Result<Option<String>, Reason> {
    let Some(value) = data.get("link").filter(|value| !value.is_null()) else { return Ok(None) };
    let link = value.as_str().filter(|link| link.len() <= 2_048).ok_or(INVALID)?;
    let behind = link.strip_prefix("https://").or(link.strip_prefix("http://")).ok_or(INVALID)?;
    let host = behind.split(['/', '?', '#']).next().unwrap_or_default();
    let sound = !host.is_empty() && link.chars().all(|sign| !sign.is_whitespace() && !sign.is_control());
    if sound { Ok(Some(link.to_string())) } else { Err(INVALID) }
}
