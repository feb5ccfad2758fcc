use serde_json::{Value, json};

use super::*;
use crate::wire::time;

/// An adapter of calls that ended; `more` is written into its table `event`, `above` before it.
fn adapter(above: &str, more: &str) -> Adapters {
    let text = format!(
        "[[adapter]]\nname = \"pbx\"\nbody = \"json\"\n{above}\n[adapter.event]\n\
         org = {{ const = \"acme\" }}\ncall_id = \"/id\"\n{more}\n"
    );
    Adapters::from_toml("pbx.toml", &text).unwrap_or_else(|error| panic!("{error}"))
}

const ENDED: &str = r#"
type = { const = "call.ended" }
direction = { const = "outbound" }
started = { path = "/start", time = "epoch_ms" }
answered = { path = "/answer", time = "epoch_ms", absent = ["0"] }
ended = { path = "/end", time = "epoch_ms" }
"#;

fn at() -> Timestamp {
    time::parse("2026-01-05T10:05:00Z").unwrap()
}

fn translate(adapters: &Adapters, body: &Value) -> Result<Value, String> {
    with_subject(adapters, None, body)
}

fn with_subject(adapters: &Adapters, subject: Option<&str>, body: &Value) -> Result<Value, String> {
    let body = body.to_string();
    let headers = [("X-Org".to_owned(), "emea".to_owned())];
    let message = Message { subject, headers: &headers, at: at(), seq: Some(7), body: body.as_bytes() };
    match adapters.translate(&message) {
        Ok(Translation::Event(event)) => Ok(serde_json::from_str(&event.json()).unwrap()),
        Ok(Translation::Ignored { why, .. }) => Err(format!("ignored: {why}")),
        Err(rejection) => Err(rejection.to_string()),
    }
}

/// Why a message is refused or ignored.
fn why(adapters: &Adapters, body: &Value) -> String {
    translate(adapters, body).unwrap_err()
}

/// A call answered at 10:00:00 that ended 31.2 s later, after 10 s of ringing.
fn call() -> Value {
    json!({ "id": "c1", "start": 1_767_607_190_000_i64, "answer": 1_767_607_200_000_i64, "end": 1_767_607_231_200_i64 })
}

fn call_with(more: &Value) -> Value {
    let mut call = call();
    call.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    call
}

fn with_usage(usage: &str) -> Adapters {
    adapter("", &format!("{ENDED}\nusage = {usage}"))
}

#[test]
fn a_length_is_read_in_its_unit_and_rounded_up_to_a_millisecond() {
    let length = |unit: &str, value: Value| {
        let adapters = with_usage(&format!("{{ path = \"/len\", unit = \"{unit}\" }}"));
        translate(&adapters, &call_with(&json!({ "len": value }))).map(|event| event["duration_ms"].clone())
    };
    assert_eq!(length("s", json!(31)), Ok(json!(31_000)));
    assert_eq!(length("s_frac", json!("31.2000001")), Ok(json!(31_201)));
    assert_eq!(length("ms", json!("31200")), Ok(json!(31_200)));
    assert_eq!(length("us", json!(31_200_001)), Ok(json!(31_201)));
    assert_eq!(length("ns", json!("31200000001")), Ok(json!(31_201)));
    for (unit, bad) in
        [("s", json!("31.2")), ("ms", json!(-1)), ("s", json!("half")), ("s_frac", json!("3e1"))]
    {
        let why = length(unit, bad.clone()).unwrap_err();
        assert!(why.contains("is no length in"), "{unit} {bad}: {why}");
    }
}

#[test]
fn units_that_were_mixed_up_are_refused_with_the_one_that_fits() {
    let why = |unit: &str, value: Value| {
        let adapters = with_usage(&format!("{{ path = \"/len\", unit = \"{unit}\" }}"));
        why(&adapters, &call_with(&json!({ "len": value })))
    };
    assert_eq!(
        why("s", json!(31_200)),
        "invalid_field (duration_ms): adapter \"pbx\": \"31200\" of /len is 31200 s when read as s, longer than the \
         call, which lasted 41.200 s; it looks like ms: correct `unit` of the adapter"
    );
    assert!(
        why("ms", json!(31)).contains("next to nothing of the 31.200 s from answer to end; it looks like s:")
    );
    assert!(why("min", json!(31)).contains("it looks like s:"));

    let epoch = |form: &str, value: Value| {
        let more = format!(
            "type = {{ const = \"call.answered\" }}\ndirection = {{ const = \"inbound\" }}\ntime = {{ path = \"/t\", time = \"{form}\" }}"
        );
        translate(&adapter("", &more), &json!({ "id": "c1", "t": value })).map(|event| event["time"].clone())
    };
    let why = epoch("epoch_s", json!(1_767_607_200_000_i64)).unwrap_err();
    assert!(why.starts_with("time_out_of_range (time)") && why.contains("it looks like epoch_ms"), "{why}");
    assert!(epoch("epoch_us", json!("1767607200")).unwrap_err().contains("it looks like epoch_s:"));
    assert_eq!(epoch("epoch_ns", json!("1767607200123456789")), Ok(json!("2026-01-05T10:00:00.123456Z")));
    assert_eq!(epoch("epoch_s_frac", json!("1767607200.1234567")), Ok(json!("2026-01-05T10:00:00.123456Z")));
    assert!(epoch("epoch_s", json!("1767607200.5")).unwrap_err().contains("is no instant epoch_s;"));
}

#[test]
fn clocks_that_are_wrong_and_calls_that_are_too_long_are_refused() {
    let between = with_usage(r#"{ between = ["answered", "ended"] }"#);
    assert_eq!(translate(&between, &call()).unwrap()["duration_ms"], 31_200);
    let swapped = call_with(&json!({ "end": 1_767_607_195_000_i64 }));
    assert!(why(&between, &swapped).contains("the call was ended before it was answered"));
    let early = call_with(&json!({ "start": 1_767_607_190_000_i64 - 100 * 86_400_000 }));
    assert!(why(&between, &early).contains("more than 90 d before the message; check the clocks"));
    let days = call_with(
        &json!({ "answer": 1_767_607_200_000_i64 - 2 * 86_400_000, "start": 1_767_607_200_000_i64 - 3 * 86_400_000 }),
    );
    assert!(why(&between, &days).contains("longer than 1 d"));
    let wide = adapter(
        "guard = { longest_s = 604800 }",
        &format!("{ENDED}\nusage = {{ between = [\"answered\", \"ended\"] }}"),
    );
    assert_eq!(translate(&wide, &days).unwrap()["duration_ms"], 2 * 86_400_000 + 31_200);
    // The end is cut to whole seconds, the answer is not.
    let skewed = call_with(&json!({ "answer": 1_767_607_231_900_i64 }));
    let event = translate(&between, &skewed).unwrap();
    assert_eq!((&event["duration_ms"], &event["answered_at"]), (&json!(0), &event["time"]));
}

#[test]
fn a_call_without_an_answer_costs_nothing_and_one_that_has_a_length_all_the_same_is_refused() {
    let unanswered = call_with(&json!({ "answer": "0" }));
    for usage in [r#"{ path = "/len", unit = "s" }"#, r#"{ between = ["started", "ended"] }"#] {
        let event = translate(&with_usage(usage), &unanswered).unwrap();
        assert_eq!((&event["duration_ms"], &event["answered"]), (&json!(0), &json!(false)), "{usage}");
    }
    let told = with_usage(r#"{ path = "/len", unit = "s" }"#);
    assert!(
        why(&told, &call_with(&json!({ "answer": 0, "len": 12 }))).starts_with("missing_field (answered_at)")
    );
    assert!(why(&told, &call()).contains("nothing stands at /len; let the system send it"));
}

#[test]
fn a_field_comes_from_a_path_the_first_of_several_their_parts_the_subject_or_a_header() {
    let more = format!(
        "{ENDED}\nusage.outbound = {{ path = \"/len\", unit = \"s\" }}\n{}",
        r#"
        account = "$subject.3"
        team = "$header.x-org"
        user = { first = ["/none", "/user"], absent = ["-"], regex = "^sip:([^@]+)@" }
        feature = ["/id", "$seq"]
        destination = { path = "/to", regex = '^\d+$' }
        entity = { type = { const = "assistant" }, id = { path = "/bot", map = { b1 = "ana" } } }
        add_ons = [{ name = "translation", when = [{ path = "/lang", exists = true }, { path = "/pairs", gt = 1 }] }]
        "#
    );
    let adapters = adapter("subject = \"pbx.cdr.*\"", &more);
    let body = call_with(
        &json!({ "len": 31, "user": "sip:ana@x", "to": "anonymous", "bot": "b1", "lang": "de", "pairs": "1.5" }),
    );
    let event = with_subject(&adapters, Some("pbx.cdr.emea"), &body).unwrap();
    let want = json!({
        "type": "call.ended", "source": "pbx", "id": "c1", "call_id": "c1", "org": "acme", "time": "2026-01-05T10:00:31.2Z",
        "direction": "outbound", "duration_ms": 31_000, "answered_at": "2026-01-05T10:00:00Z", "add_ons": ["translation"],
        "account": "emea", "team": "emea", "user": "ana", "feature": "c1:7", "entity": { "type": "assistant", "id": "ana" },
    });
    assert_eq!(event, want);
    let plain = call_with(&json!({ "len": 31, "user": "-", "pairs": 2 }));
    let event = with_subject(&adapters, Some("pbx.cdr.emea"), &plain).unwrap();
    assert!(event.get("user").is_none() && event.get("add_ons").is_none() && event.get("entity").is_none());
    let why = with_subject(&adapters, Some("pbx.cel.emea"), &plain).unwrap_err();
    assert!(why.starts_with("unknown_type: no adapter takes this message"), "{why}");
    let nested = call_with(&json!({ "len": [31] }));
    assert!(
        with_subject(&adapters, Some("pbx.cdr.a"), &nested).unwrap_err().contains("is an object or a list")
    );
}

#[test]
fn the_first_adapter_that_takes_a_message_has_it_and_only_tells_what_costs() {
    let one = |name: &str, condition: &str, kind: &str| {
        format!(
            "[[adapter]]\nname = \"{name}\"\nbody = \"json\"\nwhen = [{condition}]\nonly = [{{ path = \"/leg\", in = [\"a\", \"c\"] }}]\n\
             [adapter.event]\ntype = {kind}\norg = \"/org\"\ncall_id = \"/id\"\ntime = \"$time\"\n\
             direction = \"/direction\"\n"
        )
    };
    let text = one(
        "first",
        r#"{ path = "/event", prefix = "call_" }"#,
        r#"{ path = "/event", map = { call_up = "call.answered" }, else = "ignore" }"#,
    ) + &one("second", r#"{ path = "/id", same = "/linked" }"#, r#"{ const = "call.failed" }"#);
    let adapters = Adapters::from_toml("two.toml", &text).unwrap();
    let body = |event: &str, leg: &str| json!({ "event": event, "leg": leg, "id": "c1", "linked": "c1", "org": "acme", "direction": "inbound" });
    let event = translate(&adapters, &body("call_up", "a")).unwrap();
    assert_eq!((&event["type"], &event["time"]), (&json!("call.answered"), &json!("2026-01-05T10:05:00Z")));
    assert_eq!(translate(&adapters, &body("hangup", "c")).unwrap()["source"], "second");
    assert_eq!(
        why(&adapters, &body("call_up", "b")),
        "ignored: it does not hold that /leg is one of [\"a\", \"c\"]"
    );
    assert_eq!(
        why(&adapters, &body("call_moved", "a")),
        "ignored: the map of type does not list \"call_moved\""
    );
    let bad = |key: &str, value: &str| {
        why(&adapters, &{
            let mut body = body("call_up", "a");
            body[key] = value.into();
            body
        })
    };
    assert!(bad("direction", "in").contains("\"in\" of /direction is not inbound or outbound"));
    assert!(bad("org", "Acme Inc.").contains("is not the name of an organization"));
    assert!(bad("id", &"x".repeat(300)).starts_with("invalid_field (id): adapter \"first\": 300 bytes long"));
    assert_eq!(adapters.named("second").map(|adapter| adapter.name.as_str()), Some("second"));
}

#[test]
fn everything_that_is_wrong_with_a_file_is_told_at_once() {
    let wrong = |text: &str| Adapters::from_toml("pbx.toml", text).unwrap_err().to_string();
    insta::assert_snapshot!("wrong_keys", wrong(include_str!("tests/wrong_keys.toml")));
    insta::assert_snapshot!("wrong_values", wrong(include_str!("tests/wrong_values.toml")));
    assert_eq!(
        wrong("[adapter]\n"),
        "pbx.toml: adapter: a table is not a list of tables; write [{ … }, { … }]"
    );
    assert_eq!(wrong(""), "pbx.toml: holds no adapter; begin one with [[adapter]]");
    assert!(wrong("[[adapter]").contains("is not TOML"));
    let mut one = adapter("", &format!("{ENDED}\nusage = {{ between = [\"answered\", \"ended\"] }}"));
    let twice = one.append("other.toml", one.clone()).unwrap_err().to_string();
    assert_eq!(
        twice,
        "other.toml: adapter \"pbx\": there is another adapter of this name; give one of them another"
    );
}
