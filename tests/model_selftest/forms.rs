//! The forms in which events come, and what is refused.

use serde_json::json;

use super::{Book, ones};
use crate::model::Outcome::{self, Charged, Duplicate, Rejected};

const EVENTS: &str = "credits.events.acme";

fn book() -> Book {
    Book::priced(&ones())
}

fn outcomes(payload: &str) -> Vec<Outcome> {
    book().raw(0, EVENTS, &[], payload.as_bytes())
}

#[test]
fn one_event_in_three_spellings_is_one_event() {
    let mut book = book();
    let plain = r#"{"type":"action","source":"crm","id":"1","action":"one"}"#;
    let whole =
        r#"{"specversion":"1.0","type":"creditd.action.v1","source":"crm","id":"1","data":{"action":"one"}}"#;
    let headers = [
        ("ce-specversion", "1.0"),
        ("ce-type", "creditd.action.v1"),
        ("ce-source", "crm"),
        ("ce-id", "1"),
        ("ce-time", "2026-01-05T09:00:00Z"),
    ];
    assert_eq!(book.raw(0, EVENTS, &headers, br#"{"action":"one"}"#), [Charged]);
    assert_eq!(book.raw(0, EVENTS, &[], plain.as_bytes()), [Duplicate]);
    assert_eq!(book.raw(0, EVENTS, &[], whole.as_bytes()), [Duplicate]);
    // Without a source it is another event: the default source is "nats".
    let sourceless = plain.replace(r#""source":"crm","#, "");
    assert_eq!(book.raw(0, EVENTS, &[], sourceless.as_bytes()), [Charged]);
    assert_eq!(
        book.raw(0, EVENTS, &[], sourceless.replace("{", r#"{"source":"nats","#).as_bytes()),
        [Duplicate]
    );
}

#[test]
fn a_batch_is_judged_item_by_item() {
    let good = |id: &str| format!(r#"{{"type":"action","id":"{id}","action":"one"}}"#);
    let bad = Rejected("not_json");
    let array = format!("[{}, 42, {}, {{}}]", good("1"), good("1"));
    assert_eq!(outcomes(&array), [Charged, bad, Duplicate, Rejected("missing_field")]);
    let lines = format!("{}\r\n\n  {{\"type\n{}\n[]\n", good("1"), good("2"));
    assert_eq!(outcomes(&lines), [Charged, bad, Charged, bad]);
    let broken = format!("[{}, {{]", good("1"));
    assert_eq!(outcomes(&broken), [bad]);
    for nothing in ["", "\n", "[]", "42", "null", "{}{}"] {
        assert_eq!(outcomes(nothing), [bad], "{nothing:?}");
    }
    let pretty = "{\n  \"type\": \"action\",\n  \"id\": \"1\",\n  \"action\": \"one\"\n}\n";
    assert_eq!(outcomes(pretty), [Charged]);
    assert_eq!(book().raw(0, EVENTS, &[], b"{\"type\":\"\xff\"}\n{}"), [bad], "not UTF-8: one item");
}

#[test]
fn the_message_id_stands_in_for_the_id_of_a_single_event() {
    let mut book = book();
    let nameless = r#"{"type":"action","action":"one"}"#;
    let header = [("Nats-Msg-Id", "m1")];
    assert_eq!(book.raw(0, EVENTS, &[], nameless.as_bytes()), [Rejected("missing_field")]);
    assert_eq!(book.raw(0, EVENTS, &header, nameless.as_bytes()), [Charged]);
    assert_eq!(book.raw(0, EVENTS, &header, format!("[{nameless}]").as_bytes()), [Duplicate]);
    let two = [Rejected("missing_field"); 2];
    assert_eq!(book.raw(0, EVENTS, &header, format!("{nameless}\n{nameless}").as_bytes()), two);
}

#[test]
fn each_check_has_its_reason() {
    let cases = [
        (json!({ "id": "1", "action": "one" }), "missing_field"),
        (json!({ "type": "creditd.actions.v1", "id": "1" }), "unknown_type"),
        (json!({ "type": "creditd.grant.v1", "id": "1", "amount": "5" }), "unknown_type"),
        (json!({ "specversion": "1.0", "type": "action", "id": "1", "action": "one" }), "missing_field"),
        (
            json!({ "specversion": "0.3", "type": "creditd.action.v1", "id": "1", "data": {} }),
            "invalid_field",
        ),
        (json!({ "type": "action", "id": "1" }), "missing_field"),
        (json!({ "type": "action", "id": "1", "action": "one", "quantity": 0 }), "invalid_field"),
        (json!({ "type": "action", "id": "1", "action": "one", "quantity": 1.0 }), "invalid_field"),
        (json!({ "type": "action", "id": "1", "action": "one", "org": "other" }), "org_mismatch"),
        (json!({ "type": "action", "id": "1", "action": "one", "time": "2026-01-05" }), "invalid_field"),
        (
            json!({ "type": "action", "id": "1", "action": "one", "time": "1970-01-01T00:00:00Z" }),
            "time_out_of_range",
        ),
        (
            json!({ "type": "action", "id": "1", "action": "one", "time": "2026-01-05T10:05:00.000001Z" }),
            "time_out_of_range",
        ),
        (
            json!({ "type": "action", "id": "1", "action": "one", "time": "2024-12-01T09:59:59Z" }),
            "time_out_of_range",
        ),
        (json!({ "type": "action", "id": "1", "action": "two" }), "unknown_action"),
        (
            json!({ "type": "call.ended", "id": "1", "direction": "inbound", "duration_ms": 1 }),
            "unknown_action",
        ),
        (
            json!({ "type": "call.ended", "id": "1", "direction": "inbound", "duration_ms": 1, "action": "one" }),
            "invalid_field",
        ),
        (json!({ "type": "void", "id": "1", "voids": { "id": "1" } }), "invalid_field"),
    ];
    for (item, reason) in cases {
        let mut book = book();
        assert_eq!(book.send(0, EVENTS, &item), [Rejected(reason)], "{item}");
        let by_the_org = ["time_out_of_range", "unknown_action"].contains(&reason)
            || item["action"] == "one" && item["type"] == "call.ended";
        assert_eq!(book.acme(0).tally.rejected, u64::from(by_the_org), "{item}");
        assert_eq!(book.credits(0), Default::default());
    }
    for edge in ["2026-01-05T10:05:00Z", "2024-12-01T10:00:00Z", "2026-01-05T12:00:00+02:00"] {
        let item = json!({ "type": "action", "id": "1", "action": "one", "time": edge });
        assert_eq!(book().send(0, EVENTS, &item), [Charged], "{edge}");
    }
    let item = json!({ "type": "action", "id": "1", "action": "one" });
    assert_eq!(book().send(0, "credits.events.nobody", &item), [Rejected("unknown_org")]);
    assert_eq!(book().send(0, "credits.events.acme.more", &item), [Rejected("unknown_subject")]);
}

#[test]
fn log_time_never_runs_backwards() {
    let mut book = book();
    book.grant(0, "a", json!({ "amount": "5", "expires": "2026-01-05T10:00:10Z" }));
    // A record of anyone's, rejected or not, moves the time of the log.
    book.send(10, "credits.events.nobody", &json!({}));
    book.spend(9, 1);
    assert_eq!((book.credits(9).expired, book.credits(9).overage), (5_000_000, 1_000_000));
}
