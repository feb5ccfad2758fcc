//! Reports as they are written.

use serde_json::{Value, json};

use super::super::{AnyCommand, decode_one};
use super::*;
use crate::ledger::entry::Command;
use crate::ledger::rejection::Reason;
use crate::wire::Subject;

fn decode(kind: &str, data: Value) -> Result<Command, Rejection> {
    let text = json!({ "type": kind, "data": data }).to_string();
    match decode_one(Subject::Commands("acme"), &text)? {
        AnyCommand::Org(command) => Ok(command),
        AnyCommand::Catalog(_) => unreachable!("it was sent to an organization"),
    }
}

fn usual() -> Value {
    json!({ "id": "monthly", "to": ["ana@example.com"], "schedule": { "every": "month", "on": 1, "at": "08:00" } })
}

fn put(data: Value) -> ReportOrder {
    match decode("creditd.report.put.v1", data) {
        Ok(Command::PutReport(order)) => *order,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_report_is_read_with_what_it_says_and_what_it_leaves_out() {
    let order = put(usual());
    assert_eq!(order.schedule, Schedule::Month { on: 1, at: Minute::parse("08:00").unwrap() });
    assert_eq!((&order.zone, &order.title, order.enabled), (&None, &None, true));
    assert_eq!((order.content, order.resubscribe.len()), (Content::default(), 0));
    let order = put(json!({
        "id": "weekly", "to": ["ana@example.com", "ANA@example.com", "bo@example.com"], "zone": "Europe/Berlin",
        "resubscribe": ["ana@example.com"], "title": "Usage of {org}", "enabled": false,
        "schedule": { "every": "week", "on": "friday", "at": "17:30" },
        "content": { "group_by": ["team,user", "action"], "team": "", "feature": ["api", "workspace"],
                     "compare": "previous_period", "interval": null },
    }));
    let at = Minute::parse("17:30").unwrap();
    assert_eq!(order.schedule, Schedule::Week { on: Weekday::named("friday").unwrap(), at });
    assert_eq!(order.to, ["ana@example.com".into(), "bo@example.com".into()] as [Box<str>; 2]);
    let content = |name| order.content.values(name).collect::<Vec<_>>();
    assert_eq!(content("group_by"), ["team", "user", "action"]);
    assert_eq!((content("team"), content("feature")), (vec![""], vec!["api", "workspace"]));
    assert_eq!((content("compare"), content("interval").len()), (vec!["previous_period"], 0));
    let mut cycle = usual();
    cycle["schedule"] = json!({ "every": "cycle" });
    assert_eq!(put(cycle).schedule, Schedule::Cycle { at: None });
    let left = decode("report.unsubscribe", json!({ "id": "a", "address": "ana@example.com" }));
    assert!(matches!(left, Ok(Command::Unsubscribe(left)) if &*left.address == "ana@example.com"));
    assert!(matches!(decode("report.remove", json!({ "id": "a" })), Ok(Command::RemoveReport(_))));
}

#[test]
fn what_cannot_be_is_refused_with_its_field_and_the_remedy() {
    let cases = [
        ("id", json!("a/b"), "id", "64"),
        ("to", json!([]), "to", "1 to 20"),
        ("to", json!(vec!["ana@example.com"; 21]), "to", "1 to 20"),
        ("to", json!(["Ana <ana@example.com>"]), "to", "without a name"),
        ("resubscribe", json!(["ana"]), "resubscribe", "ana@example.com"),
        ("schedule", json!({ "every": "day", "at": "08:00" }), "schedule.every", "\"week\""),
        ("schedule", json!({ "every": "week", "at": "08:00" }), "schedule.on", "monday"),
        ("schedule", json!({ "every": "week", "on": "mon", "at": "08:00" }), "schedule.on", "monday"),
        ("schedule", json!({ "every": "month", "on": 32, "at": "08:00" }), "schedule.on", "1 to 31"),
        ("schedule", json!({ "every": "month", "on": 1 }), "schedule.at", "missing"),
        ("schedule", json!({ "every": "month", "on": 1, "at": "24:00" }), "schedule.at", "23:59"),
        ("schedule", json!({ "every": "cycle", "on": 3 }), "schedule.on", "leave it out"),
        ("zone", json!("Berlin"), "zone", "Europe/Berlin"),
        ("content", json!({ "group": "team" }), "content", "group_by"),
        ("content", json!({ "group_by": "teams" }), "content", "up to 3 of account"),
        ("content", json!({ "group_by": "team,team" }), "content", "each once"),
        ("content", json!({ "group_by": "team,user,action,feature" }), "content", "up to 3"),
        ("content", json!({ "compare": "last" }), "content", "previous_period"),
        ("content", json!({ "compare": ["previous_year", "previous_year"] }), "content", "once"),
        ("content", json!({ "team": 7 }), "content", "write a text"),
        ("title", json!("a\r\nBcc: x@example.com"), "title", "one line"),
        ("title", json!(" "), "title", "leave it out"),
        ("enabled", json!("yes"), "enabled", ""),
        ("range", json!("all"), "range", "unknown field"),
    ];
    for (field, value, at_fault, part) in cases {
        let mut data = usual();
        data[field] = value.clone();
        let rejection = decode("report.put", data).unwrap_err();
        assert_eq!(
            (rejection.reason, &*rejection.field),
            (Reason::InvalidField, at_fault),
            "{value}: {rejection}"
        );
        assert!(rejection.detail.contains(part), "{value}: {rejection}");
    }
    let refused = decode("report.unsubscribe", json!({ "id": "a", "address": "x" })).unwrap_err();
    assert_eq!((refused.reason, &*refused.field), (Reason::InvalidField, "address"));
}
