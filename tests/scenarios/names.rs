//! Names in words: as they are stated and as they are seen.
//!
//! ```text
//! acme names user ana, called Ana Gray, of team sales, link https://example.com/ana
//! acme names campaign c7, called Spring, of account emea, status active, from 2026-01-05, until 2026-04-01, plans 20000 email_sent
//! acme: 1 email, entity campaign c7 Spring, account emea
//! expect knows user ana team sales, knows campaign c7 name Spring, knows account emea, knows user bob no team, knows no team hr
//! expect knows itself Acme Corporation
//! ```
//!
//! A kind that is not known is a type of entities.

use creditd::wire::time;
use serde_json::{Value, json};

use super::words::{Words, unknown};

/// What must be seen of a name.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    kind: String,
    id: String,
    of_it: Detail,
}

#[derive(Clone, Debug)]
enum Detail {
    There,
    NotThere,
    /// A field and what is in it; none for nothing.
    Field(String, Option<String>),
}

/// Reads `user ana`.
pub(crate) fn command(words: &mut Words<'_>) -> Result<Value, String> {
    let (kind, id) = (words.next("what is named")?, words.next("a name")?);
    match kind {
        "account" | "team" | "user" => Ok(json!({ "type": format!("{kind}.put"), "id": id })),
        _ => Ok(json!({ "type": "entity.put", "entity": { "type": kind, "id": id } })),
    }
}

/// Reads a clause of what is stated.
pub(crate) fn clause(word: &str, clause: &mut Words<'_>, item: &mut Value) -> Result<(), String> {
    match word {
        "called" => item["name"] = json!(clause.all("a name")?),
        "of" if clause.take("team") => item["team"] = json!(clause.next("a team")?),
        "of" if clause.take("account") => item["account"] = json!(clause.next("an account")?),
        "link" => item["link"] = json!(clause.next("a link")?),
        "status" => item["status"] = json!(clause.all("a status")?),
        "from" => item["start"] = clause.instant_json()?,
        "until" => item["end"] = clause.instant_json()?,
        "plans" => {
            item["planned_quantity"] = json!(clause.number("how much")?);
            if !clause.is_empty() {
                item["planned_action"] = json!(clause.next("an action")?);
            }
        }
        word => return Err(unknown(word)),
    }
    Ok(())
}

/// Reads `user ana team sales`.
pub(crate) fn seen(words: &mut Words<'_>) -> Result<Seen, String> {
    if words.take("itself") {
        let of_it = Detail::Field("name".to_owned(), Some(words.all("a name")?));
        return Ok(Seen { kind: "itself".to_owned(), id: String::new(), of_it });
    }
    let missing = words.take("no");
    let (kind, id) = (words.next("what is named")?.to_owned(), words.next("a name")?.to_owned());
    let of_it = match (missing, words.is_empty()) {
        (true, _) => Detail::NotThere,
        (false, true) => Detail::There,
        _ if words.take("no") => Detail::Field(words.next("a field")?.to_owned(), None),
        _ => {
            let field = words.next("a field")?.to_owned();
            let value = match &*field {
                "start" | "end" => time::format(words.instant()?),
                _ => words.all("what is in it")?,
            };
            Detail::Field(field, Some(value))
        }
    };
    Ok(Seen { kind, id, of_it })
}

impl Seen {
    /// What is seen instead, if it is something else.
    pub(crate) fn differs(&self, state: &Value) -> Option<String> {
        let names = &state["names"];
        let listed =
            |list: &str, is: &dyn Fn(&&Value) -> bool| names[list].as_array()?.iter().find(is).cloned();
        let by_id = |row: &&Value| row["id"] == self.id.as_str();
        let found = match &*self.kind {
            "itself" => Some(names.clone()),
            "account" => listed("accounts", &by_id),
            "team" => listed("teams", &by_id),
            "user" => listed("users", &by_id),
            kind => listed("entities", &|row| by_id(row) && row["type"] == kind),
        };
        let agrees = match (&self.of_it, &found) {
            (Detail::There, found) => found.is_some(),
            (Detail::NotThere, found) => found.is_none() && names["users"].is_array(),
            (Detail::Field(..), None) => false,
            (Detail::Field(field, None), Some(row)) => row[field].is_null(),
            (Detail::Field(field, Some(wanted)), Some(row)) => {
                row[field].as_str().map_or_else(|| row[field].to_string(), str::to_owned) == *wanted
            }
        };
        let found = found.unwrap_or_else(|| names.clone());
        (!agrees).then(|| format!("{self:?} was expected; it is {found}"))
    }
}
