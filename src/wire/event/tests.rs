//! One rule of `docs/EVENTS.md` a test: what is read, and what is refused and why.

use super::*;

/// 2026-01-05T10:00:00Z.
const AT: Timestamp = Timestamp::from_micros(1_767_607_200_000_000);

fn read(headers: &[(&str, &str)], payload: &[u8]) -> Vec<Result<(EventId, String), Reason>> {
    let headers: Vec<_> = headers.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    let mut all = Vec::new();
    Decoder { org: "acme", headers: &headers, at: AT }.decode(payload, &mut |index, item| {
        assert_eq!(usize::try_from(index).unwrap(), all.len());
        all.push(
            item.map(|event| (event.id, format!("{:?}", event.kind))).map_err(|rejection| rejection.reason),
        );
    });
    all
}

/// The reason for which a single event is refused; none where it is taken.
fn refusal(payload: &str) -> Option<Reason> {
    let [one] = &read(&[], payload.as_bytes())[..] else { panic!("one item: {payload}") };
    one.as_ref().err().copied()
}

fn action(rest: &str) -> String {
    format!(r#"{{"type":"action","id":"1","action":"a"{rest}}}"#)
}

fn call(rest: &str) -> String {
    format!(r#"{{"type":"call.ended","id":"1","duration_ms":5,"direction":"inbound"{rest}}}"#)
}

#[test]
fn plain_structured_and_binary_are_one_event() {
    let plain = read(&[], br#"{"type":"action","source":"a b","id":"1","action":"x","quantity":3}"#);
    let structured = read(
        &[],
        br#"{"specversion":"1.0","type":"creditd.action.v1","source":"a b","id":"1","data":{"action":"x","quantity":3}}"#,
    );
    let headers =
        [("ce-specversion", "1.0"), ("CE-Type", "creditd.action.v1"), ("ce-source", "a%20b"), ("ce-id", "1")];
    let binary = read(&headers, br#"{"action":"x","quantity":3}"#);
    assert!(plain[0].is_ok());
    assert_eq!((&plain, &plain), (&structured, &binary));
}

#[test]
fn headers_are_percent_decoded_or_refused() {
    let of = |id| read(&[("ce-type", "action"), ("ce-id", id)], br#"{"action":"x"}"#)[0].clone();
    assert_eq!(of("caf%C3%A9").unwrap().0, EventId::of("nats", "café"));
    assert_eq!(of("100%").unwrap().0, EventId::of("nats", "100%"));
    assert_eq!(of("%FF"), Err(Reason::InvalidField));
}

#[test]
fn headers_of_the_envelope_count_in_binary_mode_alone() {
    assert_eq!(read(&[("ce-id", "1")], br#"{"type":"action","action":"x"}"#), [Err(Reason::MissingField)]);
    assert_eq!(read(&[("ce-type", "action")], b"[1]"), [Err(Reason::NotJson)]);
}

#[test]
fn beside_data_nothing_counts_as_data() {
    let kind = |text: &str| read(&[], text.as_bytes())[0].clone().map(|(_, kind)| kind);
    let expected = kind(r#"{"type":"action","id":"1","action":"inner"}"#);
    assert!(expected.is_ok());
    for text in [
        r#"{"type":"action","id":"1","action":"outer","quantity":"many","data":{"action":"inner"}}"#,
        r#"{"data":{"action":"inner"},"type":"action","id":"1","quantity":9,"org":5}"#,
        r#"{"type":"action","id":"1","data":null,"action":"inner"}"#,
    ] {
        assert_eq!(kind(text), expected, "{text}");
    }
    assert_eq!(refusal(r#"{"type":"action","id":"1","data":[]}"#), Some(Reason::InvalidField));
    assert_eq!(
        refusal(r#"{"specversion":"1.0","type":"action","id":"1","action":"a"}"#),
        Some(Reason::MissingField)
    );
    assert_eq!(
        refusal(r#"{"specversion":"0.3","type":"action","id":"1","data":{}}"#),
        Some(Reason::InvalidField)
    );
}

#[test]
fn fields_that_a_type_does_not_know_may_have_any_value() {
    assert_eq!(refusal(&action(r#","duration_ms":"long","direction":{"to":[1]},"voids":7,"x":[{}]"#)), None);
    assert_eq!(refusal(&call(r#","quantity":-1,"reason":5"#)), None);
    assert_eq!(refusal(&action(r#","quantity":-1"#)), Some(Reason::InvalidField));
    assert_eq!(refusal(&action(r#","account":5"#)), Some(Reason::InvalidField));
}

#[test]
fn of_a_field_given_twice_the_last_counts() {
    assert_eq!(refusal(&action(r#","quantity":0,"quantity":2"#)), None);
    assert_eq!(refusal(&action(r#","quantity":2,"quantity":0"#)), Some(Reason::InvalidField));
    assert_eq!(refusal(&action(r#","entity":{"type":"x","id":"1","id":"2"}"#)), None);
}

#[test]
fn texts_are_1_to_256_bytes() {
    let long = "x".repeat(257);
    for field in ["source", "account", "user", "team", "feature", "org"] {
        assert_eq!(refusal(&action(&format!(r#","{field}":"""#))), Some(Reason::InvalidField), "{field}");
        let text = action(&format!(r#","{field}":"{long}""#));
        assert_eq!(refusal(&text), Some(Reason::InvalidField), "{field}");
    }
    assert_eq!(refusal(&action(&format!(r#","user":"{}""#, &long[1..]))), None);
}

#[test]
fn an_entity_has_a_type_and_an_id() {
    assert_eq!(refusal(&action(r#","entity":{"type":"campaign","id":"7","name":"Spring"}"#)), None);
    assert_eq!(refusal(&action(r#","entity":null"#)), None);
    for bad in [r#"{}"#, r#"{"type":"campaign"}"#, r#"{"id":"7"}"#] {
        assert_eq!(refusal(&action(&format!(r#","entity":{bad}"#))), Some(Reason::MissingField), "{bad}");
    }
    for bad in [r#"["campaign","7","Spring"]"#, r#""campaign""#, "[]"] {
        assert_eq!(refusal(&action(&format!(r#","entity":{bad}"#))), Some(Reason::InvalidField), "{bad}");
    }
    let void = r#"{"type":"void","id":"9","voids":["app","1",null]}"#;
    assert_eq!(refusal(void), Some(Reason::InvalidField));
}

#[test]
fn a_call_is_checked_field_by_field() {
    for good in [
        r#","destination":"+4930""#,
        r#","answered_at":"2026-01-05T10:00:00Z""#,
        r#","add_ons":["a","b"]"#,
        r#","answered":false"#,
    ] {
        assert_eq!(refusal(&call(good)), None, "{good}");
    }
    let digits = "1".repeat(33);
    for bad in [
        r#","destination":"+""#.to_owned(),
        format!(r#","destination":"{digits}""#),
        r#","answered_at":"2026-01-05T10:00:00.000001Z""#.to_owned(),
        r#","add_ons":["a","a"]"#.to_owned(),
        r#","add_ons":[""]"#.to_owned(),
        r#","add_ons":["1","2","3","4","5","6","7","8","9"]"#.to_owned(),
        r#","duration_ms":604800001"#.to_owned(),
        r#","direction":"sideways""#.to_owned(),
    ] {
        assert_eq!(refusal(&call(&bad)), Some(Reason::InvalidField), "{bad}");
    }
}

#[test]
fn a_void_names_another_event() {
    let void = |voids: &str| refusal(&format!(r#"{{"type":"void","id":"1","voids":{voids}}}"#));
    assert_eq!(void(r#"{"id":"2"}"#), None);
    assert_eq!(void(r#"{"id":"1","source":"crm"}"#), None);
    assert_eq!(void(r#"{"id":"1"}"#), Some(Reason::InvalidField));
    assert_eq!(void(r#"{}"#), Some(Reason::MissingField));
}

#[test]
fn a_bad_item_does_not_sink_its_neighbours() {
    let ok =
        |items: &[Result<(EventId, String), Reason>]| items.iter().map(Result::is_ok).collect::<Vec<_>>();
    let array = format!("[{}, 7, {}, {{}}]", action(""), action(r#","quantity":0"#));
    assert_eq!(ok(&read(&[], array.as_bytes())), [true, false, false, false]);
    let lines = format!("{}\r\n\n{{\"ty\n{}", action(""), call(""));
    assert_eq!(ok(&read(&[], lines.as_bytes())), [true, false, true]);
    let pretty = action("").replace(',', ",\n");
    assert_eq!(ok(&read(&[], pretty.as_bytes())), [true]);
    assert_eq!(read(&[], b"\xff\n{}"), [Err(Reason::NotJson)]);
    assert_eq!(read(&[], b""), [Err(Reason::NotJson)]);
}

#[test]
fn too_many_items_are_refused_as_one() {
    let one = action("");
    for (count, refused) in [(MOST_ITEMS, false), (MOST_ITEMS + 1, true)] {
        for payload in
            [vec![one.as_str(); count].join("\n"), format!("[{}]", vec![one.as_str(); count].join(","))]
        {
            let items = read(&[], payload.as_bytes());
            assert_eq!(items.len(), if refused { 1 } else { count });
            assert_eq!(items[0] == Err(Reason::TooMany), refused);
        }
    }
}

#[test]
fn the_message_id_stands_in_for_a_single_id() {
    let header = [("Nats-Msg-Id", "m")];
    let nameless = r#"{"type":"action","action":"a"}"#;
    assert_eq!(read(&header, nameless.as_bytes())[0].as_ref().unwrap().0, EventId::of("nats", "m"));
    let two = read(&header, format!("[{nameless},{nameless}]").as_bytes());
    assert_eq!(two, [Err(Reason::MissingField), Err(Reason::MissingField)]);
}

#[test]
fn what_is_told_of_a_live_call_is_known_by_the_call_and_its_end_by_an_id() {
    let live = |kind: &str, rest: &str| format!(r#"{{"type":"call.{kind}","source":"sbc"{rest}}}"#);
    let named = r#","call_id":"9c3f""#;
    for kind in ["started", "answered", "failed"] {
        let read = &read(&[], live(kind, named).as_bytes())[0];
        let (id, content) = read.as_ref().unwrap();
        assert_eq!(*id, EventId::of("sbc", "9c3f"), "{kind}");
        assert!(content.contains("9c3f") && content.to_lowercase().contains(kind), "{content}");
        assert_eq!(refusal(&live(kind, "")), Some(Reason::MissingField), "{kind}");
        assert_eq!(refusal(&live(kind, r#","id":"1""#)), Some(Reason::MissingField), "{kind}");
    }
    assert_eq!(refusal(&live("progress", named)), Some(Reason::MissingField), "no duration_ms");
    assert_eq!(refusal(&live("progress", &format!(r#"{named},"duration_ms":5"#))), None);
    assert_eq!(
        refusal(&live("progress", &format!(r#"{named},"duration_ms":604800001"#))),
        Some(Reason::InvalidField)
    );
    assert_eq!(refusal(&live("ended", named)), Some(Reason::MissingField), "an end has an id");
    assert_eq!(refusal(&live("ended", &format!(r#"{named},"id":"1""#))), None, "it need not say all");
    assert_eq!(refusal(&live("ended", r#","id":"1","direction":"inbound""#)), Some(Reason::MissingField));
    assert_eq!(
        refusal(&live("answered", &format!(r#"{named},"direction":"up""#))),
        Some(Reason::InvalidField)
    );
}
