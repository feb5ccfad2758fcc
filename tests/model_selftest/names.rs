//! Names: what is stated, what is told, and which of it is seen.

use serde_json::{Value, json};

use super::{Book, ones};
use crate::model::Outcome::{Accepted, Rejected};
use crate::model::names::Who;

impl Book {
    fn states(&mut self, kind: &str, fields: &Value) {
        let put = json!({ "type": format!("creditd.{kind}.put.v1") });
        assert_eq!(self.command(0, &super::with(put, fields)), Accepted);
    }

    /// Every name with what is known of it, a line each.
    fn names(&mut self) -> Vec<String> {
        let names = self.model.further_of("acme", 0).unwrap().names;
        let line = |(who, row): (&Who, &crate::model::names::Row)| {
            let who = match who {
                Who::Account(id) => format!("account {id}"),
                Who::Team(id) => format!("team {id}"),
                Who::User(id) => format!("user {id}"),
                Who::Entity(kind, id) => format!("{kind} {id}"),
            };
            row.iter().fold(who, |line, (field, value)| format!("{line}, {field} {value}"))
        };
        names.iter().map(line).collect()
    }
}

#[test]
fn what_a_charged_event_names_is_there() {
    let mut book = Book::planned(&ones(), &json!({ "when_exhausted": "reject" }));
    let named = json!({ "account": "emea", "user": "ana", "team": "sales", "entity": { "type": "campaign", "id": "c7", "name": "Spring" } });
    assert_eq!(book.act(1, 1, &named), Rejected("insufficient_credits"));
    assert_eq!(book.names(), [""; 0]);
    book.grant(1, "a", json!({ "amount": "9" }));
    book.act(2, 1, &named);
    let expected =
        ["account emea", "team sales", "user ana, team sales", "campaign c7, account emea, name Spring"];
    assert_eq!(book.names(), expected);
}

#[test]
fn the_last_event_that_names_both_tells_and_what_is_stated_stays() {
    let mut book = Book::priced(&ones());
    let campaign = |name: Value, account: Value| json!({ "account": account, "entity": { "type": "campaign", "id": "c7", "name": name } });
    for (name, account) in
        [(json!("Spring"), json!("emea")), (json!("Summer"), Value::Null), (Value::Null, json!("apac"))]
    {
        book.act(1, 1, &campaign(name, account));
    }
    assert_eq!(book.names(), ["account apac", "account emea", "campaign c7, account apac, name Summer"]);
    book.states("entity", &json!({ "entity": { "type": "campaign", "id": "c7" }, "name": "Mine" }));
    book.act(2, 1, &campaign(json!("Autumn"), json!("emea")));
    assert_eq!(book.names()[2], "campaign c7, account emea, name Mine");
    // A put states one whole: left out, the name is again what was told last, also meanwhile.
    book.states(
        "entity",
        &json!({ "entity": { "type": "campaign", "id": "c7" }, "account": "latam", "status": "paused" }),
    );
    assert_eq!(book.names()[3], "campaign c7, account latam, name Autumn, status paused");
}

#[test]
fn a_team_or_an_account_that_is_named_in_a_put_is_there_too() {
    let mut book = Book::priced(&ones());
    book.states("user", &json!({ "id": "ana", "team": "sales", "link": "https://example.com/ana" }));
    book.states(
        "entity",
        &json!({ "entity": { "type": "pilot", "id": "p" }, "account": "emea", "planned_quantity": 5 }),
    );
    book.states("team", &json!({ "id": "sales", "name": "Sales" }));
    let expected = [
        "account emea",
        "team sales, name Sales",
        "user ana, link https://example.com/ana, team sales",
        "pilot p, account emea, planned_quantity 5",
    ];
    assert_eq!(book.names(), expected);
}

#[test]
fn what_is_no_name_is_refused() {
    let mut book = Book::priced(&ones());
    let entity = json!({ "type": "campaign", "id": "c7" });
    for (kind, fields, reason) in [
        ("user", json!({ "name": "Ana" }), "missing_field"),
        ("user", json!({ "id": "ana", "link": "ftp://example.com" }), "invalid_field"),
        ("user", json!({ "id": "ana", "status": "active" }), "invalid_field"),
        ("entity", json!({ "entity": entity, "planned_quantity": 0 }), "invalid_field"),
        (
            "entity",
            json!({ "entity": entity, "start": "2026-01-05T00:00:00Z", "end": "2026-01-05T00:00:00Z" }),
            "invalid_field",
        ),
    ] {
        let put = json!({ "type": format!("creditd.{kind}.put.v1") });
        assert_eq!(book.command(0, &super::with(put, &fields)), Rejected(reason), "{fields}");
    }
    let mut link = "https://example.com/".to_string();
    link.extend(std::iter::repeat_n('a', 2_048 - link.len()));
    book.states("user", &json!({ "id": "ana", "link": link }));
    assert_eq!(book.names().len(), 1);
}

#[test]
fn an_organization_keeps_its_name() {
    let mut book = Book::priced(&ones());
    book.put(0, "base", json!({ "name": "Acme" }));
    book.put(1, "base", json!({}));
    assert_eq!(book.model.further_of("acme", 0).unwrap().name.as_deref(), Some("Acme"));
}
