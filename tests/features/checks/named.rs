//! Who and what there is, and what entities used.

use serde_json::{Value, json};

use crate::civil;
use crate::event::{CREDIT, Event, written};
use crate::year::Year;
use crate::year::people::{self, Entity};

/// A list of names, or of entities.
pub(crate) fn list(year: &Year, place: &str, parameters: &[(String, String)], told: &Value) -> usize {
    let data = told["data"].as_array().unwrap();
    let asked = |name: &str| {
        parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.to_lowercase())
    };
    if place != "entities" {
        let expected: Vec<(&str, &str)> = match place {
            "accounts" => people::ACCOUNTS.to_vec(),
            "teams" => people::TEAMS.to_vec(),
            other => panic!("{other} are not listed here"),
        };
        let told: Vec<_> =
            data.iter().map(|of| (of["id"].as_str().unwrap(), of["name"].as_str().unwrap())).collect();
        assert_eq!(told, expected);
        return told.len();
    }
    let fits = |entity: &&Entity| {
        asked("type").is_none_or(|kind| kind == entity.kind)
            && asked("status").is_none_or(|status| Some(status.as_str()) == entity.status)
            && asked("search")
                .is_none_or(|text| entity.name.to_lowercase().contains(&text) || entity.id.contains(&text))
    };
    let limit = asked("limit").map_or(100, |limit| limit.parse().unwrap());
    let expected: Vec<&Entity> = people::ENTITIES.iter().filter(fits).take(limit).collect();
    assert_eq!(data.len(), expected.len());
    let with_use = asked("used").is_some();
    expected.iter().zip(data).map(|(wanted, told)| entity(year, wanted, told, with_use)).sum()
}

/// An entity, and what it used.
pub(crate) fn entity(year: &Year, entity: &Entity, told: &Value, with_use: bool) -> usize {
    for (field, value) in [
        ("type", Some(entity.kind)),
        ("id", Some(entity.id)),
        ("name", Some(entity.name)),
        ("account", entity.account),
        ("status", entity.status),
    ] {
        assert_eq!(told[field], json!(value), "{told}");
    }
    assert_eq!(told["link"], json!(entity.link()));
    if !with_use {
        return 0;
    }
    let of = Some((entity.kind, entity.id));
    let events: Vec<&Event> = year
        .events
        .iter()
        .filter(|event| event.org == "acme" && event.voided.is_none() && event.who.entity == of)
        .collect();
    let credits: i64 = events.iter().map(|event| event.cost("credits")).sum();
    let is_planned = |event: &&&Event| entity.planned.is_none_or(|(_, action)| action == event.action);
    let quantity: i64 = events.iter().filter(is_planned).map(|event| event.quantity).sum();
    let times = events.iter().map(|event| event.time);
    let used = json!({ "credits": { "credits": written(credits) }, "quantity": quantity, "charges": events.len(),
        "first_charge": times.clone().min().map(civil::utc), "last_charge": times.clone().max().map(civil::utc) });
    assert_eq!(told["used"], used, "{told}");
    let first = times.min().unwrap();
    let expected = projected(entity, credits, quantity, first);
    match expected {
        Some(expected) => {
            assert_eq!(told["projection"]["credits"], json!({ "credits": written(expected) }), "{told}")
        }
        None => assert!(told["projection"].is_null() && told["why_not"].is_string(), "{told}"),
    }
    5
}

/// What it will have used at the end of its life.
fn projected(entity: &Entity, credits: i64, done: i64, first: i64) -> Option<i64> {
    let scaled = |most: i64, of: i64| {
        let (credits, most, of) = (i128::from(credits), i128::from(most), i128::from(of));
        i64::try_from((2 * credits * most + of) / (2 * of)).unwrap()
    };
    let end = entity.life.1.map(civil::instant);
    if end.is_some_and(|end| end <= civil::now()) {
        return Some(credits);
    }
    if let Some((planned, _)) = entity.planned.filter(|_| done > 0) {
        return Some(if done >= planned { credits } else { scaled(planned, done) });
    }
    let start = entity.life.0.map_or(first, civil::instant);
    end.map(|end| scaled(end - start, civil::now() - start))
}

/// A charge of `acme`, explained.
pub(crate) fn charge(year: &Year, position: &str, told: &Value) -> usize {
    let event = year.events.iter().find(|event| event.position == position && event.org == "acme").unwrap();
    let (data, charge) = (&told["data"], &told["data"]["charge"]);
    let version = if event.time >= civil::instant(crate::event::SECOND_CARD) { 2 } else { 1 };
    assert_eq!(charge["rate_card"], json!({ "id": "suite", "version": version }));
    assert_eq!(charge["plan"], json!({ "id": "suite", "version": 1 }));
    assert_eq!(data["voided"], json!(event.voided.is_some()));
    assert_eq!(data["voided_by"].is_string(), event.voided.is_some());
    let lines = charge["lines"].as_array().unwrap();
    assert_eq!(lines.len(), event.lines.len());
    for (line, told) in event.lines.iter().zip(lines) {
        assert_eq!(
            (&told["amount"], &told["credit_type"]),
            (&json!(written(line.micros)), &json!(line.credit_type))
        );
        assert!(!told["because"].as_str().unwrap().is_empty() && told["rounding"].is_string());
        if event.call.is_some() {
            let figures = &told["figures"];
            assert_eq!(
                (&figures["increment"], &figures["billed_seconds"]),
                (&json!("60/60"), &json!(event.billed_seconds()))
            );
            let per_minute = line.micros * 60 / event.billed_seconds();
            assert_eq!(figures["per_minute"], json!(written(per_minute)));
        } else {
            let each = line.micros / line.quantity;
            assert_eq!(told["figures"], json!({ "each": written(each), "quantity": line.quantity }));
        }
    }
    let drawn = event.lines.iter().flat_map(|line| line.drawn.iter().map(|drawn| (line.credit_type, drawn)));
    let paid: Vec<Value> = drawn
        .map(|(kind, drawn)| {
            let grant = &year.books.grants[drawn.grant.unwrap()].id;
            json!({ "credit_type": kind, "amount": written(drawn.micros), "grant": grant })
        })
        .collect();
    assert_eq!(charge["paid_by"], json!(paid), "{told}");
    assert!(event.cost("credits") >= CREDIT);
    lines.len() * 4 + paid.len()
}
