//! Accounts, teams, users and entities, as commands put them.

// The `url` crate, by the way of the client that comes with it.
use reqwest::Url;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{instant, invalid, name, read};
use crate::ledger::entry::LARGEST_QUANTITY;
use crate::ledger::names::{Card, Kind, NameOrder};
use crate::ledger::rejection::Rejection;
use crate::wire::webhook::LONGEST_URL;

/// The kind that a command states one of.
pub(super) struct Named(Kind);

impl Named {
    pub(super) fn of(kind: &str) -> Option<Named> {
        let kind = match kind {
            "creditd.account.put.v1" | "account.put" => Kind::Account,
            "creditd.team.put.v1" | "team.put" => Kind::Team,
            "creditd.user.put.v1" | "user.put" => Kind::User,
            "creditd.entity.put.v1" | "entity.put" => Kind::Entity,
            _ => return None,
        };
        Some(Named(kind))
    }

    /// Reads what the command says.
    pub(super) fn read(self, data: Map<String, Value>) -> Result<NameOrder, Rejection> {
        match self.0 {
            Kind::Entity => read::<WrittenEntity>(data)?.check(),
            Kind::User => read::<WrittenUser>(data)?.check(),
            kind @ (Kind::Account | Kind::Team) => read::<WrittenName>(data)?.check(kind),
        }
    }
}

/// An account or a team.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenName {
    id: Box<str>,
    #[serde(default)]
    name: Option<Box<str>>,
    #[serde(default)]
    link: Option<Box<str>>,
}

impl WrittenName {
    fn check(self, kind: Kind) -> Result<NameOrder, Rejection> {
        let card = Card { name: text("name", self.name)?, link: check_link(self.link)?, ..Card::default() };
        Ok(NameOrder { kind, entity_type: "".into(), id: name("id", self.id)?, card })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenUser {
    id: Box<str>,
    #[serde(default)]
    name: Option<Box<str>>,
    #[serde(default)]
    team: Option<Box<str>>,
    #[serde(default)]
    link: Option<Box<str>>,
}

impl WrittenUser {
    fn check(self) -> Result<NameOrder, Rejection> {
        let card = Card {
            name: text("name", self.name)?,
            within: text("team", self.team)?,
            link: check_link(self.link)?,
            ..Card::default()
        };
        Ok(NameOrder { kind: Kind::User, entity_type: "".into(), id: name("id", self.id)?, card })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenEntity {
    entity: WrittenKey,
    #[serde(default)]
    name: Option<Box<str>>,
    #[serde(default)]
    account: Option<Box<str>>,
    #[serde(default)]
    status: Option<Box<str>>,
    #[serde(default)]
    start: Option<String>,
    #[serde(default)]
    end: Option<String>,
    #[serde(default)]
    planned_quantity: Option<u64>,
    #[serde(default)]
    planned_action: Option<Box<str>>,
    #[serde(default)]
    link: Option<Box<str>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenKey {
    #[serde(rename = "type")]
    kind: Box<str>,
    id: Box<str>,
}

impl WrittenEntity {
    fn check(self) -> Result<NameOrder, Rejection> {
        let (start, end) = (instant("start", self.start)?, instant("end", self.end)?);
        if start.zip(end).is_some_and(|(start, end)| end <= start) {
            return Err(invalid("end", "it would end before it begins; write an end after the start"));
        }
        if let Some(other) = self.planned_quantity.filter(|n| !(1..=LARGEST_QUANTITY).contains(n)) {
            let why = format!("{other} is no plan; write a whole number from 1 to {LARGEST_QUANTITY}");
            return Err(invalid("planned_quantity", why));
        }
        let card = Card {
            name: text("name", self.name)?,
            within: text("account", self.account)?,
            link: check_link(self.link)?,
            status: text("status", self.status)?,
            start,
            end,
            planned_quantity: self.planned_quantity,
            planned_action: text("planned_action", self.planned_action)?,
        };
        let entity_type = name("entity.type", self.entity.kind)?;
        Ok(NameOrder { kind: Kind::Entity, entity_type, id: name("entity.id", self.entity.id)?, card })
    }
}

fn text(field: &'static str, text: Option<Box<str>>) -> Result<Option<Box<str>>, Rejection> {
    text.map(|text| name(field, text)).transpose()
}

/// A link that a browser may follow: it is shown to people, and nothing here asks for it.
fn check_link(link: Option<Box<str>>) -> Result<Option<Box<str>>, Rejection> {
    let Some(link) = link else { return Ok(None) };
    if link.len() > LONGEST_URL {
        let why = format!("the URL has {} bytes; write one of at most {LONGEST_URL}", link.len());
        return Err(invalid("link", why));
    }
    let shown: String = link.chars().take(80).collect();
    match Url::parse(&link) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(Some(link)),
        Ok(url) => {
            let why =
                format!("a link of the scheme {:?} is not shown; write one of http or https", url.scheme());
            Err(invalid("link", why))
        }
        Err(error) => {
            let why =
                format!("{shown:?} is not a URL ({error}); write one such as \"https://example.com/c7\"");
            Err(invalid("link", why))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{AnyCommand, decode_one};
    use super::*;
    use crate::ledger::entry::Command;
    use crate::ledger::names::Key;
    use crate::ledger::rejection::Reason;
    use crate::wire::{Subject, time};

    fn decode(kind: &str, data: Value) -> Result<NameOrder, Rejection> {
        let text = json!({ "type": kind, "data": data }).to_string();
        match decode_one(Subject::Commands("acme"), &text)? {
            AnyCommand::Org(Command::PutName(order)) => Ok(order),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_kind_is_read_with_what_it_says() {
        let team = decode("creditd.team.put.v1", json!({ "id": "sales", "name": "Sales" })).unwrap();
        assert_eq!((team.key(), team.card.name.as_deref()), (Key::of(Kind::Team, "sales"), Some("Sales")));
        let account =
            decode("account.put", json!({ "id": "emea", "link": "HTTPS://example.com/#emea" })).unwrap();
        assert_eq!(account.key(), Key::of(Kind::Account, "emea"));
        assert_eq!(account.card.link.as_deref(), Some("HTTPS://example.com/#emea"), "as it was written");
        let user = decode("user.put", json!({ "id": "ana", "team": "sales" })).unwrap();
        assert_eq!((user.kind, user.card.within.as_deref()), (Kind::User, Some("sales")));
        let entity = json!({ "entity": { "type": "campaign", "id": "c7" }, "account": "emea", "status": "active",
            "start": "2026-01-05T00:00:00Z", "end": "2026-04-01T00:00:00+02:00", "planned_quantity": 20_000,
            "planned_action": "email_sent", "name": null });
        let entity = decode("creditd.entity.put.v1", entity).unwrap();
        assert_eq!(entity.key(), Key::of_entity("campaign", "c7"));
        let Card { name, within, status, end, planned_quantity, planned_action, .. } = entity.card;
        assert_eq!((name, within.as_deref(), status.as_deref()), (None, Some("emea"), Some("active")));
        assert_eq!(end, time::parse("2026-03-31T22:00:00Z").ok());
        assert_eq!((planned_quantity, planned_action.as_deref()), (Some(20_000), Some("email_sent")));
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_field() {
        let long = format!("https://example.com/{}", "x".repeat(LONGEST_URL));
        for (field, value) in [
            ("name", json!("")),
            ("account", json!("x".repeat(257))),
            ("link", json!("example.com")),
            ("link", json!("javascript:alert(1)")),
            ("link", json!(long)),
            ("start", json!("2026-01-05")),
            ("end", json!("2026-01-05T00:00:00Z")),
            ("end", json!("2026-01-04T23:59:59.999999Z")),
            ("planned_quantity", json!(0)),
            ("planned_quantity", json!(1_000_000_000_001_u64)),
            ("planned_quantity", json!("5")),
            ("status", json!(7)),
            ("team", json!("sales")),
        ] {
            let mut data = json!({ "entity": { "type": "t", "id": "1" }, "start": "2026-01-05T00:00:00Z" });
            data[field] = value;
            let rejection = decode("entity.put", data).unwrap_err();
            assert_eq!((rejection.reason, &*rejection.field), (Reason::InvalidField, field), "{rejection}");
        }
        let refused = |kind, data| {
            let rejection = decode(kind, data).unwrap_err();
            (rejection.reason, rejection.field.into_owned())
        };
        let missing = |field: &str| (Reason::MissingField, field.to_owned());
        assert_eq!(refused("team.put", json!({ "name": "Sales" })), missing("id"));
        assert_eq!(refused("entity.put", json!({ "name": "Spring" })), missing("entity"));
        assert_eq!(refused("entity.put", json!({ "entity": { "type": "t" } })), missing("id"));
        let invalid = |field: &str| (Reason::InvalidField, field.to_owned());
        assert_eq!(refused("account.put", json!({ "id": "a", "team": "b" })), invalid("team"));
        assert_eq!(refused("user.put", json!({ "id": "a", "status": "b" })), invalid("status"));
        let empty = json!({ "entity": { "type": "", "id": "1" } });
        assert_eq!(refused("entity.put", empty), invalid("entity.type"));
    }
}
